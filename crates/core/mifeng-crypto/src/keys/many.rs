//! Many signatures at once.

use super::public::sm2_parts;
use super::{PublicKey, SignatureAlg};
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
/// An SM2 signature holds r = e + x modulo n and not the point, so the sum of many verifications
/// cannot be checked as one (as with Schnorr signatures). What many SM2 signatures share here: their
/// hashes go side by side through [`crate::sm3x`], and all tables of multiples of keys that were not
/// seen before are made affine with one inversion.
pub fn verify_many(all: &[Signed<'_>]) -> Vec<Result<(), Error>> {
    let mut out: Vec<Result<(), Error>> = vec![Err(Error::Unverified); all.len()];
    let mut places = Vec::new();
    let mut jobs = Vec::new();
    for (place, signed) in all.iter().enumerate() {
        match (signed.alg, signed.key.sm2(), sm2_parts(signed.signature)) {
            (SignatureAlg::Sm2Sm3, Some(key), Ok(parts)) => {
                places.push(place);
                jobs.push((key, signed.message, parts));
            }
            _ => {
                out[place] = signed
                    .key
                    .verify(signed.alg, signed.message, signed.signature)
            }
        }
    }
    for (place, good) in places.into_iter().zip(sm2k::verify_many(&jobs)) {
        if good {
            out[place] = Ok(());
        }
    }
    out
}
