//! Ties, brands, invalid prices, lint, ambiguous corrections; order never matters.
use mifeng_score::{
    BidFacts, Detail, Error, Outcome, RuleSet, Severity, Sheet, correct, evaluate, lint,
};
use serde_json::json;
use std::collections::BTreeMap;

fn rules(value: serde_json::Value) -> RuleSet {
    serde_json::from_value(value).expect("rules")
}

fn lowest() -> RuleSet {
    rules(json!({"method": "lowest", "price_weight": "0", "ceiling": "200"}))
}

fn bids(rows: &[(&str, &str, Option<&str>)]) -> Vec<BidFacts> {
    let bid = |(id, price, brand): &(&str, &str, Option<&str>)| BidFacts {
        id: (*id).into(),
        price: (*price).into(),
        brand: brand.map(str::to_owned),
        ..BidFacts::default()
    };
    rows.iter().map(bid).collect()
}

fn ranks(outcome: &Outcome) -> Vec<(&str, usize)> {
    let rows = outcome.rows.iter();
    rows.map(|row| (row.id.as_str(), row.rank)).collect()
}

#[test]
fn equal_bids_of_a_brand_are_drawn_not_chosen_by_id() {
    let x = Some("X");
    let run = |rows: &[_]| evaluate(&lowest(), &bids(rows), &[]).expect("computes");
    let outcome = run(&[
        ("a", "100", x),
        ("b", "100", x),
        ("c", "110", None),
        ("d", "120", None),
    ]);
    assert_eq!(outcome.draw_needed, ["a", "b"]);
    assert_eq!(outcome.brand_draws, [["a", "b"]]);
    assert_eq!(outcome.effective_bidders, 3);
    assert!(outcome.winner().is_none() && !outcome.procedure_fails);
    assert!(outcome.rows.iter().all(|row| !row.same_brand_excluded));
    // Behind the first, the brand is still drawn, but the first stands.
    let outcome = run(&[
        ("a", "100", x),
        ("b", "100", x),
        ("c", "90", None),
        ("d", "120", None),
    ]);
    assert!(outcome.draw_needed.is_empty());
    assert_eq!(outcome.brand_draws, [["a", "b"]]);
    assert_eq!(outcome.winner().map(|row| row.id.as_str()), Some("c"));
}

#[test]
fn with_the_lowest_price_the_others_of_a_brand_rank_behind_all() {
    let x = Some("X");
    let rows = [
        ("a", "100", x),
        ("b", "90", x),
        ("c", "110", None),
        ("d", "120", None),
    ];
    let outcome = evaluate(&lowest(), &bids(&rows), &[]).expect("computes");
    assert_eq!(ranks(&outcome), [("b", 1), ("c", 2), ("d", 3), ("a", 4)]);
    assert!(outcome.rows[3].same_brand_excluded && outcome.effective_bidders == 3);
    let only = bids(&[("a", "100", x), ("b", "90", x), ("c", "110", x)]);
    let outcome = evaluate(&lowest(), &only, &[]).expect("computes");
    assert!(outcome.procedure_fails && outcome.winner().is_none());
}

#[test]
fn a_price_over_the_ceiling_takes_no_part_and_is_listed() {
    let rows = [
        ("d", "200.01", None),
        ("a", "0", None),
        ("b", "200", None),
        ("c", "150", None),
    ];
    let outcome = evaluate(&lowest(), &bids(&rows), &[]).expect("computes");
    assert_eq!(ranks(&outcome), [("c", 1), ("b", 2)]);
    let listed: Vec<_> = outcome
        .invalid
        .iter()
        .map(|i| (i.id.as_str(), i.reason.as_str()))
        .collect();
    assert_eq!(listed, [("a", "price-zero"), ("d", "price-over-ceiling")]);
    assert!(outcome.procedure_fails);
    let none = evaluate(&lowest(), &bids(&[("d", "300", None)]), &[]).expect("computes");
    assert!(none.rows.is_empty() && none.winner().is_none());
}

fn codes(rules: &RuleSet) -> Vec<(String, bool)> {
    let found = lint(rules).into_iter();
    found.map(|f| (f.code.clone(), f.is_error())).collect()
}

fn own(found: &[(&str, bool)]) -> Vec<(String, bool)> {
    found.iter().map(|(c, e)| ((*c).to_owned(), *e)).collect()
}

#[test]
fn lint_checks_both_ends_of_every_band() {
    let base = |more: serde_json::Value| {
        let mut value = json!({"method": "lowest", "price_weight": "0", "sme_rate": "0.10"});
        for (key, entry) in more.as_object().expect("an object") {
            value[key] = entry.clone();
        }
        codes(&rules(value))
    };
    let none = own(&[]);
    assert_eq!(base(json!({})), none);
    for (key, good, wrong) in [
        ("sme_rate", ["0.10", "0.20"], ["0.09", "0.21"]),
        ("sme_joint_rate", ["0.04", "0.06"], ["0.03", "0.07"]),
        ("domestic_rate", ["0", "0.20"], ["0.10", "0.21"]),
    ] {
        for rate in good {
            assert_eq!(base(json!({key: rate})), none, "{key} {rate}");
        }
        let code = format!("rules.{}", key.replace('_', "-"));
        for rate in wrong {
            let found = base(json!({key: rate}));
            assert_eq!(found, own(&[(&code, true)]), "{key} {rate}");
        }
    }
    let works = |sme: &str, joint: &str| {
        base(json!({"object": "works", "sme_rate": sme, "sme_joint_rate": joint}))
    };
    assert_eq!(works("0.03", "0.01"), none);
    assert_eq!(works("0.05", "0.02"), none);
    let both = own(&[("rules.sme-rate", true), ("rules.sme-joint-rate", true)]);
    assert_eq!(works("0.02", "0.04"), both);
    let warned = own(&[("rules.sme-none", false)]);
    assert_eq!(base(json!({"sme_rate": "0"})), warned);
    assert_eq!(base(json!({"sme_rate": "0", "reserved": true})), none);
    let unread = own(&[("rules.number", true)]);
    assert_eq!(base(json!({"sme_rate": "x"})), unread);
}

#[test]
fn lint_warns_of_items_that_reward_what_must_not_be_rewarded() {
    let item = |zh: &str, en: &str| {
        json!({"method": "composite", "price_weight": "90", "sme_rate": "0.10",
            "items": [{"id": "i", "name": {"zh": zh, "en": en}, "max": "10", "kind": "objective"}]})
    };
    for (zh, en, code) in [
        ("注册资本", "capital", "rules.item-size"),
        ("规模", "Annual Turnover", "rules.item-size"),
        ("制造商授权", "letter", "rules.item-authorisation"),
        ("本省业绩", "contracts", "rules.item-region"),
        ("指定品牌", "make", "rules.item-brand"),
    ] {
        let found = lint(&rules(item(zh, en)));
        assert_eq!(found.len(), 1, "{zh}: {found:?}");
        assert_eq!(
            (found[0].code.as_str(), found[0].severity),
            (code, Severity::Warning)
        );
        assert!(!found[0].article.is_empty());
    }
    assert!(lint(&rules(item("技术方案", "technical plan"))).is_empty());
}

fn detail(rows: &[(&str, &str)]) -> Vec<Detail> {
    let line = |(quantity, unit): &(&str, &str)| Detail {
        quantity: (*quantity).into(),
        unit_price: (*unit).into(),
    };
    rows.iter().map(line).collect()
}

#[test]
fn ambiguous_corrections_show_their_readings() {
    let run = |total: &str, fen, rows: &[_]| match correct(total, fen, &detail(rows)) {
        Err(Error::Ambiguous { readings }) => readings,
        other => unreachable!("ambiguous expected, {other:?} found"),
    };
    let c3 = run(
        "1286000.00",
        128_500_000,
        &[("10", "5200.00"), ("5", "1530.00")],
    );
    let prices: Vec<_> = c3.iter().map(|r| r.price.as_str()).collect();
    assert_eq!(prices, ["1285000.00", "527650.00", "59650.00", "817000.00"]);
    assert_eq!(
        c3[0].units,
        [(0, "52000".to_owned()), (1, "153000".to_owned())]
    );
    // Three lines slipped by one place: eight readings, no guess.
    let three = [("1", "11.00"), ("1", "230.00"), ("1", "3170.00")];
    assert_eq!(run("34110.00", 3_411_000, &three).len(), 8);
    // Two lines, each of which alone would close the gap: which one?
    let twins = [("1", "10.00"), ("1", "10.00"), ("1", "5.00")];
    assert_eq!(run("115.00", 11_500, &twins).len(), 3);
    // No set of moved points closes the gap: the sum of the lines rules.
    let plain = [("1", "10.00"), ("1", "20.00"), ("1", "33.00")];
    assert_eq!(
        correct("64.00", 6_400, &detail(&plain)).as_deref(),
        Ok("63.00")
    );
}

/// A fixed sequence of numbers (Knuth's MMIX generator).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.below(at as u64 + 1) as usize);
        }
    }
}

fn lot(numbers: &mut Numbers, count: usize, judges: usize) -> (Vec<BidFacts>, Vec<Sheet>) {
    let bid = |at: usize, n: &mut Numbers| BidFacts {
        id: format!("b{at}"),
        price: format!("{}.{:02}", 90 + n.below(20), n.below(4)),
        small: n.below(2) == 0,
        consortium: n.below(2) == 0,
        domestic: n.below(2) == 0,
        brand: (n.below(2) == 0).then(|| format!("brand {}", n.below(3))),
        ..BidFacts::default()
    };
    let bids: Vec<_> = (0..count).map(|at| bid(at, numbers)).collect();
    let mut sheets = Vec::new();
    for judge in 0..judges {
        let mut scores = BTreeMap::new();
        for bid in &bids {
            let points = BTreeMap::from([("q".to_owned(), numbers.below(70).to_string())]);
            scores.insert(bid.id.clone(), points);
        }
        let judge = format!("j{judge}");
        sheets.push(Sheet { judge, scores });
    }
    (bids, sheets)
}

fn composite() -> RuleSet {
    rules(
        json!({"method": "composite", "price_weight": "30", "ceiling": "108",
        "sme_rate": "0.10", "sme_joint_rate": "0.04", "domestic_rate": "0.20",
        "items": [{"id": "q", "name": {"zh": "技术", "en": "technical"}, "max": "70",
            "kind": "subjective"}]}),
    )
}

#[test]
fn the_order_of_the_input_never_changes_the_output() {
    let mut numbers = Numbers(1);
    for round in 0..200 {
        let (mut bids, mut sheets) = lot(&mut numbers, 2 + round % 9, 1 + round % 3);
        let price_only = rules(json!({"method": "lowest", "price_weight": "0"}));
        let run = |bids: &[_], sheets: &[_]| {
            let with_sheets = evaluate(&composite(), bids, sheets).expect("computes");
            let without = evaluate(&price_only, bids, &[]).expect("computes");
            serde_json::to_string(&(with_sheets, without)).expect("serialises")
        };
        let first = run(&bids, &sheets);
        numbers.shuffle(&mut bids);
        numbers.shuffle(&mut sheets);
        assert_eq!(run(&bids, &sheets), first);
        let back: (Outcome, Outcome) = serde_json::from_str(&first).expect("reads back");
        assert_eq!(serde_json::to_string(&back).expect("serialises"), first);
    }
}

#[test]
fn ten_thousand_bids_and_seven_judges() {
    let (bids, sheets) = lot(&mut Numbers(2), 10_000, 7);
    let outcome = evaluate(&composite(), &bids, &sheets).expect("computes");
    assert_eq!(outcome.rows.len() + outcome.invalid.len(), 10_000);
    assert!(
        outcome
            .rows
            .windows(2)
            .all(|pair| pair[0].rank <= pair[1].rank)
    );
}
