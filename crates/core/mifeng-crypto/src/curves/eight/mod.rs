//! Many sums of multiples of points, eight at a time: one in each lane of AVX-512 registers, on the 52-bit products of IFMA.
//! In variable time: **for public values only**, as in verification.
//!
//! Lanes go in step, so digits stand at fixed places and every window is added in every lane, where [`super::vartime`] skips
//! half of them; still a multiplication takes a fifth of the time. The points come from anybody: every addition is
//! complete in each lane. The kernel is taken only after it has agreed with [`lincomb_vartime`], once in a process and for
//! each curve; other machines add one sum after the other.

#[cfg(target_arch = "x86_64")]
mod field;
#[cfg(target_arch = "x86_64")]
mod point;
#[cfg(target_arch = "x86_64")]
mod sums;
#[cfg(test)]
mod tests;

use super::field::Prime;
use super::known::{Known, Table};
use super::limbs::{self, Limbs};
use super::vartime::lincomb_vartime;
use super::{Params, Point};
use std::sync::OnceLock;

/// Sums side by side.
const LANES: usize = 8;
/// Fewer are faster one by one.
const LEAST: usize = 2;

/// One sum: `generator · G` and all `k · point`. Numbers are below the order.
pub(crate) struct Sum<'a, C> {
    pub(crate) generator: Limbs,
    pub(crate) known: Vec<(Limbs, &'a Known<C>)>,
    pub(crate) points: Vec<(Limbs, Point<C>)>,
}

/// A sum as the kernel wants it.
#[cfg_attr(
    not(target_arch = "x86_64"),
    allow(dead_code, reason = "no kernel reads it")
)]
struct Terms<'a, C> {
    generator: Limbs,
    tables: Vec<(Limbs, &'a Table<C>)>,
    points: Vec<(Limbs, Point<C>)>,
}

/// All sums, in order and in variable time.
pub(crate) fn sums_vartime<C: Params>(sums: &[Sum<'_, C>]) -> Vec<Point<C>> {
    let one = |sum: &Sum<'_, C>| lincomb_vartime(&sum.generator, &sum.known, &sum.points);
    let Some(kernel) = kernel::<C>(sums.len()) else {
        return sums.iter().map(one).collect();
    };
    let terms: Vec<Terms<'_, C>> = sums.iter().map(Terms::of).collect();
    // All lanes take as long as the longest: sums of one shape go together.
    let mut order: Vec<usize> = (0..sums.len()).collect();
    order.sort_by_key(|place| (terms[*place].points.len(), terms[*place].tables.len()));
    let mut out = vec![Point::IDENTITY; sums.len()];
    for places in order.chunks(LANES) {
        if places.len() < LEAST {
            for place in places {
                out[*place] = one(&sums[*place]);
            }
            continue;
        }
        let group: Vec<&Terms<'_, C>> = places.iter().map(|place| &terms[*place]).collect();
        for (place, sum) in places.iter().zip(kernel(&group)) {
            out[*place] = sum;
        }
    }
    out
}

impl<'a, C: Params> Terms<'a, C> {
    fn of(sum: &Sum<'a, C>) -> Self {
        let mut terms = Terms {
            generator: sum.generator,
            tables: Vec::with_capacity(sum.known.len()),
            points: sum.points.clone(),
        };
        for (k, known) in &sum.known {
            match known.wide_table() {
                Some(table) => terms.tables.push((*k, table)),
                None => terms.points.push((*k, *known.point())),
            }
        }
        terms
    }
}

/// Up to eight sums.
type Kernel<C> = fn(&[&Terms<'_, C>]) -> Vec<Point<C>>;

/// Whether so many sums go side by side.
pub(crate) fn side_by_side<C: Params>(sums: usize) -> bool {
    kernel::<C>(sums).is_some()
}

/// The kernel of this machine, if it passes its examination and so many sums are worth it.
fn kernel<C: Params>(sums: usize) -> Option<Kernel<C>> {
    static OF_SM2: OnceLock<bool> = OnceLock::new();
    static OF_P256: OnceLock<bool> = OnceLock::new();
    let examined = match C::PRIME {
        Prime::Sm2 => &OF_SM2,
        Prime::P256 => &OF_P256,
    };
    if sums < LEAST {
        return None;
    }
    let kernel = available::<C>()?;
    examined.get_or_init(|| passes(kernel)).then_some(kernel)
}

/// What the processor claims to run.
fn available<C: Params>() -> Option<Kernel<C>> {
    #[cfg(target_arch = "x86_64")]
    if sums::detected() {
        return Some(sums::sums);
    }
    None
}

/// Whether the kernel agrees with one sum after the other. Every lane has other numbers; the points are such that all
/// exceptions of the formulas are met: the identity, equal points, opposite ones.
fn passes<C: Params>(kernel: Kernel<C>) -> bool {
    let g = Point::<C>::GENERATOR;
    let minus = |k: u64| limbs::sub(&C::N, &[k, 0, 0, 0]).0;
    let long = |lane: u64| {
        let word = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(lane + 1);
        [word, !word, word.rotate_left(17), word >> 1]
    };
    let known = Known::new(lincomb_vartime(&long(9), &[], &[]));
    let Some(table) = Table::new(known.point()) else {
        return false;
    };
    let mut point = lincomb_vartime(&long(8), &[], &[]);
    let mut sums = Vec::new();
    for lane in 0..LANES as u64 {
        let k = long(lane);
        sums.push(Sum {
            generator: limbs::sub(&C::N, &k).0,
            known: vec![(long(lane + 16), &known)],
            points: match lane {
                0 => vec![(k, g), (minus(1), g.double())],
                1 => vec![(k, g)],
                2 => vec![(k, point), (k, point)],
                3 => vec![(k, point), (limbs::sub(&C::N, &k).0, point)],
                4 => vec![(k, Point::IDENTITY), ([0; 4], point)],
                5 => vec![(minus(lane), point), (long(7), point.neg())],
                _ => vec![(k, point), (long(lane + 8), g)],
            },
        });
        point = point.double().add(&g);
    }
    // What a table adds first is what the sum is already, or its opposite; then it adds more.
    let meets = |lane: u64| {
        let few = lane + 1;
        // The same digit at two windows of both tables.
        let k = [few | few << 35, 0, 0, 0];
        let signed = |point: &Point<C>| match lane.is_multiple_of(2) {
            true => *point,
            false => point.neg(),
        };
        let of_generator = (lane / 2).is_multiple_of(2);
        let (generator, of_table, point) = match of_generator {
            true => (k, Vec::new(), g),
            false => ([0; 4], vec![(k, &known)], *known.point()),
        };
        Sum {
            generator,
            known: of_table,
            points: vec![([few, 0, 0, 0], signed(&point))],
        }
    };
    let meeting: Vec<Sum<'_, C>> = (0..LANES as u64).map(meets).collect();
    agrees(kernel, &sums, &table) && agrees(kernel, &meeting, &table)
}

/// Whether it finds what is found one after the other; all known points have this table.
fn agrees<C: Params>(kernel: Kernel<C>, sums: &[Sum<'_, C>], table: &Table<C>) -> bool {
    let terms: Vec<Terms<'_, C>> = sums
        .iter()
        .map(|sum| Terms {
            generator: sum.generator,
            tables: sum.known.iter().map(|(k, _)| (*k, table)).collect(),
            points: sum.points.clone(),
        })
        .collect();
    let found = kernel(&terms.iter().collect::<Vec<_>>());
    let one = |sum: &Sum<'_, C>| lincomb_vartime(&sum.generator, &sum.known, &sum.points);
    found.into_iter().eq(sums.iter().map(one))
}
