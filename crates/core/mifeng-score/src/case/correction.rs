//! `correction`: prices as printed, corrected in the fixed order of 87 art. 59.

use super::subset::agrees;
use super::{Answer, Computed, Explained, read};
use crate::derivation::{BidSteps, Derivation, Input, Step};
use crate::evaluate::BIDS_MAX;
use crate::pack::{Regime, latest};
use crate::{Detail, Error, Name, correct_steps};
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
struct Bid {
    id: String,
    /// The opening list's digits.
    digits: String,
    /// Its capital numerals (大写), read into fen.
    words_fen: String,
    #[serde(default)]
    lines: Vec<Detail>,
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

pub(super) fn run(line: &str) -> Result<Explained, Error> {
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
    let derivation = derivation(&case.bids, &rows);
    let computed = CorrectionCase { rows };
    let answer = Answer {
        id: case.id,
        agrees: agrees(&computed, case.expected.as_ref()),
        computed: Computed::Correction(computed),
    };
    Ok((answer, derivation))
}

fn row(bid: &Bid) -> Result<CorrectionRow, Error> {
    let place = format!("words_fen of {}", bid.id);
    let plain = bid.words_fen.len() <= 20 && bid.words_fen.bytes().all(|b| b.is_ascii_digit());
    let words = bid.words_fen.parse::<i128>().ok().filter(|_| plain);
    let words = words.ok_or_else(|| crate::number::number(&place, &bid.words_fen, 0))?;
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

fn derivation(bids: &[Bid], rows: &[CorrectionRow]) -> Derivation {
    let pack = latest(Regime::Procurement);
    let name = |zh: &str, en: &str| Name {
        zh: zh.to_owned(),
        en: en.to_owned(),
    };
    let step = |label: Name, clause: Option<&str>, inputs: Vec<Input>, value: String| {
        let mut basis = pack.basis("step.price");
        if let Some(clause) = clause {
            basis.article = clause.to_owned();
        }
        Step {
            quantity: "price".to_owned(),
            name: label,
            formula: String::new(),
            inputs,
            value,
            basis,
        }
    };
    let steps = |(bid, row): (&Bid, &CorrectionRow)| {
        let input = |name: &str, value: &str| Input {
            name: name.to_owned(),
            value: value.to_owned(),
        };
        let read = vec![
            input("digits", &bid.digits),
            input("words_fen", &bid.words_fen),
        ];
        let label = name("开标一览表", "opening list");
        let mut found = vec![step(label, None, read, bid.digits.clone())];
        for part in &row.steps {
            let label = match part.clause.as_str() {
                "87 art. 59 (2)" => name("大写金额为准", "the words rule"),
                "87 art. 59 (3)" => {
                    name("小数点明显错位，修正单价", "a misplaced point: unit price")
                }
                _ => name("按单价汇总为准", "the sum of the lines rules"),
            };
            let inputs = vec![input("before", &part.before)];
            found.push(step(label, Some(&part.clause), inputs, part.after.clone()));
        }
        let last = match &row.price {
            Some(price) => (
                name("修正后的报价", "price after correction"),
                price.clone(),
            ),
            None => (
                name(
                    "多种读法，由评标委员会决定",
                    "several readings: the committee decides",
                ),
                row.readings.join(", "),
            ),
        };
        found.push(step(last.0, None, Vec::new(), last.1));
        BidSteps {
            id: bid.id.clone(),
            rank: None,
            steps: found,
        }
    };
    Derivation {
        pack: pack.pin(HashAlg::Sm3),
        lot: Vec::new(),
        bids: bids.iter().zip(rows).map(steps).collect(),
        result: Vec::new(),
    }
}
