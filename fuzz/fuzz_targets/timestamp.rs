#![no_main]
//! Time-stamp requests, responses and tokens: never panic; a request has one encoding we write.
use libfuzzer_sys::fuzz_target;
use mifeng_crypto::{Digest, GM, HashAlg};
use mifeng_pki::{Anchors, tsp};

fuzz_target!(|data: &[u8]| {
    if let Ok(request) = tsp::Request::parse(data) {
        assert_eq!(tsp::Request::parse(&request.to_der()), Ok(request));
    }
    let _ = tsp::unwrap_response(data);
    let digest = Digest::from_bytes([0; 32]);
    let _ = tsp::verify_token(data, &digest, HashAlg::Sm3, &Anchors::default(), &[], &GM);
});
