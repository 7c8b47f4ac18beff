//! Public keys: parsed with every check, and what they verify.

use super::{EcSignature, KeyAlg, SM2_ID, SignatureAlg};
use crate::curves::{Known, P256};
use crate::{Curve, Error, KnownPoint, Point, sm2k};
use core::fmt;
use der::asn1::{BitStringRef, ObjectIdentifier};
use der::{Decode, Encode};
use ring::signature as rs;
use spki::SubjectPublicKeyInfoRef;
use std::sync::Arc;

/// Larger keys cost an attacker nothing and a verifier seconds (RSA-16384 has 2,048 bytes).
const SPKI_LEN_MAX: usize = 2_400;
/// Bits of the smallest RSA modulus taken anywhere; policies above ask for more.
const RSA_BITS_MIN: usize = 2_048;
/// Bits of the largest RSA modulus taken (ring's limit).
const RSA_BITS_MAX: usize = 8_192;
const OID_EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const OID_SM2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.156.10197.1.301");
const OID_P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const OID_P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const OID_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const OID_ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// A public key, parsed from its SubjectPublicKeyInfo.
#[derive(Clone)]
pub struct PublicKey {
    spki: Vec<u8>,
    kind: KeyAlg,
    /// Clones share what it prepares.
    point: Option<KnownPoint>,
    /// The subjectPublicKey bits: what ring verifies with.
    raw: Vec<u8>,
    /// What SM2 verifies with; clones share what it prepares.
    sm2: Option<Arc<sm2k::VerifyingKey>>,
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
            point: point.map(KnownPoint::new),
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
            point: Some(KnownPoint::new(point.clone())),
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
        self.point.as_deref()
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
        let (r, s) = ec_parts(signature)?;
        match &self.sm2 {
            Some(key) if key.verify(message, &r, &s) => Ok(()),
            _ => Err(Error::Unverified),
        }
    }

    /// The point, if it is a P-256 key.
    pub(super) fn p256(&self) -> Option<&Known<P256>> {
        self.point.as_ref().and_then(KnownPoint::p256)
    }

    /// What verifies, if it is an SM2 key.
    pub(super) fn sm2(&self) -> Option<&sm2k::VerifyingKey> {
        self.sm2.as_deref()
    }
}

/// r and s of a strict DER signature.
pub(super) fn ec_parts(signature: &[u8]) -> Result<([u8; 32], [u8; 32]), Error> {
    let signature = EcSignature::from_der(signature).map_err(|_| Error::Unverified)?;
    let (mut r, mut s) = ([0; 32], [0; 32]);
    for (out, value) in [(&mut r, &signature.r), (&mut s, &signature.s)] {
        let value = value.as_bytes();
        let at = out.len().checked_sub(value.len());
        out[at.ok_or(Error::Unverified)?..].copy_from_slice(value);
    }
    Ok((r, s))
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

pub(super) fn rsa_spki(raw: &[u8]) -> Result<Vec<u8>, Error> {
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
