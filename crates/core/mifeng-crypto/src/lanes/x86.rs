//! The registers of x86-64: AVX2 (eight lanes) and AVX-512 (sixteen).
#![allow(unsafe_code)]
#![deny(clippy::undocumented_unsafe_blocks)]

use super::Function;
use super::register::{self, Lanes, State};
use core::arch::x86_64::*;

/// Reverses the bytes of each 32-bit word.
const SWAP: [u8; 16] = [3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12];
/// Turns each 32-bit word left by eight.
const LEFT_8: [u8; 16] = [3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14];

#[inline(always)]
fn table(bytes: &[u8; 16]) -> __m128i {
    // SAFETY: SSE2 is part of x86-64; the table has the 16 bytes read.
    unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
}

#[derive(Clone, Copy)]
struct Avx2(__m256i);

impl Avx2 {
    #[inline(always)]
    unsafe fn shuffle(self, bytes: &[u8; 16]) -> Self {
        // SAFETY: only called by the methods of `Lanes`, under their contract.
        unsafe {
            Avx2(_mm256_shuffle_epi8(
                self.0,
                _mm256_broadcastsi128_si256(table(bytes)),
            ))
        }
    }

    /// Half a block: eight words of each lane, eight lanes of each word afterwards.
    #[inline(always)]
    unsafe fn half(from: &[*const u8], at: usize) -> [Self; 8] {
        // SAFETY: only called by `block`, whose pointers have 64 bytes behind them.
        unsafe {
            let zero = _mm256_setzero_si256();
            let mut r = [zero; 8];
            for (register, pointer) in r.iter_mut().zip(from) {
                let words = _mm256_loadu_si256(pointer.add(at).cast());
                *register = Avx2(words).shuffle(&SWAP).0;
            }
            // Pairs of lanes, then fours, then all eight.
            let mut t = [zero; 8];
            for i in 0..4 {
                t[2 * i] = _mm256_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
                t[2 * i + 1] = _mm256_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
            }
            let mut u = [zero; 8];
            for i in [0, 4] {
                u[i] = _mm256_unpacklo_epi64(t[i], t[i + 2]);
                u[i + 1] = _mm256_unpackhi_epi64(t[i], t[i + 2]);
                u[i + 2] = _mm256_unpacklo_epi64(t[i + 1], t[i + 3]);
                u[i + 3] = _mm256_unpackhi_epi64(t[i + 1], t[i + 3]);
            }
            let mut out = [Avx2(zero); 8];
            for i in 0..4 {
                out[i] = Avx2(_mm256_permute2x128_si256::<0x20>(u[i], u[i + 4]));
                out[i + 4] = Avx2(_mm256_permute2x128_si256::<0x31>(u[i], u[i + 4]));
            }
            out
        }
    }
}

impl Lanes for Avx2 {
    const LANES: usize = 8;
    #[inline(always)]
    unsafe fn splat(word: u32) -> Self {
        // SAFETY: features by the trait's contract.
        unsafe { Avx2(_mm256_set1_epi32(word as i32)) }
    }
    #[inline(always)]
    unsafe fn load(from: *const u32) -> Self {
        // SAFETY: features by the trait's contract; the caller gave a word of each lane.
        unsafe { Avx2(_mm256_loadu_si256(from.cast())) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut u32) {
        // SAFETY: features by the trait's contract; the caller gave room for a word of each lane.
        unsafe { _mm256_storeu_si256(to.cast(), self.0) }
    }
    #[inline(always)]
    unsafe fn expect(at: *const u8) {
        // SAFETY: a hint, which never faults.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) }
    }
    #[inline(always)]
    unsafe fn block(from: &[*const u8]) -> [Self; 16] {
        // SAFETY: features and pointers by the trait's contract.
        unsafe {
            let [a, b, c, d, e, f, g, h] = Avx2::half(from, 0);
            let [i, j, k, l, m, n, o, p] = Avx2::half(from, 32);
            [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]
        }
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: features by the trait's contract.
        unsafe { Avx2(_mm256_add_epi32(self.0, other.0)) }
    }
    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        // SAFETY: features by the trait's contract.
        unsafe { Avx2(_mm256_xor_si256(self.0, other.0)) }
    }
    #[inline(always)]
    unsafe fn xor3(self, b: Self, c: Self) -> Self {
        // SAFETY: features by the trait's contract.
        unsafe { self.xor(b).xor(c) }
    }
    #[inline(always)]
    unsafe fn majority(self, b: Self, c: Self) -> Self {
        // SAFETY: features by the trait's contract.
        unsafe {
            // b ⊕ ((a ⊕ b) ∧ (b ⊕ c)): the second sum is the first one of the round before.
            let differ = _mm256_and_si256(self.xor(b).0, b.xor(c).0);
            Avx2(differ).xor(b)
        }
    }
    #[inline(always)]
    unsafe fn choice(self, b: Self, c: Self) -> Self {
        // SAFETY: features by the trait's contract.
        unsafe { Avx2(_mm256_and_si256(self.0, b.xor(c).0)).xor(c) }
    }
    #[inline(always)]
    unsafe fn left<const BY: i32>(self) -> Self {
        // SAFETY: features by the trait's contract.
        unsafe {
            // The shifts by a count in a register: a constant expression of `BY` cannot be written.
            let (up, down) = (_mm_cvtsi32_si128(BY), _mm_cvtsi32_si128(32 - BY));
            let (high, low) = (_mm256_sll_epi32(self.0, up), _mm256_srl_epi32(self.0, down));
            Avx2(_mm256_or_si256(high, low))
        }
    }
    #[inline(always)]
    unsafe fn down<const BY: u32>(self) -> Self {
        // SAFETY: features by the trait's contract.
        unsafe { Avx2(_mm256_srl_epi32(self.0, _mm_cvtsi32_si128(BY as i32))) }
    }
    #[inline(always)]
    unsafe fn p0(self) -> Self {
        // SAFETY: features by the trait's contract.
        unsafe { self.xor(self.xor(self.shuffle(&LEFT_8)).left::<9>()) }
    }
    #[inline(always)]
    unsafe fn p1(self) -> Self {
        // SAFETY: features by the trait's contract.
        unsafe { self.xor(self.xor(self.shuffle(&LEFT_8)).left::<15>()) }
    }
}

/// A sum as it is. Compilers regroup sums of many terms, and put what comes last where the next round waits for it.
#[inline]
#[target_feature(enable = "avx512f")]
fn kept(mut sum: __m512i) -> __m512i {
    // SAFETY: no instruction at all.
    unsafe {
        core::arch::asm!("/* {0} */", inout(zmm_reg) sum,
            options(pure, nomem, nostack, preserves_flags));
    }
    sum
}

#[derive(Clone, Copy)]
struct Avx512(__m512i);

/// The exclusive or of three, for a ternary instruction.
const XOR: i32 = 0x96;
const MAJORITY: i32 = 0xe8;
const CHOICE: i32 = 0xca;

impl Lanes for Avx512 {
    const LANES: usize = 16;
    #[inline(always)]
    unsafe fn splat(word: u32) -> Self {
        // SAFETY: features by the trait's contract.
        unsafe { Avx512(_mm512_set1_epi32(word as i32)) }
    }
    #[inline(always)]
    unsafe fn load(from: *const u32) -> Self {
        // SAFETY: features by the trait's contract; the caller gave a word of each lane.
        unsafe { Avx512(_mm512_loadu_si512(from.cast())) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut u32) {
        // SAFETY: features by the trait's contract; the caller gave room for a word of each lane.
        unsafe { _mm512_storeu_si512(to.cast(), self.0) }
    }
    #[inline(always)]
    unsafe fn expect(at: *const u8) {
        // SAFETY: a hint, which never faults.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) }
    }
    #[inline(always)]
    unsafe fn block(from: &[*const u8]) -> [Self; 16] {
        // SAFETY: features and pointers by the trait's contract.
        unsafe {
            let zero = _mm512_setzero_si512();
            let swap = _mm512_broadcast_i32x4(table(&SWAP));
            let mut r = [zero; 16];
            for (register, pointer) in r.iter_mut().zip(from) {
                *register = _mm512_shuffle_epi8(_mm512_loadu_si512(pointer.cast()), swap);
            }
            // Within quarters of the registers: pairs of lanes, then fours.
            let mut t = [zero; 16];
            for i in 0..8 {
                t[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
                t[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
            }
            let mut u = [zero; 16];
            for i in [0, 4, 8, 12] {
                u[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
                u[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
                u[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
                u[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
            }
            // Quarter q of u[4·n + k] has word 4·q + k of the lanes 4·n to 4·n + 3.
            let mut out = [Avx512(zero); 16];
            for k in 0..4 {
                let even = _mm512_shuffle_i32x4::<0x88>(u[k], u[4 + k]);
                let odd = _mm512_shuffle_i32x4::<0xdd>(u[k], u[4 + k]);
                let even_high = _mm512_shuffle_i32x4::<0x88>(u[8 + k], u[12 + k]);
                let odd_high = _mm512_shuffle_i32x4::<0xdd>(u[8 + k], u[12 + k]);
                out[k] = Avx512(_mm512_shuffle_i32x4::<0x88>(even, even_high));
                out[4 + k] = Avx512(_mm512_shuffle_i32x4::<0x88>(odd, odd_high));
                out[8 + k] = Avx512(_mm512_shuffle_i32x4::<0xdd>(even, even_high));
                out[12 + k] = Avx512(_mm512_shuffle_i32x4::<0xdd>(odd, odd_high));
            }
            out
        }
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: features by the trait's contract.
        unsafe { Avx512(kept(_mm512_add_epi32(self.0, other.0))) }
    }
    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        // SAFETY: features by the trait's contract.
        unsafe { Avx512(_mm512_xor_si512(self.0, other.0)) }
    }
    #[inline(always)]
    unsafe fn xor3(self, b: Self, c: Self) -> Self {
        // SAFETY: features by the trait's contract.
        unsafe { Avx512(_mm512_ternarylogic_epi32::<XOR>(self.0, b.0, c.0)) }
    }
    #[inline(always)]
    unsafe fn majority(self, b: Self, c: Self) -> Self {
        // SAFETY: features by the trait's contract.
        unsafe { Avx512(_mm512_ternarylogic_epi32::<MAJORITY>(self.0, b.0, c.0)) }
    }
    #[inline(always)]
    unsafe fn choice(self, b: Self, c: Self) -> Self {
        // SAFETY: features by the trait's contract.
        unsafe { Avx512(_mm512_ternarylogic_epi32::<CHOICE>(self.0, b.0, c.0)) }
    }
    #[inline(always)]
    unsafe fn left<const BY: i32>(self) -> Self {
        // SAFETY: features by the trait's contract.
        unsafe { Avx512(_mm512_rol_epi32::<BY>(self.0)) }
    }
    #[inline(always)]
    unsafe fn down<const BY: u32>(self) -> Self {
        // SAFETY: features by the trait's contract.
        unsafe { Avx512(_mm512_srli_epi32::<BY>(self.0)) }
    }
    #[inline(always)]
    unsafe fn p0(self) -> Self {
        // SAFETY: features by the trait's contract.
        unsafe { self.xor3(self.left::<9>(), self.left::<17>()) }
    }
    #[inline(always)]
    unsafe fn p1(self) -> Self {
        // SAFETY: features by the trait's contract.
        unsafe { self.xor3(self.left::<15>(), self.left::<23>()) }
    }
}

/// Each of eight pointers has `count` blocks behind it.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn compress_avx2<F: Function>(
    state: &mut State,
    from: &[*const u8],
    count: usize,
) {
    // SAFETY: this function has the features that the lanes need; pointers by its own contract.
    unsafe { register::compress::<F, Avx2>(state, from, count) }
}

/// Each of sixteen pointers has `count` blocks behind it.
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) unsafe fn compress_avx512<F: Function>(
    state: &mut State,
    from: &[*const u8],
    count: usize,
) {
    // SAFETY: this function has the features that the lanes need; pointers by its own contract.
    unsafe { register::compress::<F, Avx512>(state, from, count) }
}
