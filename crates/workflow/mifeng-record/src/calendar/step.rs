//! The periods of the law by name (RULES sections 2, 7 and 8), as data with their articles.

use super::{Calendar, Date, Period, Roll};
use crate::Error;

/// The table that comes with this crate.
const STEPS: &str = include_str!("../../data/periods.csv");

/// Whether a period is the least or the most that the law gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// At least so long: its last day does not move.
    Minimum,
    /// At most so long: a last day on a holiday moves to the next working day.
    Maximum,
}

/// One period of the law.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its name here.
    pub id: &'static str,
    /// How long.
    pub period: Period,
    /// Least or most.
    pub bound: Bound,
    /// The articles.
    pub article: &'static str,
    /// Whether the text was read in full; otherwise it comes from secondary sources that agree.
    pub certain: bool,
    /// What it is, in Chinese.
    pub zh: &'static str,
    /// What it is, in English.
    pub en: &'static str,
}

impl Step {
    /// The last day of this period after an event on `start`. `weekends` says whether a weekend is
    /// a holiday where the last day moves: the usual reading, but read both ways.
    ///
    /// # Errors
    /// As [`Calendar::end`].
    pub fn end(&self, calendar: &Calendar, start: Date, weekends: bool) -> Result<Date, Error> {
        let roll = match (self.bound, weekends) {
            (Bound::Minimum, _) => Roll::Never,
            (Bound::Maximum, true) => Roll::Weekends,
            (Bound::Maximum, false) => Roll::HolidaysOnly,
        };
        calendar.end(start, self.period, roll)
    }
}

/// The period of that name.
///
/// ```
/// use mifeng_record::calendar::{self, Calendar};
/// # fn main() -> Result<(), mifeng_record::Error> {
/// let challenge = calendar::step("challenge").expect("a period of the table");
/// let end = challenge.end(&Calendar::shipped(), "2026-09-24".parse()?, true)?;
/// assert_eq!((end.to_string().as_str(), challenge.article), ("2026-10-12", "PL art. 52; Reg art. 53"));
/// # Ok(())
/// # }
/// ```
pub fn step(id: &str) -> Option<Step> {
    steps().find(|step| step.id == id)
}

/// Every period of the table, in its order.
pub fn steps() -> impl Iterator<Item = Step> {
    STEPS.lines().skip(1).filter_map(read)
}

/// One row; a test sees that every row is read.
fn read(line: &'static str) -> Option<Step> {
    let mut cells = line.split(',');
    let mut cell = || cells.next();
    let (id, n, unit, bound) = (cell()?, cell()?.parse().ok()?, cell()?, cell()?);
    let step = Step {
        id,
        period: match unit {
            "calendar" => Period::Days(n),
            "workday" => Period::WorkDays(n),
            _ => return None,
        },
        bound: match bound {
            "minimum" => Bound::Minimum,
            "maximum" => Bound::Maximum,
            _ => return None,
        },
        article: cell()?,
        certain: match cell()? {
            "T" => true,
            "S" => false,
            _ => return None,
        },
        zh: cell()?,
        en: cell()?,
    };
    cell().is_none().then_some(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_read_and_named_once() {
        let mut ids: Vec<&str> = steps().map(|step| step.id).collect();
        assert_eq!(ids.len(), STEPS.lines().count() - 1);
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), STEPS.lines().count() - 1);
        assert!(steps().all(|step| !step.article.is_empty() && !step.zh.is_empty()));
    }
}
