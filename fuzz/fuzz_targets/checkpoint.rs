//! A checkpoint text that is accepted is written back byte for byte, and so is a tlog-proof.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mifeng_log::{Checkpoint, TlogProof};

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(checkpoint) = Checkpoint::parse(text)
    {
        assert_eq!(checkpoint.to_text(), text);
        assert_eq!(checkpoint.to_note().text(), text);
    }
    if let Ok(proof) = TlogProof::parse(data) {
        assert_eq!(proof.to_text().as_bytes(), data);
    }
});
