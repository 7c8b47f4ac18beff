//! Any text as a calendar: refused, or a calendar in which every end is a working day not before
//! the start, and merging it with itself changes nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mifeng_record::calendar::{Calendar, Date, Period, Roll};

fuzz_target!(|input: (&str, u8, u8)| {
    let (text, day, count) = input;
    let Ok(calendar) = Calendar::parse(text) else {
        return;
    };
    assert_eq!(calendar.clone().merge(calendar.clone()), Ok(calendar.clone()));
    let Some(year) = calendar.years().next() else {
        return;
    };
    let Some(start) = Date::new(year, day % 12 + 1, day % 28 + 1) else {
        return;
    };
    let count = u32::from(count);
    if let Ok(end) = calendar.end(start, Period::WorkDays(count.max(1)), Roll::Never) {
        assert!(end > start && calendar.is_workday(end) == Ok(true));
    }
    if let Ok(end) = calendar.end(start, Period::Days(count), Roll::Weekends) {
        assert!(end >= start && calendar.is_workday(end) == Ok(true));
    }
});
