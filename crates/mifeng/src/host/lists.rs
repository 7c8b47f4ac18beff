//! Revocation lists that come in while a tender runs, and time stamps, which they must not undo.

use super::Host;
use super::export::{assemble, evidence};
use crate::bundle::Assembly;
use crate::store::Store;
use crate::trustee::{stamp, stamps};
use crate::{Error, Replay, layout};
use mifeng_crypto::{Digest, Entropy, Time};
use mifeng_log::Note;
use mifeng_pki::RevocationList;
use mifeng_tender::{CrlTake, Trust};
use std::collections::BTreeSet;

impl<S: Store> Host<S> {
    /// Adds a revocation list, which is evidence from now on.
    ///
    /// # Errors
    /// [`Error::Pki`] if it is none; [`Error::Failed`] if it is an older issue than one that is held, or would undo a
    /// stored time stamp (then it must come by record); [`Error::Unavailable`] if the store failed.
    pub fn add_crl(&mut self, der: &[u8]) -> Result<(), Error> {
        self.require_not_archived()?;
        let list = RevocationList::parse(der)?;
        self.check_crl(der)?;
        self.put(&layout::crl(&self.suite().hash().digest(der)), der)?;
        self.replay.crls.push(list);
        Ok(())
    }

    /// As [`Host::add_crl`] where the list undoes nothing that was accepted; else takes it in by a record of its
    /// own, from which on it counts. The instant from which it counts, if a record says so.
    ///
    /// # Errors
    /// As [`Host::add_crl`]; [`Error::Unavailable`] before the notice, if the list would undo something.
    pub fn take_crl(
        &mut self,
        der: &[u8],
        now: Time,
        entropy: &mut dyn Entropy,
    ) -> Result<Option<Time>, Error> {
        let refused = match self.add_crl(der) {
            Ok(()) => return Ok(None),
            Err(e @ (Error::Failed { .. } | Error::Unavailable { .. })) => e,
            Err(e) => return Err(e),
        };
        if self.replay.state.notice().is_none() {
            return Err(refused);
        }
        let list = RevocationList::parse(der)?;
        self.check_stamps_with(&list, now)?;
        let hash = self.suite().hash().digest(der);
        let record = self.draft("crl.take", &CrlTake { list: hash }, now, entropy)?;
        // The file before the record that names it; without one it counts for nothing.
        self.put(&layout::crl_taken(&hash), der)?;
        self.replay.expect_list(hash, list);
        self.submit(record, None, now)?;
        Ok(self.replay.state.crls_taken().get(&hash).copied())
    }

    /// A list that would undo what was accepted, records or time stamps, comes too late to be taken: all of it
    /// must hold with the list too. The next one, issued after those, will be taken.
    fn check_crl(&self, der: &[u8]) -> Result<(), Error> {
        if !self.pending.is_empty() {
            return Err(Error::Unavailable {
                what: "revocation list".to_owned(),
                detail: "records wait for their beat: try again after it".to_owned(),
            });
        }
        let mut assembly = Assembly::new(&self.store);
        let head = self.head()?;
        assemble(
            &mut assembly,
            &self.store,
            &self.replay.entries,
            &self.beats,
            &head,
            true,
            None,
            &evidence(&self.store)?,
        )?;
        assembly.add(layout::crl(&self.suite().hash().digest(der)), der.to_vec());
        stamps(&Replay::of(&assembly)?, &assembly).map(|_| ())
    }

    /// A record is for ever: the stored time stamps must hold with a list that counts from `now`. They do, but for
    /// one whose authority's clock is ahead.
    fn check_stamps_with(&self, list: &RevocationList, now: Time) -> Result<(), Error> {
        let mut crls = self.replay.crls.clone();
        crls.push(list.clone().counting_from(now));
        let trust = Trust {
            crls: &crls,
            ..self.replay.trust()
        };
        let heads = self.head_texts()?;
        let stored = self.store.list("tsr/").map_err(|e| Error::io("tsr/", &e))?;
        for (name, _) in stored {
            let token = self.store.read(&name).map_err(|e| Error::io(&*name, &e))?;
            let token = token.unwrap_or_default();
            if let Err(e) = stamp(&token, &heads, &self.replay.state, &trust) {
                return Err(Error::Unavailable {
                    what: "revocation list".to_owned(),
                    detail: format!(
                        "with it {name} would not hold ({e}): try again in a few minutes"
                    ),
                });
            }
        }
        Ok(())
    }

    /// The hashes of the texts of all stored heads: what time stamps are over.
    pub(super) fn head_texts(&self) -> Result<BTreeSet<Digest>, Error> {
        let stored = self.store.list(layout::HEADS);
        let stored = stored.map_err(|e| Error::io(layout::HEADS, &e))?;
        let text = |(name, _): (String, u64)| {
            let note = self.store.read(&name).map_err(|e| Error::io(&*name, &e))?;
            let note = Note::parse(&note.unwrap_or_default())?;
            Ok(self.suite().hash().digest(note.text().as_bytes()))
        };
        stored.into_iter().map(text).collect()
    }
}
