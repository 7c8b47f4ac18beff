//! What goes into scoring and what comes out.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What scoring needs to know of a bid that passed the checks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BidFacts {
    /// Id, unique within the lot.
    pub id: String,
    /// Bid price in yuan, corrected, decimal text.
    pub price: String,
    /// Small or micro enterprise (or prison enterprise, or disabled-welfare unit).
    pub small: bool,
    /// Consortium or subcontract giving small and micro enterprises at least 30 %.
    pub consortium: bool,
    /// Domestic product.
    pub domestic: bool,
    /// Brand of the core product.
    pub brand: Option<String>,
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

/// One bid of the result.
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
    /// Sum.
    pub total: String,
    /// Rank from 1; equals share it.
    pub rank: usize,
    /// Not the best of its brand (87 art. 31).
    pub same_brand_excluded: bool,
    /// The derivation, each line with what it rests on.
    pub lines: Vec<Line>,
}

/// One line of a derivation in two languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
    /// The article it rests on.
    pub article: String,
}

impl Line {
    pub(crate) fn new(article: &str, zh: String, en: String) -> Self {
        Self {
            zh,
            en,
            article: article.to_owned(),
        }
    }
}

/// A bid that takes no part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invalid {
    /// The bid.
    pub id: String,
    /// `price-over-ceiling` or `price-zero`.
    pub reason: String,
    /// The article.
    pub article: String,
}

/// The result of a lot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// Rows by rank, then id.
    pub rows: Vec<Row>,
    /// Fewer effective bidders than required.
    pub procedure_fails: bool,
    /// Bids that take no part, by id.
    pub invalid: Vec<Invalid>,
    /// Ids to draw among for the first place; same-brand equals at the first place are among them.
    pub draw_needed: Vec<String>,
    /// Equal bests of one brand wherever they rank: a draw within the brand comes before any other
    /// (87 art. 31).
    pub brand_draws: Vec<Vec<String>>,
    /// Triggers of the abnormally low review by bid: `mean`, `second`, `ceiling`.
    pub abnormal_low: BTreeMap<String, Vec<String>>,
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

    /// Bids whose price starts a review (87 art. 60), by id. The engine cannot know how a review
    /// ended: whoever awards must have its record first.
    pub fn reviews_open(&self) -> Vec<&str> {
        self.abnormal_low.keys().map(String::as_str).collect()
    }
}
