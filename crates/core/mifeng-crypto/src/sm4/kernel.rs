//! SM4-CTR and GHASH for any register width: the shape is written once, over [`Lanes`], and
//! entered with the instructions of one machine in [`super::x86`].
//!
//! Sixteen bytes of a register are a *lane*. Four registers hold the four state words of
//! `4 · BLOCKS` blocks; [`GROUPS`] such groups run side by side to fill the pipeline.
#![allow(unsafe_code)]
#![deny(clippy::undocumented_unsafe_blocks)]

use super::{BLOCK, RoundKeys};
use core::arch::x86_64::{
    __m128i, _mm_clmulepi64_si128, _mm_loadu_si128, _mm_set_epi64x, _mm_shuffle_epi32,
    _mm_slli_si128, _mm_srli_si128, _mm_storeu_si128, _mm_xor_si128,
};
use zeroize::Zeroize;

/// Groups at once in the long run of a message.
pub(super) const GROUPS: usize = 4;

/// Blocks of the widest batch: 4 groups of 4 words of 4 lanes.
pub(super) const MAX_BATCH: usize = 64;

/// Powers of the hash key in POLYVAL's domain, H^64 first, so that the powers of any batch are the
/// last entries.
pub(super) type Powers = [u128; MAX_BATCH];

/// A register of [`Lanes::BLOCKS`] lanes.
///
/// # Safety
/// Every method needs the instructions of the implementing type to be present (the `enable` list of
/// its entry points in [`super::x86`]). `load` reads and `store` writes `16 · BLOCKS` bytes, of any
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
    /// Reverses the bytes of each lane.
    unsafe fn swap_lanes(self) -> Self;
    unsafe fn low32(self, other: Self) -> Self;
    unsafe fn high32(self, other: Self) -> Self;
    unsafe fn low64(self, other: Self) -> Self;
    unsafe fn high64(self, other: Self) -> Self;
    /// `x ⊕ L(τ(a))`.
    unsafe fn round(x: Self, a: Self) -> Self;
    /// Carry-less products of low halves, of high halves, and the sum of the crossed ones.
    unsafe fn products(self, other: Self) -> [Self; 3];
    /// The sum of all lanes.
    unsafe fn fold(self) -> __m128i;
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
unsafe fn ctr_batch<V: Lanes, const G: usize>(
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

/// Montgomery reduction modulo x^128 + x^127 + x^126 + x^121 + 1 (RFC 8452 appendix A).
#[inline(always)]
unsafe fn reduce(low: __m128i, high: __m128i) -> __m128i {
    // SAFETY: the caller has PCLMULQDQ; the rest is SSE2.
    unsafe {
        let poly = _mm_set_epi64x(0xc200_0000_0000_0000_u64 as i64, 1);
        let a = _mm_clmulepi64_si128::<0x10>(low, poly);
        let b = _mm_xor_si128(_mm_shuffle_epi32::<0x4e>(low), a);
        let c = _mm_clmulepi64_si128::<0x10>(b, poly);
        let d = _mm_xor_si128(_mm_shuffle_epi32::<0x4e>(b), c);
        _mm_xor_si128(high, d)
    }
}

#[inline(always)]
unsafe fn close(low: __m128i, high: __m128i, middle: __m128i) -> __m128i {
    // SAFETY: the caller has PCLMULQDQ; the rest is SSE2.
    unsafe {
        reduce(
            _mm_xor_si128(low, _mm_slli_si128::<8>(middle)),
            _mm_xor_si128(high, _mm_srli_si128::<8>(middle)),
        )
    }
}

#[inline(always)]
unsafe fn multiply(a: __m128i, b: __m128i) -> __m128i {
    // SAFETY: the caller has PCLMULQDQ; the rest is SSE2.
    unsafe {
        let low = _mm_clmulepi64_si128::<0x00>(a, b);
        let high = _mm_clmulepi64_si128::<0x11>(a, b);
        let middle = _mm_xor_si128(
            _mm_clmulepi64_si128::<0x01>(a, b),
            _mm_clmulepi64_si128::<0x10>(a, b),
        );
        close(low, high, middle)
    }
}

#[inline(always)]
unsafe fn from_u128(value: u128) -> __m128i {
    // SAFETY: SSE2 is part of x86-64; a u128 has the 16 bytes read.
    unsafe { _mm_loadu_si128((&raw const value).cast()) }
}

#[inline(always)]
unsafe fn to_u128(value: __m128i) -> u128 {
    let mut out = 0u128;
    // SAFETY: SSE2 is part of x86-64; a u128 has room for the 16 bytes written.
    unsafe { _mm_storeu_si128((&raw mut out).cast(), value) };
    out
}

/// Fills the powers of the hash key `h`, given as a GCM block.
#[inline(always)]
pub(super) unsafe fn powers(h: &[u8; 16], out: &mut Powers) {
    // GHASH to POLYVAL (RFC 8452 appendix A): reverse the bytes and multiply by x.
    let h = u128::from_be_bytes(*h);
    let carry = 0u128.wrapping_sub(h >> 127);
    let h = h << 1 ^ carry & 0xc200_0000_0000_0000_0000_0000_0000_0001;
    let mut power = h;
    for place in out.iter_mut().rev() {
        *place = power;
        // SAFETY: the caller has PCLMULQDQ.
        power = unsafe { to_u128(multiply(from_u128(power), from_u128(h))) };
    }
}

/// One batch of `G` groups into the hash.
#[inline(always)]
unsafe fn hash_batch<V: Lanes, const G: usize>(
    powers: &Powers,
    state: u128,
    data: *const u8,
) -> u128 {
    // SAFETY: features by the caller's contract; `data` is a whole batch, `powers` ends after
    // exactly as many entries as the batch has blocks, `first` has the widest register's 64 bytes.
    unsafe {
        let powers = powers.as_ptr().add(MAX_BATCH - G * 4 * V::BLOCKS);
        let mut first = [0u128; 4];
        first[0] = state;
        let zero = V::splat(0);
        let [mut low, mut high, mut middle] = [zero; 3];
        for i in 0..4 * G {
            let mut v = V::load(data.add(i * V::BLOCKS * BLOCK)).swap_lanes();
            if i == 0 {
                v = v.xor(V::load(first.as_ptr().cast()));
            }
            let [l, h, m] = v.products(V::load(powers.add(i * V::BLOCKS).cast()));
            low = low.xor(l);
            high = high.xor(h);
            middle = middle.xor(m);
        }
        to_u128(close(low.fold(), high.fold(), middle.fold()))
    }
}

/// `data`, filled up with zeros to a whole block, into the hash.
#[inline(always)]
pub(super) unsafe fn hash<V: Lanes>(powers: &Powers, mut state: u128, data: &[u8]) -> u128 {
    let batches = data.chunks_exact(batch_len::<V, GROUPS>());
    let rest = batches.remainder();
    for batch in batches {
        // SAFETY: features by the caller's contract; `batch` is a whole long batch.
        state = unsafe { hash_batch::<V, GROUPS>(powers, state, batch.as_ptr()) };
    }
    for rest in rest.chunks(batch_len::<V, 1>()) {
        // Zero blocks in front change nothing as long as the state joins the first real block.
        let mut buffer = [0u8; 16 * BLOCK];
        let at = batch_len::<V, 1>() - rest.len().next_multiple_of(BLOCK);
        buffer[at..at + rest.len()].copy_from_slice(rest);
        for (byte, mask) in buffer[at..].iter_mut().zip(state.to_be_bytes()) {
            *byte ^= mask;
        }
        // SAFETY: features by the caller's contract; the buffer holds a group of the widest register.
        state = unsafe { hash_batch::<V, 1>(powers, 0, buffer.as_ptr()) };
    }
    state
}

/// Counter mode from counter 2, each batch hashed while the next one is encrypted.
#[inline(always)]
pub(super) unsafe fn seal<V: Lanes>(
    keys: &RoundKeys,
    powers: &Powers,
    nonce: &[u32; 3],
    mut state: u128,
    data: &mut [u8],
) -> u128 {
    let len = batch_len::<V, GROUPS>();
    let whole = data.len() - data.len() % len;
    let (batches, rest) = data.split_at_mut(whole);
    let mut counter = 2u32;
    let base = batches.as_mut_ptr();
    let mut at = 0;
    while at < whole {
        // SAFETY: features by the caller's contract; `at` is a multiple of `len` below `whole`, so a
        // whole batch starts there and, if it is not the first one, another before it.
        unsafe {
            ctr_batch::<V, GROUPS>(keys, nonce, counter, base.add(at));
            if at > 0 {
                state = hash_batch::<V, GROUPS>(powers, state, base.add(at - len));
            }
        }
        counter = counter.wrapping_add((GROUPS * 4 * V::BLOCKS) as u32);
        at += len;
    }
    // SAFETY: features by the caller's contract; the last whole batch ends at `whole`.
    unsafe {
        if whole > 0 {
            state = hash_batch::<V, GROUPS>(powers, state, base.add(whole - len));
        }
        ctr::<V>(keys, nonce, counter, rest);
        hash::<V>(powers, state, rest)
    }
}
