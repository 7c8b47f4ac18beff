//! Multiples of points: of the generator and of any point in constant time, sums of multiples in
//! variable time for public values.

use super::field::Fe;
use super::limbs::{self, Limbs};
use super::order::Scalar;
use super::point::{Affine, Cached, G, Point};
use core::hint::black_box;
use std::sync::OnceLock;

/// Bits of a window of the generator's table.
const COMB_BITS: usize = 7;
/// Windows: signed digits carry out of the top bit, so 257 bits.
const COMB_WINDOWS: usize = 257_usize.div_ceil(COMB_BITS);
/// Multiples 1 to 64 in each window.
const COMB_ENTRIES: usize = 1 << (COMB_BITS - 1);

/// Bits of a window of a multiplication in constant time.
const WINDOW_BITS: usize = 5;
const WINDOWS: usize = 257_usize.div_ceil(WINDOW_BITS);
const WINDOW_ENTRIES: usize = 1 << (WINDOW_BITS - 1);

/// Multiples `1 · 2^(7i)·G` to `64 · 2^(7i)·G`: the raw x and y of each.
type Window = [[u64; 8]; COMB_ENTRIES];

/// The generator's table, computed at first use (under a millisecond, 148 KiB).
fn comb() -> &'static [Window] {
    static COMB: OnceLock<Vec<Window>> = OnceLock::new();
    COMB.get_or_init(|| {
        let mut points = Vec::with_capacity(COMB_WINDOWS * COMB_ENTRIES);
        let mut base = Point::from(G);
        for _ in 0..COMB_WINDOWS {
            let mut multiple = base;
            for _ in 0..COMB_ENTRIES {
                points.push(multiple);
                multiple = multiple.add(&base);
            }
            for _ in 0..COMB_BITS {
                base = base.double();
            }
        }
        let mut windows = vec![[[0; 8]; COMB_ENTRIES]; COMB_WINDOWS];
        let entries = windows.iter_mut().flatten();
        for (entry, point) in entries.zip(Point::all_to_affine(&points)) {
            entry[..4].copy_from_slice(point.x.raw());
            entry[4..].copy_from_slice(point.y.raw());
        }
        windows
    })
}

/// Digit `index` of Booth's recoding in windows of `BITS`: its sign (1 if negative) and its
/// magnitude, from 0 to `2^(BITS − 1)`.
#[inline(always)]
fn digit<const BITS: usize>(k: &Limbs, index: usize) -> (u64, u64) {
    // The window's bits and the one below them.
    let window = if index == 0 {
        k[0] << 1
    } else {
        let at = index * BITS - 1;
        let (limb, shift) = (at / 64, at % 64);
        let next = if shift + BITS + 1 > 64 && limb < 3 {
            k[limb + 1] << (64 - shift)
        } else {
            0
        };
        k[limb] >> shift | next
    } & ((2 << BITS) - 1);
    let negative = window >> BITS;
    let all = negative.wrapping_neg() & ((2 << BITS) - 1);
    let value = window ^ all;
    (negative, (value >> 1) + (value & 1))
}

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
    for (index, window) in comb().iter().enumerate() {
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

/// `k · G + sum` in variable time.
pub(super) fn add_generator_vartime(mut sum: Point, k: &Scalar) -> Point {
    for (index, window) in comb().iter().enumerate() {
        let (negative, magnitude) = digit::<COMB_BITS>(k.limbs(), index);
        let Some([x0, x1, x2, x3, y0, y1, y2, y3]) = (magnitude as usize)
            .checked_sub(1)
            .and_then(|at| window.get(at))
        else {
            continue;
        };
        let y = Fe::from_raw([*y0, *y1, *y2, *y3]);
        sum = sum.add_affine_vartime(&Affine {
            x: Fe::from_raw([*x0, *x1, *x2, *x3]),
            y: if negative == 1 { y.neg() } else { y },
        });
    }
    sum
}

/// The digits of the width-w non-adjacent form, least significant first: zero or odd and below
/// `2^(w − 1)` in magnitude.
pub(super) fn naf(k: &Limbs, width: u32) -> [i8; 257] {
    let mut digits = [0; 257];
    let mut rest = [k[0], k[1], k[2], k[3], 0];
    let mut at = 0;
    while at < digits.len() && rest != [0; 5] {
        let zeros = match rest[0] {
            0 => 63,
            low => low.trailing_zeros().min(63),
        };
        if zeros > 0 {
            shift(&mut rest, zeros);
            at += zeros as usize;
            continue;
        }
        let low = (rest[0] & ((1 << width) - 1)) as i64;
        let signed = low - (i64::from(low >= 1 << (width - 1)) << width);
        // Width is at most 8, so the digit fits.
        digits[at] = signed as i8;
        let mut carry;
        (rest[0], carry) = if signed < 0 {
            rest[0].overflowing_add(signed.unsigned_abs())
        } else {
            (rest[0] - signed.unsigned_abs(), false)
        };
        for limb in &mut rest[1..] {
            (*limb, carry) = limb.carrying_add(0, carry);
        }
    }
    digits
}

/// `rest >> by`, `by` from 1 to 63.
fn shift(rest: &mut [u64; 5], by: u32) {
    for i in 0..4 {
        rest[i] = rest[i] >> by | rest[i + 1] << (64 - by);
    }
    rest[4] >>= by;
}

/// Width of the non-adjacent forms of [`lincomb_vartime`].
const NAF_WIDTH: u32 = 5;

/// Odd multiples of a point: 1, 3, … 15 times.
type Odd = [Cached; 1 << (NAF_WIDTH - 2)];

fn odd_multiples(point: &Point) -> Odd {
    let twice = Cached::new(point.double());
    let mut table = [Cached::new(*point); 1 << (NAF_WIDTH - 2)];
    for i in 1..table.len() {
        table[i] = Cached::new(table[i - 1].point.add_cached_vartime(&twice));
    }
    table
}

/// `generator · G` and the sum of all `k · point`, in variable time, with the doublings shared.
pub(crate) fn lincomb_vartime(generator: &Scalar, terms: &[(Scalar, Point)]) -> Point {
    let terms: Vec<([i8; 257], Odd)> = terms
        .iter()
        .map(|(k, point)| (naf(k.limbs(), NAF_WIDTH), odd_multiples(point)))
        .collect();
    let mut sum = Point::IDENTITY;
    for at in (0..257).rev() {
        if !sum.is_identity() {
            sum = sum.double();
        }
        for (digits, table) in &terms {
            let digit = digits[at];
            let entry = &table[usize::from(digit.unsigned_abs() / 2)];
            if digit > 0 {
                sum = sum.add_cached_vartime(entry);
            } else if digit < 0 {
                sum = sum.add_cached_vartime(&entry.neg());
            }
        }
    }
    add_generator_vartime(sum, generator)
}
