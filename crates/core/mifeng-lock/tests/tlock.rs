//! Timelocks of our own making, and everything that must not open one. Other makers' files are run by
//! `mifeng-testkit vectors`.
#![cfg(feature = "tlock")]

use mifeng_crypto::{Digest, SeededEntropy, Time};
use mifeng_lock::Error;
use mifeng_lock::tlock::{self, Beacon, Chain, ChainKey, ChainRecord, Scheme};

/// Two rounds of quicknet, as published by drand.
const ROUND_123: &str = "b75c69d0b72a5d906e854e808ba7e2accb1542ac355ae486d591aa9d43765482e26cd02df835d3546d23c4b13e0dfc92";
const ROUND_12040883: &str = "929906c959032ab363c9f26570d215d66f5c06cb0c44fe508c12bb5839f04ec895bb6868e5b9ff13ab289bdb5266b394";

fn beacon(round: u64, signature: &str) -> Beacon {
    Beacon {
        chain: Chain::quicknet().hash(),
        round,
        signature: signature.to_owned(),
    }
}

#[test]
fn a_round_opens_what_was_sealed_to_it_and_nothing_else() {
    let chain = Chain::quicknet();
    let sealed = tlock::seal(&chain, 123, &[1; 16], &[2; 16]).expect("seals");
    assert_eq!(sealed.len(), 128);
    // A function of its inputs: a seal can be made again.
    assert_eq!(
        tlock::seal(&chain, 123, &[1; 16], &[2; 16]),
        Ok(sealed.clone())
    );
    let right = beacon(123, ROUND_123).verify(&chain).expect("beacon");
    assert_eq!(
        *tlock::open(&chain, &right, &sealed).expect("opens"),
        [1; 16]
    );
    let later = beacon(12_040_883, ROUND_12040883)
        .verify(&chain)
        .expect("beacon");
    assert_eq!(
        tlock::open(&chain, &later, &sealed),
        Err(Error::TimelockCiphertext)
    );
    for at in 0..sealed.len() {
        let mut flipped = sealed.clone();
        flipped[at] ^= 1;
        let outcome = tlock::open(&chain, &right, &flipped);
        assert!(
            matches!(
                outcome,
                Err(Error::TimelockCiphertext | Error::Malformed { .. })
            ),
            "{at}: {outcome:?}"
        );
    }
    for length in [0, 127, 129] {
        let bytes = [&sealed[..], &[0]].concat();
        assert!(matches!(
            tlock::open(&chain, &right, &bytes[..length]),
            Err(Error::Length { expected: 128, .. })
        ));
    }
}

#[test]
fn beacons_are_of_their_chain_and_round() {
    let chain = Chain::quicknet();
    assert!(matches!(
        beacon(124, ROUND_123).verify(&chain),
        Err(Error::Beacon { round: 124, .. })
    ));
    let mut foreign = beacon(123, ROUND_123);
    foreign.chain = Digest::from_bytes([0; 32]);
    assert!(matches!(foreign.verify(&chain), Err(Error::Beacon { .. })));
    assert!(beacon(0, ROUND_123).verify(&chain).is_err());
    assert!(beacon(1 << 53, ROUND_123).verify(&chain).is_err());
    assert!(
        beacon(123, &ROUND_123.to_uppercase())
            .verify(&chain)
            .is_err()
    );
    assert!(beacon(123, &ROUND_123[..94]).verify(&chain).is_err());
    // The identity, compressed, is a signature of no key.
    let identity = format!("c0{}", "00".repeat(47));
    assert!(beacon(123, &identity).verify(&chain).is_err());
    // The same point, not compressed, is another encoding.
    let mut bytes = hex::decode(ROUND_123).expect("hex");
    bytes[0] &= 0x7f;
    assert!(chain.verify(123, &bytes, None).is_err());
    assert!(
        chain
            .verify(123, &hex::decode(ROUND_123).expect("hex"), Some(&[]))
            .is_err()
    );
}

#[test]
fn points_outside_the_subgroup_are_refused() {
    let chain = Chain::quicknet();
    let right = beacon(123, ROUND_123).verify(&chain).expect("beacon");
    let sealed = tlock::seal(&chain, 123, &[1; 16], &[2; 16]).expect("seals");
    // Almost every x that is on the curve of G2 is outside the subgroup: none of the first hundred is accepted,
    // and the same holds for keys and, in G1, for beacons.
    for x in 1..100u8 {
        let mut point = [0; 96];
        (point[0], point[95]) = (0x80, x);
        let mut bytes = sealed.clone();
        bytes[..96].copy_from_slice(&point);
        assert!(matches!(
            tlock::open(&chain, &right, &bytes),
            Err(Error::Malformed { .. })
        ));
        let mut record = chain.record().clone();
        record.public_key = hex::encode(point);
        assert!(Chain::new(record).is_err());
        let mut signature = [0; 48];
        (signature[0], signature[47]) = (0x80, x);
        assert!(beacon(123, &hex::encode(signature)).verify(&chain).is_err());
    }
    let mut identity = sealed;
    identity[..96].copy_from_slice(&[[0xc0].as_slice(), &[0; 95]].concat());
    assert!(tlock::open(&chain, &right, &identity).is_err());
    let mut record = chain.record().clone();
    record.public_key = format!("c0{}", "00".repeat(95));
    assert!(Chain::new(record).is_err());
}

#[test]
fn times_and_rounds() {
    let chain = Chain::quicknet();
    let genesis = Time::from_unix_seconds(1_692_803_367);
    assert_eq!(chain.time_of(1), Ok(genesis));
    assert_eq!(chain.time_of(2), Ok(genesis.plus_millis(3_000)));
    for (millis, round) in [(-1, 1), (0, 1), (1, 2), (3_000, 2), (3_001, 3)] {
        assert_eq!(
            chain.round_from(genesis.plus_millis(millis)),
            Ok(round),
            "{millis}"
        );
    }
    assert!(chain.time_of(0).is_err());
    assert!(chain.time_of(1 << 53).is_err());
    assert!(chain.time_of((1 << 53) - 1).is_ok());
}

#[test]
fn chain_records() {
    let good = Chain::quicknet().record().clone();
    let text = serde_json::to_string(&good).expect("JSON");
    assert_eq!(
        serde_json::from_str::<ChainRecord>(&text).ok(),
        Some(good.clone())
    );
    let with = |change: &dyn Fn(&mut ChainRecord)| {
        let mut record = good.clone();
        change(&mut record);
        Chain::new(record)
    };
    assert!(with(&|r| r.period = 0).is_err());
    assert!(with(&|r| r.period = 86_401).is_err());
    assert!(with(&|r| r.genesis_time = -1).is_err());
    assert!(with(&|r| r.beacon_id.clear()).is_err());
    assert!(with(&|r| r.beacon_id = "a b".to_owned()).is_err());
    assert!(with(&|r| r.public_key.truncate(190)).is_err());
    // A key of one kind under the scheme of the other.
    assert!(with(&|r| r.scheme = Scheme::G2Unchained).is_err());
    // Every member but the scheme is in the name.
    let hash = Chain::quicknet().hash();
    for changed in [
        with(&|r| r.period = 4),
        with(&|r| r.genesis_time += 1),
        with(&|r| r.beacon_id = "quicknet2".to_owned()),
        with(&|r| r.genesis_seed = Digest::from_bytes([0; 32])),
    ] {
        assert_ne!(changed.expect("chain").hash(), hash);
    }
}

#[test]
fn a_private_chain_opens_when_its_round_comes_and_not_before() {
    let genesis = Time::from_unix_seconds(1_800_000_000);
    let mut entropy = SeededEntropy::new(b"private chain");
    let key = ChainKey::generate("rehearsal", genesis, 5, &mut entropy).expect("key");
    let chain = Chain::new(key.chain().record().clone()).expect("chain");
    let round = chain
        .round_from(genesis.plus_millis(12_000))
        .expect("round");
    assert_eq!(round, 4);
    let sealed = tlock::seal(&chain, round, &[3; 16], &[4; 16]).expect("seals");
    assert!(matches!(
        key.sign(round, genesis.plus_millis(14_999)),
        Err(Error::Beacon { round: 4, .. })
    ));
    let beacon = key
        .sign(round, genesis.plus_millis(15_000))
        .expect("beacon");
    let carried = beacon.to_record().verify(&chain).expect("verifies offline");
    assert_eq!(
        *tlock::open(&chain, &carried, &sealed).expect("opens"),
        [3; 16]
    );
    let quicknet = Chain::quicknet();
    assert!(matches!(
        tlock::open(&quicknet, &carried, &sealed),
        Err(Error::Beacon { .. })
    ));
}
