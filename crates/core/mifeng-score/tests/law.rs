//! Packs, methods, policy, documents, rechecks: what the law says, from dated data.
use mifeng_crypto::HashAlg;
use mifeng_score::pack::{Date, Pack, Regime, diff, find, latest, packs, pinned};
use mifeng_score::recheck::{Action, reasons, recheck};
use mifeng_score::{
    BidFacts, Document, Error, Lot, Method, Outcome, Ratio, Review, RuleSet, Sheet, derive,
    evaluate, judge_statistics, lint, lint_document,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn rules(value: Value) -> RuleSet {
    serde_json::from_value(value).expect("rules")
}

fn bids(value: Value) -> Vec<BidFacts> {
    serde_json::from_value(value).expect("bids")
}

fn run(rules: &RuleSet, facts: &[BidFacts]) -> Outcome {
    evaluate(rules, facts, &[]).expect("computes")
}

fn order(outcome: &Outcome) -> Vec<(&str, usize)> {
    let rows = outcome.rows.iter();
    rows.map(|row| (row.id.as_str(), row.rank)).collect()
}

fn day(text: &str) -> Date {
    Date::parse(text).expect("a day")
}

#[test]
fn packs_are_found_by_day_and_pinned_by_digest() {
    let id = |regime, text| find(regime, "371300", &day(text)).map(|pack| pack.id().to_owned());
    let gov = |text| id(Regime::Procurement, text);
    assert_eq!(gov("2025-12-31").as_deref(), Ok("cn-gov-2022-07"));
    assert_eq!(gov("2026-01-01").as_deref(), Ok("cn-gov-2026-01"));
    assert_eq!(gov("2026-02-01").as_deref(), Ok("cn-gov-2026-02"));
    assert_eq!(gov("2027-06-01").as_deref(), Ok("cn-gov-2026-10"));
    assert_eq!(
        gov("2022-06-30").map_err(|e| e.code()),
        Err("score.no-pack")
    );
    assert_eq!(
        id(Regime::Tendering, "2024-01-01").as_deref(),
        Ok("cn-tender-2022-07")
    );
    for pack in packs() {
        assert_eq!(pinned(&pack.pin(HashAlg::Sm3)).map(Pack::id), Ok(pack.id()));
        assert_eq!(
            pinned(&pack.pin(HashAlg::Sha256)).map(Pack::id),
            Ok(pack.id())
        );
        let again = Pack::parse(&pack.to_jcs().expect("bytes")).expect("reads back");
        assert_eq!(&again, pack);
        let text = String::from_utf8(pack.to_jcs().expect("bytes")).expect("text");
        let other = Pack::parse(text.replacen("30", "31", 1).as_bytes());
        assert_ne!(
            other.map(|p| p.digest(HashAlg::Sm3)),
            Ok(pack.digest(HashAlg::Sm3))
        );
    }
    let mut pin = packs()[0].pin(HashAlg::Sm3);
    pin.id = packs()[1].id().to_owned();
    assert_eq!(pinned(&pin).map_err(|e| e.code()), Err("score.no-pack"));
}

#[test]
fn a_diff_shows_what_came_into_force() {
    let by = |id: &str| {
        packs()
            .iter()
            .find(|pack| pack.id() == id)
            .expect("shipped")
    };
    let ids = |a, b| -> Vec<String> {
        let changes = diff(by(a), by(b));
        changes.iter().map(|change| change.id.to_owned()).collect()
    };
    let domestic = ids("cn-gov-2022-07", "cn-gov-2026-01");
    assert!(domestic.contains(&"domestic.rate".to_owned()));
    assert!(!domestic.iter().any(|id| id.starts_with("low.")));
    let low = ids("cn-gov-2026-01", "cn-gov-2026-02");
    assert!(low.contains(&"low.mean.least".to_owned()));
    assert!(
        ids("cn-gov-2026-02", "cn-gov-2026-10").contains(&"bidders.least.emergency".to_owned())
    );
    assert!(diff(by("cn-gov-2026-02"), by("cn-gov-2026-02")).is_empty());
}

#[test]
fn the_pinned_pack_decides_not_the_newest() {
    let of = |id: &str, domestic: &str| {
        let pack = packs()
            .iter()
            .find(|pack| pack.id() == id)
            .expect("shipped");
        rules(
            json!({"method": "lowest", "price_weight": "0", "ceiling": "1000",
            "sme_rate": "0.10", "domestic_rate": domestic, "pack": pack.pin(HashAlg::Sm3)}),
        )
    };
    let facts = bids(
        json!([{"id": "a", "price": "1000"}, {"id": "b", "price": "900"},
        {"id": "c", "price": "300"}]),
    );
    let old = run(&of("cn-gov-2026-01", "0.20"), &facts);
    assert!(
        old.abnormal_low.is_empty(),
        "the triggers were not in force"
    );
    assert_eq!(old.pack.id, "cn-gov-2026-01");
    let new = run(&of("cn-gov-2026-02", "0.20"), &facts);
    assert_eq!(new.abnormal_low.len(), 1);
    assert_eq!(new.basis["rank"].pack, "cn-gov-2026-02");
    let codes = |rules: &RuleSet| -> Vec<String> {
        lint(rules)
            .into_iter()
            .filter(|f| f.is_error())
            .map(|f| f.code)
            .collect()
    };
    let early = of("cn-gov-2022-07", "0.20");
    assert_eq!(codes(&early), ["rules.domestic-not-in-force"]);
    let mut lost = of("cn-gov-2026-01", "0");
    lost.pack = Some(packs()[0].pin(HashAlg::Sm3));
    lost.pack.as_mut().expect("a pin").id = "elsewhere".into();
    assert_eq!(codes(&lost), ["rules.pack"]);
    // A pack of one's own: read, pinned and given.
    let mut own: Value =
        serde_json::from_slice(&packs()[2].to_jcs().expect("bytes")).expect("JSON");
    own["id"] = "sd-2026".into();
    own["regions"] = json!(["370000"]);
    let own = Pack::parse(own.to_string().as_bytes()).expect("a pack");
    assert!(
        own.applies("371300", &day("2026-03-01")) && !own.applies("110000", &day("2026-03-01"))
    );
    let mut mine = of("cn-gov-2026-02", "0");
    mine.pack = Some(own.pin(HashAlg::Sha256));
    let lot = Lot {
        pack: Some(&own),
        ..Lot::new(&mine, &facts, &[])
    };
    assert_eq!(derive(&lot).expect("computes").0.pack.id, "sd-2026");
    assert_eq!(
        evaluate(&mine, &facts, &[]).map_err(|e| e.code()),
        Err("score.no-pack")
    );
}

#[test]
fn negotiation_and_inquiry_take_the_lowest_final_offer() {
    for method in ["negotiation", "inquiry"] {
        let rules = rules(
            json!({"method": method, "price_weight": "0", "sme_rate": "0.10",
            "budget": "120"}),
        );
        let facts = bids(json!([
            {"id": "a", "price": "100", "brand": "X"},
            {"id": "b", "price": "105", "small": true, "brand": "X"},
            {"id": "c", "price": "110"}, {"id": "d", "price": "121"}]));
        let outcome = run(&rules, &facts);
        assert_eq!(order(&outcome), [("b", 1), ("a", 2), ("c", 3)]);
        assert_eq!(outcome.rows[0].evaluated_price, "94.5");
        assert_eq!(outcome.rows[0].price, "105.00");
        assert_eq!(outcome.invalid[0].reason, "price-over-budget");
        assert_eq!(
            (outcome.effective_bidders, outcome.procedure_fails),
            (3, false)
        );
        assert!(outcome.basis["rank"].article.starts_with("74"));
    }
    let two = rules(
        json!({"method": "negotiation", "price_weight": "0", "sme_rate": "0.10",
        "min_bidders": 2, "exception": "two-left"}),
    );
    let facts = bids(json!([{"id": "a", "price": "100"}, {"id": "b", "price": "105"}]));
    assert_eq!(
        run(&two, &facts).winner().map(|row| row.id.as_str()),
        Some("a")
    );
}

#[test]
fn consultation_breaks_ties_by_offer_then_technical_part() {
    let rules = rules(
        json!({"method": "consultation", "object": "services", "price_weight": "10",
        "sme_rate": "0.10", "items": [{"id": "q", "name": {"zh": "技术", "en": "technical"},
        "max": "90", "kind": "subjective"}]}),
    );
    let facts = bids(
        json!([{"id": "a", "price": "100"}, {"id": "b", "price": "80"},
        {"id": "c", "price": "100"}, {"id": "d", "price": "100"}]),
    );
    let points = |a: &str, b: &str, c: &str, d: &str| Sheet {
        judge: "j".into(),
        scores: [("a", a), ("b", b), ("c", c), ("d", d)]
            .map(|(id, p)| {
                (
                    id.to_owned(),
                    BTreeMap::from([("q".to_owned(), p.to_owned())]),
                )
            })
            .into(),
    };
    // 8 + 60 = 10 + 58: the lower offer is first; c and d are equal in everything.
    let sheet = points("60", "58", "50", "50");
    let outcome = evaluate(&rules, &facts, &[sheet]).expect("computes");
    assert_eq!(order(&outcome), [("b", 1), ("a", 2), ("c", 3), ("d", 3)]);
    assert!(outcome.draw_needed.is_empty());
    let equal = points("60", "50", "60", "50");
    let outcome = evaluate(&rules, &facts, &[equal]).expect("computes");
    assert_eq!(outcome.draw_needed, ["a", "c"]);
}

#[test]
fn a_single_source_is_one_within_the_budget() {
    let rules = rules(json!({"method": "single-source", "price_weight": "0", "budget": "100"}));
    let one = |price: &str| bids(json!([{"id": "a", "price": price, "small": true}]));
    let outcome = run(&rules, &one("100"));
    assert_eq!(
        outcome.winner().map(|row| row.price.as_str()),
        Some("100.00")
    );
    let over = run(&rules, &one("100.01"));
    assert!(over.winner().is_none() && over.procedure_fails);
    let two = bids(json!([{"id": "a", "price": "1"}, {"id": "b", "price": "1"}]));
    assert_eq!(
        evaluate(&rules, &two, &[]).map_err(|e| e.code()),
        Err("score.too-many")
    );
}

fn framework(n: usize, stage: &str, laboratory: bool) -> Outcome {
    let rules = rules(
        json!({"method": "framework", "price_weight": "0", "sme_rate": "0.10",
        "framework": {"stage": stage, "laboratory": laboratory}}),
    );
    let facts: Vec<Value> = (0..n)
        .map(|at| {
            json!({"id": format!("{at:02}"),
        "price": (100 + at).to_string(), "agreed": "200"})
        })
        .collect();
    run(&rules, &bids(Value::Array(facts)))
}

#[test]
fn frameworks_eliminate_by_the_table() {
    let out = |n, stage, laboratory| {
        let outcome = framework(n, stage, laboratory);
        n - outcome.admitted().count()
    };
    for (n, expected) in [(2, 1), (3, 1), (5, 1), (6, 2), (10, 2), (11, 3)] {
        assert_eq!(out(n, "price-first", false), expected, "{n}");
    }
    assert_eq!(
        out(10, "price-first", true),
        2,
        "only quality first has the larger part"
    );
    assert!(framework(1, "price-first", false).procedure_fails);
    // All qualities are equal without sheets: the lower price goes on.
    for (n, expected) in [(2, 1), (3, 2), (5, 2), (6, 3), (10, 4), (11, 5)] {
        assert_eq!(out(n, "quality-first", true), expected, "{n}");
    }
    let torn = rules(
        json!({"method": "framework", "price_weight": "0", "sme_rate": "0.10",
        "framework": {"stage": "price-first"}}),
    );
    let facts = bids(json!([{"id": "a", "price": "1"}, {"id": "b", "price": "2"},
        {"id": "c", "price": "2"}]));
    let outcome = run(&torn, &facts);
    assert_eq!(outcome.draw_needed, ["b", "c"]);
    assert_eq!(
        outcome.admitted().count(),
        3,
        "the draw decides, not the id"
    );
}

#[test]
fn the_second_competition_stays_below_the_agreed_price() {
    let rules = rules(
        json!({"method": "framework", "price_weight": "0", "sme_rate": "0.10",
        "framework": {"stage": "second-competition"}}),
    );
    let facts = bids(json!([{"id": "a", "price": "90", "agreed": "100"},
        {"id": "b", "price": "80", "agreed": "79.99"}, {"id": "c", "price": "85", "agreed": "85"}]));
    let outcome = run(&rules, &facts);
    assert_eq!(order(&outcome), [("c", 1), ("a", 2)]);
    assert_eq!(outcome.invalid[0].reason, "price-over-agreed");
    let none = bids(json!([{"id": "a", "price": "90"}]));
    assert_eq!(
        evaluate(&rules, &none, &[]).map_err(|e| e.code()),
        Err("score.missing")
    );
}

#[test]
fn price_forms() {
    let of = |form: Value, ceiling: Option<&str>| {
        rules(
            json!({"method": "lowest", "price_weight": "0", "sme_rate": "0.10",
            "ceiling": ceiling, "price_form": form}),
        )
    };
    let float_down = of(json!({"form": "float-down"}), Some("10"));
    let facts = bids(
        json!([{"id": "a", "price": "12.50"}, {"id": "b", "price": "15"},
        {"id": "c", "price": "9.99"}]),
    );
    let outcome = run(&float_down, &facts);
    assert_eq!(order(&outcome), [("b", 1), ("a", 2)]);
    assert_eq!(
        (
            outcome.rows[0].price.as_str(),
            outcome.rows[0].evaluated_price.as_str()
        ),
        ("15", "85")
    );
    assert_eq!(
        outcome.invalid[0].id, "c",
        "less off than the least float-down"
    );
    let whole = bids(json!([{"id": "a", "price": "100"}]));
    assert_eq!(
        evaluate(&float_down, &whole, &[]).map_err(|e| e.code()),
        Err("score.number")
    );
    let rate = of(json!({"form": "rate", "decimals": 4}), Some("80"));
    let facts = bids(json!([{"id": "a", "price": "78.5001"}, {"id": "b", "price": "78.5"}]));
    assert_eq!(order(&run(&rate, &facts)), [("b", 1), ("a", 2)]);
    let list = of(
        json!({"form": "unit-list", "decimals": 4, "lines": [
        {"id": "x", "quantity": "10.5"}, {"id": "y", "quantity": "3", "ceiling": "7"}]}),
        None,
    );
    let facts = bids(json!([
        {"id": "a", "prices": {"x": "1.0001", "y": "7"}},
        {"id": "b", "prices": {"x": "1", "y": "7"}},
        {"id": "c", "prices": {"x": "1", "y": "7.01"}}]));
    let outcome = run(&list, &facts);
    assert_eq!(order(&outcome), [("b", 1), ("a", 2)]);
    assert_eq!(outcome.rows[1].evaluated_price, "31.50105");
    assert_eq!(outcome.invalid[0].reason, "price-over-ceiling");
    for wrong in [json!({"x": "1"}), json!({"x": "1", "y": "1", "z": "1"})] {
        let facts = bids(json!([{"id": "a", "prices": wrong}]));
        assert!(evaluate(&list, &facts, &[]).is_err());
    }
    let parts = of(
        json!({"form": "composite", "lines": [{"id": "design"}, {"id": "build"}]}),
        Some("100"),
    );
    let facts = bids(json!([{"id": "a", "prices": {"design": "10.01", "build": "89.99"}}]));
    assert_eq!(run(&parts, &facts).rows[0].evaluated_price, "100");
    let ceiling = of(json!({"form": "total"}), Some("74180927.5412"));
    let facts =
        bids(json!([{"id": "a", "price": "74180927.54"}, {"id": "b", "price": "74180927.55"}]));
    assert_eq!(run(&ceiling, &facts).invalid[0].id, "b");
}

#[test]
fn concessions_take_the_highest() {
    let rules = rules(
        json!({"method": "composite", "price_weight": "100", "highest_wins": true,
        "ceiling": "50"}),
    );
    let facts = bids(
        json!([{"id": "a", "price": "80"}, {"id": "b", "price": "100"},
        {"id": "c", "price": "49.99"}]),
    );
    let outcome = run(&rules, &facts);
    assert_eq!(order(&outcome), [("b", 1), ("a", 2)]);
    assert_eq!(outcome.rows[1].price_points, "80.00");
    assert_eq!(outcome.invalid[0].reason, "price-below-least");
    assert!(outcome.abnormal_low.is_empty());
}

#[test]
fn policy_is_stacked_on_the_original_price() {
    let rules = rules(
        json!({"method": "lowest", "price_weight": "0", "sme_rate": "0.10",
        "sme_joint_rate": "0.05", "domestic_rate": "0.20", "green_rate": "0.02"}),
    );
    let facts = bids(json!([
        {"id": "a", "price": "100", "prison": true, "domestic": true, "green": true},
        {"id": "b", "price": "100", "disabled_welfare": true},
        {"id": "c", "price": "100", "consortium": true, "joint_share": "30"},
        {"id": "d", "price": "100", "consortium": true, "joint_share": "29.99"},
        {"id": "e", "price": "100", "consortium": true, "related": true},
        {"id": "f", "price": "100", "domestic": false, "domestic_share": "80"},
        {"id": "g", "price": "100", "domestic": true, "domestic_share": "79.9"},
        {"id": "h", "price": "100", "medium": true}]));
    let (outcome, derivation) = derive(&Lot::new(&rules, &facts, &[])).expect("computes");
    let eval: BTreeMap<&str, &str> = outcome
        .rows
        .iter()
        .map(|row| (row.id.as_str(), row.evaluated_price.as_str()))
        .collect();
    let expected = [
        ("a", "68"),
        ("b", "90"),
        ("c", "95"),
        ("d", "100"),
        ("e", "100"),
        ("f", "80"),
        ("g", "100"),
        ("h", "100"),
    ];
    assert_eq!(eval, BTreeMap::from(expected));
    let a = derivation.bids.iter().find(|bid| bid.id == "a").expect("a");
    let steps: Vec<(&str, &str)> = a
        .steps
        .iter()
        .map(|s| (s.quantity.as_str(), s.basis.article.as_str()))
        .collect();
    assert!(steps.contains(&("sme", "46 art. 9")));
    assert!(steps.contains(&("domestic", "国办发〔2025〕34号")));
    assert!(steps.contains(&("green", "财库〔2019〕9号")));
}

#[test]
fn reserved_lots_admit_small_and_medium_only() {
    let rules = rules(json!({"method": "lowest", "price_weight": "0", "reserved": true}));
    let facts = bids(json!([{"id": "a", "price": "100", "small": true},
        {"id": "b", "price": "90", "medium": true}, {"id": "c", "price": "80"},
        {"id": "d", "price": "95", "prison": true}]));
    let outcome = run(&rules, &facts);
    assert_eq!(order(&outcome), [("b", 1), ("d", 2), ("a", 3)]);
    assert_eq!(outcome.invalid[0].reason, "not-small-in-reserved");
    assert!(!outcome.procedure_fails);
}

#[test]
fn works_give_a_bonus_in_points() {
    let of = |cap: Option<&str>| {
        rules(
            json!({"method": "works-deviation", "object": "works", "price_weight": "100",
            "sme_bonus_rate": "0.05", "sme_joint_bonus_rate": "0.02", "bonus_cap": cap,
            "formula": {"family": "mean", "params": {"full": "100"}}}),
        )
    };
    let facts = bids(
        json!([{"id": "a", "price": "100", "small": true}, {"id": "b", "price": "100"},
        {"id": "c", "price": "100", "consortium": true}]),
    );
    let points = |outcome: &Outcome| -> Vec<(String, String)> {
        let rows = outcome.rows.iter();
        rows.map(|row| (row.id.clone(), row.price_points.clone()))
            .collect()
    };
    let own = |id: &str, points: &str| (id.to_owned(), points.to_owned());
    let outcome = run(&of(None), &facts);
    assert_eq!(
        points(&outcome),
        [own("a", "105.00"), own("c", "102.00"), own("b", "100.00")]
    );
    assert_eq!(outcome.benchmark.as_deref(), Some("100"));
    let capped = run(&of(Some("100")), &facts);
    assert_eq!(capped.draw_needed, ["a", "b", "c"]);
}

#[test]
fn a_review_ends_a_bid_only_when_held() {
    let rules = rules(
        json!({"method": "lowest", "price_weight": "0", "sme_rate": "0.10",
        "ceiling": "1050000"}),
    );
    let mut facts = bids(
        json!([{"id": "a", "price": "1000000"}, {"id": "b", "price": "960000"},
        {"id": "c", "price": "940000"}, {"id": "d", "price": "455000"}]),
    );
    assert_eq!(run(&rules, &facts).reviews_open(), ["d"]);
    facts[3].review = Some(Review::Reasonable);
    let outcome = run(&rules, &facts);
    assert!(outcome.reviews_open().is_empty());
    assert_eq!(outcome.winner().map(|row| row.id.as_str()), Some("d"));
    facts[3].review = Some(Review::NotShown);
    let outcome = run(&rules, &facts);
    assert_eq!(outcome.winner().map(|row| row.id.as_str()), Some("c"));
    assert_eq!(
        (
            outcome.invalid[0].reason.as_str(),
            outcome.invalid[0].article.as_str()
        ),
        ("abnormally-low", "87 art. 60")
    );
    assert_eq!(
        outcome.abnormal_low.len(),
        1,
        "what started the review stays on record"
    );
    facts[0].invalid = vec!["bond".into(), "conditions".into()];
    let outcome = run(&rules, &facts);
    assert_eq!(outcome.invalid.len(), 3);
    assert!(outcome.procedure_fails);
    facts[0].invalid = vec!["mood".into()];
    assert_eq!(
        evaluate(&rules, &facts, &[]).map_err(|e| e.code()),
        Err("score.unknown")
    );
}

fn panel(kind: &str, more: Value) -> RuleSet {
    let mut value = json!({"method": "composite", "price_weight": "40", "sme_rate": "0.10",
        "items": [{"id": "q", "name": {"zh": "技术", "en": "technical"}, "max": "60", "kind": kind,
            "bands": [["0", "10"], ["20", "30"], ["50", "60"]]}]});
    for (key, entry) in more.as_object().expect("an object") {
        value[key] = entry.clone();
    }
    rules(value)
}

fn votes(points: &[&[&str]]) -> Vec<Sheet> {
    let sheet = |(at, own): (usize, &&[&str])| Sheet {
        judge: format!("j{at}"),
        scores: own
            .iter()
            .enumerate()
            .map(|(bid, p)| {
                (
                    format!("b{bid}"),
                    BTreeMap::from([("q".to_owned(), (*p).to_owned())]),
                )
            })
            .collect(),
    };
    points.iter().enumerate().map(sheet).collect()
}

#[test]
fn sheets_are_held_to_bands_and_to_each_other() {
    let facts = bids(json!([{"id": "b0", "price": "100"}, {"id": "b1", "price": "100"}]));
    let run = |rules: &RuleSet, points: &[&[&str]]| {
        evaluate(rules, &facts, &votes(points)).map_err(|e| (e.code(), e.to_string()))
    };
    let subjective = panel("subjective", json!({}));
    assert!(run(&subjective, &[&["10", "55"], &["20", "50"]]).is_ok());
    for wrong in ["10.01", "40", "60.1", "-1"] {
        let (code, text) = run(&subjective, &[&["10", wrong]]).expect_err("outside");
        assert_eq!(code, "score.band", "{wrong}");
        assert!(text.contains("b1/q"), "{text}");
    }
    let (code, text) = run(&subjective, &[&["10", "1e1"]]).expect_err("no number");
    assert_eq!(code, "score.number");
    assert!(text.contains("b1/q"), "{text}");
    let objective = panel("objective", json!({}));
    assert!(run(&objective, &[&["10", "5"], &["10.0", "5"]]).is_ok());
    assert_eq!(
        run(&objective, &[&["10", "5"], &["10", "6"]])
            .expect_err("differ")
            .0,
        "score.objective"
    );
    // The highest and lowest judge go only where the document says so.
    let points: [&[&str]; 5] = [
        &["0", "1"],
        &["10", "1"],
        &["20", "1"],
        &["30", "1"],
        &["60", "1"],
    ];
    let quality = |rules: &RuleSet| {
        run(rules, &points).expect("computes").rows[0]
            .quality
            .clone()
    };
    assert_eq!(quality(&subjective), "24.00");
    let dropping = panel(
        "subjective",
        json!({"drop_judges": {"hi": 1, "lo": 1, "min": 5}}),
    );
    assert_eq!(quality(&dropping), "20.00");
    let more = panel(
        "subjective",
        json!({"drop_judges": {"hi": 1, "lo": 1, "min": 6}}),
    );
    assert_eq!(quality(&more), "24.00");
    assert!(
        lint(&dropping)
            .iter()
            .any(|f| f.code == "rules.drops-judges" && !f.is_error())
    );
}

#[test]
fn a_judge_far_from_the_panel_is_pointed_at() {
    let facts = bids(json!([{"id": "b0", "price": "100"}, {"id": "b1", "price": "100"}]));
    let rules = panel("subjective", json!({}));
    let points: [&[&str]; 5] = [
        &["50", "21"],
        &["51", "20"],
        &["52", "22"],
        &["53", "58"],
        &["52", "23"],
    ];
    let part = Ratio::parse("0.1").expect("a number");
    let found = judge_statistics(&rules, &facts, &votes(&points), &part).expect("a panel");
    assert_eq!(found.leads.len(), 1);
    let lead = &found.leads[0];
    assert_eq!((lead.judge.as_str(), lead.bid.as_str()), ("j3", "b1"));
    assert_eq!(
        (
            lead.median.as_str(),
            lead.deviation.as_str(),
            lead.spread.as_str()
        ),
        ("22", "36", "1")
    );
    assert_eq!(
        (
            found.judges[3].stands_out,
            found.judges[3].mean_deviation.as_str()
        ),
        (1, "18.50")
    );
    assert!(judge_statistics(&rules, &facts, &votes(&points[..2]), &part).is_err());
}

#[test]
fn results_change_only_for_listed_reasons() {
    let pack = latest(Regime::Procurement);
    let of = |method, reason, signed| recheck(pack, method, reason, signed);
    let found = of(Method::Composite, "sum-error", false).expect("listed");
    assert_eq!(
        (found.action, found.basis.article.as_str()),
        (Action::CorrectOnTheSpot, "87 art. 64")
    );
    let again = of(Method::Composite, "abnormal-score", true).expect("listed");
    assert_eq!(again.action, Action::SameCommitteeAgain);
    for (method, reason, article) in [
        (Method::Negotiation, "sum-error", "74 art. 21"),
        (Method::Composite, "second-thoughts", "87 art. 64"),
    ] {
        match of(method, reason, true) {
            Err(Error::Recheck { article: found, .. }) => assert_eq!(found, article),
            other => unreachable!("a refusal expected, found {other:?}"),
        }
    }
    assert!(of(Method::Consultation, "qualification-error", true).is_ok());
    assert_eq!(reasons(pack, Method::Inquiry).count(), 2);
}

fn document(more: Value) -> Vec<(String, String)> {
    let mut value = json!({"rules": {"method": "composite", "price_weight": "40", "budget": "3000000",
        "sme_rate": "0.10", "items": [{"id": "q", "name": {"zh": "技术方案", "en": "technical plan"},
        "max": "60", "kind": "subjective", "bands": [["0", "60"]]}]}});
    for (key, entry) in more.as_object().expect("an object") {
        match (key.as_str(), entry.as_object()) {
            ("rules", Some(own)) => {
                own.iter()
                    .for_each(|(key, entry)| value["rules"][key] = entry.clone());
            }
            _ => value[key] = entry.clone(),
        }
    }
    let document: Document = serde_json::from_value(value).expect("a document");
    let found = lint_document(&document).into_iter();
    found
        .map(|f| {
            assert!(!f.article.is_empty());
            (f.code, f.place)
        })
        .collect()
}

#[test]
fn the_lint_catches_each_planted_fault_and_nothing_in_a_clean_document() {
    let clause = |zh: &str| json!([{"id": "1", "text": {"zh": zh, "en": ""}}]);
    let clean = json!({"document_price": "0", "notice_days": 5, "available_days": 5,
        "response_days": 20, "qualifications": clause("具有独立承担民事责任的能力"),
        "samples": {"making": true, "judging": true, "returning": true}, "products": 2,
        "core_products": ["服务器"], "bid_bond": "60000", "performance_bond": "0.10", "seats": 5,
        "experts": 4, "amendments": [{"days_before": 15, "affects_bids": true, "deadline_moved": false},
        {"days_before": 3, "affects_bids": true, "deadline_moved": true}]});
    assert_eq!(document(clean), []);
    for (more, code) in [
        (json!({"document_price": "0.01"}), "document.price"),
        (json!({"floor_price": "1"}), "document.floor-price"),
        (json!({"rules": {"budget": null}}), "document.no-budget"),
        (json!({"notice_days": 4}), "document.notice-days"),
        (json!({"available_days": 4}), "document.available-days"),
        (json!({"response_days": 19}), "document.response-days"),
        (
            json!({"amendments": [{"days_before": 14, "affects_bids": true, "deadline_moved": false}]}),
            "document.corrections",
        ),
        (
            json!({"qualifications": clause("注册资本不低于500万元")}),
            "document.qualification-size",
        ),
        (
            json!({"qualifications": clause("提供制造商授权")}),
            "document.qualification-authorisation",
        ),
        (
            json!({"qualifications": clause("在本市设有分支机构")}),
            "document.qualification-region",
        ),
        (
            json!({"qualifications": clause("国有企业")}),
            "document.qualification-ownership",
        ),
        (
            json!({"qualifications": clause("限定品牌")}),
            "document.qualification-brand",
        ),
        (
            json!({"qualifications": [{"id": "1", "text": {"zh": "技术方案", "en": "technical plan"}}]}),
            "document.scored-qualification",
        ),
        (
            json!({"requirements": clause("限定品牌甲")}),
            "document.requirement-brand",
        ),
        (
            json!({"named_software": "某软件"}),
            "document.named-software",
        ),
        (json!({"imported": true}), "document.import"),
        (json!({"samples": {"making": true}}), "document.samples"),
        (json!({"products": 2}), "document.no-core-product"),
        (json!({"bid_bond": "60000.01"}), "document.bond"),
        (json!({"cash_bond": true}), "document.cash-bond"),
        (
            json!({"performance_bond": "0.11"}),
            "document.performance-bond",
        ),
        (json!({"seats": 4}), "rules.committee"),
        (json!({"seats": 5, "experts": 3}), "rules.committee-experts"),
        (json!({"seats": 5, "complex": true}), "rules.committee"),
        (
            json!({"rules": {"budget": "10000000"}, "seats": 5}),
            "rules.committee",
        ),
        (
            json!({"rules": {"budget": "2000000"}, "fit_for_small": true}),
            "document.reserve",
        ),
        (
            json!({"rules": {"price_weight": "29", "items": [{"id": "q", "max": "71", "kind": "objective",
            "name": {"zh": "甲", "en": "a"}}]}}),
            "rules.price-weight-low",
        ),
        (
            json!({"rules": {"drop_price_extremes": true}}),
            "rules.drops-extremes",
        ),
        (
            json!({"rules": {"price_weight": "41"}}),
            "rules.weights-sum",
        ),
        (json!({"rules": {"min_bidders": 2}}), "rules.min-bidders"),
        (
            json!({"rules": {"min_bidders": 2, "exception": "two-left"}}),
            "rules.exception",
        ),
        (
            json!({"rules": {"ceiling": "3000000.01"}}),
            "rules.ceiling-over-budget",
        ),
        (
            json!({"rules": {"reserved": true}}),
            "rules.reserved-deduction",
        ),
        (
            json!({"rules": {"sme_bonus_rate": "0.03"}}),
            "rules.sme-bonus",
        ),
        (
            json!({"rules": {"formula": {"family": "mean"}}}),
            "rules.works",
        ),
        (
            json!({"rules": {"framework": {"stage": "price-first"}}}),
            "rules.framework",
        ),
        (
            json!({"rules": {"low_mean_rate": "0.66"}}),
            "rules.abnormal-low-rate",
        ),
        (
            json!({"rules": {"items": [{"id": "q", "max": "60", "kind": "subjective",
            "name": {"zh": "甲", "en": "a"}}]}}),
            "document.not-quantified",
        ),
    ] {
        let found = document(more);
        assert!(found.iter().any(|(c, _)| c == code), "{code}: {found:?}");
    }
    let imported = json!({"imported": true, "import_approved": true,
        "qualifications": clause("提供制造商授权")});
    assert_eq!(document(imported), []);
    let small = json!({"rules": {"method": "inquiry", "price_weight": "0", "items": []},
        "response_days": 2, "seats": 3, "experts": 2});
    assert_eq!(
        document(small),
        [(
            "document.response-days".to_owned(),
            "response_days".to_owned()
        )]
    );
}

#[test]
fn bad_packs_are_refused_with_the_entry() {
    let good: Value = serde_json::from_slice(&packs()[0].to_jcs().expect("bytes")).expect("JSON");
    let code = |change: &dyn Fn(&mut Value)| {
        let mut pack = good.clone();
        change(&mut pack);
        Pack::parse(pack.to_string().as_bytes())
            .map(|_| ())
            .map_err(|e| e.code())
    };
    assert_eq!(code(&|_| ()), Ok(()));
    assert_eq!(code(&|p| p["v"] = 2.into()), Err("score.pack"));
    assert_eq!(
        code(&|p| p["entries"][0]["value"] = "1e3".into()),
        Err("score.pack")
    );
    assert_eq!(
        code(&|p| p["entries"][1]["id"] = p["entries"][0]["id"].clone()),
        Err("score.pack")
    );
    assert_eq!(
        code(&|p| p["entries"][0]["source"] = "hearsay".into()),
        Err("score.pack")
    );
    assert_eq!(
        code(&|p| p["entries"][0]["from"] = "2030-01-01".into()),
        Err("score.pack")
    );
    assert_eq!(
        code(&|p| p["entries"][0]["article"] = "".into()),
        Err("score.pack")
    );
    assert_eq!(code(&|p| p["regions"] = json!([])), Err("score.pack"));
    assert_eq!(
        code(&|p| p["entries"][0]["more"] = 1.into()),
        Err("score.unknown-field")
    );
    assert_eq!(
        code(&|p| p["entries"][0]["value"] = json!(0.5)),
        Err("score.not-text")
    );
    assert_eq!(
        code(&|p| p["from"] = "2026-02-30".into()),
        Err("score.json")
    );
}

#[test]
fn the_order_of_the_bids_never_changes_a_derivation_of_any_method() {
    let item = json!([{"id": "q", "name": {"zh": "技术", "en": "technical"}, "max": "60",
        "kind": "subjective"}]);
    let sets = [
        json!({"method": "composite", "price_weight": "40", "sme_rate": "0.10", "items": item}),
        json!({"method": "consultation", "price_weight": "40", "sme_rate": "0.10", "items": item}),
        json!({"method": "lowest", "price_weight": "0", "sme_rate": "0.10"}),
        json!({"method": "negotiation", "price_weight": "0", "sme_rate": "0.10"}),
        json!({"method": "inquiry", "price_weight": "0", "sme_rate": "0.10"}),
        json!({"method": "framework", "price_weight": "0", "framework": {"stage": "price-first"}}),
        json!({"method": "framework", "price_weight": "0", "framework": {"stage": "quality-first"},
            "items": item}),
        json!({"method": "works-deviation", "price_weight": "40", "items": item,
            "formula": {"family": "second-mean", "params": {"full": "40"}}}),
    ];
    let mut facts: Vec<BidFacts> = (0..12u32)
        .map(|at| BidFacts {
            id: format!("b{at}"),
            price: (100 + at * 7 % 5).to_string(),
            small: at % 3 == 0,
            domestic: at % 2 == 0,
            brand: (at % 4 == 0).then(|| "X".to_owned()),
            ..BidFacts::default()
        })
        .collect();
    let own = |judge: usize| -> Vec<String> {
        (0..12)
            .map(|bid| (judge * 13 + bid % 4 * 9).to_string())
            .collect()
    };
    let points: Vec<Vec<String>> = (0..3).map(own).collect();
    let points: Vec<Vec<&str>> = points
        .iter()
        .map(|p| p.iter().map(String::as_str).collect())
        .collect();
    let points: Vec<&[&str]> = points.iter().map(Vec::as_slice).collect();
    let mut sheets = votes(&points);
    let sets: Vec<RuleSet> = sets.into_iter().map(rules).collect();
    let results = |facts: &[BidFacts], sheets: &[Sheet]| -> Vec<_> {
        let sheets_of = |set: &RuleSet| if set.items.is_empty() { &[] } else { sheets };
        let one = |set: &RuleSet| derive(&Lot::new(set, facts, sheets_of(set))).expect("computes");
        sets.iter().map(one).collect()
    };
    let first = results(&facts, &sheets);
    for turn in 1..12 {
        facts.rotate_left(turn);
        sheets.rotate_left(1);
        assert!(results(&facts, &sheets) == first, "turn {turn}");
    }
}

/// A float would decide a contract by how a machine rounds.
#[test]
fn there_is_no_float_in_the_sources() {
    let mut folders = vec![std::path::PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src"
    ))];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            files += 1;
            let text = std::fs::read_to_string(&path).expect("a source file");
            // A reader of JSON must name floats to pass over them.
            let float = |line: &&str| {
                !line.contains("fn visit_f64") && (line.contains("f32") || line.contains("f64"))
            };
            let found = text.lines().find(float);
            assert_eq!(found, None, "{}", path.display());
        }
    }
    assert!(files > 30, "{files} files");
}
