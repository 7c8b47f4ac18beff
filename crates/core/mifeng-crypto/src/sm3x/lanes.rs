//! The compression function of SM3 over lanes: safe Rust that compilers turn into vector
//! instructions, entered with AVX2 where the machine has it.

#![deny(clippy::undocumented_unsafe_blocks)]

use core::ops::{Add, BitAnd, BitOr, BitXor, Not};

/// Messages side by side: the 32-bit words of an AVX2 register.
pub(super) const LANES: usize = 8;

/// The sixteen words of one block of every lane.
pub(super) type Words = [[u32; LANES]; 16];

/// IV of GB/T 32905 section 4.1.
pub(super) const IV: [u32; 8] = [
    0x7380_166f,
    0x4914_b2b9,
    0x1724_42d7,
    0xda8a_0600,
    0xa96f_30bc,
    0x1631_38aa,
    0xe38d_ee4d,
    0xb0fb_0e4e,
];

/// T_j of section 4.2, already turned left by j.
pub(super) const T: [u32; 64] = {
    let mut t = [0u32; 64];
    let mut j = 0;
    while j < 64 {
        let base: u32 = if j < 16 { 0x79cc_4519 } else { 0x7a87_9d8a };
        t[j] = base.rotate_left(j as u32 % 32);
        j += 1;
    }
    t
};

/// One word of every lane.
#[derive(Clone, Copy)]
#[repr(align(32))]
struct Wide([u32; LANES]);

macro_rules! lane_wise {
    ($trait:ident, $name:ident, $word:expr) => {
        impl $trait for Wide {
            type Output = Self;
            #[inline(always)]
            fn $name(self, other: Self) -> Self {
                let mut out = self;
                for (a, b) in out.0.iter_mut().zip(other.0) {
                    *a = $word(*a, b);
                }
                out
            }
        }
    };
}

lane_wise!(Add, add, u32::wrapping_add);
lane_wise!(BitXor, bitxor, |a: u32, b: u32| a ^ b);
lane_wise!(BitAnd, bitand, |a: u32, b: u32| a & b);
lane_wise!(BitOr, bitor, |a: u32, b: u32| a | b);

impl Not for Wide {
    type Output = Self;
    #[inline(always)]
    fn not(self) -> Self {
        Wide(self.0.map(|a| !a))
    }
}

impl Wide {
    #[inline(always)]
    fn left(self, by: u32) -> Self {
        let mut out = self;
        for a in &mut out.0 {
            *a = a.rotate_left(by);
        }
        out
    }

    #[inline(always)]
    fn splat(word: u32) -> Self {
        Wide([word; LANES])
    }
}

/// Whether this machine has registers for the lanes. Without them the lanes spill, and run at half
/// the speed of one message after the other.
pub(super) fn worth_it() -> bool {
    #[cfg(target_arch = "x86_64")]
    let wide = is_x86_feature_detected!("avx2");
    #[cfg(not(target_arch = "x86_64"))]
    let wide = false;
    wide
}

/// The chaining values of all lanes.
pub(super) struct State([Wide; 8]);

impl State {
    pub(super) fn start() -> Self {
        State(IV.map(Wide::splat))
    }

    /// One block of every lane.
    #[allow(unsafe_code)]
    pub(super) fn compress(&mut self, words: &Words) {
        #[cfg(target_arch = "x86_64")]
        if worth_it() {
            // SAFETY: the one feature that `compress_avx2` is compiled with was just detected.
            unsafe { compress_avx2(&mut self.0, words) };
            return;
        }
        compress(&mut self.0, words);
    }

    /// The same without any instruction beyond the ones every machine has.
    #[cfg(test)]
    pub(super) fn compress_plain(&mut self, words: &Words) {
        compress(&mut self.0, words);
    }

    pub(super) fn digests(&self) -> [[u8; 32]; LANES] {
        let mut out = [[0; 32]; LANES];
        for (lane, digest) in out.iter_mut().enumerate() {
            for (bytes, wide) in digest.as_chunks_mut::<4>().0.iter_mut().zip(&self.0) {
                *bytes = wide.0[lane].to_be_bytes();
            }
        }
        out
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn compress_avx2(state: &mut [Wide; 8], words: &Words) {
    compress(state, words);
}

/// Section 5.3 in all lanes.
#[inline(always)]
fn compress(state: &mut [Wide; 8], words: &Words) {
    let mut w = [Wide::splat(0); 68];
    for (wide, word) in w.iter_mut().zip(words) {
        *wide = Wide(*word);
    }
    for j in 16..68 {
        let x = w[j - 16] ^ w[j - 9] ^ w[j - 3].left(15);
        let p1 = x ^ x.left(15) ^ x.left(23);
        w[j] = p1 ^ w[j - 13].left(7) ^ w[j - 6];
    }
    let mut v = *state;
    for j in 0..16 {
        let [a, b, c, _, e, f, g, _] = v;
        round(&mut v, T[j], w[j], w[j + 4], a ^ b ^ c, e ^ f ^ g);
    }
    for j in 16..64 {
        let [a, b, c, _, e, f, g, _] = v;
        let (ff, gg) = (a & b | (a | b) & c, e & f | !e & g);
        round(&mut v, T[j], w[j], w[j + 4], ff, gg);
    }
    for (old, new) in state.iter_mut().zip(v) {
        *old = *old ^ new;
    }
}

/// Section 5.3.3, with the boolean functions already applied.
#[inline(always)]
fn round(v: &mut [Wide; 8], t: u32, w: Wide, w4: Wide, ff: Wide, gg: Wide) {
    let [a, b, c, d, e, f, g, h] = *v;
    let a12 = a.left(12);
    let ss1 = (a12 + e + Wide::splat(t)).left(7);
    let tt1 = ff + d + (ss1 ^ a12) + (w ^ w4);
    let tt2 = gg + h + ss1 + w;
    let p0 = tt2 ^ tt2.left(9) ^ tt2.left(17);
    *v = [tt1, a, b.left(9), c, p0, e, f.left(19), g];
}
