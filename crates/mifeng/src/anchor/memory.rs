//! What an anchor log is in memory. Whoever opens one again and again keeps that in between: unless somebody else wrote to
//! the log meanwhile, nothing of it is read again, however long it is.

use super::{anchor_key, last, parsed, signed};
use crate::journal::{self, HEAD, Head};
use crate::store::Store;
use crate::{Error, layout};
use mifeng_crypto::{PrivateKey, Suite};
use mifeng_log::{Anchored, LogTree, NoteVerifier, SignedCheckpoint};
use std::collections::BTreeMap;

/// A log as it was read and written: of one key, up to one head.
pub struct AnchorMemory {
    /// Verifier key of the log.
    key: String,
    /// The head as the store has it; none if it is not known to be there as it is here.
    stored: Option<Vec<u8>>,
    pub(super) tree: LogTree,
    pub(super) entries: Vec<Vec<u8>>,
    pub(super) entries_len: u64,
    heads: Vec<Anchored>,
    /// Place of the last head of each tender.
    places: BTreeMap<String, usize>,
    pub(super) head: Option<SignedCheckpoint>,
    /// Heads that witnesses cosigned, as far as they were read: by name in the store.
    cosigned: BTreeMap<String, Vec<u8>>,
}

impl AnchorMemory {
    /// A log without an entry.
    pub(super) fn empty(suite: &'static Suite, origin: &str, key: String) -> Result<Self, Error> {
        Ok(AnchorMemory {
            key,
            stored: None,
            tree: LogTree::new(suite, origin)?,
            entries: Vec::new(),
            entries_len: 0,
            heads: Vec::new(),
            places: BTreeMap::new(),
            head: None,
            cosigned: BTreeMap::new(),
        })
    }

    /// Reads the log whose head is stored like this.
    pub(super) fn read(
        store: &dyn Store,
        (suite, origin): (&'static Suite, &str),
        key: &PrivateKey,
        stored: Vec<u8>,
    ) -> Result<Self, Error> {
        let head = Head::parse(&stored)?;
        let entries = journal::committed(store, &head)?;
        let tree = LogTree::from_entries(suite, origin, &entries)?;
        let key = anchor_key(suite, origin, key)?;
        let verifier = NoteVerifier::parse(&key)?;
        let signed = signed(head.checkpoint.as_bytes(), &verifier, &tree)?;
        let mut memory = AnchorMemory {
            head: Some(last(signed, &tree)?),
            tree,
            entries_len: head.entries_len,
            stored: Some(stored),
            ..AnchorMemory::empty(suite, origin, key)?
        };
        for head in parsed(&entries)? {
            memory.push(head);
        }
        memory.entries = entries;
        Ok(memory)
    }

    /// Whether it is a memory of the log of this key with this head in its store.
    pub(super) fn is_of(&self, key: &str, stored: &[u8]) -> bool {
        self.key == key && self.stored.as_deref() == Some(stored)
    }

    pub(super) fn heads(&self) -> &[Anchored] {
        &self.heads
    }

    pub(super) fn push(&mut self, head: Anchored) {
        self.places
            .insert(head.origin().to_owned(), self.heads.len());
        self.heads.push(head);
    }

    /// Where the last head of the log with this origin is.
    pub(super) fn place(&self, origin: &str) -> Option<usize> {
        self.places.get(origin).copied()
    }

    /// An entry of our own: which bytes the store has for the head is looked up when it is left.
    pub(super) fn grown(&mut self, head: SignedCheckpoint) {
        (self.head, self.stored) = (Some(head), None);
    }

    /// What is kept of it when its store is left: nothing, unless the store has its head.
    pub(super) fn left(mut self, store: &dyn Store) -> Option<Self> {
        if self.stored.is_none() {
            let stored = store.read(HEAD).ok()??;
            let head = Head::parse(&stored).ok()?;
            let own = self.head.as_ref()?.note().to_text();
            self.stored = (head.checkpoint == own).then_some(stored);
        }
        self.stored.is_some().then_some(self)
    }

    /// Reads what is new of the heads that witnesses cosigned: lines are only added to one, so that it gets longer.
    pub(super) fn look_at_cosigned(&mut self, store: &dyn Store) -> Result<(), Error> {
        let listed = listed(store)?;
        let known = std::mem::take(&mut self.cosigned);
        for (name, size) in listed {
            let note = match known.get(&name) {
                Some(note) if note.len() as u64 == size => note.clone(),
                _ => read(store, &name)?,
            };
            self.cosigned.insert(name, note);
        }
        Ok(())
    }

    pub(super) fn cosigned(&self) -> &BTreeMap<String, Vec<u8>> {
        &self.cosigned
    }

    /// The cosigned heads of more than `size` entries.
    pub(super) fn cosigned_over(
        &self,
        store: &dyn Store,
        size: u64,
    ) -> Result<Vec<Vec<u8>>, Error> {
        // Names are numbers of one width.
        let first = layout::head(size.saturating_add(1));
        let listed = listed(store)?.into_iter();
        let over = listed.filter(|(name, _)| *name >= first);
        let notes = over.map(|(name, size)| match self.cosigned.get(&name) {
            Some(note) if note.len() as u64 == size => Ok(note.clone()),
            _ => read(store, &name),
        });
        notes.collect()
    }

    pub(super) fn keep(&mut self, name: String, note: String) {
        self.cosigned.insert(name, note.into_bytes());
    }
}

pub(super) fn listed(store: &dyn Store) -> Result<Vec<(String, u64)>, Error> {
    let listed = store.list(layout::HEADS);
    listed.map_err(|e| Error::io(layout::HEADS, &e))
}

fn read(store: &dyn Store, name: &str) -> Result<Vec<u8>, Error> {
    let note = store.read(name).map_err(|e| Error::io(name, &e))?;
    Ok(note.unwrap_or_default())
}
