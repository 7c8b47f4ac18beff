#![no_main]
//! Signature messages: never panic, in either suite.
use libfuzzer_sys::fuzz_target;
use mifeng_crypto::{GM, INTL};
use mifeng_pki::cms;

fuzz_target!(|data: &[u8]| {
    let _ = cms::verify_detached(data, b"content", &GM);
    let _ = cms::verify_detached(data, b"content", &INTL);
    if let Ok(message) = cms::SignedData::parse(data) {
        let _ = message.verify_attached(&GM, cms::Strictness::Field);
    }
});
