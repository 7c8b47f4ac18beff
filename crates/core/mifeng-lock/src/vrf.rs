//! A verifiable random function of one key: ECVRF-P256-SHA256-TAI of RFC 9381 (section 5, suite 0x01).
//!
//! The small draw, where one authority answers instead of a board. Its output cannot be chosen once key and input
//! stand, and anyone can check it; but its holder knows it before everyone else, so it could try inputs until it
//! likes one. Hence the pool is frozen and published first, and a board (`crate::draw`) is better. Normative text:
//! `spec/draw.md`.

use mifeng_crypto::{Curve, Digest, HashAlg, Point, Scalar};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{Error, Result};

/// Bytes of a proof: Gamma 33, c 16, s 32.
pub const PROOF_BYTES: usize = 81;

/// RFC 9381 section 5.5: ECVRF-P256-SHA256-TAI.
const SUITE: u8 = 0x01;
const C_BYTES: usize = 16;

fn hash(parts: &[&[u8]]) -> [u8; 32] {
    *HashAlg::Sha256.digest_parts(parts).as_bytes()
}

/// `encode_to_curve` by try and increment (section 5.4.1.1); the salt is the public key.
///
/// # Errors
/// With probability 2^-256, when no counter gives a point.
pub fn encode_to_curve(public: &Point, alpha: &[u8]) -> Result<Point> {
    let salt = public.to_bytes();
    for counter in 0..=u8::MAX {
        let mut encoded = [2; 33];
        encoded[1..].copy_from_slice(&hash(&[&[SUITE, 1], &salt, alpha, &[counter, 0]]));
        if let Ok(point) = Point::from_bytes(Curve::P256, &encoded) {
            return Ok(point);
        }
    }
    Err(Error::Malformed { what: "VRF input" })
}

/// The proof for `alpha` (section 5.1) with the nonce of RFC 6979 (section 5.4.2.1).
///
/// # Errors
/// For a key of another curve or zero.
pub fn prove(secret: &Scalar, alpha: &[u8]) -> Result<[u8; PROOF_BYTES]> {
    if secret.curve() != Curve::P256 || secret.is_zero() {
        return Err(Error::Malformed { what: "VRF key" });
    }
    let public = Point::mul_generator(secret);
    let h = encode_to_curve(&public, alpha)?;
    let gamma = h.mul(secret);
    let k = nonce(secret, &h.to_bytes());
    let c = challenge([&public, &h, &gamma, &Point::mul_generator(&k), &h.mul(&k)]);
    let s = k.add(&scalar_of(&c)?.mul(secret));
    let mut out = [0; PROOF_BYTES];
    out[..33].copy_from_slice(&gamma.to_bytes());
    out[33..49].copy_from_slice(&c);
    out[49..].copy_from_slice(&s.to_be_bytes());
    Ok(out)
}

/// Checks a proof and gives the random value `beta` (sections 5.3 and 5.2).
///
/// # Errors
/// [`Error::VrfProof`], or the encoding error of the value that is wrong.
pub fn verify(public: &Point, alpha: &[u8], proof: &[u8]) -> Result<Digest> {
    if public.curve() != Curve::P256 || public.is_identity() {
        return Err(Error::Malformed { what: "VRF key" });
    }
    if proof.len() != PROOF_BYTES {
        return Err(Error::Length {
            what: "VRF proof",
            expected: PROOF_BYTES,
            found: proof.len(),
        });
    }
    let gamma = Point::from_bytes(Curve::P256, &proof[..33])?;
    let (mut c, mut s) = ([0; C_BYTES], [0; 32]);
    c.copy_from_slice(&proof[33..49]);
    s.copy_from_slice(&proof[49..]);
    let s = Scalar::from_be_bytes(Curve::P256, &s)?;
    let minus_c = scalar_of(&c)?.neg();
    let h = encode_to_curve(public, alpha)?;
    let generator = Point::generator(Curve::P256);
    let u = Point::lincomb_vartime(&[(&s, &generator), (&minus_c, public)]);
    let v = Point::lincomb_vartime(&[(&s, &h), (&minus_c, &gamma)]);
    if u.is_identity() || v.is_identity() {
        return Err(Error::VrfProof);
    }
    if bool::from(challenge([public, &h, &gamma, &u, &v]).ct_eq(&c)) {
        Ok(Digest::from_bytes(hash(&[
            &[SUITE, 3],
            &gamma.to_bytes(),
            &[0],
        ])))
    } else {
        Err(Error::VrfProof)
    }
}

fn scalar_of(c: &[u8; C_BYTES]) -> Result<Scalar> {
    let mut wide = [0; 32];
    wide[32 - C_BYTES..].copy_from_slice(c);
    Ok(Scalar::from_be_bytes(Curve::P256, &wide)?)
}

/// Section 5.4.3.
fn challenge(points: [&Point; 5]) -> [u8; C_BYTES] {
    let encoded = points.map(Point::to_bytes);
    let mut parts: Vec<&[u8]> = vec![&[SUITE, 2]];
    parts.extend(encoded.iter().map(<[u8; 33]>::as_slice));
    parts.push(&[0]);
    let mut c = [0; C_BYTES];
    c.copy_from_slice(&hash(&parts)[..C_BYTES]);
    c
}

/// RFC 6979 section 3.2 with SHA-256, over `message`.
fn nonce(secret: &Scalar, message: &[u8]) -> Scalar {
    let x = Zeroizing::new(secret.to_be_bytes());
    let h1 = reduced(&hash(&[message]));
    let (mut k, mut v) = (Zeroizing::new([0; 32]), Zeroizing::new([1; 32]));
    for step in 0..2 {
        *k = hmac(&k, &[&v[..], &[step], &x[..], &h1]);
        *v = hmac(&k, &[&v[..]]);
    }
    loop {
        *v = hmac(&k, &[&v[..]]);
        match Scalar::from_be_bytes(Curve::P256, &v) {
            Ok(nonce) if !nonce.is_zero() => return nonce,
            _ => {
                *k = hmac(&k, &[&v[..], &[0]]);
                *v = hmac(&k, &[&v[..]]);
            }
        }
    }
}

/// `bits2octets`: the hash is as long as the group order, so one subtraction reduces it.
fn reduced(h1: &[u8; 32]) -> [u8; 32] {
    let mut wide = [0; 48];
    wide[16..].copy_from_slice(h1);
    Scalar::reduce(Curve::P256, &wide).to_be_bytes()
}

/// HMAC-SHA256 (RFC 2104) with a key of 32 bytes.
fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let pad = |with: u8| {
        let mut block = Zeroizing::new([with; 64]);
        block.iter_mut().zip(key).for_each(|(out, k)| *out ^= k);
        block
    };
    let (inner, outer) = (pad(0x36), pad(0x5c));
    let mut all: Vec<&[u8]> = vec![&inner[..]];
    all.extend_from_slice(parts);
    hash(&[&outer[..], &hash(&all)])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with the nonce zero both commitments are the identity, and the proof would hold.
    #[test]
    fn a_proof_without_a_nonce_is_refused() {
        let secret = Scalar::from_u64(Curve::P256, 5);
        let public = Point::mul_generator(&secret);
        let h = encode_to_curve(&public, b"alpha").expect("a point");
        let gamma = h.mul(&secret);
        let made = |k: u64| {
            let k = Scalar::from_u64(Curve::P256, k);
            let c = challenge([&public, &h, &gamma, &Point::mul_generator(&k), &h.mul(&k)]);
            let s = k.add(&scalar_of(&c).expect("a number").mul(&secret));
            [&gamma.to_bytes()[..], &c, &s.to_be_bytes()].concat()
        };
        assert!(verify(&public, b"alpha", &made(3)).is_ok());
        assert_eq!(verify(&public, b"alpha", &made(0)), Err(Error::VrfProof));
    }
}
