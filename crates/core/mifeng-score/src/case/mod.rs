//! The JSON Lines case format: `id, method, params, bids` in, `expected` for checking.
//!
//! `law87_composite` and `works_mean_deviation` are the two short forms; the name of a
//! [`Method`] takes a whole rule set, `formula` a formula alone, `correction` the price as printed.

mod composite;
mod corrected;
mod correction;
mod formula;
mod method;
mod strict;
mod subset;

pub use composite::{Composite, CompositeRow};
pub use correction::{CorrectionCase, CorrectionRow, CorrectionStep};
pub use formula::FormulaOutcome;

use crate::derivation::Derivation;
use crate::{Error, Method, Outcome, WorksOutcome};
use serde::{Deserialize, Serialize};

/// Longest case text.
pub const CASE_LEN_MAX: usize = 16 << 20;

/// What a case computes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[allow(clippy::large_enum_variant)] // one at a time, never in lists
pub enum Computed {
    /// 综合评分法.
    Composite(Composite),
    /// Benchmark and deviation.
    Works(WorksOutcome),
    /// A method with its whole rule set.
    Outcome(Outcome),
    /// A formula alone.
    Formula(FormulaOutcome),
    /// Prices as printed.
    Correction(CorrectionCase),
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

/// An answer with its derivation.
pub type Explained = (Answer, Derivation);

/// The method alone, to know how to read the rest.
#[derive(Deserialize)]
struct Head {
    method: String,
}

/// Computes one line of the format.
///
/// # Errors
/// Unknown fields, numbers that are not decimal text, and every fault of the values.
pub fn run(line: &str) -> Result<Answer, Error> {
    Ok(find(line, false)?.0)
}

/// Computes one line of the format, with the derivation of the result.
///
/// # Errors
/// As [`run`].
pub fn explain(line: &str) -> Result<Explained, Error> {
    let (answer, derivation) = find(line, true)?;
    let missing = || Error::Missing {
        what: "derivation of",
        id: answer.id.clone(),
    };
    let derivation = derivation.ok_or_else(missing)?;
    Ok((answer, derivation))
}

/// An answer, with its derivation if that was asked for: it is many times as long.
type Found = (Answer, Option<Derivation>);

fn find(line: &str, explained: bool) -> Result<Found, Error> {
    if line.len() > CASE_LEN_MAX {
        return Err(Error::TooMany {
            what: "bytes of a case",
            found: line.len(),
            limit: CASE_LEN_MAX,
        });
    }
    strict::check(line)?;
    let head: Head = read(line)?;
    match head.method.as_str() {
        "law87_composite" => composite::run(line, explained),
        "works_mean_deviation" => formula::run_works(line, explained),
        "formula" => formula::run(line, explained),
        "correction" => correction::run(line, explained),
        name => match Method::ALL.into_iter().find(|method| method.name() == name) {
            Some(_) => method::run(line, explained),
            None => Err(Error::Unknown {
                what: "method",
                id: name.chars().take(40).collect(),
            }),
        },
    }
}

/// JSON of the format; the error has the place.
fn read<'a, T: Deserialize<'a>>(line: &'a str) -> Result<T, Error> {
    serde_json::from_str(line).map_err(|e| Error::json(&e))
}
