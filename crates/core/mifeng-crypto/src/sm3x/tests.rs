//! Every kernel against the `sm3` crate, and one stream in pieces.

use super::Stream;
use super::rounds::Sm3 as Own;
use crate::lanes::{BLOCK, tests};
use sm3::{Digest as _, Sm3};

#[test]
fn every_kernel_agrees_with_another_crate() {
    tests::everything::<Own, Sm3>();
}

/// GB/T 32905 appendix A.
#[test]
fn standard_examples() {
    tests::examples::<Own>([
        (
            b"abc",
            "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
        ),
        (
            &b"abcd".repeat(16),
            "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732",
        ),
    ]);
}

/// Prints how the lanes compare: `cargo test --release -p mifeng-crypto sm3x -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement, not a check"]
fn measure() {
    tests::measure::<Own>();
}

/// One stream, cut anywhere, with and without the machine's instructions.
#[test]
fn streams_take_pieces() {
    let data = tests::bytes(400);
    for len in 0..=260 {
        let expected: [u8; 32] = Sm3::digest(&data[..len]).into();
        for cut in [0, 1, 31, 63, 64, 65, 127, 128, 200] {
            let (head, tail) = data[..len].split_at(cut.min(len));
            let (middle, tail) = tail.split_at(tail.len() / 2);
            let mut stream = Stream::new();
            for piece in [head, middle, tail] {
                stream.update(piece);
            }
            assert_eq!(stream.finish(), expected, "{len} cut at {cut}");
        }
    }
    let (blocks, _) = data.as_chunks::<BLOCK>();
    let (mut any, mut fast) = ([7; 8], [7; 8]);
    super::stream::compress_any(&mut any, blocks);
    super::stream::compress(&mut fast, blocks);
    assert_eq!(any, fast);
    let first = Stream::state_after(&blocks[0]);
    let mut stream = Stream::resume(first, 64);
    stream.update(&data[64..]);
    assert_eq!(stream.finish(), <[u8; 32]>::from(Sm3::digest(&data)));
}
