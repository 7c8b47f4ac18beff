//! When a result may be changed after all (87 art. 64; 74 art. 21; 214 art. 32).

use crate::derivation::Basis;
use crate::pack::Pack;
use crate::{Error, Method};
use serde::Serialize;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// The report is not signed: corrected on the spot and recorded.
    CorrectOnTheSpot,
    /// The report is signed: the same committee evaluates again, and finance is told in writing.
    SameCommitteeAgain,
}

/// A lawful change of a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Recheck {
    /// What is to be done.
    pub action: Action,
    /// What allows it.
    pub basis: Basis,
}

/// Whether a result of a method may be changed for a reason such as `sum-error`, `outside-band`,
/// `objective-differs`, `abnormal-score`, `qualification-error`, `price-arithmetic`.
///
/// # Errors
/// [`Error::Recheck`] for every reason that the pack does not list for the method.
pub fn recheck(
    pack: &Pack,
    method: Method,
    reason: &str,
    report_signed: bool,
) -> Result<Recheck, Error> {
    let prefix = format!("recheck.{}.", method.name());
    let key = format!("{prefix}{reason}");
    if pack.entry(&key).is_none() {
        let mut entries = pack.entries().iter();
        let listed = entries.find(|entry| entry.id.starts_with(&prefix));
        return Err(Error::Recheck {
            reason: reason.chars().take(64).collect(),
            article: listed.map_or_else(|| format!("({prefix})"), |e| e.article.clone()),
        });
    }
    let action = if report_signed {
        Action::SameCommitteeAgain
    } else {
        Action::CorrectOnTheSpot
    };
    Ok(Recheck {
        action,
        basis: pack.basis(&key),
    })
}

/// The reasons that a pack lists for a method.
pub fn reasons(pack: &Pack, method: Method) -> impl Iterator<Item = &str> {
    let prefix = format!("recheck.{}.", method.name());
    let entries = pack.entries().iter();
    entries.filter_map(move |entry| entry.id.strip_prefix(prefix.as_str()))
}
