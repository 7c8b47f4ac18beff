//! The table of requirements counts right, names each row once, shows what it calls done by tests and files that exist, and says what
//! is missing of what it calls part.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const PAGE: &str = include_str!("../../../docs/requirements.md");

/// Columns of the rows that start with an id, as `A1`.
fn rows() -> Vec<Vec<&'static str>> {
    let is_id = |id: &str| {
        let number = id.strip_prefix(|c: char| c.is_ascii_uppercase());
        number.is_some_and(|number| number.parse::<u32>().is_ok())
    };
    PAGE.lines()
        .filter(|line| line.starts_with('|'))
        .map(|line| {
            line.trim_matches('|')
                .split('|')
                .map(str::trim)
                .collect::<Vec<_>>()
        })
        .filter(|columns| is_id(columns[0]))
        .collect()
}

fn stated(status: &str) -> usize {
    let start = format!("| {status} | ");
    let line = PAGE.lines().find_map(|line| line.strip_prefix(&start));
    let number = line.and_then(|rest| rest.trim_end_matches([' ', '|']).parse().ok());
    number.expect("every status is counted at the top")
}

#[test]
fn counts_are_those_of_the_rows() {
    let mut counts = BTreeMap::from([("done", 0), ("part", 0), ("open", 0), ("not software", 0)]);
    let rows = rows();
    for columns in &rows {
        let count = counts.get_mut(columns[2]);
        *count.expect("one of the four statuses") += 1;
    }
    for (status, count) in counts {
        assert_eq!(stated(status), count, "{status}");
    }
    assert_eq!(stated("all"), rows.len());
}

#[test]
fn rows_are_whole() {
    let mut seen = BTreeSet::new();
    for columns in rows() {
        assert_eq!(columns.len(), 4, "{}", columns[0]);
        assert!(seen.insert(columns[0]), "{} stands twice", columns[0]);
        assert!(!columns[3].is_empty(), "{} says nothing", columns[0]);
        let shown = columns[3].contains('`');
        assert!(
            columns[2] != "done" || shown,
            "{} is done but shows nothing",
            columns[0]
        );
    }
}

#[test]
fn what_is_missing_is_said() {
    for columns in rows() {
        let (status, shown) = (columns[2], columns[3]);
        assert_eq!(
            status == "part",
            shown.contains("Missing: "),
            "{}",
            columns[0]
        );
    }
}

/// The folder of a crate of this name.
fn crate_folder(root: &Path, name: &str) -> Option<PathBuf> {
    ["crates/core", "crates/workflow", "crates/shell", "crates"]
        .iter()
        .map(|floor| root.join(floor).join(name))
        .find(|folder| folder.join("Cargo.toml").exists())
}

/// What stands between backquotes: commands, files, names.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn tests_and_files_that_rows_name_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut tests = 0;
    for columns in rows() {
        for span in quoted(columns[3]) {
            let what = format!("{}: {span}", columns[0]);
            let words: Vec<&str> = span.split_whitespace().collect();
            let after = |flag: &'static str| {
                let pairs = words.windows(2).filter(move |pair| pair[0] == flag);
                pairs.map(|pair| pair[1])
            };
            let folder = after("-p").next().map(|name| crate_folder(&root, name));
            let folder = folder.map(|found| found.expect(&what));
            for test in after("--test") {
                let tests_of = folder.as_ref().expect(&what).join("tests");
                let one = tests_of.join(format!("{test}.rs"));
                assert!(
                    one.exists() || tests_of.join(test).join("main.rs").exists(),
                    "{what}"
                );
                tests += 1;
            }
            // Addresses of the interface begin with a slash.
            for path in words
                .iter()
                .filter(|word| word.contains('/') && !word.starts_with('/'))
            {
                assert!(root.join(path).exists(), "{what}: {path}");
            }
        }
    }
    assert!(tests > 50, "{tests} tests are named");
}
