//! The seat of a writer: the store that it writes to, which can be left and taken again.
//!
//! A database may go away and come back, and of several replicas one writes a tender at a time. So a writer holds
//! its store in a seat. When the store fails, the seat is emptied (which gives back its lock or lease) and the engine
//! is opened anew on the next one; what it had replayed stays readable meanwhile.

use mifeng::{HostKeys, ReadSeek, Store, WholeFile, Write};
use mifeng_store::{Access, Fault};
use std::io::{self, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What came of opening a tender.
pub enum Opened<S> {
    /// Its store, and the host's keys.
    Ready(S, HostKeys),
    /// Another process writes it.
    Held,
}

/// Opens a tender where it will be written: its keys never leave that thread. Asked again whenever the store failed,
/// and with [`Access::Read`] while another process writes.
pub type Opening<S> = Box<dyn FnMut(Access) -> Result<Opened<S>, mifeng::Error> + Send>;

/// A store that may have been left; clones are one seat.
pub(crate) struct Seat<S> {
    store: Arc<Mutex<Option<S>>>,
}

impl<S> Clone for Seat<S> {
    fn clone(&self) -> Self {
        Seat {
            store: Arc::clone(&self.store),
        }
    }
}

impl<S: Store> Seat<S> {
    pub(crate) fn new(store: S) -> Self {
        Seat {
            store: Arc::new(Mutex::new(Some(store))),
        }
    }

    /// Leaves it: the store is closed, and whoever asks for something gets an error.
    pub(crate) fn leave(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<S>> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, work: impl FnOnce(&mut S) -> io::Result<T>) -> io::Result<T> {
        match &mut *self.lock() {
            Some(store) => work(store),
            None => Err(Fault::Broken.into()),
        }
    }

    /// A store that says so serves no more; a fault of one object only is none of the whole store.
    fn change<T>(&self, work: impl FnOnce(&mut S) -> io::Result<T>) -> io::Result<T> {
        let done = self.with(work);
        if let Err(e) = &done
            && matches!(
                Fault::of(e),
                Some(Fault::Broken | Fault::Lost { .. } | Fault::ReadOnly)
            )
        {
            self.leave();
        }
        done
    }

    /// Whether it can be written to, as far as anybody knows.
    pub(crate) fn is_taken(&self) -> bool {
        self.lock().is_some()
    }
}

impl<S: Store> Store for Seat<S> {
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        self.with(|store| store.read(name))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn ReadSeek>> {
        self.with(|store| store.open(name))
    }

    fn write(&mut self, name: &str, content: &mut dyn Read) -> io::Result<u64> {
        self.change(|store| store.write(name, content))
    }

    fn adopt(&mut self, files: &[(&str, &WholeFile)]) -> io::Result<()> {
        self.change(|store| store.adopt(files))
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.change(|store| store.rename(from, to))
    }

    fn batch(&mut self, writes: &[Write<'_>]) -> io::Result<()> {
        self.change(|store| store.batch(writes))
    }

    fn append(&mut self, name: &str, at: u64, content: &[u8]) -> io::Result<()> {
        self.change(|store| store.append(name, at, content))
    }

    fn list(&self, prefix: &str) -> io::Result<Vec<(String, u64)>> {
        self.with(|store| store.list(prefix))
    }
}
