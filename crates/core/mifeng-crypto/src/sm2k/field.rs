//! The field of sm2p256v1 (GB/T 32918.5): integers modulo
//! p = 2^256 − 2^224 − 2^96 + 2^64 − 1, in Montgomery form with R = 2^256, always below p.
//!
//! p ≡ −1 modulo 2^64, so the factor of each reduction step is the lowest limb itself and its
//! multiple of p is made of shifts: reduction multiplies nothing.

use super::limbs::{self, Limbs};

/// p.
pub(super) const P: Limbs = [
    0xffff_ffff_ffff_ffff,
    0xffff_ffff_0000_0000,
    0xffff_ffff_ffff_ffff,
    0xffff_fffe_ffff_ffff,
];
/// 2^256 − p, which is also R modulo p: the one of Montgomery form.
const COMPLEMENT: Limbs = [1, 0xffff_ffff, 0, 0x1_0000_0000];
/// R² modulo p.
const RR: Limbs = [
    0x0000_0002_0000_0003,
    0x0000_0002_ffff_ffff,
    0x0000_0001_0000_0001,
    0x0000_0004_0000_0002,
];

/// A field element. Copies are not wiped one by one: owners of secrets wipe what they keep.
#[derive(Clone, Copy)]
pub(super) struct Fe(Limbs);

impl Fe {
    pub(super) const ZERO: Fe = Fe([0; 4]);
    pub(super) const ONE: Fe = Fe(COMPLEMENT);

    /// The element of an integer below 2^256, given in limbs, modulo p.
    pub(super) const fn from_limbs(value: &Limbs) -> Fe {
        Fe(reduce(&limbs::mul(value, &RR)))
    }

    /// Reads 32 big-endian bytes below p.
    pub(super) fn from_be_bytes(bytes: &[u8; 32]) -> Option<Fe> {
        let value = limbs::from_be(bytes);
        let (_, below) = limbs::sub(&value, &P);
        (below == 1).then(|| Fe::from_limbs(&value))
    }

    /// The integer below p.
    pub(super) fn to_limbs(self) -> Limbs {
        let [a, b, c, d] = self.0;
        reduce(&[a, b, c, d, 0, 0, 0, 0])
    }

    pub(super) fn to_be_bytes(self) -> [u8; 32] {
        limbs::to_be(&self.to_limbs())
    }

    /// The limbs of the Montgomery form, for tables and selection.
    #[inline(always)]
    pub(super) const fn raw(&self) -> &Limbs {
        &self.0
    }

    /// Takes limbs that [`Fe::raw`] gave.
    #[inline(always)]
    pub(super) const fn from_raw(raw: Limbs) -> Fe {
        Fe(raw)
    }

    #[inline(always)]
    pub(super) fn add(&self, other: &Fe) -> Fe {
        let (sum, carry) = limbs::add(&self.0, &other.0);
        Fe(limbs::once_reduced(&sum, carry, &COMPLEMENT))
    }

    #[inline(always)]
    pub(super) fn double(&self) -> Fe {
        self.add(self)
    }

    #[inline(always)]
    pub(super) fn sub(&self, other: &Fe) -> Fe {
        let (difference, borrow) = limbs::sub(&self.0, &other.0);
        // Modulo 2^256, adding p is subtracting the complement.
        let shifted = borrow << 32;
        let back = [borrow, shifted.wrapping_sub(borrow), 0, shifted];
        Fe(limbs::sub(&difference, &back).0)
    }

    #[inline(always)]
    pub(super) fn neg(&self) -> Fe {
        Fe::ZERO.sub(self)
    }

    /// Half of it: of the element or, if that is odd, of its sum with p.
    #[inline(always)]
    pub(super) fn half(&self) -> Fe {
        let odd = (self.0[0] & 1).wrapping_neg();
        let (sum, carry) = limbs::add(&self.0, &P.map(|limb| limb & odd));
        Fe([
            (sum[0] >> 1) | (sum[1] << 63),
            (sum[1] >> 1) | (sum[2] << 63),
            (sum[2] >> 1) | (sum[3] << 63),
            (sum[3] >> 1) | (carry << 63),
        ])
    }

    #[inline(always)]
    pub(super) fn mul(&self, other: &Fe) -> Fe {
        Fe(reduce(&limbs::mul(&self.0, &other.0)))
    }

    #[inline(always)]
    pub(super) fn square(&self) -> Fe {
        Fe(reduce(&limbs::square(&self.0)))
    }

    /// `self^(2^n)`.
    fn squares(&self, n: usize) -> Fe {
        let mut out = *self;
        for _ in 0..n {
            out = out.square();
        }
        out
    }

    /// `self^(2^32 − 1)` and, on the way, with exponents `2^30 − 1` and `2^31 − 1`.
    fn ones(&self) -> [Fe; 3] {
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
    pub(super) fn invert(&self) -> Fe {
        // p − 2 in 32-bit words: ffffffFE, four times ffffffff, 0, ffffffff, ffffffFD.
        let [x30, x31, x32] = self.ones();
        let mut out = x31.square();
        for _ in 0..4 {
            out = out.squares(32).mul(&x32);
        }
        out = out.squares(64).mul(&x32);
        out = out.squares(30).mul(&x30);
        out.squares(2).mul(self)
    }

    /// A square root, if there is one.
    pub(super) fn sqrt(&self) -> Option<Fe> {
        // p ≡ 3 modulo 4; (p + 1) / 4 = 2^62 · (2^160 − 1) · (2^32 − 1).
        let [_, _, y] = self.ones();
        let y2 = y.square().mul(&y);
        let y4 = y2.squares(2).mul(&y2);
        let y5 = y4.square().mul(&y);
        let y10 = y5.squares(5).mul(&y5);
        let y20 = y10.squares(10).mul(&y10);
        let y40 = y20.squares(20).mul(&y20);
        let y80 = y40.squares(40).mul(&y40);
        let root = y80.squares(80).mul(&y80).squares(62);
        (root.square() == *self).then_some(root)
    }

    /// 1 if this is zero, else 0.
    #[inline(always)]
    pub(super) fn is_zero(&self) -> u64 {
        limbs::is_zero(&self.0)
    }

    /// Whether the integer below p is odd.
    pub(super) fn is_odd(self) -> bool {
        self.to_limbs()[0] & 1 == 1
    }

    /// `a` where the mask is all ones, `b` where it is zero.
    #[inline(always)]
    pub(super) fn select(mask: u64, a: &Fe, b: &Fe) -> Fe {
        Fe(limbs::select(mask, &a.0, &b.0))
    }

    /// Inverts each element in place at the price of one inversion and three products each;
    /// zeros stay zero. In variable time as to which elements are zero.
    pub(super) fn invert_all(elements: &mut [Fe]) {
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

impl PartialEq for Fe {
    fn eq(&self, other: &Fe) -> bool {
        self.sub(other).is_zero() == 1
    }
}

/// `t / R` modulo p, for `t` below p · 2^256.
///
/// Each step leaves less than 2^192 + p, which is below 2^256, so no step carries out; the end is
/// below 2p.
#[inline(always)]
const fn reduce(t: &[u64; 8]) -> Limbs {
    let [a0, a1, a2, a3] = step(t[0], t[1], t[2], t[3]);
    let [b0, b1, b2, b3] = step(a0, a1, a2, a3);
    let [c0, c1, c2, c3] = step(b0, b1, b2, b3);
    let low = step(c0, c1, c2, c3);
    let (sum, carry) = limbs::add(&low, &[t[4], t[5], t[6], t[7]]);
    limbs::once_reduced(&sum, carry, &COMPLEMENT)
}

/// One limb of Montgomery reduction: `(m + 2^64·t + m·p) / 2^64`.
///
/// `m + m·p = 2^64 · (m·2^192 − m·2^160 − m·2^32 + m)`.
#[inline(always)]
const fn step(m: u64, t1: u64, t2: u64, t3: u64) -> Limbs {
    let (low, high) = (m << 32, m >> 32);
    let (k0, b) = limbs::sbb(m, low, false);
    let (k1, b) = limbs::sbb(0, high, b);
    let (k2, b) = limbs::sbb(0, low, b);
    let (k3, _) = limbs::sbb(m, high, b);
    limbs::add(&[t1, t2, t3, 0], &[k0, k1, k2, k3]).0
}
