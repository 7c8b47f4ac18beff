//! Against the twin, the `sm2` crate, on edges and on random inputs. What both curves share is tested beside it.

use super::order::Scalar;
use super::{Point, SigningKey, VerifyingKey, mul, mul_generator};
use crate::curves::limbs;
use crate::curves::vartime::lincomb_vartime;
use crate::{Entropy, SeededEntropy};
use elliptic_curve::group::Group as _;
use elliptic_curve::sec1::ToSec1Point;
use elliptic_curve::{Field, PrimeField};

/// n − `less`, as bytes.
fn order_less(less: u64) -> [u8; 32] {
    Scalar::ZERO.sub(&Scalar::from_u64(less)).to_be_bytes()
}

/// Scalars at which recodings, tables and formulas have their corners, then random ones.
fn scalars(random: usize) -> Vec<[u8; 32]> {
    let small = |value: u64| Scalar::from_u64(value).to_be_bytes();
    let mut out: Vec<[u8; 32]> = (0..40).map(small).collect();
    out.extend((1..40).map(order_less));
    out.extend([63, 64, 65, 127, 128, 129, u64::MAX].map(small));
    for bit in 0..256 {
        let mut bytes = [0; 32];
        bytes[31 - bit / 8] = 1 << (bit % 8);
        out.push(bytes);
        // All ones below, so that every digit carries.
        let ones = limbs::sub(&limbs::from_be(&bytes), &[1, 0, 0, 0]).0;
        out.push(limbs::to_be(&ones));
    }
    let mut entropy = SeededEntropy::new(b"sm2k");
    for _ in 0..random {
        let mut bytes = [0; 32];
        entropy.fill(&mut bytes).expect("seeded");
        out.push(Scalar::reduce(&bytes).to_be_bytes());
    }
    out
}

fn own(bytes: &[u8; 32]) -> Scalar {
    Scalar::from_be_bytes(bytes).expect("below the order")
}

fn twin(bytes: &[u8; 32]) -> sm2::Scalar {
    sm2::Scalar::from_repr((*bytes).into()).expect("below the order")
}

fn twin_bytes(point: &sm2::ProjectivePoint) -> Option<Vec<u8>> {
    let encoded = point.to_sec1_point(false);
    (encoded.as_bytes().len() == 65).then(|| encoded.as_bytes()[1..].to_vec())
}

fn own_bytes(point: &Point) -> Option<Vec<u8>> {
    let (x, y) = point.to_affine()?.coordinates();
    Some([x, y].concat())
}

#[test]
fn scalars_agree_with_the_twin() {
    let all = scalars(300);
    for pair in all.windows(2) {
        let ((a, b), (ta, tb)) = (
            (own(&pair[0]), own(&pair[1])),
            (twin(&pair[0]), twin(&pair[1])),
        );
        let same = |own: Scalar, twin: sm2::Scalar| {
            assert_eq!(own.to_be_bytes(), <[u8; 32]>::from(twin.to_repr()));
        };
        same(a.add(&b), ta + tb);
        same(a.sub(&b), ta - tb);
        same(a.mul(&b), ta * tb);
        same(Scalar::ZERO.sub(&a), -ta);
        same(
            a.invert(),
            Option::from(ta.invert()).unwrap_or(sm2::Scalar::ZERO),
        );
        assert_eq!(a.is_zero(), bool::from(Field::is_zero(&ta)));
    }
    let n = limbs::to_be(&limbs::add(&limbs::from_be(&order_less(1)), &[1, 0, 0, 0]).0);
    assert!(Scalar::from_be_bytes(&n).is_none());
    assert!(Scalar::from_be_bytes(&[0xff; 32]).is_none());
    assert!(Scalar::reduce(&n).is_zero());
    assert_eq!(Scalar::reduce(&order_less(1)).to_be_bytes(), order_less(1));
}

#[test]
fn multiples_of_the_generator_agree_with_the_twin() {
    for bytes in scalars(300) {
        let expected = sm2::ProjectivePoint::mul_by_generator(&twin(&bytes));
        let found = mul_generator(&own(&bytes));
        assert_eq!(own_bytes(&found), twin_bytes(&expected), "{bytes:02x?}");
        let vartime = lincomb_vartime(own(&bytes).limbs(), &[], &[]);
        assert!(vartime == found, "{bytes:02x?}");
    }
}

#[test]
fn multiples_of_points_agree_with_the_twin() {
    let base = [7; 32];
    let point = mul_generator(&own(&base));
    let point_twin = sm2::ProjectivePoint::mul_by_generator(&twin(&base));
    for bytes in scalars(100) {
        let expected = point_twin * twin(&bytes);
        let found = mul(&point, &own(&bytes));
        assert_eq!(own_bytes(&found), twin_bytes(&expected), "{bytes:02x?}");
        let vartime = lincomb_vartime(&[0; 4], &[], &[(*own(&bytes).limbs(), point)]);
        assert!(vartime == found, "{bytes:02x?}");
        assert!(mul(&Point::IDENTITY, &own(&bytes)).is_identity());
    }
}

/// Signatures of both sides are the same bytes, each verifies the other's, and neither takes what
/// the other refuses.
#[test]
fn signatures_agree_with_the_twin() {
    use signature::{Signer as _, Verifier as _};
    const ID: &str = "1234567812345678";
    let mut secrets = vec![order_less(2), order_less(3)];
    secrets.extend((1..4).map(|value| Scalar::from_u64(value).to_be_bytes()));
    secrets.extend(scalars(8).into_iter().rev().take(8));
    for (round, secret) in secrets.iter().enumerate() {
        let key = SigningKey::new(&own(secret), ID.as_bytes()).expect("a key");
        let twin_key = sm2::dsa::SigningKey::from_slice(ID, secret).expect("a key");
        // The first verification takes one way, all others another.
        let verifier = VerifyingKey::new(*key.public(), ID.as_bytes());
        for length in [0, 1, 30, 31, 32, 55, 64, 100 + round] {
            let message = vec![round as u8; length];
            let [r, s] = key.sign(&message);
            let twin_signature: sm2::dsa::Signature = twin_key.sign(&message);
            assert_eq!([r, s].concat(), twin_signature.to_bytes().to_vec());
            assert!(verifier.verify(&message, &r, &s));
            assert!(VerifyingKey::new(*key.public(), ID.as_bytes()).verify(&message, &r, &s));
            for byte in 0..64 {
                let mut bad = [r, s];
                bad[byte / 32][byte % 32] ^= 1 << (length % 8);
                assert!(!verifier.verify(&message, &bad[0], &bad[1]));
                if byte % 16 == round % 16 {
                    let twin = sm2::dsa::Signature::from_slice(&bad.concat());
                    assert!(twin.map_or(true, |bad| {
                        twin_key.verifying_key().verify(&message, &bad).is_err()
                    }));
                }
            }
        }
        let [r, s] = key.sign(b"m");
        // r and s beyond the order, zero, and r + s = n.
        let n = order_less(0);
        let edges = [n, [0; 32], [0xff; 32], limbs::to_be(&super::order::N)];
        for edge in edges {
            assert!(!verifier.verify(b"m", &edge, &s));
            assert!(!verifier.verify(b"m", &r, &edge));
        }
        let opposite = Scalar::ZERO.sub(&own(&r)).to_be_bytes();
        assert!(!verifier.verify(b"m", &r, &opposite));
    }
    assert!(SigningKey::new(&Scalar::ZERO, b"").is_none());
    assert!(SigningKey::new(&own(&order_less(1)), b"").is_none());
}
