#![no_main]
//! Anchored heads and their proofs: what parses is written the same again.
use libfuzzer_sys::fuzz_target;
use mifeng_log::{AnchorProof, Anchored};

fuzz_target!(|data: &[u8]| {
    if let Ok(entry) = Anchored::parse(data) {
        assert_eq!(entry.to_bytes().expect("it was read from ASCII"), data);
    }
    if let Ok(proof) = AnchorProof::parse(data) {
        assert_eq!(proof.to_bytes().expect("it was read from ASCII"), data);
    }
});
