//! A device: one file with certificates in the clear and keys under the PIN.

use mifeng_crypto::{Entropy, GM, PrivateKey, SystemEntropy};
use mifeng_pki::{Certificate, keyfile};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path;

/// The first application of a simulated device.
const APPLICATION: &str = "MIFENG";
/// Version of the device file: 2 has applications.
const VERSION: u8 = 2;
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

/// An application: what has a PIN of its own.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Application {
    /// Its name.
    pub(crate) name: String,
    /// PIN attempts left.
    pub(crate) left: u32,
    /// A key under the PIN that is nothing but the test of the PIN.
    pub(crate) pin: String,
    pub(crate) containers: Vec<Container>,
}

/// A device file.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    pub(crate) v: u8,
    pub(crate) label: String,
    pub(crate) serial: String,
    pub(crate) applications: Vec<Application>,
}

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

fn seal(key: &PrivateKey, pin: &[u8]) -> io::Result<String> {
    keyfile::encrypt(key, pin, &GM, ROUNDS, &mut SystemEntropy::new())
        .map_err(|e| bad(&e.to_string()))
}

impl Device {
    /// A device with one application, without keys.
    ///
    /// # Errors
    /// If the PIN has not 6 to 64 bytes, or there is no randomness.
    pub fn new(label: &str, pin: &[u8]) -> io::Result<Self> {
        let mut serial = [0; 8];
        let filled = SystemEntropy::new().fill(&mut serial);
        filled.map_err(|e| bad(&e.to_string()))?;
        let mut device = Device {
            v: VERSION,
            label: label.to_owned(),
            serial: hex::encode_upper(serial),
            applications: Vec::new(),
        };
        device.add_application(APPLICATION, pin)?;
        Ok(device)
    }

    /// Adds an application with a PIN of its own; [`Self::add`] adds to the newest one.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn add_application(&mut self, name: &str, pin: &[u8]) -> io::Result<()> {
        if !PIN_LEN.contains(&pin.len()) || pin.contains(&0) {
            return Err(bad("a PIN has 6 to 64 bytes"));
        }
        let entropy = &mut SystemEntropy::new();
        let probe = PrivateKey::generate(mifeng_crypto::KeyAlg::Sm2, entropy);
        let probe = probe.map_err(|e| bad(&e.to_string()))?;
        self.applications.push(Application {
            name: name.to_owned(),
            left: PIN_TRIES,
            pin: seal(&probe, pin)?,
            containers: Vec::new(),
        });
        Ok(())
    }

    pub(crate) fn application(&mut self, name: &str) -> Option<&mut Application> {
        self.applications.iter_mut().find(|one| one.name == name)
    }

    /// Its serial number.
    pub fn serial(&self) -> &str {
        &self.serial
    }

    /// Adds a container with the pairs given to the newest application.
    ///
    /// # Errors
    /// If the PIN is not the application's, or a key cannot be written.
    pub fn add(
        &mut self,
        name: &str,
        pin: &[u8],
        sign: Option<(&PrivateKey, &Certificate)>,
        enc: Option<(&PrivateKey, &Certificate)>,
    ) -> io::Result<()> {
        let newest = self.applications.last_mut();
        let newest = newest.ok_or_else(|| bad("no application"))?;
        keyfile::decrypt(&newest.pin, pin).map_err(|e| bad(&e.to_string()))?;
        let pair = |given: Option<(&PrivateKey, &Certificate)>| -> io::Result<Option<Pair>> {
            let Some((key, certificate)) = given else {
                return Ok(None);
            };
            Ok(Some(Pair {
                certificate: hex::encode(certificate.der()),
                key: seal(key, pin)?,
            }))
        };
        newest.containers.push(Container {
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
        if device.v == VERSION {
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
