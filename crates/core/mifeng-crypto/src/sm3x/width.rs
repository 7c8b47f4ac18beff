//! Which lanes this machine gets, and the place where features meet `unsafe`.
#![allow(unsafe_code)]
#![deny(clippy::undocumented_unsafe_blocks)]

use super::lanes::{LANES_MAX, Lanes as _, Plain, State, compress};
#[cfg(target_arch = "x86_64")]
use super::x86;
use super::{BLOCK, digest_one, digest_with};
use std::sync::OnceLock;

/// A way to hash messages side by side. Every value but `Plain` is only made by
/// [`Width::available`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Width {
    /// Without registers for its lanes they spill, at half the speed of one message after the
    /// other: never chosen, but what the others are compared with.
    #[cfg_attr(not(test), expect(dead_code, reason = "the twin of tests"))]
    Plain,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Width {
    pub(super) fn name(self) -> &'static str {
        match self {
            Width::Plain => "plain",
            #[cfg(target_arch = "x86_64")]
            Width::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Width::Avx512 => "avx512",
        }
    }

    pub(super) fn lanes(self) -> usize {
        match self {
            Width::Plain => Plain::LANES,
            #[cfg(target_arch = "x86_64")]
            Width::Avx2 => 8,
            #[cfg(target_arch = "x86_64")]
            Width::Avx512 => LANES_MAX,
        }
    }

    /// Those that this machine claims to run, widest first.
    pub(super) fn available() -> Vec<Width> {
        #[allow(unused_mut, reason = "other machines have none")]
        let mut found = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw") {
                found.push(Width::Avx512);
            }
            if is_x86_feature_detected!("avx2") {
                found.push(Width::Avx2);
            }
        }
        found
    }

    /// Those of them that pass their examination, made once in a process.
    pub(super) fn examined() -> &'static [Width] {
        static EXAMINED: OnceLock<Vec<Width>> = OnceLock::new();
        EXAMINED.get_or_init(|| {
            let passes = |width: &Width| width.passes();
            Width::available().into_iter().filter(passes).collect()
        })
    }

    /// Detecting a feature says what a processor claims, not that the kernel is right on it. Every
    /// lane has another message; the lengths reach the edges of one block and of several.
    pub(super) fn passes(self) -> bool {
        let data: Vec<u8> = (0..LANES_MAX * 300)
            .map(|i| (i * 31 + i / 7) as u8)
            .collect();
        [0, 55, 56, 64, 300].into_iter().all(|len| {
            let inputs: Vec<&[u8]> = data.chunks(300).map(|message| &message[..len]).collect();
            let found = digest_with(&[self], &[0], &inputs[..self.lanes()]);
            let one = |input: &&[u8]| digest_one(&[0], input);
            found
                .iter()
                .copied()
                .eq(inputs.iter().take(self.lanes()).map(one))
        })
    }

    /// Takes the blocks of `from`, a row for each lane, into the lanes of `state`: as many as the
    /// shortest row has; none if rows are missing.
    pub(super) fn compress(self, state: &mut State, from: &[&[u8]]) {
        let Some(rows) = from.get(..self.lanes()) else {
            return;
        };
        let count = rows.iter().map(|row| row.len() / BLOCK).min().unwrap_or(0);
        let mut pointers = [core::ptr::null(); LANES_MAX];
        for (pointer, row) in pointers.iter_mut().zip(rows) {
            *pointer = row.as_ptr();
        }
        let pointers = &pointers[..rows.len()];
        match self {
            // SAFETY: `Plain` needs no feature; there are `count` blocks in each lane it uses.
            Width::Plain => unsafe { compress::<Plain>(state, pointers, count) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `available` makes `Avx2` only where the feature is; blocks as above.
            Width::Avx2 => unsafe { x86::compress_avx2(state, pointers, count) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `available` makes `Avx512` only where the features are; blocks as above.
            Width::Avx512 => unsafe { x86::compress_avx512(state, pointers, count) },
        }
    }
}
