//! A deadline is moved before it comes, in sight of everybody.

mod common;

use common::*;
use mifeng::crypto::{GM, INTL, SeededEntropy};
use mifeng::lock::tlock::ChainKey;
use mifeng::lock::{Leaf, Node, Policy};
use mifeng::pki::Signer as _;
use mifeng::tender::*;
use mifeng::{Error, Trusted, bidder, verify};

const ORIGIN: &str = "host.example/t/postponed";
const LATER: i64 = DEADLINE + 40;

fn to(at: i64) -> Postpone {
    Postpone {
        deadline: secs(at),
        reason: "招标文件澄清".to_owned(),
    }
}

fn postpone(tender: &mut Tender<'_>, until: i64, at: i64) -> Result<(), Error> {
    let agency = &tender.cast.agency;
    tender.say(agency, "tender.postpone", &to(until), at)
}

/// Ends a tender that closes at [`LATER`].
fn finish(tender: &mut Tender<'_>) -> Vec<u8> {
    tender.close(secs(LATER)).expect("closed");
    tender.witness(LATER + 1);
    for number in 0..tender.bids.len() {
        tender.release_leaf(number, LATER + 2).expect("a leaf");
    }
    tender.close_window(LATER + 3).expect("closed");
    for number in 0..2 {
        tender.release(number, LATER + 4).expect("released");
    }
    tender.open_all(LATER + 40);
    tender.archive(LATER + 43)
}

#[test]
fn bids_come_until_the_new_deadline() {
    for suite in [&GM, &INTL] {
        let cast = Cast::new(suite, "postponed");
        let mut tender = Tender::new(&cast, ORIGIN, Kind::Joint);
        tender.receive(1);
        let own = tender.cast.bidders[3]
            .signer
            .certificate()
            .fingerprint(suite.hash());
        let next = |replay: &mifeng::Replay, at| {
            bidder::next_number(replay, &own, 0, secs(at)).expect("a number")
        };
        let before = next(&tender.bundle().replay, 39);
        postpone(&mut tender, LATER, 40).expect("in time");
        tender.cosign(41);
        // The old deadline passes; nothing of the beats is shown, and yet a bidder's program knows.
        tender.beat(DEADLINE + 2);
        let Bundle { replay, .. } = tender.bundle();
        assert!(replay.hidden_beats > 0);
        let sealed = bidder::sealed_against(&replay, bidder::What::Bid, LOT);
        assert_eq!(sealed.expect("open").1, secs(LATER));
        assert_eq!(replay.state.postponements()[0].from, secs(DEADLINE));
        // The count that time gives does not fall where the new deadline leaves more of it.
        assert_eq!(before, 9_000 * 38 / 59);
        let moved = 9_000 * 39 / 59;
        let expected = [0, before, moved, moved + (9_000 - moved) / 2, 9_000, 9_000];
        let at = [0, 39, 40, 70, LATER, LATER + 9];
        assert_eq!(at.map(|at| next(&replay, at)), expected);
        let outcome = tender.close(secs(DEADLINE + 3)).map(drop);
        assert_eq!(code(outcome), "opening.early");
        tender.reopen();
        for number in [1, 2] {
            let at = DEADLINE + 5 * number as i64;
            let bid = tender.seal(number, 800_000, at);
            tender.submit(&bid, secs(at)).expect("before the new one");
            tender.bids.push(bid);
        }
        let late = tender.seal(3, 700_000, LATER - 1);
        assert_eq!(code(tender.submit(&late, secs(LATER))), "bid.late");
        let tar = finish(&mut tender);
        let report = verify(&Parts::of_tar(&tar), &Trusted::default()).expect("readable");
        assert!(report.is_valid(), "{:?}", report.failure());
        let seen = &report.checks.iter().find(|c| c.id == "V6");
        let seen = &seen.expect("V6").saw_en;
        assert!(seen.contains("postponed 1 times"), "{seen}");
        assert!(seen.contains("by at least 3 witnesses"), "{seen}");
    }
}

#[test]
fn only_the_agency_before_the_deadline_to_a_later_one() {
    let cast = Cast::new(&INTL, "postponed");
    let mut tender = Tender::new(&cast, ORIGIN, Kind::Joint);
    let outcome = tender.say(&cast.buyer, "tender.postpone", &to(LATER), 20);
    assert_eq!(code(outcome), "record.not-authorised");
    for until in [DEADLINE, DEADLINE - 1, 0] {
        let outcome = postpone(&mut tender, until, 20);
        assert_eq!(code(outcome), "tender.postponed-late", "{until}");
    }
    let broken = Postpone {
        deadline: plus_nanos(secs(LATER), 1),
        ..to(LATER)
    };
    let outcome = tender.say(&cast.agency, "tender.postpone", &broken, 20);
    assert_eq!(code(outcome), "notice.unlawful");
    // 120,000 beats of half a minute take 41 days.
    let outcome = postpone(&mut tender, DEADLINE + 42 * 86_400, 20);
    assert_eq!(code(outcome), "notice.unlawful");
    let early = tender.signed(&cast.agency, "tender.postpone", &to(LATER), DEADLINE - 1);
    let outcome = tender.host.submit(early, None, secs(DEADLINE));
    assert_eq!(code(outcome), "tender.postponed-late");
    let outcome = postpone(&mut tender, LATER, DEADLINE);
    assert_eq!(code(outcome), "tender.postponed-late");
    // Nothing of that left a trace.
    assert!(tender.host.state().postponements().is_empty());
    tender.close_witnessed();
    let outcome = postpone(&mut tender, LATER, DEADLINE - 1);
    assert_eq!(code(outcome), "record.wrong-stage");
}

#[test]
fn twice_and_while_suspended_but_not_after_the_end() {
    let cast = Cast::new(&INTL, "postponed");
    let mut tender = Tender::new(&cast, ORIGIN, Kind::Joint);
    let why = Halt {
        reason: "质疑处理".to_owned(),
    };
    postpone(&mut tender, DEADLINE + 10, 15).expect("in time");
    let agency = &cast.agency;
    tender
        .say(agency, "tender.suspend", &why, 16)
        .expect("taken");
    // It would stand before the suspension in the log, with a later number.
    let outcome = postpone(&mut tender, LATER, 17);
    assert!(matches!(outcome, Err(Error::Unavailable { .. })));
    tender.beat(20);
    postpone(&mut tender, LATER, 21).expect("suspended, not ended");
    tender
        .say(agency, "tender.resume", &why, 22)
        .expect("taken");
    tender.receive(1);
    tender.reopen();
    let moved = tender.host.state().postponements();
    assert_eq!(moved[1].from, secs(DEADLINE + 10));
    tender
        .say(agency, "tender.cancel", &why, 50)
        .expect("taken");
    tender.beat(50);
    let outcome = postpone(&mut tender, LATER + 100, 51);
    assert_eq!(code(outcome), "tender.halted");
    tender.close(secs(LATER)).expect("closed");
    tender.witness(LATER + 1);
    tender.close_window(LATER + 3).expect("closed");
    assert_valid(&tender.archive(LATER + 4));
}

/// A bid that waits for its beat stands behind the postponement in the log, whose date may be ahead of it.
#[test]
fn what_came_before_it_is_not_judged_by_its_date() {
    let cast = Cast::new(&INTL, "postponed");
    let mut tender = Tender::new(&cast, ORIGIN, Kind::Joint);
    let bid = tender.seal(0, 900_000, 31);
    tender.submit(&bid, secs(31)).expect("a bid");
    let ahead = tender.signed(&cast.agency, "tender.postpone", &to(LATER), 55);
    tender.take(ahead, 32).expect("an agency's fast clock");
    let resumed = tender.signed(
        &cast.agency,
        "tender.suspend",
        &Halt {
            reason: String::new(),
        },
        33,
    );
    tender.take(resumed, 33).expect("a slower one");
    let latest = tender.host.state().latest();
    tender.beat(40);
    tender.reopen();
    assert_eq!(tender.host.state().latest(), latest);
    assert_eq!(tender.host.state().bids().len(), 1);
}

#[test]
fn a_clock_that_opens_at_the_old_deadline_stays() {
    let cast = Cast::new(&INTL, "postponed");
    let mut tender = Tender::unpublished(&cast, ORIGIN);
    let rng = &mut SeededEntropy::new(b"a chain");
    let chain = ChainKey::generate("postponed", secs(0), 5, rng).expect("a chain");
    let leaf = Leaf::Tlock {
        chain: chain.chain().hash(),
        round: chain.chain().round_from(secs(DEADLINE)).expect("a round"),
    };
    let board = tender.host.state().board().expect("made").key();
    let all = [Leaf::Bidder, Leaf::Group(board), leaf].map(Node::Leaf);
    let mut notice = notice(&cast, tender.host.state(), Kind::Joint);
    notice.policy = Policy::new(Node::all(all.to_vec())).expect("grammar");
    notice.chains = vec![chain.chain().record().clone()];
    tender.publish(&notice).expect("a lawful notice");
    let outcome = postpone(&mut tender, LATER, 20);
    assert_eq!(code(outcome), "notice.unlawful");
}

/// A list that waits for its beat counts already at the door, and not where the postponement stands in the log.
#[test]
fn not_while_a_revocation_list_waits() {
    let cast = Cast::new(&INTL, "postponed");
    let mut tender = Tender::new(&cast, ORIGIN, Kind::Joint);
    let bid = tender.seal(0, 900_000, 31);
    tender.submit(&bid, secs(31)).expect("a bid");
    let list = cast.ca.revocation_list(&[], secs(31), secs(86_400), 2);
    let rng = &mut SeededEntropy::new(b"a list");
    let taken = tender.host.take_crl(&list.expect("a list"), secs(32), rng);
    assert_eq!(taken.expect("recorded"), Some(secs(32)));
    let outcome = postpone(&mut tender, LATER, 33);
    assert!(matches!(outcome, Err(Error::Unavailable { .. })));
    tender.beat(40);
    postpone(&mut tender, LATER, 41).expect("in time");
    tender.reopen();
}
