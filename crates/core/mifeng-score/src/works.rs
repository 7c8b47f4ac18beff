//! Benchmark and deviation of construction tendering (RULES 5.8): families as data.

use crate::formula::{Formula, Given, Param, Value, compute};
use crate::pack::{Regime, latest};
use crate::{Error, Money, Ratio};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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

/// The formula that [`Works`] is short for.
const FAMILY: &str = "mean-deviation";

impl Works {
    /// The same as formula data: the family `mean-deviation` of the pack with these numbers.
    pub fn formula(&self) -> Formula {
        let number = |text: &str| Param::Number(text.to_owned());
        let (ceiling, weight) = match &self.ceiling_weight {
            Some((ceiling, weight)) => (number(ceiling), number(weight)),
            None => (number("0"), number("0")),
        };
        let second = if self.second_mean { "1" } else { "0" };
        let params = [
            ("full", number(&self.full)),
            ("E_hi", number(&self.e_hi)),
            ("E_lo", number(&self.e_lo)),
            ("K", number(&self.k)),
            ("floor", number(&self.floor)),
            ("base_dp", number(&self.base_dp.to_string())),
            ("dev_dp", number(&self.dev_dp.to_string())),
            ("A", ceiling),
            ("w", weight),
            ("second", number(second)),
            ("trim", self.table()),
        ];
        Formula {
            family: Some(FAMILY.to_owned()),
            params: params.map(|(name, p)| (name.to_owned(), p)).into(),
            ..Formula::default()
        }
    }

    /// The trim table, ascending; of rows with one `min_n` the last holds.
    fn table(&self) -> Param {
        let row = |row: &TrimRow| (row.min_n, [row.hi, row.lo]);
        let rows: BTreeMap<usize, [usize; 2]> = self.trim.iter().map(row).collect();
        let mut rows: Vec<Vec<String>> = rows
            .into_iter()
            .map(|(n, [hi, lo])| [n, hi, lo].map(|v| v.to_string()).into())
            .collect();
        if rows.is_empty() {
            rows.push(vec!["0".to_owned(); 3]);
        }
        Param::Table(rows)
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        for text in [&self.full, &self.e_hi, &self.e_lo, &self.k, &self.floor] {
            if Ratio::parse(text)?.is_negative() {
                return Err(crate::number::number("works", text, 12));
            }
        }
        if let Some((ceiling, weight)) = &self.ceiling_weight {
            let (ceiling, weight) = (Ratio::parse(ceiling)?, Ratio::parse(weight)?);
            if !ceiling.is_positive() || weight.is_negative() || weight > Ratio::one() {
                return Err(crate::number::number(
                    "ceiling_weight",
                    &weight.to_exact(),
                    12,
                ));
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
}

/// Scores prices by their deviation from the benchmark; dropped prices are scored too.
///
/// # Errors
/// Numbers of the parameters, or all prices trimmed.
pub fn works(rules: &Works, bids: &[(&str, Money)]) -> Result<WorksOutcome, Error> {
    rules.check()?;
    let mut prices: Vec<(&str, Ratio)> = bids.iter().map(|(id, p)| (*id, p.ratio())).collect();
    prices.sort_by(|a, b| a.0.cmp(b.0));
    let pack = latest(Regime::Tendering);
    let formula = rules.formula().resolve(pack)?;
    let program = formula.compile()?;
    let given = Given {
        prices: &prices,
        ceiling: None,
        drawn: &BTreeMap::new(),
    };
    let computed = compute(&formula, &program, &given)?;
    let base = computed.lot.get("base").and_then(Value::number);
    let column = |name: &str| computed.each.get(name).map_or(&[][..], Vec::as_slice);
    let text = |value: &Value, dp| value.number().map_or(String::new(), |v| v.to_fixed(dp));
    let rows = prices.iter().zip(column("deviation")).zip(column("points"));
    let row = |((bid, deviation), points): ((&(&str, Ratio), &Value), &Value)| WorksRow {
        id: bid.0.to_owned(),
        deviation_pct: text(deviation, rules.dev_dp),
        score: text(points, 2),
    };
    Ok(WorksOutcome {
        benchmark: base.map_or(String::new(), |base| base.to_fixed(rules.base_dp)),
        rows: rows.map(row).collect(),
    })
}
