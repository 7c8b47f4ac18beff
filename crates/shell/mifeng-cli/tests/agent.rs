//! Agents at a host that says what a test tells it to: one that changes its stage and not its bundle, and one that marks
//! the same bundle anew each time.

mod fake;
mod seat;

use fake::{Host, Said};
use mifeng::crypto::INTL;
use mifeng::{AnchorLog, Anchors, Export};
use mifeng_testkit::world::*;
use seat::{Seat, glance, gone, in_stages, marked, no, said};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

const ANCHORS: &str = "host.example/anchor";

#[test]
fn a_witness_cosigns_a_new_stage_though_its_bundle_was_there_before() {
    let cast = Cast::new(&INTL, "agent");
    let mut tender = Tender::new(&cast, "host.example/t/T1", Kind::Board);
    tender.receive(1);
    tender.close(secs(DEADLINE)).expect("closed");
    let size = tender.host.replay().tree.size();
    let bundle = (tender.tar(Export::Records), size);
    let seat = Seat::new("witness", &cast);
    let stages = &["open", "opening", "archived"];
    let host = in_stages(stages, bundle, |_| (200, Vec::new()).into());
    let out = seat.run("witness serve", &host);
    assert_eq!(out.status.code(), Some(0), "{}", said(&out));
    // One that came, and two that were the same; the last stage wants no cosignature.
    assert_eq!(host.count("GET", "/bundle"), 3);
    assert_eq!(host.count("POST", "/cosignatures"), 2);
}

#[test]
fn a_trustee_is_told_that_too_few_bids_leave_nothing_to_release() {
    let cast = Cast::new(&INTL, "agent");
    for (bids, told) in [(2, true), (3, false)] {
        let mut tender = Tender::new(&cast, "host.example/t/T1", Kind::Board);
        tender.receive(bids);
        tender.close(secs(DEADLINE)).expect("closed");
        let size = tender.host.replay().tree.size();
        let bundle = (tender.tar(Export::Records), size);
        let seat = Seat::new("few", &cast);
        let host = in_stages(&["window"], bundle, |_| (200, Vec::new()).into());
        let said = said(&seat.run("trustee serve", &host));
        let why = "No lot has 3 bids, so none is opened: there is nothing for you to release";
        assert_eq!(said.contains(why), told, "{said}");
        assert_eq!(said.contains("release the shares"), !told, "{said}");
    }
}

#[test]
fn a_bundle_that_stays_behind_what_the_host_shows_is_told_of() {
    let cast = Cast::new(&INTL, "agent");
    let mut tender = Tender::new(&cast, "host.example/t/T1", Kind::Board);
    tender.receive(1);
    let size = tender.host.replay().tree.size();
    let bundle = (tender.tar(Export::Records), size + 1);
    let seat = Seat::new("behind", &cast);
    let stages = &["open", "opening"];
    let host = in_stages(stages, bundle, |_| (200, Vec::new()).into());
    let out = seat.run("witness serve", &host);
    let told = format!(
        "the host shows {} entries, and its bundle stays at {size}",
        size + 1
    );
    assert!(said(&out).contains(&told), "{}", said(&out));
}

/// The anchor log of a host in a test: as it is at the first look and at the second.
struct Anchored {
    cast: Cast,
    bundle: (Vec<u8>, u64),
    logs: [Vec<u8>; 2],
}

impl Anchored {
    /// An archived tender; another one comes to the log after the first look, and a witness cosigns its head.
    fn new() -> Self {
        let mut cast = Cast::new(&INTL, "agent");
        cast.is_anchored = true;
        let mut tender = Tender::new(&cast, "host.example/t/T1", Kind::Board);
        tender.receive(3);
        tender.finish(Kind::Board);
        let replay = tender.host.replay();
        let bundle = (tender.tar(Export::Records), replay.tree.size());
        let store = Memory::default();
        let log = AnchorLog::begin(store.clone(), &INTL, ANCHORS, cast.anchor_key());
        let mut log = log.expect("a new log");
        log.anchor(replay).expect("anchored");
        let exported = |log: &AnchorLog<Memory>| {
            let mut out = Vec::new();
            log.export(&mut out).expect("exported");
            out
        };
        let first = exported(&log);
        let other = Tender::unpublished(&cast, "host.example/t/other");
        log.anchor(other.host.replay()).expect("anchored");
        let grown = exported(&log);
        let key = log.key().expect("a key");
        let grown = Anchors::read(&Parts::of_tar(&grown), &key).expect("holds");
        let (note, _) = cast
            .cosign_anchors(2, &grown, &grown.unseen(), 200)
            .expect("goes on");
        log.add_cosignature(&note, replay).expect("taken");
        let logs = [first, exported(&log)];
        Anchored { cast, bundle, logs }
    }

    /// A host that shows `later` at the second look.
    fn host(&self, later: &[u8]) -> Host {
        let logs = [&self.logs[0], later].map(|tar| (tar.to_vec(), Parts::of_tar(tar).parts));
        let looks = Arc::new(AtomicUsize::new(0));
        let (bundle, size) = self.bundle.clone();
        let stages = ["evaluation", "archived"];
        Host::new(move |asked, before| {
            let (tar, files) = &logs[looks.load(SeqCst).saturating_sub(1).min(1)];
            let rest = asked.rest.strip_prefix("/v1/anchors/intl-1/");
            match (&*asked.rest, rest) {
                ("", _) => {
                    looks.fetch_add(1, SeqCst);
                    stages
                        .get(before)
                        .map_or_else(gone, |stage| glance(stage, size))
                }
                ("/bundle", _) => marked(asked, &bundle),
                (_, Some("log")) => (200, tar.clone()).into(),
                (_, Some("heads")) => {
                    let heads = files
                        .iter()
                        .filter(|(name, _)| name.starts_with("log/heads/"));
                    let listed = heads.map(
                        |(name, note)| serde_json::json!({ "file": name, "length": note.len() }),
                    );
                    let listed = serde_json::Value::Array(listed.collect());
                    (200, listed.to_string().into_bytes()).into()
                }
                (_, Some(rest)) => {
                    let name = rest.strip_prefix("files/").unwrap_or_default();
                    let found = files.get(name).cloned();
                    found.map_or_else(|| no("http.no-route"), |file| (200, file).into())
                }
                _ => (200, Vec::new()).into(),
            }
        })
    }
}

/// The copies of an anchor log that an agent keeps.
fn copies(seat: &Seat) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(&seat.0).expect("there").flatten();
    let named = entries.map(|entry| {
        (
            entry.file_name().to_string_lossy().into_owned(),
            entry.path(),
        )
    });
    let copies = named.filter(|(name, _)| name.starts_with("anchors-"));
    let mut found: Vec<_> = copies
        .map(|(name, path)| (name, std::fs::read(path).expect("read")))
        .collect();
    found.sort();
    found
}

#[test]
fn a_trustee_cosigns_the_anchor_log_in_a_new_stage_though_its_bundle_was_there_before() {
    let anchored = Anchored::new();
    let seat = Seat::new("trustee", &anchored.cast);
    let host = anchored.host(&anchored.logs[1]);
    let out = seat.run("trustee serve", &host);
    assert_eq!(out.status.code(), Some(0), "{}", said(&out));
    assert_eq!(host.count("GET", "/bundle"), 2);
    assert_eq!(host.count("POST", "/anchor-cosignatures"), 2);
    // The log came whole once, and then what was new of it: the same files, what others cosigned among them.
    let asked = |rest: &str| host.count("GET", &format!("/v1/anchors/intl-1/{rest}"));
    assert_eq!((asked("log"), asked("heads")), (1, 1));
    assert_eq!(asked("files/log/checkpoint"), 1);
    assert_eq!(asked("files/log/tile/entries/000.p/2"), 1);
    assert_eq!(asked("files/log/heads/0000000002.note"), 1);
    let kept = copies(&seat);
    assert_eq!(kept.len(), 1);
    assert!(kept[0].1 == anchored.logs[1], "{:?}", kept[0].0);
}

#[test]
fn a_log_that_does_not_go_on_from_the_copy_is_fetched_whole_and_kept_as_evidence() {
    let anchored = Anchored::new();
    let cast = &anchored.cast;
    let fork = AnchorLog::begin(Memory::default(), &INTL, ANCHORS, cast.anchor_key());
    let mut fork = fork.expect("a new log");
    for name in ["host.example/t/other", "host.example/t/another"] {
        let tender = Tender::unpublished(cast, name);
        fork.anchor(tender.host.replay()).expect("anchored");
    }
    let mut forked = Vec::new();
    fork.export(&mut forked).expect("exported");
    let seat = Seat::new("fork", cast);
    let host = anchored.host(&forked);
    let out = seat.run("trustee serve", &host);
    assert_eq!(out.status.code(), Some(1), "{}", said(&out));
    assert!(said(&out).contains("TWO ANCHOR LOGS"), "{}", said(&out));
    let kept = copies(&seat);
    let kept: Vec<_> = kept.iter().map(|(_, tar)| tar).collect();
    assert!(kept == [&forked, &anchored.logs[0]]);
}

#[test]
fn a_host_that_marks_a_bundle_anew_each_time_is_not_asked_for_it_at_every_look() {
    let cast = Cast::new(&INTL, "agent");
    let mut tender = Tender::new(&cast, "host.example/t/T1", Kind::Board);
    tender.receive(3);
    tender.close(secs(DEADLINE)).expect("closed");
    // The own witness has cosigned, the others have not: it waits for them.
    tender.cosign_by(0, DEADLINE + 1);
    let size = tender.host.replay().tree.size();
    let bundle = tender.tar(Export::Records);
    let seat = Seat::new("marks", &cast);
    let looks = 4;
    let host = Host::new(move |asked, before| match &*asked.rest {
        "" if before < looks => glance("opening", size),
        "/bundle" => {
            // A bundle that takes a while, so that ten times as long is some looks.
            std::thread::sleep(Duration::from_millis(700));
            let mark = asked.known.as_deref().unwrap_or("\"x\"").replace("x", "xx");
            Said {
                status: 200,
                mark: Some(mark),
                body: bundle.clone(),
            }
        }
        _ => gone(),
    });
    let out = seat.run("trustee serve --yes", &host);
    assert!(said(&out).contains("http.no-tender"), "{}", said(&out));
    // The first brought what is asked, the second nothing: the next one is put off.
    assert_eq!(host.count("GET", "/bundle"), 2);
}
