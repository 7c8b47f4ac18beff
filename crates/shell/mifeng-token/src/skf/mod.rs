//! Tokens with an SKF library (GM/T 0016, GB/T 35291): SM2.
//!
//! The token signs digests that are made here (GB/T 32918.2 section 5.5). It unwraps an SM4 key to
//! a handle only, so it opens *key blocks*: a small block under that key, which holds the key of
//! what follows.

mod ffi;

use crate::{Error, TokenInfo, Use, choose, choose_certificate};
use ffi::{Api, Handle, Kind};
use mifeng_crypto::{KeyAlg, SignatureAlg, signature_to_der, sm2_digest, sm2enc};
use mifeng_pki::{Certificate, Decrypter, Signer};
use std::path::Path;
use std::rc::Rc;
use zeroize::Zeroizing;

// Codes of GM/T 0016 appendix A that mean something to a person.
const SAR_NOT_SUPPORTED: u32 = 0x0a00_0003;
const SAR_INVALID_HANDLE: u32 = 0x0a00_0005;
const SAR_INVALID_PARAMETER: u32 = 0x0a00_0006;
const SAR_KEY_NOT_FOUND: u32 = 0x0a00_001b;
const SAR_CERTIFICATE_NOT_FOUND: u32 = 0x0a00_001c;
const SAR_DECRYPT: u32 = 0x0a00_001e;
const SAR_BUFFER_TOO_SMALL: u32 = 0x0a00_0020;
const SAR_DEVICE_REMOVED: u32 = 0x0a00_0023;
const SAR_PIN_INCORRECT: u32 = 0x0a00_0024;
const SAR_PIN_LOCKED: u32 = 0x0a00_0025;
const SAR_PIN_INVALID: u32 = 0x0a00_0026;
const SAR_PIN_LEN_RANGE: u32 = 0x0a00_0027;
const SAR_PIN_NOT_SET: u32 = 0x0a00_0029;
const SAR_NOT_LOGGED_IN: u32 = 0x0a00_002d;

/// SM4-CBC (GB/T 33560 6.2).
const ALG_SM4_CBC: u32 = 0x0402;
/// Bytes of a key block: what a bid's leaf has, and not a file.
const KEY_BLOCK_LEN_MAX: usize = 256;

/// What a code of the device means.
fn told(call: &'static str) -> impl Fn(u32) -> Error {
    move |code| match code {
        SAR_PIN_INCORRECT => Error::PinWrong { left: None },
        SAR_PIN_LOCKED => Error::PinLocked,
        SAR_PIN_INVALID | SAR_PIN_LEN_RANGE | SAR_PIN_NOT_SET => Error::PinForm,
        SAR_DEVICE_REMOVED | SAR_INVALID_HANDLE | SAR_NOT_LOGGED_IN => Error::Removed,
        SAR_KEY_NOT_FOUND => Error::NoKey,
        SAR_NOT_SUPPORTED => Error::Unsupported { what: call },
        SAR_DECRYPT => Error::Crypto(mifeng_crypto::Error::Unverified),
        _ => Error::Device {
            call,
            code: u64::from(code),
        },
    }
}

/// A handle that is closed when it goes, and keeps the library and what it was opened in.
struct Owned {
    api: Rc<Api>,
    kind: Kind,
    handle: Handle,
    _in: Option<Rc<Owned>>,
}

impl Drop for Owned {
    fn drop(&mut self) {
        self.api.close(self.kind, self.handle);
    }
}

/// A loaded library.
pub struct Module {
    api: Rc<Api>,
}

impl Module {
    /// Loads the library.
    ///
    /// # Errors
    /// [`Error::Library`].
    pub fn load(path: &Path) -> Result<Self, Error> {
        Ok(Module {
            api: Rc::new(Api::load(path)?),
        })
    }

    fn own(&self, kind: Kind, handle: Handle, parent: Option<&Rc<Owned>>) -> Rc<Owned> {
        Rc::new(Owned {
            api: Rc::clone(&self.api),
            kind,
            handle,
            _in: parent.cloned(),
        })
    }

    fn devices(&self) -> Result<Vec<(Rc<Owned>, TokenInfo)>, Error> {
        let mut found = Vec::new();
        for name in self.api.devices().map_err(told("SKF_EnumDev"))? {
            let handle = self.api.connect(&name).map_err(told("SKF_ConnectDev"))?;
            let device = self.own(Kind::Device, handle, None);
            let info = self.api.info(handle).map_err(told("SKF_GetDevInfo"))?;
            let [maker, label, serial] = info;
            let tries = self.tries(&device);
            found.push((
                device,
                TokenInfo {
                    label,
                    serial,
                    maker,
                    pin_tries: tries,
                    pin_locked: tries == Some(0),
                },
            ));
        }
        Ok(found)
    }

    /// The attempts left in the first application; devices need not tell.
    fn tries(&self, device: &Rc<Owned>) -> Option<u32> {
        let names = self.api.applications(device.handle).ok()?;
        let opened = self.api.application(device.handle, names.first()?).ok()?;
        let application = self.own(Kind::Application, opened, Some(device));
        self.api.pin_tries(application.handle).ok()
    }

    /// The tokens that are plugged in.
    ///
    /// # Errors
    /// As the device reports.
    pub fn tokens(&self) -> Result<Vec<TokenInfo>, Error> {
        Ok(self.devices()?.into_iter().map(|(_, info)| info).collect())
    }

    /// Logs in to the token with this serial number, or to the only one: to the application that
    /// has the certificate wanted, or to the only one that has any. Certificates are read without
    /// a PIN, and no other application is shown it: each counts its own attempts.
    ///
    /// # Errors
    /// [`Error::None`], [`Error::Several`], [`Error::NotThere`], [`Error::NoCertificate`] for an
    /// empty token or one without that certificate, [`Error::SeveralApplications`],
    /// [`Error::PinWrong`], [`Error::PinLocked`], [`Error::PinForm`], and as the device reports.
    pub fn open(
        &self,
        serial: Option<&str>,
        wanted: Option<&Certificate>,
        pin: &[u8],
    ) -> Result<Token, Error> {
        let devices = self.devices()?;
        let infos: Vec<TokenInfo> = devices.iter().map(|(_, info)| info.clone()).collect();
        let (device, info) = &devices[choose(&infos, serial)?];
        let mut fitting = Vec::new();
        let names = self.api.applications(device.handle);
        for name in names.map_err(told("SKF_EnumApplication"))? {
            let opened = self.api.application(device.handle, &name);
            let opened = opened.map_err(told("SKF_OpenApplication"))?;
            let application = self.own(Kind::Application, opened, Some(device));
            let found = self.certificates(&application)?;
            let fits = |held: &Held| wanted.is_none_or(|w| w.der() == held.certificate.der());
            if found.iter().any(fits) {
                fitting.push((application, found));
            }
        }
        if fitting.len() > 1 {
            return Err(Error::SeveralApplications);
        }
        let Some((application, certificates)) = fitting.pop() else {
            let purpose = match wanted {
                Some(wanted) if !Use::Signing.suits(wanted) => Use::Decrypting,
                _ => Use::Signing,
            };
            return Err(Error::NoCertificate { purpose });
        };
        self.log_in(&application, pin)?;
        Ok(Token {
            api: Rc::clone(&self.api),
            certificates,
            info: info.clone(),
        })
    }

    fn log_in(&self, application: &Owned, pin: &[u8]) -> Result<(), Error> {
        let verified = self.api.verify_pin(application.handle, pin);
        verified.map_err(|(code, left)| match told("SKF_VerifyPIN")(code) {
            Error::PinWrong { .. } if left == 0 => Error::PinLocked,
            Error::PinWrong { .. } => Error::PinWrong { left: Some(left) },
            other => other,
        })
    }

    /// The certificates of an application's containers.
    fn certificates(&self, application: &Rc<Owned>) -> Result<Vec<Held>, Error> {
        let mut found = Vec::new();
        let names = self.api.containers(application.handle);
        for name in names.map_err(told("SKF_EnumContainer"))? {
            let opened = self.api.container(application.handle, &name);
            let opened = opened.map_err(told("SKF_OpenContainer"))?;
            let container = self.own(Kind::Container, opened, Some(application));
            for purpose in [Use::Signing, Use::Decrypting] {
                let der = self.api.certificate(opened, purpose == Use::Signing);
                let der = match der {
                    Ok(der) => der,
                    Err(SAR_CERTIFICATE_NOT_FOUND | SAR_KEY_NOT_FOUND) => continue,
                    Err(code) => return Err(told("SKF_ExportCertificate")(code)),
                };
                // RSA containers and certificates that this program refuses are not for it.
                let Ok(certificate) = Certificate::parse(&der) else {
                    continue;
                };
                if certificate.public_key().key_alg() == KeyAlg::Sm2 {
                    found.push(Held {
                        container: Rc::clone(&container),
                        purpose,
                        certificate,
                    });
                }
            }
        }
        Ok(found)
    }
}

/// A certificate and the container that has its key.
#[derive(Clone)]
struct Held {
    container: Rc<Owned>,
    purpose: Use,
    certificate: Certificate,
}

/// A token that somebody has logged in to.
pub struct Token {
    api: Rc<Api>,
    certificates: Vec<Held>,
    info: TokenInfo,
}

impl Token {
    /// What it says of itself.
    pub fn info(&self) -> &TokenInfo {
        &self.info
    }

    /// The certificates in it.
    pub fn certificates(&self) -> impl Iterator<Item = &Certificate> {
        self.certificates.iter().map(|held| &held.certificate)
    }

    fn key(&self, purpose: Use, wanted: Option<&Certificate>) -> Result<Key, Error> {
        let fitting: Vec<&Held> = self
            .certificates
            .iter()
            .filter(|held| held.purpose == purpose)
            .collect();
        let certificates = fitting.iter().map(|held| &held.certificate);
        let at = choose_certificate(certificates, purpose, wanted)?;
        Ok(Key {
            api: Rc::clone(&self.api),
            held: fitting[at].clone(),
        })
    }

    /// The signer of this certificate, or of the only one for signing; `chain` is what stands above
    /// it.
    ///
    /// # Errors
    /// [`Error::NoCertificate`], [`Error::SeveralCertificates`].
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
}

struct Key {
    api: Rc<Api>,
    held: Held,
}

/// A signing key in a token.
pub struct TokenSigner {
    key: Key,
    chain: Vec<Certificate>,
}

impl TokenSigner {
    fn make(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let Key { api, held } = &self.key;
        let public = held.certificate.public_key();
        let point = public.point().ok_or(Error::Mismatch)?;
        let digest = sm2_digest(point, message)?;
        let raw = api
            .sign(held.container.handle, digest.as_bytes())
            .map_err(told("SKF_ECCSignData"))?;
        let signature = signature_to_der(&raw)?;
        // A certificate beside the wrong key would otherwise be noticed by the host only.
        public
            .verify(SignatureAlg::Sm2Sm3, message, &signature)
            .map_err(|_| Error::Mismatch)?;
        Ok(signature)
    }
}

impl Signer for TokenSigner {
    fn certificate(&self) -> &Certificate {
        &self.key.held.certificate
    }
    fn chain(&self) -> &[Certificate] {
        &self.chain
    }
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, mifeng_pki::Error> {
        Ok(self.make(message)?)
    }
}

/// A decryption key in a token. It opens key blocks; plain SM2 decryption is not in the standard.
pub struct TokenDecrypter {
    key: Key,
}

impl TokenDecrypter {
    fn open_block(&self, wrapped: &[u8], block: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let wrong = Error::Crypto(mifeng_crypto::Error::Unverified);
        if block.is_empty() || block.len() > KEY_BLOCK_LEN_MAX || !block.len().is_multiple_of(16) {
            return Err(wrong);
        }
        let blob = cipher_blob(&sm2enc::Parts::from_der(wrapped)?);
        let Key { api, held } = &self.key;
        let handle = api
            .import_session_key(held.container.handle, ALG_SM4_CBC, &blob)
            .map_err(told("SKF_ImportSessionKey"))?;
        let key = Owned {
            api: Rc::clone(api),
            kind: Kind::Key,
            handle,
            _in: Some(Rc::clone(&held.container)),
        };
        let plain = api
            .decrypt(key.handle, block)
            .map_err(told("SKF_Decrypt"))?;
        if plain.len() == block.len() {
            Ok(plain)
        } else {
            Err(wrong)
        }
    }
}

/// ECCCIPHERBLOB: numbers at the right of their 64 bytes, the length little-endian.
fn cipher_blob(parts: &sm2enc::Parts) -> Vec<u8> {
    let len = parts.text.len() as u32;
    [
        &[0; 32][..],
        &parts.x,
        &[0; 32],
        &parts.y,
        &parts.hash,
        &len.to_ne_bytes(),
        &parts.text,
    ]
    .concat()
}

impl Decrypter for TokenDecrypter {
    fn certificate(&self) -> &Certificate {
        &self.key.held.certificate
    }

    fn unwrap_key(&self, _ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, mifeng_pki::Error> {
        Err(Error::Unsupported {
            what: "giving out what was encrypted with SM2",
        }
        .into())
    }

    fn open_key_block(
        &self,
        wrapped: &[u8],
        block: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, mifeng_pki::Error> {
        Ok(self.open_block(wrapped, block)?)
    }

    fn hpke_open(&self, _: &[u8], _: &[u8]) -> Result<Zeroizing<Vec<u8>>, mifeng_pki::Error> {
        Err(Error::Unsupported {
            what: "P-256 through SKF",
        }
        .into())
    }
}
