//! Any text as a case, as rules with bids and sheets, and as a detail list: an error or a result
//! that does not depend on the order of the input.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mifeng_score::{BidFacts, Detail, Lot, RuleSet, Sheet, case, correct, derive, evaluate, lint};

fuzz_target!(|text: &str| {
    if let Ok(answer) = case::run(text) {
        assert_eq!(case::run(text).as_ref(), Ok(&answer));
    }
    let mut parts = text.splitn(3, '\n');
    let mut part = || parts.next().unwrap_or("");
    let (rules, bids, sheets) = (part(), part(), part());
    if let Ok(rules) = serde_json::from_str::<RuleSet>(rules) {
        let _ = lint(&rules);
        let bids = serde_json::from_str::<Vec<BidFacts>>(bids);
        let sheets = serde_json::from_str::<Vec<Sheet>>(sheets);
        if let (Ok(mut bids), Ok(mut sheets)) = (bids, sheets)
            && let Ok(first) = evaluate(&rules, &bids, &sheets)
        {
            assert_eq!(derive(&Lot::new(&rules, &bids, &sheets)).map(|d| d.0).as_ref(), Ok(&first));
            bids.reverse();
            sheets.reverse();
            assert_eq!(evaluate(&rules, &bids, &sheets), Ok(first));
        }
    }
    let detail: Vec<Detail> = text
        .lines()
        .skip(1)
        .take(64)
        .filter_map(|line| line.split_once(' '))
        .map(|(quantity, unit_price)| Detail {
            quantity: quantity.to_owned(),
            unit_price: unit_price.to_owned(),
        })
        .collect();
    let _ = correct(rules, i128::try_from(text.len()).unwrap_or(0), &detail);
});
