//! The committee: sheets put right, report, members replaced, seats at several sites.

mod common;

use common::*;
use mifeng::crypto::{Digest, INTL};
use mifeng::tender::*;
use std::collections::BTreeMap;

#[test]
fn objective_items_are_put_right() {
    let cast = Cast::new(&INTL, "evaluation");
    let (mut tender, seated) = drawn(&cast);
    tender.pass_checks(&seated, 102);
    // The last expert counts a contract more for one bid.
    let mut odd = tender.points(4);
    let bid = odd.keys().next().expect("a bid").clone();
    let record = |points: &str| BTreeMap::from([("record".to_owned(), points.to_owned())]);
    odd.get_mut(&bid)
        .expect("a bid")
        .insert("record".to_owned(), "11.00".to_owned());
    for (n, expert) in seated.iter().enumerate().take(4) {
        tender.commit(n, *expert, 103).expect("committed");
    }
    let data = tender.commitment(seated[4], &salt(4), &odd);
    let person = &cast.experts[seated[4]];
    tender
        .say(person, "score.commit", &data, 103)
        .expect("committed");
    for (n, expert) in seated.iter().enumerate().take(4) {
        tender.reveal(n, *expert, 104).expect("revealed");
    }
    let data = Score {
        lot: LOT.to_owned(),
        salt: salt(4),
        scores: odd,
    };
    tender.say(person, "score", &data, 104).expect("revealed");
    assert_eq!(code(tender.rank(105)), "score.invalid");
    let differing = tender.host.state().differing(LOT).expect("all sheets");
    assert_eq!(differing, [(bid.clone(), "record".to_owned())]);
    let fix = |bid: &str, items| ScoreCorrect {
        lot: LOT.to_owned(),
        reason: "业绩证明重复计算".to_owned(),
        scores: BTreeMap::from([(bid.to_owned(), items)]),
    };
    // Neither a subjective item, nor another bid, nor above the band, nor without a reason.
    let subjective = BTreeMap::from([("spec".to_owned(), "50.00".to_owned())]);
    let other = tender.points(0).keys().nth(1).expect("another").clone();
    for data in [
        fix(&bid, subjective),
        fix(&other, record("10.00")),
        fix(&bid, record("21.00")),
        fix(&bid, BTreeMap::new()),
    ] {
        assert_eq!(
            code(tender.say(person, "score.correct", &data, 105)),
            "score.invalid"
        );
    }
    let silent = ScoreCorrect {
        reason: String::new(),
        ..fix(&bid, record("10.00"))
    };
    assert_eq!(
        code(tender.say(person, "score.correct", &silent, 105)),
        "record.data"
    );
    let good = fix(&bid, record("10.00"));
    tender
        .say(person, "score.correct", &good, 105)
        .expect("put right");
    tender.rank(106).expect("ranked");
    tender.report(&seated, 107).expect("signed");
    tender.award(108).expect("awarded");
    assert_valid(&tender.archive(110));
}

#[test]
fn report_signatures_award_and_letters() {
    let cast = Cast::new(&INTL, "evaluation");
    let (mut tender, seated) = drawn(&cast);
    tender.pass_checks(&seated, 102);
    tender.score_all(&seated, 103);
    let stated = Stated::default;
    let early = tender.host.state().expected_report(LOT, stated());
    assert_eq!(early.expect_err("unranked").code(), "record.wrong-stage");
    tender.rank(104).expect("ranked");
    assert_eq!(code(tender.award(105)), "report.unsigned");
    let good = tender
        .host
        .state()
        .expected_report(LOT, stated())
        .expect("a report");
    for change in [
        Report {
            candidates: good.candidates.iter().rev().cloned().collect(),
            ..good.clone()
        },
        Report {
            committee: Vec::new(),
            ..good.clone()
        },
        Report {
            bidders: good.bidders[1..].to_vec(),
            ..good.clone()
        },
        Report {
            procedure: Procedure::Invited,
            ..good.clone()
        },
    ] {
        assert_eq!(
            code(tender.say(&cast.agency, "report", &change, 105)),
            "result.differs"
        );
    }
    let outcome = tender.say(&cast.buyer, "report", &good, 105);
    assert_eq!(code(outcome), "record.not-authorised");
    tender
        .say(&cast.agency, "report", &good, 105)
        .expect("made");
    assert_eq!(
        code(tender.say(&cast.agency, "report", &good, 105)),
        "bid.duplicate"
    );
    let (id, _) = tender.host.state().report(LOT).expect("made");
    let sign = |dissent: &str| ReportSign {
        report: *id,
        dissent: dissent.to_owned(),
    };
    let (plain, dissent) = (sign(""), sign("对第二名的业绩认定有异议"));
    let other = ReportSign {
        report: Digest::from_bytes([3; 32]),
        dissent: String::new(),
    };
    let first = &cast.experts[seated[0]];
    assert_eq!(
        code(tender.say(first, "report.sign", &other, 105)),
        "result.differs"
    );
    assert_eq!(
        code(tender.say(&cast.buyer, "report.sign", &plain, 105)),
        "expert.not-drawn"
    );
    tender
        .say(first, "report.sign", &dissent, 105)
        .expect("signed");
    assert_eq!(
        code(tender.say(first, "report.sign", &plain, 105)),
        "bid.duplicate"
    );
    let second = &cast.experts[seated[1]];
    tender
        .say(second, "report.sign", &plain, 105)
        .expect("signed");
    // Two of five are no majority.
    assert_eq!(code(tender.award(106)), "report.unsigned");
    let third = &cast.experts[seated[2]];
    tender
        .say(third, "report.sign", &plain, 106)
        .expect("signed");
    let seals: Vec<Digest> = tender.bids.iter().map(|bid| bid.id).collect();
    let early = tender.host.state().expected_letter(LOT, &seals[0]);
    assert_eq!(
        early.expect_err("no award yet").code(),
        "record.wrong-stage"
    );
    tender.award(107).expect("awarded");
    assert_eq!(code(tender.award(107)), "bid.duplicate");
    let won = tender.host.state().awards()[LOT].seal;
    let refused = tender.host.state().expected_letter(LOT, &won);
    assert_eq!(refused.expect_err("the winner").code(), "bid.unknown");
    let loser = seals
        .into_iter()
        .find(|seal| *seal != won)
        .expect("a loser");
    let letter = tender
        .host
        .state()
        .expected_letter(LOT, &loser)
        .expect("a letter");
    let row = tender.host.state().ranks()[LOT]
        .rows
        .iter()
        .find(|r| r.id == loser.to_string());
    let row = row.expect("ranked").clone();
    assert_eq!(
        (letter.total.clone(), letter.rank),
        (row.total, row.rank as u32)
    );
    let wrong = Letter {
        rank: 1,
        ..letter.clone()
    };
    assert_eq!(
        code(tender.say(&cast.agency, "letter", &wrong, 108)),
        "result.differs"
    );
    assert_eq!(
        code(tender.say(&cast.buyer, "letter", &letter, 108)),
        "record.not-authorised"
    );
    tender
        .say(&cast.agency, "letter", &letter, 108)
        .expect("out");
    assert_eq!(
        code(tender.say(&cast.agency, "letter", &letter, 108)),
        "bid.duplicate"
    );
    assert_valid(&tender.archive(110));
}

#[test]
fn members_are_replaced_in_the_drawn_order() {
    let cast = Cast::new(&INTL, "evaluation");
    let (mut tender, mut seated) = drawn(&cast);
    tender.pass_checks(&seated, 102);
    let leaving = cast.experts[seated[1]].fingerprint(cast.suite);
    let replace = |seat| SeatReplace {
        cert: leaving,
        reason: "突发疾病".to_owned(),
        declined: Vec::new(),
        seat: Some(seat),
    };
    let skipped = replace(tender.seat(6));
    assert_eq!(
        code(tender.say(&cast.agency, "seat.replace", &skipped, 104)),
        "result.differs"
    );
    let good = replace(tender.seat(5));
    assert_eq!(
        code(tender.say(&cast.buyer, "seat.replace", &good, 104)),
        "record.not-authorised"
    );
    let mut salted = good.clone();
    salted.seat.as_mut().expect("a seat").salt = salt(9);
    assert_eq!(
        code(tender.say(&cast.agency, "seat.replace", &salted, 104)),
        "result.differs"
    );
    tender
        .say(&cast.agency, "seat.replace", &good, 104)
        .expect("replaced");
    // What the one who left said is void: nothing was frozen yet, and the new member judges.
    let unready = tender.host.state().require_scorable(LOT);
    assert_eq!(
        unready.expect_err("one is new").code(),
        "record.wrong-stage"
    );
    let gone = &cast.experts[seated[1]];
    let data = tender.finding(CheckKind::Conformity, &[]);
    assert_eq!(
        code(tender.say(gone, "check", &data, 105)),
        "expert.not-drawn"
    );
    seated[1] = tender.order[5].2;
    let new = &cast.experts[seated[1]];
    tender.say(new, "check", &data, 105).expect("taken");
    tender.score_all(&seated, 106);
    tender.rank(107).expect("ranked");
    tender.report(&seated, 108).expect("signed");
    let (_, report) = tender.host.state().report(LOT).expect("a report");
    assert_eq!(report.replaced, [leaving]);
    tender.award(109).expect("awarded");
    assert_valid(&tender.archive(110));
}

#[test]
fn who_leaves_after_the_sheets_voids_nobody_elses() {
    let cast = Cast::new(&INTL, "evaluation");
    let (mut tender, mut seated) = drawn(&cast);
    tender.pass_checks(&seated, 102);
    for (n, expert) in seated.iter().enumerate() {
        tender.commit(n, *expert, 103).expect("committed");
    }
    for (n, expert) in seated.iter().enumerate().take(3) {
        tender.reveal(n, *expert, 104).expect("revealed");
    }
    let leaving = cast.experts[seated[1]].fingerprint(cast.suite);
    let data = SeatReplace {
        cert: leaving,
        reason: "突发疾病".to_owned(),
        declined: Vec::new(),
        seat: Some(tender.seat(5)),
    };
    // Whose points are known is not sent away by the agency alone, nor by half of the others.
    let replaced = |tender: &mut Tender<'_>| tender.say(&cast.agency, "seat.replace", &data, 105);
    assert_eq!(code(replaced(&mut tender)), "record.not-authorised");
    let leave = SeatLeave {
        cert: leaving,
        reason: "突发疾病".to_owned(),
    };
    let outsider = tender.say(&cast.agency, "seat.leave", &leave, 105);
    assert_eq!(code(outsider), "expert.not-drawn");
    for n in [0, 2, 3] {
        assert_eq!(code(replaced(&mut tender)), "record.not-authorised");
        let other = &cast.experts[seated[n]];
        tender.say(other, "seat.leave", &leave, 105).expect("said");
        let again = tender.say(other, "seat.leave", &leave, 105);
        assert_eq!(code(again), "bid.duplicate");
    }
    replaced(&mut tender).expect("three of four others");
    seated[1] = tender.order[5].2;
    // The others' sheets stay, shown or closed, and so do bids and prices.
    assert_eq!(tender.host.state().committed(LOT), 4);
    let shown = &tender.host.state().sheets()[LOT];
    assert_eq!(shown.len(), 2);
    assert!(!shown.contains_key(&leaving));
    assert_eq!(
        tender.host.state().conforming(LOT).expect("stands").len(),
        3
    );
    let new = &cast.experts[seated[1]];
    let again = tender.finding(CheckKind::Conformity, &[tender.bids[0].id]);
    assert_eq!(
        code(tender.say(new, "check", &again, 106)),
        "record.wrong-stage"
    );
    assert_eq!(code(tender.rank(106)), "score.invalid");
    assert_eq!(
        code(tender.reveal(3, seated[3], 106)),
        "score.not-committed"
    );
    tender.commit(1, seated[1], 106).expect("the new member's");
    for n in [1, 3, 4] {
        tender.reveal(n, seated[n], 107).expect("revealed");
    }
    tender.rank(108).expect("ranked");
    // Nor does a member who leaves later move a lot that is ranked.
    let leave = SeatLeave {
        cert: cast.experts[seated[2]].fingerprint(cast.suite),
        reason: "突发疾病".to_owned(),
    };
    let own = &cast.experts[seated[2]];
    tender.say(own, "seat.leave", &leave, 109).expect("leaves");
    let data = SeatReplace {
        cert: cast.experts[seated[2]].fingerprint(cast.suite),
        reason: "突发疾病".to_owned(),
        declined: Vec::new(),
        seat: Some(tender.seat(6)),
    };
    tender
        .say(&cast.agency, "seat.replace", &data, 109)
        .expect("replaced");
    seated[2] = tender.order[6].2;
    tender.report(&seated, 110).expect("signed");
    tender.award(111).expect("awarded");
    assert_valid(&tender.archive(112));
}

#[test]
fn nobody_watches_an_own_seat() {
    let cast = Cast::new(&INTL, "evaluation");
    let (mut tender, seated) = drawn(&cast);
    let cert = |n: usize| cast.experts[n].fingerprint(cast.suite);
    let mut seats: Vec<SeatSite> = seated
        .iter()
        .map(|n| SeatSite {
            cert: cert(*n),
            site: "1".to_owned(),
        })
        .collect();
    seats.sort_by_key(|seat| seat.cert);
    let data = SessionOpen {
        sites: vec![Site {
            id: "1".to_owned(),
            name: "第一评标室".to_owned(),
            supervisor: cert(tender.order[5].2),
        }],
        seats,
    };
    tender
        .say(&cast.agency, "session.open", &data, 102)
        .expect("open");
    let data = SeatReplace {
        cert: cert(seated[1]),
        reason: "突发疾病".to_owned(),
        declined: Vec::new(),
        seat: Some(tender.seat(5)),
    };
    assert_eq!(
        code(tender.say(&cast.agency, "seat.replace", &data, 103)),
        "result.differs"
    );
}

#[test]
fn remote_seats() {
    let cast = Cast::new(&INTL, "evaluation");
    let (mut tender, seated) = drawn(&cast);
    let suite = cast.suite;
    let sits = |n: usize| cast.experts[seated[n]].fingerprint(suite);
    let outsiders: Vec<usize> = (0..7).filter(|n| !seated.contains(n)).collect();
    let supervisors: Vec<&Person> = outsiders.iter().map(|n| &cast.experts[*n]).collect();
    let site = |id: &str, n: usize| Site {
        id: id.to_owned(),
        name: format!("{id}号评标室"),
        supervisor: supervisors[n].fingerprint(suite),
    };
    let mut seats: Vec<SeatSite> = (0..5)
        .map(|n| SeatSite {
            cert: sits(n),
            site: if n < 3 { "1" } else { "2" }.to_owned(),
        })
        .collect();
    seats.sort_by_key(|seat| seat.cert);
    let good = SessionOpen {
        sites: vec![site("1", 0), site("2", 1)],
        seats,
    };
    let mut missing = good.clone();
    missing.seats.pop();
    let mut nowhere = good.clone();
    nowhere.seats[0].site = "3".to_owned();
    let mut same = good.clone();
    same.sites[1].id = "1".to_owned();
    let mut partial = good.clone();
    partial.sites[0].supervisor = cast.buyer.fingerprint(suite);
    for (data, expected) in [
        (missing, "record.data"),
        (nowhere, "record.data"),
        (same, "record.data"),
        (partial, "record.not-authorised"),
    ] {
        assert_eq!(
            code(tender.say(&cast.agency, "session.open", &data, 102)),
            expected
        );
    }
    tender
        .say(&cast.agency, "session.open", &good, 102)
        .expect("open");
    assert_eq!(
        code(tender.say(&cast.agency, "session.open", &good, 102)),
        "record.wrong-stage"
    );
    tender
        .check(CheckKind::Qualification, &seated, &[], 102)
        .expect("the agency's");
    let data = tender.finding(CheckKind::Conformity, &[]);
    let first = &cast.experts[seated[0]];
    assert_eq!(
        code(tender.say(first, "check", &data, 103)),
        "seat.not-open"
    );
    let (event, _) = tender.host.state().notice().expect("published");
    let loaded = SeatOpen { notice: *event };
    let other = SeatOpen {
        notice: Digest::from_bytes([2; 32]),
    };
    assert_eq!(
        code(tender.say(first, "seat.open", &other, 103)),
        "result.differs"
    );
    let cosign = |tender: &Tender<'_>, n: usize| {
        let seat = tender
            .host
            .state()
            .seats()
            .iter()
            .find(|seat| seat.cert == sits(n));
        SeatCosign {
            cert: sits(n),
            seat: seat
                .and_then(|s| s.opened)
                .unwrap_or(Digest::from_bytes([0; 32])),
        }
    };
    let unopened = cosign(&tender, 0);
    assert_eq!(
        code(tender.say(supervisors[0], "seat.cosign", &unopened, 103)),
        "seat.not-open"
    );
    for (n, seat) in seated.iter().enumerate() {
        let expert = &cast.experts[*seat];
        tender.say(expert, "seat.open", &loaded, 104).expect("open");
        assert_eq!(
            code(tender.say(expert, "seat.open", &loaded, 104)),
            "bid.duplicate"
        );
        assert_eq!(
            code(tender.say(expert, "check", &data, 104)),
            "seat.not-open"
        );
        let (own, wrong) = (usize::from(n >= 3), usize::from(n < 3));
        let seat = cosign(&tender, n);
        assert_eq!(
            code(tender.say(supervisors[wrong], "seat.cosign", &seat, 104)),
            "record.not-authorised"
        );
        tender
            .say(supervisors[own], "seat.cosign", &seat, 104)
            .expect("cosigned");
        assert_eq!(
            code(tender.say(supervisors[own], "seat.cosign", &seat, 104)),
            "bid.duplicate"
        );
    }
    let lost = SeatFreeze {
        cert: sits(0),
        reason: "网络中断".to_owned(),
    };
    assert_eq!(
        code(tender.say(supervisors[1], "seat.freeze", &lost, 105)),
        "record.not-authorised"
    );
    assert_eq!(
        code(tender.say(supervisors[0], "seat.resume", &lost, 105)),
        "record.wrong-stage"
    );
    tender
        .say(supervisors[0], "seat.freeze", &lost, 105)
        .expect("frozen");
    assert_eq!(code(tender.say(first, "check", &data, 105)), "seat.frozen");
    // Only that seat waits; the others go on.
    for seat in &seated[1..] {
        let person = &cast.experts[*seat];
        tender.say(person, "check", &data, 105).expect("taken");
    }
    assert!(tender.host.state().conforming(LOT).is_err());
    tender
        .say(supervisors[0], "seat.resume", &lost, 106)
        .expect("back");
    tender.say(first, "check", &data, 106).expect("taken");
    tender.score_all(&seated, 107);
    tender.rank(108).expect("ranked");
    tender.report(&seated, 109).expect("signed");
    tender.award(110).expect("awarded");
    assert_valid(&tender.archive(111));
}
