//! The public export: a dossier without sealed bids and without what names the experts; the hashes
//! stay in `withheld.txt`. What is personal in a dossier is listed in `personal.rs`.

use super::hash_file;
use super::overlay::{Overlay, write_tar};
use crate::bundle::Files;
use crate::replay::Replay;
use crate::{Error, layout};
use mifeng_crypto::Digest;
use mifeng_tender::Stage;
use std::collections::BTreeMap;
use std::io::Write;

/// What an export leaves out: name to hash and size.
pub(crate) type Withheld = BTreeMap<String, (Digest, u64)>;

/// How much an export leaves out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Sealed bids.
    pub bids: usize,
    /// Signatures of experts, with the certificates that name them.
    pub signatures: usize,
}

impl LeftOut {
    pub(crate) fn of(withheld: &Withheld) -> Self {
        let bids = withheld
            .keys()
            .filter(|name| name.starts_with(layout::SEALS));
        let bids = bids.count();
        Self {
            bids,
            signatures: withheld.len() - bids,
        }
    }
}

/// Reads `withheld.txt`: lines `hash size name`, as in the list of `archive.close`, by name. Only
/// sealed bids and signatures may be left out; whose signatures these are the replay tells.
///
/// # Errors
/// [`Error::Failed`] of V1 for another form, another kind of file, or one that is there after all.
pub(crate) fn withheld(files: &dyn Files) -> Result<Withheld, Error> {
    let bad = |detail: String| Error::Failed {
        check: "V1",
        code: "file.withheld",
        detail: format!("{}: {detail}", layout::WITHHELD),
    };
    let mut found = Withheld::new();
    if !files.index().contains_key(layout::WITHHELD) {
        return Ok(found);
    }
    let bytes = files.read(layout::WITHHELD)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| bad("not text".to_owned()))?;
    for line in text.lines() {
        let row = read_line(line).ok_or_else(|| bad(format!("not a line of it: {line:?}")))?;
        if files.index().contains_key(&row.0) {
            return Err(bad(format!("{} is there", row.0)));
        }
        found.insert(row.0, row.1);
    }
    if found.is_empty() || listed(&found) != text {
        return Err(bad("empty, not in order, or a name twice".to_owned()));
    }
    Ok(found)
}

fn read_line(line: &str) -> Option<(String, (Digest, u64))> {
    let (hash, rest) = line.split_once(' ')?;
    let (size, name) = rest.split_once(' ')?;
    let hash: Digest = hash.parse().ok()?;
    let id: Digest = name.split(['/', '.']).nth(1)?.parse().ok()?;
    // A signature is named by its hash; a sealed bid by that of its header.
    let known = layout::seal(&id) == name || (layout::signature(&id) == name && id == hash);
    known.then_some((name.to_owned(), (hash, size.parse().ok()?)))
}

fn listed(withheld: &Withheld) -> String {
    let lines = withheld
        .iter()
        .map(|(name, (hash, size))| format!("{hash} {size} {name}\n"));
    lines.collect()
}

/// Writes the public export of a dossier: the same files but the sealed bids and the signatures of
/// experts, with a list of what is left out. Renewals (spec/renewal.md) are over the whole dossier
/// and stay with it.
///
/// # Errors
/// [`Error::Failed`] unless it is a dossier, [`Error::Unavailable`].
pub fn public_export(files: &dyn Files, out: &mut dyn Write) -> Result<LeftOut, Error> {
    let replay = Replay::of(files)?;
    if replay.state.stage() != Stage::Archived {
        return Err(Error::Failed {
            check: "V1",
            code: "dossier.open",
            detail: "a bundle without archive.close has no public export".to_owned(),
        });
    }
    let by_experts = replay.records.iter().filter(|record| record.seated);
    let mut personal: Vec<String> = by_experts
        .map(|record| layout::signature(&record.signature))
        .collect();
    let index = files.index();
    personal.extend(
        index
            .keys()
            .filter(|n| n.starts_with(layout::SEALS))
            .cloned(),
    );
    let mut export = Overlay::over(files);
    let mut left_out = replay.withheld.clone();
    for name in personal {
        if let Some(size) = index.get(&name) {
            let hash = hash_file(replay.suite().hash(), files, &name)?;
            export.without(&name);
            left_out.insert(name, (hash, *size));
        }
    }
    for name in index.keys().filter(|n| n.starts_with(layout::RENEWALS)) {
        export.without(name);
    }
    if !left_out.is_empty() {
        export.with(layout::WITHHELD, listed(&left_out).into_bytes());
    }
    write_tar(&export, out)?;
    Ok(LeftOut::of(&left_out))
}
