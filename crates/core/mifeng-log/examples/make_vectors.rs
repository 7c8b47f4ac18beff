//! Writes `test-vectors/beat` and `test-vectors/log`: `cargo run -p mifeng-log --example make-log-vectors`.
//!
//! Everything is made from fixed seeds, so running it again changes nothing.

use mifeng_crypto::{Digest, GM, INTL, KeyAlg, PrivateKey, SeededEntropy, Suite, Time};
use mifeng_log::{
    Batch, BatchPlace, Entry, LogTree, NoteSigner, ReceiptProof, Schedule, Witness, WitnessState,
    commitment, tiles,
};
use serde_json::{Value, json};
use std::error::Error;
use std::path::Path;

const ORIGIN: &str = "bids.example.com/t/42";

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../test-vectors"
    ));
    for suite in [&GM, &INTL] {
        let id = suite.id();
        write(
            &root.join(format!("beat/batch-{id}.json")),
            &batches(suite)?,
        )?;
        write(&root.join(format!("log/tree-{id}.json")), &trees(suite)?)?;
        write(
            &root.join(format!("log/receipt-{id}.json")),
            &receipts(suite)?,
        )?;
    }
    write(&root.join("beat/schedule.json"), &schedules()?)
}

fn write(path: &Path, value: &Value) -> Result<(), Box<dyn Error>> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, format!("{}\n", serde_json::to_string_pretty(value)?))?;
    Ok(())
}

fn batches(suite: &'static Suite) -> Result<Value, Box<dyn Error>> {
    let mut cases = Vec::new();
    for (depth, count) in [(0u8, 0u8), (0, 1), (3, 0), (3, 2), (3, 8), (6, 5)] {
        let seed = *suite.h_tag("test-seed", &[&[depth, count]]).as_bytes();
        let records: Vec<_> = (0..count).map(|n| suite.hash().digest(&[n])).collect();
        let batch = Batch::build(suite, depth, &seed, &records)?;
        let paths = batch
            .positions()
            .iter()
            .map(|position| batch.path(*position))
            .collect::<Result<Vec<_>, _>>()?;
        cases.push(json!({
            "commitments": records,
            "depth": depth,
            "entry": String::from_utf8(batch.entry().to_bytes())?,
            "paths": paths,
            "positions": batch.positions(),
            "root": batch.root(),
            "seed": Digest::from_bytes(seed),
        }));
    }
    let (body, sig) = (suite.hash().digest(b"body"), suite.hash().digest(b"sig"));
    Ok(json!({
        "cases": cases,
        "commitment": {"body": body, "commitment": commitment(suite, &body, &sig), "sig": sig},
        "suite": suite.id(),
    }))
}

fn schedules() -> Result<Value, Box<dyn Error>> {
    let start = Time::parse_rfc3339("2026-01-20T09:00:00Z")?;
    let deadline = Time::parse_rfc3339("2026-01-21T09:30:00Z")?;
    let later = Time::parse_rfc3339("2026-01-22T09:30:00Z")?;
    let standard = Schedule::standard(start, deadline, 6)?;
    let postponed = standard.postponed(deadline.plus_millis(-1_500), later)?;
    let mut cases = Vec::new();
    for (schedule, deadline) in [(standard, deadline), (postponed, later)] {
        let mut beats = Vec::new();
        for index in [0, 1, 2_819, 2_820, 2_821, 6_418, 6_419, 6_420] {
            beats.push(json!({"index": index, "time": schedule.beat_time(index)?}));
        }
        cases.push(json!({
            "beats": beats,
            "beats_before_deadline": schedule.beats_before(deadline),
            "deadline": deadline,
            "schedule": schedule,
        }));
    }
    Ok(json!({"cases": cases}))
}

fn entries(suite: &Suite, count: u8) -> Vec<Vec<u8>> {
    (0..count)
        .map(|n| {
            let (body, sig) = (suite.hash().digest(&[n]), suite.hash().digest(&[n, n]));
            Entry::record(body, sig).to_bytes()
        })
        .collect()
}

fn trees(suite: &'static Suite) -> Result<Value, Box<dyn Error>> {
    let entries = entries(suite, 9);
    let log = LogTree::from_entries(suite, ORIGIN, &entries)?;
    let mut sizes = Vec::new();
    for size in 0..=log.size() {
        let inclusion = (0..size)
            .map(|index| log.tree().inclusion_proof(index, size))
            .collect::<Result<Vec<_>, _>>()?;
        let consistency = (0..=size)
            .map(|old| log.tree().consistency_proof(old, size))
            .collect::<Result<Vec<_>, _>>()?;
        sizes.push(json!({
            "consistency": consistency,
            "inclusion": inclusion,
            "root": log.tree().root_at(size)?,
            "sha256_root": log.sha256_tree().root_at(size)?,
            "size": size,
        }));
    }
    let files = tiles::tiles(suite.hash(), &entries)?;
    let files: Vec<_> = files
        .iter()
        .map(|(path, bytes)| json!({"hash": suite.hash().digest(bytes), "len": bytes.len(), "path": path}))
        .collect();
    let texts = entries
        .into_iter()
        .map(String::from_utf8)
        .collect::<Result<Vec<_>, _>>()?;
    Ok(json!({
        "checkpoint": log.checkpoint().to_text(),
        "entries": texts,
        "sha256_checkpoint": log.sha256_checkpoint().to_text(),
        "sizes": sizes,
        "suite": suite.id(),
        "tiles": files,
    }))
}

fn receipts(suite: &'static Suite) -> Result<Value, Box<dyn Error>> {
    let (log_alg, witness_alg) = match suite.id() {
        "gm-1" => (KeyAlg::Sm2, KeyAlg::Sm2),
        _ => (KeyAlg::Ed25519, KeyAlg::Ed25519),
    };
    let log_key = PrivateKey::generate(log_alg, &mut SeededEntropy::new(b"log"))?;
    let witness_key = PrivateKey::generate(witness_alg, &mut SeededEntropy::new(b"witness"))?;
    let origin = LogTree::authoritative_origin(suite, ORIGIN);
    let signer = NoteSigner::new(&origin, &log_key)?;
    let witness = Witness::new("witness.example.org", &witness_key)?;
    let (body, sig) = (suite.hash().digest(b"body"), suite.hash().digest(b"sig"));
    let record = commitment(suite, &body, &sig);
    let batch = Batch::build(suite, 4, &[7; 32], &[record])?;
    let position = batch.positions()[0];
    let mut log = LogTree::from_entries(suite, ORIGIN, &entries(suite, 5))?;
    let index = log.append(&batch.entry().to_bytes())?;
    let mut checkpoint = log.checkpoint().sign(&signer)?;
    let (line, _) = witness.cosign(
        &WitnessState::new(&origin, suite.hash()),
        suite.hash(),
        signer.verifier(),
        checkpoint.to_text().as_bytes(),
        &[],
        Time::parse_rfc3339("2026-01-21T09:00:01Z")?,
    )?;
    checkpoint.add(line)?;
    let receipt = ReceiptProof {
        entry: batch.entry(),
        index,
        batch: Some(BatchPlace {
            path: batch.path(position)?,
            position,
        }),
        proof: log.tree().inclusion_proof(index, log.size())?,
        checkpoint,
    };
    Ok(json!({
        "commitment": record,
        "log_vkey": signer.verifier().key().to_string(),
        "receipt": String::from_utf8(receipt.to_bytes()?)?,
        "root": log.root(),
        "size": log.size(),
        "suite": suite.id(),
        "time": "2026-01-21T09:00:01Z",
        "tlog_proof": receipt.to_tlog_proof()?.to_text(),
        "witness_vkey": witness.verifier().key().to_string(),
    }))
}
