//! Writing the journal of refusals: one chain of all replicas' lines.

use super::{Access, End, Ends, JOURNAL, TRIES, crowded, joined, len_of, strangers_len_of};
use crate::limits::{JOURNAL_LEN_MAX, JOURNAL_STRANGERS_MAX};
use mifeng::crypto::Time;
use mifeng_access::Due;
use std::io;

/// Lines whose answer was lost, and the list could not be read after it.
pub(super) struct Doubt {
    next: u64,
    lines: Vec<Vec<u8>>,
    due: Due,
}

impl Access {
    /// Writes the lines that are due, or all that there is to write.
    ///
    /// # Errors
    /// What the system says: then they are due again.
    pub(crate) fn write_down(&self, now: Time, all: bool) -> io::Result<()> {
        let ends = &mut *self.ends();
        self.settle(ends)?;
        let due = {
            let mut inner = self.inner();
            // A journal that is full goes on as a count: one line a minute at most.
            if ends.journal_len >= JOURNAL_LEN_MAX {
                inner.journal.fold();
            } else if ends.strangers_len >= JOURNAL_STRANGERS_MAX {
                inner.journal.fold_strangers();
            }
            inner.journal.take_due(now, all)
        };
        if due.is_empty() {
            return Ok(());
        }
        let written = self.write(ends, &due);
        if written.is_err() {
            match &mut ends.doubt {
                Some(doubt) => doubt.due = due,
                None => self.inner().journal.take_back(due),
            }
        }
        written
    }

    /// Looks whether the lines in doubt are there; what is not is due again.
    fn settle(&self, ends: &mut Ends) -> io::Result<()> {
        let Some(doubt) = &ends.doubt else {
            return Ok(());
        };
        let is_there = self.is_there(doubt.next, &doubt.lines)?;
        if let (Some(doubt), false) = (ends.doubt.take(), is_there) {
            self.inner().journal.take_back(doubt.due);
        }
        Ok(())
    }

    /// Adds lines behind those of all replicas: they are one chain.
    fn write(&self, ends: &mut Ends, due: &Due) -> io::Result<()> {
        for _ in 0..TRIES {
            self.learn_journal(ends)?;
            let (lines, last) = due.lines(ends.journal.last);
            let next = ends.journal.next;
            let added = self.lists.add(&self.tender, JOURNAL, next, &lines);
            // It may be the answer that was lost, and not the lines: they count once.
            let added = added.or_else(|e| match self.is_there(next, &lines) {
                Ok(true) => Ok(true),
                Ok(false) => Err(e),
                Err(_) => {
                    let (lines, due) = (lines.clone(), Due::default());
                    ends.doubt = Some(Doubt { next, lines, due });
                    Err(e)
                }
            });
            if added? {
                let next = next + lines.len() as u64;
                ends.journal = End { next, last };
                ends.journal_len += len_of(&lines);
                ends.strangers_len += strangers_len_of(&lines);
                return Ok(());
            }
        }
        Err(crowded())
    }

    /// Whether the journal has these lines from `next` on.
    fn is_there(&self, next: u64, lines: &[Vec<u8>]) -> io::Result<bool> {
        let found = self.lists.read(&self.tender, JOURNAL, next)?;
        let found = found.iter().map(|(_, line)| line);
        Ok(found.take(lines.len()).eq(lines))
    }

    /// The whole journal.
    pub(crate) fn journal(&self, now: Time) -> io::Result<Vec<u8>> {
        self.write_down(now, true)?;
        Ok(joined(&self.lists.read(&self.tender, JOURNAL, 0)?))
    }
}
