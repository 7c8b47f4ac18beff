//! Any bytes as a sealed file, a seal record, a header: refused or accepted, no panic; what is
//! accepted is written back byte for byte, and nothing verifies for a tender that nobody sealed to.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use mifeng_crypto::{Digest, GM, INTL};
use mifeng_envelope::{SealRecord, SealedFile, Tender};
use mifeng_lock::Policy;

fuzz_target!(|data: &[u8]| {
    if let Ok(file) = SealedFile::read(&mut Cursor::new(data)) {
        assert!(file.body_offset() + file.body_len() < data.len() as u64);
    }
    let Ok(record) = SealRecord::parse(data) else {
        return;
    };
    assert_eq!(record.to_bytes(), data);
    let policy = Policy::bidder();
    for suite in [&GM, &INTL] {
        let tender = Tender {
            suite,
            event: Digest::from_bytes([0; 32]),
            lots: &["1"],
            policy: &policy,
            boards: &[],
        };
        let _ = record.verify(&tender);
    }
});
