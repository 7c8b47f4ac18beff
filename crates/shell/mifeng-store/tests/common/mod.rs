//! The places that a store can be in, with real servers behind them.
//!
//! What cannot be had is left out by name.
#![allow(dead_code)] // Each test file uses its own part.

pub(crate) mod proxy;

use mifeng::Store;
use mifeng_store::{Access, Fault, INLINE_MAX, Place};
pub(crate) use mifeng_testkit::servers::{Folder, ObjectStore, Postgres};

/// A place, under the name that a failed test shows.
pub(crate) struct Kept {
    pub(crate) name: &'static str,
    pub(crate) db: String,
    pub(crate) blobs: Option<String>,
    pub(crate) place: Place,
    _folder: Folder,
}

impl Kept {
    fn new(
        name: &'static str,
        folder: Folder,
        db: impl Fn(&Folder) -> String,
        blobs: impl Fn(&Folder) -> Option<String>,
    ) -> Self {
        let (db, blobs) = (db(&folder), blobs(&folder));
        let place = Place::parse(&db, blobs.as_deref()).expect("a place");
        Kept {
            name,
            db,
            blobs,
            place,
            _folder: folder,
        }
    }

    pub(crate) fn open(&self, tender: &str) -> Box<dyn Store> {
        // A program that another test just starts has this one's locks until it runs: for a moment only.
        for _ in 0..20 {
            match self.place.open(tender) {
                Err(e) if e.kind() == std::io::ErrorKind::WouldBlock && !self.is_postgres() => {
                    std::thread::sleep(std::time::Duration::from_millis(50));
                }
                opened => return opened.unwrap_or_else(|e| panic!("{}: {e}", self.name)),
            }
        }
        self.open_as(tender, Access::Write)
    }

    pub(crate) fn open_as(&self, tender: &str, access: Access) -> Box<dyn Store> {
        let opened = self.place.open_as(tender, access);
        opened.unwrap_or_else(|e| panic!("{}: {e}", self.name))
    }

    pub(crate) fn is_database(&self) -> bool {
        self.name != "directory"
    }

    pub(crate) fn is_postgres(&self) -> bool {
        self.name.starts_with("postgres")
    }
}

fn skipped(what: &str) {
    println!("skipped: {what}");
}

/// Every kind of place that this machine has, each empty.
pub(crate) fn places() -> Vec<Kept> {
    let sqlite = |folder: &Folder| format!("sqlite:{}", folder.join("records.sqlite"));
    let mut places = vec![
        Kept::new(
            "directory",
            Folder::new("directory"),
            |f| f.join("host"),
            |_| None,
        ),
        Kept::new("sqlite", Folder::new("sqlite"), sqlite, |_| None),
    ];
    let objects = ObjectStore::shared();
    if let Some(s3) = objects {
        let bucket = s3.bucket();
        places.push(Kept::new(
            "sqlite+s3",
            Folder::new("sqlite-s3"),
            sqlite,
            |_| Some(s3.url(&bucket)),
        ));
    } else {
        skipped("sqlite+s3, postgres+s3: no moto_server below target/");
    }
    let Some(postgres) = Postgres::shared() else {
        skipped("postgres: no PostgreSQL server on this machine");
        return places;
    };
    let database = postgres.database();
    places.push(Kept::new(
        "postgres+folder",
        Folder::new("postgres"),
        |_| postgres.url(&database),
        |f| Some(f.join("bodies")),
    ));
    if let Some(s3) = objects {
        let (database, bucket) = (postgres.database(), s3.bucket());
        places.push(Kept::new(
            "postgres+s3",
            Folder::new("postgres-s3"),
            |_| postgres.url(&database),
            |_| Some(s3.url(&bucket)),
        ));
    }
    places
}

/// Bytes that do not repeat.
pub(crate) fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2).wrapping_add(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// The code of a store's fault.
pub(crate) fn code<T>(outcome: std::io::Result<T>) -> &'static str {
    match outcome {
        Ok(_) => "done",
        Err(e) => Fault::of(&e).map_or("system", Fault::code),
    }
}

/// Bytes that no database keeps in its tables.
pub(crate) fn large(seed: u64) -> Vec<u8> {
    noise(INLINE_MAX + 1, seed)
}
