//! Both curves against their twins, the `sm2` and `p256` crates, on edges and on random inputs. What the points and the
//! numbers are is anybody's choice, so equal, opposite and small ones are among them.

use super::field::Fe;
use super::limbs::{self, Limbs};
use super::vartime::{add_generator_vartime, lincomb_vartime, x_is};
use super::{Affine, Known, P256, Params, Point, Sm2};
use crate::{Entropy as _, SeededEntropy};
use elliptic_curve::PrimeField as _;
use elliptic_curve::group::Group as _;
use elliptic_curve::sec1::{FromSec1Point as _, Sec1Point, ToSec1Point as _};

/// n − `less`.
fn order_less<C: Params>(less: u64) -> Limbs {
    limbs::sub(&C::N, &[less, 0, 0, 0]).0
}

/// Numbers at which recodings, tables and formulas have their corners, then random ones.
pub(super) fn numbers<C: Params>(random: usize) -> Vec<Limbs> {
    let mut out: Vec<Limbs> = (0..40).map(|small| [small, 0, 0, 0]).collect();
    out.extend((1..40).map(order_less::<C>));
    out.extend([63, 64, 65, 127, 128, 129, u64::MAX].map(|small| [small, 0, 0, 0]));
    for bit in 0..256 {
        let mut power = [0; 4];
        power[bit / 64] = 1 << (bit % 64);
        // All ones below, so that every digit carries.
        let ones = limbs::sub(&power, &[1, 0, 0, 0]).0;
        out.extend([power, ones]);
    }
    let mut entropy = SeededEntropy::new(b"curves");
    for _ in 0..random {
        let mut bytes = [0; 32];
        entropy.fill(&mut bytes).expect("seeded");
        out.push(limbs::from_be(&bytes));
    }
    out.retain(|k| limbs::sub(k, &C::N).1 == 1);
    out
}

/// n/2 and its neighbours: where a number and its opposite are as long.
pub(super) fn halves<C: Params>() -> [Limbs; 3] {
    let [a, b, c, d] = C::N;
    let half = [a >> 1 | b << 63, b >> 1 | c << 63, c >> 1 | d << 63, d >> 1];
    [
        half,
        limbs::add(&half, &[1, 0, 0, 0]).0,
        limbs::sub(&half, &[1, 0, 0, 0]).0,
    ]
}

fn field_at_its_edges<C: Params>() {
    // p − 1, p, 2^256 − 1: the edges of reading.
    let p = limbs::to_be(&C::PRIME.p());
    assert!(Fe::<C>::from_be_bytes(&p).is_none());
    assert!(Fe::<C>::from_be_bytes(&[0xff; 32]).is_none());
    let mut less = p;
    less[31] -= 1;
    let minus_one = Fe::<C>::from_be_bytes(&less).expect("p − 1");
    assert!(minus_one == Fe::ONE.neg());
    assert!(minus_one.square() == Fe::ONE);
    assert!(minus_one.mul(&minus_one) == Fe::ONE);
    assert!(minus_one.invert() == minus_one);
    assert!(minus_one.sqrt().is_none());
    assert!(minus_one.add(&Fe::ONE).is_zero() == 1);
    assert!(Fe::ZERO.sub(&Fe::ONE) == minus_one);
    assert!(Fe::<C>::ZERO.invert().is_zero() == 1);
    assert!(Fe::<C>::ZERO.neg().is_zero() == 1);
    assert_eq!(minus_one.to_be_bytes(), less);
    assert_eq!(Fe::<C>::ONE.to_be_bytes()[31], 1);
}

fn field_laws<C: Params>() {
    let near = |k: u64| Fe::ONE.neg().sub(&Fe::from_limbs(&[k, 0, 0, 0]));
    let mut all: Vec<Fe<C>> = (0..4).map(near).collect();
    all.extend((0..4).map(|k| Fe::from_limbs(&[k, 0, 0, 0])));
    // Montgomery forms of all ones and lone limbs reach every carry of the reduction.
    let p = C::PRIME.p();
    all.push(Fe::from_raw(limbs::sub(&p, &[1, 0, 0, 0]).0));
    for limb in 0..4 {
        let mut raw = [0; 4];
        raw[limb] = p[limb];
        all.push(Fe::from_raw(raw));
        raw[limb] = p[limb].saturating_sub(1);
        all.push(Fe::from_raw(raw));
    }
    all.extend(numbers::<C>(200).iter().map(Fe::from_limbs));
    for pair in all.windows(2) {
        let (a, b) = (&pair[0], &pair[1]);
        assert!(a.square() == a.mul(a));
        assert!(a.mul(b) == b.mul(a));
        assert!(a.add(b).sub(b) == *a);
        assert!(a.add(b).square() == a.square().add(&a.mul(b).double()).add(&b.square()));
        assert!(a.half().double() == *a);
        assert!(a.sub(b) == b.sub(a).neg());
        if a.is_zero() == 0 {
            assert!(a.mul(&a.invert()) == Fe::ONE);
        }
        let square = a.square();
        let root = square.sqrt().expect("a square has a root");
        assert!(root == *a || root == a.neg());
        // Never p or more, which `is_zero` and encodings rely on.
        for one in [a.add(b), a.sub(b), a.mul(b), a.half(), square] {
            assert_eq!(limbs::sub(one.raw(), &p).1, 1);
        }
    }
    let mut inverted = all.clone();
    Fe::invert_all(&mut inverted);
    for (a, b) in all.iter().zip(&inverted) {
        assert!(a.invert() == *b);
    }
}

fn additions_are_complete<C: Params>() {
    let g = Point::<C>::GENERATOR;
    let two = g.double();
    // The same point with another Z.
    let scaled = lincomb_vartime(&[0; 4], &[], &[(order_less::<C>(1), two)]).neg();
    assert!(scaled == two);
    assert!(g.add(&g) == two);
    assert!(scaled.add(&two) == two.double());
    assert!(two.sub(&scaled).is_identity());
    assert!(g.add(&Point::IDENTITY) == g);
    assert!(Point::IDENTITY.add(&g) == g);
    assert!(Point::<C>::IDENTITY.add(&Point::IDENTITY).is_identity());
    assert!(Point::<C>::IDENTITY.double().is_identity());
    assert!(g != two && g != Point::IDENTITY);
    assert!(Point::<C>::IDENTITY.to_affine().is_none());
    // The same of those that stop early, with every form of the second point.
    let affine = two.to_affine().expect("not the identity");
    let (cached, opposite) = (
        super::point::Cached::new(scaled),
        super::point::Cached::new(scaled.neg()),
    );
    for sum in [two, scaled] {
        assert!(sum.add_affine_vartime(&affine) == two.double());
        assert!(sum.add_affine_vartime(&affine.neg()).is_identity());
        assert!(sum.add_cached_vartime(&cached) == two.double());
        assert!(sum.add_cached_vartime(&opposite).is_identity());
    }
    let none = super::point::Cached::new(two.sub(&scaled));
    assert!(two.add_cached_vartime(&none) == two);
    let mut zero = two.sub(&scaled);
    assert!(zero.add_affine_vartime(&affine) == two);
    assert!(zero.add_cached_vartime(&cached) == two);
    zero = zero.double();
    assert!(zero.is_identity() && zero == Point::IDENTITY);
}

/// Sums of two and three multiples against sums of one, with points that meet each other on the way.
fn sums<C: Params>() {
    let g = Point::<C>::GENERATOR;
    let alone = |k: &Limbs, point: &Point<C>| lincomb_vartime(&[0; 4], &[], &[(*k, *point)]);
    let base = alone(&[0x1234_5678_9abc_def1; 4], &g);
    let q = base.add(&g);
    let all: Vec<Limbs> = numbers::<C>(60).into_iter().chain(halves::<C>()).collect();
    for triple in all.windows(3).step_by(2) {
        let [a, b, c] = [triple[0], triple[1], triple[2]];
        let minus = |k: &Limbs| match k {
            [0, 0, 0, 0] => *k,
            _ => limbs::sub(&C::N, k).0,
        };
        let of_generator = add_generator_vartime(Point::IDENTITY, &a);
        let expected = of_generator.add(&alone(&b, &base)).add(&alone(&c, &q));
        assert!(lincomb_vartime(&a, &[], &[(b, base), (c, q)]) == expected);
        // The same point twice, and its opposite: the additions meet equal points.
        let none = [0; 4];
        assert!(lincomb_vartime(&none, &[], &[(b, base), (b, base.neg())]).is_identity());
        assert!(lincomb_vartime(&none, &[], &[(b, base), (minus(&b), base)]).is_identity());
        let twice = lincomb_vartime(&none, &[], &[(b, base), (b, base)]);
        assert!(twice == alone(&b, &base.double()));
        assert!(lincomb_vartime(&a, &[], &[(minus(&a), g)]).is_identity());
        let doubled = lincomb_vartime(&a, &[], &[(a, g)]);
        assert!(doubled == of_generator.double());
        assert!(lincomb_vartime(&a, &[], &[(b, Point::IDENTITY)]) == of_generator);
        // With tables and, at their first use, without.
        let known = Known::new(base);
        let generator = Known::new(g);
        for _ in 0..2 {
            let terms = [(b, &known), (a, &generator)];
            assert!(lincomb_vartime(&none, &terms[..1], &[]) == alone(&b, &base));
            assert!(lincomb_vartime(&none, &terms[..1], &[(c, q)]) == expected.sub(&of_generator));
            assert!(lincomb_vartime(&none, &terms, &[(c, q)]) == expected);
            assert!(lincomb_vartime(&minus(&a), &terms, &[(c, q)]) == expected.sub(&of_generator));
            assert!(lincomb_vartime(&none, &terms[..1], &[(minus(&b), base)]).is_identity());
            let identity = Known::new(base.sub(&base));
            assert!(lincomb_vartime(&a, &[(b, &identity)], &[]) == of_generator);
            assert!(lincomb_vartime(&a, &[(b, &identity)], &[]) == of_generator);
        }
    }
}

/// Where x of the point is n or more, r is taken modulo n: no signature found by chance gets there
/// (2^-32), so the comparison is tested on a point made for it.
fn an_x_beyond_the_order_is_compared_modulo_the_order<C: Params>() {
    let mut found = 0;
    for above in 0..200_u64 {
        // x = n + above, below p.
        let x = limbs::add(&C::N, &[above, 0, 0, 0]).0;
        let Some(affine) = Affine::<C>::from_x(&limbs::to_be(&x), false) else {
            continue;
        };
        found += 1;
        let point = Point::from(affine);
        assert!(x_is(&point, &[above, 0, 0, 0]));
        assert!(!x_is(&point, &[above + 1, 0, 0, 0]));
        let twice = point.double();
        assert!(x_is(&twice.sub(&point), &[above, 0, 0, 0]));
        assert!(!x_is(&twice, &[above, 0, 0, 0]));
    }
    assert!(found > 50);
    // Just below p and beyond it: value + n wraps into no field element.
    let gap = limbs::sub(&C::PRIME.p(), &C::N).0;
    assert!(!x_is(&Point::<C>::GENERATOR, &gap));
    assert!(!x_is(&Point::<C>::IDENTITY, &[0; 4]));
}

macro_rules! against {
    ($name:ident, $curve:ty, $twin:ident, $kind:ty) => {
        mod $name {
            use super::*;

            fn twin(k: &Limbs) -> $twin::Scalar {
                let repr = limbs::to_be(k).into();
                $twin::Scalar::from_repr(repr).expect("below the order")
            }

            fn twin_bytes(point: &$twin::ProjectivePoint) -> Option<Vec<u8>> {
                let encoded = point.to_sec1_point(false);
                (encoded.as_bytes().len() == 65).then(|| encoded.as_bytes()[1..].to_vec())
            }

            fn own_bytes(point: &Point<$curve>) -> Option<Vec<u8>> {
                let (x, y) = point.to_affine()?.coordinates();
                Some([x, y].concat())
            }

            #[test]
            fn field() {
                field_at_its_edges::<$curve>();
                field_laws::<$curve>();
            }

            #[test]
            fn points() {
                additions_are_complete::<$curve>();
                sums::<$curve>();
                an_x_beyond_the_order_is_compared_modulo_the_order::<$curve>();
            }

            #[test]
            fn order() {
                let n = limbs::to_be(&<$curve>::N);
                assert!($twin::Scalar::from_repr(n.into()).into_option().is_none());
                let less = limbs::to_be(&order_less::<$curve>(1));
                let minus_one = $twin::Scalar::from_repr(less.into()).expect("n − 1");
                assert_eq!(minus_one, -$twin::Scalar::ONE);
            }

            #[test]
            fn multiples_agree_with_the_twin() {
                let seven = [7; 4];
                let point = add_generator_vartime(Point::<$curve>::IDENTITY, &seven);
                let point_twin = $twin::ProjectivePoint::mul_by_generator(&twin(&seven));
                assert_eq!(own_bytes(&point), twin_bytes(&point_twin));
                let known = Known::new(point);
                for k in numbers::<$curve>(300).into_iter().chain(halves::<$curve>()) {
                    let expected = $twin::ProjectivePoint::mul_by_generator(&twin(&k));
                    let found = lincomb_vartime::<$curve>(&k, &[], &[]);
                    assert_eq!(own_bytes(&found), twin_bytes(&expected), "{k:x?}");
                    let expected = twin_bytes(&(point_twin * twin(&k)));
                    let found = lincomb_vartime(&[0; 4], &[], &[(k, point)]);
                    assert_eq!(own_bytes(&found), expected, "{k:x?}");
                    let found = lincomb_vartime(&[0; 4], &[(k, &known)], &[]);
                    assert_eq!(own_bytes(&found), expected, "{k:x?}");
                }
            }

            #[test]
            fn sums_agree_with_the_twin() {
                use elliptic_curve::ops::LinearCombination as _;
                let all = numbers::<$curve>(200);
                let mut p = Point::<$curve>::GENERATOR;
                let mut tp = $twin::ProjectivePoint::GENERATOR;
                for (round, four) in all.windows(4).enumerate() {
                    let q = p.double();
                    let terms = [(four[1], p), (four[2], q)];
                    let found = lincomb_vartime(&four[0], &[], &terms);
                    let terms = [
                        ($twin::ProjectivePoint::GENERATOR, twin(&four[0])),
                        (tp, twin(&four[1])),
                        (tp.double(), twin(&four[2])),
                    ];
                    let expected = $twin::ProjectivePoint::lincomb(&terms);
                    assert_eq!(own_bytes(&found), twin_bytes(&expected), "{four:x?}");
                    // Small multiples and large ones, affine or not; never the identity.
                    match round % 3 {
                        0 => (p, tp) = (p.add(&q), tp + tp.double()),
                        1 => (p, tp) = (p.neg(), -tp),
                        _ if !found.is_identity() => (p, tp) = (found, expected),
                        _ => {}
                    }
                }
            }

            #[test]
            fn points_are_read_as_the_twin_reads_them() {
                let mut entropy = SeededEntropy::new(b"points");
                let mut on_curve = 0;
                for round in 0..200 {
                    let mut x = [0; 32];
                    entropy.fill(&mut x).expect("seeded");
                    if round < 8 {
                        // Small ones, among them x = 0.
                        x = limbs::to_be(&[round, 0, 0, 0]);
                    }
                    for odd in [false, true] {
                        let encoded = [&[2 + u8::from(odd)], &x[..]].concat();
                        let expected =
                            Sec1Point::<$kind>::from_bytes(&encoded)
                                .ok()
                                .and_then(|point| {
                                    $twin::ProjectivePoint::from_sec1_point(&point).into_option()
                                });
                        let found = Affine::<$curve>::from_x(&x, odd);
                        assert_eq!(
                            found.map(|point| own_bytes(&point.into())),
                            expected.map(|point| twin_bytes(&point)),
                            "round {round}"
                        );
                        let Some(point) = found else { continue };
                        on_curve += 1;
                        assert_eq!(point.y_is_odd(), odd);
                        let (x, mut y) = point.coordinates();
                        assert!(Affine::from_coordinates(&x, &y) == Some(point));
                        y[7] ^= 1;
                        assert!(Affine::<$curve>::from_coordinates(&x, &y).is_none());
                    }
                }
                assert!(on_curve > 100);
                assert!(Affine::<$curve>::from_coordinates(&[0; 32], &[0; 32]).is_none());
                let p = limbs::to_be(&<$curve>::PRIME.p());
                assert!(Affine::<$curve>::from_x(&p, false).is_none());
            }
        }
    };
}

against!(sm2p256v1, Sm2, sm2, ::sm2::Sm2);
against!(nist_p256, P256, p256, ::p256::NistP256);
