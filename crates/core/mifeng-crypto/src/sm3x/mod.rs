//! SM3 (GB/T 32905-2016) of many messages at once, for tree hashing.
//!
//! Neighbours in the list whose padded messages have about as many blocks are hashed side by side, one
//! in each lane: sixteen with AVX-512, eight with AVX2. The rest, and everything on other machines,
//! is hashed one by one. A kernel is taken only after it has agreed with the hash of one message,
//! once in a process.
//!
//! ```
//! let [a, b] = [[1u8; 64], [2u8; 64]];
//! let digests = mifeng_crypto::sm3x::digest_many_prefixed(&[0], &[&a, &b]);
//! assert_eq!(digests.len(), 2);
//! ```

mod rounds;
mod stream;
#[cfg(test)]
mod tests;

use crate::lanes::{self, Kernel};
use rounds::Sm3;
use std::sync::OnceLock;
pub(crate) use stream::Stream;

/// The SM3 digests of `inputs`, in order.
#[must_use]
pub fn digest_many(inputs: &[&[u8]]) -> Vec<[u8; 32]> {
    digest_many_prefixed(&[], inputs)
}

/// The SM3 digests of `prefix ‖ input` for each of `inputs`, in order (RFC 6962 hashes leaves
/// behind 0x00 and nodes behind 0x01). A prefix of more than 63 bytes is right but slow.
#[must_use]
pub fn digest_many_prefixed(prefix: &[u8], inputs: &[&[u8]]) -> Vec<[u8; 32]> {
    lanes::digest_many::<Sm3>(kernels(), prefix, inputs)
}

/// Messages of one length that this machine hashes side by side; 1 where it has no lanes.
#[must_use]
pub fn lanes() -> usize {
    kernels().first().map_or(1, Kernel::lanes)
}

/// The kernels that this machine has and that pass their examination, best first.
pub fn kernel_names() -> impl Iterator<Item = &'static str> {
    kernels().iter().map(Kernel::name)
}

/// As [`digest_many`] on the kernel of this name, if this machine has it: to compare kernels.
#[must_use]
pub fn digest_many_with(name: &str, inputs: &[&[u8]]) -> Option<Vec<[u8; 32]>> {
    let kernel = kernels().iter().find(|kernel| kernel.name() == name)?;
    let one = core::slice::from_ref(kernel);
    Some(lanes::digest_many::<Sm3>(one, &[], inputs))
}

/// The kernels that pass their examination, made once in a process.
fn kernels() -> &'static [Kernel] {
    static EXAMINED: OnceLock<Vec<Kernel>> = OnceLock::new();
    EXAMINED.get_or_init(lanes::examined::<Sm3>)
}
