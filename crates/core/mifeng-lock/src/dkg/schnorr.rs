//! The Schnorr signatures of COCKTAIL-DKG ("Schnorr Signature Scheme"): `R ‖ z`, 65 bytes.

use mifeng_crypto::{Point, Scalar, Suite};
use zeroize::Zeroizing;

use super::seal::names;
use crate::{Error, Result};

/// Bytes of a signature: R 33, z 32.
pub const SIGNATURE_BYTES: usize = 65;

/// Hash to 48 bytes, then reduce: `H(01 ‖ input) ‖ H(02 ‖ input)[0..16] mod q`.
fn hash_to_scalar(suite: &Suite, parts: &[&[u8]]) -> Scalar {
    let half = |prefix: u8| {
        let mut hasher = suite.hash().hasher();
        hasher.update(&[prefix]);
        parts.iter().for_each(|part| hasher.update(part));
        hasher.finish()
    };
    let mut wide = Zeroizing::new([0; 48]);
    wide[..32].copy_from_slice(half(1).as_bytes());
    wide[32..].copy_from_slice(&half(2).as_bytes()[..16]);
    Scalar::reduce(suite.curve(), &wide)
}

pub(super) fn sign(
    suite: &Suite,
    secret: &Scalar,
    message: &[u8],
) -> Result<[u8; SIGNATURE_BYTES]> {
    let encoded = Zeroizing::new(secret.to_be_bytes());
    let nonce = hash_to_scalar(
        suite,
        &[names(suite).nonce.as_bytes(), encoded.as_slice(), message],
    );
    if nonce.is_zero() {
        // Step 3 of the specification: never retried with the same input.
        return Err(Error::Malformed {
            what: "signature nonce",
        });
    }
    let r = Point::mul_generator(&nonce).to_bytes();
    let public = Point::mul_generator(secret).to_bytes();
    let challenge = hash_to_scalar(suite, &[names(suite).h7.as_bytes(), &r, &public, message]);
    let z = nonce.add(&challenge.mul(secret));
    let mut out = [0; SIGNATURE_BYTES];
    out[..33].copy_from_slice(&r);
    out[33..].copy_from_slice(&z.to_be_bytes());
    Ok(out)
}

pub(super) fn verify(suite: &Suite, public: &Point, message: &[u8], signature: &[u8]) -> bool {
    let Ok(signature) = <&[u8; SIGNATURE_BYTES]>::try_from(signature) else {
        return false;
    };
    let mut z = [0; 32];
    z.copy_from_slice(&signature[33..]);
    let curve = suite.curve();
    let (Ok(r), Ok(z)) = (
        Point::from_bytes(curve, &signature[..33]),
        Scalar::from_be_bytes(curve, &z),
    ) else {
        return false;
    };
    let challenge = hash_to_scalar(
        suite,
        &[
            names(suite).h7.as_bytes(),
            &signature[..33],
            &public.to_bytes(),
            message,
        ],
    );
    Point::lincomb_vartime(&[(&z, &Point::generator(curve)), (&challenge.neg(), public)]) == r
}
