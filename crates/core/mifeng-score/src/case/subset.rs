//! Whether a result has what a case expects, where the case need not say everything.

use serde_json::Value;

/// Every member and element that is expected is there; lists have one length.
pub(super) fn has(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => expected
            .iter()
            .all(|(key, value)| found.get(key).is_some_and(|found| has(found, value))),
        (Value::Array(found), Value::Array(expected)) => {
            let pairs = found.iter().zip(expected);
            found.len() == expected.len() && pairs.into_iter().all(|(a, b)| has(a, b))
        }
        _ => found == expected,
    }
}

/// As [`has`], for anything that serialises; `None` if nothing is expected.
pub(super) fn agrees<T: serde::Serialize>(found: &T, expected: Option<&Value>) -> Option<bool> {
    let expected = expected?;
    Some(serde_json::to_value(found).is_ok_and(|found| has(&found, expected)))
}
