//! Simulation: the whole engine in one thread under a seed.
//!
//! Bidders, host, witnesses, trustees, experts and an auditor, with clocks that jump, a network that
//! drops, delays, repeats and reorders, and a disk below the real store that tears, loses, fills up
//! and fails. The process that keeps the log is killed, or its machine loses power, at any operation.
//! After every step the invariants are checked; in some runs the host lies, and must be convicted.
//!
//! A run is a function of its seed. *Broken twins* ([`Twin`]) show that the invariants notice: each
//! has one fault built in, and a few hundred seeds must find it.

mod asked;
mod checks;
mod disk;
mod fixture;
mod people;
mod run;

pub use disk::{Fault, SimDisk};

use fixture::Fixture;
use mifeng::crypto::{GM, INTL, cores};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

/// How long after the close bodies may come, where they may: less than bidders have to release.
const GRACE_MS: u64 = 20_000;

/// A fault built into the simulated world, which the invariants must notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Twin {
    /// The disk says that it has synced, and has not.
    SyncLies,
    /// The host takes whatever comes after the deadline as if it had come before.
    LateClock,
    /// The host says *received* before the record is in the log.
    EarlyAnswer,
    /// One trustee holds the key of another, and answers for both.
    StolenKey,
    /// A witness cosigns whatever it is shown; and the host shows it two histories.
    ForgetfulWitness,
    /// The host gives receipts that it later does not keep, and the auditor does not look at them.
    BlindAuditor,
}

impl Twin {
    /// All of them.
    pub const ALL: [Twin; 6] = [
        Twin::SyncLies,
        Twin::LateClock,
        Twin::EarlyAnswer,
        Twin::StolenKey,
        Twin::ForgetfulWitness,
        Twin::BlindAuditor,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Twin::SyncLies => "sync-lies",
            Twin::LateClock => "late-clock",
            Twin::EarlyAnswer => "early-answer",
            Twin::StolenKey => "stolen-key",
            Twin::ForgetfulWitness => "forgetful-witness",
            Twin::BlindAuditor => "blind-auditor",
        }
    }
}

/// What the runs went through, so that a quiet world is seen to be quiet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Seen {
    /// Events handled.
    pub steps: u64,
    /// Operations on the disk.
    pub operations: u64,
    /// Times at which the host's process was killed.
    pub kills: u64,
    /// Times at which its machine lost power.
    pub power_cuts: u64,
    /// Operations that failed, or found the disk full.
    pub disk_errors: u64,
    /// Messages lost.
    pub dropped: u64,
    /// Messages that came twice.
    pub repeated: u64,
    /// Jumps of a clock.
    pub jumps: u64,
    /// Records acknowledged.
    pub acknowledged: u64,
    /// Records refused.
    pub refused: u64,
    /// Bodies that came after their records.
    pub bodies: u64,
    /// Amendments of the tender document.
    pub amended: u64,
    /// Questions at openings.
    pub asked: u64,
    /// Bids opened.
    pub opened: u64,
    /// Tenders that ended with an award.
    pub awarded: u64,
    /// Runs in which the host lied and was convicted.
    pub convicted: u64,
}

impl Seen {
    fn add(&mut self, other: &Seen) {
        for (own, more) in [
            (&mut self.steps, other.steps),
            (&mut self.operations, other.operations),
            (&mut self.kills, other.kills),
            (&mut self.power_cuts, other.power_cuts),
            (&mut self.disk_errors, other.disk_errors),
            (&mut self.dropped, other.dropped),
            (&mut self.repeated, other.repeated),
            (&mut self.jumps, other.jumps),
            (&mut self.acknowledged, other.acknowledged),
            (&mut self.refused, other.refused),
            (&mut self.bodies, other.bodies),
            (&mut self.amended, other.amended),
            (&mut self.asked, other.asked),
            (&mut self.opened, other.opened),
            (&mut self.awarded, other.awarded),
            (&mut self.convicted, other.convicted),
        ] {
            *own += more;
        }
    }
}

/// A broken invariant.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Violation {
    /// The seed that shows it.
    pub seed: u64,
    /// What did not hold.
    pub what: String,
}

/// What all runs came to.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Summary {
    /// Number of runs.
    pub seeds: u64,
    /// What they went through.
    pub seen: Seen,
    /// Broken invariants, by seed.
    pub violations: Vec<Violation>,
}

/// Runs the seeds `first..first + count` on all cores. Even seeds are in intl-1, odd ones in gm-1, where bodies of bids may
/// come after the close.
pub fn simulate(first: u64, count: u64, twin: Option<Twin>) -> Summary {
    let worlds = [Fixture::new(&INTL, 0), Fixture::new(&GM, GRACE_MS)];
    let next = AtomicU64::new(first);
    let worker = || {
        let mut own = Summary::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + count {
                return own;
            }
            let world = &worlds[usize::try_from(seed % 2).unwrap_or(0)];
            match one(world, seed, twin) {
                Ok(seen) => own.seen.add(&seen),
                Err(what) => own.violations.push(Violation { seed, what }),
            }
        }
    };
    let mut summary = Summary {
        seeds: count,
        ..Summary::default()
    };
    for own in cores::run(cores::count(), worker) {
        summary.seen.add(&own.seen);
        summary.violations.extend(own.violations);
    }
    summary.violations.sort_by_key(|v| v.seed);
    summary
}

/// A panic of the engine is a violation as well.
fn one(world: &Fixture, seed: u64, twin: Option<Twin>) -> Result<Seen, String> {
    let run = AssertUnwindSafe(|| run::Run::new(world, seed, twin).finish());
    catch_unwind(run).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|t| (*t).to_owned()));
        Err(format!("panic: {}", text.unwrap_or_default()))
    })
}

fn parent(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}
