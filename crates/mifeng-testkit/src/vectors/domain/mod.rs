//! Tender law in tables: scores, award notices, credit codes, amounts, periods.

mod awards;
mod codes;
mod periods;
mod table;

use super::Plan;
use super::case::{Case, Input, Stop, Tally, fail};
use mifeng_score::case;

pub(super) fn plan(input: &Input) -> Option<Plan> {
    let name = input.name();
    let header = input
        .bytes()
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or(b"");
    let header = std::str::from_utf8(header).unwrap_or("").trim_end();
    if name.ends_with(".jsonl") && header.contains("\"method\"") {
        return Some(Plan::Run(scores));
    }
    let json = input.json();
    if json["method"].is_string() && json["bids"].is_array() {
        return Some(Plan::Run(score));
    }
    if !name.ends_with(".csv") {
        return None;
    }
    let has = |column: &str| header.split(',').any(|found| found == column);
    if has("derived_law87_points100") {
        return Some(Plan::Run(awards::run));
    }
    if has("code") && has("verdict") {
        return Some(Plan::Run(codes::credit_codes));
    }
    if has("digits") && has("upper") {
        return Some(Plan::Run(codes::amounts));
    }
    if has("end_unrolled") {
        return Some(Plan::Run(periods::deadlines));
    }
    if header == "date,kind" || header.starts_with("# year: ") {
        return Some(Plan::Run(periods::calendar));
    }
    if has("label_cn") {
        return Some(Plan::Skip("a table for programs, without expected results"));
    }
    None
}

/// One case a line; equal to the byte with what is expected.
fn scores(input: &Input, tally: &mut Tally) {
    let lines = String::from_utf8_lossy(input.bytes()).into_owned();
    for (number, line) in (1..)
        .zip(lines.lines())
        .filter(|(_, line)| !line.is_empty())
    {
        tally.case(format_args!("line {number}"), || agrees(line));
    }
}

/// A document that is one case.
fn score(input: &Input, tally: &mut Tally) {
    let text = String::from_utf8_lossy(input.bytes()).into_owned();
    tally.case(input.name(), || agrees(&text));
}

fn agrees(text: &str) -> Case {
    let answer = case::run(text).map_err(fail("compute"))?;
    match answer.agrees {
        Some(true) => Ok(()),
        Some(false) => Err(Stop::Fail(format!("{} differs", answer.id))),
        None => Err(Stop::Skip("a case without an expected result")),
    }
}
