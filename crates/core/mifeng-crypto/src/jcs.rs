//! Canonical JSON: RFC 8785 (JCS) in the profile of PROTOCOL 4.
//!
//! The profile: I-JSON, integers of at most 2^53 − 1 in size and no other numbers, ASCII keys.
//! Bytes are accepted only if they are the one encoding of what they say.

mod strict;

use crate::Error;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// The largest integer that every JSON reader keeps exactly (RFC 7493 section 2.2).
const INTEGER_MAX: i64 = (1 << 53) - 1;

/// Depth beyond which a document is refused; no record of ours is deeper than ten.
const DEPTH_MAX: usize = 32;

/// The canonical encoding of `value`.
///
/// # Errors
/// [`Error::Json`] if the value breaks the profile (a float, a large integer, a non-ASCII key).
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Error> {
    let broken = |reason| Error::Json {
        reason,
        position: 0,
    };
    let value = serde_json::to_value(value).map_err(|_| broken("value has no JSON form"))?;
    check(&value, 0).map_err(broken)?;
    // `serde_json` keeps object members sorted by bytes, which for ASCII keys is the UTF-16 order
    // of RFC 8785 section 3.2.3, and escapes strings as its section 3.2.2.2 asks.
    serde_json::to_vec(&value).map_err(|_| broken("value has no JSON form"))
}

/// Reads a value from its canonical encoding, and from nothing else.
///
/// # Errors
/// [`Error::TooLong`] above `len_max` bytes, [`Error::Json`] if the bytes are not canonical,
/// [`Error::Schema`] if members are missing, unknown or of another type.
pub fn from_slice<T: DeserializeOwned>(bytes: &[u8], len_max: usize) -> Result<T, Error> {
    let value = parse(bytes, len_max)?;
    strict::read(&value).map_err(|_| {
        // Parsing the text again gives the position that a value cannot.
        match serde_json::from_slice::<T>(bytes) {
            Err(e) => Error::Schema {
                line: e.line(),
                column: e.column(),
            },
            Ok(_) => Error::Schema { line: 1, column: 1 },
        }
    })
}

/// Reads a value that is parsed already. A struct is an object of its members and nothing else.
///
/// # Errors
/// [`Error::Schema`], without a position.
pub fn from_value<T: DeserializeOwned>(value: &Value) -> Result<T, Error> {
    strict::read(value).map_err(|_| Error::Schema { line: 1, column: 1 })
}

/// Reads any canonical document.
///
/// # Errors
/// As [`from_slice`], without the schema.
pub fn parse(bytes: &[u8], len_max: usize) -> Result<Value, Error> {
    if bytes.len() > len_max {
        return Err(Error::TooLong {
            what: "JSON document",
            found: bytes.len(),
            max: len_max,
        });
    }
    let value: Value = serde_json::from_slice(bytes).map_err(|e| Error::Json {
        reason: "not JSON",
        position: position(bytes, e.line(), e.column()),
    })?;
    check(&value, 0).map_err(|reason| Error::Json {
        reason,
        position: 0,
    })?;
    let canonical = serde_json::to_vec(&value).map_err(|_| Error::Json {
        reason: "not JSON",
        position: 0,
    })?;
    if canonical != bytes {
        let position = canonical
            .iter()
            .zip(bytes)
            .take_while(|(a, b)| a == b)
            .count();
        return Err(Error::Json {
            reason: "differs from the canonical form",
            position,
        });
    }
    Ok(value)
}

fn position(bytes: &[u8], line: usize, column: usize) -> usize {
    let before: usize = bytes
        .split_inclusive(|b| *b == b'\n')
        .take(line.saturating_sub(1))
        .map(<[u8]>::len)
        .sum();
    (before + column.saturating_sub(1)).min(bytes.len())
}

fn check(value: &Value, depth: usize) -> Result<(), &'static str> {
    if depth > DEPTH_MAX {
        return Err("nested too deeply");
    }
    match value {
        Value::Number(number) => match number.as_i64() {
            Some(n) if (-INTEGER_MAX..=INTEGER_MAX).contains(&n) => Ok(()),
            _ => Err("number is not an integer of at most 2^53 - 1"),
        },
        Value::Array(items) => items.iter().try_for_each(|item| check(item, depth + 1)),
        Value::Object(members) => members.iter().try_for_each(|(key, member)| {
            if !key.is_ascii() {
                return Err("member name is not ASCII");
            }
            check(member, depth + 1)
        }),
        Value::Null | Value::Bool(_) | Value::String(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_encoding_only() {
        assert!(parse(br#"{"a":1,"b":["x"]}"#, 100).is_ok());
        for bad in [
            r#"{"b":1,"a":1}"#,
            r#"{"a": 1}"#,
            r#"{"a":1,"a":1}"#,
            r#"{"a":1.0}"#,
            r#"{"a":1e2}"#,
            r#"{"a":9007199254740992}"#,
            r#"{"a":"\u0041"}"#,
            "{\"a\":1}\n",
            r#"{"ä":1}"#,
            "",
            "{",
        ] {
            assert!(parse(bad.as_bytes(), 100).is_err(), "{bad}");
        }
        assert!(parse(br#"{"a":1}"#, 3).is_err());
        let deep = "[".repeat(40) + &"]".repeat(40);
        assert!(parse(deep.as_bytes(), 100).is_err());
    }

    #[test]
    fn escapes_follow_rfc_8785() {
        let text = "\u{8}\t\n\u{c}\r\u{1}\"\\/\u{7f}é😀";
        assert_eq!(
            to_vec(text).map(|v| String::from_utf8(v).expect("UTF-8")),
            Ok("\"\\b\\t\\n\\f\\r\\u0001\\\"\\\\/\u{7f}é😀\"".to_owned())
        );
    }
}
