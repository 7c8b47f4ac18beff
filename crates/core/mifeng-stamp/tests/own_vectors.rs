//! The published vectors are what this code writes, byte for byte.

#[path = "../examples/make_vectors.rs"]
#[allow(dead_code)]
mod make_vectors;

#[test]
fn vectors_are_what_we_write() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../test-vectors/stamp");
    let all = make_vectors::vectors().expect("made");
    assert!(all.len() > 20);
    for (name, bytes) in all {
        let file = std::fs::read(format!("{root}/{name}")).expect("is there");
        assert!(file == bytes, "{name} differs from what is written now");
    }
}
