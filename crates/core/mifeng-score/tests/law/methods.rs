//! Methods: who comes first, and by which law.
use super::*;

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

/// A consultation with technical (`t`), business (`q`) and, last, unmarked rules.
fn consultation(marked: bool, tie: &str) -> RuleSet {
    let item = |id: &str, technical: bool| {
        json!({"id": id, "name": {"zh": "项", "en": id}, "max": "45", "kind": "subjective",
            "technical": technical})
    };
    rules(
        json!({"method": "consultation", "object": "services", "price_weight": "10",
        "sme_rate": "0.10", "tie": tie, "items": [item("t", marked), item("q", false)]}),
    )
}

/// Points by bid: technical, then business.
fn consulted(rules: &RuleSet, offers: &[(&str, &str)], judges: &[&[[&str; 2]]]) -> Outcome {
    let facts = offers.iter().map(|(id, price)| BidFacts {
        id: (*id).to_owned(),
        price: (*price).to_owned(),
        ..BidFacts::default()
    });
    let sheets = judges.iter().enumerate().map(|(at, points)| {
        let row = |((id, _), [t, q]): (&(&str, &str), &[&str; 2])| {
            let items = [("t", t), ("q", q)].map(|(item, p)| (item.to_owned(), (*p).to_owned()));
            ((*id).to_owned(), BTreeMap::from(items))
        };
        Sheet {
            judge: format!("j{at}"),
            scores: offers.iter().zip(*points).map(row).collect(),
        }
    });
    let (facts, sheets): (Vec<BidFacts>, Vec<Sheet>) = (facts.collect(), sheets.collect());
    evaluate(rules, &facts, &sheets).expect("computes")
}

#[test]
fn consultation_breaks_ties_by_offer_then_by_the_technical_items_alone() {
    let marked = consultation(true, "draw");
    // 8 + 60 = 10 + 58: the lower offer is first.
    let offers = [("a", "100"), ("b", "80"), ("c", "100")];
    let outcome = consulted(
        &marked,
        &offers,
        &[&[["45", "15"], ["20", "38"], ["10", "10"]]],
    );
    assert_eq!(order(&outcome), [("b", 1), ("a", 2), ("c", 3)]);
    // Equal totals and offers: b has the better technical part, a as much in all.
    let equal = [("a", "100"), ("b", "100"), ("c", "100")];
    let points: &[&[[&str; 2]]] = &[
        &[["20", "40"], ["35", "25"], ["30", "30"]],
        &[["30", "30"], ["25", "35"], ["20", "40"]],
    ];
    let outcome = consulted(&marked, &equal, points);
    assert_eq!(order(&outcome), [("b", 1), ("a", 2), ("c", 2)]);
    assert!(outcome.draw_needed.is_empty());
    let technical: Vec<_> = outcome
        .rows
        .iter()
        .map(|r| r.technical.as_deref())
        .collect();
    assert_eq!(technical, [Some("30.00"), Some("25.00"), Some("25.00")]);
    assert_eq!(outcome.basis["rank"].article, "214 art. 25");
    // What no article decides is drawn: nothing is marked, or the technical parts are equal.
    for (rules, points) in [
        (consultation(false, "draw"), points),
        (marked, &points[..0]),
    ] {
        let same: &[&[[&str; 2]]] = &[&[["20", "40"], ["20", "40"], ["20", "40"]]];
        let points = if points.is_empty() { same } else { points };
        let outcome = consulted(&rules, &equal, points);
        assert_eq!(outcome.draw_needed, ["a", "b", "c"]);
    }
}

#[test]
fn the_documents_own_tie_rule_comes_after_the_technical_part() {
    let rules = consultation(true, "quality");
    let outcome = consulted(
        &rules,
        &[("a", "100"), ("b", "100"), ("c", "100")],
        &[&[["20", "40"], ["30", "30"], ["20", "39"]]],
    );
    assert_eq!(order(&outcome), [("b", 1), ("a", 2), ("c", 3)]);
}

#[test]
fn a_consultation_without_technical_items_is_warned_of() {
    let found = |marked| {
        let findings = lint(&consultation(marked, "draw"));
        let mut found = findings.into_iter();
        found
            .find(|f| f.code == "rules.technical-none")
            .map(|f| (f.is_error(), f.article))
    };
    assert_eq!(found(true), None);
    assert_eq!(found(false), Some((false, "214 art. 25".to_owned())));
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
