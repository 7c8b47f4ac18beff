//! Integers modulo the order n of sm2p256v1, always below n. Products go through Montgomery form
//! with R = 2^256.

use crate::curves::limbs::{self, Limbs};
use crate::curves::{Params as _, Sm2};
use zeroize::Zeroize;

/// n.
pub(super) const N: Limbs = Sm2::N;
/// 2^256 − n, which is also R modulo n.
const COMPLEMENT: Limbs = limbs::sub(&[0; 4], &N).0;
/// −1/n modulo 2^64: each of Newton's steps doubles the bits that are right.
const N_PRIME: u64 = {
    let mut inverse = 1_u64;
    let mut step = 0;
    while step < 6 {
        inverse = inverse.wrapping_mul(2_u64.wrapping_sub(N[0].wrapping_mul(inverse)));
        step += 1;
    }
    inverse.wrapping_neg()
};
/// R² modulo n: R doubled 256 times.
const RR: Limbs = limbs::doubled_256_times(&COMPLEMENT, &COMPLEMENT);

/// An integer modulo n. Its owners wipe secret ones.
#[derive(Clone, Copy)]
pub(crate) struct Scalar(Limbs);

impl Zeroize for Scalar {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

impl Scalar {
    #[cfg(test)]
    pub(crate) const ZERO: Scalar = Scalar([0; 4]);
    pub(crate) const ONE: Scalar = Scalar([1, 0, 0, 0]);

    pub(crate) const fn from_u64(value: u64) -> Scalar {
        Scalar([value, 0, 0, 0])
    }

    /// Reads 32 big-endian bytes below n.
    pub(crate) fn from_be_bytes(bytes: &[u8; 32]) -> Option<Scalar> {
        let value = limbs::from_be(bytes);
        let (_, below) = limbs::sub(&value, &N);
        (below == 1).then_some(Scalar(value))
    }

    /// 32 big-endian bytes modulo n.
    pub(crate) fn reduce(bytes: &[u8; 32]) -> Scalar {
        Scalar::reduce_limbs(&limbs::from_be(bytes))
    }

    /// An integer below 2^256, which is below 2n, modulo n.
    pub(super) fn reduce_limbs(value: &Limbs) -> Scalar {
        Scalar(limbs::once_reduced(value, 0, &COMPLEMENT))
    }

    /// 48 big-endian bytes modulo n.
    pub(crate) fn reduce_wide(bytes: &[u8; 48]) -> Scalar {
        let (mut high, mut low) = ([0; 32], [0; 32]);
        high[16..].copy_from_slice(&bytes[..16]);
        low.copy_from_slice(&bytes[16..]);
        // high · 2^256 = high · R² / R.
        let out = Scalar(montgomery(&limbs::from_be(&high), &RR)).add(&Scalar::reduce(&low));
        high.zeroize();
        low.zeroize();
        out
    }

    pub(crate) fn to_be_bytes(self) -> [u8; 32] {
        limbs::to_be(&self.0)
    }

    #[inline(always)]
    pub(crate) const fn limbs(&self) -> &Limbs {
        &self.0
    }

    pub(crate) fn add(&self, other: &Scalar) -> Scalar {
        let (sum, carry) = limbs::add(&self.0, &other.0);
        Scalar(limbs::once_reduced(&sum, carry, &COMPLEMENT))
    }

    pub(crate) fn sub(&self, other: &Scalar) -> Scalar {
        let (difference, borrow) = limbs::sub(&self.0, &other.0);
        let back = N.map(|limb| limb & borrow.wrapping_neg());
        Scalar(limbs::add(&difference, &back).0)
    }

    pub(crate) fn mul(&self, other: &Scalar) -> Scalar {
        Scalar(montgomery(&montgomery(&self.0, &other.0), &RR))
    }

    /// The inverse, zero for zero: `self^(n − 2)` in constant time.
    pub(crate) fn invert(&self) -> Scalar {
        const EXPONENT: Limbs = limbs::sub(&N, &[2, 0, 0, 0]).0;
        // Powers 0 to 15 in Montgomery form; the exponent is public, so it may index.
        let base = montgomery(&self.0, &RR);
        let mut powers = [COMPLEMENT; 16];
        for i in 1..16 {
            powers[i] = montgomery(&powers[i - 1], &base);
        }
        let mut out = COMPLEMENT;
        for digit in (0..64).rev() {
            for _ in 0..4 {
                out = montgomery(&out, &out);
            }
            let nibble = EXPONENT[digit / 16] >> (digit % 16 * 4) & 15;
            out = montgomery(&out, &powers[nibble as usize]);
        }
        powers.zeroize();
        Scalar(montgomery(&out, &[1, 0, 0, 0]))
    }

    /// 1 if this is zero, else 0.
    pub(crate) fn zero_bit(&self) -> u64 {
        limbs::is_zero(&self.0)
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.zero_bit() == 1
    }
}

impl PartialEq for Scalar {
    fn eq(&self, other: &Scalar) -> bool {
        self.sub(other).is_zero()
    }
}

impl Eq for Scalar {}

/// `a · b / R` modulo n, one of them below n.
///
/// Each step leaves less than 2^192 + n, which is below 2^256; the end is below 2n.
fn montgomery(a: &Limbs, b: &Limbs) -> Limbs {
    let t = limbs::mul(a, b);
    let mut low = [t[0], t[1], t[2], t[3]];
    for _ in 0..4 {
        let m = low[0].wrapping_mul(N_PRIME);
        let ([_, r1, r2, r3], r4) = limbs::row(&N, m, low);
        low = [r1, r2, r3, r4];
    }
    let (sum, carry) = limbs::add(&low, &[t[4], t[5], t[6], t[7]]);
    limbs::once_reduced(&sum, carry, &COMPLEMENT)
}
