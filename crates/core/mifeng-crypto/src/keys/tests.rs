//! Keys of all kinds: round trips, refusals.

use super::*;
use crate::{Curve, Error, Point, Scalar, SeededEntropy};
use der::{Decode as _, Encode as _};

#[test]
fn gbt_32918_5_signature_verifies_and_no_other() -> Result<(), Error> {
    let point = hex::decode(
        "0409F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020\
         CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13",
    )
    .expect("hex");
    let key = PublicKey::from_point(&Point::from_uncompressed(Curve::Sm2, &point)?);
    let signature = hex::decode(
        "3046022100F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3\
         022100B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA",
    )
    .expect("hex");
    key.verify(SignatureAlg::Sm2Sm3, b"message digest", &signature)?;
    for at in 0..signature.len() {
        let mut bad = signature.clone();
        bad[at] ^= 1;
        assert!(
            key.verify(SignatureAlg::Sm2Sm3, b"message digest", &bad)
                .is_err(),
            "byte {at}"
        );
    }
    assert!(
        key.verify(SignatureAlg::EcdsaP256Sha256, b"message digest", &signature)
            .is_err()
    );
    Ok(())
}

#[test]
fn every_kind_signs_verifies_and_travels() -> Result<(), Error> {
    for alg in [KeyAlg::Sm2, KeyAlg::P256, KeyAlg::Ed25519] {
        let key = PrivateKey::generate(alg, &mut SeededEntropy::new(b"keys"))?;
        let public = key.public_key()?;
        assert_eq!(public.key_alg(), alg);
        let signature = key.sign(b"message")?;
        public.verify(key.signature_alg(), b"message", &signature)?;
        assert!(
            public
                .verify(key.signature_alg(), b"massage", &signature)
                .is_err()
        );
        let again = PrivateKey::from_pkcs8_der(&key.to_pkcs8_der()?)?;
        assert_eq!(again.public_key()?, public);
        assert_eq!(PublicKey::from_spki_der(public.spki_der())?, public);
        assert_eq!(format!("{key:?}"), "PrivateKey { .. }");
    }
    Ok(())
}

#[test]
fn sm2_refuses_n_minus_one() {
    let minus_one = Scalar::from_u64(Curve::Sm2, 1).neg();
    assert!(PrivateKey::from_scalar(&minus_one).is_err());
    assert!(PrivateKey::from_scalar(&Scalar::from_u64(Curve::P256, 1).neg()).is_ok());
}

#[test]
fn many_signatures_are_judged_one_by_one() -> Result<(), Error> {
    let mut entropy = SeededEntropy::new(b"many");
    let mut keys = Vec::new();
    for alg in [
        KeyAlg::Sm2,
        KeyAlg::Sm2,
        KeyAlg::P256,
        KeyAlg::Sm2,
        KeyAlg::Ed25519,
    ] {
        keys.push(PrivateKey::generate(alg, &mut entropy)?);
    }
    let mut rows = Vec::new();
    for index in 0..150usize {
        let key = &keys[index % keys.len()];
        // Half of the keys are met for the first time, as those of many bidders are.
        let (public, message) = (key.public_key()?, vec![index as u8; index % 7 * 30]);
        let mut signature = key.sign(&message)?;
        let bent = index % 11 == 3;
        if bent {
            let at = signature.len() - 1 - index % 20;
            signature[at] ^= 1;
        }
        rows.push((public, key.signature_alg(), message, signature, !bent));
    }
    let shared = keys[0].public_key()?;
    for row in rows.iter_mut().step_by(10) {
        row.0 = shared.clone();
    }
    let all: Vec<Signed<'_>> = rows
        .iter()
        .map(|(key, alg, message, signature, _)| Signed {
            key,
            alg: *alg,
            message,
            signature,
        })
        .collect();
    for _ in 0..2 {
        for (found, row) in verify_many(&all).iter().zip(&rows) {
            assert_eq!(found.is_ok(), row.4);
            assert_eq!(found.is_ok(), row.0.verify(row.1, &row.2, &row.3).is_ok());
        }
    }
    let mut wrong = all[0];
    wrong.alg = SignatureAlg::Ed25519;
    let found = verify_many(&[wrong]);
    assert_eq!(
        found[0].as_ref().map_err(Error::code),
        Err("crypto.unsupported")
    );
    assert!(verify_many(&[]).is_empty());
    Ok(())
}

/// Numbers out of range, and pairs that hold though nobody made them: as `ring` judges each.
#[test]
fn many_ecdsa_signatures_at_the_edges_of_their_numbers() -> Result<(), Error> {
    let mut entropy = SeededEntropy::new(b"ecdsa edges");
    let key = PrivateKey::generate(KeyAlg::P256, &mut entropy)?;
    let public = key.public_key()?;
    let made = key.sign(b"text")?;
    let made = EcSignature::from_der(&made).expect("our own");
    let number = |k: u64| Scalar::from_u64(Curve::P256, k);
    let scalar = |bytes: &[u8]| {
        let mut whole = [0; 32];
        whole[32 - bytes.len()..].copy_from_slice(bytes);
        Scalar::from_be_bytes(Curve::P256, &whole)
    };
    let (r, s) = (scalar(made.r.as_bytes())?, scalar(made.s.as_bytes())?);
    // n, and n + 1: no scalars.
    let mut order = number(1).neg().to_be_bytes();
    order[31] += 1;
    let mut beyond = order;
    beyond[31] += 1;
    let inside = [number(0), number(1), number(1).neg(), r.clone(), s.clone()];
    let mut values: Vec<[u8; 32]> = inside.iter().map(Scalar::to_be_bytes).collect();
    values.extend([s.neg().to_be_bytes(), order, beyond, [0xff; 32]]);
    let mut signatures = Vec::new();
    for r in &values {
        for s in &values {
            let [r, s] = [r, s].map(|value| UintRef::new(value).expect("short"));
            signatures.push(EcSignature { r, s }.to_der().expect("short"));
        }
    }
    // Not minimal, cut, and with something behind it.
    let good = key.sign(b"text")?;
    signatures.push([&good[..], &[0]].concat());
    signatures.push(good[..good.len() - 1].to_vec());
    signatures.push(Vec::new());
    signatures.push(good);
    let all: Vec<Signed<'_>> = signatures
        .iter()
        .map(|signature| Signed {
            key: &public,
            alg: SignatureAlg::EcdsaP256Sha256,
            message: b"text",
            signature,
        })
        .collect();
    let verdicts = verify_many(&all);
    for (found, one) in verdicts.iter().zip(&all) {
        let alone = public.verify(one.alg, one.message, one.signature);
        assert_eq!(found.is_ok(), alone.is_ok(), "{:x?}", one.signature);
    }
    // The one made, twice, and its twin with n − s.
    assert_eq!(verdicts.iter().filter(|found| found.is_ok()).count(), 3);
    Ok(())
}

/// Numbers in range whose point is the identity, which has no x: made by choosing the key.
#[test]
fn many_ecdsa_signatures_whose_point_is_the_identity() -> Result<(), Error> {
    let number = |k: u64| Scalar::from_u64(Curve::P256, k);
    let mut good = Vec::new();
    for key in 0..16 {
        let key = PrivateKey::generate(KeyAlg::P256, &mut SeededEntropy::new(&[key]))?;
        good.push((key.public_key()?, key.sign(b"text")?));
    }
    let mut wide = [0; 48];
    wide[16..].copy_from_slice(crate::HashAlg::Sha256.digest(b"text").as_bytes());
    let e = Scalar::reduce(Curve::P256, &wide);
    for place in 0..16_u64 {
        // eG + rQ = 0.
        let r = number(place + 1);
        let secret = e.neg().mul(&r.invert().ok_or(Error::Unverified)?);
        let key = PublicKey::from_point(&Point::mul_generator(&secret));
        let [r, s] = [r, number(9)].map(|value| value.to_be_bytes());
        let [r, s] = [&r, &s].map(|value| UintRef::new(value).expect("short"));
        let signature = EcSignature { r, s }.to_der().expect("short");
        let mut all = good.clone();
        all[place as usize] = (key, signature);
        let signed = all.iter().map(|(key, signature)| Signed {
            key,
            alg: SignatureAlg::EcdsaP256Sha256,
            message: b"text",
            signature,
        });
        for (at, found) in (0..).zip(verify_many(&signed.collect::<Vec<_>>())) {
            assert_eq!(found.is_ok(), at != place, "{at}, bad at {place}");
        }
    }
    Ok(())
}
