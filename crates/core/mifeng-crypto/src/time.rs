//! Instants: UTC nanoseconds, and RFC 3339 text with an offset.

use crate::Error;
use core::fmt;
use core::str::FromStr;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const NANOS: i128 = 1_000_000_000;
const DAY: i64 = 86_400;
/// China Standard Time after UTC: it has been the one time of the whole country, without a summer time, since 1992.
const CHINA_MS: i64 = 8 * 3_600_000;
/// RFC 3339 sets no end to a fraction; nobody's clock writes more than this.
const TEXT_LEN_MAX: usize = 64;

/// An instant: nanoseconds since 1970-01-01T00:00:00Z, from year 1 to year 9999.
///
/// Shown as RFC 3339 in UTC (`2026-01-20T01:30:00Z`, with a fraction only if there is one).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(i128);

impl Time {
    /// The instant `seconds` after the Unix epoch.
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        Time(seconds as i128 * NANOS)
    }

    /// The instant `nanos` after the Unix epoch.
    pub const fn from_unix_nanos(nanos: i128) -> Self {
        Time(nanos)
    }

    /// Whole seconds since the Unix epoch, rounded down.
    pub fn as_unix_seconds(self) -> i64 {
        i64::try_from(self.0.div_euclid(NANOS)).unwrap_or(i64::MAX)
    }

    /// Nanoseconds since the Unix epoch.
    pub const fn as_unix_nanos(self) -> i128 {
        self.0
    }

    /// The instant `millis` milliseconds later (earlier if negative).
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Time(self.0 + millis as i128 * 1_000_000)
    }

    /// This instant without its fraction of a millisecond: what records carry.
    #[must_use]
    pub const fn trunc_millis(self) -> Self {
        Time(self.0.div_euclid(1_000_000) * 1_000_000)
    }

    /// Reads RFC 3339 text. An offset (`Z` or `±hh:mm`) is required: local time has no meaning
    /// in a deadline. Leap seconds, 24:00 and two-digit years are refused.
    ///
    /// # Errors
    /// [`Error::Time`].
    pub fn parse_rfc3339(text: &str) -> Result<Self, Error> {
        let bytes = text.as_bytes();
        if !text.is_ascii() || bytes.len() < 20 || bytes.len() > TEXT_LEN_MAX {
            return Err(Error::Time);
        }
        let punctuation = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
        if punctuation.iter().any(|(at, sign)| bytes[*at] != *sign) {
            return Err(Error::Time);
        }
        let (year, month, day) = (
            number(text, 0, 4)?,
            number(text, 5, 7)?,
            number(text, 8, 10)?,
        );
        let (hour, minute) = (number(text, 11, 13)?, number(text, 14, 16)?);
        let second = number(text, 17, 19)?;
        let last = days_in_month(year, month)?;
        if year == 0 || day == 0 || day > last || hour > 23 || minute > 59 || second > 59 {
            return Err(Error::Time);
        }
        let (fraction, rest) = fraction(&text[19..])?;
        let offset = offset(rest)?;
        let days = days_from_civil(year, month, day);
        let seconds = days * DAY + hour * 3600 + minute * 60 + second - offset;
        Ok(Time(i128::from(seconds) * NANOS + i128::from(fraction)))
    }

    /// The calendar fields in China Standard Time, by which a day of Chinese law begins: as [`Time::utc_fields`].
    pub fn china_fields(self) -> (i64, u8, u8, u8, u8, u8) {
        self.plus_millis(CHINA_MS).utc_fields()
    }

    /// As offices in China read it: `2026-03-01 17:00:00`, without its offset, which the words around it tell. A precision
    /// asks for so many digits after the second; what is smaller is cut off, so that no time shows later than it is.
    ///
    /// ```
    /// let time = mifeng_crypto::Time::parse_rfc3339("2026-03-01T08:59:59.9999Z")?;
    /// assert_eq!(time.in_china().to_string(), "2026-03-01 16:59:59");
    /// assert_eq!(format!("{:.3}", time.in_china()), "2026-03-01 16:59:59.999");
    /// # Ok::<(), mifeng_crypto::Error>(())
    /// ```
    pub fn in_china(self) -> InChina {
        InChina(self)
    }

    /// The calendar fields in UTC: year, month, day, hour, minute, second.
    pub fn utc_fields(self) -> (i64, u8, u8, u8, u8, u8) {
        let seconds = self.as_unix_seconds();
        let (year, month, day) = civil_from_days(seconds.div_euclid(DAY));
        let rest = seconds.rem_euclid(DAY);
        let part = |value: i64| u8::try_from(value).unwrap_or(0);
        (
            year,
            part(month),
            part(day),
            part(rest / 3600),
            part(rest / 60 % 60),
            part(rest % 60),
        )
    }
}

fn number(text: &str, from: usize, to: usize) -> Result<i64, Error> {
    let digits = text.get(from..to).ok_or(Error::Time)?;
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Error::Time);
    }
    digits.parse().map_err(|_| Error::Time)
}

fn fraction(text: &str) -> Result<(i64, &str), Error> {
    let Some(digits) = text.strip_prefix('.') else {
        return Ok((0, text));
    };
    let len = digits.bytes().take_while(u8::is_ascii_digit).count();
    if len == 0 {
        return Err(Error::Time);
    }
    // Digits beyond nanoseconds are dropped, never rounded up: a time just before a deadline stays
    // before it.
    let kept = len.min(9);
    let value = number(digits, 0, kept)? * 10_i64.pow(9 - kept as u32);
    Ok((value, &digits[len..]))
}

fn offset(text: &str) -> Result<i64, Error> {
    if text == "Z" {
        return Ok(0);
    }
    let sign = match text.as_bytes() {
        [b'+', _, _, b':', _, _] => 1,
        // RFC 3339 section 4.3 gives "-00:00" the meaning "local offset unknown".
        [b'-', b'0', b'0', b':', b'0', b'0'] => return Err(Error::Time),
        [b'-', _, _, b':', _, _] => -1,
        _ => return Err(Error::Time),
    };
    let (hours, minutes) = (number(text, 1, 3)?, number(text, 4, 6)?);
    if hours > 23 || minutes > 59 {
        return Err(Error::Time);
    }
    Ok(sign * (hours * 3600 + minutes * 60))
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_month(year: i64, month: i64) -> Result<i64, Error> {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Ok(31),
        4 | 6 | 9 | 11 => Ok(30),
        2 if is_leap(year) => Ok(29),
        2 => Ok(28),
        _ => Err(Error::Time),
    }
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar, counted in years that start in March
/// so that the leap day comes last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day, hour, minute, second) = self.utc_fields();
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
        )?;
        let nanos = self.0.rem_euclid(NANOS);
        if nanos != 0 {
            let digits = format!("{nanos:09}");
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        f.write_str("Z")
    }
}

/// An instant as offices in China read it, in China Standard Time; made by [`Time::in_china`].
#[derive(Clone, Copy, Debug)]
pub struct InChina(Time);

impl fmt::Display for InChina {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day, hour, minute, second) = self.0.china_fields();
        write!(
            f,
            "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"
        )?;
        match f.precision().map(|digits| digits.min(9)) {
            None | Some(0) => Ok(()),
            Some(digits) => {
                let nanos = format!("{:09}", self.0.0.rem_euclid(NANOS));
                write!(f, ".{}", &nanos[..digits])
            }
        }
    }
}

impl FromStr for Time {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Time::parse_rfc3339(text)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Reads only what `Display` writes, so that a record has one encoding.
impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let time = Time::parse_rfc3339(&text).map_err(serde::de::Error::custom)?;
        if time.to_string() != text {
            return Err(serde::de::Error::custom(
                "time is not in canonical UTC form",
            ));
        }
        Ok(time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips_and_offsets() {
        for text in [
            "1970-01-01T00:00:00Z",
            "2026-11-21T04:07:09.000000001Z",
            "2000-02-29T23:59:59.5Z",
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
        ] {
            assert_eq!(
                Time::parse_rfc3339(text).map(|t| t.to_string()),
                Ok(text.to_owned())
            );
        }
        assert_eq!(
            Time::parse_rfc3339("2026-01-20T09:30:00+08:00"),
            Time::parse_rfc3339("2026-01-20T01:30:00Z")
        );
        assert_eq!(
            Time::parse_rfc3339("2026-01-20T09:30:00Z").map(Time::as_unix_seconds),
            Ok(1_768_901_400)
        );
    }

    #[test]
    fn long_fractions_are_cut_never_rounded() {
        let long = Time::parse_rfc3339("2026-03-01T09:29:59.9999999999999+08:00");
        assert_eq!(
            long.map(|t| t.to_string()),
            Ok("2026-03-01T01:29:59.999999999Z".to_owned())
        );
    }

    #[test]
    fn every_day_of_eight_centuries_round_trips() {
        for day in -200_000..200_000 {
            let (year, month, d) = civil_from_days(day);
            assert_eq!(days_from_civil(year, month, d), day);
        }
    }

    #[test]
    fn refuses_what_a_deadline_must_not_be() {
        for bad in [
            "2026-01-20T09:30:00",
            "2026-01-20 09:30:00Z",
            "2026-01-20T24:00:00Z",
            "2026-01-20T23:59:60Z",
            "2026-02-29T00:00:00Z",
            "26-01-20T09:30:00Z",
            "2026-01-20T09:30:00-00:00",
            "2026-01-20T09:30:00+0800",
            "2026-01-20T09:30:00.Z",
            "2026-01-20T09:30:00,5Z",
            "2026-01-20T09:30:00z",
            "２026-01-20T09:30Z",
            "2026-01-20T09:30:00Zx",
            "",
        ] {
            assert!(Time::parse_rfc3339(bad).is_err(), "{bad}");
        }
    }
}
