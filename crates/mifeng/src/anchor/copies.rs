//! Copies of an anchor log: what witnesses put under its heads stays in a copy, whatever the host shows later.

use super::{AnchorWitnesses, Anchors};
use crate::bundle::Files;
use crate::dossier::{Overlay, write_tar};
use crate::{Error, layout};
use mifeng_log::{Note, Signature, SignedCheckpoint};

impl Anchors {
    /// Whether an earlier copy has lines under its heads that this one lacks, as [`join`](Anchors::join) sees it.
    ///
    /// # Errors
    /// [`Error::Log`] for a head that is no note.
    pub fn lacks(&self, earlier: &Anchors, known: &AnchorWitnesses) -> Result<bool, Error> {
        Ok(!self.lacking(earlier, known)?.is_empty())
    }

    /// Writes this copy, which `files` are, with the lines that an earlier one has under its heads and this one lacks; false
    /// if it lacks none, and nothing is written. False lines of `known` witnesses are not kept, and the true ones have
    /// room first; where a head has no room for all others the earlier ones stay.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if it cannot be read or written; [`Error::Log`] for a head that is no note.
    pub fn join(
        &self,
        earlier: &Anchors,
        known: &AnchorWitnesses,
        files: &dyn Files,
        out: &mut dyn std::io::Write,
    ) -> Result<bool, Error> {
        let lacking = self.lacking(earlier, known)?;
        if lacking.is_empty() {
            return Ok(false);
        }
        let mut joined = Overlay::over(files);
        for (name, note) in lacking {
            joined.with(&name, note.to_text().into_bytes());
        }
        write_tar(&joined, out)?;
        Ok(true)
    }

    /// Heads under which this copy lacks lines, by name of their file, with the lines of both.
    fn lacking(
        &self,
        earlier: &Anchors,
        known: &AnchorWitnesses,
    ) -> Result<Vec<(String, Note)>, Error> {
        let mut lacking = Vec::new();
        for old in &earlier.cosigned {
            let size = old.checkpoint().size();
            let same = |head: &&SignedCheckpoint| head.checkpoint().size() == size;
            let new = self.cosigned.iter().find(same).map(|head| head.note());
            let old = old.note();
            // A line says something of its own text alone.
            let same = new.filter(|new| new.text() == old.text());
            let there = same.map_or(&[][..], Note::signatures);
            let is_false = |line: &&Signature| known.judge(old.text(), line) == Some(false);
            let mut kept = old.signatures().iter().filter(|line| !is_false(line));
            if new.is_some() && kept.all(|line| there.contains(line)) {
                continue;
            }
            let lines = old.signatures().iter().chain(there);
            let mut lines: Vec<_> = lines.filter(|line| !is_false(line)).collect();
            let host = self.key.key();
            lines.sort_by_key(|line| {
                let is_own = line.name() == host.name() && line.key_id() == host.id();
                !is_own && known.judge(old.text(), line).is_none()
            });
            let mut note = Note::new(old.text())?;
            for line in lines {
                // The same witness again, or no room.
                let _ = note.add(line.clone());
            }
            lacking.push((layout::head(size), note));
        }
        Ok(lacking)
    }
}
