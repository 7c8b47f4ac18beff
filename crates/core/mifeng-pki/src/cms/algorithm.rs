//! Which digest and signature algorithms a message may name, and how they are written.

use super::Profile;
use super::deviation::Deviation;
use crate::asn1::write;
use crate::oid::{self, Algorithm, Oid};
use crate::{Error, Signer};
use mifeng_crypto::{HashAlg, KeyAlg, SignatureAlg, Suite};

/// A hash that a message or a time stamp may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DigestAlg {
    /// SM3 (GB/T 32905), 32 bytes.
    Sm3,
    /// SHA-256 (FIPS 180-4), 32 bytes.
    Sha256,
    /// SHA-384, 48 bytes.
    Sha384,
    /// SHA-512, 64 bytes.
    Sha512,
}

impl From<HashAlg> for DigestAlg {
    fn from(alg: HashAlg) -> Self {
        match alg {
            HashAlg::Sm3 => DigestAlg::Sm3,
            HashAlg::Sha256 => DigestAlg::Sha256,
        }
    }
}

impl DigestAlg {
    /// The hash of `data`.
    #[must_use]
    pub fn digest(self, data: &[u8]) -> Vec<u8> {
        use ring::digest as rd;
        let alg = match self {
            DigestAlg::Sm3 => return HashAlg::Sm3.digest(data).as_bytes().to_vec(),
            DigestAlg::Sha256 => &rd::SHA256,
            DigestAlg::Sha384 => &rd::SHA384,
            DigestAlg::Sha512 => &rd::SHA512,
        };
        rd::digest(alg, data).as_ref().to_vec()
    }

    /// Bytes of the hash.
    #[must_use]
    pub fn digest_len(self) -> usize {
        match self {
            DigestAlg::Sm3 | DigestAlg::Sha256 => 32,
            DigestAlg::Sha384 => 48,
            DigestAlg::Sha512 => 64,
        }
    }

    /// The name used in texts.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            DigestAlg::Sm3 => "sm3",
            DigestAlg::Sha256 => "sha256",
            DigestAlg::Sha384 => "sha384",
            DigestAlg::Sha512 => "sha512",
        }
    }

    pub(crate) fn oid(self) -> Oid {
        match self {
            DigestAlg::Sm3 => oid::SM3,
            DigestAlg::Sha256 => oid::SHA256,
            DigestAlg::Sha384 => oid::SHA384,
            DigestAlg::Sha512 => oid::SHA512,
        }
    }

    pub(crate) fn by_oid(id: Oid) -> Option<Self> {
        Some(match id {
            oid::SM3 => DigestAlg::Sm3,
            oid::SHA256 => DigestAlg::Sha256,
            oid::SHA384 => DigestAlg::Sha384,
            oid::SHA512 => DigestAlg::Sha512,
            _ => return None,
        })
    }

    /// SM3 in gm-1, the SHA-2 family in intl-1.
    #[must_use]
    pub fn belongs(self, suite: &Suite) -> bool {
        (self == DigestAlg::Sm3) == (suite.hash() == HashAlg::Sm3)
    }

    /// AlgorithmIdentifier; parameters absent (RFC 5754 section 2; SM3 the same).
    pub(crate) fn der(self) -> Vec<u8> {
        oid::algorithm_der(self.oid(), false)
    }
}

/// The hash that goes with a signature algorithm.
pub(crate) fn digest_of(alg: SignatureAlg) -> Result<DigestAlg, Error> {
    Ok(match alg {
        SignatureAlg::Sm2Sm3 => DigestAlg::Sm3,
        SignatureAlg::EcdsaP256Sha256
        | SignatureAlg::RsaPkcs1Sha256
        | SignatureAlg::RsaPssSha256 => DigestAlg::Sha256,
        SignatureAlg::EcdsaP384Sha384 | SignatureAlg::RsaPkcs1Sha384 => DigestAlg::Sha384,
        SignatureAlg::RsaPkcs1Sha512 => DigestAlg::Sha512,
        _ => {
            return Err(Error::Message {
                rule: "no writer for this signature algorithm",
            });
        }
    })
}

/// The algorithm of a signer, checked against its key.
pub(crate) fn of_signer(signer: &dyn Signer) -> Result<SignatureAlg, Error> {
    let alg = signer.signature_alg()?;
    let fits = match signer.certificate().public_key().key_alg() {
        KeyAlg::Sm2 => alg == SignatureAlg::Sm2Sm3,
        KeyAlg::P256 => alg == SignatureAlg::EcdsaP256Sha256,
        KeyAlg::P384 => alg == SignatureAlg::EcdsaP384Sha384,
        KeyAlg::Rsa { .. } => matches!(
            alg,
            SignatureAlg::RsaPkcs1Sha256
                | SignatureAlg::RsaPkcs1Sha384
                | SignatureAlg::RsaPkcs1Sha512
                | SignatureAlg::RsaPssSha256
        ),
        _ => false,
    };
    if fits {
        return Ok(alg);
    }
    Err(Error::Message {
        rule: "no writer for this signature algorithm",
    })
}

/// The signatureAlgorithm of a SignerInfo.
pub(crate) fn signature_der(alg: SignatureAlg, profile: Profile) -> Result<Vec<u8>, Error> {
    Ok(match alg {
        SignatureAlg::Sm2Sm3 if profile == Profile::Gbt35275 => {
            oid::algorithm_der(oid::SM2_SIGN, false)
        }
        SignatureAlg::Sm2Sm3 => oid::algorithm_der(oid::SM2_SM3, false),
        _ if profile == Profile::Gbt35275 => {
            return Err(Error::Message {
                rule: "messages of GB/T 35275 are signed with SM2",
            });
        }
        SignatureAlg::EcdsaP256Sha256 => oid::algorithm_der(oid::ECDSA_SHA256, false),
        SignatureAlg::EcdsaP384Sha384 => oid::algorithm_der(oid::ECDSA_SHA384, false),
        SignatureAlg::RsaPssSha256 => {
            let parameters = hex::decode(oid::PSS_SHA256).unwrap_or_default();
            write::seq(&[&write::oid(oid::RSA_PSS), &parameters])
        }
        // RFC 3370 section 3.2: rsaEncryption, parameters NULL.
        SignatureAlg::RsaPkcs1Sha256
        | SignatureAlg::RsaPkcs1Sha384
        | SignatureAlg::RsaPkcs1Sha512 => oid::algorithm_der(oid::RSA, true),
        _ => {
            return Err(Error::Message {
                rule: "no writer for this signature algorithm",
            });
        }
    })
}

/// What a SignerInfo's identifiers mean for a key of this kind: none if they do not fit each other.
///
/// The digest of the content and that inside the signature are one: two would let a weak one hide
/// behind a strong one.
pub(crate) fn read_signature(
    key: KeyAlg,
    id: &Algorithm<'_>,
    digest: DigestAlg,
    profile: Profile,
) -> Option<(SignatureAlg, Option<Deviation>)> {
    let gbt = profile == Profile::Gbt35275;
    let plain = id.parameters.is_empty();
    let alg = match (key, id.oid) {
        (KeyAlg::Sm2, oid::SM2_SIGN | oid::SM2_SM3) if plain => {
            let usual = gbt == (id.oid == oid::SM2_SIGN);
            let deviation = (!usual).then_some(Deviation::SignatureIdentifier);
            return (digest == DigestAlg::Sm3).then_some((SignatureAlg::Sm2Sm3, deviation));
        }
        // GB/T 35275 knows no other.
        _ if gbt => return None,
        (KeyAlg::P256, oid::ECDSA_SHA256) if plain => SignatureAlg::EcdsaP256Sha256,
        (KeyAlg::P384, oid::ECDSA_SHA384) if plain => SignatureAlg::EcdsaP384Sha384,
        (KeyAlg::Rsa { .. }, oid::RSA) if plain => match digest {
            DigestAlg::Sha256 => SignatureAlg::RsaPkcs1Sha256,
            DigestAlg::Sha384 => SignatureAlg::RsaPkcs1Sha384,
            DigestAlg::Sha512 => SignatureAlg::RsaPkcs1Sha512,
            DigestAlg::Sm3 => return None,
        },
        (
            KeyAlg::Rsa { .. },
            oid::RSA_SHA256 | oid::RSA_SHA384 | oid::RSA_SHA512 | oid::RSA_PSS,
        ) => oid::signature_alg(id)?,
        _ => return None,
    };
    (digest_of(alg).ok()? == digest).then_some((alg, None))
}
