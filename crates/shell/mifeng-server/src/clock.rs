//! The time by which records are received and beats fall: read in one place, so that tests can turn it.

use mifeng::crypto::Time;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Where a house reads the time.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Time;

    /// Time since some start, by a clock that nobody sets.
    fn steady(&self) -> Duration;
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

    fn steady(&self) -> Duration {
        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed()
    }
}

/// A clock that a test turns; whoever turns it then wakes the writers ([`crate::House::wake`]).
pub struct ManualClock(Mutex<(Time, Duration)>);

impl ManualClock {
    /// A clock that stands at `start`.
    pub fn new(start: Time) -> Self {
        ManualClock(Mutex::new((start, Duration::ZERO)))
    }

    fn hands(&self) -> MutexGuard<'_, (Time, Duration)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets time pass until `now`.
    pub fn set(&self, now: Time) {
        let mut hands = self.hands();
        let passed = now.as_unix_nanos() - hands.0.as_unix_nanos();
        hands.1 += Duration::from_nanos(u64::try_from(passed).unwrap_or(0));
        hands.0 = now;
    }

    /// Sets it to `now`, though no time has passed.
    pub fn jump(&self, now: Time) {
        self.hands().0 = now;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Time {
        self.hands().0
    }

    fn steady(&self) -> Duration {
        self.hands().1
    }
}
