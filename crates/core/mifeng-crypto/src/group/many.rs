//! Many points at once: sums of their multiples, for public values, and their encodings.

use super::{Point, PointOn, Scalar, ScalarOn, compressed, mixed};
use crate::Curve;
use crate::curves::limbs::{self, Limbs};
use crate::curves::vartime::lincomb_vartime;
use crate::curves::{self, Known, P256, Params, Sm2};
use core::fmt;
use elliptic_curve::PrimeField as _;
use std::sync::Arc;

impl Point {
    /// The sum of `scalar · point` over all pairs, in variable time: for public values only.
    ///
    /// # Panics
    /// If `pairs` is empty: a sum of nothing has no curve.
    pub fn lincomb_vartime(pairs: &[(&Scalar, &Point)]) -> Point {
        Point::lincomb_known_vartime(&[], pairs)
    }

    /// The same with points among them that come again and again.
    ///
    /// # Panics
    /// If there are none of either: a sum of nothing has no curve.
    pub fn lincomb_known_vartime(
        known: &[(&Scalar, &KnownPoint)],
        pairs: &[(&Scalar, &Point)],
    ) -> Point {
        let first = known
            .first()
            .map(|(k, _)| k)
            .or(pairs.first().map(|(k, _)| k));
        match first.expect("callers pass at least one term").curve() {
            Curve::Sm2 => Point(PointOn::Sm2(lincomb_on(known, pairs))),
            Curve::P256 => Point(PointOn::P256(lincomb_on(known, pairs))),
        }
    }

    /// [`Point::to_bytes`] of each, at the price of one inversion.
    pub fn all_to_bytes<const N: usize>(points: [&Point; N]) -> [[u8; 33]; N] {
        match points.first().map(|point| point.curve()) {
            Some(Curve::Sm2) => all_compressed::<Sm2, N>(points),
            _ => all_compressed::<P256, N>(points),
        }
    }
}

/// A public point that comes again and again: from the second sum on it has a table of its multiples (4 KiB, as dear as
/// two multiplications), which makes one more than twice as fast.
#[derive(Clone)]
pub struct KnownPoint {
    point: Point,
    known: KnownOn,
}

/// Copies share the table.
#[derive(Clone)]
enum KnownOn {
    Sm2(Arc<Known<Sm2>>),
    P256(Arc<Known<P256>>),
}

impl KnownPoint {
    /// Nothing is computed yet.
    pub fn new(point: Point) -> Self {
        let known = match &point.0 {
            PointOn::Sm2(point) => KnownOn::Sm2(Arc::new(Known::new(*point))),
            PointOn::P256(point) => KnownOn::P256(Arc::new(Known::new(*point))),
        };
        KnownPoint { point, known }
    }
}

impl PartialEq for KnownPoint {
    fn eq(&self, other: &Self) -> bool {
        self.point == other.point
    }
}

impl Eq for KnownPoint {}

impl fmt::Debug for KnownPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.point, f)
    }
}

impl core::ops::Deref for KnownPoint {
    type Target = Point;

    fn deref(&self) -> &Point {
        &self.point
    }
}

/// A multiple of a point, or of the generator.
pub(crate) type Times = fn(Option<&Point>, &Scalar) -> Point;

/// By a secret number.
pub(crate) fn times(point: Option<&Point>, k: &Scalar) -> Point {
    match point {
        None => Point::mul_generator(k),
        Some(point) => point.mul(k),
    }
}

/// By a public number.
pub(crate) fn times_vartime(point: Option<&Point>, k: &Scalar) -> Point {
    match point {
        None => Point::lincomb_vartime(&[(k, &Point::generator(k.curve()))]),
        Some(point) => Point::lincomb_vartime(&[(k, point)]),
    }
}

/// A curve and its place in [`Point`] and the others.
trait OnCurve: Params {
    /// The point inside, of this curve.
    fn point(point: &Point) -> &curves::Point<Self>;
    fn known(point: &KnownPoint) -> &Known<Self>;
    /// The number inside, which is public.
    fn limbs(scalar: &Scalar) -> Limbs;
}

impl OnCurve for Sm2 {
    fn point(point: &Point) -> &curves::Point<Self> {
        match &point.0 {
            PointOn::Sm2(point) => point,
            PointOn::P256(_) => mixed(),
        }
    }

    fn known(point: &KnownPoint) -> &Known<Self> {
        match &point.known {
            KnownOn::Sm2(known) => known,
            KnownOn::P256(_) => mixed(),
        }
    }

    fn limbs(scalar: &Scalar) -> Limbs {
        match &scalar.0 {
            ScalarOn::Sm2(scalar) => *scalar.limbs(),
            ScalarOn::P256(_) => mixed(),
        }
    }
}

impl OnCurve for P256 {
    fn point(point: &Point) -> &curves::Point<Self> {
        match &point.0 {
            PointOn::P256(point) => point,
            PointOn::Sm2(_) => mixed(),
        }
    }

    fn known(point: &KnownPoint) -> &Known<Self> {
        match &point.known {
            KnownOn::P256(known) => known,
            KnownOn::Sm2(_) => mixed(),
        }
    }

    fn limbs(scalar: &Scalar) -> Limbs {
        match &scalar.0 {
            ScalarOn::P256(scalar) => limbs::from_be(&scalar.to_repr().into()),
            ScalarOn::Sm2(_) => mixed(),
        }
    }
}

fn lincomb_on<C: OnCurve>(
    known: &[(&Scalar, &KnownPoint)],
    pairs: &[(&Scalar, &Point)],
) -> curves::Point<C> {
    // Multiples of the generator come from its table.
    let of_generator = |pair: &&(&Scalar, &Point)| C::point(pair.1).is_generator();
    let generator = pairs.iter().filter(of_generator).map(|(k, _)| (*k).clone());
    let generator = generator.reduce(|sum, k| sum.add(&k));
    let others = pairs.iter().filter(|pair| !of_generator(pair));
    let others: Vec<_> = others
        .map(|(k, point)| (C::limbs(k), *C::point(point)))
        .collect();
    let known: Vec<_> = known
        .iter()
        .map(|(k, point)| (C::limbs(k), C::known(point)))
        .collect();
    lincomb_vartime(&generator.map_or([0; 4], |k| C::limbs(&k)), &known, &others)
}

fn all_compressed<C: OnCurve, const N: usize>(points: [&Point; N]) -> [[u8; 33]; N] {
    let own = points.map(|point| *C::point(point));
    let mut affine = curves::Point::all_to_affine(&own).into_iter();
    own.map(|point| {
        let affine = affine.next();
        compressed(affine.filter(|_| !point.is_identity()))
    })
}
