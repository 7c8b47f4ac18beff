//! Two messages at once with the SHA extensions of x86-64.
#![allow(unsafe_code)]
#![deny(clippy::undocumented_unsafe_blocks)]

use super::rounds::K;
use crate::lanes::{BLOCK, Kernel, State};
use core::arch::x86_64::*;

/// The kernel, if the processor says that it runs it.
pub(super) fn kernel() -> Option<Kernel> {
    let has = is_x86_feature_detected!("sha")
        && is_x86_feature_detected!("ssse3")
        && is_x86_feature_detected!("sse4.1");
    // SAFETY: given out only where the features were detected; `two` takes two lanes.
    has.then(|| unsafe { Kernel::new("sha-ni-2", (2, 2), two) })
}

/// A chaining value as the instructions want it: words f, e, b, a and h, g, d, c from the lowest.
#[inline(always)]
fn packed([a, b, c, d, e, f, g, h]: [u32; 8]) -> [__m128i; 2] {
    // SAFETY: SSE2 is part of x86-64, and each array has the 16 bytes read.
    [[f, e, b, a], [h, g, d, c]].map(|words| unsafe { _mm_loadu_si128(words.as_ptr().cast()) })
}

#[inline(always)]
fn unpacked(packed: [__m128i; 2]) -> [u32; 8] {
    let [[f, e, b, a], [h, g, d, c]] = packed.map(|register| {
        let mut words = [0_u32; 4];
        // SAFETY: SSE2 is part of x86-64, and the array has the 16 bytes written.
        unsafe { _mm_storeu_si128(words.as_mut_ptr().cast(), register) };
        words
    });
    [a, b, c, d, e, f, g, h]
}

/// Section 6.2.2 of FIPS 180-4, four rounds at a time, in turns for both messages.
///
/// # Safety
/// Each of two pointers has `count` blocks behind it.
#[target_feature(enable = "sha,ssse3,sse4.1")]
unsafe fn two(state: &mut State, from: &[*const u8], count: usize) {
    // Reverses the bytes of each word.
    let swap = _mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203);
    let zero = _mm_setzero_si128();
    let mut v = [0, 1].map(|lane| packed(state.map(|word| word[lane])));
    for index in 0..count {
        let before = v;
        let mut w = [[zero; 4]; 2];
        for (w, pointer) in w.iter_mut().zip(from) {
            for (quarter, register) in w.iter_mut().enumerate() {
                // SAFETY: the 16 bytes read are of this block.
                let words = unsafe {
                    let at = pointer.add(index * BLOCK + quarter * 16);
                    _mm_loadu_si128(at.cast())
                };
                *register = _mm_shuffle_epi8(words, swap);
            }
        }
        macro_rules! four {
            ($($t:literal)*) => {$(
                // SAFETY: 16 bytes of the 64 words, from word 4 · t on.
                let k = unsafe { _mm_loadu_si128(K.as_ptr().add(4 * $t).cast()) };
                for (w, v) in w.iter_mut().zip(&mut v) {
                    if $t >= 4 {
                        let ninth = _mm_alignr_epi8::<4>(w[($t + 3) % 4], w[($t + 2) % 4]);
                        let sum = _mm_sha256msg1_epu32(w[$t % 4], w[($t + 1) % 4]);
                        let sum = _mm_add_epi32(sum, ninth);
                        w[$t % 4] = _mm_sha256msg2_epu32(sum, w[($t + 3) % 4]);
                    }
                    let wk = _mm_add_epi32(w[$t % 4], k);
                    v[1] = _mm_sha256rnds2_epu32(v[1], v[0], wk);
                    v[0] = _mm_sha256rnds2_epu32(v[0], v[1], _mm_shuffle_epi32::<0x0e>(wk));
                }
            )*};
        }
        four!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
        for (new, old) in v.iter_mut().flatten().zip(before.as_flattened()) {
            *new = _mm_add_epi32(*new, *old);
        }
    }
    for (lane, value) in v.map(unpacked).into_iter().enumerate() {
        for (row, word) in state.iter_mut().zip(value) {
            row[lane] = word;
        }
    }
}
