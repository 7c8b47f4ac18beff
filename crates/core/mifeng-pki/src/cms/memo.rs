//! What need not be done twice when many messages carry the same certificates.

use crate::oid::{self, Oid};
use crate::{Certificate, Error};
use std::collections::HashMap;
use std::sync::Arc;

/// Certificates one batch remembers; beyond that they are read anew.
const REMEMBERED_MAX: usize = 65_536;

/// Reads certificates and hashes them.
pub(crate) trait Memo {
    fn certificate(&mut self, der: &[u8]) -> Result<Certificate, Error>;
    fn digest(&mut self, alg: Oid, certificate: &Certificate) -> Option<Arc<[u8]>>;
}

/// Remembers nothing.
pub(crate) struct Forgetful;

impl Memo for Forgetful {
    fn certificate(&mut self, der: &[u8]) -> Result<Certificate, Error> {
        Certificate::parse(der)
    }
    fn digest(&mut self, alg: Oid, certificate: &Certificate) -> Option<Arc<[u8]>> {
        oid::digest_by_oid(alg, certificate.der()).map(Arc::from)
    }
}

/// Remembers certificates by their bytes, and their hashes.
#[derive(Default)]
pub(crate) struct Remembering {
    read: HashMap<Vec<u8>, Certificate>,
    /// By the place of the certificate's bytes, which `read` keeps where they are.
    digests: HashMap<(usize, Oid), Arc<[u8]>>,
}

impl Memo for Remembering {
    fn certificate(&mut self, der: &[u8]) -> Result<Certificate, Error> {
        if let Some(known) = self.read.get(der) {
            return Ok(known.clone());
        }
        let certificate = Certificate::parse(der)?;
        if self.read.len() < REMEMBERED_MAX {
            self.read.insert(der.to_vec(), certificate.clone());
        }
        Ok(certificate)
    }

    fn digest(&mut self, alg: Oid, certificate: &Certificate) -> Option<Arc<[u8]>> {
        // Only what `read` holds stays at its place for the life of this memory.
        let place = certificate.der().as_ptr() as usize;
        if let Some(known) = self.digests.get(&(place, alg)) {
            return Some(known.clone());
        }
        let digest: Arc<[u8]> = Arc::from(oid::digest_by_oid(alg, certificate.der())?);
        let held = self.read.get(certificate.der());
        if held.is_some_and(|held| held.der().as_ptr() as usize == place) {
            self.digests.insert((place, alg), digest.clone());
        }
        Some(digest)
    }
}
