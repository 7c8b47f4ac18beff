//! What need not be done twice when many messages carry the same certificates, and what is done at once.

use super::WHAT;
use crate::{Certificate, Error};
use core::fmt;
use mifeng_crypto::{SignatureAlg, Signed, verify_many};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// Certificates that are remembered; beyond that they are read anew.
const REMEMBERED_MAX: usize = 65_536;
/// Bytes of their DER: a dozen thousand usual ones. Parsed they take a few times as much.
const REMEMBERED_LEN_MAX: usize = 16 << 20;
/// Last octets of a certificate by which it is looked up, before it is compared whole: they are of its
/// signature, and hashing all of it would cost more than reading the message.
const TAIL: usize = 32;
/// Certificates with one ending that are remembered. Only somebody who makes them so has more; then they
/// are read anew each time, which is slow and not wrong.
const TWINS_MAX: usize = 16;

/// Reads certificates, and sees to signatures.
pub(crate) trait Memo {
    fn certificate(&mut self, der: &[u8]) -> Result<Certificate, Error>;
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

/// Certificates by their last octets.
#[derive(Default)]
struct Shelf {
    places: HashMap<[u8; TAIL], Vec<Certificate>>,
    len: usize,
    /// Bytes of their DER.
    size: usize,
}

impl Shelf {
    fn get(&self, der: &[u8]) -> Option<&Certificate> {
        let twins = self.places.get(&tail(der))?;
        twins.iter().find(|known| known.der() == der)
    }

    /// Keeps it, unless there is no room.
    fn put(&mut self, certificate: &Certificate) {
        let size = self.size + certificate.der().len();
        if self.len >= REMEMBERED_MAX || size > REMEMBERED_LEN_MAX {
            return;
        }
        let twins = self.places.entry(tail(certificate.der())).or_default();
        if twins.len() < TWINS_MAX {
            twins.push(certificate.clone());
            self.len += 1;
            self.size = size;
        }
    }
}

/// Certificates that were read before, by all their bytes. Who reads many messages of few signers reads each certificate
/// once, and what was found of it stays with it: its hashes, what prepares its key, and which key made it. It takes part
/// in no decision: a message that is read with it is judged as without. For any number of threads.
#[derive(Default)]
pub struct Seen(Mutex<Shelf>);

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seen").finish_non_exhaustive()
    }
}

impl<'a> FromIterator<&'a Certificate> for Seen {
    fn from_iter<T: IntoIterator<Item = &'a Certificate>>(known: T) -> Self {
        let mut shelf = Shelf::default();
        known.into_iter().for_each(|one| shelf.put(one));
        Seen(Mutex::new(shelf))
    }
}

/// Reads with it, and puts no signature off.
impl Memo for &Seen {
    fn certificate(&mut self, der: &[u8]) -> Result<Certificate, Error> {
        Seen::certificate(self, der)
    }
    fn signature(
        &mut self,
        signer: &Certificate,
        alg: SignatureAlg,
        text: &[u8],
        signature: &[u8],
    ) -> Result<(), Error> {
        Forgetful.signature(signer, alg, text, signature)
    }
}

/// A signature that a message needs to be good, and that was not verified yet.
#[derive(Debug)]
pub struct PutOff {
    signer: Certificate,
    alg: SignatureAlg,
    text: Vec<u8>,
    signature: Vec<u8>,
}

impl PutOff {
    /// Verifies many in this thread, side by side; the outcome of one does not depend on the others.
    ///
    /// # Errors
    /// [`Error::BadSignature`] for each that does not hold.
    pub fn verify_each(all: &[&PutOff]) -> Vec<Result<(), Error>> {
        let signed = all.iter().map(|one| Signed {
            key: one.signer.public_key(),
            alg: one.alg,
            message: &one.text,
            signature: &one.signature,
        });
        let verified = verify_many(&signed.collect::<Vec<_>>()).into_iter();
        let bad = |_| Error::BadSignature { what: WHAT };
        verified.map(|verified| verified.map_err(bad)).collect()
    }
}

/// Reads with what was seen, and puts signatures off.
pub(super) struct Putting<'a> {
    pub(super) seen: &'a Seen,
    pub(super) off: Vec<PutOff>,
}

impl Memo for Putting<'_> {
    fn certificate(&mut self, der: &[u8]) -> Result<Certificate, Error> {
        self.seen.certificate(der)
    }
    fn signature(
        &mut self,
        signer: &Certificate,
        alg: SignatureAlg,
        text: &[u8],
        signature: &[u8],
    ) -> Result<(), Error> {
        self.off.push(PutOff {
            signer: signer.clone(),
            alg,
            text: text.to_vec(),
            signature: signature.to_vec(),
        });
        Ok(())
    }
}

impl Seen {
    fn certificate(&self, der: &[u8]) -> Result<Certificate, Error> {
        let shelf = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = shelf().get(der) {
            return Ok(known.clone());
        }
        // Not under the lock: reading takes long. Another thread may have been faster.
        let certificate = Certificate::parse(der)?;
        let mut shelf = shelf();
        if let Some(known) = shelf.get(der) {
            return Ok(known.clone());
        }
        shelf.put(&certificate);
        Ok(certificate)
    }
}

/// Remembers certificates, and puts signatures off until [`Remembering::settle`].
pub(super) struct Remembering<'a> {
    shared: &'a Seen,
    read: Shelf,
    place: usize,
    waiting: Vec<Waiting>,
    /// Texts and signatures that wait, one behind the other.
    octets: Vec<u8>,
}

struct Waiting {
    place: usize,
    signer: Certificate,
    alg: SignatureAlg,
    text: Range<usize>,
    signature: Range<usize>,
}

impl<'a> Remembering<'a> {
    pub(super) fn new(shared: &'a Seen) -> Self {
        Remembering {
            shared,
            read: Shelf::default(),
            place: 0,
            waiting: Vec::new(),
            octets: Vec::new(),
        }
    }

    /// The signatures that come next belong to this place.
    pub(super) fn at(&mut self, place: usize) {
        self.place = place;
    }

    /// Verifies what was put off, and calls out the places of those that do not hold.
    pub(super) fn settle(&mut self, mut bad: impl FnMut(usize)) {
        let all: Vec<Signed<'_>> = self
            .waiting
            .iter()
            .map(|one| Signed {
                key: one.signer.public_key(),
                alg: one.alg,
                message: &self.octets[one.text.clone()],
                signature: &self.octets[one.signature.clone()],
            })
            .collect();
        let mut verified = verify_many(&all).into_iter();
        for one in &self.waiting {
            if !matches!(verified.next(), Some(Ok(()))) {
                bad(one.place);
            }
        }
        self.waiting.clear();
        self.octets.clear();
    }
}

impl Memo for Remembering<'_> {
    fn certificate(&mut self, der: &[u8]) -> Result<Certificate, Error> {
        if let Some(known) = self.read.get(der) {
            return Ok(known.clone());
        }
        let certificate = self.shared.certificate(der)?;
        self.read.put(&certificate);
        Ok(certificate)
    }

    fn signature(
        &mut self,
        signer: &Certificate,
        alg: SignatureAlg,
        text: &[u8],
        signature: &[u8],
    ) -> Result<(), Error> {
        let begin = self.octets.len();
        self.octets.extend_from_slice(text);
        let middle = self.octets.len();
        self.octets.extend_from_slice(signature);
        self.waiting.push(Waiting {
            place: self.place,
            signer: signer.clone(),
            alg,
            text: begin..middle,
            signature: middle..self.octets.len(),
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
