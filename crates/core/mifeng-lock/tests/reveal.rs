//! A one-time key: fewer than t shares are not the key, t are, and a wrong share names its member.

mod common;

use common::World;
use mifeng_crypto::{GM, INTL, Point, Scalar};
use mifeng_lock::policy::{Finding, Note};
use mifeng_lock::{Error, Leaf, Node, Policy};

/// Every subset of `0..n` as a bit set.
fn subsets(n: usize) -> impl Iterator<Item = Vec<usize>> {
    (0..1usize << n).map(move |set| (0..n).filter(|i| set >> i & 1 == 1).collect())
}

#[test]
fn exactly_the_quorums_have_the_key() {
    for suite in [&GM, &INTL] {
        let world = World::new(suite, 3, 5, "reveal");
        let board = world.board();
        let given: Vec<(u8, Scalar)> = world
            .shares
            .iter()
            .map(|share| {
                let checked = board.revealed(share.index(), &share.reveal());
                (share.index(), checked.expect("its own"))
            })
            .collect();
        for set in subsets(5) {
            let some: Vec<_> = set.iter().map(|i| given[*i].clone()).collect();
            match board.whole_key(&some) {
                Ok(key) => {
                    assert!(set.len() >= 3);
                    assert_eq!(Point::mul_generator(&key), *board.public());
                }
                Err(e) => assert_eq!(
                    e,
                    Error::TooFewShares {
                        need: 3,
                        found: set.len()
                    }
                ),
            }
        }
        let twice = [given[0].clone(), given[0].clone(), given[1].clone()];
        assert_eq!(
            board.whole_key(&twice).err(),
            Some(Error::DuplicateShare { index: 1 })
        );
    }
}

#[test]
fn a_share_is_its_members_alone() {
    let world = World::new(&GM, 2, 3, "reveal");
    let other = World::new(&GM, 2, 3, "another board");
    let board = world.board();
    let wrong = |index, share: &[u8; 32]| board.revealed(index, share).err();
    let first = world.shares[0].reveal();
    assert_eq!(wrong(2, &first), Some(Error::ShareProof { index: 2 }));
    assert_eq!(
        wrong(1, &other.shares[0].reveal()),
        Some(Error::ShareProof { index: 1 })
    );
    assert_eq!(wrong(1, &[0; 32]), Some(Error::ShareProof { index: 1 }));
    assert_eq!(wrong(1, &[0xff; 32]), Some(Error::ShareProof { index: 1 }));
    let mut near = *first;
    near[31] ^= 1;
    assert_eq!(wrong(1, &near), Some(Error::ShareProof { index: 1 }));
    for index in [0, 4] {
        assert_eq!(
            wrong(index, &first),
            Some(Error::ShareIndex { index, n: 3 })
        );
    }
}

#[test]
fn the_linter_explains_and_refuses_mixing() {
    let key = mifeng_crypto::Digest::from_bytes([7; 32]);
    for (policy, name) in [
        (Policy::one_time_key(key), "one-time-key"),
        (Policy::joint_one_time_key(key), "joint-one-time-key"),
    ] {
        assert_eq!(policy.name(), Some(name));
        assert_eq!(policy.notes(), [Note::OneTimeKey]);
        assert!(policy.lint_with(None, &[(key, 2)]).is_empty());
        assert_eq!(
            Policy::parse(&policy.to_jcs().expect("encodes")).as_ref(),
            Ok(&policy)
        );
    }
    assert!(Policy::joint(key).notes().is_empty());
    let codes = |policy: &Policy, boards: &[(mifeng_crypto::Digest, u8)]| -> Vec<&'static str> {
        let found = policy.lint_with(None, boards);
        found.iter().map(Finding::code).collect()
    };
    let policy = Policy::one_time_key(key);
    assert_eq!(codes(&policy, &[(key, 1)]), ["lock.lint-one-party"]);
    let other = mifeng_crypto::Digest::from_bytes([8; 32]);
    assert_eq!(codes(&policy, &[(other, 2)]), ["lock.lint-unknown-board"]);
    let mixed = Node::all(vec![
        Node::Leaf(Leaf::Reveal(key)),
        Node::Leaf(Leaf::Group(key)),
    ]);
    let mixed = Policy::new(mixed).expect("grammar");
    assert_eq!(codes(&mixed, &[]), ["lock.lint-key-in-two-ways"]);
    for text in [
        r#"{"leaf":"reveal"}"#,
        r#"{"cert":"bidder","leaf":"reveal"}"#,
        r#"{"key":"bidder","leaf":"reveal"}"#,
    ] {
        assert!(Policy::parse(text.as_bytes()).is_err(), "{text}");
    }
}
