//! What a backup has of a tender beside its files: what was granted, and what was refused.
//!
//! Who signed in is not in it, nor the key by which the host knows its own tokens: whoever reads a copy could make some, an older
//! list would begin again what somebody ended, and all of it is over after two hours anyway.

use crate::access::{GRANTS, JOURNAL, RunningGrant, joined, running_grants, word_fault};
use crate::house::WORK;
use crate::lines;
use crate::lists::{self, FileLists};
use mifeng::Error;
use mifeng::crypto::{Suite, Time};
use mifeng_access::check_journal;
use mifeng_store::{Entry, Lists};
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
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

/// What was put back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PutBack {
    /// Grants count as they did when the copy was made: one that was ended since begins again. Not where the list that is there
    /// goes on from the copy's.
    pub older_grants: bool,
}

/// A list of a backup, held against the one that is there.
struct Missing<'a> {
    list: &'a str,
    /// Entries that are there.
    next: usize,
    /// Those that are not.
    lines: Vec<&'a [u8]>,
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
        let all = folder.parent().unwrap_or(folder);
        if let Some(house) = all.parent() {
            std::fs::create_dir_all(house)?;
        }
        for made in [all, folder] {
            // As the host itself does: they are for nobody else on this machine. One that is there is somebody's.
            match DirBuilder::new().mode(0o700).create(made) {
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                done => done?,
            }
            lines::sync_folder(made)?;
        }
        Ok(())
    }

    /// Where a list is, for whoever has to look at it.
    fn place(&self, list: &str) -> String {
        match &self.folder {
            Some(folder) => folder.join(list).display().to_string(),
            None => format!("table mifeng_list, tender {}, list {list}", self.tender),
        }
    }

    /// A list, and whether its last line is cut off. Nothing is changed: what is looked at may be evidence.
    fn read(&self, list: &str) -> Result<(Vec<Entry>, bool), Error> {
        let read = match &self.folder {
            Some(folder) => lines::look(&folder.join(list))
                .map(|(lines, is_torn)| (lists::entries(&lines, 0), is_torn)),
            None => {
                let entries = self.lists.read(&self.tender, list, 0);
                entries.map(|entries| (entries, false))
            }
        };
        read.map_err(|e| failed(list, &e))
    }

    /// The lists as a backup has them, one line an entry.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; [`Error::Malformed`] for an entry that is no line.
    pub fn copy(&self) -> Result<Vec<(&'static str, Vec<u8>)>, Error> {
        let mut copies = Vec::with_capacity(COPIED.len());
        for list in COPIED {
            let (entries, _) = self.read(list)?;
            if let Some((number, _)) = entries.iter().find(|(_, entry)| entry.contains(&b'\n')) {
                return Err(bad(list, &format!("entry {number} is more than one line")));
            }
            copies.push((list, joined(&entries)));
        }
        Ok(copies)
    }

    /// Puts the lists of a backup back, each with its name; all are looked at before one is put. Where one is there already, or
    /// goes on from there, it stays: what was granted and ended after the copy counts. So it can be done again.
    ///
    /// # Errors
    /// [`Error::Malformed`] if another list is there, with nothing changed; [`Error::Unavailable`].
    pub fn put_back(&self, copy: &[(String, Vec<u8>)]) -> Result<PutBack, Error> {
        let looked = copy
            .iter()
            .map(|(list, content)| self.missing(list, content));
        let looked = looked.collect::<Result<Vec<_>, _>>()?;
        let mut done = PutBack::default();
        for missing in &looked {
            self.put(missing)?;
        }
        for ((list, content), missing) in copy.iter().zip(&looked) {
            let count = content.iter().filter(|byte| **byte == b'\n').count();
            let goes_on = missing.next > count;
            done.older_grants |= list == GRANTS && count > 0 && !goes_on;
        }
        Ok(done)
    }

    /// What of a list is not there, if what is there is the beginning of it, or goes on from it.
    fn missing<'a>(&self, list: &'a str, content: &'a [u8]) -> Result<Missing<'a>, Error> {
        if !COPIED.contains(&list) {
            return Err(bad(list, &format!("expected one of {}", COPIED.join(", "))));
        }
        let lines: Vec<&[u8]> = match content.strip_suffix(b"\n") {
            Some(lines) => lines.split(|byte| *byte == b'\n').collect(),
            None if content.is_empty() => Vec::new(),
            None => return Err(bad(list, "its last line is cut off")),
        };
        let (there, _) = self.read(list)?;
        let same = there.iter().map(|(_, entry)| entry.as_slice());
        let differs = same.zip(&lines).any(|(there, line)| there != *line);
        // From an empty one anything goes on, another tender's list too.
        if differs || lines.is_empty() && !there.is_empty() {
            let place = self.place(list);
            let detail = format!(
                "another one is there ({place}); expected none, or one that goes on from the backup's; nothing was changed. Keep it \
                 elsewhere, remove it there and restore again; if it is this tender's own, put it back before the host starts"
            );
            return Err(bad(list, &detail));
        }
        Ok(Missing {
            list,
            next: there.len(),
            lines: lines.get(there.len()..).unwrap_or_default().to_vec(),
        })
    }

    fn put(&self, missing: &Missing<'_>) -> Result<(), Error> {
        let (list, mut next) = (missing.list, missing.next);
        if !missing.lines.is_empty() {
            self.make_folder().map_err(|e| failed(list, &e))?;
        }
        for lines in missing.lines.chunks(AT_ONCE) {
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

    /// Grants that run at this time, as the list tells.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub fn running(
        &self,
        of: (&'static Suite, &str),
        now: Time,
    ) -> Result<Vec<RunningGrant>, Error> {
        let (grants, _) = self.read(GRANTS)?;
        let entries = grants.iter().map(|(_, entry)| entry);
        Ok(running_grants(entries, of, now))
    }

    /// Holds the journal against its chain and the grants against their signatures.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; what is wrong with a list is no error but a finding.
    pub fn check(&self, suite: &'static Suite, origin: &str) -> Result<BesideCheck, Error> {
        let (grants, grants_torn) = self.read(GRANTS)?;
        let (journal, journal_torn) = self.read(JOURNAL)?;
        let mut found = BesideCheck {
            grants: grants.len(),
            refusals: journal.len(),
            findings: Vec::new(),
        };
        for (list, is_torn) in [(GRANTS, grants_torn), (JOURNAL, journal_torn)] {
            if is_torn {
                let why = "its last line is cut off; the host removes it when it starts";
                found.findings.push((list.to_owned(), why.to_owned()));
            }
        }
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
