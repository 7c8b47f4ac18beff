//! Revocation of one certificate, judged at an instant (RFC 5280 section 6.3, RFC 6960).

use super::rules::{Place, check_issuer, check_one, check_suite};
use super::search::{Quest, Search, certificate_evidence};
use super::{Conformance, Policy, Purpose, RevocationRule, Standing};
use crate::certificate::DistributionPoint;
use crate::name::GeneralName;
use crate::ocsp::{OcspAnswer, OcspStatus};
use crate::policies::PolicyInputs;
use crate::{Certificate, Error, Evidence, OcspResponse, RevocationList, Revoked, oid};
use mifeng_crypto::Time;

/// All reasons of ReasonFlags but `unused`, bit n for bit n.
const ALL_REASONS: u16 = 0x1fe;
/// Signers of lists within signers of lists: real ones have one.
const NESTING_MAX: usize = 2;

/// What was gathered about one certificate.
#[derive(Default)]
struct Gathered {
    /// Reasons that lists which speak for the instant cover.
    covered: u16,
    later: Option<Revoked>,
    /// The end of the newest list or answer that ended before the instant.
    stale: Option<Time>,
    trouble: Option<Error>,
}

impl Search<'_> {
    /// What is known about `path[at]`, issued by `path[at + 1]`, whose anchor is the last.
    ///
    /// # Errors
    /// [`Error::Revoked`]; [`Error::StaleRevocation`], [`Error::RevocationUnknown`] or why a list
    /// or response is bad, if nothing good is at hand.
    pub(super) fn standing(
        &mut self,
        path: &[Certificate],
        at: usize,
        quest: &Quest<'_>,
        evidence: &mut Vec<Evidence>,
    ) -> Result<Standing, Error> {
        let (child, issuer) = (&path[at], &path[at + 1]);
        let mut gathered = Gathered::default();
        self.ask_answers(&path[at..], quest, &mut gathered, evidence)?;
        self.ask_responses(&path[at..], quest, &mut gathered, evidence)?;
        self.ask_lists(&path[at..], quest, &mut gathered, evidence)?;
        if gathered.covered & ALL_REASONS == ALL_REASONS {
            return Ok(match gathered.later {
                Some(entry) => Standing::RevokedLater {
                    revoked: entry.revoked,
                    reason: entry.reason,
                },
                None => Standing::Good,
            });
        }
        if let Some(error) = gathered.trouble {
            return Err(error);
        }
        if let Some(next_update) = gathered.stale {
            return Err(Error::StaleRevocation {
                issuer: issuer.subject_name(),
                next_update,
                at: quest.at,
            });
        }
        if quest.policy.revocation == RevocationRule::Required {
            return Err(Error::RevocationUnknown {
                subject: child.subject_name(),
                issuer: issuer.subject_name(),
                at: quest.at,
            });
        }
        Ok(Standing::Unknown)
    }

    /// Answers that were verified before: one that says revoked counts for ever, one that says good until it ends.
    /// After that it says nothing, where a response at hand would be stale: whoever asked once sets no term to anybody.
    fn ask_answers(
        &mut self,
        chain: &[Certificate],
        quest: &Quest<'_>,
        gathered: &mut Gathered,
        evidence: &mut Vec<Evidence>,
    ) -> Result<(), Error> {
        let (child, issuer) = (&chain[0], &chain[1]);
        for known in self.material.answers {
            let answer = known.answer();
            if !answer.is_about(child, issuer) {
                continue;
            }
            if let OcspStatus::Revoked(entry) = &answer.status {
                if entry.is_hold() && self.is_released(entry, answer.this_update, chain, quest)? {
                    continue;
                }
                gathered.revoked(entry, child, quest.at)?;
            }
            let expired = is_past(answer.this_update, child, answer.archive_cutoff);
            if !expired && answer.speaks_at(quest.at) {
                gathered.covered |= ALL_REASONS;
                evidence.push(known.response().evidence());
            }
        }
        Ok(())
    }

    /// OCSP: every answer about `chain[0]`, issued by `chain[1]`.
    fn ask_responses(
        &mut self,
        chain: &[Certificate],
        quest: &Quest<'_>,
        gathered: &mut Gathered,
        evidence: &mut Vec<Evidence>,
    ) -> Result<(), Error> {
        let (child, issuer) = (&chain[0], &chain[1]);
        for response in self.material.ocsp {
            let about = |answer: &&OcspAnswer| answer.is_about(child, issuer);
            let Some(answer) = response.answers().iter().find(about) else {
                continue;
            };
            match self.response_is_signed(response, Some(child), &chain[1..], quest, evidence) {
                Ok(true) => evidence.push(response.evidence()),
                Ok(false) => continue,
                Err(stop @ Error::Budget { .. }) => return Err(stop),
                Err(error) => {
                    gathered.trouble.get_or_insert(error);
                    continue;
                }
            }
            match &answer.status {
                OcspStatus::Unknown => continue,
                OcspStatus::Good => {}
                OcspStatus::Revoked(entry)
                    if entry.is_hold()
                        && self.is_released(entry, answer.this_update, chain, quest)? =>
                {
                    continue;
                }
                OcspStatus::Revoked(entry) => gathered.revoked(entry, child, quest.at)?,
            }
            let kept = answer.archive_cutoff;
            if is_past(answer.this_update, child, kept) {
                continue;
            }
            gathered.speaks(
                answer.this_update,
                answer.next_update,
                quest.at,
                ALL_REASONS,
            );
        }
        Ok(())
    }

    /// Whether a response is signed by the issuer, `above[0]`, or by a responder that it named; false if that
    /// cannot be told without the certificate that is being judged.
    pub(super) fn response_is_signed(
        &mut self,
        response: &OcspResponse,
        child: Option<&Certificate>,
        above: &[Certificate],
        quest: &Quest<'_>,
        evidence: &mut Vec<Evidence>,
    ) -> Result<bool, Error> {
        let issuer = &above[0];
        check_suite(
            response.signature_alg(),
            quest.policy,
            "OCSP response signature",
        )?;
        refuse_critical(response.unknown_critical())?;
        let mut reason = Error::Ocsp {
            rule: "no certificate of the responder is at hand",
        };
        if response.names(issuer) {
            let verify = || response.verify(issuer);
            match self.ledger.once(response.id(), issuer, verify) {
                Ok(()) => return Ok(true),
                Err(stop @ Error::Budget { .. }) => return Err(stop),
                Err(error) => reason = error,
            }
        }
        let at = quest.at.max(response.produced_at());
        let mut policy = signer_policy(quest.policy, Purpose::OcspSigning);
        // A responder without ocsp-nocheck is judged by the rule of what it answers about.
        policy.revocation = quest.policy.revocation;
        let material = self.material;
        for responder in response.certificates().iter().chain(material.intermediates) {
            if !response.names(responder) || responder.issuer() != issuer.subject() {
                continue;
            }
            if quest.busy.contains(&responder.id()) || Some(responder) == child {
                return Ok(false);
            }
            let own: Vec<usize> = child.map(Certificate::id).into_iter().collect();
            let busy = [quest.busy, &own].concat();
            let deeper = Quest::new(at, &policy, quest.anchors, &busy);
            match self.responder(response, responder, above, &deeper, evidence) {
                Ok(()) => {
                    evidence.push(certificate_evidence(responder));
                    return Ok(true);
                }
                Err(stop @ Error::Budget { .. }) => return Err(stop),
                Err(error) => reason = error,
            }
        }
        Err(reason)
    }

    /// A delegated responder: issued by the issuer itself, for OCSP signing, not revoked
    /// (RFC 6960 section 4.2.2.2).
    fn responder(
        &mut self,
        response: &OcspResponse,
        responder: &Certificate,
        above: &[Certificate],
        quest: &Quest<'_>,
        evidence: &mut Vec<Evidence>,
    ) -> Result<(), Error> {
        let issuer = &above[0];
        check_one(responder, quest.at, Place::Between, quest.policy)?;
        quest.policy.check_leaf(responder)?;
        check_issuer(issuer, responder)?;
        let what = "certificate signature";
        let alg = check_suite(responder.signature_alg(), quest.policy, what)?;
        self.ledger.once(responder.id(), issuer, || {
            issuer.verifies(
                alg,
                responder.tbs_der(),
                responder.signature(),
                "certificate",
            )
        })?;
        self.ledger
            .once(response.id(), responder, || response.verify(responder))?;
        let unchecked = responder.extension_criticality(oid::OCSP_NOCHECK).is_some();
        if !unchecked {
            if quest.busy.len() > NESTING_MAX {
                return Err(Error::Budget {
                    what: "levels of OCSP responders",
                    max: NESTING_MAX,
                });
            }
            let chain = [core::slice::from_ref(responder), above].concat();
            self.standing(&chain, 0, quest, evidence)?;
        }
        Ok(())
    }

    /// Revocation lists: every complete one that covers `chain[0]`, with its deltas.
    fn ask_lists(
        &mut self,
        chain: &[Certificate],
        quest: &Quest<'_>,
        gathered: &mut Gathered,
        evidence: &mut Vec<Evidence>,
    ) -> Result<(), Error> {
        let child = &chain[0];
        let material = self.material;
        for list in material.crls.iter().filter(|list| !list.is_delta()) {
            let Some(reasons) = covered_reasons(list, child) else {
                continue;
            };
            match self.list_is_good(list, chain, quest, evidence) {
                Ok(true) => evidence.push(list.evidence()),
                Ok(false) => continue,
                Err(stop @ Error::Budget { .. }) => return Err(stop),
                Err(error) => {
                    gathered.trouble.get_or_insert(error);
                    continue;
                }
            }
            let mut newest = list;
            let mut said = Sayings::of(list, child);
            // In the order of their numbers, whatever order they were handed over in.
            let mut deltas: Vec<_> = material.crls.iter().filter(|d| d.extends(list)).collect();
            deltas.sort_by(|a, b| a.order().cmp(&b.order()));
            for delta in deltas {
                match self.list_is_good(delta, chain, quest, evidence) {
                    Ok(true) => evidence.push(delta.evidence()),
                    Ok(false) => continue,
                    Err(stop @ Error::Budget { .. }) => return Err(stop),
                    Err(error) => {
                        gathered.trouble.get_or_insert(error);
                        continue;
                    }
                }
                said.go_on(delta, child, quest.at);
                if delta.this_update() >= newest.this_update() {
                    newest = delta;
                }
            }
            for (entry, made) in said.0 {
                if !(entry.is_hold() && self.is_released(&entry, made, chain, quest)?) {
                    gathered.revoked(&entry, child, quest.at)?;
                }
            }
            if !is_past(newest.this_update(), child, list.expired_since()) {
                let (made, ends) = (newest.this_update(), newest.next_update());
                gathered.speaks(made, ends, quest.at, reasons);
            }
        }
        Ok(())
    }

    /// Whether a hold, said by a list or an answer made at `made`, was over at the instant: a newer list by the
    /// issuer itself about all reasons, known by then, does not name the certificate any more.
    fn is_released(
        &mut self,
        hold: &Revoked,
        made: Time,
        chain: &[Certificate],
        quest: &Quest<'_>,
    ) -> Result<bool, Error> {
        let (child, issuer) = (&chain[0], &chain[1]);
        let material = self.material;
        let newer = material.crls.iter().filter(|newer| {
            !newer.is_delta()
                && newer.this_update() > hold.revoked.max(made)
                && newer.this_update() <= quest.at
                && newer.unknown_critical().is_none()
                && newer.names(issuer)
                && covered_reasons(newer, child) == Some(ALL_REASONS)
                && newer.entry(child.serial_raw(), child.issuer()).is_none()
        });
        for newer in newer {
            match self
                .ledger
                .once(newer.id(), issuer, || newer.verify(issuer))
            {
                Ok(()) => return Ok(true),
                Err(stop @ Error::Budget { .. }) => return Err(stop),
                Err(_) => {}
            }
        }
        Ok(false)
    }

    /// Whether a list is signed by the issuer of `chain[0]` or by another signer of lists under
    /// the same anchor; false if that cannot be told without a certificate that is being judged.
    fn list_is_good(
        &mut self,
        list: &RevocationList,
        chain: &[Certificate],
        quest: &Quest<'_>,
        evidence: &mut Vec<Evidence>,
    ) -> Result<bool, Error> {
        let what = "revocation list signature";
        check_suite(list.signature_alg(), quest.policy, what)?;
        refuse_critical(list.unknown_critical())?;
        if quest.policy.conformance == Conformance::Strict && list.number().is_none() {
            return Err(Error::Malformed {
                what: "revocation list: no number",
            });
        }
        let (child, issuer) = (&chain[0], &chain[1]);
        let mut reason = Error::BadSignature {
            what: "revocation list",
        };
        if list.names(issuer) {
            match self.ledger.once(list.id(), issuer, || list.verify(issuer)) {
                Ok(()) => return Ok(true),
                Err(stop @ Error::Budget { .. }) => return Err(stop),
                Err(error) => reason = error,
            }
        }
        let anchor = chain.last().unwrap_or(issuer);
        let material = self.material;
        let above = chain[1..].iter().chain(material.intermediates);
        let mut deferred = false;
        for signer in above.filter(|signer| *signer != issuer && list.names(signer)) {
            if quest.busy.contains(&signer.id()) || signer == child {
                deferred = true;
                continue;
            }
            match self.signer(list, signer, child, anchor, quest, evidence) {
                Ok(()) => return Ok(true),
                Err(stop @ Error::Budget { .. }) => return Err(stop),
                Err(error) => reason = error,
            }
        }
        if deferred { Ok(false) } else { Err(reason) }
    }

    /// A signer of lists that is not the issuer: RFC 5280 section 6.3.3 (f) and (g).
    fn signer(
        &mut self,
        list: &RevocationList,
        signer: &Certificate,
        child: &Certificate,
        anchor: &Certificate,
        quest: &Quest<'_>,
        evidence: &mut Vec<Evidence>,
    ) -> Result<(), Error> {
        self.ledger
            .once(list.id(), signer, || list.verify(signer))?;
        let busy = [quest.busy, &[child.id()]].concat();
        if busy.len() > NESTING_MAX {
            return Err(Error::Budget {
                what: "levels of revocation list signers",
                max: NESTING_MAX,
            });
        }
        let policy = signer_policy(quest.policy, Purpose::RevocationListSigning);
        let at = quest.at.max(list.this_update());
        let anchors = [anchor.clone()];
        let found = self.find(signer, &mut Quest::new(at, &policy, &anchors, &busy))?;
        evidence.extend(found.path.iter().map(certificate_evidence));
        evidence.extend(found.evidence);
        Ok(())
    }
}

/// What a complete list and its deltas say against a certificate, each with the instant at which
/// the list that says so was made.
struct Sayings(Vec<(Revoked, Time)>);

impl Sayings {
    fn of(list: &RevocationList, child: &Certificate) -> Self {
        let entry = list.entry(child.serial_raw(), child.issuer());
        Sayings(entry.map(|e| (e, list.this_update())).into_iter().collect())
    }

    /// Takes the delta with the next number. A removal that was known at the instant ends all that
    /// was said before; one from later ends nothing.
    fn go_on(&mut self, delta: &RevocationList, child: &Certificate, at: Time) {
        match delta.entry(child.serial_raw(), child.issuer()) {
            Some(entry) if !entry.is_removal() => self.0.push((entry, delta.this_update())),
            Some(_) if delta.this_update() <= at => self.0.clear(),
            _ => {}
        }
    }
}

impl Gathered {
    /// Takes an entry: refused if it counts at `at`.
    fn revoked(&mut self, entry: &Revoked, child: &Certificate, at: Time) -> Result<(), Error> {
        if entry.from() <= at {
            return Err(Error::Revoked {
                subject: child.subject_name(),
                revoked: entry.from(),
                at,
            });
        }
        if self
            .later
            .as_ref()
            .is_none_or(|known| entry.from() < known.from())
        {
            self.later = Some(entry.clone());
        }
        Ok(())
    }

    /// A list or answer made at `made` speaks for everything before `ends`; without an end only
    /// for what was before it was made.
    fn speaks(&mut self, made: Time, ends: Option<Time>, at: Time, reasons: u16) {
        let ends = ends.unwrap_or(made);
        if at.as_unix_seconds() <= ends.as_unix_seconds() {
            self.covered |= reasons;
        } else {
            self.stale = self.stale.max(Some(ends));
        }
    }
}

/// Lists made after a certificate expired need not name it any more (RFC 5280 section 3.3), unless
/// they say since when they keep expired ones.
fn is_past(made: Time, child: &Certificate, kept_since: Option<Time>) -> bool {
    made > child.not_after() && kept_since.is_none_or(|since| since > child.not_after())
}

fn refuse_critical(id: Option<oid::Oid>) -> Result<(), Error> {
    id.map_or(Ok(()), |id| {
        Err(Error::CriticalExtension {
            oid: id.to_string(),
        })
    })
}

/// The policy for those who sign lists and responses: the same suite and strictness.
fn signer_policy(policy: &Policy, purpose: Purpose) -> Policy {
    Policy {
        purpose,
        revocation: RevocationRule::IfKnown,
        extended_usage: None,
        policies: PolicyInputs::default(),
        ..policy.clone()
    }
}

/// The reasons for which a list speaks about a certificate, by its issuing distribution point and
/// the certificate's distribution points (RFC 5280 section 6.3.3 (b) to (d)); none if it is about
/// others.
fn covered_reasons(list: &RevocationList, child: &Certificate) -> Option<u16> {
    let scope = list.scope();
    let is_ca = child.is_ca();
    if scope.is_some_and(|s| s.only_attributes || s.only_users && is_ca || s.only_cas && !is_ca) {
        return None;
    }
    // At last, lists of the issuer itself that no distribution point names (the end of 6.3.3).
    let own = DistributionPoint {
        names: Some(vec![GeneralName::Directory(child.issuer().clone())]),
        reasons: None,
        issuers: Vec::new(),
    };
    let points = child.distribution_points().unwrap_or_default().iter();
    let fitting = points
        .chain([&own])
        .filter(|point| fits(list, point, child));
    let of_list = scope.and_then(|scope| scope.reasons).unwrap_or(ALL_REASONS);
    let reasons = fitting.map(|point| point.reasons.unwrap_or(ALL_REASONS) & of_list);
    let all = reasons.fold(0, |all, reasons| all | reasons) & ALL_REASONS;
    (all != 0).then_some(all)
}

fn fits(list: &RevocationList, point: &DistributionPoint, child: &Certificate) -> bool {
    let by_others = !point.issuers.is_empty();
    let issuer_fits = if by_others {
        list.is_indirect() && point.issuers.contains(list.issuer())
    } else {
        list.issuer() == child.issuer()
    };
    let names_fit = match (list.scope().and_then(|s| s.names.as_ref()), &point.names) {
        (None, _) => true,
        (Some(of_list), Some(of_point)) => of_list.iter().any(|name| of_point.contains(name)),
        (Some(of_list), None) => point
            .issuers
            .iter()
            .any(|name| of_list.contains(&GeneralName::Directory(name.clone()))),
    };
    issuer_fits && names_fit
}
