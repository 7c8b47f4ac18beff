//! Seals under policies with a clock: quicknet's own beacons open them, offline, beside what can be withheld.

mod common;

use common::{SIGMA, context, open_all, seal_for, world};
use mifeng_crypto::{Digest, GM, INTL, SeededEntropy, Suite};
use mifeng_envelope::{Error, SealedFile, Tender};
use mifeng_lock::policy::{Leaf, Node};
use mifeng_lock::tlock::{Beacon, Chain, VerifiedBeacon};
use mifeng_lock::{Policy, tdh2};
use std::io::Cursor;
use zeroize::Zeroizing;

const ROUND: u64 = 123;
const ROUND_123: &str = "b75c69d0b72a5d906e854e808ba7e2accb1542ac355ae486d591aa9d43765482e26cd02df835d3546d23c4b13e0dfc92";

fn beacon(round: u64, signature: &str) -> VerifiedBeacon {
    let chain = Chain::quicknet();
    let beacon = Beacon {
        chain: chain.hash(),
        round,
        signature: signature.to_owned(),
    };
    beacon.verify(&chain).expect("beacon")
}

fn policy(key: Digest) -> Policy {
    let clock = Leaf::Tlock {
        chain: Chain::quicknet().hash(),
        round: ROUND,
    };
    let policy = Policy::new(Node::all(vec![
        Node::Leaf(Leaf::Group(key)),
        Node::Leaf(clock),
    ]))
    .expect("grammar");
    assert_eq!(policy.lint(), []);
    policy
}

#[test]
fn board_and_clock_open_together_and_neither_alone() {
    for suite in [&GM as &'static Suite, &INTL] {
        let w = world(suite);
        let policy = policy(w.board.key());
        let (file, sealed) = seal_for(&w, &policy, context(&w), &SIGMA);
        let boards = [&w.board];
        let tender = Tender {
            suite,
            event: Digest::from_bytes([5; 32]),
            lots: &["1", "2"],
            policy: &policy,
            boards: &boards,
        };
        let seal = sealed.record.verify(&tender).expect("verifies");
        assert_eq!(
            seal.clock_leaves(),
            [("r.2".to_owned(), Chain::quicknet().hash(), ROUND)]
        );
        let right = beacon(ROUND, ROUND_123);
        let clock = seal.clock_share("r.2", &right).expect("opens");
        assert!(matches!(
            seal.clock_share("r.1", &right),
            Err(Error::NotOurLeaf)
        ));
        let later = beacon(
            12_040_883,
            "929906c959032ab363c9f26570d215d66f5c06cb0c44fe508c12bb5839f04ec895bb6868e5b9ff13ab289bdb5266b394",
        );
        assert!(matches!(
            seal.clock_share("r.2", &later),
            Err(Error::NotOurLeaf)
        ));

        let leaf = &seal.group_leaves()[0];
        let mut entropy = SeededEntropy::new(b"clock");
        let shares: Vec<_> = w
            .shares
            .iter()
            .map(|s| tdh2::release(&w.board, s, &leaf.ciphertext, &mut entropy).expect("share"))
            .collect();
        let board = tdh2::combine(&w.board, &leaf.ciphertext, &shares).expect("quorum");
        let both = [("r.1".to_owned(), board), ("r.2".to_owned(), clock)];
        let manifest = open_all(&w, &policy, &file, &both).expect("opens");
        assert_eq!(manifest.opening.price, "980000.00");
        for alone in 0..2 {
            let error = seal.recover(&both[alone..=alone], &boards).err();
            assert_eq!(error, Some(Error::NotSatisfied));
        }
        let mut wrong = both.clone();
        wrong[1].1 = Zeroizing::new([0; 32]);
        assert!(
            seal.recover(&wrong, &boards)
                .err()
                .expect("refused")
                .is_bidder_fault()
        );
    }
}

#[test]
fn the_clock_is_the_notices_own() {
    let w = world(&INTL);
    let policy = policy(w.board.key());
    let (file, _) = seal_for(&w, &policy, context(&w), &SIGMA);
    let boards = [&w.board];
    let record = SealedFile::read(&mut Cursor::new(&file)).expect("sizes");
    let foreign = Policy::new(Node::all(vec![
        Node::Leaf(Leaf::Group(w.board.key())),
        Node::Leaf(Leaf::Tlock {
            chain: Digest::from_bytes([9; 32]),
            round: ROUND,
        }),
    ]))
    .expect("grammar");
    // The notice's policy is another one: the chain cannot be swapped for one of the bidder's own.
    let tender = Tender {
        suite: &INTL,
        event: Digest::from_bytes([5; 32]),
        lots: &["1", "2"],
        policy: &foreign,
        boards: &boards,
    };
    assert!(matches!(
        record.record().verify(&tender),
        Err(Error::Mismatch {
            what: "opening policy"
        })
    ));
}
