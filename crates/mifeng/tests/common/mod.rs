//! The made world of `mifeng-testkit`, which simulation and vectors share.
#![allow(unused_imports)] // Each test file uses its own part of the world.

pub(crate) use mifeng_testkit::world::*;
