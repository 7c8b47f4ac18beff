//! Canonical JSON and instants.

use super::Plan;
use super::case::{Case, Input, Stop, Tally, check, list, text};
use mifeng_crypto::{Error, Time, jcs};
use serde_json::Value;

/// The largest document given to the parser.
const LEN_MAX: usize = 16 << 20;
/// Why a document that is good JSON has no canonical form of ours.
const OUTSIDE: &str = "floats or keys beyond ASCII, which the profile refuses";

pub(super) fn plan(input: &Input) -> Option<Plan> {
    let json = input.json();
    if input.is_in("test_parsing") && input.name().ends_with(".json") {
        return Some(Plan::Run(parsing));
    }
    if input.is_in("test_transform") {
        return Some(Plan::Skip("no expected result is published"));
    }
    if input.has_folder("jcs") {
        return match input.folder().file_name().and_then(|name| name.to_str()) {
            Some("input") => Some(Plan::Run(canonical_form)),
            Some("output") => Some(Plan::Run(canonical_read)),
            _ => Some(Plan::Skip("the output files again, in hex")),
        };
    }
    let first = &json["vectors"][0];
    (first["deadline"].is_string() && first["received"].is_string()).then_some(Plan::Run(deadlines))
}

/// `n_` files are no JSON and must be refused; `y_` files may be refused for their form only.
fn parsing(input: &Input, tally: &mut Tally) {
    tally.case("parse", || {
        let read = jcs::parse(input.bytes(), LEN_MAX);
        let no_json = matches!(
            read,
            Err(Error::Json {
                reason: "not JSON",
                ..
            })
        );
        match input.name().as_bytes().first() {
            Some(b'n') => check(read.is_err(), "no JSON, but accepted"),
            Some(b'y') => check(!no_json, "JSON, but not read as such"),
            // Free to accept or refuse; that we came here is the test.
            Some(b'i') => Ok(()),
            _ => Err(Stop::Skip("no verdict in the name")),
        }
    });
}

fn canonical_form(input: &Input, tally: &mut Tally) {
    tally.case("write", || {
        let value: Value = serde_json::from_slice(input.bytes())
            .map_err(|e| Stop::Fail(format!("the vector is not JSON: {e}")))?;
        let expected = input.beside(&format!("../output/{}", input.name()))?;
        match jcs::to_vec(&value) {
            Ok(written) => check(written == expected, "another canonical form"),
            Err(_) => profile_case(&value),
        }
    });
}

fn canonical_read(input: &Input, tally: &mut Tally) {
    tally.case("read", || {
        let value: Value = serde_json::from_slice(input.bytes())
            .map_err(|e| Stop::Fail(format!("the vector is not JSON: {e}")))?;
        match jcs::parse(input.bytes(), LEN_MAX) {
            Ok(read) => check(read == value, "another value"),
            Err(_) => profile_case(&value),
        }
    });
}

/// A refused document is skipped if the profile refuses it, else it failed.
fn profile_case(value: &Value) -> Case {
    if outside(value) {
        Err(Stop::Skip(OUTSIDE))
    } else {
        Err(Stop::Fail("within the profile, but refused".to_owned()))
    }
}

/// Whether the profile of `spec/canonical-json.md` excludes this value.
fn outside(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(items) => items.iter().any(outside),
        Value::Object(members) => members
            .iter()
            .any(|(key, item)| !key.is_ascii() || outside(item)),
        _ => false,
    }
}

/// The rule: in time only if received < deadline, both with an offset.
fn deadlines(input: &Input, tally: &mut Tally) {
    for (at, test) in list(input.json(), "vectors").iter().enumerate() {
        tally.case(format_args!("{at} ({})", test["why"]), || {
            let read = |name| text(test, name).map(Time::parse_rfc3339);
            let found = match (read("deadline")?, read("received")?) {
                (Ok(deadline), Ok(received)) if received < deadline => "accept",
                (Ok(_), Ok(_)) => "late",
                _ => "invalid",
            };
            let expected = text(test, "expect")?;
            let fits = expected.split("-or-").any(|verdict| verdict == found);
            check(fits, &format!("{found} instead of {expected}"))
        });
    }
}
