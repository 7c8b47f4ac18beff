//! Whether a result is what a case expects: numbers by value, rows by id, other lists as sets.
//!
//! Another implementation may list its rows in the order of the input, or write `120` for `120.00`.

use crate::formula::Value as Number;
use serde_json::Value;
use std::borrow::Cow;

/// Members whose text is an id, which no other text equals.
const IDS: [&str; 3] = ["id", "draw_needed", "brand_draws"];

/// What of the result the case has to say.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    /// Every member.
    All,
    /// What it wants to say.
    Some,
}

fn same(found: &Value, expected: &Value, said: Said, ids: bool) -> bool {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => {
            (said == Said::Some || found.len() == expected.len())
                && expected.iter().all(|(key, value)| {
                    let ids = IDS.contains(&key.as_str());
                    let member = found.get(key);
                    member.is_some_and(|member| same(member, value, said, ids))
                })
        }
        (Value::Array(found), Value::Array(expected)) => {
            let (found, expected) = (ordered(found, ids), ordered(expected, ids));
            let mut pairs = found.iter().zip(&expected);
            found.len() == expected.len() && pairs.all(|(a, b)| same(a, b, said, ids))
        }
        (Value::String(found), Value::String(expected)) if !ids => {
            found == expected || plain(found) == plain(expected)
        }
        _ => found == expected,
    }
}

/// A list without the order it was written in: rows by id, texts and lists of texts by what they
/// say. Steps of a correction have no id and keep their order.
fn ordered(list: &[Value], ids: bool) -> Vec<&Value> {
    let mut list: Vec<&Value> = list.iter().collect();
    let text = |value: &Value, key| value.get(key).and_then(Value::as_str).map(str::to_owned);
    match list.first() {
        // One bid may be invalid for several reasons.
        Some(Value::Object(_)) => {
            list.sort_by_cached_key(|row| (text(row, "id"), text(row, "reason")))
        }
        _ => list.sort_by_cached_key(|value| key(value, ids)),
    }
    list
}

/// What elements of a list are ordered by.
fn key(value: &Value, ids: bool) -> Vec<String> {
    match value {
        Value::Array(list) => {
            let mut keys: Vec<String> = list.iter().flat_map(|value| key(value, ids)).collect();
            keys.sort_unstable();
            keys
        }
        Value::String(text) if ids => vec![text.clone()],
        Value::String(text) => vec![plain(text).into_owned()],
        other => vec![other.to_string()],
    }
}

/// The one text of a number, a fraction or a list of them; other texts as they are.
fn plain(text: &str) -> Cow<'_, str> {
    let nought = |rest: &&str| Number::parse(rest) == Number::parse("0");
    let text = text.strip_prefix('-').filter(nought).unwrap_or(text);
    Number::parse(text).map_or(Cow::Borrowed(text), |value| Cow::Owned(value.to_string()))
}

fn compare<T: serde::Serialize>(found: &T, expected: Option<&Value>, said: Said) -> Option<bool> {
    let expected = expected?;
    let found = serde_json::to_value(found);
    Some(found.is_ok_and(|found| same(&found, expected, said, false)))
}

/// Whether every member and element that is expected is there, and lists have one length; `None`
/// if nothing is expected.
pub(super) fn agrees<T: serde::Serialize>(found: &T, expected: Option<&Value>) -> Option<bool> {
    compare(found, expected, Said::Some)
}

/// Whether the two are the same throughout; `None` if nothing is expected.
pub(super) fn equals<T: serde::Serialize>(found: &T, expected: Option<&T>) -> Option<bool> {
    let expected = serde_json::to_value(expected?).unwrap_or(Value::Null);
    compare(found, Some(&expected), Said::All)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rows_by_id_lists_as_sets_numbers_by_value() {
        let found = json!({"rows": [{"id": "B10", "v": "-0.00", "rank": 1}, {"id": "B2", "v": "7/3"}],
            "draw_needed": ["B10", "B2"], "brand_draws": [["B1", "B10"], ["B2", "B3"]],
            "kept": "[1, 2]", "invalid": [{"id": "C", "reason": "a"}, {"id": "C", "reason": "b"}]});
        for (expected, same) in [
            (
                json!({"rows": [{"id": "B2", "v": "7/3"}, {"id": "B10", "v": "0.00", "rank": 1}]}),
                true,
            ),
            (
                json!({"rows": [{"id": "B2", "v": "0.00"}, {"id": "B10", "v": "7/3"}]}),
                false,
            ),
            (
                json!({"rows": [{"id": "B10", "v": "0"}, {"id": "B2", "v": "14/6"}]}),
                true,
            ),
            (
                json!({"rows": [{"id": "B10", "v": "0.01"}, {"id": "B2", "v": "7/3"}]}),
                false,
            ),
            (json!({"rows": [{"id": "B10"}, {"id": "B10"}]}), false),
            (json!({"rows": [{"id": "B10"}]}), false),
            (json!({"draw_needed": ["B2", "B10"]}), true),
            (json!({"draw_needed": ["B2", "B2"]}), false),
            (json!({"draw_needed": ["B2", "B3"]}), false),
            (json!({"brand_draws": [["B3", "B2"], ["B10", "B1"]]}), true),
            (json!({"brand_draws": [["B3", "B1"], ["B10", "B2"]]}), false),
            (json!({"kept": "[1.0, 2.00]"}), true),
            (json!({"kept": "[1, 3]"}), false),
            (
                json!({"invalid": [{"id": "C", "reason": "b"}, {"id": "C", "reason": "a"}]}),
                true,
            ),
        ] {
            assert_eq!(agrees(&found, Some(&expected)), Some(same), "{expected}");
        }
        // An id is a text: 1 is not 1.0.
        assert_eq!(
            agrees(&json!({"id": "1"}), Some(&json!({"id": "1.0"}))),
            Some(false)
        );
        assert_eq!(
            agrees(
                &json!({"draw_needed": ["1"]}),
                Some(&json!({"draw_needed": ["1.0"]}))
            ),
            Some(false)
        );
        // Steps keep their order.
        let steps = |a, b| json!({"steps": [{"clause": a}, {"clause": b}]});
        assert_eq!(
            agrees(&steps("2", "4"), Some(&steps("4", "2"))),
            Some(false)
        );
        // What is expected throughout has to say everything.
        let low = |low| json!({"abnormal_low": low});
        assert_eq!(
            equals(
                &low(json!({"B": ["mean", "second"]})),
                Some(&low(json!({})))
            ),
            Some(false)
        );
        let turned = low(json!({"B": ["second", "mean"]}));
        assert_eq!(
            equals(&low(json!({"B": ["mean", "second"]})), Some(&turned)),
            Some(true)
        );
    }
}
