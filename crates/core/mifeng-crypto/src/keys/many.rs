//! Many signatures at once.

use super::public::ec_parts;
use super::{PublicKey, SignatureAlg, ecdsa};
use crate::{Error, sm2k};

/// A message that a key is said to have signed.
#[derive(Clone, Copy)]
pub struct Signed<'a> {
    /// The key.
    pub key: &'a PublicKey,
    /// The algorithm.
    pub alg: SignatureAlg,
    /// The message.
    pub message: &'a [u8],
    /// The signature, as [`PublicKey::verify`] wants it.
    pub signature: &'a [u8],
}

/// Verifies many signatures, each on its own: the outcome of one says nothing of the others.
///
/// An SM2 signature holds r = e + x modulo n and an ECDSA signature r = x, and not the point, so the sum of many
/// verifications cannot be checked as one (as with Schnorr signatures). What many share here: their hashes go side by side
/// through [`crate::sm3x`] and [`crate::sha2x`], and their points in the lanes of `crate::curves::sums_vartime`.
pub fn verify_many(all: &[Signed<'_>]) -> Vec<Result<(), Error>> {
    let mut out: Vec<Result<(), Error>> = vec![Err(Error::Unverified); all.len()];
    let (mut sm2, mut p256) = (Group::default(), Group::default());
    let mut others = Vec::new();
    for (place, signed) in all.iter().enumerate() {
        let parts = ec_parts(signed.signature);
        match (signed.alg, signed.key.sm2(), signed.key.p256(), parts) {
            (SignatureAlg::Sm2Sm3, Some(key), _, Ok(parts)) => {
                sm2.push(place, (key, signed.message, parts));
            }
            (SignatureAlg::EcdsaP256Sha256, _, Some(key), Ok(parts)) => {
                p256.push(place, (key, signed.message, parts));
            }
            _ => others.push(place),
        }
    }
    match ecdsa::verify_many(&p256.jobs) {
        Some(good) => mark(&mut out, &p256.places, good),
        None => others.extend(p256.places),
    }
    mark(&mut out, &sm2.places, sm2k::verify_many(&sm2.jobs));
    for place in others {
        let Signed {
            key,
            alg,
            message,
            signature,
        } = all[place];
        out[place] = key.verify(alg, message, signature);
    }
    out
}

/// Jobs of one kind, and where they come from.
struct Group<J> {
    places: Vec<usize>,
    jobs: Vec<J>,
}

impl<J> Default for Group<J> {
    fn default() -> Self {
        Group {
            places: Vec::new(),
            jobs: Vec::new(),
        }
    }
}

impl<J> Group<J> {
    fn push(&mut self, place: usize, job: J) {
        self.places.push(place);
        self.jobs.push(job);
    }
}

fn mark(out: &mut [Result<(), Error>], places: &[usize], good: Vec<bool>) {
    for (place, _) in places.iter().zip(good).filter(|(_, good)| *good) {
        out[*place] = Ok(());
    }
}
