//! Beats: the instants at which a tender's log grows, whether anything happened or not.

use crate::Error;
use crate::entry::check_depth;
use mifeng_crypto::Time;
use serde::{Deserialize, Serialize};

/// Usual time between beats, in milliseconds.
const PERIOD_USUAL_MS: u64 = 30_000;

/// Time between beats in the last hour, when most bids arrive and wait for a receipt.
const PERIOD_LAST_MS: u64 = 1_000;

/// The last hour, in milliseconds.
const LAST_HOUR_MS: i64 = 3_600_000;

/// Shortest period: an fsync, a signature and a round of witnesses must fit into it.
const PERIOD_MS_MIN: u64 = 100;

/// Longest period: a bidder should not wait more than a day for a receipt.
const PERIOD_MS_MAX: u64 = 86_400_000;

/// Most changes of pace: two, and two more for each postponement.
const PACES_MAX: usize = 64;

const NANOS_PER_MS: i128 = 1_000_000;

/// From an instant on, one beat every so often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pace {
    /// The first beat at this pace.
    pub from: Time,
    /// Milliseconds between beats.
    pub period_ms: u64,
}

/// When beats fall and how deep their batches are, fixed by the notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "ScheduleJson", into = "ScheduleJson")]
pub struct Schedule {
    depth: u8,
    paces: Vec<Pace>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScheduleJson {
    depth: u8,
    paces: Vec<Pace>,
}

impl Schedule {
    /// A schedule of these paces, the first of which starts it.
    ///
    /// # Errors
    /// [`Error::Malformed`] if there is no pace, they are not in order of time, or a period is
    /// out of bounds; [`Error::TooLarge`] for too many paces or too deep a batch.
    pub fn new(depth: u8, paces: Vec<Pace>) -> Result<Self, Error> {
        check_depth(depth)?;
        if paces.is_empty() {
            return Err(wrong("no pace"));
        }
        if paces.len() > PACES_MAX {
            return Err(Error::TooLarge {
                what: "number of paces",
                found: paces.len() as u64,
                max: PACES_MAX as u64,
            });
        }
        if paces.windows(2).any(|pair| pair[0].from >= pair[1].from) {
            return Err(wrong("paces are not in order of time"));
        }
        let allowed = PERIOD_MS_MIN..=PERIOD_MS_MAX;
        if paces.iter().any(|pace| !allowed.contains(&pace.period_ms)) {
            return Err(wrong("period is not between 100 ms and one day"));
        }
        Ok(Schedule { depth, paces })
    }

    /// Every 30 seconds from `start`, every second in the last hour before `deadline`.
    ///
    /// # Errors
    /// [`Error::Malformed`] unless `start` is before `deadline`.
    pub fn standard(start: Time, deadline: Time, depth: u8) -> Result<Self, Error> {
        Schedule::new(depth, standard_paces(start, deadline)?)
    }

    /// This schedule, with the standard paces from `at` on towards another deadline: what a
    /// postponement does. Beats before `at` stay as they are.
    ///
    /// # Errors
    /// [`Error::Malformed`] unless the schedule has started and `at` is before `deadline`.
    pub fn postponed(&self, at: Time, deadline: Time) -> Result<Self, Error> {
        if at <= self.start() {
            return Err(wrong("changed before it starts"));
        }
        let kept = self.paces.iter().filter(|pace| pace.from < at).copied();
        Schedule::new(
            self.depth,
            kept.chain(standard_paces(at, deadline)?).collect(),
        )
    }

    /// Depth of every batch.
    pub fn depth(&self) -> u8 {
        self.depth
    }

    /// The paces, in order of time.
    pub fn paces(&self) -> &[Pace] {
        &self.paces
    }

    /// The first beat.
    pub fn start(&self) -> Time {
        self.paces[0].from
    }

    /// When beat `index` falls (from 0, which is the start).
    ///
    /// # Errors
    /// [`Error::Range`] if that is beyond any calendar.
    pub fn beat_time(&self, index: u64) -> Result<Time, Error> {
        let mut rest = i128::from(index);
        for (n, pace) in self.paces.iter().enumerate() {
            let beats = self
                .paces
                .get(n + 1)
                .map(|next| pace.beats_before(next.from));
            match beats {
                Some(beats) if rest >= beats => rest -= beats,
                _ => {
                    let offset = rest * pace.period_nanos();
                    return in_calendar(pace.from.as_unix_nanos() + offset, index);
                }
            }
        }
        Err(wrong("no pace"))
    }

    /// How many beats fall before `time`; so this is the index of the first beat at or after it.
    pub fn beats_before(&self, time: Time) -> u64 {
        let mut beats = 0;
        for (n, pace) in self.paces.iter().enumerate() {
            let end = self
                .paces
                .get(n + 1)
                .map_or(time, |next| next.from.min(time));
            beats += pace.beats_before(end);
        }
        u64::try_from(beats).unwrap_or(u64::MAX)
    }
}

impl Pace {
    fn period_nanos(&self) -> i128 {
        i128::from(self.period_ms) * NANOS_PER_MS
    }

    /// Beats of this pace at instants before `end`.
    fn beats_before(&self, end: Time) -> i128 {
        let span = end.as_unix_nanos() - self.from.as_unix_nanos();
        if span <= 0 {
            return 0;
        }
        (span - 1) / self.period_nanos() + 1
    }
}

impl TryFrom<ScheduleJson> for Schedule {
    type Error = Error;

    fn try_from(json: ScheduleJson) -> Result<Self, Error> {
        Schedule::new(json.depth, json.paces)
    }
}

impl From<Schedule> for ScheduleJson {
    fn from(schedule: Schedule) -> Self {
        ScheduleJson {
            depth: schedule.depth,
            paces: schedule.paces,
        }
    }
}

fn standard_paces(start: Time, deadline: Time) -> Result<Vec<Pace>, Error> {
    if start >= deadline {
        return Err(wrong("starts at or after the deadline"));
    }
    let last_hour = Pace {
        from: deadline.plus_millis(-LAST_HOUR_MS).max(start),
        period_ms: PERIOD_LAST_MS,
    };
    if last_hour.from == start {
        return Ok(vec![last_hour]);
    }
    let usual = Pace {
        from: start,
        period_ms: PERIOD_USUAL_MS,
    };
    Ok(vec![usual, last_hour])
}

/// Beats end with the year 9999, as [`Time`] does.
fn in_calendar(nanos: i128, index: u64) -> Result<Time, Error> {
    const END_NANOS: i128 = 253_402_300_800 * 1_000_000_000;
    if nanos >= END_NANOS {
        return Err(Error::Range {
            what: "beat",
            found: index,
            limit: index,
        });
    }
    Ok(Time::from_unix_nanos(nanos))
}

fn wrong(reason: &'static str) -> Error {
    Error::Malformed {
        what: "schedule",
        reason,
    }
}
