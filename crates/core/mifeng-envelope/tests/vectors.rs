//! The published vectors are what this code gives.

#[path = "../examples/make_vectors.rs"]
mod make_vectors;

#[test]
fn files_are_what_this_code_gives() {
    let all = make_vectors::all();
    for (name, text) in &all {
        let file = format!("{}/{name}", make_vectors::FOLDER);
        let published = std::fs::read_to_string(&file).expect("published vector");
        assert_eq!(&published, text, "{name}");
    }
    let published = std::fs::read_dir(make_vectors::FOLDER).expect("folder");
    assert_eq!(published.count(), all.len());
}
