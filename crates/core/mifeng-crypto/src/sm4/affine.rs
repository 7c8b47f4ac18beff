//! The S-box by way of AES hardware: affine ∘ inversion ∘ affine, and AES inverts in the field with
//! 0x11b. With φ from SM4's field into AES's: `PRE` is φ∘A, `POST` is A∘φ⁻¹. Where the hardware does
//! the whole AES S-box behind ShiftRows, its own affine map is folded into `POST`, and ShiftRows is
//! undone in the byte shuffles that rotate by 8.

/// φ∘A as GF2P8AFFINEQB takes it, and what it adds.
pub(super) const PRE: u64 = 0x4c28_7db9_1a22_505d;
pub(super) const PRE_ADD: u8 = 0x3e;
/// A∘φ⁻¹.
pub(super) const POST: u64 = 0xf3ab_34a9_74a6_b589;
pub(super) const POST_ADD: u8 = 0xd3;

/// The affine map of GF2P8AFFINEQB: bit i of the result is the parity of byte 7 − i of the matrix
/// masked by `x`.
const fn affine(matrix: u64, add: u8, x: u8) -> u8 {
    let mut out = add;
    let mut i = 0;
    while i < 8 {
        let row = (matrix >> (8 * (7 - i))) as u8;
        out ^= (((row & x).count_ones() & 1) as u8) << i;
        i += 1;
    }
    out
}

const fn before(x: u8) -> u8 {
    affine(PRE, PRE_ADD, x)
}

/// The affine half of the AES S-box undone (FIPS 197 section 5.3.2), then `POST`.
const fn after(x: u8) -> u8 {
    let inverse = x.rotate_left(1) ^ x.rotate_left(3) ^ x.rotate_left(6) ^ 0x05;
    affine(POST, POST_ADD, inverse)
}

/// An affine map as two tables of a nibble each, for a byte shuffle.
const fn nibbles(post: bool) -> [[u8; 16]; 2] {
    let mut out = [[0; 16]; 2];
    let mut i = 0;
    while i < 16 {
        let low = i as u8;
        let high = low << 4;
        out[0][i] = if post { after(low) } else { before(low) };
        out[1][i] = if post {
            after(high) ^ after(0)
        } else {
            before(high) ^ before(0)
        };
        i += 1;
    }
    out
}

/// φ∘A.
pub(super) static BEFORE: [[u8; 16]; 2] = nibbles(false);
/// A∘φ⁻¹ after the affine half of the AES S-box undone.
pub(super) static AFTER: [[u8; 16]; 2] = nibbles(true);
pub(super) static LOW_NIBBLE: [u8; 16] = [0x0f; 16];
/// Reverses the bytes of each word.
pub(super) static SWAP_WORDS: [u8; 16] = [3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12];
/// Reverses the bytes of a lane.
#[cfg(target_arch = "x86_64")]
pub(super) static SWAP_LANE: [u8; 16] = [15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0];

/// Undoes ShiftRows and rotates each word to the left by 8 · `bytes`.
const fn unshift(bytes: usize) -> [u8; 16] {
    let mut out = [0; 16];
    let mut i = 0;
    while i < 16 {
        let (column, row) = (i / 4, (i + 4 - bytes) % 4);
        // ShiftRows put the byte of column c, row r into column c − r.
        out[i] = (((column + 4 - row) % 4) * 4 + row) as u8;
        i += 1;
    }
    out
}

/// ShiftRows undone and words turned by 0, 8, 16 and 24 bits.
pub(super) static UNSHIFT: [[u8; 16]; 4] = [unshift(0), unshift(1), unshift(2), unshift(3)];
