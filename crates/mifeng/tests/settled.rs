//! Bids and prices that are settled stay settled, and periods run from when their record came in.

mod common;

use common::*;
use mifeng::crypto::{Digest, INTL};
use mifeng::tender::*;

/// A bid of bidder `number` that reads `words` and `figures`, which may differ.
fn offer(tender: &mut Tender<'_>, number: usize, words: &str, figures: u64) {
    let at = 12 + 7 * number as i64;
    let person = &tender.cast.bidders[number];
    let (file, record) = tender.seal_content(person, (words, figures), Vec::new(), (false, at));
    let data = mifeng::bidder::submission(&record);
    let bid = Sealed {
        record: tender.signed(person, "bid.submit", &data, at),
        id: tender.verified(&file).id(),
        file,
    };
    tender.submit(&bid, secs(at)).expect("on time");
    tender.beat(at);
    tender.bids.push(bid);
}

#[test]
fn prices_are_frozen_once_a_low_price_is_decided_on() {
    let cast = Cast::new(&INTL, "offers");
    let mut tender = published(&cast, lowest);
    // The words prevail, once the bidder confirms them.
    offer(&mut tender, 0, "叁拾伍万元整", 900_000);
    offer(&mut tender, 1, "捌拾玖万元整", 890_000);
    offer(&mut tender, 2, "肆拾万元整", 400_000);
    tender.close_and_release(Kind::Board);
    tender.open_all(100);
    let seated = tender.draw(101);
    tender.pass_checks(&seated, 102);
    let ids: Vec<Digest> = tender.bids.iter().map(|bid| bid.id).collect();
    let first = &cast.experts[seated[0]];
    let asked = |tender: &mut Tender<'_>, number: usize, at: i64| {
        let found = tender.host.state().low_prices(LOT).expect("priced");
        let ask = Ask {
            lot: LOT.to_owned(),
            seal: ids[number],
            matter: Matter::LowPrice,
            triggers: found[&ids[number]].clone(),
            text: "请说明成本".to_owned(),
            until: secs(at + 1_800),
        };
        tender.say(first, "clarify.ask", &ask, at).expect("asked");
    };
    asked(&mut tender, 2, 103);
    let confirm = PriceConfirm {
        seal: ids[0],
        price: "350000.00".to_owned(),
    };
    let bidder = &cast.bidders[0];
    let before = tender.finding(CheckKind::LowPrice, &[]);
    tender
        .say(bidder, "price.confirm", &confirm, 104)
        .expect("confirmed");
    // A price that joins in must be asked about before anybody decides.
    assert_eq!(
        code(tender.say(first, "check", &before, 2_000)),
        "review.open"
    );
    asked(&mut tender, 0, 2_000);
    let data = tender.finding(CheckKind::LowPrice, &[]);
    assert_eq!(data.rows.len(), 2);
    tender.say(first, "check", &data, 4_000).expect("begun");
    assert_eq!(
        code(tender.say(bidder, "price.confirm", &confirm, 4_001)),
        "record.wrong-stage"
    );
    for seat in &seated[1..] {
        let person = &cast.experts[*seat];
        tender.say(person, "check", &data, 4_002).expect("decided");
    }
    tender.rank(4_003).expect("ranked");
}

#[test]
fn a_price_that_stays_unconfirmed_cannot_reopen_the_review() {
    let cast = Cast::new(&INTL, "offers");
    let mut tender = published(&cast, |notice| {
        lowest(notice);
    });
    offer(&mut tender, 0, "叁拾伍万元整", 900_000);
    offer(&mut tender, 1, "捌拾玖万元整", 890_000);
    offer(&mut tender, 2, "肆拾万元整", 400_000);
    offer(&mut tender, 3, "捌拾捌万元整", 880_000);
    tender.close_and_release(Kind::Board);
    tender.open_all(100);
    let seated = tender.draw(101);
    tender.pass_checks(&seated, 102);
    let ids: Vec<Digest> = tender.bids.iter().map(|bid| bid.id).collect();
    let found = tender.host.state().low_prices(LOT).expect("priced");
    let ask = Ask {
        lot: LOT.to_owned(),
        seal: ids[2],
        matter: Matter::LowPrice,
        triggers: found[&ids[2]].clone(),
        text: "请说明成本".to_owned(),
        until: secs(103 + 1_800),
    };
    let first = &cast.experts[seated[0]];
    tender.say(first, "clarify.ask", &ask, 103).expect("asked");
    let put = Ask {
        seal: ids[0],
        matter: Matter::Price,
        triggers: Vec::new(),
        ..ask
    };
    tender.say(first, "clarify.ask", &put, 103).expect("asked");
    let none: &[Digest] = &[];
    tender
        .check(CheckKind::LowPrice, &seated, none, 2_000)
        .expect("decided");
    let confirm = PriceConfirm {
        seal: ids[0],
        price: "350000.00".to_owned(),
    };
    let outcome = tender.say(&cast.bidders[0], "price.confirm", &confirm, 2_001);
    assert_eq!(code(outcome), "record.wrong-stage");
    tender.rank(2_002).expect("no review is open");
}

#[test]
fn a_rejected_price_still_counts_in_the_triggers() {
    let cast = Cast::new(&INTL, "offers");
    let (mut tender, seated) = opened(&cast, [900_000, 890_000, 400_000, 880_000], |notice| {
        lowest(notice);
    });
    tender.pass_checks(&seated, 102);
    let seal = tender.bids[2].id;
    let triggers = tender.host.state().low_prices(LOT).expect("priced")[&seal].clone();
    let ask = Ask {
        lot: LOT.to_owned(),
        seal,
        matter: Matter::LowPrice,
        triggers: triggers.clone(),
        text: "请说明成本".to_owned(),
        until: secs(103 + 1_800),
    };
    let first = &cast.experts[seated[0]];
    tender.say(first, "clarify.ask", &ask, 103).expect("asked");
    tender
        .check(CheckKind::LowPrice, &seated, &[seal], 2_000)
        .expect("decided");
    let outcome = tender.host.state().computed(LOT).expect("two are left");
    let id = seal.to_string();
    assert_eq!(outcome.abnormal_low.get(&id), Some(&triggers));
    assert!(outcome.invalid.iter().any(|row| row.id == id));
    assert!(outcome.rows.iter().all(|row| row.id != id));
    tender.rank(2_001).expect("ranked");
    tender.report(&seated, 2_002).expect("signed");
    assert_valid(&tender.archive(2_003));
}

#[test]
fn bids_over_the_ceiling_are_not_drawn_among() {
    let cast = Cast::new(&INTL, "offers");
    let (mut tender, seated) = opened(&cast, [900_000, 1_100_000, 860_000, 880_000], |notice| {
        notice.procedure = Procedure::Works;
        let rules = serde_json::json!({
            "method": "works-deviation", "object": "works", "price_weight": "60",
            "ceiling": "1000000.00", "formula": {"family": "random-mean"},
            "items": [{"id": "spec", "name": {"zh": "a", "en": "a"}, "max": "40", "kind": "subjective"}],
        });
        notice.lots[0].rules = serde_json::from_value(rules).expect("rules");
    });
    tender.pass_checks(&seated, 102);
    let pool = tender
        .host
        .state()
        .expected_pool(LOT, Purpose::Coefficient, "R")
        .expect("three bids take part");
    let mut expected = [0, 2, 3].map(|n| tender.bids[n].id.to_string());
    expected.sort();
    let found: Vec<&String> = pool.rows.iter().map(|row| &row.id).collect();
    assert_eq!(found, expected.iter().collect::<Vec<_>>());
}

#[test]
fn periods_do_not_begin_before_their_record_came_in() {
    let cast = Cast::new(&INTL, "offers");
    let (mut tender, seated) = opened(&cast, [900_000, 890_000, 400_000], |notice| {
        lowest(notice);
    });
    tender.pass_checks(&seated, 102);
    let seal = tender.bids[2].id;
    let ask = |at: i64| Ask {
        lot: LOT.to_owned(),
        seal,
        matter: Matter::LowPrice,
        triggers: vec!["second".to_owned(), "ceiling".to_owned()],
        text: "请说明成本".to_owned(),
        until: secs(at + 1_800),
    };
    let expert = &cast.experts[seated[0]];
    // Signed as if half an hour ago, so that the bidder had ten seconds.
    let old = tender.signed(expert, "clarify.ask", &ask(110), 110);
    assert_eq!(code(tender.take(old.clone(), 1_900)), "record.backdated");
    // Five minutes to carry a file over are there; other records may be older.
    assert_eq!(code(tender.take(old.clone(), 411)), "record.backdated");
    let slip = Ask {
        matter: Matter::Slip,
        triggers: Vec::new(),
        ..ask(2_000)
    };
    let offline = tender.signed(&cast.experts[seated[1]], "clarify.ask", &slip, 120);
    tender.take(offline, 1_900).expect("not a period of law");
    tender.take(old, 410).expect("five minutes");
    // A host whose clock goes along is told by its own log.
    let third = &cast.experts[seated[2]];
    let answered = tender.signed(third, "clarify.ask", &slip, 1_900);
    tender.take(answered, 1_900).expect("taken");
    let review = Ask {
        seal: tender.bids[1].id,
        triggers: vec!["committee".to_owned()],
        ..ask(1_299)
    };
    let early = tender.signed(third, "clarify.ask", &review, 1_299);
    assert_eq!(code(tender.take(early, 1_299)), "record.backdated");
    let review = Ask {
        until: secs(1_300 + 1_800),
        ..review
    };
    let late = tender.signed(third, "clarify.ask", &review, 1_300);
    tender.take(late, 1_300).expect("within both clocks");
}

#[test]
fn a_corrected_price_is_put_to_its_bidder() {
    let cast = Cast::new(&INTL, "offers");
    let mut tender = published(&cast, lowest);
    offer(&mut tender, 0, "捌拾伍万元整", 900_000);
    offer(&mut tender, 1, "捌拾玖万元整", 890_000);
    offer(&mut tender, 2, "捌拾捌万元整", 880_000);
    tender.close_and_release(Kind::Board);
    tender.open_all(100);
    let seated = tender.draw(101);
    tender.pass_checks(&seated, 102);
    let ids: Vec<Digest> = tender.bids.iter().map(|bid| bid.id).collect();
    let first = &cast.experts[seated[0]];
    let failure = tender.host.state().expected_failure(LOT).expect("two left");
    assert_eq!(failure.reason, "too-few-left");
    // Nobody asked: the lot does not fail for it.
    let outcome = tender.say(&cast.agency, "lot.fail", &failure, 103);
    assert_eq!(code(outcome), "price.unconfirmed");
    let until = 103 + 600;
    let ask = |number: usize| Ask {
        lot: LOT.to_owned(),
        seal: ids[number],
        matter: Matter::Price,
        triggers: Vec::new(),
        text: "请确认修正后的报价".to_owned(),
        until: secs(until),
    };
    let outcome = tender.say(first, "clarify.ask", &ask(1), 103);
    assert_eq!(code(outcome), "result.differs");
    tender
        .say(first, "clarify.ask", &ask(0), 103)
        .expect("asked");
    let outcome = tender.say(first, "clarify.ask", &ask(0), 103);
    assert_eq!(code(outcome), "bid.duplicate");
    let outcome = tender.say(&cast.agency, "lot.fail", &failure, until - 1);
    assert_eq!(code(outcome), "price.unconfirmed");
    // A date ahead of the host's clock makes the time no shorter.
    let ahead = tender.signed(&cast.agency, "lot.fail", &failure, until);
    assert_eq!(code(tender.take(ahead, until - 200)), "price.unconfirmed");
    tender
        .say(&cast.agency, "lot.fail", &failure, until)
        .expect("nobody confirmed");
    assert_eq!(tender.letters(until + 1), 3);
    let letters = tender.host.state().letters(LOT).expect("letters");
    assert_eq!(letters[&ids[0]].fate, Fate::PriceUnconfirmed);
    assert_valid(&tender.archive(until + 2));
}

#[test]
fn an_answer_in_place_of_a_confirmation_declines() {
    let cast = Cast::new(&INTL, "offers");
    let mut tender = published(&cast, lowest);
    offer(&mut tender, 0, "捌拾伍万元整", 900_000);
    offer(&mut tender, 1, "捌拾玖万元整", 890_000);
    offer(&mut tender, 2, "捌拾捌万元整", 880_000);
    offer(&mut tender, 3, "捌拾柒万元整", 870_000);
    tender.close_and_release(Kind::Board);
    tender.open_all(100);
    let seated = tender.draw(101);
    tender.pass_checks(&seated, 102);
    let ask = Ask {
        lot: LOT.to_owned(),
        seal: tender.bids[0].id,
        matter: Matter::Price,
        triggers: Vec::new(),
        text: "请确认修正后的报价".to_owned(),
        until: secs(5_000),
    };
    assert_eq!(code(tender.rank(103)), "price.unconfirmed");
    let first = &cast.experts[seated[0]];
    tender.say(first, "clarify.ask", &ask, 103).expect("asked");
    assert_eq!(code(tender.rank(104)), "price.unconfirmed");
    let answer = Answer {
        question: tender.host.state().questions()[0].0,
        text: "不予确认".to_owned(),
        price: None,
    };
    tender
        .say(&cast.bidders[0], "clarify.answer", &answer, 105)
        .expect("answered");
    tender.rank(106).expect("ranked without it");
    tender.report(&seated, 107).expect("signed");
    tender.award(108).expect("awarded");
    assert_eq!(tender.host.state().awards()[LOT].seal, tender.bids[3].id);
    assert_eq!(tender.letters(109), 3);
    assert_valid(&tender.archive(110));
}

#[test]
fn a_suspension_takes_no_time_from_who_was_asked() {
    let cast = Cast::new(&INTL, "offers");
    let (mut tender, seated) = opened(&cast, [900_000, 890_000, 400_000], lowest);
    tender.pass_checks(&seated, 102);
    let seal = tender.bids[2].id;
    let triggers = tender.host.state().low_prices(LOT).expect("priced")[&seal].clone();
    let ask = Ask {
        lot: LOT.to_owned(),
        seal,
        matter: Matter::LowPrice,
        triggers,
        text: "请说明成本".to_owned(),
        until: secs(103 + 1_800),
    };
    let first = &cast.experts[seated[0]];
    tender.say(first, "clarify.ask", &ask, 103).expect("asked");
    let why = Halt {
        reason: "质疑处理".to_owned(),
    };
    let agency = &cast.agency;
    tender
        .say(agency, "tender.suspend", &why, 110)
        .expect("suspended");
    let answer = Answer {
        question: tender.host.state().questions()[0].0,
        text: "附成本构成".to_owned(),
        price: None,
    };
    let bidder = &cast.bidders[2];
    let refused = tender.say(bidder, "clarify.answer", &answer, 120);
    assert_eq!(code(refused), "tender.halted");
    tender
        .say(agency, "tender.resume", &why, 2_000)
        .expect("resumed");
    // The half hour that was written down is over, the bidder's is not.
    let early = tender.check(CheckKind::LowPrice, &seated, &[], 2_001);
    assert_eq!(code(early), "review.open");
    tender
        .say(bidder, "clarify.answer", &answer, 2_000 + 1_799)
        .expect("in time");
    tender
        .check(CheckKind::LowPrice, &seated, &[], 3_800)
        .expect("decided");
    tender.rank(3_801).expect("ranked");
    tender.report(&seated, 3_802).expect("signed");
    tender.award(3_803).expect("awarded");
    assert_valid(&tender.archive(3_804));
}
