//! OCSP answers that the log took (`ocsp.take`): what a CA without revocation lists says about those who sign.

use crate::ahead::Ahead;
use crate::events::OcspTake;
use crate::recognition::issued_by;
use crate::refusal::{self, Refusal};
use crate::state::{Act, Stage, State, Trust};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use mifeng_crypto::{Digest, Time};
use mifeng_pki::trust::TrustVersion;
use mifeng_pki::{
    ANSWER_CHAIN_MAX, Anchors, CERTIFICATE_LEN_MAX, Certificate, OcspResponse, VerifiedAnswer,
};
use mifeng_record::Record;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Answers that one log takes: some for each of its signers. Fewer than one path may be given (1,024).
pub const ANSWERS_MAX: usize = 1_000;

/// The answers of a log. Of those about one certificate, named alike, the last that counts at an instant speaks: it is
/// newer than those before it, and nothing follows one that says revoked for good.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answers {
    taken: BTreeMap<Digest, Time>,
    by_certificate: BTreeMap<Vec<u8>, Vec<VerifiedAnswer>>,
}

impl Answers {
    /// What counted at this instant.
    pub(crate) fn known(&self, at: Time) -> Vec<VerifiedAnswer> {
        self.last(Some(at), |_| true)
    }

    /// What counts at any instant.
    pub(crate) fn ever(&self) -> Vec<VerifiedAnswer> {
        self.last(None, |_| true)
    }

    /// What counted at this instant, or counts at any, about a certificate and those that stand above it.
    pub(crate) fn about(
        &self,
        certificate: &Certificate,
        chain: &[Certificate],
        until: Option<Time>,
    ) -> Vec<VerifiedAnswer> {
        self.last(until, |known| {
            let serial = known.answer().serial_raw();
            let mut shown = chain.iter().chain([certificate]);
            shown.any(|one| one.serial_raw() == serial)
        })
    }

    fn last(
        &self,
        until: Option<Time>,
        wanted: impl Fn(&VerifiedAnswer) -> bool,
    ) -> Vec<VerifiedAnswer> {
        let counts = |known: &&VerifiedAnswer| until.is_none_or(|at| known.counts_from() <= at);
        let of_each = self.by_certificate.values();
        let of_each = of_each.filter(|all| all.first().is_some_and(&wanted));
        of_each
            .filter_map(|all| all.iter().rev().find(counts).cloned())
            .collect()
    }
}

impl State {
    /// `ocsp.take`: the host takes in what a responder said about one certificate; it counts from this record on.
    /// Whoever replays needs the response at hand from here. Its signer is judged now, and never again.
    pub(crate) fn ocsp_take(&mut self, data: &OcspTake, act: &Act<'_>) -> Result<(), Refusal> {
        let (name, answer) = self.answer_of(data, act)?;
        let answers = Arc::make_mut(&mut self.answers);
        answers.taken.insert(data.response, answer.counts_from());
        answers.by_certificate.entry(name).or_default().push(answer);
        Ok(())
    }

    /// Whether an `ocsp.take` may be taken as far as its response goes; nothing is changed.
    ///
    /// # Errors
    /// The refusal that [`State::apply`] would give for it.
    pub fn check_answer(
        &self,
        record: &Record,
        at: Time,
        trust: &Trust<'_>,
    ) -> Result<(), Refusal> {
        let data: OcspTake = record
            .data()
            .map_err(|e| Refusal::new(&refusal::MALFORMED, e.to_string()))?;
        let act = Act {
            record,
            at,
            taken: self.latest().map_or(at, |latest| latest.max(at)),
            trust,
            code: None,
            ahead: &Ahead::default(),
        };
        self.answer_of(&data, &act).map(drop)
    }

    fn answer_of(
        &self,
        data: &OcspTake,
        act: &Act<'_>,
    ) -> Result<(Vec<u8>, VerifiedAnswer), Refusal> {
        self.require_host(act.record)?;
        if self.notice.is_none() || self.stage == Stage::Archived {
            let detail = "an OCSP answer is recorded between the notice and the archive";
            return Err(Refusal::new(&refusal::WRONG_STAGE, detail));
        }
        if self.answers.taken.contains_key(&data.response) {
            return Err(Refusal::new(
                &refusal::REPLAY,
                "this response was taken before",
            ));
        }
        if self.answers.taken.len() >= ANSWERS_MAX {
            return Err(bad(format!("{ANSWERS_MAX} were taken, no more are")));
        }
        let at_hand = act.trust.responses.and_then(|all| all.get(&data.response));
        let der = at_hand.ok_or_else(|| bad(format!("{} is not at hand", data.response)))?;
        let answer = self.verified_answer(der, &data.above, act)?;
        let name = answer.certificate_id();
        if let Some(last) = self
            .answers
            .by_certificate
            .get(&name)
            .and_then(|all| all.last())
        {
            check_newer(last, &answer)?;
        }
        Ok((name, answer))
    }

    fn verified_answer(
        &self,
        der: &[u8],
        chain: &[String],
        act: &Act<'_>,
    ) -> Result<VerifiedAnswer, Refusal> {
        let response = OcspResponse::parse(der).map_err(|e| bad(e.to_string()))?;
        if chain.len() > ANSWER_CHAIN_MAX {
            return Err(bad(format!("{} certificates above", chain.len())));
        }
        let chain: Vec<Certificate> = chain
            .iter()
            .map(|text| certificate(text))
            .collect::<Result<_, _>>()?;
        let known = issued_by(act.trust.crls, act.taken);
        let anchors = self.every_root(act);
        VerifiedAnswer::verify(&response, &chain, &anchors, &known, act.taken, self.suite)
            .map_err(|e| bad(format!("{}: {e}", e.code())))
    }

    /// Every root that this tender ever recognised: who went on with an accepted bid under an older list can be revoked too.
    fn every_root(&self, act: &Act<'_>) -> Anchors {
        let listed = self.recognition(act.trust).map(|r| r.listed_roots());
        let versions = self.lists.iter().flat_map(|lists| lists.versions());
        let mut roots: Vec<Certificate> = versions
            .flat_map(TrustVersion::roots)
            .chain(listed.iter().flat_map(|listed| listed.certificates()))
            .cloned()
            .collect();
        roots.sort_by(|a, b| a.der().cmp(b.der()));
        roots.dedup();
        Anchors::new(roots)
    }

    /// The OCSP responses that were recorded (`ocsp.take`), by the hash of their DER, and from when on each counts.
    pub fn answers_taken(&self) -> &BTreeMap<Digest, Time> {
        &self.answers.taken
    }
}

fn bad(detail: impl Into<String>) -> Refusal {
    Refusal::new(&refusal::BAD_ANSWER, detail)
}

fn certificate(text: &str) -> Result<Certificate, Refusal> {
    if text.len() > CERTIFICATE_LEN_MAX.div_ceil(3) * 4 {
        return Err(bad("above: a certificate that is too large"));
    }
    let der = BASE64_STANDARD.decode(text);
    let der = der.map_err(|_| bad("above: not base64"))?;
    Certificate::parse(&der).map_err(|e| bad(format!("above: {e}")))
}

/// An older answer said less, and what is revoked for good stays so: else a host could take a word back with an older one.
fn check_newer(last: &VerifiedAnswer, next: &VerifiedAnswer) -> Result<(), Refusal> {
    if last.is_final() {
        return Err(bad("the certificate is said to be revoked already"));
    }
    let (before, now) = (last.answer().this_update, next.answer().this_update);
    if now <= before {
        return Err(bad(format!(
            "an answer later than {before} expected, this is of {now}"
        )));
    }
    Ok(())
}
