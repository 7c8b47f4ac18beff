//! SM2 signatures (GB/T 32918.2) with SM3.

use super::mul_generator;
use super::nonce::Nonces;
use super::order::Scalar;
use super::{Affine, Fe};
use crate::curves::vartime::{lincomb_vartime, x_is};
use crate::curves::{Known, Sm2, point};
use crate::sm3x::Stream;
use zeroize::{Zeroize, Zeroizing};

/// Z of GB/T 32918.2 section 5.5: the hash of the signer's id, the curve and the public key.
fn identity_hash(id: &[u8], key: &Affine) -> [u8; 32] {
    let mut hash = Stream::new();
    // ENTL: the bits of the id in two bytes. Ids here are constants of the standards.
    hash.update(&(id.len() as u16 * 8).to_be_bytes());
    hash.update(id);
    hash.update(&Fe::ONE.double().add(&Fe::ONE).neg().to_be_bytes());
    hash.update(&point::b::<Sm2>().to_be_bytes());
    for point in [&Affine::GENERATOR, key] {
        let (x, y) = point.coordinates();
        hash.update(&x);
        hash.update(&y);
    }
    hash.finish()
}

/// e of section 6.1: the hash of Z and the message, modulo the order.
fn message_hash(identity: &[u8; 32], message: &[u8]) -> Scalar {
    let mut hash = Stream::new();
    hash.update(identity);
    hash.update(message);
    Scalar::reduce(&hash.finish())
}

/// A private key ready to sign. Wiped on drop.
pub(crate) struct SigningKey {
    secret: Scalar,
    /// 1 / (1 + d).
    inverse: Scalar,
    public: Affine,
    identity: [u8; 32],
}

impl Drop for SigningKey {
    fn drop(&mut self) {
        self.secret.zeroize();
        self.inverse.zeroize();
    }
}

impl SigningKey {
    /// The key of a secret from 1 to n − 2 and a signer's id.
    pub(crate) fn new(secret: &Scalar, id: &[u8]) -> Option<Self> {
        let plus_one = Zeroizing::new(secret.add(&Scalar::ONE));
        if secret.is_zero() || plus_one.is_zero() {
            return None;
        }
        let public = mul_generator(secret).to_affine()?;
        Some(SigningKey {
            secret: *secret,
            inverse: plus_one.invert(),
            public,
            identity: identity_hash(id, &public),
        })
    }

    pub(crate) fn secret(&self) -> &Scalar {
        &self.secret
    }

    pub(crate) fn public(&self) -> &Affine {
        &self.public
    }

    /// r and s over a message, with the nonce of RFC 6979.
    pub(crate) fn sign(&self, message: &[u8]) -> [[u8; 32]; 2] {
        // A1, A2: e = SM3(Z ‖ M).
        let e = message_hash(&self.identity, message);
        let mut nonces = Nonces::new(&self.secret, &e);
        loop {
            // A3 to A6: k, (x1, y1) = kG, r = e + x1, s = (k − rd) / (1 + d).
            let k = nonces.next();
            let mut point = mul_generator(&k);
            let r = e.add(&Scalar::reduce_limbs(&point.affine_x().to_limbs()));
            point.zeroize();
            let rd = Zeroizing::new(r.mul(&self.secret));
            let s = self.inverse.mul(&Zeroizing::new(k.sub(&rd)));
            if !r.is_zero() && !r.add(&k).is_zero() && !s.is_zero() {
                return [r.to_be_bytes(), s.to_be_bytes()];
            }
            nonces.advance();
        }
    }
}

/// A public key that verifies. From the second signature on it uses a table of its multiples
/// (4 KiB, as dear as one verification), which makes each more than twice as fast.
pub(crate) struct VerifyingKey {
    key: Known<Sm2>,
    identity: [u8; 32],
}

impl VerifyingKey {
    pub(crate) fn new(key: Affine, id: &[u8]) -> Self {
        VerifyingKey {
            key: Known::new(key.into()),
            identity: identity_hash(id, &key),
        }
    }

    pub(super) fn key(&self) -> &Known<Sm2> {
        &self.key
    }

    pub(super) fn identity(&self) -> &[u8; 32] {
        &self.identity
    }

    /// Whether r and s, 32 big-endian bytes each, are a signature of this key over a message.
    pub(crate) fn verify(&self, message: &[u8], r: &[u8; 32], s: &[u8; 32]) -> bool {
        // B1, B2: both from 1 to n − 1.
        let (Some(r), Some(s)) = (Scalar::from_be_bytes(r), Scalar::from_be_bytes(s)) else {
            return false;
        };
        // B5: t = r + s, not zero.
        let t = r.add(&s);
        if r.is_zero() || s.is_zero() || t.is_zero() {
            return false;
        }
        // B3, B4, B6: e, and (x1, y1) = sG + tP.
        let e = message_hash(&self.identity, message);
        let point = lincomb_vartime(s.limbs(), &[(*t.limbs(), &self.key)], &[]);
        // B7: e + x1 = r modulo n.
        x_is(&point, r.sub(&e).limbs())
    }
}
