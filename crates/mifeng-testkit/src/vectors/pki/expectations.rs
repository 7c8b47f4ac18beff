//! Where our verdicts differ from a suite's, each with its reason. A difference that is not listed
//! fails the run, and so does a listed one that is none any more.

use crate::vectors::case::{Case, Stop, check};
use serde::Deserialize;
use std::collections::BTreeMap;

/// One listed difference.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Difference {
    /// The suite's name of the case.
    id: String,
    /// In which of our modes; every one if absent.
    mode: Option<String>,
    /// The suite's verdict.
    expected: Verdict,
    /// Ours.
    actual: Verdict,
    /// Why.
    reason: String,
}

/// Whether a path is accepted.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Verdict {
    Success,
    Failure,
}

impl Verdict {
    pub(super) fn of(accepted: bool) -> Self {
        if accepted {
            Verdict::Success
        } else {
            Verdict::Failure
        }
    }
}

/// The differences of one suite.
pub(super) struct Expectations {
    list: Vec<Difference>,
    used: BTreeMap<usize, bool>,
}

impl Expectations {
    /// Reads the file of a suite.
    pub(super) fn read(text: &str) -> Result<Self, Stop> {
        let list: Vec<Difference> = serde_json::from_str(text)
            .map_err(|error| Stop::Fail(format!("expectations.json: {error}")))?;
        let used = (0..list.len()).map(|at| (at, false)).collect();
        Ok(Expectations { list, used })
    }

    /// Compares a verdict of ours with the suite's; `why` is our error, if any.
    pub(super) fn judge(
        &mut self,
        id: &str,
        mode: &str,
        expected: Verdict,
        actual: Verdict,
        why: &str,
    ) -> Case {
        let fits = |d: &Difference| d.id == id && d.mode.as_deref().is_none_or(|m| m == mode);
        let Some(at) = self.list.iter().position(fits) else {
            let found = format!("expected {expected:?}, found {actual:?} {why}");
            return check(expected == actual, &found);
        };
        self.used.insert(at, true);
        let listed = &self.list[at];
        if listed.expected != expected || listed.reason.is_empty() {
            return Err(Stop::Fail(
                "its expectation is about another case".to_owned(),
            ));
        }
        let found = format!("listed as {:?}, found {actual:?} {why}", listed.actual);
        check(listed.actual == actual && actual != expected, &found)
    }

    /// Listed differences that no case had.
    pub(super) fn unused(&self) -> impl Iterator<Item = &str> {
        let unused = self.used.iter().filter(|(_, used)| !**used);
        unused.map(|(at, _)| self.list[*at].id.as_str())
    }
}
