//! Every length, prefix and neighbourhood against the `sha2` crate.

use super::{available, digest_many_prefixed, digest_with, lanes, passes};
use crate::{Entropy as _, SeededEntropy};
use sha2::{Digest as _, Sha256};

fn bytes(len: usize) -> Vec<u8> {
    let mut out = vec![0; len];
    SeededEntropy::new(&(len as u64).to_be_bytes())
        .fill(&mut out)
        .expect("seeded entropy never ends");
    out
}

fn expect(prefix: &[u8], inputs: &[&[u8]]) {
    // The kernel even where its examination kept it away.
    let found = digest_with(available(), prefix, inputs);
    assert_eq!(digest_many_prefixed(prefix, inputs), found);
    assert_eq!(found.len(), inputs.len());
    for (digest, input) in found.iter().zip(inputs) {
        let expected = Sha256::new().chain_update(prefix).chain_update(input);
        let (len, before) = (input.len(), prefix.len());
        assert_eq!(
            digest[..],
            expected.finalize()[..],
            "{len} behind {before} bytes"
        );
    }
}

#[test]
fn this_machine_passes() {
    if let Some(kernel) = available() {
        assert!(passes(kernel));
        assert_eq!(lanes(), 2);
    } else {
        assert_eq!(lanes(), 1);
    }
}

/// FIPS 180-4's examples, in both places of a pair.
#[test]
fn standard_examples() {
    let long = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    for (message, expected) in [
        (
            &b"abc"[..],
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ),
        (
            long,
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        ),
    ] {
        for digest in digest_many_prefixed(&[], &[message; 3]) {
            assert_eq!(hex::encode(digest), expected);
        }
    }
}

#[test]
fn every_length_behind_every_prefix() {
    let data = bytes(400);
    for len in 0..=200 {
        let inputs = [&data[..len], &data[200..200 + len]];
        for prefix in [0, 1, 2, 33, 55, 56, 63, 64, 65, 130] {
            expect(&data[..prefix], &inputs);
        }
    }
    expect(&[0], &[]);
}

#[test]
fn random_neighbourhoods() {
    let (data, draws) = (bytes(40_000), bytes(2_000));
    for (round, draw) in draws.chunks(40).enumerate() {
        let inputs: Vec<&[u8]> = draw
            .as_chunks::<2>()
            .0
            .iter()
            .map(|[high, low]| {
                // Small spreads pair neighbours, large ones part them.
                let spread = [2, 64, 500, 5_000, 300][round % 5];
                // Long ones share lanes though they differ by some blocks.
                let base = [0, 0, 0, 0, 9_000][round % 5];
                let spread_len = usize::from(*high) * 256 % spread + usize::from(*low) % spread;
                let len = base + spread_len;
                let at = usize::from(*low) * 100;
                &data[at..at + len]
            })
            .collect();
        for count in [1, 2, 3, 7, 20] {
            expect(&draw[..round % 3], &inputs[..count]);
        }
    }
}
