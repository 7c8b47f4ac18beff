//! The secret by which a host knows its own challenges and tokens again: one for each tender, the same for all replicas.

use mifeng_crypto::{Digest, Entropy, Suite};
use std::fmt::Write;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// 32 random bytes. It signs nobody in: a session is one that a list of the host's says began.
pub struct Key(Zeroizing<[u8; 32]>);

impl Key {
    /// A new one.
    ///
    /// # Errors
    /// The entropy's.
    pub fn random(entropy: &mut dyn Entropy) -> Result<Self, mifeng_crypto::Error> {
        let mut key = Zeroizing::new([0; 32]);
        entropy.fill(&mut *key)?;
        Ok(Key(key))
    }

    /// One that was written down: 64 lower-case hex digits, nothing else.
    pub fn read(line: &[u8]) -> Option<Self> {
        let mut key = Zeroizing::new([0; 32]);
        if line.len() != 2 * key.len() {
            return None;
        }
        for (byte, two) in key.iter_mut().zip(line.chunks_exact(2)) {
            *byte = digit(two[0])? << 4 | digit(two[1])?;
        }
        Some(Key(key))
    }

    /// As it is written down, where nobody but the host reads.
    pub fn reveal(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(2 * self.0.len()));
        for byte in self.0.iter() {
            // A string takes everything.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }

    /// `KDF(key, label, context)`, of 32 bytes: HKDF-Expand with the suite's hash, whose first block is HMAC.
    pub(crate) fn mark(&self, suite: &Suite, label: &str, context: &Digest) -> Digest {
        let mut mark = [0; 32];
        suite.kdf(&self.0[..], label, context.as_bytes(), &mut mark);
        Digest::from_bytes(mark)
    }
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

/// How long it takes does not tell how much of a guess is right.
pub(crate) fn same(one: &Digest, other: &Digest) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mifeng_crypto::{GM, INTL, SeededEntropy};

    #[test]
    fn a_key_that_was_written_down_is_the_same() {
        let key =
            Key::random(&mut SeededEntropy::new(b"key")).unwrap_or_else(|e| unreachable!("{e}"));
        let text = key.reveal();
        let again = Key::read(text.as_bytes()).unwrap_or_else(|| unreachable!("{}", *text));
        let context = Digest::from_bytes([3; 32]);
        for suite in [&INTL, &GM] {
            let mark = key.mark(suite, "a", &context);
            assert_eq!(again.mark(suite, "a", &context), mark);
            assert_ne!(again.mark(suite, "b", &context), mark);
            assert_ne!(key.mark(suite, "a", &Digest::from_bytes([4; 32])), mark);
        }
        let upper = text.to_uppercase();
        for wrong in [
            "",
            "00",
            &text[1..],
            &format!("{}0", *text),
            &upper,
            &text.replace(&text[..1], "g"),
        ] {
            assert!(Key::read(wrong.as_bytes()).is_none(), "{wrong}");
        }
    }
}
