//! Copies of an anchor log: what witnesses put under its heads stays in a copy, whatever the host shows later.

use super::Anchors;
use crate::bundle::Files;
use crate::dossier::{Overlay, write_tar};
use crate::{Error, layout};
use mifeng_log::{Note, Signature, SignedCheckpoint};

impl Anchors {
    /// Writes this copy, which `files` are, with the lines that an earlier one has under its heads and this one lacks; false
    /// if it lacks none, and nothing is written. Where a head has no room for all the earlier ones stay.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if it cannot be read or written.
    pub fn join(
        &self,
        earlier: &Anchors,
        files: &dyn Files,
        out: &mut dyn std::io::Write,
    ) -> Result<bool, Error> {
        let mut joined = Overlay::over(files);
        let mut lacks = false;
        for old in &earlier.cosigned {
            let size = old.checkpoint().size();
            let same = |head: &&SignedCheckpoint| head.checkpoint().size() == size;
            let new = self.cosigned.iter().find(same).map(|head| head.note());
            if new.is_some_and(|new| has_all(new, old.note())) {
                continue;
            }
            lacks = true;
            let mut note = old.note().clone();
            // A line says something of its own text alone.
            let new = new.filter(|new| new.text() == note.text());
            for line in new.into_iter().flat_map(Note::signatures) {
                // The same witness again, or no room.
                let _ = note.add(line.clone());
            }
            joined.with(&layout::head(size), note.to_text().into_bytes());
        }
        if lacks {
            write_tar(&joined, out)?;
        }
        Ok(lacks)
    }
}

fn has_all(note: &Note, of: &Note) -> bool {
    let there = |line: &Signature| note.signatures().contains(line);
    note.text() == of.text() && of.signatures().iter().all(there)
}
