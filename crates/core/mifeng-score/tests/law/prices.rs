//! Prices: forms, policy, reviews of low ones.
use super::*;

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
