//! Formulas: as data, with located errors, within limits; every family of the pack.
use mifeng_score::case::{self, Computed};
use mifeng_score::derivation::{BidSteps, Derivation, Step};
use mifeng_score::formula::{
    Choice, Drawn, Formula, Given, Param, Value, compute, parse_expr, value_of,
};
use mifeng_score::pack::{Regime, latest};
use mifeng_score::{Error, Ratio};
use std::collections::BTreeMap;

const CASES: &str = include_str!("../../../../test-vectors/formula/cases.jsonl");

#[test]
fn vectors() {
    for line in CASES.lines() {
        let answer = case::run(line).expect("computes");
        assert_eq!(answer.agrees, Some(true), "{answer:#?}");
    }
    // A result that differs in one digit is noticed.
    let wrong = CASES.replacen("11129250", "11129251", 1);
    let first = wrong.lines().next().expect("a case");
    assert_eq!(case::run(first).expect("computes").agrees, Some(false));
}

/// What a step reads, as the formula language sees it.
fn again(derivation: &Derivation, bid: Option<&BidSteps>, step: &Step) -> Value {
    let value = |text: &str| Value::parse(text).expect("a value");
    let inputs = step.inputs.iter();
    let names: BTreeMap<String, Value> = inputs
        .map(|input| (input.name.clone(), value(derivation.value(bid, input))))
        .collect();
    let expr = parse_expr(&step.formula).expect("an expression");
    value_of(&expr, &names).expect("computes")
}

fn recompute(derivation: &Derivation) -> usize {
    let bids = derivation.bids.iter();
    let bids = bids.flat_map(|bid| bid.steps.iter().map(move |step| (Some(bid), step)));
    let lot = derivation.lot.iter().chain(&derivation.result);
    let mut checked = 0;
    for (bid, step) in lot.map(|step| (None, step)).chain(bids) {
        assert!(!step.basis.article.is_empty() && !step.basis.pack.is_empty());
        assert!(!step.basis.article.starts_with('('), "no article: {step:?}");
        assert!(!step.name.zh.is_empty() && !step.name.en.is_empty());
        if !step.formula.is_empty() {
            assert_eq!(
                Some(again(derivation, bid, step)),
                Value::parse(&step.value),
                "{step:?}"
            );
            checked += 1;
        }
    }
    checked
}

#[test]
fn every_step_of_a_derivation_gives_its_value() {
    for line in CASES.lines() {
        let (_, derivation) = case::explain(line).expect("computes");
        assert!(recompute(&derivation) > 0);
    }
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../../shared/data/domain/scoring-shared.jsonl"
    );
    let Ok(text) = std::fs::read_to_string(path) else {
        eprintln!("skipped: scoring-shared.jsonl is absent");
        return;
    };
    let mut checked = 0;
    for line in text.lines() {
        checked += recompute(&case::explain(line).expect("computes").1);
    }
    assert!(checked > 300, "{checked} steps");
}

fn text(lines: &[&str]) -> Formula {
    Formula {
        text: lines.iter().map(|line| (*line).to_owned()).collect(),
        ..Formula::default()
    }
}

fn place(formula: &Formula) -> (&'static str, usize, usize) {
    match formula.compile() {
        Err(Error::Formula {
            code, line, column, ..
        }) => (code, line, column),
        other => unreachable!("a located error expected, found {other:?}"),
    }
}

#[test]
fn errors_name_the_line_and_column() {
    for (lines, code, line, column) in [
        (&["each points = p +"][..], "formula.syntax", 1, 18),
        (&["a = 1", "each points = a ? p"], "formula.syntax", 2, 17),
        (&["each points = 1.0e5"], "formula.syntax", 1, 15),
        (&["each points = 1 < p < 3"], "formula.syntax", 1, 21),
        (&["b = p", "each points = b"], "formula.name", 1, 5),
        (&["each points = later", "later = 1"], "formula.name", 1, 15),
        (&["each points = sine(p)"], "formula.name", 1, 15),
        (&["x = 1", "each points = p"], "formula.name", 1, 1),
        (&["each score = p"], "formula.name", 1, 1),
        (&["points = 1"], "formula.name", 1, 1),
        (&["each points = mean(p)"], "formula.type", 1, 20),
        (&["each points = if(p, 1, 2)"], "formula.type", 1, 18),
        (&["each points = if(p > 1, 1, x)"], "formula.type", 1, 28),
        (&["each points = round(p)"], "formula.type", 1, 15),
        (&["each points = x"], "formula.name", 1, 1),
        (&["each base = p", "each points = p"], "formula.type", 2, 1),
    ] {
        assert_eq!(place(&text(lines)), (code, line, column), "{lines:?}");
    }
}

#[test]
fn limits_hold() {
    let code = |formula: &Formula| place(formula).0;
    let deep = format!("each points = {}p{}", "(".repeat(40), ")".repeat(40));
    assert_eq!(code(&text(&[&deep])), "formula.limit");
    let minus = format!("each points = {}p", "-".repeat(40));
    assert_eq!(code(&text(&[&minus])), "formula.limit");
    let long = format!("each points = p{}", " + p".repeat(40));
    assert_eq!(code(&text(&[&long])), "formula.limit");
    let wide = format!("each points = max({})", vec!["p"; 600].join(","));
    assert_eq!(code(&text(&[&wide])), "formula.limit");
    assert_eq!(code(&text(&[])), "formula.limit");
    assert_eq!(code(&text(&["each points = p"; 65])), "formula.limit");
    let mut many = text(&["each points = p"]);
    for at in 0..70 {
        many.params
            .insert(format!("a{at}"), Param::Number("1".into()));
    }
    assert_eq!(code(&many), "formula.param");
    // Steps: a list in a line of each bid costs its length for every bid.
    let slow = text(&["each points = mean(x) + p"]);
    let ids: Vec<String> = (0..5_000).map(|at| format!("{at:05}")).collect();
    let prices: Vec<(&str, Ratio)> = ids.iter().map(|id| (id.as_str(), Ratio::one())).collect();
    assert_eq!(
        run(&slow, &prices, &BTreeMap::new()).map_err(|e| e.code()),
        Err("formula.limit")
    );
    // Numbers: a tower of powers stops at the limit of the numbers.
    let lines = [
        "a = pow(p, 8)",
        "b = pow(a, 8)",
        "c = pow(b, 8)",
        "points = pow(c, 8)",
    ];
    let tower = text(
        &lines
            .map(|line| format!("each {line}"))
            .each_ref()
            .map(String::as_str),
    );
    let odd = [("a", Ratio::parse("123456789.01").expect("a number"))];
    assert_eq!(
        run(&tower, &odd, &BTreeMap::new()).map_err(|e| e.code()),
        Err("formula.value")
    );
}

type Each = BTreeMap<String, Vec<Value>>;

fn run(
    formula: &Formula,
    prices: &[(&str, Ratio)],
    drawn: &BTreeMap<String, Drawn>,
) -> Result<Each, Error> {
    let ceiling = Ratio::parse("200").expect("a number");
    let given = Given {
        prices,
        ceiling: Some(&ceiling),
        drawn,
    };
    Ok(compute(formula, &formula.compile()?, &given)?.each)
}

#[test]
fn functions() {
    let names = BTreeMap::from([
        (
            "x".to_owned(),
            Value::parse("[1, 2, 3, 4.5, 10]").expect("a list"),
        ),
        ("e".to_owned(), Value::parse("[]").expect("a list")),
        (
            "t".to_owned(),
            Value::parse("[0 0.5; 3 1; 6 2]").expect("a table"),
        ),
    ]);
    let of = |text: &str| value_of(&parse_expr(text).expect(text), &names).map(|v| v.to_string());
    for (text, expected) in [
        ("count(x)", "5"),
        ("sum(drop(x, 1, 1))", "9.5"),
        ("mean(x)", "4.1"),
        ("median(x)", "3"),
        ("median(drop(x, 1, 0))", "3.75"),
        ("min(x, 0.5)", "0.5"),
        ("max(2, x, 7)", "10"),
        ("nth(x, 4)", "4.5"),
        ("within(x, 2, 4.5)", "[2, 3, 4.5]"),
        ("upto(x, 2.9)", "[1, 2]"),
        ("lookup(t, 2.9, 2)", "0.5"),
        ("lookup(t, 3, 2)", "1"),
        ("lookup(t, -1, 2)", "0"),
        ("tiers(t, 7)", "6.5"),
        ("tiers(t, 3)", "1.5"),
        ("tiers(t, -2)", "0"),
        ("round(-0.005, 2)", "-0.01"),
        ("trunc(-9.1666, 3)", "-9.166"),
        ("floor(-1.21, 1)", "-1.3"),
        ("ceil(1.21, 1)", "1.3"),
        ("ceil(-1.21, 1)", "-1.2"),
        ("pow(1/3, 2)", "1/9"),
        ("pow(5, 0)", "1"),
        ("2 - 3 - 4", "-5"),
        ("2 + 3 * -4", "-10"),
        ("12 / 2 / 3", "2"),
        ("if(1 < 2 and not(2 < 1) or 1 / 0 > 1, 7, 1 / 0)", "7"),
        ("1 >= 1", "true"),
        ("1 != 1", "false"),
    ] {
        assert_eq!(of(text).as_deref(), Ok(expected), "{text}");
    }
    for text in [
        "mean(e)",
        "min(e)",
        "median(e)",
        "1 / 0",
        "nth(x, 0)",
        "nth(x, 6)",
        "nth(x, 1.5)",
        "drop(x, 3, 2)",
        "drop(x, -1, 0)",
        "pow(2, 9)",
        "round(1, 13)",
        "round(1, -1)",
        "lookup(t, 1, 3)",
        "unknown + 1",
    ] {
        assert_eq!(
            of(text).map_err(|e| e.code()),
            Err("formula.value"),
            "{text}"
        );
    }
}

/// A value that each coefficient may take.
fn first(formula: &Formula, prices: &[(&str, Ratio)]) -> BTreeMap<String, Drawn> {
    let one = |choice: &Choice| match choice {
        Choice::Values { values } => Drawn::Value(values[values.len() / 2].clone()),
        Choice::Bids { bids } => {
            let ids = prices.iter().take(*bids);
            Drawn::Bids(ids.map(|(id, _)| (*id).to_owned()).collect())
        }
    };
    let drawn = formula.drawn.iter();
    drawn
        .map(|(name, choice)| (name.clone(), one(choice)))
        .collect()
}

#[test]
fn every_family_of_the_pack_computes_for_any_number_of_bids() {
    let pack = latest(Regime::Tendering);
    let ids = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
    let price = |at: usize| Ratio::from(100 + i64::try_from(at * at).expect("small"));
    let prices: Vec<(&str, Ratio)> = ids
        .iter()
        .enumerate()
        .map(|(n, id)| (*id, price(n)))
        .collect();
    let mut families = 0;
    for (id, formula) in pack.formulas() {
        families += 1;
        for n in 1..=prices.len() {
            let drawn = first(formula, &prices[..n]);
            let each = run(formula, &prices[..n], &drawn);
            let each = each.unwrap_or_else(|e| unreachable!("{id} with {n}: {e}"));
            assert_eq!(each["points"].len(), n);
            // The order of the bids changes nothing.
            let reversed: Vec<_> = prices[..n].iter().rev().cloned().collect();
            let mut other = run(formula, &reversed, &drawn).expect("computes");
            for column in other.values_mut() {
                column.reverse();
            }
            assert_eq!(other, each, "{id} with {n}");
        }
    }
    assert_eq!(families, 14);
}

#[test]
fn coefficients_are_drawn_from_what_was_published() {
    let pack = latest(Regime::Tendering);
    let family = |id: &str| Formula {
        family: Some(id.into()),
        ..Formula::default()
    };
    let formula = family("mean-less-k").resolve(pack).expect("a family");
    let pool = formula.pool("K").expect("drawn from values");
    assert_eq!((pool.len(), pool[3].as_str()), (11, "K=0.015"));
    let value = formula.drawn_value("K", "K=0.015");
    assert_eq!(value, Some(Drawn::Value("0.015".into())));
    let prices = [("a", Ratio::from(100)), ("b", Ratio::from(200))];
    let with = |k: Drawn| run(&formula, &prices, &BTreeMap::from([("K".to_owned(), k)]));
    assert!(with(Drawn::Value("0.0150".into())).is_ok());
    for wrong in [Drawn::Value("0.016".into()), Drawn::Bids(vec!["a".into()])] {
        assert_eq!(with(wrong).map_err(|e| e.code()), Err("score.unknown"));
    }
    let none = run(&formula, &prices, &BTreeMap::new());
    assert_eq!(none.map_err(|e| e.code()), Err("score.missing"));
    // A document may fix what is otherwise drawn, and draw what is otherwise fixed.
    let mut fixed = family("mean-less-k");
    fixed
        .params
        .insert("K".into(), Param::Number("0.02".into()));
    let fixed = fixed.resolve(pack).expect("fixes K");
    assert!(run(&fixed, &prices, &BTreeMap::new()).is_ok());
    let mut strange = family("mean-less-k");
    strange.params.insert("Q".into(), Param::Number("1".into()));
    assert_eq!(
        strange.resolve(pack).map_err(|e| e.code()),
        Err("formula.param")
    );
    assert!(family("nowhere").resolve(pack).is_err());
    let random = family("random-mean").resolve(pack).expect("a family");
    let three = |ids: &[&str]| {
        let ids = Drawn::Bids(ids.iter().map(|id| (*id).to_owned()).collect());
        run(&random, &prices, &BTreeMap::from([("R".to_owned(), ids)]))
    };
    assert!(three(&["a", "b"]).is_ok());
    for wrong in [&["a", "a"][..], &["a"], &["a", "z"]] {
        assert_eq!(three(wrong).map_err(|e| e.code()), Err("score.unknown"));
    }
}

#[test]
fn the_deviation_method_is_formula_data() {
    let line = r#"{"id":"w","method":"works_mean_deviation","params":{"full":"60","E_hi":"1.0",
        "E_lo":"0.5","K":"0.02","trim":[{"min_n":3,"hi":1,"lo":1}],"base_dp":2,"dev_dp":2,
        "floor":"0","ceiling_weight":["200","0.5"],"second_mean":true},
        "bids":[{"id":"a","price":"100"},{"id":"b","price":"110"},{"id":"c","price":"150"}]}"#;
    let (answer, derivation) = case::explain(line).expect("computes");
    let Computed::Works(works) = answer.computed else {
        unreachable!("the works method");
    };
    // kept 110; its second mean 110; (200·0.5 + 110·0.5)·0.98 = 151.9
    assert_eq!(works.benchmark, "151.90");
    assert!(
        derivation
            .lot
            .iter()
            .any(|step| step.quantity == "base" && step.value == "151.9")
    );
    let zero = line.replace("\"110\"", "\"0\"");
    assert_eq!(case::run(&zero).map_err(|e| e.code()), Err("score.number"));
    let all = line.replace("\"hi\":1", "\"hi\":2");
    assert_eq!(case::run(&all).map_err(|e| e.code()), Err("formula.value"));
}
