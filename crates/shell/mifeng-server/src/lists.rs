//! Lists of a host of one process: a file each in the tender's working folder, one line an entry.

use crate::lines;
use mifeng_store::{ASIDE_MAX, Entry, Lists};
use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Numbers of the first line of a file, and of the one that comes next. They are this process's own: it alone reads.
#[derive(Clone, Default)]
struct Numbers {
    first: u64,
    next: u64,
    /// The last line: who looks for news reads no file.
    last: Vec<u8>,
}

/// Lists in files below the working folder of all tenders.
pub(crate) struct FileLists {
    root: PathBuf,
    known: Mutex<BTreeMap<PathBuf, Numbers>>,
}

pub(crate) fn entries(lines: &[u8], first: u64) -> Vec<Entry> {
    let lines = lines
        .strip_suffix(b"\n")
        .map(|all| all.split(|b| *b == b'\n'));
    let lines = lines.into_iter().flatten().map(<[u8]>::to_vec);
    (first..).zip(lines).collect()
}

impl FileLists {
    pub(crate) fn new(root: &Path) -> Self {
        FileLists {
            root: root.to_owned(),
            known: Mutex::default(),
        }
    }

    /// Works on one file and its numbers; nobody else does meanwhile.
    fn with<T>(
        &self,
        (tender, list): (&str, &str),
        work: impl FnOnce(&Path, &mut Numbers) -> io::Result<T>,
    ) -> io::Result<T> {
        let path = self.root.join(tender).join(list);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut numbers = match known.get(&path) {
            Some(numbers) => numbers.clone(),
            None => {
                let found = entries(&lines::open(&path)?, 0);
                Numbers {
                    first: 0,
                    next: found.len() as u64,
                    last: found.into_iter().next_back().unwrap_or_default().1,
                }
            }
        };
        let done = work(&path, &mut numbers)?;
        known.insert(path, numbers);
        Ok(done)
    }
}

impl Lists for FileLists {
    fn read(&self, tender: &str, list: &str, from: u64) -> io::Result<Vec<Entry>> {
        self.with((tender, list), |path, numbers| {
            if from >= numbers.next {
                return Ok(Vec::new());
            }
            if from + 1 == numbers.next {
                return Ok(vec![(from, numbers.last.clone())]);
            }
            let mut entries = entries(&lines::open(path)?, numbers.first);
            entries.retain(|(number, _)| *number >= from);
            Ok(entries)
        })
    }

    fn add(&self, tender: &str, list: &str, at: u64, entries: &[Vec<u8>]) -> io::Result<bool> {
        if entries.iter().flatten().any(|byte| *byte == b'\n') {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        self.with((tender, list), |path, numbers| {
            if at != numbers.next {
                return Ok(false);
            }
            let lines = entries.iter().map(|entry| [entry, &b"\n"[..]].concat());
            lines::append(path, &lines.collect::<Vec<_>>().concat())?;
            numbers.next = at + entries.len() as u64;
            if let Some(last) = entries.last() {
                numbers.last.clone_from(last);
            }
            Ok(true)
        })
    }

    fn cut(&self, tender: &str, list: &str, below: u64) -> io::Result<()> {
        self.with((tender, list), |path, numbers| {
            let below = below.min(numbers.next.saturating_sub(1));
            if below <= numbers.first {
                return Ok(());
            }
            let kept = entries(&lines::open(path)?, numbers.first).into_iter();
            let kept = kept.filter(|(number, _)| *number >= below);
            let kept: Vec<Vec<u8>> = kept
                .map(|(_, line)| [line, b"\n".to_vec()].concat())
                .collect();
            let part = path.with_extension("part");
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(true).mode(0o600);
            let mut file = options.open(&part)?;
            file.write_all(&kept.concat())?;
            file.sync_all()?;
            fs::rename(&part, path)?;
            numbers.first = below;
            lines::sync_folder(path)
        })
    }

    fn set_aside(
        &self,
        tender: &str,
        list: &str,
        seen: &Entry,
        first: &[Vec<u8>],
    ) -> io::Result<Option<String>> {
        let aside = self.with((tender, list), |path, numbers| {
            if numbers.next != seen.0 + 1 || numbers.last != seen.1 {
                return Ok(None);
            }
            let mut names =
                (1..=ASIDE_MAX).map(|number| path.with_extension(format!("broken-{number}")));
            let aside = names.find(|name| !name.exists());
            let aside = aside.ok_or_else(|| io::Error::other("broken too often"))?;
            fs::rename(path, &aside)?;
            *numbers = Numbers::default();
            lines::sync_folder(path)?;
            Ok(Some(aside.display().to_string()))
        })?;
        if aside.is_some() {
            self.add(tender, list, 0, first)?;
        }
        Ok(aside)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mifeng_store::Place;
    use mifeng_testkit::servers::{Folder, Postgres};
    use std::sync::Arc;

    fn texts(found: io::Result<Vec<Entry>>) -> Vec<(u64, String)> {
        let found = found.unwrap_or_else(|e| unreachable!("{e}")).into_iter();
        let text = |(number, entry): Entry| (number, String::from_utf8_lossy(&entry).into_owned());
        found.map(text).collect()
    }

    fn add(lists: &dyn Lists, at: u64, all: &[&str]) -> bool {
        let all: Vec<Vec<u8>> = all.iter().map(|one| one.as_bytes().to_vec()).collect();
        let added = lists.add("t1", "grants", at, &all);
        added.unwrap_or_else(|e| unreachable!("{e}"))
    }

    /// What is true of every kind.
    fn contract(lists: &dyn Lists) -> io::Result<()> {
        let read = |from| texts(lists.read("t1", "grants", from));
        assert_eq!(read(0), []);
        assert!(add(lists, 0, &["a", "b"]));
        assert!(!add(lists, 0, &["c"]) && !add(lists, 1, &["c", "d"]) && !add(lists, 3, &["d"]));
        assert!(add(lists, 2, &["c"]));
        assert_eq!(read(1), [(1, "b".to_owned()), (2, "c".to_owned())]);
        assert_eq!(read(3), []);
        assert_eq!(texts(lists.read("t2", "grants", 0)), []);
        assert_eq!(texts(lists.read("t1", "sessions", 0)), []);
        lists.cut("t1", "grants", 1)?;
        assert_eq!(read(0), [(1, "b".to_owned()), (2, "c".to_owned())]);
        // The last one stays: what was cut off is no place to add at.
        lists.cut("t1", "grants", 9)?;
        assert_eq!(read(0), [(2, "c".to_owned())]);
        assert!(!add(lists, 0, &["x"]) && !add(lists, 2, &["x"]));
        assert!(add(lists, 3, &["d"]));
        assert_eq!(read(3), [(3, "d".to_owned())]);
        // Only what was seen is put away, each time under a name of its own.
        for (turn, seen) in [(3, b"x"), (4, b"d")] {
            let seen = (turn, seen.to_vec());
            assert_eq!(lists.set_aside("t1", "grants", &seen, &[])?, None);
        }
        for (turn, (at, text)) in [(3, "d"), (0, "e")].into_iter().enumerate() {
            let seen = (at, text.as_bytes().to_vec());
            let first = [b"e".to_vec()];
            let aside = lists.set_aside("t1", "grants", &seen, &first)?;
            let aside = aside.unwrap_or_default();
            assert!(
                aside.ends_with(&format!("grants.broken-{}", turn + 1)),
                "{aside}"
            );
            let gone = (at, b"d".to_vec());
            assert_eq!(lists.set_aside("t1", "grants", &gone, &[])?, None);
            assert_eq!(read(0), [(0, "e".to_owned())]);
            assert!(!add(lists, 4, &["f"]));
        }
        Ok(())
    }

    /// Many add at once, each on a replica of its own: everyone reads the same.
    fn race(replicas: &[Arc<dyn Lists>]) {
        const EACH: usize = 20;
        std::thread::scope(|scope| {
            for (name, lists) in replicas.iter().enumerate() {
                scope.spawn(move || {
                    let mut next = 0;
                    for turn in 0..EACH {
                        let entry = format!("{name} {turn}").into_bytes();
                        loop {
                            let known = texts(lists.read("race", "sessions", next));
                            next += known.len() as u64;
                            let entries = std::slice::from_ref(&entry);
                            let added = lists.add("race", "sessions", next, entries);
                            if added.unwrap_or_else(|e| unreachable!("{e}")) {
                                break;
                            }
                        }
                    }
                });
            }
        });
        let seen = |lists: &Arc<dyn Lists>| texts(lists.read("race", "sessions", 0));
        let all = seen(&replicas[0]);
        let numbers: Vec<u64> = all.iter().map(|(number, _)| *number).collect();
        let expected: Vec<u64> = (0..(replicas.len() * EACH) as u64).collect();
        assert_eq!(numbers, expected);
        for (name, lists) in replicas.iter().enumerate() {
            let own = format!("{name} ");
            let own = all
                .iter()
                .filter(|(_, text)| text.starts_with(&own))
                .count();
            assert_eq!((own, seen(lists)), (EACH, all.clone()));
        }
    }

    fn of(place: &Place) -> Arc<dyn Lists> {
        place.lists().unwrap_or_else(|e| unreachable!("{e}"))
    }

    #[test]
    fn files_are_lists() -> io::Result<()> {
        let folder = Folder::new("lists");
        fs::create_dir_all(folder.0.join("t1"))?;
        fs::create_dir_all(folder.0.join("race"))?;
        contract(&FileLists::new(&folder.0))?;
        let lists: Arc<dyn Lists> = Arc::new(FileLists::new(&folder.0));
        race(&[lists.clone(), lists.clone(), lists]);
        let again = FileLists::new(&folder.0);
        assert_eq!(texts(again.read("t1", "grants", 0)), [(0, "e".to_owned())]);
        assert!(again.add("t1", "grants", 1, &[b"a\nb".to_vec()]).is_err());
        Ok(())
    }

    #[test]
    fn tables_of_sqlite_are_lists() -> io::Result<()> {
        let folder = Folder::new("lists-sqlite");
        let place = Place::parse(&format!("sqlite:{}", folder.join("records")), None)?;
        contract(&*of(&place))?;
        race(&[of(&place), of(&place), of(&place)]);
        Ok(())
    }

    #[test]
    fn tables_of_postgres_are_lists() -> io::Result<()> {
        let Some(server) = Postgres::shared() else {
            println!("skipped: no PostgreSQL server on this machine");
            return Ok(());
        };
        let folder = Folder::new("lists-postgres");
        let db = server.url(&server.database());
        let place = Place::parse(&db, Some(&folder.join("bodies")))?;
        contract(&*of(&place))?;
        race(&[of(&place), of(&place), of(&place)]);
        Ok(())
    }
}
