//! Bad input: a coded refusal that names the place.
use mifeng_score::case;
use serde_json::{Value, json};

fn good() -> Value {
    let bid = |id: &str, price: &str| {
        json!({"id": id, "price": price, "sme": false, "sme_joint": false, "domestic": false,
            "brand": null, "judges": ["50", "60"]})
    };
    json!({"id": "c", "method": "law87_composite", "params": {"price_weight": "0.30",
        "sme_rate": "0.10", "sme_joint_rate": "0.04", "domestic_rate": "0.20",
        "domestic_competes": false, "ceiling": "200"},
        "bids": [bid("a", "100"), bid("b", "120.50"), bid("c", "130")]})
}

fn refusal(change: &dyn Fn(&mut Value)) -> (&'static str, String) {
    let mut case = good();
    change(&mut case);
    match case::run(&case.to_string()) {
        Err(error) => {
            assert!(!error.article().is_empty());
            (error.code(), error.to_string())
        }
        Ok(answer) => ("accepted", format!("{answer:?}")),
    }
}

#[test]
fn every_fault_of_a_case_is_a_coded_refusal_with_its_place() {
    let bid = |at: usize, key: &'static str, value: Value| {
        move |case: &mut Value| {
            case["bids"][at][key] = value.clone();
        }
    };
    let param = |key: &'static str, value: Value| {
        move |case: &mut Value| {
            case["params"][key] = value.clone();
        }
    };
    assert_eq!(refusal(&|_| ()).0, "accepted");
    for (change, code, place) in [
        (
            Box::new(bid(1, "colour", "red".into())) as Box<dyn Fn(&mut Value)>,
            "score.unknown-field",
            "colour",
        ),
        (
            Box::new(param("colour", "red".into())),
            "score.unknown-field",
            "colour",
        ),
        (
            Box::new(bid(1, "price", json!(120.5))),
            "score.not-text",
            "floating point",
        ),
        (
            Box::new(bid(1, "price", json!(120))),
            "score.not-text",
            "integer",
        ),
        (
            Box::new(bid(1, "price", "120.505".into())),
            "score.number",
            "price of b",
        ),
        (
            Box::new(bid(1, "price", "-1".into())),
            "score.number",
            "price of b",
        ),
        (
            Box::new(bid(1, "price", "1e30".into())),
            "score.number",
            "price of b",
        ),
        (
            Box::new(bid(1, "price", format!("1{}", "0".repeat(30)).into())),
            "score.number",
            "price of b",
        ),
        (
            Box::new(bid(1, "price", "NaN".into())),
            "score.number",
            "price of b",
        ),
        (
            Box::new(bid(1, "price", "".into())),
            "score.number",
            "price of b",
        ),
        (
            Box::new(bid(1, "price", "１００".into())),
            "score.number",
            "price of b",
        ),
        (
            Box::new(bid(1, "id", "a".into())),
            "score.duplicate",
            "\"a\"",
        ),
        (
            Box::new(bid(1, "judges", json!(["50"]))),
            "score.missing",
            "\"b\"",
        ),
        (
            Box::new(bid(0, "judges", json!([]))),
            "score.missing",
            "\"a\"",
        ),
        (
            Box::new(bid(1, "judges", json!(["50", "70.01"]))),
            "score.band",
            "b/judge 2",
        ),
        (
            Box::new(bid(1, "judges", json!(["-0.5", "70"]))),
            "score.band",
            "b/judge 1",
        ),
        (
            Box::new(bid(1, "judges", json!(["inf", "70"]))),
            "score.number",
            "b/judge 1",
        ),
        (
            Box::new(param("price_weight", "1.01".into())),
            "score.rules",
            "params/price_weight",
        ),
        (
            Box::new(param("price_weight", "-0.1".into())),
            "score.rules",
            "params/price_weight",
        ),
        (
            Box::new(param("sme_rate", "-0.1".into())),
            "score.rules",
            "params/sme_rate",
        ),
        (
            Box::new(param("sme_rate", "0.80".into())),
            "score.rules",
            "params/sme_rate",
        ),
        (
            Box::new(param("domestic_rate", "x".into())),
            "score.number",
            "params/domestic_rate",
        ),
        (
            Box::new(param("ceiling", "0x10".into())),
            "score.number",
            "ceiling",
        ),
        (
            Box::new(|case: &mut Value| {
                case["method"] = "guess".into();
            }),
            "score.unknown",
            "guess",
        ),
        (
            Box::new(|case: &mut Value| {
                case["more"] = 1.into();
            }),
            "score.unknown-field",
            "more",
        ),
        (
            Box::new(|case: &mut Value| {
                case["bids"][0]
                    .as_object_mut()
                    .expect("a bid")
                    .remove("sme");
            }),
            "score.missing-field",
            "sme",
        ),
    ] {
        let (found, text) = refusal(&*change);
        assert_eq!(found, code, "{text}");
        assert!(text.contains(place), "{place} in {text}");
    }
    // Zero and over the ceiling are that bid's affair: listed with reason and article.
    let mut case = good();
    case["bids"][0]["price"] = "0".into();
    case["bids"][1]["price"] = "200.01".into();
    let answer = case::run(&case.to_string()).expect("computes");
    let value = serde_json::to_value(&answer.computed).expect("serialises");
    assert_eq!(
        value["invalid"],
        json!([
        {"id": "a", "reason": "price-zero", "article": "PL art. 2"},
        {"id": "b", "reason": "price-over-ceiling", "article": "87 art. 63"}])
    );
    assert_eq!(value["procedure_fails"], true);
    assert!(case::run("{").is_err() && case::run("").is_err() && case::run("[]").is_err());
}

#[test]
fn a_whole_rule_set_is_held_to_the_law() {
    let case = |rules: Value| {
        let mut params = json!({"price_weight": "40", "sme_rate": "0.10", "items": [
            {"id": "q", "name": {"zh": "技术", "en": "technical"}, "max": "60", "kind": "subjective"}]});
        for (key, value) in rules.as_object().expect("an object") {
            params[key] = value.clone();
        }
        let sheet = json!({"judge": "j", "scores": {"a": {"q": "50"}}});
        let case = json!({"id": "m", "method": "composite", "params": params,
            "bids": [{"id": "a", "price": "100"}], "sheets": [sheet]});
        case::run(&case.to_string()).map_err(|e| (e.code(), e.to_string()))
    };
    assert!(case(json!({})).is_ok());
    for (rules, text) in [
        (
            json!({"price_weight": "20"}),
            "rules.price-weight-low at price_weight (87 art. 55)",
        ),
        (
            json!({"price_weight": "41"}),
            "rules.weights-sum at items (87 art. 55)",
        ),
        (
            json!({"drop_price_extremes": true}),
            "rules.drops-extremes at drop_price_extremes (87 art. 55; 214 art. 24)",
        ),
        (
            json!({"sme_rate": "0.25"}),
            "rules.sme-rate at sme_rate (46 art. 9; 财库〔2022〕19号)",
        ),
        (
            json!({"sme_rate": "ten"}),
            "rules.number at sme_rate (RULES 5.7)",
        ),
    ] {
        let (code, found) = case(rules).expect_err("unlawful");
        assert_eq!(code, "score.rules");
        assert!(found.contains(text), "{found}");
    }
    assert_eq!(
        case(json!({"colour": "red"})).expect_err("unknown").0,
        "score.unknown-field"
    );
    assert_eq!(
        case(json!({"dp": 2.5})).expect_err("a float").0,
        "score.not-text"
    );
    assert_eq!(
        case(json!({"method": "lowest"})).expect_err("twice").0,
        "score.duplicate"
    );
}

#[test]
fn corrections_as_cases() {
    let line = r#"{"id":"C","method":"correction","bids":[
        {"id":"c1","digits":"1286000.00","words_fen":"128500000","lines":[
            {"quantity":"10","unit_price":"52000.00"},{"quantity":"5","unit_price":"15300.00"}]},
        {"id":"c2","digits":"1286000.00","words_fen":"128500000","lines":[
            {"quantity":"10","unit_price":"52000.00"},{"quantity":"5","unit_price":"152000.00"}]},
        {"id":"c3","digits":"1286000.00","words_fen":"128500000","lines":[
            {"quantity":"10","unit_price":"5200.00"},{"quantity":"5","unit_price":"1530.00"}]}],
        "expected":{"rows":[
            {"id":"c1","price":"1285000.00","confirm":true,"steps":[{"clause":"87 art. 59 (2)"},
                {"clause":"87 art. 59 (3)","before":"15300","after":"153000"}]},
            {"id":"c2","price":"1280000.00","steps":[{"clause":"87 art. 59 (2)"},
                {"clause":"87 art. 59 (4)","after":"1280000.00"}]},
            {"id":"c3","price":null,"readings":["1285000.00","527650.00","59650.00","817000.00"]}]}}"#;
    let (answer, derivation) = case::explain(line).expect("computes");
    assert_eq!(answer.agrees, Some(true), "{answer:#?}");
    assert_eq!(derivation.bids.len(), 3);
    let steps = derivation.bids[0].steps.iter();
    let mut clauses: Vec<&str> = steps.map(|step| step.basis.article.as_str()).collect();
    clauses.dedup();
    let ruled = [
        "87 art. 59",
        "87 art. 59 (2)",
        "87 art. 59 (3)",
        "87 art. 59",
    ];
    assert_eq!(clauses, ruled);
    let wrong = line.replacen("128500000", "-1", 1);
    assert_eq!(case::run(&wrong).map_err(|e| e.code()), Err("score.number"));
}
