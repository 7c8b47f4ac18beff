//! Encryption of shares in transit: H6 over two Diffie–Hellman secrets, then an AEAD under a one-time key.
//!
//! `COCKTAIL(P-256, SHA-256)` uses XAES-256-GCM (C2SP); the twin `COCKTAIL(SM2, SM3)` uses SM4-GCM with the
//! first 16 bytes of the derived key and the first 12 of the derived nonce. Every key serves one message: it
//! depends on the sender's ephemeral key.

use aes_gcm::aes::Aes256;
use cipher::{BlockCipherEncrypt, KeyInit};
use mifeng_crypto::{ChunkCipher, Curve, Point, Suite};
use zeroize::Zeroizing;

use crate::Result;

/// Bytes that encryption adds.
pub(super) const TAG_BYTES: usize = 16;

/// The names that tell this suite's hashes apart.
pub(super) struct Names {
    pub(super) id: &'static str,
    pub(super) h6: &'static str,
    pub(super) h7: &'static str,
    pub(super) nonce: &'static str,
}

pub(super) fn names(suite: &Suite) -> &'static Names {
    match suite.curve() {
        Curve::P256 => &Names {
            id: "COCKTAIL(P-256, SHA-256)",
            h6: "COCKTAIL-DKG-P256-SHA256-H6",
            h7: "COCKTAIL-DKG-P256-SHA256-H7",
            nonce: "COCKTAIL-DKG-P256-SHA256-NONCE",
        },
        Curve::Sm2 => &Names {
            id: "COCKTAIL(SM2, SM3)",
            h6: "COCKTAIL-DKG-SM2-SM3-H6",
            h7: "COCKTAIL-DKG-SM2-SM3-H7",
            nonce: "COCKTAIL-DKG-SM2-SM3-NONCE",
        },
    }
}

/// One direction between two members: the two shared points and the public keys they came from.
pub(super) struct Channel<'a> {
    /// `e_i · P_j`, for the recipient `d_j · E_i`.
    pub(super) ephemeral_secret: &'a Point,
    /// `d_i · P_j`, for the recipient `d_j · P_i`.
    pub(super) static_secret: &'a Point,
    /// `E_i`.
    pub(super) ephemeral: &'a Point,
    /// `P_i`.
    pub(super) sender: &'a Point,
    /// `P_j`.
    pub(super) recipient: &'a Point,
}

struct Keys {
    key: Zeroizing<[u8; 32]>,
    nonce: [u8; 24],
}

impl Channel<'_> {
    fn keys(&self, suite: &Suite, context: &[u8]) -> Keys {
        let hash = suite.hash();
        let first = Zeroizing::new(self.ephemeral_secret.to_bytes());
        let second = Zeroizing::new(self.static_secret.to_bytes());
        let ikm = hash.digest_parts(&[
            names(suite).h6.as_bytes(),
            first.as_slice(),
            second.as_slice(),
            &self.ephemeral.to_bytes(),
            &self.sender.to_bytes(),
            &self.recipient.to_bytes(),
            &(context.len() as u64).to_le_bytes(),
            context,
        ]);
        let ikm = Zeroizing::new(*ikm.as_bytes());
        let mut nonce = [0; 24];
        nonce.copy_from_slice(
            &hash
                .digest_parts(&[b"COCKTAIL-derive-nonce", ikm.as_slice()])
                .as_bytes()[..24],
        );
        let key = Zeroizing::new(
            *hash
                .digest_parts(&[b"COCKTAIL-derive-key", ikm.as_slice()])
                .as_bytes(),
        );
        Keys { key, nonce }
    }

    pub(super) fn seal(&self, suite: &Suite, context: &[u8], plaintext: &[u8]) -> Result<Vec<u8>> {
        let (cipher, nonce) = aead(suite, &self.keys(suite, context))?;
        let mut out = plaintext.to_vec();
        let tag = cipher.seal(&nonce, &mut out)?;
        out.extend_from_slice(&tag);
        Ok(out)
    }

    pub(super) fn open(
        &self,
        suite: &Suite,
        context: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>> {
        let (cipher, nonce) = aead(suite, &self.keys(suite, context))?;
        let mut buffer = Zeroizing::new(sealed.to_vec());
        let length = cipher.open(&nonce, &mut buffer)?.len();
        buffer.truncate(length);
        Ok(buffer)
    }
}

fn aead(suite: &Suite, keys: &Keys) -> Result<(ChunkCipher, [u8; 12])> {
    let mut nonce = [0; 12];
    let cipher = match suite.curve() {
        Curve::P256 => {
            nonce.copy_from_slice(&keys.nonce[12..]);
            ChunkCipher::new(suite, xaes_key(&keys.key, &keys.nonce[..12]).as_slice())?
        }
        Curve::Sm2 => {
            nonce.copy_from_slice(&keys.nonce[..12]);
            ChunkCipher::new(suite, &keys.key[..16])?
        }
    };
    Ok((cipher, nonce))
}

/// XAES-256-GCM's derived key: two CMAC blocks over `00 ‖ i ‖ "X" ‖ 00 ‖ nonce[0..12]` (C2SP XAES-256-GCM,
/// SP 800-108 in counter mode with CMAC-AES256).
fn xaes_key(key: &[u8; 32], nonce: &[u8]) -> Zeroizing<[u8; 32]> {
    let aes = Aes256::new(&(*key).into());
    let encrypt = |block: [u8; 16]| {
        let mut block = block.into();
        aes.encrypt_block(&mut block);
        <[u8; 16]>::from(block)
    };
    // CMAC's first subkey: E(0) doubled in GF(2^128) (SP 800-38B section 6.1).
    let doubled = Zeroizing::new(u128::from_be_bytes(encrypt([0; 16])));
    let subkey = Zeroizing::new((*doubled << 1) ^ ((*doubled >> 127) * 0x87));
    let mut out = Zeroizing::new([0; 32]);
    for (counter, half) in (1u8..).zip(out.chunks_exact_mut(16)) {
        let mut block = [0, counter, b'X', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        block[4..].copy_from_slice(nonce);
        half.copy_from_slice(&encrypt(
            (u128::from_be_bytes(block) ^ *subkey).to_be_bytes(),
        ));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use mifeng_crypto::INTL;

    #[test]
    fn xaes_matches_c2sp_example() {
        // C2SP XAES-256-GCM.md, "Test Vectors": K = 01…, N = "ABCDEFGHIJKLMNOPQRSTUVWX", plaintext "XAES-256-GCM".
        let nonce = *b"ABCDEFGHIJKLMNOPQRSTUVWX";
        let keys = Keys {
            key: Zeroizing::new([1; 32]),
            nonce,
        };
        let (cipher, short) = aead(&INTL, &keys).expect("32-byte key");
        let mut text = *b"XAES-256-GCM";
        let tag = cipher.seal(&short, &mut text).expect("short text");
        assert_eq!(
            hex::encode(text) + &hex::encode(tag),
            "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"
        );
    }
}
