//! Files of other makers, read in place.

#![allow(clippy::panic)]

use mifeng_crypto::{GM, HashAlg, PrivateKey, Time};
use mifeng_pki::cms::{SignedData, Strictness};
use mifeng_pki::{Anchors, Certificate, Purpose, RevocationList, keyfile, pem, tsp, verify_path};
use std::path::PathBuf;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../../shared/data/gm");

fn read(name: &str) -> Option<Vec<u8>> {
    let bytes = std::fs::read(PathBuf::from(DATA).join(name)).ok();
    if bytes.is_none() {
        eprintln!("skipped: {name} is not there");
    }
    bytes
}

fn certificates(name: &str) -> Option<Vec<Certificate>> {
    let text = String::from_utf8(read(name)?).expect("PEM is text");
    Some(pem::certificates(&text).unwrap_or_else(|e| panic!("{name}: {e}")))
}

fn time(text: &str) -> Time {
    Time::parse_rfc3339(text).expect("RFC 3339")
}

#[test]
fn every_sample_certificate_parses() {
    for name in [
        "gmsm/cfca-enveloped-ski.crt.pem",
        "gmsm/gmcert-enc.crt.pem",
        "gmsm/gmcert-sign.crt.pem",
        "ofdrw/sign_cert.pem",
        "tongsuo/chain-ca.crt",
        "tongsuo/client_enc.crt",
        "tongsuo/client_sign.crt",
        "tongsuo/client_sign_expire.crt",
        "tsp/ca.crt.pem",
        "tsp/tsa.crt.pem",
        "pdf/rsa-signer.crt.pem",
    ] {
        for certificate in certificates(name).unwrap_or_default() {
            eprintln!("{name}: {certificate:?} {:?}", certificate.uscc());
        }
    }
}

#[test]
fn sample_pki_with_revocation() {
    let Some(leaf) = certificates("ses/pki/bidder_sign.crt.pem") else {
        return;
    };
    let Some(sub) = certificates("ses/pki/subca.crt.pem") else {
        return;
    };
    let Some(root) = certificates("ses/pki/root.crt.pem") else {
        return;
    };
    let crls: Vec<_> = ["ses/pki/root.crl.der", "ses/pki/subca.crl.der"]
        .iter()
        .filter_map(|name| RevocationList::parse(&read(name)?).ok())
        .collect();
    assert_eq!(crls.len(), 2);
    assert_eq!(leaf[0].uscc().as_deref(), Some("91330106MA27XK000B"));
    let anchors = Anchors::new(root);
    let at = time("2026-11-15T00:00:00Z");
    let check = |leaf: &Certificate, purpose| {
        verify_path(leaf, &sub, &anchors, &crls, at, purpose, &GM).map_err(|e| e.code())
    };
    let path = check(&leaf[0], Purpose::Signing).expect("path");
    assert_eq!(path.certificates().len(), 3);
    assert!(path.revocation_known());
    assert!(matches!(
        check(&leaf[0], Purpose::BidEncryption),
        Err("pki.key-usage")
    ));
    let enc = certificates("ses/pki/bidder_enc.crt.pem").expect("beside the other");
    assert!(check(&enc[0], Purpose::BidEncryption).is_ok());
    assert!(matches!(
        check(&enc[0], Purpose::Signing),
        Err("pki.key-usage")
    ));
}

#[test]
fn tongsuo_chain_and_expired() {
    let Some(cas) = certificates("tongsuo/chain-ca.crt") else {
        return;
    };
    let leaf = certificates("tongsuo/client_sign.crt")
        .expect("beside the other")
        .remove(0);
    let old = certificates("tongsuo/client_sign_expire.crt")
        .expect("beside the other")
        .remove(0);
    let roots = cas
        .iter()
        .filter(|c| c.subject_raw() == c.issuer_raw())
        .cloned();
    let anchors = Anchors::new(roots.collect());
    let check = |leaf: &Certificate, at| {
        verify_path(leaf, &cas, &anchors, &[], at, Purpose::Signing, &GM).map(|_| ())
    };
    assert_eq!(check(&leaf, leaf.not_before()), Ok(()));
    // The sub CA ends a second before the leaf.
    assert_eq!(check(&leaf, leaf.not_after().plus_millis(-1000)), Ok(()));
    let late = check(&leaf, leaf.not_after().plus_millis(1000)).map_err(|e| e.code());
    assert_eq!(late, Err("pki.expired"));
    let early = check(&leaf, leaf.not_before().plus_millis(-1)).map_err(|e| e.code());
    assert_eq!(early, Err("pki.not-yet-valid"));
    let at = time("2026-11-15T00:00:00Z");
    assert_eq!(check(&old, at).map_err(|e| e.code()), Err("pki.expired"));
}

#[test]
fn message_samples() {
    let Some(content) = read("cms/signed-content.bin") else {
        return;
    };
    for name in [
        "gm-attached-501.der",
        "gm-attached-noattr.der",
        "gm-detached-attr.der",
    ] {
        let der = read(&format!("cms/{name}")).expect("beside the content");
        let message = SignedData::parse_field(&der).unwrap_or_else(|e| panic!("{name}: {e}"));
        let digest = HashAlg::Sm3.digest(&content);
        let signed = message.verify(&digest, &GM, Strictness::Field);
        assert!(signed.is_ok(), "{name}: {signed:?}");
        // None binds its certificate, which our own messages must.
        assert!(message.verify(&digest, &GM, Strictness::Own).is_err());
    }
    let der = read("gmsm/cfca-signed-attached.der").expect("beside the content");
    let message = SignedData::parse_field(&der).expect("a CA's toolkit");
    let signed = message.verify_attached(&GM, Strictness::Field);
    assert!(signed.is_ok(), "{signed:?}");
}

#[test]
fn time_stamp_sample() {
    let Some(message) = read("tsp/message.bin") else {
        return;
    };
    let token = read("tsp/token.der").expect("beside the message");
    let response = read("tsp/response.tsr").expect("beside the message");
    assert_eq!(tsp::unwrap_response(&response).as_deref(), Ok(&token[..]));
    let request = tsp::Request::parse(&read("tsp/request.tsq").expect("beside")).expect("request");
    let digest = HashAlg::Sm3.digest(&message);
    assert_eq!(request.imprint().digest(), Some(digest));
    let anchors = Anchors::new(certificates("tsp/ca.crt.pem").expect("beside"));
    let stamp = tsp::verify_token(&token, &digest, HashAlg::Sm3, &anchors, &[], &GM);
    let stamp = stamp.expect("verifies");
    assert!(stamp.gen_time > time("2026-01-01T00:00:00Z"));
    let none = Anchors::default();
    let refused = tsp::verify_token(&token, &digest, HashAlg::Sm3, &none, &[], &GM);
    assert_eq!(
        refused.map(|_| ()).map_err(|e| e.code()),
        Err("pki.unlisted-ca")
    );
}

#[test]
fn key_file_sample() {
    let Some(file) = read("keys/gmssl-encrypted-pkcs8.pem") else {
        return;
    };
    let text = String::from_utf8(file).expect("PEM is text");
    let key = keyfile::decrypt(&text, b"1234").expect("passphrase is 1234");
    let public = read("keys/gmssl-encrypted-pkcs8.pub.pem").expect("beside the key");
    let public = pem::decode("PUBLIC KEY", &String::from_utf8(public).expect("text"));
    let spki = key.public_key().expect("key").spki_der().to_vec();
    assert_eq!(public, Ok(vec![spki]));
    let wrong = keyfile::decrypt(&text, b"1235");
    assert_eq!(wrong.err().map(|e| e.code()), Some("pki.passphrase"));
}

#[test]
fn plain_keys_match_their_certificates() {
    let Some(text) = read("ses/pki/bidder_sign.key.pem") else {
        return;
    };
    let text = String::from_utf8(text).expect("PEM is text");
    if let Ok(blocks) = pem::decode("PRIVATE KEY", &text) {
        let key = PrivateKey::from_pkcs8_der(&blocks[0]).expect("PKCS#8");
        let certificate = certificates("ses/pki/bidder_sign.crt.pem")
            .expect("beside")
            .remove(0);
        assert!(mifeng_pki::SoftwareSigner::new(key, certificate, Vec::new()).is_ok());
    }
}
