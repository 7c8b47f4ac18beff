//! What goes into scoring and what comes out.

use crate::derivation::Basis;
use crate::pack::Pin;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a review of an abnormally low price ended (87 art. 60).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Review {
    /// The bidder showed in writing that the price is reasonable.
    Reasonable,
    /// It could not, or did not answer: the bid is invalid.
    NotShown,
}

/// What scoring needs to know of a bid that passed the checks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BidFacts {
    /// Id, unique within the lot.
    pub id: String,
    /// Bid price, corrected, decimal text in the unit of the price form; the final offer where the
    /// method has one. Empty for forms that are a list.
    pub price: String,
    /// Prices of lines or parts by line id, for forms that are a list.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub prices: BTreeMap<String, String>,
    /// Small or micro enterprise.
    pub small: bool,
    /// Medium enterprise: admitted to reserved lots, no deduction.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub medium: bool,
    /// Prison enterprise: counts as small.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub prison: bool,
    /// Disabled-welfare unit: counts as small.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub disabled_welfare: bool,
    /// Consortium or subcontract giving small and micro enterprises at least 30 %.
    pub consortium: bool,
    /// Their part of the contract in percent, if stated: below the least of the law there is no
    /// deduction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub joint_share: Option<String>,
    /// Firms of the consortium are related by control: no deduction (46 art. 9).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub related: bool,
    /// Domestic product.
    pub domestic: bool,
    /// Domestic products' part of the cost of a package in percent, if stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domestic_share: Option<String>,
    /// On the energy-saving or environment priority list, certified.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub green: bool,
    /// Brand of the core product.
    pub brand: Option<String>,
    /// The supplier's price in the framework agreement, for the second competition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreed: Option<String>,
    /// Reasons for which the buyer or the committee found the bid invalid, as the pack lists them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub invalid: Vec<String>,
    /// How the review of its low price ended, if it was held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review: Option<Review>,
}

/// One judge's points, as decimal text by bid and item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sheet {
    /// Who.
    pub judge: String,
    /// Points by bid and item.
    pub scores: BTreeMap<String, BTreeMap<String, String>>,
}

/// One bid of the result. The derivation of every number is [`crate::derive`]'s.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The bid.
    pub id: String,
    /// Bid price: what the contract would say.
    pub price: String,
    /// Price after policy deductions.
    pub evaluated_price: String,
    /// Points of price.
    pub price_points: String,
    /// Mean of the judges' points.
    pub quality: String,
    /// Mean of the judges' points for the technical items, where these decide between equal bids
    /// (214 art. 25).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub technical: Option<String>,
    /// Sum.
    pub total: String,
    /// Rank from 1; equals share it.
    pub rank: usize,
    /// Not the best of its brand (87 art. 31).
    pub same_brand_excluded: bool,
    /// Eliminated from a framework agreement (110 art. 27).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub eliminated: bool,
}

/// A bid that takes no part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invalid {
    /// The bid.
    pub id: String,
    /// Reason as the pack lists it, such as `price-over-ceiling`.
    pub reason: String,
    /// The article.
    pub article: String,
}

/// The result of a lot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// The rule pack it rests on.
    pub pack: Pin,
    /// What each column of the rows and each other part rests on, by name: `evaluated`.
    pub basis: BTreeMap<String, Basis>,
    /// The benchmark of a formula that has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub benchmark: Option<String>,
    /// Rows by rank, then id.
    pub rows: Vec<Row>,
    /// Fewer effective bidders than required.
    pub procedure_fails: bool,
    /// Bids that take no part, by id.
    pub invalid: Vec<Invalid>,
    /// Ids to draw among for the first place, or for the last place admitted to a framework;
    /// same-brand equals at the first place are among them.
    pub draw_needed: Vec<String>,
    /// Equal bests of one brand wherever they rank: a draw within the brand comes before any other
    /// (87 art. 31).
    pub brand_draws: Vec<Vec<String>>,
    /// Triggers of the abnormally low review by bid: `mean`, `second`, `ceiling`.
    pub abnormal_low: BTreeMap<String, Vec<String>>,
    /// Bids whose low price was reviewed, and how that ended.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reviewed: BTreeMap<String, Review>,
    /// Bidders, a brand counted once.
    pub effective_bidders: usize,
}

impl Outcome {
    /// The single first, unless the procedure fails or a draw is needed.
    ///
    /// An abnormally low price starts a review and never rejects by itself (87 art. 60), so it does
    /// not change the winner here; see [`Outcome::reviews_open`].
    pub fn winner(&self) -> Option<&Row> {
        if self.procedure_fails || !self.draw_needed.is_empty() {
            return None;
        }
        self.rows.iter().find(|row| !row.same_brand_excluded)
    }

    /// Bids whose price starts a review that has not been held (87 art. 60), by id: whoever awards
    /// must have its record first.
    pub fn reviews_open(&self) -> Vec<&str> {
        let open = |id: &&String| !self.reviewed.contains_key(*id);
        let ids = self.abnormal_low.keys().filter(open);
        ids.map(String::as_str).collect()
    }

    /// Those admitted to a framework agreement, by rank.
    pub fn admitted(&self) -> impl Iterator<Item = &Row> {
        let in_it = |row: &&Row| !row.eliminated && !row.same_brand_excluded;
        self.rows.iter().filter(in_it)
    }
}
