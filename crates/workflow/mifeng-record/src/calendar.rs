//! Periods of the law: days and working days, the first day not counted (87 art. 85; 94 art. 42).
//!
//! The State Council orders holidays and make-up working days anew every year, so the calendar is
//! data: a CSV of `date,kind`. A year without an entry is unknown, and nothing is computed in it.
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

use crate::Error;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Most lines of a calendar file: thirty years of thirty entries.
const LINES_MAX: usize = 1_000;
/// Longest period in days: no period of tender law is near ten years.
const PERIOD_MAX: u32 = 3_660;
/// First and last year a date may have.
const YEARS: std::ops::RangeInclusive<i32> = 1949..=9999;

/// A day of the civil calendar in China.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: i32,
    month: u8,
    day: u8,
}

impl Date {
    /// A day, if there is such a day from 1949 to 9999.
    pub fn new(year: i32, month: u8, day: u8) -> Option<Self> {
        let valid = YEARS.contains(&year) && (1..=length(year, month)).contains(&day);
        valid.then_some(Self { year, month, day })
    }

    /// The year.
    pub fn year(self) -> i32 {
        self.year
    }

    /// The next day; none after the last day of 9999.
    fn next(self) -> Option<Self> {
        Self::new(self.year, self.month, self.day + 1)
            .or_else(|| Self::new(self.year, self.month + 1, 1))
            .or_else(|| Self::new(self.year + 1, 1, 1))
    }

    /// The day before; none before the first day of 1949.
    fn previous(self) -> Option<Self> {
        let (year, month) = match (self.day, self.month) {
            (2.., _) => return Self::new(self.year, self.month, self.day - 1),
            (_, 2..) => (self.year, self.month - 1),
            _ => (self.year - 1, 12),
        };
        Self::new(year, month, length(year, month))
    }

    /// Saturday or Sunday: Sakamoto's method, 0 is Sunday.
    fn is_weekend(self) -> bool {
        const SHIFT: [i32; 12] = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4];
        let year = if self.month < 3 {
            self.year - 1
        } else {
            self.year
        };
        let month = SHIFT[usize::from(self.month - 1)];
        let day = (year + year / 4 - year / 100 + year / 400 + month + i32::from(self.day)) % 7;
        day == 0 || day == 6
    }
}

fn length(year: i32, month: u8) -> u8 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    }
}

impl std::str::FromStr for Date {
    type Err = Error;

    /// Reads `YYYY-MM-DD` and nothing else.
    fn from_str(text: &str) -> Result<Self, Error> {
        let bad = || Error::Date {
            found: text.chars().take(20).collect(),
        };
        let bytes = text.as_bytes();
        let form = bytes.len() == 10
            && bytes.iter().enumerate().all(|(at, sign)| match at {
                4 | 7 => *sign == b'-',
                _ => sign.is_ascii_digit(),
            });
        if !form {
            return Err(bad());
        }
        let part = |from: usize, to: usize| text[from..to].parse::<u16>().map_err(|_| bad());
        let (year, month, day) = (part(0, 4)?, part(5, 7)?, part(8, 10)?);
        let small = |value: u16| u8::try_from(value).map_err(|_| bad());
        Self::new(i32::from(year), small(month)?, small(day)?).ok_or_else(bad)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

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
}

impl Calendar {
    /// Reads a file of lines `YYYY-MM-DD,holiday` or `YYYY-MM-DD,makeup_workday` under the header
    /// `date,kind`.
    ///
    /// # Errors
    /// [`Error::Calendar`] with the line; a day named twice included.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut calendar = Self::default();
        for (at, line) in text.lines().enumerate() {
            let bad = || Error::Calendar { line: at + 1 };
            if at == 0 {
                if line != "date,kind" {
                    return Err(bad());
                }
                continue;
            }
            if at > LINES_MAX {
                return Err(bad());
            }
            let (date, kind) = line.split_once(',').ok_or_else(bad)?;
            let date: Date = date.parse().map_err(|_| bad())?;
            let works = match kind {
                "holiday" => false,
                "makeup_workday" => true,
                _ => return Err(bad()),
            };
            if calendar.named.insert(date, works).is_some() {
                return Err(bad());
            }
            calendar.years.insert(date.year);
        }
        Ok(calendar)
    }

    /// Whether people work on that day.
    ///
    /// # Errors
    /// [`Error::UnknownYear`] if the calendar does not have the year: never assumed.
    pub fn is_workday(&self, date: Date) -> Result<bool, Error> {
        if !self.years.contains(&date.year) {
            return Err(Error::UnknownYear { year: date.year });
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
                if !self.years.contains(&day.year) || self.is_workday(day)? {
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
        year: date.year + 1,
    })
}
