//! Sums of multiples of points in variable time: for public values only, as in verification. And what multiplications in
//! constant time have in common with them: the generator's table and the digits that index it.
//!
//! The points come from anybody. Every addition here is complete: equal points are doubled, opposite ones give the
//! identity, and the identity is skipped.

use super::Params;
use super::field::Fe;
use super::known::{Known, PART_DIGITS, Prepared};
use super::limbs::{self, Limbs};
use super::point::{Affine, Cached, Point};
use core::marker::PhantomData;

/// Bits of a window of the generator's table.
pub(crate) const COMB_BITS: usize = 7;
/// Multiples 1 to 64 in each window.
pub(crate) const COMB_ENTRIES: usize = 1 << (COMB_BITS - 1);

/// Multiples `1 · 2^(7i)·G` to `64 · 2^(7i)·G`: the raw x and y of each.
pub(crate) type Window = [[u64; 8]; COMB_ENTRIES];

/// The table of a curve's generator (made in under a millisecond, 148 KiB).
pub(crate) struct Comb<C>(Vec<Window>, PhantomData<C>);

impl<C: Params> Comb<C> {
    pub(super) fn new() -> Self {
        Comb(windows(&Point::<C>::GENERATOR), PhantomData)
    }

    /// From the lowest.
    pub(crate) fn windows(&self) -> &[Window] {
        &self.0
    }
}

/// Multiples `1 · 2^(wi)·P` to `2^(w − 1) · 2^(wi)·P` for each window i of w bits, as many as there are entries for: what
/// signed digits need for numbers below 2^256. P is not the identity.
pub(super) fn windows<C: Params, const ENTRIES: usize>(
    point: &Point<C>,
) -> Vec<[[u64; 8]; ENTRIES]> {
    let bits = ENTRIES.ilog2() as usize + 1;
    // Signed digits carry out of the top bit, so 257 bits.
    let count = 257_usize.div_ceil(bits);
    let mut points = Vec::with_capacity(count * ENTRIES);
    let mut base = *point;
    for _ in 0..count {
        let mut multiple = base;
        for _ in 0..ENTRIES {
            points.push(multiple);
            multiple = multiple.add(&base);
        }
        for _ in 0..bits {
            base = base.double();
        }
    }
    let mut windows = vec![[[0; 8]; ENTRIES]; count];
    let entries = windows.iter_mut().flatten();
    for (entry, point) in entries.zip(Point::all_to_affine(&points)) {
        entry[..4].copy_from_slice(point.x.raw());
        entry[4..].copy_from_slice(point.y.raw());
    }
    windows
}

/// Digit `index` of Booth's recoding in windows of `BITS`: its sign (1 if negative) and its
/// magnitude, from 0 to `2^(BITS − 1)`. In constant time.
#[inline(always)]
pub(crate) fn digit<const BITS: usize>(k: &Limbs, index: usize) -> (u64, u64) {
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

/// `k · G + sum` in variable time.
pub(crate) fn add_generator_vartime<C: Params>(mut sum: Point<C>, k: &Limbs) -> Point<C> {
    for (index, window) in C::comb().windows().iter().enumerate() {
        let (negative, magnitude) = digit::<COMB_BITS>(k, index);
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
pub(crate) fn naf(k: &Limbs, width: u32) -> [i8; 257] {
    let mut digits = [0; 257];
    let mut rest = [k[0], k[1], k[2], k[3], 0];
    let mut at = 0;
    while at < digits.len() && rest.iter().fold(0, |all, limb| all | limb) != 0 {
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

/// Adds what a signed digit means: entry `|digit| / 2` of odd multiples, or its opposite.
#[inline]
pub(crate) fn add_digit_vartime<C: Params>(
    sum: &Point<C>,
    digit: i8,
    table: &[Affine<C>],
) -> Point<C> {
    let entry = &table[usize::from(digit.unsigned_abs() / 2)];
    match digit {
        0 => *sum,
        1.. => sum.add_affine_vartime(entry),
        _ => sum.add_affine_vartime(&entry.neg()),
    }
}

/// Width of the non-adjacent forms of points that come once.
const WIDTH: u32 = 5;

/// Odd multiples of a point: 1, 3, … 15 times.
type Odd<C> = [Cached<C>; 1 << (WIDTH - 2)];

fn odd_multiples<C: Params>(point: &Point<C>) -> Odd<C> {
    let twice = Cached::new(point.double());
    let mut table = [Cached::new(*point); 1 << (WIDTH - 2)];
    for i in 1..table.len() {
        table[i] = Cached::new(table[i - 1].point.add_cached_vartime(&twice));
    }
    table
}

/// The smaller of k and n − k, and the point that goes with it: Lagrange's weights are often small and negative.
fn smaller<C: Params>(k: &Limbs, point: &Point<C>) -> (Limbs, Point<C>) {
    let (opposite, _) = limbs::sub(&C::N, k);
    match limbs::sub(&opposite, k) {
        (_, 1) => (opposite, point.neg()),
        _ => (*k, *point),
    }
}

/// `generator · G` and the sums of all `k · point`, in variable time, with the doublings shared. Numbers are below the
/// order.
pub(crate) fn lincomb_vartime<C: Params>(
    generator: &Limbs,
    known: &[(Limbs, &Known<C>)],
    points: &[(Limbs, Point<C>)],
) -> Point<C> {
    let mut terms: Vec<([i8; 257], Odd<C>)> = Vec::with_capacity(known.len() + points.len());
    let mut add = |k: &Limbs, point: &Point<C>| {
        let (k, point) = smaller(k, point);
        terms.push((naf(&k, WIDTH), odd_multiples(&point)));
    };
    points.iter().for_each(|(k, point)| add(k, point));
    let mut tabled = Vec::with_capacity(known.len());
    for (k, known) in known {
        match known.table() {
            Some(table) => tabled.push((Prepared::<C>::digits(k), table)),
            None => add(k, known.point()),
        }
    }
    let digits = if terms.is_empty() { PART_DIGITS } else { 257 };
    let mut sum = Point::IDENTITY;
    for at in (0..digits).rev() {
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
        for (digits, table) in &tabled {
            if at < PART_DIGITS {
                sum = table.add_digits_vartime(sum, digits, at);
            }
        }
    }
    add_generator_vartime(sum, generator)
}

/// Whether a point is not the identity and its x is `value` modulo n, `value < n`, without an inversion: x is the value
/// itself or, where that is still below p, the value and n.
pub(crate) fn x_is<C: Params>(point: &Point<C>, value: &Limbs) -> bool {
    if point.is_identity() {
        return false;
    }
    let zz = point.z.square();
    if Fe::from_limbs(value).mul(&zz) == point.x {
        return true;
    }
    let (more, carry) = limbs::add(value, &C::N);
    let (_, below) = limbs::sub(&more, &C::PRIME.p());
    carry == 0 && below == 1 && Fe::from_limbs(&more).mul(&zz) == point.x
}
