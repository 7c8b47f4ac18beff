//! A person's keys and certificates, found in whatever files were chosen: the folder that the command uses, or PKCS#12.

use crate::audit::{Problem, small_up_to};
use crate::slices::{Given, ReadAt};
use mifeng::Error;
use mifeng::crypto::PrivateKey;
use mifeng::pki::keyfile::{self, pkcs12};
use mifeng::pki::{Certificate, SoftwareDecrypter, SoftwareSigner, pem};
use std::sync::Arc;

/// Bytes of a key file or certificate file; what is larger is somebody's document, and left alone.
const FILE_LEN_MAX: u64 = pkcs12::LEN_MAX as u64;
/// Files that are looked into: an identity folder has six.
const FILES_MAX: usize = 64;
const ENCRYPTED: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----";
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----";

/// Whether the tender recognises a certificate, with those above it.
pub(crate) type Recognises<'a> = &'a dyn Fn(&Certificate, &[Certificate]) -> bool;

/// What the files held.
#[derive(Default)]
pub(crate) struct Wallet {
    keys: Vec<PrivateKey>,
    certificates: Vec<Certificate>,
}

impl Wallet {
    /// Opens every key with the one passphrase.
    pub(crate) fn open(
        files: &[Given],
        pin: &[u8],
        from: &Arc<dyn ReadAt>,
    ) -> Result<Self, Problem> {
        let mut wallet = Wallet::default();
        if files.len() > FILES_MAX {
            let e = Error::Malformed {
                what: "identity",
                detail: format!("{} files, at most {FILES_MAX}", files.len()),
            };
            return Err(Problem::of(&files[FILES_MAX], &e));
        }
        for file in files.iter().filter(|file| file.size <= FILE_LEN_MAX) {
            small_up_to(file, from, FILE_LEN_MAX, |bytes| wallet.take(bytes, pin))?;
        }
        Ok(wallet)
    }

    /// Keys in the clear are not taken: the command takes none either.
    fn take(&mut self, bytes: &[u8], pin: &[u8]) -> Result<(), Error> {
        if pkcs12::is_pkcs12(bytes) {
            let found = pkcs12::read(bytes, pin)?;
            self.keys.extend(found.keys.into_iter().map(|one| one.key));
            self.certificates.extend(found.certificates);
            return Ok(());
        }
        if bytes.first() == Some(&0x30) {
            match Certificate::parse(bytes) {
                Ok(certificate) => self.certificates.push(certificate),
                Err(_) => self.keys.push(keyfile::decrypt_der(bytes, pin)?),
            }
            return Ok(());
        }
        // Comments around PEM blocks may be in any encoding.
        let text = String::from_utf8_lossy(bytes);
        if text.contains(ENCRYPTED) {
            self.keys.push(keyfile::decrypt(&text, pin)?);
        }
        if text.contains(CERTIFICATE) {
            self.certificates.extend(pem::certificates(&text)?);
        }
        Ok(())
    }

    /// Certificate and key of one use; of several one that the tender recognises, and of those the one that is valid longest.
    fn pair(
        &self,
        fits: fn(&Certificate) -> bool,
        knows: Recognises<'_>,
    ) -> Option<(&PrivateKey, &Certificate)> {
        let own = self.certificates.iter().filter(|one| fits(one));
        let pairs = own.filter_map(|certificate| Some((self.key_of(certificate)?, certificate)));
        pairs.max_by_key(|(_, one)| (knows(one, &self.above(one)), one.not_after()))
    }

    fn key_of(&self, certificate: &Certificate) -> Option<&PrivateKey> {
        let wanted = certificate.public_key();
        self.keys.iter().find(|key| {
            key.public_key().is_ok_and(|found| {
                found.key_alg() == wanted.key_alg() && found.raw() == wanted.raw()
            })
        })
    }

    /// The certificates above one, nearest first, without the root.
    fn above(&self, certificate: &Certificate) -> Vec<Certificate> {
        let mut chain: Vec<Certificate> = Vec::new();
        let mut below = certificate;
        // No certificate twice, so the walk ends.
        while let Some(above) = self.certificates.iter().find(|one| {
            one.subject_raw() == below.issuer_raw()
                && !one.is_self_issued()
                && one.der() != certificate.der()
                && chain.iter().all(|known| known.der() != one.der())
        }) {
            chain.push(above.clone());
            below = above;
        }
        chain
    }

    /// The signing key.
    pub(crate) fn signer(&self, knows: Recognises<'_>) -> Result<SoftwareSigner, Error> {
        let signs = |one: &Certificate| {
            let uses = one.key_usage();
            !one.is_ca() && uses.is_none_or(|uses| uses.signs() || uses.signs_digitally())
        };
        let missing = || missing("a signing certificate with its key (签名证书及密钥)");
        let (key, certificate) = self.pair(signs, knows).ok_or_else(missing)?;
        let chain = self.above(certificate);
        Ok(SoftwareSigner::new(
            again(key)?,
            certificate.clone(),
            chain,
        )?)
    }

    /// The key that opens what is sealed to the bidder itself.
    pub(crate) fn decrypter(&self, knows: Recognises<'_>) -> Result<SoftwareDecrypter, Error> {
        let encrypts =
            |one: &Certificate| !one.is_ca() && one.key_usage().is_none_or(|uses| uses.encrypts());
        let missing = || missing("an encryption certificate with its key (加密证书及密钥)");
        let (key, certificate) = self.pair(encrypts, knows).ok_or_else(missing)?;
        Ok(SoftwareDecrypter::new(again(key)?, certificate.clone())?)
    }
}

fn missing(what: &str) -> Error {
    Error::Malformed {
        what: "identity",
        detail: format!("the files chosen have not {what}"),
    }
}

/// The same key once more: one pair may serve both uses.
fn again(key: &PrivateKey) -> Result<PrivateKey, Error> {
    Ok(PrivateKey::from_pkcs8_der(&key.to_pkcs8_der()?)?)
}
