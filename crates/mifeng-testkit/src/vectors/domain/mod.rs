//! Tender law in tables: scores, award notices, credit codes, amounts, periods.

use super::Plan;
use super::case::{Case, Input, Stop, Tally, check, fail, same};
use mifeng_pki::is_uscc;
use mifeng_record::amount;
use mifeng_score::{Money, Ratio, case};
use std::collections::{BTreeMap, BTreeSet};

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
    if !name.ends_with(".csv") {
        return None;
    }
    let has = |column: &str| header.split(',').any(|found| found == column);
    if has("derived_law87_points100") {
        return Some(Plan::Run(award_notices));
    }
    if has("code") && has("verdict") {
        return Some(Plan::Run(credit_codes));
    }
    if has("digits") && has("upper") {
        return Some(Plan::Run(amounts));
    }
    if has("end_unrolled") {
        return Some(Plan::Skip("statutory periods are not counted"));
    }
    if header == "date,kind" || has("label_cn") {
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
        tally.case(format_args!("line {number}"), || {
            let answer = case::run(line).map_err(fail("compute"))?;
            match answer.agrees {
                Some(true) => Ok(()),
                Some(false) => Err(Stop::Fail(format!("{} differs", answer.id))),
                None => Err(Stop::Skip("a case without an expected result")),
            }
        });
    }
}

/// The rows of a table as maps from column to cell.
fn rows(input: &Input) -> Vec<BTreeMap<String, String>> {
    let text = String::from_utf8_lossy(input.bytes()).into_owned();
    let mut records = records(&text).into_iter();
    let columns = records.next().unwrap_or_default();
    records
        .map(|cells| columns.iter().cloned().zip(cells).collect())
        .collect()
}

/// RFC 4180 records; quotes may hold commas, line ends and doubled quotes.
fn records(text: &str) -> Vec<Vec<String>> {
    let (mut all, mut record, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut quoted = false;
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        match sign {
            '"' if quoted && signs.peek() == Some(&'"') => {
                signs.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                record.push(std::mem::take(&mut cell));
                all.push(std::mem::take(&mut record));
            }
            _ => cell.push(sign),
        }
    }
    if !cell.is_empty() || !record.is_empty() {
        record.push(cell);
        all.push(record);
    }
    all
}

/// The code as printed is judged: whoever normalises or overrides does so before.
fn credit_codes(input: &Input, tally: &mut Tally) {
    for row in rows(input) {
        let cell = |name: &str| row.get(name).map_or("", String::as_str);
        tally.case(cell("case"), || match cell("verdict") {
            "valid" => check(is_uscc(cell("code")), "valid, but refused"),
            "normalise" => {
                check(!is_uscc(cell("code")), "accepted without being normalised")?;
                let normal = cell("code").trim().to_ascii_uppercase();
                check(is_uscc(&normal), "normalised, but refused")
            }
            "check18_wrong" | "check_wrong" | "bad_length" | "bad_char" => {
                check(!is_uscc(cell("code")), "wrong, but accepted")
            }
            _ => Err(Stop::Skip("a verdict that is not known here")),
        });
    }
}

/// Amounts in capital numerals (大写) beside their digits. `equal_or_flag` may be refused, never
/// read as another amount.
fn amounts(input: &Input, tally: &mut Tally) {
    for row in rows(input) {
        let cell = |name: &str| row.get(name).map_or("", String::as_str);
        tally.case(cell("case"), || {
            let read = amount::parse(cell("upper")).map(amount::Amount::fen);
            if cell("verdict") == "reject" {
                return check(read.is_err(), "malformed, but read");
            }
            let digits = Money::parse(cell("digits")).map_err(fail("digits"))?.fen();
            match (cell("verdict"), read) {
                ("equal", Err(error)) => return Err(Stop::Fail(error.to_string())),
                ("equal" | "equal_or_flag", Ok(fen)) => same("amount", fen, digits)?,
                ("equal_or_flag", Err(_)) => {}
                ("mismatch", Ok(fen)) => check(fen != digits, "another amount, read as equal")?,
                ("mismatch", Err(error)) => return Err(Stop::Fail(error.to_string())),
                _ => return Err(Stop::Skip("a verdict that is not known here")),
            }
            if cell("note").starts_with("canonical form") {
                same(
                    "written form",
                    amount::format(digits).as_str(),
                    cell("upper"),
                )?;
            }
            Ok(())
        });
    }
}

/// `derived_law87_points100`: lowest listed price over this price in hundredths, half up; and the
/// order of the prices.
fn award_notices(input: &Input, tally: &mut Tally) {
    let mut notices: BTreeMap<String, Vec<BTreeMap<String, String>>> = BTreeMap::new();
    for row in rows(input) {
        let id = row.get("case_id").cloned().unwrap_or_default();
        notices.entry(id).or_default().push(row);
    }
    for (id, rows) in &notices {
        let prices: Vec<Ratio> = rows
            .iter()
            .filter_map(|row| Some(Money::parse(row.get("price")?).ok()?.ratio()))
            .collect();
        for row in rows {
            let bidder = row.get("bidder").map_or("", String::as_str);
            tally.case(format_args!("{id} {bidder}"), || award_row(row, &prices));
        }
    }
}

fn award_row(row: &BTreeMap<String, String>, prices: &[Ratio]) -> Case {
    let cell = |name: &str| row.get(name).map_or("", String::as_str);
    if cell("derived_law87_points100").is_empty() {
        return Err(Stop::Skip("a row without a derived result"));
    }
    let price = Money::parse(cell("price")).map_err(fail("price"))?.ratio();
    let lowest = prices
        .iter()
        .min()
        .ok_or(Stop::Skip("a row without a derived result"))?;
    let points = lowest
        .mul(&Ratio::from(100))
        .and_then(|hundredfold| hundredfold.div(&price))
        .map_err(fail("points"))?;
    same(
        "points",
        points.round_half_up(2).to_fixed(2).as_str(),
        cell("derived_law87_points100"),
    )?;
    // Equal prices share a rank and the next price has the next one, without a gap.
    let lower: BTreeSet<&Ratio> = prices.iter().filter(|other| **other < price).collect();
    let rank = 1 + lower.len();
    same(
        "rank by price",
        rank.to_string().as_str(),
        cell("derived_price_asc_rank"),
    )
}
