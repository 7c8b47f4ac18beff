//! Points in Jacobian coordinates: x = X / Z², y = Y / Z³, Z = 0 for the identity.
//!
//! The order is prime, so no point but the identity has order two and doubling has no exception.

use super::Params;
use super::field::Fe;
use super::limbs;
use zeroize::Zeroize;

/// A point with affine coordinates, so not the identity.
#[derive(Clone, Copy)]
pub(crate) struct Affine<C> {
    pub(crate) x: Fe<C>,
    pub(crate) y: Fe<C>,
}

impl<C: Params> Affine<C> {
    pub(crate) const GENERATOR: Self = Affine {
        x: Fe::from_limbs(&C::G[0]),
        y: Fe::from_limbs(&C::G[1]),
    };

    /// The point of two coordinates of 32 big-endian bytes, if they are below p and on the curve.
    pub(crate) fn from_coordinates(x: &[u8; 32], y: &[u8; 32]) -> Option<Self> {
        let (x, y) = (Fe::from_be_bytes(x)?, Fe::from_be_bytes(y)?);
        (y.square() == right_side(&x)).then_some(Affine { x, y })
    }

    /// The point with this x and an odd or even y, if there is one. For public values.
    pub(crate) fn from_x(x: &[u8; 32], odd: bool) -> Option<Self> {
        let x = Fe::from_be_bytes(x)?;
        // The order is odd, so no point has y = 0 and exactly one root is odd.
        let root = right_side(&x).sqrt()?;
        let y = if root.is_odd() == odd {
            root
        } else {
            root.neg()
        };
        Some(Affine { x, y })
    }

    /// x and y, 32 big-endian bytes each.
    pub(crate) fn coordinates(&self) -> ([u8; 32], [u8; 32]) {
        (self.x.to_be_bytes(), self.y.to_be_bytes())
    }

    pub(crate) fn y_is_odd(&self) -> bool {
        self.y.is_odd()
    }

    pub(crate) fn neg(&self) -> Self {
        Affine {
            x: self.x,
            y: self.y.neg(),
        }
    }
}

impl<C: Params> PartialEq for Affine<C> {
    fn eq(&self, other: &Self) -> bool {
        self.x == other.x && self.y == other.y
    }
}

/// x³ − 3x + b.
fn right_side<C: Params>(x: &Fe<C>) -> Fe<C> {
    let triple = x.double().add(x);
    x.square().mul(x).sub(&triple).add(&b())
}

/// b of the curve.
pub(crate) const fn b<C: Params>() -> Fe<C> {
    Fe::from_limbs(&C::B)
}

/// A point of the group.
#[derive(Clone, Copy)]
pub(crate) struct Point<C> {
    pub(crate) x: Fe<C>,
    pub(crate) y: Fe<C>,
    pub(crate) z: Fe<C>,
}

impl<C: Params> Zeroize for Point<C> {
    fn zeroize(&mut self) {
        for fe in [&mut self.x, &mut self.y, &mut self.z] {
            let mut raw = *fe.raw();
            raw.zeroize();
            *fe = Fe::from_raw(raw);
        }
    }
}

impl<C: Params> From<Affine<C>> for Point<C> {
    fn from(p: Affine<C>) -> Self {
        Point {
            x: p.x,
            y: p.y,
            z: Fe::ONE,
        }
    }
}

impl<C: Params> PartialEq for Point<C> {
    fn eq(&self, other: &Self) -> bool {
        if self.is_identity() || other.is_identity() {
            return self.is_identity() && other.is_identity();
        }
        let (zz1, zz2) = (self.z.square(), other.z.square());
        self.x.mul(&zz2) == other.x.mul(&zz1)
            && self.y.mul(&zz2.mul(&other.z)) == other.y.mul(&zz1.mul(&self.z))
    }
}

impl<C: Params> Eq for Point<C> {}

/// What an addition computes on the way: the sum, and the two differences that are both zero where
/// it should have been a doubling.
struct Sum<C> {
    point: Point<C>,
    h: Fe<C>,
    r: Fe<C>,
}

impl<C: Params> Point<C> {
    pub(crate) const IDENTITY: Self = Point {
        x: Fe::ONE,
        y: Fe::ONE,
        z: Fe::ZERO,
    };
    pub(crate) const GENERATOR: Self = Point {
        x: Affine::<C>::GENERATOR.x,
        y: Affine::<C>::GENERATOR.y,
        z: Fe::ONE,
    };

    /// Whether this is the generator in its affine form.
    pub(crate) fn is_generator(&self) -> bool {
        self.z == Fe::ONE
            && self.x == Affine::<C>::GENERATOR.x
            && self.y == Affine::<C>::GENERATOR.y
    }

    pub(crate) fn is_identity(&self) -> bool {
        self.z.is_zero() == 1
    }

    /// The affine form, unless this is the identity.
    pub(crate) fn to_affine(self) -> Option<Affine<C>> {
        let inverse = self.z.invert();
        let square = inverse.square();
        (!self.is_identity()).then(|| Affine {
            x: self.x.mul(&square),
            y: self.y.mul(&square.mul(&inverse)),
        })
    }

    /// x of the affine form, zero for the identity.
    pub(crate) fn affine_x(&self) -> Fe<C> {
        self.x.mul(&self.z.invert().square())
    }

    /// The affine forms of points that are not the identity, with one inversion.
    pub(crate) fn all_to_affine(points: &[Self]) -> Vec<Affine<C>> {
        let mut inverses: Vec<Fe<C>> = points.iter().map(|point| point.z).collect();
        Fe::invert_all(&mut inverses);
        let affine = |(point, inverse): (&Self, &Fe<C>)| {
            let square = inverse.square();
            Affine {
                x: point.x.mul(&square),
                y: point.y.mul(&square.mul(inverse)),
            }
        };
        points.iter().zip(&inverses).map(affine).collect()
    }

    pub(crate) fn neg(&self) -> Self {
        Point {
            y: self.y.neg(),
            ..*self
        }
    }

    /// `2 · self`, the identity included.
    pub(crate) fn double(&self) -> Self {
        // S = 4XY², M = 3(X − Z²)(X + Z²): X' = M² − 2S, Y' = M(S − X') − 8Y⁴, Z' = 2YZ.
        let zz = self.z.square();
        let yy4 = self.y.double().square();
        let s = yy4.mul(&self.x);
        let m = self.x.add(&zz).mul(&self.x.sub(&zz));
        let m = m.double().add(&m);
        let x = m.square().sub(&s.double());
        Point {
            x,
            y: m.mul(&s.sub(&x)).sub(&yy4.square().half()),
            z: self.y.mul(&self.z).double(),
        }
    }

    /// `self + other`, whatever they are, in constant time.
    pub(crate) fn add(&self, other: &Self) -> Self {
        let sum = self.add_unequal(other);
        self.complete(sum, other)
    }

    pub(crate) fn sub(&self, other: &Self) -> Self {
        self.add(&other.neg())
    }

    /// `self + other` by the plain formula: wrong if either is the identity or both are equal.
    #[inline(always)]
    fn add_unequal(&self, other: &Self) -> Sum<C> {
        let (zz1, zz2) = (self.z.square(), other.z.square());
        let (u1, u2) = (self.x.mul(&zz2), other.x.mul(&zz1));
        let s1 = self.y.mul(&zz2.mul(&other.z));
        let s2 = other.y.mul(&zz1.mul(&self.z));
        let (h, r) = (u2.sub(&u1), s2.sub(&s1));
        sum(&u1, &s1, h, r, &self.z.mul(&other.z))
    }

    /// The same with an affine point.
    #[inline(always)]
    fn add_affine_unequal(&self, other: &Affine<C>) -> Sum<C> {
        let zz = self.z.square();
        let h = other.x.mul(&zz).sub(&self.x);
        let r = other.y.mul(&zz.mul(&self.z)).sub(&self.y);
        sum(&self.x, &self.y, h, r, &self.z)
    }

    /// Mends a sum where the formula has exceptions: equal points and the identity.
    fn complete(&self, sum: Sum<C>, other: &Self) -> Self {
        let equal = sum.h.is_zero() & sum.r.is_zero();
        let out = Point::select(limbs::mask(equal), &self.double(), &sum.point);
        Point::skip_identity(&out, self, other)
    }

    /// `sum`, but the other point where one of `a` and `b` is the identity.
    fn skip_identity(sum: &Self, a: &Self, b: &Self) -> Self {
        let out = Point::select(limbs::mask(a.z.is_zero()), b, sum);
        Point::select(limbs::mask(b.z.is_zero()), a, &out)
    }

    /// `self + other` in constant time, for points of which is known that they are not equal
    /// unless one is the identity.
    pub(crate) fn add_different(&self, other: &Self) -> Self {
        Point::skip_identity(&self.add_unequal(other).point, self, other)
    }

    /// `self + other` in constant time, or `self` where the mask is zero. Right for all points
    /// but `self = other`.
    #[inline(always)]
    pub(crate) fn add_affine_masked(&self, mask: u64, other: &Affine<C>) -> Self {
        let sum = self.add_affine_unequal(other).point;
        let first = limbs::mask(self.z.is_zero());
        let sum = Point::select(first, &Point::from(*other), &sum);
        Point::select(mask, &sum, self)
    }

    /// `self + other` in variable time: for public values.
    #[inline]
    pub(crate) fn add_affine_vartime(&self, other: &Affine<C>) -> Self {
        if self.is_identity() {
            return Point::from(*other);
        }
        self.mend_vartime(self.add_affine_unequal(other))
    }

    #[inline(always)]
    fn mend_vartime(&self, sum: Sum<C>) -> Self {
        if sum.h.is_zero() == 1 && sum.r.is_zero() == 1 {
            return self.double();
        }
        sum.point
    }

    /// `self + other` in variable time, with what the other knows of its z.
    #[inline]
    pub(crate) fn add_cached_vartime(&self, other: &Cached<C>) -> Self {
        if other.point.is_identity() {
            return *self;
        }
        if self.is_identity() {
            return other.point;
        }
        let zz = self.z.square();
        let (u1, u2) = (self.x.mul(&other.zz), other.point.x.mul(&zz));
        let s1 = self.y.mul(&other.zzz);
        let s2 = other.point.y.mul(&zz.mul(&self.z));
        let (h, r) = (u2.sub(&u1), s2.sub(&s1));
        self.mend_vartime(sum(&u1, &s1, h, r, &self.z.mul(&other.point.z)))
    }

    #[inline(always)]
    pub(crate) fn select(mask: u64, a: &Self, b: &Self) -> Self {
        Point {
            x: Fe::select(mask, &a.x, &b.x),
            y: Fe::select(mask, &a.y, &b.y),
            z: Fe::select(mask, &a.z, &b.z),
        }
    }
}

/// The end of both additions. `h = 0` and `r ≠ 0`, opposite points, gives Z = 0: the identity.
#[inline(always)]
fn sum<C: Params>(u1: &Fe<C>, s1: &Fe<C>, h: Fe<C>, r: Fe<C>, zz: &Fe<C>) -> Sum<C> {
    let hh = h.square();
    let hhh = hh.mul(&h);
    let v = u1.mul(&hh);
    let x = r.square().sub(&hhh).sub(&v.double());
    let point = Point {
        x,
        y: r.mul(&v.sub(&x)).sub(&s1.mul(&hhh)),
        z: zz.mul(&h),
    };
    Sum { point, h, r }
}

/// A point with the square and the cube of its z, for tables of public points.
#[derive(Clone, Copy)]
pub(crate) struct Cached<C> {
    pub(crate) point: Point<C>,
    zz: Fe<C>,
    zzz: Fe<C>,
}

impl<C: Params> Cached<C> {
    pub(crate) fn new(point: Point<C>) -> Self {
        let zz = point.z.square();
        Cached {
            point,
            zz,
            zzz: zz.mul(&point.z),
        }
    }

    pub(crate) fn neg(&self) -> Self {
        Cached {
            point: self.point.neg(),
            ..*self
        }
    }
}
