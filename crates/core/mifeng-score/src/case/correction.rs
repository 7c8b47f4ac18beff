//! `correction`: prices as printed, corrected in the fixed order of 87 art. 59.

use super::subset::agrees;
use super::{Answer, Computed, Found, read};
use crate::derivation::{BidSteps, Derivation};
use crate::evaluate::BIDS_MAX;
use crate::pack::{Regime, latest};
use crate::{Detail, Error, Money, correct_steps};
use mifeng_crypto::HashAlg;
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    id: String,
    #[serde(rename = "method")]
    _method: String,
    #[serde(default, rename = "params")]
    _params: Nothing,
    bids: Vec<Bid>,
    #[serde(default)]
    expected: Option<Value>,
}

/// No parameters.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Bid {
    id: String,
    /// The opening list's digits.
    pub(super) digits: String,
    /// Its capital numerals (大写), read into fen.
    words_fen: String,
    #[serde(default)]
    pub(super) lines: Vec<Detail>,
}

impl Bid {
    /// What the capital numerals say.
    pub(super) fn words(&self) -> Result<Money, Error> {
        let text = &self.words_fen;
        let plain = text.len() <= 20 && text.bytes().all(|b| b.is_ascii_digit());
        let fen = text.parse().ok().filter(|_| plain);
        fen.and_then(Money::from_fen)
            .ok_or_else(|| crate::number::number(&format!("words_fen of {}", self.id), text, 0))
    }
}

/// One step of a correction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorrectionStep {
    /// The clause that ruled.
    pub clause: String,
    /// The value before.
    pub before: String,
    /// The value after.
    pub after: String,
}

/// What became of one price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorrectionRow {
    /// The bid.
    pub id: String,
    /// The corrected price; none if only the committee can decide.
    pub price: Option<String>,
    /// Whether it is another than read out, so that the bidder must confirm it.
    pub confirm: bool,
    /// The steps that changed something.
    pub steps: Vec<CorrectionStep>,
    /// The readings shown to the committee, if there are several: the sums.
    pub readings: Vec<String>,
}

/// The result of a correction case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorrectionCase {
    /// By id.
    pub rows: Vec<CorrectionRow>,
}

pub(super) fn run(line: &str, explained: bool) -> Result<Found, Error> {
    let mut case: Case = read(line)?;
    if case.bids.len() > BIDS_MAX {
        return Err(Error::TooMany {
            what: "bids",
            found: case.bids.len(),
            limit: BIDS_MAX,
        });
    }
    case.bids.sort_by(|a, b| a.id.cmp(&b.id));
    if let Some(pair) = case.bids.windows(2).find(|pair| pair[0].id == pair[1].id) {
        return Err(Error::Duplicate {
            what: "bid",
            id: pair[0].id.clone(),
        });
    }
    let mut rows = Vec::with_capacity(case.bids.len());
    for bid in &case.bids {
        rows.push(row(bid)?);
    }
    let derivation = explained
        .then(|| derivation(&case.bids, &rows))
        .transpose()?;
    let computed = CorrectionCase { rows };
    let answer = Answer {
        id: case.id,
        agrees: agrees(&computed, case.expected.as_ref()),
        computed: Computed::Correction(computed),
    };
    Ok((answer, derivation))
}

fn row(bid: &Bid) -> Result<CorrectionRow, Error> {
    let words = bid.words()?.fen();
    let mut row = CorrectionRow {
        id: bid.id.clone(),
        price: None,
        confirm: true,
        steps: Vec::new(),
        readings: Vec::new(),
    };
    match correct_steps(&bid.digits, words, &bid.lines) {
        Ok(correction) => {
            row.confirm = !correction.steps.is_empty();
            row.price = Some(correction.price);
            let steps = correction.steps.into_iter();
            row.steps = steps
                .map(|step| CorrectionStep {
                    clause: step.clause.to_owned(),
                    before: step.before,
                    after: step.after,
                })
                .collect();
        }
        Err(Error::Ambiguous { readings }) => {
            row.readings = readings.into_iter().map(|reading| reading.price).collect();
        }
        Err(error) => return Err(error.at(&format!("price of {}", bid.id))),
    }
    Ok(row)
}

fn derivation(bids: &[Bid], rows: &[CorrectionRow]) -> Result<Derivation, Error> {
    let pack = latest(Regime::Procurement);
    let steps = |(bid, row): (&Bid, &CorrectionRow)| {
        Ok(BidSteps {
            id: bid.id.clone(),
            rank: None,
            steps: super::corrected::steps(bid, row, pack)?,
        })
    };
    Ok(Derivation {
        pack: pack.pin(HashAlg::Sm3),
        lot: Vec::new(),
        bids: bids
            .iter()
            .zip(rows)
            .map(steps)
            .collect::<Result<_, Error>>()?,
        result: Vec::new(),
    })
}
