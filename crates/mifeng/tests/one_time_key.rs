//! A key made for one tender: plain public-key encryption, shares of the key revealed at the opening.

mod common;

use common::*;
use mifeng::crypto::{Digest, GM, INTL, SeededEntropy, Suite};
use mifeng::lock::{Board, Leaf, Node, Policy, SecretShare};
use mifeng::tender::*;
use mifeng::trustee;

const SUITES: [&Suite; 2] = [&GM, &INTL];
const ORIGIN: &str = "host.example/t/one-time";

/// A tender whose second board, the same people with other keys, made a key for it: 2 of 3.
fn unpublished<'c>(cast: &'c Cast) -> (Tender<'c>, Vec<Trustee>) {
    let mut tender = Tender::unpublished(cast, ORIGIN);
    let (seats, records) = cast.one_time(ORIGIN);
    for record in records {
        tender.take(record, 0).expect("the second board");
    }
    (tender, seats)
}

fn published<'c>(cast: &'c Cast, kind: Kind) -> (Tender<'c>, Vec<Trustee>) {
    let (mut tender, seats) = unpublished(cast);
    let mut notice = notice(cast, tender.host.state(), kind);
    let key = tender.host.state().fallback().expect("made").key();
    notice.policy = match kind {
        Kind::Board => Policy::one_time_key(key),
        Kind::Joint => Policy::joint_one_time_key(key),
    };
    tender.publish(&notice).expect("a lawful notice");
    (tender, seats)
}

fn secret(tender: &Tender<'_>, seat: &Trustee) -> SecretShare {
    trustee::fallback_share(tender.host.replay(), &seat.static_key).expect("own share")
}

fn reveal(tender: &mut Tender<'_>, seat: &Trustee, at: i64) -> Result<KeyReveal, mifeng::Error> {
    let bundle = tender.bundle();
    let secret = secret(tender, seat);
    trustee::reveal(&bundle.replay, &bundle.files, &secret, secs(at))
}

#[test]
fn the_members_reveal_and_the_bids_open() {
    for suite in SUITES {
        for kind in [Kind::Board, Kind::Joint] {
            let cast = Cast::new(suite, "edges");
            let (mut tender, seats) = published(&cast, kind);
            tender.receive(3);
            assert_eq!(code(reveal(&mut tender, &seats[0], 50)), "opening.early");
            let own = KeyReveal {
                index: 1,
                share: Digest::from_bytes(*secret(&tender, &seats[0]).reveal()),
            };
            tender.close_witnessed();
            let early = tender.say(&seats[0].person, "key.reveal", &own, DEADLINE + 1);
            assert_eq!(code(early), "record.wrong-stage");
            if kind == Kind::Joint {
                for number in 0..3 {
                    tender.release_leaf(number, DEADLINE + 2).expect("a leaf");
                }
            }
            tender.close_window(DEADLINE + 3).expect("closed");
            let at = DEADLINE + 4;

            // The first board has nothing to release here, and its key is nobody's to reveal.
            assert_eq!(tender.shares(0, at).expect("nothing").shares, []);
            let bundle = tender.bundle();
            let main = tender.secret(0);
            let refused = trustee::reveal(&bundle.replay, &bundle.files, &main, secs(at));
            assert_eq!(code(refused), "record.wrong-stage");

            let data = reveal(&mut tender, &seats[0], at).expect("revealed");
            assert_eq!(data, own);
            let mut another = data.clone();
            another.index = 2;
            let refused = tender.say(&seats[0].person, "key.reveal", &another, at);
            assert_eq!(code(refused), "record.not-authorised");
            let refused = tender.say(&seats[1].person, "key.reveal", &another, at);
            assert_eq!(code(refused), "board.share-invalid");
            tender
                .say(&seats[0].person, "key.reveal", &data, at)
                .expect("taken");
            let again = tender.say(&seats[0].person, "key.reveal", &data, at);
            assert_eq!(code(again), "bid.duplicate");
            // One of two members: nothing opens.
            for id in tender.host.state().to_open() {
                assert_eq!(code(tender.open(&id, at)), "board.quorum-short");
            }
            let data = reveal(&mut tender, &seats[2], at).expect("revealed");
            tender
                .say(&seats[2].person, "key.reveal", &data, at)
                .expect("taken");
            tender.open_all(100);
            let (_, minutes) = tender.host.state().minutes().expect("minutes");
            assert!(
                minutes
                    .rows
                    .iter()
                    .all(|row| row.status == BidStatus::Opened)
            );
            let dossier = tender.archive(103);
            assert_valid(&dossier);
        }
    }
}

/// Trustees who never reveal leave the bids withdrawn by another's cause; a silent bidder's is its own.
#[test]
fn without_the_key_each_bid_has_its_cause() {
    let cast = Cast::new(&INTL, "edges");
    let (mut tender, seats) = published(&cast, Kind::Joint);
    tender.receive(3);
    tender.close_witnessed();
    tender.release_leaf(0, DEADLINE + 2).expect("a leaf");
    tender.close_window(WINDOW_END).expect("the window ends");
    let data = reveal(&mut tender, &seats[0], WINDOW_END + 1).expect("revealed");
    tender
        .say(&seats[0].person, "key.reveal", &data, WINDOW_END + 1)
        .expect("taken");
    let rng = &mut SeededEntropy::new(b"fail");
    let causes: Vec<BidStatus> = tender
        .host
        .state()
        .to_open()
        .iter()
        .map(|id| {
            tender
                .host
                .fail_bid(id, secs(WINDOW_END + 30), rng)
                .expect("logged")
                .status
        })
        .collect();
    let count = |status| causes.iter().filter(|found| **found == status).count();
    assert_eq!(count(BidStatus::WithdrawnOtherCause), 1);
    assert_eq!(count(BidStatus::RevokedBidderCause), 2);
}

#[test]
fn a_notice_reveals_no_key_that_does_more() {
    let cast = Cast::new(&INTL, "edges");
    let leaf = Node::Leaf;
    let refused = |tender: &mut Tender<'_>, policy: Policy, change: &dyn Fn(&mut Notice)| {
        let mut notice = notice(&cast, tender.host.state(), Kind::Board);
        notice.policy = policy;
        change(&mut notice);
        let refused = tender.publish(&notice).expect_err("refused");
        assert_eq!(refused.code(), "notice.unlawful");
        refused.to_string()
    };
    let (mut tender, _) = unpublished(&cast);
    let boards = tender.host.state().boards();
    let (main, second) = (boards[0].key(), boards[1].key());
    let plain = |_: &mut Notice| {};
    let said = refused(&mut tender, Policy::one_time_key(main), &plain);
    assert!(said.contains("never revealed"), "{said}");
    // As a fallback the same people cannot serve, nor two of three of them.
    let said = refused(&mut tender, Policy::joint_with_remedy(main, second), &plain);
    assert!(said.contains("fallback"), "{said}");
    let said = refused(&mut tender, Policy::joint(main), &plain);
    assert!(
        said.contains("second board") || said.contains("fallback"),
        "{said}"
    );
    let both = Node::all(vec![leaf(Leaf::Reveal(second)), leaf(Leaf::Group(second))]);
    let said = refused(&mut tender, Policy::new(both).expect("grammar"), &plain);
    assert!(said.contains("lock.lint-key-in-two-ways"), "{said}");
    let said = refused(&mut tender, Policy::one_time_key(second), &|notice| {
        let rules = serde_json::json!({"method": "consultation", "object": "goods", "price_weight": "30",
            "budget": "1000000.00", "items": [{"id": "spec", "name": {"zh": "s", "en": "s"}, "max": "70", "kind": "subjective"}]});
        notice.procedure = Procedure::Consultation;
        notice.committee.experts = 3;
        notice.lots[0].rules = serde_json::from_value(rules).expect("rules");
    });
    assert!(said.contains("final offers"), "{said}");
    let _: &Board = tender.host.state().fallback().expect("made");
    // The records of a key that was made for another tender can be carried here, and a notice cannot name it.
    let mut tender = Tender::unpublished(&cast, ORIGIN);
    for record in cast.one_time("host.example/t/before").1 {
        tender.take(record, 0).expect("the second board");
    }
    let key = tender.host.state().fallback().expect("made").key();
    let said = refused(&mut tender, Policy::one_time_key(key), &plain);
    assert!(said.contains("board/host.example/t/before"), "{said}");
}
