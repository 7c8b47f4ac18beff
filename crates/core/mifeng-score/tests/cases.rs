//! Cases: what agrees with `expected`, and that result and derivation are of the same bids.
use mifeng_score::case;
use serde_json::{Value, json};

fn agrees(case: &Value) -> Option<bool> {
    case::run(&case.to_string()).expect("computes").agrees
}

/// The case with its own result as `expected`, changed.
fn expecting(case: &Value, change: impl FnOnce(&mut Value)) -> Option<bool> {
    let answer = case::run(&case.to_string()).expect("computes");
    let mut expected = serde_json::to_value(answer.computed).expect("a value");
    change(&mut expected);
    let mut case = case.clone();
    case["expected"] = expected;
    agrees(&case)
}

fn reverse(list: &mut Value) {
    list.as_array_mut().expect("a list").reverse();
}

#[test]
fn works_rows_agree_in_any_order_and_nought_has_no_sign() {
    let bid = |id: &str, price: &str| json!({"id": id, "price": price});
    let case = json!({"id": "W", "method": "works_mean_deviation",
        "params": {"full": "60", "E_hi": "1", "E_lo": "0.5", "K": "0", "trim": [], "base_dp": 2,
            "dev_dp": 2, "floor": "0"},
        "bids": [bid("B1", "100.00"), bid("B2", "100.00"), bid("B10", "100.01")]});
    assert_eq!(expecting(&case, |_| {}), Some(true));
    assert_eq!(expecting(&case, |e| reverse(&mut e["rows"])), Some(true));
    let signed = |e: &mut Value| e["rows"][0]["deviation_pct"] = json!("-0.00");
    assert_eq!(expecting(&case, signed), Some(true));
    let wrong = |e: &mut Value| e["rows"][0]["deviation_pct"] = json!("0.02");
    assert_eq!(expecting(&case, wrong), Some(false));
    let short = |e: &mut Value| drop(e["rows"].as_array_mut().expect("rows").pop());
    assert_eq!(expecting(&case, short), Some(false));
}

#[test]
fn composite_ties_and_draws_agree_in_any_order() {
    let bid = |id: &str| {
        json!({"id": id, "price": "100.00", "sme": false, "sme_joint": false,
        "domestic": false, "brand": null, "judges": ["50.00"]})
    };
    let case = json!({"id": "C", "method": "law87_composite",
        "params": {"price_weight": "0.30", "sme_rate": "0", "sme_joint_rate": "0",
            "domestic_rate": "0", "domestic_competes": false, "ceiling": null},
        "bids": [bid("B2"), bid("B10"), bid("B3")]});
    assert_eq!(expecting(&case, |e| reverse(&mut e["rows"])), Some(true));
    assert_eq!(
        expecting(&case, |e| reverse(&mut e["draw_needed"])),
        Some(true)
    );
    let trailing = |e: &mut Value| e["rows"][0]["eval_price"] = json!("100.0000");
    assert_eq!(expecting(&case, trailing), Some(true));
    let fewer = |e: &mut Value| e["draw_needed"] = json!(["B2", "B3"]);
    assert_eq!(expecting(&case, fewer), Some(false));
    let low = |e: &mut Value| e["abnormal_low"] = json!({"B2": ["mean"]});
    assert_eq!(expecting(&case, low), Some(false));
}

#[test]
fn a_formula_does_not_see_prices_over_the_ceiling() {
    let bid = |id: &str, price: &str| json!({"id": id, "price": price});
    let case = json!({"id": "F", "method": "formula", "ceiling": "200",
        "params": {"text": ["base = mean(x)", "each points = base / p * 10"]},
        "bids": [bid("A", "100"), bid("B", "200"), bid("C", "900")]});
    let (answer, derivation) = case::explain(&case.to_string()).expect("computes");
    let result = serde_json::to_value(&answer.computed).expect("a value");
    assert_eq!(result["lot"]["base"], "150");
    assert_eq!(result["rows"].as_array().map(Vec::len), Some(2));
    assert_eq!(result["invalid"][0]["id"], "C");
    assert_eq!(result["invalid"][0]["reason"], "price-over-ceiling");
    let base = derivation.lot.iter().find(|step| step.quantity == "base");
    assert_eq!(base.map(|step| step.value.as_str()), Some("150"));
}

#[test]
fn a_sum_that_rounds_to_the_total_changes_nothing() {
    let line = json!({"quantity": "3.333", "unit_price": "1.00"});
    let case = |words: &str, digits: &str| {
        json!({"id": "R", "method": "correction",
        "bids": [{"id": "A", "digits": digits, "words_fen": words, "lines": [line]}]})
    };
    let row = |case: Value| {
        let answer = case::run(&case.to_string()).expect("computes");
        serde_json::to_value(&answer.computed).expect("a value")["rows"][0].clone()
    };
    let same = row(case("333", "3.33"));
    assert_eq!(
        (&same["price"], &same["confirm"]),
        (&json!("3.33"), &json!(false))
    );
    assert_eq!(same["steps"], json!([]));
    let other = row(case("334", "3.34"));
    assert_eq!(
        (&other["price"], &other["confirm"]),
        (&json!("3.33"), &json!(true))
    );
    assert_eq!(other["steps"].as_array().map(Vec::len), Some(1));
}

fn formula(text: &[&str], bids: usize) -> String {
    let bid = |at: usize| json!({"id": format!("B{at}"), "price": format!("{}.00", 1_000 + at)});
    let bids: Vec<Value> = (0..bids).map(bid).collect();
    json!({"id": "F", "method": "formula", "params": {"text": text}, "bids": bids}).to_string()
}

#[test]
fn lists_of_the_lot_are_said_once() {
    let text = [
        "kept = drop(x, 1, 1)",
        "each below = upto(kept, p)",
        "each points = count(below) + count(upto(x, p)) / n",
    ];
    let (_, derivation) = case::explain(&formula(&text, 200)).expect("computes");
    let all = derivation.lot.iter().find(|step| step.quantity == "x");
    let all = all.expect("the list that the lines of the bids read");
    assert_eq!(all.value.split(", ").count(), 200);
    for bid in &derivation.bids {
        for step in &bid.steps {
            for input in &step.inputs {
                let whole = derivation.value(Some(bid), input);
                assert!(!input.value.starts_with('['), "{step:?}");
                match input.name.as_str() {
                    "x" => assert_eq!((input.value.as_str(), whole), ("x", &*all.value)),
                    "kept" | "below" => {
                        assert!(input.value == input.name && whole.starts_with('['))
                    }
                    _ => assert_eq!(input.value, whole),
                }
            }
        }
    }
}

#[test]
fn steps_count_what_numbers_and_lists_cost() {
    let limit = |text: &[&str], bids| case::run(&formula(text, bids)).map_err(|e| e.code());
    // Numbers of 1,400 bits for every bid.
    let mut text = vec!["big = pow(pow(pow(7/3, 8), 8), 8)".to_owned()];
    text.extend((0..20).map(|at| format!("each l{at} = big * p / p")));
    text.push("each points = l0 / big".to_owned());
    let text: Vec<&str> = text.iter().map(String::as_str).collect();
    assert!(limit(&text, 5).is_ok());
    assert_eq!(limit(&text, 300).map(|_| ()), Err("formula.limit"));
    // A list for every bid, of which no function sees an element.
    let text = ["each all = x", "each points = 1"];
    assert!(limit(&text, 100).is_ok());
    assert_eq!(limit(&text, 3_000).map(|_| ()), Err("formula.limit"));
}
