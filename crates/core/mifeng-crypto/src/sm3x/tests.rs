//! Every length, prefix and neighbourhood against the `sm3` crate.

use super::lanes::{self, LANES_MAX};
use super::width::Width;
use super::{BLOCK, Stream, digest_many, digest_many_prefixed, digest_with};
use crate::{Entropy as _, SeededEntropy};
use sm3::{Digest as _, Sm3};

fn bytes(len: usize) -> Vec<u8> {
    let mut out = vec![0; len];
    SeededEntropy::new(&(len as u64).to_be_bytes())
        .fill(&mut out)
        .expect("seeded entropy never ends");
    out
}

fn expect(prefix: &[u8], inputs: &[&[u8]]) {
    let found = digest_many_prefixed(prefix, inputs);
    assert_eq!(found.len(), inputs.len());
    for (digest, input) in found.iter().zip(inputs) {
        let expected = Sm3::new().chain_update(prefix).chain_update(input);
        assert_eq!(
            digest[..],
            expected.finalize()[..],
            "{} behind {} bytes",
            input.len(),
            prefix.len()
        );
    }
}

/// GB/T 32905 appendix A, in every lane.
#[test]
fn standard_examples() {
    let long = b"abcd".repeat(16);
    for (message, expected) in [
        (
            &b"abc"[..],
            "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
        ),
        (
            &long,
            "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732",
        ),
    ] {
        for digest in digest_many(&[message; 9]) {
            assert_eq!(hex::encode(digest), expected);
        }
    }
}

#[test]
fn every_length_behind_every_prefix() {
    let data = bytes(8 * 200);
    for len in 0..=200 {
        let inputs: Vec<&[u8]> = (0..8).map(|i| &data[200 * i..200 * i + len]).collect();
        for prefix in [0, 1, 2, 33, 55, 56, 62, 63] {
            expect(&data[..prefix], &inputs);
        }
    }
    expect(&data[..64], &[&data[..]; 9]);
    expect(&data[..200], &[&data[..]; 9]);
    expect(&[0], &[]);
}

#[test]
fn random_neighbourhoods() {
    let data = bytes(40_000);
    let draws = bytes(4_000);
    for (round, draw) in draws.chunks(80).enumerate() {
        let inputs: Vec<&[u8]> = draw
            .chunks(2)
            .map(|two| {
                // Small spreads let neighbours share lanes, large ones part them.
                let spread = [2, 64, 500, 5_000, 300][round % 5];
                // Long ones share lanes though they differ by some blocks.
                let base = [0, 0, 0, 0, 9_000][round % 5];
                let spread_len = usize::from(two[0]) * 256 % spread + usize::from(two[1]) % spread;
                let len = base + spread_len;
                let at = usize::from(two[1]) * 100;
                &data[at..at + len]
            })
            .collect();
        for count in [1, 3, 4, 7, 8, 9, 40] {
            expect(&draw[..round % 3], &inputs[..count]);
        }
    }
}

/// All kernels of this machine and the plain lanes, which nothing else reaches.
fn all() -> Vec<Width> {
    let mut all = Width::available();
    all.push(Width::Plain);
    all
}

#[test]
fn every_kernel_equals_the_oracle() {
    let data = bytes(LANES_MAX * 1_000);
    for width in all() {
        assert!(width.passes(), "{width:?}");
        for len in (0..200).chain([255, 256, 257, 640, 1_000]) {
            let inputs: Vec<&[u8]> = data.chunks(1_000).map(|one| &one[..len]).collect();
            for prefix in [0, 1, 63] {
                let found = digest_with(&[width], &data[..prefix], &inputs);
                for (digest, input) in found.iter().zip(&inputs) {
                    let expected = Sm3::new().chain_update(&data[..prefix]).chain_update(input);
                    let expected = expected.finalize();
                    assert_eq!(digest[..], expected[..], "{width:?} {len} {prefix}");
                }
            }
        }
    }
}

/// Chaining values of any kind, as after any message, through every kernel and the plain lanes.
#[test]
fn kernels_agree_on_any_state() {
    let data = bytes(LANES_MAX * 4 * BLOCK);
    let words = bytes(8 * LANES_MAX * 4);
    let mut words = words.as_chunks::<4>().0.iter();
    let mut state = lanes::start();
    for word in state.iter_mut().flatten() {
        *word = u32::from_be_bytes(*words.next().expect("enough"));
    }
    let rows: [&[u8]; LANES_MAX] = core::array::from_fn(|i| &data[i * 4 * BLOCK..][..4 * BLOCK]);
    let mut plain = [state; 2];
    Width::Plain.compress(&mut plain[0], &rows);
    // The upper lanes of a wider kernel, through the lower ones of the plain lanes.
    for (row, other) in plain[1].iter_mut().zip(&state) {
        row.rotate_left(8);
        assert_eq!(row[0], other[8]);
    }
    let upper: [&[u8]; LANES_MAX] = core::array::from_fn(|i| rows[(i + 8) % LANES_MAX]);
    Width::Plain.compress(&mut plain[1], &upper);
    for width in Width::available() {
        let mut found = state;
        width.compress(&mut found, &rows);
        for (row, (low, high)) in found.iter().zip(plain[0].iter().zip(&plain[1])) {
            assert_eq!(row[..8], low[..8], "{width:?}");
            if width.lanes() == LANES_MAX {
                assert_eq!(row[8..], high[..8], "{width:?}");
            }
        }
    }
}

/// Prints how the lanes compare with one message after the other:
/// `cargo test --release -p mifeng-crypto sm3x -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement, not a check"]
fn measure() {
    let data = bytes(1024 * 1024);
    for len in [64, 1024, 16_384] {
        let inputs: Vec<&[u8]> = data.chunks_exact(len).collect();
        let rate = |run: &dyn Fn() -> usize| {
            let start = std::time::Instant::now();
            let done: usize = (0..24).map(|_| run()).sum();
            assert_eq!(done, 24 * inputs.len());
            (24 * data.len()) as u128 / start.elapsed().as_micros().max(1)
        };
        let wide = rate(&|| digest_many_prefixed(&[0], &inputs).len());
        let one = rate(&|| {
            let digests = inputs.iter().map(|i| super::digest_one(&[0], i));
            digests.fold(0, |n, d| {
                n + usize::from(std::hint::black_box(d).len() == 32)
            })
        });
        eprintln!("sm3 of {len} bytes: {wide} MB/s in lanes, {one} MB/s one by one");
    }
}

/// One stream, cut anywhere, with and without the machine's instructions.
#[test]
fn streams_take_pieces() {
    let data = bytes(400);
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
