//! Statutory periods, on the calendar that lies beside them.

use super::super::case::{Case, Input, Stop, Tally, check, fail, same};
use super::table::{Row, each};
use mifeng_record::calendar::{Calendar, Date, Period, Roll};

/// Where a table of periods names no calendar, the years that we ship.
fn calendar_beside(input: &Input) -> Result<Calendar, Stop> {
    let mut names: Vec<String> = std::fs::read_dir(input.folder())
        .map_err(fail("the folder"))?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with("calendar") && name.ends_with(".csv"))
        .collect();
    names.sort();
    if names.is_empty() {
        return Ok(Calendar::shipped());
    }
    let mut all = Calendar::default();
    for name in names {
        let text = String::from_utf8(input.beside(&name)?).map_err(fail("calendar"))?;
        let one = Calendar::parse(&text).map_err(fail("calendar"))?;
        all = all.merge(one).map_err(fail("calendar"))?;
    }
    Ok(all)
}

/// First day excluded; `end_rolled` moves the end to the next working day, except for least
/// periods. An end that is no date is one that must not be computed.
pub(super) fn deadlines(input: &Input, tally: &mut Tally) {
    let calendar = calendar_beside(input);
    each(input, tally, |row| match &calendar {
        Ok(calendar) => deadline(calendar, row),
        Err(Stop::Fail(found)) => Err(Stop::Fail(found.clone())),
        Err(Stop::Skip(reason)) => Err(Stop::Skip(reason)),
    });
}

fn deadline(calendar: &Calendar, row: &Row) -> Case {
    let n = row.cell("n").parse().map_err(fail("n"))?;
    let period = match row.cell("unit") {
        "calendar" => Period::Days(n),
        "workday" => Period::WorkDays(n),
        _ => return Err(Stop::Skip("a unit that is not known here")),
    };
    let start: Date = row.cell("start").parse().map_err(fail("start"))?;
    let start = match row.cell("first_day_counted") {
        "no" => start,
        // Counted from the day before, the first day is the first.
        "yes" => start
            .previous()
            .ok_or(Stop::Skip("the first of all days"))?,
        _ => return Err(Stop::Skip("a way to count that is not known here")),
    };
    let note = row.cell("note");
    let roll = if note.contains("not rolled") {
        Roll::Never
    } else if note.contains("weekends excluded") || note.contains("weekends not included") {
        Roll::HolidaysOnly
    } else {
        Roll::Weekends
    };
    for (column, roll) in [("end_unrolled", Roll::Never), ("end_rolled", roll)] {
        let found = calendar.end(start, period, roll);
        match row.cell(column).parse::<Date>() {
            Ok(expected) => same(column, found.map_err(fail(column))?, expected)?,
            Err(_) => check(found.is_err(), "no date is expected, but one is computed")?,
        }
    }
    Ok(())
}

/// A calendar reads, and says of every day of the years that we ship what ours says.
pub(super) fn calendar(input: &Input, tally: &mut Tally) {
    let ours = Calendar::shipped();
    let text = String::from_utf8_lossy(input.bytes()).into_owned();
    let theirs = match Calendar::parse(&text) {
        Ok(theirs) => theirs,
        Err(error) => return tally.fail(&error.to_string()),
    };
    for year in theirs.years() {
        tally.case(year, || {
            check(theirs.is_workday(first(year)?).is_ok(), "not covered")?;
            if !ours.years().any(|known| known == year) {
                return Ok(());
            }
            let mut day = Some(first(year)?);
            while let Some(date) = day.filter(|date| date.year() == year) {
                let works = |calendar: &Calendar| calendar.is_workday(date).map_err(fail("day"));
                same(&date.to_string(), works(&theirs)?, works(&ours)?)?;
                day = date.next();
            }
            Ok(())
        });
    }
}

fn first(year: i32) -> Result<Date, Stop> {
    Date::new(year, 1, 1).ok_or(Stop::Skip("a year out of range"))
}
