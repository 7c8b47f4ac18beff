//! A verifier's answer.

use crate::bundle::Files;
use mifeng_crypto::Digest;
use serde::Serialize;

/// How one check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Everything it looks at is as it must be.
    Pass,
    /// Something is not.
    Fail,
    /// It was not reached, because a check before it failed.
    NotRun,
}

/// One numbered check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// `V1` to `V14`.
    pub id: &'static str,
    /// Title in Chinese.
    pub zh: &'static str,
    /// Title in English.
    pub en: &'static str,
    /// How it ended.
    pub verdict: Verdict,
    /// Number of things looked at.
    pub count: u64,
    /// What it saw, in Chinese.
    pub saw_zh: String,
    /// What it saw, in English.
    pub saw_en: String,
    /// Stable code of the failure, if any.
    pub code: Option<String>,
    /// V3 only: signers at one of whose records no list said anything about revocation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revocation_unknown: Option<u64>,
}

/// A verifier's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[must_use]
pub struct Report {
    /// The tender, as the notice names it.
    pub tender: Option<String>,
    /// The suite.
    pub suite: Option<&'static str>,
    /// The head of the log: hex of its root.
    pub root: Option<Digest>,
    /// All fourteen checks.
    pub checks: Vec<Check>,
}

impl Report {
    /// Whether every check passed.
    pub fn is_valid(&self) -> bool {
        self.checks
            .iter()
            .all(|check| check.verdict == Verdict::Pass)
    }

    /// The first check that failed.
    pub fn failure(&self) -> Option<&Check> {
        self.checks
            .iter()
            .find(|check| check.verdict == Verdict::Fail)
    }
}

/// What an auditor adds to what the dossier says.
#[derive(Default)]
pub struct Trusted {
    /// Fingerprints of roots; if not empty, every root that the tender recognised must be among
    /// them, or the operator who signed its trust list.
    pub roots: Vec<Digest>,
    /// An earlier bundle of the same tender, of which nothing may have been rewritten.
    pub earlier: Option<Box<dyn Files>>,
}
