//! What can go wrong with a sealed bid, and who is at fault.

use mifeng_crypto::Kind;

/// The result of this crate's functions.
pub type Result<T> = core::result::Result<T, Error>;

/// Who a failed opening is charged to (PROTOCOL 2.3, 2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The bidder, provably: the shares were right and the seal does not open to what it must.
    Bidder,
    /// Whoever stored the body: it is not the one that the bidder signed.
    Host,
}

/// Errors of the sealed bid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Bytes that are not in the one accepted form.
    #[error("malformed {what}")]
    Malformed {
        /// Which part.
        what: &'static str,
    },
    /// A length that is not the one it must be.
    #[error("{what}: expected {expected} bytes, found {found}")]
    Length {
        /// Which part.
        what: &'static str,
        /// What it must be.
        expected: u64,
        /// What it is.
        found: u64,
    },
    /// A value above its limit.
    #[error("{what}: at most {limit}, found {found}")]
    Limit {
        /// Which value.
        what: &'static str,
        /// The largest accepted value.
        limit: u64,
        /// The value received.
        found: u64,
    },
    /// A length that no chunked encryption has: the body was cut or is none.
    #[error("{found} bytes is not a length that a body can have")]
    BodyLength {
        /// The length received.
        found: u64,
    },
    /// The seal says something else than the tender it is submitted to.
    #[error("{what} is not the one of this tender")]
    Mismatch {
        /// Which statement.
        what: &'static str,
    },
    /// A key or certificate that the policy names and the caller did not supply.
    #[error("no {what} with the digest that the policy names")]
    UnknownKey {
        /// `board` or `certificate`.
        what: &'static str,
    },
    /// No file of this path in the bid.
    #[error("no such file in the bid")]
    UnknownFile,
    /// Something the format names but this version does not do.
    #[error("not yet supported: {what}")]
    Unsupported {
        /// Which feature.
        what: &'static str,
    },
    /// The signature over a part of the seal does not hold.
    #[error("{what}: signature does not verify")]
    Signature {
        /// Which signature.
        what: &'static str,
    },
    /// The body is not the one whose root was signed.
    #[error("body does not have the signed root")]
    BodyRoot,
    /// A file changed while it was being sealed.
    #[error("file number {index} changed while it was read")]
    FileChanged {
        /// Its position in the list, from 0.
        index: usize,
    },
    /// The journal of an interrupted attempt does not fit: begin anew, with a new secret.
    #[error("the journal of the interrupted attempt does not fit: {what}")]
    Journal {
        /// What is wrong with it.
        what: &'static str,
    },
    /// Fewer leaf shares than the policy asks for.
    #[error("the leaf shares do not satisfy the policy")]
    NotSatisfied,
    /// The decrypter cannot open this leaf.
    #[error("no leaf of this seal opens with this key")]
    NotOurLeaf,
    /// The opened seal is not what a correct sealing writes: the bidder is at fault.
    #[error("the seal opens to something malformed: {what}")]
    Opening {
        /// Which rule is broken.
        what: &'static str,
    },
    /// Reading or writing failed.
    #[error("{what}: {kind}")]
    Io {
        /// What was being done.
        what: &'static str,
        /// The kind of failure.
        kind: std::io::ErrorKind,
    },
    /// A failure of the certificate floor.
    #[error(transparent)]
    Pki(#[from] mifeng_pki::Error),
    /// A failure of the lock.
    #[error(transparent)]
    Lock(#[from] mifeng_lock::Error),
    /// A failure of the cryptographic floor.
    #[error(transparent)]
    Crypto(#[from] mifeng_crypto::Error),
}

impl Error {
    /// A short stable code, for records and programs.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Malformed { .. } => "envelope.malformed",
            Error::Length { .. } => "envelope.length",
            Error::Limit { .. } => "envelope.limit",
            Error::BodyLength { .. } => "envelope.body-length",
            Error::Mismatch { .. } => "envelope.mismatch",
            Error::UnknownKey { .. } => "envelope.unknown-key",
            Error::UnknownFile => "envelope.unknown-file",
            Error::Unsupported { .. } => "envelope.unsupported",
            Error::Signature { .. } => "envelope.signature",
            Error::BodyRoot => "envelope.body-root",
            Error::FileChanged { .. } => "envelope.file-changed",
            Error::Journal { .. } => "envelope.journal",
            Error::NotSatisfied => "envelope.not-satisfied",
            Error::NotOurLeaf => "envelope.not-our-leaf",
            Error::Opening { .. } => "envelope.opening",
            Error::Io { .. } => "envelope.io",
            Error::Pki(inner) => inner.code(),
            Error::Lock(inner) => inner.code(),
            Error::Crypto(inner) => inner.code(),
        }
    }

    /// What sort of failure this is.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Malformed { .. }
            | Error::Length { .. }
            | Error::Limit { .. }
            | Error::BodyLength { .. }
            | Error::Opening { .. } => Kind::Malformed,
            Error::Mismatch { .. }
            | Error::Unsupported { .. }
            | Error::Signature { .. }
            | Error::BodyRoot
            | Error::FileChanged { .. }
            | Error::Journal { .. }
            | Error::UnknownFile
            | Error::NotSatisfied
            | Error::NotOurLeaf => Kind::Refused,
            Error::UnknownKey { .. } | Error::Io { .. } => Kind::Unavailable,
            Error::Pki(inner) => inner.kind(),
            Error::Lock(inner) => inner.kind(),
            Error::Crypto(inner) => inner.kind(),
        }
    }

    /// Who is charged when this error ends an opening; `None` where nobody is proven at fault.
    pub fn fault(&self) -> Option<Fault> {
        match self {
            Error::Opening { .. } => Some(Fault::Bidder),
            Error::BodyRoot => Some(Fault::Host),
            _ => None,
        }
    }

    /// Whether the seal is sound but for something else than the tender it was checked against.
    pub fn is_bound_elsewhere(&self) -> bool {
        matches!(self, Error::Mismatch { .. })
    }

    /// Whether the opening failed by the bidder's provable fault.
    pub fn is_bidder_fault(&self) -> bool {
        self.fault() == Some(Fault::Bidder)
    }

    pub(crate) fn io(what: &'static str) -> impl Fn(std::io::Error) -> Error {
        move |e| Error::Io {
            what,
            kind: e.kind(),
        }
    }
}
