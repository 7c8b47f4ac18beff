//! The published vectors: this code gives them, and the draw's also follow from a second implementation.

#[path = "../examples/make_vectors.rs"]
mod make_vectors;

use std::process::Command;

#[test]
fn files_are_what_this_code_gives() {
    for (path, text) in make_vectors::all() {
        let file = format!("{}/{path}", make_vectors::FOLDER);
        let published = std::fs::read_to_string(&file).expect("published vector");
        assert_eq!(published, text, "{path}");
    }
}

#[test]
fn python_computes_the_same() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../..");
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("skipped: python3 is absent");
        return;
    }
    for name in ["gm-1", "intl-1", "panel-intl-1"] {
        let output = Command::new("python3")
            .arg(format!("{root}/verifier-py/draw_check.py"))
            .arg(format!("{root}/test-vectors/draw/{name}.json"))
            .output()
            .expect("python3 runs");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    // Boards, ciphertexts, shares, policies, draws and key generation, in arithmetic of its own.
    let output = Command::new("python3")
        .arg(format!("{root}/verifier-py/lock_check.py"))
        .arg(format!("{root}/test-vectors"))
        .output()
        .expect("python3 runs");
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
