//! Every row of the shared tables of amounts, credit codes and periods.

use mifeng_record::amount::{self, Verdict as Words};
use mifeng_record::calendar::{self, Calendar, Date, Period, Roll};
use mifeng_record::uscc::{Doubt, Uscc, Verdict, judge};
use std::collections::BTreeMap;

type Row = BTreeMap<String, String>;

fn text(prefix: &str) -> Option<String> {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../../shared/data/domain"
    );
    let entries = std::fs::read_dir(folder).ok()?;
    let mut paths: Vec<_> = entries.filter_map(|e| e.ok().map(|e| e.path())).collect();
    paths.sort();
    let named = |path: &std::path::Path| {
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or("");
        name.starts_with(prefix) && name.ends_with(".csv")
    };
    let found = paths.into_iter().find(|path| named(path))?;
    std::fs::read_to_string(found).ok()
}

fn rows(prefix: &str) -> Vec<Row> {
    let Some(text) = text(prefix) else {
        eprintln!("skipped: {prefix}*.csv is absent");
        return Vec::new();
    };
    let mut lines = text.lines().map(cells);
    let columns = lines.next().unwrap_or_default();
    lines
        .map(|row| columns.iter().cloned().zip(row).collect())
        .collect()
}

/// One line of RFC 4180 without line ends inside quotes.
fn cells(line: &str) -> Vec<String> {
    let (mut row, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    let mut signs = line.chars().peekable();
    while let Some(sign) = signs.next() {
        match sign {
            '"' if quoted && signs.next_if_eq(&'"').is_some() => cell.push('"'),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            sign => cell.push(sign),
        }
    }
    row.push(cell);
    row
}

fn fen(digits: &str) -> i128 {
    let (yuan, cents) = digits.split_once('.').unwrap_or((digits, ""));
    format!("{yuan}{cents:0<2}").parse().expect("digits")
}

#[test]
fn amounts() {
    let rows = rows("amounts-");
    for row in &rows {
        let words = &row["upper"];
        let found = match row["verdict"].as_str() {
            "reject" => {
                assert!(amount::read(words).is_err(), "{row:?}");
                continue;
            }
            _ => amount::compare(fen(&row["digits"]), words),
        };
        let agrees = match row["verdict"].as_str() {
            // One real notice prints no 元: equal, and noted.
            "equal" => found == Words::Equal || (found == Words::Flag && !words.contains('元')),
            "equal_or_flag" => matches!(found, Words::Equal | Words::Flag),
            "mismatch" => found == Words::Mismatch,
            _ => false,
        };
        assert!(agrees, "{found:?}: {row:?}");
        if row["note"].starts_with("canonical form") {
            assert_eq!(&amount::format(fen(&row["digits"])), words, "{row:?}");
        }
    }
    eprintln!("{} amounts", rows.len());
}

#[test]
fn credit_codes() {
    let rows = rows("uscc-");
    for row in &rows {
        let (code, found) = (&row["code"], judge(&row["code"]));
        let typed = Uscc::parse_typed(code).map(|code| code.verdict());
        let agrees = match row["verdict"].as_str() {
            "valid" => found == Verdict::Ok && typed == Ok(Verdict::Ok),
            "normalise" => found == Verdict::Refuse && typed == Ok(Verdict::Ok),
            // The code as issued and the code with a slip look alike: a person decides.
            "check18_wrong" | "check_wrong" => {
                matches!(found, Verdict::Warn(Doubt::Whole | Doubt::Both))
            }
            "bad_length" | "bad_char" => found == Verdict::Refuse && typed.is_err(),
            _ => false,
        };
        assert!(agrees, "{found:?}: {row:?}");
    }
    eprintln!("{} credit codes", rows.len());
}

#[test]
fn periods() {
    let rows = rows("deadlines-");
    let Some(calendar) = text("calendar-") else {
        eprintln!("skipped: calendar-*.csv is absent");
        return;
    };
    let calendar = Calendar::parse(&calendar).expect("a calendar");
    let date = |text: &String| text.parse::<Date>().expect("a date");
    for row in &rows {
        let n = row["n"].parse().expect("a number");
        let period = match row["unit"].as_str() {
            "workday" => Period::WorkDays(n),
            "calendar" => Period::Days(n),
            _ => unreachable!("two units in the file"),
        };
        assert_eq!(row["first_day_counted"], "no");
        let minimum = row["note"].starts_with("minimum period");
        let roll = if minimum { Roll::Never } else { Roll::Weekends };
        let start = date(&row["start"]);
        let unrolled = calendar.end(start, period, Roll::Never);
        assert_eq!(unrolled, Ok(date(&row["end_unrolled"])), "{row:?}");
        let rolled = calendar.end(start, period, roll);
        assert_eq!(rolled, Ok(date(&row["end_rolled"])), "{row:?}");
    }
    eprintln!("{} periods", rows.len());
}

#[test]
fn a_year_that_is_not_known_is_refused() {
    let calendar =
        Calendar::parse("date,kind\n2026-10-01,holiday\n2026-10-02,holiday\n").expect("a calendar");
    let end = |start: &str, period, roll| {
        let start = start.parse().expect("a date");
        let end = calendar.end(start, period, roll);
        end.map(|date| date.to_string()).map_err(|e| e.code())
    };
    let unknown = Err("record.unknown-year");
    assert_eq!(end("2026-12-30", Period::WorkDays(2), Roll::Never), unknown);
    assert_eq!(end("2026-12-30", Period::Days(3), Roll::Weekends), unknown);
    // Plain days need no calendar.
    let plain = end("2026-12-30", Period::Days(3), Roll::Never);
    assert_eq!(plain.as_deref(), Ok("2027-01-02"));
    // Saturday after two named days, and an ordinary Saturday.
    let rolled = |start| end(start, Period::Days(1), Roll::HolidaysOnly);
    assert_eq!(rolled("2026-10-02").as_deref(), Ok("2026-10-05"));
    assert_eq!(rolled("2026-10-16").as_deref(), Ok("2026-10-17"));
    let long = end("2026-01-01", Period::Days(4_000), Roll::Never);
    assert_eq!(long, Err("record.period"));
}

#[test]
fn the_shipped_years_say_their_source_and_agree_with_others() {
    let shipped = Calendar::shipped();
    assert_eq!(shipped.years().collect::<Vec<_>>(), [2025, 2026]);
    let documents: Vec<_> = shipped
        .sources()
        .iter()
        .map(|source| (source.year, source.document.as_str()))
        .collect();
    assert_eq!(
        documents,
        [
            (2025, "国办发明电〔2024〕12号"),
            (2026, "国办发明电〔2025〕7号")
        ]
    );
    let Some(others) = text("calendar-") else {
        eprintln!("skipped: calendar-*.csv is absent");
        return;
    };
    let others = Calendar::parse(&others).expect("a calendar");
    let mut day = Date::new(2025, 1, 1);
    while let Some(date) = day.filter(|date| date.year() < 2027) {
        assert_eq!(shipped.is_workday(date), others.is_workday(date), "{date}");
        day = date.next();
    }
    // 261 weekdays each; 18 and 19 of them are off, 5 and 6 days of weekends are worked.
    let count = |year| {
        let days = std::iter::successors(Date::new(year, 1, 1), |date| date.next());
        let days = days.take_while(|date| date.year() == year);
        days.filter(|date| shipped.is_workday(*date) == Ok(true))
            .count()
    };
    assert_eq!((count(2025), count(2026)), (248, 248));
}

#[test]
fn a_file_that_says_its_year_covers_that_year_alone() {
    let head = "# year: 2023\n# source: a notice\n# issued: 2022-12-08\ndate,kind\n";
    let file = format!("{head}2022-12-31,holiday\n2023-01-02,holiday\n");
    let calendar = Calendar::parse(&file).expect("a calendar");
    let works = |text: &str| calendar.is_workday(text.parse().expect("a date"));
    assert_eq!(works("2023-01-02"), Ok(false));
    assert_eq!(
        works("2022-12-30").map_err(|e| e.code()),
        Err("record.unknown-year")
    );
    let other = Calendar::parse("date,kind\n2023-01-02,makeup_workday\n").expect("a calendar");
    let merged = calendar.clone().merge(other).map_err(|e| e.code());
    assert_eq!(merged, Err("record.calendar-conflict"));
    assert_eq!(calendar.clone().merge(calendar.clone()), Ok(calendar));
    for (text, line) in [
        ("# year: 2023\ndate,kind\n", 2),
        (
            "# year: 23\n# source: x\n# issued: 2022-12-08\ndate,kind\n",
            1,
        ),
        (
            "# year: 2023\n# source: \n# issued: 2022-12-08\ndate,kind\n",
            2,
        ),
        ("# year: 2023\n# source: x\n# issued: soon\ndate,kind\n", 3),
        ("# year: 2023\n# source: x\n# issued: 2022-12-08\n", 4),
        ("# source: x\ndate,kind\n", 1),
    ] {
        let found = Calendar::parse(text);
        assert_eq!(
            found,
            Err(mifeng_record::Error::Calendar { line }),
            "{text}"
        );
    }
}

#[test]
fn the_table_of_periods_counts_on_the_shipped_years() {
    let end = |id, start: &str, weekends| {
        let step = calendar::step(id).expect("a period of the table");
        let end = step.end(
            &Calendar::shipped(),
            start.parse().expect("a date"),
            weekends,
        );
        end.map(|date| date.to_string()).map_err(|e| e.code())
    };
    for (id, start, expected) in [
        ("bid-tender", "2026-09-11", "2026-10-01"),
        ("contract-signed", "2026-06-18", "2026-07-20"),
        ("challenge", "2026-09-24", "2026-10-12"),
        ("complaint-decision", "2026-02-13", "2026-04-02"),
        ("result-notice-runs", "2026-09-30", "2026-10-08"),
    ] {
        assert_eq!(end(id, start, true).as_deref(), Ok(expected), "{id}");
    }
    let saturday = end("contract-signed", "2026-06-18", false);
    assert_eq!(saturday.as_deref(), Ok("2026-07-18"));
    let beyond = end("complaint-decision", "2026-12-01", true);
    assert_eq!(beyond, Err("record.unknown-year"));
}

#[test]
fn dates_and_calendars_that_are_none() {
    for text in [
        "",
        "2026-2-1",
        "2026-02-29",
        "2026-13-01",
        "2026-00-10",
        "2026-01-00",
        "0026-01-01",
        "2026/01/01",
        "+026-01-01",
        "2026-01-0é",
        "2026-01-011",
    ] {
        assert!(text.parse::<Date>().is_err(), "{text}");
    }
    assert!("2024-02-29".parse::<Date>().is_ok());
    for text in [
        "2026-01-01,holiday",
        "date,kind\n2026-01-01,festival",
        "date,kind\n2026-01-01,holiday\n2026-01-01,makeup_workday",
        "date,kind\n\n",
    ] {
        let error = Calendar::parse(text).expect_err("no calendar");
        assert_eq!(error.code(), "record.calendar", "{text}");
    }
}
