//! SM2 signatures (GB/T 32918.2) with SM3.

use super::field::Fe;
use super::limbs::{self, Limbs};
use super::mul::{add_generator_vartime, naf};
use super::nonce::Nonces;
use super::order::{N, Scalar};
use super::point::{Affine, Point};
use super::{lincomb_vartime, mul_generator};
use crate::sm3x::Stream;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use zeroize::{Zeroize, Zeroizing};

/// Z of GB/T 32918.2 section 5.5: the hash of the signer's id, the curve and the public key.
fn identity_hash(id: &[u8], key: &Affine) -> [u8; 32] {
    let mut hash = Stream::new();
    // ENTL: the bits of the id in two bytes. Ids here are constants of the standards.
    hash.update(&(id.len() as u16 * 8).to_be_bytes());
    hash.update(id);
    hash.update(&Fe::ONE.double().add(&Fe::ONE).neg().to_be_bytes());
    hash.update(&super::point::B.to_be_bytes());
    for point in [&super::point::G, key] {
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

/// Width of the forms whose digits index a [`Prepared`] table.
const WIDTH: u32 = 6;
const ODD: usize = 1 << (WIDTH - 2);
/// Parts of a scalar, 64 bits each.
const PARTS: usize = 4;

/// Odd multiples 1 to 31 of `key`, `2^64·key`, `2^128·key` and `2^192·key`: with them a
/// verification doubles 64 times instead of 256.
struct Prepared([[Affine; ODD]; PARTS]);

impl Prepared {
    fn new(key: &Affine) -> Self {
        let mut points = Vec::with_capacity(ODD * PARTS);
        let mut base = Point::from(*key);
        for _ in 0..PARTS {
            let twice = base.double();
            let mut multiple = base;
            for _ in 0..ODD {
                points.push(multiple);
                multiple = multiple.add(&twice);
            }
            for _ in 0..64 {
                base = base.double();
            }
        }
        let mut table = [[*key; ODD]; PARTS];
        let entries = table.iter_mut().flatten();
        for (entry, point) in entries.zip(Point::all_to_affine(&points)) {
            *entry = point;
        }
        Prepared(table)
    }

    /// `k · key` in variable time.
    fn mul_vartime(&self, k: &Scalar) -> Point {
        let part = |i: usize| naf(&[k.limbs()[i], 0, 0, 0], WIDTH);
        let digits: [_; PARTS] = core::array::from_fn(part);
        let mut sum = Point::IDENTITY;
        // A form of 64 bits has at most 65 digits.
        for at in (0..=64).rev() {
            if !sum.is_identity() {
                sum = sum.double();
            }
            for (digits, table) in digits.iter().zip(&self.0) {
                let digit = digits[at];
                let entry = &table[usize::from(digit.unsigned_abs() / 2)];
                if digit > 0 {
                    sum = sum.add_affine_vartime(entry);
                } else if digit < 0 {
                    sum = sum.add_affine_vartime(&entry.neg());
                }
            }
        }
        sum
    }
}

/// A public key that verifies. From the second signature on it uses a table of its multiples
/// (4 KiB, as dear as one verification), which makes each more than twice as fast.
pub(crate) struct VerifyingKey {
    key: Affine,
    identity: [u8; 32],
    used: AtomicBool,
    prepared: OnceLock<Box<Prepared>>,
}

impl VerifyingKey {
    pub(crate) fn new(key: Affine, id: &[u8]) -> Self {
        VerifyingKey {
            key,
            identity: identity_hash(id, &key),
            used: AtomicBool::new(false),
            prepared: OnceLock::new(),
        }
    }

    pub(super) fn key(&self) -> &Affine {
        &self.key
    }

    pub(super) fn identity(&self) -> &[u8; 32] {
        &self.identity
    }

    /// Multiplication by way of the table, if this key has verified before.
    pub(super) fn table_vartime(&self) -> Option<impl Fn(&Scalar) -> Point + '_> {
        if !self.used.swap(true, Ordering::Relaxed) {
            return None;
        }
        let prepared = || Box::new(Prepared::new(&self.key));
        let table = self.prepared.get_or_init(prepared);
        Some(|k: &Scalar| table.mul_vartime(k))
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
        let point = match self.table_vartime() {
            Some(product) => add_generator_vartime(product(&t), &s),
            None => lincomb_vartime(&s, &[(t, Point::from(self.key))]),
        };
        // B7: e + x1 = r modulo n.
        !point.is_identity() && x_is(&point, r.sub(&e).limbs())
    }
}

/// Whether x of a point is `value` modulo n, `value < n`, without an inversion: x is the value
/// itself or, where that is still below p, the value and n.
pub(super) fn x_is(point: &Point, value: &Limbs) -> bool {
    let zz = point.z.square();
    if Fe::from_limbs(value).mul(&zz) == point.x {
        return true;
    }
    let (more, carry) = limbs::add(value, &N);
    let (_, below) = limbs::sub(&more, &super::field::P);
    carry == 0 && below == 1 && Fe::from_limbs(&more).mul(&zz) == point.x
}
