//! Why a certificate, a signature or a time stamp was not taken.

use mifeng_crypto::{Kind, Time};

/// Errors of certificates, signatures and time stamps.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Bytes are not the DER structure they should be.
    #[error("malformed {what}")]
    Malformed {
        /// The structure that was expected.
        what: &'static str,
    },
    /// Input larger than its limit.
    #[error("{what} has {found} units, at most {max} are allowed")]
    TooLarge {
        /// What was too large.
        what: &'static str,
        /// Size found.
        found: usize,
        /// Size allowed.
        max: usize,
    },
    /// The certificate had ended.
    #[error("certificate of {subject} ended {not_after}, asked about {at}")]
    Expired {
        /// Whose certificate.
        subject: String,
        /// Its last instant.
        not_after: Time,
        /// The instant asked about.
        at: Time,
    },
    /// The certificate had not begun.
    #[error("certificate of {subject} begins {not_before}, asked about {at}")]
    NotYetValid {
        /// Whose certificate.
        subject: String,
        /// Its first instant.
        not_before: Time,
        /// The instant asked about.
        at: Time,
    },
    /// The certificate was revoked at the instant asked about.
    #[error("certificate of {subject} was revoked at {revoked}, asked about {at}")]
    Revoked {
        /// Whose certificate.
        subject: String,
        /// When it was revoked (or its key compromised).
        revoked: Time,
        /// The instant asked about.
        at: Time,
    },
    /// Every revocation list or response about this issuer's certificate ended before the instant asked about.
    #[error("what is known of revocations by {issuer} ended {next_update}, asked about {at}")]
    StaleRevocation {
        /// Whose list.
        issuer: String,
        /// The end of the newest list.
        next_update: Time,
        /// The instant asked about.
        at: Time,
    },
    /// No path leads to a trust anchor.
    #[error("no path from {subject} (issued by {issuer}) to a listed CA")]
    UnlistedCa {
        /// Whose certificate.
        subject: String,
        /// Who issued it.
        issuer: String,
    },
    /// The certificate may not be used for this.
    #[error("certificate of {subject} is not for {purpose}")]
    KeyUsage {
        /// Whose certificate.
        subject: String,
        /// The use that was wanted.
        purpose: &'static str,
    },
    /// An algorithm of another suite.
    #[error("{what} does not belong to suite {suite}")]
    WrongSuite {
        /// What does not belong.
        what: &'static str,
        /// The suite in force.
        suite: &'static str,
    },
    /// A signature does not verify.
    #[error("signature of {what} does not verify")]
    BadSignature {
        /// What was signed.
        what: &'static str,
    },
    /// A CA rule is broken: basicConstraints, pathLen, keyCertSign, key identifiers.
    #[error("certificate of {subject} breaks a CA rule: {rule}")]
    CaRule {
        /// Whose certificate.
        subject: String,
        /// The rule.
        rule: &'static str,
    },
    /// A critical extension that this code does not know.
    #[error("unknown critical extension {oid}")]
    CriticalExtension {
        /// Its object identifier.
        oid: String,
    },
    /// More work than a path may cost.
    #[error("path search costs more than {max} {what}")]
    Budget {
        /// What is counted.
        what: &'static str,
        /// The limit.
        max: usize,
    },
    /// A name is outside what a CA above may name.
    #[error("a name of {subject} breaks a name constraint: {rule}")]
    NameConstraint {
        /// Whose certificate.
        subject: String,
        /// The rule that is broken.
        rule: &'static str,
    },
    /// The certificate policies along the path do not hold.
    #[error("certificate policies at {subject}: {rule}")]
    Policy {
        /// The certificate at which this is seen.
        subject: String,
        /// The rule that is broken.
        rule: &'static str,
    },
    /// Nothing at hand says whether the certificate was revoked, and the policy asks.
    #[error(
        "no revocation list or OCSP response speaks for {subject} (issued by {issuer}) at {at}"
    )]
    RevocationUnknown {
        /// Whose certificate.
        subject: String,
        /// Who issued it.
        issuer: String,
        /// The instant asked about.
        at: Time,
    },
    /// An OCSP response breaks a rule.
    #[error("OCSP response: {rule}")]
    Ocsp {
        /// The rule that is broken.
        rule: &'static str,
    },
    /// The content is not what was signed.
    #[error("digest of the {what} does not match")]
    DigestMismatch {
        /// What was digested.
        what: &'static str,
    },
    /// A signature message lacks or repeats something, or its parts disagree.
    #[error("signature message: {rule}")]
    Message {
        /// The rule that is broken.
        rule: &'static str,
    },
    /// A time stamp token breaks a rule.
    #[error("time stamp: {rule}")]
    TimeStamp {
        /// The rule that is broken.
        rule: &'static str,
    },
    /// A trust list breaks a rule of its own, or does not follow its predecessor.
    #[error("trust list: {rule}")]
    TrustList {
        /// The rule that is broken.
        rule: &'static str,
    },
    /// A CA stands on the trust list, but not for this.
    #[error("{ca} is on the trust list, but not recognised for {what}")]
    NotRecognised {
        /// The CA's name on the list.
        ca: String,
        /// The usage, kind of certificate or time that was wanted.
        what: String,
    },
    /// Private key and certificate do not belong together.
    #[error("private key does not match the certificate")]
    KeyMismatch,
    /// The passphrase is wrong, or the key file is damaged.
    #[error("key file cannot be opened with this passphrase")]
    Passphrase,
    /// A device or service that holds the key is not there.
    #[error("key holder unavailable: {what}")]
    Unavailable {
        /// What is missing.
        what: &'static str,
    },
    /// A token or machine that holds the key refused, with its own code and what to do.
    #[error("{text}")]
    KeyHolder {
        /// The holder's stable code, as `token.pin-wrong`.
        code: &'static str,
        /// Whose fault it is.
        kind: Kind,
        /// What happened and what to do.
        text: String,
        /// The same in Chinese.
        zh: String,
    },
    /// An error of the cryptographic ground floor.
    #[error(transparent)]
    Crypto(#[from] mifeng_crypto::Error),
}

impl Error {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Malformed { .. } => "pki.malformed",
            Error::TooLarge { .. } => "pki.too-large",
            Error::Expired { .. } => "pki.expired",
            Error::NotYetValid { .. } => "pki.not-yet-valid",
            Error::Revoked { .. } => "pki.revoked",
            Error::StaleRevocation { .. } => "pki.stale-revocation",
            Error::UnlistedCa { .. } => "pki.unlisted-ca",
            Error::KeyUsage { .. } => "pki.key-usage",
            Error::WrongSuite { .. } => "pki.wrong-suite",
            Error::BadSignature { .. } => "pki.bad-signature",
            Error::CaRule { .. } => "pki.ca-rule",
            Error::CriticalExtension { .. } => "pki.critical-extension",
            Error::Budget { .. } => "pki.budget",
            Error::NameConstraint { .. } => "pki.name-constraint",
            Error::Policy { .. } => "pki.policy",
            Error::RevocationUnknown { .. } => "pki.revocation-unknown",
            Error::Ocsp { .. } => "pki.ocsp",
            Error::DigestMismatch { .. } => "pki.digest-mismatch",
            Error::Message { .. } => "pki.message",
            Error::TimeStamp { .. } => "pki.time-stamp",
            Error::TrustList { .. } => "pki.trust-list",
            Error::NotRecognised { .. } => "pki.not-recognised",
            Error::KeyMismatch => "pki.key-mismatch",
            Error::Passphrase => "pki.passphrase",
            Error::Unavailable { .. } => "pki.unavailable",
            Error::KeyHolder { code, .. } => code,
            Error::Crypto(inner) => inner.code(),
        }
    }

    /// Whose fault it is.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Malformed { .. } | Error::TooLarge { .. } => Kind::Malformed,
            Error::Unavailable { .. }
            | Error::StaleRevocation { .. }
            | Error::RevocationUnknown { .. } => Kind::Unavailable,
            Error::KeyHolder { kind, .. } => *kind,
            Error::Crypto(inner) => inner.kind(),
            _ => Kind::Refused,
        }
    }
}
