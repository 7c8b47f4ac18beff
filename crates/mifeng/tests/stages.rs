//! Edges of the opening: too few, silent, one share short, suspended, cancelled, lost.

#![allow(clippy::panic)] // A failed expectation, with what was expected.

mod common;

use common::*;
use mifeng::Opened;
use mifeng::crypto::{GM, INTL, Suite};
use mifeng::tender::*;

const SUITES: [&Suite; 2] = [&GM, &INTL];
const ORIGIN: &str = "host.example/t/edges";

#[test]
fn too_few_bids_stay_shut() {
    for kind in [Kind::Board, Kind::Joint] {
        let cast = Cast::new(&INTL, "edges");
        let mut tender = Tender::new(&cast, ORIGIN, kind);
        tender.receive(2);
        tender.close_witnessed();
        assert!(tender.host.state().to_open().is_empty());
        tender
            .close_window(DEADLINE + 3)
            .expect("nobody is waited for");
        let id = tender.bids[0].id;
        // The programs give nothing out for them, and the log takes nothing in.
        assert!(
            tender
                .shares(0, DEADLINE + 4)
                .expect("asked")
                .shares
                .is_empty()
        );
        let bid = &tender.host.state().bids()[&id].seal;
        let leaf = bid.group_leaves()[0].clone();
        let board = tender.host.state().board().expect("a board").clone();
        let secret = tender.secret(0);
        let share = mifeng::lock::tdh2::release(&board, &secret, &leaf.ciphertext, &mut tender.rng);
        let data = BoardShares {
            index: 1,
            shares: vec![BoardShare {
                seal: id,
                path: leaf.path.clone(),
                share: share.expect("a share").to_record(),
            }],
        };
        let trustee = &cast.trustees[0].person;
        let outcome = tender.say(trustee, "board.share", &data, DEADLINE + 4);
        assert_eq!(code(outcome), "board.share-early");
        assert_ne!(code(tender.open(&id, DEADLINE + 5)), "accepted");
        tender.open_all(100);
        let (_, minutes) = tender.host.state().minutes().expect("minutes");
        assert_eq!(minutes.rows.len(), 2);
        for row in &minutes.rows {
            assert_eq!((row.status, &row.price), (BidStatus::NotOpened, &None));
        }
        let tar = tender.archive(103);
        assert_valid(&tar);
        let sealed = Parts::of_tar(&tar).parts.into_keys();
        assert_eq!(sealed.filter(|name| name.starts_with("seal/")).count(), 0);
    }
}

#[test]
fn a_silent_bidder_loses_its_own_bid_only() {
    for suite in SUITES {
        let cast = Cast::new(suite, "edges");
        let mut tender = Tender::new(&cast, ORIGIN, Kind::Joint);
        tender.receive(3);
        tender.close_witnessed();
        for number in 0..2 {
            tender.release_leaf(number, DEADLINE + 2).expect("a leaf");
        }
        let outcome = tender.release_leaf(0, DEADLINE + 2);
        assert_eq!(code(outcome), "bid.duplicate");
        let silent = tender.bids[2].id;
        assert_eq!(tender.host.state().missing_leaves(), [silent]);
        assert_eq!(code(tender.close_window(WINDOW_END - 1)), "opening.early");
        let short = WindowClose {
            missing: Vec::new(),
            no_body: Vec::new(),
        };
        let outcome = tender.say(&cast.platform, "bidder-window.close", &short, WINDOW_END);
        assert_eq!(code(outcome), "result.differs");
        tender.close_window(WINDOW_END).expect("the window ends");
        let outcome = tender.release_leaf(2, WINDOW_END + 1);
        assert_eq!(code(outcome), "record.wrong-stage");
        for number in 0..2 {
            let data = tender.shares(number, WINDOW_END + 2).expect("released");
            assert!(data.shares.iter().all(|row| row.seal != silent));
            let trustee = &cast.trustees[number].person;
            // A trustee's program leaves the silent bid out; one that does not is refused by the log.
            let mut all = data.clone();
            let mut row = all.shares[0].clone();
            row.seal = silent;
            all.shares.push(row);
            let outcome = tender.say(trustee, "board.share", &all, WINDOW_END + 2);
            assert_eq!(code(outcome), "board.share-early");
            tender
                .say(trustee, "board.share", &data, WINDOW_END + 2)
                .expect("taken");
        }
        match tender.open(&silent, 99).expect("an outcome") {
            Opened::Fault(fail) => {
                assert_eq!(fail.status, BidStatus::RevokedBidderCause);
                assert_eq!(fail.cause, "bidder.no-release");
            }
            Opened::Bid(_) => panic!("opened without the bidder's leaf"),
        }
        tender.open_all(100);
        let (_, minutes) = tender.host.state().minutes().expect("minutes");
        let opened = minutes
            .rows
            .iter()
            .filter(|r| r.status == BidStatus::Opened);
        assert_eq!(opened.count(), 2);
        let seated = tender.draw(101);
        // Two bids are left, and no award can follow (87 art. 43).
        assert!(!tender.evaluate(&seated, 102));
        assert_valid(&tender.archive(103));
    }
}

#[test]
fn one_share_short() {
    let cast = Cast::new(&INTL, "edges");
    let mut tender = Tender::new(&cast, ORIGIN, Kind::Board);
    tender.receive(3);
    tender.close_witnessed();
    tender.close_window(DEADLINE + 3).expect("closed");
    let id = tender.bids[0].id;
    assert_eq!(code(tender.open(&id, DEADLINE + 4)), "board.quorum-short");
    tender.release(0, DEADLINE + 4).expect("released");
    assert_eq!(code(tender.open(&id, DEADLINE + 5)), "board.quorum-short");
    assert!(tender.host.state().outcomes().is_empty());
    tender.release(2, DEADLINE + 6).expect("released");
    tender.open(&id, DEADLINE + 7).expect("two of three");
    assert_eq!(code(tender.open(&id, DEADLINE + 7)), "bid.duplicate");
}

#[test]
fn a_second_record_of_a_trustee_changes_nothing() {
    let cast = Cast::new(&INTL, "edges");
    let mut tender = Tender::new(&cast, ORIGIN, Kind::Board);
    tender.receive(3);
    tender.close_witnessed();
    tender.close_window(DEADLINE + 3).expect("closed");
    let whole = tender.shares(0, DEADLINE + 4).expect("released");
    let part = |range: std::ops::Range<usize>| BoardShares {
        index: 1,
        shares: whole.shares[range].to_vec(),
    };
    let trustee = &cast.trustees[0].person;
    let count = |tender: &Tender<'_>| -> usize {
        let shares = tender.host.state().shares().values();
        shares.map(std::collections::BTreeMap::len).sum()
    };
    tender
        .say(trustee, "board.share", &part(1..2), DEADLINE + 4)
        .expect("taken");
    for again in [0..3, 1..2, 0..2, 1..3] {
        let outcome = tender.say(trustee, "board.share", &part(again), DEADLINE + 5);
        assert_eq!(code(outcome), "bid.duplicate");
        assert_eq!(count(&tender), 1);
    }
    // A row twice, another's row, and a proof that is not the row's: all or nothing.
    let mut twice = part(0..1);
    twice.shares.push(twice.shares[0].clone());
    let mut wrong = part(2..3);
    wrong.shares.push(whole.shares[0].clone());
    wrong.shares[1].share = whole.shares[2].share.clone();
    for (data, expected) in [(twice, "bid.duplicate"), (wrong, "board.share-invalid")] {
        let outcome = tender.say(trustee, "board.share", &data, DEADLINE + 5);
        assert_eq!(code(outcome), expected);
        assert_eq!(count(&tender), 1);
    }
    let other = &cast.trustees[1].person;
    let outcome = tender.say(other, "board.share", &part(0..1), DEADLINE + 5);
    assert_eq!(code(outcome), "record.not-authorised");
    let mut rest = part(0..1);
    rest.shares.push(whole.shares[2].clone());
    tender
        .say(trustee, "board.share", &rest, DEADLINE + 6)
        .expect("the others");
    tender.release(1, DEADLINE + 6).expect("released");
    tender.open_all(100);
    let seated = tender.draw(101);
    assert!(tender.evaluate(&seated, 102));
    assert_valid(&tender.archive(103));
}

#[test]
fn suspended_and_resumed() {
    let cast = Cast::new(&INTL, "edges");
    let mut tender = Tender::new(&cast, ORIGIN, Kind::Joint);
    let why = Halt {
        reason: "质疑处理".to_owned(),
    };
    let bids: Vec<Sealed> = (0..3).map(|n| tender.seal(n, 900_000, 11)).collect();
    tender.submit(&bids[0], secs(12)).expect("on time");
    let outcome = tender.say(&cast.buyer, "tender.suspend", &why, 12);
    assert_eq!(code(outcome), "record.not-authorised");
    tender
        .say(&cast.agency, "tender.suspend", &why, 13)
        .expect("suspended");
    assert_eq!(code(tender.submit(&bids[1], secs(14))), "tender.halted");
    let outcome = tender.say(&cast.agency, "tender.suspend", &why, 14);
    assert_ne!(code(outcome), "accepted");
    tender.beat(20);
    assert_eq!(code(tender.submit(&bids[1], secs(21))), "tender.halted");
    tender
        .say(&cast.agency, "tender.resume", &why, 22)
        .expect("resumed");
    for bid in &bids[1..] {
        tender.submit(bid, secs(23)).expect("on time");
    }
    tender.bids = bids;
    tender.close_witnessed();
    tender
        .say(&cast.agency, "tender.suspend", &why, 61)
        .expect("suspended");
    assert_eq!(code(tender.release_leaf(0, 62)), "tender.halted");
    tender
        .say(&cast.agency, "tender.resume", &why, 62)
        .expect("resumed");
    for number in 0..3 {
        tender.release_leaf(number, 63).expect("a leaf");
    }
    tender.close_window(64).expect("closed");
    let given = tender.shares(0, 64).expect("released");
    tender
        .say(&cast.agency, "tender.suspend", &why, 65)
        .expect("suspended");
    assert_eq!(code(tender.shares(0, 66)), "board.share-early");
    let trustee = &cast.trustees[0].person;
    let outcome = tender.say(trustee, "board.share", &given, 66);
    assert_eq!(code(outcome), "tender.halted");
    tender
        .say(&cast.agency, "tender.resume", &why, 67)
        .expect("resumed");
    for number in 0..2 {
        tender.release(number, 68).expect("released");
    }
    tender.open_all(100);
    let seated = tender.draw(101);
    assert!(tender.evaluate(&seated, 102));
    assert_valid(&tender.archive(103));
}

#[test]
fn a_suspended_tender_revokes_nobody() {
    let cast = Cast::new(&INTL, "edges");
    let mut tender = Tender::new(&cast, ORIGIN, Kind::Joint);
    let why = Halt {
        reason: "质疑处理".to_owned(),
    };
    tender.receive(3);
    tender.close_witnessed();
    let agency = &cast.agency;
    tender
        .say(agency, "tender.suspend", &why, DEADLINE + 2)
        .expect("suspended");
    let early = tender.signed(agency, "tender.resume", &why, DEADLINE + 3);
    // No bidder can release its leaf, so the time for it does not end.
    assert_eq!(code(tender.release_leaf(0, DEADLINE + 4)), "tender.halted");
    assert_eq!(code(tender.close_window(WINDOW_END + 600)), "tender.halted");
    // Nor is it over at once by a resumption that is dated back.
    let outcome = tender.take(early, WINDOW_END + 600);
    assert_eq!(code(outcome), "record.backdated");
    let at = WINDOW_END + 600;
    tender
        .say(agency, "tender.resume", &why, at)
        .expect("resumed");
    let window = WINDOW_END - DEADLINE;
    let early = tender.close_window(at + window - 1);
    assert_eq!(code(early), "opening.early");
    for number in 0..2 {
        tender.release_leaf(number, at + 1).expect("a leaf");
    }
    tender
        .close_window(at + window)
        .expect("the whole window again");
    assert_eq!(
        tender.host.state().missing_leaves(),
        [tender.bids[2].id],
        "the silent one"
    );
    let at = at + window;
    for number in 0..2 {
        tender.release(number, at + 1).expect("released");
    }
    tender.open_all(at + 2);
    assert_valid(&tender.archive(at + 3));
}

#[test]
fn cancelled_with_every_bid_shut() {
    let cast = Cast::new(&INTL, "edges");
    let mut tender = Tender::new(&cast, ORIGIN, Kind::Board);
    tender.receive(3);
    let why = Halt {
        reason: "预算取消".to_owned(),
    };
    tender
        .say(&cast.agency, "tender.cancel", &why, 40)
        .expect("cancelled");
    let outcome = tender.say(&cast.agency, "tender.resume", &why, 41);
    assert_ne!(code(outcome), "accepted");
    tender.close_witnessed();
    tender.close_window(DEADLINE + 3).expect("closed");
    assert_eq!(code(tender.shares(0, DEADLINE + 4)), "board.share-early");
    assert_valid(&tender.archive(103));
}

#[test]
fn a_bid_lost_by_the_trustees() {
    let cast = Cast::new(&INTL, "edges");
    let mut tender = Tender::new(&cast, ORIGIN, Kind::Board);
    tender.receive(3);
    tender.close_witnessed();
    tender.close_window(DEADLINE + 3).expect("closed");
    tender.release(0, DEADLINE + 4).expect("released");
    for seal in tender.host.state().to_open() {
        let mut data = BidFail {
            seal,
            status: BidStatus::WithdrawnOtherCause,
            cause: "bidder.no-release".to_owned(),
        };
        let refused = tender.say(&cast.platform, "bid.fail", &data, 98);
        assert_eq!(code(refused), rules::NOT_RECOMPUTED.code);
        data.cause = rules::QUORUM.code.to_owned();
        tender
            .say(&cast.platform, "bid.fail", &data, 99)
            .expect("logged");
    }
    tender.open_all(100);
    assert_valid(&tender.archive(103));
}

#[test]
fn witnesses_of_the_close_need_not_see_the_same_head() {
    for suite in SUITES {
        let cast = Cast::new(suite, "edges");
        let mut tender = Tender::new(&cast, ORIGIN, Kind::Joint);
        tender.receive(3);
        tender.close(secs(DEADLINE)).expect("closed");
        tender.cosign_by(0, DEADLINE + 1);
        tender.stamp(DEADLINE + 1);
        for number in 0..3 {
            tender.release_leaf(number, DEADLINE + 2).expect("a leaf");
        }
        tender.close_window(DEADLINE + 3).expect("closed");
        // The same witness again is no second one.
        tender.cosign_by(0, DEADLINE + 3);
        assert_eq!(code(tender.shares(0, DEADLINE + 4)), "board.share-early");
        tender.cosign_by(1, DEADLINE + 4);
        for number in 0..2 {
            tender.release(number, DEADLINE + 5).expect("released");
        }
        tender.open_all(100);
        assert_valid(&tender.archive(103));
    }
}
