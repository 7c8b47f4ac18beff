//! The published vectors are what this code writes, byte for byte.

#[path = "../examples/make_vectors.rs"]
#[allow(dead_code)]
mod make_vectors;

#[test]
fn vectors_are_what_we_write() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../test-vectors/");
    let all = make_vectors::vectors().expect("made");
    assert_eq!(all.len(), 5);
    for (name, value) in all {
        let file = std::fs::read_to_string(format!("{root}{name}")).expect("is there");
        let made = make_vectors::text(&value).expect("text");
        assert!(file == made, "{name} differs from what is written now");
    }
}
