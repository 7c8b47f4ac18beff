//! The encrypted body: C2SP chunked-encryption v1 and its SM twin.
//!
//! `salt 24 ‖ commitment 32 ‖ chunks of 16 KiB + 16 ‖ one shorter final chunk`, where
//! `key ‖ base nonce ‖ commitment = HKDF-Expand(K, "c2sp.org/chunked-encryption@v1+" ‖ aead ‖ 00 ‖
//! salt ‖ context)`. `intl-1` is Cobblestone-256 (HKDF-SHA-512, AEAD_AES_256_GCM); `gm-1` puts SM3
//! and AEAD_SM4_GCM in the same places. See `spec/suites.md`.

use crate::{Error, Result};
use mifeng_crypto::{ChunkCipher, HashAlg, Suite, hkdf_expand, hkdf_expand_sha512};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Plaintext bytes of every chunk but the last.
pub const CHUNK: usize = 16 * 1024;
/// Ciphertext bytes of every chunk but the last.
pub const SEALED_CHUNK: usize = CHUNK + TAG;
/// Bytes of the salt in front.
pub const SALT: usize = 24;
/// Bytes of salt and commitment.
pub const PREFIX: usize = SALT + 32;
/// Bytes of an authentication tag.
pub(crate) const TAG: usize = 16;
/// Largest plaintext, 1 TiB: beyond any bid, and far below the 4 PiB that the scheme allows.
pub const PLAIN_LEN_MAX: u64 = 1 << 40;

/// The length of the body that holds `plain` bytes.
pub fn sealed_len(plain: u64) -> Option<u64> {
    if plain > PLAIN_LEN_MAX {
        return None;
    }
    Some(PREFIX as u64 + plain + (plain / CHUNK as u64 + 1) * TAG as u64)
}

/// The plaintext length of a body of `sealed` bytes; `None` for lengths that no body has.
pub fn plain_len(sealed: u64) -> Option<u64> {
    let chunks = sealed.checked_sub(PREFIX as u64)?;
    let (full, last) = (chunks / SEALED_CHUNK as u64, chunks % SEALED_CHUNK as u64);
    let plain = full * CHUNK as u64 + last.checked_sub(TAG as u64)?;
    (plain <= PLAIN_LEN_MAX).then_some(plain)
}

/// The cipher of one body: seals and opens chunks by number.
pub struct BodyCipher {
    cipher: ChunkCipher,
    base_nonce: [u8; 12],
    prefix: [u8; PREFIX],
}

impl BodyCipher {
    /// The cipher for input key `key` (16 bytes in gm-1, 32 in intl-1), `salt` and `context`.
    ///
    /// # Errors
    /// A key of another length.
    pub fn new(suite: &Suite, key: &[u8], salt: &[u8; SALT], context: &[u8]) -> Result<Self> {
        let key_len = suite.body_key_len();
        if key.len() != key_len {
            return Err(Error::Length {
                what: "body key",
                expected: key_len as u64,
                found: key.len() as u64,
            });
        }
        let aead: &[u8] = match suite.hash() {
            HashAlg::Sm3 => b"AEAD_SM4_GCM",
            HashAlg::Sha256 => b"AEAD_AES_256_GCM",
        };
        let info: [&[u8]; 5] = [
            b"c2sp.org/chunked-encryption@v1+",
            aead,
            &[0],
            salt,
            context,
        ];
        let mut out = Zeroizing::new(vec![0; key_len + 12 + 32]);
        match suite.hash() {
            HashAlg::Sm3 => hkdf_expand(HashAlg::Sm3, key, &info, &mut out),
            HashAlg::Sha256 => hkdf_expand_sha512(key, &info, &mut out),
        }
        let (mut base_nonce, mut prefix) = ([0; 12], [0; PREFIX]);
        base_nonce.copy_from_slice(&out[key_len..key_len + 12]);
        prefix[..SALT].copy_from_slice(salt);
        prefix[SALT..].copy_from_slice(&out[key_len + 12..]);
        Ok(BodyCipher {
            cipher: ChunkCipher::new(suite, &out[..key_len])?,
            base_nonce,
            prefix,
        })
    }

    /// `salt ‖ commitment`: how the body starts.
    pub fn prefix(&self) -> &[u8; PREFIX] {
        &self.prefix
    }

    /// Whether a body that starts with `prefix` was made with this key; constant time.
    pub fn owns(&self, prefix: &[u8; PREFIX]) -> bool {
        self.prefix.ct_eq(prefix).into()
    }

    /// Encrypts consecutive chunks in place: `buffer` holds plaintext chunks each followed by 16
    /// free bytes, all full except perhaps the last; `first` is the number of the first chunk.
    ///
    /// # Errors
    /// [`Error::Malformed`] if a chunk has no room for its tag.
    pub fn seal_chunks(&self, first: u64, buffer: &mut [u8]) -> Result<()> {
        for (index, chunk) in (first..).zip(buffer.chunks_mut(SEALED_CHUNK)) {
            let at = chunk
                .len()
                .checked_sub(TAG)
                .ok_or(Error::Malformed { what: "chunk" })?;
            let (text, tag) = chunk.split_at_mut(at);
            tag.copy_from_slice(&self.cipher.seal(&self.nonce(index), text)?);
        }
        Ok(())
    }

    /// As [`BodyCipher::seal_chunks`] with the plaintext elsewhere: chunk by chunk it is copied into
    /// its place and encrypted there while it is in the cache.
    pub(crate) fn seal_chunks_of(
        &self,
        first: u64,
        mut text: &[u8],
        buffer: &mut [u8],
    ) -> Result<()> {
        let malformed = Error::Malformed { what: "chunk" };
        for (index, chunk) in (first..).zip(buffer.chunks_mut(SEALED_CHUNK)) {
            let part = chunk
                .len()
                .checked_sub(TAG)
                .and_then(|len| text.split_at_checked(len));
            let (own, rest) = part.ok_or_else(|| malformed.clone())?;
            chunk[..own.len()].copy_from_slice(own);
            self.seal_chunks(index, chunk)?;
            text = rest;
        }
        Ok(())
    }

    /// Decrypts consecutive chunks in place; afterwards each chunk's plaintext stands where its
    /// ciphertext stood, followed by 16 meaningless bytes.
    ///
    /// # Errors
    /// [`Error::Opening`] if a chunk is not authentic.
    pub fn open_chunks(&self, first: u64, buffer: &mut [u8]) -> Result<()> {
        for (index, chunk) in (first..).zip(buffer.chunks_mut(SEALED_CHUNK)) {
            self.cipher
                .open(&self.nonce(index), chunk)
                .map_err(|_| Error::Opening {
                    what: "chunk is not authentic",
                })?;
        }
        Ok(())
    }

    /// The base nonce xor the chunk number as a big-endian integer.
    fn nonce(&self, index: u64) -> [u8; 12] {
        let mut nonce = self.base_nonce;
        for (byte, count) in nonce[4..].iter_mut().zip(index.to_be_bytes()) {
            *byte ^= count;
        }
        nonce
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_inverse_and_gaps_are_refused() {
        for plain in [0, 1, 16_383, 16_384, 16_385, 49_152, 1 << 40] {
            let sealed = sealed_len(plain).expect("in range");
            assert_eq!(plain_len(sealed), Some(plain));
        }
        for bad in [0, 55, 56, 71, 56 + 16_400, 56 + 16_400 + 15, u64::MAX] {
            assert_eq!(plain_len(bad), None, "{bad}");
        }
        assert_eq!(sealed_len((1 << 40) + 1), None);
    }
}
