//! The remedy plan: a fallback board stands in for a bidder that released nothing, and for nobody else.

mod common;

use common::*;
use mifeng::crypto::{GM, INTL, Suite};
use mifeng::lock::Policy;
use mifeng::tender::{BidStatus, BoardShares, rules};
use mifeng::{Opened, trustee};

const SUITES: [&Suite; 2] = [&GM, &INTL];
const ORIGIN: &str = "host.example/t/remedy";

/// A published tender with a fallback board.
fn published<'c>(cast: &'c Cast) -> (Tender<'c>, Vec<Trustee>) {
    let mut tender = Tender::unpublished(cast, ORIGIN);
    let (seats, records) = cast.fallback();
    for record in records {
        tender.take(record, 0).expect("the second board");
    }
    let mut notice = notice(cast, tender.host.state(), Kind::Joint);
    let fallback = tender.host.state().fallback().expect("made").key();
    notice.policy = Policy::joint_with_remedy(notice.board, fallback);
    tender.publish(&notice).expect("a lawful notice");
    (tender, seats)
}

/// What the program of a member of the fallback board gives out.
fn stand_in(tender: &mut Tender<'_>, seat: &Trustee, at: i64) -> BoardShares {
    let bundle = tender.bundle();
    let secret = trustee::fallback_share(&bundle.replay, &seat.static_key).expect("own share");
    trustee::release(
        &bundle.replay,
        &bundle.files,
        &secret,
        secs(at),
        &mut tender.rng,
    )
    .expect("released")
}

#[test]
fn the_fallback_board_opens_for_the_absent_only() {
    for suite in SUITES {
        let cast = Cast::new(suite, "edges");
        let (mut tender, seats) = published(&cast);
        tender.receive(4);
        tender.close_witnessed();
        for number in 0..3 {
            tender.release_leaf(number, DEADLINE + 2).expect("a leaf");
        }
        let absent = tender.bids[3].id;
        assert_eq!(code(tender.close_window(WINDOW_END - 1)), "opening.early");
        tender.close_window(WINDOW_END).expect("the window ends");
        let late = tender.release_leaf(3, WINDOW_END);
        assert_eq!(code(late), "record.wrong-stage");

        // The board answers for all four, the fallback board for the absent one alone, and not for another.
        for number in 0..2 {
            let data = tender.shares(number, WINDOW_END + 1).expect("released");
            assert_eq!(data.shares.len(), 4);
            tender.release(number, WINDOW_END + 1).expect("taken");
        }
        assert_eq!(
            code(tender.open(&absent, WINDOW_END + 2)),
            "board.quorum-short"
        );
        let data = stand_in(&mut tender, &seats[0], WINDOW_END + 2);
        assert_eq!(data.shares.len(), 1);
        let mut meddling = data.clone();
        meddling.shares[0].seal = tender.bids[0].id;
        let refused = tender.say(&seats[0].person, "board.share", &meddling, WINDOW_END + 2);
        assert_eq!(code(refused), "board.share-early");
        let mut elsewhere = data.clone();
        elsewhere.shares[0].path = "r.2".to_owned();
        let refused = tender.say(&seats[0].person, "board.share", &elsewhere, WINDOW_END + 2);
        assert_eq!(code(refused), "board.share-invalid");
        let impostor = &cast.trustees[2].person;
        let refused = tender.say(impostor, "board.share", &data, WINDOW_END + 2);
        assert_ne!(code(refused), "accepted");
        tender
            .say(&seats[0].person, "board.share", &data, WINDOW_END + 2)
            .expect("taken");
        assert_eq!(
            code(tender.open(&absent, WINDOW_END + 3)),
            "board.quorum-short"
        );
        let data = stand_in(&mut tender, &seats[1], WINDOW_END + 3);
        tender
            .say(&seats[1].person, "board.share", &data, WINDOW_END + 3)
            .expect("taken");
        tender.open_all(100);
        assert_eq!(statuses(&tender), [1, 3, 0]);
        assert_valid(&tender.archive(103));
    }
}

/// How many bids were remedied, opened, and treated as revoked.
fn statuses(tender: &Tender<'_>) -> [usize; 3] {
    let (_, minutes) = tender.host.state().minutes().expect("minutes");
    [
        BidStatus::Remedied,
        BidStatus::Opened,
        BidStatus::RevokedBidderCause,
    ]
    .map(|status| {
        minutes
            .rows
            .iter()
            .filter(|row| row.status == status)
            .count()
    })
}

#[test]
fn a_remedy_that_fails_leaves_the_bidders_own_cause() {
    let cast = Cast::new(&INTL, "edges");
    let (mut tender, seats) = published(&cast);
    tender.receive(4);
    tender.close_witnessed();
    for number in 0..3 {
        tender.release_leaf(number, DEADLINE + 2).expect("a leaf");
    }
    tender.close_window(WINDOW_END).expect("the window ends");
    for number in 0..2 {
        tender.release(number, WINDOW_END + 1).expect("taken");
    }
    // One of two members: not enough.
    let data = stand_in(&mut tender, &seats[0], WINDOW_END + 2);
    tender
        .say(&seats[0].person, "board.share", &data, WINDOW_END + 2)
        .expect("taken");
    let (absent, present) = (tender.bids[3].id, tender.bids[0].id);
    let rng = &mut mifeng::crypto::SeededEntropy::new(b"fail");
    let refused = tender.host.fail_bid(&present, secs(WINDOW_END + 30), rng);
    assert_eq!(code(refused), rules::NOT_RECOMPUTED.code);
    let fail = tender
        .host
        .fail_bid(&absent, secs(WINDOW_END + 30), rng)
        .expect("logged");
    assert_eq!(fail.status, BidStatus::RevokedBidderCause);
    assert_eq!(fail.cause, mifeng::tender::NO_RELEASE);
    let opened = tender.open(&present, 121).expect("opens");
    assert!(matches!(opened, Opened::Bid(_)));
    tender.open_all(122);
    assert_eq!(statuses(&tender), [0, 3, 1]);
    assert_valid(&tender.archive(125));
}

fn refused_notice(cast: &Cast, tender: &mut Tender<'_>, policy: Policy) -> &'static str {
    let mut notice = notice(cast, tender.host.state(), Kind::Joint);
    notice.policy = policy;
    code(tender.publish(&notice))
}

#[test]
fn the_second_board_is_a_fallback_of_other_people() {
    let suite: &'static Suite = &INTL;
    let cast = Cast::new(suite, "edges");
    let (seats, records) = cast.fallback();
    let rng = &mut mifeng::crypto::SeededEntropy::new(b"other boards");

    // Before it is there its paths can never be satisfied, and what nobody names has no part in a tender.
    let mut tender = Tender::unpublished(&cast, ORIGIN);
    let board = tender.host.state().board().expect("made").key();
    let unknown = Policy::joint_with_remedy(board, mifeng::crypto::Digest::from_bytes([1; 32]));
    assert_eq!(
        refused_notice(&cast, &mut tender, unknown),
        "notice.unlawful"
    );
    for record in &records {
        tender.take(record.clone(), 0).expect("taken");
    }
    let plain = Policy::joint(board);
    assert_eq!(refused_notice(&cast, &mut tender, plain), "notice.unlawful");

    // One of two could stand in alone.
    let mut tender = Tender::unpublished(&cast, ORIGIN);
    for record in form(suite, "loose", 1, &seats, rng) {
        tender.take(record, 0).expect("taken");
    }
    let loose = tender.host.state().fallback().expect("made").key();
    let policy = Policy::joint_with_remedy(board, loose);
    assert_eq!(
        refused_notice(&cast, &mut tender, policy),
        "notice.unlawful"
    );

    // A trustee of the board on the second one.
    let mut tender = Tender::unpublished(&cast, ORIGIN);
    let again = form(suite, "again", 3, &cast.trustees, rng);
    assert_eq!(
        code(tender.take(again[0].clone(), 0)),
        rules::BAD_BOARD.code
    );
}
