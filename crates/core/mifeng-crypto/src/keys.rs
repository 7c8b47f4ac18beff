//! Signature keys: one public type and one secret type for all algorithms taken.

use crate::{Curve, Entropy, Error, Point, Scalar, hpke, sm2enc, sm2k};
use core::fmt;
use der::asn1::{BitStringRef, ObjectIdentifier, UintRef};
use der::{Decode, Encode};
use pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _};
use ring::signature as rs;
use signature::Signer as _;
use spki::SubjectPublicKeyInfoRef;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The signer id of GB/T 35276 for certificates, messages, time stamps and seals.
const SM2_ID: &[u8] = b"1234567812345678";
/// Larger keys cost an attacker nothing and a verifier seconds (RSA-16384 has 2,048 bytes).
const SPKI_LEN_MAX: usize = 2_400;
/// Bits of the smallest RSA modulus taken anywhere; policies above ask for more.
const RSA_BITS_MIN: usize = 2_048;
/// Bits of the largest RSA modulus taken (ring's limit).
const RSA_BITS_MAX: usize = 8_192;
/// Bytes of the largest PKCS#8 document read: RSA-8192 needs about 4,700.
const PKCS8_LEN_MAX: usize = 8_192;
/// PKCS#8 version 1 around a 32-byte Ed25519 seed (RFC 8410 section 7).
const ED25519_PKCS8_PREFIX: [u8; 16] = [
    0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20,
];

const OID_EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const OID_SM2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.156.10197.1.301");
const OID_P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const OID_P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const OID_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const OID_ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// What kind of key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyAlg {
    /// SM2 on sm2p256v1.
    Sm2,
    /// ECDSA on P-256.
    P256,
    /// ECDSA on P-384 (verification only).
    P384,
    /// RSA with a modulus of this many bits.
    Rsa {
        /// Bits of the modulus.
        bits: usize,
    },
    /// Ed25519 (RFC 8032).
    Ed25519,
}

/// A signature algorithm with its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignatureAlg {
    /// SM2 with SM3 and the signer id 1234567812345678 (GB/T 32918.2); DER signature.
    Sm2Sm3,
    /// ECDSA P-256 with SHA-256; DER signature.
    EcdsaP256Sha256,
    /// ECDSA P-384 with SHA-384; DER signature.
    EcdsaP384Sha384,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RsaPkcs1Sha256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    RsaPkcs1Sha384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    RsaPkcs1Sha512,
    /// RSASSA-PSS with SHA-256, MGF1-SHA-256 and a salt of 32 bytes.
    RsaPssSha256,
    /// RSASSA-PSS with SHA-384, MGF1-SHA-384 and a salt of 48 bytes.
    RsaPssSha384,
    /// RSASSA-PSS with SHA-512, MGF1-SHA-512 and a salt of 64 bytes.
    RsaPssSha512,
    /// Ed25519.
    Ed25519,
}

/// A public key, parsed from its SubjectPublicKeyInfo.
#[derive(Clone)]
pub struct PublicKey {
    spki: Vec<u8>,
    kind: KeyAlg,
    point: Option<Point>,
    /// The subjectPublicKey bits: what ring verifies with.
    raw: Vec<u8>,
    /// What SM2 verifies with; clones share what it prepares.
    sm2: Option<Arc<sm2k::VerifyingKey>>,
}

/// `SM2Signature` of GB/T 35276.
#[derive(der::Sequence)]
struct Sm2Signature<'a> {
    r: UintRef<'a>,
    s: UintRef<'a>,
}

impl PublicKey {
    /// Reads a DER SubjectPublicKeyInfo, with every point and size check.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for another algorithm, curve or size, [`Error::Encoding`] for bytes
    /// that are not one.
    pub fn from_spki_der(spki: &[u8]) -> Result<Self, Error> {
        let wrong = Error::Encoding { what: "public key" };
        if spki.len() > SPKI_LEN_MAX {
            return Err(Error::TooLong {
                what: "public key",
                found: spki.len(),
                max: SPKI_LEN_MAX,
            });
        }
        let info = SubjectPublicKeyInfoRef::from_der(spki).map_err(|_| wrong.clone())?;
        let raw = info.subject_public_key.as_bytes().ok_or(wrong.clone())?;
        let curve = info
            .algorithm
            .parameters
            .and_then(|p| p.decode_as::<ObjectIdentifier>().ok());
        let (kind, point) = match (info.algorithm.oid, curve) {
            (OID_EC, Some(OID_SM2)) => (
                KeyAlg::Sm2,
                Some(Point::from_uncompressed(Curve::Sm2, raw)?),
            ),
            (OID_EC, Some(OID_P256)) => (
                KeyAlg::P256,
                Some(Point::from_uncompressed(Curve::P256, raw)?),
            ),
            (OID_EC, Some(OID_P384)) if raw.len() == 97 && raw[0] == 4 => (KeyAlg::P384, None),
            (OID_RSA, _) => (
                KeyAlg::Rsa {
                    bits: rsa_bits(raw)?,
                },
                None,
            ),
            (OID_ED25519, None) if raw.len() == 32 => (KeyAlg::Ed25519, None),
            _ => {
                return Err(Error::Unsupported {
                    what: "public key algorithm",
                });
            }
        };
        Ok(PublicKey {
            spki: spki.to_vec(),
            kind,
            sm2: point.as_ref().and_then(sm2_verifier),
            point,
            raw: raw.to_vec(),
        })
    }

    /// The key of a point of the group.
    pub fn from_point(point: &Point) -> Self {
        let (kind, curve) = match point.curve() {
            Curve::Sm2 => (KeyAlg::Sm2, OID_SM2),
            Curve::P256 => (KeyAlg::P256, OID_P256),
        };
        let raw = point.to_uncompressed();
        PublicKey {
            spki: encode_spki(OID_EC, Some(curve), &raw),
            kind,
            sm2: sm2_verifier(point),
            point: Some(point.clone()),
            raw: raw.to_vec(),
        }
    }

    /// The key of 32 raw Ed25519 bytes.
    pub fn from_ed25519(raw: &[u8; 32]) -> Self {
        PublicKey {
            spki: encode_spki(OID_ED25519, None, raw),
            kind: KeyAlg::Ed25519,
            point: None,
            raw: raw.to_vec(),
            sm2: None,
        }
    }

    /// The key of an RSA modulus and exponent, big-endian, as tokens give them.
    ///
    /// # Errors
    /// As [`Self::from_spki_der`].
    pub fn from_rsa(modulus: &[u8], exponent: &[u8]) -> Result<Self, Error> {
        let wrong = |_| Error::Encoding {
            what: "RSA public key",
        };
        let key = RsaPublicKey {
            modulus: der::asn1::UintRef::new(modulus).map_err(wrong)?,
            exponent: der::asn1::UintRef::new(exponent).map_err(wrong)?,
        };
        Self::from_spki_der(&rsa_spki(&key.to_der().map_err(wrong)?)?)
    }

    /// The DER SubjectPublicKeyInfo, as read.
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// The bits of the key inside the SubjectPublicKeyInfo.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// What kind of key it is.
    pub fn key_alg(&self) -> KeyAlg {
        self.kind
    }

    /// The point of an SM2 or P-256 key.
    pub fn point(&self) -> Option<&Point> {
        self.point.as_ref()
    }

    /// Checks a signature over `message`. Strict: DER signatures must be minimal.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if the algorithm is not one of this key's, [`Error::Unverified`] if
    /// the signature does not verify.
    pub fn verify(&self, alg: SignatureAlg, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        let ring_alg: &dyn rs::VerificationAlgorithm = match (alg, self.kind) {
            (SignatureAlg::Sm2Sm3, KeyAlg::Sm2) => return self.verify_sm2(message, signature),
            (SignatureAlg::EcdsaP256Sha256, KeyAlg::P256) => &rs::ECDSA_P256_SHA256_ASN1,
            (SignatureAlg::EcdsaP384Sha384, KeyAlg::P384) => &rs::ECDSA_P384_SHA384_ASN1,
            (SignatureAlg::RsaPkcs1Sha256, KeyAlg::Rsa { .. }) => &rs::RSA_PKCS1_2048_8192_SHA256,
            (SignatureAlg::RsaPkcs1Sha384, KeyAlg::Rsa { .. }) => &rs::RSA_PKCS1_2048_8192_SHA384,
            (SignatureAlg::RsaPkcs1Sha512, KeyAlg::Rsa { .. }) => &rs::RSA_PKCS1_2048_8192_SHA512,
            (SignatureAlg::RsaPssSha256, KeyAlg::Rsa { .. }) => &rs::RSA_PSS_2048_8192_SHA256,
            (SignatureAlg::RsaPssSha384, KeyAlg::Rsa { .. }) => &rs::RSA_PSS_2048_8192_SHA384,
            (SignatureAlg::RsaPssSha512, KeyAlg::Rsa { .. }) => &rs::RSA_PSS_2048_8192_SHA512,
            (SignatureAlg::Ed25519, KeyAlg::Ed25519) => &rs::ED25519,
            _ => {
                return Err(Error::Unsupported {
                    what: "signature algorithm for this key",
                });
            }
        };
        rs::UnparsedPublicKey::new(ring_alg, &self.raw)
            .verify(message, signature)
            .map_err(|_| Error::Unverified)
    }

    fn verify_sm2(&self, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        let signature = Sm2Signature::from_der(signature).map_err(|_| Error::Unverified)?;
        let (mut r, mut s) = ([0; 32], [0; 32]);
        for (out, value) in [(&mut r, &signature.r), (&mut s, &signature.s)] {
            let value = value.as_bytes();
            let at = out.len().checked_sub(value.len());
            out[at.ok_or(Error::Unverified)?..].copy_from_slice(value);
        }
        match &self.sm2 {
            Some(key) if key.verify(message, &r, &s) => Ok(()),
            _ => Err(Error::Unverified),
        }
    }
}

fn sm2_verifier(point: &Point) -> Option<Arc<sm2k::VerifyingKey>> {
    let point = point.sm2_affine()?;
    Some(Arc::new(sm2k::VerifyingKey::new(point, SM2_ID)))
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.spki == other.spki
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({:?}, {})", self.kind, hex::encode(&self.spki))
    }
}

/// RFC 8017 appendix A.1.1.
#[derive(der::Sequence)]
struct RsaPublicKey<'a> {
    modulus: der::asn1::UintRef<'a>,
    exponent: der::asn1::UintRef<'a>,
}

fn rsa_spki(raw: &[u8]) -> Result<Vec<u8>, Error> {
    let wrong = |_| Error::Encoding {
        what: "RSA public key",
    };
    SubjectPublicKeyInfoRef {
        algorithm: spki::AlgorithmIdentifier {
            oid: OID_RSA,
            parameters: Some(der::asn1::AnyRef::NULL),
        },
        subject_public_key: BitStringRef::from_bytes(raw).map_err(wrong)?,
    }
    .to_der()
    .map_err(wrong)
}

fn rsa_bits(raw: &[u8]) -> Result<usize, Error> {
    let wrong = Error::Encoding {
        what: "RSA public key",
    };
    let key = RsaPublicKey::from_der(raw).map_err(|_| wrong.clone())?;
    let modulus = key.modulus.as_bytes();
    let bits = modulus.len() * 8 - modulus.first().map_or(0, |b| b.leading_zeros() as usize);
    let odd = |bytes: &[u8]| bytes.last().is_some_and(|b| b & 1 == 1);
    let exponent = key.exponent.as_bytes();
    // Exponents beyond 33 bits only slow verifiers down; 1 and even ones verify anything or nothing.
    if !odd(modulus) || !odd(exponent) || exponent == [1] || exponent.len() > 5 {
        return Err(wrong);
    }
    if !(RSA_BITS_MIN..=RSA_BITS_MAX).contains(&bits) {
        return Err(Error::Unsupported {
            what: "RSA modulus size",
        });
    }
    Ok(bits)
}

fn encode_spki(oid: ObjectIdentifier, curve: Option<ObjectIdentifier>, raw: &[u8]) -> Vec<u8> {
    let bits = BitStringRef::from_bytes(raw).expect("a key is far below the length limit of DER");
    SubjectPublicKeyInfoRef {
        algorithm: spki::AlgorithmIdentifier {
            oid,
            parameters: curve.as_ref().map(Into::into),
        },
        subject_public_key: bits,
    }
    .to_der()
    .expect("fixed-size parts always encode")
}

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
                let signature = Sm2Signature {
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

#[cfg(test)]
mod tests;
