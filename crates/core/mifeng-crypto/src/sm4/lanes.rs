//! SM4 in counter mode for any register width: the shape is written once, over [`Lanes`], and
//! entered with the instructions of one machine in `super::x86` and `super::arm`.
//!
//! Sixteen bytes of a register are a *lane*. Four registers hold the four state words of
//! `4 · BLOCKS` blocks; [`GROUPS`] such groups run side by side to fill the pipeline.
#![allow(unsafe_code)]
#![deny(clippy::undocumented_unsafe_blocks)]

use super::{BLOCK, RoundKeys};
use zeroize::Zeroize;

/// Groups at once in the long run of a message.
pub(super) const GROUPS: usize = 4;

/// A register of [`Lanes::BLOCKS`] lanes.
///
/// # Safety
/// Every method needs the instructions of the implementing type to be present (the `enable` list of
/// its entry points in `super::x86` or `super::arm`). `load` reads and `store` writes `16 · BLOCKS` bytes, of any
/// alignment, at their pointer.
///
/// The functions below that are generic over `Lanes` pass this contract on: who calls them has the
/// instructions, and gives a pointer to as many blocks as their description says.
pub(super) trait Lanes: Copy {
    const BLOCKS: usize;
    unsafe fn splat(word: u32) -> Self;
    unsafe fn load(from: *const u8) -> Self;
    unsafe fn store(self, to: *mut u8);
    unsafe fn xor(self, other: Self) -> Self;
    unsafe fn add(self, other: Self) -> Self;
    /// Reverses the bytes of each 32-bit word.
    unsafe fn swap_words(self) -> Self;
    unsafe fn low32(self, other: Self) -> Self;
    unsafe fn high32(self, other: Self) -> Self;
    unsafe fn low64(self, other: Self) -> Self;
    unsafe fn high64(self, other: Self) -> Self;
    /// `x ⊕ L(τ(a))`.
    unsafe fn round(x: Self, a: Self) -> Self;
}

/// Bytes of a batch of `G` groups.
pub(super) const fn batch_len<V: Lanes, const G: usize>() -> usize {
    G * 4 * V::BLOCKS * BLOCK
}

/// Transposes the 4 × 4 words of each lane.
#[inline(always)]
unsafe fn transpose<V: Lanes>(x: [V; 4]) -> [V; 4] {
    // SAFETY: features by the caller's contract, which is that of `Lanes`.
    unsafe {
        let (a, b) = (x[0].low32(x[1]), x[0].high32(x[1]));
        let (c, d) = (x[2].low32(x[3]), x[2].high32(x[3]));
        [a.low64(c), a.high64(c), b.low64(d), b.high64(d)]
    }
}

#[inline(always)]
unsafe fn rounds<V: Lanes, const G: usize>(keys: &RoundKeys, x: &mut [[V; 4]; G]) {
    for four in keys.as_chunks::<4>().0 {
        for r in 0..4 {
            // SAFETY: features by the caller's contract, which is that of `Lanes`.
            unsafe {
                let key = V::splat(four[r]);
                for group in x.iter_mut() {
                    let (b, c, d) = (group[(r + 1) % 4], group[(r + 2) % 4], group[(r + 3) % 4]);
                    group[r] = V::round(group[r], b.xor(c).xor(d.xor(key)));
                }
            }
        }
    }
}

/// `4 · G · BLOCKS` independent blocks in place at `data`.
#[inline(always)]
pub(super) unsafe fn ecb_batch<V: Lanes, const G: usize>(keys: &RoundKeys, data: *mut u8) {
    // SAFETY: features by the caller's contract; `at` stays inside the 4 · G registers of `data`.
    unsafe {
        let zero = V::splat(0);
        let mut x = [[zero; 4]; G];
        let at = |g: usize, k: usize| (g * 4 + k) * V::BLOCKS * BLOCK;
        for (g, group) in x.iter_mut().enumerate() {
            for (k, word) in group.iter_mut().enumerate() {
                *word = V::load(data.add(at(g, k))).swap_words();
            }
            *group = transpose(*group);
        }
        rounds(keys, &mut x);
        for (g, group) in x.iter().enumerate() {
            let out = transpose([group[3], group[2], group[1], group[0]]);
            for (k, word) in out.iter().enumerate() {
                word.swap_words().store(data.add(at(g, k)));
            }
        }
    }
}

/// XORs `4 · G · BLOCKS` blocks at `data` with the key stream from `counter` on.
#[inline(always)]
pub(super) unsafe fn ctr_batch<V: Lanes, const G: usize>(
    keys: &RoundKeys,
    nonce: &[u32; 3],
    counter: u32,
    data: *mut u8,
) {
    // SAFETY: features by the caller's contract; `order` has the 16 words of the widest
    // register, and `place` stays inside the 4 · G registers of `data`.
    unsafe {
        // After the transposition register k, lane l holds what word k of lane l held: that must
        // be block k · BLOCKS + l.
        let mut order = [0u32; 16];
        for (i, place) in order.iter_mut().enumerate().take(4 * V::BLOCKS) {
            *place = (i % 4 * V::BLOCKS + i / 4) as u32;
        }
        let order = V::load(order.as_ptr().cast());
        let mut x = [[V::splat(0); 4]; G];
        for (g, group) in x.iter_mut().enumerate() {
            let first = counter.wrapping_add((4 * V::BLOCKS * g) as u32);
            *group = [
                V::splat(nonce[0]),
                V::splat(nonce[1]),
                V::splat(nonce[2]),
                V::splat(first).add(order),
            ];
        }
        rounds(keys, &mut x);
        for (g, group) in x.iter().enumerate() {
            let out = transpose([group[3], group[2], group[1], group[0]]);
            for (k, word) in out.iter().enumerate() {
                let place = data.add((g * 4 + k) * V::BLOCKS * BLOCK);
                word.swap_words().xor(V::load(place)).store(place);
            }
        }
    }
}

/// Counter mode over any length; what is left after full batches goes through a buffer.
#[inline(always)]
pub(super) unsafe fn ctr<V: Lanes>(
    keys: &RoundKeys,
    nonce: &[u32; 3],
    mut counter: u32,
    data: &mut [u8],
) {
    let mut long = data.chunks_exact_mut(batch_len::<V, GROUPS>());
    for batch in &mut long {
        // SAFETY: features by the caller's contract; `batch` is a whole long batch.
        unsafe { ctr_batch::<V, GROUPS>(keys, nonce, counter, batch.as_mut_ptr()) };
        counter = counter.wrapping_add((GROUPS * 4 * V::BLOCKS) as u32);
    }
    let mut buffer = [0u8; 16 * BLOCK];
    for rest in long.into_remainder().chunks_mut(batch_len::<V, 1>()) {
        buffer[..rest.len()].copy_from_slice(rest);
        // SAFETY: features by the caller's contract; a group has at most 16 blocks, the buffer's size.
        unsafe { ctr_batch::<V, 1>(keys, nonce, counter, buffer.as_mut_ptr()) };
        counter = counter.wrapping_add((4 * V::BLOCKS) as u32);
        rest.copy_from_slice(&buffer[..rest.len()]);
    }
    buffer.zeroize();
}
