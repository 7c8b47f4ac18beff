//! A method with its whole rule set: `params` is the rule set without its method.

use super::subset::agrees;
use super::{Answer, Computed, Found, read};
use crate::formula::Drawn;
use crate::{BidFacts, Error, Lot, RuleSet, Sheet, derive, evaluate_lot};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    id: String,
    method: String,
    params: BTreeMap<String, Value>,
    bids: Vec<BidFacts>,
    #[serde(default)]
    sheets: Vec<Sheet>,
    #[serde(default)]
    drawn: BTreeMap<String, Drawn>,
    #[serde(default)]
    expected: Option<Value>,
}

pub(super) fn run(line: &str, explained: bool) -> Result<Found, Error> {
    let case: Case = read(line)?;
    let mut params = case.params;
    if params
        .insert("method".to_owned(), case.method.into())
        .is_some()
    {
        return Err(Error::Duplicate {
            what: "field",
            id: "method".to_owned(),
        });
    }
    // The rule set was buffered: its errors name the field but not the column.
    let rules: RuleSet = serde_json::from_value(Value::Object(params.into_iter().collect()))
        .map_err(|e| Error::json(&e))?;
    let lot = Lot {
        drawn: Some(&case.drawn),
        ..Lot::new(&rules, &case.bids, &case.sheets)
    };
    let (outcome, derivation) = if explained {
        let (outcome, derivation) = derive(&lot)?;
        (outcome, Some(derivation))
    } else {
        (evaluate_lot(&lot)?, None)
    };
    let answer = Answer {
        id: case.id,
        agrees: agrees(&outcome, case.expected.as_ref()),
        computed: Computed::Outcome(outcome),
    };
    Ok((answer, derivation))
}
