#![no_main]
//! Envelopes of other products: never panic; whatever is wrong with what is inside has one answer.
use libfuzzer_sys::fuzz_target;
use mifeng_crypto::{KeyAlg, PrivateKey, SeededEntropy, Time};
use mifeng_pki::enveloped::Envelope;
use mifeng_pki::issue::{CertificateAuthority, Subject, Validity};
use mifeng_pki::SoftwareDecrypter;
use std::sync::LazyLock;

static KEY: LazyLock<SoftwareDecrypter> = LazyLock::new(|| {
    let make = || PrivateKey::generate(KeyAlg::Sm2, &mut SeededEntropy::new(b"fuzz"));
    let validity = Validity {
        not_before: Time::from_unix_seconds(0),
        not_after: Time::from_unix_seconds(4_000_000_000),
    };
    let subject = Subject::named("Fuzz");
    let root = CertificateAuthority::new_root(make().expect("a key"), &subject, validity, &[1]);
    let certificate = root.expect("a root").certificate().clone();
    SoftwareDecrypter::new(make().expect("a key"), certificate).expect("a pair")
});

fuzz_target!(|data: &[u8]| {
    let Ok(envelope) = Envelope::parse(data) else {
        return;
    };
    for place in 0..envelope.recipient_count().min(4) {
        if let Err(error) = envelope.open_at(place, &*KEY) {
            assert!(envelope.is_signed() || error.code() == "crypto.unverified");
        }
    }
});
