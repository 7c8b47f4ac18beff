//! The SM2 arithmetic against its twin, the `sm2` crate: two scalars and two points made of any
//! bytes through every operation, signatures the same byte for byte and verified alike.
#![no_main]

use elliptic_curve::PrimeField as _;
use elliptic_curve::group::Group as _;
use elliptic_curve::ops::LinearCombination as _;
use elliptic_curve::sec1::{FromSec1Point as _, Sec1Point, ToSec1Point as _};
use libfuzzer_sys::fuzz_target;
use mifeng_crypto::{Curve, Point, PrivateKey, Scalar, SignatureAlg};
use signature::{Signer as _, Verifier as _};

const ID: &str = "1234567812345678";

fuzz_target!(|data: &[u8]| {
    let Some((blocks, message)) = data.split_first_chunk::<128>() else {
        return;
    };
    let [Some((a, ta)), Some((b, tb))] = [0, 32].map(|at| scalar(&blocks[at..at + 32])) else {
        return;
    };
    scalars((&a, &ta), (&b, &tb));
    let (p, tp) = point(&blocks[64..96], &a, &ta);
    let (q, tq) = point(&blocks[96..128], &b, &tb);
    same(&p.add(&q), &(tp + tq));
    same(&p.sub(&q), &(tp - tq));
    same(&p.add(&p), &tp.double());
    same(&p.mul(&a), &(tp * ta));
    same(&Point::mul_generator(&b), &sm2::ProjectivePoint::mul_by_generator(&tb));
    let g = Point::generator(Curve::Sm2);
    let sum = Point::lincomb_vartime(&[(&a, &g), (&b, &p), (&a, &q)]);
    let terms = [(sm2::ProjectivePoint::GENERATOR, ta), (tp, tb), (tq, ta)];
    same(&sum, &sm2::ProjectivePoint::lincomb(&terms));
    let sum = Point::lincomb_vartime(&[(&a, &g), (&b, &p)]);
    let terms = [(sm2::ProjectivePoint::GENERATOR, ta), (tp, tb)];
    same(&sum, &sm2::ProjectivePoint::lincomb(&terms));
    signatures(&a, message, &blocks[64..]);
});

/// A number below the order, or refused by both sides.
fn scalar(bytes: &[u8]) -> Option<(Scalar, sm2::Scalar)> {
    let bytes: [u8; 32] = bytes.try_into().expect("32 bytes");
    let own = Scalar::from_be_bytes(Curve::Sm2, &bytes).ok();
    let twin: Option<sm2::Scalar> = sm2::Scalar::from_repr(bytes.into()).into();
    assert_eq!(own.is_some(), twin.is_some());
    own.zip(twin)
}

fn scalars((a, ta): (&Scalar, &sm2::Scalar), (b, tb): (&Scalar, &sm2::Scalar)) {
    let same = |own: Scalar, twin: sm2::Scalar| {
        assert_eq!(own.to_be_bytes(), <[u8; 32]>::from(twin.to_repr()));
    };
    same(a.add(b), ta + tb);
    same(a.sub(b), ta - tb);
    same(a.mul(b), ta * tb);
    same(a.neg(), -*ta);
    let inverse: Option<sm2::Scalar> = ta.invert().into();
    assert_eq!(a.invert().is_some(), inverse.is_some());
    if let (Some(own), Some(twin)) = (a.invert(), inverse) {
        same(own, twin);
    }
}

/// The point with this x, which both sides read or refuse, or else a multiple of the generator
/// (the identity among them).
fn point(x: &[u8], k: &Scalar, tk: &sm2::Scalar) -> (Point, sm2::ProjectivePoint) {
    let encoded = [&[2 + (x[31] & 1)], x].concat();
    let own = Point::from_bytes(Curve::Sm2, &encoded).ok();
    let twin: Option<sm2::ProjectivePoint> = Sec1Point::<sm2::Sm2>::from_bytes(&encoded)
        .ok()
        .and_then(|point| sm2::ProjectivePoint::from_sec1_point(&point).into());
    assert_eq!(own.is_some(), twin.is_some());
    own.zip(twin).unwrap_or_else(|| {
        let twin = sm2::ProjectivePoint::mul_by_generator(tk);
        (Point::mul_generator(k), twin)
    })
}

fn same(own: &Point, twin: &sm2::ProjectivePoint) {
    let identity = bool::from(twin.is_identity());
    assert_eq!(own.is_identity(), identity);
    if !identity {
        assert_eq!(own.to_bytes(), twin.to_sec1_point(true).as_bytes());
        assert_eq!(own.to_uncompressed(), twin.to_sec1_point(false).as_bytes());
    }
}

fn signatures(secret: &Scalar, message: &[u8], other: &[u8]) {
    let (Ok(key), Ok(twin)) = (
        PrivateKey::from_scalar(secret),
        sm2::dsa::SigningKey::from_slice(ID, &secret.to_be_bytes()),
    ) else {
        return;
    };
    let signature = key.sign(message).expect("a key signs");
    let expected: sm2::dsa::Signature = twin.sign(message);
    assert_eq!(signature, expected.to_der().as_bytes());
    let public = key.public_key().expect("a key has a public half");
    // The first verification goes another way than the second.
    for _ in 0..2 {
        assert!(public.verify(SignatureAlg::Sm2Sm3, message, &signature).is_ok());
        if let Ok(other) = sm2::dsa::Signature::from_slice(other) {
            let found = public.verify(SignatureAlg::Sm2Sm3, message, other.to_der().as_bytes());
            let expected = twin.verifying_key().verify(message, &other);
            assert_eq!(found.is_ok(), expected.is_ok());
        }
    }
}
