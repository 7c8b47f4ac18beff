//! Signature keys: one public type and one secret type for all algorithms taken.

mod ecdsa;
mod many;
mod private;
mod public;
#[cfg(test)]
mod tests;

pub use many::{Signed, verify_many};
pub use private::PrivateKey;
pub use public::PublicKey;

use der::asn1::UintRef;

/// The signer id of GB/T 35276 for certificates, messages, time stamps and seals.
const SM2_ID: &[u8] = b"1234567812345678";

/// What kind of key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyAlg {
    /// SM2 on sm2p256v1.
    Sm2,
    /// ECDSA on P-256.
    P256,
    /// ECDSA on P-384 (verification only).
    P384,
    /// RSA with a modulus of this many bits.
    Rsa {
        /// Bits of the modulus.
        bits: usize,
    },
    /// Ed25519 (RFC 8032).
    Ed25519,
}

/// A signature algorithm with its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignatureAlg {
    /// SM2 with SM3 and the signer id 1234567812345678 (GB/T 32918.2); DER signature.
    Sm2Sm3,
    /// ECDSA P-256 with SHA-256; DER signature.
    EcdsaP256Sha256,
    /// ECDSA P-384 with SHA-384; DER signature.
    EcdsaP384Sha384,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RsaPkcs1Sha256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    RsaPkcs1Sha384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    RsaPkcs1Sha512,
    /// RSASSA-PSS with SHA-256, MGF1-SHA-256 and a salt of 32 bytes.
    RsaPssSha256,
    /// RSASSA-PSS with SHA-384, MGF1-SHA-384 and a salt of 48 bytes.
    RsaPssSha384,
    /// RSASSA-PSS with SHA-512, MGF1-SHA-512 and a salt of 64 bytes.
    RsaPssSha512,
    /// Ed25519.
    Ed25519,
}

/// `SM2Signature` of GB/T 35276 and `Ecdsa-Sig-Value` of RFC 3279, which are the same.
#[derive(der::Sequence)]
struct EcSignature<'a> {
    r: UintRef<'a>,
    s: UintRef<'a>,
}
