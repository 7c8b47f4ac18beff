//! Every kernel against the `sha2` crate.

use super::rounds::Sha256 as Own;
use crate::lanes::tests;
use sha2::Sha256;

#[test]
fn every_kernel_agrees_with_another_crate() {
    tests::everything::<Own, Sha256>();
}

/// FIPS 180-4's examples.
#[test]
fn standard_examples() {
    tests::examples::<Own>([
        (
            b"abc",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ),
        (
            b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        ),
    ]);
}

/// Prints how the kernels compare: `cargo test --release -p mifeng-crypto sha2x -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement, not a check"]
fn measure() {
    tests::measure::<Own>();
}
