//! Key generation: the whole protocol, and every way to lie that names the liar.

mod common;

use common::World;
use mifeng_crypto::{GM, INTL, Point, Scalar, SeededEntropy};
use mifeng_lock::dkg::{self, Complaint, Setup, StaticKey, Transcript};
use mifeng_lock::{Board, Error};

#[test]
fn all_sizes_agree_and_recover() {
    for suite in [&GM, &INTL] {
        for (t, n) in [(1, 1), (2, 3), (3, 3), (4, 7), (15, 15)] {
            let world = World::new(suite, t, n, "sizes");
            let signatures: Vec<_> = world
                .keys
                .iter()
                .zip(&world.shares)
                .map(|(key, share)| world.transcript.sign(key, share).expect("sign"))
                .collect();
            let board = dkg::verify(&world.setup, &world.messages, &signatures).expect("verifies");
            assert_eq!(&board, world.board());
            assert_eq!(Board::from_record(&board.to_record()).as_ref(), Ok(&board));
            let again = Transcript::build(&world.setup, &world.messages).expect("transcript");
            assert_eq!(again.share(&world.keys[0]).expect("recovers").index(), 1);
        }
    }
}

#[test]
fn setup_rules() {
    let mut entropy = SeededEntropy::new(b"setup");
    let mut point = || {
        StaticKey::generate(&GM, &mut entropy)
            .expect("entropy")
            .public()
    };
    let (a, b) = (point(), point());
    let make = |t, members: &[&Point], session: &[u8]| {
        Setup::new(
            &GM,
            t,
            members.iter().map(|p| (*p).clone()).collect(),
            session,
        )
    };
    assert!(make(2, &[&a, &b], b"s").is_ok());
    assert_eq!(
        make(2, &[&a, &a], b"s"),
        Err(Error::DuplicateMember {
            first: 1,
            second: 2
        })
    );
    assert!(make(0, &[&a, &b], b"s").is_err());
    assert!(make(3, &[&a, &b], b"s").is_err());
    assert!(make(1, &[], b"s").is_err());
    assert!(make(2, &[&a, &b], b"").is_err());
    assert!(make(2, &[&a, &b], &[0; 257]).is_err());
    assert!(make(2, &[&a, &a.sub(&a)], b"s").is_err());
    let p256 = Point::generator(INTL.curve());
    assert!(make(2, &[&a, &p256], b"s").is_err());
    let many: Vec<_> = (0..16).map(|_| point()).collect();
    assert!(matches!(
        make(2, &many.iter().collect::<Vec<_>>(), b"s"),
        Err(Error::Limit { .. })
    ));
    assert!(StaticKey::from_bytes(&GM, &[0; 32]).is_err());
    assert!(StaticKey::from_bytes(&GM, &[0xff; 32]).is_err());
}

/// A flipped bit anywhere in a public part names the sender at once; in an encrypted share, at its recipient.
#[test]
fn every_flipped_byte_is_attributed() {
    let world = World::new(&GM, 2, 3, "flip");
    let public = 2 * 33 + 65 + 33;
    for at in 0..world.messages[1].len() {
        let mut messages = world.messages.clone();
        messages[1][at] ^= 1;
        match Transcript::build(&world.setup, &messages) {
            Err(error) => assert_eq!(error.culprit(), Some(2), "byte {at}"),
            Ok(transcript) => {
                assert!(at >= public, "byte {at} of the public part is not covered");
                let recipient = (at - public) / 56;
                let error = transcript
                    .share(&world.keys[recipient])
                    .err()
                    .expect("wrong share");
                assert_eq!(error, Error::DkgDecrypt { culprit: 2 }, "byte {at}");
                assert_ne!(transcript.hash(), world.transcript.hash());
            }
        }
    }
}

#[test]
fn lengths_and_counts() {
    let world = World::new(&GM, 2, 3, "lengths");
    for cut in [0, 1, 33, 66, 131, 164, world.messages[0].len() - 1] {
        let mut messages = world.messages.clone();
        messages[0].truncate(cut);
        let error = Transcript::build(&world.setup, &messages).expect_err("short");
        assert_eq!(error.culprit(), Some(1));
    }
    let mut messages = world.messages.clone();
    messages[2].push(0);
    assert_eq!(
        Transcript::build(&world.setup, &messages)
            .expect_err("long")
            .culprit(),
        Some(3)
    );
    assert!(Transcript::build(&world.setup, &world.messages[..2]).is_err());
    // A polynomial of another degree: one commitment more or less shifts everything after it.
    for t in [1, 3] {
        let members = world.setup.members().to_vec();
        let other = Setup::new(&GM, t, members, b"lengths").expect("setup");
        let mut messages = world.messages.clone();
        messages[1] =
            dkg::round1(&other, &world.keys[1], &mut SeededEntropy::new(b"x")).expect("message");
        assert_eq!(
            Transcript::build(&world.setup, &messages)
                .expect_err("degree")
                .culprit(),
            Some(2)
        );
    }
}

#[test]
fn replays_and_copies_are_refused() {
    let world = World::new(&GM, 2, 3, "replay");
    let other =
        Setup::new(&GM, 2, world.setup.members().to_vec(), b"another session").expect("setup");
    let error = Transcript::build(&other, &world.messages).expect_err("other session");
    assert_eq!(error, Error::DkgProof { culprit: 1 });
    let mut messages = world.messages.clone();
    messages[2] = messages[0].clone();
    let copied = Error::DkgCopied {
        first: 1,
        second: 3,
    };
    let error = Transcript::build(&world.setup, &messages).expect_err("copy");
    assert_eq!(error.culprit(), None, "which is the copy cannot be seen");
    assert_eq!(error, copied);
    // Message by message, as they are logged.
    let logged = [(1, &messages[0])];
    let check = |message: &[u8]| dkg::check_round1(&world.setup, 3, message, &logged);
    assert_eq!(check(&messages[2]), Err(copied));
    assert_eq!(check(&world.messages[2]), Ok(()));
    assert_eq!(
        check(&world.messages[2][1..]).map_err(|e| e.culprit()),
        Err(Some(3))
    );
    let mut swapped = world.messages.clone();
    swapped.swap(0, 1);
    let transcript =
        Transcript::build(&world.setup, &swapped).expect("public part is not bound to the index");
    assert!(
        transcript.share(&world.keys[2]).is_err(),
        "but the shares are"
    );
}

/// Trustee 2 sends trustee 3 a share of another polynomial, correctly encrypted.
fn malicious(world: &World) -> Transcript {
    let mut other = World::new(&GM, 2, 3, "malicious other polynomial");
    let forged = dkg::round1(&world.setup, &world.keys[1], &mut other.entropy).expect("message");
    // Same commitments and proof, but the ciphertext for trustee 3 comes from another message: undecryptable.
    let mut messages = world.messages.clone();
    let at = messages[1].len() - 48;
    messages[1][at..].copy_from_slice(&forged[at..]);
    Transcript::build(&world.setup, &messages).expect("public part is right")
}

#[test]
fn malicious_dealer_is_named_and_proven() {
    let world = World::new(&GM, 2, 3, "malicious");
    let transcript = malicious(&world);
    assert!(transcript.share(&world.keys[0]).is_ok());
    assert_eq!(
        transcript.share(&world.keys[2]).err(),
        Some(Error::DkgDecrypt { culprit: 2 })
    );
    let mut entropy = SeededEntropy::new(b"complaint");
    let complaint = transcript
        .complain(&world.keys[2], 2, &mut entropy)
        .expect("justified");
    let complaint = Complaint::from_bytes(&GM, &complaint.to_bytes()).expect("round trip");
    assert_eq!(
        complaint.judge(&transcript),
        Ok(Error::DkgDecrypt { culprit: 2 })
    );
    // The same complaint about the honest transcript does not hold, and an honest dealer cannot be accused.
    assert_eq!(
        complaint.judge(&world.transcript),
        Err(Error::DkgComplaint { accuser: 3 })
    );
    let refused = world.transcript.complain(&world.keys[2], 2, &mut entropy);
    assert_eq!(refused, Err(Error::DkgComplaint { accuser: 3 }));
    for at in [1, 10, 40, 70, 100, 140, 190] {
        let mut bytes = complaint.to_bytes();
        bytes[at] ^= 1;
        if let Ok(forged) = Complaint::from_bytes(&GM, &bytes) {
            assert!(forged.judge(&transcript).is_err(), "byte {at}");
        }
    }
}

#[test]
fn signatures_are_needed_from_everyone() {
    let world = World::new(&INTL, 2, 3, "signatures");
    let mut signatures: Vec<_> = world
        .keys
        .iter()
        .zip(&world.shares)
        .map(|(key, share)| world.transcript.sign(key, share).expect("sign"))
        .collect();
    assert!(world.transcript.finish(&signatures[..2]).is_err());
    for at in 0..65 {
        signatures[1][at] ^= 1;
        assert_eq!(
            world.transcript.finish(&signatures),
            Err(Error::DkgSignature { culprit: 2 })
        );
        signatures[1][at] ^= 1;
    }
    signatures.swap(0, 2);
    assert_eq!(
        world.transcript.finish(&signatures),
        Err(Error::DkgSignature { culprit: 1 })
    );
    assert!(matches!(
        world.transcript.sign(&world.keys[0], &world.shares[1]),
        Err(Error::OtherBoard)
    ));
    let stranger = StaticKey::generate(&INTL, &mut SeededEntropy::new(b"stranger")).expect("key");
    assert_eq!(
        world.transcript.share(&stranger).err(),
        Some(Error::NotAMember)
    );
}

#[test]
fn boards_that_do_not_fit_together_are_refused() {
    let world = World::new(&GM, 2, 4, "fit");
    let (a, b) = (
        world.board(),
        World::new(&GM, 2, 4, "fit b").board().clone(),
    );
    let keys = |board: &Board| {
        (1..=4)
            .map(|i| board.share_key(i).expect("member").clone())
            .collect::<Vec<_>>()
    };
    assert!(Board::new(&GM, 2, a.public().clone(), keys(a)).is_ok());
    assert!(Board::new(&GM, 2, b.public().clone(), keys(a)).is_err());
    assert!(Board::new(&GM, 1, a.public().clone(), keys(a)).is_err());
    let mut mixed = keys(a);
    mixed[3] = keys(&b)[3].clone();
    assert!(Board::new(&GM, 2, a.public().clone(), mixed).is_err());
    assert!(Board::new(&GM, 5, a.public().clone(), keys(a)).is_err());
    let zero = Point::mul_generator(&Scalar::from_u64(GM.curve(), 0));
    assert!(Board::new(&GM, 1, zero.clone(), vec![zero]).is_err());
    let mut record = a.to_record();
    record.y = record.y.to_uppercase();
    assert!(Board::from_record(&record).is_err());
}

/// Trustee 2 shows trustee 1 another first message than trustee 3, both in order. Whoever signed another transcript
/// is named, nobody uses the board, and the two messages lie side by side as evidence.
#[test]
fn two_stories_of_one_trustee_end_in_no_board() {
    let world = World::new(&GM, 2, 3, "equivocation");
    let entropy = &mut SeededEntropy::new(b"the other story");
    let mut told = world.messages.clone();
    told[1] = dkg::round1(&world.setup, &world.keys[1], entropy).expect("message");
    let other = Transcript::build(&world.setup, &told).expect("in order");
    assert_ne!(other.hash(), world.transcript.hash());
    assert_ne!(other.board().key(), world.board().key());
    let sign = |transcript: &Transcript, key: &StaticKey| {
        let share = transcript.share(key).expect("share");
        transcript.sign(key, &share).expect("signed")
    };
    let mut signatures: Vec<_> = world
        .keys
        .iter()
        .map(|key| sign(&world.transcript, key))
        .collect();
    assert!(world.transcript.finish(&signatures).is_ok());
    signatures[0] = sign(&other, &world.keys[0]);
    assert_eq!(
        world.transcript.finish(&signatures),
        Err(Error::DkgSignature { culprit: 1 })
    );
    assert_eq!(
        other.finish(&signatures),
        Err(Error::DkgSignature { culprit: 2 })
    );
}

/// The identity, points off the curve and points of the other curve in every place of a first message.
#[test]
fn points_that_are_none_name_their_sender() {
    let world = World::new(&GM, 2, 3, "points");
    let mut off = [0xff; 33];
    off[0] = 2;
    let foreign = Point::generator(INTL.curve()).to_bytes();
    let ephemeral = 2 * 33 + 65;
    for at in [0, 33, 2 * 33, ephemeral] {
        for point in [[0; 33], off, foreign] {
            let mut messages = world.messages.clone();
            messages[2][at..at + 33].copy_from_slice(&point);
            let refused = Transcript::build(&world.setup, &messages).expect_err("no point");
            assert_eq!(refused.culprit(), Some(3), "at {at}");
        }
    }
}
