//! Private keys: made, read, written, and what they do.

use super::public::rsa_spki;
use super::{EcSignature, KeyAlg, PublicKey, SM2_ID, SignatureAlg};
use crate::{Curve, Entropy, Error, Point, Scalar, hpke, sm2enc, sm2k};
use core::fmt;
use der::Encode;
use der::asn1::UintRef;
use pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _};
use ring::signature as rs;
use signature::Signer as _;
use zeroize::Zeroizing;

/// Bytes of the largest PKCS#8 document read: RSA-8192 needs about 4,700.
const PKCS8_LEN_MAX: usize = 8_192;
/// PKCS#8 version 1 around a 32-byte Ed25519 seed (RFC 8410 section 7).
const ED25519_PKCS8_PREFIX: [u8; 16] = [
    0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20,
];

/// A private key. Zeroized on drop; no way to print, clone or compare it.
pub struct PrivateKey(Secret);

/// Keys ready to sign: what can be computed once is.
enum Secret {
    Sm2(Box<sm2k::SigningKey>),
    P256(p256::ecdsa::SigningKey),
    Ed25519(Zeroizing<[u8; 32]>),
    Rsa {
        pkcs8: Zeroizing<Vec<u8>>,
        pair: Box<rs::RsaKeyPair>,
    },
}

impl PrivateKey {
    /// Makes a new key.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for algorithms whose keys are made elsewhere (RSA, P-384),
    /// [`Error::Entropy`] if there is no randomness.
    pub fn generate(alg: KeyAlg, entropy: &mut dyn Entropy) -> Result<Self, Error> {
        match alg {
            KeyAlg::Sm2 => Self::from_scalar(&Scalar::random(Curve::Sm2, entropy)?),
            KeyAlg::P256 => Self::from_scalar(&Scalar::random(Curve::P256, entropy)?),
            KeyAlg::Ed25519 => {
                let mut seed = Zeroizing::new([0; 32]);
                entropy.fill(&mut seed[..])?;
                Ok(PrivateKey(Secret::Ed25519(seed)))
            }
            _ => Err(Error::Unsupported {
                what: "key generation for this algorithm",
            }),
        }
    }

    /// The key of a scalar of the group.
    ///
    /// # Errors
    /// [`Error::Encoding`] for zero and, on SM2, for `n − 1` (GB/T 32918.1: 1 + d must be invertible).
    pub fn from_scalar(scalar: &Scalar) -> Result<Self, Error> {
        let wrong = Error::Encoding {
            what: "private key",
        };
        let bytes = Zeroizing::new(scalar.to_be_bytes());
        match scalar.curve() {
            Curve::Sm2 => {
                let key = scalar.sm2().and_then(|d| sm2k::SigningKey::new(d, SM2_ID));
                key.map(|key| Secret::Sm2(Box::new(key)))
            }
            Curve::P256 => p256::ecdsa::SigningKey::from_slice(&bytes[..])
                .ok()
                .map(Secret::P256),
        }
        .map(PrivateKey)
        .ok_or(wrong)
    }

    /// Reads a PKCS#8 PrivateKeyInfo (RFC 5208, RFC 5958, RFC 8410).
    ///
    /// # Errors
    /// [`Error::Encoding`] if it is none, or its public part does not belong to it.
    pub fn from_pkcs8_der(pkcs8: &[u8]) -> Result<Self, Error> {
        let wrong = Error::Encoding {
            what: "PKCS#8 private key",
        };
        if pkcs8.len() > PKCS8_LEN_MAX {
            return Err(wrong);
        }
        if let Ok(key) = sm2::SecretKey::from_pkcs8_der(pkcs8) {
            let scalar = Scalar::from_be_bytes(Curve::Sm2, &key.to_bytes().into())?;
            return Self::from_scalar(&scalar);
        }
        if let Ok(key) = p256::SecretKey::from_pkcs8_der(pkcs8) {
            return Ok(PrivateKey(Secret::P256(key.into())));
        }
        if let Some(seed) = pkcs8.strip_prefix(&ED25519_PKCS8_PREFIX) {
            let seed = <[u8; 32]>::try_from(seed).map_err(|_| wrong)?;
            return Ok(PrivateKey(Secret::Ed25519(Zeroizing::new(seed))));
        }
        let pair = rs::RsaKeyPair::from_pkcs8(pkcs8).map_err(|_| wrong)?;
        Ok(PrivateKey(Secret::Rsa {
            pkcs8: Zeroizing::new(pkcs8.to_vec()),
            pair: Box::new(pair),
        }))
    }

    /// The PKCS#8 document, in the clear: wrap it before it is stored.
    ///
    /// # Errors
    /// [`Error::Encoding`] never in practice; the encoders below can fail in type only.
    pub fn to_pkcs8_der(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let wrong = |_| Error::Encoding {
            what: "private key",
        };
        match &self.0 {
            Secret::Sm2(key) => {
                let bytes = Zeroizing::new(key.secret().to_be_bytes());
                let key = sm2::SecretKey::from_slice(&bytes[..]).map_err(|_| Error::Encoding {
                    what: "private key",
                })?;
                key.to_pkcs8_der().map(|d| d.to_bytes()).map_err(wrong)
            }
            Secret::P256(key) => key.to_pkcs8_der().map(|d| d.to_bytes()).map_err(wrong),
            Secret::Ed25519(seed) => Ok(Zeroizing::new(
                [&ED25519_PKCS8_PREFIX[..], &seed[..]].concat(),
            )),
            Secret::Rsa { pkcs8, .. } => Ok(Zeroizing::new(pkcs8.to_vec())),
        }
    }

    /// The public half.
    ///
    /// # Errors
    /// [`Error::Encoding`] if an imported RSA key has a modulus outside the limits.
    pub fn public_key(&self) -> Result<PublicKey, Error> {
        match &self.0 {
            Secret::Sm2(key) => Ok(PublicKey::from_point(&Point::from_sm2_affine(key.public()))),
            Secret::P256(key) => {
                let encoded = key.verifying_key().to_sec1_point(false);
                let point = Point::from_uncompressed(Curve::P256, encoded.as_bytes())?;
                Ok(PublicKey::from_point(&point))
            }
            Secret::Ed25519(seed) => {
                let pair = rs::Ed25519KeyPair::from_seed_unchecked(&seed[..]).map_err(|_| {
                    Error::Encoding {
                        what: "Ed25519 seed",
                    }
                })?;
                let raw = <&[u8; 32]>::try_from(rs::KeyPair::public_key(&pair).as_ref())
                    .expect("Ed25519 public keys have 32 bytes");
                Ok(PublicKey::from_ed25519(raw))
            }
            Secret::Rsa { pair, .. } => {
                let raw = rs::KeyPair::public_key(&**pair).as_ref();
                PublicKey::from_spki_der(&rsa_spki(raw)?)
            }
        }
    }

    /// The algorithm this key signs with by default.
    pub fn signature_alg(&self) -> SignatureAlg {
        match &self.0 {
            Secret::Sm2(_) => SignatureAlg::Sm2Sm3,
            Secret::P256(_) => SignatureAlg::EcdsaP256Sha256,
            Secret::Ed25519(_) => SignatureAlg::Ed25519,
            Secret::Rsa { .. } => SignatureAlg::RsaPkcs1Sha256,
        }
    }

    /// Signs `message` with [`Self::signature_alg`]; deterministic.
    ///
    /// # Errors
    /// [`Error::Entropy`] if RSA blinding finds no randomness.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let failed = Error::Encoding {
            what: "private key",
        };
        match &self.0 {
            Secret::Sm2(key) => {
                let [r, s] = key.sign(message);
                let uint = |bytes| UintRef::new(bytes).expect("32 bytes are a DER integer");
                let signature = EcSignature {
                    r: uint(&r),
                    s: uint(&s),
                };
                signature.to_der().map_err(|_| failed)
            }
            Secret::P256(key) => {
                let signature: p256::ecdsa::Signature =
                    key.try_sign(message).map_err(|_| failed)?;
                Ok(signature.to_der().as_bytes().to_vec())
            }
            Secret::Ed25519(seed) => rs::Ed25519KeyPair::from_seed_unchecked(&seed[..])
                .map(|pair| pair.sign(message).as_ref().to_vec())
                .map_err(|_| failed),
            Secret::Rsa { pair, .. } => sign_rsa(pair, message),
        }
    }

    /// Decrypts an SM2 ciphertext (see [`sm2enc`]).
    ///
    /// # Errors
    /// [`Error::Unsupported`] if this is no SM2 key, else [`Error::Unverified`].
    pub fn sm2_decrypt(&self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        match &self.0 {
            Secret::Sm2(_) => sm2enc::decrypt(&self.scalar()?, ciphertext),
            _ => Err(Error::Unsupported {
                what: "SM2 decryption with this key",
            }),
        }
    }

    /// Opens an HPKE message (see [`hpke`]).
    ///
    /// # Errors
    /// [`Error::Unsupported`] if this is no P-256 key, else [`Error::Unverified`].
    pub fn hpke_open(&self, info: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        match &self.0 {
            Secret::P256(_) => hpke::open(&self.scalar()?, info, sealed),
            _ => Err(Error::Unsupported {
                what: "HPKE with this key",
            }),
        }
    }

    fn scalar(&self) -> Result<Scalar, Error> {
        match &self.0 {
            Secret::Sm2(key) => Ok(Scalar::from_sm2(key.secret())),
            Secret::P256(key) => {
                let bytes = Zeroizing::new(<[u8; 32]>::from(key.to_bytes()));
                Scalar::from_be_bytes(Curve::P256, &bytes)
            }
            _ => Err(Error::Unsupported {
                what: "scalar of this key",
            }),
        }
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey").finish_non_exhaustive()
    }
}

#[cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]
fn sign_rsa(pair: &rs::RsaKeyPair, message: &[u8]) -> Result<Vec<u8>, Error> {
    let mut out = vec![0; pair.public().modulus_len()];
    let rng = ring::rand::SystemRandom::new();
    pair.sign(&rs::RSA_PKCS1_SHA256, &rng, message, &mut out)
        .map_err(|_| Error::Entropy)?;
    Ok(out)
}

/// The library signs with a source of randomness at hand or not at all, and a page has none.
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
fn sign_rsa(_pair: &rs::RsaKeyPair, _message: &[u8]) -> Result<Vec<u8>, Error> {
    Err(Error::Entropy)
}
