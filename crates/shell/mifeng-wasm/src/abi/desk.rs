//! The exports of the desk's module, and what it needs beside files.

use super::{answer, page, take};
use crate::{
    earlier as look_at_earlier, look as look_at, present as look_at_minutes, price as spell,
    receipt as check_receipt, say as sign_word, seal as seal_bid, sign_in as sign_challenge,
    withdraw as sign_withdrawal,
};
use mifeng::crypto::{self, Entropy};
use mifeng::envelope::Progress;
use std::io::{self, Write};
use zeroize::Zeroize;

/// Bytes of one call of the browser's generator (W3C Web Cryptography, getRandomValues).
const RANDOM_LEN_MAX: usize = 65_536;
/// Bytes of the sealed file that cross at once.
const WRITE_LEN: usize = 1 << 20;

#[link(wasm_import_module = "mifeng")]
unsafe extern "C" {
    fn random(to: *mut u8, len: u32) -> i32;
    fn write(at: *const u8, len: u32) -> i32;
    fn progress(done: f64, total: f64);
}

/// The browser's generator; without one nothing is sealed.
struct Generator;

impl Entropy for Generator {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), crypto::Error> {
        for piece in out.chunks_mut(RANDOM_LEN_MAX) {
            // SAFETY: `piece` is `len` writable bytes of this memory; the page writes nowhere else and keeps no address.
            match unsafe { random(piece.as_mut_ptr(), piece.len() as u32) } {
                0 => {}
                _ => return Err(crypto::Error::Entropy),
            }
        }
        Ok(())
    }
}

/// The sealed file, which the page collects.
struct Collected;

impl Write for Collected {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let piece = &data[..data.len().min(WRITE_LEN)];
        // SAFETY: the page copies `len` bytes at `at` before it returns, and keeps no address.
        match unsafe { write(piece.as_ptr(), piece.len() as u32) } {
            0 => Ok(piece.len()),
            _ => Err(io::Error::other(
                "the browser could not keep the sealed file",
            )),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Tells what a seal would rely on.
///
/// # Safety
/// `at` and `len` are from [`super::alloc`]; they are given back by this call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn look(at: *mut u8, len: usize) -> u64 {
    // SAFETY: the caller's word.
    unsafe {
        answer(at, len, |request: crate::LookRequest| {
            look_at(&request, &page())
        })
    }
}

/// Checks a receipt.
///
/// # Safety
/// `at` and `len` are from [`super::alloc`]; they are given back by this call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn receipt(at: *mut u8, len: usize) -> u64 {
    // SAFETY: the caller's word.
    unsafe {
        answer(at, len, |request: crate::ReceiptRequest| {
            check_receipt(&request, &page())
        })
    }
}

/// Tells of a bid that was handed in before.
///
/// # Safety
/// `at` and `len` are from [`super::alloc`]; they are given back by this call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn earlier(at: *mut u8, len: usize) -> u64 {
    // SAFETY: the caller's word.
    unsafe {
        answer(at, len, |request: crate::EarlierRequest| {
            look_at_earlier(&request, &page())
        })
    }
}

/// Tells what the opening record says.
///
/// # Safety
/// `at` and `len` are from [`super::alloc`]; they are given back by this call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn present(at: *mut u8, len: usize) -> u64 {
    // SAFETY: the caller's word.
    unsafe {
        answer(at, len, |request: crate::PresentRequest| {
            look_at_minutes(&request, &page())
        })
    }
}

/// Writes a price in capital numerals.
///
/// # Safety
/// `at` and `len` are from [`super::alloc`]; they are given back by this call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn price(at: *mut u8, len: usize) -> u64 {
    // SAFETY: the caller's word.
    unsafe { answer(at, len, |request: crate::PriceRequest| spell(&request)) }
}

/// Seals, with the passphrase beside the request: its bytes are wiped here.
///
/// # Safety
/// `at` and `len`, `pin` and `pin_len` are from [`super::alloc`]; they are given back by this call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn seal(at: *mut u8, len: usize, pin: *mut u8, pin_len: usize) -> u64 {
    // SAFETY: the caller's word.
    let mut pin = unsafe { take(pin, pin_len) };
    let work = |request: crate::SealRequest| {
        let mut out = io::BufWriter::with_capacity(WRITE_LEN, Collected);
        let mut done = seal_bid(&request, &pin, &page(), &mut Generator, &mut out, &mut tell);
        pin.zeroize();
        // The tail of the file stands in the buffer.
        if let Err(e) = out.flush() {
            done.lose(&e);
        }
        done
    };
    // SAFETY: the caller's word.
    unsafe { answer(at, len, work) }
}

/// Signs the withdrawal of a bid, as [`seal`] with the passphrase beside the request.
///
/// # Safety
/// As for [`seal`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn withdraw(at: *mut u8, len: usize, pin: *mut u8, pin_len: usize) -> u64 {
    // SAFETY: the caller's word.
    let mut pin = unsafe { take(pin, pin_len) };
    let work = |request: crate::WithdrawRequest| {
        let signed = sign_withdrawal(&request, &pin, &page(), &mut Generator);
        pin.zeroize();
        signed
    };
    // SAFETY: the caller's word.
    unsafe { answer(at, len, work) }
}

/// Signs a host's challenge, as [`seal`] with the passphrase beside the request.
///
/// # Safety
/// As for [`seal`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sign_in(at: *mut u8, len: usize, pin: *mut u8, pin_len: usize) -> u64 {
    // SAFETY: the caller's word.
    let mut pin = unsafe { take(pin, pin_len) };
    let work = |request: crate::SignInRequest| {
        let signed = sign_challenge(&request, &pin, &page(), &mut Generator);
        pin.zeroize();
        signed
    };
    // SAFETY: the caller's word.
    unsafe { answer(at, len, work) }
}

/// Signs what somebody present at the opening has to say, as [`seal`] with the passphrase beside the request.
///
/// # Safety
/// As for [`seal`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn say(at: *mut u8, len: usize, pin: *mut u8, pin_len: usize) -> u64 {
    // SAFETY: the caller's word.
    let mut pin = unsafe { take(pin, pin_len) };
    let work = |request: crate::SayRequest| {
        let signed = sign_word(&request, &pin, &page(), &mut Generator);
        pin.zeroize();
        signed
    };
    // SAFETY: the caller's word.
    unsafe { answer(at, len, work) }
}

fn tell(at: Progress) {
    // Exact below 2^53.
    #[allow(clippy::cast_precision_loss)]
    let (done, total) = (at.done as f64, at.total as f64);
    // SAFETY: two numbers.
    unsafe { progress(done, total) };
}
