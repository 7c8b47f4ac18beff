//! Tokens and machines with a PKCS#11 module (OASIS PKCS#11 2.40): RSA and P-256.
//!
//! PKCS#11 has no standard mechanism for SM2; SM2 tokens speak SKF (see [`crate::skf`]).

mod told;

use crate::{Error, TokenInfo, Use, choose, choose_certificate};
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error as Failure, RvError};
use cryptoki::mechanism::elliptic_curve::{EcKdf, Ecdh1DeriveParams};
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsOaepParams, PkcsOaepSource};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{
    Attribute, AttributeType, CertificateType, KeyType, ObjectClass, ObjectHandle,
};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::RawAuthPin;
use mifeng_crypto::{
    HashAlg, KeyAlg, Point, PublicKey, SignatureAlg, hpke, oaep, signature_to_der,
};
use mifeng_pki::{Certificate, Decrypter, Signer};
use std::path::Path;
use std::rc::Rc;
use told::told;
use zeroize::Zeroizing;

/// A loaded module.
pub struct Module {
    context: Pkcs11,
}

impl Module {
    /// Loads the module and starts it.
    ///
    /// # Errors
    /// [`Error::Library`].
    pub fn load(path: &Path) -> Result<Self, Error> {
        let wrong = |reason: &dyn ToString| Error::Library {
            path: path.display().to_string(),
            reason: reason.to_string(),
        };
        let context = Pkcs11::new(path).map_err(|e| wrong(&e))?;
        match context.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            // Another part of this process may have started it.
            Ok(()) | Err(Failure::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {
                Ok(Module { context })
            }
            Err(e) => Err(wrong(&e)),
        }
    }

    fn slots(&self) -> Result<Vec<(Slot, TokenInfo)>, Error> {
        let slots = self.context.get_slots_with_initialized_token();
        let mut found = Vec::new();
        for slot in slots.map_err(told)? {
            let info = self.context.get_token_info(slot).map_err(told)?;
            let tries = info.user_pin_final_try().then_some(1);
            found.push((
                slot,
                TokenInfo {
                    label: info.label().to_owned(),
                    serial: info.serial_number().to_owned(),
                    maker: info.manufacturer_id().to_owned(),
                    pin_tries: tries,
                    pin_locked: info.user_pin_locked(),
                },
            ));
        }
        Ok(found)
    }

    /// The tokens that are plugged in and initialised.
    ///
    /// # Errors
    /// As the device reports.
    pub fn tokens(&self) -> Result<Vec<TokenInfo>, Error> {
        Ok(self.slots()?.into_iter().map(|(_, info)| info).collect())
    }

    /// Logs in to the token with this serial number, or to the only one.
    ///
    /// # Errors
    /// [`Error::None`], [`Error::Several`], [`Error::NotThere`], [`Error::PinWrong`],
    /// [`Error::PinLocked`], [`Error::PinForm`], and as the device reports.
    pub fn open(&self, serial: Option<&str>, pin: &[u8]) -> Result<Token, Error> {
        let slots = self.slots()?;
        let infos: Vec<TokenInfo> = slots.iter().map(|(_, info)| info.clone()).collect();
        let (slot, info) = &slots[choose(&infos, serial)?];
        if info.pin_locked {
            return Err(Error::PinLocked);
        }
        let session = self.context.open_rw_session(*slot).map_err(told)?;
        let secret = RawAuthPin::new(Box::new(pin.to_vec()));
        match session.login_with_raw(UserType::User, &secret) {
            Ok(()) | Err(Failure::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {}
            Err(error) => {
                let error = told(error);
                let left = self.slots()?.into_iter().find(|(s, _)| s == slot);
                return Err(match (error, left) {
                    (Error::PinWrong { .. }, Some((_, now))) if now.pin_locked => Error::PinLocked,
                    (Error::PinWrong { .. }, Some((_, now))) => Error::PinWrong {
                        left: now.pin_tries,
                    },
                    (other, _) => other,
                });
            }
        }
        let session = Rc::new(session);
        let certificates = certificates(&session)?;
        Ok(Token {
            session,
            certificates,
            info: info.clone(),
        })
    }
}

fn certificates(session: &Session) -> Result<Vec<(Certificate, Vec<u8>)>, Error> {
    let template = [
        Attribute::Class(ObjectClass::CERTIFICATE),
        Attribute::CertificateType(CertificateType::X_509),
    ];
    let mut found = Vec::new();
    for object in session.find_objects(&template).map_err(told)? {
        let wanted = [AttributeType::Value, AttributeType::Id];
        let (mut der, mut id) = (None, Vec::new());
        for attribute in session.get_attributes(object, &wanted).map_err(told)? {
            match attribute {
                Attribute::Value(bytes) => der = Some(bytes),
                Attribute::Id(bytes) => id = bytes,
                _ => {}
            }
        }
        // Certificates that this program refuses are somebody else's.
        if let Some(certificate) = der.and_then(|der| Certificate::parse(&der).ok()) {
            found.push((certificate, id));
        }
    }
    Ok(found)
}

/// A token that somebody has logged in to.
pub struct Token {
    session: Rc<Session>,
    certificates: Vec<(Certificate, Vec<u8>)>,
    info: TokenInfo,
}

impl Token {
    /// What it says of itself.
    pub fn info(&self) -> &TokenInfo {
        &self.info
    }

    /// The certificates in it.
    pub fn certificates(&self) -> impl Iterator<Item = &Certificate> {
        self.certificates.iter().map(|(certificate, _)| certificate)
    }

    fn key(&self, purpose: Use, wanted: Option<&Certificate>) -> Result<Key, Error> {
        let at = choose_certificate(self.certificates(), purpose, wanted)?;
        let (certificate, id) = &self.certificates[at];
        let template = [
            Attribute::Class(ObjectClass::PRIVATE_KEY),
            Attribute::Id(id.clone()),
        ];
        let keys = self.session.find_objects(&template).map_err(told)?;
        let object = *keys.first().ok_or(Error::NoKey)?;
        let kind = match certificate.public_key().key_alg() {
            KeyAlg::P256 => KeyType::EC,
            KeyAlg::Rsa { .. } => KeyType::RSA,
            _ => return Err(UNKNOWN_KEY),
        };
        let found = self
            .session
            .get_attributes(object, &[AttributeType::KeyType]);
        if found.map_err(told)? != [Attribute::KeyType(kind)] {
            return Err(Error::Mismatch);
        }
        Ok(Key {
            session: Rc::clone(&self.session),
            object,
            certificate: certificate.clone(),
        })
    }

    /// The signer of this certificate, or of the only one for signing; `chain` is what stands above
    /// it.
    ///
    /// # Errors
    /// [`Error::NoCertificate`], [`Error::SeveralCertificates`], [`Error::NoKey`].
    pub fn signer(
        &self,
        wanted: Option<&Certificate>,
        chain: Vec<Certificate>,
    ) -> Result<TokenSigner, Error> {
        let key = self.key(Use::Signing, wanted)?;
        Ok(TokenSigner { key, chain })
    }

    /// The decrypter of this certificate, or of the only one for encryption.
    ///
    /// # Errors
    /// As [`Self::signer`].
    pub fn decrypter(&self, wanted: Option<&Certificate>) -> Result<TokenDecrypter, Error> {
        let key = self.key(Use::Decrypting, wanted)?;
        Ok(TokenDecrypter { key })
    }

    /// Makes a key pair that never leaves the token, for a certificate to be issued to.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for algorithms other than P-256 and RSA; as the device reports.
    pub fn generate(&self, alg: KeyAlg, id: &[u8], purpose: Use) -> Result<PublicKey, Error> {
        let signs = purpose == Use::Signing;
        let mut public = vec![
            Attribute::Token(true),
            Attribute::Private(false),
            Attribute::Id(id.to_vec()),
            Attribute::Verify(signs),
        ];
        let mut private = vec![
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Id(id.to_vec()),
            Attribute::Sign(signs),
        ];
        let mechanism = match alg {
            KeyAlg::P256 => {
                public.push(Attribute::EcParams(OID_P256.to_vec()));
                private.push(Attribute::Derive(!signs));
                Mechanism::EccKeyPairGen
            }
            KeyAlg::Rsa { bits } => {
                public.push(Attribute::ModulusBits((bits as u64).into()));
                public.push(Attribute::PublicExponent(vec![1, 0, 1]));
                public.push(Attribute::Encrypt(!signs));
                private.push(Attribute::Decrypt(!signs));
                Mechanism::RsaPkcsKeyPairGen
            }
            _ => return Err(UNKNOWN_KEY),
        };
        let (object, _) = self
            .session
            .generate_key_pair(&mechanism, &public, &private)
            .map_err(told)?;
        self.public_key(alg, object)
    }

    fn public_key(&self, alg: KeyAlg, object: ObjectHandle) -> Result<PublicKey, Error> {
        let attributes =
            |wanted: &[AttributeType]| self.session.get_attributes(object, wanted).map_err(told);
        if alg == KeyAlg::P256 {
            let found = attributes(&[AttributeType::EcPoint])?;
            // CKA_EC_POINT is an OCTET STRING around the point, which some makers leave out.
            let point = found.iter().find_map(|attribute| match attribute {
                Attribute::EcPoint(bytes) => bytes.get(bytes.len().checked_sub(65)?..),
                _ => None,
            });
            let point = point.ok_or(UNKNOWN_KEY)?;
            let point = Point::from_uncompressed(mifeng_crypto::Curve::P256, point)?;
            return Ok(PublicKey::from_point(&point));
        }
        let (mut modulus, mut exponent) = (Vec::new(), Vec::new());
        for attribute in attributes(&[AttributeType::Modulus, AttributeType::PublicExponent])? {
            match attribute {
                Attribute::Modulus(bytes) => modulus = bytes,
                Attribute::PublicExponent(bytes) => exponent = bytes,
                _ => {}
            }
        }
        Ok(PublicKey::from_rsa(&modulus, &exponent)?)
    }

    /// Writes a certificate beside the key with this id.
    ///
    /// # Errors
    /// As the device reports.
    pub fn store(&mut self, certificate: &Certificate, id: &[u8]) -> Result<(), Error> {
        let template = [
            Attribute::Class(ObjectClass::CERTIFICATE),
            Attribute::CertificateType(CertificateType::X_509),
            Attribute::Token(true),
            Attribute::Private(false),
            Attribute::Id(id.to_vec()),
            Attribute::Subject(certificate.subject_raw().to_vec()),
            Attribute::Value(certificate.der().to_vec()),
        ];
        self.session.create_object(&template).map_err(told)?;
        self.certificates.push((certificate.clone(), id.to_vec()));
        Ok(())
    }
}

/// The object identifier of P-256 in DER.
const OID_P256: [u8; 10] = [6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const UNKNOWN_KEY: Error = Error::Unsupported {
    what: "keys other than P-256 and RSA through PKCS#11",
};

struct Key {
    session: Rc<Session>,
    object: ObjectHandle,
    certificate: Certificate,
}

/// A signing key in a token.
pub struct TokenSigner {
    key: Key,
    chain: Vec<Certificate>,
}

impl TokenSigner {
    fn make(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let Key {
            session,
            object,
            certificate,
        } = &self.key;
        let public = certificate.public_key();
        let (signature, alg) = match public.key_alg() {
            KeyAlg::P256 => {
                let digest = HashAlg::Sha256.digest(message);
                let raw = session
                    .sign(&Mechanism::Ecdsa, *object, digest.as_bytes())
                    .map_err(told)?;
                let raw = raw.as_slice().try_into().map_err(|_| Error::Mismatch)?;
                (signature_to_der(raw)?, SignatureAlg::EcdsaP256Sha256)
            }
            KeyAlg::Rsa { .. } => {
                let made = session.sign(&Mechanism::Sha256RsaPkcs, *object, message);
                (made.map_err(told)?, SignatureAlg::RsaPkcs1Sha256)
            }
            _ => return Err(UNKNOWN_KEY),
        };
        // A certificate beside the wrong key would otherwise be noticed by the host only.
        public
            .verify(alg, message, &signature)
            .map_err(|_| Error::Mismatch)?;
        Ok(signature)
    }
}

impl Signer for TokenSigner {
    fn certificate(&self) -> &Certificate {
        &self.key.certificate
    }
    fn chain(&self) -> &[Certificate] {
        &self.chain
    }
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, mifeng_pki::Error> {
        Ok(self.make(message)?)
    }
}

/// A decryption key in a token.
pub struct TokenDecrypter {
    key: Key,
}

impl TokenDecrypter {
    /// RSAES-OAEP with SHA-256: by the token if it knows it, else bare RSA there and the padding
    /// here (SoftHSM2 and older cards know OAEP with SHA-1 only).
    fn oaep(&self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let parameters = PkcsOaepParams::new(
            MechanismType::SHA256,
            PkcsMgfType::MGF1_SHA256,
            PkcsOaepSource::empty(),
        );
        let decrypt = |mechanism: &Mechanism<'_>| {
            let plain = self
                .key
                .session
                .decrypt(mechanism, self.key.object, ciphertext);
            plain.map(Zeroizing::new).map_err(told)
        };
        match decrypt(&Mechanism::RsaPkcsOaep(parameters)) {
            Err(Error::Unsupported { .. }) => Ok(oaep::decode(&decrypt(&Mechanism::RsaX509)?)?),
            other => other,
        }
    }

    /// ECDH (SP 800-56A, x-coordinate only) by the token.
    fn ecdh(&self, point: &Point) -> Result<Zeroizing<[u8; 32]>, Error> {
        let Key {
            session, object, ..
        } = &self.key;
        let public = point.to_uncompressed();
        let parameters = Ecdh1DeriveParams::new(EcKdf::null(), &public);
        let template = [
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(KeyType::GENERIC_SECRET),
            Attribute::ValueLen(32_u64.into()),
            Attribute::Sensitive(false),
            Attribute::Extractable(true),
            Attribute::Token(false),
        ];
        let derived = session
            .derive_key(&Mechanism::Ecdh1Derive(parameters), *object, &template)
            .map_err(told)?;
        let value = session.get_attributes(derived, &[AttributeType::Value]);
        let destroyed = session.destroy_object(derived);
        let value = value.map_err(told)?;
        destroyed.map_err(told)?;
        let mut out = Zeroizing::new([0; 32]);
        for attribute in value {
            if let Attribute::Value(bytes) = attribute {
                let bytes = Zeroizing::new(bytes);
                let found = <&[u8; 32]>::try_from(&bytes[..]).map_err(|_| UNKNOWN_KEY)?;
                out.copy_from_slice(found);
            }
        }
        Ok(out)
    }
}

impl Decrypter for TokenDecrypter {
    fn certificate(&self) -> &Certificate {
        &self.key.certificate
    }

    fn unwrap_key(&self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, mifeng_pki::Error> {
        match self.key.certificate.public_key().key_alg() {
            KeyAlg::Rsa { .. } => Ok(self.oaep(ciphertext)?),
            _ => Err(UNKNOWN_KEY.into()),
        }
    }

    fn hpke_open(
        &self,
        info: &[u8],
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, mifeng_pki::Error> {
        let public = self.key.certificate.public_key();
        match (public.key_alg(), public.point()) {
            (KeyAlg::P256, Some(own)) => {
                let opened = hpke::open_with(own, info, ciphertext, |point| self.ecdh(point));
                Ok(opened?)
            }
            _ => Err(UNKNOWN_KEY.into()),
        }
    }
}
