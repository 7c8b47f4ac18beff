//! Benchmark and deviation of construction tendering (RULES 5.8): families as data.

use crate::{Error, Money, Ratio};
use serde::{Deserialize, Serialize};

/// One row of a trim table: from `min_n` prices on, drop so many at each end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrimRow {
    /// Fewest prices for which the row holds.
    pub min_n: usize,
    /// Highest prices dropped.
    pub hi: usize,
    /// Lowest prices dropped.
    pub lo: usize,
}

/// Parameters of the deviation method. Numbers are decimal text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Works {
    /// Full points.
    pub full: String,
    /// Points per percent above the benchmark.
    #[serde(rename = "E_hi")]
    pub e_hi: String,
    /// Points per percent below it.
    #[serde(rename = "E_lo")]
    pub e_lo: String,
    /// The drawn float-down: the benchmark is multiplied by 1 − K.
    #[serde(rename = "K")]
    pub k: String,
    /// Trim table; the row with the largest `min_n` not above n holds.
    pub trim: Vec<TrimRow>,
    /// Decimals of the benchmark.
    pub base_dp: u32,
    /// Decimals of the deviation in percent.
    pub dev_dp: u32,
    /// Least points.
    pub floor: String,
    /// Ceiling and its weight w, `(A·w + mean·(1 − w))·(1 − K)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ceiling_weight: Option<(String, String)>,
    /// Second mean: the mean of the kept prices not above their mean.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub second_mean: bool,
}

/// One scored bid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorksRow {
    /// The bid.
    pub id: String,
    /// Deviation from the benchmark in percent.
    pub deviation_pct: String,
    /// Points.
    pub score: String,
}

/// The benchmark and every bid's points, by id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorksOutcome {
    /// The benchmark price.
    pub benchmark: String,
    /// Rows sorted by id.
    pub rows: Vec<WorksRow>,
}

impl Works {
    pub(crate) fn check(&self) -> Result<(), Error> {
        for text in [&self.full, &self.e_hi, &self.e_lo, &self.k, &self.floor] {
            if Ratio::parse(text)?.is_negative() {
                return Err(crate::number::number("works", text, 12));
            }
        }
        if self.trim.len() > 64 || self.base_dp > 6 || self.dev_dp > 6 {
            return Err(Error::TooMany {
                what: "trim rows or decimals",
                found: self.trim.len(),
                limit: 64,
            });
        }
        Ok(())
    }

    /// The benchmark over these prices, unrounded.
    fn benchmark(&self, prices: &[Money]) -> Result<Ratio, Error> {
        let mut sorted = prices.to_vec();
        sorted.sort_unstable();
        let n = sorted.len();
        let row = self
            .trim
            .iter()
            .filter(|row| row.min_n <= n)
            .max_by_key(|row| row.min_n);
        let (lo, hi) = row.map_or((0, 0), |row| (row.lo, row.hi));
        let kept = n
            .checked_sub(hi)
            .and_then(|end| sorted.get(lo..end))
            .filter(|kept| !kept.is_empty())
            .ok_or(Error::Zero {
                place: "all prices are trimmed",
            })?;
        let mut base = mean(kept)?;
        if self.second_mean {
            let under: Vec<Money> = kept.iter().copied().filter(|p| p.ratio() <= base).collect();
            base = mean(&under)?;
        }
        if let Some((ceiling, w)) = &self.ceiling_weight {
            let w = Ratio::parse(w)?;
            let part = Ratio::parse(ceiling)?.mul(&w)?;
            base = part.add(&base.mul(&Ratio::from(1).sub(&w)?)?)?;
        }
        base.mul(&Ratio::from(1).sub(&Ratio::parse(&self.k)?)?)
    }
}

pub(crate) fn mean(prices: &[Money]) -> Result<Ratio, Error> {
    let sum = prices
        .iter()
        .try_fold(0i128, |sum, price| sum.checked_add(price.fen()));
    let sum = sum.ok_or(Error::TooBig {
        place: "sum",
        limit: 127,
    })?;
    let n = i64::try_from(prices.len()).map_err(|_| Error::Zero { place: "mean" })?;
    Ratio::from_fen(sum).div(&Ratio::from(n))
}

/// Scores prices by their deviation from the benchmark; dropped prices are scored too.
///
/// # Errors
/// Numbers of the parameters, or all prices trimmed.
pub fn works(rules: &Works, bids: &[(&str, Money)]) -> Result<WorksOutcome, Error> {
    rules.check()?;
    let prices: Vec<Money> = bids.iter().map(|bid| bid.1).collect();
    let base = rules.benchmark(&prices)?.round_half_up(rules.base_dp);
    let (full, floor) = (Ratio::parse(&rules.full)?, Ratio::parse(&rules.floor)?);
    let (e_hi, e_lo) = (Ratio::parse(&rules.e_hi)?, Ratio::parse(&rules.e_lo)?);
    let mut rows = Vec::with_capacity(bids.len());
    for (id, price) in bids {
        let part = price.ratio().sub(&base)?.div(&base)?;
        let beta = part.mul(&Ratio::from(100))?.round_half_up(rules.dev_dp);
        let e = if beta.is_positive() { &e_hi } else { &e_lo };
        let score = full.sub(&beta.abs().mul(e)?)?.max(floor.clone());
        rows.push(WorksRow {
            id: (*id).to_owned(),
            deviation_pct: beta.to_fixed(rules.dev_dp),
            score: score.to_fixed(2),
        });
    }
    rows.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(WorksOutcome {
        benchmark: base.to_fixed(rules.base_dp),
        rows,
    })
}
