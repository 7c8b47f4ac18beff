//! Certificates and time stamps, judged at the instants that matter.

use super::Trust;
use crate::report::{Finding, Outcome};
use crate::{Deviation, Error, Report, StepId};
use mifeng_crypto::{GM, INTL, KeyAlg, Suite, Time};
use mifeng_pki::tsp::{self, Imprint, Stamped, TimeStamp, TokenCheck};
use mifeng_pki::{
    Anchors, Certificate, Error as PkiError, Policy, Purpose, RevocationRule, Standing,
    VerifiedPath, judge_path,
};

/// RSA keys of signers: documents of others are signed with 2,048 bits; our own records need more.
const RSA_BITS_MIN: usize = 2_048;

impl Trust<'_> {
    /// Judges a certificate for a purpose at an instant.
    pub(super) fn judge(
        &self,
        leaf: &Certificate,
        anchors: &Anchors,
        purpose: Purpose,
        at: Time,
    ) -> Result<VerifiedPath, PkiError> {
        let mut policy = Policy::new(purpose, suite_of(leaf));
        policy.revocation = self.revocation;
        policy.rsa_leaf_bits_min = RSA_BITS_MIN;
        judge_path(leaf, &self.material, anchors, at, &policy)
    }

    /// An error of a path as an outcome: what only is not known is no failure, unless it must be.
    pub(super) fn outcome_of(&self, error: &PkiError) -> Outcome {
        let finding = Finding::from(&Error::Pki(error.clone()));
        let unknown = matches!(
            error,
            PkiError::StaleRevocation { .. } | PkiError::RevocationUnknown { .. }
        );
        if unknown && self.revocation == RevocationRule::IfKnown {
            return Outcome::Unknown(finding);
        }
        Outcome::Fail(finding)
    }

    /// A path that holds, and whether anything spoke about revocation.
    pub(super) fn known(&self, path: &VerifiedPath) -> Outcome {
        if path.revocation_known() || self.revocation == RevocationRule::Ignored {
            return Outcome::Pass(None);
        }
        Outcome::Unknown(Finding::new(
            "stamp.revocation-unknown",
            "证书链有效，但没有吊销信息可查",
            "the path holds, but nothing at hand speaks about revocation",
        ))
    }

    /// A signer's certificate at the signing time. Revoked later is fine with a time stamp; without
    /// one, "signed before" is only what the signer says.
    pub(super) fn signer(
        &self,
        certificate: &Certificate,
        purpose: Purpose,
        at: Time,
        stamped: bool,
    ) -> (Outcome, Option<VerifiedPath>) {
        let judge = |at| self.judge(certificate, self.signers, purpose, at);
        let path = match judge(at) {
            Ok(path) => path,
            Err(error) => return (self.outcome_of(&error), None),
        };
        let outcome = match (revoked_later(&path), judge(self.at)) {
            (Some(revoked), _) if !stamped => Outcome::Unknown(Finding::new(
                "stamp.time-unproven",
                format!("证书已于{revoked}吊销，没有时间戳证明签章在此之前"),
                format!("revoked at {revoked}, and no time stamp shows that it was signed before"),
            )),
            (Some(revoked), _) => Outcome::Pass(Some(Finding::new(
                "stamp.revoked-later",
                format!("签章之后，证书于{revoked}吊销"),
                format!("revoked at {revoked}, after the signing"),
            ))),
            (None, Err(now)) if self.known(&path) == Outcome::Pass(None) => {
                Outcome::Pass(Some(Finding::new(
                    now.code(),
                    format!("签章时有效；现在：{now}"),
                    format!("held at the signing; now: {now}"),
                )))
            }
            (None, _) => self.known(&path),
        };
        (outcome, Some(path))
    }

    /// As [`Self::signer`], for signatures without a seal.
    pub(crate) fn signer_outcome(
        &self,
        certificate: &Certificate,
        purpose: Purpose,
        at: Time,
        stamped: bool,
    ) -> Outcome {
        self.signer(certificate, purpose, at, stamped).0
    }

    /// Checks a token over `value` and that it is not earlier than `claimed`.
    pub(crate) fn check_stamp(
        &self,
        report: &mut Report,
        step: StepId,
        token: &[u8],
        value: &[u8],
        (what, claimed): (&'static str, Option<Time>),
    ) -> Option<TimeStamp> {
        let found = self.token(token, value).and_then(|stamp| {
            let allowance = i64::from(self.allowance_seconds) * 1_000;
            match claimed {
                Some(claimed) if stamp.gen_time.plus_millis(allowance) < claimed => {
                    Err(Error::Order {
                        earlier_what: what,
                        earlier: claimed,
                        later_what: "its time stamp",
                        later: stamp.gen_time,
                    })
                }
                _ => Ok(stamp),
            }
        });
        match found {
            Ok(stamp) => {
                if !stamp.deviations.is_empty() {
                    report.note(Deviation::Message);
                }
                report.add(step, self.known(&stamp.path));
                Some(stamp)
            }
            Err(Error::Pki(error)) => {
                report.add(step, self.outcome_of(&error));
                None
            }
            Err(error) => {
                report.add(step, Outcome::Fail(Finding::from(&error)));
                None
            }
        }
    }

    fn token(&self, token: &[u8], value: &[u8]) -> Result<TimeStamp, Error> {
        let alg = Stamped::read(token)?.imprint().alg();
        let imprint = Imprint::of(value, alg);
        let mut check = TokenCheck::new(&imprint, self.stamps, tsp::suite_of(alg));
        check.material = self.material;
        check.path.revocation = self.revocation;
        check.path.rsa_leaf_bits_min = RSA_BITS_MIN;
        check.now = Some(self.at);
        Ok(tsp::check_token(token, &check)?)
    }
}

/// When the leaf was revoked after the instant asked about.
pub(super) fn revoked_later(path: &VerifiedPath) -> Option<Time> {
    match path.standings().first() {
        Some(Standing::RevokedLater { revoked, .. }) => Some(*revoked),
        _ => None,
    }
}

pub(super) fn suite_of(certificate: &Certificate) -> &'static Suite {
    match certificate.public_key().key_alg() {
        KeyAlg::Sm2 => &GM,
        _ => &INTL,
    }
}
