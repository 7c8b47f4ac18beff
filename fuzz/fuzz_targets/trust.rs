//! Any bytes as a trust list or its file: read or refused; what is read is written the same again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mifeng_crypto::{GM, INTL, Time};
use mifeng_pki::trust::{SignedTrustList, TrustChain, TrustList};

fuzz_target!(|data: &[u8]| {
    if let Ok(list) = TrustList::parse(data) {
        assert_eq!(list.to_bytes().expect("it was read"), data);
        assert!(list.digest().is_ok());
    }
    if let Ok(signed) = SignedTrustList::from_file(data) {
        assert_eq!(signed.to_file().expect("it was read"), data);
        for suite in [&GM, &INTL] {
            let _ = TrustChain::start(&signed, suite, Time::from_unix_seconds(0), &[]);
        }
    }
});
