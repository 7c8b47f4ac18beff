//! Any bytes as a record: the transport file is written back byte for byte, and no body of a stranger
//! passes as signed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mifeng_crypto::GM;
use mifeng_record::{Record, SignedRecord};

fuzz_target!(|data: &[u8]| {
    if let Ok(signed) = SignedRecord::from_file(data) {
        assert_eq!(signed.to_file().as_deref(), Ok(data));
        let _ = Record::verify(signed, &GM);
    }
    let signed = SignedRecord {
        body: data.to_vec(),
        signature: Vec::new(),
    };
    assert!(Record::verify(signed, &GM).is_err());
});
