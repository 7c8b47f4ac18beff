//! The joints to keys: in software here, in tokens and machines elsewhere.

use crate::{Certificate, Error};
use mifeng_crypto::{KeyAlg, PrivateKey, SignatureAlg, sm4};
use zeroize::Zeroizing;

/// Something that signs with the key of a certificate: a software key, a token, a machine.
pub trait Signer {
    /// The certificate of the key.
    fn certificate(&self) -> &Certificate;
    /// The certificates above it, nearest first; the anchor may be left out.
    fn chain(&self) -> &[Certificate];
    /// The algorithm it signs with: the one usual for the key, unless the holder says otherwise
    /// (RSASSA-PSS).
    ///
    /// # Errors
    /// [`Error::Message`] for a key whose signatures no message here carries.
    fn signature_alg(&self) -> Result<SignatureAlg, Error> {
        usual_algorithm(self.certificate())
    }
    /// Signs `message` (not its digest) with [`Signer::signature_alg`].
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the key holder is not there.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error>;
}

impl<T: Signer + ?Sized> Signer for Box<T> {
    fn certificate(&self) -> &Certificate {
        (**self).certificate()
    }
    fn chain(&self) -> &[Certificate] {
        (**self).chain()
    }
    fn signature_alg(&self) -> Result<SignatureAlg, Error> {
        (**self).signature_alg()
    }
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        (**self).sign(message)
    }
}

/// Something that opens what was encrypted to a certificate.
pub trait Decrypter {
    /// The certificate of the key.
    fn certificate(&self) -> &Certificate;
    /// Opens an SM2 ciphertext in DER (GB/T 35276), or under an RSA key an RSAES-OAEP one
    /// (RFC 8017; SHA-256, MGF1-SHA-256, no label).
    ///
    /// # Errors
    /// [`Error::Crypto`] without any detail; [`Error::KeyHolder`] if a token refuses to work.
    fn unwrap_key(&self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error>;
    /// Opens a key block in two steps: `wrapped` is an SM4 key under SM2 (DER), `block` whole
    /// blocks of SM4-CBC under that key with a zero IV. Tokens that unwrap keys to a handle only
    /// (`SKF_ImportSessionKey`) can do this and not [`Self::unwrap_key`].
    ///
    /// # Errors
    /// As [`Self::unwrap_key`].
    fn open_key_block(&self, wrapped: &[u8], block: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let wrong = || Error::Crypto(mifeng_crypto::Error::Unverified);
        let key = self.unwrap_key(wrapped)?;
        let key = <&[u8; 16]>::try_from(&key[..]).map_err(|_| wrong())?;
        let mut out = Zeroizing::new(block.to_vec());
        let (blocks, rest) = out.as_chunks_mut::<{ sm4::BLOCK }>();
        if !rest.is_empty() {
            return Err(wrong());
        }
        sm4::cbc::decrypt(&sm4::Sm4::new(key), &[0; sm4::BLOCK], blocks);
        Ok(out)
    }
    /// Opens an HPKE ciphertext (RFC 9180, base mode, P-256).
    ///
    /// # Errors
    /// [`Error::Crypto`] without any detail.
    fn hpke_open(&self, info: &[u8], ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error>;
}

fn usual_algorithm(certificate: &Certificate) -> Result<SignatureAlg, Error> {
    Ok(match certificate.public_key().key_alg() {
        KeyAlg::Sm2 => SignatureAlg::Sm2Sm3,
        KeyAlg::P256 => SignatureAlg::EcdsaP256Sha256,
        KeyAlg::P384 => SignatureAlg::EcdsaP384Sha384,
        KeyAlg::Rsa { .. } => SignatureAlg::RsaPkcs1Sha256,
        _ => {
            return Err(Error::Message {
                rule: "no writer for this signature algorithm",
            });
        }
    })
}

fn check_pair(key: &PrivateKey, certificate: &Certificate) -> Result<(), Error> {
    let public = key.public_key()?;
    let of = certificate.public_key();
    if public.key_alg() == of.key_alg() && public.raw() == of.raw() {
        return Ok(());
    }
    Err(Error::KeyMismatch)
}

/// A signing key in memory.
pub struct SoftwareSigner {
    key: PrivateKey,
    certificate: Certificate,
    chain: Vec<Certificate>,
}

impl SoftwareSigner {
    /// Puts key and certificate together.
    ///
    /// # Errors
    /// [`Error::KeyMismatch`] if they do not belong together.
    pub fn new(
        key: PrivateKey,
        certificate: Certificate,
        chain: Vec<Certificate>,
    ) -> Result<Self, Error> {
        check_pair(&key, &certificate)?;
        Ok(SoftwareSigner {
            key,
            certificate,
            chain,
        })
    }
}

impl Signer for SoftwareSigner {
    fn certificate(&self) -> &Certificate {
        &self.certificate
    }
    fn chain(&self) -> &[Certificate] {
        &self.chain
    }
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(self.key.sign(message)?)
    }
}

/// A decryption key in memory.
pub struct SoftwareDecrypter {
    key: PrivateKey,
    certificate: Certificate,
}

impl SoftwareDecrypter {
    /// Puts key and certificate together.
    ///
    /// # Errors
    /// [`Error::KeyMismatch`] if they do not belong together.
    pub fn new(key: PrivateKey, certificate: Certificate) -> Result<Self, Error> {
        check_pair(&key, &certificate)?;
        Ok(SoftwareDecrypter { key, certificate })
    }
}

impl Decrypter for SoftwareDecrypter {
    fn certificate(&self) -> &Certificate {
        &self.certificate
    }
    fn unwrap_key(&self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        if matches!(self.certificate.public_key().key_alg(), KeyAlg::Rsa { .. }) {
            // No software here decrypts with RSA in constant time (RUSTSEC-2023-0071).
            return Err(Error::Unavailable {
                what: "RSA decryption works with a token only",
            });
        }
        Ok(self.key.sm2_decrypt(ciphertext)?)
    }
    fn hpke_open(&self, info: &[u8], ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        Ok(self.key.hpke_open(info, ciphertext)?)
    }
}
