//! Our P-256 arithmetic, which multiplies public values only, against its twin, the `p256` crate: two numbers and two points made of
//! any bytes through every operation, with tables and without.
#![no_main]

use elliptic_curve::PrimeField as _;
use elliptic_curve::group::Group as _;
use elliptic_curve::ops::LinearCombination as _;
use elliptic_curve::sec1::{FromSec1Point as _, Sec1Point, ToSec1Point as _};
use libfuzzer_sys::fuzz_target;
use mifeng_crypto::{Curve, KnownPoint, Point, Scalar};

fuzz_target!(|data: &[u8]| {
    let Some(blocks) = data.first_chunk::<128>() else {
        return;
    };
    let [Some((a, ta)), Some((b, tb))] = [0, 32].map(|at| scalar(&blocks[at..at + 32])) else {
        return;
    };
    let (p, tp) = point(&blocks[64..96], &a, &ta);
    let (q, tq) = point(&blocks[96..128], &b, &tb);
    same(&p.add(&q), &(tp + tq));
    same(&p.sub(&q), &(tp - tq));
    same(&p.add(&p), &tp.double());
    same(&p.mul(&a), &(tp * ta));
    let of_generator = p256::ProjectivePoint::mul_by_generator(&tb);
    same(&Point::mul_generator(&b), &of_generator);
    let g = Point::generator(Curve::P256);
    same(&Point::lincomb_vartime(&[(&b, &g)]), &of_generator);
    let terms = [(p256::ProjectivePoint::GENERATOR, ta), (tp, tb), (tq, ta)];
    let expected = p256::ProjectivePoint::lincomb(&terms);
    same(&Point::lincomb_vartime(&[(&a, &g), (&b, &p), (&a, &q)]), &expected);
    // The second use is the first with a table.
    let (known, other) = (KnownPoint::new(p.clone()), KnownPoint::new(q.clone()));
    for _ in 0..2 {
        let sum = Point::lincomb_known_vartime(&[(&b, &known)], &[(&a, &g), (&a, &q)]);
        same(&sum, &expected);
        let sum = Point::lincomb_known_vartime(&[(&b, &known), (&a, &other)], &[(&a, &g)]);
        same(&sum, &expected);
    }
    let [first, second, sum] = Point::all_to_bytes([&p, &q, &p.add(&q)]);
    assert_eq!(first, p.to_bytes());
    assert_eq!(second, q.to_bytes());
    assert_eq!(sum, p.add(&q).to_bytes());
});

/// A number below the order, or refused by both sides.
fn scalar(bytes: &[u8]) -> Option<(Scalar, p256::Scalar)> {
    let bytes: [u8; 32] = bytes.try_into().expect("32 bytes");
    let own = Scalar::from_be_bytes(Curve::P256, &bytes).ok();
    let twin: Option<p256::Scalar> = p256::Scalar::from_repr(bytes.into()).into();
    assert_eq!(own.is_some(), twin.is_some());
    own.zip(twin)
}

/// The point with this x, which both sides read or refuse, or else a multiple of the generator
/// (the identity among them).
fn point(x: &[u8], k: &Scalar, tk: &p256::Scalar) -> (Point, p256::ProjectivePoint) {
    let encoded = [&[2 + (x[31] & 1)], x].concat();
    let own = Point::from_bytes(Curve::P256, &encoded).ok();
    let twin: Option<p256::ProjectivePoint> = Sec1Point::<p256::NistP256>::from_bytes(&encoded)
        .ok()
        .and_then(|point| p256::ProjectivePoint::from_sec1_point(&point).into());
    assert_eq!(own.is_some(), twin.is_some());
    own.zip(twin).unwrap_or_else(|| {
        let twin = p256::ProjectivePoint::mul_by_generator(tk);
        (Point::mul_generator(k), twin)
    })
}

fn same(own: &Point, twin: &p256::ProjectivePoint) {
    let identity = bool::from(twin.is_identity());
    assert_eq!(own.is_identity(), identity);
    if !identity {
        assert_eq!(own.to_bytes(), twin.to_sec1_point(true).as_bytes());
        assert_eq!(own.to_uncompressed(), twin.to_sec1_point(false).as_bytes());
    }
}
