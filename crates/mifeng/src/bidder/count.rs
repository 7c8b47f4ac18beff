//! The bidder's own count: bids are hidden until the close, so the log does not show which number is the next.

use crate::{Error, Replay};
use mifeng_crypto::{Digest, Time};
use mifeng_record::Record;
use mifeng_tender::RECORDS_PER_ACTOR_MAX;

/// The number that time alone gives at the deadline: the others are for what follows.
const AT_DEADLINE: u64 = 9_000;

/// The file of the identity folder that keeps the count for this log: the next number.
pub fn count_file(tender: &Replay) -> String {
    let origin = tender.state.origin().as_bytes();
    format!("count-{}", tender.suite().hash().digest(origin))
}

/// The number of the next record of `own` (the certificate's fingerprint). Numbers only go up and may be skipped, so it is
/// the largest of what is `known` (the least that somebody remembers), what the log shows, and a number that grows with
/// time: who signs with the same certificate elsewhere, and knows nothing of here, is not in its way.
///
/// # Errors
/// [`Error::Malformed`] if no number is left that a host would take.
pub fn next_number(tender: &Replay, own: &Digest, known: u64, now: Time) -> Result<u64, Error> {
    let shown = tender.state.next_seq(own);
    let next = known.max(shown).max(passed(tender, now));
    if next < RECORDS_PER_ACTOR_MAX {
        return Ok(next);
    }
    Err(Error::Malformed {
        what: "count",
        detail: format!("the next number is {next}; it must be below {RECORDS_PER_ACTOR_MAX}"),
    })
}

/// What is known from a record that was signed before: the number after its own, if it is of `own` and for this log.
pub fn after(tender: &Replay, own: &Digest, record: &Record) -> Option<u64> {
    let is_own = record.actor() == *own && record.origin() == tender.state.origin();
    is_own.then(|| record.seq().saturating_add(1))
}

/// From 0 at the notice evenly to [`AT_DEADLINE`]; after a postponement evenly over what is left then, so it never falls.
fn passed(tender: &Replay, now: Time) -> u64 {
    let mut records = tender.records.iter();
    let published = records.find(|one| one.kind == "tender.publish");
    let (Some(published), Some((_, notice))) = (published, tender.state.notice()) else {
        return 0;
    };
    // Postponements are in the order of the log.
    let moves = tender.state.postponements().iter();
    let legs = moves.filter_map(|moved| {
        let record = records.find(|one| one.commitment == moved.record)?;
        Some((moved.from, record.at))
    });
    let (mut number, mut since) = (0, published.at);
    for (deadline, until) in legs.chain([(notice.deadline, now)]) {
        number += part(AT_DEADLINE - number, since, until.min(now), deadline);
        since = until;
    }
    number
}

/// The part of `budget` that is used between `since` and `until`, if all of it is at `deadline`.
fn part(budget: u64, since: Time, until: Time, deadline: Time) -> u64 {
    let span = |to: Time| {
        to.as_unix_nanos()
            .saturating_sub(since.as_unix_nanos())
            .max(0)
    };
    let (whole, passed) = (span(deadline), span(until.min(deadline)));
    if whole == 0 {
        return budget;
    }
    // Instants are of years with four digits: 2^69 nanoseconds, times a few thousand.
    u64::try_from(i128::from(budget) * passed / whole).unwrap_or(budget)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Time {
        Time::from_unix_seconds(seconds)
    }

    #[test]
    fn a_part_is_even_and_ends_with_the_deadline() {
        let part = |until| part(9_000, at(100), at(until), at(1_000));
        assert_eq!(
            [0, 100, 101, 550, 999, 1_000, 5_000].map(part),
            [0, 0, 10, 4_500, 8_990, 9_000, 9_000]
        );
        assert_eq!(super::part(7, at(5), at(9), at(5)), 7);
    }
}
