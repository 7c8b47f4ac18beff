//! What the pages' workers call, and what they must offer.
//!
//! There are two modules of this one crate, so that the verifier has no way to randomness or to make a file:
//!
//! - Both export `alloc(len)` and `free(at, len)` for bytes that cross. Both import, from module `mifeng`,
//!   `read(file, at, to, len)`, which copies bytes of a file into this memory and says how many, or a negative number; and
//!   `failed(at, len)`, which is told of a bug before the module stops.
//! - The verifier exports `verify(at, len)`, which takes the JSON of a [`crate::Request`] and answers with an
//!   [`crate::Answer`].
//! - The desk's module (feature `desk`) exports `look(at, len)`, `receipt(at, len)`, `earlier(at, len)`, `present(at, len)`,
//!   `price(at, len)`, `seal(at, len, pin, pin_len)`, `withdraw(at, len, pin, pin_len)`, `sign_in(at, len, pin, pin_len)` and
//!   `say(at, len, pin, pin_len)`, with the types of [`crate::LookRequest`], [`crate::ReceiptRequest`],
//!   [`crate::EarlierRequest`], [`crate::PresentRequest`], [`crate::PriceRequest`], [`crate::SealRequest`],
//!   [`crate::WithdrawRequest`], [`crate::SignInRequest`] and [`crate::SayRequest`]; it imports `random(to, len)`, which fills bytes from the browser's
//!   generator and says 0; `write(at, len)`, which takes the next bytes of the sealed file and says 0; and
//!   `progress(done, total)`.
//!
//! A call keeps the bytes that it is given, and answers with the place (high half) and length (low half) of JSON, to be
//! freed by the caller; with 0 to a request that is not of its type, as from a page of another version. A module has one thread: a worker runs one call at a time.
#![allow(
    unsafe_code,
    reason = "bytes cross between the page and the module by address"
)]
// Exported by name, whoever sees the path.
#![allow(unreachable_pub)]

use crate::{Given, ReadAt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io;
use std::sync::Arc;

#[link(wasm_import_module = "mifeng")]
unsafe extern "C" {
    fn read(file: u32, at: f64, to: *mut u8, len: u32) -> i32;
    fn failed(at: *const u8, len: u32);
}

/// The files that the page holds.
struct Page;

impl ReadAt for Page {
    fn read_at(&self, file: &Given, at: u64, out: &mut [u8]) -> io::Result<usize> {
        let too_long = |_| io::Error::from(io::ErrorKind::InvalidInput);
        let len = u32::try_from(out.len()).map_err(too_long)?;
        // Exact: sizes come from the page as doubles and are below 2^53.
        #[allow(clippy::cast_precision_loss)]
        let at = at as f64;
        // SAFETY: `out` is `len` writable bytes of this memory; the page writes nowhere else and
        // keeps no address (web/worker.js).
        let read = unsafe { read(file.id, at, out.as_mut_ptr(), len) };
        usize::try_from(read).map_err(|_| io::Error::other("the browser could not read the file"))
    }
}

/// Room for `len` bytes.
#[unsafe(no_mangle)]
pub extern "C" fn alloc(len: usize) -> *mut u8 {
    give(vec![0; len])
}

/// Gives back what [`alloc`] or an answer gave.
///
/// # Safety
/// `at` and `len` are as they were given, and are given back once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn free(at: *mut u8, len: usize) {
    // SAFETY: the caller's word; both givers make a box of exactly `len` bytes.
    drop(unsafe { take(at, len) });
}

#[cfg(not(feature = "desk"))]
mod verifier {
    /// Verifies; see the module's text.
    ///
    /// # Safety
    /// `at` and `len` are from [`super::alloc`]; they are given back by this call.
    #[unsafe(no_mangle)]
    pub unsafe extern "C" fn verify(at: *mut u8, len: usize) -> u64 {
        // SAFETY: the caller's word.
        unsafe {
            super::answer(at, len, |request: crate::Request| {
                crate::audit(&request, &super::page())
            })
        }
    }
}

#[cfg(feature = "desk")]
mod desk;

fn page() -> Arc<dyn ReadAt> {
    Arc::new(Page)
}

/// From a request's JSON to its answer's.
///
/// # Safety
/// `at` and `len` are from [`alloc`]; they are given back by this call.
unsafe fn answer<Q: DeserializeOwned, A: Serialize>(
    at: *mut u8,
    len: usize,
    work: impl FnOnce(Q) -> A,
) -> u64 {
    std::panic::set_hook(Box::new(|bug| {
        let text = bug.to_string();
        // SAFETY: the page reads `len` bytes at `at` before it returns, and keeps no address.
        unsafe { failed(text.as_ptr(), text.len() as u32) };
    }));
    // SAFETY: the caller's word.
    let request = unsafe { take(at, len) };
    // The page's own worker writes it; a page and a module that were not built together may not know each other's.
    let Ok(request) = serde_json::from_slice::<Q>(&request) else {
        return 0;
    };
    let answer = serde_json::to_vec(&work(request)).expect("texts, numbers and lists alone");
    let len = answer.len() as u64;
    (give(answer) as usize as u64) << 32 | len
}

fn give(bytes: Vec<u8>) -> *mut u8 {
    Box::into_raw(bytes.into_boxed_slice()).cast()
}

/// # Safety
/// `at` and `len` are what [`give`] made of `len` bytes, and nobody else takes them.
unsafe fn take(at: *mut u8, len: usize) -> Box<[u8]> {
    // SAFETY: the caller's word.
    unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(at, len)) }
}
