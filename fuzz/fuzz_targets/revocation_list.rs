#![no_main]
//! Revocation lists, complete, delta and indirect: never panic; every entry that is counted is found.
use libfuzzer_sys::fuzz_target;
use mifeng_pki::RevocationList;

fuzz_target!(|data: &[u8]| {
    if let Ok(list) = RevocationList::parse(data) {
        assert_eq!(list.der(), data);
        let _ = (list.number(), list.is_delta(), list.is_indirect(), list.next_update());
        let _ = (list.find(&[1]), list.find(&[]), list.find(data));
    }
});
