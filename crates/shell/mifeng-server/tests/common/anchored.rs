//! The anchor log of a house in a test.

use super::*;
use mifeng::{AnchorLog, AnchorMemory, Anchors, Error, Store};
use mifeng_store::Access;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

pub const ORIGIN: &str = "host.example/anchor";

/// A test that waits for a place that hangs fails, and does not hang.
const HANGS_MAX: Duration = Duration::from_secs(40);

/// Where the log lies, and whether that fails now.
#[derive(Clone, Default)]
pub struct AnchorPlace {
    pub store: Memory,
    pub fails: Arc<AtomicBool>,
    /// Whether whoever opens it waits until this is over.
    pub hangs: Arc<AtomicBool>,
    /// How often it was opened to be written to.
    pub written: Arc<AtomicUsize>,
}

/// A cast whose tenders name the anchor log.
pub fn anchored(suite: &'static Suite, seed: &str) -> Cast {
    let mut cast = Cast::new(suite, seed);
    cast.is_anchored = true;
    cast
}

impl AnchorPlace {
    pub fn keep(&self, house: &mut House, suite: &'static Suite) {
        let cast = anchored(suite, "any");
        let place = self.clone();
        let key = cast.anchor().expect("named");
        let begun = AnchorLog::begin(place.store.clone(), suite, ORIGIN, cast.anchor_key());
        begun.expect("begun");
        let opening = move |access, before: &mut Option<AnchorMemory>| {
            if access == Access::Write {
                place.written.fetch_add(1, Ordering::SeqCst);
            }
            let begun = std::time::Instant::now();
            while place.hangs.load(Ordering::SeqCst) && begun.elapsed() < HANGS_MAX {
                std::thread::sleep(Duration::from_millis(10));
            }
            if place.fails.load(Ordering::SeqCst) {
                return Err(Error::Unavailable {
                    what: "disk".to_owned(),
                    detail: "full".to_owned(),
                });
            }
            let store: Box<dyn Store> = Box::new(place.store.clone());
            let own = (suite, ORIGIN);
            let log = AnchorLog::open_again(store, own, cast.anchor_key(), before.take())?;
            Ok(Some(log))
        };
        let kept = house.keep_anchors(suite, key, Box::new(opening));
        kept.expect("a keeper");
    }

    pub fn fail(&self, fails: bool) {
        self.fails.store(fails, Ordering::SeqCst);
    }
}

/// The log as the host shows it: the file, and what it holds.
pub fn shown(host: &Served) -> (Vec<u8>, Anchors) {
    let answer = host.get(&format!("/v1/anchors/{}/log", host.suite.id()));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let key = anchored(host.suite, "any").anchor().expect("named");
    let read = Anchors::read(&Parts::of_tar(&answer.body), &key);
    (answer.body, read.expect("holds"))
}

/// Entries under each anchored head, in order.
pub fn sizes(tar: &[u8]) -> Vec<u64> {
    let parts = Parts::of_tar(tar);
    let entries = parts
        .parts
        .iter()
        .filter(|(name, _)| name.starts_with("log/tile/entries"));
    let bytes: Vec<u8> = entries.flat_map(|(_, bytes)| bytes.clone()).collect();
    let mut rest = &bytes[..];
    let mut found = Vec::new();
    while let [a, b, tail @ ..] = rest {
        let (entry, tail) = tail.split_at(usize::from(u16::from_be_bytes([*a, *b])));
        found.push(
            mifeng::log::Anchored::parse(entry)
                .expect("an entry")
                .size(),
        );
        rest = tail;
    }
    found
}
