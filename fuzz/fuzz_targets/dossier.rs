//! Any bytes as a bundle: one index or a refusal, and the verifier never panics nor says yes.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use mifeng::{Files, Tar, Trusted, verify};

static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    std::env::temp_dir().join(format!("mifeng-fuzz-dossier-{}.tar", std::process::id()))
});

fuzz_target!(|data: &[u8]| {
    std::fs::write(&*FILE, data).expect("the temporary folder takes a file");
    let Ok(bundle) = Tar::open(&FILE) else { return };
    let total: u64 = bundle.index().values().sum();
    assert!(total <= data.len() as u64);
    if let Ok(report) = verify(&bundle, &Trusted::default()) {
        assert_eq!(report.checks.len(), 14);
        assert!(
            !report.is_valid(),
            "nobody forges the signatures of a whole tender by chance"
        );
    }
});
