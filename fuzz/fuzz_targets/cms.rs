#![no_main]
//! Signature messages: never panic, in either suite; what our own reader takes, the reader of
//! other products' messages takes as well.
use libfuzzer_sys::fuzz_target;
use mifeng_crypto::{GM, INTL};
use mifeng_pki::cms::{self, SignedData, Strictness};

fuzz_target!(|data: &[u8]| {
    let _ = cms::verify_detached(data, b"content", &GM);
    let _ = cms::verify_detached(data, b"content", &INTL);
    let own = SignedData::parse(data);
    let field = SignedData::parse_field(data);
    assert!(own.is_err() || field.is_ok());
    let Ok(message) = field else { return };
    for suite in [&GM, &INTL] {
        let each = message.verify_each(Some(b"content"), suite, Strictness::Field);
        for signed in each.into_iter().flatten().flatten() {
            for token in &signed.unsigned.archive_time_stamps {
                let _ = cms::verify_archive_stamp(data, 0, token, Some(b"content"));
            }
        }
    }
    // What is put back together says the same.
    if let Ok(again) = cms::add_revocations(data, &[], &[]) {
        let again = SignedData::parse_field(&again).expect("as readable as before");
        assert_eq!(again.signer_count(), message.signer_count());
        assert_eq!(again.content(), message.content());
        assert_eq!(again.certificates(), message.certificates());
    }
});
