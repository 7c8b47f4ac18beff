//! Many ECDSA signatures of P-256 at once, their points side by side (FIPS 186-5 section 6.4.2). One alone is for `ring`.

use crate::curves::limbs::{self, Limbs};
use crate::curves::vartime::x_is;
use crate::curves::{Known, P256, Params as _, Sum, side_by_side, sums_vartime};
use crate::sha2x;
use elliptic_curve::{Field as _, PrimeField as _};
use p256::Scalar;

/// A message, and r and s of the signature that a key is said to have made over it.
pub(super) type Job<'a> = (&'a Known<P256>, &'a [u8], ([u8; 32], [u8; 32]));

/// Whether each is a signature; nothing where `ring` is faster.
pub(super) fn verify_many(jobs: &[Job<'_>]) -> Option<Vec<bool>> {
    if !side_by_side::<P256>(jobs.len()) {
        return None;
    }
    let mut good = vec![false; jobs.len()];
    let mut checked = Vec::with_capacity(jobs.len());
    for (place, (_, _, (r, s))) in jobs.iter().enumerate() {
        // Both from 1 to n − 1.
        let number = |bytes: &[u8; 32]| {
            let number = Option::<Scalar>::from(Scalar::from_repr((*bytes).into()));
            number.filter(|number| !bool::from(number.is_zero()))
        };
        if let (Some(r), Some(s)) = (number(r), number(s)) {
            checked.push((place, r, s));
        }
    }
    let mut inverses: Vec<Scalar> = checked.iter().map(|(_, _, s)| *s).collect();
    invert_all(&mut inverses);
    let messages: Vec<&[u8]> = checked.iter().map(|(place, ..)| jobs[*place].1).collect();
    let hashes = sha2x::digest_many_prefixed(&[], &messages);
    let each = checked.iter().zip(&inverses).zip(hashes);
    let sums: Vec<Sum<'_, P256>> = each
        .map(|(((place, r, _), inverse), hash)| Sum {
            generator: to_limbs(&(reduced(&hash) * inverse)),
            known: vec![(to_limbs(&(*r * inverse)), jobs[*place].0)],
            points: Vec::new(),
        })
        .collect();
    for (sum, (place, r, _)) in sums_vartime(&sums).iter().zip(&checked) {
        good[*place] = x_is(sum, &to_limbs(r));
    }
    Some(good)
}

fn to_limbs(scalar: &Scalar) -> Limbs {
    limbs::from_be(&scalar.to_repr().into())
}

/// A hash modulo n, which it exceeds once at most.
fn reduced(hash: &[u8; 32]) -> Scalar {
    let value = limbs::from_be(hash);
    let value = match limbs::sub(&value, &P256::N) {
        (less, 0) => less,
        _ => value,
    };
    Option::from(Scalar::from_repr(limbs::to_be(&value).into())).expect("below the order")
}

/// Inverts all in place with one inversion; none is zero.
fn invert_all(all: &mut [Scalar]) {
    let mut product = Scalar::ONE;
    let mut before = Vec::with_capacity(all.len());
    for one in all.iter() {
        before.push(product);
        product *= one;
    }
    let mut inverse = product.invert().expect("no factor is zero");
    for (one, before) in all.iter_mut().zip(before).rev() {
        let own = inverse * before;
        inverse *= &*one;
        *one = own;
    }
}
