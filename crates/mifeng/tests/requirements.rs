//! The table of requirements counts right, names each row once, and shows what it calls done.

use std::collections::{BTreeMap, BTreeSet};

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
