//! The simulation finds every fault that is built into it, and none in the engine.

use mifeng_testkit::sim::{Twin, simulate};

/// A few runs of each suite; `mifeng-testkit simulate --seeds N` runs more.
#[test]
fn an_honest_world_keeps_its_word() {
    let summary = simulate(0, 8, None);
    assert_eq!(summary.violations, []);
    let seen = summary.seen;
    // The world is not quiet, and tenders get somewhere in it.
    for count in [
        seen.kills,
        seen.power_cuts,
        seen.disk_errors,
        seen.dropped,
        seen.repeated,
        seen.jumps,
        seen.bodies,
        seen.amended,
        seen.asked,
        seen.opened,
        seen.convicted,
    ] {
        assert!(count > 0, "{seen:?}");
    }
}

/// As many seeds as it takes, in steps; each twin is found within a few.
fn is_found(twin: Twin, what: &str) {
    let found = (0..10).any(|step| {
        let summary = simulate(step * 4, 4, Some(twin));
        summary.violations.iter().any(|v| v.what.contains(what))
    });
    assert!(found, "{} is not found", twin.name());
}

#[test]
fn a_disk_that_lies_is_found() {
    is_found(Twin::SyncLies, "does not open after a crash");
}

#[test]
fn a_late_bid_is_found() {
    is_found(Twin::LateClock, "after the deadline");
}

#[test]
fn an_early_answer_is_found() {
    is_found(Twin::EarlyAnswer, "an acknowledged record is missing");
}

#[test]
fn a_stolen_key_is_found() {
    is_found(Twin::StolenKey, "below the quorum");
}

#[test]
fn a_forgetful_witness_is_found() {
    is_found(Twin::ForgetfulWitness, "a witness cosigned a fork");
}

#[test]
fn a_blind_auditor_is_found() {
    is_found(Twin::BlindAuditor, "is not convicted");
}
