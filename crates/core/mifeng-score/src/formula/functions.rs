//! The functions, on values whose types were checked.

use super::ast::Function;
use super::eval::Value;
use crate::number::DECIMALS_MAX;
use crate::{Error, Ratio};
use std::sync::Arc;

/// Largest power.
const POWER_MAX: i64 = 8;

/// What can go wrong with numbers, without its place.
pub(super) enum Fault {
    Value(String),
    Number(Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Number(error)
    }
}

type Found = Result<Value, Fault>;

fn bad(what: impl Into<String>) -> Fault {
    Fault::Value(what.into())
}

/// A whole number between two bounds.
fn whole(value: &Ratio, least: i64, most: i64) -> Result<i64, Fault> {
    let found = value.whole().filter(|v| (least..=most).contains(v));
    found.ok_or_else(|| {
        let found = value.to_exact();
        bad(format!(
            "a whole number from {least} to {most} expected, found {found}"
        ))
    })
}

fn length(list: &[Ratio]) -> i64 {
    i64::try_from(list.len()).unwrap_or(i64::MAX)
}

fn sum(list: &[Ratio]) -> Result<Ratio, Fault> {
    let mut sum = Ratio::zero();
    for value in list {
        sum = sum.add(value)?;
    }
    Ok(sum)
}

fn filled(list: &[Ratio]) -> Result<&[Ratio], Fault> {
    if list.is_empty() {
        return Err(bad("the list is empty"));
    }
    Ok(list)
}

fn mean(list: &[Ratio]) -> Result<Ratio, Fault> {
    Ok(sum(filled(list)?)?.div(&Ratio::from(length(list)))?)
}

fn nth(list: &[Ratio], at: i64) -> Result<Ratio, Fault> {
    let found = usize::try_from(at - 1).ok().and_then(|at| list.get(at));
    found
        .cloned()
        .ok_or_else(|| bad(format!("no price {at} of {}", list.len())))
}

fn median(list: &[Ratio]) -> Result<Ratio, Fault> {
    let n = length(filled(list)?);
    let low = nth(list, (n + 1) / 2)?;
    Ok(low.add(&nth(list, n / 2 + 1)?)?.div(&Ratio::from(2))?)
}

fn drop_ends(list: &[Ratio], low: &Ratio, high: &Ratio) -> Found {
    let most = length(list);
    let low = usize::try_from(whole(low, 0, most)?).unwrap_or(usize::MAX);
    let high = usize::try_from(whole(high, 0, most)?).unwrap_or(usize::MAX);
    let kept = list
        .len()
        .checked_sub(high)
        .and_then(|end| list.get(low..end));
    match kept {
        Some(kept) if !kept.is_empty() => Ok(Value::List(Arc::from(kept))),
        _ => Err(bad("all prices are dropped")),
    }
}

fn between(list: &[Ratio], least: Option<&Ratio>, most: &Ratio) -> Value {
    let first = list.partition_point(|v| least.is_some_and(|least| v < least));
    let last = list.partition_point(|v| v <= most);
    Value::List(Arc::from(list.get(first..last).unwrap_or(&[])))
}

fn lookup(table: &[Vec<Ratio>], value: &Ratio, column: &Ratio) -> Found {
    let width = table.first().map_or(1, Vec::len);
    let column = whole(column, 1, i64::try_from(width).unwrap_or(i64::MAX))?;
    let rows = table.partition_point(|row| row.first().is_some_and(|first| first <= value));
    let row = rows.checked_sub(1).and_then(|at| table.get(at));
    let cell = row.and_then(|row| row.get(usize::try_from(column - 1).ok()?));
    Ok(Value::Number(cell.cloned().unwrap_or_else(Ratio::zero)))
}

fn tiers(table: &[Vec<Ratio>], value: &Ratio) -> Found {
    let mut total = Ratio::zero();
    for (at, row) in table.iter().enumerate() {
        let [from, rate] = row.as_slice() else {
            return Err(bad("a table of two columns expected: from, rate"));
        };
        let end = table.get(at + 1).and_then(|next| next.first());
        let end = end.map_or(value, |end| end.min(value));
        if end > from {
            total = total.add(&end.sub(from)?.mul(rate)?)?;
        }
    }
    Ok(Value::Number(total))
}

fn places(value: &Ratio) -> Result<u32, Fault> {
    let found = whole(value, 0, DECIMALS_MAX as i64)?;
    Ok(u32::try_from(found).unwrap_or(0))
}

/// Downwards; upwards is the negative of the negative.
fn floor(value: &Ratio, dp: u32) -> Result<Ratio, Fault> {
    let cut = value.truncate(dp);
    if cut <= *value {
        return Ok(cut);
    }
    let unit = Ratio::one().div(&Ratio::from(10i64.pow(dp)))?;
    Ok(cut.sub(&unit)?)
}

fn pow(value: &Ratio, power: &Ratio) -> Found {
    let mut product = Ratio::one();
    for _ in 0..whole(power, 0, POWER_MAX)? {
        product = product.mul(value)?;
    }
    Ok(Value::Number(product))
}

/// The least or most of numbers and lists.
fn extreme(args: &[Value], highest: bool) -> Found {
    let mut best: Option<&Ratio> = None;
    for arg in args {
        let found = match arg {
            Value::Number(number) => Some(number),
            Value::List(list) if highest => list.last(),
            Value::List(list) => list.first(),
            _ => None,
        };
        let better = |v: &&Ratio| best.is_none_or(|old| if highest { *v > old } else { *v < old });
        if let Some(found) = found.filter(better) {
            best = Some(found);
        }
    }
    let best = best.ok_or_else(|| bad("the list is empty"))?;
    Ok(Value::Number(best.clone()))
}

/// Calls a function other than `if`.
pub(super) fn call(function: Function, args: &[Value]) -> Found {
    use Value::{List, Number, Table, Truth};
    Ok(match (function, args) {
        (Function::Count, [List(l)]) => Number(Ratio::from(length(l))),
        (Function::Sum, [List(l)]) => Number(sum(l)?),
        (Function::Mean, [List(l)]) => Number(mean(l)?),
        (Function::Median, [List(l)]) => Number(median(l)?),
        (Function::Min, _) => return extreme(args, false),
        (Function::Max, _) => return extreme(args, true),
        (Function::Nth, [List(l), Number(k)]) => Number(nth(l, whole(k, 1, length(l).max(1))?)?),
        (Function::Drop, [List(l), Number(low), Number(high)]) => return drop_ends(l, low, high),
        (Function::Within, [List(l), Number(a), Number(b)]) => between(l, Some(a), b),
        (Function::UpTo, [List(l), Number(b)]) => between(l, None, b),
        (Function::Lookup, [Table(t), Number(v), Number(c)]) => return lookup(t, v, c),
        (Function::Tiers, [Table(t), Number(v)]) => return tiers(t, v),
        (Function::Abs, [Number(v)]) => Number(v.abs()),
        (Function::Round, [Number(v), Number(dp)]) => Number(v.round_half_up(places(dp)?)),
        (Function::Trunc, [Number(v), Number(dp)]) => Number(v.truncate(places(dp)?)),
        (Function::Floor, [Number(v), Number(dp)]) => Number(floor(v, places(dp)?)?),
        (Function::Ceil, [Number(v), Number(dp)]) => Number(floor(&v.neg(), places(dp)?)?.neg()),
        (Function::Pow, [Number(v), Number(k)]) => return pow(v, k),
        (Function::Not, [Truth(t)]) => Truth(!t),
        _ => return Err(bad("values of other types than the function takes")),
    })
}
