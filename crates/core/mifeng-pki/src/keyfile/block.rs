//! The ciphers of key files in CBC mode with PKCS#7 padding.
//!
//! DES and RC2 are here to open what others wrote long ago; nothing is written with them.

use crate::Error;
use cipher::{Block, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use mifeng_crypto::sm4::{Sm4, cbc};
use zeroize::Zeroizing;

/// A cipher with its key length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cipher {
    Sm4,
    Aes128,
    Aes192,
    Aes256,
    /// Three keys (EDE).
    TripleDes,
    /// RC2 with an effective key of 40 bits.
    Rc2Bits40,
    /// RC2 with an effective key of 128 bits.
    Rc2Bits128,
}

impl Cipher {
    pub(super) fn key_len(self) -> usize {
        match self {
            Cipher::Sm4 | Cipher::Aes128 | Cipher::Rc2Bits128 => 16,
            Cipher::Aes192 | Cipher::TripleDes => 24,
            Cipher::Aes256 => 32,
            Cipher::Rc2Bits40 => 5,
        }
    }

    pub(super) fn block_len(self) -> usize {
        match self {
            Cipher::Sm4 | Cipher::Aes128 | Cipher::Aes192 | Cipher::Aes256 => 16,
            Cipher::TripleDes | Cipher::Rc2Bits40 | Cipher::Rc2Bits128 => 8,
        }
    }

    pub(super) fn is_legacy(self) -> bool {
        self.block_len() == 8
    }

    /// Decrypts and takes the padding off. The plaintext's buffer is overwritten when it goes.
    ///
    /// # Errors
    /// [`Error::Passphrase`] for bad padding; lengths were checked by the caller.
    pub(super) fn open(
        self,
        key: &[u8],
        iv: &[u8],
        data: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let mut out = Zeroizing::new(data.to_vec());
        match self {
            Cipher::Sm4 => {
                let (key, iv) = (array::<16>(key)?, array::<16>(iv)?);
                cbc::decrypt(&Sm4::new(&key), &iv, out.as_chunks_mut().0);
            }
            Cipher::Aes128 => decrypt(keyed::<aes::Aes128>(key)?, iv, &mut out),
            Cipher::Aes192 => decrypt(keyed::<aes::Aes192>(key)?, iv, &mut out),
            Cipher::Aes256 => decrypt(keyed::<aes::Aes256>(key)?, iv, &mut out),
            Cipher::TripleDes => decrypt(keyed::<des::TdesEde3>(key)?, iv, &mut out),
            Cipher::Rc2Bits40 => decrypt(rc2::Rc2::new_with_eff_key_len(key, 40), iv, &mut out),
            Cipher::Rc2Bits128 => decrypt(rc2::Rc2::new_with_eff_key_len(key, 128), iv, &mut out),
        }
        let pad = usize::from(out.last().copied().unwrap_or(0));
        let body = out
            .len()
            .checked_sub(pad)
            .filter(|_| (1..=self.block_len()).contains(&pad))
            .ok_or(Error::Passphrase)?;
        if out[body..].iter().any(|b| usize::from(*b) != pad) {
            return Err(Error::Passphrase);
        }
        out.truncate(body);
        Ok(out)
    }

    /// Pads and encrypts; only ciphers that are still written.
    pub(super) fn seal(self, key: &[u8], iv: &[u8], plain: &[u8]) -> Result<Vec<u8>, Error> {
        let mut out = Zeroizing::new(plain.to_vec());
        let pad = self.block_len() - plain.len() % self.block_len();
        out.extend(std::iter::repeat_n(pad as u8, pad));
        match self {
            Cipher::Sm4 => {
                let (key, iv) = (array::<16>(key)?, array::<16>(iv)?);
                cbc::encrypt(&Sm4::new(&key), &iv, out.as_chunks_mut().0);
            }
            Cipher::Aes128 => encrypt(keyed::<aes::Aes128>(key)?, iv, &mut out),
            Cipher::Aes256 => encrypt(keyed::<aes::Aes256>(key)?, iv, &mut out),
            _ => {
                return Err(Error::Message {
                    rule: "this cipher is read only",
                });
            }
        }
        Ok(out.to_vec())
    }
}

fn array<const N: usize>(bytes: &[u8]) -> Result<Zeroizing<[u8; N]>, Error> {
    let found = bytes.try_into().map_err(|_| Error::Passphrase)?;
    Ok(Zeroizing::new(found))
}

fn keyed<C: KeyInit>(key: &[u8]) -> Result<C, Error> {
    C::new_from_slice(key).map_err(|_| Error::Passphrase)
}

fn decrypt<C: BlockCipherDecrypt>(cipher: C, iv: &[u8], data: &mut [u8]) {
    let mut last = iv.to_vec();
    for chunk in data.chunks_exact_mut(C::block_size()) {
        let sealed = chunk.to_vec();
        let Ok(block) = <&mut Block<C>>::try_from(&mut *chunk) else {
            return;
        };
        cipher.decrypt_block(block);
        chunk.iter_mut().zip(&last).for_each(|(b, l)| *b ^= l);
        last = sealed;
    }
}

fn encrypt<C: BlockCipherEncrypt>(cipher: C, iv: &[u8], data: &mut [u8]) {
    let mut last = iv.to_vec();
    for chunk in data.chunks_exact_mut(C::block_size()) {
        chunk.iter_mut().zip(&last).for_each(|(b, l)| *b ^= l);
        let Ok(block) = <&mut Block<C>>::try_from(&mut *chunk) else {
            return;
        };
        cipher.encrypt_block(block);
        last = chunk.to_vec();
    }
}
