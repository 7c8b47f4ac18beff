//! SM4 in Galois/Counter Mode (NIST SP 800-38D, parameters of RFC 8998: 12-byte nonce, 16-byte
//! tag).

use super::Sm4;
use super::backend::Backend;
#[cfg(target_arch = "x86_64")]
use super::kernel::Powers;
use ghash::GHash;
use ghash::universal_hash::UniversalHash;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// Most bytes one message may have: the 32-bit block counter must not meet itself
/// (SP 800-38D section 5.2.1.1: 2^39 − 256 bits).
pub const MAX_LEN: u64 = (1 << 36) - 32;

/// Bytes of a tag.
pub const TAG: usize = 16;

/// The tag does not fit: the message, the associated data, the nonce or the key is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("authentication tag does not match")]
pub struct Unverified;

/// SM4-GCM under one key.
///
/// A nonce must never be used twice under a key. All key material is overwritten on drop.
///
/// ```
/// use mifeng_crypto::sm4::gcm::Sm4Gcm;
/// let cipher = Sm4Gcm::new(&[7; 16]);
/// let mut chunk = *b"price 1000000";
/// let tag = cipher.seal(&[0; 12], b"bid 1", &mut chunk);
/// assert!(cipher.open(&[0; 12], b"bid 1", &mut chunk, &tag).is_ok());
/// assert_eq!(&chunk, b"price 1000000");
/// assert!(cipher.open(&[1; 12], b"bid 1", &mut chunk, &tag).is_err());
/// ```
pub struct Sm4Gcm {
    cipher: Sm4,
    hash: GHash,
    #[cfg(target_arch = "x86_64")]
    powers: Powers,
}

impl Sm4Gcm {
    /// The mode under `key`.
    #[must_use]
    pub fn new(key: &[u8; 16]) -> Self {
        Sm4Gcm::with_backend(key, Backend::best())
    }

    /// The mode under `key` on the kernel of this name, if this machine has it and it passes its
    /// examination: to compare kernels ([`super::kernel_names`]).
    #[must_use]
    pub fn with_kernel(key: &[u8; 16], name: &str) -> Option<Self> {
        let mut examined = Backend::examined().iter();
        let backend = examined.find(|backend| backend.name() == name)?;
        Some(Sm4Gcm::with_backend(key, *backend))
    }

    pub(crate) fn with_backend(key: &[u8; 16], backend: Backend) -> Self {
        let cipher = Sm4::with_backend(key, backend);
        let mut h = [0; 16];
        cipher.encrypt_block(&mut h);
        #[cfg(target_arch = "x86_64")]
        let powers = {
            let mut powers = [0; 64];
            backend.powers(&h, &mut powers);
            powers
        };
        let hash = GHash::new(&h.into());
        h.zeroize();
        Sm4Gcm {
            cipher,
            hash,
            #[cfg(target_arch = "x86_64")]
            powers,
        }
    }

    /// Encrypts `buf` in place and returns the tag over `aad` and the ciphertext.
    ///
    /// # Panics
    /// If `buf` is longer than [`MAX_LEN`] (64 GiB): going on would repeat the key stream.
    #[must_use]
    pub fn seal(&self, nonce: &[u8; 12], aad: &[u8], buf: &mut [u8]) -> [u8; TAG] {
        assert!(
            within_limit(buf),
            "more than 2^36 - 32 bytes under one nonce"
        );
        #[cfg(target_arch = "x86_64")]
        if self.cipher.backend != Backend::Portable {
            let (keys, backend) = (&self.cipher.keys, self.cipher.backend);
            let state = backend.hash(&self.powers, 0, aad);
            let state = backend.seal(keys, &self.powers, nonce, state, buf);
            let lengths = lengths(aad, buf);
            let state = backend.hash(&self.powers, state, &lengths);
            return self.masked(nonce, state.to_be_bytes());
        }
        self.ctr(nonce, buf);
        self.tag(nonce, aad, buf)
    }

    /// Checks `tag` and then decrypts `buf` in place. On failure `buf` still holds the ciphertext;
    /// no plaintext has existed.
    ///
    /// # Errors
    /// [`Unverified`] if the tag does not fit or `buf` is longer than [`MAX_LEN`].
    pub fn open(
        &self,
        nonce: &[u8; 12],
        aad: &[u8],
        buf: &mut [u8],
        tag: &[u8; TAG],
    ) -> Result<(), Unverified> {
        if !within_limit(buf) {
            return Err(Unverified);
        }
        let expected = self.tag(nonce, aad, buf);
        if !bool::from(expected.ct_eq(tag)) {
            return Err(Unverified);
        }
        self.ctr(nonce, buf);
        Ok(())
    }

    pub(super) fn cipher(&self) -> &Sm4 {
        &self.cipher
    }

    fn ctr(&self, nonce: &[u8; 12], buf: &mut [u8]) {
        self.cipher.backend.ctr(&self.cipher.keys, nonce, 2, buf);
    }

    fn tag(&self, nonce: &[u8; 12], aad: &[u8], ciphertext: &[u8]) -> [u8; TAG] {
        #[cfg(target_arch = "x86_64")]
        if self.cipher.backend != Backend::Portable {
            let backend = self.cipher.backend;
            let state = backend.hash(&self.powers, 0, aad);
            let state = backend.hash(&self.powers, state, ciphertext);
            let state = backend.hash(&self.powers, state, &lengths(aad, ciphertext));
            return self.masked(nonce, state.to_be_bytes());
        }
        let mut hash = self.hash.clone();
        hash.update_padded(aad);
        hash.update_padded(ciphertext);
        hash.update(&[lengths(aad, ciphertext).into()]);
        self.masked(nonce, hash.finalize().into())
    }

    /// The tag is the hash under E(nonce ‖ 1), the key stream before the first data block.
    fn masked(&self, nonce: &[u8; 12], mut hash: [u8; TAG]) -> [u8; TAG] {
        let cipher = &self.cipher;
        cipher.backend.ctr(&cipher.keys, nonce, 1, &mut hash);
        hash
    }
}

impl Drop for Sm4Gcm {
    fn drop(&mut self) {
        #[cfg(target_arch = "x86_64")]
        self.powers.zeroize();
    }
}

/// The last block of GHASH: both lengths in bits.
fn lengths(aad: &[u8], ciphertext: &[u8]) -> [u8; 16] {
    let mut out = [0; 16];
    out[..8].copy_from_slice(&(aad.len() as u64 * 8).to_be_bytes());
    out[8..].copy_from_slice(&(ciphertext.len() as u64 * 8).to_be_bytes());
    out
}

fn within_limit(buf: &[u8]) -> bool {
    buf.len() as u64 <= MAX_LEN
}
