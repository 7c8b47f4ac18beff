//! The SM4 S-box as Boolean operations on bit planes: no table, no branch, no secret address.
//!
//! GB/T 32907 gives the S-box as a table. It equals `S(x) = A·inv(A·x ⊕ 0xd3) ⊕ 0xd3`, where `A` is
//! the circulant bit matrix whose first row is `0xa7` and `inv` is inversion in
//! GF(2^8) = GF(2)[x]/(x^8+x^7+x^6+x^5+x^4+x^2+1), with inv(0) = 0. Inversion is done in the tower
//! GF(2^2): w² = w + 1, GF(2^4): z² = z + w, GF(2^8): y² = y + ν with ν = z³ (bits 1001), where it
//! takes 36 multiplications of bits. The changes of basis are folded into the two affine maps. A
//! test recomputes all 256 values from the definition.

use core::ops::{BitAnd, BitXor, Not};

/// One bit of each of many S-box inputs.
pub(crate) trait Plane:
    Copy + BitAnd<Output = Self> + BitXor<Output = Self> + Not<Output = Self>
{
}

impl<T> Plane for T where
    T: Copy + BitAnd<Output = Self> + BitXor<Output = Self> + Not<Output = Self>
{
}

/// Applies the S-box to bytes given as eight planes, bit 0 first.
#[inline(always)]
pub(crate) fn sbox<P: Plane>(x: [P; 8]) -> [P; 8] {
    leave_tower(invert(enter_tower(x)))
}

/// `x ↦ φ(A·x ⊕ 0xd3)`, φ being the isomorphism into the tower.
#[inline(always)]
fn enter_tower<P: Plane>(x: [P; 8]) -> [P; 8] {
    let a = x[0] ^ x[6];
    let b = x[4] ^ x[5];
    let c = a ^ (x[1] ^ x[2]);
    let d = x[3] ^ b;
    // φ(0xd3) = 0xe4: the planes 2, 5, 6 and 7 are complemented.
    [
        a ^ b,
        x[1] ^ b,
        !x[5],
        x[5] ^ c,
        x[4] ^ c,
        !x[6],
        !(x[2] ^ x[7]),
        !(c ^ d),
    ]
}

/// `t ↦ A·φ⁻¹(t) ⊕ 0xd3`.
#[inline(always)]
fn leave_tower<P: Plane>(x: [P; 8]) -> [P; 8] {
    let a = x[0] ^ x[4];
    let b = x[1] ^ x[3];
    let c = x[6] ^ x[7];
    [
        !(x[0] ^ x[2]),
        !(x[6] ^ a),
        x[4] ^ (x[1] ^ x[2]),
        x[0] ^ c,
        !(x[5] ^ b),
        x[7] ^ b,
        !(a ^ (x[1] ^ x[5])),
        !((x[2] ^ a) ^ (b ^ c)),
    ]
}

/// Product in GF(2^2), low coefficient first.
#[inline(always)]
fn mul4<P: Plane>(a: [P; 2], b: [P; 2]) -> [P; 2] {
    let low = a[0] & b[0];
    let middle = (a[0] ^ a[1]) & (b[0] ^ b[1]);
    [(a[1] & b[1]) ^ low, middle ^ low]
}

/// Product in GF(2^4).
#[inline(always)]
fn mul16<P: Plane>(a: [P; 4], b: [P; 4]) -> [P; 4] {
    let low = mul4([a[0], a[1]], [b[0], b[1]]);
    let high = mul4([a[2], a[3]], [b[2], b[3]]);
    let middle = mul4([a[0] ^ a[2], a[1] ^ a[3]], [b[0] ^ b[2], b[1] ^ b[3]]);
    // w·(h₀ + h₁w) = h₁ + (h₀ + h₁)w
    [
        high[1] ^ low[0],
        high[0] ^ high[1] ^ low[1],
        middle[0] ^ low[0],
        middle[1] ^ low[1],
    ]
}

/// Inverse in GF(2^4): (a·z + b)⁻¹ = (a·z + a + b)·(w·a² + a·b + b²)⁻¹.
#[inline(always)]
fn invert16<P: Plane>(x: [P; 4]) -> [P; 4] {
    let b = [x[0], x[1]];
    let a = [x[2], x[3]];
    let product = mul4(a, b);
    // a² = (a₀ + a₁) + a₁w, so w·a² = a₁ + a₀w.
    let norm = [product[0] ^ a[1] ^ b[0] ^ b[1], product[1] ^ a[0] ^ b[1]];
    // In GF(2^2) the inverse is the square.
    let inverse = [norm[0] ^ norm[1], norm[1]];
    let high = mul4(a, inverse);
    let low = mul4([a[0] ^ b[0], a[1] ^ b[1]], inverse);
    [low[0], low[1], high[0], high[1]]
}

/// Inverse in the tower: (a·y + b)⁻¹ = (a·y + a + b)·(ν·a² + a·b + b²)⁻¹.
#[inline(always)]
fn invert<P: Plane>(x: [P; 8]) -> [P; 8] {
    let b = [x[0], x[1], x[2], x[3]];
    let a = [x[4], x[5], x[6], x[7]];
    let sum = [a[0] ^ b[0], a[1] ^ b[1], a[2] ^ b[2], a[3] ^ b[3]];
    let product = mul16(a, b);
    let odd = a[1] ^ a[3];
    let norm = [
        product[0] ^ (a[0] ^ a[2] ^ odd) ^ (b[0] ^ b[1] ^ b[3]),
        product[1] ^ odd ^ (b[1] ^ b[2]),
        product[2] ^ a[1] ^ (b[2] ^ b[3]),
        product[3] ^ a[0] ^ b[3],
    ];
    let inverse = invert16(norm);
    let high = mul16(a, inverse);
    let low = mul16(sum, inverse);
    [
        low[0], low[1], low[2], low[3], high[0], high[1], high[2], high[3],
    ]
}

/// The S-box on the four bytes of a word at once (τ of the standard).
#[inline]
pub(crate) fn sbox_word(word: u32) -> u32 {
    const BIT0: u32 = 0x0101_0101;
    let planes = sbox([0, 1, 2, 3, 4, 5, 6, 7].map(|bit| word >> bit & BIT0));
    let mut out = 0;
    for (bit, plane) in planes.into_iter().enumerate() {
        out |= (plane & BIT0) << bit;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::sbox_word;

    fn multiply(mut a: u32, mut b: u32) -> u32 {
        let mut product = 0;
        while b != 0 {
            if b & 1 == 1 {
                product ^= a;
            }
            b >>= 1;
            a <<= 1;
            if a & 0x100 != 0 {
                a ^= 0x1f5;
            }
        }
        product
    }

    fn affine(x: u32) -> u32 {
        let row = |i: u32| (0xa7u32 << i | 0xa7 >> (8 - i)) & 0xff;
        (0..8).fold(0xd3, |out, i| out ^ ((row(i) & x).count_ones() & 1) << i)
    }

    #[test]
    fn circuit_is_the_definition_on_every_byte() {
        for x in 0..=255u32 {
            let y = affine(x);
            let inverse = (1..256).find(|&z| multiply(y, z) == 1).unwrap_or(0);
            let expected = affine(inverse);
            let spread = 0x0101_0101 * x;
            assert_eq!(sbox_word(spread), 0x0101_0101 * expected, "x = {x:#x}");
        }
        // The first four entries printed in the standard.
        assert_eq!(sbox_word(0x0001_0203), 0xd690_e9fe);
    }
}
