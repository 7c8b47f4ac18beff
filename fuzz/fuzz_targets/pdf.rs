#![no_main]
//! PDF: never panic, no work without bound; nobody is trusted, so nothing is valid; what can be
//! signed can be read again, with one signature more and the old bytes in front.
use libfuzzer_sys::fuzz_target;
use mifeng_crypto::Time;
use mifeng_pki::{Anchors, Material};
use mifeng_stamp::pdf::{Format, Request, check, facts, prepare};
use mifeng_stamp::{Trust, Verdict};

fuzz_target!(|data: &[u8]| {
    let nobody = Anchors::default();
    let at = Time::from_unix_seconds(1_780_000_000);
    let trust = Trust::new(&nobody, Material::default(), at);
    let found = check(data, &trust);
    assert_ne!(found.verdict(), Verdict::Valid);
    let request = Request {
        format: Format::Message,
        at,
        name: "fuzz",
        reason: "",
        location: "",
        shown: None,
        strips: &[],
        certify: None,
        reserve: 64,
    };
    if let Ok(prepared) = prepare(data, &request) {
        let signed = prepared.finish(&[0x30, 3, 2, 1, 1]).expect("fits");
        assert!(signed.starts_with(data));
        if let Ok(before) = facts(data) {
            let after = facts(&signed).expect("read again");
            assert_eq!(after.signatures, before.signatures + 1);
        }
    }
});
