//! Certificates as an attacker would make them: bounded work, a coded error, no panic.

use mifeng_crypto::{GM, INTL, KeyAlg, PrivateKey, PublicKey, SeededEntropy, Suite, Time};
use mifeng_pki::issue::{CertificateAuthority, Profile, Subject, Validity};
use mifeng_pki::{
    Anchors, Certificate, Material, OcspResponse, Policy, Purpose, RevocationList, Singles,
    judge_path,
};
use std::slice::from_ref;

fn time(text: &str) -> Time {
    Time::parse_rfc3339(text).expect("RFC 3339")
}

fn now() -> Time {
    time("2026-06-01T00:00:00Z")
}

fn validity() -> Validity {
    Validity {
        not_before: time("2026-01-01T00:00:00Z"),
        not_after: time("2027-01-01T00:00:00Z"),
    }
}

fn key(suite: &Suite, seed: &str) -> PrivateKey {
    let alg = if suite.id() == GM.id() {
        KeyAlg::Sm2
    } else {
        KeyAlg::P256
    };
    PrivateKey::generate(alg, &mut SeededEntropy::new(seed.as_bytes())).expect("key")
}

fn root(suite: &Suite) -> CertificateAuthority {
    let subject = Subject::named("Root");
    CertificateAuthority::new_root(key(suite, "root"), &subject, validity(), &[1]).expect("root")
}

fn leaf(suite: &Suite, profile: Profile) -> Certificate {
    let public = key(suite, "leaf").public_key().expect("public key");
    let subject = Subject::named("Leaf");
    root(suite)
        .issue(&subject, &public, profile, validity(), &[2])
        .expect("leaf")
}

fn code(der: &[u8]) -> Result<(), &'static str> {
    Certificate::parse(der).map(drop).map_err(|e| e.code())
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = (content.len() as u32).to_be_bytes();
    let mut out = vec![tag];
    match content.len() {
        short @ 0..=0x7f => out.push(short as u8),
        _ => {
            let skip = len.iter().take_while(|b| **b == 0).count();
            out.push(0x80 | (4 - skip) as u8);
            out.extend_from_slice(&len[skip..]);
        }
    }
    out.extend_from_slice(content);
    out
}

/// Replaces the first `from` in `der` by `to` of the same length.
fn swapped(der: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let at = der
        .windows(from.len())
        .position(|w| w == from)
        .expect("is there");
    [&der[..at], to, &der[at + from.len()..]].concat()
}

#[test]
fn sizes_and_shapes() {
    let ten_megabytes = tlv(0x30, &vec![0; 10 << 20]);
    assert_eq!(code(&ten_megabytes), Err("pki.too-large"));
    // Sequences in sequences, as far as a certificate may reach.
    let mut nested = Vec::new();
    while nested.len() < mifeng_pki::CERTIFICATE_LEN_MAX - 8 {
        nested = tlv(0x30, &nested);
    }
    assert_eq!(code(&nested), Err("pki.malformed"));
    let indefinite = [
        &[0x30, 0x80][..],
        &leaf(&GM, Profile::BidderSign).der()[4..],
        &[0, 0],
    ]
    .concat();
    assert_eq!(code(&indefinite), Err("pki.malformed"));
    for suite in [&GM, &INTL] {
        let der = leaf(suite, Profile::BidderSign).der().to_vec();
        assert_eq!(der[..2], [0x30, 0x82]);
        // Three length octets where two do, a length beyond the end, a byte after it, truncation.
        let long = [&[0x30, 0x83, 0][..], &der[2..]].concat();
        assert_eq!(code(&long), Err("pki.malformed"));
        for huge in [
            &[0x84, 0xff, 0xff, 0xff, 0xff][..],
            &[0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        ] {
            assert_eq!(
                code(&[&[0x30][..], huge, &der[4..]].concat()),
                Err("pki.malformed")
            );
        }
        assert_eq!(code(&[&der[..], &[0]].concat()), Err("pki.malformed"));
        for len in 0..der.len() {
            assert!(code(&der[..len]).is_err());
            assert!(RevocationList::parse(&der[..len]).is_err());
            assert!(OcspResponse::parse(&der[..len]).is_err());
        }
    }
}

#[test]
fn points_off_the_curve_and_odd_encodings_of_points() {
    for suite in [&GM, &INTL] {
        let certificate = leaf(suite, Profile::BidderSign);
        let point = certificate.public_key().raw().to_vec();
        let der = certificate.der();
        let mut off = point.clone();
        off[64] ^= 1;
        let mut hybrid = point.clone();
        hybrid[0] = 6 | point[64] & 1;
        let beyond = [&[4][..], &[0xff; 64]].concat();
        let origin = [&[4][..], &[0; 64]].concat();
        for bad in [off, hybrid, beyond, origin] {
            assert_eq!(
                code(&swapped(der, &point, &bad)),
                Err("crypto.encoding"),
                "{}",
                suite.id()
            );
        }
    }
}

#[test]
fn rsa_keys_that_are_weak_or_only_slow() {
    let spki = |modulus: &[u8], exponent: &[u8]| {
        let key = tlv(0x30, &[tlv(2, modulus), tlv(2, exponent)].concat());
        let oid = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 1, 5, 0];
        let bits = tlv(3, &[&[0], &key[..]].concat());
        tlv(0x30, &[tlv(0x30, &oid), bits].concat())
    };
    let modulus = |bits: usize| {
        let mut out = vec![0xa5; bits / 8 + 1];
        out[0] = 0;
        out
    };
    let e = [1, 0, 1];
    let found = |der: &[u8]| {
        PublicKey::from_spki_der(der)
            .map(|key| key.key_alg())
            .map_err(|e| e.code())
    };
    assert_eq!(
        found(&spki(&modulus(2_048), &e)),
        Ok(KeyAlg::Rsa { bits: 2_048 })
    );
    assert_eq!(found(&spki(&modulus(1_024), &e)), Err("crypto.unsupported"));
    assert_eq!(
        found(&spki(&modulus(16_384), &e)),
        Err("crypto.unsupported")
    );
    assert_eq!(found(&spki(&modulus(65_536), &e)), Err("crypto.too-long"));
    // Exponent 1 signs anything, an even one nothing, a huge one takes for ever.
    for exponent in [&[1][..], &[2], &[0], &[3; 200]] {
        assert_eq!(
            found(&spki(&modulus(2_048), exponent)),
            Err("crypto.encoding")
        );
    }
    let mut even = modulus(2_048);
    even[256] = 0xa4;
    assert_eq!(found(&spki(&even, &e)), Err("crypto.encoding"));
}

#[test]
fn signatures_in_other_encodings() {
    for suite in [&GM, &INTL] {
        let certificate = leaf(suite, Profile::BidderSign);
        let tbs = certificate.tbs_der();
        let alg = &certificate.der()[4 + tbs.len()..][..12];
        let bits = &certificate.der()[4 + tbs.len() + 12..];
        // BIT STRING { 0, SEQUENCE { r, s } }
        let signature = &bits[3..];
        let r_len = usize::from(signature[3]);
        let (r, s) = (&signature[4..4 + r_len], &signature[6 + r_len..]);
        let made = |signature: &[u8]| {
            let bits = tlv(3, &[&[0], signature].concat());
            Certificate::parse(&tlv(0x30, &[tbs, alg, &bits].concat()))
        };
        let anchors = Anchors::new(vec![root(suite).certificate().clone()]);
        let policy = Policy::new(Purpose::Signing, suite);
        let verdict = |signature: &[u8]| {
            let certificate = made(signature).expect("a certificate");
            judge_path(&certificate, &Material::default(), &anchors, now(), &policy)
                .map(drop)
                .map_err(|e| e.code())
        };
        let pair = |r: &[u8], s: &[u8]| tlv(0x30, &[tlv(2, r), tlv(2, s)].concat());
        assert_eq!(verdict(&pair(r, s)), Ok(()));
        let padded = |n: &[u8]| [&[0], n].concat();
        let raw = |n: &[u8]| [&[0; 32][..], n].concat()[n.len()..].to_vec();
        for bent in [
            pair(&padded(r), s),
            pair(r, &padded(s)),
            pair(s, r),
            pair(&[0], s),
            pair(r, &[0]),
            pair(r, &[]),
            [&pair(r, s)[..], &[0]].concat(),
            tlv(0x30, &[tlv(2, r), tlv(2, s), tlv(2, s)].concat()),
            [raw(r), raw(s)].concat(),
            Vec::new(),
        ] {
            assert_eq!(
                verdict(&bent),
                Err("pki.bad-signature"),
                "{} {bent:02x?}",
                suite.id()
            );
        }
    }
}

#[test]
fn single_certificates_by_policy_and_each_purpose_its_bits() {
    let suite = &GM;
    let anchors = Anchors::new(vec![root(suite).certificate().clone()]);
    let verdict = |profile, purpose, singles: &Singles| {
        let mut policy = Policy::new(purpose, suite);
        policy.singles = singles.clone();
        judge_path(
            &leaf(suite, profile),
            &Material::default(),
            &anchors,
            now(),
            &policy,
        )
        .is_ok()
    };
    let of_root = Singles::From(vec![root(suite).certificate().subject_raw().to_vec()]);
    let of_nobody = Singles::From(vec![]);
    for purpose in [Purpose::Signing, Purpose::BidEncryption] {
        assert!(verdict(Profile::Single, purpose, &Singles::Accepted));
        assert!(verdict(Profile::Single, purpose, &of_root));
        assert!(!verdict(Profile::Single, purpose, &of_nobody));
        assert!(!verdict(Profile::Single, purpose, &Singles::Refused));
    }
    let signing = [
        Purpose::Signing,
        Purpose::SealUse,
        Purpose::SealMaking,
        Purpose::Host,
        Purpose::Trustee,
    ];
    for purpose in signing {
        assert!(verdict(Profile::BidderSign, purpose, &Singles::Refused));
        for other in [
            Profile::BidderEncrypt,
            Profile::TimeStamping,
            Profile::OcspResponder,
        ] {
            assert!(
                !verdict(other, purpose, &Singles::Accepted),
                "{purpose:?} {other:?}"
            );
        }
    }
    assert!(verdict(
        Profile::BidderEncrypt,
        Purpose::BidEncryption,
        &Singles::Refused
    ));
    assert!(!verdict(
        Profile::BidderSign,
        Purpose::BidEncryption,
        &Singles::Accepted
    ));
    assert!(verdict(
        Profile::OcspResponder,
        Purpose::OcspSigning,
        &Singles::Refused
    ));
    assert!(!verdict(
        Profile::BidderSign,
        Purpose::OcspSigning,
        &Singles::Refused
    ));
}

#[test]
fn more_material_than_is_looked_at() {
    let suite = &INTL;
    let one = leaf(suite, Profile::BidderSign);
    let many = vec![one.clone(); 1_025];
    let material = Material {
        intermediates: &many,
        ..Material::default()
    };
    let anchors = Anchors::new(vec![root(suite).certificate().clone()]);
    let policy = Policy::new(Purpose::Signing, suite);
    let found = judge_path(&one, &material, &anchors, now(), &policy);
    assert_eq!(found.map(drop).map_err(|e| e.code()), Err("pki.too-large"));
    let material = Material {
        intermediates: from_ref(&one),
        ..Material::default()
    };
    assert!(judge_path(&one, &material, &anchors, now(), &policy).is_ok());
}
