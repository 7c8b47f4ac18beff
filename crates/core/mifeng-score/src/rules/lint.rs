//! What the law says about a rule set. Which checks there are, how grave, by which article and with
//! which numbers is the pack's; what a check looks at is here.

use super::{RuleSet, bands, items, words};
use crate::pack::{Pack, latest, pinned};
use crate::{Error, Name};
use serde::{Deserialize, Serialize};

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The notice must not be issued so.
    Error,
    /// Somebody should look.
    Warning,
}

/// What the lint found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Stable code.
    pub code: String,
    /// Field, item or clause.
    pub place: String,
    /// The article it rests on.
    pub article: String,
    /// How grave.
    pub severity: Severity,
    /// Id of the rule pack.
    pub pack: String,
    /// How sure the pack is: `T`, `S` or `?`.
    pub sure: String,
    /// What is expected.
    pub text: Name,
}

impl Finding {
    /// Whether the notice must not be issued so.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// Collects findings; a check that the pack does not know is no law there.
pub(crate) struct Findings<'a> {
    pub(crate) pack: &'a Pack,
    pub(crate) found: Vec<Finding>,
}

impl<'a> Findings<'a> {
    pub(crate) fn new(pack: &'a Pack) -> Self {
        Self {
            pack,
            found: Vec::new(),
        }
    }

    /// Reports a check of the pack.
    pub(crate) fn add(&mut self, code: &str, place: &str) {
        let Some(entry) = self.pack.entry(code) else {
            return;
        };
        self.found.push(Finding {
            code: code.to_owned(),
            place: place.to_owned(),
            article: entry.article.clone(),
            severity: entry.severity.unwrap_or(Severity::Error),
            pack: self.pack.id().to_owned(),
            sure: entry.sure.mark().to_owned(),
            text: entry.text.clone(),
        });
    }

    /// Reports what no law need say: the rule set contradicts itself or cannot be read.
    pub(crate) fn broken(&mut self, code: &str, place: &str, error: &Error) {
        self.found.push(Finding {
            code: code.to_owned(),
            place: place.to_owned(),
            article: error.article().to_owned(),
            severity: Severity::Error,
            pack: self.pack.id().to_owned(),
            sure: "?".to_owned(),
            text: Name {
                zh: format!("无法读取：{error}"),
                en: error.to_string(),
            },
        });
    }
}

impl Findings<'_> {
    /// A number that cannot be read, once for each place.
    pub(crate) fn unread(&mut self, error: &Error) {
        let place = match error {
            Error::Number { place, .. } => place,
            _ => "",
        };
        let known = |f: &Finding| f.code == "rules.number" && f.place == place;
        if !self.found.iter().any(known) {
            self.broken("rules.number", place, error);
        }
    }
}

/// Everything in which a rule set breaks the law of the pack that it pins (the newest shipped one
/// if it pins none) or contradicts itself (errors), and what somebody should look at (warnings).
/// Empty for a sound rule set.
pub fn lint(rules: &RuleSet) -> Vec<Finding> {
    let newest = latest(rules.method.regime());
    match &rules.pack {
        None => lint_in(rules, newest),
        Some(pin) => match pinned(pin) {
            Ok(pack) => lint_in(rules, pack),
            Err(error) => {
                let mut findings = Findings::new(newest);
                findings.broken("rules.pack", "pack", &error);
                findings.found
            }
        },
    }
}

/// As [`lint`], under a pack that need not be shipped.
pub fn lint_in(rules: &RuleSet, pack: &Pack) -> Vec<Finding> {
    let mut findings = Findings::new(pack);
    if pack.regime() != rules.method.regime() {
        let error = Error::NoPack {
            what: format!("method {} under {}", rules.method.name(), pack.id()),
        };
        findings.broken("rules.pack", "pack", &error);
        return findings.found;
    }
    if let Err(error) = bands::check(rules, &mut findings) {
        findings.unread(&error);
    }
    if let Err(error) = items::check(rules, &mut findings) {
        findings.unread(&error);
    }
    words::items(rules, &mut findings);
    findings.found
}
