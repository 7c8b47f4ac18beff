//! Up to eight sums of multiples of points, one in each lane, in step: every lane has its digits at the same places.
#![allow(unsafe_code)]
#![deny(clippy::undocumented_unsafe_blocks)]

use super::field::{Fe8, Words, load};
use super::point::{Affine8, Multiples, Point8};
use super::{LANES, Terms};
use crate::curves::known::TABLE_BITS;
use crate::curves::limbs::Limbs;
use crate::curves::vartime::{COMB_BITS, digit};
use crate::curves::{Params, Point};
use core::arch::x86_64::*;

/// Bits of a window of a point that comes once: digits up to 8.
const BITS: usize = 4;
/// Signed digits carry out of the top bit.
const WINDOWS: usize = 257_usize.div_ceil(BITS);

/// Whether the processor claims to have the instructions.
pub(super) fn detected() -> bool {
    is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512ifma")
}

/// The sums of at most eight; none where the instructions are missing.
pub(super) fn sums<C: Params>(group: &[&Terms<'_, C>]) -> Vec<Point<C>> {
    if !detected() {
        return Vec::new();
    }
    // SAFETY: the features were just detected (which is one load, after the first time).
    let mut sums = unsafe { in_lanes(group) }.to_vec();
    sums.truncate(group.len());
    sums
}

/// The digits of a number in each lane at one window: magnitudes, and the lanes where they are negative.
fn digits<const BITS: usize>(numbers: &[Limbs; LANES], window: usize) -> (Words, u8) {
    let (mut times, mut signs) = ([0; LANES], 0);
    for (lane, (times, k)) in times.iter_mut().zip(numbers).enumerate() {
        let (negative, magnitude) = digit::<BITS>(k, window);
        *times = magnitude;
        signs |= u8::from(negative == 1) << lane;
    }
    (times, signs)
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn in_lanes<C: Params>(group: &[&Terms<'_, C>]) -> [Point<C>; LANES] {
    let of_points = group.iter().map(|terms| terms.points.len()).max();
    let of_tables = group.iter().map(|terms| terms.tables.len()).max();
    let mut terms = Vec::new();
    for place in 0..of_points.unwrap_or(0) {
        let (mut numbers, mut points) = ([[0; 4]; LANES], [Point::IDENTITY; LANES]);
        for (lane, one) in group.iter().enumerate() {
            if let Some((k, point)) = one.points.get(place) {
                (numbers[lane], points[lane]) = (*k, *point);
            }
        }
        terms.push((numbers, Multiples::of(&points)));
    }
    let mut sum = Point8::identity();
    if !terms.is_empty() {
        for window in (0..WINDOWS).rev() {
            if sum.none() != u8::MAX {
                for _ in 0..BITS {
                    sum = sum.double();
                }
            }
            for (numbers, multiples) in &terms {
                let (times, negative) = digits::<BITS>(numbers, window);
                sum = multiples.add_to(&sum, &times, negative);
            }
        }
    }
    for place in 0..of_tables.unwrap_or(0) {
        let (mut numbers, mut tables) = ([[0; 4]; LANES], [&[][..]; LANES]);
        for (lane, one) in group.iter().enumerate() {
            if let Some((k, table)) = one.tables.get(place) {
                (numbers[lane], tables[lane]) = (*k, table.windows());
            }
        }
        sum = add_tables::<C, TABLE_BITS, _>(sum, &numbers, &tables);
    }
    let (mut numbers, comb) = ([[0; 4]; LANES], C::comb().windows());
    for (number, one) in numbers.iter_mut().zip(group) {
        *number = one.generator;
    }
    add_tables::<C, COMB_BITS, _>(sum, &numbers, &[comb; LANES]).to_each()
}

/// Adds a multiple in each lane that its table has every window of; a lane without a table has the number zero.
#[target_feature(enable = "avx512f,avx512ifma")]
fn add_tables<C: Params, const BITS: usize, const ENTRIES: usize>(
    mut sum: Point8<C>,
    numbers: &[Limbs; LANES],
    tables: &[&[[[u64; 8]; ENTRIES]]; LANES],
) -> Point8<C> {
    if numbers.as_flattened().iter().all(|word| *word == 0) {
        return sum;
    }
    let one = Fe8::one();
    for window in 0..257_usize.div_ceil(BITS) {
        let (times, negative) = digits::<BITS>(numbers, window);
        let mut rows = [&[0; 8]; LANES];
        let mut skip = 0;
        for (lane, (table, times)) in tables.iter().zip(times).enumerate() {
            let entry = (times as usize).checked_sub(1);
            match entry.and_then(|at| table.get(window)?.get(at)) {
                Some(entry) => rows[lane] = entry,
                None => skip |= 1 << lane,
            }
        }
        if skip == u8::MAX {
            continue;
        }
        let [x0, x1, x2, x3, y0, y1, y2, y3] = columns(rows);
        let entry = Affine8 {
            x: Fe8::from_raw([x0, x1, x2, x3]),
            y: Fe8::from_raw([y0, y1, y2, y3]).neg_in(negative),
        };
        sum = sum.add_affine(&entry, &one, skip);
    }
    sum
}

/// Word `n` of each lane's row in register `n`.
#[inline]
#[target_feature(enable = "avx512f")]
fn columns(rows: [&Words; LANES]) -> [__m512i; 8] {
    let mut r = [_mm512_setzero_si512(); 8];
    for (register, row) in r.iter_mut().zip(rows) {
        *register = load(row);
    }
    // Pairs of lanes, then fours, then all eight.
    let mut pairs = r;
    for i in [0, 2, 4, 6] {
        pairs[i] = _mm512_unpacklo_epi64(r[i], r[i + 1]);
        pairs[i + 1] = _mm512_unpackhi_epi64(r[i], r[i + 1]);
    }
    // Quarter q of pairs[2n + k] has word 2q + k of the lanes 2n and 2n + 1.
    let mut fours = pairs;
    for k in [0, 1] {
        for half in [0, 4] {
            let (a, b) = (pairs[half + k], pairs[half + k + 2]);
            fours[half + k] = _mm512_shuffle_i64x2::<0x88>(a, b);
            fours[half + k + 2] = _mm512_shuffle_i64x2::<0xdd>(a, b);
        }
    }
    let mut out = fours;
    for k in [0, 1] {
        // Of the quarters 0 and 2, then 1 and 3.
        for odd in [0, 2] {
            let (a, b) = (fours[k + odd], fours[4 + k + odd]);
            out[k + odd] = _mm512_shuffle_i64x2::<0x88>(a, b);
            out[k + odd + 4] = _mm512_shuffle_i64x2::<0xdd>(a, b);
        }
    }
    out
}
