//! Eight points in Jacobian coordinates, one in each lane: the formulas of [`crate::curves::point`], with every exception.
#![deny(unsafe_code)]

use super::LANES;
use super::field::{Fe8, Words, load};
use crate::curves::{Params, Point};
use core::arch::x86_64::*;

/// All lanes of a mask.
const ALL: u8 = u8::MAX;

/// Eight points.
#[derive(Clone, Copy)]
pub(super) struct Point8<C> {
    x: Fe8<C>,
    y: Fe8<C>,
    z: Fe8<C>,
    /// The lanes of the identity; their coordinates say nothing.
    none: u8,
}

/// Eight points of a table of multiples, none the identity.
#[derive(Clone, Copy)]
pub(super) struct Affine8<C> {
    pub(super) x: Fe8<C>,
    pub(super) y: Fe8<C>,
}

/// Eight points with the squares and cubes of their z.
#[derive(Clone, Copy)]
pub(super) struct Cached8<C> {
    x: Fe8<C>,
    y: Fe8<C>,
    z: Fe8<C>,
    zz: Fe8<C>,
    zzz: Fe8<C>,
}

/// What of two points an addition starts from: of the first x and y over the common denominator, the differences of the
/// second ones from them, and the product of both z.
struct Differences<C> {
    u: Fe8<C>,
    s: Fe8<C>,
    h: Fe8<C>,
    r: Fe8<C>,
    z: Fe8<C>,
}

impl<C: Params> Point8<C> {
    /// The identity in every lane.
    #[target_feature(enable = "avx512f")]
    pub(super) fn identity() -> Self {
        let zero = Fe8::zero();
        Point8 {
            x: zero,
            y: zero,
            z: zero,
            none: ALL,
        }
    }

    #[target_feature(enable = "avx512f")]
    pub(super) fn of(points: &[Point<C>; LANES]) -> Self {
        let row = |word: usize, of: fn(&Point<C>) -> &[u64; 4]| {
            let mut words = [0; LANES];
            for (out, point) in words.iter_mut().zip(points) {
                *out = of(point)[word];
            }
            load(&words)
        };
        let all = |of| Fe8::from_raw([row(0, of), row(1, of), row(2, of), row(3, of)]);
        let mut none = 0;
        for (lane, point) in points.iter().enumerate() {
            none |= u8::from(point.is_identity()) << lane;
        }
        Point8 {
            x: all(|point| point.x.raw()),
            y: all(|point| point.y.raw()),
            z: all(|point| point.z.raw()),
            none,
        }
    }

    #[target_feature(enable = "avx512f")]
    pub(super) fn to_each(self) -> [Point<C>; LANES] {
        let (x, y, z) = (self.x.to_each(), self.y.to_each(), self.z.to_each());
        core::array::from_fn(|lane| match self.none >> lane & 1 {
            0 => Point {
                x: x[lane],
                y: y[lane],
                z: z[lane],
            },
            _ => Point::IDENTITY,
        })
    }

    /// The lanes of the identity.
    pub(super) fn none(&self) -> u8 {
        self.none
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn cached(&self) -> Cached8<C> {
        let zz = self.z.square();
        Cached8 {
            x: self.x,
            y: self.y,
            z: self.z,
            zz,
            zzz: zz.mul(&self.z),
        }
    }

    /// `2 · self`.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn double(&self) -> Self {
        // A = X·Y², M = 3(X − Z²)(X + Z²): X' = M² − 8A, Y' = M(4A − X') − 8Y⁴, Z' = 2YZ.
        let (zz, yy) = (self.z.square(), self.y.square());
        let a = self.x.mul(&yy);
        let plus = self.x.sum().plus(&zz);
        let triple = plus.shifted::<1>().plus(&self.x).plus(&zz).fold();
        let m = self.x.sub(&zz).mul(&triple);
        let x = m.square().sum().minus(a.sum().shifted::<3>()).fold();
        let yyyy = yy.square().sum().shifted::<3>();
        let y = m.mul(&a.sum().shifted::<2>().less(&x).fold());
        Point8 {
            x,
            y: y.sum().minus(yyyy).fold(),
            z: self.y.mul(&self.z).sum().shifted::<1>().fold(),
            none: self.none,
        }
    }

    /// `self + other`, but `self` in the lanes of `skip`.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn add_cached(&self, other: &Cached8<C>, skip: u8) -> Self {
        let zz = self.z.square();
        let (u, s) = (self.x.mul(&other.zz), self.y.mul(&other.zzz));
        let differences = Differences {
            h: other.x.mul(&zz).sub(&u),
            r: other.y.mul(&zz.mul(&self.z)).sub(&s),
            z: self.z.mul(&other.z),
            u,
            s,
        };
        self.sum(differences, (&other.x, &other.y, &other.z), skip)
    }

    /// The same with affine points.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn add_affine(&self, other: &Affine8<C>, one: &Fe8<C>, skip: u8) -> Self {
        let zz = self.z.square();
        let differences = Differences {
            h: other.x.mul(&zz).sub(&self.x),
            r: other.y.mul(&zz.mul(&self.z)).sub(&self.y),
            z: self.z,
            u: self.x,
            s: self.y,
        };
        self.sum(differences, (&other.x, &other.y, one), skip)
    }

    /// The end of both additions, and where their formula is wrong: the identity, equal points and opposite ones.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn sum(
        &self,
        Differences { u, s, h, r, z }: Differences<C>,
        (x2, y2, z2): (&Fe8<C>, &Fe8<C>, &Fe8<C>),
        skip: u8,
    ) -> Self {
        let (hh, rr) = (h.square(), r.square());
        let hhh = hh.mul(&h);
        let v = u.mul(&hh);
        let x = rr.sum().less(&hhh).minus(v.sum().shifted::<1>()).fold();
        let y = r.mul(&v.sub(&x)).sum().less(&s.mul(&hhh)).fold();
        let mut out = Point8 {
            x,
            y,
            z: z.mul(&h),
            none: 0,
        };
        // Zero squares are of zeros.
        let same_x = hh.product_is_zero() & !self.none & !skip;
        if same_x != 0 {
            let equal = same_x & rr.product_is_zero();
            out.none |= same_x & !equal;
            out = Self::select(equal, &self.double(), &out);
        }
        if self.none != 0 {
            out.x = Fe8::select(self.none, x2, &out.x);
            out.y = Fe8::select(self.none, y2, &out.y);
            out.z = Fe8::select(self.none, z2, &out.z);
        }
        Self::select(skip, self, &out)
    }

    /// `a` in the lanes of the mask, `b` in the others.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn select(mask: u8, a: &Self, b: &Self) -> Self {
        Point8 {
            x: Fe8::select(mask, &a.x, &b.x),
            y: Fe8::select(mask, &a.y, &b.y),
            z: Fe8::select(mask, &a.z, &b.z),
            none: a.none & mask | b.none & !mask,
        }
    }
}

/// Multiples in the table of a point that comes once.
pub(super) const MULTIPLES: usize = 8;

/// 1 to 8 times a point in each lane.
pub(super) struct Multiples<C> {
    entries: [Cached8<C>; MULTIPLES],
    /// The lanes of the identity.
    none: u8,
}

impl<C: Params> Multiples<C> {
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn of(points: &[Point<C>; LANES]) -> Self {
        let once = Point8::of(points);
        let mut entries = [once.cached(); MULTIPLES];
        let mut multiple = once;
        for place in 1..MULTIPLES {
            // Twice by doubling: that it is no sum of different points is known here.
            multiple = match place {
                1 => once.double(),
                _ => multiple.add_cached(&entries[0], once.none()),
            };
            entries[place] = multiple.cached();
        }
        Multiples {
            entries,
            none: once.none(),
        }
    }

    /// `sum` and, in each lane, so many times the point, or its opposite in the lanes of `negative`.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn add_to(&self, sum: &Point8<C>, times: &Words, negative: u8) -> Point8<C> {
        let times = load(times);
        let skip = self.none | _mm512_testn_epi64_mask(times, times);
        if skip == ALL {
            return *sum;
        }
        let mut out = self.entries[0];
        for (n, entry) in (2..).zip(&self.entries[1..]) {
            let mask = _mm512_cmpeq_epi64_mask(times, _mm512_set1_epi64(n));
            out.x = Fe8::select(mask, &entry.x, &out.x);
            out.y = Fe8::select(mask, &entry.y, &out.y);
            out.z = Fe8::select(mask, &entry.z, &out.z);
            out.zz = Fe8::select(mask, &entry.zz, &out.zz);
            out.zzz = Fe8::select(mask, &entry.zzz, &out.zzz);
        }
        out.y = out.y.neg_in(negative);
        sum.add_cached(&out, skip)
    }
}
