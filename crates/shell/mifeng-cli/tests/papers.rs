//! Every command that the papers name is one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What looks like a command and is none: the first bytes of a journal (spec/store.md).
const NO_COMMANDS: [&str; 1] = ["journal 1"];

/// The papers for readers; the changelog also tells of commands that are gone.
fn papers() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let mut out: Vec<PathBuf> = [
        "README.md",
        "README.zh.md",
        "SECURITY.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
    ]
    .iter()
    .map(|name| root.join(name))
    .collect();
    for folder in ["docs", "spec"] {
        let entries = std::fs::read_dir(root.join(folder)).expect("a folder");
        out.extend(entries.map(|entry| entry.expect("an entry").path()));
    }
    out.retain(|path| path.extension().is_some_and(|end| end == "md"));
    out
}

/// Commands in a paper: what begins with `mifeng ` in a line of code or between backquotes.
fn commands(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            code = !code;
        } else if code {
            out.extend(line.trim_start().strip_prefix("mifeng ").map(str::to_owned));
        } else {
            let spans = line.split('`').skip(1).step_by(2);
            out.extend(
                spans
                    .filter_map(|span| span.strip_prefix("mifeng "))
                    .map(str::to_owned),
            );
        }
    }
    out.retain(|command| !NO_COMMANDS.contains(&command.as_str()));
    out
}

/// The names at the beginning of a command: `stamp log add` of `stamp log add apply.rec …`; of `a|b` both.
fn names(command: &str) -> Vec<Vec<String>> {
    let is_name = |word: &&str| {
        let plain = word
            .chars()
            .all(|c| c.is_ascii_lowercase() || matches!(c, '-' | '|'));
        plain && word.starts_with(|c: char| c.is_ascii_lowercase())
    };
    let words = command.split_whitespace().take_while(is_name).take(3);
    words.fold(vec![Vec::new()], |all, word| {
        let either = word.split('|').filter(|name| !name.is_empty());
        let with = |name: &str| {
            all.iter()
                .map(move |own| [own.clone(), vec![name.to_owned()]].concat())
                .collect::<Vec<_>>()
        };
        either.flat_map(with).collect()
    })
}

#[test]
fn the_papers_name_no_command_that_is_none() {
    let mut found: BTreeMap<Vec<String>, BTreeSet<String>> = BTreeMap::new();
    for path in papers() {
        let text = std::fs::read_to_string(&path).expect("read");
        for command in commands(&text) {
            for name in names(&command).into_iter().filter(|name| !name.is_empty()) {
                let place = path
                    .file_name()
                    .expect("a name")
                    .to_string_lossy()
                    .into_owned();
                found.entry(name).or_default().insert(place);
            }
        }
    }
    assert!(found.len() > 60, "{} commands were found", found.len());
    for (name, places) in found {
        let run = Command::new(env!("CARGO_BIN_EXE_mifeng"))
            .args(&name)
            .arg("--help")
            .output();
        let run = run.expect("the command runs");
        let said = String::from_utf8_lossy(&run.stderr).into_owned();
        assert!(
            run.status.success(),
            "mifeng {} in {places:?}: {said}",
            name.join(" ")
        );
    }
}
