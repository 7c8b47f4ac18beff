use super::*;
use crate::SeededEntropy;

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
