//! Two messages at once with the SHA extensions of x86-64.
#![allow(unsafe_code)]
#![deny(clippy::undocumented_unsafe_blocks)]

use super::{BLOCK, Kernel, State};
use core::arch::x86_64::*;

/// K of FIPS 180-4 section 4.2.2.
const K: [u32; 64] = [
    0x428a_2f98,
    0x7137_4491,
    0xb5c0_fbcf,
    0xe9b5_dba5,
    0x3956_c25b,
    0x59f1_11f1,
    0x923f_82a4,
    0xab1c_5ed5,
    0xd807_aa98,
    0x1283_5b01,
    0x2431_85be,
    0x550c_7dc3,
    0x72be_5d74,
    0x80de_b1fe,
    0x9bdc_06a7,
    0xc19b_f174,
    0xe49b_69c1,
    0xefbe_4786,
    0x0fc1_9dc6,
    0x240c_a1cc,
    0x2de9_2c6f,
    0x4a74_84aa,
    0x5cb0_a9dc,
    0x76f9_88da,
    0x983e_5152,
    0xa831_c66d,
    0xb003_27c8,
    0xbf59_7fc7,
    0xc6e0_0bf3,
    0xd5a7_9147,
    0x06ca_6351,
    0x1429_2967,
    0x27b7_0a85,
    0x2e1b_2138,
    0x4d2c_6dfc,
    0x5338_0d13,
    0x650a_7354,
    0x766a_0abb,
    0x81c2_c92e,
    0x9272_2c85,
    0xa2bf_e8a1,
    0xa81a_664b,
    0xc24b_8b70,
    0xc76c_51a3,
    0xd192_e819,
    0xd699_0624,
    0xf40e_3585,
    0x106a_a070,
    0x19a4_c116,
    0x1e37_6c08,
    0x2748_774c,
    0x34b0_bcb5,
    0x391c_0cb3,
    0x4ed8_aa4a,
    0x5b9c_ca4f,
    0x682e_6ff3,
    0x748f_82ee,
    0x78a5_636f,
    0x84c8_7814,
    0x8cc7_0208,
    0x90be_fffa,
    0xa450_6ceb,
    0xbef9_a3f7,
    0xc671_78f2,
];

/// The kernel, if the processor says that it runs it.
pub(super) fn compress() -> Option<Kernel> {
    let has = is_x86_feature_detected!("sha")
        && is_x86_feature_detected!("ssse3")
        && is_x86_feature_detected!("sse4.1");
    has.then_some(|state, rows| {
        // SAFETY: given out only where the features were detected.
        unsafe { two(state, rows) }
    })
}

/// A chaining value as the instructions want it: words f, e, b, a and h, g, d, c from the lowest.
#[inline(always)]
fn packed(state: &State) -> [__m128i; 2] {
    let [a, b, c, d, e, f, g, h] = *state;
    // SAFETY: SSE2 is part of x86-64, and each array has the 16 bytes read.
    [[f, e, b, a], [h, g, d, c]].map(|words| unsafe { _mm_loadu_si128(words.as_ptr().cast()) })
}

#[inline(always)]
fn unpacked(packed: [__m128i; 2]) -> State {
    let [[f, e, b, a], [h, g, d, c]] = packed.map(|register| {
        let mut words = [0_u32; 4];
        // SAFETY: SSE2 is part of x86-64, and the array has the 16 bytes written.
        unsafe { _mm_storeu_si128(words.as_mut_ptr().cast(), register) };
        words
    });
    [a, b, c, d, e, f, g, h]
}

/// Section 6.2.2 of FIPS 180-4, four rounds at a time, in turns for both messages.
#[target_feature(enable = "sha,ssse3,sse4.1")]
fn two(state: &mut [State; 2], rows: [&[[u8; BLOCK]]; 2]) {
    // Reverses the bytes of each word.
    let swap = _mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203);
    let zero = _mm_setzero_si128();
    let mut v = [packed(&state[0]), packed(&state[1])];
    for blocks in rows[0].iter().zip(rows[1]) {
        let before = v;
        let mut w = [[zero; 4]; 2];
        for (w, block) in w.iter_mut().zip([blocks.0, blocks.1]) {
            for (register, bytes) in w.iter_mut().zip(block.as_chunks::<16>().0) {
                // SAFETY: there are the 16 bytes read.
                let words = unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) };
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
    *state = v.map(unpacked);
}
