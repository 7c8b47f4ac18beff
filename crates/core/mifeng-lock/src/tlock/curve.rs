//! The few operations of BLS12-381 that are needed, on `blst`'s safe interface.
//!
//! `blst` signs with `s·H(m)`: that is also the exponentiation of the identity point in sealing, so neither
//! pairings nor points are ever raised here by hand. Every point from outside is compressed, of exact length, in
//! the subgroup, and not the identity.

use blst::{BLST_ERROR, blst_fp12};
use zeroize::Zeroizing;

use super::Scheme;
use crate::{Error, Result};

/// Bytes of a serialised target-group element.
pub(super) const TARGET_BYTES: usize = 576;

fn point(what: &'static str) -> impl Fn(BLST_ERROR) -> Error {
    move |_| Error::Malformed { what }
}

const KEY: &str = "chain key: off the curve, outside the subgroup, or the identity";
const SIGNATURE: &str = "beacon: off the curve, outside the subgroup, or the identity";
const NONCE: &str =
    "timelock ciphertext: point off the curve, outside the subgroup, or the identity";
const SCALAR: &str = "scalar: zero or not below the group order";

macro_rules! side {
    ($name:ident, $module:ident, $pair:expr) => {
        mod $name {
            use super::*;
            use blst::$module::{PublicKey, SecretKey, Signature};

            pub(super) fn key(bytes: &[u8], what: &'static str) -> Result<PublicKey> {
                let key = PublicKey::uncompress(bytes).map_err(point(what))?;
                key.validate().map_err(point(what))?;
                Ok(key)
            }

            pub(super) fn signature(bytes: &[u8]) -> Result<Signature> {
                let signature = Signature::uncompress(bytes).map_err(point(SIGNATURE))?;
                signature.validate(true).map_err(point(SIGNATURE))?;
                Ok(signature)
            }

            pub(super) fn scalar(bytes: &[u8; 32]) -> Result<SecretKey> {
                SecretKey::from_bytes(bytes).map_err(point(SCALAR))
            }

            pub(super) fn pair(signature: &Signature, key: &PublicKey) -> blst_fp12 {
                let pair: fn(&Signature, &PublicKey) -> blst_fp12 = $pair;
                pair(signature, key).final_exp()
            }
        }
    };
}

side!(short, min_sig, |signature, key| blst_fp12::miller_loop(
    key.into(),
    signature.into()
));
side!(long, min_pk, |signature, key| blst_fp12::miller_loop(
    signature.into(),
    key.into()
));

pub(super) fn check_key(scheme: Scheme, bytes: &[u8]) -> Result<()> {
    if scheme.is_short() {
        short::key(bytes, KEY).map(drop)
    } else {
        long::key(bytes, KEY).map(drop)
    }
}

/// Whether `signature` is that of `key` over `message`.
pub(super) fn verify(scheme: Scheme, key: &[u8], signature: &[u8], message: &[u8]) -> Result<bool> {
    let tag = scheme.tag();
    let outcome = if scheme.is_short() {
        let key = short::key(key, KEY)?;
        short::signature(signature)?.verify(false, message, tag, &[], &key, false)
    } else {
        let key = long::key(key, KEY)?;
        long::signature(signature)?.verify(false, message, tag, &[], &key, false)
    };
    Ok(outcome == BLST_ERROR::BLST_SUCCESS)
}

/// `r·P`, compressed, with the pairing `e(H(message), key)^r`, serialised.
pub(super) fn encapsulate(
    scheme: Scheme,
    key: &[u8],
    message: &[u8],
    r: &[u8; 32],
) -> Result<(Vec<u8>, Zeroizing<[u8; TARGET_BYTES]>)> {
    let tag = scheme.tag();
    Ok(if scheme.is_short() {
        let (key, r) = (short::key(key, KEY)?, short::scalar(r)?);
        let pair = short::pair(&r.sign(message, tag, &[]), &key);
        (r.sk_to_pk().compress().to_vec(), serialise(&pair))
    } else {
        let (key, r) = (long::key(key, KEY)?, long::scalar(r)?);
        let pair = long::pair(&r.sign(message, tag, &[]), &key);
        (r.sk_to_pk().compress().to_vec(), serialise(&pair))
    })
}

/// `r·P`, compressed.
pub(super) fn nonce_point(scheme: Scheme, r: &[u8; 32]) -> Result<Vec<u8>> {
    Ok(if scheme.is_short() {
        short::scalar(r)?.sk_to_pk().compress().to_vec()
    } else {
        long::scalar(r)?.sk_to_pk().compress().to_vec()
    })
}

/// A secret key from 32 random bytes (KeyGen of draft-irtf-cfrg-bls-signature, section 2.3).
pub(super) fn new_secret(ikm: &[u8; 32]) -> Result<Zeroizing<[u8; 32]>> {
    let key = blst::min_sig::SecretKey::key_gen(ikm, &[]).map_err(point(SCALAR))?;
    Ok(Zeroizing::new(key.to_bytes()))
}

/// `s·H(message)`, compressed, by a secret key of this scheme.
pub(super) fn sign(scheme: Scheme, secret: &[u8; 32], message: &[u8]) -> Result<Vec<u8>> {
    let tag = scheme.tag();
    Ok(if scheme.is_short() {
        short::scalar(secret)?
            .sign(message, tag, &[])
            .compress()
            .to_vec()
    } else {
        long::scalar(secret)?
            .sign(message, tag, &[])
            .compress()
            .to_vec()
    })
}

/// The pairing of a beacon's signature with the point of a ciphertext, serialised.
pub(super) fn decapsulate(
    scheme: Scheme,
    signature: &[u8],
    nonce: &[u8],
) -> Result<Zeroizing<[u8; TARGET_BYTES]>> {
    let pair = if scheme.is_short() {
        short::pair(&short::signature(signature)?, &short::key(nonce, NONCE)?)
    } else {
        long::pair(&long::signature(signature)?, &long::key(nonce, NONCE)?)
    };
    Ok(serialise(&pair))
}

/// The pairing of the generators, serialised.
pub(super) fn generators() -> Result<Zeroizing<[u8; TARGET_BYTES]>> {
    let mut one = [0; 32];
    one[31] = 1;
    let first = long::scalar(&one)?.sk_to_pk();
    let second = short::scalar(&one)?.sk_to_pk();
    let pair = blst_fp12::miller_loop((&second).into(), (&first).into());
    Ok(serialise(&pair.final_exp()))
}

/// Coefficients from the highest to the lowest, each 48 bytes big-endian: what the makers of tlock hash.
/// `blst` writes them by j < 3, i < 2, k < 2 with i the coefficient of w and k that of u.
fn serialise(value: &blst_fp12) -> Zeroizing<[u8; TARGET_BYTES]> {
    const ONE: usize = 48;
    let theirs = Zeroizing::new(value.to_bendian());
    let mut out = Zeroizing::new([0; TARGET_BYTES]);
    let order = (0..2).rev().flat_map(|i| {
        (0..3)
            .rev()
            .flat_map(move |j| (0..2).rev().map(move |k| (j * 2 + i) * 2 + k))
    });
    for (to, from) in out.chunks_exact_mut(ONE).zip(order) {
        to.copy_from_slice(&theirs[from * ONE..(from + 1) * ONE]);
    }
    out
}
