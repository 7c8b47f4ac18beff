//! The deterministic nonce of a signature: RFC 6979 section 3.2 with HMAC-SM3 and the order of
//! sm2p256v1, the `e` of the message taken for its hash.

use super::order::Scalar;
use crate::sm3x::Stream;
use zeroize::{Zeroize, Zeroizing};

/// HMAC-SM3 (RFC 2104) under one key of 32 bytes: the chaining values behind both pads.
struct Mac {
    inner: [u32; 8],
    outer: [u32; 8],
}

impl Drop for Mac {
    fn drop(&mut self) {
        self.inner.zeroize();
        self.outer.zeroize();
    }
}

impl Mac {
    fn new(key: &[u8; 32]) -> Self {
        let pad = |with: u8| {
            let mut block = Zeroizing::new([with; 64]);
            for (byte, key) in block.iter_mut().zip(key) {
                *byte ^= key;
            }
            Stream::state_after(&block)
        };
        Mac {
            inner: pad(0x36),
            outer: pad(0x5c),
        }
    }

    fn of(&self, parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
        let mut inner = Stream::resume(self.inner, 64);
        for part in parts {
            inner.update(part);
        }
        let mut digest = inner.finish();
        let mut outer = Stream::resume(self.outer, 64);
        outer.update(&digest);
        digest.zeroize();
        Zeroizing::new(outer.finish())
    }
}

/// The candidates of section 3.2 step h, one after the other.
pub(super) struct Nonces {
    mac: Mac,
    value: Zeroizing<[u8; 32]>,
}

impl Nonces {
    /// Steps a to g with the private key and the hash reduced modulo the order.
    pub(super) fn new(secret: &Scalar, hash: &Scalar) -> Self {
        let secret = Zeroizing::new(secret.to_be_bytes());
        let hash = hash.to_be_bytes();
        let mut value = Zeroizing::new([1; 32]);
        let mut mac = Mac::new(&[0; 32]);
        for separator in [0, 1] {
            let key = mac.of(&[&value[..], &[separator], &secret[..], &hash]);
            mac = Mac::new(&key);
            value = mac.of(&[&value[..]]);
        }
        Nonces { mac, value }
    }

    /// The next nonce, from 1 to n − 1.
    pub(super) fn next(&mut self) -> Zeroizing<Scalar> {
        loop {
            self.value = self.mac.of(&[&self.value[..]]);
            let candidate = Scalar::from_be_bytes(&self.value).filter(|k| !k.is_zero());
            if let Some(nonce) = candidate {
                return Zeroizing::new(nonce);
            }
            self.advance();
        }
    }

    /// Between a candidate that does not serve and the next one (step h.3).
    pub(super) fn advance(&mut self) {
        let key = self.mac.of(&[&self.value[..], &[0]]);
        self.mac = Mac::new(&key);
        self.value = self.mac.of(&[&self.value[..]]);
    }
}
