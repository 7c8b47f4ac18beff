//! What need not be done twice when many messages carry the same certificates, and what is done at once.

use super::WHAT;
use crate::oid::{self, Oid};
use crate::{Certificate, Error};
use mifeng_crypto::{SignatureAlg, Signed, verify_many};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Certificates one batch remembers; beyond that they are read anew.
const REMEMBERED_MAX: usize = 65_536;
/// Last octets of a certificate by which it is looked up, before it is compared whole: they are of its
/// signature. Who makes two that end alike has the second read anew each time.
const TAIL: usize = 32;

/// Reads certificates and hashes them, and sees to signatures.
pub(crate) trait Memo {
    fn certificate(&mut self, der: &[u8]) -> Result<Certificate, Error>;
    fn digest(&mut self, alg: Oid, certificate: &Certificate) -> Option<Arc<[u8]>>;
    /// Verifies a signature of the certificate's key, or takes it down to be verified with others before the
    /// message is called good.
    fn signature(
        &mut self,
        signer: &Certificate,
        alg: SignatureAlg,
        text: &[u8],
        signature: &[u8],
    ) -> Result<(), Error>;
}

/// Remembers nothing, puts off nothing.
pub(crate) struct Forgetful;

impl Memo for Forgetful {
    fn certificate(&mut self, der: &[u8]) -> Result<Certificate, Error> {
        Certificate::parse(der)
    }
    fn digest(&mut self, alg: Oid, certificate: &Certificate) -> Option<Arc<[u8]>> {
        oid::digest_by_oid(alg, certificate.der()).map(Arc::from)
    }
    fn signature(
        &mut self,
        signer: &Certificate,
        alg: SignatureAlg,
        text: &[u8],
        signature: &[u8],
    ) -> Result<(), Error> {
        signer.verifies(alg, text, signature, WHAT)
    }
}

type Shelf = HashMap<[u8; TAIL], Certificate>;

/// What the threads of a batch share: a certificate read by one has its key prepared for all.
#[derive(Default)]
pub(super) struct Shared(Mutex<Shelf>);

impl Shared {
    fn certificate(&self, tail: [u8; TAIL], der: &[u8]) -> Result<Certificate, Error> {
        let shelf = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = shelf().get(&tail).filter(|known| known.der() == der) {
            return Ok(known.clone());
        }
        let certificate = Certificate::parse(der)?;
        let mut shelf = shelf();
        if shelf.len() >= REMEMBERED_MAX {
            return Ok(certificate);
        }
        let kept = shelf.entry(tail).or_insert_with(|| certificate.clone());
        Ok(if kept.der() == der {
            kept.clone()
        } else {
            certificate
        })
    }
}

/// Remembers certificates and their hashes, and puts signatures off until [`Remembering::settle`].
pub(super) struct Remembering<'a> {
    shared: &'a Shared,
    read: Shelf,
    /// By the certificate's identity, which `read` keeps alive.
    digests: HashMap<(usize, Oid), Arc<[u8]>>,
    place: usize,
    waiting: Vec<Waiting>,
}

struct Waiting {
    place: usize,
    signer: Certificate,
    alg: SignatureAlg,
    text: Vec<u8>,
    signature: Vec<u8>,
}

impl<'a> Remembering<'a> {
    pub(super) fn new(shared: &'a Shared) -> Self {
        Remembering {
            shared,
            read: Shelf::new(),
            digests: HashMap::new(),
            place: 0,
            waiting: Vec::new(),
        }
    }

    /// The signatures that come next belong to this place.
    pub(super) fn at(&mut self, place: usize) {
        self.place = place;
    }

    /// Verifies what was put off, and calls out the places of those that do not hold.
    pub(super) fn settle(&mut self, mut bad: impl FnMut(usize)) {
        let waiting = std::mem::take(&mut self.waiting);
        let all: Vec<Signed<'_>> = waiting
            .iter()
            .map(|one| Signed {
                key: one.signer.public_key(),
                alg: one.alg,
                message: &one.text,
                signature: &one.signature,
            })
            .collect();
        for (one, verified) in waiting.iter().zip(verify_many(&all)) {
            if verified.is_err() {
                bad(one.place);
            }
        }
    }
}

impl Memo for Remembering<'_> {
    fn certificate(&mut self, der: &[u8]) -> Result<Certificate, Error> {
        let tail = tail(der);
        if let Some(known) = self.read.get(&tail).filter(|known| known.der() == der) {
            return Ok(known.clone());
        }
        let certificate = self.shared.certificate(tail, der)?;
        if self.read.len() < REMEMBERED_MAX {
            self.read.entry(tail).or_insert_with(|| certificate.clone());
        }
        Ok(certificate)
    }

    fn digest(&mut self, alg: Oid, certificate: &Certificate) -> Option<Arc<[u8]>> {
        let key = (certificate.id(), alg);
        if let Some(known) = self.digests.get(&key) {
            return Some(known.clone());
        }
        let digest: Arc<[u8]> = Arc::from(oid::digest_by_oid(alg, certificate.der())?);
        // Only what `read` holds keeps its identity for the life of this memory.
        let held = self.read.get(&tail(certificate.der()));
        if held.is_some_and(|held| held.id() == certificate.id()) {
            self.digests.insert(key, digest.clone());
        }
        Some(digest)
    }

    fn signature(
        &mut self,
        signer: &Certificate,
        alg: SignatureAlg,
        text: &[u8],
        signature: &[u8],
    ) -> Result<(), Error> {
        self.waiting.push(Waiting {
            place: self.place,
            signer: signer.clone(),
            alg,
            text: text.to_vec(),
            signature: signature.to_vec(),
        });
        Ok(())
    }
}

fn tail(der: &[u8]) -> [u8; TAIL] {
    let mut out = [0; TAIL];
    let end = &der[der.len().saturating_sub(TAIL)..];
    out[..end.len()].copy_from_slice(end);
    out
}
