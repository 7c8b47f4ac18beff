//! Encryption by passphrase: PBES2 (RFC 8018 section 6.2), and the schemes of PKCS#12 (RFC 7292
//! appendix C), which are read only.

use super::block::Cipher;
use super::kdf::{self, Diversifier, Hash};
use super::{Budget, ITERATIONS_MIN, Protection};
use crate::Error;
use crate::asn1::{Reader, tag, write};
use crate::oid::{self, Oid};
use mifeng_crypto::{Entropy, HashAlg, Suite};
use zeroize::Zeroizing;

/// Bytes of the longest salt read: 16 and 20 are usual.
const SALT_LEN_MAX: usize = 1_024;
/// Bytes of the salt written.
const SALT_LEN: usize = 16;

/// A passphrase in the two forms that schemes derive from.
pub(super) struct Password<'a> {
    bytes: &'a [u8],
    bmp: Option<Zeroizing<Vec<u8>>>,
}

impl<'a> Password<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let bmp = std::str::from_utf8(bytes).ok().map(kdf::bmp);
        Password { bytes, bmp }
    }

    /// The empty password in its second form: some writers leave the final zero out.
    pub(super) fn without_final_zero() -> Self {
        Password {
            bytes: b"",
            bmp: Some(Zeroizing::default()),
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes
    }

    /// PKCS#12's form; a passphrase that is no UTF-8 has none and opens nothing.
    pub(super) fn bmp(&self) -> Result<&[u8], Error> {
        self.bmp
            .as_deref()
            .map(Vec::as_slice)
            .ok_or(Error::Passphrase)
    }
}

/// An encryption scheme as read from its AlgorithmIdentifier.
pub(super) struct Scheme<'a> {
    kind: Kind<'a>,
    cipher: Cipher,
    salt: &'a [u8],
    rounds: u32,
}

enum Kind<'a> {
    Pbes2 {
        prf: Hash,
        iv: &'a [u8],
    },
    /// pbeWithSHAAnd…
    Pkcs12,
}

impl<'a> Scheme<'a> {
    /// Reads the AlgorithmIdentifier; `min` is the smallest round count taken.
    pub(super) fn read(
        input: &mut Reader<'a>,
        budget: &mut Budget,
        min: u32,
    ) -> Result<Self, Error> {
        let mut scheme = input.enter(tag::SEQUENCE)?;
        let id = scheme.oid()?;
        let mut parameters = scheme.enter(tag::SEQUENCE)?;
        scheme.finish()?;
        if id == oid::PBES2 {
            return Self::read_pbes2(parameters, budget, min);
        }
        let cipher = match id {
            oid::PBE_SHA1_3DES => Cipher::TripleDes,
            oid::PBE_SHA1_RC2_128 => Cipher::Rc2Bits128,
            oid::PBE_SHA1_RC2_40 => Cipher::Rc2Bits40,
            _ => return Err(input.wrong()),
        };
        let salt = salt(&mut parameters)?;
        let rounds = budget.spend(parameters.small()?, min)?;
        parameters.finish()?;
        Ok(Scheme {
            kind: Kind::Pkcs12,
            cipher,
            salt,
            rounds,
        })
    }

    fn read_pbes2(
        mut parameters: Reader<'a>,
        budget: &mut Budget,
        min: u32,
    ) -> Result<Self, Error> {
        let wrong = parameters.wrong();
        let mut derivation = parameters.enter(tag::SEQUENCE)?;
        let mut encryption = parameters.enter(tag::SEQUENCE)?;
        parameters.finish()?;
        let cipher = cipher_of(encryption.oid()?).ok_or(wrong.clone())?;
        let iv = encryption.value(tag::OCTET_STRING)?;
        encryption.finish()?;
        let derived = Derivation::read(&mut derivation, budget, min)?;
        let fits = derived.len.is_none_or(|len| len == cipher.key_len() as u64);
        if iv.len() != cipher.block_len() || !fits {
            return Err(wrong);
        }
        Ok(Scheme {
            kind: Kind::Pbes2 {
                prf: derived.prf,
                iv,
            },
            cipher,
            salt: derived.salt,
            rounds: derived.rounds,
        })
    }

    pub(super) fn protection(&self) -> Protection {
        let old = match self.kind {
            Kind::Pkcs12 => true,
            Kind::Pbes2 { prf, .. } => prf == Hash::Sha1 || self.cipher.is_legacy(),
        };
        if old || self.rounds < ITERATIONS_MIN {
            Protection::Legacy
        } else {
            Protection::Modern
        }
    }

    /// Decrypts whole blocks and takes the padding off.
    pub(super) fn open(
        &self,
        password: &Password<'_>,
        data: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let block = self.cipher.block_len();
        if data.is_empty() || !data.len().is_multiple_of(block) {
            return Err(Error::Malformed {
                what: "encrypted content",
            });
        }
        let len = self.cipher.key_len();
        match self.kind {
            Kind::Pbes2 { prf, iv } => {
                let key = kdf::pbkdf2(prf, password.bytes(), self.salt, self.rounds, len);
                self.cipher.open(&key, iv, data)
            }
            Kind::Pkcs12 => {
                let derive = |id, len| -> Result<_, Error> {
                    let bmp = password.bmp()?;
                    Ok(kdf::pkcs12(
                        Hash::Sha1,
                        id,
                        bmp,
                        self.salt,
                        self.rounds,
                        len,
                    ))
                };
                let key = derive(Diversifier::Key, len)?;
                let iv = derive(Diversifier::Iv, block)?;
                self.cipher.open(&key, &iv, data)
            }
        }
    }
}

/// PBKDF2 with its parameters.
pub(super) struct Derivation<'a> {
    pub(super) prf: Hash,
    pub(super) salt: &'a [u8],
    pub(super) rounds: u32,
    pub(super) len: Option<u64>,
}

impl<'a> Derivation<'a> {
    pub(super) fn read(
        input: &mut Reader<'a>,
        budget: &mut Budget,
        min: u32,
    ) -> Result<Self, Error> {
        let wrong = input.wrong();
        if input.oid()? != oid::PBKDF2 {
            return Err(wrong);
        }
        let mut parameters = input.enter(tag::SEQUENCE)?;
        input.finish()?;
        let salt = salt(&mut parameters)?;
        let rounds = budget.spend(parameters.small()?, min)?;
        let len = match parameters.peek() {
            Some(tag::INTEGER) => Some(parameters.small()?),
            _ => None,
        };
        // RFC 8018 appendix A.2: HMAC-SHA-1 is the default.
        let prf = if parameters.is_empty() {
            Hash::Sha1
        } else {
            let prf = oid::algorithm(&mut parameters)?;
            if !prf.parameters.is_empty() {
                return Err(wrong);
            }
            Hash::of_hmac(prf.oid).ok_or(wrong)?
        };
        parameters.finish()?;
        Ok(Derivation {
            prf,
            salt,
            rounds,
            len,
        })
    }
}

fn salt<'a>(input: &mut Reader<'a>) -> Result<&'a [u8], Error> {
    let salt = input.value(tag::OCTET_STRING)?;
    if salt.is_empty() || salt.len() > SALT_LEN_MAX {
        return Err(input.wrong());
    }
    Ok(salt)
}

fn cipher_of(id: Oid) -> Option<Cipher> {
    Some(match id {
        oid::SM4_CBC => Cipher::Sm4,
        oid::AES128_CBC => Cipher::Aes128,
        oid::AES192_CBC => Cipher::Aes192,
        oid::AES256_CBC => Cipher::Aes256,
        oid::DES_EDE3_CBC => Cipher::TripleDes,
        _ => return None,
    })
}

/// Encrypts as the suite does: PBKDF2-HMAC-SM3 and SM4-CBC, or PBKDF2-HMAC-SHA-256 and
/// AES-256-CBC. Gives the AlgorithmIdentifier and the ciphertext.
pub(super) fn seal(
    suite: &Suite,
    passphrase: &[u8],
    rounds: u32,
    plain: &[u8],
    entropy: &mut dyn Entropy,
) -> Result<(Vec<u8>, Vec<u8>), Error> {
    let rounds = Budget::new().spend(u64::from(rounds), ITERATIONS_MIN)?;
    let (mut salt, mut iv) = ([0; SALT_LEN], [0; 16]);
    entropy.fill(&mut salt)?;
    entropy.fill(&mut iv)?;
    let (prf, prf_oid, cipher, cipher_oid) = match suite.hash() {
        HashAlg::Sm3 => (Hash::Sm3, oid::HMAC_SM3, Cipher::Sm4, oid::SM4_CBC),
        HashAlg::Sha256 => (
            Hash::Sha256,
            oid::HMAC_SHA256,
            Cipher::Aes256,
            oid::AES256_CBC,
        ),
    };
    let len = cipher.key_len();
    let key = kdf::pbkdf2(prf, passphrase, &salt, rounds, len);
    let data = cipher.seal(&key, &iv, plain)?;
    let derivation = write::seq(&[
        &write::octets(&salt),
        &write::small(u64::from(rounds)),
        &write::small(len as u64),
        &oid::algorithm_der(prf_oid, true),
    ]);
    let parameters = write::seq(&[
        &write::seq(&[&write::oid(oid::PBKDF2), &derivation]),
        &write::seq(&[&write::oid(cipher_oid), &write::octets(&iv)]),
    ]);
    Ok((write::seq(&[&write::oid(oid::PBES2), &parameters]), data))
}
