//! What a backup has of a tender beside its files: what was granted, and what was refused.
//!
//! Who signed in is not in it, nor the key by which the host knows its own tokens: whoever reads a copy could make some, an older
//! list would begin again what somebody ended, and all of it is over after two hours anyway.

use crate::access::{GRANTS, JOURNAL, joined, word_fault};
use crate::house::WORK;
use crate::lines;
use crate::lists::FileLists;
use mifeng::Error;
use mifeng::crypto::Suite;
use mifeng_access::check_journal;
use mifeng_store::{Entry, Lists};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The lists that a backup has, by the names that they have in it.
const COPIED: [&str; 2] = [GRANTS, JOURNAL];
/// Entries that are put back in one transaction.
const AT_ONCE: usize = 4_096;

/// The lists of one tender, in whatever keeps them.
pub struct Beside {
    lists: Arc<dyn Lists>,
    tender: String,
    /// Of a house of folders: where they lie.
    folder: Option<PathBuf>,
}

/// What was looked at in lists, and what is wrong with them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BesideCheck {
    /// Records that grant something, or end it.
    pub grants: usize,
    /// Lines of the journal of refusals.
    pub refusals: usize,
    /// Lists that are not what they should be, and why.
    pub findings: Vec<(String, String)>,
}

fn failed(list: &str, error: &io::Error) -> Error {
    Error::Unavailable {
        what: list.to_owned(),
        detail: error.to_string(),
    }
}

fn bad(list: &str, detail: &str) -> Error {
    Error::Malformed {
        what: "backup",
        detail: format!("{list}: {detail}"),
    }
}

impl Beside {
    /// Those in a database.
    pub fn new(lists: Arc<dyn Lists>, tender: &str) -> Self {
        Beside {
            lists,
            tender: tender.to_owned(),
            folder: None,
        }
    }

    /// Those of a tender in a folder of a house: the working folder beside it has them.
    pub fn of_house(house: &Path, tender: &str) -> Self {
        let work = house.join(WORK);
        Beside {
            lists: Arc::new(FileLists::new(&work)),
            tender: tender.to_owned(),
            folder: Some(work.join(tender)),
        }
    }

    /// Of a house of folders: where they lie.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// The host makes its working folder when it starts, and a restore comes before that.
    fn make_folder(&self) -> io::Result<()> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        std::fs::create_dir_all(folder)?;
        lines::sync_folder(folder)?;
        if let Some(all) = folder.parent() {
            // As the host itself does: they are for nobody else on this machine.
            std::fs::set_permissions(all, std::fs::Permissions::from_mode(0o700))?;
            lines::sync_folder(all)?;
        }
        Ok(())
    }

    fn read(&self, list: &str) -> Result<Vec<Entry>, Error> {
        let read = self.lists.read(&self.tender, list, 0);
        read.map_err(|e| failed(list, &e))
    }

    /// The lists as a backup has them, one line an entry.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; [`Error::Malformed`] for an entry that is no line.
    pub fn copy(&self) -> Result<Vec<(&'static str, Vec<u8>)>, Error> {
        let mut copies = Vec::with_capacity(COPIED.len());
        for list in COPIED {
            let entries = self.read(list)?;
            if let Some((number, _)) = entries.iter().find(|(_, entry)| entry.contains(&b'\n')) {
                return Err(bad(list, &format!("entry {number} is more than one line")));
            }
            copies.push((list, joined(&entries)));
        }
        Ok(copies)
    }

    /// Puts a list of a backup back. Where it is there already, or goes on from there, it stays: what was granted and ended
    /// after the copy counts. So it can be done again.
    ///
    /// # Errors
    /// [`Error::Malformed`] if another list is there, which stays as it is; [`Error::Unavailable`].
    pub fn put_back(&self, list: &str, content: &[u8]) -> Result<(), Error> {
        if !COPIED.contains(&list) {
            return Err(bad(list, &format!("expected one of {}", COPIED.join(", "))));
        }
        let lines: Vec<&[u8]> = match content.strip_suffix(b"\n") {
            Some(lines) => lines.split(|byte| *byte == b'\n').collect(),
            None if content.is_empty() => Vec::new(),
            None => return Err(bad(list, "its last line is cut off")),
        };
        let there = self.read(list)?;
        let same = there.iter().map(|(_, entry)| entry.as_slice());
        if same.zip(&lines).any(|(there, line)| there != *line) {
            let detail = "another one is there, which was not changed; expected none, or one that goes on from the backup's";
            return Err(bad(list, detail));
        }
        let mut next = there.len();
        let missing = lines.get(next..).unwrap_or_default();
        if !missing.is_empty() {
            self.make_folder().map_err(|e| failed(list, &e))?;
        }
        for lines in missing.chunks(AT_ONCE) {
            let entries: Vec<Vec<u8>> = lines.iter().map(|line| line.to_vec()).collect();
            let added = self.lists.add(&self.tender, list, next as u64, &entries);
            if !added.map_err(|e| failed(list, &e))? {
                return Err(bad(
                    list,
                    "somebody else adds to it: expected a host that is stopped",
                ));
            }
            next += entries.len();
        }
        Ok(())
    }

    /// Holds the journal against its chain and the grants against their signatures.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; what is wrong with a list is no error but a finding.
    pub fn check(&self, suite: &'static Suite, origin: &str) -> Result<BesideCheck, Error> {
        let (grants, journal) = (self.read(GRANTS)?, self.read(JOURNAL)?);
        let mut found = BesideCheck {
            grants: grants.len(),
            refusals: journal.len(),
            findings: Vec::new(),
        };
        for (number, entry) in &grants {
            if let Some(why) = word_fault(entry, (suite, origin)) {
                let name = format!("{GRANTS}, line {}", number + 1);
                found.findings.push((name, why));
            }
        }
        if let Err(e) = check_journal(&joined(&journal)) {
            let name = format!("{JOURNAL}, line {}", e.line);
            found.findings.push((name, e.detail));
        }
        Ok(found)
    }
}
