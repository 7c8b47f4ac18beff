#![no_main]
//! Seals and seal signatures: never panic; what is read has the bytes it was read from; nobody is
//! trusted, so nothing is valid.
use libfuzzer_sys::fuzz_target;
use mifeng_crypto::Time;
use mifeng_pki::{Anchors, Material};
use mifeng_stamp::{Protected, Seal, SealSignature, Trust, Verdict, check_seal, check_signature};

fuzz_target!(|data: &[u8]| {
    let nobody = Anchors::default();
    let trust = Trust::new(&nobody, Material::default(), Time::from_unix_seconds(1_780_000_000));
    if let Ok(seal) = Seal::parse(data) {
        assert_eq!(seal.der(), data);
        let _ = seal.picture().facts();
    }
    if let Ok(signature) = SealSignature::parse(data) {
        assert_eq!(signature.der(), data);
    }
    let seal = check_seal(data, &trust).report;
    assert_eq!(seal.verdict(), Verdict::Invalid);
    let signature = check_signature(data, Protected::Bytes(b"data"), &trust).report;
    assert_eq!(signature.verdict(), Verdict::Invalid);
});
