//! SM4 in safe Rust: bit planes for many blocks, words for one.

use super::sbox::{sbox, sbox_word};
use super::{BLOCK, RoundKeys};
use core::ops::{BitAnd, BitXor, Not};
use zeroize::Zeroize;

/// Blocks the bit-plane kernel takes at once: one for each bit of a [`Pair`].
pub(crate) const BATCH: usize = 128;

/// Below this many blocks the word path is cheaper than a batch that is mostly empty.
const WORTH_A_BATCH: usize = 16;

/// FK of GB/T 32907.
const FK: [u32; 4] = [0xa3b1_bac6, 0x56aa_3350, 0x677d_9197, 0xb270_22dc];

/// CK of GB/T 32907: byte j of CK_i is (4i + j)·7 mod 256.
const CK: [u32; 32] = {
    let mut ck = [0; 32];
    let mut i = 0;
    while i < 32 {
        let mut j = 0;
        while j < 4 {
            ck[i] = ck[i] << 8 | ((4 * i + j) * 7 % 256) as u32;
            j += 1;
        }
        i += 1;
    }
    ck
};

fn words(block: &[u8; BLOCK]) -> [u32; 4] {
    let (words, _) = block.as_chunks::<4>();
    [words[0], words[1], words[2], words[3]].map(u32::from_be_bytes)
}

/// The 32 round keys, for encryption.
pub(crate) fn expand(key: &[u8; 16], out: &mut RoundKeys) {
    let mut k = words(key);
    for i in 0..4 {
        k[i] ^= FK[i];
    }
    for (round_key, ck) in out.iter_mut().zip(CK) {
        let t = sbox_word(k[1] ^ k[2] ^ k[3] ^ ck);
        let next = k[0] ^ t ^ t.rotate_left(13) ^ t.rotate_left(23);
        k = [k[1], k[2], k[3], next];
        *round_key = next;
    }
    k.zeroize();
}

/// One block; about 2 µs.
pub(crate) fn crypt_block(keys: &RoundKeys, block: &mut [u8; BLOCK]) {
    let mut x = words(block);
    for key in keys {
        let t = sbox_word(x[1] ^ x[2] ^ x[3] ^ key);
        let t = t ^ t.rotate_left(2) ^ t.rotate_left(10) ^ t.rotate_left(18) ^ t.rotate_left(24);
        x = [x[1], x[2], x[3], x[0] ^ t];
    }
    x.reverse();
    for (out, word) in block.as_chunks_mut::<4>().0.iter_mut().zip(x) {
        *out = word.to_be_bytes();
    }
}

/// Any number of blocks in place.
pub(crate) fn crypt_blocks(keys: &RoundKeys, blocks: &mut [[u8; BLOCK]]) {
    for batch in blocks.chunks_mut(BATCH) {
        if batch.len() < WORTH_A_BATCH {
            for block in batch {
                crypt_block(keys, block);
            }
        } else {
            crypt_batch(keys, batch);
        }
    }
}

/// XORs `data` with the key stream of counters `counter`, `counter + 1`, … (32 bits, wrapping)
/// after the 12-byte nonce.
pub(crate) fn ctr(keys: &RoundKeys, nonce: &[u8; 12], mut counter: u32, data: &mut [u8]) {
    let mut stream = [[0u8; BLOCK]; BATCH];
    for chunk in data.chunks_mut(BATCH * BLOCK) {
        let stream = &mut stream[..chunk.len().div_ceil(BLOCK)];
        for block in stream.iter_mut() {
            block[..12].copy_from_slice(nonce);
            block[12..].copy_from_slice(&counter.to_be_bytes());
            counter = counter.wrapping_add(1);
        }
        crypt_blocks(keys, stream);
        for (byte, mask) in chunk.iter_mut().zip(stream.as_flattened()) {
            *byte ^= mask;
        }
    }
    stream.zeroize();
}

/// One bit of [`BATCH`] blocks. Two words, so that compilers use a 128-bit register where there
/// is one.
#[derive(Clone, Copy, Default)]
struct Pair([u64; 2]);

impl BitXor for Pair {
    type Output = Self;
    #[inline(always)]
    fn bitxor(self, other: Self) -> Self {
        Pair([self.0[0] ^ other.0[0], self.0[1] ^ other.0[1]])
    }
}

impl BitAnd for Pair {
    type Output = Self;
    #[inline(always)]
    fn bitand(self, other: Self) -> Self {
        Pair([self.0[0] & other.0[0], self.0[1] & other.0[1]])
    }
}

impl Not for Pair {
    type Output = Self;
    #[inline(always)]
    fn not(self) -> Self {
        Pair([!self.0[0], !self.0[1]])
    }
}

/// The planes of one of the four state words, bit 0 first.
type Word = [Pair; 32];

/// Up to [`BATCH`] blocks in place.
fn crypt_batch(keys: &RoundKeys, blocks: &mut [[u8; BLOCK]]) {
    let mut x = [Word::default(); 4];
    load(blocks, &mut x);
    for (round, &key) in keys.iter().enumerate() {
        let [a, b, c, d] = &mut x;
        match round % 4 {
            0 => one_round(key, a, [b, c, d]),
            1 => one_round(key, b, [c, d, a]),
            2 => one_round(key, c, [d, a, b]),
            _ => one_round(key, d, [a, b, c]),
        }
    }
    x.reverse();
    store(&x, blocks);
    for word in &mut x {
        for plane in word {
            plane.0.zeroize();
        }
    }
}

/// `target ^= L(τ(x₁ ⊕ x₂ ⊕ x₃ ⊕ rk))`.
fn one_round(key: u32, target: &mut Word, others: [&mut Word; 3]) {
    let [x1, x2, x3] = others;
    let mut t = Word::default();
    for byte in 0..4 {
        let mut input = [Pair::default(); 8];
        for (bit, plane) in input.iter_mut().enumerate() {
            let at = 8 * byte + bit;
            let mask = 0u64.wrapping_sub(u64::from(key >> at & 1));
            *plane = x1[at] ^ x2[at] ^ x3[at] ^ Pair([mask; 2]);
        }
        t[8 * byte..8 * byte + 8].copy_from_slice(&sbox(input));
    }
    for (at, plane) in target.iter_mut().enumerate() {
        // A rotation to the left by n brings bit (at − n) mod 32 here.
        let from = |n: usize| t[(at + 32 - n) % 32];
        *plane = *plane ^ t[at] ^ from(2) ^ from(10) ^ from(18) ^ from(24);
    }
}

/// Blocks into planes; blocks that are missing from a batch count as zero.
fn load(blocks: &[[u8; BLOCK]], x: &mut [Word; 4]) {
    for half in 0..2 {
        for pair in 0..2 {
            let mut rows = [0u64; 64];
            for (row, block) in rows.iter_mut().zip(blocks.iter().skip(64 * half)) {
                let w = words(block);
                *row = u64::from(w[2 * pair]) | u64::from(w[2 * pair + 1]) << 32;
            }
            transpose(&mut rows);
            for bit in 0..32 {
                x[2 * pair][bit].0[half] = rows[bit];
                x[2 * pair + 1][bit].0[half] = rows[32 + bit];
            }
            rows.zeroize();
        }
    }
}

/// Planes back into blocks.
fn store(x: &[Word; 4], blocks: &mut [[u8; BLOCK]]) {
    for half in 0..2 {
        for pair in 0..2 {
            let mut rows = [0u64; 64];
            for bit in 0..32 {
                rows[bit] = x[2 * pair][bit].0[half];
                rows[32 + bit] = x[2 * pair + 1][bit].0[half];
            }
            transpose(&mut rows);
            for (row, block) in rows.iter().zip(blocks.iter_mut().skip(64 * half)) {
                let low = (*row as u32).to_be_bytes();
                let high = ((row >> 32) as u32).to_be_bytes();
                block[8 * pair..8 * pair + 4].copy_from_slice(&low);
                block[8 * pair + 4..8 * pair + 8].copy_from_slice(&high);
            }
            rows.zeroize();
        }
    }
}

/// Transposes a 64 × 64 bit matrix: bit j of row i becomes bit i of row j (Warren, *Hacker's
/// Delight*, section 7-3, by exchanging ever smaller quarters).
fn transpose(rows: &mut [u64; 64]) {
    let mut width = 32;
    let mut mask = 0x0000_0000_ffff_ffffu64;
    while width != 0 {
        for base in (0..64).step_by(2 * width) {
            for i in base..base + width {
                let swap = (rows[i] >> width ^ rows[i + width]) & mask;
                rows[i] ^= swap << width;
                rows[i + width] ^= swap;
            }
        }
        width /= 2;
        mask ^= mask << width;
    }
}

#[cfg(test)]
mod tests {
    use super::transpose;

    #[test]
    fn transpose_moves_every_bit() {
        for i in 0..64 {
            for j in 0..64 {
                let mut rows = [0u64; 64];
                rows[i] = 1 << j;
                transpose(&mut rows);
                let mut expected = [0u64; 64];
                expected[j] = 1 << i;
                assert_eq!(rows, expected, "row {i}, bit {j}");
            }
        }
    }
}
