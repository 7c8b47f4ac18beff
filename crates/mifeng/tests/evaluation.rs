//! The evaluation: each record taken where it belongs and refused where it does not.

mod common;

use common::*;
use mifeng::crypto::{Digest, INTL};
use mifeng::tender::*;
use std::collections::BTreeMap;

#[test]
fn checks_judge_what_is_due() {
    let cast = Cast::new(&INTL, "evaluation");
    let (mut tender, seated) = drawn(&cast);
    let agency = &cast.agency;
    let expert = &cast.experts[seated[0]];
    // Conformity waits for qualification, and sheets for both.
    let early = tender.host.state().due_in(CheckKind::Conformity, LOT);
    assert_eq!(early.expect_err("too early").code(), "record.wrong-stage");
    let good = tender.finding(CheckKind::Qualification, &[]);
    assert_eq!(
        code(tender.say(expert, "check", &good, 102)),
        "record.not-authorised"
    );
    assert_eq!(
        code(tender.say(&cast.bidders[0], "check", &good, 102)),
        "record.not-authorised"
    );
    // A row less, a row twice, another order, a failing row without its reason, a pass with one.
    let mut bad = Vec::new();
    let mut fewer = good.clone();
    fewer.rows.pop();
    bad.push((fewer, "check.invalid"));
    let mut twice = good.clone();
    twice.rows[1] = twice.rows[0].clone();
    bad.push((twice, "check.invalid"));
    let mut order = good.clone();
    order.rows.reverse();
    bad.push((order, "check.invalid"));
    let mut silent = good.clone();
    silent.rows[0].pass = false;
    bad.push((silent, "record.data"));
    let mut reasoned = good.clone();
    reasoned.rows[0].reason = "好".to_owned();
    bad.push((reasoned, "check.invalid"));
    let mut elsewhere = good.clone();
    elsewhere.lot = "9".to_owned();
    bad.push((elsewhere, "record.data"));
    for (data, expected) in bad {
        assert_eq!(code(tender.say(agency, "check", &data, 102)), expected);
    }
    tender.say(agency, "check", &good, 102).expect("taken");
    // The buyer speaks with the same voice as its agency, once.
    assert_eq!(
        code(tender.say(&cast.buyer, "check", &good, 102)),
        "bid.duplicate"
    );
    // The committee decides by majority, once everybody has spoken.
    let against = [tender.bids[2].id];
    for (n, seat) in seated.iter().enumerate() {
        assert!(tender.host.state().conforming(LOT).is_err());
        let fails: &[Digest] = if n < 2 { &against } else { &[] };
        let data = tender.finding(CheckKind::Conformity, fails);
        let person = &cast.experts[*seat];
        tender.say(person, "check", &data, 103).expect("taken");
        assert_eq!(
            code(tender.say(person, "check", &data, 103)),
            "bid.duplicate"
        );
    }
    let conforming = tender.host.state().conforming(LOT).expect("all spoke");
    assert_eq!(conforming.len(), 3, "two of five are no majority");
    let data = tender.finding(CheckKind::Conformity, &[]);
    assert_eq!(
        code(tender.say(agency, "check", &data, 103)),
        "expert.not-drawn"
    );
}

#[test]
fn too_few_are_left() {
    let cast = Cast::new(&INTL, "evaluation");
    let (mut tender, seated) = drawn(&cast);
    tender
        .check(CheckKind::Qualification, &seated, &[], 102)
        .expect("taken");
    let early = tender.host.state().expected_failure(LOT);
    assert_eq!(early.expect_err("not failed").code(), "result.differs");
    let out = [tender.bids[0].id];
    tender
        .check(CheckKind::Conformity, &seated, &out, 102)
        .expect("taken");
    let data = tender.commitment(seated[0], &salt(1), &BTreeMap::new());
    let expert = &cast.experts[seated[0]];
    assert_eq!(
        code(tender.say(expert, "score.commit", &data, 103)),
        "evaluation.too-few"
    );
    let mut data = tender.host.state().expected_failure(LOT).expect("failed");
    assert_eq!(data.reason, "too-few-conforming");
    data.reason = "too-few-bids".to_owned();
    assert_eq!(
        code(tender.say(&cast.agency, "lot.fail", &data, 103)),
        "result.differs"
    );
    data.reason = "too-few-conforming".to_owned();
    assert_eq!(
        code(tender.say(&cast.buyer, "lot.fail", &data, 103)),
        "record.not-authorised"
    );
    tender
        .say(&cast.agency, "lot.fail", &data, 103)
        .expect("failed");
    assert_eq!(
        code(tender.say(&cast.agency, "lot.fail", &data, 104)),
        "bid.duplicate"
    );
    assert_valid(&tender.archive(110));
}

#[test]
fn questions_and_answers() {
    let cast = Cast::new(&INTL, "evaluation");
    let (mut tender, seated) = drawn(&cast);
    let expert = &cast.experts[seated[0]];
    let ask = Ask {
        lot: LOT.to_owned(),
        seal: tender.bids[0].id,
        matter: Matter::Ambiguity,
        triggers: Vec::new(),
        text: "质保期以何处为准？".to_owned(),
        until: secs(200),
    };
    assert_eq!(
        code(tender.say(&cast.agency, "clarify.ask", &ask, 102)),
        "expert.not-drawn"
    );
    for (change, expected) in [
        (
            Ask {
                until: secs(102),
                ..ask.clone()
            },
            "clarify.late",
        ),
        (
            Ask {
                text: " ".to_owned(),
                ..ask.clone()
            },
            "record.data",
        ),
        (
            Ask {
                seal: Digest::from_bytes([7; 32]),
                ..ask.clone()
            },
            "bid.unknown",
        ),
        (
            Ask {
                triggers: vec!["mean".to_owned()],
                ..ask.clone()
            },
            "result.differs",
        ),
    ] {
        assert_eq!(
            code(tender.say(expert, "clarify.ask", &change, 102)),
            expected
        );
    }
    tender.say(expert, "clarify.ask", &ask, 102).expect("asked");
    let question = tender.host.state().questions()[0].0;
    let answer = Answer {
        question,
        text: "以第3页为准".to_owned(),
        price: None,
    };
    let bidder = &cast.bidders[0];
    let unasked = Answer {
        question: Digest::from_bytes([9; 32]),
        ..answer.clone()
    };
    assert_eq!(
        code(tender.say(bidder, "clarify.answer", &unasked, 103)),
        "clarify.not-asked"
    );
    let other = &cast.bidders[1];
    assert_eq!(
        code(tender.say(other, "clarify.answer", &answer, 103)),
        "record.not-authorised"
    );
    let cheaper = Answer {
        price: Some("880000.00".to_owned()),
        ..answer.clone()
    };
    assert_eq!(
        code(tender.say(bidder, "clarify.answer", &cheaper, 103)),
        "clarify.price-changed"
    );
    // Late by its own clock, and late at the host's door with an older date.
    assert_eq!(
        code(tender.say(bidder, "clarify.answer", &answer, 200)),
        "clarify.late"
    );
    let dated = tender.signed(bidder, "clarify.answer", &answer, 199);
    assert_eq!(code(tender.take(dated.clone(), 200)), "clarify.late");
    let same = Answer {
        price: Some("900000".to_owned()),
        ..answer.clone()
    };
    tender
        .say(bidder, "clarify.answer", &same, 199)
        .expect("in time, at the price as bid");
    assert_eq!(
        code(tender.say(bidder, "clarify.answer", &answer, 199)),
        "bid.duplicate"
    );
    tender.pass_checks(&seated, 210);
    tender.commit(0, seated[0], 211).expect("committed");
    assert_eq!(
        code(tender.say(
            expert,
            "clarify.ask",
            &Ask {
                until: secs(300),
                ..ask
            },
            212
        )),
        "record.wrong-stage"
    );
}

#[test]
fn sheets_are_closed_first_and_revealed_together() {
    let cast = Cast::new(&INTL, "evaluation");
    let (mut tender, seated) = drawn(&cast);
    tender
        .check(CheckKind::Qualification, &seated, &[], 102)
        .expect("taken");
    let expert = &cast.experts[seated[0]];
    let blank = ScoreCommit {
        lot: LOT.to_owned(),
        commitment: Digest::from_bytes([1; 32]),
    };
    assert_eq!(
        code(tender.say(expert, "score.commit", &blank, 103)),
        "record.wrong-stage"
    );
    tender
        .check(CheckKind::Conformity, &seated, &[], 103)
        .expect("taken");
    let outsider = (0..7).find(|n| !seated.contains(n)).expect("seven");
    let outside = &cast.experts[outsider];
    assert_eq!(
        code(tender.say(outside, "score.commit", &blank, 103)),
        "expert.not-drawn"
    );
    assert_eq!(
        code(tender.reveal(0, seated[0], 103)),
        "score.not-committed"
    );
    for (n, expert) in seated.iter().enumerate().take(4) {
        tender.commit(n, *expert, 104).expect("committed");
    }
    assert_eq!(code(tender.commit(0, seated[0], 104)), "score.invalid");
    // One is missing: nobody shows a sheet.
    assert_eq!(
        code(tender.reveal(0, seated[0], 104)),
        "score.not-committed"
    );
    tender.commit(4, seated[4], 105).expect("committed");
    // Another sheet, another salt, another's sheet.
    let mut other = tender.points(0);
    for items in other.values_mut() {
        items.insert("spec".to_owned(), "49.00".to_owned());
    }
    let reveal = |salt: Digest, scores| Score {
        lot: LOT.to_owned(),
        salt,
        scores,
    };
    for data in [
        reveal(salt(0), other),
        reveal(salt(9), tender.points(0)),
        reveal(salt(1), tender.points(1)),
    ] {
        assert_eq!(
            code(tender.say(expert, "score", &data, 105)),
            "score.commitment-differs"
        );
    }
    for (n, expert) in seated.iter().enumerate() {
        assert!(tender.rank(106).is_err(), "{n} sheets");
        tender.reveal(n, *expert, 106).expect("revealed");
    }
    assert_eq!(code(tender.reveal(0, seated[0], 106)), "score.invalid");
    // The set of bids is fixed once somebody has closed a sheet.
    let late = tender
        .host
        .state()
        .due_in(CheckKind::Conformity, LOT)
        .expect("due");
    let late = Check {
        kind: CheckKind::Conformity,
        lot: LOT.to_owned(),
        rows: late
            .into_iter()
            .map(|seal| CheckRow {
                seal,
                pass: true,
                reason: String::new(),
                article: String::new(),
            })
            .collect(),
    };
    assert_eq!(
        code(tender.say(expert, "check", &late, 106)),
        "record.wrong-stage"
    );
    tender.rank(107).expect("ranked");
    assert_eq!(code(tender.reveal(0, seated[0], 107)), "record.wrong-stage");
}

/// A tender of two lots whose bids are opened: three for the first, `second` for the other one.
fn two_lots(cast: &Cast, second: usize) -> (Tender<'_>, Vec<usize>) {
    let mut tender = published(cast, |notice| {
        let mut lot = notice.lots[0].clone();
        lot.id = "2".to_owned();
        notice.lots.push(lot);
    });
    tender.receive(3);
    tender.lot = "2";
    for number in 0..second {
        let at = 33 + 7 * number as i64;
        let bid = tender.seal(number, 800_000 - 10_000 * number as u64, at);
        tender.submit(&bid, secs(at)).expect("a bid on time");
        tender.beat(at);
        tender.bids.push(bid);
    }
    tender.close_and_release(Kind::Board);
    tender.open_all(100);
    let seated = tender.draw(101);
    tender.lot = LOT;
    tender.pass_checks(&seated, 102);
    (tender, seated)
}

#[test]
fn no_sheet_is_shown_while_another_lot_is_scored() {
    let cast = Cast::new(&INTL, "evaluation lots");
    let (mut tender, seated) = two_lots(&cast, 3);
    for (n, expert) in seated.iter().enumerate() {
        tender.commit(n, *expert, 103).expect("committed");
    }
    // The other lot is not even checked, then scored by all but one.
    let shown = |tender: &mut Tender<'_>, at| code(tender.reveal(0, seated[0], at));
    assert_eq!(shown(&mut tender, 104), "score.not-committed");
    tender.lot = "2";
    tender.pass_checks(&seated, 105);
    for (n, expert) in seated.iter().enumerate().take(4) {
        tender.commit(n, *expert, 106).expect("committed");
    }
    for lot in ["2", LOT] {
        tender.lot = lot;
        assert_eq!(shown(&mut tender, 107), "score.not-committed", "{lot}");
    }
    tender.lot = "2";
    tender.commit(4, seated[4], 108).expect("committed");
    for lot in [LOT, "2"] {
        tender.lot = lot;
        for (n, expert) in seated.iter().enumerate() {
            tender.reveal(n, *expert, 109).expect("revealed");
        }
        tender.rank(110).expect("ranked");
    }
}

#[test]
fn a_lot_that_ends_without_a_winner_keeps_no_sheet_closed() {
    let cast = Cast::new(&INTL, "evaluation lots");
    let (mut tender, seated) = two_lots(&cast, 2);
    assert!(tender.host.state().failure("2").is_some());
    tender.score_all(&seated, 103);
    tender.rank(104).expect("ranked");
}

#[test]
fn a_ground_that_is_not_recorded_keeps_the_sheets_closed() {
    let cast = Cast::new(&INTL, "evaluation lots");
    let (mut tender, seated) = two_lots(&cast, 3);
    for (n, expert) in seated.iter().enumerate() {
        tender.commit(n, *expert, 103).expect("committed");
    }
    tender.lot = "2";
    let against = tender.host.state().opened_in("2")[0];
    let checked = tender.check(CheckKind::Qualification, &seated, &[against], 104);
    checked.expect("checked");
    let ground = tender.host.state().failure("2").map(|(reason, _)| reason);
    assert_eq!(ground, Some("too-few-qualified"));
    // Whoever found against that bid may be replaced, and the lot be scored after all.
    tender.lot = LOT;
    let early = tender.reveal(0, seated[0], 105);
    assert_eq!(code(early), "score.not-committed");
    let fail = tender.host.state().expected_failure("2").expect("a ground");
    tender
        .say(&cast.agency, "lot.fail", &fail, 106)
        .expect("recorded");
    tender.reveal(0, seated[0], 107).expect("revealed");
}
