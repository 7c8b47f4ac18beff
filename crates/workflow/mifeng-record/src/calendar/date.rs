//! Days of the civil calendar.

use crate::Error;
use std::fmt;

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
    pub fn next(self) -> Option<Self> {
        Self::new(self.year, self.month, self.day + 1)
            .or_else(|| Self::new(self.year, self.month + 1, 1))
            .or_else(|| Self::new(self.year + 1, 1, 1))
    }

    /// The day before; none before the first day of 1949.
    pub fn previous(self) -> Option<Self> {
        let (year, month) = match (self.day, self.month) {
            (2.., _) => return Self::new(self.year, self.month, self.day - 1),
            (_, 2..) => (self.year, self.month - 1),
            _ => (self.year - 1, 12),
        };
        Self::new(year, month, length(year, month))
    }

    /// Saturday or Sunday: Sakamoto's method, 0 is Sunday.
    pub fn is_weekend(self) -> bool {
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
