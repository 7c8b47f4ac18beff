//! `works_mean_deviation` by its parameters, and `formula`: any formula over prices.

use super::subset::agrees;
use super::{Answer, Computed, Explained, read};
use crate::derivation::Derivation;
use crate::engine::{Entry, Ground, compute};
use crate::evaluate::BIDS_MAX;
use crate::formula::{Drawn, Formula, Given};
use crate::pack::{Regime, latest};
use crate::price::PriceForm;
use crate::{BidFacts, Error, Money, Ratio, RuleSet, Works, WorksOutcome, works};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bid {
    id: String,
    price: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WorksCase {
    id: String,
    #[serde(rename = "method")]
    _method: String,
    params: Works,
    bids: Vec<Bid>,
    #[serde(default)]
    expected: Option<WorksOutcome>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FormulaCase {
    id: String,
    #[serde(rename = "method")]
    _method: String,
    params: Formula,
    #[serde(default)]
    ceiling: Option<String>,
    #[serde(default)]
    drawn: BTreeMap<String, Drawn>,
    bids: Vec<Bid>,
    #[serde(default)]
    expected: Option<Value>,
}

/// Every value that a formula computes, as text: decimals, or a fraction `7/3`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormulaOutcome {
    /// Lines of the lot, by name.
    pub lot: BTreeMap<String, String>,
    /// Lines of each bid, by name, with its `id`; sorted by id.
    pub rows: Vec<BTreeMap<String, String>>,
}

/// The bids in order; an id that occurs twice and a price of zero are refused.
fn prices<'a>(bids: &'a [Bid], form: &PriceForm) -> Result<Vec<(&'a str, Ratio)>, Error> {
    if bids.len() > BIDS_MAX {
        return Err(Error::TooMany {
            what: "bids",
            found: bids.len(),
            limit: BIDS_MAX,
        });
    }
    let mut prices = Vec::with_capacity(bids.len());
    for bid in bids {
        let place = format!("price of {}", bid.id);
        let price = form.read(&place, &bid.price)?;
        if !price.is_positive() {
            return Err(crate::number::number(&place, &bid.price, 2));
        }
        prices.push((bid.id.as_str(), price));
    }
    prices.sort_unstable_by(|a, b| a.0.cmp(b.0));
    if let Some(pair) = prices.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(Error::Duplicate {
            what: "bid",
            id: pair[0].0.to_owned(),
        });
    }
    Ok(prices)
}

/// The derivation of a formula over bids that have nothing but a price.
fn derivation(
    more: Value,
    bids: &[Bid],
    drawn: &BTreeMap<String, Drawn>,
) -> Result<Derivation, Error> {
    let mut rules = json!({"method": "works-deviation", "object": "works", "price_weight": "100",
        "min_bidders": 1});
    if let (Value::Object(rules), Value::Object(more)) = (&mut rules, more) {
        rules.extend(more);
    }
    let rules: RuleSet = serde_json::from_value(rules).map_err(|e| Error::json(&e))?;
    let fact = |bid: &Bid| BidFacts {
        id: bid.id.clone(),
        price: bid.price.clone(),
        ..BidFacts::default()
    };
    let facts: Vec<BidFacts> = bids.iter().map(fact).collect();
    let ground = Ground {
        rules: &rules,
        pack: latest(Regime::Tendering),
        drawn,
        competes: None,
    };
    let entry = |facts| Entry {
        facts,
        judges: Vec::new(),
    };
    let entries = facts.iter().map(entry).collect();
    Ok(compute(ground, entries)?.derivation())
}

pub(super) fn run_works(line: &str) -> Result<Explained, Error> {
    let case: WorksCase = read(line)?;
    prices(&case.bids, &PriceForm::default())?;
    let mut money = Vec::with_capacity(case.bids.len());
    for bid in &case.bids {
        money.push((bid.id.as_str(), Money::parse(&bid.price)?));
    }
    let computed = works(&case.params, &money)?;
    let derivation = derivation(json!({"works": case.params}), &case.bids, &BTreeMap::new())?;
    let agrees = case.expected.map(|expected| expected == computed);
    let answer = Answer {
        id: case.id,
        computed: Computed::Works(computed),
        agrees,
    };
    Ok((answer, derivation))
}

pub(super) fn run(line: &str) -> Result<Explained, Error> {
    let case: FormulaCase = read(line)?;
    let pack = latest(Regime::Tendering);
    let formula = case.params.resolve(pack)?;
    let program = formula.compile()?;
    let form = PriceForm::default();
    let ceiling = case
        .ceiling
        .as_deref()
        .map(|c| form.ceiling(c))
        .transpose()?;
    let prices = prices(&case.bids, &form)?;
    let given = Given {
        prices: &prices,
        ceiling: ceiling.as_ref(),
        drawn: &case.drawn,
    };
    let found = crate::formula::compute(&formula, &program, &given)?;
    let lines = program.lines.iter().filter(|line| !line.each);
    let lot = lines.filter_map(|line| {
        let value = found.lot.get(&line.name)?;
        Some((line.name.clone(), value.to_string()))
    });
    let row = |(at, (id, _)): (usize, &(&str, Ratio))| {
        let own = found.each.iter();
        let mut row: BTreeMap<String, String> = own
            .filter_map(|(name, column)| Some((name.clone(), column.get(at)?.to_string())))
            .collect();
        row.insert("id".to_owned(), (*id).to_owned());
        row
    };
    let computed = FormulaOutcome {
        lot: lot.collect(),
        rows: prices.iter().enumerate().map(row).collect(),
    };
    // The formula rounds as it says; what is added up here must not round again.
    let more = json!({"formula": case.params, "ceiling": case.ceiling, "dp": 6});
    let derivation = derivation(more, &case.bids, &case.drawn)?;
    let answer = Answer {
        id: case.id,
        agrees: agrees(&computed, case.expected.as_ref()),
        computed: Computed::Formula(computed),
    };
    Ok((answer, derivation))
}
