//! What is stamped: a hash with its algorithm.

use super::WHAT;
use crate::asn1::{Reader, tag, write};
use crate::cms::DigestAlg;
use crate::{Error, oid};
use mifeng_crypto::{Digest, HashAlg};

/// A MessageImprint: the hash of what is stamped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imprint {
    alg: DigestAlg,
    hashed: Vec<u8>,
}

impl Imprint {
    /// A digest of a suite.
    #[must_use]
    pub fn new(digest: Digest, alg: HashAlg) -> Self {
        Imprint {
            alg: alg.into(),
            hashed: digest.as_bytes().to_vec(),
        }
    }

    /// The imprint of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8], alg: DigestAlg) -> Self {
        Imprint {
            alg,
            hashed: alg.digest(bytes),
        }
    }

    /// The hash algorithm.
    #[must_use]
    pub fn alg(&self) -> DigestAlg {
        self.alg
    }
    /// The hash.
    #[must_use]
    pub fn hashed(&self) -> &[u8] {
        &self.hashed
    }
    /// The hash, if it has the 32 bytes that hashes of a suite have.
    #[must_use]
    pub fn digest(&self) -> Option<Digest> {
        <[u8; 32]>::try_from(&self.hashed[..])
            .ok()
            .map(Digest::from_bytes)
    }

    pub(super) fn to_der(&self) -> Vec<u8> {
        write::seq(&[&self.alg.der(), &write::octets(&self.hashed)])
    }

    /// None inside: a hash that is not taken.
    pub(super) fn read(input: &mut Reader<'_>) -> Result<Option<Self>, Error> {
        let mut inner = input.enter(tag::SEQUENCE)?;
        let id = oid::algorithm(&mut inner)?;
        let hashed = inner.value(tag::OCTET_STRING)?.to_vec();
        inner.finish()?;
        if !id.parameters.is_empty() {
            return Err(Error::Malformed { what: WHAT });
        }
        let Some(alg) = DigestAlg::by_oid(id.oid) else {
            return Ok(None);
        };
        if hashed.len() != alg.digest_len() {
            return Err(Error::Malformed { what: WHAT });
        }
        Ok(Some(Imprint { alg, hashed }))
    }
}
