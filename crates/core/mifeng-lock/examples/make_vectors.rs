//! Writes the published vectors of this crate: `cargo run -p mifeng-lock --example make-lock-vectors`.
//!
//! Everything is fixed by seeds, so a second run changes nothing; `tests/vectors.rs` compares.
#![allow(
    dead_code,
    clippy::expect_used,
    reason = "also compiled into the test that compares"
)]

#[path = "../tests/common/mod.rs"]
mod common;

use common::World;
use mifeng_crypto::{Curve, Digest, GM, INTL, Point, Scalar, SeededEntropy, Suite};
use mifeng_lock::draw::{Draw, Pool, Row};
use mifeng_lock::panel::{
    Authority, Avoided, Candidate, Declined, Earlier, Frozen, Purpose, Request, Seats,
};
use mifeng_lock::policy::{Leaf, Node};
use mifeng_lock::tdh2::{self, Ciphertext};
use mifeng_lock::{Policy, sharing, vrf};
use serde_json::{Value, json};

/// The workspace folder of the vectors.
pub(crate) const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../test-vectors");

/// Every file, as path and text.
pub(crate) fn all() -> Vec<(String, String)> {
    let mut files = Vec::new();
    for suite in [&GM, &INTL] {
        files.push((format!("tdh2/{}.json", suite.id()), tdh2_vector(suite)));
        files.push((format!("policy/{}.json", suite.id()), policy_vector(suite)));
        files.push((format!("draw/{}.json", suite.id()), draw_vector(suite)));
    }
    files.push(("dkg-sm2/2-of-3.json".to_owned(), dkg_vector(2, 3)));
    files.push(("dkg-sm2/3-of-5.json".to_owned(), dkg_vector(3, 5)));
    files.push(("vrf/own.json".to_owned(), vrf_vector()));
    files.push(("draw/panel-intl-1.json".to_owned(), panel_vector()));
    #[cfg(feature = "tlock")]
    files.push(("tlock/own.json".to_owned(), tlock_vector()));
    files
        .into_iter()
        .map(|(path, value)| (path, format!("{value:#}\n")))
        .collect()
}

fn tdh2_vector(suite: &'static Suite) -> Value {
    let mut world = World::new(suite, 2, 3, "tdh2 vector");
    let board = world.transcript.board();
    let label = b"leaf\0example label";
    let (rho, m): ([u8; 96], [u8; 32]) = (core::array::from_fn(|i| i as u8), [0x4d; 32]);
    let bytes = tdh2::encrypt(board, label, &rho, &m).expect("encrypts");
    let ciphertext = Ciphertext::parse_and_check(board, label, &bytes).expect("valid");
    let shares: Vec<_> = world
        .shares
        .iter()
        .map(|secret| tdh2::release(board, secret, &ciphertext, &mut world.entropy).expect("share"))
        .collect();
    assert_eq!(
        *tdh2::combine(board, &ciphertext, &shares[1..]).expect("opens"),
        m
    );
    json!({
        "suite": suite.id(),
        "board": board.to_record(),
        "board_key": board.key(),
        "g_bar": hex::encode(tdh2::second_generator(suite).to_bytes()),
        "label": hex::encode(label),
        "rho": hex::encode(rho),
        "m": hex::encode(m),
        "ciphertext": hex::encode(bytes),
        "shares": shares.iter().map(|share| share.to_record()).collect::<Vec<_>>(),
    })
}

fn policy_vector(suite: &'static Suite) -> Value {
    let digest = |byte| Digest::from_bytes([byte; 32]);
    let two_of_three = Node::Gate {
        k: 2,
        of: (1..=3)
            .map(|i| Node::Leaf(Leaf::Group(digest(i))))
            .collect(),
    };
    let policies = [
        Policy::board(digest(0xbb)),
        Policy::joint(digest(0xbb)).resolve(digest(0xcc)),
        Policy::joint_with_remedy(digest(0xbb), digest(0xff)).resolve(digest(0xcc)),
        Policy::new(Node::all(vec![
            two_of_three,
            Node::Leaf(Leaf::Cert(digest(0xcc))),
        ]))
        .expect("grammar"),
    ];
    let (sigma, context) = ([0x73; 32], digest(0x63));
    let cases: Vec<Value> = policies
        .iter()
        .map(|policy| {
            let shares: Vec<Value> = sharing::deal(policy, &sigma, &context, suite)
                .iter()
                .map(|(path, share)| json!({"path": path, "share": hex::encode(share.as_slice())}))
                .collect();
            let text = String::from_utf8(policy.to_jcs().expect("serialises")).expect("UTF-8");
            json!({"policy": text, "shares": shares})
        })
        .collect();
    json!({
        "suite": suite.id(),
        "sigma": hex::encode(sigma),
        "context": context,
        "cases": cases,
    })
}

fn draw_vector(suite: &'static Suite) -> Value {
    let mut world = World::new(suite, 3, 5, "draw vector");
    let rows = (0..12u64)
        .map(|i| Row {
            id: format!("e{:02}", (i * 7) % 12),
            weight: 1 + i % 5,
        })
        .collect();
    let pool = Pool::new("A0812", rows).expect("pool");
    let tender_event = suite.hash().digest(b"example tender event");
    let draw = Draw::new(suite, &tender_event, pool, 1).expect("draw");
    let board = world.transcript.board();
    let shares: Vec<_> = world
        .shares
        .iter()
        .map(|secret| {
            draw.release(board, secret, &mut world.entropy)
                .expect("share")
        })
        .collect();
    let outcome = draw.combine(board, &shares[2..], 12).expect("outcome");
    draw.recompute(board, &shares[..3], &outcome)
        .expect("every quorum agrees");
    json!({
        "suite": suite.id(),
        "hash": suite.hash().name(),
        "tender_event": tender_event,
        "pool": draw.pool(),
        "pool_hash": draw.pool().hash(suite).expect("hash"),
        "n": 1,
        "point": hex::encode(draw.point().to_bytes()),
        "board": board.to_record(),
        "shares": shares.iter().map(|share| share.to_record()).collect::<Vec<_>>(),
        "value": hex::encode(draw.value(board, &shares).expect("value").to_bytes()),
        "draw_id": outcome.draw_id,
        "seed": outcome.seed,
        "order": outcome.order,
    })
}

fn dkg_vector(t: u8, n: u8) -> Value {
    let seed = format!("dkg vector {t} of {n}");
    let world = World::new(&GM, t, n, &seed);
    let signatures: Vec<String> = world
        .keys
        .iter()
        .zip(&world.shares)
        .map(|(key, share)| hex::encode(world.transcript.sign(key, share).expect("signs")))
        .collect();
    // The secrets again, from the same stream: static keys first, then each member's coefficients and ephemeral key.
    let mut stream = SeededEntropy::new(seed.as_bytes());
    let mut scalars = |count: usize| -> Vec<String> {
        (0..count)
            .map(|_| mifeng_crypto::Scalar::random(GM.curve(), &mut stream).expect("entropy"))
            .map(|scalar| hex::encode(scalar.to_be_bytes()))
            .collect()
    };
    let static_keys = scalars(n.into());
    for (secret, key) in static_keys.iter().zip(&world.keys) {
        assert_eq!(*secret, hex::encode(key.to_bytes().as_slice()));
    }
    let round1_secrets: Vec<Vec<String>> = (0..n).map(|_| scalars(usize::from(t) + 1)).collect();
    json!({
        "ciphersuite": "COCKTAIL(SM2, SM3)",
        "t": t,
        "n": n,
        "session": hex::encode(&seed),
        "context": world.setup.context(),
        "static_secret_keys": static_keys,
        "static_public_keys": world.setup.members().iter().map(|p| hex::encode(p.to_bytes())).collect::<Vec<_>>(),
        "round1_secrets": round1_secrets,
        "round1": world.messages.iter().map(hex::encode).collect::<Vec<_>>(),
        "transcript_hash": world.transcript.hash(),
        "signatures": signatures,
        "board": world.board().to_record(),
        "board_key": world.board().key(),
    })
}

fn vrf_vector() -> Value {
    let secret = Scalar::from_u64(Curve::P256, 0x6d69_6665_6e67);
    let public = Point::mul_generator(&secret);
    let cases: Vec<Value> = [&b""[..], b"a", &[0xff; 100]]
        .iter()
        .map(|alpha| {
            let proof = vrf::prove(&secret, alpha).expect("proves");
            let beta = vrf::verify(&public, alpha, &proof).expect("verifies");
            let h = vrf::encode_to_curve(&public, alpha).expect("point");
            json!({
                "suite": "ECVRF-P256-SHA256-TAI",
                "sk": hex::encode(secret.to_be_bytes()),
                "pk": hex::encode(public.to_bytes()),
                "alpha_hex": hex::encode(alpha),
                "h": hex::encode(h.to_bytes()),
                "pi": hex::encode(proof),
                "beta": beta,
            })
        })
        .collect();
    json!({"vectors": cases})
}

/// A whole panel by a single authority: the record that `mifeng draw run` writes.
fn panel_vector() -> Value {
    let candidates = (0..24u64)
        .map(|i| Candidate {
            id: format!("e{i:02}"),
            employers: vec![format!("单位 {}", i % 6)],
            specialties: match i % 3 {
                0 => vec!["A01".to_owned(), "B02".to_owned()],
                1 => vec!["A01".to_owned()],
                _ => vec!["B02".to_owned()],
            },
            weight: 1 + i % 4,
        })
        .collect();
    let row = |specialty: &str, seats, alternates| Seats {
        alternates,
        seats,
        specialty: specialty.to_owned(),
    };
    let request = Request {
        avoid_employers: vec!["单位 5".to_owned()],
        avoid_ids: vec![Avoided {
            id: "e07".to_owned(),
            reason: "亲属 kin".to_owned(),
        }],
        n: 1,
        earlier: vec![Earlier {
            id: "e12".to_owned(),
            purpose: Purpose::Need,
        }],
        project: "示例-2026-001".to_owned(),
        purpose: Purpose::Evaluation,
        reason: String::new(),
        representatives: 2,
        seats: vec![row("A01", 3, 3), row("B02", 2, 4)],
    };
    let secret = Scalar::from_u64(Curve::P256, 0x6472_6177);
    let authority = Authority::of_key(&Point::mul_generator(&secret));
    let frozen = Frozen::new(&INTL, authority, request, candidates).expect("frozen");
    let proofs: Vec<Vec<u8>> = frozen
        .draws()
        .iter()
        .map(|draw| draw.answer_alone(&secret).expect("answers").to_vec())
        .collect();
    let first = frozen.clone().with_key(&proofs, Vec::new());
    let declined = vec![Declined {
        id: first.expect("record").seats[0].ids[1].clone(),
        reason: "出差 away".to_owned(),
    }];
    let record = frozen.with_key(&proofs, declined).expect("record");
    record.check().expect("recomputes");
    serde_json::to_value(record).expect("JSON")
}

/// Seals to rounds of quicknet whose beacons are published, and what must be refused.
#[cfg(feature = "tlock")]
fn tlock_vector() -> Value {
    use mifeng_lock::tlock::{self, Chain};
    const BEACONS: [(u64, &str); 2] = [
        (
            123,
            "b75c69d0b72a5d906e854e808ba7e2accb1542ac355ae486d591aa9d43765482e26cd02df835d3546d23c4b13e0dfc92",
        ),
        (
            12_040_883,
            "929906c959032ab363c9f26570d215d66f5c06cb0c44fe508c12bb5839f04ec895bb6868e5b9ff13ab289bdb5266b394",
        ),
    ];
    let chain = Chain::quicknet();
    let (m, sigma): ([u8; 16], [u8; 16]) = (core::array::from_fn(|i| i as u8), [0x5a; 16]);
    let seal = |round| tlock::seal(&chain, round, &m, &sigma).expect("seals");
    let sealed: Vec<Value> = BEACONS
        .iter()
        .map(|(round, signature)| {
            json!({"round": round, "m": hex::encode(m), "sigma": hex::encode(sigma),
                "ciphertext": hex::encode(seal(*round)), "signature": signature})
        })
        .collect();
    let right = seal(123);
    let changed = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = right.clone();
        change(&mut bytes);
        hex::encode(bytes)
    };
    let identity = [&[0xc0][..], &[0; 95]].concat();
    let outside = [&[0x80][..], &[0; 94], &[2]].concat();
    let refused = [
        (
            123,
            0,
            changed(&|b| b[127] ^= 1),
            "lock.timelock-ciphertext",
            "W changed",
        ),
        (
            123,
            0,
            changed(&|b| b[96] ^= 1),
            "lock.timelock-ciphertext",
            "V changed",
        ),
        (
            123,
            0,
            hex::encode(seal(124)),
            "lock.timelock-ciphertext",
            "sealed to another round",
        ),
        (
            123,
            0,
            changed(&|b| b[..96].copy_from_slice(&identity)),
            "lock.malformed",
            "U is the identity",
        ),
        (
            123,
            0,
            changed(&|b| b[..96].copy_from_slice(&outside)),
            "lock.malformed",
            "U is no point of the subgroup",
        ),
        (
            123,
            0,
            changed(&|b| b.truncate(127)),
            "lock.length",
            "one byte short",
        ),
        (
            123,
            1,
            hex::encode(&right),
            "lock.beacon",
            "beacon of another round",
        ),
    ];
    let refused: Vec<Value> = refused
        .iter()
        .map(|(round, beacon, ciphertext, code, why)| {
            json!({"round": round, "signature": BEACONS[*beacon].1, "ciphertext": ciphertext,
                "code": code, "why": why})
        })
        .collect();
    json!({"chain": chain.record(), "chain_hash": chain.hash(), "sealed": sealed, "refused": refused})
}

fn main() -> std::io::Result<()> {
    for (path, text) in all() {
        let file = std::path::Path::new(FOLDER).join(&path);
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&file, text)?;
        println!("{path}");
    }
    Ok(())
}
