//! Private keys in files: PKCS#8 plain and under a passphrase ([`encrypt`], [`decrypt`]), PKCS#12
//! ([`pkcs12`]), and the encryption keys that CAs deliver ([`delivered`]).
//!
//! What is read is wider than what is written: old files open and say that they are old
//! ([`Protection::Legacy`]). A wrong passphrase, a bad MAC, bad padding and a key that makes no
//! sense are one error, [`Error::Passphrase`].

mod ber;
mod block;
pub mod delivered;
mod kdf;
mod pbe;
pub mod pkcs12;
mod pkcs8;

use crate::Error;
pub use pkcs8::{
    Writing, decrypt, decrypt_der, encrypt, encrypt_der, plain_pem, read_any, read_plain,
};

/// PBKDF2 rounds written: OWASP's figure for HMAC-SHA-256.
pub const ITERATIONS: u32 = 600_000;
/// Fewer rounds than this protect nothing; RFC 8018 asks for 1,000 at least. PKCS#12 files of the
/// past with fewer are read, and called legacy.
pub const ITERATIONS_MIN: u32 = 1_000;
/// More rounds than this, counted over everything in one file, would let a file keep its reader
/// busy for minutes.
pub const ITERATIONS_MAX: u32 = 10_000_000;

/// How well a file is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// Not at all.
    Plain,
    /// By algorithms or round counts of the past: convert it.
    Legacy,
    /// PBES2 with a cipher of 128 bits or more and at least [`ITERATIONS_MIN`] rounds.
    Modern,
}

/// What a file may still cost, in rounds of key derivation.
struct Budget(u32);

impl Budget {
    fn new() -> Self {
        Budget(ITERATIONS_MAX)
    }

    /// Takes `found` rounds out of the budget; `min` is the smallest count taken.
    fn spend(&mut self, found: u64, min: u32) -> Result<u32, Error> {
        let rounds = u32::try_from(found).unwrap_or(u32::MAX);
        if rounds < min {
            return Err(Error::Malformed {
                what: "iteration count",
            });
        }
        self.0 = self.0.checked_sub(rounds).ok_or(Error::TooLarge {
            what: "iteration count",
            found: rounds as usize,
            max: ITERATIONS_MAX as usize,
        })?;
        Ok(rounds)
    }
}
