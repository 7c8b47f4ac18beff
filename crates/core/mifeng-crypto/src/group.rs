//! The group of the suite's curve: scalars and points.
//!
//! SM2 is on our own arithmetic. On P-256 scalars, and the multiplication of points by secret ones, are those of the
//! `p256` crate; points are read, added and written by our own, which also computes the sums of [`Point::lincomb_vartime`],
//! for public values only.
//!
//! Operands of one operation must be on one curve. A suite fixes the curve of everything under it
//! and parsing takes the curve as an argument, so a mix can only be a bug and panics.

mod many;

use crate::curves::{self, P256, Params};
use crate::{Entropy, Error, HashAlg, Suite, sm2k};
use core::fmt;
use core::ops::Mul as _;
use elliptic_curve::group::Group as _;
use elliptic_curve::sec1::{FromSec1Point, Sec1Point, ToSec1Point};
use elliptic_curve::{Field, PrimeField};
use zeroize::Zeroize;

pub use many::{KnownPoint, PointSum};
pub(crate) use many::{Times, times, times_vartime};

/// A curve of 256 bits with prime order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    /// sm2p256v1 (GB/T 32918.5).
    Sm2,
    /// NIST P-256 (FIPS 186-5).
    P256,
}

impl Curve {
    /// The name used in labels: `sm2p256v1` or `P-256`.
    pub fn name(self) -> &'static str {
        match self {
            Curve::Sm2 => "sm2p256v1",
            Curve::P256 => "P-256",
        }
    }
}

/// An integer modulo the group order. Zeroized on drop, shown never.
#[derive(Clone, PartialEq, Eq)]
pub struct Scalar(ScalarOn);

#[derive(Clone, PartialEq, Eq)]
enum ScalarOn {
    Sm2(sm2k::Scalar),
    P256(p256::Scalar),
}

impl Drop for Scalar {
    fn drop(&mut self) {
        match &mut self.0 {
            ScalarOn::Sm2(scalar) => scalar.zeroize(),
            ScalarOn::P256(scalar) => scalar.zeroize(),
        }
    }
}

/// A point of the group. Only arithmetic can make the identity; parsing refuses it.
#[derive(Clone, PartialEq, Eq)]
pub struct Point(PointOn);

#[derive(Clone, PartialEq, Eq)]
enum PointOn {
    Sm2(sm2k::Point),
    P256(curves::Point<P256>),
}

fn mixed() -> ! {
    unreachable!("operands on two curves: a suite fixes the curve of everything under it")
}

macro_rules! two {
    ($kind:ident, $a:expr, $b:expr, |$x:ident, $y:ident| $body:expr) => {
        match ($a, $b) {
            ($kind::Sm2($x), $kind::Sm2($y)) => $kind::Sm2($body),
            ($kind::P256($x), $kind::P256($y)) => $kind::P256($body),
            _ => mixed(),
        }
    };
}

fn scalar_from_repr<F: PrimeField>(bytes: &[u8; 32]) -> Option<F> {
    let mut repr = F::Repr::default();
    repr.as_mut().copy_from_slice(bytes);
    F::from_repr(repr).into()
}

fn scalar_reduce<F: PrimeField>(wide: &[u8; 48]) -> F {
    // wide = ((a·2^128) + b)·2^128 + c with limbs of 16 bytes, each below any 256-bit order.
    let limb = |at: usize| {
        let mut bytes = [0; 32];
        bytes[16..].copy_from_slice(&wide[at..at + 16]);
        scalar_from_repr::<F>(&bytes).expect("128 bits are below a 256-bit order")
    };
    let mut shift = [0; 32];
    shift[15] = 1;
    let shift = scalar_from_repr::<F>(&shift).expect("2^128 is below a 256-bit order");
    (limb(0) * shift + limb(16)) * shift + limb(32)
}

impl Scalar {
    /// The SM2 scalar inside.
    pub(crate) fn sm2(&self) -> Option<&sm2k::Scalar> {
        match &self.0 {
            ScalarOn::Sm2(scalar) => Some(scalar),
            ScalarOn::P256(_) => None,
        }
    }

    pub(crate) fn from_sm2(scalar: &sm2k::Scalar) -> Scalar {
        Scalar(ScalarOn::Sm2(*scalar))
    }

    /// Reads 32 big-endian bytes below the group order.
    ///
    /// # Errors
    /// [`Error::Encoding`] if the value is not below the order.
    pub fn from_be_bytes(curve: Curve, bytes: &[u8; 32]) -> Result<Self, Error> {
        let scalar = match curve {
            Curve::Sm2 => sm2k::Scalar::from_be_bytes(bytes).map(ScalarOn::Sm2),
            Curve::P256 => scalar_from_repr(bytes).map(ScalarOn::P256),
        };
        scalar.map(Scalar).ok_or(Error::Encoding { what: "scalar" })
    }

    /// 48 big-endian bytes modulo the group order (bias below 2^-128).
    pub fn reduce(curve: Curve, wide: &[u8; 48]) -> Self {
        Scalar(match curve {
            Curve::Sm2 => ScalarOn::Sm2(sm2k::Scalar::reduce_wide(wide)),
            Curve::P256 => ScalarOn::P256(scalar_reduce(wide)),
        })
    }

    /// A small integer.
    pub fn from_u64(curve: Curve, value: u64) -> Self {
        Scalar(match curve {
            Curve::Sm2 => ScalarOn::Sm2(sm2k::Scalar::from_u64(value)),
            Curve::P256 => ScalarOn::P256(p256::Scalar::from(value)),
        })
    }

    /// A random scalar other than zero.
    ///
    /// # Errors
    /// [`Error::Entropy`] if the source has none.
    pub fn random(curve: Curve, entropy: &mut dyn Entropy) -> Result<Self, Error> {
        let mut wide = zeroize::Zeroizing::new([0; 48]);
        loop {
            entropy.fill(&mut wide[..])?;
            let scalar = Scalar::reduce(curve, &wide);
            if !scalar.is_zero() {
                return Ok(scalar);
            }
        }
    }

    /// The curve whose order is the modulus.
    pub fn curve(&self) -> Curve {
        match self.0 {
            ScalarOn::Sm2(_) => Curve::Sm2,
            ScalarOn::P256(_) => Curve::P256,
        }
    }

    /// 32 big-endian bytes.
    pub fn to_be_bytes(&self) -> [u8; 32] {
        match &self.0 {
            ScalarOn::Sm2(scalar) => scalar.to_be_bytes(),
            ScalarOn::P256(scalar) => scalar.to_repr().into(),
        }
    }

    /// `self + other`.
    #[must_use]
    pub fn add(&self, other: &Scalar) -> Scalar {
        Scalar(two!(ScalarOn, &self.0, &other.0, |a, b| a.add(b)))
    }

    /// `self - other`.
    #[must_use]
    pub fn sub(&self, other: &Scalar) -> Scalar {
        Scalar(two!(ScalarOn, &self.0, &other.0, |a, b| a.sub(b)))
    }

    /// `self · other`.
    #[must_use]
    pub fn mul(&self, other: &Scalar) -> Scalar {
        Scalar(two!(ScalarOn, &self.0, &other.0, |a, b| a.mul(b)))
    }

    /// `-self`.
    #[must_use]
    pub fn neg(&self) -> Scalar {
        Scalar::from_u64(self.curve(), 0).sub(self)
    }

    /// The inverse, unless this is zero.
    pub fn invert(&self) -> Option<Scalar> {
        let inverse = match &self.0 {
            ScalarOn::Sm2(scalar) => (!scalar.is_zero()).then(|| ScalarOn::Sm2(scalar.invert())),
            ScalarOn::P256(scalar) => Option::from(scalar.invert()).map(ScalarOn::P256),
        };
        inverse.map(Scalar)
    }

    /// Whether this is zero.
    pub fn is_zero(&self) -> bool {
        match &self.0 {
            ScalarOn::Sm2(scalar) => scalar.is_zero(),
            ScalarOn::P256(scalar) => bool::from(Field::is_zero(scalar)),
        }
    }
}

impl Point {
    /// The generator of the group.
    pub fn generator(curve: Curve) -> Self {
        Point(match curve {
            Curve::Sm2 => PointOn::Sm2(sm2k::Point::GENERATOR),
            Curve::P256 => PointOn::P256(curves::Point::GENERATOR),
        })
    }

    /// `scalar · G`.
    pub fn mul_generator(scalar: &Scalar) -> Self {
        Point(match &scalar.0 {
            ScalarOn::Sm2(k) => PointOn::Sm2(sm2k::mul_generator(k)),
            ScalarOn::P256(k) => {
                PointOn::P256(from_crate(&p256::ProjectivePoint::mul_by_generator(k)))
            }
        })
    }

    /// Reads a SEC1 compressed point (33 bytes) of the group, not the identity.
    ///
    /// # Errors
    /// [`Error::Encoding`] for anything else.
    pub fn from_bytes(curve: Curve, bytes: &[u8]) -> Result<Self, Error> {
        match bytes {
            [2 | 3, rest @ ..] if rest.len() == 32 => Self::from_sec1(curve, bytes),
            _ => Err(Error::Encoding {
                what: "compressed point",
            }),
        }
    }

    /// Reads a SEC1 uncompressed point (65 bytes, leading 04) of the group.
    ///
    /// # Errors
    /// [`Error::Encoding`] for anything else.
    pub fn from_uncompressed(curve: Curve, bytes: &[u8]) -> Result<Self, Error> {
        match bytes {
            [4, rest @ ..] if rest.len() == 64 => Self::from_sec1(curve, bytes),
            _ => Err(Error::Encoding {
                what: "uncompressed point",
            }),
        }
    }

    fn from_sec1(curve: Curve, bytes: &[u8]) -> Result<Self, Error> {
        let point = match curve {
            Curve::Sm2 => affine_from_sec1(bytes).map(|point| PointOn::Sm2(point.into())),
            Curve::P256 => affine_from_sec1(bytes).map(|point| PointOn::P256(point.into())),
        };
        point.map(Point).ok_or(Error::Encoding {
            what: "point on the curve",
        })
    }

    /// The curve this point is on.
    pub fn curve(&self) -> Curve {
        match self.0 {
            PointOn::Sm2(_) => Curve::Sm2,
            PointOn::P256(_) => Curve::P256,
        }
    }

    /// SEC1 compressed form; 33 zero bytes for the identity, which parsing refuses.
    pub fn to_bytes(&self) -> [u8; 33] {
        match &self.0 {
            PointOn::Sm2(point) => compressed(point.to_affine()),
            PointOn::P256(point) => compressed(point.to_affine()),
        }
    }

    /// SEC1 uncompressed form; 65 zero bytes for the identity, which parsing refuses.
    pub fn to_uncompressed(&self) -> [u8; 65] {
        match &self.0 {
            PointOn::Sm2(point) => uncompressed(point.to_affine()),
            PointOn::P256(point) => uncompressed(point.to_affine()),
        }
    }

    /// `self + other`.
    #[must_use]
    pub fn add(&self, other: &Point) -> Point {
        Point(two!(PointOn, &self.0, &other.0, |a, b| a.add(b)))
    }

    /// `self - other`.
    #[must_use]
    pub fn sub(&self, other: &Point) -> Point {
        Point(two!(PointOn, &self.0, &other.0, |a, b| a.sub(b)))
    }

    /// `scalar · self`.
    #[must_use]
    pub fn mul(&self, scalar: &Scalar) -> Point {
        Point(match (&self.0, &scalar.0) {
            (PointOn::Sm2(point), ScalarOn::Sm2(k)) => PointOn::Sm2(sm2k::mul(point, k)),
            (PointOn::P256(point), ScalarOn::P256(k)) => {
                PointOn::P256(from_crate(&(to_crate(point) * k)))
            }
            _ => mixed(),
        })
    }

    /// Whether this is the identity.
    pub fn is_identity(&self) -> bool {
        match &self.0 {
            PointOn::Sm2(point) => point.is_identity(),
            PointOn::P256(point) => point.is_identity(),
        }
    }

    /// The affine form of an SM2 point that is not the identity.
    pub(crate) fn sm2_affine(&self) -> Option<sm2k::Affine> {
        match &self.0 {
            PointOn::Sm2(point) => point.to_affine(),
            PointOn::P256(_) => None,
        }
    }

    /// The point of an affine form.
    pub(crate) fn from_sm2_affine(point: &sm2k::Affine) -> Point {
        Point(PointOn::Sm2((*point).into()))
    }

    /// The affine x and y coordinates, 32 big-endian bytes each (zeros for the identity).
    pub fn coordinates(&self) -> ([u8; 32], [u8; 32]) {
        let full = self.to_uncompressed();
        let (mut x, mut y) = ([0; 32], [0; 32]);
        x.copy_from_slice(&full[1..33]);
        y.copy_from_slice(&full[33..]);
        (x, y)
    }
}

/// Reads either SEC1 form.
fn affine_from_sec1<C: Params>(bytes: &[u8]) -> Option<curves::Affine<C>> {
    let (tag, rest) = bytes.split_first()?;
    match (*tag, rest.as_chunks::<32>()) {
        (2 | 3, ([x], [])) => curves::Affine::from_x(x, *tag == 3),
        (4, ([x, y], [])) => curves::Affine::from_coordinates(x, y),
        _ => None,
    }
}

/// Zeros for the identity.
fn compressed<C: Params>(point: Option<curves::Affine<C>>) -> [u8; 33] {
    let mut out = [0; 33];
    if let Some(point) = point {
        out[0] = 2 + u8::from(point.y_is_odd());
        out[1..].copy_from_slice(&point.coordinates().0);
    }
    out
}

fn uncompressed<C: Params>(point: Option<curves::Affine<C>>) -> [u8; 65] {
    let mut out = [0; 65];
    if let Some(point) = point {
        let (x, y) = point.coordinates();
        out[0] = 4;
        out[1..33].copy_from_slice(&x);
        out[33..].copy_from_slice(&y);
    }
    out
}

/// What the `p256` crate takes; in constant time but for the identity.
fn to_crate(point: &curves::Point<P256>) -> p256::ProjectivePoint {
    let Some(affine) = point.to_affine() else {
        return p256::ProjectivePoint::IDENTITY;
    };
    let (x, y) = affine.coordinates();
    let encoded = Sec1Point::<p256::NistP256>::from_affine_coordinates(&x.into(), &y.into(), false);
    Option::from(p256::ProjectivePoint::from_sec1_point(&encoded))
        .expect("every way to make a point keeps it on the curve")
}

/// Nothing but the crate's own identity becomes ours: a secret multiple that did would be known to everybody.
fn from_crate(point: &p256::ProjectivePoint) -> curves::Point<P256> {
    if bool::from(point.is_identity()) {
        return curves::Point::IDENTITY;
    }
    affine_from_sec1(point.to_sec1_point(false).as_bytes())
        .map(curves::Point::from)
        .expect("the crate's points are on the curve")
}

impl fmt::Debug for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.to_bytes()))
    }
}

impl fmt::Debug for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scalar").finish_non_exhaustive()
    }
}

/// A point whose logarithm nobody knows: try-and-increment over
/// `02 ‖ H_tag(label, input, be32 counter)` read as a compressed point (PROTOCOL 2.2, 5).
///
/// In variable time: the input is public.
pub fn hash_to_point(suite: &Suite, label: &str, input: &[u8]) -> Point {
    for counter in 0_u32..=u32::MAX {
        let x = suite.h_tag(label, &[input, &counter.to_be_bytes()]);
        let mut encoded = [2; 33];
        encoded[1..].copy_from_slice(x.as_bytes());
        if let Ok(point) = Point::from_bytes(suite.curve(), &encoded) {
            return point;
        }
    }
    // Each try succeeds with probability one half.
    unreachable!("2^32 hash values in a row off the curve")
}

/// The digest that names a public key given as a point: the suite hash of its compressed form.
impl Point {
    /// The hash of the compressed encoding.
    pub fn digest(&self, alg: HashAlg) -> crate::Digest {
        alg.digest(&self.to_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{GM, INTL, SeededEntropy};

    #[test]
    fn group_laws_on_both_curves() -> Result<(), Error> {
        for curve in [Curve::Sm2, Curve::P256] {
            let mut entropy = SeededEntropy::new(b"group");
            let (a, b) = (
                Scalar::random(curve, &mut entropy)?,
                Scalar::random(curve, &mut entropy)?,
            );
            let g = Point::generator(curve);
            assert_eq!(g.mul(&a).add(&g.mul(&b)), Point::mul_generator(&a.add(&b)));
            assert_eq!(g.mul(&a).mul(&b), g.mul(&a.mul(&b)));
            assert_eq!(
                Point::lincomb_vartime(&[(&a, &g), (&b, &g)]),
                g.mul(&a.add(&b))
            );
            assert!(g.sub(&g).is_identity());
            assert_eq!(
                a.mul(&a.invert().ok_or(Error::Unverified)?),
                Scalar::from_u64(curve, 1)
            );
            assert!(a.add(&a.neg()).is_zero());
            let bytes = g.mul(&a).to_bytes();
            assert_eq!(Point::from_bytes(curve, &bytes)?, g.mul(&a));
            assert!(Point::from_bytes(curve, &[0; 33]).is_err());
            assert!(Point::from_bytes(curve, &[0]).is_err());
            assert!(Scalar::from_be_bytes(curve, &[0xff; 32]).is_err());
            // 2^256 ≡ reduce(…) checked against repeated doubling.
            let mut wide = [0; 48];
            wide[15] = 1;
            let mut doubled = Scalar::from_u64(curve, 1);
            for _ in 0..256 {
                doubled = doubled.add(&doubled);
            }
            assert_eq!(Scalar::reduce(curve, &wide), doubled);
        }
        Ok(())
    }

    #[test]
    fn edges_of_multiplication_and_encoding() -> Result<(), Error> {
        for curve in [Curve::Sm2, Curve::P256] {
            let number = |k: u64| Scalar::from_u64(curve, k);
            let (g, minus_one) = (Point::generator(curve), number(1).neg());
            let p = g.mul(&number(0x1234_5678_9abc_def1));
            let none = p.sub(&p);
            assert_eq!(none, Point::mul_generator(&number(0)));
            for k in [0, 1, 2, 3, u64::MAX].map(number) {
                for k in [k.neg(), k] {
                    let product = p.mul(&k);
                    assert_eq!(Point::lincomb_vartime(&[(&k, &p)]), product);
                    assert_eq!(
                        Point::lincomb_vartime(&[(&k, &g)]),
                        Point::mul_generator(&k)
                    );
                    assert!(none.mul(&k).is_identity());
                    assert!(Point::lincomb_vartime(&[(&k, &none)]).is_identity());
                    let known = KnownPoint::new(p.clone());
                    for _ in 0..2 {
                        let sum = Point::lincomb_known_vartime(&[(&k, &known)], &[(&k, &g)]);
                        assert_eq!(sum, product.add(&Point::mul_generator(&k)));
                    }
                }
            }
            assert_eq!(p.mul(&minus_one), none.sub(&p));
            let all = [&p, &none, &g, &p.add(&g), &none];
            assert_eq!(Point::all_to_bytes(all), all.map(Point::to_bytes));
            assert_eq!(none.to_bytes(), [0; 33]);
            assert_eq!(none.to_uncompressed(), [0; 65]);
            assert_eq!(Point::from_bytes(curve, &p.to_bytes())?, p);
            assert_eq!(Point::from_uncompressed(curve, &p.to_uncompressed())?, p);
        }
        Ok(())
    }

    #[test]
    fn hash_to_point_differs_by_label_input_and_suite() {
        let a = hash_to_point(&GM, "test", b"x");
        assert_ne!(a, hash_to_point(&GM, "test", b"y"));
        assert_ne!(a, hash_to_point(&GM, "tess", b"x"));
        assert_eq!(hash_to_point(&INTL, "test", b"x").curve(), Curve::P256);
    }
}
