//! Proof that two points have the same logarithm: `Y = x·G` and `D = x·base`.
//!
//! `A = kG`, `B = k·base`, `e = H_q("dleq", L, u8 i, Y, base, D, A, B)`, `z = k + e·x`; the proof is `(e, z)`.
//! The whole statement is hashed: a challenge that leaves part of it out can be forged for another statement.
//! The nonce mixes fresh entropy with the secret and the statement, so neither a failed generator nor a
//! repeated one reveals the key. Normative text: `spec/tdh2.md`.

use mifeng_crypto::{Curve, Entropy, KnownPoint, Point, PointSum, Scalar, Suite};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{Error, Result};

/// Bytes of a proof.
pub const PROOF_BYTES: usize = 64;

/// What is proven.
#[derive(Debug, Clone, Copy)]
pub struct Statement<'a> {
    /// The use this proof is good for, and nothing else.
    pub label: &'a [u8],
    /// The prover's index.
    pub index: u8,
    /// `Y = x·G`.
    pub y: &'a KnownPoint,
    /// The base of the second equation.
    pub base: &'a Point,
    /// `D = x·base`.
    pub d: &'a Point,
}

/// `(e, z)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    e: Scalar,
    z: Scalar,
}

impl Proof {
    /// `e ‖ z`, each 32 bytes big-endian.
    pub fn to_bytes(&self) -> [u8; PROOF_BYTES] {
        let mut out = [0; PROOF_BYTES];
        out[..32].copy_from_slice(&self.e.to_be_bytes());
        out[32..].copy_from_slice(&self.z.to_be_bytes());
        out
    }

    /// Reads `e ‖ z`; values not below the group order are refused.
    ///
    /// # Errors
    /// [`Error::Length`] or an encoding error.
    pub fn from_bytes(curve: Curve, bytes: &[u8]) -> Result<Self> {
        if bytes.len() != PROOF_BYTES {
            return Err(Error::Length {
                what: "proof",
                expected: PROOF_BYTES,
                found: bytes.len(),
            });
        }
        let (mut e, mut z) = ([0; 32], [0; 32]);
        e.copy_from_slice(&bytes[..32]);
        z.copy_from_slice(&bytes[32..]);
        Ok(Self {
            e: Scalar::from_be_bytes(curve, &e)?,
            z: Scalar::from_be_bytes(curve, &z)?,
        })
    }
}

/// Proves the statement with the secret `x`.
///
/// # Errors
/// When the entropy source fails.
pub fn prove(
    suite: &Suite,
    statement: &Statement<'_>,
    x: &Scalar,
    entropy: &mut dyn Entropy,
) -> Result<Proof> {
    let mut fresh = Zeroizing::new([0; 32]);
    entropy.fill(fresh.as_mut_slice())?;
    let secret = Zeroizing::new(x.to_be_bytes());
    let k = suite.h_q(
        "dleq-nonce",
        &[
            secret.as_slice(),
            fresh.as_slice(),
            statement.label,
            &[statement.index],
            &statement.base.to_bytes(),
            &statement.d.to_bytes(),
        ],
    );
    if k.is_zero() {
        // Probability 2^-256; the proof would reveal the key.
        return Err(Error::Malformed {
            what: "proof nonce",
        });
    }
    let e = challenge(
        suite,
        statement,
        &Point::mul_generator(&k),
        &statement.base.mul(&k),
    );
    let z = k.add(&e.mul(x));
    Ok(Proof { e, z })
}

/// Whether the proof holds: two double-scalar sums and one hash.
pub fn verify(suite: &Suite, statement: &Statement<'_>, proof: &Proof) -> bool {
    verify_each(suite, &[(*statement, proof)]) == [true]
}

/// Whether each of many proofs holds; the outcome of one does not depend on the others.
///
/// Proofs in the form `(e, z)` carry no commitments, so each has its own hash to reproduce and no random linear
/// combination can replace the individual checks; the form is half as long in the log instead. Their sums go side by side.
pub fn verify_each(suite: &Suite, items: &[(Statement<'_>, &Proof)]) -> Vec<bool> {
    let curve = suite.curve();
    let generator = Point::generator(curve);
    let (mut places, mut opposites) = (Vec::new(), Vec::new());
    for (place, (statement, proof)) in items.iter().enumerate() {
        let points = [&**statement.y, statement.base, statement.d];
        let mut points = points.into_iter();
        let on_curve = points.all(|p| p.curve() == curve && !p.is_identity());
        if on_curve && proof.e.curve() == curve {
            places.push(place);
            opposites.push(proof.e.neg());
        }
    }
    let mut sums = Vec::with_capacity(2 * places.len());
    for (place, minus_e) in places.iter().zip(&opposites) {
        let (statement, proof) = &items[*place];
        sums.push(PointSum {
            known: vec![(minus_e, statement.y)],
            pairs: vec![(&proof.z, &generator)],
        });
        sums.push(PointSum {
            known: Vec::new(),
            pairs: vec![(&proof.z, statement.base), (minus_e, statement.d)],
        });
    }
    let sums = Point::sums_vartime(&sums);
    let commitments = sums.as_chunks::<2>().0;
    let mut points = Vec::with_capacity(5 * places.len());
    for (place, [a, b]) in places.iter().zip(commitments) {
        let (Statement { y, base, d, .. }, _) = &items[*place];
        points.extend([&***y, *base, *d, a, b]);
    }
    let encoded = Point::each_to_bytes(&points);
    let encoded = encoded.as_chunks::<5>().0;
    let mut holds = vec![false; items.len()];
    for ((place, [a, b]), encoded) in places.iter().zip(commitments).zip(encoded) {
        let (statement, proof) = &items[*place];
        let expected = challenge_of(suite, statement, encoded);
        let equal = expected.to_be_bytes().ct_eq(&proof.e.to_be_bytes()).into();
        holds[*place] = equal && !a.is_identity() && !b.is_identity();
    }
    holds
}

fn challenge(suite: &Suite, statement: &Statement<'_>, a: &Point, b: &Point) -> Scalar {
    let points = [statement.y, statement.base, statement.d, a, b];
    challenge_of(suite, statement, &Point::all_to_bytes(points))
}

fn challenge_of(suite: &Suite, statement: &Statement<'_>, points: &[[u8; 33]; 5]) -> Scalar {
    let [y, base, d, a, b] = points;
    let index = [statement.index];
    suite.h_q("dleq", &[statement.label, &index, y, base, d, a, b])
}

#[cfg(test)]
mod tests {
    use super::*;
    use mifeng_crypto::{GM, INTL};

    /// Made with the nonce zero both commitments are the identity, and the proof would hold.
    #[test]
    fn a_proof_without_a_nonce_is_refused() {
        for suite in [&GM, &INTL] {
            let curve = suite.curve();
            let x = Scalar::from_u64(curve, 5);
            let base = Point::mul_generator(&Scalar::from_u64(curve, 7));
            let y = KnownPoint::new(Point::mul_generator(&x));
            let d = base.mul(&x);
            let statement = Statement {
                label: b"l",
                index: 1,
                y: &y,
                base: &base,
                d: &d,
            };
            let made = |k: u64| {
                let k = Scalar::from_u64(curve, k);
                let (a, b) = (Point::mul_generator(&k), base.mul(&k));
                let e = challenge(suite, &statement, &a, &b);
                let z = k.add(&e.mul(&x));
                Proof { e, z }
            };
            assert!(verify(suite, &statement, &made(3)));
            assert!(!verify(suite, &statement, &made(0)));
        }
    }
}
