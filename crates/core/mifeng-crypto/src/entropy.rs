//! Randomness as an argument.

use crate::{Error, HashAlg};
use zeroize::Zeroizing;

/// A source of uniformly random bytes.
pub trait Entropy {
    /// Fills `out` with random bytes.
    ///
    /// # Errors
    /// [`Error::Entropy`] if the source has none; `out` must not be used then.
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Error>;
}

/// The operating system's generator. A web page has no operating system: there it has none to give,
/// which stops nobody from verifying.
#[derive(Default)]
pub struct SystemEntropy(());

impl SystemEntropy {
    /// The operating system's generator.
    pub fn new() -> Self {
        SystemEntropy(())
    }
}

impl Entropy for SystemEntropy {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
        fill_from_system(out)
    }
}

#[cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]
fn fill_from_system(out: &mut [u8]) -> Result<(), Error> {
    use ring::rand::SecureRandom;
    ring::rand::SystemRandom::new()
        .fill(out)
        .map_err(|_| Error::Entropy)
}

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
fn fill_from_system(_out: &mut [u8]) -> Result<(), Error> {
    Err(Error::Entropy)
}

/// Deterministic bytes from a seed: for simulations, vectors and tests only.
///
/// Block `i` is `SHA-256(seed ‖ be64 i)`. Whoever knows the seed knows every byte.
pub struct SeededEntropy {
    seed: Zeroizing<Vec<u8>>,
    counter: u64,
}

impl SeededEntropy {
    /// A stream fixed by `seed`.
    pub fn new(seed: &[u8]) -> Self {
        SeededEntropy {
            seed: Zeroizing::new(seed.to_vec()),
            counter: 0,
        }
    }
}

impl Entropy for SeededEntropy {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
        for piece in out.chunks_mut(32) {
            let block = HashAlg::Sha256.digest_parts(&[&self.seed, &self.counter.to_be_bytes()]);
            self.counter += 1;
            piece.copy_from_slice(&block.as_bytes()[..piece.len()]);
        }
        Ok(())
    }
}
