//! Keys that cannot be finished: wrong messages, copies, complaints, and trustees who leave.

mod common;

use common::*;
use mifeng::Error;
use mifeng::crypto::{GM, INTL, SeededEntropy};
use mifeng::lock::dkg::StaticKey;
use mifeng::tender::*;

const PEOPLE: [&str; 3] = ["Wang", "Li", "Zhao"];

fn refused(outcome: Result<(), Error>) -> &'static str {
    outcome.expect_err("refused").code()
}

/// A log whose first board is made, and people who make a second one.
fn world(cast: &Cast) -> (Tender<'_>, Vec<Trustee>) {
    let tender = Tender::unpublished(cast, "host.example/t/given-up");
    (tender, cast.more_trustees(&PEOPLE))
}

#[test]
fn a_wrong_first_message_is_not_taken_and_a_true_one_after_it_is() {
    for suite in [&GM, &INTL] {
        let cast = Cast::new(suite, "given up");
        let (mut tender, seats) = world(&cast);
        let mut forming = Formation::new("second", 3, 3);
        forming.join(&mut tender, &seats);
        let good = forming.first(&mut tender, 1, &seats);
        let fewer = Formation::new("second", 2, 3).first(&mut tender, 1, &seats);
        let other = Formation::new("another", 3, 3).first(&mut tender, 1, &seats);
        let (mut off, mut proof, mut long) = (good.clone(), good.clone(), good.clone());
        off[1..33].fill(0xff);
        proof[3 * 33 + 40] ^= 1;
        long.push(0);
        for bad in [fewer, other, off, proof, long, Vec::new()] {
            let outcome = forming.send(&mut tender, 1, &seats[0], &bad);
            assert_eq!(refused(outcome), "board.formation");
        }
        let outcome = forming.send(&mut tender, 1, &seats[0], &good);
        outcome.expect("the true one");
    }
}

#[test]
fn a_copied_message_is_known_by_its_shares() {
    let cast = Cast::new(&INTL, "given up");
    let (mut tender, seats) = world(&cast);
    let mut forming = Formation::new("second", 2, 3);
    forming.join(&mut tender, &seats);
    // Member 2 saw member 1's message on the way, and is faster.
    let stolen = forming.first(&mut tender, 1, &seats);
    let outcome = forming.send(&mut tender, 2, &seats[1], &stolen);
    outcome.expect("nobody can see it yet");
    let outcome = forming.send(&mut tender, 1, &seats[0], &stolen);
    assert_eq!(refused(outcome), "board.formation");
    let fresh = forming.first(&mut tender, 1, &seats);
    let third = forming.first(&mut tender, 3, &seats);
    for (index, message) in [(1, &fresh), (3, &third)] {
        let seat = &seats[usize::from(index) - 1];
        let outcome = forming.send(&mut tender, index, seat, message);
        outcome.expect("its own");
    }
    let messages = [fresh, stolen, third];
    let complaint = forming.complaint(&mut tender, (3, 2), &seats, &messages);
    let complaint = complaint.expect("the copy does not open");
    let outcome = forming.say(&mut tender, &seats[2], "board.complain", &complaint);
    outcome.expect("justified");
    let all = tender.host.state().given_up();
    assert_eq!(all.len(), 1);
    let given_up = &all[0];
    assert_eq!(
        (given_up.by, given_up.culprit, given_up.round),
        (3, Some(2), 0)
    );
    assert_eq!(given_up.session, "second");
}

#[test]
fn a_complaint_ends_a_making_only_if_it_is_justified() {
    for suite in [&GM, &INTL] {
        let cast = Cast::new(suite, "given up");
        let (mut tender, seats) = world(&cast);
        let mut forming = Formation::new("second/1", 3, 3);
        forming.join(&mut tender, &seats);
        let mut messages: Vec<Vec<u8>> = (1..=3)
            .map(|index| forming.first(&mut tender, index, &seats))
            .collect();
        // The tag of the share from 2 to 3.
        *messages[1].last_mut().expect("long") ^= 1;
        let complaint = forming.complaint(&mut tender, (3, 2), &seats, &messages);
        let complaint = complaint.expect("the share does not open");
        let good = forming.complaint(&mut tender, (1, 2), &seats, &messages);
        assert!(good.is_err(), "the share for 1 is right");
        let early = forming.say(&mut tender, &seats[2], "board.complain", &complaint);
        assert_eq!(refused(early), "board.formation", "before the messages");
        for (index, message) in (1..).zip(&messages) {
            let seat = &seats[usize::from(index) - 1];
            let outcome = forming.send(&mut tender, index, seat, message);
            outcome.expect("only its recipient sees it");
        }
        let mut flipped = hex::decode(&complaint.complaint).expect("hex");
        flipped[100] ^= 1;
        let unjustified = [
            BoardComplain {
                accused: 1,
                ..complaint.clone()
            },
            BoardComplain {
                complaint: hex::encode(flipped),
                ..complaint.clone()
            },
            BoardComplain {
                complaint: String::new(),
                ..complaint.clone()
            },
        ];
        for data in &unjustified {
            let outcome = forming.say(&mut tender, &seats[2], "board.complain", data);
            assert_eq!(refused(outcome), "board.formation");
        }
        let outcome = forming.say(&mut tender, &seats[0], "board.complain", &complaint);
        assert_eq!(refused(outcome), "record.not-authorised", "another's name");
        assert_eq!(tender.host.state().given_up(), []);
        let outcome = forming.say(&mut tender, &seats[2], "board.complain", &complaint);
        outcome.expect("justified");
        assert_eq!(tender.host.state().given_up()[0].culprit, Some(2));

        let again = Formation::new("second/1", 3, 3).cert(1, &seats[0]);
        let mut same = Formation::going_on("second/1", (3, 3), &[(&seats[0], 2)], &cast);
        let outcome = same.say(&mut tender, &seats[0], "board.cert", &again);
        assert_eq!(refused(outcome), "board.formation", "the session is over");
        Formation::new("second/2", 3, 3).make(&mut tender, &seats);
        assert!(tender.host.state().fallback().is_some());
        let said: Vec<(&Trustee, u64)> = seats.iter().map(|seat| (seat, 3)).collect();
        let mut made = Formation::going_on("second/2", (3, 3), &said, &cast);
        let outcome = made.say(&mut tender, &seats[2], "board.complain", &complaint);
        assert_eq!(refused(outcome), "board.formation", "the key is made");
    }
}

#[test]
fn members_give_up_and_nobody_else() {
    let cast = Cast::new(&INTL, "given up");
    let (mut tender, seats) = world(&cast);
    let mut forming = Formation::new("second/1", 2, 3);
    let data = forming.cert(1, &seats[0]);
    let outcome = forming.say(&mut tender, &seats[0], "board.cert", &data);
    outcome.expect("joins");
    let abandon = |reason: &str| BoardAbandon {
        index: 1,
        round: 0,
        reason: reason.to_owned(),
    };
    let outcome = forming.say(&mut tender, &seats[1], "board.abandon", &abandon("no"));
    assert_eq!(refused(outcome), "record.not-authorised");
    let outcome = forming.say(&mut tender, &seats[0], "board.abandon", &abandon(" "));
    assert_eq!(refused(outcome), "board.formation");
    let outcome = forming.say(&mut tender, &seats[0], "board.abandon", &abandon("ill"));
    outcome.expect("a member's word");
    Formation::new("second/2", 3, 3).make(&mut tender, &seats);
    // The first board is made, and nobody is handing it on.
    let said = [(&cast.trustees[0], 3)];
    let mut first = Formation::going_on(SESSION, (2, 3), &said, &cast);
    for round in [0, 1] {
        let data = BoardAbandon {
            round,
            ..abandon("none")
        };
        let outcome = first.say(&mut tender, &cast.trustees[0], "board.abandon", &data);
        assert_eq!(refused(outcome), "board.formation");
    }
}

#[test]
fn whoever_takes_a_share_over_brings_a_witness_and_a_wrong_deal_is_not_taken() {
    for suite in [&GM, &INTL] {
        let cast = Cast::new(suite, "given up");
        let (mut tender, _) = world(&cast);
        let seats = &cast.trustees;
        let said: Vec<(&Trustee, u64)> = seats.iter().map(|seat| (seat, 3)).collect();
        let mut forming = Formation::going_on(SESSION, (2, 3), &said, &cast);
        let rng = &mut SeededEntropy::new(b"new keys");
        let keys = [0; 3].map(|_| StaticKey::generate(suite, rng).expect("a key"));
        let witness = |n: u8| witness_of(&seats[usize::from(n) - 1].witness, SESSION, n);
        let data = forming.takes(1, 1, &[1, 3], &keys[0], &witness(1));
        let mut wrong = vec![data.clone(), data.clone()];
        wrong[0].witness = "nobody".to_owned();
        wrong[1].static_key = "04".repeat(33);
        for bad in &wrong {
            let outcome = forming.say(&mut tender, &seats[0], "board.reshare", bad);
            assert_eq!(refused(outcome), "board.formation");
        }
        let outcome = forming.say(&mut tender, &seats[0], "board.reshare", &data);
        outcome.expect("its own witness");
        let data = forming.takes(1, 2, &[1, 3], &keys[1], &witness(1));
        let outcome = forming.say(&mut tender, &seats[1], "board.reshare", &data);
        assert_eq!(refused(outcome), "board.formation", "another's witness");
        for n in [2_u8, 3] {
            let seat = &seats[usize::from(n) - 1];
            let data = forming.takes(1, n, &[1, 3], &keys[usize::from(n) - 1], &witness(n));
            let outcome = forming.say(&mut tender, seat, "board.reshare", &data);
            outcome.expect("joins");
        }
        let true_one = forming.dealt(&mut tender, &seats[0]);
        let another = forming.dealt(&mut tender, &seats[2]);
        let outcome = forming.deal(&mut tender, (1, 1), &seats[0], &another);
        assert_eq!(refused(outcome), "board.formation", "3's share of the key");
        let outcome = forming.deal(&mut tender, (1, 1), &seats[0], &true_one);
        outcome.expect("its own");
    }
}

#[test]
fn records_of_another_board_do_not_touch_the_first_ones_handing_on() {
    let cast = Cast::new(&INTL, "given up");
    let (mut tender, people) = world(&cast);
    let seats = &cast.trustees;
    let said = [(&seats[0], 3)];
    let mut forming = Formation::going_on(SESSION, (2, 3), &said, &cast);
    let rng = &mut SeededEntropy::new(b"another board");
    let key = StaticKey::generate(&INTL, rng).expect("a key");
    let witness = witness_of(&seats[0].witness, SESSION, 1);
    let takes = forming.takes(1, 1, &[1, 3], &key, &witness);
    let other = BoardReshare {
        session: "zzz".to_owned(),
        ..takes.clone()
    };
    let outcome = forming.say(&mut tender, &seats[0], "board.reshare", &other);
    assert_eq!(
        refused(outcome),
        "board.formation",
        "another session inside"
    );
    let abandon = BoardAbandon {
        index: 1,
        round: 1,
        reason: "none".to_owned(),
    };
    let outcome = forming.say(&mut tender, &seats[0], "board.reshare", &takes);
    outcome.expect("joins");
    for session in ["zzz", "second"] {
        let mut stranger = Formation::new(session, 2, 3);
        let outcome = stranger.say(&mut tender, &seats[0], "board.abandon", &abandon);
        assert_eq!(refused(outcome), "record.wrong-origin");
        let foreign = BoardReshare {
            session: session.to_owned(),
            index: 2,
            ..takes.clone()
        };
        let outcome = stranger.say(&mut tender, &seats[1], "board.reshare", &foreign);
        assert_eq!(refused(outcome), "record.wrong-origin");
        if session == "zzz" {
            let mut second = Formation::new("second", 2, 3);
            second.join(&mut tender, &people);
        }
    }
    let outcome = forming.say(&mut tender, &seats[0], "board.abandon", &abandon);
    outcome.expect("the board's own");
}

#[test]
fn sizes_names_and_spellings_that_no_board_has_are_refused_at_once() {
    let cast = Cast::new(&INTL, "given up");
    let (mut tender, seats) = world(&cast);
    let cert = |session: &str, t, n| Formation::new(session, t, n).cert(1, &seats[0]);
    let mut upper = cert("s", 2, 3);
    upper.static_key = upper.static_key.to_uppercase();
    let long = "s".repeat(257);
    let named = BoardCert {
        session: long.clone(),
        ..cert("s", 2, 3)
    };
    let bad = [
        ("s", cert("s", 0, 3)),
        ("s", cert("s", 4, 3)),
        ("s", cert("s", 2, 16)),
        ("", cert("", 2, 3)),
        (&long, named),
        ("s", upper),
    ];
    for (session, data) in bad {
        let mut forming = Formation::new(session, 2, 3);
        let outcome = forming.say(&mut tender, &seats[0], "board.cert", &data);
        assert_eq!(refused(outcome), "board.formation", "{data:?}");
    }
    let mut forming = Formation::new("s", 2, 3);
    let outcome = forming.say(&mut tender, &seats[0], "board.cert", &cert("s", 2, 3));
    outcome.expect("a good one");
}
