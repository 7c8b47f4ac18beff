//! A day of the calendar.

use serde::{Deserialize, Serialize};

/// A day as `2026-02-01`; compares as time does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Date(String);

impl Date {
    /// Reads `2026-02-01`; `None` for anything that is no day of the Gregorian calendar.
    pub fn parse(text: &str) -> Option<Self> {
        let number = |part: &str, digits: usize| -> Option<u32> {
            let plain = part.len() == digits && part.bytes().all(|b| b.is_ascii_digit());
            plain.then(|| part.parse().ok()).flatten()
        };
        let mut parts = text.split('-');
        let year = number(parts.next()?, 4)?;
        let month = number(parts.next()?, 2)?;
        let day = number(parts.next()?, 2)?;
        let leap = year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
        let last = match month {
            2 if leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        let good = parts.next().is_none() && (1..=last).contains(&day);
        good.then(|| Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Date {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let found: String = text.chars().take(20).collect();
        Self::parse(&text).ok_or_else(|| format!("{found:?} is no day such as 2026-02-01"))
    }
}

impl From<Date> for String {
    fn from(date: Date) -> Self {
        date.0
    }
}

impl std::fmt::Display for Date {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Date;

    #[test]
    fn days() {
        for good in ["2026-02-01", "2024-02-29", "2000-02-29", "2026-12-31"] {
            assert!(Date::parse(good).is_some(), "{good}");
        }
        for wrong in [
            "2026-02-29",
            "1900-02-29",
            "2026-13-01",
            "2026-1-01",
            "2026-00-10",
            "x",
            "2026-04-31",
            "2026-01-01-",
        ] {
            assert!(Date::parse(wrong).is_none(), "{wrong}");
        }
        assert!(Date::parse("2026-02-01") > Date::parse("2026-01-31"));
    }
}
