//! Spec: spec/keys.md
#![no_main]

use libfuzzer_sys::fuzz_target;
use mifeng_crypto::{KeyAlg, PrivateKey, SeededEntropy};
use mifeng_pki::keyfile::delivered::{EnvelopedKey, Reply, open_signed_and_enveloped};

// Keys delivered by a CA: nothing made without the subject's public key opens.
fuzz_target!(|data: &[u8]| {
    let entropy = &mut SeededEntropy::new(b"fuzz");
    let signing = PrivateKey::generate(KeyAlg::Sm2, entropy).expect("a key");
    if let Ok(key) = EnvelopedKey::parse(data) {
        let _ = key.open(&signing);
    }
    if let Ok(reply) = Reply::parse(data)
        && let Some(key) = reply.key
    {
        let _ = key.open(&signing);
    }
    let _ = open_signed_and_enveloped(data, &signing);
});
