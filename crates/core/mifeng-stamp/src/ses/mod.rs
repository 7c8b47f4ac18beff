//! The structures of seals and seal signatures: read in versions 1, 4 and 5, written in 4 and 5.
//!
//! Version 1 is GM/T 0031-2014, version 4 GB/T 38540-2020, version 5 GM/T 0031-2025.

mod draft;
mod field;
mod seal;
mod signature;
mod value;

pub use draft::{SealDraft, SignatureDraft};
pub use field::{CertificateDigest, Extension, SealKind, Signers};
pub use seal::{SEAL_LEN_MAX, Seal};
pub use signature::{SIGNATURE_LEN_MAX, SealSignature, SignedTime};
pub(crate) use value::{SIGNED_BY_SM2, verify_value};

/// The three editions of the structures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Version {
    /// GM/T 0031-2014: read only.
    V1,
    /// GB/T 38540-2020.
    V4,
    /// GM/T 0031-2025.
    V5,
}

impl Version {
    /// The number that is written.
    #[must_use]
    pub fn number(self) -> u64 {
        match self {
            Version::V1 => 1,
            Version::V4 => 4,
            Version::V5 => 5,
        }
    }
    /// The standard.
    #[must_use]
    pub fn standard(self) -> &'static str {
        match self {
            Version::V1 => "GM/T 0031-2014",
            Version::V4 => "GB/T 38540-2020",
            Version::V5 => "GM/T 0031-2025",
        }
    }
}
