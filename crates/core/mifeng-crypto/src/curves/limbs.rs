//! Integers of 256 bits in four 64-bit limbs, least significant first. No branch and no index
//! depends on a value.

use core::hint::black_box;

/// A 256-bit integer.
pub(crate) type Limbs = [u64; 4];

/// All ones for 1, zero for 0. The barrier keeps the compiler from turning what is selected with
/// the mask into a branch.
#[inline(always)]
pub(crate) fn mask(bit: u64) -> u64 {
    black_box(bit).wrapping_neg()
}

/// `a` where the mask is all ones, `b` where it is zero.
#[inline(always)]
pub(crate) fn select(mask: u64, a: &Limbs, b: &Limbs) -> Limbs {
    let pick = |i: usize| b[i] ^ (mask & (a[i] ^ b[i]));
    [pick(0), pick(1), pick(2), pick(3)]
}

/// 1 if `a` is zero, else 0.
#[inline(always)]
pub(crate) fn is_zero(a: &Limbs) -> u64 {
    let any = a[0] | a[1] | a[2] | a[3];
    // The top bit of `any | -any` is set unless `any` is zero.
    ((any | any.wrapping_neg()) >> 63) ^ 1
}

// The standard library has these four steps, but not yet in constants.

/// `a + b + carry` and the carry.
#[inline(always)]
pub(crate) const fn adc(a: u64, b: u64, carry: bool) -> (u64, bool) {
    let (sum, first) = a.overflowing_add(b);
    let (sum, second) = sum.overflowing_add(carry as u64);
    (sum, first | second)
}

/// `a - b - borrow` and the borrow.
#[inline(always)]
pub(crate) const fn sbb(a: u64, b: u64, borrow: bool) -> (u64, bool) {
    let (difference, first) = a.overflowing_sub(b);
    let (difference, second) = difference.overflowing_sub(borrow as u64);
    (difference, first | second)
}

/// `a · b + c + carry`, low and high limb: never above 2^128 − 1.
#[inline(always)]
const fn mac(a: u64, b: u64, c: u64, carry: u64) -> (u64, u64) {
    let wide = a as u128 * b as u128 + c as u128 + carry as u128;
    (wide as u64, (wide >> 64) as u64)
}

/// `a + b` and the carry.
#[inline(always)]
pub(crate) const fn add(a: &Limbs, b: &Limbs) -> (Limbs, u64) {
    let (r0, c) = adc(a[0], b[0], false);
    let (r1, c) = adc(a[1], b[1], c);
    let (r2, c) = adc(a[2], b[2], c);
    let (r3, c) = adc(a[3], b[3], c);
    ([r0, r1, r2, r3], c as u64)
}

/// `a - b` and the borrow.
#[inline(always)]
pub(crate) const fn sub(a: &Limbs, b: &Limbs) -> (Limbs, u64) {
    let (r0, c) = sbb(a[0], b[0], false);
    let (r1, c) = sbb(a[1], b[1], c);
    let (r2, c) = sbb(a[2], b[2], c);
    let (r3, c) = sbb(a[3], b[3], c);
    ([r0, r1, r2, r3], c as u64)
}

/// `high · 2^256 + a`, known to be below `2 · (2^256 - complement)`, modulo
/// `2^256 - complement`: adding the complement carries out exactly when a subtraction is due.
#[inline(always)]
pub(crate) const fn once_reduced(a: &Limbs, high: u64, complement: &Limbs) -> Limbs {
    let (less, carry) = add(a, complement);
    let take = (carry | high).wrapping_neg();
    [
        (less[0] & take) | (a[0] & !take),
        (less[1] & take) | (a[1] & !take),
        (less[2] & take) | (a[2] & !take),
        (less[3] & take) | (a[3] & !take),
    ]
}

/// `a · 2^256` modulo `2^256 - complement`, for constants.
pub(crate) const fn doubled_256_times(a: &Limbs, complement: &Limbs) -> Limbs {
    let mut value = *a;
    let mut step = 0;
    while step < 256 {
        let (sum, carry) = add(&value, &value);
        value = once_reduced(&sum, carry, complement);
        step += 1;
    }
    value
}

/// `a · b`.
#[inline(always)]
pub(crate) const fn mul(a: &Limbs, b: &Limbs) -> [u64; 8] {
    let (t0, c) = mac(a[0], b[0], 0, 0);
    let (t1, c) = mac(a[1], b[0], 0, c);
    let (t2, c) = mac(a[2], b[0], 0, c);
    let (t3, t4) = mac(a[3], b[0], 0, c);
    let ([t1, t2, t3, t4], t5) = row(a, b[1], [t1, t2, t3, t4]);
    let ([t2, t3, t4, t5], t6) = row(a, b[2], [t2, t3, t4, t5]);
    let ([t3, t4, t5, t6], t7) = row(a, b[3], [t3, t4, t5, t6]);
    [t0, t1, t2, t3, t4, t5, t6, t7]
}

/// `a · b + t`: four limbs and the one above them.
#[inline(always)]
pub(crate) const fn row(a: &Limbs, b: u64, t: Limbs) -> (Limbs, u64) {
    let (t0, c) = mac(a[0], b, t[0], 0);
    let (t1, c) = mac(a[1], b, t[1], c);
    let (t2, c) = mac(a[2], b, t[2], c);
    let (t3, c) = mac(a[3], b, t[3], c);
    ([t0, t1, t2, t3], c)
}

/// `a · a`: the products of different limbs once, doubled, and the squares.
#[inline(always)]
pub(crate) const fn square(a: &Limbs) -> [u64; 8] {
    let (t1, c) = mac(a[0], a[1], 0, 0);
    let (t2, c) = mac(a[0], a[2], 0, c);
    let (t3, t4) = mac(a[0], a[3], 0, c);
    let (t3, c) = mac(a[1], a[2], t3, 0);
    let (t4, t5) = mac(a[1], a[3], t4, c);
    let (t5, t6) = mac(a[2], a[3], t5, 0);
    let t7 = t6 >> 63;
    let t6 = (t6 << 1) | (t5 >> 63);
    let t5 = (t5 << 1) | (t4 >> 63);
    let t4 = (t4 << 1) | (t3 >> 63);
    let t3 = (t3 << 1) | (t2 >> 63);
    let t2 = (t2 << 1) | (t1 >> 63);
    let t1 = t1 << 1;
    let (t0, h0) = mac(a[0], a[0], 0, 0);
    let (p1, h1) = mac(a[1], a[1], 0, 0);
    let (p2, h2) = mac(a[2], a[2], 0, 0);
    let (p3, h3) = mac(a[3], a[3], 0, 0);
    let (t1, c) = adc(t1, h0, false);
    let (t2, c) = adc(t2, p1, c);
    let (t3, c) = adc(t3, h1, c);
    let (t4, c) = adc(t4, p2, c);
    let (t5, c) = adc(t5, h2, c);
    let (t6, c) = adc(t6, p3, c);
    let (t7, _) = adc(t7, h3, c);
    [t0, t1, t2, t3, t4, t5, t6, t7]
}

/// 32 big-endian bytes as an integer.
#[inline]
pub(crate) fn from_be(bytes: &[u8; 32]) -> Limbs {
    let mut out = [0; 4];
    for (limb, word) in out.iter_mut().rev().zip(bytes.as_chunks::<8>().0) {
        *limb = u64::from_be_bytes(*word);
    }
    out
}

/// The integer as 32 big-endian bytes.
#[inline]
pub(crate) fn to_be(a: &Limbs) -> [u8; 32] {
    let mut out = [0; 32];
    for (limb, word) in a.iter().rev().zip(out.as_chunks_mut::<8>().0) {
        *word = limb.to_be_bytes();
    }
    out
}
