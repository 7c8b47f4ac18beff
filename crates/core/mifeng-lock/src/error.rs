//! The one error type of this crate.

use mifeng_crypto::Kind;

/// Result with this crate's [`Error`].
pub type Result<T> = core::result::Result<T, Error>;

/// Why a lock operation did not succeed. Where a trustee is at fault the error names it by its index `1..=n`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Bytes or values that are not in the one accepted form.
    #[error("malformed {what}")]
    Malformed {
        /// Which value.
        what: &'static str,
    },
    /// A value of the wrong length.
    #[error("{what}: expected {expected} bytes, found {found}")]
    Length {
        /// Which value.
        what: &'static str,
        /// Exact length required.
        expected: usize,
        /// Length received.
        found: usize,
    },
    /// A value above its limit.
    #[error("{what}: at most {limit}, found {found}")]
    Limit {
        /// Which value.
        what: &'static str,
        /// The largest accepted value.
        limit: usize,
        /// The value received.
        found: usize,
    },
    /// An opening policy that is not in the grammar.
    #[error("opening policy: {what}")]
    PolicySyntax {
        /// What the grammar requires.
        what: &'static str,
    },
    /// Something the format names but this version does not do.
    #[error("unsupported: {what}")]
    Unsupported {
        /// Which feature.
        what: &'static str,
    },
    /// A threshold ciphertext whose public validity proof does not hold under its label and board key.
    #[error("threshold ciphertext is not valid under this label and board key")]
    InvalidCiphertext,
    /// A share that belongs to another board than the one it is used with.
    #[error("key share belongs to another board")]
    OtherBoard,
    /// Fewer distinct shares than the threshold.
    #[error("{need} shares are needed, found {found}")]
    TooFewShares {
        /// The board's threshold.
        need: u8,
        /// Distinct shares received.
        found: usize,
    },
    /// Two shares of the same trustee.
    #[error("two shares of trustee {index}")]
    DuplicateShare {
        /// The trustee.
        index: u8,
    },
    /// A share with an index that is not a member of the board.
    #[error("share index {index} is not in 1..={n}")]
    ShareIndex {
        /// The index received.
        index: u8,
        /// Members of the board.
        n: u8,
    },
    /// A share whose proof does not hold: this trustee sent a wrong share.
    #[error("share of trustee {index} does not verify")]
    ShareProof {
        /// The trustee at fault.
        index: u8,
    },
    /// Public values of a board that do not belong to one key.
    #[error("board: {what}")]
    Board {
        /// Which rule is broken.
        what: &'static str,
    },
    /// Two members of a board use the same static key.
    #[error("trustees {first} and {second} have the same static key")]
    DuplicateMember {
        /// The earlier member.
        first: u8,
        /// The later member.
        second: u8,
    },
    /// The static key is not one of the members' keys.
    #[error("static key is not a member of this board")]
    NotAMember,
    /// A key generation message that is not in the accepted form.
    #[error("key generation message of trustee {culprit}: {what}")]
    DkgMessage {
        /// The trustee at fault.
        culprit: u8,
        /// Which rule is broken.
        what: &'static str,
    },
    /// A proof of possession that does not verify.
    #[error("proof of possession of trustee {culprit} does not verify")]
    DkgProof {
        /// The trustee at fault.
        culprit: u8,
    },
    /// Two messages with a commitment or an ephemeral key in common: a copy, whose shares do not open.
    #[error(
        "messages of trustees {first} and {second} have a part in common: one is a copy, whose shares will not open"
    )]
    DkgCopied {
        /// The one that was there before.
        first: u8,
        /// The one that came later.
        second: u8,
    },
    /// A share that cannot be decrypted by its recipient.
    #[error("share from trustee {culprit} cannot be decrypted")]
    DkgDecrypt {
        /// The sender.
        culprit: u8,
    },
    /// A share that does not match the sender's commitment.
    #[error("share from trustee {culprit} does not match its commitment")]
    DkgShare {
        /// The sender.
        culprit: u8,
    },
    /// A signature over the transcript that does not verify.
    #[error("transcript signature of trustee {culprit} does not verify")]
    DkgSignature {
        /// The trustee at fault.
        culprit: u8,
    },
    /// A complaint that does not prove what it claims: the accuser is at fault.
    #[error("complaint of trustee {accuser} is not justified")]
    DkgComplaint {
        /// The trustee who complained.
        accuser: u8,
    },
    /// A candidate pool that breaks a rule.
    #[error("pool: {what}")]
    Pool {
        /// Which rule is broken.
        what: &'static str,
    },
    /// A panel that cannot be made as asked.
    #[error("panel: {what}")]
    Panel {
        /// Which rule is broken.
        what: &'static str,
    },
    /// A proof of a verifiable random function that does not hold.
    #[error("VRF proof does not hold for this key and input")]
    VrfProof,
    /// A published draw that does not follow from its inputs.
    #[error("draw: {what} differs from what its inputs give")]
    DrawMismatch {
        /// Which published value differs.
        what: &'static str,
    },
    /// A beacon chain that is not in the accepted form.
    #[error("beacon chain: {what}")]
    Chain {
        /// Which rule is broken.
        what: &'static str,
    },
    /// A beacon that does not open what it is used for.
    #[error("beacon of round {round}: {what}")]
    Beacon {
        /// The round it claims.
        round: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// A timelock ciphertext that does not follow from its own content.
    #[error("timelock ciphertext was not made by the rules, or for another round")]
    TimelockCiphertext,
    /// A failure of the cryptographic floor.
    #[error(transparent)]
    Crypto(#[from] mifeng_crypto::Error),
}

impl Error {
    /// A short stable code, for records and programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "lock.malformed",
            Self::Length { .. } => "lock.length",
            Self::Limit { .. } => "lock.limit",
            Self::PolicySyntax { .. } => "lock.policy-syntax",
            Self::Unsupported { .. } => "lock.unsupported",
            Self::InvalidCiphertext => "lock.invalid-ciphertext",
            Self::OtherBoard => "lock.other-board",
            Self::TooFewShares { .. } => "lock.too-few-shares",
            Self::DuplicateShare { .. } => "lock.duplicate-share",
            Self::ShareIndex { .. } => "lock.share-index",
            Self::ShareProof { .. } => "lock.share-proof",
            Self::Board { .. } => "lock.board",
            Self::DuplicateMember { .. } => "lock.duplicate-member",
            Self::NotAMember => "lock.not-a-member",
            Self::DkgMessage { .. } => "lock.dkg-message",
            Self::DkgProof { .. } => "lock.dkg-proof",
            Self::DkgCopied { .. } => "lock.dkg-copied",
            Self::DkgDecrypt { .. } => "lock.dkg-decrypt",
            Self::DkgShare { .. } => "lock.dkg-share",
            Self::DkgSignature { .. } => "lock.dkg-signature",
            Self::DkgComplaint { .. } => "lock.dkg-complaint",
            Self::Pool { .. } => "lock.pool",
            Self::Panel { .. } => "lock.panel",
            Self::VrfProof => "lock.vrf-proof",
            Self::DrawMismatch { .. } => "lock.draw-mismatch",
            Self::Chain { .. } => "lock.chain",
            Self::Beacon { .. } => "lock.beacon",
            Self::TimelockCiphertext => "lock.timelock-ciphertext",
            Self::Crypto(inner) => inner.code(),
        }
    }

    /// What sort of failure this is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Malformed { .. }
            | Self::Length { .. }
            | Self::Limit { .. }
            | Self::PolicySyntax { .. }
            | Self::Chain { .. }
            | Self::DkgMessage { .. } => Kind::Malformed,
            Self::Crypto(inner) => inner.kind(),
            _ => Kind::Refused,
        }
    }

    /// The trustee whose data is at fault, where the failure proves one.
    pub fn culprit(&self) -> Option<u8> {
        match *self {
            Self::ShareProof { index } | Self::DuplicateShare { index } => Some(index),
            Self::DkgMessage { culprit, .. }
            | Self::DkgProof { culprit }
            | Self::DkgDecrypt { culprit }
            | Self::DkgShare { culprit }
            | Self::DkgSignature { culprit } => Some(culprit),
            Self::DkgComplaint { accuser } => Some(accuser),
            _ => None,
        }
    }
}
