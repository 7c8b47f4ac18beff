//! The registers of x86-64: AES-NI (16 bytes), AVX2 with AES-NI and VAES (32 bytes), GFNI with AVX-512 (64 bytes).
//!
//! GFNI does both affine maps of [`super::affine`] and the inversion itself; AESENCLAST with a zero
//! key does ShiftRows and the AES S-box.
#![allow(unsafe_code)]
#![deny(clippy::undocumented_unsafe_blocks)]

use super::affine::{
    AFTER, BEFORE, LOW_NIBBLE, POST, POST_ADD, PRE, PRE_ADD, SWAP_LANE, SWAP_WORDS, UNSHIFT,
};
use super::kernel::{self, Hash, Powers};
use super::lanes::{self, Lanes};
use super::{BLOCK, RoundKeys};
use core::arch::x86_64::*;

macro_rules! aes_lanes {
    ($type:ident, $raw:ty, $blocks:literal, $table:expr, $splat:ident, $load:ident, $store:ident,
     $xor:ident, $and:ident, $add:ident, $shuffle:ident, $left:ident, $right:ident, $right64:ident,
     $low32:ident, $high32:ident, $low64:ident, $high64:ident, $last:ident, $zero:ident,
     $clmul:ident, $fold:expr) => {
        #[derive(Clone, Copy)]
        struct $type($raw);

        impl $type {
            #[inline(always)]
            unsafe fn shuffle(self, table: &[u8; 16]) -> Self {
                // SAFETY: only called by the methods of `Lanes`, under their contract.
                unsafe { $type($shuffle(self.0, $table(table))) }
            }
            #[inline(always)]
            unsafe fn affine(self, tables: &[[u8; 16]; 2]) -> Self {
                // SAFETY: only called by the methods of `Lanes`, under their contract.
                unsafe {
                    let mask = $table(&LOW_NIBBLE);
                    let low = $shuffle($table(&tables[0]), $and(self.0, mask));
                    let high = $and($right64::<4>(self.0), mask);
                    $type($xor(low, $shuffle($table(&tables[1]), high)))
                }
            }
        }

        impl Lanes for $type {
            const BLOCKS: usize = $blocks;
            #[inline(always)]
            unsafe fn splat(word: u32) -> Self {
                // SAFETY: features by the trait's contract.
                unsafe { $type($splat(word as i32)) }
            }
            #[inline(always)]
            unsafe fn load(from: *const u8) -> Self {
                // SAFETY: features by the trait's contract; the caller gave a whole register of bytes.
                unsafe { $type($load(from.cast())) }
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut u8) {
                // SAFETY: features by the trait's contract; the caller gave room for a whole register.
                unsafe { $store(to.cast(), self.0) }
            }
            #[inline(always)]
            unsafe fn xor(self, other: Self) -> Self {
                // SAFETY: features by the trait's contract.
                unsafe { $type($xor(self.0, other.0)) }
            }
            #[inline(always)]
            unsafe fn add(self, other: Self) -> Self {
                // SAFETY: features by the trait's contract.
                unsafe { $type($add(self.0, other.0)) }
            }
            #[inline(always)]
            unsafe fn swap_words(self) -> Self {
                // SAFETY: features by the trait's contract.
                unsafe { self.shuffle(&SWAP_WORDS) }
            }
            #[inline(always)]
            unsafe fn low32(self, other: Self) -> Self {
                // SAFETY: features by the trait's contract.
                unsafe { $type($low32(self.0, other.0)) }
            }
            #[inline(always)]
            unsafe fn high32(self, other: Self) -> Self {
                // SAFETY: features by the trait's contract.
                unsafe { $type($high32(self.0, other.0)) }
            }
            #[inline(always)]
            unsafe fn low64(self, other: Self) -> Self {
                // SAFETY: features by the trait's contract.
                unsafe { $type($low64(self.0, other.0)) }
            }
            #[inline(always)]
            unsafe fn high64(self, other: Self) -> Self {
                // SAFETY: features by the trait's contract.
                unsafe { $type($high64(self.0, other.0)) }
            }
            #[inline(always)]
            unsafe fn round(x: Self, a: Self) -> Self {
                // SAFETY: features by the trait's contract.
                unsafe {
                    let s = $type($last(a.affine(&BEFORE).0, $zero())).affine(&AFTER);
                    // L(s) = s ⊕ (s ⋘ 24) ⊕ ((s ⊕ (s ⋘ 8) ⊕ (s ⋘ 16)) ⋘ 2)
                    let [s0, s8, s16, s24] = [
                        s.shuffle(&UNSHIFT[0]),
                        s.shuffle(&UNSHIFT[1]),
                        s.shuffle(&UNSHIFT[2]),
                        s.shuffle(&UNSHIFT[3]),
                    ];
                    let t = s0.xor(s8).xor(s16);
                    let turned = $type($xor($left::<2>(t.0), $right::<30>(t.0)));
                    x.xor(s0).xor(s24).xor(turned)
                }
            }
        }

        impl Hash for $type {
            #[inline(always)]
            unsafe fn swap_lanes(self) -> Self {
                // SAFETY: features by the trait's contract.
                unsafe { self.shuffle(&SWAP_LANE) }
            }
            #[inline(always)]
            unsafe fn products(self, other: Self) -> [Self; 3] {
                // SAFETY: features by the trait's contract.
                unsafe {
                    let (a, b) = (self.0, other.0);
                    let middle = $xor($clmul::<0x01>(a, b), $clmul::<0x10>(a, b));
                    [$clmul::<0x00>(a, b), $clmul::<0x11>(a, b), middle].map($type)
                }
            }
            #[inline(always)]
            unsafe fn fold(self) -> __m128i {
                // SAFETY: features by the trait's contract.
                unsafe { $fold(self.0) }
            }
        }
    };
}

#[inline(always)]
unsafe fn table128(table: &[u8; 16]) -> __m128i {
    // SAFETY: SSE2 is part of x86-64; the table has the 16 bytes read.
    unsafe { _mm_loadu_si128(table.as_ptr().cast()) }
}

#[inline(always)]
unsafe fn table256(table: &[u8; 16]) -> __m256i {
    // SAFETY: only lanes of 32 bytes and more come here, and they need AVX2.
    unsafe { _mm256_broadcastsi128_si256(table128(table)) }
}

#[inline(always)]
unsafe fn fold128(x: __m128i) -> __m128i {
    x
}

#[inline(always)]
unsafe fn fold256(x: __m256i) -> __m128i {
    // SAFETY: only lanes of 32 bytes and more come here, and they need AVX2.
    unsafe { _mm_xor_si128(_mm256_castsi256_si128(x), _mm256_extracti128_si256::<1>(x)) }
}

aes_lanes!(
    Aes,
    __m128i,
    1,
    table128,
    _mm_set1_epi32,
    _mm_loadu_si128,
    _mm_storeu_si128,
    _mm_xor_si128,
    _mm_and_si128,
    _mm_add_epi32,
    _mm_shuffle_epi8,
    _mm_slli_epi32,
    _mm_srli_epi32,
    _mm_srli_epi64,
    _mm_unpacklo_epi32,
    _mm_unpackhi_epi32,
    _mm_unpacklo_epi64,
    _mm_unpackhi_epi64,
    _mm_aesenclast_si128,
    _mm_setzero_si128,
    _mm_clmulepi64_si128,
    fold128
);
// Lanes of 32 bytes for processors that have AVX2, but the AES and carry-less instructions for 16
// bytes only: those are done in halves.

#[inline(always)]
unsafe fn halves(x: __m256i) -> [__m128i; 2] {
    // SAFETY: only lanes of 32 bytes and more come here, and they need AVX2.
    unsafe { [_mm256_castsi256_si128(x), _mm256_extracti128_si256::<1>(x)] }
}

#[inline(always)]
unsafe fn join([low, high]: [__m128i; 2]) -> __m256i {
    // SAFETY: only lanes of 32 bytes and more come here, and they need AVX2.
    unsafe { _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(low), high) }
}

#[inline(always)]
unsafe fn last_in_halves(a: __m256i, key: __m256i) -> __m256i {
    // SAFETY: only `Avx2` comes here, whose entry points have AES-NI too.
    unsafe {
        let ([low, high], [key, _]) = (halves(a), halves(key));
        join([
            _mm_aesenclast_si128(low, key),
            _mm_aesenclast_si128(high, key),
        ])
    }
}

#[inline(always)]
unsafe fn clmul_in_halves<const WHICH: i32>(a: __m256i, b: __m256i) -> __m256i {
    // SAFETY: only `Avx2` comes here, whose entry points have PCLMULQDQ too.
    unsafe {
        let ([a0, a1], [b0, b1]) = (halves(a), halves(b));
        join([
            _mm_clmulepi64_si128::<WHICH>(a0, b0),
            _mm_clmulepi64_si128::<WHICH>(a1, b1),
        ])
    }
}

aes_lanes!(
    Avx2,
    __m256i,
    2,
    table256,
    _mm256_set1_epi32,
    _mm256_loadu_si256,
    _mm256_storeu_si256,
    _mm256_xor_si256,
    _mm256_and_si256,
    _mm256_add_epi32,
    _mm256_shuffle_epi8,
    _mm256_slli_epi32,
    _mm256_srli_epi32,
    _mm256_srli_epi64,
    _mm256_unpacklo_epi32,
    _mm256_unpackhi_epi32,
    _mm256_unpacklo_epi64,
    _mm256_unpackhi_epi64,
    last_in_halves,
    _mm256_setzero_si256,
    clmul_in_halves,
    fold256
);
aes_lanes!(
    Vaes,
    __m256i,
    2,
    table256,
    _mm256_set1_epi32,
    _mm256_loadu_si256,
    _mm256_storeu_si256,
    _mm256_xor_si256,
    _mm256_and_si256,
    _mm256_add_epi32,
    _mm256_shuffle_epi8,
    _mm256_slli_epi32,
    _mm256_srli_epi32,
    _mm256_srli_epi64,
    _mm256_unpacklo_epi32,
    _mm256_unpackhi_epi32,
    _mm256_unpacklo_epi64,
    _mm256_unpackhi_epi64,
    _mm256_aesenclast_epi128,
    _mm256_setzero_si256,
    _mm256_clmulepi64_epi128,
    fold256
);

/// The entry points of one kernel.
///
/// # Safety
/// The caller has seen the features on this machine.
macro_rules! entries {
    ($module:ident, $type:ident, $features:literal) => {
        pub(super) mod $module {
            use super::*;

            #[target_feature(enable = $features)]
            pub(in crate::sm4) unsafe fn ctr(
                keys: &RoundKeys,
                nonce: &[u32; 3],
                counter: u32,
                data: &mut [u8],
            ) {
                // SAFETY: this function has the features that the lanes need.
                unsafe { lanes::ctr::<$type>(keys, nonce, counter, data) }
            }

            #[target_feature(enable = $features)]
            pub(in crate::sm4) unsafe fn powers(h: &[u8; 16], out: &mut Powers) {
                // SAFETY: this function has the features that the lanes need.
                unsafe { kernel::powers(h, out) }
            }

            #[target_feature(enable = $features)]
            pub(in crate::sm4) unsafe fn hash(powers: &Powers, state: u128, data: &[u8]) -> u128 {
                // SAFETY: this function has the features that the lanes need.
                unsafe { kernel::hash::<$type>(powers, state, data) }
            }

            #[target_feature(enable = $features)]
            pub(in crate::sm4) unsafe fn seal(
                keys: &RoundKeys,
                powers: &Powers,
                nonce: &[u32; 3],
                state: u128,
                data: &mut [u8],
            ) -> u128 {
                // SAFETY: this function has the features that the lanes need.
                unsafe { kernel::seal::<$type>(keys, powers, nonce, state, data) }
            }

            /// Whole batches of four groups; returns how many blocks were done.
            #[target_feature(enable = $features)]
            pub(in crate::sm4) unsafe fn ecb(keys: &RoundKeys, data: &mut [[u8; BLOCK]]) -> usize {
                let batch = lanes::GROUPS * 4 * $type::BLOCKS;
                let mut done = 0;
                for blocks in data.chunks_exact_mut(batch) {
                    let at = blocks.as_mut_ptr().cast();
                    // SAFETY: this function has the features; `blocks` is one whole batch.
                    unsafe { lanes::ecb_batch::<$type, { lanes::GROUPS }>(keys, at) };
                    done += batch;
                }
                done
            }
        }
    };
}

entries!(aes, Aes, "aes,pclmulqdq,ssse3,sse4.1");
entries!(avx2, Avx2, "avx2,aes,pclmulqdq");
entries!(vaes, Vaes, "avx2,aes,pclmulqdq,vaes,vpclmulqdq");
entries!(
    gfni,
    Gfni,
    "avx512f,avx512bw,avx512vl,gfni,pclmulqdq,vpclmulqdq"
);

#[derive(Clone, Copy)]
struct Gfni(__m512i);

impl Lanes for Gfni {
    const BLOCKS: usize = 4;
    #[inline(always)]
    unsafe fn splat(word: u32) -> Self {
        // SAFETY: features by the trait's contract.
        unsafe { Gfni(_mm512_set1_epi32(word as i32)) }
    }
    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: features by the trait's contract; the caller gave a whole register of bytes.
        unsafe { Gfni(_mm512_loadu_si512(from.cast())) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut u8) {
        // SAFETY: features by the trait's contract; the caller gave room for a whole register.
        unsafe { _mm512_storeu_si512(to.cast(), self.0) }
    }
    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        // SAFETY: features by the trait's contract.
        unsafe { Gfni(_mm512_xor_si512(self.0, other.0)) }
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: features by the trait's contract.
        unsafe { Gfni(_mm512_add_epi32(self.0, other.0)) }
    }
    #[inline(always)]
    unsafe fn swap_words(self) -> Self {
        // SAFETY: features by the trait's contract.
        unsafe {
            Gfni(_mm512_shuffle_epi8(
                self.0,
                _mm512_broadcast_i32x4(table128(&SWAP_WORDS)),
            ))
        }
    }
    #[inline(always)]
    unsafe fn low32(self, other: Self) -> Self {
        // SAFETY: features by the trait's contract.
        unsafe { Gfni(_mm512_unpacklo_epi32(self.0, other.0)) }
    }
    #[inline(always)]
    unsafe fn high32(self, other: Self) -> Self {
        // SAFETY: features by the trait's contract.
        unsafe { Gfni(_mm512_unpackhi_epi32(self.0, other.0)) }
    }
    #[inline(always)]
    unsafe fn low64(self, other: Self) -> Self {
        // SAFETY: features by the trait's contract.
        unsafe { Gfni(_mm512_unpacklo_epi64(self.0, other.0)) }
    }
    #[inline(always)]
    unsafe fn high64(self, other: Self) -> Self {
        // SAFETY: features by the trait's contract.
        unsafe { Gfni(_mm512_unpackhi_epi64(self.0, other.0)) }
    }
    #[inline(always)]
    unsafe fn round(x: Self, a: Self) -> Self {
        const PRE_IMM: i32 = PRE_ADD as i32;
        const POST_IMM: i32 = POST_ADD as i32;
        // SAFETY: features by the trait's contract.
        unsafe {
            let a = _mm512_gf2p8affine_epi64_epi8::<PRE_IMM>(a.0, _mm512_set1_epi64(PRE as i64));
            let post = _mm512_set1_epi64(POST as i64);
            let s = _mm512_gf2p8affineinv_epi64_epi8::<POST_IMM>(a, post);
            // 0x96 is the exclusive or of three.
            let (s2, s10) = (_mm512_rol_epi32::<2>(s), _mm512_rol_epi32::<10>(s));
            let (s18, s24) = (_mm512_rol_epi32::<18>(s), _mm512_rol_epi32::<24>(s));
            let u = _mm512_ternarylogic_epi32::<0x96>(s, s2, s10);
            let v = _mm512_ternarylogic_epi32::<0x96>(x.0, s18, s24);
            Gfni(_mm512_xor_si512(u, v))
        }
    }
}

impl Hash for Gfni {
    #[inline(always)]
    unsafe fn swap_lanes(self) -> Self {
        // SAFETY: features by the trait's contract.
        unsafe {
            Gfni(_mm512_shuffle_epi8(
                self.0,
                _mm512_broadcast_i32x4(table128(&SWAP_LANE)),
            ))
        }
    }
    #[inline(always)]
    unsafe fn products(self, other: Self) -> [Self; 3] {
        // SAFETY: features by the trait's contract.
        unsafe {
            let (a, b) = (self.0, other.0);
            let crossed = _mm512_clmulepi64_epi128::<0x01>(a, b);
            let middle = _mm512_xor_si512(crossed, _mm512_clmulepi64_epi128::<0x10>(a, b));
            [
                Gfni(_mm512_clmulepi64_epi128::<0x00>(a, b)),
                Gfni(_mm512_clmulepi64_epi128::<0x11>(a, b)),
                Gfni(middle),
            ]
        }
    }
    #[inline(always)]
    unsafe fn fold(self) -> __m128i {
        // SAFETY: features by the trait's contract.
        unsafe {
            let high = _mm512_extracti64x4_epi64::<1>(self.0);
            fold256(_mm256_xor_si256(_mm512_castsi512_si256(self.0), high))
        }
    }
}
