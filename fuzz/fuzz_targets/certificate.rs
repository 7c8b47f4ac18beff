#![no_main]
//! Certificates: never panic; what is read says the same when read again.
use libfuzzer_sys::fuzz_target;
use mifeng_pki::Certificate;

fuzz_target!(|data: &[u8]| {
    if let Ok(certificate) = Certificate::parse(data) {
        assert_eq!(certificate.der(), data);
        let _ = (certificate.uscc(), certificate.subject_name(), certificate.issuer_name());
        let _ = (certificate.revocation_list_urls(), certificate.ocsp_urls());
    }
});
