//! What every store promises, held against each of them.
#![allow(clippy::panic)] // A failed expectation, with the store it is about.

mod bodies;
#[path = "../common/mod.rs"]
mod common;

use common::{Folder, Kept, noise, places};
use mifeng::{Store, WholeFile, Write};
use mifeng_store::INLINE_MAX;
use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};

/// Lengths around which a store changes its mind: nothing, one byte, in the table and beside it, one part
/// of an upload and several.
const LENGTHS: [usize; 9] = [
    0,
    1,
    4_096,
    INLINE_MAX,
    INLINE_MAX + 1,
    (8 << 20) - 1,
    8 << 20,
    (8 << 20) + 1,
    (16 << 20) + 5,
];

fn each(test: impl Fn(&Kept)) {
    for kept in places() {
        println!("{}", kept.name);
        test(&kept);
    }
}

fn kind<T>(outcome: io::Result<T>) -> Option<io::ErrorKind> {
    outcome.err().map(|e| e.kind())
}

fn put<'a>(name: &'a str, content: &'a [u8]) -> Write<'a> {
    Write::Put { name, content }
}

fn add<'a>(name: &'a str, at: u64, content: &'a [u8]) -> Write<'a> {
    Write::Append { name, at, content }
}

fn listed(store: &dyn Store, prefix: &str) -> Vec<(String, u64)> {
    store.list(prefix).expect("listed")
}

/// A file beside the stores.
fn whole(folder: &Folder, content: &[u8]) -> WholeFile {
    let path = std::path::PathBuf::from(folder.join(&format!("whole-{}", content.len())));
    let _ = std::fs::remove_file(&path);
    std::fs::write(&path, content).expect("a file");
    WholeFile::read(&path).expect("the file")
}

/// Fails after some bytes.
struct Torn(usize);

impl Read for Torn {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = buffer.len().min(self.0);
        if len == 0 && !buffer.is_empty() {
            return Err(io::Error::other("the sender is gone"));
        }
        self.0 -= len;
        buffer[..len].fill(7);
        Ok(len)
    }
}

#[test]
fn what_is_put_is_there_after_the_next_start() {
    each(|kept| {
        let contents: Vec<(String, Vec<u8>)> = LENGTHS
            .iter()
            .map(|len| (format!("seal/{len}.bid"), noise(*len, *len as u64)))
            .collect();
        let mut store = kept.open("t");
        for (name, content) in &contents {
            let len = store.write(name, &mut &content[..]).expect("written");
            assert_eq!(len, content.len() as u64, "{}: {name}", kept.name);
        }
        drop(store);
        let store = kept.open("t");
        for (name, content) in &contents {
            let found = store.read(name).expect("read").expect("there");
            assert!(found == *content, "{}: {name}", kept.name);
            let mut found = Vec::new();
            let mut reader = store.open(name).expect("open");
            reader.read_to_end(&mut found).expect("read");
            assert!(found == *content, "{}: {name}", kept.name);
        }
        let mut sizes: Vec<(String, u64)> = contents
            .iter()
            .map(|(name, content)| (name.clone(), content.len() as u64))
            .collect();
        sizes.sort();
        assert_eq!(listed(&*store, "seal/"), sizes, "{}", kept.name);
        assert_eq!(store.read("seal/none").expect("read"), None);
        assert_eq!(kind(store.open("seal/none")), Some(io::ErrorKind::NotFound));
    });
}

#[test]
fn a_name_has_its_last_content_whatever_it_had_before() {
    each(|kept| {
        let mut store = kept.open("t");
        let contents: Vec<Vec<u8>> = [10, INLINE_MAX + 9, 3, INLINE_MAX + 7, INLINE_MAX + 8, 0]
            .into_iter()
            .map(|len| noise(len, len as u64 + 1))
            .collect();
        for content in &contents {
            store.write("x", &mut &content[..]).expect("written");
            let found = store.read("x").expect("read");
            assert!(found.as_ref() == Some(content), "{}", kept.name);
            assert_eq!(
                listed(&*store, ""),
                [("x".to_owned(), content.len() as u64)]
            );
        }
    });
}

#[test]
fn a_sender_that_breaks_off_changes_nothing() {
    each(|kept| {
        let mut store = kept.open("t");
        for len in [5, INLINE_MAX + 5, (8 << 20) + 5] {
            store.write("x", &mut &b"before"[..]).expect("written");
            let said = store.write("x", &mut Torn(len));
            assert!(said.is_err(), "{}", kept.name);
            assert_eq!(
                store.read("x").expect("read").as_deref(),
                Some(&b"before"[..])
            );
            assert!(store.write("new", &mut Torn(len)).is_err());
            assert_eq!(store.read("new").expect("read"), None, "{}", kept.name);
        }
        store
            .write("new", &mut &b"after"[..])
            .expect("the store goes on");
        drop(store);
        let store = kept.open("t");
        assert_eq!(
            store.read("x").expect("read").as_deref(),
            Some(&b"before"[..])
        );
        assert_eq!(
            store.read("new").expect("read").as_deref(),
            Some(&b"after"[..])
        );
    });
}

#[test]
fn an_append_cuts_off_what_stands_beyond() {
    each(|kept| {
        let mut store = kept.open("t");
        let read = |store: &dyn Store| store.read("entries").expect("read").expect("there");
        store.append("entries", 0, b"one").expect("added");
        store.append("entries", 3, b"torn").expect("added");
        store.append("entries", 3, b"two").expect("added");
        assert_eq!(read(&*store), b"onetwo", "{}", kept.name);
        store.append("entries", 5, b"").expect("cut");
        assert_eq!(read(&*store), b"onetw", "{}", kept.name);
        store.append("entries", 0, b"anew").expect("added");
        assert_eq!(read(&*store), b"anew", "{}", kept.name);
        assert_eq!(listed(&*store, "e"), [("entries".to_owned(), 4)]);
    });
}

#[test]
fn an_append_beyond_the_end_is_refused() {
    each(|kept| {
        let mut store = kept.open("t");
        store.append("entries", 0, b"one").expect("added");
        let said = store.append("entries", 4, b"gap");
        assert_eq!(
            kind(said),
            Some(io::ErrorKind::InvalidData),
            "{}",
            kept.name
        );
        drop(store);
        let mut store = kept.open("t");
        assert_eq!(
            store.read("entries").expect("read").as_deref(),
            Some(&b"one"[..])
        );
        assert!(store.append("none", 1, b"gap").is_err());
    });
}

#[test]
fn a_long_log_is_what_was_added() {
    each(|kept| {
        let mut store = kept.open("t");
        let mut model = Vec::new();
        for n in 0..60_usize {
            let more = noise(n * 37 % 700, n as u64);
            // Every seventh time the last of it was torn.
            let at = model.len()
                - if n % 7 == 6 {
                    model.len().min(n * 11)
                } else {
                    0
                };
            model.truncate(at);
            store.append("entries", at as u64, &more).expect("added");
            model.extend(more);
        }
        let large = noise(INLINE_MAX + 50, 3);
        let at = model.len() as u64;
        store.append("entries", at, &large).expect("added");
        model.extend(large);
        let at = model.len() as u64;
        store.append("entries", at, b"end").expect("added");
        model.extend(b"end");
        let found = store.read("entries").expect("read").expect("there");
        assert!(found == model, "{}", kept.name);
    });
}

#[test]
fn what_was_put_as_a_body_can_grow() {
    each(|kept| {
        let mut store = kept.open("t");
        let mut model = noise(INLINE_MAX + 77, 9);
        store.write("entries", &mut &model[..]).expect("written");
        let at = model.len() as u64;
        store.append("entries", at, b"more").expect("added");
        model.extend(b"more");
        assert!(
            store.read("entries").expect("read").as_ref() == Some(&model),
            "{}",
            kept.name
        );
    });
}

#[test]
fn a_batch_is_there_whole_or_not_at_all() {
    each(|kept| {
        let mut store = kept.open("t");
        let large = noise(INLINE_MAX + 1, 2);
        store
            .batch(&[
                put("a", b"1"),
                add("log", 0, b"x"),
                put("b/c", &large),
                add("log", 1, b"y"),
                put("a", b"2"),
            ])
            .expect("made");
        assert_eq!(store.read("a").expect("read").as_deref(), Some(&b"2"[..]));
        assert_eq!(
            store.read("log").expect("read").as_deref(),
            Some(&b"xy"[..])
        );
        assert!(
            store.read("b/c").expect("read").as_ref() == Some(&large),
            "{}",
            kept.name
        );
        let before = listed(&*store, "");
        let said = store.batch(&[put("a", b"3"), put("new", b"n"), add("log", 9, b"gap")]);
        assert!(said.is_err(), "{}", kept.name);
        drop(store);
        let mut store = kept.open("t");
        let said = store.batch(&[put("a", b"3"), put("../up", b"n")]);
        assert_eq!(
            kind(said),
            Some(io::ErrorKind::InvalidInput),
            "{}",
            kept.name
        );
        assert_eq!(listed(&*store, ""), before, "{}", kept.name);
        assert_eq!(store.read("a").expect("read").as_deref(), Some(&b"2"[..]));
        store.batch(&[]).expect("nothing is easy");
    });
}

#[test]
fn names_are_plain() {
    each(|kept| {
        let mut store = kept.open("t");
        for name in [
            "../x", "/x", "a//b", ".lock", "a/../b", "", "a\\b", "ä", "a/", "a b", "a\0b", "a'b",
        ] {
            let refused = Some(io::ErrorKind::InvalidInput);
            assert_eq!(
                kind(store.write(name, &mut &b""[..])),
                refused,
                "{}: {name}",
                kept.name
            );
            assert_eq!(
                kind(store.append(name, 0, b"")),
                refused,
                "{}: {name}",
                kept.name
            );
            assert_eq!(kind(store.read(name)), refused, "{}: {name}", kept.name);
            assert_eq!(kind(store.open(name)), refused, "{}: {name}", kept.name);
        }
        assert!(listed(&*store, "").is_empty(), "{}", kept.name);
        for tender in ["../t", "a/b", "", ".t", "t'"] {
            assert_eq!(
                kind(kept.place.open(tender)),
                Some(io::ErrorKind::InvalidInput),
                "{}: {tender}",
                kept.name
            );
        }
    });
}

#[test]
fn lists_are_sorted_by_the_bytes_of_names() {
    each(|kept| {
        let mut store = kept.open("t");
        let names = [
            "b/c", "B", "a", "a-b", "a.b", "a_b", "aZ", "b-c", "b/a", "b/b/c", "bb", "0",
        ];
        for name in names {
            store.write(name, &mut name.as_bytes()).expect("written");
        }
        let with = |prefix: &str| {
            let mut wanted: Vec<String> = names
                .iter()
                .filter(|n| n.starts_with(prefix))
                .map(|n| (*n).to_owned())
                .collect();
            wanted.sort();
            wanted
        };
        for prefix in ["", "a", "b", "b/", "b/b", "b/b/", "z", "a-"] {
            let found: Vec<String> = listed(&*store, prefix)
                .into_iter()
                .map(|(name, _)| name)
                .collect();
            assert_eq!(found, with(prefix), "{}: {prefix}", kept.name);
        }
    });
}

#[test]
fn a_second_writer_is_refused_while_the_first_one_lives() {
    each(|kept| {
        let mut first = kept.open("t");
        let second = kept.place.open("t");
        assert_eq!(
            kind(second),
            Some(io::ErrorKind::WouldBlock),
            "{}",
            kept.name
        );
        let mut other = kept.open("another");
        first.write("x", &mut &b"1"[..]).expect("written");
        other.write("x", &mut &b"2"[..]).expect("written");
        drop(first);
        let again = kept.open("t");
        assert_eq!(again.read("x").expect("read").as_deref(), Some(&b"1"[..]));
        assert_eq!(
            other.read("x").expect("read").as_deref(),
            Some(&b"2"[..]),
            "{}",
            kept.name
        );
    });
}

/// A store against a map, with whatever comes to mind, and a new start now and then.
#[test]
fn any_history_ends_as_in_a_map() {
    let folder = Folder::new("history");
    each(|kept| {
        let mut model: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        let mut store = kept.open("t");
        let random = noise(8 * 800, 77);
        let mut numbers = random
            .chunks_exact(8)
            .map(|c| u64::from_le_bytes(c.try_into().expect("eight")));
        for _ in 0..80 {
            let mut below = |n: usize| {
                usize::try_from(numbers.next().expect("enough") % n as u64).expect("small")
            };
            let name = format!("f/{}", below(5));
            let content = noise(
                [below(50), below(9_000), INLINE_MAX + below(9)][below(3)],
                below(1_000) as u64,
            );
            match below(6) {
                4 => {
                    store
                        .adopt(&[(&name, &whole(&folder, &content))])
                        .expect("taken");
                    model.insert(name, content);
                }
                0 => {
                    store.write(&name, &mut &content[..]).expect("written");
                    model.insert(name, content);
                }
                1 | 2 => {
                    let file = model.entry(name.clone()).or_default();
                    file.truncate(below(file.len() + 1));
                    store
                        .append(&name, file.len() as u64, &content)
                        .expect("added");
                    file.extend(content);
                }
                3 => {
                    let at = model.get("log").map_or(0, Vec::len) as u64;
                    store
                        .batch(&[put(&name, &content), add("log", at, &content)])
                        .expect("made");
                    model.entry("log".to_owned()).or_default().extend(&content);
                    model.insert(name, content);
                }
                _ => {
                    drop(store);
                    store = kept.open("t");
                }
            }
        }
        let sizes: Vec<(String, u64)> = model
            .iter()
            .map(|(n, c)| (n.clone(), c.len() as u64))
            .collect();
        assert_eq!(listed(&*store, ""), sizes, "{}", kept.name);
        for (name, content) in &model {
            assert!(
                store.read(name).expect("read").as_ref() == Some(content),
                "{}: {name}",
                kept.name
            );
        }
    });
}
