//! SHA-256 (FIPS 180-4) of many messages at once, for tree hashing.
//!
//! Neighbours in the list whose padded messages have about as many blocks are hashed side by side: sixteen in the lanes
//! of AVX-512; two with the SHA extensions of x86-64, which give two rounds every four cycles to one message, since
//! each waits for the one before, and twice that to two; eight in the lanes of AVX2 where those are missing. The rest,
//! and everything on other machines, is hashed one by one by `ring`. A kernel is taken only after it has agreed with
//! `ring`, once in a process.
//!
//! ```
//! let [a, b] = [[1u8; 64], [2u8; 64]];
//! let digests = mifeng_crypto::sha2x::digest_many_prefixed(&[0], &[&a, &b]);
//! assert_eq!(digests.len(), 2);
//! ```

mod rounds;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod x86;

use crate::lanes::{self, Kernel};
use rounds::Sha256;
use std::sync::OnceLock;

/// The SHA-256 digests of `prefix ‖ input` for each of `inputs`, in order (RFC 6962 hashes leaves
/// behind 0x00 and nodes behind 0x01). A prefix of more than 63 bytes is right but slow.
#[must_use]
pub fn digest_many_prefixed(prefix: &[u8], inputs: &[&[u8]]) -> Vec<[u8; 32]> {
    lanes::digest_many::<Sha256>(kernels(), prefix, inputs)
}

/// Messages of one length that this machine hashes side by side if there are so many; 1 where it does not.
#[must_use]
pub fn lanes_for(messages: usize) -> usize {
    let mut fit = kernels().iter().filter(|kernel| kernel.least() <= messages);
    fit.next().map_or(1, Kernel::lanes)
}

/// The kernels that this machine has and that pass their examination, best first.
pub fn kernel_names() -> impl Iterator<Item = &'static str> {
    kernels().iter().map(Kernel::name)
}

/// As [`digest_many_prefixed`] without a prefix, on the kernel of this name, if this machine has it: to compare kernels.
#[must_use]
pub fn digest_many_with(name: &str, inputs: &[&[u8]]) -> Option<Vec<[u8; 32]>> {
    let kernel = kernels().iter().find(|kernel| kernel.name() == name)?;
    let one = core::slice::from_ref(kernel);
    Some(lanes::digest_many::<Sha256>(one, &[], inputs))
}

/// The kernels that pass their examination, made once in a process.
fn kernels() -> &'static [Kernel] {
    static EXAMINED: OnceLock<Vec<Kernel>> = OnceLock::new();
    EXAMINED.get_or_init(lanes::examined::<Sha256>)
}
