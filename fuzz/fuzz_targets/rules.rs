//! Any bytes as a rule pack, any text as a tender document: an error, or a pack that reads back the
//! same and a lint that ends.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mifeng_score::pack::Pack;
use mifeng_score::{Document, lint_document};

fuzz_target!(|data: &[u8]| {
    if let Ok(pack) = Pack::parse(data) {
        let bytes = pack.to_jcs().expect("a pack has a canonical form");
        assert_eq!(Pack::parse(&bytes), Ok(pack));
    }
    if let Ok(document) = serde_json::from_slice::<Document>(data) {
        let _ = lint_document(&document);
    }
});
