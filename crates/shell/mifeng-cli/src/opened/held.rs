//! What a host gives as an opened bid, held against the manifest that the log names: nothing else, nothing more, nothing less.

use super::due::{Due, DueBid};
use super::{OpenedFile, below, no_place};
use crate::ui::{Failure, Outcome};
use mifeng::crypto::{Digest, HashAlg};
use mifeng::envelope::{FileEntry, Manifest, RootHasher, WORKERS};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The file of a bid that lists the others.
pub(super) const MANIFEST: &str = "manifest.json";
/// Bytes that are hashed between two reads.
const PIECE: usize = 1 << 20;

/// What a file must be.
pub(super) struct Content {
    hash: Digest,
    pub(super) size: u64,
}

impl Content {
    /// Holds what came against it.
    pub(super) fn require(&self, alg: HashAlg, path: &str, came: &Path) -> Outcome {
        let at = |e: std::io::Error| Failure::io(came, &e);
        let mut file = File::open(came).map_err(at)?;
        let mut hasher = RootHasher::new(alg, WORKERS);
        let (mut buffer, mut size) = (vec![0; PIECE], 0);
        loop {
            let len = file.read(&mut buffer).map_err(at)?;
            if len == 0 {
                break;
            }
            hasher.update(&buffer[..len])?;
            size += len as u64;
        }
        let found = hasher.finish()?;
        match found == self.hash && size == self.size {
            true => Ok(()),
            false => Err(differs(path, (&self.hash, self.size), (&found, size))),
        }
    }
}

/// A bid whose manifest is the one that the log names.
pub(super) struct Held {
    folder: String,
    bytes: Vec<u8>,
    /// By path, as addresses have it.
    files: Vec<(String, Content)>,
}

impl Held {
    /// Believes a manifest if it has the hash that the log has.
    pub(super) fn parse(alg: HashAlg, bid: &DueBid, bytes: Vec<u8>) -> Result<Self, Failure> {
        let found = alg.digest(&bytes);
        if found != bid.manifest {
            let path = format!("{}/{MANIFEST}", bid.folder);
            let (expected, size) = (&bid.manifest, bytes.len());
            return Err(refused(
                "opened.differs",
                format!(
                    "{path}：日志 bid.open 所载清单的摘要为 {expected}，平台给出的是 {found}（{size} B）"
                ),
                format!(
                    "{path}: expected {expected}, which bid.open in the log names, the host sent {found} ({size} B)"
                ),
            ));
        }
        let manifest = Manifest::parse(&bytes)?;
        let named = |entry: FileEntry| {
            let (hash, size) = (entry.hash, entry.size);
            (
                format!("{}/{}", bid.folder, entry.path),
                Content { hash, size },
            )
        };
        Ok(Held {
            folder: bid.folder.clone(),
            files: manifest.files.into_iter().map(named).collect(),
            bytes,
        })
    }

    pub(super) fn path_of(&self, name: &str) -> String {
        format!("{}/{name}", self.folder)
    }

    pub(super) fn manifest(&self) -> &[u8] {
        &self.bytes
    }

    /// Its files, but those that no host gives out.
    pub(super) fn files(&self) -> impl Iterator<Item = &(String, Content)> {
        self.files.iter().filter(|(path, _)| !is_unserved(path))
    }

    /// Files that no host gives out.
    pub(super) fn unserved(&self) -> impl Iterator<Item = &str> {
        let unserved = self.files.iter().filter(|(path, _)| is_unserved(path));
        unserved.map(|(path, _)| &**path)
    }
}

/// What is not finished has a name with a dot in front on a host, and is not given out; nor is a bid's file of such a name.
fn is_unserved(path: &str) -> bool {
    path.split('/').any(|part| part.starts_with('.'))
}

/// What the host lists, by the folders of the bids.
pub(super) struct Listed(BTreeMap<String, BTreeSet<String>>);

impl Listed {
    pub(super) fn of(files: Vec<OpenedFile>) -> Result<Self, Failure> {
        let mut listed = BTreeMap::<String, BTreeSet<String>>::new();
        for OpenedFile { path } in files {
            below(Path::new(""), &path).ok_or_else(|| no_place(&path))?;
            let mut slashes = path.match_indices('/').map(|(at, _)| at);
            let end = slashes.nth(1).ok_or_else(|| no_place(&path))?;
            let folder = path[..end].to_owned();
            listed.entry(folder).or_default().insert(path);
        }
        Ok(Listed(listed))
    }

    pub(super) fn has(&self, folder: &str) -> bool {
        self.0.contains_key(folder)
    }

    /// What a bidder may read of its own the host lists: what it leaves out it does not give either.
    pub(super) fn require_all(&self, due: &Due) -> Outcome {
        let mut unlisted = due.bids.iter().filter(|bid| !self.has(&bid.folder));
        match unlisted.next() {
            Some(bid) if due.own_only => Err(not_given(&bid.folder)),
            _ => Ok(()),
        }
    }

    /// No bid that the log does not say opened.
    pub(super) fn require_none_beside(&self, due: &Due) -> Outcome {
        let due: BTreeSet<&str> = due.bids.iter().map(|bid| &*bid.folder).collect();
        let mut beside = self.0.keys().filter(|folder| !due.contains(&***folder));
        match beside.next() {
            None => Ok(()),
            Some(folder) => Err(refused(
                "opened.surplus",
                format!("平台列出 {folder}，日志中没有这份已开标的投标"),
                format!("the host lists {folder}, and the log has no such opened bid"),
            )),
        }
    }

    /// No file of a bid that its manifest does not name.
    pub(super) fn require(&self, held: &Held) -> Outcome {
        let listed = self.0.get(&held.folder).into_iter().flatten();
        let manifest = held.path_of(MANIFEST);
        let named: BTreeSet<&str> = held.files.iter().map(|(path, _)| &**path).collect();
        let mut surplus = listed.filter(|path| **path != manifest && !named.contains(&***path));
        match surplus.next() {
            None => Ok(()),
            Some(path) => Err(refused(
                "opened.surplus",
                format!("平台列出 {path}，日志所载清单中没有这个文件"),
                format!("the host lists {path}, which the bid's manifest in the log does not name"),
            )),
        }
    }
}

/// What the host has not is missing; anything else is as it says.
pub(super) fn missing(path: &str, no: Failure) -> Failure {
    if no.code != "access.no-file" {
        return no;
    }
    not_given(path)
}

fn not_given(path: &str) -> Failure {
    refused(
        "opened.missing",
        format!("{path}：日志所载，平台没有给出"),
        format!("{path}: the log has it, the host does not give it"),
    )
}

fn differs(path: &str, expected: (&Digest, u64), found: (&Digest, u64)) -> Failure {
    let ((expected, size), (found, len)) = (expected, found);
    refused(
        "opened.differs",
        format!("{path}：日志所载清单为 {expected}（{size} B），平台给出的是 {found}（{len} B）"),
        format!(
            "{path}: expected {expected} ({size} B), as the bid's manifest in the log has it, the host sent {found} ({len} B)"
        ),
    )
}

fn refused(code: &str, zh: String, en: String) -> Failure {
    let mut failure = Failure::refused(code, en);
    failure.zh = Some(zh);
    failure
}
