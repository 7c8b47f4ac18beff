//! What can be wrong with a record.

use mifeng_crypto::Kind;

/// Errors of records and of the validators beside them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The body or transport file is not canonical JSON of the schema.
    #[error("record: {0}")]
    Json(mifeng_crypto::Error),
    /// The signature over the body does not hold.
    #[error("signature of the record: {0}")]
    Signature(mifeng_pki::Error),
    /// The body names another person than its signature.
    #[error("record names {named} as its actor but {signed} signed it")]
    Actor {
        /// Fingerprint in the body.
        named: mifeng_crypto::Digest,
        /// Fingerprint of the signing certificate.
        signed: mifeng_crypto::Digest,
    },
    /// The record says another version than 1.
    #[error("record version {found}, expected 1")]
    Version {
        /// Version found.
        found: u64,
    },
    /// The signing time is not the time in the body.
    #[error("signed at {signed} but the body says {body}")]
    SigningTime {
        /// Time among the signed attributes.
        signed: mifeng_crypto::Time,
        /// Time in the body.
        body: mifeng_crypto::Time,
    },
    /// The signature does not say when it was made.
    #[error("the signature has no signing time")]
    NoSigningTime,
    /// An amount in capital numerals that is none.
    #[error("amount in words: {detail}")]
    Amount {
        /// The rule it breaks.
        detail: &'static str,
    },
    /// A unified social credit code that is none.
    #[error("credit code: {detail}")]
    CreditCode {
        /// What is wrong with its form.
        detail: &'static str,
    },
    /// A date that is none.
    #[error("{found:?} is not a day as YYYY-MM-DD from 1949 on")]
    Date {
        /// The text found, cut to 20 characters.
        found: String,
    },
    /// A calendar file that is none.
    #[error("calendar: line {line} is not a new day as date,kind")]
    Calendar {
        /// Line, from 1.
        line: usize,
    },
    /// Two calendars that differ.
    #[error("{day} is a holiday in one calendar and a working day in another")]
    Conflict {
        /// The day.
        day: String,
    },
    /// A day in a year whose holidays are not known.
    #[error("the calendar does not have the year {year}")]
    UnknownYear {
        /// The year.
        year: i32,
    },
    /// A period longer than any of tender law.
    #[error("a period of {found} days, at most {limit} are allowed")]
    Period {
        /// Days found.
        found: u32,
        /// Days allowed.
        limit: u32,
    },
    /// A field of the transport file is not strict base64.
    #[error("{what} is not base64")]
    Base64 {
        /// Which field.
        what: &'static str,
    },
}

impl Error {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Json(_) => "record.malformed",
            Error::Signature(_) => "record.signature",
            Error::Actor { .. } => "record.actor",
            Error::Version { .. } => "record.version",
            Error::SigningTime { .. } | Error::NoSigningTime => "record.signing-time",
            Error::Amount { .. } => "record.amount",
            Error::CreditCode { .. } => "record.credit-code",
            Error::Date { .. } => "record.date",
            Error::Calendar { .. } => "record.calendar",
            Error::Conflict { .. } => "record.calendar-conflict",
            Error::UnknownYear { .. } => "record.unknown-year",
            Error::Period { .. } => "record.period",
            Error::Base64 { .. } => "record.base64",
        }
    }

    /// Whose fault it is.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Signature(inner) => inner.kind(),
            Error::Actor { .. } | Error::SigningTime { .. } | Error::NoSigningTime => Kind::Refused,
            Error::UnknownYear { .. } => Kind::Unavailable,
            _ => Kind::Malformed,
        }
    }
}
