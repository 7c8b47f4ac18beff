//! The fields: integers modulo a prime p of 256 bits, in Montgomery form with R = 2^256, always below p.
//!
//! Both primes are −1 modulo 2^64, so the factor of each reduction step is the lowest limb itself, and its multiple of p
//! is made of shifts: reduction multiplies nothing.

use super::Params;
use super::limbs::{self, Limbs};
use core::marker::PhantomData;

/// The primes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prime {
    /// 2^256 − 2^224 − 2^96 + 2^64 − 1 (GB/T 32918.5).
    Sm2,
    /// 2^256 − 2^224 + 2^192 + 2^96 − 1 (NIST SP 800-186).
    P256,
}

impl Prime {
    /// p.
    pub(crate) const fn p(self) -> Limbs {
        match self {
            Prime::Sm2 => [
                0xffff_ffff_ffff_ffff,
                0xffff_ffff_0000_0000,
                0xffff_ffff_ffff_ffff,
                0xffff_fffe_ffff_ffff,
            ],
            Prime::P256 => [
                0xffff_ffff_ffff_ffff,
                0x0000_0000_ffff_ffff,
                0,
                0xffff_ffff_0000_0001,
            ],
        }
    }

    /// `bit · (2^256 − p)`.
    #[inline(always)]
    const fn complement(self, bit: u64) -> Limbs {
        let shifted = bit << 32;
        match self {
            Prime::Sm2 => [bit, shifted.wrapping_sub(bit), 0, shifted],
            Prime::P256 => [
                bit,
                shifted.wrapping_neg(),
                bit.wrapping_neg(),
                shifted.wrapping_sub(bit << 1),
            ],
        }
    }

    /// `(m + m·p) / 2^64`.
    #[inline(always)]
    const fn multiple(self, m: u64) -> Limbs {
        let (low, high) = (m << 32, m >> 32);
        match self {
            // m·2^192 − m·2^160 − m·2^32 + m
            Prime::Sm2 => {
                let (k0, b) = limbs::sbb(m, low, false);
                let (k1, b) = limbs::sbb(0, high, b);
                let (k2, b) = limbs::sbb(0, low, b);
                let (k3, _) = limbs::sbb(m, high, b);
                [k0, k1, k2, k3]
            }
            // m·2^192 − m·2^160 + m·2^128 + m·2^32
            Prime::P256 => {
                let (k2, b) = limbs::sbb(m, low, false);
                let (k3, _) = limbs::sbb(m, high, b);
                [low, high, k2, k3]
            }
        }
    }
}

/// A field element. Copies are not wiped one by one: owners of secrets wipe what they keep.
#[derive(Clone, Copy)]
pub(crate) struct Fe<C>(Limbs, PhantomData<C>);

impl<C: Params> Fe<C> {
    /// 2^256 − p, which is also R modulo p: the one of Montgomery form.
    const COMPLEMENT: Limbs = C::PRIME.complement(1);
    /// R² modulo p: R doubled 256 times.
    const RR: Limbs = limbs::doubled_256_times(&Self::COMPLEMENT, &Self::COMPLEMENT);

    pub(crate) const ZERO: Self = Fe([0; 4], PhantomData);
    pub(crate) const ONE: Self = Fe(Self::COMPLEMENT, PhantomData);

    /// The element of an integer below 2^256, given in limbs, modulo p.
    pub(crate) const fn from_limbs(value: &Limbs) -> Self {
        Fe(reduce::<C>(&limbs::mul(value, &Self::RR)), PhantomData)
    }

    /// Reads 32 big-endian bytes below p.
    pub(crate) fn from_be_bytes(bytes: &[u8; 32]) -> Option<Self> {
        let value = limbs::from_be(bytes);
        let (_, below) = limbs::sub(&value, &C::PRIME.p());
        (below == 1).then(|| Fe::from_limbs(&value))
    }

    /// The integer below p.
    pub(crate) fn to_limbs(self) -> Limbs {
        let [a, b, c, d] = self.0;
        reduce::<C>(&[a, b, c, d, 0, 0, 0, 0])
    }

    pub(crate) fn to_be_bytes(self) -> [u8; 32] {
        limbs::to_be(&self.to_limbs())
    }

    /// The limbs of the Montgomery form, for tables and selection.
    #[inline(always)]
    pub(crate) const fn raw(&self) -> &Limbs {
        &self.0
    }

    /// Takes limbs that [`Fe::raw`] gave.
    #[inline(always)]
    pub(crate) const fn from_raw(raw: Limbs) -> Self {
        Fe(raw, PhantomData)
    }

    #[inline(always)]
    pub(crate) fn add(&self, other: &Self) -> Self {
        let (sum, carry) = limbs::add(&self.0, &other.0);
        Fe::from_raw(limbs::once_reduced(&sum, carry, &Self::COMPLEMENT))
    }

    #[inline(always)]
    pub(crate) fn double(&self) -> Self {
        self.add(self)
    }

    #[inline(always)]
    pub(crate) fn sub(&self, other: &Self) -> Self {
        let (difference, borrow) = limbs::sub(&self.0, &other.0);
        // Modulo 2^256, adding p is subtracting the complement.
        let back = C::PRIME.complement(borrow);
        Fe::from_raw(limbs::sub(&difference, &back).0)
    }

    #[inline(always)]
    pub(crate) fn neg(&self) -> Self {
        Fe::ZERO.sub(self)
    }

    /// Half of it: of the element or, if that is odd, of its sum with p.
    #[inline(always)]
    pub(crate) fn half(&self) -> Self {
        let odd = (self.0[0] & 1).wrapping_neg();
        let (sum, carry) = limbs::add(&self.0, &C::PRIME.p().map(|limb| limb & odd));
        Fe::from_raw([
            (sum[0] >> 1) | (sum[1] << 63),
            (sum[1] >> 1) | (sum[2] << 63),
            (sum[2] >> 1) | (sum[3] << 63),
            (sum[3] >> 1) | (carry << 63),
        ])
    }

    #[inline(always)]
    pub(crate) fn mul(&self, other: &Self) -> Self {
        Fe::from_raw(reduce::<C>(&limbs::mul(&self.0, &other.0)))
    }

    #[inline(always)]
    pub(crate) fn square(&self) -> Self {
        Fe::from_raw(reduce::<C>(&limbs::square(&self.0)))
    }

    /// `self^(2^n)`.
    fn squares(&self, n: usize) -> Self {
        let mut out = *self;
        for _ in 0..n {
            out = out.square();
        }
        out
    }

    /// `self^(2^32 − 1)` and, on the way, with exponents `2^30 − 1` and `2^31 − 1`.
    fn ones(&self) -> [Self; 3] {
        let x2 = self.square().mul(self);
        let x4 = x2.squares(2).mul(&x2);
        let x8 = x4.squares(4).mul(&x4);
        let x16 = x8.squares(8).mul(&x8);
        let x24 = x16.squares(8).mul(&x8);
        let x28 = x24.squares(4).mul(&x4);
        let x30 = x28.squares(2).mul(&x2);
        let x31 = x30.square().mul(self);
        let x32 = x31.square().mul(self);
        [x30, x31, x32]
    }

    /// The inverse, zero for zero: `self^(p − 2)` in constant time.
    pub(crate) fn invert(&self) -> Self {
        let [x30, x31, x32] = self.ones();
        let head = match C::PRIME {
            // p − 2 in 32-bit words: fffffffe, four times ffffffff, 0, ffffffff, fffffffd.
            Prime::Sm2 => {
                let mut out = x31.square();
                for _ in 0..4 {
                    out = out.squares(32).mul(&x32);
                }
                out.squares(64).mul(&x32)
            }
            // ffffffff, 1, 0, 0, 0, ffffffff, ffffffff, fffffffd.
            Prime::P256 => {
                let out = x32.squares(32).mul(self);
                let out = out.squares(128).mul(&x32);
                out.squares(32).mul(&x32)
            }
        };
        head.squares(30).mul(&x30).squares(2).mul(self)
    }

    /// A square root, if there is one.
    pub(crate) fn sqrt(&self) -> Option<Self> {
        // p ≡ 3 modulo 4, so it is the power (p + 1) / 4.
        let [_, _, y] = self.ones();
        let root = match C::PRIME {
            // 2^62 · (2^160 − 1) · (2^32 − 1)
            Prime::Sm2 => {
                let y2 = y.square().mul(&y);
                let y4 = y2.squares(2).mul(&y2);
                let y5 = y4.square().mul(&y);
                let y10 = y5.squares(5).mul(&y5);
                let y20 = y10.squares(10).mul(&y10);
                let y40 = y20.squares(20).mul(&y20);
                let y80 = y40.squares(40).mul(&y40);
                y80.squares(80).mul(&y80).squares(62)
            }
            // 2^94 · ((2^32 − 1) · 2^128 + 2^96 + 1)
            Prime::P256 => {
                let out = y.squares(32).mul(self);
                out.squares(96).mul(self).squares(94)
            }
        };
        (root.square() == *self).then_some(root)
    }

    /// 1 if this is zero, else 0.
    #[inline(always)]
    pub(crate) fn is_zero(&self) -> u64 {
        limbs::is_zero(&self.0)
    }

    /// Whether the integer below p is odd.
    pub(crate) fn is_odd(self) -> bool {
        self.to_limbs()[0] & 1 == 1
    }

    /// `a` where the mask is all ones, `b` where it is zero.
    #[inline(always)]
    pub(crate) fn select(mask: u64, a: &Self, b: &Self) -> Self {
        Fe::from_raw(limbs::select(mask, &a.0, &b.0))
    }

    /// Inverts each element in place at the price of one inversion and three products each;
    /// zeros stay zero. In variable time as to which elements are zero.
    pub(crate) fn invert_all(elements: &mut [Self]) {
        let mut before = Vec::with_capacity(elements.len());
        let mut product = Fe::ONE;
        for element in elements.iter() {
            before.push(product);
            if element.is_zero() == 0 {
                product = product.mul(element);
            }
        }
        let mut inverse = product.invert();
        for (element, before) in elements.iter_mut().zip(before).rev() {
            if element.is_zero() == 0 {
                let own = inverse.mul(&before);
                inverse = inverse.mul(element);
                *element = own;
            }
        }
    }
}

impl<C: Params> PartialEq for Fe<C> {
    fn eq(&self, other: &Self) -> bool {
        self.sub(other).is_zero() == 1
    }
}

/// `t / R` modulo p, for `t` below p · 2^256.
///
/// Each step leaves less than 2^192 + p, which is below 2^256, so no step carries out; the end is
/// below 2p.
#[inline(always)]
const fn reduce<C: Params>(t: &[u64; 8]) -> Limbs {
    let [a0, a1, a2, a3] = step::<C>(t[0], t[1], t[2], t[3]);
    let [b0, b1, b2, b3] = step::<C>(a0, a1, a2, a3);
    let [c0, c1, c2, c3] = step::<C>(b0, b1, b2, b3);
    let low = step::<C>(c0, c1, c2, c3);
    let (sum, carry) = limbs::add(&low, &[t[4], t[5], t[6], t[7]]);
    limbs::once_reduced(&sum, carry, &C::PRIME.complement(1))
}

/// One limb of Montgomery reduction: `(m + 2^64·t + m·p) / 2^64`.
#[inline(always)]
const fn step<C: Params>(m: u64, t1: u64, t2: u64, t3: u64) -> Limbs {
    limbs::add(&[t1, t2, t3, 0], &C::PRIME.multiple(m)).0
}
