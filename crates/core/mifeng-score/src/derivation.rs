//! Where a result comes from: one step per quantity, to be read aloud, checked with a calculator or
//! written into a workbook.
//!
//! Every `formula` is an expression of the formula language (`spec/formula.md`,
//! [`crate::formula::Expr`]) over the names of `inputs`; evaluated, it gives `value`. An input whose
//! name is the `quantity` of an earlier step of the same bid or of the lot is that step's value.

use crate::Name;
use crate::pack::Pin;
use serde::{Deserialize, Serialize};

/// One value that a step reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The name in the formula.
    pub name: String,
    /// Decimal text or a fraction `7/3`; a list is `[1, 2]`; a table `[4 1 0; 7 1 1]`. A list or
    /// table that the lines of the bids read is its own name: the value is that of the step of the
    /// bid, else of the lot, with this name as its quantity (see [`Derivation::value`]).
    pub value: String,
}

/// What a step rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Basis {
    /// The article, such as `87 art. 55`.
    pub article: String,
    /// Id of the rule pack that says so.
    pub pack: String,
    /// How sure the pack is of it: `T` read in full, `S` from agreeing secondary sources, `?`
    /// convention.
    pub sure: String,
}

/// One step of a derivation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Stable key of what is computed, a name of the formula language: `evaluated`.
    pub quantity: String,
    /// What it is called.
    pub name: Name,
    /// The formula; empty for a value that is given or found by order.
    pub formula: String,
    /// What the formula reads.
    pub inputs: Vec<Input>,
    /// The value: decimal text with the decimals it is used with, a fraction `7/3` where decimals
    /// cannot say it, or a word such as `invalid`.
    pub value: String,
    /// What it rests on.
    pub basis: Basis,
}

/// The steps of one bid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BidSteps {
    /// The bid.
    pub id: String,
    /// Rank, if it has one.
    pub rank: Option<usize>,
    /// In the order of computation.
    pub steps: Vec<Step>,
}

/// The derivation of a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Derivation {
    /// The rule pack.
    pub pack: Pin,
    /// Steps of the lot, in the order of computation; some read all bids.
    pub lot: Vec<Step>,
    /// Steps of each bid by rank, then id; bids without a rank last.
    pub bids: Vec<BidSteps>,
    /// What the order and the counts give, after the steps of the bids: effective bidders, ties,
    /// reviews to hold.
    pub result: Vec<Step>,
}

impl Derivation {
    /// The value of an input of a step of this bid (`None`: of the lot), names looked up.
    pub fn value<'a>(&'a self, bid: Option<&'a BidSteps>, input: &'a Input) -> &'a str {
        if input.value != input.name {
            return &input.value;
        }
        let named = |step: &&Step| step.quantity == input.name;
        let own = bid.and_then(|bid| bid.steps.iter().find(named));
        let found = own.or_else(|| self.lot.iter().find(named));
        found.map_or(&input.value, |step| &step.value)
    }
}
