//! What can go wrong in a log, and whose fault it is.

use mifeng_crypto::Kind;

/// Errors of logs, proofs, notes and receipts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Text or bytes are not the one encoding of what they claim to be.
    #[error("malformed {what}: {reason}")]
    Malformed {
        /// The thing that was expected.
        what: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Input larger than its limit.
    #[error("{what} is {found}, at most {max} is allowed")]
    TooLarge {
        /// What was too large.
        what: &'static str,
        /// Size found.
        found: u64,
        /// Size allowed.
        max: u64,
    },
    /// An index, size or position outside of its tree.
    #[error("{what} {found} is out of range, the limit is {limit}")]
    Range {
        /// What was out of range.
        what: &'static str,
        /// Value found.
        found: u64,
        /// First value that is too large.
        limit: u64,
    },
    /// A Merkle proof of the wrong length for its tree.
    #[error("{what} has {found} hashes, {expected} were expected")]
    ProofLength {
        /// Which proof.
        what: &'static str,
        /// Hashes the tree's shape asks for.
        expected: u64,
        /// Hashes found.
        found: u64,
    },
    /// A Merkle proof that leads to another root.
    #[error("{what} does not lead to the expected root")]
    NotProven {
        /// Which proof.
        what: &'static str,
    },
    /// A signature of a known key does not verify.
    #[error("signature of {name} does not verify")]
    BadSignature {
        /// Key name.
        name: Box<str>,
    },
    /// No signature by the expected key.
    #[error("no signature of {name} with the expected key")]
    Unsigned {
        /// Key name.
        name: Box<str>,
    },
    /// A key that cannot make signatures of this type.
    #[error("key does not fit the signature type")]
    KeyType,
    /// A checkpoint of another log.
    #[error("checkpoint of {found}, expected one of {expected}")]
    Origin {
        /// Origin that was expected.
        expected: Box<str>,
        /// Origin found.
        found: Box<str>,
    },
    /// Fewer witnesses cosigned than the policy asks for.
    #[error("{found} witnesses cosigned, {needed} are needed")]
    Quorum {
        /// Valid cosignatures of different witnesses.
        found: usize,
        /// Cosignatures needed.
        needed: usize,
    },
    /// A checkpoint smaller than one that a witness has seen: the log was rolled back.
    #[error("checkpoint of size {offered}, size {seen} was seen before")]
    Rollback {
        /// Largest size seen.
        seen: u64,
        /// Size offered.
        offered: u64,
    },
    /// Two different roots for one size: the log is forked.
    #[error("second root for size {size}: the log is forked")]
    Fork {
        /// The size that has two roots.
        size: u64,
    },
    /// A clock that runs backwards.
    #[error("time is {back_ms} ms before the last one")]
    ClockBack {
        /// How far back, in milliseconds.
        back_ms: u64,
    },
    /// An entry of a different form than the proof is for.
    #[error("entry is a {found}, expected a {expected}")]
    EntryForm {
        /// Form expected.
        expected: &'static str,
        /// Form found.
        found: &'static str,
    },
    /// The receipt is for another record.
    #[error("entry does not commit to this record")]
    WrongRecord,
    /// A batch does not contain exactly the disclosed records and filler.
    #[error("batch is not accounted for by its seed and {disclosed} disclosed records")]
    Unaccounted {
        /// Records that were disclosed.
        disclosed: usize,
    },
    /// A record at a place that the beat's seed does not give it.
    #[error("record {nth} stands at place {found}, the seed gives it {expected}")]
    Place {
        /// Which record, from 0.
        nth: usize,
        /// Place the seed gives.
        expected: u64,
        /// Place found.
        found: u64,
    },
    /// One commitment twice in a batch.
    #[error("commitment {nth} stands twice in one batch")]
    Duplicate {
        /// Which commitment, from 0.
        nth: usize,
    },
    /// A file of a tiled log is missing.
    #[error("log file {path} is missing")]
    FileMissing {
        /// Path of the file.
        path: Box<str>,
    },
    /// A file of a tiled log that its size does not call for.
    #[error("log file {path} does not belong to a log of this size")]
    FileUnexpected {
        /// Path of the file.
        path: Box<str>,
    },
    /// A file of a tiled log that its entries do not give.
    #[error("log file {path} differs from what the entries give")]
    FileDiffers {
        /// Path of the file.
        path: Box<str>,
    },
    /// An error of the ground floor.
    #[error(transparent)]
    Crypto(#[from] mifeng_crypto::Error),
}

impl Error {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Malformed { .. } => "log.malformed",
            Error::TooLarge { .. } => "log.too-large",
            Error::Range { .. } => "log.range",
            Error::ProofLength { .. } => "log.proof-length",
            Error::NotProven { .. } => "log.not-proven",
            Error::BadSignature { .. } => "log.bad-signature",
            Error::Unsigned { .. } => "log.unsigned",
            Error::KeyType => "log.key-type",
            Error::Origin { .. } => "log.origin",
            Error::Quorum { .. } => "log.quorum",
            Error::Rollback { .. } => "log.rollback",
            Error::Fork { .. } => "log.fork",
            Error::ClockBack { .. } => "log.clock-back",
            Error::EntryForm { .. } => "log.entry-form",
            Error::WrongRecord => "log.wrong-record",
            Error::Unaccounted { .. } => "log.unaccounted",
            Error::Place { .. } => "log.place",
            Error::Duplicate { .. } => "log.duplicate",
            Error::FileMissing { .. } => "log.file-missing",
            Error::FileUnexpected { .. } => "log.file-unexpected",
            Error::FileDiffers { .. } => "log.file-differs",
            Error::Crypto(e) => e.code(),
        }
    }

    /// Whose fault it is.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Malformed { .. }
            | Error::TooLarge { .. }
            | Error::Range { .. }
            | Error::ProofLength { .. }
            | Error::KeyType
            | Error::EntryForm { .. } => Kind::Malformed,
            Error::Crypto(e) => e.kind(),
            _ => Kind::Refused,
        }
    }
}
