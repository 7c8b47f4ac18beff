#![no_main]
//! OCSP responses: never panic; what is read says the same when read again.
use libfuzzer_sys::fuzz_target;
use mifeng_pki::OcspResponse;

fuzz_target!(|data: &[u8]| {
    if let Ok(response) = OcspResponse::parse(data) {
        assert_eq!(response.der(), data);
        for one in response.certificates() {
            let _ = response.answers().iter().any(|answer| answer.is_about(one, one));
        }
    }
});
