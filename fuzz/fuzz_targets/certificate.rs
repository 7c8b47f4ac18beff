#![no_main]
//! Certificates and revocation lists: never panic; what is read says the same when read again.
use libfuzzer_sys::fuzz_target;
use mifeng_pki::{Certificate, RevocationList};

fuzz_target!(|data: &[u8]| {
    if let Ok(certificate) = Certificate::parse(data) {
        assert_eq!(certificate.der(), data);
        let _ = (certificate.uscc(), certificate.subject_name(), certificate.issuer_name());
    }
    if let Ok(list) = RevocationList::parse(data) {
        assert_eq!(list.der(), data);
    }
});
