//! Packs, methods, policy, documents, rechecks: what the law says, from dated data.
mod documents;
mod methods;
mod packs;
mod prices;
mod sheets;
mod whole;

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
