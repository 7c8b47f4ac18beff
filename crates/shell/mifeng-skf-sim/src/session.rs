//! What a program has open: devices, applications, containers, session keys. All in safe code; the
//! handles that cross the border are numbers, never addresses.

use crate::device::{Application, Device, PIN_LEN, PIN_TRIES, Pair};
use mifeng_crypto::sm4::{self, Sm4, cbc};
use mifeng_crypto::{PrivateKey, signature_from_der, sm2enc};
use mifeng_pki::keyfile;
use signature::hazmat::PrehashSigner as _;
use sm2::pkcs8::DecodePrivateKey as _;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};
use zeroize::Zeroizing;

/// Return codes of GM/T 0016 appendix A.
pub(crate) mod sar {
    pub(crate) const FAIL: u32 = 0x0a00_0001;
    pub(crate) const INVALID_HANDLE: u32 = 0x0a00_0005;
    pub(crate) const INVALID_PARAMETER: u32 = 0x0a00_0006;
    pub(crate) const KEY_NOT_FOUND: u32 = 0x0a00_001b;
    pub(crate) const CERTIFICATE_NOT_FOUND: u32 = 0x0a00_001c;
    pub(crate) const DECRYPT: u32 = 0x0a00_001e;
    pub(crate) const BUFFER_TOO_SMALL: u32 = 0x0a00_0020;
    pub(crate) const DEVICE_REMOVED: u32 = 0x0a00_0023;
    pub(crate) const PIN_INCORRECT: u32 = 0x0a00_0024;
    pub(crate) const PIN_LOCKED: u32 = 0x0a00_0025;
    pub(crate) const PIN_LEN_RANGE: u32 = 0x0a00_0027;
    pub(crate) const NOT_LOGGED_IN: u32 = 0x0a00_002d;
    pub(crate) const NO_APPLICATION: u32 = 0x0a00_002e;
}

/// SM4 in ECB and in CBC (GB/T 33560).
const ALG_SM4_ECB: u32 = 0x0401;
const ALG_SM4_CBC: u32 = 0x0402;
/// Handles open at once: a program that loses them should notice.
const HANDLES_MAX: usize = 1_024;

pub(crate) type Done<T> = Result<T, u32>;

enum Object {
    Device {
        path: PathBuf,
        /// The PINs of the applications that somebody logged in to.
        pins: HashMap<String, Zeroizing<Vec<u8>>>,
    },
    Application {
        device: usize,
        name: String,
    },
    Container {
        device: usize,
        application: String,
        name: String,
    },
    SessionKey {
        device: usize,
        key: Box<Sm4>,
        alg: u32,
        iv: Option<[u8; sm4::BLOCK]>,
    },
}

#[derive(Default)]
struct Table {
    last: usize,
    objects: HashMap<usize, Object>,
}

/// Everything open in this process.
static OPEN: Mutex<Option<Table>> = Mutex::new(None);

/// A look at the table.
pub(crate) struct Open(MutexGuard<'static, Option<Table>>);

pub(crate) fn open() -> Open {
    // A panic elsewhere leaves the table as whole as it was.
    Open(
        OPEN.lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner),
    )
}

impl Open {
    fn table(&mut self) -> &mut Table {
        self.0.get_or_insert_default()
    }

    fn put(&mut self, object: Object) -> Done<usize> {
        let table = self.table();
        if table.objects.len() >= HANDLES_MAX {
            return Err(sar::FAIL);
        }
        table.last += 1;
        table.objects.insert(table.last, object);
        Ok(table.last)
    }

    fn get(&mut self, handle: usize) -> Done<&mut Object> {
        self.table()
            .objects
            .get_mut(&handle)
            .ok_or(sar::INVALID_HANDLE)
    }

    /// Closes a handle, and with a device everything opened through it.
    pub(crate) fn close(&mut self, handle: usize) -> Done<()> {
        let objects = &mut self.table().objects;
        objects.remove(&handle).ok_or(sar::INVALID_HANDLE)?;
        objects.retain(|_, object| match object {
            Object::Device { .. } => true,
            Object::Application { device, .. }
            | Object::Container { device, .. }
            | Object::SessionKey { device, .. } => *device != handle,
        });
        Ok(())
    }

    pub(crate) fn connect(&mut self, folder: &Path, name: &str) -> Done<usize> {
        if name.contains(['/', '\\', '\0']) {
            return Err(sar::INVALID_PARAMETER);
        }
        let path = folder.join(format!("{name}.skf"));
        Device::load(&path).map_err(|_| sar::DEVICE_REMOVED)?;
        let pins = HashMap::new();
        self.put(Object::Device { path, pins })
    }

    /// The device of a handle of any kind, read anew: a file that is gone was pulled out.
    fn device(&mut self, handle: usize) -> Done<(usize, PathBuf, Device)> {
        let device = match self.get(handle)? {
            Object::Device { .. } => handle,
            Object::Application { device, .. }
            | Object::Container { device, .. }
            | Object::SessionKey { device, .. } => *device,
        };
        let Object::Device { path, .. } = self.get(device)? else {
            return Err(sar::INVALID_HANDLE);
        };
        let path = path.clone();
        let read = Device::load(&path).map_err(|_| sar::DEVICE_REMOVED)?;
        Ok((device, path, read))
    }

    /// Label, serial number.
    pub(crate) fn info(&mut self, handle: usize) -> Done<(String, String)> {
        let (_, _, device) = self.device(handle)?;
        Ok((device.label, device.serial))
    }

    pub(crate) fn application(&mut self, device: usize, name: &str) -> Done<usize> {
        let (device, _, mut read) = self.device(device)?;
        read.application(name).ok_or(sar::NO_APPLICATION)?;
        self.put(Object::Application {
            device,
            name: name.to_owned(),
        })
    }

    /// The names of a device's applications.
    pub(crate) fn applications(&mut self, device: usize) -> Done<Vec<String>> {
        let (_, _, read) = self.device(device)?;
        Ok(read.applications.into_iter().map(|one| one.name).collect())
    }

    /// The application of a handle of one, or of a container in it.
    fn application_of(&mut self, handle: usize) -> Done<Application> {
        let (_, _, mut device) = self.device(handle)?;
        let name = match self.get(handle)? {
            Object::Application { name, .. } => name,
            Object::Container { application, .. } => application,
            _ => return Err(sar::INVALID_HANDLE),
        };
        let found = device.application(name).ok_or(sar::NO_APPLICATION)?;
        Ok(found.clone())
    }

    /// Attempts allowed, attempts left.
    pub(crate) fn pin_info(&mut self, application: usize) -> Done<(u32, u32)> {
        Ok((PIN_TRIES, self.application_of(application)?.left))
    }

    /// Logs in; with a refusal the attempts left.
    pub(crate) fn verify_pin(&mut self, application: usize, pin: &[u8]) -> Result<(), (u32, u32)> {
        let failed = |e| (e, 0);
        let (handle, path, mut device) = self.device(application).map_err(failed)?;
        let Application {
            name,
            left,
            pin: test,
            ..
        } = self.application_of(application).map_err(failed)?;
        if left == 0 {
            return Err((sar::PIN_LOCKED, 0));
        }
        if !PIN_LEN.contains(&pin.len()) {
            return Err((sar::PIN_LEN_RANGE, left));
        }
        let mut store = |left: u32| {
            if let Some(one) = device.application(&name) {
                one.left = left;
            }
            device.save(&path).map_err(|_| (sar::DEVICE_REMOVED, 0))
        };
        // Counted before it is tried: pulling the plug in between gains nobody an attempt.
        store(left - 1)?;
        if keyfile::decrypt(&test, pin).is_err() {
            let code = if left == 1 {
                sar::PIN_LOCKED
            } else {
                sar::PIN_INCORRECT
            };
            return Err((code, left - 1));
        }
        store(PIN_TRIES)?;
        if let Ok(Object::Device { pins, .. }) = self.get(handle) {
            pins.insert(name, Zeroizing::new(pin.to_vec()));
        }
        Ok(())
    }

    pub(crate) fn containers(&mut self, application: usize) -> Done<Vec<String>> {
        let found = self.application_of(application)?.containers;
        Ok(found.into_iter().map(|c| c.name).collect())
    }

    pub(crate) fn container(&mut self, application: usize, name: &str) -> Done<usize> {
        let (device, ..) = self.device(application)?;
        let found = self.application_of(application)?;
        if !found.containers.iter().any(|c| c.name == name) {
            return Err(sar::KEY_NOT_FOUND);
        }
        self.put(Object::Container {
            device,
            application: found.name,
            name: name.to_owned(),
        })
    }

    fn pair(&mut self, container: usize, signs: bool) -> Done<(String, Pair)> {
        let application = self.application_of(container)?;
        let Object::Container { name, .. } = self.get(container)? else {
            return Err(sar::INVALID_HANDLE);
        };
        let found = application.containers.into_iter().find(|c| c.name == *name);
        let found = found.ok_or(sar::KEY_NOT_FOUND)?;
        let pair = if signs { found.sign } else { found.enc };
        Ok((application.name, pair.ok_or(sar::CERTIFICATE_NOT_FOUND)?))
    }

    pub(crate) fn certificate(&mut self, container: usize, signs: bool) -> Done<Vec<u8>> {
        let (_, pair) = self.pair(container, signs)?;
        hex::decode(pair.certificate).map_err(|_| sar::FAIL)
    }

    fn key(&mut self, container: usize, signs: bool) -> Done<PrivateKey> {
        let (application, pair) = self.pair(container, signs)?;
        let (device, ..) = self.device(container)?;
        let Object::Device { pins, .. } = self.get(device)? else {
            return Err(sar::INVALID_HANDLE);
        };
        let pin = pins.get(&application).ok_or(sar::NOT_LOGGED_IN)?;
        keyfile::decrypt(&pair.key, pin).map_err(|_| sar::FAIL)
    }

    /// The SM2 signature `r ‖ s` of a digest.
    pub(crate) fn sign(&mut self, container: usize, digest: &[u8]) -> Done<[u8; 64]> {
        if digest.len() != 32 {
            return Err(sar::INVALID_PARAMETER);
        }
        let key = self
            .key(container, true)?
            .to_pkcs8_der()
            .map_err(|_| sar::FAIL)?;
        let key = sm2::SecretKey::from_pkcs8_der(&key).map_err(|_| sar::FAIL)?;
        // The id does not matter: the digest holds it already.
        let signer = sm2::dsa::SigningKey::new("", &key).map_err(|_| sar::FAIL)?;
        let made: sm2::dsa::Signature = signer.sign_prehash(digest).map_err(|_| sar::FAIL)?;
        signature_from_der(made.to_der().as_bytes()).map_err(|_| sar::FAIL)
    }

    /// Unwraps a session key, which stays here.
    pub(crate) fn import(
        &mut self,
        container: usize,
        alg: u32,
        wrapped: &sm2enc::Parts,
    ) -> Done<usize> {
        if ![ALG_SM4_ECB, ALG_SM4_CBC].contains(&alg) {
            return Err(sar::INVALID_PARAMETER);
        }
        let der = wrapped.to_der().map_err(|_| sar::INVALID_PARAMETER)?;
        let key = self.key(container, false)?;
        let plain = key.sm2_decrypt(&der).map_err(|_| sar::DECRYPT)?;
        let plain = <&[u8; 16]>::try_from(&plain[..]).map_err(|_| sar::DECRYPT)?;
        let key = Box::new(Sm4::new(plain));
        let (device, ..) = self.device(container)?;
        self.put(Object::SessionKey {
            device,
            key,
            alg,
            iv: None,
        })
    }

    pub(crate) fn decrypt_init(&mut self, session_key: usize, given: &[u8]) -> Done<()> {
        self.device(session_key)?;
        let Object::SessionKey { alg, iv, .. } = self.get(session_key)? else {
            return Err(sar::INVALID_HANDLE);
        };
        *iv = match *alg {
            ALG_SM4_CBC => Some(given.try_into().map_err(|_| sar::INVALID_PARAMETER)?),
            _ => Some([0; sm4::BLOCK]),
        };
        Ok(())
    }

    /// Decrypts whole blocks once after [`Self::decrypt_init`].
    pub(crate) fn decrypt(&mut self, session_key: usize, data: &[u8]) -> Done<Zeroizing<Vec<u8>>> {
        self.device(session_key)?;
        let Object::SessionKey { key, alg, iv, .. } = self.get(session_key)? else {
            return Err(sar::INVALID_HANDLE);
        };
        let iv = iv.take().ok_or(sar::FAIL)?;
        let mut out = Zeroizing::new(data.to_vec());
        let (blocks, rest) = out.as_chunks_mut::<{ sm4::BLOCK }>();
        if blocks.is_empty() || !rest.is_empty() {
            return Err(sar::INVALID_PARAMETER);
        }
        if *alg == ALG_SM4_CBC {
            cbc::decrypt(key, &iv, blocks);
        } else {
            key.decrypt_blocks(blocks);
        }
        Ok(out)
    }
}
