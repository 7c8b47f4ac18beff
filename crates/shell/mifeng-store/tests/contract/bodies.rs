//! Large bodies: named anew, taken in as whole files, read from any place.

use super::*;

#[test]
fn a_new_name_is_that_of_the_content_and_the_old_one_of_nothing() {
    each(|kept| {
        let mut store = kept.open("t");
        let contents = [noise(100, 1), noise(INLINE_MAX + 1, 2), noise(50, 3)];
        // A place that was free, one that had a large content, one that a batch wrote and that grew.
        for (n, content) in contents.iter().enumerate() {
            store.write("in", &mut &content[..]).expect("written");
            let name = format!("seal/{n}");
            if n == 1 {
                let before = noise(INLINE_MAX + 7, 4);
                store.write(&name, &mut &before[..]).expect("written");
            }
            if n == 2 {
                store.batch(&[add(&name, 0, b"log")]).expect("written");
            }
            store.rename("in", &name).expect("renamed");
            assert_eq!(store.read("in").expect("read"), None, "{}", kept.name);
            let found = store.read(&name).expect("read");
            assert!(found.as_ref() == Some(content), "{}: {n}", kept.name);
        }
        // What is not there changes nothing, and the store goes on.
        let said = store.rename("none", "seal/0");
        assert_eq!(kind(said), Some(io::ErrorKind::NotFound), "{}", kept.name);
        store.append("log", 0, b"on").expect("added");
        assert!(store.rename("seal/0", "../x").is_err());
        drop(store);
        let store = kept.open("t");
        for (n, content) in contents.iter().enumerate() {
            let found = store.read(&format!("seal/{n}")).expect("read");
            assert!(found.as_ref() == Some(content), "{}: {n}", kept.name);
        }
        assert_eq!(listed(&*store, "").len(), 4, "{}", kept.name);
        drop(store);
        let examined = kept.place.examine("t").expect("examined");
        assert!(
            examined.damaged.is_empty() && examined.loose.is_empty(),
            "{}",
            kept.name
        );
    });
}

#[test]
fn a_whole_file_is_taken_in_and_may_go_where_it_was() {
    let folder = Folder::new("whole");
    each(|kept| {
        let mut store = kept.open("t");
        for (n, len) in LENGTHS.into_iter().enumerate() {
            let (content, name) = (noise(len, 40 + n as u64), format!("seal/{len}.bid"));
            // A place that is free, one with a large content, one that a batch wrote, one that has this very file.
            if n % 3 == 1 {
                let before = noise(INLINE_MAX + 7, 4);
                store.write(&name, &mut &before[..]).expect("written");
            }
            if n % 3 == 2 {
                store.batch(&[add(&name, 0, b"log")]).expect("written");
            }
            let file = whole(&folder, &content);
            for _ in 0..2 {
                store.adopt(&[(&name, &file)]).expect("taken");
                let found = store.read(&name).expect("read");
                assert!(found.as_ref() == Some(&content), "{}: {len}", kept.name);
            }
            assert_eq!(std::fs::read(file.path()).expect("still there"), content);
        }
        // What is not what was measured is not taken, and nothing changes.
        let file = whole(&folder, &noise(INLINE_MAX + 2, 90));
        std::fs::write(file.path(), noise(INLINE_MAX + 3, 90)).expect("written");
        let said = store.adopt(&[("seal/1.bid", &file)]);
        assert_eq!(
            kind(said),
            Some(io::ErrorKind::InvalidData),
            "{}",
            kept.name
        );
        std::fs::remove_file(file.path()).expect("removed");
        let said = store.adopt(&[("seal/1.bid", &file)]);
        assert_eq!(kind(said), Some(io::ErrorKind::NotFound), "{}", kept.name);
        let outside = whole(&folder, b"x");
        assert!(store.adopt(&[("../x", &outside)]).is_err(), "{}", kept.name);
        store.append("log", 0, b"on").expect("the store goes on");
        drop(store);
        let store = kept.open("t");
        for (n, len) in LENGTHS.into_iter().enumerate() {
            let found = store.read(&format!("seal/{len}.bid")).expect("read");
            let content = noise(len, 40 + n as u64);
            assert!(found.as_ref() == Some(&content), "{}: {len}", kept.name);
        }
        assert_eq!(
            listed(&*store, "").len(),
            LENGTHS.len() + 1,
            "{}",
            kept.name
        );
        drop(store);
        let examined = kept.place.examine("t").expect("examined");
        assert!(
            examined.damaged.is_empty() && examined.loose.is_empty(),
            "{}: {examined:?}",
            kept.name
        );
    });
}

#[test]
fn of_files_taken_together_only_the_bad_one_is_spoiled() {
    let folder = Folder::new("together");
    each(|kept| {
        let contents = [3, INLINE_MAX + 1, INLINE_MAX + 2].map(|len| noise(len, 7));
        let files = contents.each_ref().map(|content| whole(&folder, content));
        let names = ["seal/a.bid", "seal/b.bid", "seal/c.bid"];
        let mut store = kept.open("t");
        std::fs::remove_file(files[2].path()).expect("removed");
        let all: Vec<_> = names.into_iter().zip(&files).collect();
        let said = store.adopt(&all);
        assert_eq!(kind(said), Some(io::ErrorKind::NotFound), "{}", kept.name);
        let spoiled = files.each_ref().map(|file| file.is_spoiled());
        assert_eq!(spoiled, [false, false, true], "{}", kept.name);
        drop(store);
        let mut store = kept.open("t");
        store.adopt(&all[..2]).expect("taken");
        drop(store);
        let store = kept.open("t");
        for (name, content) in names.into_iter().zip(&contents).take(2) {
            let found = store.read(name).expect("read");
            assert!(found.as_ref() == Some(content), "{}: {name}", kept.name);
        }
        drop(store);
        let examined = kept.place.examine("t").expect("examined");
        assert!(examined.damaged.is_empty(), "{}: {examined:?}", kept.name);
    });
}

#[test]
fn what_is_copied_is_what_was_measured() {
    use std::os::unix::fs::MetadataExt;
    let folder = Folder::new("altered");
    each(|kept| {
        for len in [9, INLINE_MAX + 2] {
            let file = whole(&folder, &noise(len, 5));
            // As long as before.
            std::fs::write(file.path(), noise(len, 6)).expect("written");
            let mut store = kept.open("t");
            store
                .write("seal/x.bid", &mut &b"before"[..])
                .expect("written");
            let said = store.adopt(&[("seal/x.bid", &file)]);
            // Where it is linked nobody reads it again.
            let linked = std::fs::metadata(file.path()).expect("there").nlink() > 1;
            assert!(!(linked && kept.name.ends_with("s3")), "{}", kept.name);
            if linked {
                assert!(said.is_ok(), "{}: {len}", kept.name);
                continue;
            }
            let found = kind(said);
            assert_eq!(found, Some(io::ErrorKind::InvalidData), "{}", kept.name);
            assert!(file.is_spoiled(), "{}: {len}", kept.name);
            drop(store);
            let store = kept.open("t");
            let found = store.read("seal/x.bid").expect("read");
            assert_eq!(found.as_deref(), Some(&b"before"[..]), "{}", kept.name);
            drop(store);
            let examined = kept.place.examine("t").expect("examined");
            assert!(
                examined.damaged.is_empty() && examined.loose.is_empty(),
                "{}: {examined:?}",
                kept.name
            );
        }
    });
}

#[test]
fn a_large_file_is_written_once_where_it_can_be() {
    use std::os::unix::fs::MetadataExt;
    let folder = Folder::new("once");
    each(|kept| {
        let file = whole(&folder, &noise(INLINE_MAX + 5, 3));
        let links = || std::fs::metadata(file.path()).expect("there").nlink();
        kept.open("t")
            .adopt(&[("seal/x.bid", &file)])
            .expect("taken");
        // An object store has none of the names of this machine.
        let expected = if kept.name.ends_with("s3") { 1 } else { 2 };
        assert_eq!(links(), expected, "{}", kept.name);
        std::fs::remove_file(file.path()).expect("removed");
        let found = kept.open("t").read("seal/x.bid").expect("read");
        assert!(found == Some(noise(INLINE_MAX + 5, 3)), "{}", kept.name);
    });
}

#[test]
fn readers_go_anywhere_in_a_large_body() {
    each(|kept| {
        let content = noise((17 << 20) + 3, 5);
        let mut store = kept.open("t");
        store.write("b", &mut &content[..]).expect("written");
        let mut readers = [
            store.open("b").expect("open"),
            store.open("b").expect("open"),
        ];
        let len = content.len() as u64;
        let places = [
            0,
            1,
            (8 << 20) - 1,
            8 << 20,
            len - 1,
            3,
            (16 << 20) - 10,
            len / 2,
        ];
        for (n, at) in places.into_iter().enumerate() {
            let reader = &mut readers[n % 2];
            reader.seek(SeekFrom::Start(at)).expect("a place");
            let from = usize::try_from(at).expect("small");
            let mut found = vec![0; 300.min(content.len() - from)];
            reader.read_exact(&mut found).expect("read");
            assert!(
                found == content[from..from + found.len()],
                "{} at {at}",
                kept.name
            );
        }
        let [mut reader, _] = readers;
        assert_eq!(reader.seek(SeekFrom::End(-2)).expect("a place"), len - 2);
        let mut rest = Vec::new();
        reader.read_to_end(&mut rest).expect("read");
        assert_eq!(rest, content[content.len() - 2..], "{}", kept.name);
        assert_eq!(
            reader.seek(SeekFrom::Current(10)).expect("beyond"),
            len + 10
        );
        assert_eq!(reader.read(&mut [0; 4]).expect("nothing there"), 0);
        assert!(reader.seek(SeekFrom::End(-1 - len as i64)).is_err());
    });
}
