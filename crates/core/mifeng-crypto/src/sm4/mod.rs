//! The block cipher SM4 (GB/T 32907-2016, ISO/IEC 18033-3) and its counter mode with
//! authentication, [`gcm`] (RFC 8998); [`cbc`] for key files and key blocks.
//!
//! Nothing here looks up a table at a secret address or branches on a secret, on any machine. The
//! fastest kernel that the processor claims to run is taken only after it has agreed with the
//! portable one, once in a process; otherwise the next one is asked ([`kernel_name`] tells which
//! one it is).
//!
//! ```
//! use mifeng_crypto::sm4::Sm4;
//! let key = 0x0123456789abcdeffedcba9876543210u128.to_be_bytes();
//! let mut block = key;
//! Sm4::new(&key).encrypt_block(&mut block);
//! assert_eq!(u128::from_be_bytes(block), 0x681edf34d206965e86b3e94f536e4246);
//! ```

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod affine;
#[cfg(target_arch = "aarch64")]
mod arm;
mod backend;
pub mod cbc;
pub mod gcm;
#[cfg(target_arch = "x86_64")]
mod kernel;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod lanes;
mod portable;
mod sbox;
mod selftest;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod x86;

use backend::Backend;
use zeroize::Zeroize;

/// Bytes of a block.
pub const BLOCK: usize = 16;

/// Round keys in the order of use.
pub(crate) type RoundKeys = [u32; 32];

/// SM4 under one key. The key schedule is overwritten when the value goes away.
pub struct Sm4 {
    keys: RoundKeys,
    reversed: RoundKeys,
    backend: Backend,
}

/// The kernel that this process uses: `gfni`, `vaes`, `aes-avx2` or `aes` on x86-64, `arm-sm4` or
/// `arm-aes` on aarch64, or `portable`.
#[must_use]
pub fn kernel_name() -> &'static str {
    Backend::best().name()
}

/// The kernels that this machine has and that pass their examination, best first.
pub fn kernel_names() -> impl Iterator<Item = &'static str> {
    Backend::examined().iter().map(|backend| backend.name())
}

impl Sm4 {
    /// The cipher under `key`.
    #[must_use]
    pub fn new(key: &[u8; 16]) -> Self {
        Sm4::with_backend(key, Backend::best())
    }

    pub(crate) fn with_backend(key: &[u8; 16], backend: Backend) -> Self {
        let mut keys = [0; 32];
        portable::expand(key, &mut keys);
        let mut reversed = keys;
        reversed.reverse();
        Sm4 {
            keys,
            reversed,
            backend,
        }
    }

    /// Encrypts one block in place.
    pub fn encrypt_block(&self, block: &mut [u8; BLOCK]) {
        portable::crypt_block(&self.keys, block);
    }

    /// Decrypts one block in place.
    pub fn decrypt_block(&self, block: &mut [u8; BLOCK]) {
        portable::crypt_block(&self.reversed, block);
    }

    /// Encrypts many independent blocks in place (ECB: a building block, not a mode to use).
    pub fn encrypt_blocks(&self, blocks: &mut [[u8; BLOCK]]) {
        self.backend.crypt_blocks(&self.keys, blocks);
    }

    /// Decrypts many independent blocks in place.
    pub fn decrypt_blocks(&self, blocks: &mut [[u8; BLOCK]]) {
        self.backend.crypt_blocks(&self.reversed, blocks);
    }
}

impl Drop for Sm4 {
    fn drop(&mut self) {
        self.keys.zeroize();
        self.reversed.zeroize();
    }
}
