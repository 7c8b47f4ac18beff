//! Threshold encryption: every quorum opens, nothing else does, and every false share names its sender.

mod common;

use common::World;
use mifeng_crypto::{Curve, GM, INTL, Point, Scalar};
use mifeng_lock::tdh2::{self, Ciphertext};
use mifeng_lock::{Error, Share};
use std::collections::BTreeSet;

const LABEL: &[u8] = b"leaf\0context r.2";
const SECRET: [u8; 32] = [0x5a; 32];

fn seal(world: &World, rho: u8) -> Ciphertext {
    let bytes = tdh2::encrypt(world.board(), LABEL, &[rho; 96], &SECRET).expect("encrypts");
    Ciphertext::parse_and_check(world.board(), LABEL, &bytes).expect("valid")
}

fn shares(world: &mut World, ciphertext: &Ciphertext) -> Vec<Share> {
    let board = world.transcript.board();
    world
        .shares
        .iter()
        .map(|secret| tdh2::release(board, secret, ciphertext, &mut world.entropy).expect("share"))
        .collect()
}

#[test]
fn every_subset_opens_exactly_from_the_threshold_on() {
    for suite in [&GM, &INTL] {
        let mut world = World::new(suite, 3, 5, "subsets");
        let ciphertext = seal(&world, 1);
        let all = shares(&mut world, &ciphertext);
        for subset in 0u32..32 {
            let chosen: Vec<Share> = (0..5)
                .filter(|i| subset >> i & 1 == 1)
                .map(|i| all[i as usize].clone())
                .collect();
            let opened = tdh2::combine(world.board(), &ciphertext, &chosen);
            if chosen.len() >= 3 {
                assert_eq!(*opened.expect("opens"), SECRET);
            } else {
                assert_eq!(
                    opened,
                    Err(Error::TooFewShares {
                        need: 3,
                        found: chosen.len()
                    })
                );
            }
        }
    }
}

/// The encryption made again after the opening gives the same bytes, with tables of the board's points and before they are
/// made.
#[test]
fn what_was_opened_is_encrypted_alike() {
    for suite in [&GM, &INTL] {
        let world = World::new(suite, 2, 3, "again");
        for round in 0..12_u8 {
            // From the smallest numbers to the largest that are not reduced.
            let mut rho = [round; 96];
            if round < 4 {
                rho = [0; 96];
                (rho[47], rho[95]) = (round + 1, 4 - round);
            }
            if round == 11 {
                rho = [0xff; 96];
            }
            let m = [round ^ 0x5a; 32];
            let first = tdh2::encrypt(world.board(), LABEL, &rho, &m).expect("encrypts");
            let again = tdh2::encrypt_opened(world.board(), LABEL, &rho, &m).expect("encrypts");
            assert_eq!(first, again, "{round}");
            Ciphertext::parse_and_check(world.board(), LABEL, &again).expect("valid");
        }
        assert!(tdh2::encrypt_opened(world.board(), LABEL, &[0; 96], &SECRET).is_err());
    }
}

#[test]
fn ciphertexts_hold_under_their_label_and_board_only() {
    let world = World::new(&GM, 2, 3, "labels");
    let other = World::new(&GM, 2, 3, "other board");
    let bytes = seal(&world, 2).to_bytes();
    assert!(Ciphertext::parse_and_check(world.board(), b"another bid", &bytes).is_err());
    assert!(Ciphertext::parse_and_check(other.board(), LABEL, &bytes).is_err());
    for at in 0..bytes.len() {
        for bit in [1, 0x80] {
            let mut forged = bytes;
            forged[at] ^= bit;
            assert!(
                Ciphertext::parse_and_check(world.board(), LABEL, &forged).is_err(),
                "byte {at}"
            );
        }
    }
    for length in [0, 161, 163] {
        assert!(Ciphertext::parse_and_check(world.board(), LABEL, &vec![2; length]).is_err());
    }
    assert_eq!(
        seal(&world, 2),
        seal(&world, 2),
        "sealing is a function of its inputs"
    );
    assert_ne!(seal(&world, 2), seal(&world, 3));
    assert!(tdh2::encrypt(world.board(), LABEL, &[0; 96], &SECRET).is_err());
}

#[test]
fn shares_hold_for_their_bid_board_and_trustee_only() {
    let mut world = World::new(&GM, 2, 3, "shares");
    let mut other = World::new(&GM, 2, 3, "shares of another board");
    let (first, second) = (seal(&world, 4), seal(&world, 5));
    let good = shares(&mut world, &first);
    let board = world.board();
    assert!(tdh2::verify_share(board, &first, &good[0]).is_ok());
    assert_eq!(
        tdh2::verify_share(board, &second, &good[0]),
        Err(Error::ShareProof { index: 1 })
    );

    // The same U under another label: the proof is bound to the label.
    let bytes = tdh2::encrypt(board, b"other label", &[4; 96], &SECRET).expect("encrypts");
    let relabelled = Ciphertext::parse_and_check(board, b"other label", &bytes).expect("valid");
    assert_eq!(
        tdh2::verify_share(board, &relabelled, &good[0]),
        Err(Error::ShareProof { index: 1 })
    );

    let mut stolen = good[0].clone();
    stolen.index = 2;
    assert_eq!(
        tdh2::verify_share(board, &first, &stolen),
        Err(Error::ShareProof { index: 2 })
    );
    stolen.index = 0;
    assert_eq!(
        tdh2::verify_share(board, &first, &stolen),
        Err(Error::ShareIndex { index: 0, n: 3 })
    );
    stolen.index = 4;
    assert_eq!(
        tdh2::verify_share(board, &first, &stolen),
        Err(Error::ShareIndex { index: 4, n: 3 })
    );

    let twice = [good[1].clone(), good[0].clone(), good[1].clone()];
    assert_eq!(
        tdh2::combine(board, &first, &twice),
        Err(Error::DuplicateShare { index: 2 })
    );

    let checked = |ciphertext, share: &Share| tdh2::check_share(board, ciphertext, share.clone());
    let held: Vec<_> = good.iter().map(|share| checked(&first, share)).collect();
    let held: Vec<tdh2::CheckedShare> = held.into_iter().map(|one| one.expect("holds")).collect();
    assert_eq!(
        tdh2::combine_checked(board, &first, &held),
        tdh2::combine(board, &first, &good)
    );
    assert_eq!(
        checked(&second, &good[0]),
        Err(Error::ShareProof { index: 1 })
    );
    assert_eq!(
        tdh2::combine_checked(board, &second, &held),
        Err(Error::ShareProof { index: 1 })
    );
    assert_eq!(
        tdh2::combine_checked(board, &first, &held[..1]),
        tdh2::combine(board, &first, &good[..1])
    );
    let twice_held = [held[1].clone(), held[0].clone(), held[1].clone()];
    assert_eq!(
        tdh2::combine_checked(board, &first, &twice_held),
        Err(Error::DuplicateShare { index: 2 })
    );

    let elsewhere = seal(&other, 4);
    let foreign = shares(&mut other, &elsewhere);
    let mixed = [good[0].clone(), foreign[1].clone()];
    assert_eq!(
        tdh2::combine(board, &first, &mixed),
        Err(Error::ShareProof { index: 2 })
    );
    assert_eq!(
        tdh2::combine(board, &elsewhere, &good),
        Err(Error::OtherBoard)
    );
    let mut entropy = mifeng_crypto::SeededEntropy::new(b"x");
    let refused = tdh2::release(board, &other.shares[0], &first, &mut entropy);
    assert_eq!(refused, Err(Error::OtherBoard));
}

#[test]
fn flipped_share_bytes_are_refused() {
    let mut world = World::new(&INTL, 2, 3, "flips");
    let ciphertext = seal(&world, 6);
    let good = shares(&mut world, &ciphertext).remove(2);
    let bytes = good.to_bytes();
    assert_eq!(Share::from_bytes(INTL.curve(), &bytes), Ok(good.clone()));
    assert_eq!(
        Share::from_record(INTL.curve(), &good.to_record()),
        Ok(good)
    );
    for at in 0..bytes.len() {
        let mut forged = bytes;
        forged[at] ^= 1;
        let refused = Share::from_bytes(INTL.curve(), &forged)
            .and_then(|share| tdh2::verify_share(world.board(), &ciphertext, &share));
        assert!(refused.is_err(), "byte {at}");
    }
    for point in [[0; 33], [0xff; 33], {
        let mut off_curve = [0xff; 33];
        off_curve[0] = 2;
        off_curve
    }] {
        let mut forged = bytes;
        forged[1..34].copy_from_slice(&point);
        assert!(Share::from_bytes(INTL.curve(), &forged).is_err());
    }
    assert!(Share::from_bytes(INTL.curve(), &bytes[..97]).is_err());
    let other_curve = Point::generator(GM.curve());
    let mut mixed = Share::from_bytes(INTL.curve(), &bytes).expect("share");
    mixed.d = other_curve;
    assert!(tdh2::verify_share(world.board(), &ciphertext, &mixed).is_err());
}

/// An attacker's own arithmetic, not this crate's refusal. Each set of t-1 trustees tries its own interpolation and
/// every public point in place of the missing answer: none of these points opens. That they cannot do better: for any key whatever there is a missing answer that leads to it, so what they
/// hold fits every key alike.
#[test]
fn no_set_of_one_fewer_can_compute_the_secret() {
    for suite in [&GM, &INTL] {
        let mut world = World::new(suite, 3, 5, "one fewer");
        let ciphertext = seal(&world, 7);
        let answers = shares(&mut world, &ciphertext);
        let (board, curve) = (world.board(), suite.curve());
        let bytes = ciphertext.to_bytes();
        let u = Point::from_bytes(curve, &bytes[32..65]).expect("point");
        let unmask = |point: &Point| -> Vec<u8> {
            let key = [board.public().to_bytes(), u.to_bytes(), point.to_bytes()];
            let pad = suite.h_tag("tdh2-1", &[&key[0], &key[1], &key[2]]);
            let bytes = bytes[..32].iter().zip(pad.as_bytes());
            bytes.map(|(c, p)| c ^ p).collect()
        };
        let known = |i: usize| (answers[i].index, answers[i].d.clone());
        // The arithmetic is right: three answers do open.
        let key = at_zero(curve, &[known(0), known(2), known(4)]);
        assert_eq!(unmask(&key), SECRET);
        let mut tried = BTreeSet::new();
        for (i, j) in (0..5).flat_map(|i| (i + 1..5).map(move |j| (i, j))) {
            let pair = [known(i), known(j)];
            assert_eq!(
                tdh2::combine(
                    board,
                    &ciphertext,
                    &[answers[i].clone(), answers[j].clone()]
                ),
                Err(Error::TooFewShares { need: 3, found: 2 })
            );
            tried.insert(at_zero(curve, &pair).to_bytes().to_vec());
            for missing in (1..=5).filter(|m| pair.iter().all(|(i, _)| i != m)) {
                let with = |d: &Point| {
                    let [a, b] = pair.clone();
                    at_zero(curve, &[a, b, (missing, d.clone())])
                };
                for guess in [
                    &u,
                    board.public(),
                    board.share_key(missing).expect("member"),
                ] {
                    tried.insert(with(guess).to_bytes().to_vec());
                }
                // The true key and two others: each has its answer of the missing trustee.
                let indices = [pair[0].0, pair[1].0, missing];
                let [a, b, m] = indices.map(|i| weight(curve, i, &indices));
                let back = m.invert().expect("distinct");
                let minus = |w: &Scalar| Scalar::from_u64(curve, 0).sub(&w.mul(&back));
                for target in [&key, &u, &Point::generator(curve)] {
                    let answer = Point::lincomb_vartime(&[
                        (&back, target),
                        (&minus(&a), &pair[0].1),
                        (&minus(&b), &pair[1].1),
                    ]);
                    assert_eq!(with(&answer), *target);
                    let theirs = answers[usize::from(missing) - 1].d == answer;
                    assert_eq!(theirs, *target == key);
                }
            }
        }
        // What a set finds differs from the key by the weight of the missing answer alone, and only {1,4} and {2,3}
        // agree on one (that of 5 is 1 with both): three guesses of one set are those of the other.
        assert_eq!(tried.len(), 10 * (1 + 3 * 3) - 3);
        for point in tried {
            let point = Point::from_bytes(curve, &point).expect("point");
            assert_ne!(unmask(&point), SECRET);
        }
    }
}

fn number(curve: Curve, n: u8) -> Scalar {
    Scalar::from_u64(curve, n.into())
}

/// Lagrange's weight at zero of `i` among `indices`.
fn weight(curve: Curve, i: u8, indices: &[u8]) -> Scalar {
    let others = indices.iter().filter(|j| **j != i);
    others.fold(number(curve, 1), |w, j| {
        let bottom = number(curve, *j).sub(&number(curve, i));
        w.mul(&number(curve, *j).mul(&bottom.invert().expect("distinct")))
    })
}

fn at_zero(curve: Curve, points: &[(u8, Point)]) -> Point {
    let indices: Vec<u8> = points.iter().map(|(i, _)| *i).collect();
    let weights: Vec<Scalar> = indices
        .iter()
        .map(|i| weight(curve, *i, &indices))
        .collect();
    let terms: Vec<_> = weights
        .iter()
        .zip(points)
        .map(|(w, (_, d))| (w, d))
        .collect();
    Point::lincomb_vartime(&terms)
}

/// Ciphertexts and shares side by side, some of them wrong: each is judged as if it were alone.
#[test]
fn many_are_judged_as_one_alone() {
    for suite in [&GM, &INTL] {
        let mut world = World::new(suite, 2, 3, "many");
        let other = World::new(suite, 2, 3, "others");
        let board = world.board().clone();
        let labels: Vec<Vec<u8>> = (0..21u8).map(|place| vec![place; 3]).collect();
        let mut bytes: Vec<Vec<u8>> = (1..)
            .zip(&labels)
            .map(|(rho, label)| tdh2::encrypt(&board, label, &[rho; 96], &SECRET))
            .map(|sealed| sealed.expect("encrypts").to_vec())
            .collect();
        // c, U, U', e and f bent, one cut, one under another label.
        for (place, at) in [(2, 0), (5, 40), (8, 70), (11, 100), (13, 161)] {
            bytes[place][at] ^= 1;
        }
        bytes[16].pop();
        bytes[18] = bytes[0].clone();
        let mut unchecked: Vec<tdh2::Unchecked<'_>> = labels
            .iter()
            .zip(&bytes)
            .map(|(label, bytes)| tdh2::Unchecked {
                board: &board,
                label,
                bytes,
            })
            .collect();
        unchecked[20].board = other.board();
        let found = Ciphertext::parse_and_check_each(&unchecked);
        for (found, one) in found.iter().zip(&unchecked) {
            let alone = Ciphertext::parse_and_check(one.board, one.label, one.bytes);
            assert_eq!(*found, alone);
        }
        let good: Vec<Ciphertext> = found.into_iter().flatten().collect();
        assert_eq!(good.len(), 13);

        let mut all = Vec::new();
        for (place, ciphertext) in good.iter().enumerate() {
            let mut share = shares(&mut world, ciphertext).remove(place % 3);
            match place {
                3 => share.index = 4,
                4 => share.index = 3 - share.index.min(2),
                6 => share.d = share.d.add(&Point::generator(suite.curve())),
                7 => share.d = share.d.sub(&share.d),
                _ => {}
            }
            all.push((ciphertext, share));
        }
        // A share of another ciphertext, and one of another board.
        all.push((&good[0], all[1].1.clone()));
        let elsewhere = seal(&other, 1);
        all.push((&elsewhere, all[2].1.clone()));
        let found = tdh2::check_shares(&board, all.clone());
        assert_eq!(found.iter().filter(|found| found.is_ok()).count(), 9);
        for (found, (ciphertext, share)) in found.into_iter().zip(all) {
            assert_eq!(found, tdh2::check_share(&board, ciphertext, share));
        }
    }
}

/// Boards of both suites in one batch.
#[test]
fn boards_on_two_curves_are_judged_side_by_side() {
    let worlds = [&GM, &INTL].map(|suite| World::new(suite, 2, 3, "two curves"));
    let sealed: Vec<_> = worlds
        .iter()
        .map(|world| tdh2::encrypt(world.board(), b"label", &[1; 96], &SECRET).expect("encrypts"))
        .collect();
    // Board, ciphertext: own, own, the other's twice, and a label that is another's.
    let cases: [(usize, usize, &[u8]); 7] = [
        (0, 0, b"label"),
        (1, 1, b"label"),
        (0, 1, b"label"),
        (1, 0, b"label"),
        (1, 1, b"other"),
        (0, 0, b"other"),
        (1, 1, b"label"),
    ];
    let unchecked = cases.map(|(board, bytes, label)| tdh2::Unchecked {
        board: worlds[board].board(),
        label,
        bytes: &sealed[bytes],
    });
    let found = Ciphertext::parse_and_check_each(&unchecked);
    let good: Vec<bool> = found.iter().map(Result::is_ok).collect();
    assert_eq!(good, [true, true, false, false, false, false, true]);
    for (found, one) in found.iter().zip(&unchecked) {
        let alone = Ciphertext::parse_and_check(one.board, one.label, one.bytes);
        assert_eq!(*found, alone);
    }
}
