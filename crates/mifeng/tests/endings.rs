//! Every lot ends: ranked or failed, by a recorded ground and its article; every bidder is told why.

mod common;

use common::*;
use mifeng::crypto::INTL;
use mifeng::lock::draw::Row;
use mifeng::tender::*;

/// Works priced by a formula, without sheets of the judges.
fn works(notice: &mut Notice, formula: serde_json::Value) {
    notice.procedure = Procedure::Works;
    let rules = serde_json::json!({
        "method": "works-deviation", "object": "works", "price_weight": "100",
        "ceiling": "1000000.00", "formula": formula,
    });
    notice.lots[0].rules = serde_json::from_value(rules).expect("rules");
}

/// The agency records that the lot failed; gives reason and article.
fn fail(tender: &mut Tender<'_>, at: i64) -> (String, String) {
    let data = tender.host.state().expected_failure(LOT).expect("failed");
    let cast = tender.cast;
    tender
        .say(&cast.agency, "lot.fail", &data, at)
        .expect("taken");
    (data.reason, data.article)
}

/// Replaces the member at `place` by the seat of the drawn order, if one is left.
fn replace(place: usize, declined: Vec<String>, seat: Option<Seat>, cast: &Cast) -> SeatReplace {
    SeatReplace {
        cert: cast.experts[place].fingerprint(cast.suite),
        reason: "突发疾病".to_owned(),
        declined,
        seat,
    }
}

#[test]
fn too_few_valid_bids_for_a_formula_fail_the_lot() {
    let cast = Cast::new(&INTL, "offers");
    let (mut tender, seated) = opened(&cast, [900_000, 1_100_000, 860_000], |notice| {
        works(notice, serde_json::json!({"family": "random-mean"}));
    });
    tender.pass_checks(&seated, 102);
    // One of three is over the ceiling: the formula wants three, nothing can be drawn or ranked.
    let pool = tender
        .host
        .state()
        .expected_pool(LOT, Purpose::Coefficient, "R");
    assert_eq!(pool.expect_err("two are left").code(), "evaluation.too-few");
    assert!(tender.rank(103).is_err());
    let expected = ("too-few-left".to_owned(), "TL art. 42".to_owned());
    assert_eq!(fail(&mut tender, 103), expected);
    assert_eq!(tender.letters(104), 3);
    assert_valid(&tender.archive(110));
}

#[test]
fn a_formula_without_a_result_fails_the_lot() {
    let cast = Cast::new(&INTL, "offers");
    let formula = serde_json::json!({"text": [
        "base = nth(x, 1)",
        "each points = round(100 * base / (p - nth(x, 4)), 2)",
    ]});
    let (mut tender, seated) = opened(&cast, [900_000, 880_000, 860_000], |notice| {
        works(notice, formula.clone());
    });
    tender.pass_checks(&seated, 102);
    assert!(tender.rank(103).is_err());
    let (reason, article) = fail(&mut tender, 103);
    assert_eq!(reason, "formula-without-result");
    assert_eq!(article, "TL art. 40, 42; TReg art. 49");
    let fates: Vec<Fate> = {
        tender.letters(104);
        let out = tender.host.state().letters(LOT).expect("letters");
        out.values().map(|letter| letter.fate).collect()
    };
    assert_eq!(fates, [Fate::LotFailed; 3]);
    assert_valid(&tender.archive(110));
}

#[test]
fn a_notice_names_no_draw_that_cannot_be_held() {
    let cast = Cast::new(&INTL, "offers");
    let tender = Tender::unpublished(&cast, "host.example/t/endings");
    let mut few = notice(&cast, tender.host.state(), Kind::Board);
    works(&mut few, serde_json::json!({"family": "random-mean"}));
    few.pin(secs(0)).expect("a pack");
    assert_eq!(few.fault(), None);
    let mut rules = serde_json::to_value(&few.lots[0].rules).expect("rules");
    rules["formula"]["drawn"] = serde_json::json!({"R": {"bids": 4}});
    few.lots[0].rules = serde_json::from_value(rules.clone()).expect("rules");
    let fault = few.fault().expect("four of three");
    assert!(fault.contains("draws among 4 bids"), "{fault}");
    works(
        &mut few,
        serde_json::json!({"family": "mean-less-k", "drawn": {"K": {"values": ["0.01"]}}}),
    );
    few.pin(secs(0)).expect("a pack");
    let fault = few.fault().expect("one value");
    assert!(fault.contains("nothing to draw among"), "{fault}");
}

#[test]
fn a_single_source_with_two_suppliers_fails() {
    let cast = Cast::new(&INTL, "offers");
    let mut tender = published(&cast, |notice| {
        notice.procedure = Procedure::SingleSource;
        notice.bidders_min = 1;
        notice.committee.experts = 0;
        notice.committee.alternates = 0;
        let rules = serde_json::json!({"method": "single-source", "price_weight": "0",
            "min_bidders": 1, "budget": "1000000.00"});
        notice.lots[0].rules = serde_json::from_value(rules).expect("rules");
    });
    tender.receive(2);
    tender.close_and_release(Kind::Board);
    tender.open_all(100);
    for kind in [CheckKind::Qualification, CheckKind::Conformity] {
        tender.check(kind, &[], &[], 102).expect("checked");
    }
    // A lot that has ended goes no further, before its end is recorded and after.
    let data = call(&tender);
    let outcome = tender.say(&cast.agency, "round.open", &data, 102);
    assert_eq!(code(outcome), "record.wrong-stage");
    let expected = (
        "more-than-one-supplier".to_owned(),
        "PL art. 31; 74 art. 43".to_owned(),
    );
    assert_eq!(fail(&mut tender, 103), expected);
    let outcome = tender.say(&cast.agency, "round.open", &data, 104);
    assert_eq!(code(outcome), "record.wrong-stage");
    assert_eq!(tender.letters(105), 2);
    let letters = tender.host.state().letters(LOT).expect("letters");
    assert!(letters.values().all(|l| l.fate == Fate::LotFailed));
    assert_valid(&tender.archive(110));
}

#[test]
fn who_declines_or_must_avoid_is_passed_over() {
    let cast = Cast::new(&INTL, "evaluation");
    let (mut tender, mut seated) = drawn_with(&cast, |_| {});
    tender.pass_checks(&seated, 102);
    let (next, after) = (tender.seat(5), tender.seat(6));
    for (declined, seat) in [
        // Nobody is passed over in silence, out of turn, twice, or in one's own place.
        (vec![], Some(after.clone())),
        (vec![after.id.clone()], Some(next.clone())),
        (vec![next.id.clone(), next.id.clone()], Some(after.clone())),
        (vec![next.id.clone()], Some(next.clone())),
        // The committee is not dissolved while somebody could sit.
        (vec![next.id.clone()], None),
        (vec![], None),
    ] {
        let data = replace(seated[1], declined, seat, &cast);
        let outcome = tender.say(&cast.agency, "seat.replace", &data, 103);
        assert_eq!(code(outcome), "result.differs");
    }
    let data = replace(seated[1], vec![next.id.clone()], Some(after.clone()), &cast);
    tender
        .say(&cast.agency, "seat.replace", &data, 103)
        .expect("replaced");
    seated[1] = tender.order[6].2;
    assert_eq!(tender.host.state().next_alternate(), None);
    let new = &cast.experts[seated[1]];
    let data = tender.finding(CheckKind::Conformity, &[]);
    tender.say(new, "check", &data, 104).expect("taken");
    tender.score_all(&seated, 105);
    tender.rank(106).expect("ranked");
    tender.report(&seated, 107).expect("signed");
    tender.award(108).expect("awarded");
    assert_valid(&tender.archive(110));
}

/// An inquiry by a group of three, without alternates.
fn inquiry(notice: &mut Notice) {
    lowest(notice);
    notice.procedure = Procedure::Inquiry;
    notice.below_threshold = true;
    notice.lots[0].rules.method = mifeng::score::Method::Inquiry;
    notice.committee.experts = 3;
    notice.committee.alternates = 0;
}

/// A pool of these experts, with the salts of their blind ids.
fn pool_of(cast: &Cast, experts: &[usize], n: u32) -> (Pool, Vec<(String, usize)>) {
    let id = |e: &usize| {
        let cert = cast.experts[*e].fingerprint(cast.suite);
        blind_id(cast.suite, &salt(*e as u8), &cert).to_string()
    };
    let mut own: Vec<(String, usize)> = experts.iter().map(|e| (id(e), *e)).collect();
    own.sort();
    let row = |(id, _): &(String, usize)| Row {
        id: id.clone(),
        weight: 1,
    };
    let pool = Pool {
        specialty: "A032000".to_owned(),
        n,
        reason: "原评标委员会无法补足".to_owned(),
        rows: own.iter().map(row).collect(),
    };
    (pool, own)
}

/// The result of the draw that waits: the first three sit.
fn result_of(tender: &Tender<'_>, own: &[(String, usize)]) -> (DrawResult, Vec<usize>) {
    let drawn = tender.host.state().drawn().expect("drawn");
    let expert = |id: &String| own.iter().find(|(o, _)| o == id).expect("in the pool").1;
    let seated: Vec<usize> = drawn.order.iter().map(expert).collect();
    let seat = |(id, e): (&String, &usize)| Seat {
        id: id.clone(),
        salt: salt(*e as u8),
        cert: tender.cast.experts[*e].fingerprint(tender.cast.suite),
    };
    let data = DrawResult {
        draw: drawn.draw_id,
        seed: drawn.seed,
        seats: drawn.order.iter().zip(&seated).map(seat).collect(),
        order: drawn.order,
        declined: Vec::new(),
    };
    (data, seated)
}

#[test]
fn without_alternates_another_committee_is_drawn() {
    let cast = Cast::new(&INTL, "offers");
    let (mut tender, seated) = opened(&cast, [900_000, 890_000, 880_000], inquiry);
    let against = [tender.bids[0].id];
    let finding = tender.finding(CheckKind::Qualification, &against);
    let first = &cast.experts[seated[0]];
    tender.say(first, "check", &finding, 102).expect("taken");
    let others: Vec<usize> = (0..7).filter(|n| !seated.contains(n)).collect();
    let (again, own) = pool_of(&cast, &others, 2);
    // While the committee stands, no other is drawn.
    let outcome = tender.say(&cast.agency, "expert.pool", &again, 103);
    assert_eq!(code(outcome), "record.replay");
    let data = replace(seated[1], Vec::new(), None, &cast);
    tender
        .say(&cast.agency, "seat.replace", &data, 103)
        .expect("dissolved");
    assert!(tender.host.state().seats().is_empty());
    let second = tender.say(&cast.experts[seated[1]], "check", &finding, 104);
    assert_eq!(code(second), "expert.not-drawn");
    // Who sat does not come back under another blind id.
    let (back, old) = pool_of(&cast, &seated, 2);
    tender
        .say(&cast.agency, "expert.pool", &back, 104)
        .expect("a pool");
    tender.answer_draw(104);
    let (data, _) = result_of(&tender, &old);
    let outcome = tender.say(&cast.agency, "draw.result", &data, 104);
    assert_eq!(code(outcome), "result.differs");
    let again = Pool { n: 3, ..again };
    tender
        .say(&cast.agency, "expert.pool", &again, 105)
        .expect("a new pool");
    tender.answer_draw(105);
    let (data, new) = result_of(&tender, &own);
    tender
        .say(&cast.agency, "draw.result", &data, 105)
        .expect("a new committee");
    // What the old one found is void: all bids pass now.
    tender.pass_checks(&new, 106);
    assert_eq!(tender.host.state().conforming(LOT).expect("all").len(), 3);
    tender.rank(107).expect("ranked");
    tender.report(&new, 108).expect("signed");
    let (_, report) = tender.host.state().report(LOT).expect("a report");
    assert_eq!(report.replaced.len(), 3);
    tender.award(109).expect("awarded");
    assert_valid(&tender.archive(110));
}

#[test]
fn a_failed_lot_tells_everybody_why() {
    let cast = Cast::new(&INTL, "evaluation");
    let (mut tender, seated) = drawn_with(&cast, |_| {});
    let out = [tender.bids[0].id];
    tender
        .check(CheckKind::Qualification, &seated, &out, 102)
        .expect("taken");
    let early = tender.host.state().expected_letter(LOT, &out[0]);
    assert_eq!(early.expect_err("still open").code(), "record.wrong-stage");
    fail(&mut tender, 103);
    let letter = |tender: &Tender<'_>, n: usize| {
        let seal = tender.bids[n].id;
        tender
            .host
            .state()
            .expected_letter(LOT, &seal)
            .expect("due")
    };
    let unqualified = letter(&tender, 0);
    assert_eq!(unqualified.fate, Fate::Unqualified);
    assert_eq!(
        (unqualified.reason.as_str(), unqualified.article.as_str()),
        ("未提供保证金", "87 art. 63")
    );
    let other = letter(&tender, 1);
    assert_eq!((other.fate, other.rank), (Fate::LotFailed, 0));
    assert_eq!(
        (other.reason.as_str(), other.article.as_str()),
        ("too-few-qualified", "87 art. 44")
    );
    assert_eq!(tender.letters(104), 3);
    assert_valid(&tender.archive(110));
}

#[test]
fn signatures_of_those_who_sat_carry_a_report() {
    let cast = Cast::new(&INTL, "evaluation");
    let (mut tender, seated) = drawn_with(&cast, |_| {});
    tender.pass_checks(&seated, 102);
    tender.score_all(&seated, 103);
    tender.rank(104).expect("ranked");
    tender.report(&seated, 105).expect("signed by all");
    let rest: Vec<String> = tender.host.state().alternates().cloned().collect();
    let data = replace(seated[0], rest, None, &cast);
    let leave = SeatLeave {
        cert: data.cert,
        reason: data.reason.clone(),
    };
    let own = &cast.experts[seated[0]];
    tender.say(own, "seat.leave", &leave, 106).expect("leaves");
    tender
        .say(&cast.agency, "seat.replace", &data, 106)
        .expect("dissolved");
    tender.award(107).expect("the report stands");
    assert_valid(&tender.archive(110));
}

#[test]
fn nobody_acts_while_another_draw_is_open() {
    let cast = Cast::new(&INTL, "offers");
    let (mut tender, seated) = opened(&cast, [900_000, 890_000, 880_000], inquiry);
    let others: Vec<usize> = (0..7).filter(|n| !seated.contains(n)).collect();
    let (again, own) = pool_of(&cast, &others, 2);
    let finding = tender.finding(CheckKind::Qualification, &[]);
    tender
        .say(&cast.agency, "expert.pool", &again, 102)
        .expect("nobody has acted");
    // The first committee cannot work while its successor waits to be published.
    assert!(tender.host.state().seats().is_empty());
    let first = &cast.experts[seated[0]];
    let outcome = tender.say(first, "check", &finding, 103);
    assert_eq!(code(outcome), "expert.not-drawn");
    tender.answer_draw(103);
    let (data, new) = result_of(&tender, &own);
    tender
        .say(&cast.agency, "draw.result", &data, 104)
        .expect("drawn");
    tender
        .check(CheckKind::Qualification, &new, &[], 105)
        .expect("checked");
    let (third, _) = pool_of(&cast, &seated, 3);
    let outcome = tender.say(&cast.agency, "expert.pool", &third, 106);
    assert_eq!(code(outcome), "record.replay");
    tender
        .check(CheckKind::Conformity, &new, &[], 107)
        .expect("checked");
    tender.rank(108).expect("ranked");
    tender.report(&new, 109).expect("signed");
    tender.award(110).expect("awarded");
    assert_valid(&tender.archive(111));
}
