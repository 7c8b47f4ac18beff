//! Whose certificates count: the roots that the notice lists, or the trust list it pins.

use crate::answers::Answers;
use crate::events::{CrlTake, TrustListEvent};
use crate::notice::Notice;
use crate::refusal::{self, Refusal};
use crate::state::{Act, Bid, Stage, State, Trust};
use mifeng_crypto::{Digest, Suite, Time};
use mifeng_pki::trust::{Presented, SignedTrustList, TrustChain, TrustVersion, Usage};
use mifeng_pki::{
    Anchors, Certificate, Material, Policy, RevocationList, VerifiedAnswer, judge_path, tsp,
};
use mifeng_record::Record;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Whoever signed before the notice is judged when the notice comes.
#[derive(Clone, Debug)]
pub(crate) struct EarlySigner {
    pub(crate) certificate: Certificate,
    pub(crate) chain: Vec<Certificate>,
    pub(crate) time: Time,
    pub(crate) usages: &'static [Usage],
    /// Of a board's own record, not of one of this log.
    pub(crate) of_board: bool,
}

/// A certificate that counts.
pub(crate) struct Judged {
    /// The credit code that it stands for.
    pub(crate) code: Option<String>,
    /// Whether something spoke about the revocation of every certificate of its path.
    pub(crate) revocation_known: bool,
}

/// What a certificate must be recognised for, so that its holder may sign a record of this type;
/// one of them is enough.
pub(crate) fn usages_of(kind: &str, by_host: bool) -> &'static [Usage] {
    match kind {
        _ if by_host => &[Usage::Host],
        "log.config" => &[Usage::Host],
        "bid.submit" | "bid.replace" | "bid.withdraw" | "bidder.share" | "price.confirm"
        | "clarify.answer" | "offer.submit" | "offer.exit" | "opening.ask" => &[Usage::BidSigning],
        "contract.stamp" => &[Usage::BidSigning, Usage::RecordSigning],
        "draw.share" | "key.reveal" => &[Usage::Trustee],
        "opening.sign" => &[Usage::RecordSigning, Usage::BidSigning, Usage::Trustee],
        "seat.cosign" => &[Usage::RecordSigning, Usage::Trustee],
        "trust.list" => &[Usage::RecordSigning, Usage::Host],
        kind if kind.starts_with("board.") => &[Usage::Trustee],
        _ => &[Usage::RecordSigning],
    }
}

/// Who counts, as a notice says.
pub(crate) struct Recognition<'a> {
    notice: &'a Notice,
    lists: Option<&'a TrustChain>,
    suite: &'static Suite,
    answers: &'a Answers,
    trust: &'a Trust<'a>,
}

impl<'a> Recognition<'a> {
    pub(crate) fn new(
        notice: &'a Notice,
        lists: Option<&'a TrustChain>,
        suite: &'static Suite,
        answers: &'a Answers,
        trust: &'a Trust<'a>,
    ) -> Self {
        Recognition {
            notice,
            lists: lists.filter(|_| notice.trust_list.is_some()),
            suite,
            answers,
            trust,
        }
    }

    /// Judges a signer at the instant from which its record counts, and at the later one that the
    /// log proves: whoever writes an earlier date into a record gains nothing by it. Its CA is judged
    /// as on the day `on`, if one is given, else as at those instants.
    ///
    /// # Errors
    /// As [`Recognition::judge`].
    pub(crate) fn judge_taken(
        &self,
        signer: (&Certificate, &[Certificate]),
        usages: &[Usage],
        (at, taken): (Time, Time),
        on: Option<Time>,
    ) -> Result<Judged, Refusal> {
        let judged = self.judge(signer, usages, at, on.unwrap_or(at))?;
        if taken <= at {
            return Ok(judged);
        }
        self.judge(signer, usages, taken, on.unwrap_or(taken))
    }

    /// Judges a certificate: its path at `at`, its CA as recognised on the day `on`.
    ///
    /// # Errors
    /// [`refusal::UNLISTED_CA`], [`refusal::NOT_RECOGNISED`], [`refusal::REVOKED`],
    /// [`refusal::BAD_CERTIFICATE`].
    pub(crate) fn judge(
        &self,
        (certificate, chain): (&Certificate, &[Certificate]),
        usages: &[Usage],
        at: Time,
        on: Time,
    ) -> Result<Judged, Refusal> {
        // A list issued later than `at` was not known then; what was accepted stays accepted.
        let crls = issued_by(self.trust.crls, at);
        let about = |until| self.answers.about(certificate, chain, until);
        let look = |crls: &[RevocationList], answers: &[VerifiedAnswer], usage| {
            let presented = Presented {
                leaf: certificate,
                intermediates: chain,
                crls,
                ocsp: &[],
                answers,
                at,
            };
            match self.lists {
                Some(lists) => self.by_list(lists, &presented, usage, on),
                None => self.by_roots(&presented, usage),
            }
        };
        let mut outcome = None;
        for usage in usages {
            let found = look(&crls, &about(Some(at)), *usage).or_else(|e| match e.code() {
                // In a gap between two lists the later one speaks: it can clear, never revoke.
                "pki.stale-revocation" => {
                    look(self.trust.crls, &about(None), *usage).map_err(|_| e)
                }
                _ => Err(e),
            });
            match found {
                Ok(judged) => return Ok(judged),
                Err(e) => outcome.get_or_insert(e),
            };
        }
        let e = outcome.ok_or_else(|| Refusal::new(&refusal::NOT_AUTHORISED, ""))?;
        let rule = match e.code() {
            "pki.unlisted-ca" => &refusal::UNLISTED_CA,
            "pki.not-recognised" => &refusal::NOT_RECOGNISED,
            "pki.revoked" => &refusal::REVOKED,
            _ => &refusal::BAD_CERTIFICATE,
        };
        let who = certificate.subject_name();
        Err(Refusal::new(rule, format!("{who}: {e}")))
    }

    fn by_list(
        &self,
        lists: &TrustChain,
        presented: &Presented<'_>,
        usage: Usage,
        on: Time,
    ) -> Result<Judged, mifeng_pki::Error> {
        let recognised = in_force(lists, on).recognise(presented, usage, on)?;
        Ok(Judged {
            revocation_known: recognised.path.revocation_known(),
            code: recognised.code,
        })
    }

    fn by_roots(
        &self,
        presented: &Presented<'_>,
        usage: Usage,
    ) -> Result<Judged, mifeng_pki::Error> {
        let material = Material {
            intermediates: presented.intermediates,
            crls: presented.crls,
            ocsp: presented.ocsp,
            answers: presented.answers,
        };
        let policy = Policy::new(usage.purpose(), self.suite);
        let roots = self.listed_roots();
        let path = judge_path(presented.leaf, &material, &roots, presented.at, &policy)?;
        Ok(Judged {
            code: presented.leaf.uscc(),
            revocation_known: path.revocation_known(),
        })
    }

    /// The roots that the notice itself lists.
    pub(crate) fn listed_roots(&self) -> Anchors {
        let alg = self.suite.hash();
        let listed = |root: &&Certificate| self.notice.trust.contains(&root.fingerprint(alg));
        Anchors::new(self.trust.roots.iter().filter(listed).cloned().collect())
    }
}

/// The lists that counted at `at`.
pub(crate) fn issued_by(crls: &[RevocationList], at: Time) -> Vec<RevocationList> {
    let known = crls.iter().filter(|list| list.counts_from() <= at);
    known.cloned().collect()
}

/// The version in force; an instant before the first one, as a signer's slow clock may show, is
/// judged by the first, which the notice pins.
fn in_force(lists: &TrustChain, on: Time) -> &TrustVersion {
    lists.in_force(on).unwrap_or(&lists.versions()[0])
}

/// What a certificate may be recognised for.
const ANY: &[Usage] = &[
    Usage::RecordSigning,
    Usage::BidSigning,
    Usage::Trustee,
    Usage::Host,
];

fn no_notice() -> Refusal {
    Refusal::new(&refusal::WRONG_STAGE, "there is no notice yet")
}

/// Who counted in a tender when this was taken ([`State::recogniser`]): it says the same as [`State::recognises`] as long as
/// no notice, trust list, revocation list or OCSP answer comes.
#[derive(Clone, Debug)]
pub struct Recogniser {
    notice: Option<Notice>,
    lists: Option<TrustChain>,
    suite: &'static Suite,
    answers: Arc<Answers>,
}

impl Recogniser {
    /// As [`State::recognises`].
    ///
    /// # Errors
    /// As there.
    pub fn recognises(
        &self,
        certificate: &Certificate,
        chain: &[Certificate],
        at: Time,
        trust: &Trust<'_>,
    ) -> Result<(), Refusal> {
        let notice = self.notice.as_ref().ok_or_else(no_notice)?;
        Recognition::new(
            notice,
            self.lists.as_ref(),
            self.suite,
            &self.answers,
            trust,
        )
        .judge((certificate, chain), ANY, at, at)
        .map(|_| ())
    }
}

impl State {
    pub(crate) fn recognition<'a>(&'a self, trust: &'a Trust<'a>) -> Option<Recognition<'a>> {
        let (_, notice) = self.notice.as_ref()?;
        Some(Recognition::new(
            notice,
            self.lists.as_ref(),
            self.suite,
            &self.answers,
            trust,
        ))
    }

    /// The day by whose trust list the signer of a record is judged, if it is not that of the record:
    /// whoever has an accepted bid goes on with it under the list that accepted it, for a CA that
    /// leaves the list later takes no bid away.
    pub(crate) fn accepted_on(&self, record: &Record) -> Option<Time> {
        let goes_on = matches!(
            record.kind(),
            "bidder.share"
                | "price.confirm"
                | "clarify.answer"
                | "offer.submit"
                | "offer.exit"
                | "opening.ask"
                | "contract.stamp"
        );
        if !goes_on {
            // Most records, so the bids are not gone through for them.
            return None;
        }
        let own =
            |bid: &&Bid| bid.is_live_first() && bid.seal.context().bidder_cert == record.actor();
        let bids = self.bids.values().filter(own);
        bids.map(|bid| bid.accepted).max()
    }

    /// `trust.list`: the first version before the notice, or the next one at any time. The next one
    /// counts from the instant it is in the log, whatever earlier day it names.
    pub(crate) fn trust_list(
        &mut self,
        data: &TrustListEvent,
        act: &Act<'_>,
    ) -> Result<(), Refusal> {
        let (record, taken) = (act.record, act.taken);
        if self.stage == Stage::Archived {
            return Err(Refusal::new(&refusal::WRONG_STAGE, "the log is closed"));
        }
        if let Some((_, notice)) = &self.notice {
            if notice.trust_list.is_none() {
                let detail = "the notice recognises fixed roots";
                return Err(Refusal::new(&refusal::WRONG_STAGE, detail));
            }
            self.require_host(record).or(self.require_agency(record))?;
        }
        let bad = |e: mifeng_pki::Error| Refusal::new(&refusal::BAD_TRUST_LIST, e.to_string());
        let signed = SignedTrustList::from_base64(&data.list, &data.sig).map_err(bad)?;
        let known = issued_by(act.trust.crls, taken);
        let (answers, ever) = (self.answers.known(taken), self.answers.ever());
        // In a gap between two lists the later one speaks for an operator too: it can clear, never revoke.
        let in_gap = |e: &mifeng_pki::Error| e.code() == "pki.stale-revocation";
        match &mut self.lists {
            Some(lists) => {
                let mut added = lists.add_with(&signed, taken, &known, &answers).map(drop);
                if added.as_ref().is_err_and(in_gap) {
                    let later = lists.add_with(&signed, taken, act.trust.crls, &ever);
                    added = later.map(drop).or(added);
                }
                added.map_err(bad)?;
                lists.count_last_from(taken);
            }
            lists @ None => {
                let mut first = TrustChain::start(&signed, self.suite, taken, &known);
                if first.as_ref().is_err_and(in_gap) {
                    first = TrustChain::start(&signed, self.suite, taken, act.trust.crls).or(first);
                }
                *lists = Some(first.map_err(bad)?);
            }
        }
        Ok(())
    }

    /// `crl.take`: the host takes in a revocation list, which counts from this record on. Whoever replays needs
    /// the list at hand from here.
    pub(crate) fn crl_take(&mut self, data: &CrlTake, act: &Act<'_>) -> Result<(), Refusal> {
        self.require_host(act.record)?;
        if self.notice.is_none() || self.stage == Stage::Archived {
            let detail = "a revocation list is recorded between the notice and the archive";
            return Err(Refusal::new(&refusal::WRONG_STAGE, detail));
        }
        if self.crls_taken.contains_key(&data.list) {
            return Err(Refusal::new(&refusal::REPLAY, "this list was taken before"));
        }
        self.crls_taken.insert(data.list, act.taken);
        Ok(())
    }

    /// The revocation lists that were recorded (`crl.take`), by the hash of their DER, and from when on each counts.
    pub fn crls_taken(&self) -> &BTreeMap<Digest, Time> {
        &self.crls_taken
    }

    /// Takes note of a version that the log may hold in a beat not yet revealed: what a bidder
    /// foresees, never what a host or verifier accepts.
    ///
    /// # Errors
    /// [`refusal::BAD_TRUST_LIST`] if it does not follow the versions that are known.
    pub fn foresee_list(&mut self, signed: &SignedTrustList) -> Result<(), Refusal> {
        let bad = |e: mifeng_pki::Error| Refusal::new(&refusal::BAD_TRUST_LIST, e.to_string());
        let lists = self
            .lists
            .as_mut()
            .ok_or_else(|| Refusal::new(&refusal::WRONG_STAGE, "the log holds no trust list"))?;
        let digest = signed.digest().map_err(bad)?;
        if lists.find(&digest).is_none() {
            // Judged as of the day it is in force; the host judges again when it is logged.
            let at = signed.list().map_err(bad)?.effective;
            lists.add(signed, at, &[]).map_err(bad)?;
        }
        Ok(())
    }

    /// The notice pins the version in force when it is published.
    pub(crate) fn check_pinned(&self, notice: &Notice, at: Time) -> Result<(), Refusal> {
        let unlawful = |detail: String| Err(Refusal::new(&refusal::BAD_NOTICE, detail));
        match (&notice.trust_list, &self.lists) {
            (None, None) => Ok(()),
            (None, Some(_)) => unlawful("the log holds a trust list, the notice pins none".into()),
            (Some(_), None) => unlawful("the log holds no trust list".into()),
            (Some(pinned), Some(lists)) => match lists.in_force(at) {
                Some(version) if version.digest() == *pinned => Ok(()),
                Some(version) => unlawful(format!(
                    "trust list {pinned} is pinned, {} is in force",
                    version.digest()
                )),
                None => unlawful(format!("no version of the trust list is in force at {at}")),
            },
        }
    }

    /// The trust lists of this tender: the pinned version and those after it.
    pub fn trust_lists(&self) -> Option<&TrustChain> {
        self.lists.as_ref()
    }

    /// Fingerprints of every root that this tender ever recognised.
    pub fn recognised_roots(&self) -> Vec<Digest> {
        let Some((_, notice)) = &self.notice else {
            return Vec::new();
        };
        let alg = self.suite.hash();
        let versions = self.lists.iter().flat_map(TrustChain::versions);
        let mut roots: Vec<Digest> = versions
            .flat_map(TrustVersion::roots)
            .map(|root| root.fingerprint(alg))
            .chain(notice.trust.iter().copied())
            .collect();
        roots.sort();
        roots.dedup();
        roots
    }

    /// Whether this tender recognises a certificate at `at` for anything that its records are signed for.
    ///
    /// # Errors
    /// As for a record signed with it; [`refusal::WRONG_STAGE`] before the notice.
    pub fn recognises(
        &self,
        certificate: &Certificate,
        chain: &[Certificate],
        at: Time,
        trust: &Trust<'_>,
    ) -> Result<(), Refusal> {
        let recognition = self.recognition(trust).ok_or_else(no_notice)?;
        recognition
            .judge((certificate, chain), ANY, at, at)
            .map(|_| ())
    }

    /// Who counts now, for those who look at certificates elsewhere.
    pub fn recogniser(&self) -> Recogniser {
        Recogniser {
            notice: self.notice.as_ref().map(|(_, notice)| notice.clone()),
            lists: self.lists.clone(),
            suite: self.suite,
            answers: Arc::clone(&self.answers),
        }
    }

    /// The credit code that a certificate stands for at `at`, as host and verifier will read it.
    ///
    /// # Errors
    /// As for a record signed with it; [`refusal::BAD_CERTIFICATE`] if it names no organisation.
    pub fn organisation(
        &self,
        certificate: &Certificate,
        chain: &[Certificate],
        usage: Usage,
        at: Time,
        trust: &Trust<'_>,
    ) -> Result<String, Refusal> {
        self.organisation_on((certificate, chain), usage, (at, at), trust)
    }

    /// The same, with its CA as recognised on another day.
    pub(crate) fn organisation_on(
        &self,
        of: (&Certificate, &[Certificate]),
        usage: Usage,
        (at, on): (Time, Time),
        trust: &Trust<'_>,
    ) -> Result<String, Refusal> {
        let recognition = self
            .recognition(trust)
            .ok_or_else(|| Refusal::new(&refusal::WRONG_STAGE, "there is no notice yet"))?;
        recognition
            .judge(of, &[usage], at, on)?
            .code
            .ok_or_else(|| {
                let detail = "no unified social credit code where its CA writes it";
                Refusal::new(&refusal::BAD_CERTIFICATE, detail)
            })
    }

    /// Verifies a time-stamp token by an authority that this tender recognises when it stamped.
    ///
    /// # Errors
    /// Those of [`tsp::verify_token`].
    pub fn verify_stamp(
        &self,
        token: &[u8],
        imprint: &Digest,
        trust: &Trust<'_>,
    ) -> Result<tsp::TimeStamp, mifeng_pki::Error> {
        let imprint = tsp::Imprint::new(*imprint, self.suite.hash());
        let by = |anchors: &Anchors, crls: &[RevocationList], answers: &[VerifiedAnswer]| {
            let mut check = tsp::TokenCheck::new(&imprint, anchors, self.suite);
            (check.material.crls, check.material.answers) = (crls, answers);
            tsp::check_token(token, &check)
        };
        // As for signers: by what counted when it was made; in a gap a later list can clear. What a record took in
        // late cannot: a stamp that stood before that record must stand after it.
        let early: Vec<_> = trust
            .crls
            .iter()
            .filter(|list| list.counts_from() == list.this_update())
            .cloned()
            .collect();
        let check = |anchors: &Anchors| {
            let made = by(anchors, &[], &[])?.gen_time;
            let answers = self.answers.known(made);
            by(anchors, &issued_by(trust.crls, made), &answers).or_else(|e| match e.code() {
                "pki.stale-revocation" => by(anchors, &early, &answers).map_err(|_| e),
                _ => Err(e),
            })
        };
        let Some(recognition) = self.recognition(trust) else {
            return check(&Anchors::default());
        };
        let Some(lists) = recognition.lists else {
            return check(&recognition.listed_roots());
        };
        // The token says when it was made; the version of that instant must recognise its authority.
        let claimed = lists.versions().iter().find_map(|version| {
            let anchors = Anchors::new(version.roots().cloned().collect());
            check(&anchors).ok()
        });
        let on = claimed.map_or(lists.last().list().effective, |stamp| stamp.gen_time);
        check(&in_force(lists, on).anchors(Usage::TimeStamping, on))
    }
}
