//! SHA-256 and SM3 behind one value.

use crate::{Error, sha2x, sm3x};
use core::fmt;
use core::str::FromStr;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A hash algorithm with a 32-byte result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HashAlg {
    /// SHA-256 (FIPS 180-4).
    Sha256,
    /// SM3 (GB/T 32905).
    Sm3,
}

impl HashAlg {
    /// The hash of `data`.
    pub fn digest(self, data: &[u8]) -> Digest {
        self.digest_parts(&[data])
    }

    /// The hash of the concatenation of `parts`.
    pub fn digest_parts(self, parts: &[&[u8]]) -> Digest {
        let mut hasher = self.hasher();
        for part in parts {
            hasher.update(part);
        }
        hasher.finish()
    }

    /// The hashes of `prefix ‖ input` for each of `inputs`, in order, as many side by side as the machine takes. A prefix
    /// of more than 63 bytes is right but slow.
    pub fn digest_many(self, prefix: &[u8], inputs: &[&[u8]]) -> Vec<Digest> {
        let digests = match self {
            HashAlg::Sha256 => sha2x::digest_many_prefixed(prefix, inputs),
            HashAlg::Sm3 => sm3x::digest_many_prefixed(prefix, inputs),
        };
        digests.into_iter().map(Digest).collect()
    }

    /// A hasher that takes its input piece by piece.
    pub fn hasher(self) -> Hasher {
        match self {
            HashAlg::Sha256 => Hasher(State::Sha256(ring::digest::Context::new(
                &ring::digest::SHA256,
            ))),
            HashAlg::Sm3 => Hasher(State::Sm3(sm3x::Stream::new())),
        }
    }

    /// The name used in texts: `sha256` or `sm3`.
    pub fn name(self) -> &'static str {
        match self {
            HashAlg::Sha256 => "sha256",
            HashAlg::Sm3 => "sm3",
        }
    }
}

/// A running hash.
#[derive(Clone)]
pub struct Hasher(State);

#[derive(Clone)]
enum State {
    Sha256(ring::digest::Context),
    Sm3(sm3x::Stream),
}

impl Hasher {
    /// Adds `data` to what is hashed.
    pub fn update(&mut self, data: &[u8]) {
        match &mut self.0 {
            State::Sha256(context) => context.update(data),
            State::Sm3(state) => state.update(data),
        }
    }

    /// The hash of all that was added.
    pub fn finish(self) -> Digest {
        let mut out = [0; 32];
        match self.0 {
            State::Sha256(context) => out.copy_from_slice(context.finish().as_ref()),
            State::Sm3(state) => out = state.finish(),
        }
        Digest(out)
    }
}

/// A 32-byte hash value; shown, parsed and serialised as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Wraps 32 bytes that are a hash.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Digest(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl AsRef<[u8]> for Digest {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; 64];
        hex::encode_to_slice(self.0, &mut text).map_err(|_| fmt::Error)?;
        f.write_str(core::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = Error::Encoding {
            what: "digest of 64 lower-case hex digits",
        };
        if text.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(wrong);
        }
        let mut out = [0; 32];
        hex::decode_to_slice(text, &mut out).map_err(|_| wrong)?;
        Ok(Digest(out))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_string())
    }
}

/// Reads a digest where it stands.
struct Hex;

impl serde::de::Visitor<'_> for Hex {
    type Value = Digest;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Digest, E> {
        text.parse().map_err(E::custom)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Hex)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        // GB/T 32905 annex and FIPS 180-4.
        assert_eq!(
            HashAlg::Sm3.digest(&b"abcd".repeat(16)).to_string(),
            "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"
        );
        assert_eq!(
            HashAlg::Sm3.digest(b"").to_string(),
            "1ab21d8355cfa17f8e61194831e81a8f22bec8c728fefb747ed035eb5082aa2b"
        );
        assert_eq!(
            HashAlg::Sha256.digest(b"abc").to_string(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn text_form_is_strict() {
        let text = HashAlg::Sm3.digest(b"").to_string();
        assert_eq!(
            text.parse::<Digest>().map(|d| d.to_string()),
            Ok(text.clone())
        );
        assert!(text.to_uppercase().parse::<Digest>().is_err());
        assert!(text[1..].parse::<Digest>().is_err());
    }
}
