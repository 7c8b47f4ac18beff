//! What a judgement rests on, to be stored beside it.

use mifeng_crypto::{Digest, HashAlg};
use std::sync::Arc;

/// What kind of document it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EvidenceKind {
    /// A certificate of the path, or of one who signed a list or a response.
    Certificate,
    /// A complete revocation list.
    RevocationList,
    /// A delta revocation list.
    DeltaRevocationList,
    /// An OCSP response.
    OcspResponse,
}

/// One document that a judgement rests on: its bytes as they were read. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Evidence {
    kind: EvidenceKind,
    der: Arc<[u8]>,
}

impl Evidence {
    pub(crate) fn new(kind: EvidenceKind, der: Arc<[u8]>) -> Self {
        Evidence { kind, der }
    }
    /// What kind of document it is.
    pub fn kind(&self) -> EvidenceKind {
        self.kind
    }
    /// Its bytes.
    pub fn der(&self) -> &[u8] {
        &self.der
    }
    /// The hash of its bytes.
    pub fn digest(&self, alg: HashAlg) -> Digest {
        alg.digest(&self.der)
    }
}

impl core::fmt::Debug for Evidence {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Evidence({:?}, {} bytes)", self.kind, self.der.len())
    }
}
