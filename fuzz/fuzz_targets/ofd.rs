#![no_main]
//! OFD packages: never panic, never inflate more than the directory says; what is opened has
//! unique names; nobody is trusted, so nothing is valid.
use libfuzzer_sys::fuzz_target;
use mifeng_crypto::Time;
use mifeng_pki::{Anchors, Material};
use mifeng_stamp::ofd::{Package, SignatureFile, check};
use mifeng_stamp::{Trust, Verdict};
use std::collections::BTreeSet;

fuzz_target!(|data: &[u8]| {
    let _ = SignatureFile::parse("Signature.xml", data);
    if let Ok(package) = Package::open(data) {
        let names: Vec<&str> = package.names().collect();
        let folded: BTreeSet<String> = names.iter().map(|n| n.to_lowercase()).collect();
        assert_eq!(folded.len(), names.len());
        for name in names {
            if let Ok(content) = package.read(name, 1 << 20) {
                assert_eq!(Some(content.len() as u64), package.size(name));
            }
        }
    }
    let nobody = Anchors::default();
    let at = Time::from_unix_seconds(1_780_000_000);
    let found = check(data, &Trust::new(&nobody, Material::default(), at));
    assert_ne!(found.verdict(), Verdict::Valid);
});
