//! The two algorithm suites and the nouns that every floor of Mifeng shares.
//!
//! *What is it?* Hashes, key derivation, the group of the suite's curve, signatures, public-key
//! encryption, authenticated chunks, canonical JSON, instants and randomness, each chosen by a
//! [`Suite`] value that a tender names once. *When do I want it?* When you build on the floors
//! above; applications use the facade crate `mifeng`.
//!
//! ```
//! use mifeng_crypto::{GM, HashAlg};
//! let digest = GM.hash().digest(b"abc");
//! assert_eq!(digest.to_string(), "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
//! assert_eq!(GM.hash(), HashAlg::Sm3);
//! ```
//!
//! No clock, no files, no sockets: time ([`Time`]) and randomness ([`Entropy`]) are arguments.
#![deny(unsafe_code)]

mod chunk;
pub mod cores;
mod curves;
mod digest;
mod entropy;
mod error;
mod group;
pub mod hpke;
pub mod jcs;
mod keys;
mod lanes;
pub mod oaep;
pub mod sha2x;
mod sm2dig;
pub mod sm2enc;
mod sm2k;
pub mod sm3x;
pub mod sm4;
mod suite;
mod time;
mod wiped;

pub use chunk::{ChunkCipher, TAG_LEN};
pub use digest::{Digest, HashAlg, Hasher};
pub use entropy::{Entropy, SeededEntropy, SystemEntropy};
pub use error::{Error, Kind};
pub use group::{Curve, KnownPoint, Point, PointSum, Scalar, hash_to_point};
pub use keys::{KeyAlg, PrivateKey, PublicKey, SignatureAlg, Signed, verify_many};
pub use sm2dig::{signature_from_der, signature_to_der, sm2_digest};
pub use suite::{GM, INTL, Suite, hkdf_expand, hkdf_expand_sha512};
pub use time::{InChina, Time};
pub use wiped::Wiped;
