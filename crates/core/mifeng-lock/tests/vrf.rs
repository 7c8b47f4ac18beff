//! RFC 9381's vectors, and what is not a proof.

use mifeng_crypto::{Curve, Digest, GM, INTL, Point, Scalar};
use mifeng_lock::draw::{Draw, Pool, Row};
use mifeng_lock::{Error, vrf};

/// RFC 9381 appendix B.1, example 10.
const SK: &str = "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721";
const PI: &str = "035b5c726e8c0e2c488a107c600578ee75cb702343c153cb1eb8dec77f4b5071b4a53f0a46f018bc2c56e58d383f2305e0\
    975972c26feea0eb122fe7893c15af376b33edf7de17c6ea056d4d82de6bc02f";
const BETA: &str = "a3ad7b0ef73d8fc6655053ea22f9bede8c743f08bbed3d38821f0e16474b505e";

fn key(text: &str) -> Scalar {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).expect("hex");
    Scalar::from_be_bytes(Curve::P256, &bytes).expect("key")
}

#[test]
fn example_10_of_the_rfc() {
    let secret = key(SK);
    let public = Point::mul_generator(&secret);
    let proof = vrf::prove(&secret, b"sample").expect("proves");
    assert_eq!(hex::encode(proof), PI);
    let beta = vrf::verify(&public, b"sample", &proof).expect("verifies");
    assert_eq!(beta.to_string(), BETA);
}

#[test]
fn nothing_else_verifies() {
    let secret = key(SK);
    let public = Point::mul_generator(&secret);
    let proof = vrf::prove(&secret, b"sample").expect("proves");
    assert_eq!(
        vrf::verify(&public, b"samples", &proof),
        Err(Error::VrfProof)
    );
    let other = Point::generator(Curve::P256);
    assert_eq!(vrf::verify(&other, b"sample", &proof), Err(Error::VrfProof));
    for at in 0..proof.len() {
        let mut flipped = proof;
        flipped[at] ^= 1;
        assert!(vrf::verify(&public, b"sample", &flipped).is_err(), "{at}");
    }
    for length in [0, 80, 82] {
        let bytes = [&proof[..], &[0]].concat();
        assert!(matches!(
            vrf::verify(&public, b"sample", &bytes[..length]),
            Err(Error::Length { .. })
        ));
    }
    // s + q is the same scalar and no second proof.
    let mut high = proof;
    high[49..].copy_from_slice(&[0xff; 32]);
    assert!(vrf::verify(&public, b"sample", &high).is_err());
    let sm2 = Point::generator(Curve::Sm2);
    assert!(vrf::verify(&sm2, b"sample", &proof).is_err());
    assert!(vrf::prove(&Scalar::from_u64(Curve::Sm2, 5), b"sample").is_err());
    assert!(vrf::prove(&Scalar::from_u64(Curve::P256, 0), b"sample").is_err());
}

#[test]
fn a_single_authority_draws() {
    let rows = |ids: &[&str]| -> Vec<Row> {
        let row = |id: &&str| Row {
            id: (*id).to_owned(),
            weight: 1,
        };
        ids.iter().map(row).collect()
    };
    let pool = Pool::new("A", rows(&["a", "b", "c", "d"])).expect("pool");
    let event = Digest::from_bytes([1; 32]);
    let draw = Draw::new(&INTL, &event, pool.clone(), 1).expect("draw");
    let secret = key(SK);
    let public = Point::mul_generator(&secret);
    let proof = draw.answer_alone(&secret).expect("answers");
    let outcome = draw.outcome_alone(&public, &proof, 3).expect("outcome");
    assert_eq!(outcome.order.len(), 3);
    assert_eq!(draw.outcome_alone(&public, &proof, 3), Ok(outcome));
    // Of this draw and this key only.
    let repeat = Draw::new(&INTL, &event, pool.clone(), 2).expect("draw");
    assert_eq!(
        repeat.outcome_alone(&public, &proof, 3),
        Err(Error::VrfProof)
    );
    let gm = Draw::new(&GM, &event, pool, 1).expect("draw");
    assert_eq!(gm.answer_alone(&secret), Err(Error::OtherBoard));
}
