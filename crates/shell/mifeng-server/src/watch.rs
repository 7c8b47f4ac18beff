//! Whether the machine's clock can be believed: a clock that jumps ahead must not close a tender, and one that jumps back
//! must not keep it open.
//!
//! The clock is held against one that nobody sets (time since the start), and at the start against the beat that is due.
//! While it is in doubt the host does nothing by itself and takes nothing in, until the clock is right again or the operator
//! confirms it with an order.

use crate::clock::Clock;
use mifeng::crypto::Time;
use std::time::Duration;

/// So far may the clock have gone from the one that nobody sets, ahead or back, in all its steps since it was confirmed.
/// What disciplines a clock slews it by 500 ppm at most, on Linux both clocks alike, and its steps are seconds.
pub(crate) const JUMP_MAX: Duration = Duration::from_secs(60);
/// A beat that is due so long ago at the start: the host was away for long, or its clock is wrong.
pub(crate) const AWAY_MAX: Duration = Duration::from_secs(600);

/// What was seen of the clocks.
pub(crate) struct Watch {
    /// Both clocks at the start, or when the operator last confirmed them. It stays: small jumps would add up unseen.
    agreed: (Time, Duration),
    jumped: bool,
    /// At the start a beat was due for long.
    away: bool,
}

impl Watch {
    /// Begins with whatever the clock shows.
    pub(crate) fn new(clock: &dyn Clock, next_beat: Option<Time>) -> Self {
        let mut watch = Watch {
            agreed: (clock.now(), clock.steady()),
            jumped: false,
            away: true,
        };
        watch.is_away(watch.agreed.0, next_beat);
        watch
    }

    fn is_away(&mut self, now: Time, next_beat: Option<Time>) -> bool {
        let late = next_beat.is_some_and(|due| nanos(now) - nanos(due) > span(AWAY_MAX));
        self.away &= late;
        self.away
    }

    /// Whether the clock can be believed now.
    pub(crate) fn trusts(&mut self, clock: &dyn Clock, next_beat: Option<Time>) -> bool {
        let (now, steady) = (clock.now(), clock.steady());
        if self.away {
            // Nothing was believed yet: to put it right is no jump.
            self.agreed = (now, steady);
        }
        let (then, from) = self.agreed;
        let expected = nanos(then) + span(steady.saturating_sub(from));
        self.jumped = (nanos(now) - expected).abs() > span(JUMP_MAX);
        !self.is_away(now, next_beat) && !self.jumped
    }

    /// The operator says that the clock is right.
    pub(crate) fn confirm(&mut self, clock: &dyn Clock) {
        self.agreed = (clock.now(), clock.steady());
        (self.jumped, self.away) = (false, false);
    }
}

fn nanos(time: Time) -> i128 {
    time.as_unix_nanos()
}

fn span(duration: Duration) -> i128 {
    i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    fn at(seconds: i64) -> Time {
        Time::from_unix_seconds(seconds)
    }

    #[test]
    fn a_jump_is_in_doubt_until_it_is_confirmed_or_undone() {
        let clock = ManualClock::new(at(1_000));
        let mut watch = Watch::new(&clock, Some(at(1_001)));
        assert!(watch.trusts(&clock, None));
        clock.set(at(5_000));
        assert!(watch.trusts(&clock, None));
        clock.jump(at(5_060));
        assert!(watch.trusts(&clock, None));
        clock.jump(at(5_121));
        assert!(!watch.trusts(&clock, None));
        assert!(!watch.trusts(&clock, None));
        clock.jump(at(5_060));
        assert!(watch.trusts(&clock, None));
        clock.jump(at(9_000));
        assert!(!watch.trusts(&clock, None));
        watch.confirm(&clock);
        assert!(watch.trusts(&clock, None));
        // Back again: a deadline that is over would be open once more.
        clock.jump(at(5_060));
        assert!(!watch.trusts(&clock, None));
        clock.jump(at(8_940));
        assert!(watch.trusts(&clock, None));
        clock.jump(at(8_939));
        assert!(!watch.trusts(&clock, None));
    }

    #[test]
    fn small_jumps_add_up() {
        for step in [40, -40] {
            let clock = ManualClock::new(at(1_000));
            let mut watch = Watch::new(&clock, None);
            clock.jump(at(1_000 + step));
            assert!(watch.trusts(&clock, None));
            clock.jump(at(1_000 + 2 * step));
            assert!(!watch.trusts(&clock, None));
            watch.confirm(&clock);
            assert!(watch.trusts(&clock, None));
        }
    }

    #[test]
    fn at_the_start_a_beat_long_due_is_in_doubt() {
        let clock = ManualClock::new(at(1_000));
        let mut watch = Watch::new(&clock, Some(at(400)));
        assert!(watch.trusts(&clock, Some(at(400))));
        let mut watch_away = Watch::new(&clock, Some(at(399)));
        assert!(!watch_away.trusts(&clock, Some(at(399))));
        // It is the start that is looked at: a busy host is not away.
        clock.set(at(2_000));
        assert!(watch.trusts(&clock, Some(at(400))));
        watch_away.confirm(&clock);
        assert!(watch_away.trusts(&clock, Some(at(399))));
        let mut wrong = Watch::new(&clock, Some(at(399)));
        assert!(!wrong.trusts(&clock, Some(at(399))));
        clock.jump(at(500));
        assert!(wrong.trusts(&clock, Some(at(399))));
        assert!(Watch::new(&clock, None).trusts(&clock, None));
    }
}
