//! Arithmetic of sm2p256v1 (GB/T 32918.1 and .5) of our own: the field, the scalars, the points,
//! and the signature on top (GB/T 32918.2).
//!
//! Safe Rust. Nothing that touches a secret branches on it or indexes with it; functions whose
//! name ends in `vartime` are for public values. The twin that tests and fuzzing compare with is
//! the `sm2` crate.

mod dsa;
mod field;
mod limbs;
mod many;
mod mul;
mod nonce;
mod order;
mod point;
#[cfg(test)]
mod tests;

pub(crate) use dsa::{SigningKey, VerifyingKey};
pub(crate) use many::verify_many;
pub(crate) use mul::{lincomb_vartime, mul, mul_generator};
pub(crate) use order::Scalar;
pub(crate) use point::{Affine, Point};
