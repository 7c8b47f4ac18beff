//! The report where there is nothing to verify.

use super::{NOT_RUN, TITLES};
use crate::Error;
use crate::report::{Check, Report, Verdict};

/// The report on a file that is no bundle at all: its form fails the first check, and no other is run.
pub fn unreadable(error: &Error) -> Report {
    let check = |(at, (id, zh, en)): (usize, &(&'static str, &'static str, &'static str))| {
        let failed = at == 0;
        let saw = |not_run: &str| match failed {
            true => error.to_string(),
            false => not_run.to_owned(),
        };
        Check {
            id,
            zh,
            en,
            verdict: match failed {
                true => Verdict::Fail,
                false => Verdict::NotRun,
            },
            count: 0,
            saw_zh: saw(NOT_RUN.0),
            saw_en: saw(NOT_RUN.1),
            code: failed.then(|| error.code().to_owned()),
            revocation_unknown: None,
        }
    };
    Report {
        tender: None,
        suite: None,
        root: None,
        checks: TITLES.iter().enumerate().map(check).collect(),
        keeping: None,
    }
}
