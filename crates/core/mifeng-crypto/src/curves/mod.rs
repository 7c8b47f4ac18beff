//! Curve arithmetic of our own, for both curves of the suites: y² = x³ − 3x + b over a prime field of 256 bits, with prime
//! order and cofactor one.
//!
//! Safe Rust. Nothing branches on a value or indexes with it, but functions whose name ends in `vartime`: those are for
//! public values. SM2 uses all of it ([`crate::sm2k`] adds its scalars, its multiplication in constant time and its
//! signatures). Of P-256 come what is public, and secret points on their way to and from the `p256` crate, which multiplies
//! by secrets ([`crate::Point`]): reading, inversion and encoding stay in constant time for both curves. No secret number
//! of P-256 comes here.

mod eight;
pub(crate) mod field;
mod known;
pub(crate) mod limbs;
mod p256;
pub(crate) mod point;
mod sm2;
#[cfg(test)]
mod tests;
pub(crate) mod vartime;

pub(crate) use eight::{Sum, side_by_side, sums_vartime};
pub(crate) use known::Known;
pub(crate) use p256::P256;
pub(crate) use point::{Affine, Point};
pub(crate) use sm2::Sm2;

use field::Prime;
use limbs::Limbs;
use vartime::Comb;

/// The numbers of a curve.
pub(crate) trait Params: Copy + Eq + 'static {
    /// Which prime: the two have reductions of their own.
    const PRIME: Prime;
    /// b.
    const B: Limbs;
    /// n, the order.
    const N: Limbs;
    /// x and y of the generator.
    const G: [Limbs; 2];

    /// Multiples of the generator, computed at first use.
    fn comb() -> &'static Comb<Self>;
}
