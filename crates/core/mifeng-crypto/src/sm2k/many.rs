//! Many signatures at once: what they can share.

use super::dsa::{VerifyingKey, x_is};
use super::order::Scalar;
use super::{Affine, Point};
use crate::curves::vartime::{add_digit_vartime, add_generator_vartime, lincomb_vartime, naf};
use crate::sm3x;

/// A message, and r and s of the signature that a key is said to have made over it.
pub(crate) type Job<'a> = (&'a VerifyingKey, &'a [u8], ([u8; 32], [u8; 32]));

/// Width of the non-adjacent forms for keys without a prepared table.
const WIDTH: u32 = 5;
/// Odd multiples in such a form's table: 1, 3, … 15 times.
const ODD: usize = 1 << (WIDTH - 2);
/// Jobs whose tables are made together: 64 KiB of points.
const TOGETHER: usize = 64;

/// A signature whose numbers are in range.
struct Checked {
    place: usize,
    s: Scalar,
    t: Scalar,
    /// r − e, which x of the sum must be.
    x: Scalar,
}

/// Whether each is a signature. The outcome of one does not depend on the others.
pub(crate) fn verify_many(jobs: &[Job<'_>]) -> Vec<bool> {
    let mut good = vec![false; jobs.len()];
    let hashes = hashes(jobs);
    let mut fresh = Vec::new();
    for (place, ((key, _, (r, s)), e)) in jobs.iter().zip(&hashes).enumerate() {
        let (Some(r), Some(s)) = (Scalar::from_be_bytes(r), Scalar::from_be_bytes(s)) else {
            continue;
        };
        let t = r.add(&s);
        if r.is_zero() || s.is_zero() || t.is_zero() {
            continue;
        }
        let x = r.sub(&Scalar::reduce(e));
        let checked = Checked { place, s, t, x };
        if key.key().first_use() {
            fresh.push(checked);
        } else {
            let terms = [(*t.limbs(), key.key())];
            good[place] = fits(&lincomb_vartime(checked.s.limbs(), &terms, &[]), &checked);
        }
    }
    for group in fresh.chunks(TOGETHER) {
        let keys: Vec<&Point> = group
            .iter()
            .map(|one| jobs[one.place].0.key().point())
            .collect();
        for (one, table) in group.iter().zip(tables(&keys).chunks(ODD)) {
            let product = mul_vartime(&one.t, table);
            good[one.place] = fits(&add_generator_vartime(product, one.s.limbs()), one);
        }
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

/// `sum`, which is sG + tP, has the x that is wanted.
fn fits(sum: &Point, one: &Checked) -> bool {
    !sum.is_identity() && x_is(sum, one.x.limbs())
}

/// The odd multiples of all keys, made affine with one inversion.
fn tables(keys: &[&Point]) -> Vec<Affine> {
    let mut points = Vec::with_capacity(keys.len() * ODD);
    for key in keys {
        let mut multiple = **key;
        let twice = multiple.double();
        for _ in 0..ODD {
            points.push(multiple);
            multiple = multiple.add(&twice);
        }
    }
    Point::all_to_affine(&points)
}

fn mul_vartime(k: &Scalar, table: &[Affine]) -> Point {
    let mut sum = Point::IDENTITY;
    for digit in naf(k.limbs(), WIDTH).into_iter().rev() {
        if !sum.is_identity() {
            sum = sum.double();
        }
        sum = add_digit_vartime(&sum, digit, table);
    }
    sum
}
