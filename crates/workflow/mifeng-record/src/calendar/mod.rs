//! Periods of the law: days and working days, the first day not counted (87 art. 85; 94 art. 42).
//!
//! The State Council orders holidays and make-up working days anew every year, so the calendar is
//! data: one file a year, with the order it rests on ([`Calendar::shipped`], or a file of yours). A
//! year that no file covers is unknown, and nothing is computed in it. See `spec/calendar.md`.
//!
//! ```
//! use mifeng_record::calendar::{Calendar, Period, Roll};
//! # fn main() -> Result<(), mifeng_record::Error> {
//! let calendar = Calendar::parse("date,kind\n2026-02-14,makeup_workday\n2026-02-16,holiday\n")?;
//! let end = calendar.end("2026-02-13".parse()?, Period::WorkDays(2), Roll::Never)?;
//! assert_eq!(end.to_string(), "2026-02-17");
//! assert!(calendar.end("2026-12-30".parse()?, Period::WorkDays(5), Roll::Never).is_err());
//! # Ok(())
//! # }
//! ```

mod date;
mod file;
mod step;

pub use date::Date;
pub use file::Source;
pub use step::{Bound, Step, step, steps};

use crate::Error;
use std::collections::{BTreeMap, BTreeSet};

/// Longest period in days: no period of tender law is near ten years.
const PERIOD_MAX: u32 = 3_660;

/// A period of the law.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// So many days (日).
    Days(u32),
    /// So many working days (工作日).
    WorkDays(u32),
}

/// What happens when the last day is a holiday.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Roll {
    /// Nothing: a least period, such as twenty days for bids, is not shortened or moved by it.
    Never,
    /// It moves to the next working day; weekends count as holidays. The usual reading.
    #[default]
    Weekends,
    /// It moves to the next working day from a holiday the State Council named, the weekends
    /// joined to it included, but not from an ordinary weekend.
    HolidaysOnly,
}

/// Holidays and make-up working days by year.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calendar {
    /// True: a make-up working day; false: a holiday.
    named: BTreeMap<Date, bool>,
    years: BTreeSet<i32>,
    sources: Vec<Source>,
}

impl Calendar {
    /// Whether people work on that day.
    ///
    /// # Errors
    /// [`Error::UnknownYear`] if the calendar does not have the year: never assumed.
    pub fn is_workday(&self, date: Date) -> Result<bool, Error> {
        if !self.years.contains(&date.year()) {
            return Err(Error::UnknownYear { year: date.year() });
        }
        let named = self.named.get(&date).copied();
        Ok(named.unwrap_or_else(|| !date.is_weekend()))
    }

    /// The last day of a period that starts with an event on `start`, that day not counted.
    ///
    /// # Errors
    /// [`Error::UnknownYear`]; [`Error::Period`] for a period beyond ten years.
    pub fn end(&self, start: Date, period: Period, roll: Roll) -> Result<Date, Error> {
        let (count, only_work) = match period {
            Period::Days(count) => (count, false),
            Period::WorkDays(count) => (count, true),
        };
        if count > PERIOD_MAX {
            return Err(Error::Period {
                found: count,
                limit: PERIOD_MAX,
            });
        }
        let mut date = start;
        let mut left = count;
        while left > 0 {
            date = after(date)?;
            if !only_work || self.is_workday(date)? {
                left -= 1;
            }
        }
        self.roll(date, roll)
    }

    fn roll(&self, end: Date, roll: Roll) -> Result<Date, Error> {
        let moves = match roll {
            Roll::Never => false,
            Roll::Weekends => true,
            Roll::HolidaysOnly => self.in_named_holiday(end)?,
        };
        let mut date = end;
        while moves && !self.is_workday(date)? {
            date = after(date)?;
        }
        Ok(date)
    }

    /// Whether the unbroken run of days off around a day holds a named holiday.
    fn in_named_holiday(&self, date: Date) -> Result<bool, Error> {
        let mut days = vec![date];
        days.extend(std::iter::successors(date.next(), |day| day.next()).take(30));
        let holds = |days: &mut dyn Iterator<Item = Date>| -> Result<bool, Error> {
            for day in days {
                if self.named.get(&day) == Some(&false) {
                    return Ok(true);
                }
                // Beyond the known years nothing is named; the run ends there.
                if !self.years.contains(&day.year()) || self.is_workday(day)? {
                    return Ok(false);
                }
            }
            Ok(false)
        };
        let mut back = std::iter::successors(Some(date), |day| day.previous()).take(30);
        Ok(holds(&mut days.into_iter())? || holds(&mut back)?)
    }
}

fn after(date: Date) -> Result<Date, Error> {
    date.next().ok_or(Error::UnknownYear {
        year: date.year() + 1,
    })
}
