//! The example in both READMEs is the one that compiles.

#[test]
fn readmes_show_the_quickstart() {
    let example = include_str!("../examples/quickstart.rs");
    let (_, code) = example.split_once("\n\n").expect("a comment, then code");
    for page in [
        include_str!("../../../README.md"),
        include_str!("../../../README.zh.md"),
    ] {
        assert!(page.contains(code));
    }
}
