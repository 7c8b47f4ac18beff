//! Eight field elements, one in each lane of AVX-512 registers, on the 52-bit products of IFMA.
//!
//! Five limbs of 52 bits, Montgomery form with R = 2^260. The lowest limb of both primes is all ones, so the factor of each
//! reduction step is the lowest limb itself, as in [`super::super::field`].
//!
//! **Bounds.** The limbs of an [`Fe8`] are below 2^52 and its value is below 2^256 · 1.25. A product of two such is below
//! 1.25² · 2^512 / 2^260 + p, which is less again: nothing is ever subtracted from it. What is added and subtracted goes
//! through [`Sum8`], whose limbs have signs and room, and back by [`Sum8::fold`].
#![allow(unsafe_code)]
#![deny(clippy::undocumented_unsafe_blocks)]

use super::LANES;
use crate::curves::Params;
use crate::curves::field::{Fe, Prime};
use crate::curves::limbs::{self, Limbs};
use core::arch::x86_64::*;
use core::marker::PhantomData;

/// One word of each lane.
pub(super) type Words = [u64; LANES];

/// Bits of a limb.
const BITS: u32 = 52;
const LIMB: u64 = (1 << BITS) - 1;
/// Bits of the top limb of a number below 2^256.
const TOP_BITS: u32 = 256 - 4 * BITS;

/// A number below 2^256 in limbs of 52 bits.
const fn split(value: &Limbs) -> [u64; 5] {
    let [a, b, c, d] = *value;
    [
        a & LIMB,
        (a >> 52 | b << 12) & LIMB,
        (b >> 40 | c << 24) & LIMB,
        (c >> 28 | d << 36) & LIMB,
        d >> 16,
    ]
}

/// The numbers of a prime.
struct Of<C>(PhantomData<C>);

impl<C: Params> Of<C> {
    const P: [u64; 5] = split(&C::PRIME.p());
    /// (p + 1) / 2^52: what a reduction step multiplies the lowest limb with.
    const FACTOR: [u64; 4] = {
        let [_, a, b, c, d] = Self::P;
        [a + 1, b, c, d]
    };
}

#[inline]
#[target_feature(enable = "avx512f")]
fn all(word: u64) -> __m512i {
    _mm512_set1_epi64(word.cast_signed())
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn load(words: &Words) -> __m512i {
    // SAFETY: the array has the 64 bytes that are read; the load need not be aligned.
    unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(register: __m512i) -> Words {
    let mut words = [0; LANES];
    // SAFETY: the array has the 64 bytes that are written; the store need not be aligned.
    unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), register) };
    words
}

/// Takes what is above 52 bits of each limb to the next one; limbs may be negative, their sum is not.
#[inline]
#[target_feature(enable = "avx512f")]
fn carried(mut t: [__m512i; 5]) -> [__m512i; 5] {
    let limb = all(LIMB);
    for i in 0..4 {
        t[i + 1] = _mm512_add_epi64(t[i + 1], _mm512_srai_epi64::<BITS>(t[i]));
        t[i] = _mm512_and_si512(t[i], limb);
    }
    t
}

/// Eight field elements.
#[derive(Clone, Copy)]
pub(super) struct Fe8<C>([__m512i; 5], PhantomData<C>);

impl<C: Params> Fe8<C> {
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn zero() -> Self {
        Fe8([_mm512_setzero_si512(); 5], PhantomData)
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn one() -> Self {
        let [a, b, c, d] = *Fe::<C>::ONE.raw();
        Self::from_raw([all(a), all(b), all(c), all(d)])
    }

    /// From the four words of [`Fe::raw`] in each lane. R is 2^256 there, so all is shifted up by four bits on the way.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn from_raw([a, b, c, d]: [__m512i; 4]) -> Self {
        let limb = all(LIMB);
        let mut t = [
            _mm512_slli_epi64::<4>(a),
            _mm512_or_si512(_mm512_srli_epi64::<48>(a), _mm512_slli_epi64::<16>(b)),
            _mm512_or_si512(_mm512_srli_epi64::<36>(b), _mm512_slli_epi64::<28>(c)),
            _mm512_or_si512(_mm512_srli_epi64::<24>(c), _mm512_slli_epi64::<40>(d)),
            _mm512_srli_epi64::<12>(d),
        ];
        for t in &mut t {
            *t = _mm512_and_si512(*t, limb);
        }
        // Below 2^260, which is 16p and a little: `fold` has room for it.
        Sum8(t, PhantomData).fold()
    }

    /// The element in each lane.
    #[target_feature(enable = "avx512f")]
    pub(super) fn to_each(self) -> [Fe<C>; LANES] {
        let [a, b, c, d, e] = self.0;
        let words = [store(a), store(b), store(c), store(d), store(e)];
        core::array::from_fn(|lane| {
            let [a, b, c, d, e] = words.map(|words| words[lane]);
            let low = [
                a | b << 52,
                b >> 12 | c << 40,
                c >> 24 | d << 28,
                d >> 36 | e << 16,
            ];
            // Below 2p: once reduced it is below p.
            let complement = limbs::sub(&[0; 4], &C::PRIME.p()).0;
            let value = Fe::from_raw(limbs::once_reduced(&low, e >> TOP_BITS, &complement));
            // From R = 2^260 to R = 2^256.
            value.half().half().half().half()
        })
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn mul(&self, other: &Self) -> Self {
        let zero = _mm512_setzero_si512();
        // Apart, so that fewer products wait for each other.
        let (mut low, mut high) = ([zero; 10], [zero; 10]);
        for (i, a) in self.0.into_iter().enumerate() {
            for (j, b) in other.0.into_iter().enumerate() {
                low[i + j] = _mm512_madd52lo_epu64(low[i + j], a, b);
                high[i + j + 1] = _mm512_madd52hi_epu64(high[i + j + 1], a, b);
            }
        }
        for (low, high) in low.iter_mut().zip(high) {
            *low = _mm512_add_epi64(*low, high);
        }
        Self::reduced(low)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn square(&self) -> Self {
        let a = &self.0;
        let zero = _mm512_setzero_si512();
        let (mut low, mut high) = ([zero; 10], [zero; 10]);
        for i in 0..5 {
            for j in i + 1..5 {
                low[i + j] = _mm512_madd52lo_epu64(low[i + j], a[i], a[j]);
                high[i + j + 1] = _mm512_madd52hi_epu64(high[i + j + 1], a[i], a[j]);
            }
        }
        for (low, high) in low.iter_mut().zip(high) {
            *low = _mm512_slli_epi64::<1>(_mm512_add_epi64(*low, high));
        }
        for i in 0..5 {
            low[2 * i] = _mm512_madd52lo_epu64(low[2 * i], a[i], a[i]);
            low[2 * i + 1] = _mm512_madd52hi_epu64(low[2 * i + 1], a[i], a[i]);
        }
        Self::reduced(low)
    }

    /// `t / R` modulo p, for limbs far from 64 bits. Products take the low 52 bits of what they are given: the factors
    /// need no mask.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn reduced(mut t: [__m512i; 10]) -> Self {
        for i in 0..5 {
            let m = t[i];
            t[i + 1] = _mm512_add_epi64(t[i + 1], _mm512_srli_epi64::<BITS>(m));
            for (j, factor) in Of::<C>::FACTOR.into_iter().enumerate() {
                if factor != 0 {
                    t[i + j + 1] = _mm512_madd52lo_epu64(t[i + j + 1], m, all(factor));
                    t[i + j + 2] = _mm512_madd52hi_epu64(t[i + j + 2], m, all(factor));
                }
            }
        }
        let [_, _, _, _, _, a, b, c, d, e] = t;
        Fe8(carried([a, b, c, d, e]), PhantomData)
    }

    /// Lanes in which a **product** is zero: a multiple of p below 2p, so zero or p. As operands are folded, it is p as a rule.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn product_is_zero(&self) -> u8 {
        let [a, b, c, d, e] = self.0;
        let ab = _mm512_or_si512(a, b);
        let any = _mm512_or_si512(_mm512_or_si512(ab, c), _mm512_or_si512(d, e));
        let zero = _mm512_testn_epi64_mask(any, any);
        let mut other = _mm512_setzero_si512();
        for (limb, p) in self.0.into_iter().zip(Of::<C>::P) {
            other = _mm512_or_si512(other, _mm512_xor_si512(limb, all(p)));
        }
        zero | _mm512_testn_epi64_mask(other, other)
    }

    /// `a` in the lanes of the mask, `b` in the others.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn select(mask: u8, a: &Self, b: &Self) -> Self {
        let mut out = b.0;
        for (out, a) in out.iter_mut().zip(a.0) {
            *out = _mm512_mask_mov_epi64(*out, mask, a);
        }
        Fe8(out, PhantomData)
    }

    /// The opposite in the lanes of the mask.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn neg_in(&self, mask: u8) -> Self {
        let opposite = Fe8::zero().sum().less(self).fold();
        Fe8::select(mask, &opposite, self)
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn sum(&self) -> Sum8<C> {
        Sum8(self.0, PhantomData)
    }

    /// `self - other`.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn sub(&self, other: &Self) -> Self {
        self.sum().less(other).fold()
    }
}

/// A sum of few elements: more than −16p and less than 16p, limbs with signs.
#[derive(Clone, Copy)]
pub(super) struct Sum8<C>([__m512i; 5], PhantomData<C>);

impl<C: Params> Sum8<C> {
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn plus(mut self, other: &Fe8<C>) -> Self {
        for (limb, other) in self.0.iter_mut().zip(other.0) {
            *limb = _mm512_add_epi64(*limb, other);
        }
        self
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn less(mut self, other: &Fe8<C>) -> Self {
        for (limb, other) in self.0.iter_mut().zip(other.0) {
            *limb = _mm512_sub_epi64(*limb, other);
        }
        self
    }

    /// `2^N` times.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn shifted<const N: u32>(mut self) -> Self {
        for limb in &mut self.0 {
            *limb = _mm512_slli_epi64::<N>(*limb);
        }
        self
    }

    /// `self - other`.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn minus(mut self, other: Self) -> Self {
        for (limb, other) in self.0.iter_mut().zip(other.0) {
            *limb = _mm512_sub_epi64(*limb, other);
        }
        self
    }

    /// The same modulo p, below 2^256 and a little.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn fold(self) -> Fe8<C> {
        let mut t = self.0;
        for (limb, p) in t.iter_mut().zip(Of::<C>::P) {
            *limb = _mm512_add_epi64(*limb, all(p << 4));
        }
        // What is above 2^256, from 0 to 32 but for what lower limbs carry, comes back as a multiple of 2^256 − p.
        let over = _mm512_srai_epi64::<TOP_BITS>(t[4]);
        t[4] = _mm512_and_si512(t[4], all((1 << TOP_BITS) - 1));
        t[0] = _mm512_add_epi64(t[0], over);
        match C::PRIME {
            // 2^224 + 2^96 − 2^64 + 1
            Prime::Sm2 => {
                t[1] = _mm512_add_epi64(t[1], _mm512_slli_epi64::<44>(over));
                t[1] = _mm512_sub_epi64(t[1], _mm512_slli_epi64::<12>(over));
            }
            // 2^224 − 2^192 − 2^96 + 1
            Prime::P256 => {
                t[1] = _mm512_sub_epi64(t[1], _mm512_slli_epi64::<44>(over));
                t[3] = _mm512_sub_epi64(t[3], _mm512_slli_epi64::<36>(over));
            }
        }
        t[4] = _mm512_add_epi64(t[4], _mm512_slli_epi64::<16>(over));
        Fe8(carried(t), PhantomData)
    }
}
