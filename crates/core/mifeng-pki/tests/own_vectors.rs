//! The published vectors are what this code writes, byte for byte.

#[path = "../examples/make_vectors/main.rs"]
#[allow(dead_code)]
mod make_vectors;

#[test]
fn vectors_are_what_we_write() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../test-vectors/");
    let all = make_vectors::vectors().expect("made");
    // Signatures and stamps; two chains of trust lists, and 75 faults in each suite.
    assert_eq!(all.len(), 5 + 2 * 76);
    let lists = std::fs::read_dir(format!("{root}trust")).expect("is there");
    assert_eq!(lists.count(), 2 * 76, "a file that nothing writes");
    for (name, value) in all {
        let file = std::fs::read_to_string(format!("{root}{name}")).expect("is there");
        let made = make_vectors::text(&value).expect("text");
        assert!(file == made, "{name} differs from what is written now");
    }
}
