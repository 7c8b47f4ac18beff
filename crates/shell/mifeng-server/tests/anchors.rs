//! The house's anchor log over HTTP: when heads go into it, who sees it, what happens when it fails.

mod common;

use common::anchored::*;
use common::replica::{anchored_replica, keep, until, writes};
use common::*;
use mifeng::crypto::{GM, INTL};
use mifeng::log::{Note, WitnessState};
use mifeng::{AnchorLog, Anchors, Trusted, verify};
use mifeng_server::{ManualClock, ORDER};
use mifeng_store::Place;
use mifeng_testkit::servers::{Folder, Postgres};
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

const SEED: &str = "anchors over http";
const COSIGN: &str = "/v1/tenders/t1/anchor-cosignatures";

fn size(host: &Served) -> u64 {
    host.get("/v1/tenders/t1").json()["size"]
        .as_u64()
        .expect("a size")
}

#[test]
fn heads_are_anchored_before_the_first_beat_and_after_the_close_and_never_between() {
    for suite in [&INTL, &GM] {
        let cast = anchored(suite, SEED);
        let mut tender = Tender::new(&cast, "host.example/t/1", Kind::Board);
        let host = Served::new(&tender, SEED, &format!("anchors-{}", suite.id()));
        host.wake();
        let published = size(&host);
        let (first, _) = shown(&host);
        assert_eq!(sizes(&first), [published]);
        assert_eq!(host.send(&tender.seal(0, 900_000, 3)).status, 202);
        for at in [FIRST_BEAT, 20, 30, 40, 50] {
            host.at(at);
            assert_eq!(shown(&host).0, first, "at {at}");
        }
        assert!(size(&host) > published);
        host.at(60);
        host.wake();
        let (closed, _) = shown(&host);
        let heads = sizes(&closed);
        let (first, last) = (heads.first().copied(), heads.last().copied());
        assert_eq!((first, last), (Some(published), Some(size(&host))));
        // The last beat is under the second one: no head between.
        assert!(heads[1] > published + 6 && heads.len() <= 3, "{heads:?}");

        // The same files one by one, and nothing beside them.
        let path = format!("/v1/anchors/{}/files/", suite.id());
        for (name, bytes) in Parts::of_tar(&closed).parts {
            assert_eq!(host.get(&format!("{path}{name}")).body, bytes, "{name}");
        }
        for name in ["head.json", "entries", "log/tile", "../orders"] {
            assert_eq!(host.get(&format!("{path}{name}")).status, 404, "{name}");
        }
        let listed = host.get("/v1/anchors").json();
        assert_eq!(listed[0]["key"].as_str(), cast.anchor().as_deref());
        assert_eq!(listed[0]["size"], heads.len());
        let other = host.get("/v1/anchors/none/log");
        assert_eq!(
            (other.status, other.code()),
            (404, "anchor.none".to_owned())
        );
    }
}

#[test]
fn a_log_that_fails_costs_nobody_a_receipt_and_heals() {
    let cast = anchored(&INTL, SEED);
    let mut tender = Tender::new(&cast, "host.example/t/1", Kind::Board);
    let mut host = Served::new(&tender, SEED, "anchors-fail");
    host.wake();
    let place = host.anchors.clone().expect("kept");
    let published = size(&host);
    let health = |host: &Served| {
        let answer = host.get("/healthz");
        assert_eq!(answer.status, 200);
        answer.json()["anchored"].as_bool().expect("told")
    };
    assert!(health(&host));
    let bid = tender.seal(0, 900_000, 3);
    let waiting = host.send(&bid);
    host.at(FIRST_BEAT);
    let receipt = host.receipt(&waiting).expect("a receipt");
    place.fail(true);
    // Nothing is due while beats run: nothing is told.
    let second = host.send(&tender.seal(1, 890_000, 12));
    host.at(20);
    assert!(host.receipt(&second).is_some() && health(&host));
    let turn = |host: &Served, at: i64| {
        host.clock.set(secs(at));
        until("it is closed", || {
            size(host) > published + 2 && host.get("/v1/tenders/t1").json()["stage"] != "open"
        });
    };
    for at in [30, 40, 50] {
        host.at(at);
    }
    turn(&host, 60);
    until("it is told", || !health(&host));
    assert!(
        host.get("/metrics")
            .text()
            .contains("mifeng_anchor_up{suite=\"intl-1\"} 0")
    );
    assert_eq!(sizes(&shown(&host).0), [published]);
    let record = bid.record.to_file().expect("a file");
    assert_eq!(host.post("/v1/tenders/t1/records", &record).status, 201);
    // The process ends between the commit and the anchoring; the next one finds what is due.
    host.restart();
    place.fail(false);
    until("it is anchored", || {
        health(&host) && host.get("/v1/anchors").json()[0]["size"] == 2
    });
    assert_eq!(sizes(&shown(&host).0), [published, size(&host)]);
    assert!(
        host.get("/metrics")
            .text()
            .contains("mifeng_anchor_up{suite=\"intl-1\"} 1")
    );
    let files = Parts::of_tar(&host.get("/v1/tenders/t1/bundle").body);
    let replay = mifeng::Replay::of(&files).expect("replays");
    let _ = receipt.verify(&bid.record, &replay).expect("it holds");
}

#[test]
fn a_log_that_fails_before_the_first_beat_gets_that_head_while_beats_run() {
    let cast = anchored(&INTL, SEED);
    let tender = Tender::new(&cast, "host.example/t/1", Kind::Board);
    let mut host = Served::new(&tender, SEED, "anchors-late");
    let place = host.anchors.clone().expect("kept");
    let published = size(&host);
    host.running.take().expect("runs").stop();
    place.store.files().clear();
    place.fail(true);
    host.restart();
    let health = |host: &Served| host.get("/healthz").json()["anchored"] == true;
    until("it is told", || !health(&host));
    for (at, beats) in [(FIRST_BEAT, 1), (20, 2)] {
        host.clock.set(secs(at));
        until("it beats", || size(&host) >= published + beats);
    }
    // More than a try: it is not well before the log is there again.
    let end = Instant::now() + Duration::from_millis(2_500);
    while Instant::now() < end {
        assert!(!health(&host));
        std::thread::sleep(Duration::from_millis(50));
    }
    place.fail(false);
    until("it is anchored", || health(&host));
    assert_eq!(sizes(&shown(&host).0), [published]);
}

#[test]
fn witnesses_cosign_it_and_the_dossier_carries_what_they_cosigned() {
    for suite in [&INTL, &GM] {
        let cast = anchored(suite, SEED);
        let mut tender = Tender::new(&cast, "host.example/t/1", Kind::Board);
        tender.receive(3);
        tender.close_and_release(Kind::Board);
        tender.open_all(100);
        let seated = tender.draw(101);
        assert!(tender.evaluate(&seated, 102));
        tender.end(103);
        let host = Served::new(&tender, SEED, &format!("anchors-dossier-{}", suite.id()));
        host.at(104);
        let (_, log) = shown(&host);
        let (early, seen) = cast
            .cosign_anchors(1, &log, &log.unseen(), 104)
            .expect("goes on");
        let taken = host.post(COSIGN, &early);
        assert_eq!(
            (taken.status, taken.text()),
            (200, "{\"witnesses\":1}".to_owned())
        );

        // The archive: the order is obeyed though its proof cannot come yet; the dossier waits for it.
        let place = host.anchors.clone().expect("kept");
        place.fail(true);
        let data = serde_json::json!({"order": "archive"});
        let order = tender.signed(&cast.platform, ORDER, &data, 104);
        let done = host.post("/v1/tenders/t1/orders", &order.to_file().expect("a file"));
        assert_eq!(done.status, 204, "{}", done.text());
        assert_eq!(host.get("/v1/tenders/t1/dossier").status, 503);
        place.fail(false);
        let own = host.folder.join(".work/t1/dossier.tar");
        until("it is offered", || {
            host.get("/v1/tenders/t1/dossier").status == 200 && own.exists()
        });
        let dossier = std::fs::read(&own).expect("there");
        assert_valid(&dossier);
        let name = format!("anchor/{:010}.json", size(&host));
        let proof = |tar: &[u8]| Parts::of_tar(tar).parts[&name].clone();
        let lines = |tar: &[u8]| {
            let proof = mifeng::log::AnchorProof::parse(&proof(tar)).expect("a proof");
            proof.checkpoint.signatures().len()
        };
        assert_eq!(lines(&dossier), 1);
        let public = host.get("/v1/tenders/t1/dossier");
        assert_eq!(public.status, 200, "{}", public.text());
        assert_eq!(proof(&public.body), proof(&dossier));
        let report = verify(&Parts::of_tar(&public.body), &Trusted::default());
        assert!(report.expect("readable").is_valid());

        // What witnesses put under the last head later comes into the proof too.
        host.wake();
        let (_, last) = shown(&host);
        assert!(last.extends(&log));
        let (one, _) = cast.cosign_anchors(1, &last, &seen, 105).expect("goes on");
        let (two, _) = cast
            .cosign_anchors(2, &last, &last.unseen(), 105)
            .expect("goes on");
        // While the dossier is written with it, on a disk that hangs, the writer goes on.
        let part = own.with_extension("part");
        let pipe = std::process::Command::new("mkfifo").arg(&part).status();
        assert!(pipe.expect("mkfifo runs").success());
        assert_eq!(host.post(COSIGN, &one).json()["witnesses"], 1);
        let mut pipe = std::fs::File::open(&part).expect("it is being written");
        let junk = host.post("/v1/tenders/t1/cosignatures", b"junk");
        assert_eq!(junk.status, 400, "{}", junk.text());
        let mut written = Vec::new();
        pipe.read_to_end(&mut written).expect("the rest");
        assert!(written.len() > 100_000, "no pipe takes so much at once");
        assert_eq!(lines(&written), 2);
        until("it has its name", || !part.exists());
        std::fs::remove_file(&own).expect("removed");
        assert_eq!(host.post(COSIGN, &two).json()["witnesses"], 2);
        until("it is proved", || {
            std::fs::read(&own).is_ok_and(|tar| lines(&tar) == 3)
        });
        assert_valid(&std::fs::read(&own).expect("there"));
        let public = host.get("/v1/tenders/t1/dossier");
        assert_eq!(lines(&public.body), 3);
        // The same again changes nothing.
        let before = shown(&host).0;
        assert_eq!(host.post(COSIGN, &two).json()["witnesses"], 2);
        assert_eq!(shown(&host).0, before);

        // A line that was taken in by a process that ended before it had made the proof.
        let mut host = host;
        host.running.take().expect("runs").stop();
        let (three, _) = cast
            .cosign_anchors(3, &last, &last.unseen(), 106)
            .expect("goes on");
        let mut log = AnchorLog::open(place.store.clone(), suite, ORIGIN, cast.anchor_key());
        let taken = log.as_mut().expect("there");
        let taken = taken.add_cosignature(&three, tender.host.replay());
        assert_eq!(taken.ok(), Some(3));
        host.restart();
        until("it is proved", || {
            lines(&std::fs::read(&own).expect("there")) == 4
        });
        assert_valid(&std::fs::read(&own).expect("there"));
    }
}

#[test]
fn nobody_elses_line_is_taken() {
    let cast = anchored(&INTL, SEED);
    let tender = Tender::new(&cast, "host.example/t/1", Kind::Board);
    let host = Served::new(&tender, SEED, "anchors-refused");
    host.wake();
    let (before, log) = shown(&host);
    // Another history under the same key.
    let other = Tender::unpublished(&cast, "host.example/t/other");
    let fork = AnchorLog::begin(
        Memory::default(),
        &INTL,
        "host.example/anchor",
        cast.anchor_key(),
    );
    let mut fork = fork.expect("a new log");
    fork.anchor(other.host.replay()).expect("anchored");
    let mut tar = Vec::new();
    fork.export(&mut tar).expect("exported");
    let fork = Anchors::read(&Parts::of_tar(&tar), &fork.key().expect("a key")).expect("holds");
    let (forked, _) = cast
        .cosign_anchors(1, &fork, &fork.unseen(), 2)
        .expect("goes on");
    let stranger = Cast::new(&INTL, "strangers");
    let (theirs, _) = stranger
        .cosign_anchors(1, &log, &log.unseen(), 2)
        .expect("goes on");
    let plain = host.get("/v1/anchors/intl-1/files/log/checkpoint").body;
    let (good, _) = cast
        .cosign_anchors(1, &log, &log.unseen(), 2)
        .expect("goes on");
    let cut = &good[..good.len() - 2];
    // The same witness under a head of the tender's own log.
    let replay = tender.host.replay();
    let (key, name) = (&cast.trustees[0].witness, Cast::witness_name(1));
    let unseen = WitnessState::new("host.example/t/1", INTL.hash());
    let own = mifeng::trustee::cosign(replay, &name, key, &unseen, secs(2)).expect("cosigned");
    let own = own.0.to_text().into_bytes();
    let opened = || host.anchors.as_ref().expect("kept").written.load(Relaxed);
    let turns = opened();
    for (what, note) in [
        ("fork", &forked[..]),
        ("theirs", &theirs),
        ("plain", &plain),
        ("cut", cut),
        ("none", b"x"),
        ("own", &own),
    ] {
        let answer = host.post(COSIGN, note);
        assert!(
            (400..500).contains(&answer.status),
            "{what}: {}",
            answer.text()
        );
        assert_eq!(shown(&host).0, before, "{what}");
    }
    assert_eq!(host.get("/healthz").json()["anchored"], true);
    // Only the head that the log signed twice is for the log itself to refuse.
    assert_eq!(opened(), turns + 1);
    assert_eq!(host.post(COSIGN, &good).status, 200);
    assert_ne!(shown(&host).0, before);
    // What is known costs no turn, with a stranger's line or another one of the same witness.
    let turns = opened();
    let mut mixed = Note::parse(&good).expect("a note");
    for line in Note::parse(&theirs).expect("a note").signatures() {
        if !mixed.signatures().contains(line) {
            mixed.add(line.clone()).expect("room");
        }
    }
    let (again, _) = cast
        .cosign_anchors(1, &log, &log.unseen(), 3)
        .expect("goes on");
    for note in [good.clone(), mixed.to_text().into_bytes(), again] {
        assert_eq!(host.post(COSIGN, &note).json()["witnesses"], 1);
    }
    assert_eq!(opened(), turns);
}

#[test]
fn a_dossier_waits_for_its_proof() {
    let cast = anchored(&INTL, SEED);
    let mut tender = Tender::new(&cast, "host.example/t/1", Kind::Board);
    tender.receive(3);
    // The archive was committed, and nothing after it: as after a crash.
    tender.finish(Kind::Board);
    let mut host = Served::new(&tender, SEED, "anchors-owed");
    let place = host.anchors.clone().expect("kept");
    // It is written in a thread of its own.
    let written = host.folder.join(".work/t1/dossier.tar");
    until("it is written", || written.exists());
    host.running.take().expect("runs").stop();
    place.store.files().clear();
    host.store
        .files()
        .retain(|name, _| !name.starts_with("anchor/"));
    std::fs::remove_file(&written).expect("was there");
    place.fail(true);
    host.restart();
    let dossier = |host: &Served| host.get("/v1/tenders/t1/dossier");
    let no = dossier(&host);
    assert_eq!((no.status, no.header("retry-after")), (503, "1"));
    place.fail(false);
    until("it is there", || dossier(&host).status == 200);
    let report = verify(&Parts::of_tar(&dossier(&host).body), &Trusted::default());
    assert!(report.expect("readable").is_valid());
    until("it is written again", || written.exists());
    assert_valid(&std::fs::read(&written).expect("there"));
}

#[test]
fn a_tender_that_names_none_is_served_as_before() {
    let cast = Cast::new(&INTL, SEED);
    let tender = Tender::new(&cast, "host.example/t/1", Kind::Board);
    let host = Served::new(&tender, SEED, "anchors-none");
    assert_eq!(host.get("/v1/anchors").text(), "[]");
    for rest in ["log", "heads"] {
        let none = host.get(&format!("/v1/anchors/intl-1/{rest}"));
        assert_eq!(none.code(), "anchor.none");
    }
    assert_eq!(host.post(COSIGN, b"x").code(), "anchor.none");
    assert_eq!(
        host.get("/healthz").json()["anchored"],
        serde_json::Value::Null
    );
}

#[test]
fn a_tender_whose_log_is_not_kept_here_is_told() {
    let cast = anchored(&INTL, SEED);
    let tender = Tender::new(&cast, "host.example/t/1", Kind::Board);
    let mut host = Served::new(&tender, SEED, "anchors-elsewhere");
    host.anchors = None;
    host.restart();
    assert_eq!(host.house.unanchored(), ["t1"]);
    let health = host.get("/healthz");
    assert_eq!(
        (health.status, &health.json()["anchored"]),
        (200, &serde_json::json!(false))
    );
    assert_eq!(host.post(COSIGN, b"x").code(), "anchor.none");
}

#[test]
fn an_old_copy_of_a_tender_is_told_and_not_anchored() {
    let cast = anchored(&INTL, SEED);
    let mut tender = Tender::unpublished(&cast, "host.example/t/1");
    let old = tender.store.copied();
    let made = notice(&cast, tender.host.state(), Kind::Board);
    tender.publish(&made).expect("a lawful notice");
    let mut host = Served::new(&tender, SEED, "anchors-old");
    host.wake();
    let before = shown(&host).0;
    host.store = old;
    host.restart();
    until("it is told", || {
        host.get("/healthz").json()["anchored"] == false
    });
    assert_eq!(shown(&host).0, before);
}

#[test]
fn a_log_that_lost_what_was_shown_gets_nothing_else() {
    let cast = anchored(&INTL, SEED);
    let tender = Tender::new(&cast, "host.example/t/1", Kind::Board);
    let host = Served::new(&tender, SEED, "anchors-lost");
    host.wake();
    let place = host.anchors.clone().expect("kept");
    let (before, kept) = (shown(&host).0, place.store.files().clone());
    place.store.files().retain(|name, _| name == "begun");
    for at in [FIRST_BEAT, 20, 30, 40, 50] {
        host.at(at);
    }
    host.clock.set(secs(60));
    until("it is told", || {
        host.get("/healthz").json()["anchored"] == false
    });
    assert_eq!(place.store.files().len(), 1);
    assert_eq!(shown(&host).0, before);
    // The disk is there again: it goes on where it was.
    place.store.files().extend(kept);
    until("it is anchored", || {
        host.get("/healthz").json()["anchored"] == true
    });
    let (tar, _) = shown(&host);
    assert!(sizes(&tar).len() > 1 && sizes(&tar).starts_with(&sizes(&before)));
}

#[test]
fn a_keeper_looks_once_more_at_its_end_and_holds_up_no_other() {
    let cast = anchored(&INTL, SEED);
    let mut tender = Tender::new(&cast, "host.example/t/1", Kind::Board);
    let mut host = Served::new(&tender, SEED, "anchors-end");
    host.wake();
    let place = host.anchors.clone().expect("kept");
    let published = size(&host);
    let entries = |place: &AnchorPlace| {
        let log = AnchorLog::open(place.store.clone(), &INTL, ORIGIN, cast.anchor_key());
        let log = log.expect("there");
        log.heads()
            .iter()
            .map(|head| head.size())
            .collect::<Vec<_>>()
    };
    let bid = host.send(&tender.seal(0, 900_000, 3));
    for at in [FIRST_BEAT, 20, 30, 40, 50] {
        host.at(at);
    }
    // A disk that does not answer: everything else does.
    place.hangs.store(true, Relaxed);
    host.clock.set(secs(60));
    until("it is closed", || {
        host.get("/v1/tenders/t1").json()["stage"] != "open"
    });
    assert!(host.receipt(&bid).is_some());
    assert_eq!(host.get("/healthz").status, 200);
    let begun = Instant::now();
    host.running.take().expect("runs").stop();
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(20), "{took:?}");
    assert_eq!(entries(&place), [published]);
    place.hangs.store(false, Relaxed);
    until("the old keeper has ended", || entries(&place).len() > 1);

    // One that failed a moment ago tries once more.
    place.store.files().retain(|name, _| name == "begun");
    place.fail(true);
    host.restart();
    until("it is told", || {
        host.get("/healthz").json()["anchored"] == false
    });
    place.fail(false);
    let last = size(&host);
    host.running.take().expect("runs").stop();
    assert_eq!(entries(&place), [last]);
}

#[test]
fn what_a_turn_read_the_next_one_does_not_read_again() {
    let cast = anchored(&INTL, SEED);
    let tender = Tender::new(&cast, "host.example/t/1", Kind::Board);
    let host = Served::new(&tender, SEED, "anchors-remembered");
    host.wake();
    let (_, log) = shown(&host);
    let place = host.anchors.clone().expect("kept");
    let entries = place.store.files().remove("entries").expect("there");
    let (note, _) = cast
        .cosign_anchors(1, &log, &log.unseen(), 2)
        .expect("goes on");
    assert_eq!(host.post(COSIGN, &note).status, 200);
    let (_, cosigned) = shown(&host);
    assert!(cosigned.extends(&log));
    // A new entry comes to those that are there.
    place.store.files().insert("entries".to_owned(), entries);
    for at in [FIRST_BEAT, 20, 30, 40, 50, 60, 61] {
        host.at(at);
    }
    let (tar, _) = shown(&host);
    assert!(sizes(&tar).len() > 1);
    assert_eq!(host.get("/healthz").json()["anchored"], true);
}

/// Two hosts over one database anchor into one log, whoever writes the tender.
fn one_log(place: &Place) {
    let cast = anchored(&INTL, common::replica::SEED);
    let mut tender = Tender::new(&cast, "host.example/t/1", Kind::Board);
    keep(&tender, place);
    let clock = Arc::new(ManualClock::new(secs(2)));
    let mut first = anchored_replica(place, &clock);
    let published = size(&first.served);
    let listed = |host: &Served| host.get("/v1/anchors").json()[0]["size"].as_u64();
    until("it is anchored", || listed(&first.served) == Some(1));
    let second = anchored_replica(place, &clock);
    until("the other one shows it", || {
        listed(&second.served) == Some(1)
    });
    assert!(writes(&first.served) && !writes(&second.served));
    assert_eq!(shown(&first.served).0, shown(&second.served).0);
    // Its witnesses are answered by the one that writes their tender.
    let (_, log) = shown(&first.served);
    let (note, _) = cast
        .cosign_anchors(1, &log, &log.unseen(), 2)
        .expect("goes on");
    let no = second.served.post(COSIGN, &note);
    assert_eq!((no.status, no.code()), (503, "not.writer".to_owned()));
    assert_eq!(first.served.post(COSIGN, &note).status, 200);
    // What one takes in the other one shows too, though the log has no other entry.
    let cosigned = shown(&first.served).0;
    assert!(cosigned.len() > shown(&second.served).0.len());
    until("the other one shows the witness", || {
        shown(&second.served).0 == cosigned
    });
    let bid = first.served.send(&tender.seal(0, 900_000, 3));
    first.served.at(FIRST_BEAT);
    assert!(first.served.receipt(&bid).is_some());
    if let Some(running) = first.served.running.take() {
        running.stop();
    }
    until("the second one writes", || writes(&second.served));
    for at in [20, 30, 40, 50, 60, 61] {
        clock.set(secs(at));
    }
    until("the close is anchored", || {
        let stage = second.served.get("/v1/tenders/t1").json()["stage"].clone();
        stage == "opening" && listed(&second.served) > Some(1)
    });
    second.served.wake();
    let (tar, last) = shown(&second.served);
    assert!(last.extends(&log));
    let heads = sizes(&tar);
    assert_eq!(
        (heads.first(), heads.last()),
        (Some(&published), Some(&size(&second.served)))
    );
    assert!(
        Parts::of_tar(&tar)
            .parts
            .contains_key("log/heads/0000000001.note")
    );
}

#[test]
fn replicas_on_one_machine_write_one_log() {
    let folder = Folder::new("anchors-sqlite");
    let db = format!("sqlite:{}", folder.join("records.sqlite"));
    one_log(&Place::parse(&db, None).expect("a place"));
}

#[test]
fn replicas_on_postgres_write_one_log() {
    let Some(server) = Postgres::shared() else {
        println!("skipped: no PostgreSQL server on this machine");
        return;
    };
    let bodies = Folder::new("anchors-postgres");
    let db = server.url(&server.database());
    one_log(&Place::parse(&db, Some(&bodies.join("bodies"))).expect("a place"));
}
