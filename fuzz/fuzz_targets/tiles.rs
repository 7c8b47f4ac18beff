//! Entry bundles never make the reader panic, and entries that were read give the same bundle.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mifeng_crypto::HashAlg;
use mifeng_log::tiles;
use std::collections::BTreeMap;

fuzz_target!(|data: &[u8]| {
    let Some((width, bundle)) = data.split_first() else {
        return;
    };
    let width = usize::from(*width) + 1;
    if let Ok(entries) = tiles::parse_bundle(bundle, width) {
        let written = tiles::entry_bundles(&entries).expect("entries of two-byte lengths");
        assert_eq!(written[0].1, bundle);
        let files: BTreeMap<_, _> = tiles::tiles(HashAlg::Sm3, &entries)
            .expect("entries of two-byte lengths")
            .into_iter()
            .collect();
        let read = tiles::read(HashAlg::Sm3, width as u64, &files);
        assert_eq!(read, Ok(entries));
    }
});
