//! SM4 in Galois/Counter Mode (NIST SP 800-38D, parameters of RFC 8998: 12-byte nonce, 16-byte
//! tag).

use super::{Sm4, portable};
use ghash::GHash;
use ghash::universal_hash::UniversalHash;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// Most bytes one message may have: the 32-bit block counter must not meet itself
/// (SP 800-38D section 5.2.1.1: 2^39 − 256 bits).
pub const MAX_LEN: u64 = (1 << 36) - 32;

/// Bytes of a tag.
pub const TAG: usize = 16;

/// The tag does not fit: the message, the associated data, the nonce or the key is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("authentication tag does not match")]
pub struct Unverified;

/// SM4-GCM under one key.
///
/// A nonce must never be used twice under a key. All key material is overwritten on drop.
///
/// ```
/// use mifeng_crypto::sm4::gcm::Sm4Gcm;
/// let cipher = Sm4Gcm::new(&[7; 16]);
/// let mut chunk = *b"price 1000000";
/// let tag = cipher.seal(&[0; 12], b"bid 1", &mut chunk);
/// assert!(cipher.open(&[0; 12], b"bid 1", &mut chunk, &tag).is_ok());
/// assert_eq!(&chunk, b"price 1000000");
/// assert!(cipher.open(&[1; 12], b"bid 1", &mut chunk, &tag).is_err());
/// ```
pub struct Sm4Gcm {
    cipher: Sm4,
    hash: GHash,
}

impl Sm4Gcm {
    /// The mode under `key`.
    #[must_use]
    pub fn new(key: &[u8; 16]) -> Self {
        let cipher = Sm4::new(key);
        let mut h = [0; 16];
        cipher.encrypt_block(&mut h);
        let hash = GHash::new(&h.into());
        h.zeroize();
        Sm4Gcm { cipher, hash }
    }

    /// Encrypts `buf` in place and returns the tag over `aad` and the ciphertext.
    ///
    /// # Panics
    /// If `buf` is longer than [`MAX_LEN`] (64 GiB): going on would repeat the key stream.
    #[must_use]
    pub fn seal(&self, nonce: &[u8; 12], aad: &[u8], buf: &mut [u8]) -> [u8; TAG] {
        assert!(
            within_limit(buf),
            "more than 2^36 - 32 bytes under one nonce"
        );
        portable::ctr(&self.cipher.keys, nonce, 2, buf);
        self.tag(nonce, aad, buf)
    }

    /// Checks `tag` and then decrypts `buf` in place. On failure `buf` still holds the ciphertext;
    /// no plaintext has existed.
    ///
    /// # Errors
    /// [`Unverified`] if the tag does not fit or `buf` is longer than [`MAX_LEN`].
    pub fn open(
        &self,
        nonce: &[u8; 12],
        aad: &[u8],
        buf: &mut [u8],
        tag: &[u8; TAG],
    ) -> Result<(), Unverified> {
        if !within_limit(buf) {
            return Err(Unverified);
        }
        let expected = self.tag(nonce, aad, buf);
        if !bool::from(expected.ct_eq(tag)) {
            return Err(Unverified);
        }
        portable::ctr(&self.cipher.keys, nonce, 2, buf);
        Ok(())
    }

    fn tag(&self, nonce: &[u8; 12], aad: &[u8], ciphertext: &[u8]) -> [u8; TAG] {
        let mut hash = self.hash.clone();
        hash.update_padded(aad);
        hash.update_padded(ciphertext);
        let mut lengths = [0; 16];
        lengths[..8].copy_from_slice(&(aad.len() as u64 * 8).to_be_bytes());
        lengths[8..].copy_from_slice(&(ciphertext.len() as u64 * 8).to_be_bytes());
        hash.update(&[lengths.into()]);
        let mut tag: [u8; TAG] = hash.finalize().into();
        // The mask is E(nonce ‖ 1): the key stream before the first data block.
        portable::ctr(&self.cipher.keys, nonce, 1, &mut tag);
        tag
    }
}

fn within_limit(buf: &[u8]) -> bool {
    buf.len() as u64 <= MAX_LEN
}
