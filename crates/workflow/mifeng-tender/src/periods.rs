//! The least time that the law gives between a notice, or a change of it, and the deadline.

use crate::notice::Notice;
use crate::procedure::Response;
use mifeng_crypto::Time;
use mifeng_record::calendar::{self, Calendar, Period, Roll};

/// A day in milliseconds: none is longer or shorter, as China has no summer time.
const DAY_MS: i64 = 86_400_000;

/// When the least time for answers is over: the same hour of its last day in Beijing, the day of the
/// notice not counted.
fn least_end(response: Response, issued: Time) -> Result<Time, mifeng_record::Error> {
    let mut days = i64::from(response.days);
    if response.working {
        let (year, month, day, ..) = issued.china_fields();
        let start: calendar::Date = format!("{year:04}-{month:02}-{day:02}").parse()?;
        let period = Period::WorkDays(u32::from(response.days));
        let end = Calendar::shipped().end(start, period, Roll::Never)?;
        let passed = std::iter::successors(Some(start), |day| day.next());
        days = passed.take_while(|day| *day < end).map(|_| 1).sum();
    }
    Ok(issued.plus_millis(days * DAY_MS))
}

impl Notice {
    /// The least time between a notice issued at `issued` and its deadline, if it is not kept. Working
    /// days are those of the shipped calendar; a year that it does not have is refused.
    pub fn period_fault(&self, issued: Time) -> Option<String> {
        if self.rehearsal {
            return None;
        }
        self.short_of(self.procedure.profile().response, issued)
    }

    /// The same for the least time between an amendment that may affect how bids are made and the deadline, where the law
    /// gives one.
    pub(crate) fn correction_fault(&self, amended: Time) -> Option<String> {
        if self.rehearsal {
            return None;
        }
        self.short_of(self.procedure.profile().corrections?, amended)
    }

    /// What is said if the deadline is sooner than this time after `issued`.
    fn short_of(&self, response: Response, issued: Time) -> Option<String> {
        let least = match least_end(response, issued) {
            Ok(least) => least,
            Err(fault) => return Some(format!("deadline {}: {fault}", self.deadline)),
        };
        if self.deadline >= least {
            return None;
        }
        let days = if response.working {
            "working days"
        } else {
            "days"
        };
        Some(format!(
            "deadline {}: at least {} {days} from {issued} are required, until {least} ({})",
            self.deadline, response.days, response.article
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Time {
        Time::parse_rfc3339(text).expect("a time")
    }

    fn ends(working: bool, days: u8, issued: &str) -> Result<Time, &'static str> {
        let response = Response {
            days,
            working,
            article: "74 art. 29",
        };
        least_end(response, at(issued)).map_err(|e| e.code())
    }

    #[test]
    fn working_days_are_counted_by_the_calendar() {
        // Before National Day of 2026: 1 to 7 October are holidays, 10 October is made up for.
        let end = ends(true, 3, "2026-09-29T10:00:00+08:00");
        assert_eq!(end, Ok(at("2026-10-09T10:00:00+08:00")));
        // An evening in UTC is the next day in Beijing.
        let end = ends(true, 3, "2026-11-19T17:00:00Z");
        assert_eq!(end, Ok(at("2026-11-25T01:00:00+08:00")));
        let end = ends(false, 10, "2026-09-29T10:00:00+08:00");
        assert_eq!(end, Ok(at("2026-10-09T10:00:00+08:00")));
        // Nobody has ordered the holidays of 2027 yet.
        let unknown = ends(true, 3, "2026-12-30T10:00:00+08:00");
        assert_eq!(unknown, Err("record.unknown-year"));
    }
}
