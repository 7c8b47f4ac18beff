//! The public export: a dossier without the sealed bids, whose hashes stay in `withheld.txt`.

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

/// Reads `withheld.txt`: lines `hash size name`, as in the list of `archive.close`, by name. Only
/// sealed bids may be left out: everything else is needed to replay the log.
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
    let id: Digest = name
        .strip_prefix("seal/")?
        .strip_suffix(".bid")?
        .parse()
        .ok()?;
    let same = layout::seal(&id) == name;
    same.then_some((name.to_owned(), (hash.parse().ok()?, size.parse().ok()?)))
}

fn listed(withheld: &Withheld) -> String {
    let lines = withheld
        .iter()
        .map(|(name, (hash, size))| format!("{hash} {size} {name}\n"));
    lines.collect()
}

/// Writes the public export of a dossier: the same files but the sealed bids, with a list of what
/// is left out. Renewals (spec/renewal.md) are over the whole dossier and stay with it. Returns how
/// many bids were left out.
///
/// # Errors
/// [`Error::Failed`] unless it is a dossier, [`Error::Unavailable`].
pub fn public_export(files: &dyn Files, out: &mut dyn Write) -> Result<usize, Error> {
    let replay = Replay::of(files)?;
    if replay.state.stage() != Stage::Archived {
        return Err(Error::Failed {
            check: "V1",
            code: "dossier.open",
            detail: "a bundle without archive.close has no public export".to_owned(),
        });
    }
    let mut export = Overlay::over(files);
    let mut left_out = withheld(files)?;
    for (name, size) in files.index() {
        if name.starts_with("seal/") {
            let hash = hash_file(replay.suite().hash(), files, name)?;
            left_out.insert(name.clone(), (hash, *size));
        }
        if name.starts_with("seal/") || name.starts_with(layout::RENEWALS) {
            export.without(name);
        }
    }
    if !left_out.is_empty() {
        export.with(layout::WITHHELD, listed(&left_out).into_bytes());
    }
    write_tar(&export, out)?;
    Ok(left_out.len())
}
