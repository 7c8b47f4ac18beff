#![no_main]
//! Time-stamp requests, responses and tokens: never panic; a request has one encoding we write;
//! an authority answers whatever it is sent.
use libfuzzer_sys::fuzz_target;
use mifeng_crypto::{Digest, GM, HashAlg, KeyAlg, PrivateKey, SeededEntropy, Time};
use mifeng_pki::issue::{CertificateAuthority, Profile, Subject, Validity};
use mifeng_pki::tsp::{Request, Response, Stamped, TimeStampAuthority, verify_token};
use mifeng_pki::{Anchors, SoftwareSigner};
use std::sync::LazyLock;

static SIGNER: LazyLock<SoftwareSigner> = LazyLock::new(|| {
    let mut entropy = SeededEntropy::new(b"fuzz");
    let mut make = || PrivateKey::generate(KeyAlg::Sm2, &mut entropy).expect("a key");
    let validity = Validity {
        not_before: Time::from_unix_seconds(0),
        not_after: Time::from_unix_seconds(4_000_000_000),
    };
    let subject = Subject::named("Fuzz");
    let root = CertificateAuthority::new_root(make(), &subject, validity, &[1]).expect("a root");
    let key = make();
    let public = key.public_key().expect("public");
    let leaf = root.issue(&subject, &public, Profile::TimeStamping, validity, &[2]);
    SoftwareSigner::new(key, leaf.expect("a leaf"), Vec::new()).expect("a pair")
});

fuzz_target!(|data: &[u8]| {
    let request = Request::parse(data);
    if let Ok(request) = &request {
        assert_eq!(Request::parse(&request.to_der()).as_ref(), Ok(request));
    }
    let authority = TimeStampAuthority::new(&*SIGNER, "1.2.3.4").expect("an authority");
    let answer = authority.answer(data, 1, Time::from_unix_seconds(1_000_000_000));
    let response = Response::parse(&answer.der).expect("an answer");
    assert_eq!(response.is_granted(), answer.outcome.is_ok());
    assert!(!response.is_granted() || request.is_ok());
    if let Ok(response) = Response::parse(data) {
        let _ = response.into_token().map(|token| Stamped::read(&token));
    }
    let digest = Digest::from_bytes([0; 32]);
    let _ = verify_token(data, &digest, HashAlg::Sm3, &Anchors::default(), &[], &GM);
});
