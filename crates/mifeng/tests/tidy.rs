//! The tree reads as a table: every fuzz target is built, every specification page is listed.

use std::path::Path;

fn names(folder: &str, suffix: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut names: Vec<String> = std::fs::read_dir(root.join(folder))
        .expect("the folder is part of the project")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| Some(name.strip_suffix(suffix)?.to_owned()))
        .collect();
    names.sort();
    names
}

#[test]
fn every_fuzz_target_is_built() {
    let manifest = include_str!("../../../fuzz/Cargo.toml");
    for name in names("fuzz/fuzz_targets", ".rs") {
        let line = format!("path = \"fuzz_targets/{name}.rs\"");
        assert!(manifest.contains(&line), "fuzz/Cargo.toml lacks {name}");
    }
}

#[test]
fn every_page_is_listed() {
    let index = include_str!("../../../spec/README.md");
    for name in names("spec", ".md").iter().filter(|name| *name != "README") {
        let link = format!("]({name}.md)");
        assert!(index.contains(&link), "spec/README.md lacks {name}");
    }
}
