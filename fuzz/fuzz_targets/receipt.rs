//! A receipt or entry that is accepted is written back byte for byte; no receipt verifies under a
//! key that never signed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mifeng_crypto::{Digest, GM, PublicKey};
use mifeng_log::{Entry, NoteVerifier, Quorum, ReceiptProof};

fuzz_target!(|data: &[u8]| {
    if let Ok(receipt) = mifeng::Receipt::from_file(data) {
        assert_eq!(receipt.to_file().as_deref().ok(), Some(data));
    }
    if let Ok(keys) = mifeng::TenderKeys::from_file(data) {
        assert_eq!(keys.to_file().as_deref().ok(), Some(data));
    }
    if let Ok(entry) = Entry::parse(data) {
        assert_eq!(entry.to_bytes(), data);
    }
    if let Ok(receipt) = ReceiptProof::parse(data) {
        assert_eq!(receipt.to_bytes().as_deref(), Ok(data));
        let log = NoteVerifier::new("fuzz.example", PublicKey::from_ed25519(&[0; 32]));
        if let Ok(log) = log {
            let _ = receipt.verify(&GM, &log, &Quorum::none(), &Digest::default());
        }
        let _ = receipt.to_tlog_proof();
    }
});
