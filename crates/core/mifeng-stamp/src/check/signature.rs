//! Checking a seal signature (GB/T 38540 and GM/T 0031, "验证电子签章").

use super::Trust;
use super::seal::{self, Used};
use crate::report::{Finding, Outcome};
use crate::{Deviation, Error, Report, Seal, SealSignature, SignedTime, StepId, Version};
use mifeng_crypto::{Digest, HashAlg, KeyAlg, Time};
use mifeng_pki::tsp::TimeStamp;
use mifeng_pki::{Certificate, Purpose, VerifiedPath};

/// The data that a signature protects.
#[derive(Clone, Copy, Debug)]
pub enum Protected<'a> {
    /// The bytes.
    Bytes(&'a [u8]),
    /// Their SM3 digest.
    Digest(&'a Digest),
}

/// A seal signature with what was found about it.
#[derive(Clone, Debug)]
pub struct CheckedSignature {
    /// Each step, the seal's included.
    pub report: Report,
    /// The signature, if it could be read.
    pub signature: Option<SealSignature>,
    /// When it was made: the time stamp's instant, or else the signer's claim.
    pub signed_at: Option<Time>,
    /// The time stamp, if there is one and it holds.
    pub time_stamp: Option<TimeStamp>,
    /// The signer's path at [`Self::signed_at`], if it holds.
    pub signer: Option<VerifiedPath>,
    /// The maker's path, if it holds.
    pub maker: Option<VerifiedPath>,
}

/// Checks a seal signature over data.
#[must_use]
pub fn check_signature(der: &[u8], data: Protected<'_>, trust: &Trust<'_>) -> CheckedSignature {
    let mut checked = CheckedSignature {
        report: Report::default(),
        signature: None,
        signed_at: None,
        time_stamp: None,
        signer: None,
        maker: None,
    };
    match SealSignature::parse(der) {
        Ok(signature) => {
            checked.report.result(StepId::Format, Ok(()));
            steps(&mut checked, &signature, data, trust);
            checked.signature = Some(signature);
        }
        Err(error) => {
            checked.report.result(StepId::Format, Err(error));
        }
    }
    checked
}

fn steps(
    checked: &mut CheckedSignature,
    signature: &SealSignature,
    data: Protected<'_>,
    trust: &Trust<'_>,
) {
    let report = &mut checked.report;
    report.notes(signature.deviations());
    report.result(StepId::Version, signature.check_version());
    let mut deviations: Vec<Deviation> = Vec::new();
    report.result(StepId::Signature, signature.verify(&mut deviations));
    report.notes(&deviations);
    report.result(StepId::SignerListed, signature.check_listed());
    // The stamp comes before what is judged at its instant.
    checked.time_stamp = stamp(report, signature, trust);
    let claimed = match signature.time() {
        SignedTime::Claimed(time) => Some(*time),
        _ => None,
    };
    let stamped = checked.time_stamp.as_ref().map(|stamp| stamp.gen_time);
    checked.signed_at = stamped.or(claimed);
    let Some(signed_at) = checked.signed_at else {
        report.add(StepId::SigningTime, Outcome::Fail(unreadable_time()));
        report.result(StepId::Data, check_data(signature, data));
        return;
    };
    let used = Used {
        at: signed_at,
        proven: stamped,
    };
    (checked.maker, _) = seal::steps(report, signature.seal(), trust, used);
    checked.signer = signer(report, signature, trust, (signed_at, stamped.is_some()));
    report.add(
        StepId::SigningTime,
        signing_time(signed_at, stamped.is_some(), trust),
    );
    report.result(
        StepId::SealValidity,
        signature.seal().check_in_force(signed_at),
    );
    report.result(StepId::Data, check_data(signature, data));
    let extensions = signature.check_extensions();
    let extensions = extensions.and_then(|()| signature.seal().check_extensions());
    report.result(StepId::Extensions, extensions);
}

/// The stamp beside the signature value, or the one that version 1 has in place of its time.
fn stamp(report: &mut Report, signature: &SealSignature, trust: &Trust<'_>) -> Option<TimeStamp> {
    let (token, value, claimed) = match (signature.time_stamp(), signature.time()) {
        (Some(token), SignedTime::Claimed(time)) => {
            (token, signature.signature_value(), Some(*time))
        }
        (Some(token), _) => (token, signature.signature_value(), None),
        // Inside what is signed it can only be over the data's digest.
        (None, SignedTime::Token(token)) => (
            &token[..],
            signature.data_hash().as_bytes().as_slice(),
            None,
        ),
        (None, _) => {
            report.add(StepId::TimeStamp, Outcome::NotRun);
            return None;
        }
    };
    trust.check_stamp(
        report,
        StepId::TimeStamp,
        token,
        value,
        ("signing", claimed),
    )
}

fn unreadable_time() -> Finding {
    Finding::new(
        "stamp.time",
        "签章时间无法读取",
        "nothing readable says when it was signed",
    )
}

/// The signer's certificate at the signing time.
fn signer(
    report: &mut Report,
    signature: &SealSignature,
    trust: &Trust<'_>,
    (at, stamped): (Time, bool),
) -> Option<VerifiedPath> {
    let certificate = match signature.signer() {
        Ok(certificate) => certificate,
        Err(error) => {
            report.result(StepId::SignerCertificate, Err(error));
            return None;
        }
    };
    let (outcome, path) = trust.signer(&certificate, Purpose::SealUse, at, stamped);
    report.add(StepId::SignerCertificate, outcome);
    path
}

pub(crate) fn signing_time(at: Time, stamped: bool, trust: &Trust<'_>) -> Outcome {
    let allowance = i64::from(trust.allowance_seconds) * 1_000;
    if at > trust.at.plus_millis(allowance) {
        return Outcome::Fail(Finding::from(&Error::Order {
            earlier_what: "signing",
            earlier: at,
            later_what: "the instant asked about",
            later: trust.at,
        }));
    }
    if stamped {
        return Outcome::Pass(None);
    }
    Outcome::Pass(Some(Finding::new(
        "stamp.time-claimed",
        "签章时间出自签章者本机，没有时间戳",
        "the signing time is the signer's own word: there is no time stamp",
    )))
}

fn check_data(signature: &SealSignature, data: Protected<'_>) -> Result<(), Error> {
    let found = match data {
        Protected::Bytes(bytes) => hash_of(signature).digest(bytes),
        Protected::Digest(digest) => *digest,
    };
    if found == *signature.data_hash() {
        return Ok(());
    }
    Err(Error::Digest {
        what: match signature.property() {
            "" => "the protected data".to_owned(),
            property => property
                .chars()
                .filter(|c| !c.is_control())
                .take(200)
                .collect(),
        },
    })
}

/// SM3, but for the RSA signatures that version 1 allowed.
fn hash_of(signature: &SealSignature) -> HashAlg {
    let rsa = |c: Certificate| matches!(c.public_key().key_alg(), KeyAlg::Rsa { .. });
    let old = signature.seal().version() == Version::V1;
    match old && signature.signer().is_ok_and(rsa) {
        true => HashAlg::Sha256,
        false => HashAlg::Sm3,
    }
}

/// What a signer checks before it signs: the seal, its own certificate, and that the one allows
/// the other, all at [`Trust::at`].
#[must_use]
pub fn check_before_signing(seal: &Seal, certificate: &Certificate, trust: &Trust<'_>) -> Report {
    let mut report = super::check_seal(seal.der(), trust).report;
    let judged = trust.judge(certificate, trust.signers, Purpose::SealUse, trust.at);
    report.add(
        StepId::SignerCertificate,
        match judged {
            Ok(path) => trust.known(&path),
            Err(error) => trust.outcome_of(&error),
        },
    );
    let listed = match seal.signers().allows(certificate.der()) {
        true => Ok(()),
        false => Err(Error::NotListed {
            subject: certificate.subject_name(),
        }),
    };
    report.result(StepId::SignerListed, listed);
    report
}
