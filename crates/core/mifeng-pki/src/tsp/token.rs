//! Tokens, verified.

use super::{Accuracy, ClockPolicy, Imprint, Stamped, rule};
use crate::cms::{Deviation, Signed, Strictness};
use crate::{
    Anchors, Certificate, Error, Material, Policy, Purpose, RevocationList, VerifiedPath,
    judge_path,
};
use mifeng_crypto::{Digest, HashAlg, Suite, Time};

/// What a token is held against.
#[derive(Clone, Debug)]
pub struct TokenCheck<'a> {
    /// What must have been stamped.
    pub imprint: &'a Imprint,
    /// The CAs trusted for time stamping.
    pub anchors: &'a Anchors,
    /// Certificates that the token may leave out, revocation lists, OCSP responses.
    pub material: Material<'a>,
    /// What is asked of the authority's path, and the suite.
    pub path: Policy,
    /// The nonce that was sent, as [`super::Request::nonce`] gives it; none: not asked about.
    pub nonce: Option<&'a [u8]>,
    /// Policies that are taken, dotted; empty: any.
    pub policies: &'a [&'a str],
    /// What is asked of the authority's clock.
    pub clock: ClockPolicy,
    /// The verifier's clock; none: stamps of the future are not looked for.
    pub now: Option<Time>,
}

impl<'a> TokenCheck<'a> {
    /// Any policy, nonce and clock, the usual path for time stamping, nothing beside the token.
    #[must_use]
    pub fn new(imprint: &'a Imprint, anchors: &'a Anchors, suite: &'static Suite) -> Self {
        TokenCheck {
            imprint,
            anchors,
            material: Material::default(),
            path: Policy::new(Purpose::TimeStamping, suite),
            nonce: None,
            policies: &[],
            clock: ClockPolicy::default(),
            now: None,
        }
    }
}

/// A verified time stamp.
#[derive(Clone, Debug)]
pub struct TimeStamp {
    /// When the digest existed, by the authority's clock.
    pub gen_time: Time,
    /// How far that clock may be off, if the token says so.
    pub accuracy: Option<Accuracy>,
    /// Whether stamps of this authority order by their instants alone.
    pub ordering: bool,
    /// The stamp's number at the authority, in lower-case hex.
    pub serial: String,
    /// The authority's policy, dotted.
    pub policy: String,
    /// The nonce of the request: content octets of the INTEGER.
    pub nonce: Option<Vec<u8>>,
    /// The authority's certificate.
    pub authority: Certificate,
    /// Its path at [`TimeStamp::gen_time`].
    pub path: VerifiedPath,
    /// What departs from the standard.
    pub deviations: Vec<Deviation>,
}

/// Verifies a token over `digest`: signature, signing certificate, and the authority's path at
/// the stamped instant for time stamping alone.
///
/// # Errors
/// As [`check_token`].
pub fn verify_token(
    der: &[u8],
    digest: &Digest,
    alg: HashAlg,
    anchors: &Anchors,
    crls: &[RevocationList],
    suite: &'static Suite,
) -> Result<TimeStamp, Error> {
    let imprint = Imprint::new(*digest, alg);
    let mut check = TokenCheck::new(&imprint, anchors, suite);
    check.material.crls = crls;
    check_token(der, &check)
}

/// Verifies a token: imprint, nonce and policy as asked; one signer, bound by a signing-certificate
/// attribute; its path at the stamped instant for time stamping alone; the clock.
///
/// # Errors
/// [`Error::DigestMismatch`] for another imprint, [`Error::TimeStamp`], and those of
/// [`crate::cms::verify_detached`] and [`judge_path`].
pub fn check_token(der: &[u8], check: &TokenCheck<'_>) -> Result<TimeStamp, Error> {
    let mut stamped = Stamped::read(der)?;
    if stamped.imprint != *check.imprint {
        return Err(Error::DigestMismatch {
            what: "stamped data",
        });
    }
    if check.nonce.is_some() && check.nonce != stamped.nonce.as_deref() {
        return Err(rule("nonce is not that of the request"));
    }
    let policy = stamped.policy.to_string();
    if !check.policies.is_empty() && !check.policies.contains(&policy.as_str()) {
        return Err(rule("policy is not one that is taken"));
    }
    stamped
        .message
        .add_certificates(check.material.intermediates);
    let signed = stamped
        .message
        .verify_attached(check.path.suite, Strictness::Field)?;
    if !signed.binds_certificate {
        return Err(rule("signing certificate attribute is missing"));
    }
    let named = stamped.authority.as_deref();
    if named.is_some_and(|name| name != signed.certificate.subject_raw()) {
        return Err(rule("names another authority than its signer"));
    }
    let material = Material {
        intermediates: &signed.chain,
        ..check.material
    };
    let at = stamped.gen_time;
    let path = judge_path(
        &signed.certificate,
        &material,
        check.anchors,
        at,
        &check.path,
    )?;
    let stamp = TimeStamp {
        gen_time: stamped.gen_time,
        accuracy: stamped.accuracy,
        ordering: stamped.ordering,
        serial: hex::encode(&stamped.serial),
        policy,
        nonce: stamped.nonce,
        authority: signed.certificate,
        path,
        deviations: signed.deviations,
    };
    check.clock.check(&stamp, check.now)?;
    Ok(stamp)
}

/// Verifies the signature time stamps beside a signature (CAdES-T): every one has to hold, and be
/// over this signature. The earliest is first; none: the signature has no time stamp.
///
/// `check.imprint` and `check.nonce` are not looked at.
///
/// # Errors
/// As [`check_token`].
pub fn signature_stamps(signed: &Signed, check: &TokenCheck<'_>) -> Result<Vec<TimeStamp>, Error> {
    let mut out = Vec::new();
    for token in &signed.unsigned.time_stamps {
        let imprint = Imprint::of(&signed.signature, Stamped::read(token)?.imprint.alg());
        let own = TokenCheck {
            imprint: &imprint,
            nonce: None,
            ..check.clone()
        };
        out.push(check_token(token, &own)?);
    }
    out.sort_by_key(|stamp| stamp.gen_time);
    Ok(out)
}
