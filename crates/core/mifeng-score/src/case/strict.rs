//! What serde passes over: members that occur twice, and nesting without end.

use crate::Error;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeSet;
use std::fmt;

/// The mark that tells this fault from the others of the reader.
const MARK: &str = "duplicate field ";

/// Refuses a text in which some object has a member twice.
pub(super) fn check(line: &str) -> Result<(), Error> {
    let mut reader = serde_json::Deserializer::from_str(line);
    let found = Strict.deserialize(&mut reader).and_then(|()| reader.end());
    found.map_err(|error| match error.to_string().strip_prefix(MARK) {
        Some(rest) => Error::Duplicate {
            what: "member",
            id: rest.trim_matches('`').chars().take(100).collect(),
        },
        None => Error::json(&error),
    })
}

struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Strict)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = BTreeSet::new();
        while let Some(key) = map.next_key::<String>()? {
            map.next_value_seed(Strict)?;
            if let Some(twice) = seen.replace(key) {
                return Err(A::Error::custom(format_args!("{MARK}`{twice}`")));
            }
        }
        Ok(())
    }
}

/// A whole text, for tests of the reader's own limits.
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_that_occur_twice_are_refused_at_any_depth() {
        for text in [
            r#"{"a":1,"a":2}"#,
            r#"{"a":[{"b":{"c":1,"d":2,"c":1}}]}"#,
            r#"{"\u0061":1,"a":1}"#,
        ] {
            let code = check(text).map_err(|e| e.code());
            assert_eq!(code, Err("score.duplicate"), "{text}");
        }
        assert_eq!(check(r#"{"a":{"a":1},"b":[{"a":1},{"a":1}]}"#), Ok(()));
        let deep = "[".repeat(100_000);
        assert_eq!(check(&deep).map_err(|e| e.code()), Err("score.json"));
        assert_eq!(check("{} {}").map_err(|e| e.code()), Err("score.json"));
    }
}
