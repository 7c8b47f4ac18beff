//! Many points at once: sums of their multiples, for public values, and their encodings.

use super::{Point, PointOn, Scalar, ScalarOn, compressed, mixed};
use crate::Curve;
use crate::curves::limbs::{self, Limbs};
use crate::curves::vartime::lincomb_vartime;
use crate::curves::{self, Known, P256, Params, Sm2, Sum, sums_vartime};
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
        let (known, pairs) = (known.to_vec(), pairs.to_vec());
        let sum = PointSum { known, pairs };
        match sum.curve() {
            Curve::Sm2 => Point(PointOn::Sm2(lincomb_on(&sum))),
            Curve::P256 => Point(PointOn::P256(lincomb_on(&sum))),
        }
    }

    /// Many sums of one curve, in order and in variable time: for public values only. Side by side where the machine can,
    /// which takes a fifth of the time.
    ///
    /// # Panics
    /// If one has no term: a sum of nothing has no curve. If they are not all on one curve.
    pub fn sums_vartime(sums: &[PointSum<'_>]) -> Vec<Point> {
        match sums.first().map(PointSum::curve) {
            None => Vec::new(),
            Some(Curve::Sm2) => sums_on(sums).map(|sum| Point(PointOn::Sm2(sum))).collect(),
            Some(Curve::P256) => sums_on(sums).map(|sum| Point(PointOn::P256(sum))).collect(),
        }
    }

    /// [`Point::to_bytes`] of each, at the price of one inversion.
    pub fn all_to_bytes<const N: usize>(points: [&Point; N]) -> [[u8; 33]; N] {
        let mut out = [[0; 33]; N];
        out.copy_from_slice(&Point::each_to_bytes(&points));
        out
    }

    /// The same of however many.
    pub fn each_to_bytes(points: &[&Point]) -> Vec<[u8; 33]> {
        match points.first().map(|point| point.curve()) {
            Some(Curve::Sm2) => all_compressed::<Sm2>(points),
            _ => all_compressed::<P256>(points),
        }
    }
}

/// One of many sums of multiples of points, all public ([`Point::sums_vartime`]).
pub struct PointSum<'a> {
    /// Terms with points that come again and again.
    pub known: Vec<(&'a Scalar, &'a KnownPoint)>,
    /// Terms with others.
    pub pairs: Vec<(&'a Scalar, &'a Point)>,
}

impl PointSum<'_> {
    fn curve(&self) -> Curve {
        let known = self.known.first().map(|(k, _)| k);
        let first = known.or(self.pairs.first().map(|(k, _)| k));
        first.expect("callers pass at least one term").curve()
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

    /// If it is on P-256.
    pub(crate) fn p256(&self) -> Option<&Known<P256>> {
        match &self.known {
            KnownOn::P256(known) => Some(known),
            KnownOn::Sm2(_) => None,
        }
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

fn lincomb_on<C: OnCurve>(sum: &PointSum<'_>) -> curves::Point<C> {
    let Sum {
        generator,
        known,
        points,
    } = sum_of(sum);
    lincomb_vartime(&generator, &known, &points)
}

fn sums_on<C: OnCurve>(sums: &[PointSum<'_>]) -> impl Iterator<Item = curves::Point<C>> + use<C> {
    let sums: Vec<Sum<'_, C>> = sums.iter().map(sum_of).collect();
    sums_vartime(&sums).into_iter()
}

fn sum_of<'a, C: OnCurve>(PointSum { known, pairs }: &PointSum<'a>) -> Sum<'a, C> {
    // Multiples of the generator come from its table.
    let of_generator = |pair: &&(&Scalar, &Point)| C::point(pair.1).is_generator();
    let generator = pairs.iter().filter(of_generator).map(|(k, _)| (*k).clone());
    let generator = generator.reduce(|sum, k| sum.add(&k));
    let others = pairs.iter().filter(|pair| !of_generator(pair));
    let known = known.iter();
    Sum {
        generator: generator.map_or([0; 4], |k| C::limbs(&k)),
        known: known
            .map(|(k, point)| (C::limbs(k), C::known(point)))
            .collect(),
        points: others
            .map(|(k, point)| (C::limbs(k), *C::point(point)))
            .collect(),
    }
}

fn all_compressed<C: OnCurve>(points: &[&Point]) -> Vec<[u8; 33]> {
    let own: Vec<_> = points.iter().map(|point| *C::point(point)).collect();
    let affine = curves::Point::all_to_affine(&own).into_iter();
    let each = affine.zip(&own);
    each.map(|(affine, point)| compressed(Some(affine).filter(|_| !point.is_identity())))
        .collect()
}
