//! Opened bids whose files are not on this machine: another replica opened them, or the disk is a new one.

use super::Writer;
use crate::parties::opened_folder;
use crate::sink::FolderSink;
use crate::view::Standing;
use mifeng::crypto::Digest;
use mifeng::tender::BidOutcome;
use mifeng::{Error, Opened, Store};
use std::collections::VecDeque;
use std::path::PathBuf;

/// Bids to be opened again, and where their files go.
pub(crate) type Missing = VecDeque<(Digest, PathBuf)>;

impl<S: Store + 'static> Writer<S> {
    /// Opens the next of them again, if this writer writes. The log has said how each ended; only files are made. Between two of them
    /// orders are obeyed, and nobody is shown a part of them for the whole. What does not open now is tried again when this writer comes to write the next time.
    pub(super) fn open_again(&mut self) {
        if self.office.standing() != Standing::Writes {
            self.missing = None;
            return;
        }
        let mut missing = self.missing.take().unwrap_or_else(|| self.not_here());
        if let Some((seal, folder)) = missing.pop_front() {
            let _ = self.open_files(&seal, folder);
        }
        self.missing = Some(missing);
    }

    fn not_here(&self) -> Missing {
        let state = self.host.state();
        let opened = state.outcomes().iter().filter_map(|(seal, outcome)| {
            let bid = state.bids().get(seal)?;
            let folder = self.opened.join(opened_folder(bid));
            let is_missing = matches!(outcome, BidOutcome::Opened(_)) && !folder.exists();
            is_missing.then_some((*seal, folder))
        });
        opened.collect()
    }

    fn open_files(&self, seal: &Digest, folder: PathBuf) -> Result<Opened, Error> {
        let sink = FolderSink::new(&folder);
        let mut sink = sink.map_err(|e| super::unavailable("opened bid", &e))?;
        let mut sealed = self.host.sealed(seal)?;
        mifeng::open_bid(self.host.state(), seal, &mut *sealed, &mut sink)
    }
}
