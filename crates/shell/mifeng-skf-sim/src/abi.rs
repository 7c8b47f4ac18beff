//! The C interface of GM/T 0016, as far as signing and opening envelopes need it. Pointers are
//! looked at here and nowhere else.
#![allow(
    unsafe_code,
    non_snake_case,
    reason = "the names and types are the standard's; every function states what its caller promises"
)]

use crate::FOLDER_VARIABLE;
use crate::session::{Done, open, sar};
use mifeng_crypto::sm2enc;
use std::ffi::{CStr, c_char, c_void};
use std::path::PathBuf;
use std::slice;

type Handle = *mut c_void;

/// Bytes of the longest name taken: the standard has 64.
const NAME_LEN_MAX: usize = 256;
/// Bytes decrypted in one call: keys and key blocks, not files.
const DATA_LEN_MAX: usize = 1 << 20;
/// The user's PIN (the administrator's is 0).
const USER_TYPE: u32 = 1;

#[repr(C)]
struct Version {
    major: u8,
    minor: u8,
}

/// DEVINFO.
#[repr(C)]
pub(crate) struct DeviceInfo {
    version: Version,
    manufacturer: [u8; 64],
    issuer: [u8; 64],
    label: [u8; 32],
    serial: [u8; 32],
    hardware: Version,
    firmware: Version,
    symmetric: u32,
    asymmetric: u32,
    hash: u32,
    authentication: u32,
    space: u32,
    free: u32,
    buffer_ecc: u32,
    buffer_file: u32,
    reserved: [u8; 64],
}

/// ECCSIGNATUREBLOB: numbers at the right of their fields.
#[repr(C)]
pub(crate) struct SignatureBlob {
    r: [u8; 64],
    s: [u8; 64],
}

/// ECCCIPHERBLOB up to its ciphertext.
#[repr(C)]
struct CipherHead {
    x: [u8; 64],
    y: [u8; 64],
    hash: [u8; 32],
    len: u32,
}

/// BLOCKCIPHERPARAM.
#[repr(C)]
pub(crate) struct BlockCipherParameter {
    iv: [u8; 32],
    iv_len: u32,
    padding: u32,
    feed_bits: u32,
}

fn answer(done: Done<()>) -> u32 {
    done.err().unwrap_or(0)
}

fn folder() -> Option<PathBuf> {
    std::env::var_os(FOLDER_VARIABLE).map(PathBuf::from)
}

/// # Safety
/// `name` is null or a string that ends with a zero.
unsafe fn text<'a>(name: *const c_char) -> Done<&'a str> {
    if name.is_null() {
        return Err(sar::INVALID_PARAMETER);
    }
    // SAFETY: the caller's promise.
    let text = unsafe { CStr::from_ptr(name) };
    text.to_str()
        .ok()
        .filter(|t| t.len() <= NAME_LEN_MAX)
        .ok_or(sar::INVALID_PARAMETER)
}

/// Writes `value` where the caller wants it.
///
/// # Safety
/// `to` is null or may be written to.
unsafe fn put<T>(to: *mut T, value: T) -> Done<()> {
    if to.is_null() {
        return Err(sar::INVALID_PARAMETER);
    }
    // SAFETY: the caller's promise, and it is not null.
    unsafe { to.write_unaligned(value) };
    Ok(())
}

/// The two-call pattern: with no buffer only the length is told.
///
/// # Safety
/// `len` is null or may be read and written; `to` is null or has room for `*len` bytes.
unsafe fn give(bytes: &[u8], to: *mut u8, len: *mut u32) -> Done<()> {
    if len.is_null() {
        return Err(sar::INVALID_PARAMETER);
    }
    // SAFETY: the caller's promise, and it is not null.
    let room = unsafe { len.read_unaligned() } as usize;
    // SAFETY: as above.
    unsafe { put(len, bytes.len() as u32)? };
    if to.is_null() {
        return Ok(());
    }
    if room < bytes.len() {
        return Err(sar::BUFFER_TOO_SMALL);
    }
    // SAFETY: the caller has room for `room` bytes there, which are enough.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len()) };
    Ok(())
}

/// # Safety
/// `from` is null or has `len` bytes.
unsafe fn take<'a>(from: *const u8, len: u32, max: usize) -> Done<&'a [u8]> {
    if from.is_null() || len as usize > max {
        return Err(sar::INVALID_PARAMETER);
    }
    // SAFETY: the caller's promise, and it is not null.
    Ok(unsafe { slice::from_raw_parts(from, len as usize) })
}

/// Names, each with a zero, and one more zero.
fn names(all: &[String]) -> Vec<u8> {
    let mut out: Vec<u8> = all
        .iter()
        .flat_map(|n| [n.as_bytes(), b"\0"].concat())
        .collect();
    out.push(0);
    out
}

fn padded<const N: usize>(text: &str) -> [u8; N] {
    let mut out = [0; N];
    let len = text.len().min(N - 1);
    out[..len].copy_from_slice(&text.as_bytes()[..len]);
    out
}

fn right(field: &[u8; 64]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(&field[32..]);
    out
}

fn field(number: &[u8]) -> [u8; 64] {
    let mut out = [0; 64];
    out[64 - number.len()..].copy_from_slice(number);
    out
}

/// Lists the devices that are plugged in.
///
/// # Safety
/// As GM/T 0016 7.1.3: `size` may be read and written, `list` is null or has room for `*size` bytes.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn SKF_EnumDev(
    _present: i32,
    list: *mut c_char,
    size: *mut u32,
) -> u32 {
    let mut found = Vec::new();
    for entry in folder()
        .and_then(|f| std::fs::read_dir(f).ok())
        .into_iter()
        .flatten()
        .flatten()
    {
        let path = entry.path();
        if path.extension().is_some_and(|e| e == "skf")
            && let Some(name) = path.file_stem().and_then(|n| n.to_str())
        {
            found.push(name.to_owned());
        }
    }
    found.sort();
    // SAFETY: the caller's promise.
    answer(unsafe { give(&names(&found), list.cast(), size) })
}

/// Opens a device.
///
/// # Safety
/// As GM/T 0016 7.1.4: `name` ends with a zero, `device` may be written to.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn SKF_ConnectDev(
    name: *const c_char,
    device: *mut Handle,
) -> u32 {
    answer((|| {
        // SAFETY: the caller's promise.
        let name = unsafe { text(name)? };
        let folder = folder().ok_or(sar::DEVICE_REMOVED)?;
        let handle = open().connect(&folder, name)?;
        // SAFETY: the caller's promise.
        unsafe { put(device, handle as Handle) }
    })())
}

/// Closes a device and all that was opened through it.
#[unsafe(no_mangle)]
pub(crate) extern "system" fn SKF_DisConnectDev(device: Handle) -> u32 {
    answer(open().close(device as usize))
}

/// Tells about a device.
///
/// # Safety
/// As GM/T 0016 7.1.8: `info` may be written to.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn SKF_GetDevInfo(device: Handle, info: *mut DeviceInfo) -> u32 {
    answer((|| {
        let (label, serial) = open().info(device as usize)?;
        let one = || Version { major: 1, minor: 0 };
        let told = DeviceInfo {
            version: one(),
            manufacturer: padded("Mifeng (simulated)"),
            issuer: padded("Mifeng"),
            label: padded(&label),
            serial: padded(&serial),
            hardware: one(),
            firmware: one(),
            symmetric: 0x0403,
            asymmetric: 0x0002_0f00,
            hash: 1,
            authentication: 0x0401,
            space: 1 << 20,
            free: 1 << 20,
            buffer_ecc: DATA_LEN_MAX as u32,
            buffer_file: 0,
            reserved: [0; 64],
        };
        // SAFETY: the caller's promise.
        unsafe { put(info, told) }
    })())
}

/// Lists the applications.
///
/// # Safety
/// As GM/T 0016 7.3.2: as [`SKF_EnumDev`].
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn SKF_EnumApplication(
    device: Handle,
    list: *mut c_char,
    size: *mut u32,
) -> u32 {
    answer((|| {
        let found = open().applications(device as usize)?;
        // SAFETY: the caller's promise.
        unsafe { give(&names(&found), list.cast(), size) }
    })())
}

/// Opens an application.
///
/// # Safety
/// As GM/T 0016 7.3.4: `name` ends with a zero, `application` may be written to.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn SKF_OpenApplication(
    device: Handle,
    name: *const c_char,
    application: *mut Handle,
) -> u32 {
    answer((|| {
        // SAFETY: the caller's promise.
        let name = unsafe { text(name)? };
        let handle = open().application(device as usize, name)?;
        // SAFETY: the caller's promise.
        unsafe { put(application, handle as Handle) }
    })())
}

/// Closes an application.
#[unsafe(no_mangle)]
pub(crate) extern "system" fn SKF_CloseApplication(application: Handle) -> u32 {
    answer(open().close(application as usize))
}

/// Tells how many attempts there are.
///
/// # Safety
/// As GM/T 0016 7.2.3: the three may be written to.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn SKF_GetPINInfo(
    application: Handle,
    _kind: u32,
    max: *mut u32,
    left: *mut u32,
    default: *mut i32,
) -> u32 {
    answer((|| {
        let (tries, remaining) = open().pin_info(application as usize)?;
        // SAFETY: the caller's promise.
        unsafe {
            put(max, tries)?;
            put(left, remaining)?;
            put(default, 0)
        }
    })())
}

/// Logs in.
///
/// # Safety
/// As GM/T 0016 7.2.4: `pin` ends with a zero, `left` may be written to.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn SKF_VerifyPIN(
    application: Handle,
    kind: u32,
    pin: *const c_char,
    left: *mut u32,
) -> u32 {
    answer((|| {
        // SAFETY: the caller's promise.
        let pin = unsafe { text(pin)? };
        if kind != USER_TYPE {
            return Err(sar::INVALID_PARAMETER);
        }
        let verified = open().verify_pin(application as usize, pin.as_bytes());
        verified.or_else(|(code, remaining)| {
            // SAFETY: the caller's promise.
            unsafe { put(left, remaining)? };
            Err(code)
        })
    })())
}

/// Lists the containers.
///
/// # Safety
/// As GM/T 0016 7.5.2: as [`SKF_EnumDev`].
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn SKF_EnumContainer(
    application: Handle,
    list: *mut c_char,
    size: *mut u32,
) -> u32 {
    answer((|| {
        let found = open().containers(application as usize)?;
        // SAFETY: the caller's promise.
        unsafe { give(&names(&found), list.cast(), size) }
    })())
}

/// Opens a container.
///
/// # Safety
/// As GM/T 0016 7.5.3: `name` ends with a zero, `container` may be written to.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn SKF_OpenContainer(
    application: Handle,
    name: *const c_char,
    container: *mut Handle,
) -> u32 {
    answer((|| {
        // SAFETY: the caller's promise.
        let name = unsafe { text(name)? };
        let handle = open().container(application as usize, name)?;
        // SAFETY: the caller's promise.
        unsafe { put(container, handle as Handle) }
    })())
}

/// Closes a container.
#[unsafe(no_mangle)]
pub(crate) extern "system" fn SKF_CloseContainer(container: Handle) -> u32 {
    answer(open().close(container as usize))
}

/// Gives a certificate; no PIN is needed.
///
/// # Safety
/// As GM/T 0016 7.5.8: `len` may be read and written, `to` is null or has room for `*len` bytes.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn SKF_ExportCertificate(
    container: Handle,
    signs: i32,
    to: *mut u8,
    len: *mut u32,
) -> u32 {
    answer((|| {
        let der = open().certificate(container as usize, signs != 0)?;
        // SAFETY: the caller's promise.
        unsafe { give(&der, to, len) }
    })())
}

/// Signs a digest of 32 bytes.
///
/// # Safety
/// As GM/T 0016 7.6.10: `data` has `len` bytes, `signature` may be written to.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn SKF_ECCSignData(
    container: Handle,
    data: *const u8,
    len: u32,
    signature: *mut SignatureBlob,
) -> u32 {
    answer((|| {
        // SAFETY: the caller's promise.
        let digest = unsafe { take(data, len, 32)? };
        let raw = open().sign(container as usize, digest)?;
        let blob = SignatureBlob {
            r: field(&raw[..32]),
            s: field(&raw[32..]),
        };
        // SAFETY: the caller's promise.
        unsafe { put(signature, blob) }
    })())
}

/// Unwraps a session key with the encryption key of the container; the key stays in the device.
///
/// # Safety
/// As GM/T 0016 7.6.21: `wrapped` has `len` bytes, `key` may be written to.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn SKF_ImportSessionKey(
    container: Handle,
    alg: u32,
    wrapped: *const u8,
    len: u32,
    key: *mut Handle,
) -> u32 {
    answer((|| {
        // SAFETY: the caller's promise.
        let blob = unsafe { take(wrapped, len, 1 << 12)? };
        let head = size_of::<CipherHead>();
        let (fields, text) = blob.split_at_checked(head).ok_or(sar::INVALID_PARAMETER)?;
        // SAFETY: `fields` has the size of the structure, which is bytes and one number.
        let fields = unsafe { fields.as_ptr().cast::<CipherHead>().read_unaligned() };
        let text = text
            .get(..fields.len as usize)
            .ok_or(sar::INVALID_PARAMETER)?;
        let parts = sm2enc::Parts {
            x: right(&fields.x),
            y: right(&fields.y),
            hash: fields.hash,
            text: text.to_vec(),
        };
        let handle = open().import(container as usize, alg, &parts)?;
        // SAFETY: the caller's promise.
        unsafe { put(key, handle as Handle) }
    })())
}

/// Begins decrypting with a session key; no padding is taken off.
#[unsafe(no_mangle)]
pub(crate) extern "system" fn SKF_DecryptInit(key: Handle, parameter: BlockCipherParameter) -> u32 {
    answer((|| {
        let iv = parameter.iv.get(..parameter.iv_len as usize);
        if parameter.padding != 0 {
            return Err(sar::INVALID_PARAMETER);
        }
        open().decrypt_init(key as usize, iv.ok_or(sar::INVALID_PARAMETER)?)
    })())
}

/// Decrypts in one go.
///
/// # Safety
/// As GM/T 0016 7.6.30: `data` has `len` bytes; `out_len` may be read and written, `out` is null or
/// has room for `*out_len` bytes.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn SKF_Decrypt(
    key: Handle,
    data: *const u8,
    len: u32,
    out: *mut u8,
    out_len: *mut u32,
) -> u32 {
    answer((|| {
        // SAFETY: the caller's promise.
        let sealed = unsafe { take(data, len, DATA_LEN_MAX)? };
        if out.is_null() {
            // SAFETY: the caller's promise.
            return unsafe { put(out_len, len) };
        }
        let plain = open().decrypt(key as usize, sealed)?;
        // SAFETY: the caller's promise.
        unsafe { give(&plain, out, out_len) }
    })())
}

/// Closes a session key.
#[unsafe(no_mangle)]
pub(crate) extern "system" fn SKF_CloseHandle(key: Handle) -> u32 {
    answer(open().close(key as usize))
}
