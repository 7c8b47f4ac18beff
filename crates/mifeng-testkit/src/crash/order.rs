//! Traces of system calls, and the order that they must have.

use std::collections::{BTreeMap, BTreeSet};

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

    /// The bytes that are written: the text between quotes, as the tracer shows bytes.
    fn content(&self) -> Vec<u8> {
        let start = self
            .arguments
            .find('"')
            .map_or(self.arguments.len(), |at| at + 1);
        let end = self.arguments.rfind('"').unwrap_or(start).max(start);
        unescaped(&self.arguments.as_bytes()[start..end])
    }

    /// Whether it changes something below `folder`.
    pub fn changes(&self, folder: &str) -> bool {
        let below = |name: &str| name.starts_with(folder) && !name.ends_with("/.lock");
        match self.name.as_str() {
            "openat" => self.arguments.contains("O_CREAT") && self.names().iter().any(|n| below(n)),
            "rename" | "link" | "linkat" | "mkdir" | "unlink" => {
                self.names().iter().any(|n| below(n))
            }
            _ => self.file().is_some_and(below),
        }
    }

    /// Whether it writes this text.
    pub fn says(&self, text: &str) -> bool {
        self.name == "write" && self.arguments.contains(text)
    }
}

/// Bytes from the way C writes them in a string.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'\\' {
            bytes.push(*first);
            continue;
        }
        let digits = rest
            .iter()
            .take(3)
            .take_while(|b| (b'0'..b'8').contains(*b))
            .count();
        let number = rest[..digits]
            .iter()
            .fold(0_u32, |n, b| n * 8 + u32::from(b - b'0'));
        let (byte, len) = match rest.first() {
            _ if digits > 0 => (number as u8, digits),
            Some(b'n') => (b'\n', 1),
            Some(b't') => (b'\t', 1),
            Some(b'r') => (b'\r', 1),
            Some(b'v') => (11, 1),
            Some(b'f') => (12, 1),
            Some(other) => (*other, 1),
            None => break,
        };
        bytes.push(byte);
        rest = &rest[len..];
    }
    bytes
}

/// What was written and not durable at the moment of an answer: nothing, in a store that keeps its word.
///
/// A file is durable once it is synced, a name once its folder is. Or both are in the journal, byte for byte, and
/// the journal was synced before them: then the next start does them again.
pub fn check_order(calls: &[Call], folder: &str, answer: &str) -> Vec<String> {
    let parent = |name: &str| name.rsplit_once('/').map_or("", |(f, _)| f).to_owned();
    let journal = format!("{folder}/.journal");
    let mut disk = Dirty::default();
    let mut found = Vec::new();
    let mut answers = 0;
    for call in calls.iter().filter(|call| call.done) {
        if call.says(answer) {
            answers += 1;
            found.extend(disk.lost(folder));
        }
        if !call.changes(folder) {
            continue;
        }
        let names = call.names();
        let file = call.file().unwrap_or_default();
        match (call.name.as_str(), names.as_slice()) {
            ("openat" | "mkdir", [name, ..]) => {
                disk.names.insert((parent(name), (*name).to_owned()));
            }
            ("rename", [from, to, ..]) => {
                if let Some(content) = disk.contents.remove(*from) {
                    disk.contents.insert((*to).to_owned(), content);
                }
                disk.names.retain(|(_, name)| name != from);
                disk.names.insert((parent(to), (*to).to_owned()));
            }
            ("link" | "linkat", [from, to, ..]) => {
                // What came from elsewhere is as good as written now.
                let content = disk.contents.entry((*to).to_owned()).or_default();
                content.push(from.as_bytes().to_vec());
                disk.names.insert((parent(to), (*to).to_owned()));
            }
            ("fsync" | "fdatasync", _) if file == journal => disk.sync_journal(),
            ("fsync" | "fdatasync", _) => {
                disk.contents.remove(file);
                disk.names.retain(|(folder, _)| folder != file);
            }
            ("write" | "pwrite64", _) if file == journal => {
                disk.unsynced.extend(call.content());
            }
            ("write" | "pwrite64" | "ftruncate" | "copy_file_range", _) => {
                let content = disk.contents.entry(file.to_owned()).or_default();
                content.push(call.content());
            }
            _ => {}
        }
    }
    if answers == 0 {
        found.push("the trace holds no answer".to_owned());
    }
    found
}

/// What a power cut could take.
#[derive(Default)]
struct Dirty {
    /// What was written to each file since it was synced.
    contents: BTreeMap<String, Vec<Vec<u8>>>,
    /// New names, each after its folder.
    names: BTreeSet<(String, String)>,
    /// What the journal holds, before its sync and after.
    unsynced: Vec<u8>,
    journal: Vec<u8>,
}

impl Dirty {
    fn sync_journal(&mut self) {
        self.journal.append(&mut self.unsynced);
    }

    fn lost(&self, folder: &str) -> Vec<String> {
        let held = |bytes: &[u8]| {
            bytes.is_empty() || self.journal.windows(bytes.len()).any(|w| w == bytes)
        };
        let own = |name: &str| {
            name.trim_start_matches(folder)
                .trim_start_matches('/')
                .to_owned()
        };
        // Content is in the journal behind its name.
        let kept = |name: &str| held(own(name).as_bytes()) && own(name) != ".journal";
        let lost_content = |(name, parts): &(&String, &Vec<Vec<u8>>)| {
            !kept(name) || parts.iter().any(|part| !held(part))
        };
        let contents = self.contents.iter().filter(lost_content);
        let contents = contents.map(|(name, _)| format!("answered before {name} was synced"));
        let names = self.names.iter().filter(|(_, name)| !kept(name));
        let names =
            names.map(|(folder, name)| format!("answered before {folder} was synced for {name}"));
        let open = (!self.unsynced.is_empty())
            .then(|| "answered before the journal was synced".to_owned());
        contents.chain(names).chain(open).collect()
    }
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

    const JOURNAL: &str = r#"
7 write(4</h/.journal>, "mf-frame\0\0\1\0\thead.json\0\2{}", 25) = 25
7 fdatasync(4</h/.journal>) = 0
7 openat(AT_FDCWD</>, "/h/.part", O_WRONLY|O_CREAT|O_EXCL|O_CLOEXEC, 0666) = 5</h/.part>
7 write(5</h/.part>, "{}", 2) = 2
7 rename("/h/.part", "/h/head.json") = 0
7 write(1<pipe:[9]>, "ACKNOWLEDGED\n", 13) = 13
"#;

    #[test]
    fn what_the_synced_journal_holds_is_durable() {
        let check = |trace: &str| check_order(&parse(trace), "/h", "ACKNOWLEDGED");
        assert_eq!(check(JOURNAL), Vec::<String>::new());
        // Not synced; other content; another name; a journal that was synced before it was written.
        let sync = "7 fdatasync(4</h/.journal>) = 0\n";
        assert!(!check(&JOURNAL.replace(sync, "")).is_empty());
        assert!(!check(&JOURNAL.replace(sync, &sync.replace("= 0", "= -1 EIO"))).is_empty());
        assert!(!check(&JOURNAL.replace("\"{}\"", "\"{x}\"")).is_empty());
        assert!(!check(&JOURNAL.replace("/h/head.json", "/h/other.json")).is_empty());
        assert!(!check(&format!("{sync}{}", JOURNAL.replace(sync, ""))).is_empty());
        // Before the answer, or after it.
        let late = JOURNAL
            .replace(sync, "")
            .replace("7 write(1<", &format!("{sync}7 write(1<"));
        assert_eq!(check(&late), Vec::<String>::new());
        let later = JOURNAL.replace(sync, "");
        assert!(!check(&format!("{later}{sync}")).is_empty());
    }

    const LINKED: &str = r#"
7 linkat(AT_FDCWD</>, "/up/bid", AT_FDCWD</>, "/h/.part", 0) = 0
7 openat(AT_FDCWD</>, "/h/.part", O_WRONLY|O_CREAT|O_CLOEXEC, 0666) = 5</h/.part>
7 fdatasync(5</h/.part>) = 0
7 rename("/h/.part", "/h/seal.bid") = 0
7 fsync(5</h>) = 0
7 write(1<pipe:[9]>, "ACKNOWLEDGED\n", 13) = 13
"#;

    #[test]
    fn a_second_name_is_durable_like_a_first_one() {
        let check = |trace: &str| check_order(&parse(trace), "/h", "ACKNOWLEDGED");
        assert_eq!(check(LINKED), Vec::<String>::new());
        for call in ["7 fdatasync(5</h/.part>) = 0\n", "7 fsync(5</h>) = 0\n"] {
            assert_eq!(check(&LINKED.replace(call, "")).len(), 1);
        }
    }

    #[test]
    fn bytes_are_read_as_the_tracer_writes_them() {
        assert_eq!(
            unescaped(br#"a\0\12\177\n\"\\\3779"#),
            b"a\0\x0a\x7f\n\"\\\xff9"
        );
    }

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
