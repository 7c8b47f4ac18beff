//! A manifest that is accepted is written back byte for byte, and its paths stay in their folder.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mifeng_envelope::{Manifest, check_path};

fuzz_target!(|data: &[u8]| {
    if let Ok(manifest) = Manifest::parse(data) {
        assert_eq!(manifest.to_bytes().as_deref(), Ok(data));
    }
    if let Ok(path) = std::str::from_utf8(data)
        && check_path(path).is_ok()
    {
        assert!(!path.starts_with('/') && path.split('/').all(|part| part != ".."));
    }
});
