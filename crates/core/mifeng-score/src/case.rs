//! The JSON Lines case format: `id, method, params, bids` in, `expected` for checking.

use crate::engine::{Entry, Ground, compute};
use crate::evaluate::{BIDS_MAX, JUDGES_MAX};
use crate::number::Fixed;
use crate::pack::latest;
use crate::{BidFacts, Error, Money, Ratio, RuleSet, Works, WorksOutcome, works};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Longest case text.
pub const CASE_LEN_MAX: usize = 16 << 20;

#[derive(Deserialize)]
#[serde(tag = "method", deny_unknown_fields)]
enum Case {
    #[serde(rename = "law87_composite")]
    Composite {
        id: String,
        params: Params,
        bids: Vec<Bid>,
        #[serde(default)]
        expected: Option<Composite>,
    },
    #[serde(rename = "works_mean_deviation")]
    Works {
        id: String,
        params: Works,
        bids: Vec<WorksBid>,
        #[serde(default)]
        expected: Option<WorksOutcome>,
    },
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WorksBid {
    id: String,
    price: String,
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
}

/// What a case computes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Computed {
    /// 综合评分法.
    Composite(Composite),
    /// Benchmark and deviation.
    Works(WorksOutcome),
}

/// A computed case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Id of the case.
    pub id: String,
    /// The result.
    pub computed: Computed,
    /// Whether it equals `expected`; `None` if the case has none.
    pub agrees: Option<bool>,
}

/// Computes one line of the format.
///
/// # Errors
/// Unknown fields, numbers that are not decimal text, and every fault of the values.
pub fn run(line: &str) -> Result<Answer, Error> {
    if line.len() > CASE_LEN_MAX {
        return Err(Error::TooMany {
            what: "bytes of a case",
            found: line.len(),
            limit: CASE_LEN_MAX,
        });
    }
    let case = serde_json::from_str(line).map_err(|e| Error::json(&e))?;
    match case {
        Case::Composite {
            id,
            params,
            bids,
            expected,
        } => {
            let computed = composite(&params, &bids)?;
            let agrees = expected.map(|expected| expected == computed);
            Ok(Answer {
                id,
                computed: Computed::Composite(computed),
                agrees,
            })
        }
        Case::Works {
            id,
            params,
            bids,
            expected,
        } => {
            let mut prices = Vec::with_capacity(bids.len());
            for bid in &bids {
                prices.push((bid.id.as_str(), Money::parse(&bid.price)?));
            }
            let computed = works(&params, &prices)?;
            if let Some(pair) = computed
                .rows
                .windows(2)
                .find(|pair| pair[0].id == pair[1].id)
            {
                return Err(Error::Duplicate {
                    what: "bid",
                    id: pair[0].id.clone(),
                });
            }
            let agrees = expected.map(|expected| expected == computed);
            Ok(Answer {
                id,
                computed: Computed::Works(computed),
                agrees,
            })
        }
    }
}

fn composite(params: &Params, bids: &[Bid]) -> Result<Composite, Error> {
    if bids.len() > BIDS_MAX {
        return Err(Error::TooMany {
            what: "bids",
            found: bids.len(),
            limit: BIDS_MAX,
        });
    }
    let weight = Ratio::parse(&params.price_weight)?;
    if weight.is_negative() || weight > Ratio::from(1) {
        return Err(Error::Rules {
            code: "rules.price-weight".to_owned(),
            place: "params/price_weight".to_owned(),
            article: "87 art. 55".to_owned(),
        });
    }
    let rules = serde_json::json!({
        "method": "composite", "price_weight": weight.mul(&Ratio::from(100))?.to_shortest(),
        "ceiling": params.ceiling, "sme_rate": params.sme_rate,
        "sme_joint_rate": params.sme_joint_rate,
        "domestic_rate": params.domestic_rate,
    });
    let rules: RuleSet = serde_json::from_value(rules).map_err(|e| Error::json(&e))?;
    let most = Ratio::from(100).sub(&Ratio::parse(&rules.price_weight)?)?;
    let seats = bids.first().map_or(0, |bid| bid.judges.len());
    let mut facts = Vec::with_capacity(bids.len());
    let mut judges = Vec::with_capacity(bids.len());
    for bid in bids {
        if bid.judges.len() != seats || seats == 0 || seats > JUDGES_MAX {
            return Err(Error::Missing {
                what: "judges of bid",
                id: bid.id.clone(),
            });
        }
        let totals: Vec<Ratio> = bid
            .judges
            .iter()
            .map(|t| Ratio::parse(t))
            .collect::<Result<_, _>>()?;
        if let Some(found) = totals.iter().find(|t| t.is_negative() || **t > most) {
            return Err(Error::Band {
                place: bid.id.clone(),
                found: found.to_shortest(),
                max: most.to_shortest(),
            });
        }
        let totals = bid.judges.iter().map(|t| Fixed::parse(t));
        judges.push(totals.collect::<Result<_, _>>()?);
        facts.push(BidFacts {
            id: bid.id.clone(),
            price: bid.price.clone(),
            small: bid.sme,
            consortium: bid.sme_joint,
            domestic: bid.domestic,
            brand: bid.brand.clone(),
            ..BidFacts::default()
        });
    }
    let entries = facts
        .iter()
        .zip(judges)
        .map(|(facts, judges)| Entry { facts, judges })
        .collect();
    let ground = Ground {
        rules: &rules,
        pack: latest(rules.method.regime()),
        drawn: &BTreeMap::new(),
        competes: Some(params.domestic_competes),
    };
    let outcome = compute(ground, entries)?.outcome();
    let rows = outcome.rows.into_iter().map(|row| CompositeRow {
        id: row.id,
        eval_price: row.evaluated_price,
        price_points: row.price_points,
        quality: row.quality,
        total: row.total,
        rank: row.rank,
        same_brand_excluded: row.same_brand_excluded,
    });
    Ok(Composite {
        rows: rows.collect(),
        abnormal_low: outcome.abnormal_low,
        effective_bidders: outcome.effective_bidders,
        procedure_fails: outcome.procedure_fails,
        draw_needed: outcome.draw_needed,
    })
}
