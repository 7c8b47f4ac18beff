//! What is asked of an authority's clock.

use super::{Accuracy, TimeStamp, rule};
use crate::Error;
use core::cmp::Ordering;
use mifeng_crypto::Time;

const NANOS_PER_MICRO: i128 = 1_000;
const NANOS_PER_MILLI: i128 = 1_000_000;

/// Rules for the instants in tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockPolicy {
    /// The coarsest accuracy taken; none: any.
    pub accuracy_max: Option<Accuracy>,
    /// The accuracy of a token that states none (its authority's policy document does). One
    /// second unless it is known better.
    pub accuracy_if_absent: Accuracy,
    /// Whether the authority has to promise that its stamps order by their instants alone.
    pub ordering_required: bool,
    /// How far the authority may be ahead of the verifier, in milliseconds.
    pub skew_max_millis: u32,
}

impl Default for ClockPolicy {
    /// Any accuracy, one second where none is stated, ordering not required, and five minutes of
    /// skew, within which badly kept office machines stay.
    fn default() -> Self {
        ClockPolicy {
            accuracy_max: None,
            accuracy_if_absent: Accuracy::from_millis(1_000),
            ordering_required: false,
            skew_max_millis: 300_000,
        }
    }
}

impl ClockPolicy {
    /// Judges a stamp; `now` is the verifier's clock, if it is to be asked at all.
    ///
    /// # Errors
    /// [`Error::TimeStamp`] with the rule that is broken.
    pub fn check(&self, stamp: &TimeStamp, now: Option<Time>) -> Result<(), Error> {
        let accuracy = self.accuracy(stamp);
        if self.accuracy_max.is_some_and(|max| accuracy > max) {
            return Err(rule(
                "the authority's clock is less accurate than asked for",
            ));
        }
        if self.ordering_required && !stamp.ordering {
            return Err(rule("the authority does not promise ordering"));
        }
        let skew = i128::from(self.skew_max_millis) * NANOS_PER_MILLI;
        let (earliest, _) = self.interval(stamp);
        if now.is_some_and(|now| earliest > now.as_unix_nanos() + skew) {
            return Err(rule("lies in the future"));
        }
        Ok(())
    }

    /// Which of two stamps came first, if they tell (RFC 3161 section 2.4.2): by their instants
    /// where both are of one authority that promises ordering, else only where the instants are
    /// further apart than both accuracies together.
    #[must_use]
    pub fn order(&self, a: &TimeStamp, b: &TimeStamp) -> Option<Ordering> {
        let same = a.authority == b.authority && a.ordering && b.ordering;
        if same && a.gen_time != b.gen_time {
            return Some(a.gen_time.cmp(&b.gen_time));
        }
        let (a, b) = (self.interval(a), self.interval(b));
        if a.1 < b.0 {
            return Some(Ordering::Less);
        }
        (b.1 < a.0).then_some(Ordering::Greater)
    }

    fn accuracy(&self, stamp: &TimeStamp) -> Accuracy {
        stamp.accuracy.unwrap_or(self.accuracy_if_absent)
    }

    /// Earliest and latest instant, in nanoseconds since 1970.
    fn interval(&self, stamp: &TimeStamp) -> (i128, i128) {
        let at = stamp.gen_time.as_unix_nanos();
        let off = i128::from(self.accuracy(stamp).as_micros()) * NANOS_PER_MICRO;
        (at - off, at + off)
    }
}
