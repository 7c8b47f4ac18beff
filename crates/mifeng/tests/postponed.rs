//! A deadline that moves.

mod common;

use common::*;
use mifeng::crypto::{GM, INTL, SeededEntropy};
use mifeng::lock::tlock::ChainKey;
use mifeng::lock::{Leaf, Node, Policy};
use mifeng::tender::{Halt, Postpone};
use mifeng::{Error, Trusted, verify};

const ORIGIN: &str = "host.example/t/postponed";
/// The new deadline, in seconds.
const LATER: i64 = DEADLINE + 40;

fn to(seconds: i64) -> Postpone {
    Postpone {
        deadline: secs(seconds),
        reason: "图纸更正".to_owned(),
    }
}

fn postpone(tender: &mut Tender<'_>, data: &Postpone, at: i64) -> Result<(), Error> {
    let agency = &tender.cast.agency;
    tender.say(agency, "tender.postpone", data, at)
}

#[test]
fn bids_come_in_until_the_new_deadline_and_nothing_opens_before_it() {
    for suite in [&GM, &INTL] {
        let cast = Cast::new(suite, "postponed");
        let mut tender = Tender::new(&cast, ORIGIN, Kind::Joint);
        tender.receive(2);
        postpone(&mut tender, &to(LATER), DEADLINE - 5).expect("in time");
        assert_eq!(tender.host.state().postponed(), [secs(DEADLINE)]);
        tender.beat(DEADLINE);
        let early = tender.close(secs(DEADLINE)).expect_err("not yet");
        assert_eq!(early.code(), "opening.early");
        let bid = tender.seal(2, 880_000, DEADLINE + 20);
        let taken = tender.submit(&bid, secs(DEADLINE + 20));
        taken.expect("before the new deadline");
        tender.bids.push(bid);
        let late = tender.seal(3, 870_000, LATER - 1);
        let outcome = tender.submit(&late, secs(LATER));
        assert_eq!(code(outcome), "bid.late");
        tender.close(secs(LATER)).expect("closed");
        tender.witness(LATER + 1);
        for number in 0..3 {
            tender.release_leaf(number, LATER + 2).expect("a leaf");
        }
        tender.close_window(LATER + 3).expect("closed");
        // A trustee whose clock is before the new deadline gives nothing out.
        assert_eq!(code(tender.shares(0, LATER - 1)), "opening.early");
        for number in 0..2 {
            tender.release(number, LATER + 4).expect("released");
        }
        tender.open_all(LATER + 40);
        let dossier = Parts::of_tar(&tender.archive(LATER + 43));
        let report = verify(&dossier, &Trusted::default()).expect("readable");
        assert!(report.is_valid(), "{:?}", report.failure());
        let said = &report.checks[5];
        assert!(
            said.saw_en
                .contains(&format!("(postponed 1 times, first {})", secs(DEADLINE))),
            "{}",
            said.saw_en
        );
    }
}

#[test]
fn it_moves_by_the_agencys_word_in_time_to_a_later_one_for_a_reason() {
    let cast = Cast::new(&INTL, "postponed");
    let mut tender = Tender::new(&cast, ORIGIN, Kind::Board);
    let buyer = tender.say(&cast.buyer, "tender.postpone", &to(LATER), 12);
    assert_eq!(code(buyer), "record.not-authorised");
    let mut part = to(LATER);
    part.deadline = part.deadline.plus_millis(1);
    let mut silent = to(LATER);
    silent.reason = " ".to_owned();
    for data in [to(DEADLINE), to(DEADLINE - 10), part, silent] {
        assert_eq!(code(postpone(&mut tender, &data, 13)), "notice.postpone");
    }
    assert!(tender.host.state().postponed().is_empty());
    // While it is suspended too, and more than once.
    let why = Halt {
        reason: "质疑处理".to_owned(),
    };
    tender
        .say(&cast.agency, "tender.suspend", &why, 14)
        .expect("suspended");
    postpone(&mut tender, &to(DEADLINE + 10), 15).expect("in time");
    tender
        .say(&cast.agency, "tender.resume", &why, 16)
        .expect("resumed");
    postpone(&mut tender, &to(LATER), DEADLINE + 5).expect("before the second deadline");
    // Signed in time, handed in late; and the other way round.
    let dated = tender.signed(&cast.agency, "tender.postpone", &to(LATER + 50), LATER - 1);
    assert_eq!(code(tender.take(dated, LATER)), "notice.postpone");
    assert_eq!(
        code(postpone(&mut tender, &to(LATER + 50), LATER)),
        "notice.postpone"
    );
    tender.close(secs(LATER)).expect("closed");
    assert_eq!(
        code(postpone(&mut tender, &to(LATER + 50), LATER - 1)),
        "record.wrong-stage"
    );
}

#[test]
fn a_clock_leaf_does_not_open_before_the_new_deadline() {
    let cast = Cast::new(&INTL, "postponed");
    let mut tender = Tender::unpublished(&cast, ORIGIN);
    let rng = &mut SeededEntropy::new(b"a chain of our own");
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
    assert_eq!(
        code(postpone(&mut tender, &to(LATER), 12)),
        "notice.postpone"
    );
}
