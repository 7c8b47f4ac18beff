//! Price inconsistency in the fixed order of 87 art. 59, never guessing.

use crate::{Error, Money, Ratio};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Most detail lines of a bid.
const LINES_MAX: usize = 20_000;
/// Up to so many lines every set of moved points is tried: 7^4 sums on each side. Longer lists are
/// searched for one and for two lines; their sets grow beyond any bound.
const EXHAUSTIVE_MAX: usize = 8;
/// Most readings shown: sixteen pairs of lines, or six lines.
pub const READINGS_MAX: usize = 64;
/// By what a misplaced decimal point or percent sign multiplies a price, in thousandths.
const FACTORS: [i64; 6] = [1, 10, 100, 10_000, 100_000, 1_000_000];

/// One line of the detail price list, decimal text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
    // A sum of parts of a fen is a price only when rounded: then there is nothing to correct.
    if sum.round_half_up(2) == total {
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

/// One way to read an ambiguous detail list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reading {
    /// The sum of the list read so, in yuan.
    pub price: String,
    /// Lines, from 0, whose unit price is read otherwise than printed, and as what.
    pub units: Vec<(usize, String)>,
}

/// A line and the factor of its unit price.
type Move = (usize, Ratio);

/// The one line whose decimal point, moved by one to three places, closes the gap.
///
/// Two such readings, or one that needs two lines or more, are for the committee.
fn shifted(lines: &[(Ratio, Ratio)], gap: &Ratio) -> Result<Option<(String, String)>, Error> {
    let mut singles: Vec<Vec<Move>> = Vec::new();
    let mut sets: Vec<Vec<Move>> = Vec::new();
    let mut seen: BTreeMap<Ratio, Move> = BTreeMap::new();
    for (at, (_, value)) in lines.iter().enumerate() {
        let mine = moves(value)?;
        for (factor, delta) in &mine {
            if delta == gap {
                singles.push(vec![(at, factor.clone())]);
            }
            if let Some(other) = seen.get(&gap.sub(delta)?)
                && sets.len() < READINGS_MAX / 4
            {
                sets.push(vec![other.clone(), (at, factor.clone())]);
            }
        }
        for (factor, delta) in mine {
            seen.entry(delta).or_insert((at, factor));
        }
    }
    if let [single] = singles.as_slice()
        && let [(at, factor)] = single.as_slice()
    {
        let unit = &lines[*at].0;
        return Ok(Some((unit.to_shortest(), unit.mul(factor)?.to_shortest())));
    }
    if singles.is_empty() && sets.is_empty() && lines.len() <= EXHAUSTIVE_MAX {
        sets = many(lines, gap)?;
    }
    if !singles.is_empty() {
        sets = singles;
    }
    if sets.is_empty() {
        return Ok(None);
    }
    Err(Error::Ambiguous {
        readings: readings(lines, &sets)?,
    })
}

/// The factors that change a line's value, and by how much.
fn moves(value: &Ratio) -> Result<Vec<(Ratio, Ratio)>, Error> {
    let mut found = Vec::with_capacity(FACTORS.len());
    for factor in FACTORS {
        let factor = Ratio::from(factor).div(&Ratio::from(1000))?;
        let delta = value.mul(&factor)?.sub(value)?;
        if delta != Ratio::zero() {
            found.push((factor, delta));
        }
    }
    Ok(found)
}

/// Sets of three and more lines that close the gap: the sums of one half against the other.
fn many(lines: &[(Ratio, Ratio)], gap: &Ratio) -> Result<Vec<Vec<Move>>, Error> {
    let (low, high) = lines.split_at(lines.len() / 2);
    let low = sums(low, 0)?;
    let mut by_sum: BTreeMap<&Ratio, &Vec<Move>> = BTreeMap::new();
    for (sum, moved) in &low {
        by_sum.entry(sum).or_insert(moved);
    }
    let mut found = Vec::new();
    for (sum, moved) in sums(high, lines.len() / 2)? {
        if found.len() < READINGS_MAX / 8
            && let Some(first) = by_sum.get(&gap.sub(&sum)?)
        {
            found.push([first.as_slice(), &moved].concat());
        }
    }
    Ok(found)
}

/// Every set of moved points of these lines with the change it makes.
fn sums(lines: &[(Ratio, Ratio)], first: usize) -> Result<Vec<(Ratio, Vec<Move>)>, Error> {
    let mut all = vec![(Ratio::zero(), Vec::new())];
    for (at, (_, value)) in lines.iter().enumerate() {
        let mine = moves(value)?;
        for index in 0..all.len() {
            for (factor, delta) in &mine {
                let mut moved = all[index].1.clone();
                moved.push((first + at, factor.clone()));
                all.push((all[index].0.add(delta)?, moved));
            }
        }
    }
    Ok(all)
}

/// Each line of each set as printed or moved.
fn readings(lines: &[(Ratio, Ratio)], sets: &[Vec<Move>]) -> Result<Vec<Reading>, Error> {
    let mut printed = Ratio::zero();
    for (_, value) in lines {
        printed = printed.add(value)?;
    }
    let mut found = BTreeSet::new();
    for set in sets {
        for mask in 0..1u32 << set.len().min(EXHAUSTIVE_MAX) {
            let mut price = printed.clone();
            let mut units = Vec::new();
            for (bit, (at, factor)) in set.iter().enumerate().take(EXHAUSTIVE_MAX) {
                if mask >> bit & 1 == 1 {
                    let (unit, value) = &lines[*at];
                    price = price.add(&value.mul(factor)?.sub(value)?)?;
                    units.push((*at, unit.mul(factor)?.to_shortest()));
                }
            }
            let price = price.to_fixed(2);
            found.insert(Reading { price, units });
        }
    }
    Ok(found.into_iter().take(READINGS_MAX).collect())
}
