//! A key handed on: the same key, new shares; nobody can smuggle another secret in.

mod common;

use common::World;
use mifeng_crypto::{GM, INTL, Point, SeededEntropy, Suite};
use mifeng_lock::dkg::{Complaint, Reshare, StaticKey, Transcript};
use mifeng_lock::tdh2::{self, Ciphertext};
use mifeng_lock::{Board, Error, SecretShare, Share};

const LABEL: &[u8] = b"leaf\0a bid sealed before";

struct Next {
    keys: Vec<StaticKey>,
    reshare: Reshare,
    messages: Vec<Vec<u8>>,
}

fn next(world: &mut World, dealers: &[u8], t: u8, n: u8) -> Next {
    let suite: &Suite = world.board().suite();
    let keys: Vec<_> = (0..n)
        .map(|_| StaticKey::generate(suite, &mut world.entropy).expect("entropy"))
        .collect();
    let public = |i: &u8| (*i, world.keys[usize::from(*i) - 1].public());
    let from: Vec<(u8, Point)> = dealers.iter().map(public).collect();
    let members = keys.iter().map(StaticKey::public).collect();
    let board = world.transcript.board().clone();
    let reshare = Reshare::new(&board, &from, t, members, b"handing on").expect("setup");
    let mut sorted = dealers.to_vec();
    sorted.sort_unstable();
    let messages = sorted
        .iter()
        .map(|i| {
            let at = usize::from(*i) - 1;
            reshare
                .deal(&world.keys[at], &world.shares[at], &mut world.entropy)
                .expect("deals")
        })
        .collect();
    Next {
        keys,
        reshare,
        messages,
    }
}

fn sealed(board: &Board) -> Ciphertext {
    let bytes = tdh2::encrypt(board, LABEL, &[7; 96], &[42; 32]).expect("encrypts");
    Ciphertext::parse_and_check(board, LABEL, &bytes).expect("valid")
}

fn release(board: &Board, shares: &[&SecretShare], sealed: &Ciphertext) -> Vec<Share> {
    let mut entropy = SeededEntropy::new(b"release");
    shares
        .iter()
        .map(|share| tdh2::release(board, share, sealed, &mut entropy).expect("share"))
        .collect()
}

fn accept(transcript: &Transcript, keys: &[StaticKey]) -> (Board, Vec<SecretShare>) {
    let shares: Vec<_> = keys
        .iter()
        .map(|key| transcript.share(key).expect("share"))
        .collect();
    let signatures: Vec<_> = keys
        .iter()
        .zip(&shares)
        .map(|(key, share)| transcript.sign(key, share).expect("signs"))
        .collect();
    (transcript.finish(&signatures).expect("board"), shares)
}

#[test]
fn every_quorum_can_hand_on_and_what_was_sealed_before_still_opens() {
    for suite in [&GM, &INTL] {
        for (dealers, t, n) in [([1, 2, 3], 3, 5), ([5, 2, 4], 2, 3), ([1, 3, 5], 4, 7)] {
            let mut world = World::new(suite, 3, 5, "hand on");
            let bid = sealed(world.board());
            let next = next(&mut world, &dealers, t, n);
            let transcript = next.reshare.transcript(&next.messages).expect("messages");
            let (board, shares) = accept(&transcript, &next.keys);
            assert_eq!(board.public(), world.board().public());
            assert_eq!(board.key(), world.board().key());
            assert_ne!(board.holding(), world.board().holding());
            assert_eq!((board.threshold(), board.members()), (t, n));
            let quorum: Vec<_> = shares.iter().rev().take(t.into()).collect();
            let released = release(&board, &quorum, &bid);
            assert_eq!(
                *tdh2::combine(&board, &bid, &released).expect("opens"),
                [42; 32]
            );
            // What was checked against the board before counts no more.
            let before: Vec<_> = world.shares.iter().take(3).collect();
            let before = release(world.board(), &before, &bid).into_iter();
            let before = before.map(|share| tdh2::check_share(world.board(), &bid, share));
            let before: Vec<_> = before.map(|held| held.expect("holds")).collect();
            assert!(tdh2::combine_checked(world.board(), &bid, &before).is_ok());
            assert!(matches!(
                tdh2::combine_checked(&board, &bid, &before),
                Err(Error::ShareProof { index: 1 })
            ));
            let few = &released[1..];
            assert!(matches!(
                tdh2::combine(&board, &bid, few),
                Err(Error::TooFewShares { .. })
            ));
        }
    }
}

#[test]
fn old_and_new_shares_do_not_mix() {
    let mut world = World::new(&GM, 2, 3, "mixing");
    let bid = sealed(world.board());
    let next = next(&mut world, &[1, 2], 2, 3);
    let transcript = next.reshare.transcript(&next.messages).expect("messages");
    let (board, shares) = accept(&transcript, &next.keys);
    // The program refuses to answer with an old share for the new board, and the other way round.
    let entropy = &mut SeededEntropy::new(b"mix");
    assert_eq!(
        tdh2::release(&board, &world.shares[0], &bid, entropy),
        Err(Error::OtherBoard)
    );
    assert_eq!(
        tdh2::release(world.board(), &shares[0], &bid, entropy),
        Err(Error::OtherBoard)
    );
    // An answer made with an old share does not verify under the new share keys.
    let old = release(world.board(), &[&world.shares[1]], &bid);
    assert_eq!(
        tdh2::verify_share(&board, &bid, &old[0]),
        Err(Error::ShareProof { index: 2 })
    );
}

#[test]
fn a_machine_is_replaced_from_the_transcript_and_the_static_key() {
    let world = World::new(&INTL, 3, 5, "lost machine");
    let bid = sealed(world.board());
    // What survives: the log, and 32 bytes in a wrapped store.
    let kept = world.keys[3].to_bytes();
    let again = Transcript::build(&world.setup, &world.messages).expect("log");
    let key = StaticKey::from_bytes(&INTL, &kept).expect("key");
    let share = again.share(&key).expect("recovered");
    let released = release(
        again.board(),
        &[&world.shares[0], &world.shares[1], &share],
        &bid,
    );
    assert_eq!(
        *tdh2::combine(again.board(), &bid, &released).expect("opens"),
        [42; 32]
    );
}

#[test]
fn who_deals_another_secret_is_named() {
    let mut world = World::new(&GM, 2, 3, "another secret");
    let other = World::new(&GM, 2, 3, "another board");
    let honest = next(&mut world, &[1, 3], 2, 3);
    let build = |messages: &[Vec<u8>]| honest.reshare.transcript(messages).err();
    // A share of another board is refused by the dealer's own program …
    assert_eq!(
        honest
            .reshare
            .deal(&world.keys[0], &other.shares[0], &mut world.entropy),
        Err(Error::OtherBoard)
    );
    // … and a message that was made with one by everybody else's.
    let foreign = Reshare::new(
        other.board(),
        &[(1, other.keys[0].public()), (3, other.keys[2].public())],
        2,
        honest.keys.iter().map(StaticKey::public).collect(),
        b"handing on",
    )
    .expect("setup");
    let lie = foreign
        .deal(&other.keys[2], &other.shares[2], &mut world.entropy)
        .expect("deals");
    assert_eq!(
        build(&[honest.messages[0].clone(), lie]),
        Some(Error::DkgProof { culprit: 3 })
    );
    // A dealer that has not the share cannot prove possession of it; the copy of another's message names the copier.
    let copy = honest.messages[0].clone();
    assert!(matches!(
        build(&[copy.clone(), copy]),
        Some(Error::DkgMessage { culprit: 3, .. })
    ));
    // Messages in the wrong order are not the dealers' own.
    let swapped = [honest.messages[1].clone(), honest.messages[0].clone()];
    assert!(matches!(
        build(&swapped),
        Some(Error::DkgMessage {
            culprit: 1,
            what: "deals another secret than its share of the key"
        })
    ));
}

#[test]
fn every_flipped_byte_names_its_dealer_to_everyone() {
    let mut world = World::new(&INTL, 2, 3, "flipped");
    let honest = next(&mut world, &[2, 3], 2, 2);
    let length = honest.messages[1].len();
    for at in (0..length).step_by(7) {
        let mut messages = honest.messages.clone();
        messages[1][at] ^= 1;
        match honest.reshare.transcript(&messages) {
            Err(error) => assert_eq!(error.culprit(), Some(3), "{at}: {error}"),
            Ok(transcript) => {
                // Only a recipient sees it: and proves it.
                let (member, error) = honest
                    .keys
                    .iter()
                    .find_map(|key| Some((key, transcript.share(key).err()?)))
                    .expect("one recipient");
                assert_eq!(error.culprit(), Some(3), "{at}");
                let complaint = transcript
                    .complain(member, 3, &mut world.entropy)
                    .expect("justified");
                let read = Complaint::from_bytes(&INTL, &complaint.to_bytes()).expect("bytes");
                assert_eq!(read.judge(&transcript).expect("upheld").culprit(), Some(3));
                // The honest dealer is not to be had.
                assert_eq!(
                    transcript.complain(member, 2, &mut world.entropy).err(),
                    Some(Error::DkgComplaint {
                        accuser: transcript.setup().index_of(member).expect("member")
                    })
                );
            }
        }
    }
}

#[test]
fn dealers_are_exactly_a_quorum() {
    let world = World::new(&GM, 3, 5, "dealers");
    let keys = |of: &[u8]| -> Vec<(u8, Point)> {
        of.iter()
            .map(|i| (*i, world.keys[(usize::from(*i) - 1) % 5].public()))
            .collect()
    };
    let make = |of: &[u8]| {
        let members = world.keys.iter().map(StaticKey::public).collect();
        Reshare::new(world.board(), &keys(of), 3, members, b"s").err()
    };
    assert_eq!(make(&[1, 2, 3]), None);
    assert_eq!(
        make(&[1, 2]),
        Some(Error::TooFewShares { need: 3, found: 2 })
    );
    assert!(matches!(make(&[1, 2, 3, 4]), Some(Error::Board { .. })));
    assert_eq!(make(&[1, 2, 2]), Some(Error::DuplicateShare { index: 2 }));
    assert_eq!(make(&[1, 2, 6]), Some(Error::ShareIndex { index: 6, n: 5 }));
}
