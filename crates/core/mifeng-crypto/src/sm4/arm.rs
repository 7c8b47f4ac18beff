//! The registers of aarch64: NEON with the AES instructions, four blocks to a group as on x86-64,
//! and the SM4 instructions, which do four rounds of one block.
#![allow(unsafe_code)]
#![deny(clippy::undocumented_unsafe_blocks)]

use super::affine::{AFTER, BEFORE, LOW_NIBBLE, SWAP_WORDS, UNSHIFT};
use super::lanes::{self, Lanes};
use super::{BLOCK, RoundKeys};
use core::arch::aarch64::*;
use zeroize::Zeroize;

#[inline(always)]
unsafe fn table(bytes: &[u8; 16]) -> uint8x16_t {
    // SAFETY: NEON is part of aarch64; the table has the 16 bytes read.
    unsafe { vld1q_u8(bytes.as_ptr()) }
}

#[derive(Clone, Copy)]
struct Neon(uint32x4_t);

impl Neon {
    #[inline(always)]
    unsafe fn bytes(self) -> uint8x16_t {
        // SAFETY: NEON is part of aarch64.
        unsafe { vreinterpretq_u8_u32(self.0) }
    }
    #[inline(always)]
    unsafe fn shuffle(self, places: &[u8; 16]) -> Self {
        // SAFETY: NEON is part of aarch64.
        unsafe {
            Neon(vreinterpretq_u32_u8(vqtbl1q_u8(
                self.bytes(),
                table(places),
            )))
        }
    }
    #[inline(always)]
    unsafe fn affine(self, tables: &[[u8; 16]; 2]) -> Self {
        // SAFETY: NEON is part of aarch64.
        unsafe {
            let low = vandq_u8(self.bytes(), table(&LOW_NIBBLE));
            let high = vshrq_n_u8::<4>(self.bytes());
            let low = vqtbl1q_u8(table(&tables[0]), low);
            let high = vqtbl1q_u8(table(&tables[1]), high);
            Neon(vreinterpretq_u32_u8(veorq_u8(low, high)))
        }
    }
}

/// AESE with a zero key: ShiftRows and the AES S-box.
#[inline]
#[target_feature(enable = "neon,aes")]
fn shift_and_substitute(bytes: uint8x16_t) -> uint8x16_t {
    vaeseq_u8(bytes, vdupq_n_u8(0))
}

impl Lanes for Neon {
    const BLOCKS: usize = 1;
    #[inline(always)]
    unsafe fn splat(word: u32) -> Self {
        // SAFETY: NEON is part of aarch64.
        unsafe { Neon(vdupq_n_u32(word)) }
    }
    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: NEON is part of aarch64; the caller gave a whole register of bytes.
        unsafe { Neon(vreinterpretq_u32_u8(vld1q_u8(from))) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut u8) {
        // SAFETY: NEON is part of aarch64; the caller gave room for a whole register.
        unsafe { vst1q_u8(to, self.bytes()) }
    }
    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        // SAFETY: NEON is part of aarch64.
        unsafe { Neon(veorq_u32(self.0, other.0)) }
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: NEON is part of aarch64.
        unsafe { Neon(vaddq_u32(self.0, other.0)) }
    }
    #[inline(always)]
    unsafe fn swap_words(self) -> Self {
        // SAFETY: NEON is part of aarch64.
        unsafe { self.shuffle(&SWAP_WORDS) }
    }
    #[inline(always)]
    unsafe fn low32(self, other: Self) -> Self {
        // SAFETY: NEON is part of aarch64.
        unsafe { Neon(vzip1q_u32(self.0, other.0)) }
    }
    #[inline(always)]
    unsafe fn high32(self, other: Self) -> Self {
        // SAFETY: NEON is part of aarch64.
        unsafe { Neon(vzip2q_u32(self.0, other.0)) }
    }
    #[inline(always)]
    unsafe fn low64(self, other: Self) -> Self {
        // SAFETY: NEON is part of aarch64.
        unsafe {
            let (a, b) = (
                vreinterpretq_u64_u32(self.0),
                vreinterpretq_u64_u32(other.0),
            );
            Neon(vreinterpretq_u32_u64(vzip1q_u64(a, b)))
        }
    }
    #[inline(always)]
    unsafe fn high64(self, other: Self) -> Self {
        // SAFETY: NEON is part of aarch64.
        unsafe {
            let (a, b) = (
                vreinterpretq_u64_u32(self.0),
                vreinterpretq_u64_u32(other.0),
            );
            Neon(vreinterpretq_u32_u64(vzip2q_u64(a, b)))
        }
    }
    #[inline(always)]
    unsafe fn round(x: Self, a: Self) -> Self {
        // SAFETY: AESE by the trait's contract; the rest is NEON.
        unsafe {
            let s = shift_and_substitute(a.affine(&BEFORE).bytes());
            let s = Neon(vreinterpretq_u32_u8(s)).affine(&AFTER);
            // L(s) = s ⊕ (s ⋘ 24) ⊕ ((s ⊕ (s ⋘ 8) ⊕ (s ⋘ 16)) ⋘ 2)
            let [s0, s8, s16, s24] = [
                s.shuffle(&UNSHIFT[0]),
                s.shuffle(&UNSHIFT[1]),
                s.shuffle(&UNSHIFT[2]),
                s.shuffle(&UNSHIFT[3]),
            ];
            let t = s0.xor(s8).xor(s16).0;
            let turned = Neon(vsriq_n_u32::<30>(vshlq_n_u32::<2>(t), t));
            x.xor(s0).xor(s24).xor(turned)
        }
    }
}

/// SM4 in NEON registers, the S-box by AES instructions.
///
/// # Safety
/// The caller has seen the features on this machine.
pub(super) mod aes {
    use super::*;

    #[target_feature(enable = "neon,aes")]
    pub(in crate::sm4) unsafe fn ctr(
        keys: &RoundKeys,
        nonce: &[u32; 3],
        counter: u32,
        data: &mut [u8],
    ) {
        // SAFETY: this function has the features that the lanes need.
        unsafe { lanes::ctr::<Neon>(keys, nonce, counter, data) }
    }

    /// Whole batches of four groups; returns how many blocks were done.
    #[target_feature(enable = "neon,aes")]
    pub(in crate::sm4) unsafe fn ecb(keys: &RoundKeys, data: &mut [[u8; BLOCK]]) -> usize {
        const BATCH: usize = lanes::GROUPS * 4;
        let mut done = 0;
        for batch in data.as_chunks_mut::<BATCH>().0 {
            // SAFETY: this function has the features that the lanes need; the batch is whole.
            unsafe { lanes::ecb_batch::<Neon, { lanes::GROUPS }>(keys, batch.as_mut_ptr().cast()) };
            done += BATCH;
        }
        done
    }
}

/// Blocks that go through the SM4 instructions side by side.
const SIDE_BY_SIDE: usize = 8;

/// SM4 by the instructions for it.
///
/// # Safety
/// The caller has seen the features on this machine.
pub(super) mod sm4 {
    use super::*;

    /// Four rounds of a block with four round keys.
    #[inline]
    #[target_feature(enable = "neon,sm4")]
    fn four_rounds(block: uint32x4_t, keys: uint32x4_t) -> uint32x4_t {
        let mut out = block;
        // SAFETY: the function has the feature; the instruction touches these registers only. (The
        // intrinsic for it is not stable in Rust yet.)
        unsafe {
            core::arch::asm!(
                "sm4e {block:v}.4s, {keys:v}.4s",
                block = inout(vreg) out,
                keys = in(vreg) keys,
                options(pure, nomem, nostack, preserves_flags)
            );
        }
        out
    }

    /// Blocks with their words in the machine's order, through all rounds and the last reversal.
    #[inline]
    #[target_feature(enable = "neon,sm4")]
    fn crypt(keys: &RoundKeys, blocks: &mut [uint32x4_t; SIDE_BY_SIDE]) {
        for four in keys.as_chunks::<4>().0 {
            // SAFETY: there are four round keys at the pointer.
            let keys = unsafe { vld1q_u32(four.as_ptr()) };
            for block in blocks.iter_mut() {
                *block = four_rounds(*block, keys);
            }
        }
        for block in blocks {
            let halves = vrev64q_u32(*block);
            *block = vextq_u32::<2>(halves, halves);
        }
    }

    #[target_feature(enable = "neon,sm4")]
    pub(in crate::sm4) unsafe fn ctr(
        keys: &RoundKeys,
        nonce: &[u32; 3],
        mut counter: u32,
        data: &mut [u8],
    ) {
        let mut stream = [[0; BLOCK]; SIDE_BY_SIDE];
        for batch in data.chunks_mut(SIDE_BY_SIDE * BLOCK) {
            let mut blocks = [vdupq_n_u32(0); SIDE_BY_SIDE];
            for block in &mut blocks {
                let words = [nonce[0], nonce[1], nonce[2], counter];
                // SAFETY: there are four words at the pointer.
                *block = unsafe { vld1q_u32(words.as_ptr()) };
                counter = counter.wrapping_add(1);
            }
            crypt(keys, &mut blocks);
            for (out, block) in stream.iter_mut().zip(blocks) {
                let bytes = vrev32q_u8(vreinterpretq_u8_u32(block));
                // SAFETY: there is room for a block at the pointer.
                unsafe { vst1q_u8(out.as_mut_ptr(), bytes) };
            }
            for (byte, mask) in batch.iter_mut().zip(stream.as_flattened()) {
                *byte ^= mask;
            }
        }
        stream.zeroize();
    }

    /// Whole batches; returns how many blocks were done.
    #[target_feature(enable = "neon,sm4")]
    pub(in crate::sm4) unsafe fn ecb(keys: &RoundKeys, data: &mut [[u8; BLOCK]]) -> usize {
        let mut done = 0;
        for batch in data.as_chunks_mut::<SIDE_BY_SIDE>().0 {
            let mut blocks = [vdupq_n_u32(0); SIDE_BY_SIDE];
            for (block, bytes) in blocks.iter_mut().zip(&*batch) {
                // SAFETY: there is a block at the pointer.
                let bytes = unsafe { vld1q_u8(bytes.as_ptr()) };
                *block = vreinterpretq_u32_u8(vrev32q_u8(bytes));
            }
            crypt(keys, &mut blocks);
            for (out, block) in batch.iter_mut().zip(blocks) {
                let bytes = vrev32q_u8(vreinterpretq_u8_u32(block));
                // SAFETY: there is room for a block at the pointer.
                unsafe { vst1q_u8(out.as_mut_ptr(), bytes) };
            }
            done += SIDE_BY_SIDE;
        }
        done
    }
}
