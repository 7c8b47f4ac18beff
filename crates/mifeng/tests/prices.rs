//! Low prices, ties, drawn coefficients, readings of a price, framework lists.

mod common;

use common::*;
use mifeng::crypto::{Digest, INTL};
use mifeng::envelope::DetailLine;
use mifeng::score::{Framework, FrameworkStage, Method};
use mifeng::tender::*;

#[test]
fn low_prices_are_reviewed() {
    let cast = Cast::new(&INTL, "offers");
    for pass in [true, false] {
        let (mut tender, seated) = opened(&cast, [900_000, 890_000, 400_000], |notice| {
            lowest(notice);
        });
        tender.pass_checks(&seated, 102);
        let seal = tender.bids[2].id;
        let found = tender.host.state().low_prices(LOT).expect("priced");
        let triggers = vec!["second".to_owned(), "ceiling".to_owned()];
        assert_eq!(found.get(&seal), Some(&triggers));
        assert_eq!(code(tender.rank(103)), "review.open");
        let ask = Ask {
            lot: LOT.to_owned(),
            seal,
            matter: Matter::LowPrice,
            triggers,
            text: "请说明成本".to_owned(),
            until: secs(103 + 1_800),
        };
        let expert = &cast.experts[seated[0]];
        for (data, expected) in [
            (
                Ask {
                    until: secs(103 + 1_799),
                    ..ask.clone()
                },
                "clarify.late",
            ),
            (
                Ask {
                    triggers: vec!["committee".to_owned()],
                    ..ask.clone()
                },
                "result.differs",
            ),
        ] {
            assert_eq!(
                code(tender.say(expert, "clarify.ask", &data, 103)),
                expected
            );
        }
        tender.say(expert, "clarify.ask", &ask, 103).expect("asked");
        assert_eq!(
            code(tender.say(expert, "clarify.ask", &ask, 103)),
            "bid.duplicate"
        );
        let against: &[Digest] = if pass { &[] } else { &[seal] };
        // The bidder has its half hour; an answer ends it.
        let waiting = tender.check(CheckKind::LowPrice, &seated, against, 104);
        assert_eq!(code(waiting), "review.open");
        // By the host's clock too: a later date in the record makes the half hour no shorter.
        let data = tender.finding(CheckKind::LowPrice, against);
        let ahead = tender.signed(expert, "check", &data, 103 + 1_800);
        assert_eq!(code(tender.take(ahead, 103 + 1_600)), "review.open");
        let answer = Answer {
            question: tender.host.state().questions()[0].0,
            text: "附成本构成".to_owned(),
            price: None,
        };
        tender
            .say(&cast.bidders[2], "clarify.answer", &answer, 105)
            .expect("in time");
        assert_eq!(code(tender.rank(106)), "review.open");
        tender
            .check(CheckKind::LowPrice, &seated, against, 106)
            .expect("decided");
        if pass {
            tender.rank(107).expect("ranked");
            tender.report(&seated, 108).expect("signed");
            tender.award(109).expect("awarded");
            assert_eq!(tender.host.state().awards()[LOT].seal, seal);
        } else {
            assert_eq!(code(tender.rank(107)), "evaluation.too-few");
            let data = tender.host.state().expected_failure(LOT).expect("failed");
            assert_eq!(data.reason, "too-few-left");
            tender
                .say(&cast.agency, "lot.fail", &data, 107)
                .expect("failed");
        }
        assert_valid(&tender.archive(110));
    }
}

#[test]
fn equal_firsts_are_drawn() {
    let cast = Cast::new(&INTL, "offers");
    let (mut tender, seated) = opened(&cast, [880_000, 880_000, 900_000], |notice| {
        lowest(notice);
    });
    tender.pass_checks(&seated, 102);
    let early = tender.host.state().expected_pool(LOT, Purpose::Tie, "");
    assert!(early.is_err());
    tender.rank(103).expect("ranked");
    assert_eq!(code(tender.report(&seated, 104)), "tie.open");
    assert_eq!(code(tender.award(104)), "tie.open");
    let pool = tender
        .host
        .state()
        .expected_pool(LOT, Purpose::Tie, "")
        .expect("two equals");
    assert_eq!(pool.rows.len(), 2);
    let mut heavy = pool.clone();
    heavy.rows[0].weight = 2;
    assert_eq!(
        code(tender.say(&cast.agency, "lot.pool", &heavy, 104)),
        "result.differs"
    );
    let nothing = tender
        .host
        .state()
        .expected_pool(LOT, Purpose::Coefficient, "K");
    assert_eq!(
        nothing.expect_err("no formula").code(),
        "record.wrong-stage"
    );
    assert_eq!(
        code(tender.say(&cast.buyer, "lot.pool", &pool, 104)),
        "record.not-authorised"
    );
    tender
        .say(&cast.agency, "lot.pool", &pool, 104)
        .expect("frozen");
    assert_eq!(
        code(tender.say(&cast.agency, "lot.pool", &pool, 104)),
        "bid.duplicate"
    );
    let short = tender.host.state().lot_outcome(LOT, Purpose::Tie, "");
    assert_eq!(short.expect_err("no answers").code(), "board.quorum-short");
    tender.answer_draw(105);
    let drawn = tender
        .host
        .state()
        .lot_outcome(LOT, Purpose::Tie, "")
        .expect("drawn");
    let mut turned = drawn.clone();
    turned.order.reverse();
    assert_eq!(
        code(tender.say(&cast.agency, "lot.drawn", &turned, 105)),
        "result.differs"
    );
    tender
        .say(&cast.agency, "lot.drawn", &drawn, 105)
        .expect("drawn");
    assert_eq!(
        code(tender.say(&cast.agency, "lot.drawn", &drawn, 105)),
        "bid.duplicate"
    );
    tender.report(&seated, 106).expect("signed");
    tender.award(107).expect("awarded");
    assert_eq!(
        tender.host.state().awards()[LOT].seal.to_string(),
        drawn.order[0]
    );
    assert_valid(&tender.archive(110));
}

#[test]
fn drawn_coefficients_come_before_sheets() {
    let cast = Cast::new(&INTL, "offers");
    let (mut tender, seated) = opened(&cast, [900_000, 880_000, 860_000], |notice| {
        notice.procedure = Procedure::Works;
        let rules = serde_json::json!({
            "method": "works-deviation", "object": "works", "price_weight": "60",
            "ceiling": "1000000.00", "formula": {"family": "mean-less-k"},
            "items": [{"id": "spec", "name": {"zh": "a", "en": "a"}, "max": "40", "kind": "subjective"}],
        });
        notice.lots[0].rules = serde_json::from_value(rules).expect("rules");
    });
    // Under the law of tendering the committee checks qualification as well.
    let own = tender.finding(CheckKind::Qualification, &[]);
    assert_eq!(
        code(tender.say(&cast.agency, "check", &own, 102)),
        "expert.not-drawn"
    );
    // Whoever knew K could still decide who is valid.
    let early = tender
        .host
        .state()
        .expected_pool(LOT, Purpose::Coefficient, "K");
    assert_eq!(early.expect_err("unchecked").code(), "record.wrong-stage");
    tender.pass_checks(&seated, 102);
    assert_eq!(tender.host.state().coefficients(LOT), ["K"]);
    let blank = ScoreCommit {
        lot: LOT.to_owned(),
        commitment: Digest::from_bytes([1; 32]),
    };
    let expert = &cast.experts[seated[0]];
    assert_eq!(
        code(tender.say(expert, "score.commit", &blank, 103)),
        "record.wrong-stage"
    );
    let pool = tender
        .host
        .state()
        .expected_pool(LOT, Purpose::Coefficient, "K")
        .expect("values");
    assert_eq!(pool.rows.len(), 11);
    tender
        .say(&cast.agency, "lot.pool", &pool, 103)
        .expect("frozen");
    // Bids and prices are frozen with the pool.
    let late = Ask {
        lot: LOT.to_owned(),
        seal: tender.bids[0].id,
        matter: Matter::Slip,
        triggers: Vec::new(),
        text: "请说明".to_owned(),
        until: secs(5_000),
    };
    assert_eq!(
        code(tender.say(expert, "clarify.ask", &late, 104)),
        "record.wrong-stage"
    );
    tender.answer_draw(104);
    let drawn = tender
        .host
        .state()
        .lot_outcome(LOT, Purpose::Coefficient, "K")
        .expect("drawn");
    tender
        .say(&cast.agency, "lot.drawn", &drawn, 105)
        .expect("drawn");
    assert!(tender.host.state().coefficients(LOT).is_empty());
    for (n, seat) in seated.iter().enumerate() {
        let mut scores = tender.points(n);
        scores.values_mut().for_each(|items| {
            items.remove("record");
            items.insert("spec".to_owned(), "30.00".to_owned());
        });
        let data = tender.commitment(*seat, &salt(n as u8), &scores);
        let person = &cast.experts[*seat];
        tender
            .say(person, "score.commit", &data, 106)
            .expect("committed");
    }
    for (n, seat) in seated.iter().enumerate() {
        let mut scores = tender.points(n);
        scores.values_mut().for_each(|items| {
            items.remove("record");
            items.insert("spec".to_owned(), "30.00".to_owned());
        });
        let data = Score {
            lot: LOT.to_owned(),
            salt: salt(n as u8),
            scores,
        };
        tender
            .say(&cast.experts[*seat], "score", &data, 107)
            .expect("revealed");
    }
    tender.rank(108).expect("ranked");
    tender.report(&seated, 109).expect("signed");
    tender.award(109).expect("awarded");
    assert_valid(&tender.archive(110));
}

#[test]
fn a_price_that_only_the_committee_can_read() {
    let cast = Cast::new(&INTL, "offers");
    for decided in [true, false] {
        let mut tender = published(&cast, |notice| {
            lowest(notice);
            notice.lots[0].rules.ceiling = Some("2000000.00".to_owned());
        });
        // RULES section 4, C3: two unit prices may be misplaced, and nobody guesses.
        let line = |quantity: &str, unit: &str| DetailLine {
            item: "设备".to_owned(),
            quantity: quantity.to_owned(),
            unit_price: unit.to_owned(),
        };
        for number in 0..3 {
            let at = 12 + 7 * number as i64;
            let person = &cast.bidders[number];
            let odd = number == 0;
            let (words, lines) = match odd {
                true => (
                    "壹佰贰拾捌万伍仟元整",
                    vec![line("10", "5200.00"), line("5", "1530.00")],
                ),
                false => ("壹佰贰拾捌万陆仟元整", Vec::new()),
            };
            let (file, record) =
                tender.seal_content(person, (words, 1_286_000), lines, (false, at));
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
        tender.close_and_release(Kind::Board);
        tender.open_all(100);
        let seated = tender.draw(101);
        tender.pass_checks(&seated, 102);
        let seal = tender.bids[0].id;
        let PriceState::Undecided(readings) = tender.host.state().price_state(&seal) else {
            unreachable!("two shifts would be needed")
        };
        assert_eq!(code(tender.rank(103)), "price.undecided");
        let decide = |seal: Digest, price: &str| PriceDecide {
            seal,
            price: price.to_owned(),
            reason: "依据分项报价表备注".to_owned(),
        };
        let expert = &cast.experts[seated[0]];
        for data in [
            decide(seal, "1.00"),
            decide(tender.bids[1].id, "1286000.00"),
        ] {
            assert_eq!(
                code(tender.say(expert, "price.decide", &data, 103)),
                "result.differs"
            );
        }
        let chosen = match decided {
            true => "1285000.00",
            false => "",
        };
        assert!(
            !decided || readings.iter().any(|r| r.price == chosen),
            "{readings:?}"
        );
        for seat in &seated {
            let person = &cast.experts[*seat];
            let data = decide(seal, chosen);
            tender
                .say(person, "price.decide", &data, 104)
                .expect("decided");
            assert_eq!(
                code(tender.say(person, "price.decide", &data, 104)),
                "bid.duplicate"
            );
        }
        let confirm = |price: &str| PriceConfirm {
            seal,
            price: price.to_owned(),
        };
        let bidder = &cast.bidders[0];
        let wrong = tender.say(bidder, "price.confirm", &confirm("1286000.00"), 105);
        assert_eq!(code(wrong), "result.differs");
        let outcome = tender.say(bidder, "price.confirm", &confirm("1285000.00"), 105);
        if !decided {
            assert_eq!(code(outcome), "result.differs");
            assert_eq!(
                tender.host.state().price_state(&seal),
                PriceState::Unreadable
            );
            assert_eq!(code(tender.rank(106)), "evaluation.too-few");
            continue;
        }
        outcome.expect("confirmed");
        tender.rank(106).expect("ranked");
        // The others are equal: the second and third candidates are drawn.
        draw_tie(&mut tender, 106);
        tender.report(&seated, 107).expect("signed");
        tender.award(108).expect("awarded");
        let award = &tender.host.state().awards()[LOT];
        assert_eq!((award.seal, award.price.as_str()), (seal, "1285000.00"));
        assert_valid(&tender.archive(110));
    }
}

#[test]
fn steps_of_other_procedures() {
    let cast = Cast::new(&INTL, "offers");
    let (mut tender, seated) = opened(&cast, [900_000, 880_000, 860_000], |notice| {
        lowest(notice);
    });
    tender.pass_checks(&seated, 102);
    let data = call(&tender);
    let outcome = tender.say(&cast.agency, "round.open", &data, 103);
    assert_eq!(code(outcome), "record.wrong-stage");
    let leave = OfferExit {
        lot: LOT.to_owned(),
    };
    let outcome = tender.say(&cast.bidders[0], "offer.exit", &leave, 103);
    assert_eq!(code(outcome), "record.wrong-stage");
    // A lot without scoring items takes no sheets.
    let blank = ScoreCommit {
        lot: LOT.to_owned(),
        commitment: Digest::from_bytes([1; 32]),
    };
    let expert = &cast.experts[seated[0]];
    assert_eq!(
        code(tender.say(expert, "score.commit", &blank, 103)),
        "score.invalid"
    );
    tender.rank(104).expect("ranked");
    tender.report(&seated, 105).expect("signed");
    let list = tender.host.state().expected_list(LOT);
    assert_eq!(list.expect_err("one winner").code(), "record.wrong-stage");
    tender.award(106).expect("awarded");
}

/// A framework agreement, lowest price first.
fn framework(notice: &mut Notice) {
    lowest(notice);
    notice.procedure = Procedure::Framework;
    notice.lots[0].rules.method = Method::Framework;
    notice.lots[0].rules.framework = Some(Framework {
        stage: FrameworkStage::PriceFirst,
        laboratory: false,
        eliminate: None,
    });
}

/// Draws between equals; gives the drawn order.
fn draw_tie(tender: &mut Tender<'_>, at: i64) -> Vec<String> {
    let agency = &tender.cast.agency;
    let state = tender.host.state();
    let pool = state.expected_pool(LOT, Purpose::Tie, "").expect("equals");
    tender.say(agency, "lot.pool", &pool, at).expect("frozen");
    tender.answer_draw(at);
    let drawn = tender.host.state().lot_outcome(LOT, Purpose::Tie, "");
    let drawn = drawn.expect("drawn");
    tender.say(agency, "lot.drawn", &drawn, at).expect("drawn");
    drawn.order
}

fn candidates(tender: &Tender<'_>) -> Vec<String> {
    let found = tender.host.state().candidates(LOT).expect("in order");
    found.iter().map(|c| c.seal.to_string()).collect()
}

#[test]
fn equals_at_the_line_of_a_framework_are_drawn() {
    let cast = Cast::new(&INTL, "offers");
    let (mut tender, seated) = opened(&cast, [880_000, 880_000, 860_000], framework);
    tender.pass_checks(&seated, 102);
    tender.rank(103).expect("ranked");
    let list = tender.host.state().expected_list(LOT);
    assert_eq!(list.expect_err("two for one place").code(), "tie.open");
    let order = draw_tie(&mut tender, 104);
    assert_eq!(order.len(), 2);
    let list = tender.host.state().expected_list(LOT).expect("a list");
    let seals: Vec<String> = list.suppliers.iter().map(|s| s.seal.to_string()).collect();
    assert_eq!(seals, [tender.bids[2].id.to_string(), order[0].clone()]);
}

#[test]
fn equals_among_candidates_are_drawn() {
    let cast = Cast::new(&INTL, "offers");
    let (mut tender, seated) = opened(&cast, [880_000, 880_000, 860_000], lowest);
    tender.pass_checks(&seated, 102);
    tender.rank(103).expect("ranked");
    assert_eq!(code(tender.report(&seated, 104)), "tie.open");
    let order = draw_tie(&mut tender, 104);
    let expected = [&tender.bids[2].id.to_string(), &order[0], &order[1]];
    assert_eq!(candidates(&tender).iter().collect::<Vec<_>>(), expected);
}

#[test]
fn one_candidate_of_a_brand() {
    let cast = Cast::new(&INTL, "offers");
    let bids = [
        (880_000, Some("甲牌")),
        (880_000, Some("甲牌")),
        (890_000, Some("乙牌")),
        (900_000, None),
    ];
    let (mut tender, seated) = opened_of(&cast, &bids, lowest);
    tender.pass_checks(&seated, 102);
    tender.rank(103).expect("ranked");
    let order = draw_tie(&mut tender, 104);
    let (third, fourth) = (tender.bids[2].id.to_string(), tender.bids[3].id.to_string());
    // The other one of the brand is out (87 art. 31).
    assert_eq!(candidates(&tender), [order[0].clone(), third, fourth]);
    tender.report(&seated, 105).expect("signed");
    let (_, report) = tender.host.state().report(LOT).expect("a report");
    let told = |seal: &str| {
        let row = report.bidders.iter().find(|b| b.seal.to_string() == seal);
        row.map(|row| (row.fate, row.article.as_str()))
    };
    assert_eq!(told(&order[0]), Some((Fate::Ranked, "")));
    assert_eq!(told(&order[1]), Some((Fate::SameBrand, "87 art. 31")));
    let lost: Digest = order[1].parse().expect("a seal");
    tender.award(106).expect("awarded");
    let letter = tender.host.state().expected_letter(LOT, &lost);
    let letter = letter.expect("a loser");
    assert_eq!((letter.fate, letter.rank), (Fate::SameBrand, 1));
    assert_valid(&tender.archive(110));
}

#[test]
fn brands_count_as_the_rules_say() {
    let cast = Cast::new(&INTL, "offers");
    let brand = Some("甲牌");
    let bids = [(880_000, brand), (890_000, brand), (900_000, brand)];
    let own = |notice: &mut Notice| {
        lowest(notice);
        notice.lots[0].rules.same_brand = Some(false);
    };
    let (mut tender, seated) = opened_of(&cast, &bids, own);
    tender.pass_checks(&seated, 102);
    tender.rank(103).expect("three bidders");
    assert_eq!(candidates(&tender).len(), 3);
    let (mut tender, seated) = opened_of(&cast, &bids, lowest);
    // Heads are counted at the qualification, brands among those who passed both checks.
    tender.pass_checks(&seated, 102);
    let failed = tender
        .host
        .state()
        .expected_failure(LOT)
        .expect("one bidder");
    assert_eq!(
        (failed.reason.as_str(), failed.article.as_str()),
        ("too-few-conforming", "87 art. 43, 50; PL art. 36")
    );
    let data = failed;
    tender
        .say(&cast.agency, "lot.fail", &data, 103)
        .expect("failed");
    assert_valid(&tender.archive(110));
}

#[test]
fn a_framework_takes_in_somebody() {
    let cast = Cast::new(&INTL, "offers");
    let (mut tender, seated) = opened(&cast, [900_000, 880_000], |notice| {
        framework(notice);
        notice.bidders_min = 2;
        let rules = &mut notice.lots[0].rules;
        rules.framework.as_mut().expect("a framework").eliminate = Some("0.60".to_owned());
    });
    tender.pass_checks(&seated, 102);
    tender.rank(103).expect("ranked");
    // Three fifths of two, rounded up, would be both.
    let list = tender.host.state().expected_list(LOT).expect("a list");
    assert_eq!(list.suppliers.len(), 1);
    tender.report(&seated, 104).expect("signed");
    tender
        .say(&cast.buyer, "framework.list", &list, 105)
        .expect("signed");
    assert_eq!(tender.letters(106), 1);
    assert_valid(&tender.archive(110));
}

#[test]
fn a_framework_takes_in_several() {
    let cast = Cast::new(&INTL, "offers");
    let (mut tender, seated) = opened(&cast, [900_000, 880_000, 860_000], framework);
    tender.pass_checks(&seated, 102);
    tender.rank(103).expect("ranked");
    let list = tender.host.state().expected_list(LOT).expect("a list");
    // One of three is eliminated (110 art. 27).
    assert_eq!(list.suppliers.len(), 2);
    assert_eq!(
        code(tender.say(&cast.buyer, "framework.list", &list, 104)),
        "report.unsigned"
    );
    tender.report(&seated, 104).expect("signed");
    assert_eq!(code(tender.award(105)), "record.wrong-stage");
    let mut longer = list.clone();
    longer.suppliers.push(longer.suppliers[0].clone());
    assert_eq!(
        code(tender.say(&cast.buyer, "framework.list", &longer, 105)),
        "result.differs"
    );
    assert_eq!(
        code(tender.say(&cast.agency, "framework.list", &list, 105)),
        "record.not-authorised"
    );
    tender
        .say(&cast.buyer, "framework.list", &list, 105)
        .expect("signed");
    assert_eq!(
        code(tender.say(&cast.buyer, "framework.list", &list, 105)),
        "bid.duplicate"
    );
    assert_eq!(tender.letters(106), 1);
    assert_valid(&tender.archive(110));
}
