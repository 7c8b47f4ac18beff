//! Sealed bids that were handed in and are being read: on threads of their own, some at a time, while their orders keep
//! their places in the writer's queue.

use crate::limits::BLOCKING_MAX;
use mifeng::crypto::Digest;
use mifeng::{ArrivingBid, Error, MeasuredBid};
use std::num::NonZero;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

/// A sealed bid of more bytes is read with all cores, and some core is left for smaller ones.
const LARGE_LEN: u64 = 256 << 20;

/// Those who read files mostly wait for the disk, to sync a file or to give its bytes: so many of them for each core, whose
/// syncs a disk does together. Each takes some 20 MiB.
const READERS_PER_CORE: usize = 4;

/// Places for those who read files.
pub(crate) struct Readers {
    all: Arc<Semaphore>,
    large: Arc<Semaphore>,
    ahead: Arc<Semaphore>,
    cores: usize,
}

fn places(cores: usize) -> usize {
    (cores * READERS_PER_CORE).min(BLOCKING_MAX / 2)
}

/// A place for reading one file.
pub(crate) struct Reader {
    /// Threads that it may use.
    pub(crate) workers: usize,
    _places: (Option<OwnedSemaphorePermit>, Option<OwnedSemaphorePermit>),
}

impl Readers {
    pub(crate) fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        // Signatures and blocks of others need threads too. There are two at least: small files never wait for a large one.
        let all = places(cores);
        Readers {
            all: Arc::new(Semaphore::new(all)),
            // They need the processor more than the disk.
            large: Arc::new(Semaphore::new(cores.max(2) - 1)),
            ahead: Arc::new(Semaphore::new(all - 1)),
            cores,
        }
    }

    /// Waits for a place for a file of `len` bytes.
    pub(crate) async fn place(&self, len: u64) -> Reader {
        let is_large = len > LARGE_LEN;
        let large = match is_large {
            true => Arc::clone(&self.large).acquire_owned().await.ok(),
            false => None,
        };
        // Nobody closes them.
        let own = Arc::clone(&self.all).acquire_owned().await.ok();
        Reader {
            workers: if is_large { self.cores } else { 1 },
            _places: (large, own),
        }
    }

    /// A place that nobody waits for, for reading a file ahead; the last one stays for a bid that was handed in.
    pub(crate) fn spare(&self) -> Option<Reader> {
        let ahead = Arc::clone(&self.ahead).try_acquire_owned().ok()?;
        let own = Arc::clone(&self.all).try_acquire_owned().ok()?;
        Some(Reader {
            workers: 1,
            _places: (Some(ahead), Some(own)),
        })
    }
}

/// A sealed bid that is still coming, and its first bytes, which came.
pub(crate) struct Ahead {
    pub(crate) bid: OwnedMutexGuard<Option<ArrivingBid>>,
    pub(crate) there: u64,
}

impl Ahead {
    /// Reads them; whether the disk failed to keep them. What else goes wrong shows when the bid is handed in and read to its end.
    pub(crate) fn read(mut self, reader: &Reader) -> bool {
        self.bid.as_mut().is_some_and(|bid| {
            let _ = bid.advance(self.there, reader.workers);
            bid.is_spoiled()
        })
    }
}

/// A sealed bid that was handed in: its order is in the writer's queue, and its file is read meanwhile.
pub(crate) struct Brought {
    /// Who signed its record.
    pub(crate) actor: Digest,
    found: Mutex<Option<Result<Arc<MeasuredBid>, Error>>>,
}

/// The reader's end of it: whatever becomes of the reader, there is an outcome.
pub(crate) struct Reading(Arc<Brought>);

/// A bid that is to be read, for the queue and for its reader.
pub(crate) fn brought(actor: Digest) -> (Arc<Brought>, Reading) {
    let found = Mutex::new(None);
    let bid = Arc::new(Brought { actor, found });
    (Arc::clone(&bid), Reading(bid))
}

impl Brought {
    fn found(&self) -> MutexGuard<'_, Option<Result<Arc<MeasuredBid>, Error>>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the reader is done.
    pub(crate) fn is_read(&self) -> bool {
        self.found().is_some()
    }

    /// What the reader found; asked for earlier, or twice, it is not there.
    pub(crate) fn take(&self) -> Result<Arc<MeasuredBid>, Error> {
        self.found().take().unwrap_or_else(|| Err(not_read()))
    }
}

impl Reading {
    /// Tells the outcome.
    pub(crate) fn done(self, found: Result<Arc<MeasuredBid>, Error>) {
        *self.0.found() = Some(found);
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.found().get_or_insert_with(|| Err(not_read()));
    }
}

fn not_read() -> Error {
    Error::Unavailable {
        what: "upload".to_owned(),
        detail: "its file could not be read: try again".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn large_files_leave_a_place_for_small_ones() {
        let readers = Readers::new();
        let mut held = Vec::new();
        while let Some(place) = readers.place(LARGE_LEN + 1).now_or_never() {
            held.push(place);
        }
        assert_eq!(held.len(), readers.cores.max(2) - 1);
        let small = readers.place(LARGE_LEN).now_or_never();
        assert!(small.is_some_and(|place| place.workers == 1));
    }

    #[test]
    fn reading_ahead_leaves_a_place_for_what_was_handed_in() {
        let readers = Readers::new();
        let ahead: Vec<Reader> = std::iter::from_fn(|| readers.spare()).collect();
        assert_eq!(ahead.len(), places(readers.cores) - 1);
        let handed_in = readers.place(1).now_or_never();
        assert!(handed_in.is_some());
        drop(ahead);
        let last = (0..places(readers.cores) - 1).map(|_| readers.place(1).now_or_never());
        assert!(last.collect::<Vec<_>>().iter().all(Option::is_some));
        assert!(handed_in.is_some());
    }

    #[test]
    fn a_reader_that_dies_leaves_an_outcome() {
        let (bid, reading) = brought(Digest::from_bytes([1; 32]));
        assert!(!bid.is_read());
        drop(reading);
        assert!(bid.is_read());
        assert!(matches!(bid.take(), Err(Error::Unavailable { .. })));
    }
}
