//! The suite: named once, in the notice, and agreed with by every later artefact.

use crate::{Curve, Digest, Error, HashAlg, Scalar};
use hkdf::Hkdf;

/// The label that starts every domain-separated hash and derivation of protocol version 1.
const DOMAIN: &str = "mifeng/v1/";

/// One set of algorithms (PROTOCOL 3.1). Travels as `&'static Suite`; there are exactly two.
#[derive(Debug, PartialEq, Eq)]
pub struct Suite {
    id: &'static str,
    hash: HashAlg,
    curve: Curve,
    body_key_len: usize,
}

/// `gm-1`: SM2, SM3, SM4-GCM.
pub static GM: Suite = Suite {
    id: "gm-1",
    hash: HashAlg::Sm3,
    curve: Curve::Sm2,
    body_key_len: 16,
};

/// `intl-1`: P-256 (certificates ECDSA or RSA), SHA-256, Cobblestone-256 (AES-256-GCM).
pub static INTL: Suite = Suite {
    id: "intl-1",
    hash: HashAlg::Sha256,
    curve: Curve::P256,
    body_key_len: 32,
};

/// What `H_tag` hashes, piece by piece.
fn tagged(tag: &str, parts: &[&[u8]], mut take: impl FnMut(&[u8])) {
    take(DOMAIN.as_bytes());
    take(tag.as_bytes());
    take(&[0]);
    for part in parts {
        take(&(part.len() as u64).to_be_bytes());
        take(part);
    }
}

impl Suite {
    /// The suite with this id.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for any other text: nothing is negotiated.
    pub fn by_id(id: &str) -> Result<&'static Suite, Error> {
        match id {
            "gm-1" => Ok(&GM),
            "intl-1" => Ok(&INTL),
            _ => Err(Error::Unsupported { what: "suite id" }),
        }
    }

    /// The id written in records: `gm-1` or `intl-1`.
    pub fn id(&self) -> &'static str {
        self.id
    }

    /// The suite's hash.
    pub fn hash(&self) -> HashAlg {
        self.hash
    }

    /// The suite's curve, on which boards hold their keys.
    pub fn curve(&self) -> Curve {
        self.curve
    }

    /// Bytes of the key that encrypts a bid's body.
    pub fn body_key_len(&self) -> usize {
        self.body_key_len
    }

    /// `H_tag(t, x…) = H("mifeng/v1/" ‖ t ‖ 00 ‖ for each x: be64(len x) ‖ x)` (PROTOCOL 2.2).
    pub fn h_tag(&self, tag: &str, parts: &[&[u8]]) -> Digest {
        let mut hasher = self.hash.hasher();
        tagged(tag, parts, |piece| hasher.update(piece));
        hasher.finish()
    }

    /// `H_tag` of each, side by side.
    pub fn h_tag_many<const N: usize>(&self, tag: &str, all: &[[&[u8]; N]]) -> Vec<Digest> {
        let message = |parts: &[&[u8]; N]| {
            let mut message = Vec::new();
            tagged(tag, parts, |piece| message.extend_from_slice(piece));
            message
        };
        let messages: Vec<Vec<u8>> = all.iter().map(message).collect();
        let inputs: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
        self.hash.digest_many(&[], &inputs)
    }

    /// `H_q`: 48 bytes from two tagged hashes, modulo the group order (PROTOCOL 2.2).
    pub fn h_q(&self, tag: &str, parts: &[&[u8]]) -> Scalar {
        let mut wide = [0; 48];
        wide[..32].copy_from_slice(self.h_tag(&format!("{tag}/0"), parts).as_bytes());
        let second = self.h_tag(&format!("{tag}/1"), parts);
        wide[32..].copy_from_slice(&second.as_bytes()[..16]);
        Scalar::reduce(self.curve, &wide)
    }

    /// `KDF(k, l, c, L) = HKDF-Expand(k, "mifeng/v1/" ‖ l ‖ 00 ‖ c, L)` with the suite's hash.
    ///
    /// # Panics
    /// If more than 255 × 32 bytes are asked for, or `key` is shorter than 16 bytes: both are
    /// fixed by the caller's code, never by input.
    pub fn kdf(&self, key: &[u8], label: &str, context: &[u8], out: &mut [u8]) {
        let info = [DOMAIN.as_bytes(), label.as_bytes(), &[0], context];
        hkdf_expand(self.hash, key, &info, out);
    }
}

/// HKDF-Expand (RFC 5869 section 2.3) with the concatenation of `info`.
///
/// # Panics
/// As [`Suite::kdf`].
pub fn hkdf_expand(alg: HashAlg, key: &[u8], info: &[&[u8]], out: &mut [u8]) {
    // `from_prk` insists on a key of one hash length; RFC 5869 does not, and gm-1 body keys have
    // 16 bytes. HMAC pads short keys with zeros, so padding here changes nothing.
    let mut padded = zeroize::Zeroizing::new([0u8; 64]);
    assert!(key.len() <= 64 && key.len() >= 16, "key of 16 to 64 bytes");
    padded[..key.len()].copy_from_slice(key);
    let done = match alg {
        HashAlg::Sha256 => Hkdf::<sha2::Sha256>::from_prk(&padded[..])
            .map(|kdf| kdf.expand_multi_info(info, out).is_ok()),
        HashAlg::Sm3 => Hkdf::<sm3::Sm3>::from_prk(&padded[..])
            .map(|kdf| kdf.expand_multi_info(info, out).is_ok()),
    };
    assert!(matches!(done, Ok(true)), "output of at most 255 blocks");
}

/// HKDF-Expand with SHA-512, which Cobblestone-256 uses.
///
/// # Panics
/// As [`Suite::kdf`], with keys of 16 to 128 bytes.
pub fn hkdf_expand_sha512(key: &[u8], info: &[&[u8]], out: &mut [u8]) {
    let mut padded = zeroize::Zeroizing::new([0u8; 128]);
    assert!(
        key.len() <= 128 && key.len() >= 16,
        "key of 16 to 128 bytes"
    );
    padded[..key.len()].copy_from_slice(key);
    let done = Hkdf::<sha2::Sha512>::from_prk(&padded[..])
        .map(|kdf| kdf.expand_multi_info(info, out).is_ok());
    assert!(matches!(done, Ok(true)), "output of at most 255 blocks");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc5869_case_1_expand() {
        let prk = hex::decode("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5")
            .expect("hex");
        let info = hex::decode("f0f1f2f3f4f5f6f7f8f9").expect("hex");
        let mut okm = [0; 42];
        hkdf_expand(HashAlg::Sha256, &prk, &[&info], &mut okm);
        assert_eq!(
            hex::encode(okm),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
        );
    }

    #[test]
    fn framing_separates_parts() {
        assert_ne!(GM.h_tag("t", &[b"ab", b"c"]), GM.h_tag("t", &[b"a", b"bc"]));
        assert_ne!(GM.h_tag("t", &[b"a"]), INTL.h_tag("t", &[b"a"]));
        assert_ne!(GM.h_tag("t", &[b"a"]), GM.h_tag("u", &[b"a"]));
    }

    #[test]
    fn unknown_suites_are_refused() {
        assert!(Suite::by_id("gm-2").is_err());
        assert_eq!(Suite::by_id("intl-1").map(Suite::id), Ok("intl-1"));
    }
}
