//! `law87_composite`: the composite score by its parameters, judges' totals in the bids.

use super::subset::equals;
use super::{Answer, Computed, Found, read};
use crate::engine::{Entry, Ground, compute};
use crate::evaluate::{BIDS_MAX, JUDGES_MAX};
use crate::number::{Fixed, parse_at};
use crate::outcome::Invalid;
use crate::pack::latest;
use crate::{BidFacts, Error, Ratio, RuleSet};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    id: String,
    #[serde(rename = "method")]
    _method: String,
    params: Params,
    bids: Vec<Bid>,
    #[serde(default)]
    expected: Option<Composite>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    price_weight: String,
    sme_rate: String,
    sme_joint_rate: String,
    domestic_rate: String,
    domestic_competes: bool,
    ceiling: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bid {
    id: String,
    price: String,
    sme: bool,
    sme_joint: bool,
    domestic: bool,
    brand: Option<String>,
    judges: Vec<String>,
}

/// One row of a composite result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompositeRow {
    /// The bid.
    pub id: String,
    /// Price after deductions.
    pub eval_price: String,
    /// Points of price.
    pub price_points: String,
    /// Mean of the judges.
    pub quality: String,
    /// Sum.
    pub total: String,
    /// Rank.
    pub rank: usize,
    /// Not the best of its brand.
    pub same_brand_excluded: bool,
}

/// The result of a composite case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Composite {
    /// Rows by rank.
    pub rows: Vec<CompositeRow>,
    /// Triggers by bid.
    pub abnormal_low: BTreeMap<String, Vec<String>>,
    /// A brand counted once.
    pub effective_bidders: usize,
    /// Fewer than three.
    pub procedure_fails: bool,
    /// Ids to draw among.
    pub draw_needed: Vec<String>,
    /// Bids that take no part, and why: a price of zero or over the ceiling. A case that expects
    /// none need not say so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub invalid: Vec<Invalid>,
}

pub(super) fn run(line: &str, explained: bool) -> Result<Found, Error> {
    let case: Case = read(line)?;
    let rules = rules(&case.params)?;
    let facts: Vec<BidFacts> = case.bids.iter().map(facts).collect();
    let entries = entries(&rules, &case.bids, &facts)?;
    let ground = Ground {
        rules: &rules,
        pack: latest(rules.method.regime()),
        drawn: &BTreeMap::new(),
        competes: Some(case.params.domestic_competes),
    };
    let table = compute(ground, entries)?;
    let derivation = explained.then(|| table.derivation());
    let outcome = table.outcome();
    let rows = outcome.rows.into_iter().map(|row| CompositeRow {
        id: row.id,
        eval_price: row.evaluated_price,
        price_points: row.price_points,
        quality: row.quality,
        total: row.total,
        rank: row.rank,
        same_brand_excluded: row.same_brand_excluded,
    });
    let computed = Composite {
        rows: rows.collect(),
        abnormal_low: outcome.abnormal_low,
        effective_bidders: outcome.effective_bidders,
        procedure_fails: outcome.procedure_fails,
        draw_needed: outcome.draw_needed,
        invalid: outcome.invalid,
    };
    let agrees = case.expected.and_then(|expected| {
        let mut told = computed.clone();
        if expected.invalid.is_empty() {
            told.invalid.clear();
        }
        equals(&told, Some(&expected))
    });
    let answer = Answer {
        id: case.id,
        computed: Computed::Composite(computed),
        agrees,
    };
    Ok((answer, derivation))
}

/// The rule set that the parameters are short for.
fn rules(params: &Params) -> Result<RuleSet, Error> {
    let part = |place: &str, text: &str| {
        let value = parse_at(&format!("params/{place}"), text)?;
        if value.is_negative() || value > Ratio::one() {
            let (code, article) = match place {
                "price_weight" => ("rules.price-weight", "87 art. 55"),
                _ => ("rules.deductions", "46 art. 9, 12"),
            };
            return Err(refused(code, place, article));
        }
        Ok(value)
    };
    let weight = part("price_weight", &params.price_weight)?;
    let sme = part("sme_rate", &params.sme_rate)?;
    let joint = part("sme_joint_rate", &params.sme_joint_rate)?;
    let domestic = part("domestic_rate", &params.domestic_rate)?;
    if sme.max(joint).add(&domestic)? >= Ratio::one() {
        return Err(refused("rules.deductions", "sme_rate", "46 art. 9, 12"));
    }
    let rules = serde_json::json!({
        "method": "composite", "price_weight": weight.mul(&Ratio::from(100))?.to_shortest(),
        "ceiling": params.ceiling, "sme_rate": params.sme_rate,
        "sme_joint_rate": params.sme_joint_rate,
        "domestic_rate": params.domestic_rate,
    });
    serde_json::from_value(rules).map_err(|e| Error::json(&e))
}

fn refused(code: &str, place: &str, article: &str) -> Error {
    Error::Rules {
        code: code.to_owned(),
        place: format!("params/{place}"),
        article: article.to_owned(),
    }
}

fn facts(bid: &Bid) -> BidFacts {
    BidFacts {
        id: bid.id.clone(),
        price: bid.price.clone(),
        small: bid.sme,
        consortium: bid.sme_joint,
        domestic: bid.domestic,
        brand: bid.brand.clone(),
        ..BidFacts::default()
    }
}

fn entries<'a>(
    rules: &RuleSet,
    bids: &[Bid],
    facts: &'a [BidFacts],
) -> Result<Vec<Entry<'a>>, Error> {
    if bids.len() > BIDS_MAX {
        return Err(Error::TooMany {
            what: "bids",
            found: bids.len(),
            limit: BIDS_MAX,
        });
    }
    let most = Ratio::from(100).sub(&Ratio::parse(&rules.price_weight)?)?;
    let most_text = most.to_shortest();
    let most = Fixed::parse(&most_text)?;
    let seats = bids.first().map_or(0, |bid| bid.judges.len());
    let mut entries = Vec::with_capacity(bids.len());
    for (bid, facts) in bids.iter().zip(facts) {
        if bid.judges.len() != seats || seats == 0 || seats > JUDGES_MAX {
            return Err(Error::Missing {
                what: "judges of bid",
                id: bid.id.clone(),
            });
        }
        let mut judges = Vec::with_capacity(seats);
        for (seat, text) in (1..).zip(&bid.judges) {
            let total =
                Fixed::parse(text).map_err(|e| e.at(&format!("{}/judge {seat}", bid.id)))?;
            if total.is_negative() || total > most {
                return Err(Error::Band {
                    place: format!("{}/judge {seat}", bid.id),
                    found: text.clone(),
                    max: most_text.clone(),
                });
            }
            judges.push(total);
        }
        entries.push(Entry {
            facts,
            judges,
            technical: Vec::new(),
        });
    }
    Ok(entries)
}
