//! The authenticated cipher of one 16 KiB chunk of a bid's body.

use crate::sm4::gcm::{MAX_LEN, Sm4Gcm};
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
    /// [`Error::TooLong`] only if the buffer is beyond the limit of counter mode ([`MAX_LEN`], the
    /// same for both ciphers); it is then left as it was.
    pub fn seal(&self, nonce: &[u8; 12], buffer: &mut [u8]) -> Result<[u8; TAG_LEN], Error> {
        check_len(buffer.len())?;
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

fn check_len(found: usize) -> Result<(), Error> {
    if found as u64 <= MAX_LEN {
        return Ok(());
    }
    Err(Error::TooLong {
        what: "chunk",
        found,
        max: usize::try_from(MAX_LEN).unwrap_or(usize::MAX),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{GM, INTL};

    #[test]
    fn lengths_are_checked_before_the_cipher() {
        let max = usize::try_from(MAX_LEN).expect("tests run on 64 bits");
        assert_eq!(check_len(max), Ok(()));
        let refused = check_len(max + 1).map_err(|e| e.code());
        assert_eq!(refused, Err("crypto.too-long"));
    }

    #[test]
    fn both_ciphers_open_what_they_sealed_and_nothing_else() -> Result<(), Error> {
        for suite in [&GM, &INTL] {
            let key = vec![7; suite.body_key_len()];
            assert!(ChunkCipher::new(suite, &key[1..]).is_err());
            let cipher = ChunkCipher::new(suite, &key)?;
            for len in [0, 1, 16, 1_000, 16_384] {
                let mut buffer = vec![3; len];
                let tag = cipher.seal(&[1; 12], &mut buffer)?;
                buffer.extend(tag);
                for at in [0, len / 2, len, len + TAG_LEN - 1] {
                    let mut bent = buffer.clone();
                    bent[at] ^= 1;
                    let opened = cipher.open(&[1; 12], &mut bent).map(|_| ());
                    assert_eq!(opened, Err(Error::Unverified), "byte {at} of {len}");
                }
                let mut other = buffer.clone();
                assert!(cipher.open(&[2; 12], &mut other).is_err());
                assert!(cipher.open(&[1; 12], &mut buffer[1..].to_vec()).is_err());
                assert_eq!(cipher.open(&[1; 12], &mut buffer)?, vec![3; len]);
            }
            assert!(cipher.open(&[1; 12], &mut [0; TAG_LEN - 1]).is_err());
        }
        Ok(())
    }
}
