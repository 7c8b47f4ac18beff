//! Edges of rules: instants, counts, stages, and records where they do not belong.

#![allow(clippy::panic)] // A failed expectation, with what was expected.

mod common;

use common::*;
use mifeng::crypto::{GM, INTL, Suite, Time};
use mifeng::record::SignedRecord;
use mifeng::tender::*;

const SUITES: [&Suite; 2] = [&GM, &INTL];
const ORIGIN: &str = "host.example/t/edges";

/// Every record of a tender, in order, with the file of the bid it brings.
fn records(tender: &Tender<'_>) -> Vec<(String, Sealed)> {
    let files = tender.store.files();
    let alg = tender.host.replay().suite().hash();
    tender
        .host
        .replay()
        .records
        .iter()
        .map(|logged| {
            // A bid that waits for its beat is in no file yet.
            let is_it = |bid: &&Sealed| bid.record.body_digest(alg) == logged.body;
            let bid = tender.bids.iter().find(is_it).cloned();
            let bid = bid.unwrap_or_else(|| Sealed {
                file: Vec::new(),
                id: logged.body,
                record: SignedRecord {
                    body: files[&format!("body/{}.json", logged.body)].clone(),
                    signature: files[&format!("sig/{}.p7s", logged.signature)].clone(),
                },
            });
            (logged.kind.clone(), bid)
        })
        .collect()
}

/// Presents records that must all be refused, and changes nothing.
fn refused(tender: &mut Tender<'_>, records: &[(String, Sealed)], at: Time, codes: &[&str]) {
    let before = (
        tender.host.replay().records.len(),
        tender.host.replay().tree.root(),
        tender.host.state().stage(),
    );
    for (kind, record) in records {
        let found = code(tender.submit(record, at));
        assert!(codes.contains(&found), "{kind} at {at}: {found}");
    }
    let after = (
        tender.host.replay().records.len(),
        tender.host.replay().tree.root(),
        tender.host.state().stage(),
    );
    assert_eq!(before, after);
}

#[test]
fn deadline_is_half_open() {
    for suite in SUITES {
        let cast = Cast::new(suite, "edges");
        let mut tender = Tender::new(&cast, ORIGIN, Kind::Board);
        let bids: Vec<Sealed> = (0..3).map(|n| tender.seal(n, 900_000, 12)).collect();
        let deadline = secs(DEADLINE);
        tender
            .submit(&bids[0], plus_nanos(deadline, -1))
            .expect("one nanosecond before");
        for nanos in [0, 1] {
            let outcome = tender.submit(&bids[1], plus_nanos(deadline, nanos));
            assert_eq!(code(outcome), "bid.late", "{nanos}");
        }
        let data = BidWithdraw { seal: bids[0].id };
        let outcome = tender.say(&cast.bidders[0], "bid.withdraw", &data, DEADLINE);
        assert_eq!(code(outcome), "bid.late");
        assert_eq!(tender.host.state().bids().len(), 1);
        // A refusal changed nothing: the same record is good for an instant before.
        tender
            .submit(&bids[1], plus_nanos(deadline, -1))
            .expect("before");
        assert_eq!(
            code(tender.close(plus_nanos(deadline, -1))),
            "opening.early"
        );
        assert_eq!(tender.host.state().stage(), Stage::Open);
        let receipts = tender.close(deadline).expect("at the deadline");
        assert_eq!(receipts.len(), 2);
        assert_eq!(
            code(tender.submit(&bids[2], plus_nanos(deadline, -1))),
            "bid.late"
        );
        let replay = tender.bundle().replay;
        assert_eq!(replay.state.bids().len(), 2);
        for (bid, receipt) in bids.iter().zip(&receipts) {
            let got = receipt.hold_against(&bid.record, &replay).expect("kept");
            assert_eq!(got.at, plus_nanos(deadline, -1));
        }
    }
}

#[test]
fn close_waits_for_the_last_beat() {
    let cast = Cast::new(&INTL, "edges");
    let mut tender = Tender::unpublished(&cast, ORIGIN);
    let mut notice = notice(&cast, tender.host.state(), Kind::Board);
    let pace = mifeng::log::Pace {
        from: secs(10),
        period_ms: 20_000,
    };
    notice.beats = mifeng::log::Schedule::new(3, vec![pace]).expect("a schedule");
    tender.publish(&notice).expect("lawful");
    let bid = tender.seal(0, 900_000, 12);
    tender
        .submit(&bid, plus_nanos(secs(DEADLINE), -1))
        .expect("on time");
    // Beats fall at 10, 30, 50 and 70 seconds; the bid waits for the last of them.
    assert_eq!(code(tender.close(secs(DEADLINE))), "opening.early");
    assert_eq!(tender.host.next_beat(), Some(secs(70)));
    assert_eq!(
        code(tender.close(plus_nanos(secs(70), -1))),
        "opening.early"
    );
    assert_eq!(tender.close(secs(70)).expect("closed").len(), 1);
    assert_eq!(tender.host.next_beat(), None);
    assert_eq!(tender.bundle().replay.state.bids().len(), 1);
}

#[test]
fn a_close_that_names_another_time_or_count() {
    let cast = Cast::new(&INTL, "edges");
    let mut tender = Tender::new(&cast, ORIGIN, Kind::Board);
    let close = |deadline: Time| {
        let zeros = "0".repeat(64);
        serde_json::json!({"deadline": deadline, "beats": 0, "revealed": zeros})
    };
    let data = close(secs(DEADLINE));
    let outcome = tender.say(&cast.platform, "submission.close", &data, DEADLINE - 1);
    assert_eq!(code(outcome), "opening.early");
    let other = close(secs(DEADLINE - 1));
    let outcome = tender.say(&cast.platform, "submission.close", &other, DEADLINE);
    assert_eq!(code(outcome), "record.data");
    let outcome = tender.say(&cast.agency, "submission.close", &data, DEADLINE);
    assert_eq!(code(outcome), "record.not-authorised");
}

/// Every record of one tender at every stage of another one, and of the same one again.
#[test]
fn replayed_records() {
    for suite in SUITES {
        let cast = Cast::new(suite, "edges");
        let mut first = Tender::new(&cast, "host.example/t/first", Kind::Joint);
        first.receive(3);
        first.finish(Kind::Joint);
        let foreign = records(&first);
        let kinds: std::collections::BTreeSet<&str> =
            foreign.iter().map(|(kind, _)| kind.as_str()).collect();
        assert!(kinds.len() >= 20, "{kinds:?}");

        let mut second = Tender::unpublished(&cast, "host.example/t/second");
        let check = |tender: &mut Tender<'_>, at: i64| {
            // The board's records have the board's origin and are good before the notice, once.
            let codes = [
                "record.wrong-origin",
                "record.replay",
                "bid.bound-elsewhere",
                "record.wrong-stage",
            ];
            refused(tender, &foreign, secs(at), &codes);
            let own = records(tender);
            let codes = [
                "record.replay",
                "bid.late",
                "bid.duplicate",
                "record.wrong-stage",
            ];
            refused(tender, &own, secs(at), &codes);
        };
        check(&mut second, 0);
        let lawful = notice(&cast, second.host.state(), Kind::Joint);
        second.publish(&lawful).expect("lawful");
        check(&mut second, 2);
        second.receive(3);
        check(&mut second, 40);
        second.close_witnessed();
        check(&mut second, DEADLINE + 1);
        for number in 0..3 {
            second.release_leaf(number, DEADLINE + 2).expect("a leaf");
        }
        second.close_window(DEADLINE + 3).expect("closed");
        for number in 0..2 {
            second.release(number, DEADLINE + 4).expect("released");
        }
        check(&mut second, DEADLINE + 5);
        second.open_all(100);
        let seated = second.draw(101);
        check(&mut second, 101);
        assert!(second.evaluate(&seated, 102));
        check(&mut second, 102);
        assert_valid(&second.archive(103));
        check(&mut second, 104);
    }
}

#[test]
fn a_withdrawn_bid_stays_withdrawn() {
    let cast = Cast::new(&INTL, "edges");
    let mut tender = Tender::new(&cast, ORIGIN, Kind::Board);
    tender.receive(3);
    let bidder = &cast.bidders[0];
    let old = tender.bids[0].clone();
    let data = BidWithdraw { seal: old.id };
    tender
        .say(bidder, "bid.withdraw", &data, 40)
        .expect("withdrawn");
    assert_eq!(code(tender.submit(&old, secs(41))), "record.replay");
    // The same file behind a new signature and number.
    let again = Sealed {
        record: {
            let sealed = tender.verified(&old.file);
            let data = mifeng::bidder::submission(sealed.record());
            tender.signed(bidder, "bid.submit", &data, 41)
        },
        ..old.clone()
    };
    assert_eq!(code(tender.submit(&again, secs(41))), "bid.duplicate");
    assert_eq!(
        code(tender.say(bidder, "bid.withdraw", &data, 41)),
        "bid.unknown"
    );
    assert_eq!(tender.host.state().bids()[&old.id].life, BidLife::Withdrawn);
    let fresh = tender.seal(0, 880_000, 42);
    tender.submit(&fresh, secs(42)).expect("a new bid");
    assert_valid(&tender.finish(Kind::Board));
    let (_, minutes) = tender.host.state().minutes().expect("minutes");
    let row = minutes.rows.iter().find(|row| row.seal == old.id);
    let status = row.map(|row| row.status);
    assert_eq!(status, Some(BidStatus::WithdrawnBeforeDeadline));
}

#[test]
fn a_second_bid_replaces_or_is_refused() {
    let cast = Cast::new(&INTL, "edges");
    let mut tender = Tender::new(&cast, ORIGIN, Kind::Board);
    tender.receive(3);
    let bidder = &cast.bidders[1];
    let second = tender.seal(1, 880_000, 41);
    assert_eq!(code(tender.submit(&second, secs(41))), "bid.second");
    let old = tender.bids[1].id;
    let (file, data) = tender.seal_by(bidder, 870_000, 42);
    let data = BidReplace {
        old,
        seal: data.seal,
    };
    let replacing = Sealed {
        record: tender.signed(bidder, "bid.replace", &data, 42),
        id: tender.verified(&file).id(),
        file,
    };
    tender.submit(&replacing, secs(42)).expect("replaced");
    assert_eq!(code(tender.submit(&replacing, secs(42))), "record.replay");
    assert_eq!(tender.host.state().bids()[&old].life, BidLife::Replaced);
    assert_valid(&tender.finish(Kind::Board));
}

/// What a dossier says must be what the host accepted: each of these once made them differ.
#[test]
fn uploads_that_end_out_of_order() {
    let cast = Cast::new(&INTL, "edges");
    let mut tender = Tender::new(&cast, ORIGIN, Kind::Board);
    tender.receive(1);
    let why = Halt {
        reason: "质疑处理".to_owned(),
    };
    tender
        .say(&cast.agency, "tender.suspend", &why, 15)
        .expect("suspended");
    let bid = tender.seal(1, 880_000, 18);
    // On both sides of the beat at 20 s: handed in after the resumption, received before it.
    tender
        .say(&cast.agency, "tender.resume", &why, 21)
        .expect("resumed");
    tender.submit(&bid, secs(19)).expect("on time");
    let data = BidWithdraw { seal: bid.id };
    let record = tender.signed(&cast.bidders[1], "bid.withdraw", &data, 19);
    tender.take(record, 18).expect("withdrawn");
    assert_eq!(tender.beat(20).len(), 2);
    // Handed in after its beat is over: it goes into the next one.
    let slow = tender.seal(2, 870_000, 19);
    tender.submit(&slow, secs(19)).expect("on time");
    assert_eq!(tender.beat(30).len(), 4);
    tender.close(secs(DEADLINE)).expect("closed");
    let replay = tender.bundle().replay;
    assert_eq!(replay.state.bids()[&bid.id].life, BidLife::Withdrawn);
    assert!(replay.state.bids().contains_key(&slow.id));
}

/// Between the last beat and the close nothing is taken in that no beat could hold.
#[test]
fn nothing_after_the_last_beat() {
    let cast = Cast::new(&INTL, "edges");
    let mut tender = Tender::new(&cast, ORIGIN, Kind::Board);
    tender.receive(2);
    let bid = tender.seal(2, 870_000, 19);
    tender.beat(DEADLINE);
    assert_eq!(tender.host.next_beat(), None);
    assert_eq!(code(tender.submit(&bid, secs(19))), "bid.late");
    // Nor anything else that would wait for a beat which does not come.
    let why = Halt {
        reason: "采购任务取消".to_owned(),
    };
    for kind in ["tender.cancel", "tender.suspend"] {
        let outcome = tender.say(&cast.agency, kind, &why, DEADLINE);
        assert!(matches!(outcome, Err(mifeng::Error::Unavailable { .. })));
    }
    assert_eq!(tender.host.waiting(), 0);
    tender.close(secs(DEADLINE)).expect("closed");
    assert_eq!(tender.host.state().bids().len(), 2);
    assert_eq!(tender.bundle().replay.state.bids().len(), 2);
}

#[test]
fn beats_that_begin_after_the_deadline() {
    let cast = Cast::new(&INTL, "edges");
    let mut tender = Tender::unpublished(&cast, ORIGIN);
    for from in [DEADLINE, DEADLINE + 5] {
        let mut late = notice(&cast, tender.host.state(), Kind::Board);
        let pace = mifeng::log::Pace {
            from: secs(from),
            period_ms: 10_000,
        };
        late.beats = mifeng::log::Schedule::new(3, vec![pace]).expect("a schedule");
        assert_eq!(code(tender.publish(&late)), "notice.unlawful");
    }
}

#[test]
fn what_a_notice_says_besides_is_bounded() {
    let cast = Cast::new(&INTL, "edges");
    let mut tender = Tender::unpublished(&cast, ORIGIN);
    let text = |zh: &str, en: &str| Text {
        zh: zh.to_owned(),
        en: en.to_owned(),
    };
    let one = |name: &str, told: &str| Particular {
        name: text(name, ""),
        text: text(told, ""),
    };
    let with = |tender: &Tender<'_>, particulars: Vec<Particular>| {
        let mut said = notice(&cast, tender.host.state(), Kind::Board);
        said.particulars = particulars;
        said
    };
    let long = "x".repeat(PARTICULAR_LEN_MAX + 1);
    let full = vec![one("联系方式", "0000"); PARTICULARS_MAX];
    let many = [full.clone(), vec![one("联系方式", "0000")]].concat();
    let mut in_english = one("联系方式", "0000");
    in_english.text.en.clone_from(&long);
    for wrong in [
        vec![one("", "0000")],
        vec![one("联系方式", "")],
        vec![one("联系方式", &long)],
        vec![one(&long, "0000")],
        vec![in_english],
        many,
    ] {
        let said = with(&tender, wrong);
        assert_eq!(code(tender.publish(&said)), "notice.unlawful");
    }
    let mut last = full;
    last[0].text.zh = long[1..].to_owned();
    let said = with(&tender, last.clone());
    tender.publish(&said).expect("a lawful notice");
    let (_, held) = tender.host.state().notice().expect("published");
    assert_eq!(held.particulars, last);
}

/// Ids of lots name folders; one is never the folder of another lot's final offers.
#[test]
fn ids_of_lots() {
    let cast = Cast::new(&INTL, "edges");
    let publish = |id: &str| {
        let mut tender = Tender::unpublished(&cast, ORIGIN);
        let mut said = notice(&cast, tender.host.state(), Kind::Board);
        let mut other = said.lots[0].clone();
        id.clone_into(&mut other.id);
        said.lots.push(other);
        code(tender.publish(&said))
    };
    let long = "x".repeat(33);
    for wrong in [
        LOT, "", &long, "1/2", "..", "a b", "一", "1-final", "2-final", "-final",
    ] {
        assert_eq!(publish(wrong), "notice.unlawful", "{wrong}");
    }
    for right in ["2", "A_b-3", "final", "1-finals", "1-Final", &long[1..]] {
        assert_eq!(publish(right), "accepted", "{right}");
    }
}

#[test]
fn a_certificate_of_the_last_minute() {
    use mifeng::pki::issue::Profile;
    let cast = Cast::new(&INTL, "edges");
    let mut tender = Tender::new(&cast, ORIGIN, Kind::Board);
    tender.receive(2);
    tender.beat(40);
    let rng = &mut mifeng::crypto::SeededEntropy::new(b"late");
    let subject = bidder_subject(3);
    // Valid since after the beat before.
    let fresh = issue(
        &INTL,
        &cast.ca,
        &subject,
        Profile::BidderSign,
        secs(43),
        rng,
    );
    let (file, data) = tender.seal_by(&fresh, 870_000, 44);
    let bid = Sealed {
        record: tender.signed(&fresh, "bid.submit", &data, 44),
        id: tender.verified(&file).id(),
        file,
    };
    tender.submit(&bid, secs(44)).expect("valid by then");
    tender.close(secs(DEADLINE)).expect("closed");
    assert!(tender.bundle().replay.state.bids().contains_key(&bid.id));
}

#[test]
fn a_revocation_list_that_arrives_late() {
    use mifeng::pki::Signer;
    use mifeng::pki::issue::Revocation;
    let cast = Cast::new(&INTL, "edges");
    let mut tender = Tender::new(&cast, ORIGIN, Kind::Board);
    tender.receive(3);
    tender.beat(40);
    let revoked = Revocation {
        serial: cast.bidders[2].signer.certificate().serial_raw().to_vec(),
        revoked: secs(5),
        reason: 4,
        invalid_since: None,
    };
    // Made at 6 s, at hand from 45 s on: what was accepted between stays accepted.
    let list = cast
        .ca
        .revocation_list(&[revoked], secs(6), secs(86_400), 2);
    assert_eq!(
        tender
            .host
            .add_crl(&list.expect("a list"))
            .map_err(|e| e.code()),
        Err("cert.revoked")
    );
    assert_valid(&tender.finish(Kind::Board));
}
