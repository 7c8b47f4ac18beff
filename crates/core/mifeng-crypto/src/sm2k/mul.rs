//! Multiples of points in constant time: of the generator and of any point.

use super::order::Scalar;
use super::{Affine, Fe, Point};
use crate::curves::vartime::{COMB_BITS, COMB_ENTRIES, Window, digit};
use crate::curves::{Params as _, Sm2, limbs};
use core::hint::black_box;

/// Bits of a window of a multiplication in constant time.
const WINDOW_BITS: usize = 5;
const WINDOWS: usize = 257_usize.div_ceil(WINDOW_BITS);
const WINDOW_ENTRIES: usize = 1 << (WINDOW_BITS - 1);

/// Entry `magnitude` of a window, reading all of them; zeros for 0.
#[inline(always)]
fn scan(window: &Window, magnitude: u64) -> [u64; 8] {
    // `x − 1` borrows into the top bit only for x = 0. The barrier matters: a compiler that knows
    // what the masks are skips the entries whose mask is zero, by a branch on the secret.
    let same = |i: usize| ((i as u64 + 1) ^ magnitude).wrapping_sub(1) >> 63;
    let masks: [u64; COMB_ENTRIES] = core::array::from_fn(|i| same(i).wrapping_neg());
    let masks = black_box(masks);
    let mut out = [0; 8];
    for (mask, entry) in masks.iter().zip(window) {
        for (out, limb) in out.iter_mut().zip(entry) {
            *out |= limb & mask;
        }
    }
    out
}

/// `k · G` in constant time.
///
/// The windows are added from below: before window i the sum is below `2^(7i)·G` in magnitude and
/// the term at least that, so the two differ, unless the total passes the order. That takes the
/// last window, where `sum + term = k` is below the order and not zero, and `sum = term` modulo n
/// would need `sum = term − n`; with `k < n` no digit of the last window gives that.
pub(crate) fn mul_generator(k: &Scalar) -> Point {
    let mut sum = Point::IDENTITY;
    for (index, window) in Sm2::comb().windows().iter().enumerate() {
        let (negative, magnitude) = digit::<COMB_BITS>(k.limbs(), index);
        let [x0, x1, x2, x3, y0, y1, y2, y3] = scan(window, magnitude);
        let y = Fe::from_raw([y0, y1, y2, y3]);
        let entry = Affine {
            x: Fe::from_raw([x0, x1, x2, x3]),
            y: Fe::select(limbs::mask(negative), &y.neg(), &y),
        };
        let some = limbs::mask(1 ^ limbs::is_zero(&[magnitude, 0, 0, 0]));
        sum = sum.add_affine_masked(some, &entry);
    }
    sum
}

/// `k · point` in constant time.
///
/// The windows are added from above. Before the last one, sum and term are both below n/2 in
/// magnitude and the sum is a multiple of 32 where the term is at most 16, so they are equal only
/// as the identity. In the last one they may be equal modulo n (`k = n − 6`): that addition is
/// the complete one.
pub(crate) fn mul(point: &Point, k: &Scalar) -> Point {
    let mut table = [*point; WINDOW_ENTRIES];
    for i in 1..WINDOW_ENTRIES {
        table[i] = match i % 2 {
            1 => table[i / 2].double(),
            _ => table[i - 1].add_different(point),
        };
    }
    let entry = |index: usize| {
        let (negative, magnitude) = digit::<WINDOW_BITS>(k.limbs(), index);
        let mut out = Point {
            z: Fe::ZERO,
            ..*point
        };
        for (number, entry) in (1_u64..).zip(&table) {
            let same = limbs::is_zero(&[number ^ magnitude, 0, 0, 0]);
            out = Point::select(limbs::mask(same), entry, &out);
        }
        Point {
            y: Fe::select(limbs::mask(negative), &out.y.neg(), &out.y),
            ..out
        }
    };
    let mut sum = entry(WINDOWS - 1);
    for index in (0..WINDOWS - 1).rev() {
        for _ in 0..WINDOW_BITS {
            sum = sum.double();
        }
        sum = match index {
            0 => sum.add(&entry(index)),
            _ => sum.add_different(&entry(index)),
        };
    }
    sum
}
