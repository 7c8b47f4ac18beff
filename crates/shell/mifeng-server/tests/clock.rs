//! A clock that jumps closes no tender; orders, each of which counts once.

mod common;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use common::*;
use mifeng::crypto::INTL;
use mifeng::pki::issue::OcspEntry;
use mifeng::pki::{OcspStatus, Revoked, Signer};
use mifeng_server::{House, ORDER};

fn served(name: &'static str) -> (Cast, &'static str) {
    (Cast::new(&INTL, name), name)
}

#[test]
fn a_jump_ahead_closes_nothing_until_it_is_confirmed() {
    let (cast, seed) = served("clock jump");
    let mut tender = Tender::new(&cast, "host/t/1", Kind::Board);
    let host = Served::new(&tender, seed, "clock-jump");
    let stage = || host.get("/v1/tenders/t1").json()["stage"].clone();
    let bid = tender.seal(0, 900_000, 3);
    assert_eq!(host.send(&bid).status, 202);
    host.at(FIRST_BEAT);
    // Far beyond the deadline, though no time has passed.
    let ahead = 500;
    host.clock.jump(secs(ahead));
    host.wake();
    assert_eq!(stage(), "open");
    assert_eq!(host.get("/healthz").status, 503);
    let other = tender.seal(1, 900_000, 3);
    let refused = host.begin(&other);
    assert_eq!(
        (refused.status, refused.header("retry-after")),
        (503, "1"),
        "{}",
        refused.text()
    );
    // The clock is put right: everything goes on, and nobody was refused as late.
    host.clock.jump(secs(FIRST_BEAT + 1));
    host.wake();
    assert_eq!(host.get("/healthz").status, 200);
    assert_eq!(host.send(&other).status, 202);

    // It was right after all, as its operator says; any other order waits for that.
    host.clock.jump(secs(ahead));
    host.wake();
    let order = |order: serde_json::Value| {
        let record = tender.signed(&cast.platform, ORDER, &order, ahead);
        record.to_file().expect("a file")
    };
    let give_up = order(serde_json::json!({"order": "give_up"}));
    assert_eq!(host.post("/v1/tenders/t1/orders", &give_up).status, 503);
    assert_eq!(stage(), "open");
    let confirm = order(serde_json::json!({"order": "clock"}));
    let done = host.post("/v1/tenders/t1/orders", &confirm);
    assert_eq!(done.status, 204, "{}", done.text());
    for _ in 0..10 {
        host.wake();
    }
    assert_ne!(stage(), "open");
}

#[test]
fn an_order_counts_once_also_after_a_restart() {
    let (cast, seed) = served("orders once");
    let tender = Tender::new(&cast, "host/t/1", Kind::Board);
    let mut host = Served::new(&tender, seed, "orders-once");
    let data = serde_json::json!({"order": "clock"});
    let order = tender.signed(&cast.platform, ORDER, &data, 2);
    let order = order.to_file().expect("a file");
    let path = "/v1/tenders/t1/orders";
    assert_eq!(host.post(path, &order).status, 204);
    assert_eq!(host.post(path, &order).code(), "record.replay");
    host.restart();
    assert_eq!(host.post(path, &order).code(), "record.replay");
}

#[test]
fn a_start_long_after_a_beat_waits_for_the_operator() {
    let (cast, seed) = served("clock away");
    let tender = Tender::new(&cast, "host/t/1", Kind::Board);
    let mut host = Served::new(&tender, seed, "clock-away");
    host.running.take().expect("running").stop();
    host.clock.set(secs(FIRST_BEAT + 601));
    host.restart();
    host.wake();
    let seen = host.get("/v1/tenders/t1").json();
    assert_eq!(seen["stage"], "open");
    assert_eq!(host.get("/healthz").status, 503);
}

#[test]
fn a_folder_without_a_tender_keeps_nobody_out() {
    let (cast, seed) = served("house");
    let tender = Tender::new(&cast, "host/t/1", Kind::Board);
    let host = Served::new(&tender, seed, "house");
    std::fs::create_dir_all(host.folder.join("old-papers")).expect("a folder");
    let mut opening = |folder: &std::path::Path| -> mifeng_server::Opening<Memory> {
        let store = match folder.ends_with("t1") {
            true => host.store.clone(),
            false => Memory::of(std::collections::BTreeMap::new()),
        };
        Box::new(move |_| {
            let keys = keys(&Cast::new(&INTL, seed));
            Ok(mifeng_server::Opened::Ready(store.clone(), keys))
        })
    };
    let house = House::open(&host.folder, host.clock.clone(), &mut opening).expect("a house");
    assert_eq!(house.skipped(), ["old-papers"]);
    assert_eq!(house.tenders().count(), 1);
    house.stop();
}

#[test]
fn an_order_takes_in_what_a_responder_said() {
    let (cast, seed) = served("orders ocsp");
    let tender = Tender::new(&cast, "host/t/1", Kind::Board);
    let host = Served::new(&tender, seed, "orders-ocsp");
    let said = OcspEntry {
        serial: cast.agency.signer.certificate().serial_raw().to_vec(),
        status: OcspStatus::Revoked(Revoked {
            revoked: secs(2),
            reason: 4,
            invalid_since: None,
        }),
        this_update: secs(2),
        next_update: None,
    };
    let der = cast.ca.ocsp_response(&[said], secs(2), None);
    let der = BASE64_STANDARD.encode(der.expect("a response"));
    let above = BASE64_STANDARD.encode(cast.ca.certificate().der());
    let order = |above: &str, der: &str, at| {
        let data = serde_json::json!({"order": "answer", "above": [above], "der": der});
        let record = tender.signed(&cast.platform, ORDER, &data, at);
        host.post("/v1/tenders/t1/orders", &record.to_file().expect("a file"))
    };
    let halt = |at| {
        let data = serde_json::json!({"reason": "test"});
        let record = tender.signed(&cast.agency, "tender.suspend", &data, at);
        let path = "/v1/tenders/t1/records";
        host.post(path, &record.to_file().expect("a file")).code()
    };
    host.clock.set(secs(3));
    assert_eq!(order("no base64!", &der, 3).status, 400);
    assert_eq!(order(&above, &above, 3).code(), "pki.malformed");
    let done = order(&above, &der, 4);
    assert_eq!(done.status, 204, "{}", done.text());
    assert_eq!(order(&above, &der, 5).code(), "record.replay");
    assert_eq!(halt(4), "cert.revoked");
}
