//! What is refused: bad input and unlawful rules, one coded sentence each.
use super::*;

/// What is wrong with the first worked example, how it comes about, the code it must be refused
/// with, a word of the place.
type Fault = (
    &'static str,
    Box<dyn Fn(&mut Value)>,
    &'static str,
    &'static str,
);

fn faults() -> Vec<Fault> {
    fn set(path: &'static str, value: Value) -> Box<dyn Fn(&mut Value)> {
        Box::new(move |case| *case.pointer_mut(path).expect(path) = value.clone())
    }
    fn add(path: &'static str, key: &'static str, value: Value) -> Box<dyn Fn(&mut Value)> {
        Box::new(move |case| case.pointer_mut(path).expect(path)[key] = value.clone())
    }
    fn remove(path: &'static str, key: &'static str) -> Box<dyn Fn(&mut Value)> {
        Box::new(move |case| {
            let members = case.pointer_mut(path).and_then(Value::as_object_mut);
            members.expect(path).remove(key);
        })
    }
    let price = "/bids/0/price";
    let weight = "/params/price_weight";
    let judge = "/bids/0/judges/0";
    vec![
        (
            "a price as a JSON float",
            set(price, json!(980_000.5)),
            "score.not-text",
            "line",
        ),
        (
            "a price as a JSON integer",
            set(price, json!(980_000)),
            "score.not-text",
            "line",
        ),
        (
            "a weight as a JSON float",
            set(weight, json!(0.3)),
            "score.not-text",
            "line",
        ),
        (
            "points as a JSON float",
            set(judge, json!(58.5)),
            "score.not-text",
            "line",
        ),
        (
            "an unknown field of the case",
            add("", "extra", json!(1)),
            "score.unknown-field",
            "extra",
        ),
        (
            "an unknown param",
            add("/params", "extra", json!("1")),
            "score.unknown-field",
            "extra",
        ),
        (
            "an unknown field of a bid",
            add("/bids/0", "extra", json!(1)),
            "score.unknown-field",
            "extra",
        ),
        (
            "a missing field of a bid",
            remove("/bids/0", "price"),
            "score.missing-field",
            "price",
        ),
        (
            "no params",
            remove("", "params"),
            "score.missing-field",
            "params",
        ),
        (
            "no method",
            remove("", "method"),
            "score.missing-field",
            "method",
        ),
        (
            "an unknown method",
            set("/method", json!("lottery")),
            "score.unknown",
            "lottery",
        ),
        (
            "three decimals of a price",
            set(price, json!("980000.005")),
            "score.number",
            "甲",
        ),
        (
            "a negative price",
            set(price, json!("-1.00")),
            "score.number",
            "甲",
        ),
        (
            "10^30",
            set(price, json!("1000000000000000000000000000000")),
            "score.number",
            "甲",
        ),
        (
            "an exponent",
            set(price, json!("1e6")),
            "score.number",
            "甲",
        ),
        (
            "NaN as text",
            set(price, json!("NaN")),
            "score.number",
            "甲",
        ),
        (
            "infinity as text",
            set(price, json!("inf")),
            "score.number",
            "甲",
        ),
        (
            "separators",
            set(price, json!("980,000.00")),
            "score.number",
            "甲",
        ),
        (
            "an empty price",
            set(price, json!("")),
            "score.number",
            "甲",
        ),
        (
            "blanks",
            set(price, json!(" 980000.00")),
            "score.number",
            "甲",
        ),
        (
            "wide digits",
            set(price, json!("９８００００")),
            "score.number",
            "甲",
        ),
        (
            "a leading zero",
            set(price, json!("0980000.00")),
            "score.number",
            "甲",
        ),
        (
            "points above the band",
            set(judge, json!("70.01")),
            "score.band",
            "甲",
        ),
        (
            "negative points",
            set(judge, json!("-1")),
            "score.band",
            "甲",
        ),
        (
            "points that are no number",
            set(judge, json!("good")),
            "score.number",
            "good",
        ),
        (
            "a judge too few",
            set("/bids/0/judges", json!(["58.50"])),
            "score.missing",
            "",
        ),
        (
            "no judges",
            set("/bids/0/judges", json!([])),
            "score.missing",
            "judges",
        ),
        (
            "an id twice",
            set("/bids/1/id", json!("甲")),
            "score.duplicate",
            "甲",
        ),
        (
            "a weight above one",
            set(weight, json!("1.01")),
            "score.rules",
            "87 art. 55",
        ),
        (
            "a negative weight",
            set(weight, json!("-0.3")),
            "score.rules",
            "87 art. 55",
        ),
        (
            "a rate that is no number",
            set("/params/sme_rate", json!("a lot")),
            "score.number",
            "a lot",
        ),
        (
            "bids that are no list",
            set("/bids", json!({})),
            "score.not-text",
            "line",
        ),
    ]
}

fn refused(what: &str, text: &str, code: &str, place: &str) {
    let output = run(&["--json", "--lang", "en", "score", "-"], text);
    let error = String::from_utf8_lossy(&output.stderr);
    let exit = output.status.code();
    assert!(
        matches!(exit, Some(1 | 3)),
        "{what}: exit {exit:?}: {error}"
    );
    assert!(output.stdout.is_empty(), "{what}: something was printed");
    let found: Value = serde_json::from_str(&error).expect("JSON");
    assert_eq!(found["code"], code, "{what}: {error}");
    assert!(
        found["clause"].as_str().is_some_and(|c| !c.is_empty()),
        "{what}: {error}"
    );
    let told = format!("{}{}", found["error"], found["clause"]);
    assert!(told.contains(place), "{what}: {place:?} is not in {told}");
}

#[test]
fn bad_input_is_refused_with_its_code_and_place() {
    for (what, change, code, place) in faults() {
        let mut case = case();
        case.as_object_mut().expect("a case").remove("expected");
        change(&mut case);
        refused(what, &case.to_string(), code, place);
    }
    let text = case().to_string();
    let twice = text.replacen("\"price\":", "\"price\":\"1.00\",\"price\":", 1);
    refused("a member twice", &twice, "score.duplicate", "price");
    let nan = text.replacen("\"980000.00\"", "NaN", 1);
    refused("NaN as a word", &nan, "score.json", "line");
    refused("a cut text", &text[..text.len() / 2], "score.json", "line");
    refused("deep nesting", &"[".repeat(100_000), "score.json", "line");
    refused("no JSON", "price 100", "score.json", "line");
}

/// A lot with a whole rule set, and what the law refuses of it.
#[test]
fn a_rule_set_that_breaks_the_law_is_refused_with_the_article() {
    let lot = || {
        let item = json!({"id": "q", "name": {"zh": "技术", "en": "technical"}, "max": "70",
            "kind": "subjective"});
        json!({"id": "L", "method": "composite", "params": {"price_weight": "30",
            "sme_rate": "0.10", "items": [item]},
            "bids": [{"id": "a", "price": "100.00"}, {"id": "b", "price": "110.00"},
                {"id": "c", "price": "120.00"}],
            "sheets": [{"judge": "j", "scores": {"a": {"q": "1"}, "b": {"q": "2"}, "c": {"q": "3"}}}]})
    };
    let good = run(&["score", "-"], &lot().to_string());
    assert!(good.status.success(), "{good:?}");
    for (path, value, code, place) in [
        (
            "/params/price_weight",
            json!("29"),
            "score.rules",
            "87 art. 55",
        ),
        (
            "/params/sme_rate",
            json!("0.21"),
            "score.rules",
            "46 art. 9",
        ),
        (
            "/params/items/0/max",
            json!("69"),
            "score.rules",
            "87 art. 55",
        ),
        ("/sheets/0/scores/a/q", json!("70.5"), "score.band", "a/q"),
        ("/sheets/0/scores/a", json!({}), "score.missing", "q"),
        ("/sheets/0/scores/a/q", json!(1.5), "score.not-text", "line"),
        ("/bids/0/price", json!("1e3"), "score.number", "a"),
        ("/bids/1/id", json!("a"), "score.duplicate", "a"),
    ] {
        let mut case = lot();
        *case.pointer_mut(path).expect(path) = value;
        refused(path, &case.to_string(), code, place);
    }
    let mut drops = lot();
    drops["params"]["drop_price_extremes"] = json!(true);
    refused(
        "dropping extremes",
        &drops.to_string(),
        "score.rules",
        "87 art. 55",
    );
    let mut stranger = lot();
    stranger["sheets"][0]["scores"]["z"] = json!({"q": "1"});
    refused(
        "points for nobody",
        &stranger.to_string(),
        "score.unknown",
        "z",
    );
    let mut unknown = lot();
    unknown["params"]["discount"] = json!("1");
    refused(
        "an unknown rule",
        &unknown.to_string(),
        "score.unknown-field",
        "discount",
    );
}
