//! The authenticated cipher of one 16 KiB chunk of a bid's body.

use crate::sm4::gcm::Sm4Gcm;
use crate::{Error, Suite};
use ring::aead;

/// Bytes of an authentication tag.
pub const TAG_LEN: usize = 16;

/// SM4-GCM or AES-256-GCM under one key, with no associated data.
///
/// The caller must never use a nonce twice: derive it from a chunk counter.
pub struct ChunkCipher(Cipher);

enum Cipher {
    Sm4(Box<Sm4Gcm>),
    Aes(Box<aead::LessSafeKey>),
}

impl ChunkCipher {
    /// A cipher for the suite's body key length.
    ///
    /// # Errors
    /// [`Error::Encoding`] if the key has another length.
    pub fn new(suite: &Suite, key: &[u8]) -> Result<Self, Error> {
        let wrong = Error::Encoding { what: "body key" };
        if key.len() != suite.body_key_len() {
            return Err(wrong);
        }
        match <&[u8; 16]>::try_from(key) {
            Ok(key) => Ok(ChunkCipher(Cipher::Sm4(Box::new(Sm4Gcm::new(key))))),
            Err(_) => aead::UnboundKey::new(&aead::AES_256_GCM, key)
                .map(|key| ChunkCipher(Cipher::Aes(Box::new(aead::LessSafeKey::new(key)))))
                .map_err(|_| wrong),
        }
    }

    /// Encrypts `buffer` in place and returns the tag.
    ///
    /// # Errors
    /// [`Error::Unverified`] only if the buffer is beyond the cipher's limit (2^36 − 32 bytes).
    pub fn seal(&self, nonce: &[u8; 12], buffer: &mut [u8]) -> Result<[u8; TAG_LEN], Error> {
        match &self.0 {
            Cipher::Sm4(cipher) => Ok(cipher.seal(nonce, &[], buffer)),
            Cipher::Aes(key) => {
                let nonce = aead::Nonce::assume_unique_for_key(*nonce);
                let tag = key
                    .seal_in_place_separate_tag(nonce, aead::Aad::empty(), buffer)
                    .map_err(|_| Error::Unverified)?;
                let mut out = [0; TAG_LEN];
                out.copy_from_slice(tag.as_ref());
                Ok(out)
            }
        }
    }

    /// Checks the tag that stands at the end of `buffer` and decrypts what is before it in place;
    /// returns the plaintext part.
    ///
    /// # Errors
    /// [`Error::Unverified`] for any mismatch; the buffer then holds nothing of use.
    pub fn open<'b>(&self, nonce: &[u8; 12], buffer: &'b mut [u8]) -> Result<&'b mut [u8], Error> {
        match &self.0 {
            Cipher::Sm4(cipher) => {
                let at = buffer.len().checked_sub(TAG_LEN).ok_or(Error::Unverified)?;
                let (text, tag) = buffer.split_at_mut(at);
                let tag = <&[u8; TAG_LEN]>::try_from(&*tag).map_err(|_| Error::Unverified)?;
                cipher
                    .open(nonce, &[], text, tag)
                    .map_err(|_| Error::Unverified)?;
                Ok(text)
            }
            Cipher::Aes(key) => {
                let nonce = aead::Nonce::assume_unique_for_key(*nonce);
                key.open_in_place(nonce, aead::Aad::empty(), buffer)
                    .map_err(|_| Error::Unverified)
            }
        }
    }
}
