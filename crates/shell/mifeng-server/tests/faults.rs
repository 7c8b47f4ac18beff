//! What a host answers while its object store fails or its disk is full: "not available", and later all is there.

mod common;
#[path = "../../mifeng-store/tests/common/proxy.rs"]
#[allow(dead_code)] // It breaks in more ways than are needed here.
mod proxy;

use common::replica::*;
use common::statements::{bearer, file, signed};
use common::*;
use mifeng::crypto::INTL;
use mifeng::{ReadSeek, Receipt, Replay, Store, Write};
use mifeng_server::{ManualClock, Opened};
use mifeng_store::Place;
use mifeng_testkit::servers::{Folder, ObjectStore};
use proxy::{Mode, Proxy};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Above what a database keeps in its tables.
const LARGE: usize = 400_000;

fn bundle(host: &Served) -> Replay {
    let files = Parts::of_tar(&host.get(&format!("{TENDER}/bundle")).body);
    Replay::of(&files).expect("replays")
}

fn unavailable(answer: &Answer) {
    let said = (answer.status, answer.code());
    assert_eq!(
        said,
        (503, "system.unavailable".to_owned()),
        "{}",
        answer.text()
    );
    assert_eq!(answer.header("retry-after"), "1");
}

#[test]
fn an_object_store_that_fails_or_is_slow_costs_nothing_that_was_acknowledged() {
    let Some(objects) = ObjectStore::shared() else {
        println!("skipped: no moto_server below target/");
        return;
    };
    let (folder, proxy) = (Folder::new("objects-away"), Proxy::to(objects.address()));
    let db = format!("sqlite:{}", folder.join("records.sqlite"));
    let blobs = objects.url_at(&objects.bucket(), proxy.address(), 1);
    let place = Place::parse(&db, Some(&blobs)).expect("a place");
    let cast = Cast::new(&INTL, SEED);
    let mut tender = Tender::new(&cast, "host/t/1", Kind::Board);
    keep(&tender, &place);
    let clock = Arc::new(ManualClock::new(secs(2)));
    let Replica {
        served: host,
        _work,
    } = replica(&place, &clock);
    let bids: Vec<Sealed> = (0..3).map(|n| large(&mut tender, n, LARGE)).collect();
    let first = host.send(&bids[0]);
    assert_eq!(first.status, 202, "{}", first.text());
    host.at(FIRST_BEAT);
    let mut held: Vec<(Receipt, &Sealed)> = Vec::new();
    held.push((host.receipt(&first).expect("a receipt"), &bids[0]));

    for (mode, bid, at) in [(Mode::Gone, &bids[1], 20), (Mode::Stalls, &bids[2], 30)] {
        proxy.set(mode);
        unavailable(&host.send(bid));
        // The upload is there: only its end is asked for again, once the store is back. The beats go on.
        proxy.set(Mode::Pass);
        until("it writes", || writes(&host));
        let name = bid.record.commitment(&INTL);
        let waiting = host.post(&format!("{TENDER}/uploads/{name}"), b"");
        assert_eq!(waiting.status, 202, "{}", waiting.text());
        host.at(at);
        held.push((host.receipt(&waiting).expect("a receipt"), bid));
    }
    for at in [40, 50, 60, 61] {
        host.at(at);
    }
    let replay = bundle(&host);
    for (receipt, bid) in &held {
        let _ = receipt.verify(&bid.record, &replay).expect("it holds");
    }
    drop(host);
    let store = place.open("t1").expect("free again");
    let check = mifeng::check_store(&*store).expect("replays");
    assert_eq!((check.bids, check.findings.len()), (3, 0));
}

#[test]
fn what_waits_survives_a_store_that_fails_again_and_again() {
    let cast = Cast::new(&INTL, SEED);
    let mut tender = Tender::new(&cast, "host/t/1", Kind::Board);
    let disk = FullDisk::over(tender.store.clone());
    let opened = Arc::new(AtomicUsize::new(0));
    let clock = Arc::new(ManualClock::new(secs(2)));
    let Replica {
        served: host,
        _work,
    } = replica_of(&clock, None, &mut |_| {
        let (disk, opened) = (disk.clone(), opened.clone());
        Box::new(move |_| {
            opened.fetch_add(1, Ordering::SeqCst);
            let keys = keys(&Cast::new(&INTL, SEED));
            Ok(Opened::Ready(disk.clone(), keys))
        })
    });
    let signed_in = bearer(&host, &tender, &cast.bidders[0], 2);
    let own = || {
        let headers = [("authorization", &*signed_in)];
        host.ask("GET", &format!("{TENDER}/own"), &headers, b"")
    };
    let challenge = host
        .post(&format!("{TENDER}/sign-in/challenge"), b"")
        .json()["challenge"]
        .clone();
    let enters = file(&signed(
        &tender,
        &cast.bidders[1],
        "access.sign-in",
        &challenge,
        2,
    ));
    let delegate = serde_json::json!({
        "to": cast.bidders[2].fingerprint(&INTL), "actions": ["opened.read"],
        "from": secs(2), "until": secs(4_000),
    });
    let grants = file(&signed(
        &tender,
        &cast.buyer,
        "access.delegate",
        &delegate,
        2,
    ));
    let bids: Vec<Sealed> = (0..3).map(|n| large(&mut tender, n, 1_000)).collect();
    let waiting: Vec<Answer> = bids.iter().map(|bid| host.send(bid)).collect();
    assert!(waiting.iter().all(|answer| answer.status == 202));

    // The beat fails, and so does what is handed in again after each opening.
    disk.set_full(true);
    clock.set(secs(FIRST_BEAT));
    // Nobody is let in by what the store held before, nor told who they are, nor given a grant.
    until("it is told", || own().status == 503);
    let path = |rest: &str| format!("{TENDER}/{rest}");
    let who = [("authorization", &*signed_in)];
    let asks = || host.ask("GET", &path("sign-in"), &who, b"").status;
    until("nobody is told", || asks() == 503);
    for (rest, statement) in [("sign-in", &enters), ("grants", &grants)] {
        until(rest, || host.post(&path(rest), statement).status == 503);
    }
    until("it is opened again", || opened.load(Ordering::SeqCst) >= 4);
    disk.set_full(false);
    until("it writes again", || writes(&host));
    host.at(FIRST_BEAT + 10);
    assert_eq!(own().status, 200);
    for answer in &waiting {
        assert!(host.receipt(answer).is_some());
    }
}

/// A small disk in memory, which only root may mount.
struct Disk(PathBuf);

impl Disk {
    fn mount(folder: &Folder) -> Option<Self> {
        let path = folder.0.join("disk");
        std::fs::create_dir_all(&path).expect("a folder");
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"])
            .arg(&path)
            .output();
        mount
            .is_ok_and(|done| done.status.success())
            .then_some(Disk(path))
    }

    /// Takes all room that is left.
    fn fill(&self) {
        let zeros = vec![0; 1 << 12];
        let mut file = std::fs::File::create(self.0.join("filler")).expect("a file");
        while std::io::Write::write_all(&mut file, &zeros).is_ok() {}
    }

    fn free(&self) {
        std::fs::remove_file(self.0.join("filler")).expect("removed");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn a_full_disk(name: &str, place: impl Fn(&Path) -> Place) {
    let folder = Folder::new(name);
    let Some(disk) = Disk::mount(&folder) else {
        println!("skipped: no file system can be mounted here");
        return;
    };
    let place = place(&disk.0);
    let cast = Cast::new(&INTL, SEED);
    let mut tender = Tender::new(&cast, "host/t/1", Kind::Board);
    keep(&tender, &place);
    let clock = Arc::new(ManualClock::new(secs(2)));
    let Replica {
        served: host,
        _work,
    } = replica(&place, &clock);
    let bids: Vec<Sealed> = (0..3).map(|n| large(&mut tender, n, 100_000)).collect();
    let first = host.send(&bids[0]);
    host.at(FIRST_BEAT);
    let first = host.receipt(&first).expect("a receipt");
    let waiting = host.send(&bids[1]);
    assert_eq!(waiting.status, 202, "{}", waiting.text());

    disk.fill();
    unavailable(&host.send(&bids[2]));
    // The beat finds no room either: it is told to nobody as if it had been.
    clock.set(secs(20));
    until("it is noticed", || host.get("/healthz").status == 503);
    assert_eq!(host.receipt(&waiting), None);
    assert_eq!(host.get("/t/t1").status, 200);

    disk.free();
    until("it writes again", || writes(&host));
    until("the beat falls", || host.receipt(&waiting).is_some());
    let second = host.receipt(&waiting).expect("a receipt");
    // The host may have handed it in again by itself.
    let third = host.send(&bids[2]);
    assert!([201, 202].contains(&third.status), "{}", third.text());
    host.at(30);
    let known = Receipt::from_file(&third.body).ok();
    let third = known.or_else(|| host.receipt(&third)).expect("a receipt");
    for at in [40, 50, 60, 61] {
        host.at(at);
    }
    let replay = bundle(&host);
    for (receipt, bid) in [first, second, third].iter().zip(&bids) {
        let _ = receipt.verify(&bid.record, &replay).expect("it holds");
    }
    drop(host);
    let store = place.open("t1").expect("free again");
    let check = mifeng::check_store(&*store).expect("replays");
    assert_eq!((check.bids, check.findings.len()), (3, 0));
}

#[test]
fn a_full_disk_under_folders() {
    a_full_disk("full-folder", |disk| {
        Place::parse(&disk.display().to_string(), None).expect("a place")
    });
}

#[test]
fn a_full_disk_under_sqlite() {
    a_full_disk("full-sqlite", |disk| {
        let db = format!("sqlite:{}", disk.join("records.sqlite").display());
        Place::parse(&db, None).expect("a place")
    });
}

/// A store that answers nothing while it is away; clones are one.
#[derive(Clone)]
struct Away {
    store: Memory,
    away: Arc<AtomicBool>,
}

impl Away {
    fn answers(&self) -> io::Result<()> {
        match self.away.load(Ordering::SeqCst) {
            true => Err(io::Error::other("away")),
            false => Ok(()),
        }
    }
}

impl Store for Away {
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        self.answers()?;
        self.store.read(name)
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn ReadSeek>> {
        self.answers()?;
        self.store.open(name)
    }

    fn write(&mut self, name: &str, content: &mut dyn io::Read) -> io::Result<u64> {
        self.answers()?;
        self.store.write(name, content)
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.answers()?;
        self.store.rename(from, to)
    }

    fn batch(&mut self, writes: &[Write<'_>]) -> io::Result<()> {
        self.answers()?;
        self.store.batch(writes)
    }

    fn list(&self, prefix: &str) -> io::Result<Vec<(String, u64)>> {
        self.answers()?;
        self.store.list(prefix)
    }
}

#[test]
fn a_store_that_is_away_is_known_where_nothing_is_written() {
    let cast = Cast::new(&INTL, SEED);
    // Before the notice there are no beats.
    let tender = Tender::unpublished(&cast, "host/t/1");
    let away = Arc::new(AtomicBool::new(false));
    let store = Away {
        store: tender.store.copied(),
        away: Arc::clone(&away),
    };
    let clock = Arc::new(ManualClock::new(secs(2)));
    let Replica {
        served: host,
        _work,
    } = replica_of(&clock, None, &mut |_| {
        let store = store.clone();
        Box::new(move |_| {
            let keys = keys(&Cast::new(&INTL, SEED));
            Ok(Opened::Ready(store.clone(), keys))
        })
    });
    let health = || host.get("/healthz");
    assert!(health().status == 200 && writes(&host));
    // There is no anchor log: it is neither well nor ill.
    assert_eq!(health().text(), r#"{"ok":true,"anchored":null}"#);
    away.store(true, Ordering::SeqCst);
    until("it is noticed", || health().status == 503);
    assert!(!writes(&host));
    assert_eq!(host.get("/t/t1").status, 200);
    away.store(false, Ordering::SeqCst);
    until("it writes again", || writes(&host));
    assert_eq!(health().status, 200);
}
