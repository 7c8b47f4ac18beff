//! Price inconsistency in the fixed order of 87 art. 59, never guessing.

use crate::{Error, Money, Ratio};
use std::collections::BTreeMap;

/// Most detail lines of a bid.
const LINES_MAX: usize = 20_000;

/// One line of the detail price list, decimal text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// How many.
    pub quantity: String,
    /// Price of one in yuan.
    pub unit_price: String,
}

/// One step of the correction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The clause.
    pub clause: &'static str,
    /// The value before.
    pub before: String,
    /// The value after.
    pub after: String,
}

/// A corrected price and how it came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Correction {
    /// The price in yuan; binds after the bidder confirms it if it differs from what was read out.
    pub price: String,
    /// The steps that changed something.
    pub steps: Vec<Step>,
}

/// The corrected price alone. See [`correct_steps`].
///
/// # Errors
/// As [`correct_steps`].
pub fn correct(list: &str, words_fen: i128, detail: &[Detail]) -> Result<String, Error> {
    Ok(correct_steps(list, words_fen, detail)?.price)
}

/// Applies the fixed order: the opening list's digits, its words in fen, its detail lines.
///
/// # Errors
/// [`Error::Ambiguous`] where only the committee may choose; [`Error::Number`].
pub fn correct_steps(list: &str, words_fen: i128, detail: &[Detail]) -> Result<Correction, Error> {
    let digits = Money::parse(list)?;
    let bad = || crate::number::number("price in words", &words_fen.to_string(), 0);
    let words = Money::from_fen(words_fen).ok_or_else(bad)?;
    let mut steps = Vec::new();
    if words != digits {
        steps.push(Step {
            clause: "87 art. 59 (2)",
            before: digits.to_string(),
            after: words.to_string(),
        });
    }
    let total = words.ratio();
    if detail.is_empty() {
        return Ok(Correction {
            price: words.to_string(),
            steps,
        });
    }
    if detail.len() > LINES_MAX {
        return Err(Error::TooMany {
            what: "detail lines",
            found: detail.len(),
            limit: LINES_MAX,
        });
    }
    let mut lines = Vec::with_capacity(detail.len());
    let mut sum = Ratio::zero();
    for line in detail {
        let quantity = Ratio::parse(&line.quantity)?;
        let unit = Money::parse(&line.unit_price)?;
        if quantity.is_negative() {
            return Err(crate::number::number("quantity", &line.quantity, 12));
        }
        let value = quantity.mul(&unit.ratio())?;
        sum = sum.add(&value)?;
        lines.push((unit.ratio(), value));
    }
    if sum == total {
        return Ok(Correction {
            price: words.to_string(),
            steps,
        });
    }
    let gap = total.sub(&sum)?;
    if let Some((before, after)) = shifted(&lines, &gap)? {
        // The total stands, the unit price is corrected.
        steps.push(Step {
            clause: "87 art. 59 (3)",
            before,
            after,
        });
        return Ok(Correction {
            price: words.to_string(),
            steps,
        });
    }
    let after = sum.to_fixed(2);
    Money::parse(&after)?;
    steps.push(Step {
        clause: "87 art. 59 (4)",
        before: words.to_string(),
        after: after.clone(),
    });
    Ok(Correction {
        price: after,
        steps,
    })
}

/// The one line whose decimal point, moved by one to three places, closes the gap.
///
/// Two such readings, or one that needs two lines, are for the committee.
fn shifted(lines: &[(Ratio, Ratio)], gap: &Ratio) -> Result<Option<(String, String)>, Error> {
    let thousand = Ratio::from(1000);
    let mut found = None;
    let mut readings = 0;
    let mut deltas: BTreeMap<Ratio, (usize, bool)> = BTreeMap::new();
    let mut pair = false;
    for (at, (unit, value)) in lines.iter().enumerate() {
        let mut mine = Vec::with_capacity(6);
        for factor in [1, 10, 100, 10_000, 100_000, 1_000_000] {
            let factor = Ratio::from(factor).div(&thousand)?;
            let delta = value.mul(&factor)?.sub(value)?;
            if delta == Ratio::zero() {
                continue;
            }
            if delta == *gap {
                readings += 1;
                found = Some((unit.to_shortest(), unit.mul(&factor)?.to_shortest()));
            }
            pair |= deltas.contains_key(&gap.sub(&delta)?);
            mine.push(delta);
        }
        for delta in mine {
            deltas.insert(delta, (at, true));
        }
    }
    match (readings, pair) {
        (1, _) => Ok(found),
        (0, false) => Ok(None),
        // Each of the two lines as printed or moved: four readings.
        (0, true) => Err(Error::Ambiguous { readings: 4 }),
        (readings, _) => Err(Error::Ambiguous { readings }),
    }
}
