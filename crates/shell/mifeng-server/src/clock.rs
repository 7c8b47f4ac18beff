//! The time by which records are received and beats fall: read in one place, so that tests can turn it.

use mifeng::crypto::Time;
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

/// Where a house reads the time.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Time;
}

/// The machine's clock.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Time {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Time::from_unix_nanos(i128::try_from(since.as_nanos()).unwrap_or(i128::MAX))
    }
}

/// A clock that a test turns; whoever turns it then wakes the writers ([`crate::House::wake`]).
pub struct ManualClock(Mutex<Time>);

impl ManualClock {
    /// A clock that stands at `start`.
    pub fn new(start: Time) -> Self {
        ManualClock(Mutex::new(start))
    }

    /// Turns it.
    pub fn set(&self, now: Time) {
        *self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = now;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Time {
        *self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
