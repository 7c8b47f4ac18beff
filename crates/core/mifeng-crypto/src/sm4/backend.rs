//! Which kernel this machine gets, and the one place where features meet `unsafe`.
#![allow(unsafe_code)]
#![deny(clippy::undocumented_unsafe_blocks)]

#[cfg(target_arch = "aarch64")]
use super::arm;
use super::{BLOCK, RoundKeys, portable, selftest};
#[cfg(target_arch = "x86_64")]
use super::{kernel::Powers, x86};
use std::sync::OnceLock;

/// A way to compute SM4 here. Every value but `Portable` is only made by [`Backend::available`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Backend {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Aes,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Vaes,
    #[cfg(target_arch = "x86_64")]
    Gfni,
    #[cfg(target_arch = "aarch64")]
    ArmAes,
    #[cfg(target_arch = "aarch64")]
    ArmSm4,
}

/// Runs an entry point of the chosen vector kernel, or the portable expression.
#[cfg(target_arch = "x86_64")]
macro_rules! enter {
    ($backend:expr, $call:ident($($arg:expr),*), $portable:expr) => {
        match $backend {
            Backend::Portable => $portable,
            // SAFETY: `available` makes `Aes` only after it detected the features of `x86::aes`.
            Backend::Aes => unsafe { x86::aes::$call($($arg),*) },
            // SAFETY: `available` makes `Avx2` only after it detected the features of `x86::avx2`.
            Backend::Avx2 => unsafe { x86::avx2::$call($($arg),*) },
            // SAFETY: `available` makes `Vaes` only after it detected the features of `x86::vaes`.
            Backend::Vaes => unsafe { x86::vaes::$call($($arg),*) },
            // SAFETY: `available` makes `Gfni` only after it detected the features of `x86::gfni`.
            Backend::Gfni => unsafe { x86::gfni::$call($($arg),*) },
        }
    };
}

#[cfg(target_arch = "aarch64")]
macro_rules! enter {
    ($backend:expr, $call:ident($($arg:expr),*), $portable:expr) => {
        match $backend {
            Backend::Portable => $portable,
            // SAFETY: `available` makes `ArmAes` only after it detected the features of `arm::aes`.
            Backend::ArmAes => unsafe { arm::aes::$call($($arg),*) },
            // SAFETY: `available` makes `ArmSm4` only after it detected the features of `arm::sm4`.
            Backend::ArmSm4 => unsafe { arm::sm4::$call($($arg),*) },
        }
    };
}

impl Backend {
    pub(super) fn name(self) -> &'static str {
        match self {
            Backend::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Backend::Aes => "aes",
            #[cfg(target_arch = "x86_64")]
            Backend::Avx2 => "aes-avx2",
            #[cfg(target_arch = "x86_64")]
            Backend::Vaes => "vaes",
            #[cfg(target_arch = "x86_64")]
            Backend::Gfni => "gfni",
            #[cfg(target_arch = "aarch64")]
            Backend::ArmAes => "arm-aes",
            #[cfg(target_arch = "aarch64")]
            Backend::ArmSm4 => "arm-sm4",
        }
    }

    /// All backends of this machine, best first; the last one is `Portable`.
    pub(crate) fn available() -> impl Iterator<Item = Backend> {
        let mut found = [None; 5];
        #[cfg(target_arch = "x86_64")]
        {
            let aes = is_x86_feature_detected!("aes")
                && is_x86_feature_detected!("pclmulqdq")
                && is_x86_feature_detected!("ssse3")
                && is_x86_feature_detected!("sse4.1");
            let avx2 = aes && is_x86_feature_detected!("avx2");
            let wide = aes && is_x86_feature_detected!("vpclmulqdq");
            let vaes = wide && avx2 && is_x86_feature_detected!("vaes");
            let gfni = wide
                && is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("gfni");
            found[0] = gfni.then_some(Backend::Gfni);
            found[1] = vaes.then_some(Backend::Vaes);
            found[2] = avx2.then_some(Backend::Avx2);
            found[3] = aes.then_some(Backend::Aes);
        }
        #[cfg(target_arch = "aarch64")]
        {
            let neon = std::arch::is_aarch64_feature_detected!("neon");
            let sm4 = neon && std::arch::is_aarch64_feature_detected!("sm4");
            let aes = neon && std::arch::is_aarch64_feature_detected!("aes");
            found[0] = sm4.then_some(Backend::ArmSm4);
            found[1] = aes.then_some(Backend::ArmAes);
        }
        found[4] = Some(Backend::Portable);
        found.into_iter().flatten()
    }

    /// All that pass their examination, best first.
    pub(super) fn examined() -> &'static [Backend] {
        static EXAMINED: OnceLock<Vec<Backend>> = OnceLock::new();
        let passes =
            |backend: &Backend| *backend == Backend::Portable || selftest::passes(*backend);
        EXAMINED.get_or_init(|| Backend::available().filter(passes).collect())
    }

    /// The best backend of this machine that passes its examination, which is made once in a
    /// process; see [`selftest`].
    pub(crate) fn best() -> Backend {
        static BEST: OnceLock<Backend> = OnceLock::new();
        *BEST.get_or_init(|| Backend::choose(Backend::available(), selftest::passes))
    }

    /// The first candidate that passes. `Portable` needs no examination: it is the measure.
    pub(super) fn choose(
        mut candidates: impl Iterator<Item = Backend>,
        passes: impl Fn(Backend) -> bool,
    ) -> Backend {
        candidates
            .find(|backend| passes(*backend))
            .unwrap_or(Backend::Portable)
    }

    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    pub(crate) fn crypt_blocks(self, keys: &RoundKeys, blocks: &mut [[u8; BLOCK]]) {
        let done = enter!(self, ecb(keys, blocks), 0);
        portable::crypt_blocks(keys, &mut blocks[done..]);
    }

    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    pub(crate) fn crypt_blocks(self, keys: &RoundKeys, blocks: &mut [[u8; BLOCK]]) {
        portable::crypt_blocks(keys, blocks);
    }

    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    pub(crate) fn ctr(self, keys: &RoundKeys, nonce: &[u8; 12], counter: u32, data: &mut [u8]) {
        let words = nonce_words(nonce);
        enter!(
            self,
            ctr(keys, &words, counter, data),
            portable::ctr(keys, nonce, counter, data)
        );
    }

    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    pub(crate) fn ctr(self, keys: &RoundKeys, nonce: &[u8; 12], counter: u32, data: &mut [u8]) {
        portable::ctr(keys, nonce, counter, data);
    }
}

#[cfg(target_arch = "x86_64")]
impl Backend {
    /// Powers of the hash key; nothing for `Portable`.
    pub(crate) fn powers(self, h: &[u8; 16], out: &mut Powers) {
        enter!(self, powers(h, out), ());
    }

    /// GHASH over `data`; the state as it is for `Portable`, which hashes elsewhere.
    pub(crate) fn hash(self, powers: &Powers, state: u128, data: &[u8]) -> u128 {
        enter!(self, hash(powers, state, data), state)
    }

    /// Encrypts and hashes in one pass. `Portable` never comes here.
    pub(crate) fn seal(
        self,
        keys: &RoundKeys,
        powers: &Powers,
        nonce: &[u8; 12],
        state: u128,
        data: &mut [u8],
    ) -> u128 {
        let words = nonce_words(nonce);
        enter!(self, seal(keys, powers, &words, state, data), state)
    }
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn nonce_words(nonce: &[u8; 12]) -> [u32; 3] {
    let (words, _) = nonce.as_chunks::<4>();
    [words[0], words[1], words[2]].map(u32::from_be_bytes)
}
