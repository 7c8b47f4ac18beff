//! Many signatures at once: what they can share.

use super::dsa::VerifyingKey;
use super::order::Scalar;
use crate::curves::vartime::x_is;
use crate::curves::{Sum, sums_vartime};
use crate::sm3x;

/// A message, and r and s of the signature that a key is said to have made over it.
pub(crate) type Job<'a> = (&'a VerifyingKey, &'a [u8], ([u8; 32], [u8; 32]));

/// Whether each is a signature. The outcome of one does not depend on the others.
pub(crate) fn verify_many(jobs: &[Job<'_>]) -> Vec<bool> {
    let mut good = vec![false; jobs.len()];
    let (mut sums, mut wanted) = (Vec::new(), Vec::new());
    for (place, ((key, _, (r, s)), e)) in jobs.iter().zip(hashes(jobs)).enumerate() {
        let (Some(r), Some(s)) = (Scalar::from_be_bytes(r), Scalar::from_be_bytes(s)) else {
            continue;
        };
        let t = r.add(&s);
        if r.is_zero() || s.is_zero() || t.is_zero() {
            continue;
        }
        sums.push(Sum {
            generator: *s.limbs(),
            known: vec![(*t.limbs(), key.key())],
            points: Vec::new(),
        });
        wanted.push((place, r.sub(&Scalar::reduce(&e))));
    }
    for (sum, (place, x)) in sums_vartime(&sums).iter().zip(wanted) {
        good[place] = x_is(sum, x.limbs());
    }
    good
}

/// SM3 of Z ‖ M of all jobs, messages of like length side by side.
fn hashes(jobs: &[Job<'_>]) -> Vec<[u8; 32]> {
    let join = |(key, message, _): &Job<'_>| [&key.identity()[..], message].concat();
    let texts: Vec<Vec<u8>> = jobs.iter().map(join).collect();
    let mut order: Vec<usize> = (0..jobs.len()).collect();
    order.sort_by_key(|place| texts[*place].len());
    let sorted: Vec<&[u8]> = order.iter().map(|place| &texts[*place][..]).collect();
    let mut out = vec![[0; 32]; jobs.len()];
    for (place, hash) in order.into_iter().zip(sm3x::digest_many(&sorted)) {
        out[place] = hash;
    }
    out
}
