//! How often a bundle is fetched that brings nothing new.

use std::time::{Duration, Instant};

/// Looks at a bundle that brought nothing new are this many times further apart than one takes, but no further than that.
const TIMES: u32 = 10;
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// The last look at a bundle that waits for somebody else.
#[derive(Default)]
pub(super) struct Idle {
    /// How long fetching and checking it took.
    took: Duration,
    /// Until when the next one is put off.
    until: Option<Instant>,
}

impl Idle {
    /// A bundle came, and fetching and checking it took so long; no time at all where the host said that it is as it was.
    pub(super) fn came(&mut self, took: Duration) {
        self.took = took;
    }

    /// It told the same as the one before, or something new. Where a whole bundle was fetched for the same, as behind a
    /// balancer whose replicas mark theirs differently, the next look waits.
    pub(super) fn looked(&mut self, same: bool, now: Instant) {
        let pause = self.took.saturating_mul(TIMES).min(PAUSE_MAX);
        self.until = same.then(|| now + pause);
    }

    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.until.is_none_or(|until| until <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_a_look_costs_the_longer_the_next_one_waits_but_not_for_ever() {
        let (now, second) = (Instant::now(), Duration::from_secs(1));
        let mut idle = Idle::default();
        assert!(idle.is_over(now));
        for (took, pause) in [
            (second / 10, second),
            (second, second * 10),
            (second * 3, PAUSE_MAX),
            (second * 3_600, PAUSE_MAX),
            (Duration::MAX, PAUSE_MAX),
        ] {
            idle.came(took);
            idle.looked(true, now);
            let just_before = now + pause - Duration::from_nanos(1);
            assert!(!idle.is_over(just_before), "{took:?}");
            assert!(idle.is_over(now + pause), "{took:?}");
        }
        // What brought something new, or cost nothing, puts nothing off.
        idle.looked(false, now);
        assert!(idle.is_over(now));
        idle.came(Duration::ZERO);
        idle.looked(true, now);
        assert!(idle.is_over(now));
    }
}
