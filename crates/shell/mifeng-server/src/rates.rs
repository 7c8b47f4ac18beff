//! How often somebody may ask: a pace with a reserve, so that an honest rush is never in its way.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// So many askers are remembered; those who asked long ago make room.
const ASKERS_MAX: usize = 65_536;

/// One every so often, and a reserve of as many at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub(crate) every: Duration,
    pub(crate) reserve: u32,
}

/// One asker's account: the instant at which its reserve is full again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account {
    full: Instant,
}

impl Account {
    pub(crate) fn new(now: Instant) -> Self {
        Account { full: now }
    }

    /// Takes one.
    ///
    /// # Errors
    /// How long to wait for it.
    pub(crate) fn take(&mut self, pace: Pace, now: Instant) -> Result<(), Duration> {
        let full = self.full.max(now) + pace.every;
        let most = now + pace.every * pace.reserve;
        match full.checked_duration_since(most) {
            Some(wait) if !wait.is_zero() => Err(wait),
            _ => {
                self.full = full;
                Ok(())
            }
        }
    }
}

/// The accounts of many.
pub(crate) struct Rates<K> {
    pace: Pace,
    accounts: Mutex<HashMap<K, Account>>,
}

impl<K: Eq + Hash> Rates<K> {
    pub(crate) fn new(pace: Pace) -> Self {
        Rates {
            pace,
            accounts: Mutex::new(HashMap::new()),
        }
    }

    /// Takes one from the account of `who`.
    ///
    /// # Errors
    /// How long to wait for it.
    pub(crate) fn take(&self, who: K, now: Instant) -> Result<(), Duration> {
        let accounts = self.accounts.lock();
        let mut accounts = accounts.unwrap_or_else(PoisonError::into_inner);
        if accounts.len() >= ASKERS_MAX && !accounts.contains_key(&who) {
            accounts.retain(|_, account| account.full > now);
            if accounts.len() >= ASKERS_MAX {
                return Err(self.pace.every);
            }
        }
        let account = accounts.entry(who).or_insert_with(|| Account::new(now));
        account.take(self.pace, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace {
        every: Duration::from_millis(100),
        reserve: 5,
    };

    #[test]
    fn a_reserve_at_once_and_then_the_pace() {
        let start = Instant::now();
        let rates = Rates::new(PACE);
        for _ in 0..5 {
            assert_eq!(rates.take(1, start), Ok(()));
        }
        assert_eq!(rates.take(1, start), Err(Duration::from_millis(100)));
        // Nobody else waits for it, and asking in vain costs nothing.
        assert_eq!(rates.take(2, start), Ok(()));
        let later = start + Duration::from_millis(250);
        assert_eq!(rates.take(1, later), Ok(()));
        assert_eq!(rates.take(1, later), Ok(()));
        assert_eq!(rates.take(1, later), Err(Duration::from_millis(50)));
        let much_later = start + Duration::from_secs(60);
        let taken = (0..9).filter(|_| rates.take(1, much_later).is_ok());
        assert_eq!(taken.count(), 5);
    }

    #[test]
    fn those_who_asked_long_ago_make_room() {
        let start = Instant::now();
        let rates = Rates::new(PACE);
        for who in 0..ASKERS_MAX {
            assert_eq!(rates.take(who, start), Ok(()));
        }
        assert!(rates.take(ASKERS_MAX, start).is_err());
        let later = start + Duration::from_secs(1);
        assert_eq!(rates.take(ASKERS_MAX, later), Ok(()));
        assert_eq!(rates.accounts.lock().map(|a| a.len()).ok(), Some(1));
    }
}
