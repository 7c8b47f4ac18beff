//! Beacon chains, timelocks and the function of one key: drand, tlock, RFC 9381.

use super::Plan;
use super::age::{self, Age};
use super::case::{
    Case, Input, Stop, Tally, array, bytes, check, digest, fail, list, part, same, text,
};
use mifeng_crypto::{Curve, Digest, Point, Scalar};
use mifeng_lock::tlock::{self, Chain, ChainRecord};
use mifeng_lock::vrf;
use serde_json::Value;

pub(super) fn plan(input: &Input) -> Option<Plan> {
    let json = input.json();
    if input.is_in("vrf") {
        return Some(Plan::Run(function));
    }
    if input.is_in("drand") {
        return Some(Plan::Run(if json.is_array() { beacons } else { networks }));
    }
    if !input.is_in("tlock") {
        return None;
    }
    Some(match input.name() {
        "index.json" => Plan::Run(files),
        "gt-hash.json" => Plan::Run(pairing),
        _ if json["sealed"].is_array() => Plan::Run(own),
        _ => Plan::Skip("read with index.json beside it"),
    })
}

/// A chain as the vectors write it: like ours, with more members.
fn chain(json: &Value) -> Result<Chain, Stop> {
    let record = ChainRecord {
        beacon_id: text(json, "beacon_id").unwrap_or("default").to_owned(),
        genesis_seed: digest(json, "genesis_seed")?,
        genesis_time: part(json, "genesis_time")?,
        period: part(json, "period")?,
        public_key: text(json, "public_key")?.to_owned(),
        scheme: part(json, "scheme")?,
    };
    Chain::new(record).map_err(fail("chain"))
}

fn networks(input: &Input, tally: &mut Tally) {
    let Some(all) = input.json().as_object() else {
        return tally.fail("no networks");
    };
    for (name, network) in all {
        tally.case(name, || {
            let chain = chain(network)?;
            same("chain hash", chain.hash(), digest(network, "chain_hash")?)?;
            let known = name != "quicknet" || chain == Chain::quicknet();
            check(known, "not the quicknet that is built in")
        });
    }
}

fn beacons(input: &Input, tally: &mut Tally) {
    for (at, row) in input.json().as_array().into_iter().flatten().enumerate() {
        tally.case(at, || beacon(row));
    }
}

fn beacon(row: &Value) -> Case {
    // Seed, time and period are in the chain's hash, not in its signatures.
    let record = ChainRecord {
        beacon_id: "any".to_owned(),
        genesis_seed: Digest::from_bytes([0; 32]),
        genesis_time: 0,
        period: 1,
        public_key: text(row, "public_key")?.to_owned(),
        scheme: part(row, "scheme")?,
    };
    let valid: bool = part(row, "valid")?;
    let previous = match row["previous_signature"].as_str() {
        Some(_) => Some(bytes(row, "previous_signature")?),
        None => None,
    };
    let verified = Chain::new(record).and_then(|chain| {
        let signature = bytes(row, "signature").unwrap_or_default();
        chain.verify(
            row["round"].as_u64().unwrap_or(0),
            &signature,
            previous.as_deref(),
        )
    });
    match (verified, valid) {
        (Ok(beacon), true) if row["randomness"].is_string() => same(
            "randomness",
            beacon.randomness(),
            digest(row, "randomness")?,
        ),
        (Ok(_), true) | (Err(_), false) => Ok(()),
        (Ok(_), false) => Err(Stop::Fail("invalid, but accepted".to_owned())),
        (Err(e), true) => Err(Stop::Fail(format!("valid, but refused: {e}"))),
    }
}

/// tlock files of other makers, with the networks beside them.
fn files(input: &Input, tally: &mut Tally) {
    for row in input.json().as_array().into_iter().flatten() {
        let name = text(row, "file").unwrap_or("?");
        let parts = || -> Result<_, Stop> {
            let networks = input.beside("../drand/networks.json")?;
            let networks: Value = serde_json::from_slice(&networks).map_err(fail("networks"))?;
            let chain = chain(&networks[text(row, "network")?])?;
            let sealed = input
                .beside(&format!("{name}.age"))
                .or_else(|_| input.beside(&format!("{name}.age.txt")))?;
            let age = Age::parse(&sealed)?;
            let beacon = chain
                .verify(part(row, "round")?, &bytes(row, "signature")?, None)
                .map_err(fail("beacon"))?;
            Ok((chain, age, beacon))
        };
        tally.case(format_args!("{name}: names its round and chain"), || {
            let (chain, age, beacon) = parts()?;
            same("round", age.round, beacon.round())?;
            same("chain", age.chain, chain.hash().to_string())
        });
        tally.case(format_args!("{name}: opens to its plaintext"), || {
            let (chain, age, beacon) = parts()?;
            let key = tlock::open(&chain, &beacon, &age.body).map_err(fail("open"))?;
            same(
                "plaintext",
                age.open(&key)?,
                input.beside(&format!("{name}.plain"))?,
            )
        });
        tally.case(
            format_args!("{name}: sealing gives its maker's bytes"),
            || {
                let (chain, age, beacon) = parts()?;
                let key = tlock::open(&chain, &beacon, &age.body).map_err(fail("open"))?;
                let sigma =
                    tlock::recover_sigma(&chain, &beacon, &age.body).map_err(fail("sigma"))?;
                let made = tlock::seal(&chain, age.round, &key, &sigma).map_err(fail("seal"))?;
                same("body", made, age.body)
            },
        );
        tally.case(
            format_args!("{name}: a file of ours opens to its plaintext"),
            || {
                let (chain, age, beacon) = parts()?;
                let body =
                    tlock::seal(&chain, age.round, &[7; 16], &[9; 16]).map_err(fail("seal"))?;
                let plain = input.beside(&format!("{name}.plain"))?;
                let made = age::write(age.round, &age.chain, &body, &[7; 16], &plain)?;
                let read = Age::parse(&made)?;
                let key = tlock::open(&chain, &beacon, &read.body).map_err(fail("open"))?;
                same("plaintext", read.open(&key)?, plain)
            },
        );
        tally.case(format_args!("{name}: no flipped byte opens"), || {
            let (chain, age, beacon) = parts()?;
            for at in 0..age.body.len() {
                let mut flipped = age.body.clone();
                flipped[at] ^= 0x10;
                let opened = tlock::open(&chain, &beacon, &flipped);
                check(opened.is_err(), "a changed ciphertext was opened")?;
            }
            Ok(())
        });
    }
}

fn pairing(input: &Input, tally: &mut Tally) {
    tally.case("generators", || {
        let (pair, hash) = tlock::pairing_hash().map_err(fail("pairing"))?;
        same(
            "pairing",
            pair,
            bytes(input.json(), "pairing_of_generators_serialised")?,
        )?;
        same("H2", hash, array(input.json(), "h2_first16")?)
    });
}

/// Our own: sealed under a fixed randomness, each with the beacon that opens it.
fn own(input: &Input, tally: &mut Tally) {
    let json = input.json();
    for (at, row) in list(json, "sealed").iter().enumerate() {
        tally.case(at, || {
            let chain = chain(&json["chain"])?;
            same("chain hash", chain.hash(), digest(json, "chain_hash")?)?;
            let (round, m) = (part(row, "round")?, array(row, "m")?);
            let made =
                tlock::seal(&chain, round, &m, &array(row, "sigma")?).map_err(fail("seal"))?;
            same("sealed", made, bytes(row, "ciphertext")?)?;
            let beacon = chain.verify(round, &bytes(row, "signature")?, None);
            let opened = tlock::open(
                &chain,
                &beacon.map_err(fail("beacon"))?,
                &bytes(row, "ciphertext")?,
            );
            same("opened", *opened.map_err(fail("open"))?, m)
        });
    }
    for (at, row) in list(json, "refused").iter().enumerate() {
        tally.case(format_args!("refused {at}"), || {
            let chain = chain(&json["chain"])?;
            let beacon = chain.verify(part(row, "round")?, &bytes(row, "signature")?, None);
            let opened = beacon.and_then(|b| {
                let sealed = bytes(row, "ciphertext").unwrap_or_default();
                tlock::open(&chain, &b, &sealed)
            });
            let code = opened.err().map(|e| e.code().to_owned());
            same("code", code.as_deref(), row["code"].as_str())
        });
    }
}

fn function(input: &Input, tally: &mut Tally) {
    for (at, vector) in list(input.json(), "vectors").iter().enumerate() {
        if vector["suite"] != "ECVRF-P256-SHA256-TAI" {
            tally.skip(1, "a suite of RFC 9381 that is not used");
            continue;
        }
        tally.case(at, || {
            let secret =
                Scalar::from_be_bytes(Curve::P256, &array(vector, "sk")?).map_err(fail("key"))?;
            let (public, alpha) = (Point::mul_generator(&secret), bytes(vector, "alpha_hex")?);
            same("public key", public.to_bytes(), array(vector, "pk")?)?;
            let h = vrf::encode_to_curve(&public, &alpha).map_err(fail("point"))?;
            same("point", h.to_bytes(), array(vector, "h")?)?;
            let proof = vrf::prove(&secret, &alpha).map_err(fail("proof"))?;
            same("proof", proof, array(vector, "pi")?)?;
            let beta = vrf::verify(&public, &alpha, &proof).map_err(fail("verify"))?;
            same("output", beta, digest(vector, "beta")?)
        });
        tally.case(format_args!("{at}: no flipped byte verifies"), || {
            let public =
                Point::from_bytes(Curve::P256, &bytes(vector, "pk")?).map_err(fail("key"))?;
            let (proof, alpha) = (bytes(vector, "pi")?, bytes(vector, "alpha_hex")?);
            for at in 0..proof.len() {
                let mut flipped = proof.clone();
                flipped[at] ^= 1;
                check(
                    vrf::verify(&public, &alpha, &flipped).is_err(),
                    "a changed proof was accepted",
                )?;
            }
            Ok(())
        });
    }
}
