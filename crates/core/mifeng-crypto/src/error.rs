//! What can go wrong on the ground floor, and whose fault it is.

/// Whose fault a failure is; shells map it to exit codes and HTTP statuses in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// The input is not what it claims to be (exit code 3).
    Malformed,
    /// A rule said no; a normal, recorded outcome (exit code 1).
    Refused,
    /// Something needed is not there now; trying again may help (exit code 4).
    Unavailable,
    /// An invariant of our own broke: please report it.
    Bug,
}

/// Errors of the cryptographic ground floor.
///
/// Failures that touch a secret say only that they failed: *why* would be an oracle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A signature, tag or ciphertext did not verify.
    #[error("cryptographic check failed")]
    Unverified,
    /// Bytes are not a valid key, point, scalar or signature encoding.
    #[error("not a valid {what}")]
    Encoding {
        /// The thing that was expected.
        what: &'static str,
    },
    /// A key of this kind is not supported here.
    #[error("unsupported {what}")]
    Unsupported {
        /// The thing that is not supported.
        what: &'static str,
    },
    /// Input larger than its limit.
    #[error("{what} has {found} bytes, at most {max} are allowed")]
    TooLong {
        /// What was too long.
        what: &'static str,
        /// Bytes found.
        found: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// JSON that is not in its one canonical form, or breaks the profile.
    #[error("not canonical JSON: {reason} at byte {position}")]
    Json {
        /// What is wrong.
        reason: &'static str,
        /// Where, in bytes from the start.
        position: usize,
    },
    /// JSON whose members do not fit the schema.
    #[error("JSON does not fit its schema near line {line}, column {column}")]
    Schema {
        /// Line, counted from 1.
        line: usize,
        /// Column, counted from 1.
        column: usize,
    },
    /// Text that is not an RFC 3339 instant with an offset.
    #[error("not an RFC 3339 time with an offset")]
    Time,
    /// The machine gave no randomness.
    #[error("no randomness available")]
    Entropy,
}

impl Error {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Unverified => "crypto.unverified",
            Error::Encoding { .. } => "crypto.encoding",
            Error::Unsupported { .. } => "crypto.unsupported",
            Error::TooLong { .. } => "crypto.too-long",
            Error::Json { .. } => "json.not-canonical",
            Error::Schema { .. } => "json.schema",
            Error::Time => "time.malformed",
            Error::Entropy => "crypto.entropy",
        }
    }

    /// Whose fault it is.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Unverified => Kind::Refused,
            Error::Entropy => Kind::Unavailable,
            _ => Kind::Malformed,
        }
    }
}
