//! What every hash in lanes is held to: each of its kernels, and the plain lanes that nothing else reaches, against a
//! crate that is not ours.

use super::{BLOCK, Function, Kernel, LANES_MAX, State, digest_many, kernel, passing};
use crate::{Entropy as _, SeededEntropy};
use digest::Digest;

pub(crate) fn bytes(len: usize) -> Vec<u8> {
    let mut out = vec![0; len];
    SeededEntropy::new(&(len as u64).to_be_bytes())
        .fill(&mut out)
        .expect("seeded entropy never ends");
    out
}

/// Each kernel alone, then all as they are used.
fn choices<F: Function>() -> Vec<Vec<Kernel>> {
    let mut all = F::available();
    all.push(Kernel::plain::<F>());
    let mut choices: Vec<Vec<Kernel>> = all.iter().map(|kernel| vec![*kernel]).collect();
    choices.push(F::available());
    choices
}

fn expect<F: Function, D: Digest>(kernels: &[Kernel], prefix: &[u8], inputs: &[&[u8]]) {
    let found = digest_many::<F>(kernels, prefix, inputs);
    assert_eq!(found.len(), inputs.len());
    for (digest, input) in found.iter().zip(inputs) {
        let expected = D::new().chain_update(prefix).chain_update(input).finalize();
        let (len, before) = (input.len(), prefix.len());
        assert_eq!(
            digest[..],
            expected[..],
            "{kernels:?}: {len} behind {before} bytes"
        );
    }
}

/// All of what follows.
pub(crate) fn everything<F: Function, D: Digest>() {
    for kernels in choices::<F>() {
        assert!(kernels.iter().all(Kernel::passes::<F>), "{kernels:?}");
        every_length_behind_every_prefix::<F, D>(&kernels);
        random_neighbourhoods::<F, D>(&kernels);
        ends_of_all_lengths::<F, D>(&kernels);
    }
    kernels_agree_on_any_state::<F>();
    what_is_wrong_is_not_used::<F>();
}

fn what_is_wrong_is_not_used<F: Function>() {
    let wrong = kernel::wrong::all::<F>();
    for one in &wrong {
        assert!(passing::<F>(vec![*one]).is_empty());
    }
    let right = passing::<F>([wrong.clone(), vec![Kernel::plain::<F>()], wrong].concat());
    let names: Vec<_> = right.iter().map(Kernel::name).collect();
    assert_eq!(names, ["plain"]);
}

fn every_length_behind_every_prefix<F: Function, D: Digest>(kernels: &[Kernel]) {
    let data = bytes(LANES_MAX * 1_000);
    let of = |len: usize| data.chunks(1_000).map(move |one| &one[..len]).collect();
    for len in (0..=200).chain([255, 256, 257, 640, 1_000]) {
        let inputs: Vec<&[u8]> = of(len);
        for prefix in [0, 1, 2, 33, 55, 56, 62, 63] {
            expect::<F, D>(kernels, &data[..prefix], &inputs);
        }
    }
    for prefix in [64, 65, 200] {
        expect::<F, D>(kernels, &data[..prefix], &of(200));
    }
    expect::<F, D>(kernels, &[0], &[]);
}

fn random_neighbourhoods<F: Function, D: Digest>(kernels: &[Kernel]) {
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
        for count in [1, 2, 3, 4, 7, 8, 9, 40] {
            expect::<F, D>(kernels, &draw[..round % 3], &inputs[..count]);
        }
    }
}

/// Long messages of which each ends elsewhere: every lane in turn is the longest and the shortest.
fn ends_of_all_lengths<F: Function, D: Digest>(kernels: &[Kernel]) {
    let data = bytes(LANES_MAX * 10_000);
    for first in 0..LANES_MAX {
        for step in [1, 8, 9] {
            let long = |(lane, one)| {
                let one: &[u8] = one;
                &one[..9_600 - 1 + step * ((lane + first) % LANES_MAX)]
            };
            let inputs: Vec<&[u8]> = data.chunks(10_000).enumerate().map(long).collect();
            expect::<F, D>(kernels, &data[..first % 2], &inputs);
        }
    }
}

/// Chaining values of any kind, as after any message, through every kernel and the plain lanes.
fn kernels_agree_on_any_state<F: Function>() {
    let data = bytes(LANES_MAX * 4 * BLOCK);
    let words = bytes(8 * LANES_MAX * 4);
    let mut words = words.as_chunks::<4>().0.iter();
    let mut state: State = [[0; LANES_MAX]; 8];
    for word in state.iter_mut().flatten() {
        *word = u32::from_be_bytes(*words.next().expect("enough"));
    }
    let rows: [&[u8]; LANES_MAX] = core::array::from_fn(|i| &data[i * 4 * BLOCK..][..4 * BLOCK]);
    let mut plain = [state; 2];
    Kernel::plain::<F>().compress(&mut plain[0], &rows);
    // The upper lanes of a wider kernel, through the lower ones of the plain lanes.
    for (row, other) in plain[1].iter_mut().zip(&state) {
        row.rotate_left(8);
        assert_eq!(row[0], other[8]);
    }
    let upper: [&[u8]; LANES_MAX] = core::array::from_fn(|i| rows[(i + 8) % LANES_MAX]);
    Kernel::plain::<F>().compress(&mut plain[1], &upper);
    for kernel in F::available() {
        let mut found = state;
        kernel.compress(&mut found, &rows);
        for (row, (low, high)) in found.iter().zip(plain[0].iter().zip(&plain[1])) {
            for (lane, word) in row[..kernel.lanes()].iter().enumerate() {
                let twin = if lane < 8 { low[lane] } else { high[lane - 8] };
                assert_eq!(*word, twin, "{kernel:?} {lane}");
            }
        }
    }
}

/// A standard's examples, in every lane.
pub(crate) fn examples<F: Function>(examples: [(&[u8], &str); 2]) {
    for (message, expected) in examples {
        for kernels in choices::<F>() {
            for digest in digest_many::<F>(&kernels, &[], &[message; LANES_MAX + 3]) {
                assert_eq!(hex::encode(digest), expected, "{kernels:?}");
            }
        }
    }
}

/// Prints how each kernel does with as many messages as it has lanes and with fewer, beside one after the other; the best
/// of some short turns.
pub(crate) fn measure<F: Function>() {
    // No multiple of what the sets of a cache repeat with.
    const LEN: usize = 16_384 + 320;
    let data = bytes(LANES_MAX * LEN);
    let all: Vec<&[u8]> = data.chunks(LEN).collect();
    let rate = |count: usize, run: &dyn Fn(&[&[u8]])| {
        let turn = || {
            let start = std::time::Instant::now();
            for _ in 0..4 {
                run(&all[..count]);
            }
            (4_000 * count * LEN) as u128 / start.elapsed().as_nanos().max(1)
        };
        (0..100).map(|_| turn()).max().unwrap_or(0)
    };
    for kernel in F::available() {
        for count in (1..=kernel.lanes()).rev() {
            let lanes = rate(count, &|inputs| {
                // Whatever it is worth.
                let mut out = Vec::new();
                super::digest_group::<F>(&kernel, &[0], inputs, &mut out);
                std::hint::black_box(out);
            });
            eprintln!("{kernel:?}: {count} messages: {lanes} MB/s");
        }
    }
    let one = rate(1, &|inputs| {
        std::hint::black_box(F::digest_one(&[0], inputs[0]));
    });
    eprintln!("one by one: {one} MB/s");
}
