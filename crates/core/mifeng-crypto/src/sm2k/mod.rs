//! SM2 (GB/T 32918.1, .2 and .5) on arithmetic of our own: on top of [`crate::curves`] the scalars, multiplication in
//! constant time, and signatures.
//!
//! Safe Rust. Nothing that touches a secret branches on it or indexes with it; functions whose
//! name ends in `vartime` are for public values. The twin that tests and fuzzing compare with is
//! the `sm2` crate.

mod dsa;
mod many;
mod mul;
mod nonce;
mod order;
#[cfg(test)]
mod tests;

pub(crate) use dsa::{SigningKey, VerifyingKey};
pub(crate) use many::verify_many;
pub(crate) use mul::{mul, mul_generator};
pub(crate) use order::Scalar;

use crate::curves::{self, Sm2};

pub(crate) type Affine = curves::Affine<Sm2>;
pub(crate) type Point = curves::Point<Sm2>;
type Fe = curves::field::Fe<Sm2>;
