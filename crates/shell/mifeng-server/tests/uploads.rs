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

const BODIES_END: i64 = DEADLINE + 20;

/// A tender in which the body of a bid may come after its record.
fn with_grace<'c>(cast: &'c Cast, origin: &str) -> Tender<'c> {
    let mut tender = Tender::unpublished(cast, origin);
    let mut notice = notice(cast, tender.host.state(), Kind::Board);
    notice.body_grace_ms = (BODIES_END - DEADLINE) as u64 * 1_000;
    tender.publish(&notice).expect("a lawful notice");
    tender
}

fn post_record(host: &Served, bid: &Sealed) -> Answer {
    host.post(
        "/v1/tenders/t1/records",
        &bid.record.to_file().expect("a file"),
    )
}

#[test]
fn a_record_comes_first_and_its_body_until_the_time_for_it_is_over() {
    let cast = Cast::new(&INTL, "record first");
    let mut tender = with_grace(&cast, "host/t/1");
    let mut host = Served::new(&tender, "record first", "record-first");
    let replay = tender.bundle().replay;
    let bids: Vec<Sealed> = (0..4).map(|n| large(&mut tender, n, 1_500_000)).collect();
    let receipt = |bytes: &[u8]| Receipt::from_file(bytes).expect("a receipt");
    // The first one's body comes with its record, as ever; the others' records come alone.
    let waiting: Vec<Answer> = bids[1..]
        .iter()
        .map(|bid| post_record(&host, bid))
        .collect();
    assert!(waiting.iter().all(|answer| answer.status == 202));
    assert_eq!(host.send(&bids[0]).status, 202);
    // The second one's upload is begun, and whole, before its beat.
    let path = sent(&host, &bids[1]);
    assert_eq!(host.post(&path, b"").status, 202);
    assert_eq!(host.begin(&bids[2]).status, 201);
    host.at(FIRST_BEAT);
    for (answer, whole) in waiting.iter().zip([true, false, false]) {
        let receipt = host.receipt(answer).expect("a receipt");
        let number = waiting.iter().position(|one| one.body == answer.body);
        let bid = &bids[1 + number.expect("one of them")];
        let said = receipt.verify(&bid.record, &replay).expect("it holds");
        assert_eq!(said.whole, whole);
    }
    // A wrong body takes nothing away: the upload goes, the record and its receipt stay.
    let mut broken = bids[2].clone();
    let middle = broken.file.len() / 2;
    broken.file[middle] ^= 1;
    let path = sent(&host, &broken);
    assert_eq!(host.post(&path, b"").code(), "bid.malformed");
    assert_eq!(host.get(&path).code(), "upload.unknown");
    assert!(host.receipt(&waiting[1]).is_some());
    // Half of it before the close, the host started anew, the rest after it.
    let name = host.begin(&bids[2]).json()["record"]
        .as_str()
        .expect("a name")
        .to_owned();
    let put = |host: &Served, number: usize| {
        let block = bids[2].file.chunks(1 << 20).nth(number).expect("a block");
        let path = format!("{path}/blocks/{number}");
        assert_eq!(host.ask("PUT", &path, &[], block).status, 204);
    };
    assert!(path.ends_with(&name));
    put(&host, 0);
    let missing = host.post(&path, b"");
    assert_eq!(missing.code(), "upload.incomplete");
    for at in [20, 30, 40, 50, 60, 61] {
        host.at(at);
    }
    host.restart();
    for number in 1..bids[2].file.chunks(1 << 20).count() {
        put(&host, number);
    }
    assert_eq!(host.get("/v1/tenders/t1").json()["stage"], "window");
    host.at(BODIES_END - 1);
    let done = host.post(&path, b"");
    assert_eq!(done.status, 201, "{}", done.text());
    let said = receipt(&done.body).verify(&bids[2].record, &replay);
    assert!(said.expect("it holds").whole);
    // Once more it is the same receipt's promise, and nothing is left to do.
    let again = host.post(&path, b"");
    assert_eq!(again.status, 201, "{}", again.text());
    assert_eq!(host.get(&path).code(), "upload.unknown");
    // The last one's is whole too late: at the very end.
    let late = sent(&host, &bids[3]);
    assert_eq!(host.get("/v1/tenders/t1").json()["stage"], "window");
    host.clock.set(secs(BODIES_END));
    assert_eq!(host.post(&late, b"").code(), "bid.body-late");
    host.at(BODIES_END + 1);
    let view = host.get("/v1/tenders/t1").json();
    assert_eq!(view["stage"], "opening");
    let roll = view["hall"]["roll"].as_array().expect("a roll").clone();
    let statuses: Vec<(&str, &str)> = roll
        .iter()
        .map(|row| {
            let text = |name: &str| row[name].as_str().unwrap_or_default();
            (text("seal"), text("status"))
        })
        .collect();
    assert_eq!(statuses.len(), 4);
    for (number, bid) in bids.iter().enumerate() {
        let status = if number == 3 {
            "refused_unsealed"
        } else {
            "sealed"
        };
        assert!(
            statuses.contains(&(&bid.id.to_string(), status)),
            "{number}"
        );
    }
    // Nobody begins what could not be handed in.
    assert_eq!(host.begin(&bids[3]).code(), "bid.body-late");
}

#[test]
fn without_a_word_in_the_notice_a_record_alone_is_no_bid() {
    let cast = Cast::new(&INTL, "record alone");
    let mut tender = Tender::new(&cast, "host/t/1", Kind::Board);
    let host = Served::new(&tender, "record alone", "record-alone");
    let bid = tender.seal(0, 900_000, 2);
    let no = post_record(&host, &bid);
    assert_eq!((no.status, no.code().as_str()), (409, "bid.malformed"));
    assert!(
        host.get("/v1/tenders/t1")
            .json()
            .get("bodies_end")
            .is_none()
    );
    let waiting = host.send(&bid);
    assert_eq!(waiting.status, 202, "{}", waiting.text());
}

#[test]
fn what_is_read_while_it_comes_is_what_counts() {
    let cast = Cast::new(&INTL, "large");
    let mut tender = Tender::new(&cast, "host/t/1", Kind::Board);
    let mut host = Served::new(&tender, "large", "large");
    // Some turns of reading ahead, and a rest.
    let bid = large(&mut tender, 0, 40_000_000);
    for at in [1 << 20, 20 << 20, bid.file.len() - 100_000] {
        let mut broken = bid.clone();
        broken.file[at] ^= 1;
        let no = host.post(&sent(&host, &broken), b"");
        assert_eq!(no.code(), "bid.malformed", "byte {at}: {}", no.text());
    }
    let path = sent(&host, &bid);
    // What was read ahead before a restart is read again.
    host.restart();
    let waiting = host.post(&path, b"");
    assert_eq!(waiting.status, 202, "{}", waiting.text());
    host.at(FIRST_BEAT);
    let receipt = host.receipt(&waiting).expect("a receipt");
    let received = receipt.verify(&bid.record, &tender.bundle().replay);
    assert_eq!(received.expect("it holds").seal, Some(bid.id));
}
