//! A bid on its way: interrupted, sent again, received once.

mod common;

use common::*;
use mifeng::Receipt;
use mifeng::crypto::INTL;

#[test]
fn goes_on_after_a_restart_and_is_received_once() {
    let cast = Cast::new(&INTL, "uploads");
    let mut tender = Tender::new(&cast, "host/t/1", Kind::Board);
    let mut host = Served::new(&tender, "uploads", "uploads");
    let bid = large(&mut tender, 0, 2_500_000);
    let begun = host.begin(&bid).json();
    let name = begun["record"].as_str().expect("a name").to_owned();
    let count = begun["missing"].as_array().map_or(0, Vec::len);
    let put = |host: &Served, number: usize| {
        let block = bid.file.chunks(1 << 20).nth(number).expect("a block");
        let path = format!("/v1/tenders/t1/uploads/{name}/blocks/{number}");
        assert_eq!(host.ask("PUT", &path, &[], block).status, 204);
    };
    for number in (0..count).filter(|number| *number != 1) {
        put(&host, number);
    }
    host.restart();
    let path = format!("/v1/tenders/t1/uploads/{name}");
    assert_eq!(host.get(&path).json()["missing"], serde_json::json!([1]));
    put(&host, 1);
    put(&host, 1);
    let waiting = host.post(&path, b"");
    assert_eq!(waiting.status, 202, "{}", waiting.text());
    // Handed in twice before its beat, it still waits; nothing is promised.
    assert_eq!(host.post(&path, b"").status, 202);
    assert_eq!(host.receipt(&waiting), None);

    // Killed before the beat: what was not promised is gone, and is handed in again.
    host.restart();
    assert_eq!(host.post(&path, b"").status, 202);
    host.at(FIRST_BEAT);
    let receipt = host.receipt(&waiting).expect("a receipt");
    let replay = tender.bundle().replay;
    let received = receipt.verify(&bid.record, &replay).expect("it holds");
    assert_eq!(received.at, secs(2));

    // The receipt again: by its name, and after a restart by the record itself.
    assert_eq!(host.receipt(&waiting), Some(receipt.clone()));
    host.restart();
    let again = host.post(
        "/v1/tenders/t1/records",
        &bid.record.to_file().expect("a file"),
    );
    assert_eq!(again.status, 201, "{}", again.text());
    let again = Receipt::from_file(&again.body).expect("a receipt");
    let _ = again.verify(&bid.record, &replay).expect("it holds too");
    for at in [20, 30, 40, 50, 60, 61] {
        host.at(at);
    }
    // Closed by the clock alone; the roll shows one bid.
    let view = host.get("/v1/tenders/t1").json();
    assert_eq!(view["hall"]["roll"].as_array().map(Vec::len), Some(1));
    assert!(host.get("/t/t1/hall").text().contains("投标人0有限公司"));
    // After the deadline nothing is taken any more.
    let late = tender.seal(1, 900_000, 3);
    assert_eq!(host.send(&late).code(), "bid.late");
}

#[test]
fn a_number_that_cannot_be_handed_in_is_not_uploaded() {
    let cast = Cast::new(&INTL, "numbers");
    let mut tender = Tender::new(&cast, "host/t/1", Kind::Board);
    let host = Served::new(&tender, "numbers", "numbers");
    let (first, second) = (tender.seal(0, 900_000, 2), large(&mut tender, 0, 1_500_000));
    let waiting = host.post(&sent(&host, &first), b"");
    assert_eq!(waiting.status, 202, "{}", waiting.text());
    host.at(FIRST_BEAT);
    let receipt = host.receipt(&waiting).expect("a receipt");
    let replay = tender.bundle().replay;
    let received = receipt.verify(&first.record, &replay).expect("it holds");
    // The words that were told when it was sealed are those of the receipt.
    assert_eq!(received.seal, Some(first.id));
    // Both have the number 0, as two pages would give it that know nothing of each other.
    let no = host.begin(&second);
    assert_eq!(no.code(), "record.replay", "{}", no.text());
    // Who asks again for what is in the log is no replay.
    assert_eq!(host.begin(&first).status, 201);
}

/// Sends all blocks of a bid; the path of its upload.
fn sent(host: &Served, bid: &Sealed) -> String {
    let begun = host.begin(bid).json();
    let name = begun["record"].as_str().expect("a name");
    let path = format!("/v1/tenders/t1/uploads/{name}");
    for (number, block) in bid.file.chunks(1 << 20).enumerate() {
        let put = host.ask("PUT", &format!("{path}/blocks/{number}"), &[], block);
        assert_eq!(put.status, 204);
    }
    path
}

#[test]
fn another_file_than_the_seal_says_is_refused_and_forgotten() {
    let cast = Cast::new(&INTL, "other file");
    let mut tender = Tender::new(&cast, "host/t/1", Kind::Board);
    let host = Served::new(&tender, "other file", "other-file");
    let bid = large(&mut tender, 0, 1_500_000);
    for at in [0, 9, bid.file.len() / 2, bid.file.len() - 9] {
        let mut broken = bid.clone();
        broken.file[at] ^= 1;
        let path = sent(&host, &broken);
        let no = host.post(&path, b"");
        assert_eq!(no.status, 409, "byte {at}: {}", no.text());
        assert_eq!(no.code(), "bid.malformed", "byte {at}");
        assert_eq!(host.get(&path).code(), "upload.unknown");
    }
    // A block that is here stays, whatever comes in its place: what was read is what is kept.
    let path = sent(&host, &bid);
    let other = vec![7; 1 << 20];
    let again = host.ask("PUT", &format!("{path}/blocks/0"), &[], &other);
    assert_eq!(again.status, 204);
    let waiting = host.post(&path, b"");
    assert_eq!(waiting.status, 202, "{}", waiting.text());
    assert_eq!(
        host.ask("PUT", &format!("{path}/blocks/0"), &[], &other)
            .status,
        204
    );
    host.at(FIRST_BEAT);
    assert!(host.receipt(&waiting).is_some());
}
