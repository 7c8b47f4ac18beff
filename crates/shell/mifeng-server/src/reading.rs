//! Sealed bids that were handed in and are being read: on threads of their own, some at a time, and no end of the time of
//! bids overtakes them.

use crate::clock::Clock;
use mifeng::crypto::Time;
use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A sealed bid of more bytes is read with all cores, and some core is left for smaller ones.
const LARGE_LEN: u64 = 256 << 20;

/// Places for those who read files: one for each core.
pub(crate) struct Readers {
    all: Arc<Semaphore>,
    large: Arc<Semaphore>,
    cores: usize,
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
        // One more than cores at least where there is one: small files never wait for a large one.
        let all = cores.max(2);
        Readers {
            all: Arc::new(Semaphore::new(all)),
            large: Arc::new(Semaphore::new(all - 1)),
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
}

/// The bids of one tender that came and are not with its writer yet.
#[derive(Default)]
pub(crate) struct Arrivals {
    here: Mutex<Here>,
    changed: Condvar,
}

#[derive(Default)]
struct Here {
    next: u64,
    at: BTreeMap<u64, Time>,
}

/// One of them, until this is dropped.
pub(crate) struct Arrival {
    arrivals: Arc<Arrivals>,
    number: u64,
    /// When it came.
    pub(crate) at: Time,
}

impl Arrivals {
    fn here(&self) -> MutexGuard<'_, Here> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes one that comes now. Whoever looks later than this and has a later time sees it.
    pub(crate) fn enter(self: &Arc<Self>, clock: &dyn Clock) -> Arrival {
        let mut here = self.here();
        let (number, at) = (here.next, clock.now());
        here.next += 1;
        here.at.insert(number, at);
        Arrival {
            arrivals: Arc::clone(self),
            number,
            at,
        }
    }

    /// Waits until all that came at `until` or before are with the writer, or went away; at most so long.
    pub(crate) fn wait(&self, until: Time, at_most: Duration) {
        let end = Instant::now() + at_most;
        let mut here = self.here();
        while here.at.values().any(|at| *at <= until) {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.changed.wait_timeout(here, left);
            here = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        self.arrivals.here().at.remove(&self.number);
        self.arrivals.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
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
    fn who_waits_waits_for_those_who_came_before() {
        let at = Time::from_unix_seconds;
        let clock = ManualClock::new(at(5));
        let arrivals = Arc::new(Arrivals::default());
        let first = arrivals.enter(&clock);
        clock.set(at(6));
        let second = arrivals.enter(&clock);
        assert_eq!((first.at, second.at), (at(5), at(6)));
        // Nobody came before; the second is of no account; the first is, until it goes.
        arrivals.wait(at(4), Duration::from_secs(600));
        let short = Duration::from_millis(20);
        let begun = Instant::now();
        arrivals.wait(at(5), short);
        assert!(begun.elapsed() >= short);
        let waiting = Arc::clone(&arrivals);
        let thread = std::thread::spawn(move || waiting.wait(at(5), Duration::from_secs(600)));
        drop(first);
        assert!(thread.join().is_ok());
        assert_eq!(arrivals.here().at.len(), 1);
    }
}
