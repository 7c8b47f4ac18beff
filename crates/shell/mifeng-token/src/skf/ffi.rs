//! The border to an SKF library: loading, pointers and lengths. Everything above is safe code.
#![allow(
    unsafe_code,
    reason = "a C interface of GM/T 0016 loaded at run time; each call states why it holds"
)]

use crate::Error;
use libloading::Library;
use std::ffi::{CStr, CString, c_char, c_void};
use std::path::Path;
use zeroize::Zeroizing;

pub(super) type Handle = *mut c_void;
/// The device's own code when it refuses.
pub(super) type Refused = u32;

/// Bytes of the longest list or certificate taken from a device.
const ANSWER_LEN_MAX: u32 = 64 << 10;
/// The user's PIN.
const USER_TYPE: u32 = 1;

/// DEVINFO: only some of its texts are looked at. Drivers of newer editions write a little more
/// than the standard's 2012 edition; the room at the end is for them.
#[repr(C)]
struct DeviceInfo {
    version: [u8; 2],
    manufacturer: [u8; 64],
    issuer: [u8; 64],
    label: [u8; 32],
    serial: [u8; 32],
    rest: [u8; 512],
}

/// ECCSIGNATUREBLOB.
#[repr(C)]
struct SignatureBlob {
    r: [u8; 64],
    s: [u8; 64],
}

/// BLOCKCIPHERPARAM.
#[repr(C)]
struct BlockCipherParameter {
    iv: [u8; 32],
    iv_len: u32,
    padding: u32,
    feed_bits: u32,
}

type List = unsafe extern "system" fn(Handle, *mut c_char, *mut u32) -> u32;
type OpenNamed = unsafe extern "system" fn(Handle, *const c_char, *mut Handle) -> u32;
type Close = unsafe extern "system" fn(Handle) -> u32;
type Decrypt = unsafe extern "system" fn(Handle, *const u8, u32, *mut u8, *mut u32) -> u32;

/// The functions used, by the standard's names. They stay valid as long as the library is loaded,
/// which is as long as this value lives.
pub(super) struct Api {
    enum_dev: unsafe extern "system" fn(i32, *mut c_char, *mut u32) -> u32,
    connect_dev: unsafe extern "system" fn(*const c_char, *mut Handle) -> u32,
    disconnect_dev: Close,
    get_dev_info: unsafe extern "system" fn(Handle, *mut DeviceInfo) -> u32,
    enum_application: List,
    open_application: OpenNamed,
    close_application: Close,
    verify_pin: unsafe extern "system" fn(Handle, u32, *const c_char, *mut u32) -> u32,
    get_pin_info: unsafe extern "system" fn(Handle, u32, *mut u32, *mut u32, *mut i32) -> u32,
    enum_container: List,
    open_container: OpenNamed,
    close_container: Close,
    export_certificate: unsafe extern "system" fn(Handle, i32, *mut u8, *mut u32) -> u32,
    ecc_sign: unsafe extern "system" fn(Handle, *const u8, u32, *mut SignatureBlob) -> u32,
    import_session_key: unsafe extern "system" fn(Handle, u32, *const u8, u32, *mut Handle) -> u32,
    decrypt_init: unsafe extern "system" fn(Handle, BlockCipherParameter) -> u32,
    decrypt: Decrypt,
    close_handle: Close,
    // Last, so that it is unloaded after everything above is gone.
    _library: Library,
}

/// What kind of thing a handle is, and so how it is closed.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Device,
    Application,
    Container,
    Key,
}

fn done(code: u32) -> Result<(), Refused> {
    if code == 0 { Ok(()) } else { Err(code) }
}

fn c_text(text: &str) -> Result<CString, Refused> {
    CString::new(text).map_err(|_| super::SAR_INVALID_PARAMETER)
}

/// The two-call pattern: ask for the length, then for the bytes.
fn ask(mut call: impl FnMut(*mut u8, &mut u32) -> u32) -> Result<Vec<u8>, Refused> {
    let mut len = 0;
    done(call(std::ptr::null_mut(), &mut len))?;
    if len > ANSWER_LEN_MAX {
        return Err(super::SAR_BUFFER_TOO_SMALL);
    }
    // Some drivers write a final zero that they did not count.
    let mut bytes = vec![0; len as usize + 1];
    done(call(bytes.as_mut_ptr(), &mut len))?;
    bytes.truncate(len as usize);
    Ok(bytes)
}

fn names(list: &[u8]) -> Vec<String> {
    list.split(|b| *b == 0)
        .take_while(|name| !name.is_empty())
        .map(|name| String::from_utf8_lossy(name).into_owned())
        .collect()
}

fn field(bytes: &[u8]) -> String {
    let text = CStr::from_bytes_until_nul(bytes).map_or(bytes, CStr::to_bytes);
    String::from_utf8_lossy(text).trim().to_owned()
}

impl Api {
    pub(super) fn load(path: &Path) -> Result<Self, Error> {
        let wrong = |reason: String| Error::Library {
            path: path.display().to_string(),
            reason,
        };
        // SAFETY: the library's own start-up code runs now; that is what the user asked for by
        // naming it, and what every program that uses the token does.
        let library = unsafe { Library::new(path) }.map_err(|e| wrong(e.to_string()))?;
        macro_rules! function {
            ($name:literal) => {
                // SAFETY: the type is that of GM/T 0016 for a function of this name; the pointer
                // does not outlive the library, which is kept beside it.
                *unsafe { library.get($name) }
                    .map_err(|_| wrong(format!("no function {}", String::from_utf8_lossy($name))))?
            };
        }
        Ok(Api {
            enum_dev: function!(b"SKF_EnumDev"),
            connect_dev: function!(b"SKF_ConnectDev"),
            disconnect_dev: function!(b"SKF_DisConnectDev"),
            get_dev_info: function!(b"SKF_GetDevInfo"),
            enum_application: function!(b"SKF_EnumApplication"),
            open_application: function!(b"SKF_OpenApplication"),
            close_application: function!(b"SKF_CloseApplication"),
            verify_pin: function!(b"SKF_VerifyPIN"),
            get_pin_info: function!(b"SKF_GetPINInfo"),
            enum_container: function!(b"SKF_EnumContainer"),
            open_container: function!(b"SKF_OpenContainer"),
            close_container: function!(b"SKF_CloseContainer"),
            export_certificate: function!(b"SKF_ExportCertificate"),
            ecc_sign: function!(b"SKF_ECCSignData"),
            import_session_key: function!(b"SKF_ImportSessionKey"),
            decrypt_init: function!(b"SKF_DecryptInit"),
            decrypt: function!(b"SKF_Decrypt"),
            close_handle: function!(b"SKF_CloseHandle"),
            _library: library,
        })
    }

    pub(super) fn devices(&self) -> Result<Vec<String>, Refused> {
        // SAFETY: the buffer has the length that is told beside it (`ask`).
        let list = ask(|to, len| unsafe { (self.enum_dev)(1, to.cast(), len) })?;
        Ok(names(&list))
    }

    pub(super) fn connect(&self, name: &str) -> Result<Handle, Refused> {
        let (name, mut handle) = (c_text(name)?, std::ptr::null_mut());
        // SAFETY: the name ends with a zero; the handle is ours to be written.
        done(unsafe { (self.connect_dev)(name.as_ptr(), &mut handle) })?;
        Ok(handle)
    }

    /// Maker, label, serial number.
    pub(super) fn info(&self, device: Handle) -> Result<[String; 3], Refused> {
        let mut info = DeviceInfo {
            version: [0; 2],
            manufacturer: [0; 64],
            issuer: [0; 64],
            label: [0; 32],
            serial: [0; 32],
            rest: [0; 512],
        };
        // SAFETY: the structure is larger than DEVINFO of any edition.
        done(unsafe { (self.get_dev_info)(device, &mut info) })?;
        Ok([
            field(&info.manufacturer),
            field(&info.label),
            field(&info.serial),
        ])
    }

    fn list(&self, call: List, of: Handle) -> Result<Vec<String>, Refused> {
        // SAFETY: the buffer has the length that is told beside it (`ask`).
        let list = ask(|to, len| unsafe { call(of, to.cast(), len) })?;
        Ok(names(&list))
    }

    pub(super) fn applications(&self, device: Handle) -> Result<Vec<String>, Refused> {
        self.list(self.enum_application, device)
    }

    pub(super) fn containers(&self, application: Handle) -> Result<Vec<String>, Refused> {
        self.list(self.enum_container, application)
    }

    fn open_named(&self, call: OpenNamed, in_: Handle, name: &str) -> Result<Handle, Refused> {
        let (name, mut handle) = (c_text(name)?, std::ptr::null_mut());
        // SAFETY: the name ends with a zero; the handle is ours to be written.
        done(unsafe { call(in_, name.as_ptr(), &mut handle) })?;
        Ok(handle)
    }

    pub(super) fn application(&self, device: Handle, name: &str) -> Result<Handle, Refused> {
        self.open_named(self.open_application, device, name)
    }

    pub(super) fn container(&self, application: Handle, name: &str) -> Result<Handle, Refused> {
        self.open_named(self.open_container, application, name)
    }

    pub(super) fn close(&self, kind: Kind, handle: Handle) {
        let call = match kind {
            Kind::Device => self.disconnect_dev,
            Kind::Application => self.close_application,
            Kind::Container => self.close_container,
            Kind::Key => self.close_handle,
        };
        // SAFETY: the handle came from the library and is closed once, by its owner. A device that
        // is gone refuses; there is nothing left to close then.
        unsafe { call(handle) };
    }

    /// Attempts left.
    pub(super) fn pin_tries(&self, application: Handle) -> Result<u32, Refused> {
        let (mut max, mut left, mut default) = (0, 0, 0);
        // SAFETY: three numbers of ours to be written.
        done(unsafe {
            (self.get_pin_info)(application, USER_TYPE, &mut max, &mut left, &mut default)
        })?;
        Ok(left)
    }

    /// Logs in; with a refusal the attempts left, as the device says.
    pub(super) fn verify_pin(&self, application: Handle, pin: &[u8]) -> Result<(), (Refused, u32)> {
        if pin.contains(&0) {
            return Err((super::SAR_PIN_INVALID, 0));
        }
        let pin = Zeroizing::new([pin, &[0]].concat());
        let mut left = 0;
        // SAFETY: the PIN ends with its one zero; the number is ours to be written.
        done(unsafe { (self.verify_pin)(application, USER_TYPE, pin.as_ptr().cast(), &mut left) })
            .map_err(|code| (code, left))
    }

    pub(super) fn certificate(&self, container: Handle, signs: bool) -> Result<Vec<u8>, Refused> {
        // SAFETY: the buffer has the length that is told beside it (`ask`).
        ask(|to, len| unsafe { (self.export_certificate)(container, i32::from(signs), to, len) })
    }

    /// `r ‖ s` over a digest.
    pub(super) fn sign(&self, container: Handle, digest: &[u8; 32]) -> Result<[u8; 64], Refused> {
        let mut blob = SignatureBlob {
            r: [0; 64],
            s: [0; 64],
        };
        // SAFETY: 32 bytes are there as told; the structure is ours to be written.
        done(unsafe { (self.ecc_sign)(container, digest.as_ptr(), 32, &mut blob) })?;
        let mut raw = [0; 64];
        raw[..32].copy_from_slice(&blob.r[32..]);
        raw[32..].copy_from_slice(&blob.s[32..]);
        Ok(raw)
    }

    pub(super) fn import_session_key(
        &self,
        container: Handle,
        alg: u32,
        wrapped: &[u8],
    ) -> Result<Handle, Refused> {
        let mut handle = std::ptr::null_mut();
        let len = u32::try_from(wrapped.len()).map_err(|_| super::SAR_INVALID_PARAMETER)?;
        // SAFETY: the bytes are there as told; the handle is ours to be written.
        done(unsafe {
            (self.import_session_key)(container, alg, wrapped.as_ptr(), len, &mut handle)
        })?;
        Ok(handle)
    }

    /// Decrypts whole blocks with a zero IV and no padding.
    pub(super) fn decrypt(&self, key: Handle, data: &[u8]) -> Result<Zeroizing<Vec<u8>>, Refused> {
        let parameter = BlockCipherParameter {
            iv: [0; 32],
            iv_len: 16,
            padding: 0,
            feed_bits: 0,
        };
        // SAFETY: a handle of the library and a structure by value.
        done(unsafe { (self.decrypt_init)(key, parameter) })?;
        let len = u32::try_from(data.len()).map_err(|_| super::SAR_INVALID_PARAMETER)?;
        // One block more than asked for: some drivers want room for padding.
        let mut out = Zeroizing::new(vec![0; data.len() + 16]);
        let mut room = len + 16;
        // SAFETY: both buffers have the lengths told beside them.
        done(unsafe { (self.decrypt)(key, data.as_ptr(), len, out.as_mut_ptr(), &mut room) })?;
        out.truncate(room as usize);
        Ok(out)
    }
}
