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
fn python_draws_the_same() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../..");
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("skipped: python3 is absent");
        return;
    }
    for suite in ["gm-1", "intl-1"] {
        let output = Command::new("python3")
            .arg(format!("{root}/verifier-py/draw_check.py"))
            .arg(format!("{root}/test-vectors/draw/{suite}.json"))
            .output()
            .expect("python3 runs");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
