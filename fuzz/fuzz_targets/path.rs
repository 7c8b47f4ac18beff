#![no_main]
//! Paths over whatever documents the input holds: never panic, and never accept, since the anchor
//! is not among them.
//!
//! The input is a sequence of documents, each after two bytes of length (big-endian).
use libfuzzer_sys::fuzz_target;
use mifeng_crypto::{GM, INTL, KeyAlg, PrivateKey, SeededEntropy, Time};
use mifeng_pki::issue::{CertificateAuthority, Subject, Validity};
use mifeng_pki::{
    Anchors, Certificate, Material, OcspResponse, Policy, Purpose, RevocationList, judge_path,
};
use std::sync::LazyLock;

static ANCHORS: LazyLock<Anchors> = LazyLock::new(|| {
    let key = PrivateKey::generate(KeyAlg::P256, &mut SeededEntropy::new(b"anchor")).expect("key");
    let validity = Validity {
        not_before: Time::from_unix_seconds(0),
        not_after: Time::from_unix_seconds(4_000_000_000),
    };
    let root = CertificateAuthority::new_root(key, &Subject::named("Anchor"), validity, &[1]);
    Anchors::new(vec![root.expect("root").certificate().clone()])
});

fuzz_target!(|data: &[u8]| {
    let (mut certificates, mut crls, mut ocsp) = (Vec::new(), Vec::new(), Vec::new());
    let mut left = data;
    while let [high, low, rest @ ..] = left {
        let len = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
        let (one, after) = rest.split_at(len);
        certificates.extend(Certificate::parse(one));
        crls.extend(RevocationList::parse(one));
        ocsp.extend(OcspResponse::parse(one));
        left = after;
    }
    let material = Material {
        intermediates: &certificates,
        crls: &crls,
        ocsp: &ocsp,
        answers: &[],
    };
    // The input's own last certificate is an anchor, too: then a path may hold.
    let own = Anchors::new(certificates.last().cloned().into_iter().collect());
    for leaf in certificates.iter().take(2) {
        for suite in [&GM, &INTL] {
            let policy = Policy::new(Purpose::Any, suite);
            let at = Time::from_unix_seconds(1_700_000_000);
            assert!(judge_path(leaf, &material, &ANCHORS, at, &policy).is_err());
            if let Ok(path) = judge_path(leaf, &material, &own, at, &policy) {
                assert_eq!(path.standings().len(), path.certificates().len());
            }
        }
    }
});
