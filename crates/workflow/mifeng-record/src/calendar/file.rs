//! Calendar files: what the State Council ordered, with the order.

use super::{Calendar, Date};
use crate::Error;

/// Most lines of a calendar file: thirty years of thirty entries.
const LINES_MAX: usize = 1_000;
/// The files that come with this crate.
const SHIPPED: [&str; 2] = [
    include_str!("../../data/calendar/2025.csv"),
    include_str!("../../data/calendar/2026.csv"),
];

/// The order that a year's calendar rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The year it orders.
    pub year: i32,
    /// The number of the State Council's notice.
    pub document: String,
    /// The day of the notice.
    pub issued: Date,
}

impl Calendar {
    /// The years that come with this crate, each from its notice (see [`Calendar::sources`]).
    pub fn shipped() -> Self {
        let mut calendar = Self::default();
        for text in SHIPPED {
            let year = Self::parse(text).expect("a test reads every shipped file");
            calendar = calendar
                .merge(year)
                .expect("a test merges the shipped files");
        }
        calendar
    }

    /// Reads lines `YYYY-MM-DD,holiday` or `YYYY-MM-DD,makeup_workday` under the header
    /// `date,kind`. Before the header a file may say what it is: `# year: 2026`,
    /// `# source: 国办发明电〔2025〕7号`, `# issued: 2025-11-04`, all three or none. With them it
    /// covers that year alone, even where it names days of a neighbour; without them it covers
    /// every year that it names a day of.
    ///
    /// # Errors
    /// [`Error::Calendar`] with the line; a day named twice included.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut calendar = Self::default();
        let source = source(text)?;
        let told = if source.is_some() { 3 } else { 0 };
        let mut lines = (1..).zip(text.lines()).skip(told);
        let header = lines.next();
        if header.map(|(_, line)| line) != Some("date,kind") {
            let line = told + 1;
            return Err(Error::Calendar { line });
        }
        for (at, line) in lines {
            let bad = || Error::Calendar { line: at };
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
            if source.is_none() {
                calendar.years.insert(date.year());
            }
        }
        if let Some(source) = source {
            calendar.years.insert(source.year);
            calendar.sources.push(source);
        }
        Ok(calendar)
    }

    /// Both calendars in one.
    ///
    /// # Errors
    /// [`Error::Conflict`] if one has as a holiday what the other has as a working day.
    pub fn merge(mut self, other: Self) -> Result<Self, Error> {
        for (day, works) in other.named {
            if self
                .named
                .insert(day, works)
                .is_some_and(|mine| mine != works)
            {
                let day = day.to_string();
                return Err(Error::Conflict { day });
            }
        }
        self.years.extend(other.years);
        self.sources.extend(other.sources);
        self.sources.sort_by_key(|source| source.year);
        self.sources.dedup();
        Ok(self)
    }

    /// The orders it rests on, by year; none for files that do not say.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// The years it covers, from the first.
    pub fn years(&self) -> impl Iterator<Item = i32> + '_ {
        self.years.iter().copied()
    }
}

/// The three lines before the header, if the first is there.
fn source(text: &str) -> Result<Option<Source>, Error> {
    if !text.starts_with('#') {
        return Ok(None);
    }
    let mut lines = (1..).zip(text.lines());
    let mut value = |key: &str| {
        let (line, found) = lines.next().unwrap_or((1, ""));
        let value = found
            .strip_prefix("# ")
            .and_then(|rest| rest.strip_prefix(key));
        let value = value.and_then(|rest| rest.strip_prefix(": "));
        let filled = value.filter(|value| !value.is_empty());
        filled
            .map(|value| (line, value))
            .ok_or(Error::Calendar { line })
    };
    let (line, year) = value("year")?;
    // The bounds of a year are those of a day in it.
    let first: Result<Date, Error> = format!("{year}-01-01").parse();
    let year = first.map_err(|_| Error::Calendar { line })?.year();
    let (_, document) = value("source")?;
    let (line, issued) = value("issued")?;
    Ok(Some(Source {
        year,
        document: document.to_owned(),
        issued: issued.parse().map_err(|_| Error::Calendar { line })?,
    }))
}
