//! A bid on its way: interrupted, sent again, received once.

mod common;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use common::statements::{bearer, numbered, replacing, withdrawal};
use common::*;
use mifeng::crypto::{Digest, INTL};
use mifeng::{Receipt, Replay};

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
    sent_by(host, bid, &[])
}

fn sent_by(host: &Served, bid: &Sealed, by: &[(&str, &str)]) -> String {
    let record = bid.record.to_file().expect("a file");
    let begun = host.ask("POST", "/v1/tenders/t1/uploads", by, &record);
    let begun = begun.json();
    let name = begun["record"].as_str().expect("a name");
    let path = format!("/v1/tenders/t1/uploads/{name}");
    for (number, block) in bid.file.chunks(1 << 20).enumerate() {
        let put = host.ask("PUT", &format!("{path}/blocks/{number}"), by, block);
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
    let put = |host: &Served, number: usize, by: &[(&str, &str)]| {
        let block = bids[2].file.chunks(1 << 20).nth(number).expect("a block");
        let path = format!("{path}/blocks/{number}");
        assert_eq!(host.ask("PUT", &path, by, block).status, 204);
    };
    assert!(path.ends_with(&name));
    put(&host, 0, &[]);
    let missing = host.post(&path, b"");
    assert_eq!(missing.code(), "upload.incomplete");
    for at in [20, 30, 40, 50, 60, 61] {
        host.at(at);
    }
    host.restart();
    let own = bearer(&host, &tender, &cast.bidders[2], 62);
    let own = [("authorization", &*own)];
    for number in 1..bids[2].file.chunks(1 << 20).count() {
        put(&host, number, &own);
    }
    assert_eq!(host.get("/v1/tenders/t1").json()["stage"], "window");
    host.at(BODIES_END - 1);
    let done = host.ask("POST", &path, &own, b"");
    assert_eq!(done.status, 201, "{}", done.text());
    let said = receipt(&done.body).verify(&bids[2].record, &replay);
    assert!(said.expect("it holds").whole);
    // Once more it is the same receipt's promise, and nothing is left to do.
    let again = host.ask("POST", &path, &own, b"");
    assert_eq!(again.status, 201, "{}", again.text());
    let shown = host.ask("GET", &path, &own, b"");
    assert_eq!(shown.code(), "upload.unknown");
    // The last one's is whole too late: at the very end.
    let own = bearer(&host, &tender, &cast.bidders[3], BODIES_END - 1);
    let own = [("authorization", &*own)];
    let late = sent_by(&host, &bids[3], &own);
    assert_eq!(host.get("/v1/tenders/t1").json()["stage"], "window");
    host.clock.set(secs(BODIES_END));
    let no = host.ask("POST", &late, &own, b"");
    assert_eq!(no.code(), "bid.body-late");
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
    let record = bids[3].record.to_file().expect("a file");
    let no = host.ask("POST", "/v1/tenders/t1/uploads", &own, &record);
    assert_eq!(no.code(), "bid.body-late");
    // Whose body came is in the log now: receipts are for everybody who has the name.
    assert!(host.receipt(&waiting[1]).is_some());
}

/// What anybody can try who has a bundle: begin, look, send garbage, hand in, ask for the receipt in both ways.
fn tried(host: &Served, bid: &Sealed, by: &[(&str, &str)]) -> Vec<(u16, String)> {
    let record = bid.record.to_file().expect("a file");
    let name = bid.record.commitment(&INTL);
    let upload = format!("/v1/tenders/t1/uploads/{name}");
    let garbage = vec![0; 1 << 20];
    let asked: [(&str, &str, &[u8]); 6] = [
        ("POST", "/v1/tenders/t1/uploads", &record),
        ("GET", &upload, b""),
        ("PUT", &format!("{upload}/blocks/1"), &garbage),
        ("POST", &upload, b""),
        ("POST", "/v1/tenders/t1/records", &record),
        ("GET", &format!("/v1/tenders/t1/receipts/{name}"), b""),
    ];
    let said = asked.map(|(method, path, body)| host.ask(method, path, by, body));
    said.iter().map(|one| (one.status, one.code())).collect()
}

#[test]
fn a_record_with_a_wrong_body_has_its_receipt_and_its_body_another_try() {
    let cast = Cast::new(&INTL, "wrong body");
    let mut tender = with_grace(&cast, "host/t/1");
    let host = Served::new(&tender, "wrong body", "wrong-body");
    let replay = tender.bundle().replay;
    let bid = large(&mut tender, 0, 1_500_000);
    let mut broken = bid.clone();
    let middle = broken.file.len() / 2;
    broken.file[middle] ^= 1;
    let path = sent(&host, &broken);
    let no = host.post(&path, b"");
    assert_eq!((no.status, &*no.code()), (409, "bid.malformed"));
    // It waits for its beat like any other, and whoever asks has its receipt.
    host.at(FIRST_BEAT);
    let name = bid.record.commitment(&INTL);
    let receipt = host.get(&format!("/v1/tenders/t1/receipts/{name}")).body;
    let again = post_record(&host, &bid);
    assert_eq!((again.status, &again.body), (201, &receipt));
    let receipt = Receipt::from_file(&receipt).expect("a receipt");
    let said = receipt.verify(&bid.record, &replay).expect("it holds");
    assert!(!said.whole);
    let done = host.send(&bid);
    assert_eq!(done.status, 201, "{}", done.text());
    let said = Receipt::from_file(&done.body).expect("a receipt");
    let said = said.verify(&bid.record, &replay).expect("it holds");
    assert!(said.whole);
}

#[test]
fn after_the_close_only_its_signer_sends_a_body() {
    let cast = Cast::new(&INTL, "body of others");
    let mut tender = with_grace(&cast, "host/t/1");
    let host = Served::new(&tender, "body of others", "body-of-others");
    let replay = tender.bundle().replay;
    let bids: Vec<Sealed> = (0..4).map(|n| large(&mut tender, n, 1_500_000)).collect();
    // One with its body, one whose upload is begun, one with a record alone, one that is withdrawn.
    assert_eq!(host.send(&bids[0]).status, 202);
    for bid in &bids[1..] {
        assert_eq!(post_record(&host, bid).status, 202);
    }
    let begun = host.begin(&bids[1]).json();
    let first = bids[1].file.chunks(1 << 20).next().expect("a block");
    let upload = format!(
        "/v1/tenders/t1/uploads/{}",
        begun["record"].as_str().expect("a name")
    );
    let put = host.ask("PUT", &format!("{upload}/blocks/0"), &[], first);
    assert_eq!(put.status, 204);
    host.at(FIRST_BEAT);
    let withdrawn = withdrawal(&tender, &cast.bidders[3], &bids[3].id);
    let waiting = host.post("/v1/tenders/t1/records", &withdrawn);
    assert_eq!(waiting.status, 202, "{}", waiting.text());
    // The page knows that a receipt has to say more here, and how a command signs in.
    let page = host.get("/t/t1/bid").text();
    assert!(page.contains("data-grace=\"1\"") && page.contains("my.receipt --id"));
    // Nobody signs in before the close, and nobody is asked to.
    assert_eq!(host.get(&upload).status, 200);
    for at in [20, 30, 40, 50, 60, 61] {
        host.at(at);
    }
    assert_eq!(host.get("/v1/tenders/t1").json()["stage"], "window");

    // Whoever did not sign the record learns nothing, whatever there is, and changes nothing.
    let none = vec![(401, "access.sign-in".to_owned()); 6];
    let other = bearer(&host, &tender, &cast.bidders[0], 62);
    let agency = bearer(&host, &tender, &cast.agency, 62);
    for bid in &bids {
        assert_eq!(tried(&host, bid, &[]), none);
        assert_eq!(tried(&host, bid, &[("authorization", "Bearer 00")]), none);
        let by = [("authorization", &*agency)];
        let no = vec![(403, "access.not-allowed".to_owned()); 6];
        assert_eq!(tried(&host, bid, &by), no);
    }
    for bid in &bids[1..] {
        let by = [("authorization", &*other)];
        let no = vec![(403, "access.not-own".to_owned()); 6];
        assert_eq!(tried(&host, bid, &by), no);
    }

    // Only whoever is signed in sees of its own bid that the body is missing.
    let until = serde_json::json!(secs(BODIES_END));
    let own = |number: usize| {
        let by = bearer(&host, &tender, &cast.bidders[number], 62);
        let own = host.ask("GET", "/v1/tenders/t1/own", &[("authorization", &by)], b"");
        let own = own.json();
        let text = own[0]["status"].as_str().unwrap_or_default().to_owned();
        assert_eq!(own.as_array().map(Vec::len), Some(1));
        assert_eq!(
            own[0].get("until"),
            (text == "body_missing").then_some(&until)
        );
        text
    };
    let before: Vec<String> = (0..4).map(own).collect();
    assert_eq!(
        before,
        ["live", "body_missing", "body_missing", "withdrawn"]
    );

    // The bodies are taken from their signers: the one that was begun goes on where it was.
    for number in [1, 2] {
        let own = bearer(&host, &tender, &cast.bidders[number], 62);
        let own = [("authorization", &*own)];
        let record = bids[number].record.to_file().expect("a file");
        let begun = host.ask("POST", "/v1/tenders/t1/uploads", &own, &record);
        assert_eq!(begun.status, 201, "{}", begun.text());
        let missing: Vec<u64> = if number == 1 { vec![1] } else { vec![0, 1] };
        assert_eq!(begun.json()["missing"], serde_json::json!(missing));
        let path = sent_by(&host, &bids[number], &own);
        let done = host.ask("POST", &path, &own, b"");
        assert_eq!(done.status, 201, "{}", done.text());
        let receipt = Receipt::from_file(&done.body).expect("a receipt");
        let said = receipt.verify(&bids[number].record, &replay);
        assert!(said.expect("it holds").whole);
    }
    assert_eq!([own(1), own(2)], ["live", "live"]);
    // Nor is a body begun that nobody would open.
    let own = bearer(&host, &tender, &cast.bidders[3], 62);
    let record = bids[3].record.to_file().expect("a file");
    let by = [("authorization", &*own)];
    let no = host.ask("POST", "/v1/tenders/t1/uploads", &by, &record);
    assert_eq!((no.status, no.code().as_str()), (409, "bid.unknown"));
    host.at(BODIES_END + 1);
    let view = host.get("/v1/tenders/t1").json();
    assert_eq!(view["stage"], "opening");
    assert!(!view["hall"].to_string().contains("refused_unsealed"));
}

#[test]
fn what_replaces_a_bid_that_counts_no_more_is_not_uploaded() {
    let cast = Cast::new(&INTL, "replaced");
    let mut tender = Tender::new(&cast, "host/t/1", Kind::Board);
    let host = Served::new(&tender, "replaced", "replaced");
    let (owner, other) = (&cast.bidders[0], &cast.bidders[1]);
    let first = tender.seal(0, 900_000, 2);
    assert_eq!(host.send(&first).status, 202);
    let good = replacing(&mut tender, owner, (first.id, 3));
    let nothing = Digest::from_bytes([0; 32]);
    let foreign = [first.id, nothing].map(|old| replacing(&mut tender, other, (old, 0)));
    let unknown = replacing(&mut tender, owner, (nothing, 3));
    let said = |bid: &Sealed| {
        let answer = host.begin(bid);
        (answer.status, answer.code())
    };
    let no = (409, "bid.unknown".to_owned());
    // Its signer replaces it before its beat and after it; nobody else learns whether it is there.
    for at in [2, FIRST_BEAT] {
        host.at(at);
        let path = sent(&host, &good);
        assert_eq!(host.get(&path).status, 200);
        assert_eq!(said(&unknown), no);
        assert_eq!(foreign.each_ref().map(said), [no.clone(), no.clone()]);
    }
    // From the withdrawal on, though that waits for its beat: what the engine says to what was begun before.
    let gone = withdrawal(&tender, owner, &first.id);
    assert_eq!(host.post("/v1/tenders/t1/records", &gone).status, 202);
    let later = replacing(&mut tender, owner, (first.id, 4));
    assert_eq!(said(&later), no);
    assert_eq!(foreign.each_ref().map(said), [no.clone(), no.clone()]);
    let path = format!("/v1/tenders/t1/uploads/{}", good.record.commitment(&INTL));
    assert_eq!(host.post(&path, b"").code(), "bid.unknown");
    host.at(20);
    assert_eq!(said(&later), no);
}

#[test]
fn a_bad_seal_is_told_alike_of_a_first_bid_and_of_one_that_replaces_it() {
    let cast = Cast::new(&INTL, "bad seal");
    let mut tender = Tender::new(&cast, "host/t/1", Kind::Board);
    let host = Served::new(&tender, "bad seal", "bad-seal");
    let (owner, other) = (&cast.bidders[0], &cast.bidders[1]);
    let first = tender.seal(0, 900_000, 2);
    assert_eq!(host.send(&first).status, 202);
    let mut broken = |person: &Person, (kind, seq): (&str, u64), old: Option<Digest>| {
        let (file, data) = tender.seal_by(person, 880_000, FIRST_BEAT);
        // The last byte of its signature.
        let mut seal = BASE64_STANDARD.decode(&data.seal).expect("base64");
        *seal.last_mut().expect("bytes") ^= 1;
        let mut data = serde_json::json!({ "seal": BASE64_STANDARD.encode(seal) });
        if let Some(old) = old {
            data["old"] = serde_json::json!(old);
        }
        let record = numbered(&tender, person, (kind, seq), &data);
        let id = first.id;
        Sealed { file, record, id }
    };
    let bids = [
        broken(owner, ("bid.replace", 3), Some(first.id)),
        broken(other, ("bid.submit", 0), None),
    ];
    for bid in &bids {
        let no = host.send(bid);
        assert_eq!((no.status, &*no.code()), (409, "bid.malformed"));
    }
    for at in [10, 20, 30, 40, 50, 60, 61] {
        host.at(at);
    }
    let bundle = host.get("/v1/tenders/t1/bundle").body;
    let replay = Replay::of(&Parts::of_tar(&bundle)).expect("replays");
    for bid in &bids {
        let record = bid.record.commitment(&INTL);
        assert!(replay.state.refused().contains_key(&record));
    }
    // What was to be replaced counts.
    let live = replay.state.live_bid(&owner.fingerprint(&INTL), LOT);
    assert_eq!(live, Some(first.id));
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
    let page = host.get("/t/t1/bid").text();
    assert!(page.contains("id=\"send\"") && !page.contains("data-grace"));
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
