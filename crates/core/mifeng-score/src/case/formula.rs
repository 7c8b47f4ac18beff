//! `works_mean_deviation` by its parameters, and `formula`: any formula over prices.

use super::subset::{agrees, equals};
use super::{Answer, Computed, Found, read};
use crate::engine::{Entry, Ground, Table, compute};
use crate::evaluate::BIDS_MAX;
use crate::formula::{Drawn, Formula};
use crate::outcome::Invalid;
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
    /// Bids over the ceiling, which the formula does not see.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub invalid: Vec<Invalid>,
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

/// A rule set that has nothing but its formula, for bids that have nothing but a price.
fn rules(more: Value) -> Result<RuleSet, Error> {
    let mut rules = json!({"method": "works-deviation", "object": "works", "price_weight": "100",
        "min_bidders": 1});
    if let (Value::Object(rules), Value::Object(more)) = (&mut rules, more) {
        rules.extend(more);
    }
    serde_json::from_value(rules).map_err(|e| Error::json(&e))
}

fn facts(bids: &[Bid]) -> Vec<BidFacts> {
    let fact = |bid: &Bid| BidFacts {
        id: bid.id.clone(),
        price: bid.price.clone(),
        ..BidFacts::default()
    };
    bids.iter().map(fact).collect()
}

fn table<'a>(
    rules: &'a RuleSet,
    facts: &'a [BidFacts],
    drawn: &'a BTreeMap<String, Drawn>,
) -> Result<Table<'a>, Error> {
    let ground = Ground {
        rules,
        pack: latest(Regime::Tendering),
        drawn,
        competes: None,
    };
    let entry = |facts| Entry {
        facts,
        judges: Vec::new(),
        technical: Vec::new(),
    };
    compute(ground, facts.iter().map(entry).collect())
}

pub(super) fn run_works(line: &str, explained: bool) -> Result<Found, Error> {
    let case: WorksCase = read(line)?;
    prices(&case.bids, &PriceForm::default())?;
    let mut money = Vec::with_capacity(case.bids.len());
    for bid in &case.bids {
        money.push((bid.id.as_str(), Money::parse(&bid.price)?));
    }
    let computed = works(&case.params, &money)?;
    let derivation = if explained {
        let (rules, facts) = (rules(json!({"works": case.params}))?, facts(&case.bids));
        Some(table(&rules, &facts, &BTreeMap::new())?.derivation())
    } else {
        None
    };
    let answer = Answer {
        id: case.id,
        agrees: equals(&computed, case.expected.as_ref()),
        computed: Computed::Works(computed),
    };
    Ok((answer, derivation))
}

pub(super) fn run(line: &str, explained: bool) -> Result<Found, Error> {
    let case: FormulaCase = read(line)?;
    prices(&case.bids, &PriceForm::default())?;
    // The formula rounds as it says; what is added up here must not round again.
    let rules = rules(json!({"formula": case.params, "ceiling": case.ceiling, "dp": 6}))?;
    let facts = facts(&case.bids);
    let table = table(&rules, &facts, &case.drawn)?;
    let (lot, rows) = table.formula_values();
    let computed = FormulaOutcome {
        lot,
        rows,
        invalid: table.invalid().to_vec(),
    };
    let answer = Answer {
        id: case.id,
        agrees: agrees(&computed, case.expected.as_ref()),
        computed: Computed::Formula(computed),
    };
    Ok((answer, explained.then(|| table.derivation())))
}
