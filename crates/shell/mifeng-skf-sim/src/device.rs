//! A device: one file with certificates in the clear and keys under the PIN.

use mifeng_crypto::{Entropy, GM, PrivateKey, SystemEntropy};
use mifeng_pki::{Certificate, keyfile};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path;

/// Attempts before the PIN locks.
pub const PIN_TRIES: u32 = 10;
/// Bytes of the shortest and the longest PIN.
pub(crate) const PIN_LEN: std::ops::RangeInclusive<usize> = 6..=64;
/// Rounds over the PIN: a login takes some milliseconds, as in a token.
const ROUNDS: u32 = 10_000;
/// Bytes of the largest device file: a few containers.
const FILE_LEN_MAX: u64 = 1 << 20;

/// A key and its certificate, as they lie in the file.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// DER of the certificate, lower-case hex.
    pub(crate) certificate: String,
    /// PKCS#8 under the PIN.
    pub(crate) key: String,
}

/// A container: a signing pair and an encryption pair.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Container {
    /// Its name.
    pub(crate) name: String,
    /// The pair that signs.
    pub(crate) sign: Option<Pair>,
    /// The pair that decrypts.
    pub(crate) enc: Option<Pair>,
}

/// A device file.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    pub(crate) v: u8,
    pub(crate) label: String,
    pub(crate) serial: String,
    /// PIN attempts left.
    pub(crate) left: u32,
    /// A key under the PIN that is nothing but the test of the PIN.
    pub(crate) pin: String,
    pub(crate) containers: Vec<Container>,
}

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

fn seal(key: &PrivateKey, pin: &[u8]) -> io::Result<String> {
    keyfile::encrypt(key, pin, &GM, ROUNDS, &mut SystemEntropy::new())
        .map_err(|e| bad(&e.to_string()))
}

impl Device {
    /// A device without keys.
    ///
    /// # Errors
    /// If the PIN has not 6 to 64 bytes, or there is no randomness.
    pub fn new(label: &str, pin: &[u8]) -> io::Result<Self> {
        if !PIN_LEN.contains(&pin.len()) || pin.contains(&0) {
            return Err(bad("a PIN has 6 to 64 bytes"));
        }
        let entropy = &mut SystemEntropy::new();
        let mut serial = [0; 8];
        let failed = |e: mifeng_crypto::Error| bad(&e.to_string());
        entropy.fill(&mut serial).map_err(failed)?;
        let probe = PrivateKey::generate(mifeng_crypto::KeyAlg::Sm2, entropy).map_err(failed)?;
        Ok(Device {
            v: 1,
            label: label.to_owned(),
            serial: hex::encode_upper(serial),
            left: PIN_TRIES,
            pin: seal(&probe, pin)?,
            containers: Vec::new(),
        })
    }

    /// Its serial number.
    pub fn serial(&self) -> &str {
        &self.serial
    }

    /// Adds a container with the pairs given.
    ///
    /// # Errors
    /// If the PIN is not the device's, or a key cannot be written.
    pub fn add(
        &mut self,
        name: &str,
        pin: &[u8],
        sign: Option<(&PrivateKey, &Certificate)>,
        enc: Option<(&PrivateKey, &Certificate)>,
    ) -> io::Result<()> {
        keyfile::decrypt(&self.pin, pin).map_err(|e| bad(&e.to_string()))?;
        let pair = |given: Option<(&PrivateKey, &Certificate)>| -> io::Result<Option<Pair>> {
            let Some((key, certificate)) = given else {
                return Ok(None);
            };
            Ok(Some(Pair {
                certificate: hex::encode(certificate.der()),
                key: seal(key, pin)?,
            }))
        };
        self.containers.push(Container {
            name: name.to_owned(),
            sign: pair(sign)?,
            enc: pair(enc)?,
        });
        Ok(())
    }

    /// Reads a device file.
    ///
    /// # Errors
    /// If it is not there, too large, or none.
    pub fn load(path: &Path) -> io::Result<Self> {
        if std::fs::metadata(path)?.len() > FILE_LEN_MAX {
            return Err(bad("device file too large"));
        }
        let device: Device =
            serde_json::from_slice(&std::fs::read(path)?).map_err(|e| bad(&e.to_string()))?;
        if device.v == 1 {
            Ok(device)
        } else {
            Err(bad("device file of another version"))
        }
    }

    /// Writes the device file; an older one is replaced whole.
    ///
    /// # Errors
    /// As writing fails.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(self).map_err(|e| bad(&e.to_string()))?;
        let part = path.with_extension("part");
        std::fs::write(&part, text)?;
        std::fs::rename(&part, path)
    }
}
