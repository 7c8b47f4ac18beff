//! One error type for the paved path; each carries its stable code and whose fault it is.

use mifeng_crypto::Kind;
use mifeng_tender::Refusal;

/// What can go wrong on the paved path.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A rule said no.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// A check of the verifier failed.
    #[error("{check}: {detail}")]
    Failed {
        /// `V1` to `V14`.
        check: &'static str,
        /// Stable code of the cause.
        code: &'static str,
        /// What was expected and what was found.
        detail: String,
    },
    /// A record is malformed or its signature does not hold.
    #[error("{0}")]
    Record(#[source] mifeng_record::Error),
    /// A certificate, signature or time stamp does not hold.
    #[error("{0}")]
    Pki(#[source] mifeng_pki::Error),
    /// A share, key or draw does not hold.
    #[error("{0}")]
    Lock(#[source] mifeng_lock::Error),
    /// A log file or proof does not hold.
    #[error("{0}")]
    Log(#[source] mifeng_log::Error),
    /// A sealed bid does not hold.
    #[error("{0}")]
    Envelope(#[source] mifeng_envelope::Error),
    /// A record does not belong into a register of seals, or its rules say no.
    #[error("{0}")]
    Registry(#[source] mifeng_registry::Error),
    /// A key, hash or canonical document does not hold.
    #[error("{0}")]
    Crypto(#[source] mifeng_crypto::Error),
    /// A file is not what it should be.
    #[error("{what}: {detail}")]
    Malformed {
        /// What was expected.
        what: &'static str,
        /// What was found, and where.
        detail: String,
    },
    /// Something needed is not there, or the disk said no.
    #[error("{what}: {detail}")]
    Unavailable {
        /// What was needed.
        what: String,
        /// What the system said.
        detail: String,
    },
}

impl Error {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Refused(refusal) => refusal.code(),
            Error::Failed { code, .. } => code,
            Error::Record(e) => e.code(),
            Error::Pki(e) => e.code(),
            Error::Lock(e) => e.code(),
            Error::Log(e) => e.code(),
            Error::Envelope(e) => e.code(),
            Error::Registry(e) => e.code(),
            Error::Crypto(e) => e.code(),
            Error::Malformed { .. } => "file.malformed",
            Error::Unavailable { .. } => "system.unavailable",
        }
    }

    /// Whose fault it is.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Refused(_) | Error::Failed { .. } => Kind::Refused,
            Error::Record(e) => e.kind(),
            Error::Pki(e) => e.kind(),
            Error::Lock(e) => e.kind(),
            Error::Log(e) => e.kind(),
            Error::Envelope(e) => e.kind(),
            Error::Registry(e) => e.kind(),
            Error::Crypto(e) => e.kind(),
            Error::Malformed { .. } => Kind::Malformed,
            Error::Unavailable { .. } => Kind::Unavailable,
        }
    }

    /// The refusal inside, if a rule said no.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Error::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// In words, Chinese and English. Rules speak Chinese, and what holds a key does; the rest is for programmers, in English.
    pub fn in_words(&self) -> (String, String) {
        let with = |rule: &str, detail: &str| match detail {
            "" => rule.to_owned(),
            detail => format!("{rule}: {detail}"),
        };
        if let Some(no) = self.refusal() {
            return (with(no.zh(), no.detail()), with(no.en(), no.detail()));
        }
        let en = self.to_string();
        (self.key_holder_zh().unwrap_or_else(|| en.clone()), en)
    }

    /// What a token said, in Chinese, wherever it came up.
    fn key_holder_zh(&self) -> Option<String> {
        let pki = match self {
            Error::Pki(pki)
            | Error::Envelope(mifeng_envelope::Error::Pki(pki))
            | Error::Record(mifeng_record::Error::Signature(pki)) => pki,
            _ => return None,
        };
        match pki {
            mifeng_pki::Error::KeyHolder { zh, .. } => Some(zh.clone()),
            _ => None,
        }
    }

    pub(crate) fn io(what: impl Into<String>, error: &std::io::Error) -> Self {
        Error::Unavailable {
            what: what.into(),
            detail: error.to_string(),
        }
    }

    pub(crate) fn malformed(what: &'static str, detail: impl Into<String>) -> Self {
        Error::Malformed {
            what,
            detail: detail.into(),
        }
    }
}

macro_rules! from {
    ($($variant:ident($inner:ty)),*) => {
        $(impl From<$inner> for Error {
            fn from(e: $inner) -> Self {
                Error::$variant(e)
            }
        })*
    };
}

from!(
    Record(mifeng_record::Error),
    Pki(mifeng_pki::Error),
    Lock(mifeng_lock::Error),
    Log(mifeng_log::Error),
    Envelope(mifeng_envelope::Error),
    Registry(mifeng_registry::Error),
    Crypto(mifeng_crypto::Error)
);

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Error::Refused(Box::new(refusal))
    }
}
