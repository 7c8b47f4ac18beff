//! Traces of system calls, and the order that they must have.

use std::collections::BTreeSet;

/// One call of a trace written by `strace -f -y`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Who called.
    pub process: u32,
    /// The call.
    pub name: String,
    /// Everything between the brackets.
    pub arguments: String,
    /// It did not fail.
    pub done: bool,
}

/// Reads a trace; lines that are no finished call are left out.
pub fn parse(trace: &str) -> Vec<Call> {
    trace.lines().filter_map(call).collect()
}

fn call(line: &str) -> Option<Call> {
    let (process, rest) = line.split_once(char::is_whitespace)?;
    let (name, rest) = rest.trim_start().split_once('(')?;
    let (arguments, result) = rest.rsplit_once(") = ").or_else(|| rest.rsplit_once(')'))?;
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    plain.then(|| Call {
        process: process.parse().unwrap_or(0),
        name: name.to_owned(),
        arguments: arguments.trim_end().to_owned(),
        done: !result
            .trim_start_matches(['=', ' '])
            .starts_with(['-', '?']),
    })
}

impl Call {
    /// The file behind the descriptor in the first argument.
    fn file(&self) -> Option<&str> {
        let first = self.arguments.split(',').next()?;
        let (_, rest) = first.split_once('<')?;
        rest.strip_suffix('>')
    }

    /// The names between quotes.
    fn names(&self) -> Vec<&str> {
        self.arguments.split('"').skip(1).step_by(2).collect()
    }

    /// Whether it changes something below `folder`.
    pub fn changes(&self, folder: &str) -> bool {
        let below = |name: &str| name.starts_with(folder) && !name.ends_with("/.lock");
        match self.name.as_str() {
            "openat" => self.arguments.contains("O_CREAT") && self.names().iter().any(|n| below(n)),
            "rename" | "mkdir" | "unlink" => self.names().iter().any(|n| below(n)),
            _ => self.file().is_some_and(below),
        }
    }

    /// Whether it writes this text.
    pub fn says(&self, text: &str) -> bool {
        self.name == "write" && self.arguments.contains(text)
    }
}

/// What was written and not synced at the moment of an answer: none, in a store that keeps its word.
pub fn check_order(calls: &[Call], folder: &str, answer: &str) -> Vec<String> {
    let parent = |name: &str| name.rsplit_once('/').map_or("", |(f, _)| f).to_owned();
    let mut dirty: BTreeSet<String> = BTreeSet::new();
    let mut found = Vec::new();
    let mut answers = 0;
    for call in calls.iter().filter(|call| call.done) {
        if call.says(answer) {
            answers += 1;
            found.extend(
                dirty
                    .iter()
                    .map(|name| format!("answered before {name} was synced")),
            );
        }
        if !call.changes(folder) {
            continue;
        }
        let names = call.names();
        match (call.name.as_str(), names.as_slice()) {
            ("openat" | "mkdir", [name, ..]) => {
                dirty.insert(parent(name));
            }
            ("rename", [from, to, ..]) => {
                if dirty.remove(*from) {
                    dirty.insert((*to).to_owned());
                }
                dirty.insert(parent(to));
            }
            ("fsync" | "fdatasync", _) => {
                dirty.remove(call.file().unwrap_or_default());
            }
            ("write" | "pwrite64" | "ftruncate" | "copy_file_range", _) => {
                dirty.extend(call.file().map(str::to_owned));
            }
            _ => {}
        }
    }
    if answers == 0 {
        found.push("the trace holds no answer".to_owned());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
7 openat(AT_FDCWD</>, "/h/.part", O_WRONLY|O_CREAT|O_EXCL|O_CLOEXEC, 0666) = 5</h/.part>
7 write(5</h/.part>, "{}", 2) = 2
7 fsync(5</h/.part>) = 0
7 rename("/h/.part", "/h/head.json") = 0
7 fsync(5</h>) = 0
7 write(1<pipe:[9]>, "ACKNOWLEDGED\n", 13) = 13
"#;

    #[test]
    fn each_sync_is_needed() {
        assert_eq!(
            check_order(&parse(GOOD), "/h", "ACKNOWLEDGED"),
            Vec::<String>::new()
        );
        for call in ["7 fsync(5</h/.part>) = 0\n", "7 fsync(5</h>) = 0\n"] {
            let without = GOOD.replace(call, "");
            assert_eq!(check_order(&parse(&without), "/h", "ACKNOWLEDGED").len(), 1);
            let failed = GOOD.replace(call, &call.replace("= 0", "= -1 EIO (INJECTED)"));
            assert_eq!(check_order(&parse(&failed), "/h", "ACKNOWLEDGED").len(), 1);
        }
        assert_eq!(check_order(&[], "/h", "ACKNOWLEDGED").len(), 1);
    }
}
