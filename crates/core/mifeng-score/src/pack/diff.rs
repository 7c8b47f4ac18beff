//! What changed between two packs.

use super::{Entry, Pack};
use serde::Serialize;
use std::collections::BTreeSet;

/// One entry that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change<'a> {
    /// Id of the entry.
    pub id: &'a str,
    /// In the first pack; none if it came with the second.
    pub before: Option<&'a Entry>,
    /// In the second pack; none if it went.
    pub after: Option<&'a Entry>,
}

/// The entries in which two packs differ, by id.
pub fn diff<'a>(a: &'a Pack, b: &'a Pack) -> Vec<Change<'a>> {
    let ids = |pack: &'a Pack| pack.entries().iter().map(|entry| entry.id.as_str());
    let all: BTreeSet<&str> = ids(a).chain(ids(b)).collect();
    let change = |id: &'a str| Change {
        id,
        before: a.entry(id),
        after: b.entry(id),
    };
    let changes = all.into_iter().map(change);
    changes.filter(|c| c.before != c.after).collect()
}
