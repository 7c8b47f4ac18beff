//! Object stores that stumble, fall silent, or lose and change what they hold: clear errors, and nothing half there.
#![allow(clippy::panic)] // A failed expectation, with the store it is about.

mod common;

use common::proxy::{Mode, Proxy};
use common::{Folder, ObjectStore, Postgres, code, large, noise, places};
use mifeng_store::{INLINE_MAX, Place};
use mifeng_testkit::servers::files_below;
use std::io;

fn kind<T>(outcome: io::Result<T>) -> Option<io::ErrorKind> {
    outcome.err().map(|e| e.kind())
}

/// SQLite with its bodies in an object store behind something that breaks.
struct Breaking {
    proxy: Proxy,
    bucket: String,
    server: &'static ObjectStore,
    place: Place,
    _folder: Folder,
}

impl Breaking {
    fn new(timeout: u32) -> Option<Self> {
        let Some(server) = ObjectStore::shared() else {
            println!("skipped: s3");
            return None;
        };
        let (proxy, bucket, folder) = (
            Proxy::to(server.address()),
            server.bucket(),
            Folder::new("breaking"),
        );
        let blobs = server.url_at(&bucket, proxy.address(), timeout);
        let db = format!("sqlite:{}", folder.join("records.sqlite"));
        Some(Breaking {
            place: Place::parse(&db, Some(&blobs)).expect("a place"),
            proxy,
            bucket,
            server,
            _folder: folder,
        })
    }

    fn objects(&self) -> usize {
        let said = self
            .server
            .say("GET", &format!("/{}?list-type=2", self.bucket));
        said.matches("<Key>").count()
    }
}

#[test]
fn an_object_store_that_stumbles_is_asked_again() {
    let Some(s) = Breaking::new(10) else { return };
    let mut store = s.place.open("t").expect("open");
    // Of one part and of three; the request and its answer fail at every place of the upload.
    for len in [INLINE_MAX + 1, (16 << 20) + 9] {
        let body = noise(len, len as u64);
        for mode in [Mode::Fails(3), Mode::Loses(1), Mode::Loses(3)] {
            s.proxy.set(mode);
            store
                .write("x", &mut &body[..])
                .unwrap_or_else(|e| panic!("{mode:?}: {e}"));
            s.proxy.set(mode);
            let found = store.read("x").unwrap_or_else(|e| panic!("{mode:?}: {e}"));
            assert!(found.as_ref() == Some(&body), "{mode:?}");
        }
    }
    s.proxy.set(Mode::Pass);
    store.write("x", &mut &large(1)[..]).expect("written");
    assert_eq!(s.objects(), 1, "what was replaced is gone");
}

#[test]
fn a_lost_answer_to_the_last_request_of_an_upload_is_no_failure() {
    let Some(s) = Breaking::new(10) else { return };
    let mut store = s.place.open("t").expect("open");
    let body = noise(9 << 20, 4);
    s.proxy.set(Mode::Pass);
    store.write("x", &mut &body[..]).expect("written");
    let requests = s.proxy.requests();
    // The same upload again: begin, two parts, join. The answer of each is lost in turn.
    for nth in 0..4 {
        let (proxy, before) = (&s.proxy, s.proxy.requests());
        assert!(requests >= 4);
        std::thread::scope(|scope| {
            scope.spawn(move || {
                while proxy.requests() < before + nth {
                    std::thread::yield_now();
                }
                if nth > 0 {
                    proxy.lose_next();
                }
            });
            store
                .write("x", &mut &body[..])
                .unwrap_or_else(|e| panic!("answer {nth}: {e}"));
        });
        assert!(store.read("x").expect("read").as_ref() == Some(&body));
    }
}

#[test]
fn an_object_store_that_is_down_changes_nothing() {
    let Some(s) = Breaking::new(1) else { return };
    let mut store = s.place.open("t").expect("open");
    let before = large(1);
    store.write("x", &mut &before[..]).expect("written");
    let modes = [
        (Mode::Fails(u32::MAX), INLINE_MAX + 1, io::ErrorKind::Other),
        (Mode::Fails(u32::MAX), (8 << 20) + 1, io::ErrorKind::Other),
        (Mode::Stalls, INLINE_MAX + 1, io::ErrorKind::TimedOut),
    ];
    for (mode, len, wanted) in modes {
        s.proxy.set(mode);
        let body = noise(len, 9);
        let said = store.write("x", &mut &body[..]);
        assert_eq!(kind(said), Some(wanted), "{mode:?}");
        assert_eq!(code(store.read("x")), "store.unavailable", "{mode:?}");
        // What is small needs no object store.
        store.append("log", 0, b"record").expect("added");
        s.proxy.set(Mode::Pass);
        assert!(
            store.read("x").expect("read").as_ref() == Some(&before),
            "{mode:?}"
        );
    }
    s.proxy.set(Mode::Gone);
    assert_eq!(
        code(store.write("x", &mut &large(5)[..])),
        "store.unavailable"
    );
    s.proxy.set(Mode::Pass);
    let found = s.place.examine("t").expect("examined");
    assert!(found.damaged.is_empty());
    assert_eq!(found.loose.len() + 1, s.objects());
    let after = large(6);
    store.write("x", &mut &after[..]).expect("it goes on");
    drop(store);
    let store = s.place.open("t").expect("open");
    assert!(store.read("x").expect("read").as_ref() == Some(&after));
    assert_eq!(s.objects(), 1, "the next writer clears up");
}

#[test]
fn objects_that_were_changed_or_lost_are_noticed() {
    for kept in places()
        .into_iter()
        .filter(|kept| kept.name == "sqlite" || kept.name == "postgres+folder")
    {
        let mut store = kept.open("t");
        let body = large(8);
        store.write("x", &mut &body[..]).expect("written");
        let folder = match &kept.blobs {
            Some(blobs) => blobs.clone(),
            None => format!("{}.bodies", kept.db.trim_start_matches("sqlite:")),
        };
        let folder = std::path::Path::new(&folder).join("t");
        assert_eq!(files_below(&folder), 1);
        let entry = std::fs::read_dir(&folder)
            .expect("a folder")
            .next()
            .expect("a file");
        let object = entry.expect("an entry").path();
        let mut bytes = std::fs::read(&object).expect("read");
        bytes[1_000] ^= 1;
        std::fs::write(&object, &bytes).expect("written");
        assert_eq!(code(store.read("x")), "store.damaged", "{}", kept.name);
        let found = kept.place.examine("t").expect("examined");
        assert_eq!((found.files, found.bytes), (1, body.len() as u64));
        assert_eq!(found.damaged[0].0, "x", "{}", kept.name);
        std::fs::write(&object, &bytes[1..]).expect("written");
        assert_eq!(code(store.open("x")), "store.damaged", "{}", kept.name);
        std::fs::remove_file(&object).expect("removed");
        assert_eq!(
            kind(store.open("x")),
            Some(io::ErrorKind::NotFound),
            "{}",
            kept.name
        );
        let small = "DELETE FROM mifeng_piece WHERE start >= 0";
        if let (Some(server), true) = (Postgres::shared(), kept.is_postgres()) {
            store.write("s", &mut &b"small"[..]).expect("written");
            let database = kept.db.trim_start_matches("postgres:///");
            let database = database.split('?').next().expect("a name");
            server.query(database, "UPDATE mifeng_piece SET content = 'smaLL'");
            assert_eq!(code(store.read("s")), "store.damaged");
            server.query(database, small);
            assert_eq!(code(store.read("s")), "store.damaged");
        }
    }
}
