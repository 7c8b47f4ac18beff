//! Any bytes: a policy that parses has one text, and nothing panics.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mifeng_crypto::{Digest, GM};
use mifeng_lock::{Policy, sharing};

fuzz_target!(|data: &[u8]| {
    let Ok(policy) = Policy::parse(data) else { return };
    assert_eq!(policy.to_jcs().expect("serialises"), data);
    let _ = (policy.lint(), policy.name());
    let resolved = policy.resolve(Digest::from_bytes([1; 32]));
    let shares: Vec<_> = sharing::deal(&resolved, &[7; 32], &Digest::from_bytes([2; 32]), &GM)
        .into_iter()
        .map(|(path, share)| (path, *share))
        .collect();
    let opened = sharing::combine(&resolved, &shares).expect("all leaves open");
    assert_eq!(*opened, [7; 32]);
});
