//! Names, types and texts of the public keys that sign notes (C2SP signed-note, tlog-cosignature).

use crate::Error;
use base64::{Engine, engine::general_purpose::STANDARD};
use core::fmt;
use core::str::FromStr;
use mifeng_crypto::{HashAlg, KeyAlg, PublicKey, SignatureAlg};

/// Longest key name: an origin is a short URL, and witnesses keep one per log.
pub(crate) const NAME_LEN_MAX: usize = 255;

/// Longest vkey text: name, id and a P-256 key in base64 stay far below it.
const VKEY_LEN_MAX: usize = 1024;

/// How a note signature is made and what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignatureType {
    /// `0x01`: Ed25519 over the note text.
    Ed25519,
    /// `0x02`: ECDSA P-256 with SHA-256 over the note text, in DER.
    EcdsaP256,
    /// `0xff ‖ "mifeng-sm2-sm3-v1"`: SM2 with SM3 over the note text, in DER.
    Sm2,
    /// `0x04`: timestamped Ed25519 cosignature, cosignature/v1.
    CosignatureEd25519,
    /// `0xff ‖ "mifeng-cosig-sm2-v1"`: the same statement signed with SM2.
    CosignatureSm2,
}

impl SignatureType {
    const ALL: [SignatureType; 5] = [
        SignatureType::Ed25519,
        SignatureType::EcdsaP256,
        SignatureType::Sm2,
        SignatureType::CosignatureEd25519,
        SignatureType::CosignatureSm2,
    ];

    /// Whether it is a witness's timestamped cosignature.
    pub fn is_cosignature(self) -> bool {
        matches!(
            self,
            SignatureType::CosignatureEd25519 | SignatureType::CosignatureSm2
        )
    }

    /// The type that logs use for keys of this algorithm.
    ///
    /// # Errors
    /// [`Error::KeyType`] if there is none.
    pub fn for_log(key: KeyAlg) -> Result<Self, Error> {
        match key {
            KeyAlg::Ed25519 => Ok(SignatureType::Ed25519),
            KeyAlg::P256 => Ok(SignatureType::EcdsaP256),
            KeyAlg::Sm2 => Ok(SignatureType::Sm2),
            _ => Err(Error::KeyType),
        }
    }

    /// The type that witnesses use for keys of this algorithm.
    ///
    /// # Errors
    /// [`Error::KeyType`] if there is none.
    pub fn for_witness(key: KeyAlg) -> Result<Self, Error> {
        match key {
            KeyAlg::Ed25519 => Ok(SignatureType::CosignatureEd25519),
            KeyAlg::Sm2 => Ok(SignatureType::CosignatureSm2),
            _ => Err(Error::KeyType),
        }
    }

    pub(crate) fn signature_alg(self) -> SignatureAlg {
        match self {
            SignatureType::Ed25519 | SignatureType::CosignatureEd25519 => SignatureAlg::Ed25519,
            SignatureType::EcdsaP256 => SignatureAlg::EcdsaP256Sha256,
            SignatureType::Sm2 | SignatureType::CosignatureSm2 => SignatureAlg::Sm2Sm3,
        }
    }

    fn key_alg(self) -> KeyAlg {
        match self {
            SignatureType::Ed25519 | SignatureType::CosignatureEd25519 => KeyAlg::Ed25519,
            SignatureType::EcdsaP256 => KeyAlg::P256,
            SignatureType::Sm2 | SignatureType::CosignatureSm2 => KeyAlg::Sm2,
        }
    }

    /// The bytes before the key material.
    fn identifier(self) -> &'static [u8] {
        match self {
            SignatureType::Ed25519 => b"\x01",
            SignatureType::EcdsaP256 => b"\x02",
            SignatureType::Sm2 => b"\xffmifeng-sm2-sm3-v1",
            SignatureType::CosignatureEd25519 => b"\x04",
            SignatureType::CosignatureSm2 => b"\xffmifeng-cosig-sm2-v1",
        }
    }
}

/// A named public key that signs notes in one way. Its text form is a vkey:
/// `name+8 hex digits of the key id+base64(type ‖ key)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    signature_type: SignatureType,
    key: PublicKey,
    id: [u8; 4],
}

impl VerifierKey {
    /// Names a key.
    ///
    /// # Errors
    /// [`Error::Malformed`] if the name is empty, too long, or has spaces, control characters or
    /// a plus sign; [`Error::KeyType`] if the key cannot make such signatures.
    pub fn new(name: &str, signature_type: SignatureType, key: PublicKey) -> Result<Self, Error> {
        check_name(name)?;
        if key.key_alg() != signature_type.key_alg() {
            return Err(Error::KeyType);
        }
        let id = key_id(name, signature_type, material(&key));
        Ok(VerifierKey {
            name: name.to_owned(),
            signature_type,
            key,
            id,
        })
    }

    /// The key name: for a log its origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it signs.
    pub fn signature_type(&self) -> SignatureType {
        self.signature_type
    }

    /// The key id that stands before each signature.
    pub fn id(&self) -> [u8; 4] {
        self.id
    }

    /// The key itself.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Checks a signature over `message`.
    pub(crate) fn check(&self, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        self.key
            .verify(self.signature_type.signature_alg(), message, signature)
            .map_err(|_| Error::BadSignature {
                name: self.name.as_str().into(),
            })
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let data = [self.signature_type.identifier(), material(&self.key)].concat();
        let id = hex::encode(self.id);
        write!(f, "{}+{id}+{}", self.name, STANDARD.encode(data))
    }
}

impl FromStr for VerifierKey {
    type Err = Error;

    /// Reads a vkey, and only the text that [`Display`](fmt::Display) writes.
    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = |reason| Error::Malformed {
            what: "verifier key",
            reason,
        };
        if text.len() > VKEY_LEN_MAX {
            return Err(wrong("too long"));
        }
        let mut fields = text.splitn(3, '+');
        let (Some(name), Some(_), Some(data)) = (fields.next(), fields.next(), fields.next())
        else {
            return Err(wrong("expected name+id+key"));
        };
        let data = STANDARD
            .decode(data)
            .map_err(|_| wrong("key is not base64"))?;
        let signature_type = SignatureType::ALL
            .into_iter()
            .find(|t| data.starts_with(t.identifier()))
            .ok_or_else(|| wrong("unknown signature type"))?;
        let material = &data[signature_type.identifier().len()..];
        let bad_key = || wrong("not a public key of this type");
        let key = match signature_type.key_alg() {
            KeyAlg::Ed25519 => PublicKey::from_ed25519(material.try_into().map_err(|_| bad_key())?),
            _ => PublicKey::from_spki_der(material).map_err(|_| bad_key())?,
        };
        let key = VerifierKey::new(name, signature_type, key)?;
        if key.to_string() != text {
            return Err(wrong("id does not fit the key"));
        }
        Ok(key)
    }
}

/// Key names are non-empty and have neither Unicode spaces nor plus signs (C2SP signed-note);
/// control characters cannot stand in a note at all.
pub(crate) fn check_name(name: &str) -> Result<(), Error> {
    let wrong = |reason| Error::Malformed {
        what: "key name",
        reason,
    };
    if name.is_empty() {
        return Err(wrong("empty"));
    }
    if name.len() > NAME_LEN_MAX {
        return Err(wrong("too long"));
    }
    if name
        .chars()
        .any(|c| c.is_whitespace() || c.is_control() || c == '+')
    {
        return Err(wrong("has a space, a control character or a plus sign"));
    }
    Ok(())
}

/// What stands for the key in a vkey: 32 bytes for Ed25519, SubjectPublicKeyInfo for the others.
fn material(key: &PublicKey) -> &[u8] {
    match key.key_alg() {
        KeyAlg::Ed25519 => key.raw(),
        _ => key.spki_der(),
    }
}

/// The first four bytes of SHA-256 over name, newline, type and key; for ECDSA over the key alone
/// (C2SP signed-note, "Signature types"). An id is a hint, not a commitment, so gm keys use
/// SHA-256 here too and outside tools can sort every line.
fn key_id(name: &str, signature_type: SignatureType, material: &[u8]) -> [u8; 4] {
    let digest = match signature_type {
        SignatureType::EcdsaP256 => HashAlg::Sha256.digest(material),
        _ => HashAlg::Sha256.digest_parts(&[
            name.as_bytes(),
            b"\n",
            signature_type.identifier(),
            material,
        ]),
    };
    let [a, b, c, d, ..] = *digest.as_bytes();
    [a, b, c, d]
}
