//! The engine that notices and cases share: entries into a table of ranked works, from which the
//! outcome and the derivation are both written.

mod derive;
mod formula;
mod invalid;
mod low;
mod order;
mod points;
mod policy;
mod result;

pub(crate) use invalid::without;
pub use order::eliminated;

use crate::formula::Drawn;
use crate::number::Fixed;
use crate::outcome::{BidFacts, Invalid, Review};
use crate::pack::Pack;
use crate::{Error, Method, Ratio, RuleSet};
use formula::Priced;
use low::Low;
use policy::Policy;
use std::collections::BTreeMap;

/// What a computation rests on.
#[derive(Clone, Copy)]
pub(crate) struct Ground<'a> {
    pub(crate) rules: &'a RuleSet,
    pub(crate) pack: &'a Pack,
    pub(crate) drawn: &'a BTreeMap<String, Drawn>,
    /// Whether domestic and other products compete; without it the bids tell.
    pub(crate) competes: Option<bool>,
}

/// What the engine knows of a bid before ranking.
pub(crate) struct Entry<'a> {
    pub(crate) facts: &'a BidFacts,
    /// Exact totals of the judges, in the order of their names.
    pub(crate) judges: Vec<Fixed>,
    /// Their totals of the technical items alone, where these decide between equal bids.
    pub(crate) technical: Vec<Fixed>,
}

/// A valid bid at work.
pub(crate) struct Work<'a> {
    facts: &'a BidFacts,
    price: Ratio,
    /// Parts of the original price that are deducted: key of the step and rate.
    deductions: Vec<(&'static str, Ratio)>,
    eval: Ratio,
    /// Points of price before a bonus.
    base_points: Ratio,
    bonus: Option<(&'static str, Ratio)>,
    points: Ratio,
    judges: Vec<Fixed>,
    quality: Ratio,
    /// The judges' totals of the technical items and their mean: of all judges, rounded once.
    technical: Vec<Fixed>,
    technical_part: Ratio,
    total: Ratio,
    excluded: bool,
    eliminated: bool,
    rank: usize,
}

/// Everything that was computed.
pub(crate) struct Table<'a> {
    ground: Ground<'a>,
    /// By rank, then id.
    works: Vec<Work<'a>>,
    invalid: Vec<Invalid>,
    /// The lowest evaluated price, or the highest where that wins.
    best: Option<Ratio>,
    weight: Ratio,
    priced: Option<Priced>,
    low: Low,
    brand_draws: Vec<Vec<String>>,
    draw_needed: Vec<String>,
    effective: usize,
    required: usize,
    reviewed: BTreeMap<String, Review>,
}

/// The rules are taken as they are; whoever has a notice lints them first.
pub(crate) fn compute<'a>(
    ground: Ground<'a>,
    mut entries: Vec<Entry<'a>>,
) -> Result<Table<'a>, Error> {
    let rules = ground.rules;
    entries.sort_unstable_by(|a, b| a.facts.id.cmp(&b.facts.id));
    if let Some(pair) = entries.windows(2).find(|p| p[0].facts.id == p[1].facts.id) {
        return Err(Error::Duplicate {
            what: "bid",
            id: pair[0].facts.id.clone(),
        });
    }
    if rules.method == Method::SingleSource && entries.len() > 1 {
        return Err(Error::TooMany {
            what: "suppliers of a single source",
            found: entries.len(),
            limit: 1,
        });
    }
    let mut without = Vec::new();
    let mut valid = Vec::with_capacity(entries.len());
    let mut prices = Vec::with_capacity(entries.len());
    // Prices of the bids that passed conformity, those found too low among them (87 art. 60).
    let mut conforming = Vec::with_capacity(entries.len());
    let mut reviewed = BTreeMap::new();
    let limits = invalid::Limits::new(rules)?;
    for entry in entries {
        let price = rules.price_form.of(entry.facts)?;
        let mut reasons = invalid::invalid(&ground, &limits, entry.facts, &price)?;
        if reasons.is_empty() {
            conforming.push((entry.facts.id.as_str(), price.clone()));
            if let Some(review) = entry.facts.review {
                reviewed.insert(entry.facts.id.clone(), review);
            }
            if entry.facts.review == Some(Review::NotShown) {
                reasons.push(invalid::reason(&ground, entry.facts, "abnormally-low"));
            }
        }
        if reasons.is_empty() {
            valid.push(entry);
            prices.push(price);
        }
        without.append(&mut reasons);
    }
    let policy = Policy::new(&ground, valid.iter().map(|entry| entry.facts))?;
    let mut works = Vec::with_capacity(valid.len());
    for (entry, price) in valid.into_iter().zip(prices) {
        works.push(policy.work(&ground, entry, price)?);
    }
    let low = Low::new(&ground, &conforming)?;
    let mut table = Table {
        ground,
        works,
        invalid: without,
        best: None,
        weight: Ratio::parse(&rules.price_weight)?,
        priced: None,
        low,
        brand_draws: Vec::new(),
        draw_needed: Vec::new(),
        effective: 0,
        required: required(&ground),
        reviewed,
    };
    table.give_points()?;
    table.rank();
    Ok(table)
}

/// Fewest effective bidders.
fn required(ground: &Ground<'_>) -> usize {
    let known = |id: &str| ground.pack.number(id).and_then(|n| n.whole());
    let least = match (ground.rules.method, &ground.rules.framework) {
        (Method::SingleSource, _) => Some(1),
        (Method::Framework, _) => known("framework.suppliers.least"),
        _ => None,
    };
    let least = least.and_then(|n| usize::try_from(n).ok());
    least.unwrap_or(ground.rules.min_bidders)
}
