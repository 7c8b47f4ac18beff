//! Award notices as published, with what follows from them.

use super::super::case::{Case, Input, Stop, Tally, check, fail, same};
use super::table::{Row, rows};
use mifeng_record::amount::printed;
use mifeng_score::{Money, Ratio};
use std::collections::{BTreeMap, BTreeSet};

/// Every row: the printed price reads as the price in figures; `derived_law87_points100` is the
/// lowest listed price over this price in hundredths, half up; the order of the prices; the two
/// tests of an abnormally low price; and the mean of judges' totals where those are printed.
pub(super) fn run(input: &Input, tally: &mut Tally) {
    let mut notices: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for row in rows(input) {
        notices
            .entry(row.cell("case_id").to_owned())
            .or_default()
            .push(row);
    }
    for (id, rows) in &notices {
        let mut prices: Vec<Ratio> = rows
            .iter()
            .filter_map(|row| Some(Money::parse(row.cell("price")).ok()?.ratio()))
            .collect();
        prices.sort_unstable();
        for (at, row) in rows.iter().enumerate() {
            tally.case(format_args!("{id} {}", row.cell("bidder")), || {
                let told = [
                    printed_price(row)?,
                    derived(row, &prices)?,
                    judges(row, at)?,
                ];
                if told.contains(&true) {
                    return Ok(());
                }
                Err(Stop::Skip("a row without an expected result"))
            });
        }
    }
}

/// `price_raw` as printed is `price`.
fn printed_price(row: &Row) -> Result<bool, Stop> {
    if row.cell("price_raw").is_empty() {
        return Ok(false);
    }
    let read = printed(row.cell("price_raw")).map_err(fail("price_raw"))?;
    let price = Money::parse(row.cell("price")).map_err(fail("price"))?;
    same("printed price in fen", read, price.fen())?;
    Ok(true)
}

fn derived(row: &Row, prices: &[Ratio]) -> Result<bool, Stop> {
    if row.cell("derived_law87_points100").is_empty() {
        return Ok(false);
    }
    let price = Money::parse(row.cell("price")).map_err(fail("price"))?;
    let price = price.ratio();
    let [lowest, others @ ..] = prices else {
        return Err(Stop::Fail("a notice without a price".to_owned()));
    };
    let points = lowest
        .mul(&Ratio::from(100))
        .and_then(|hundredfold| hundredfold.div(&price))
        .map_err(fail("points"))?;
    let points = points.to_fixed(2);
    same(
        "points",
        points.as_str(),
        row.cell("derived_law87_points100"),
    )?;
    // Equal prices share a rank and the next price has the next one, without a gap.
    let lower: BTreeSet<&Ratio> = prices.iter().filter(|other| **other < price).collect();
    let rank = (1 + lower.len()).to_string();
    same(
        "rank by price",
        rank.as_str(),
        row.cell("derived_price_asc_rank"),
    )?;
    let half = Ratio::parse("0.5").map_err(fail("half"))?;
    let mean = mean(prices)?.mul(&half).map_err(fail("mean"))?;
    flag(row, "derived_below_half_mean", price < mean)?;
    let second = others.first().map(|second| second.mul(&half));
    let second = second.transpose().map_err(fail("second"))?;
    let is_lowest = price == *lowest;
    let below = is_lowest && second.is_some_and(|second| price < second);
    flag(row, "derived_below_half_second", below)?;
    Ok(true)
}

fn flag(row: &Row, column: &str, found: bool) -> Case {
    same(column, if found { "1" } else { "0" }, row.cell(column))
}

fn mean(values: &[Ratio]) -> Result<Ratio, Stop> {
    let mut sum = Ratio::zero();
    for value in values {
        sum = sum.add(value).map_err(fail("sum"))?;
    }
    let count = i64::try_from(values.len()).map_err(fail("count"))?;
    sum.div(&Ratio::from(count)).map_err(fail("mean"))
}

/// The mean of the printed totals, half up to two decimals; the note lists those of a notice, in
/// the order of its rows.
fn judges(row: &Row, at: usize) -> Result<bool, Stop> {
    let printed = row.cell("judge_scores");
    let Some((_, list)) = row.cell("note").split_once("expected mean (2dp half-up) ") else {
        return Ok(false);
    };
    let list = list.split(';').next().unwrap_or_default();
    let expected = list.split('/').nth(at).unwrap_or_default().trim();
    check(
        !printed.is_empty(),
        "a mean is expected, but no totals are printed",
    )?;
    let totals: Result<Vec<Ratio>, _> = printed.split('|').map(Ratio::parse).collect();
    let found = mean(&totals.map_err(fail("judge_scores"))?)?.to_fixed(2);
    same("mean of the judges", found.as_str(), expected)?;
    Ok(true)
}
