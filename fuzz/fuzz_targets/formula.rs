//! Any text as a formula over prices: a located error or values that do not depend on the order of
//! the bids, and that the derivation's steps give again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mifeng_score::Ratio;
use mifeng_score::formula::{Formula, Given, Param, Value, compute, parse_expr, value_of};
use std::collections::BTreeMap;

fuzz_target!(|text: &str| {
    let (prices, lines) = text.split_once('\n').unwrap_or(("", text));
    if let Ok(formula) = serde_json::from_str::<Formula>(text) {
        let _ = formula.compile();
    }
    if let Some(value) = Value::parse(prices) {
        assert_eq!(Value::parse(&value.to_string()), Some(value));
    }
    let formula = Formula {
        text: lines.lines().map(str::to_owned).collect(),
        params: BTreeMap::from([
            ("k".to_owned(), Param::Number("0.02".to_owned())),
            ("t".to_owned(), Param::Table(vec![vec!["0".to_owned(), "1".to_owned()]])),
        ]),
        ..Formula::default()
    };
    let Ok(program) = formula.compile() else {
        return;
    };
    let ids: Vec<String> = (0..32).map(|at| format!("{at:02}")).collect();
    let numbers = prices.split(' ').filter_map(|price| Ratio::parse(price).ok());
    let mut bids: Vec<(&str, Ratio)> = ids.iter().map(String::as_str).zip(numbers).collect();
    let ceiling = Ratio::from(100);
    let run = |prices: &[(&str, Ratio)]| {
        let drawn = BTreeMap::new();
        let given = Given {
            prices,
            ceiling: Some(&ceiling),
            drawn: &drawn,
        };
        compute(&formula, &program, &given)
    };
    let Ok(first) = run(&bids) else {
        return;
    };
    for line in program.lines.iter().filter(|line| !line.each) {
        let expr = parse_expr(&line.text).expect("was read before");
        assert_eq!(value_of(&expr, &first.lot).as_ref(), Ok(&first.lot[&line.name]));
    }
    bids.reverse();
    let second = run(&bids).expect("computed before");
    assert_eq!(second.lot, first.lot);
});
