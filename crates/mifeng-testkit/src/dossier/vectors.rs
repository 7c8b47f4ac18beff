//! Broken dossiers as vectors: each as the bytes in which it differs from a valid one.

use super::later::{self, broken_later};
use super::{Broken, Lock, anchored, answered, broken, locked};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use mifeng::crypto::{GM, INTL};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path;

/// `manifest.json` of `test-vectors/dossier`.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Files that must be valid.
    pub valid: Vec<String>,
    /// What is wrong in one way each.
    pub cases: Vec<Case>,
}

/// One broken dossier.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What is wrong.
    pub name: String,
    /// The check that must fail, the first one that does.
    pub check: String,
    /// The code of the failure in this implementation.
    pub code: String,
    /// The valid file that it is made from.
    pub of: String,
    /// How, in the order of their places in the valid file.
    pub splices: Vec<Splice>,
}

/// Bytes of the valid file, replaced.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Splice {
    /// Where.
    pub at: usize,
    /// How many bytes are taken out.
    pub cut: usize,
    /// What comes in their place, in base64.
    pub put: String,
}

/// A receipt held against a valid dossier: a line of `receipts.json`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptCase {
    /// What it is.
    pub name: String,
    /// The dossier.
    pub of: String,
    /// The receipt file, in base64; its record is in the dossier.
    pub receipt: String,
    /// The code of the failure; none if it holds.
    pub code: Option<String>,
}

/// Blocks in which two archives are compared.
const BLOCK: usize = 512;

/// What turns `old` into `new`, in the order of places, block by block.
pub(crate) fn splices(old: &[u8], new: &[u8]) -> Vec<Splice> {
    let (from, to): (Vec<&[u8]>, Vec<&[u8]>) =
        (old.chunks(BLOCK).collect(), new.chunks(BLOCK).collect());
    let (mut i, mut j) = (0, 0);
    let mut found = Vec::new();
    while i < from.len() || j < to.len() {
        if i < from.len() && j < to.len() && from[i] == to[j] {
            (i, j) = (i + 1, j + 1);
            continue;
        }
        let (next_i, next_j) = meet(&from, &to, (i, j));
        found.push(Splice {
            at: i * BLOCK,
            cut: from[i..next_i].concat().len(),
            put: BASE64_STANDARD.encode(to[j..next_j].concat()),
        });
        (i, j) = (next_i, next_j);
    }
    found
}

/// The nearest places from which on both are the same for two blocks, or both ends.
fn meet(from: &[&[u8]], to: &[&[u8]], (i, j): (usize, usize)) -> (usize, usize) {
    let (most_i, most_j) = (from.len() - i, to.len() - j);
    for distance in 1..most_i + most_j {
        for di in distance.saturating_sub(most_j)..=distance.min(most_i) {
            let (a, b) = (i + di, j + distance - di);
            if a + 1 < from.len() && b + 1 < to.len() && from[a..=a + 1] == to[b..=b + 1] {
                return (a, b);
            }
        }
    }
    (from.len(), to.len())
}

/// The broken file; `None` if the splices are not of this one.
pub(crate) fn spliced(valid: &[u8], splices: &[Splice]) -> Option<Vec<u8>> {
    let (mut out, mut at) = (Vec::new(), 0);
    for splice in splices {
        out.extend(valid.get(at..splice.at)?);
        out.extend(BASE64_STANDARD.decode(&splice.put).ok()?);
        at = splice.at.checked_add(splice.cut)?;
    }
    out.extend(valid.get(at..)?);
    Some(out)
}

impl Case {
    /// The broken file; `None` if the splices are not of this one.
    pub fn apply(&self, valid: &[u8]) -> Option<Vec<u8>> {
        spliced(valid, &self.splices)
    }
}

/// Takes the cases made from one valid file into the manifest.
fn add(
    manifest: &mut Manifest,
    wrong: &mut Vec<String>,
    (of, valid): (String, &[u8]),
    cases: Vec<Broken>,
) {
    for case in cases {
        let found = crate::flip::failed_check(case.tar.as_slice());
        let (check, code) = found.unwrap_or_default();
        if check != case.check {
            wrong.push(format!(
                "{of} {}: {} expected, {check} {code}",
                case.name, case.check
            ));
        }
        manifest.cases.push(Case {
            name: case.name.to_owned(),
            check,
            code,
            of: of.clone(),
            splices: splices(valid, &case.tar),
        });
    }
    manifest.valid.push(of);
}

/// Writes the valid dossiers and the manifest of the broken ones.
///
/// # Errors
/// What the system says; and if a case does not fail the check that it was made for.
pub fn write_vectors(folder: &Path) -> io::Result<Manifest> {
    std::fs::create_dir_all(folder)?;
    let mut manifest = Manifest::default();
    let mut receipts = Vec::new();
    let mut wrong = Vec::new();
    for suite in [&INTL, &GM] {
        for lock in Lock::ALL {
            let name = format!("{}-{}.tar", suite.id(), lock.name());
            std::fs::write(folder.join(&name), export(&locked(suite, lock))?)?;
            manifest.valid.push(name);
        }
        let moved = super::postponed::postponed(suite);
        let cases_of_moved = super::postponed::broken(suite, &moved);
        let (whole, cases) = broken(suite);
        let public = later::public(suite);
        let renewed = later::renewed(suite, &whole);
        let (of_public, of_renewed) = broken_later(suite, &public, &renewed);
        let anchored = anchored::all(suite, &whole);
        let answered = answered::all(suite, &renewed);
        let first = super::commit_first::commit_first(suite);
        let of_first = format!("{}-commit-first.tar", suite.id());
        receipts.extend(super::commit_first::receipts(suite, &of_first));
        let cases_of_first = super::commit_first::broken(suite, &first);
        let taken = super::taken::all(suite);
        let asked = super::asked::asked(suite);
        let of_asked = super::asked::broken(suite, &asked);
        let amended = super::amended::amended(suite);
        let of_amended = super::amended::broken(suite, &amended);
        let lots = super::lots::all(suite);
        let all: [(&str, &[u8], Vec<Broken>); 11] = [
            ("-anchored", &anchored.tar, anchored.broken),
            ("", &whole, cases),
            ("-postponed", &moved, cases_of_moved),
            ("-public", &public, of_public),
            ("-renewed", &renewed, of_renewed),
            ("-renewed-ocsp", &answered.tar, answered.broken),
            ("-commit-first", &first, cases_of_first),
            ("-ocsp-taken", &taken.tar, taken.broken),
            ("-asked", &asked, of_asked),
            ("-amended", &amended, of_amended),
            ("-lots", &lots.tar, lots.broken),
        ];
        for (end, valid, cases) in all {
            let of = format!("{}{end}.tar", suite.id());
            std::fs::write(folder.join(&of), valid)?;
            if let Some(found) = crate::flip::failed_check(valid) {
                wrong.push(format!("{of}: valid expected, {found:?}"));
            }
            add(&mut manifest, &mut wrong, (of, valid), cases);
        }
    }

    if !wrong.is_empty() {
        return Err(io::Error::other(wrong.join("\n")));
    }
    write_json(&folder.join("receipts.json"), &receipts)?;
    write_json(&folder.join("manifest.json"), &manifest)?;
    Ok(manifest)
}

fn write_json<T: Serialize>(path: &Path, value: &T) -> io::Result<()> {
    let mut text = serde_json::to_string_pretty(value).map_err(io::Error::other)?;
    text.push('\n');
    std::fs::write(path, text)
}

/// What anybody may read of a dossier: all but the sealed bids.
pub(super) fn export(dossier: &[u8]) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    mifeng::public_export(&crate::world::Parts::of_tar(dossier), &mut out)
        .map_err(|e| io::Error::other(e.to_string()))?;
    Ok(out)
}
