//! The draw: the same result for every quorum, nothing without one, and no unfairness in sampling.

mod common;

use std::collections::BTreeMap;

use common::World;
use mifeng_crypto::{Digest, GM, INTL};
use mifeng_lock::draw::{Draw, Outcome, Pool, Row, sample};
use mifeng_lock::{Error, Share};

fn pool(weights: &[u64]) -> Pool {
    let rows = weights
        .iter()
        .enumerate()
        .map(|(i, weight)| Row {
            id: format!("x{i:03}"),
            weight: *weight,
        })
        .collect();
    Pool::new("A0812", rows).expect("pool")
}

fn draw(world: &World, n: u32) -> Draw {
    let suite = world.board().suite();
    Draw::new(
        suite,
        &Digest::from_bytes([3; 32]),
        pool(&[1, 2, 3, 4, 5, 6, 7]),
        n,
    )
    .expect("draw")
}

fn shares(world: &mut World, draw: &Draw) -> Vec<Share> {
    let board = world.transcript.board();
    world
        .shares
        .iter()
        .map(|secret| {
            draw.release(board, secret, &mut world.entropy)
                .expect("share")
        })
        .collect()
}

#[test]
fn every_quorum_gives_the_same_order() {
    for suite in [&GM, &INTL] {
        let mut world = World::new(suite, 2, 4, "quorums");
        let draw = draw(&world, 1);
        let all = shares(&mut world, &draw);
        let outcome = draw.combine(world.board(), &all, 7).expect("outcome");
        for subset in 0u32..16 {
            let chosen: Vec<Share> = (0..4)
                .filter(|i| subset >> i & 1 == 1)
                .map(|i| all[i as usize].clone())
                .collect();
            let found = draw.combine(world.board(), &chosen, 7);
            if chosen.len() < 2 {
                assert_eq!(
                    found,
                    Err(Error::TooFewShares {
                        need: 2,
                        found: chosen.len()
                    })
                );
            } else {
                assert_eq!(found.as_ref(), Ok(&outcome));
                assert_eq!(draw.recompute(world.board(), &chosen, &outcome), Ok(()));
            }
        }
        let mut sorted = outcome.order.clone();
        sorted.sort();
        assert_eq!(
            sorted,
            draw.pool()
                .rows()
                .iter()
                .map(|row| row.id.clone())
                .collect::<Vec<_>>()
        );
        let short = draw.combine(world.board(), &all, 3).expect("outcome");
        assert_eq!(short.order, outcome.order[..3]);
        assert_eq!(
            draw.combine(world.board(), &all, 100).expect("outcome"),
            outcome
        );
    }
}

#[test]
fn shares_serve_one_draw_only() {
    let mut world = World::new(&GM, 2, 3, "one draw");
    let (first, second) = (draw(&world, 1), draw(&world, 2));
    assert_ne!(first.id(), second.id());
    let good = shares(&mut world, &first);
    let board = world.board();
    assert_eq!(
        second.verify_share(board, &good[0]),
        Err(Error::ShareProof { index: 1 })
    );
    assert_eq!(
        second.combine(board, &good, 3),
        Err(Error::ShareProof { index: 1 })
    );
    let mut other = World::new(&GM, 2, 3, "one draw, other board");
    let foreign = shares(&mut other, &first);
    assert!(
        first
            .combine(board, &[good[0].clone(), foreign[1].clone()], 3)
            .is_err()
    );
    let intl = World::new(&INTL, 2, 3, "one draw");
    assert_eq!(
        first.verify_share(intl.board(), &good[0]),
        Err(Error::OtherBoard)
    );
}

#[test]
fn a_changed_result_is_found() {
    let mut world = World::new(&GM, 2, 3, "changed");
    let draw = draw(&world, 1);
    let all = shares(&mut world, &draw);
    let good = draw.combine(world.board(), &all, 5).expect("outcome");
    let check = |change: &dyn Fn(&mut Outcome)| {
        let mut published = good.clone();
        change(&mut published);
        draw.recompute(world.board(), &all, &published)
    };
    assert_eq!(
        check(&|o| o.order.swap(0, 1)),
        Err(Error::DrawMismatch { what: "order" })
    );
    assert_eq!(
        check(&|o| o.seed = Digest::from_bytes([0; 32])),
        Err(Error::DrawMismatch { what: "seed" })
    );
    assert_eq!(
        check(&|o| o.draw_id = o.seed),
        Err(Error::DrawMismatch { what: "draw id" })
    );
    assert_eq!(
        check(&|o| o.order.push("x999".into())),
        Err(Error::DrawMismatch { what: "order" })
    );
}

#[test]
fn pool_rules() {
    let row = |id: &str, weight| Row {
        id: id.to_owned(),
        weight,
    };
    let max = (1 << 53) - 1;
    assert!(Pool::new("s", vec![]).is_err());
    assert!(Pool::new("s", vec![row("a", 0)]).is_err());
    assert!(Pool::new("s", vec![row("a", max + 1)]).is_err());
    assert!(Pool::new("s", vec![row("a", 1), row("a", 2)]).is_err());
    assert!(Pool::new("s", vec![row("", 1)]).is_err());
    assert!(Pool::new("s", vec![row("a b", 1)]).is_err());
    assert!(Pool::new("s", vec![row(&"a".repeat(129), 1)]).is_err());
    assert!(Pool::new("", vec![row("a", 1)]).is_err());
    let heavy = |n: usize| {
        (0..n)
            .map(|i| row(&format!("{i:05}"), max))
            .collect::<Vec<_>>()
    };
    assert!(Pool::new("s", heavy(2048)).is_ok());
    assert!(matches!(
        Pool::new("s", heavy(2049)),
        Err(Error::Pool {
            what: "sum of weights above 2^64"
        })
    ));
    let sorted = Pool::new("s", vec![row("b", 1), row("a", 1), row("B", 1)]).expect("pool");
    let bytes = sorted.to_jcs().expect("serialises");
    assert_eq!(
        String::from_utf8_lossy(&bytes),
        r#"{"rows":[{"id":"B","weight":1},{"id":"a","weight":1},{"id":"b","weight":1}],"specialty":"s","v":1}"#
    );
    assert_eq!(Pool::parse(&bytes), Ok(sorted));
    let unsorted =
        br#"{"rows":[{"id":"b","weight":1},{"id":"a","weight":1}],"specialty":"s","v":1}"#;
    assert!(Pool::parse(unsorted).is_err());
    assert!(Pool::parse(br#"{"rows":[{"id":"b","weight":1}],"specialty":"s","v":2}"#).is_err());
}

/// Chi-squared with 3 degrees of freedom over first places: 16.27 is the 0.1 % quantile; the seeds are fixed.
#[test]
fn first_places_follow_the_weights() {
    let weights = [1u64, 2, 3, 4];
    let pool = pool(&weights);
    let rounds = 4000u64;
    let mut counts = BTreeMap::new();
    for i in 0..rounds {
        let seed = GM.hash().digest(&i.to_be_bytes());
        let order = sample(&GM, &pool, &seed, 1);
        *counts.entry(order[0].clone()).or_insert(0u64) += 1;
    }
    // Scaled by 10 to stay in integers: expected = rounds · w / 10.
    let scaled: u64 = weights
        .iter()
        .enumerate()
        .map(|(i, w)| {
            let (count, expected) = (counts[&format!("x{i:03}")], rounds * w / 10);
            100 * count.abs_diff(expected).pow(2) / expected
        })
        .sum();
    assert!(scaled < 1627, "chi squared is {scaled}/100");
}

/// 100,000 whole draws of three places from six rows of unequal weight: every ordered triple is as frequent as its
/// exact probability says, by chi-squared with 119 degrees of freedom (0.1 % quantile: 173.6).
#[test]
fn a_hundred_thousand_draws_follow_the_exact_probabilities() {
    let weights = [1u64, 1, 2, 3, 5, 8];
    let (pool, rounds) = (pool(&weights), 100_000u64);
    let mut counts = BTreeMap::new();
    for i in 0..rounds {
        let seed = INTL.hash().digest(&i.to_be_bytes());
        *counts.entry(sample(&INTL, &pool, &seed, 3)).or_insert(0u64) += 1;
    }
    let name = |i: usize| format!("x{i:03}");
    let (mut scaled, mut triples, mut seen) = (0u128, 0, 0);
    for (i, a) in weights.iter().enumerate() {
        for (j, b) in weights.iter().enumerate().filter(|(j, _)| *j != i) {
            for (k, c) in weights
                .iter()
                .enumerate()
                .filter(|(k, _)| *k != i && *k != j)
            {
                let observed = counts
                    .get(&vec![name(i), name(j), name(k)])
                    .copied()
                    .unwrap_or(0);
                // expected = rounds · a·b·c / (20·(20-a)·(20-a-b)); the squares are kept in millionths.
                let (top, bottom) = (a * b * c, 20 * (20 - a) * (20 - a - b));
                let expected = u128::from(rounds * top) * 1_000_000 / u128::from(bottom);
                let off = (u128::from(observed) * 1_000_000).abs_diff(expected);
                scaled += off * off / expected;
                triples += 1;
                seen += observed;
            }
        }
    }
    assert_eq!((triples, seen), (120, rounds));
    assert!(scaled < 173_600_000, "chi squared is {scaled} millionths");
}
