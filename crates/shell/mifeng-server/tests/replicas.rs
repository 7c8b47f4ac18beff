//! Several hosts over one database: one writes, the others show what it wrote and take over when it is gone; and
//! what a host does while its database is away.

mod common;

use common::replica::*;
use common::*;
use mifeng::Receipt;
use mifeng::crypto::INTL;
use mifeng_server::ManualClock;
use mifeng_store::Place;
use mifeng_testkit::servers::{Folder, Postgres};
use std::sync::Arc;

/// One writes, the other stands by and takes over with everything that was acknowledged.
fn taken_over(place: &Place) {
    let cast = Cast::new(&INTL, SEED);
    let mut tender = Tender::new(&cast, "host/t/1", Kind::Board);
    keep(&tender, place);
    let clock = Arc::new(ManualClock::new(secs(2)));
    let mut first = replica(place, &clock);
    let second = replica(place, &clock);
    assert!(writes(&first.served) && !writes(&second.served));

    // The same tender is shown by both; what changes it is taken by one.
    let shown = |host: &Served| host.get(TENDER).json();
    assert_eq!(shown(&first.served), shown(&second.served));
    assert_eq!(second.served.get("/healthz").status, 200);
    let bid = tender.seal(0, 900_000, 2);
    let record = bid.record.to_file().expect("a file");
    for (method, path, body) in [
        ("POST", "/records", &record[..]),
        ("POST", "/uploads", &record),
        ("POST", "/cosignatures", b"x"),
        ("POST", "/stamps", b"x"),
        ("POST", "/orders", &record),
        ("GET", &format!("/receipts/{}", "0".repeat(64)), b""),
        ("GET", &format!("/uploads/{}", "0".repeat(64)), b""),
        (
            "PUT",
            &format!("/uploads/{}/blocks/0", "0".repeat(64)),
            b"x",
        ),
        ("POST", &format!("/uploads/{}", "0".repeat(64)), b""),
    ] {
        let answer = second
            .served
            .ask(method, &format!("{TENDER}{path}"), &[], body);
        let said = (answer.status, answer.code());
        assert_eq!(said, (503, "not.writer".to_owned()), "{method} {path}");
        assert_eq!(answer.header("retry-after"), "1");
    }
    let waiting = first.served.send(&bid);
    assert_eq!(waiting.status, 202, "{}", waiting.text());
    // What the writer logs is shown by the other one soon; until then it gives no bundle of an older log, nor of half of both.
    let bundle = |host: &Served| host.get(&format!("{TENDER}/bundle"));
    assert_eq!(bundle(&second.served).status, 200);
    first.served.at(FIRST_BEAT);
    let receipt = first.served.receipt(&waiting).expect("a receipt");
    let size = shown(&first.served)["size"].clone();
    until("the log is shown", || {
        let given = bundle(&second.served);
        if given.status == 200 {
            assert_eq!(given.body, bundle(&first.served).body);
        } else {
            assert_eq!((given.status, &*given.code()), (503, "system.unavailable"));
        }
        shown(&second.served)["size"] == size
    });
    assert_eq!(
        first.served.get(&format!("{TENDER}/bundle")).body,
        second.served.get(&format!("{TENDER}/bundle")).body
    );

    // A second bid waits for its beat when the writer goes: nothing was promised, and it is handed in again.
    let other = tender.seal(1, 890_000, 12);
    assert_eq!(first.served.send(&other).status, 202);
    if let Some(running) = first.served.running.take() {
        running.stop();
    }
    until("the second one writes", || writes(&second.served));
    let again = second.served.post(&format!("{TENDER}/records"), &record);
    assert_eq!(again.status, 201, "{}", again.text());
    let again = Receipt::from_file(&again.body).expect("a receipt");
    let waiting = second.served.send(&other);
    assert_eq!(waiting.status, 202, "{}", waiting.text());
    for at in [20, 30, 40, 50, 60, 61] {
        second.served.at(at);
    }
    let bundle = second.served.get(&format!("{TENDER}/bundle"));
    let files = Parts::of_tar(&bundle.body);
    let replay = mifeng::Replay::of(&files).expect("replays");
    for receipt in [&receipt, &again] {
        let _ = receipt.verify(&bid.record, &replay).expect("it holds");
    }
    assert_eq!(replay.state.bids().len(), 2);
}

#[test]
fn another_host_takes_over_on_one_machine() {
    let folder = Folder::new("sqlite-replicas");
    let db = format!("sqlite:{}", folder.join("records.sqlite"));
    taken_over(&Place::parse(&db, None).expect("a place"));
}

#[test]
fn another_host_takes_over_on_postgres() {
    let Some(server) = Postgres::shared() else {
        println!("skipped: no PostgreSQL server on this machine");
        return;
    };
    let bodies = Folder::new("postgres-replicas");
    let db = server.url(&server.database());
    let blobs = bodies.join("bodies");
    taken_over(&Place::parse(&db, Some(&blobs)).expect("a place"));
}

#[test]
fn a_database_that_is_started_anew_costs_nothing_that_was_acknowledged() {
    let Some(server) = Postgres::start() else {
        println!("skipped: no PostgreSQL server on this machine");
        return;
    };
    let bodies = Folder::new("postgres-anew");
    let db = server.url(&server.database());
    let place = Place::parse(&db, Some(&bodies.join("bodies"))).expect("a place");
    let cast = Cast::new(&INTL, SEED);
    let mut tender = Tender::new(&cast, "host/t/1", Kind::Board);
    keep(&tender, &place);
    let clock = Arc::new(ManualClock::new(secs(2)));
    let Replica {
        served: host,
        _work,
    } = replica(&place, &clock);
    let bids = [tender.seal(0, 900_000, 2), tender.seal(1, 890_000, 2)];
    let first = host.send(&bids[0]);
    host.at(FIRST_BEAT);
    let receipt = host.receipt(&first).expect("a receipt");
    let waiting = host.send(&bids[1]);
    assert_eq!(waiting.status, 202, "{}", waiting.text());

    server.crash();
    let late = tender.seal(2, 880_000, 12);
    let record = late.record.to_file().expect("a file");
    // The beat cannot be written, and is told to nobody as if it were.
    clock.set(secs(20));
    until("it is noticed", || host.get("/healthz").status == 503);
    let no = host.post(&format!("{TENDER}/records"), &record);
    assert_eq!(
        (no.status, no.code()),
        (503, "system.unavailable".to_owned())
    );
    assert_eq!(host.get("/t/t1").status, 200);
    assert_eq!(host.receipt(&waiting), None);

    server.up();
    until("it writes again", || writes(&host));
    // What waited was not sent again by anybody, and counts from when it came in.
    until("the beat falls", || host.receipt(&waiting).is_some());
    let other = host.receipt(&waiting).expect("a receipt");
    for at in [30, 40, 50, 60, 61] {
        host.at(at);
    }
    let files = Parts::of_tar(&host.get(&format!("{TENDER}/bundle")).body);
    let replay = mifeng::Replay::of(&files).expect("replays");
    let _ = receipt.verify(&bids[0].record, &replay).expect("it holds");
    let received = other.verify(&bids[1].record, &replay).expect("it holds");
    assert!(received.at <= secs(FIRST_BEAT + 1), "{:?}", received.at);
}
