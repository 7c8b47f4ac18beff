//! Power cuts: the disk fails at every single write of a submission and its beat, with that write
//! kept or lost, and the host is opened again from what is left.

mod common;

use common::*;
use mifeng::crypto::{GM, INTL, SeededEntropy, Suite};
use mifeng::record::SignedRecord;
use mifeng::{Error, Export, Host, ReadSeek, Receipt, Store, Trusted, Write, verify};
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const ORIGIN: &str = "host.example/t/crash";

/// A disk that stops at its `fail_at`-th change; nothing works after it.
struct Faulty {
    disk: Memory,
    changes: Arc<AtomicUsize>,
    fail_at: usize,
    /// Whether the change that failed is there after the restart. (All or nothing: what a disk makes of a
    /// batch is the store's affair, and tried there.)
    kept: bool,
}

impl Faulty {
    /// How the next change goes.
    fn next(&self) -> (bool, bool) {
        let number = self.changes.fetch_add(1, Ordering::SeqCst);
        match number.cmp(&self.fail_at) {
            std::cmp::Ordering::Less => (true, true),
            std::cmp::Ordering::Equal => (false, self.kept),
            std::cmp::Ordering::Greater => (false, false),
        }
    }
}

fn done<T>(ok: bool, value: T) -> io::Result<T> {
    if ok {
        Ok(value)
    } else {
        Err(io::Error::other("power cut"))
    }
}

impl Store for Faulty {
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        self.disk.read(name)
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn ReadSeek>> {
        self.disk.open(name)
    }

    fn write(&mut self, name: &str, content: &mut dyn Read) -> io::Result<u64> {
        let (ok, kept) = self.next();
        let len = if kept {
            self.disk.write(name, content)?
        } else {
            0
        };
        done(ok, len)
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let (ok, kept) = self.next();
        if kept {
            self.disk.rename(from, to)?;
        }
        done(ok, ())
    }

    fn batch(&mut self, writes: &[Write<'_>]) -> io::Result<()> {
        let (ok, kept) = self.next();
        if kept {
            self.disk.batch(writes)?;
        }
        done(ok, ())
    }

    fn list(&self, prefix: &str) -> io::Result<Vec<(String, u64)>> {
        self.disk.list(prefix)
    }
}

/// What the host answered before the disk failed.
struct Answers {
    receipts: Vec<Receipt>,
    failed: bool,
    changes: usize,
}

/// One submission and its beat on a disk that fails.
fn attempt(cast: &Cast, disk: &Memory, bid: &Sealed, fail_at: usize, kept: bool) -> Answers {
    let changes = Arc::new(AtomicUsize::new(0));
    let store = Faulty {
        disk: disk.clone(),
        changes: Arc::clone(&changes),
        fail_at,
        kept,
    };
    let mut host = Host::open(store, keys(cast)).expect("whole so far");
    let rng = &mut SeededEntropy::new(b"beat");
    let mut body = io::Cursor::new(&bid.file);
    let outcome = host
        .submit(bid.record.clone(), Some(&mut body), secs(32))
        .and_then(|()| host.beat(secs(40), rng));
    let failed = outcome.is_err();
    if let Err(e) = &outcome {
        assert!(matches!(e, Error::Unavailable { .. }), "{e}");
    }
    Answers {
        receipts: outcome.unwrap_or_default(),
        failed,
        changes: changes.load(Ordering::SeqCst),
    }
}

fn logged(host: &Host<Memory>, record: &SignedRecord) -> usize {
    let wanted = record.commitment(host.replay().suite());
    let records = host.replay().records.iter();
    records.filter(|r| r.commitment == wanted).count()
}

/// The bid is in the log whole, or it never was; everything else goes on.
fn recover(cast: &Cast, disk: &Memory, bid: &Sealed, answers: &Answers) -> bool {
    let mut host = Host::open(disk.clone(), keys(cast)).expect("opens after a crash");
    let count = logged(&host, &bid.record);
    let state = host.state();
    assert_eq!(count == 1, state.bids().contains_key(&bid.id));
    assert!(count <= 1);
    for receipt in &answers.receipts {
        let _ = receipt
            .hold_against(&bid.record, host.replay())
            .expect("what was promised is kept");
        assert_eq!(count, 1);
    }
    let rng = &mut SeededEntropy::new(b"after");
    let kept = count == 1;
    if kept {
        // The answer was lost, not the bid: the bidder asks again and gets its receipt.
        let again = host
            .receipt_again(&bid.record, secs(41))
            .expect("in the log");
        let _ = again
            .hold_against(&bid.record, host.replay())
            .expect("verifies");
        let mut file = Vec::new();
        let mut sealed = host.sealed(&bid.id).expect("there");
        let _ = sealed.read_to_end(&mut file).expect("readable");
        assert!(file == bid.file);
    } else {
        let mut body = io::Cursor::new(&bid.file);
        host.submit(bid.record.clone(), Some(&mut body), secs(42))
            .expect("the same record again");
        let receipts = host.beat(secs(50), rng).expect("a beat");
        assert_eq!(receipts.len(), 1);
        let _ = receipts[0]
            .hold_against(&bid.record, host.replay())
            .expect("verifies");
    }
    host.close(secs(DEADLINE), rng).expect("closed");
    let mut tar = Vec::new();
    host.export(Export::Records, &mut tar).expect("exported");
    let replay = mifeng::Replay::of(&Parts::of_tar(&tar)).expect("replays");
    assert_eq!(replay.state.bids().len(), 3);
    assert_eq!(replay.hidden_beats, 0);
    kept
}

fn every_write(suite: &'static Suite) {
    let cast = Cast::new(suite, "crash");
    let mut tender = Tender::new(&cast, ORIGIN, Kind::Board);
    tender.receive(2);
    tender.beat(30);
    let bid = tender.seal(2, 880_000, 31);
    let whole = attempt(&cast, &tender.store.copied(), &bid, usize::MAX, true);
    assert!(!whole.failed);
    assert_eq!(whole.receipts.len(), 1);
    // The bid twice; then all that the beat is, at once.
    assert_eq!(whole.changes, 3);
    let mut outcomes = Vec::new();
    for fail_at in 0..whole.changes {
        for kept in [false, true] {
            let disk = tender.store.copied();
            let answers = attempt(&cast, &disk, &bid, fail_at, kept);
            assert!(answers.failed, "change {fail_at}");
            outcomes.push(recover(&cast, &disk, &bid, &answers));
        }
    }
    // Only the batch makes a bid count; after it nothing is lost.
    assert!(outcomes.contains(&false));
    assert_eq!(outcomes.last(), Some(&true));
}

#[test]
fn every_write_of_a_submission_intl() {
    every_write(&INTL);
}

#[test]
fn every_write_of_a_submission_gm() {
    every_write(&GM);
}

/// Records outside beats: the notice, as an example of one that is logged at once.
#[test]
fn every_write_of_a_single_record() {
    let cast = Cast::new(&INTL, "crash");
    let tender = Tender::unpublished(&cast, ORIGIN);
    let mut notice = notice(&cast, tender.host.state(), Kind::Board);
    notice.pin(secs(1)).expect("a pack in force");
    let record = tender.signed(&cast.agency, "tender.publish", &notice, 1);
    let run = |disk: &Memory, fail_at: usize, kept: bool| {
        let changes = Arc::new(AtomicUsize::new(0));
        let store = Faulty {
            disk: disk.clone(),
            changes: Arc::clone(&changes),
            fail_at,
            kept,
        };
        let mut host = Host::open(store, keys(&cast)).expect("whole so far");
        let outcome = host.submit(record.clone(), None, secs(1));
        (outcome.is_ok(), changes.load(Ordering::SeqCst))
    };
    let (ok, changes) = run(&tender.store.copied(), usize::MAX, true);
    assert!(ok);
    assert_eq!(changes, 1);
    for fail_at in 0..changes {
        for kept in [false, true] {
            let disk = tender.store.copied();
            assert!(!run(&disk, fail_at, kept).0);
            let mut host = Host::open(disk, keys(&cast)).expect("opens after a crash");
            let there = fail_at == changes - 1 && kept;
            assert_eq!(logged(&host, &record), usize::from(there));
            assert_eq!(host.state().notice().is_some(), there);
            if !there {
                host.submit(record.clone(), None, secs(2)).expect("again");
            }
            assert!(host.state().notice().is_some());
        }
    }
}

/// Whatever was there before the crash is in the dossier after it.
#[test]
fn a_tender_goes_on_after_a_crash() {
    let cast = Cast::new(&INTL, "crash");
    let mut tender = Tender::new(&cast, ORIGIN, Kind::Joint);
    tender.receive(2);
    tender.beat(30);
    let bid = tender.seal(2, 880_000, 31);
    // The body is on the disk, the record is not.
    let answers = attempt(&cast, &tender.store, &bid, 2, false);
    assert!(answers.failed);
    tender.host = Host::open(tender.store.clone(), keys(&cast)).expect("opens");
    if logged(&tender.host, &bid.record) == 0 {
        tender.submit(&bid, secs(43)).expect("again");
    }
    tender.bids.push(bid);
    let report = verify(
        &Parts::of_tar(&tender.finish(Kind::Joint)),
        &Trusted::default(),
    );
    let report = report.expect("readable");
    assert!(report.is_valid(), "{:?}", report.failure());
}
