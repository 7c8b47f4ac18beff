//! A lot of 10,000 bids and 7 judges in exact arithmetic beside the same in binary floating point,
//! and a formula of the rule packs over as many prices.
//!
//! The floating twin is here to show the price of exactness, and nowhere else: it rounds 0.125 and
//! 1/3 as the machine likes, keeps no derivation and must never decide anything.

use benches::{Table, Unit, done, good};
use mifeng_score::{BidFacts, Lot, RuleSet, Sheet, derive, evaluate};
use serde_json::json;
use std::collections::BTreeMap;

const JUDGES: usize = 7;

fn main() {
    let mut table = Table::new("score");
    let count = table.size(10_000, 50);
    let rules: RuleSet = serde_json::from_value(json!({
        "method": "composite", "price_weight": "30", "ceiling": "2000000",
        "sme_rate": "0.1", "sme_joint_rate": "0.04",
        "items": [
            {"id": "a", "name": {"zh": "方案", "en": "plan"}, "max": "35", "kind": "subjective"},
            {"id": "b", "name": {"zh": "服务", "en": "service"}, "max": "20", "kind": "subjective"},
            {"id": "c", "name": {"zh": "业绩", "en": "record"}, "max": "15", "kind": "objective"},
        ],
    }))
    .expect("rules");
    let (bids, sheets) = lot(count);
    assert_eq!(
        evaluate(&rules, &bids, &sheets)
            .expect("computes")
            .rows
            .len(),
        twin(&bids, &sheets).len(),
    );
    table.job(
        &format!("{count} bids × {JUDGES} judges × 3 items"),
        Unit::Time,
        &mut || good(evaluate(&rules, &bids, &sheets)),
        &mut [("f64", &mut || done(twin(&bids, &sheets)))],
    );
    table.job(
        "the same with every step of the derivation",
        Unit::Time,
        &mut || good(derive(&Lot::new(&rules, &bids, &sheets))),
        &mut [("f64, no derivation", &mut || done(twin(&bids, &sheets)))],
    );
    let works: RuleSet = serde_json::from_value(json!({
        "method": "works-deviation", "object": "works", "price_weight": "60",
        "formula": {"family": "trimmed-mean"},
    }))
    .expect("rules");
    table.job(
        &format!("formula `trimmed-mean` over {count} prices"),
        Unit::Time,
        &mut || good(evaluate(&works, &bids, &[])),
        &mut [("f64", &mut || done(trimmed(&bids)))],
    );
    table.print();
}

/// Bids and sheets that look like a lot and repeat nowhere near.
fn lot(count: usize) -> (Vec<BidFacts>, Vec<Sheet>) {
    let id = |n: usize| format!("bid-{n:05}");
    let bids = (0..count).map(|n| BidFacts {
        id: id(n),
        price: format!("{}.{:02}", 900_000 + n * 7919 % 1_000_000, n * 37 % 100),
        small: n % 3 == 0,
        consortium: n % 5 == 0,
        ..BidFacts::default()
    });
    let points = |n: usize, judge: usize| {
        let tenth = |seed: usize, max: usize| {
            let tenths = seed % (max * 10 + 1);
            format!("{}.{}", tenths / 10, tenths % 10)
        };
        BTreeMap::from([
            ("a".to_owned(), tenth(n * 101 + judge * 17, 35)),
            ("b".to_owned(), tenth(n * 59 + judge * 31, 20)),
            ("c".to_owned(), tenth(n * 13, 15)),
        ])
    };
    let sheets = (0..JUDGES).map(|judge| Sheet {
        judge: format!("judge-{judge}"),
        scores: (0..count).map(|n| (id(n), points(n, judge))).collect(),
    });
    (bids.collect(), sheets.collect())
}

/// The same method in f64, from the same texts and maps: ids, totals and ranks.
fn twin(bids: &[BidFacts], sheets: &[Sheet]) -> Vec<(String, f64, usize)> {
    let number = |text: &String| text.parse::<f64>().expect("a number");
    let cents = |value: f64| (value * 100.0).round() / 100.0;
    let mut rows: Vec<(&BidFacts, f64, f64, f64)> = bids
        .iter()
        .map(|bid| {
            let price = number(&bid.price);
            let rate = match (bid.small, bid.consortium) {
                (true, _) => 0.1,
                (_, true) => 0.04,
                _ => 0.0,
            };
            let sum: f64 = sheets
                .iter()
                .map(|sheet| sheet.scores[&bid.id].values().map(number).sum::<f64>())
                .sum();
            (bid, price, price * (1.0 - rate), cents(sum / JUDGES as f64))
        })
        .collect();
    let lowest = rows.iter().map(|row| row.2).fold(f64::INFINITY, f64::min);
    for row in &mut rows {
        row.3 += cents(lowest / row.2 * 30.0);
    }
    rows.sort_by(|a, b| b.3.total_cmp(&a.3).then(a.1.total_cmp(&b.1)));
    rows.iter()
        .enumerate()
        .map(|(at, row)| (row.0.id.clone(), row.3, at + 1))
        .collect()
}

/// The family `trimmed-mean` in f64.
fn trimmed(bids: &[BidFacts]) -> Vec<f64> {
    let prices: Vec<f64> = bids
        .iter()
        .map(|bid| bid.price.parse().expect("a number"))
        .collect();
    let cents = |value: f64| (value * 100.0).round() / 100.0;
    let mut sorted = prices.clone();
    sorted.sort_by(f64::total_cmp);
    let kept = &sorted[1..sorted.len() - 1];
    let base = cents(kept.iter().sum::<f64>() / kept.len() as f64);
    let points = |price: &f64| {
        let off = cents((price - base) / base * 100.0);
        let rate = if off > 0.0 { 1.0 } else { 0.5 };
        cents((60.0 - off.abs() * rate).max(0.0))
    };
    prices.iter().map(points).collect()
}
