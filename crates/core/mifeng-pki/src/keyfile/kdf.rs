//! Keys from passphrases: PBKDF2 (RFC 8018 section 5.2) and PKCS#12 (RFC 7292 appendix B.2).

use crate::oid::{self, Oid};
use hmac::{Hmac, KeyInit, Mac};
use mifeng_crypto::HashAlg;
use ring::{digest, hmac as rh, pbkdf2};
use std::num::NonZeroU32;
use zeroize::{Zeroize, Zeroizing};

/// A hash of key files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    /// Read only.
    Sha1,
    Sha256,
    Sha384,
    Sha512,
    Sm3,
}

impl Hash {
    /// The hash of an HMAC named as the function of PBKDF2 or PBMAC1.
    pub(super) fn of_hmac(oid: Oid) -> Option<Self> {
        Some(match oid {
            oid::HMAC_SHA1 => Hash::Sha1,
            oid::HMAC_SHA256 => Hash::Sha256,
            oid::HMAC_SHA384 => Hash::Sha384,
            oid::HMAC_SHA512 => Hash::Sha512,
            oid::HMAC_SM3 | oid::HMAC_SM3_ALT => Hash::Sm3,
            _ => return None,
        })
    }

    /// The hash named in a DigestInfo.
    pub(super) fn of_digest(oid: Oid) -> Option<Self> {
        Some(match oid {
            oid::SHA1 => Hash::Sha1,
            oid::SHA256 => Hash::Sha256,
            oid::SHA384 => Hash::Sha384,
            oid::SHA512 => Hash::Sha512,
            oid::SM3 => Hash::Sm3,
            _ => return None,
        })
    }

    pub(super) fn len(self) -> usize {
        match self {
            Hash::Sha1 => 20,
            Hash::Sha256 | Hash::Sm3 => 32,
            Hash::Sha384 => 48,
            Hash::Sha512 => 64,
        }
    }

    /// Bytes of the compression function's block: v of RFC 7292.
    fn block_len(self) -> usize {
        match self {
            Hash::Sha384 | Hash::Sha512 => 128,
            _ => 64,
        }
    }

    fn digest(self, parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
        let alg = match self {
            Hash::Sm3 => {
                return Zeroizing::new(HashAlg::Sm3.digest_parts(parts).as_bytes().to_vec());
            }
            Hash::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Hash::Sha256 => &digest::SHA256,
            Hash::Sha384 => &digest::SHA384,
            Hash::Sha512 => &digest::SHA512,
        };
        let mut context = digest::Context::new(alg);
        parts.iter().for_each(|part| context.update(part));
        Zeroizing::new(context.finish().as_ref().to_vec())
    }

    /// HMAC (RFC 2104).
    pub(super) fn hmac(self, key: &[u8], data: &[u8]) -> Vec<u8> {
        let alg = match self {
            Hash::Sm3 => {
                let mut mac = keyed_sm3(key);
                mac.update(data);
                return mac.finalize().into_bytes().to_vec();
            }
            Hash::Sha1 => rh::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Hash::Sha256 => rh::HMAC_SHA256,
            Hash::Sha384 => rh::HMAC_SHA384,
            Hash::Sha512 => rh::HMAC_SHA512,
        };
        rh::sign(&rh::Key::new(alg, key), data).as_ref().to_vec()
    }
}

fn keyed_sm3(key: &[u8]) -> Hmac<sm3::Sm3> {
    <Hmac<sm3::Sm3> as KeyInit>::new_from_slice(key).expect("HMAC takes keys of every length")
}

/// PBKDF2 with HMAC of `prf`.
pub(super) fn pbkdf2(
    prf: Hash,
    passphrase: &[u8],
    salt: &[u8],
    rounds: u32,
    len: usize,
) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(vec![0; len]);
    let alg = match prf {
        Hash::Sm3 => {
            pbkdf2_sm3(passphrase, salt, rounds, &mut out);
            return out;
        }
        Hash::Sha1 => pbkdf2::PBKDF2_HMAC_SHA1,
        Hash::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
        Hash::Sha384 => pbkdf2::PBKDF2_HMAC_SHA384,
        Hash::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
    };
    let rounds = NonZeroU32::new(rounds).unwrap_or(NonZeroU32::MIN);
    pbkdf2::derive(alg, rounds, salt, passphrase, &mut out);
    out
}

fn pbkdf2_sm3(passphrase: &[u8], salt: &[u8], rounds: u32, out: &mut [u8]) {
    let keyed = keyed_sm3(passphrase);
    for (number, piece) in (1_u32..).zip(out.chunks_mut(Hash::Sm3.len())) {
        let mut first = keyed.clone();
        first.update(salt);
        first.update(&number.to_be_bytes());
        let mut block = first.finalize().into_bytes();
        piece.copy_from_slice(&block[..piece.len()]);
        for _ in 1..rounds {
            let mut next = keyed.clone();
            next.update(&block);
            block = next.finalize().into_bytes();
            piece
                .iter_mut()
                .zip(block.iter())
                .for_each(|(o, b)| *o ^= b);
        }
        block.zeroize();
    }
}

/// What derived bytes of PKCS#12 are for (RFC 7292 appendix B.3).
#[derive(Clone, Copy)]
pub(super) enum Diversifier {
    Key = 1,
    Iv = 2,
    Mac = 3,
}

/// Key derivation of PKCS#12; `password` is its BMPString with the two zero bytes at the end.
pub(super) fn pkcs12(
    hash: Hash,
    id: Diversifier,
    password: &[u8],
    salt: &[u8],
    rounds: u32,
    len: usize,
) -> Zeroizing<Vec<u8>> {
    let v = hash.block_len();
    // 1: D.  2 to 4: I = S ‖ P, each repeated up to a multiple of v.
    let diversifier = vec![id as u8; v];
    let fill = |input: &[u8]| -> Vec<u8> {
        let len = input.len().div_ceil(v) * v;
        input.iter().copied().cycle().take(len).collect()
    };
    let mut input = Zeroizing::new([fill(salt), fill(password)].concat());
    let mut out = Zeroizing::new(Vec::with_capacity(len + hash.len()));
    loop {
        // 6A: A = H^rounds(D ‖ I).
        let mut a = hash.digest(&[&diversifier, &input]);
        for _ in 1..rounds {
            a = hash.digest(&[&a]);
        }
        out.extend_from_slice(&a);
        if out.len() >= len {
            out.truncate(len);
            return out;
        }
        // 6B, 6C: I_j = I_j + B + 1 mod 2^(8v), B = A repeated.
        for block in input.chunks_exact_mut(v) {
            let mut carry = 1;
            for (byte, at) in block.iter_mut().zip(0..v).rev() {
                let sum = u16::from(*byte) + u16::from(a[at % a.len()]) + carry;
                *byte = sum as u8;
                carry = sum >> 8;
            }
        }
    }
}

/// The password as PKCS#12 derives from it: UTF-16, big-endian, with a zero at the end.
pub(super) fn bmp(passphrase: &str) -> Zeroizing<Vec<u8>> {
    let units = passphrase.encode_utf16().chain([0]);
    Zeroizing::new(units.flat_map(u16::to_be_bytes).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vectors found in several libraries (first by Bouncy Castle): password "smeg" and "queeg".
    #[test]
    fn pkcs12_known_answers() {
        let key = |password, salt: &str, id, rounds, len| {
            let salt = hex::decode(salt).expect("hex");
            hex::encode(pkcs12(Hash::Sha1, id, &bmp(password), &salt, rounds, len))
        };
        assert_eq!(
            key("smeg", "0a58cf64530d823f", Diversifier::Key, 1, 24),
            "8aaae6297b6cb04642ab5b077851284eb7128f1a2a7fbca3"
        );
        assert_eq!(
            key("smeg", "0a58cf64530d823f", Diversifier::Iv, 1, 8),
            "79993dfe048d3b76"
        );
        assert_eq!(
            key("queeg", "05dec959acff72f7", Diversifier::Key, 1000, 24),
            "ed2034e36328830ff09df1e1a07dd357185dac0d4f9eb3d4"
        );
        assert_eq!(
            key("queeg", "05dec959acff72f7", Diversifier::Iv, 1000, 8),
            "11dedad7758d4860"
        );
        assert_eq!(
            key("queeg", "263216fcc2fab31c", Diversifier::Mac, 1000, 20),
            "5ec4c7a80df652294c3925b6489a7ab857c83476"
        );
    }

    #[test]
    fn pbkdf2_of_more_than_one_block() {
        // The first 32 bytes do not depend on the length asked for.
        for prf in [Hash::Sm3, Hash::Sha256] {
            let long = pbkdf2(prf, b"pass", b"salt", 3, 48);
            assert_eq!(pbkdf2(prf, b"pass", b"salt", 3, 32)[..], long[..32]);
            assert_ne!(long[32..], long[..16]);
        }
    }
}
