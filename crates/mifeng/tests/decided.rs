//! How the opening of a bid ends that lacks a share, by whose cause, and that nothing changes it afterwards.

mod common;

use common::*;
use mifeng::crypto::{Digest, INTL, SeededEntropy};
use mifeng::lock::tlock::ChainKey;
use mifeng::lock::{Leaf, Node, Policy, SecretShare};
use mifeng::record::SignedRecord;
use mifeng::tender::*;
use mifeng::{Error, trustee};
use std::collections::BTreeMap;

const ORIGIN: &str = "host.example/t/decided";
/// When the boards' time to release is over that began at the window's end.
const GIVEN_UP: i64 = WINDOW_END + (WINDOW_END - DEADLINE);

fn fail(tender: &mut Tender<'_>, seal: &Digest, at: i64) -> Result<BidFail, Error> {
    let rng = &mut SeededEntropy::new(b"fail");
    tender.host.fail_bid(seal, secs(at), rng)
}

/// All bids in, no bidder waited for, the window closed at its end.
fn closed(tender: &mut Tender<'_>, released: &[usize]) {
    tender.receive(3);
    tender.close_witnessed();
    for number in released {
        tender.release_leaf(*number, DEADLINE + 2).expect("a leaf");
    }
    tender.close_window(WINDOW_END).expect("closed");
}

/// The window closed, the first trustee's shares for all, the second one's for all but the first bid, and what the
/// third would send.
fn short_of_one(tender: &mut Tender<'_>) -> (Digest, BoardShares) {
    closed(tender, &[]);
    let (at, cast) = (WINDOW_END + 1, tender.cast);
    tender.release(0, at).expect("released");
    let short = tender.host.state().to_open()[0];
    let mut second = tender.shares(1, at).expect("released");
    second.shares.retain(|row| row.seal != short);
    let third = tender.shares(2, at).expect("released");
    let person = &cast.trustees[1].person;
    tender
        .say(person, "board.share", &second, at)
        .expect("taken");
    (short, third)
}

fn statuses(tender: &Tender<'_>) -> BTreeMap<Digest, BidStatus> {
    let (_, minutes) = tender.host.state().minutes().expect("minutes");
    minutes
        .rows
        .iter()
        .map(|row| (row.seal, row.status))
        .collect()
}

/// What the verifier says of the shares.
fn valid_with(tar: &[u8]) -> String {
    let report = mifeng::verify(&Parts::of_tar(tar), &mifeng::Trusted::default());
    let report = report.expect("readable");
    assert!(report.is_valid(), "{:?}", report.failure());
    let shares = report.checks.iter().find(|check| check.id == "V9");
    shares.expect("each check").saw_en.clone()
}

#[test]
fn nobody_is_given_up_while_trustees_may_release() {
    let cast = Cast::new(&INTL, "edges");
    let mut tender = Tender::new(&cast, ORIGIN, Kind::Board);
    let (short, third) = short_of_one(&mut tender);
    for at in [WINDOW_END + 1, GIVEN_UP - 1] {
        let refused = fail(&mut tender, &short, at);
        assert_eq!(code(refused), "opening.given-up-early");
    }
    // Whoever comes in that time is not too late.
    let person = &cast.trustees[2].person;
    tender
        .say(person, "board.share", &third, GIVEN_UP - 1)
        .expect("in time");
    tender.open_all(GIVEN_UP - 1);
    assert_eq!(statuses(&tender)[&short], BidStatus::Opened);
    let said = valid_with(&tender.archive(GIVEN_UP));
    assert!(said.contains("9 shares hold") || said.contains("8 shares hold"));
    assert!(
        said.contains("0 of them for bids that did not open"),
        "{said}"
    );
}

#[test]
fn a_suspension_gives_the_trustees_their_time_again() {
    let cast = Cast::new(&INTL, "edges");
    let mut tender = Tender::new(&cast, ORIGIN, Kind::Board);
    let (short, _) = short_of_one(&mut tender);
    let why = Halt {
        reason: "质疑".to_owned(),
    };
    for (kind, at) in [("tender.suspend", 110), ("tender.resume", 118)] {
        tender.say(&cast.agency, kind, &why, at).expect("said");
    }
    let until = 118 + (WINDOW_END - DEADLINE);
    assert_eq!(
        code(fail(&mut tender, &short, until - 1)),
        "opening.given-up-early"
    );
    fail(&mut tender, &short, until).expect("it is over");
}

#[test]
fn a_late_share_counts_for_the_others_only() {
    let cast = Cast::new(&INTL, "edges");
    let mut tender = Tender::new(&cast, ORIGIN, Kind::Board);
    let (short, third) = short_of_one(&mut tender);
    let ended = fail(&mut tender, &short, GIVEN_UP).expect("given up");
    assert_eq!(ended.status, BidStatus::WithdrawnOtherCause);

    // The program leaves out what has its outcome; a record made before is taken for the others.
    let now = tender.shares(2, GIVEN_UP + 1).expect("released");
    assert!(now.shares.iter().all(|row| row.seal != short));
    assert_eq!((now.shares.len(), third.shares.len()), (2, 3));
    let person = &cast.trustees[2].person;
    let mut alone = third.clone();
    alone.shares.retain(|row| row.seal == short);
    let refused = tender.say(person, "board.share", &alone, GIVEN_UP + 1);
    assert_eq!(code(refused), "opening.decided");
    // False shares are false whatever they are for.
    let mut lie = alone.clone();
    lie.shares[0].share = now.shares[0].share.clone();
    let refused = tender.say(person, "board.share", &lie, GIVEN_UP + 1);
    assert_eq!(code(refused), "board.share-invalid");
    tender
        .say(person, "board.share", &third, GIVEN_UP + 1)
        .expect("taken for the others");
    let counted = tender.host.state().shares();
    let of_short = counted.iter().filter(|((seal, _), _)| *seal == short);
    assert_eq!(of_short.map(|(_, shares)| shares.len()).sum::<usize>(), 1);

    tender.open_all(GIVEN_UP + 2);
    assert_eq!(statuses(&tender)[&short], BidStatus::WithdrawnOtherCause);
    let said = valid_with(&tender.archive(GIVEN_UP + 4));
    assert!(said.contains("7 shares hold, 1 of them for"), "{said}");
}

#[test]
fn nothing_is_released_when_all_is_decided() {
    let cast = Cast::new(&INTL, "edges");
    let mut tender = Tender::new(&cast, ORIGIN, Kind::Board);
    closed(&mut tender, &[]);
    let third = tender.shares(2, WINDOW_END + 1).expect("released");
    for number in 0..2 {
        tender.release(number, WINDOW_END + 1).expect("taken");
    }
    for id in tender.host.state().to_open() {
        tender.open(&id, WINDOW_END + 2).expect("opens");
    }
    assert_eq!(
        tender.shares(2, WINDOW_END + 3).expect("nothing").shares,
        []
    );
    let person = &cast.trustees[2].person;
    let refused = tender.say(person, "board.share", &third, WINDOW_END + 3);
    assert_eq!(code(refused), "opening.decided");
    let none = BoardShares {
        index: 3,
        shares: Vec::new(),
    };
    let refused = tender.say(person, "board.share", &none, WINDOW_END + 3);
    assert_eq!(code(refused), "record.data");
}

fn one_time<'c>(cast: &'c Cast) -> (Tender<'c>, Vec<Trustee>) {
    let mut tender = Tender::unpublished(cast, ORIGIN);
    let (seats, records) = cast.one_time(ORIGIN);
    for record in records {
        tender.take(record, 0).expect("the second board");
    }
    let mut notice = notice(cast, tender.host.state(), Kind::Board);
    notice.policy = Policy::one_time_key(tender.host.state().fallback().expect("made").key());
    tender.publish(&notice).expect("a lawful notice");
    (tender, seats)
}

fn key_share(tender: &Tender<'_>, seat: &Trustee) -> SecretShare {
    trustee::fallback_share(tender.host.replay(), &seat.static_key).expect("own share")
}

fn reveal(tender: &mut Tender<'_>, seat: &Trustee, at: i64) -> Result<KeyReveal, Error> {
    let (bundle, secret) = (tender.bundle(), key_share(tender, seat));
    trustee::reveal(&bundle.replay, &bundle.files, &secret, secs(at))
}

#[test]
fn a_late_key_opens_the_others_only() {
    let cast = Cast::new(&INTL, "edges");
    let (mut tender, seats) = one_time(&cast);
    closed(&mut tender, &[]);
    let say = |tender: &mut Tender<'_>, number: usize, at: i64| {
        let data = reveal(tender, &seats[number], at).expect("revealed");
        tender.say(&seats[number].person, "key.reveal", &data, at)
    };
    say(&mut tender, 0, WINDOW_END + 1).expect("taken");
    let short = tender.host.state().to_open()[0];
    let early = fail(&mut tender, &short, GIVEN_UP - 1);
    assert_eq!(code(early), "opening.given-up-early");
    fail(&mut tender, &short, GIVEN_UP).expect("given up");
    say(&mut tender, 1, GIVEN_UP + 1).expect("the others wait for it");
    for id in tender.host.state().to_open() {
        if id != short {
            tender.open(&id, GIVEN_UP + 2).expect("opens");
        }
    }
    let refused = reveal(&mut tender, &seats[2], GIVEN_UP + 3);
    assert_eq!(code(refused), "opening.decided");
    let data = KeyReveal {
        index: 3,
        share: Digest::from_bytes(*key_share(&tender, &seats[2]).reveal()),
    };
    let refused = tender.say(&seats[2].person, "key.reveal", &data, GIVEN_UP + 3);
    assert_eq!(code(refused), "opening.decided");
    tender.open_all(GIVEN_UP + 4);
    assert_eq!(statuses(&tender)[&short], BidStatus::WithdrawnOtherCause);
    assert_valid(&tender.archive(GIVEN_UP + 6));
}

/// A tender whose bids need the bidder, the board and a clock; its beacon.
fn clocked<'c>(cast: &'c Cast) -> (Tender<'c>, mifeng::lock::tlock::Beacon) {
    let mut tender = Tender::unpublished(cast, ORIGIN);
    let rng = &mut SeededEntropy::new(b"a chain of our own");
    let chain = ChainKey::generate("decided", secs(0), 5, rng).expect("a chain");
    let round = chain.chain().round_from(secs(DEADLINE)).expect("a round");
    let clock = Leaf::Tlock {
        chain: chain.chain().hash(),
        round,
    };
    let board = tender.host.state().board().expect("made").key();
    let all = [Leaf::Group(board), clock].map(Node::Leaf);
    let mut notice = notice(cast, tender.host.state(), Kind::Board);
    notice.policy = Policy::new(Node::all(all.to_vec())).expect("grammar");
    notice.chains = vec![chain.chain().record().clone()];
    tender.publish(&notice).expect("a lawful notice");
    let beacon = chain.sign(round, secs(WINDOW_END)).expect("its time came");
    (tender, beacon.to_record())
}

#[test]
fn a_late_beacon_opens_the_others_only() {
    let cast = Cast::new(&INTL, "edges");
    let (mut tender, beacon) = clocked(&cast);
    closed(&mut tender, &[]);
    for number in 0..2 {
        tender.release(number, WINDOW_END + 1).expect("released");
    }
    let due = tender.host.state().to_open();
    fail(&mut tender, &due[0], GIVEN_UP).expect("given up");
    let rng = &mut SeededEntropy::new(b"beacon");
    tender
        .host
        .add_beacon(&beacon, secs(GIVEN_UP + 1), rng)
        .expect("the others wait for it");
    tender.open_all(GIVEN_UP + 2);
    let found = statuses(&tender);
    assert_eq!(found[&due[0]], BidStatus::WithdrawnOtherCause);
    assert_eq!(found[&due[1]], BidStatus::Opened);
    assert_valid(&tender.archive(GIVEN_UP + 4));

    let (mut tender, beacon) = clocked(&cast);
    closed(&mut tender, &[]);
    for id in tender.host.state().to_open() {
        fail(&mut tender, &id, GIVEN_UP).expect("given up");
    }
    let mut late =
        |tender: &mut Tender<'_>| code(tender.host.add_beacon(&beacon, secs(GIVEN_UP + 1), rng));
    assert_eq!(late(&mut tender), "opening.decided");
    tender.open_all(GIVEN_UP + 2);
    assert_eq!(late(&mut tender), "opening.decided");
    assert_valid(&tender.archive(GIVEN_UP + 4));
}

/// The bidder's silence was remedied in full, and the board is short: not by the bidder's cause.
#[test]
fn the_boards_shortage_is_not_charged_to_a_bidder_who_was_remedied() {
    let cast = Cast::new(&INTL, "edges");
    let mut tender = Tender::unpublished(&cast, ORIGIN);
    let (seats, records) = cast.fallback();
    for record in records {
        tender.take(record, 0).expect("the second board");
    }
    let mut notice = notice(&cast, tender.host.state(), Kind::Joint);
    let fallback = tender.host.state().fallback().expect("made").key();
    notice.policy = Policy::joint_with_remedy(notice.board, fallback);
    tender.publish(&notice).expect("a lawful notice");
    closed(&mut tender, &[0]);
    tender.release(0, WINDOW_END + 1).expect("released");
    let (remedied, abandoned) = (tender.bids[1].id, tender.bids[2].id);
    for seat in &seats {
        let bundle = tender.bundle();
        let secret = trustee::fallback_share(&bundle.replay, &seat.static_key).expect("own");
        let (now, rng) = (secs(WINDOW_END + 2), &mut tender.rng);
        let data = trustee::release(&bundle.replay, &bundle.files, &secret, now, rng);
        let mut data = data.expect("released");
        data.shares.retain(|row| row.seal == remedied);
        tender
            .say(&seat.person, "board.share", &data, WINDOW_END + 2)
            .expect("taken");
    }
    // A remedy may still come: nobody is revoked before.
    let early = fail(&mut tender, &abandoned, GIVEN_UP - 1);
    assert_eq!(code(early), "opening.given-up-early");
    let mut ended = |id| {
        let fail = fail(&mut tender, &id, GIVEN_UP).expect("given up");
        (fail.status, fail.cause)
    };
    let board = (
        BidStatus::WithdrawnOtherCause,
        rules::QUORUM.code.to_owned(),
    );
    assert_eq!(ended(remedied), board);
    let own = (BidStatus::RevokedBidderCause, NO_RELEASE.to_owned());
    assert_eq!(ended(abandoned), own);
    let present = tender.bids[0].id;
    let other = fail(&mut tender, &present, GIVEN_UP).expect("given up");
    assert_eq!(other.status, board.0);
    tender.open_all(GIVEN_UP + 1);
    assert_valid(&tender.archive(GIVEN_UP + 3));
}

/// Where the board opens without the bidder, silence is no cause and nothing is remedied.
#[test]
fn silence_is_no_fault_where_the_board_opens_alone() {
    let cast = Cast::new(&INTL, "edges");
    for enough in [true, false] {
        let mut tender = Tender::unpublished(&cast, ORIGIN);
        let mut notice = notice(&cast, tender.host.state(), Kind::Joint);
        let either = [Leaf::Bidder, Leaf::Group(notice.board)].map(Node::Leaf);
        notice.policy = Policy::new(Node::any(either.to_vec())).expect("grammar");
        tender.publish(&notice).expect("a lawful notice");
        closed(&mut tender, &[0]);
        tender.release(0, WINDOW_END + 1).expect("released");
        if enough {
            tender.release(1, WINDOW_END + 1).expect("released");
        } else {
            for number in [1, 2] {
                let silent = tender.bids[number].id;
                let ended = fail(&mut tender, &silent, GIVEN_UP).expect("given up");
                assert_eq!(ended.status, BidStatus::WithdrawnOtherCause);
                assert_eq!(ended.cause, rules::QUORUM.code);
            }
        }
        tender.open_all(GIVEN_UP + 1);
        let opened = statuses(&tender);
        let opened = opened.values().filter(|s| **s == BidStatus::Opened).count();
        assert_eq!(opened, if enough { 3 } else { 1 });
        assert_valid(&tender.archive(GIVEN_UP + 3));
    }
}

fn shown(record: &SignedRecord) -> ShareFalse {
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    ShareFalse {
        body: BASE64_STANDARD.encode(&record.body),
        sig: BASE64_STANDARD.encode(&record.signature),
    }
}

#[test]
fn a_false_share_of_the_key_convicts_its_member() {
    let cast = Cast::new(&INTL, "edges");
    let (mut tender, seats) = one_time(&cast);
    closed(&mut tender, &[]);
    let at = WINDOW_END + 1;
    let honest = reveal(&mut tender, &seats[0], at).expect("revealed");
    let other = reveal(&mut tender, &seats[1], at).expect("revealed");
    let host = &cast.platform;
    let person = &seats[0].person;
    // Another member's, none of the group's numbers, and zero.
    let lies = [
        other.share,
        Digest::from_bytes([255; 32]),
        Digest::from_bytes([0; 32]),
    ];
    for (number, share) in lies.into_iter().enumerate() {
        let lie = KeyReveal { index: 1, share };
        let record = tender.signed(person, "key.reveal", &lie, at);
        let refused = tender.take(record.clone(), at);
        assert_eq!(code(refused), "board.share-invalid");
        let logged = tender.host.log_refused(secs(at), &mut tender.rng);
        assert_eq!(logged.expect("told"), 1);
        let known = tender.host.state().false_shares();
        assert_eq!(known.len(), number + 1);
        let last = &known[number];
        assert_eq!((last.index, last.actor), (1, person.fingerprint(&INTL)));
        assert_eq!(last.record, record.commitment(&INTL));
    }
    // Its own convicts nobody, nor does what it cannot answer for.
    let true_one = tender.signed(person, "key.reveal", &honest, at);
    let said = tender.say(host, "share.false", &shown(&true_one), at);
    assert_eq!(code(said), "result.differs");
    let foreign = tender.signed(person, "key.reveal", &other, at);
    let said = tender.say(host, "share.false", &shown(&foreign), at);
    assert_eq!(code(said), "record.not-authorised");
    tender.take(true_one, at).expect("the true one");
    tender
        .say(&seats[1].person, "key.reveal", &other, at)
        .expect("taken");
    tender.open_all(at + 1);
    assert_valid(&tender.archive(at + 3));
}

/// One bidder with much to refuse takes nobody's place, nor that of the evidence against a trustee.
#[test]
fn one_bidder_does_not_fill_what_is_kept_of_refused_records() {
    let cast = Cast::new(&INTL, "edges");
    let mut tender = Tender::new(&cast, ORIGIN, Kind::Board);
    tender.receive(3);
    let honest = tender.seal(3, 700_000, 40);
    tender.close_witnessed();
    let at = DEADLINE + 1;
    for number in 0..30 {
        let junk = BidSubmit {
            seal: format!("{number}"),
        };
        let refused = tender.say(&cast.bidders[2], "bid.submit", &junk, at);
        assert_eq!(code(refused), "bid.malformed");
    }
    assert_eq!(code(tender.submit(&honest, secs(at))), "bid.late");
    tender.close_window(DEADLINE + 2).expect("closed");
    let mut lie = tender.shares(0, DEADLINE + 3).expect("released");
    lie.shares[0].share = lie.shares[1].share.clone();
    let person = &cast.trustees[0].person;
    let refused = tender.say(person, "board.share", &lie, DEADLINE + 3);
    assert_eq!(code(refused), "board.share-invalid");
    let logged = tender.host.log_refused(secs(DEADLINE + 4), &mut tender.rng);
    // One lot and eight more of the one who sent too much, the honest one, the false share.
    assert_eq!(logged.expect("told"), 9 + 1 + 1);
    let state = tender.host.state();
    assert!(
        state
            .refused()
            .contains_key(&honest.record.commitment(&INTL))
    );
    assert_eq!(state.false_shares().len(), 1);
}
