//! GHASH for any register width of x86-64, and SM4-GCM in one pass over the message.
#![allow(unsafe_code)]
#![deny(clippy::undocumented_unsafe_blocks)]

use super::lanes::{GROUPS, Lanes, batch_len, ctr, ctr_batch};
use super::{BLOCK, RoundKeys};
use core::arch::x86_64::{
    __m128i, _mm_clmulepi64_si128, _mm_loadu_si128, _mm_set_epi64x, _mm_shuffle_epi32,
    _mm_slli_si128, _mm_srli_si128, _mm_storeu_si128, _mm_xor_si128,
};

/// Blocks of the widest batch: 4 groups of 4 words of 4 lanes.
pub(super) const MAX_BATCH: usize = 64;

/// Powers of the hash key in POLYVAL's domain, H^64 first, so that the powers of any batch are the
/// last entries.
pub(super) type Powers = [u128; MAX_BATCH];

/// Lanes that multiply without carries.
///
/// # Safety
/// As for [`Lanes`]; the functions below that are generic over it pass the contract on.
pub(super) trait Hash: Lanes {
    /// Reverses the bytes of each lane.
    unsafe fn swap_lanes(self) -> Self;
    /// Carry-less products of low halves, of high halves, and the sum of the crossed ones.
    unsafe fn products(self, other: Self) -> [Self; 3];
    /// The sum of all lanes.
    unsafe fn fold(self) -> __m128i;
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
unsafe fn hash_batch<V: Hash, const G: usize>(
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
pub(super) unsafe fn hash<V: Hash>(powers: &Powers, mut state: u128, data: &[u8]) -> u128 {
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
pub(super) unsafe fn seal<V: Hash>(
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
