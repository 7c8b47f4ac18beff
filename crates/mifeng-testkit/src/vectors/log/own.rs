//! Our own files of `log/` and `beat/`.

use super::super::Plan;
use super::super::case::{Case, Input, Tally, digest, fail, list, part, same, text};
use mifeng_crypto::{Digest, Suite, Time};
use mifeng_log::{
    Batch, CosignVerifier, LogTree, NoteVerifier, Quorum, ReceiptProof, Schedule, TlogProof,
    account, commitment, tiles, verify_batch_path,
};
use serde_json::Value;

/// The log that the published trees belong to.
const ORIGIN: &str = "bids.example.com/t/42";

pub(super) fn plan(input: &Input) -> Option<Plan> {
    let json = input.json();
    if json["cases"][0]["schedule"].is_object() {
        return Some(Plan::Run(schedules));
    }
    if json["commitment"]["body"].is_string() && json["cases"].is_array() {
        return Some(Plan::Run(batches));
    }
    if json["sha256_checkpoint"].is_string() {
        return Some(Plan::Run(trees));
    }
    json["tlog_proof"]
        .is_string()
        .then_some(Plan::Run(receipts))
}

/// The suite that the file names, or its name does.
fn suite(input: &Input) -> Result<&'static Suite, super::super::case::Stop> {
    let named = input.json()["suite"].as_str();
    let id = named.unwrap_or(if input.name().contains("gm-1") {
        "gm-1"
    } else {
        "intl-1"
    });
    Suite::by_id(id).map_err(fail("suite"))
}

fn schedules(input: &Input, tally: &mut Tally) {
    for (at, case) in list(input.json(), "cases").iter().enumerate() {
        tally.case(at, || {
            let (schedule, deadline): (Schedule, Time) =
                (part(case, "schedule")?, part(case, "deadline")?);
            let beats: u64 = part(case, "beats_before_deadline")?;
            same(
                "beats before the deadline",
                schedule.beats_before(deadline),
                beats,
            )?;
            for beat in list(case, "beats") {
                let time = schedule
                    .beat_time(part(beat, "index")?)
                    .map_err(fail("beat"))?;
                same("time of a beat", time, part(beat, "time")?)?;
            }
            Ok(())
        });
    }
}

fn batches(input: &Input, tally: &mut Tally) {
    let record = &input.json()["commitment"];
    tally.case("commitment", || {
        let (body, sig) = (digest(record, "body")?, digest(record, "sig")?);
        same(
            "commitment",
            commitment(suite(input)?, &body, &sig),
            digest(record, "commitment")?,
        )
    });
    for (at, case) in list(input.json(), "cases").iter().enumerate() {
        tally.case(at, || batch(suite(input)?, case));
    }
}

fn batch(suite: &'static Suite, case: &Value) -> Case {
    let (depth, seed, root): (u8, _, _) = (
        part(case, "depth")?,
        digest(case, "seed")?,
        digest(case, "root")?,
    );
    let records: Vec<Digest> = part(case, "commitments")?;
    let positions: Vec<u64> = part(case, "positions")?;
    let paths: Vec<Vec<Digest>> = part(case, "paths")?;
    let batch = Batch::build(suite, depth, seed.as_bytes(), &records).map_err(fail("build"))?;
    same("root", batch.root(), root)?;
    same("positions", batch.positions(), &positions[..])?;
    same(
        "entry",
        &batch.entry().to_bytes()[..],
        text(case, "entry")?.as_bytes(),
    )?;
    let shown: Vec<_> = positions.into_iter().zip(records).collect();
    account(suite, depth, seed.as_bytes(), root, &shown).map_err(fail("account"))?;
    for ((position, record), path) in shown.iter().zip(&paths) {
        verify_batch_path(suite, record, *position, depth, path, root).map_err(fail("path"))?;
    }
    Ok(())
}

fn trees(input: &Input, tally: &mut Tally) {
    let json = input.json();
    let log = suite(input).and_then(|suite| {
        let entries: Vec<String> = part(json, "entries")?;
        let log = LogTree::from_entries(suite, ORIGIN, &entries).map_err(fail("log"))?;
        Ok((suite, entries, log))
    });
    let (suite, entries, log) = match log {
        Ok(made) => made,
        Err(stop) => return tally.case("log", || Err(stop)),
    };
    tally.case("checkpoints", || {
        same(
            "checkpoint",
            log.checkpoint().to_text().as_str(),
            text(json, "checkpoint")?,
        )?;
        let outer = log.sha256_checkpoint().to_text();
        same(
            "SHA-256 checkpoint",
            outer.as_str(),
            text(json, "sha256_checkpoint")?,
        )
    });
    for case in list(json, "sizes") {
        tally.case(format_args!("size {}", case["size"]), || proofs(&log, case));
    }
    tally.case("tiles", || {
        let files = tiles::tiles(suite.hash(), &entries).map_err(fail("tiles"))?;
        let made: Vec<_> = files
            .iter()
            .map(|(path, bytes)| (path.clone(), suite.hash().digest(bytes)))
            .collect();
        let mut published = Vec::new();
        for tile in list(json, "tiles") {
            published.push((text(tile, "path")?.to_owned(), digest(tile, "hash")?));
        }
        same("tiles", made, published)
    });
}

fn proofs(log: &LogTree, case: &Value) -> Case {
    let size = part(case, "size")?;
    same("root", log.tree().root_at(size), Ok(digest(case, "root")?))?;
    let outer = log.sha256_tree().root_at(size);
    same("SHA-256 root", outer, Ok(digest(case, "sha256_root")?))?;
    let inclusion: Vec<Vec<Digest>> = part(case, "inclusion")?;
    for (index, proof) in (0..).zip(inclusion) {
        same(
            "inclusion proof",
            log.tree().inclusion_proof(index, size),
            Ok(proof),
        )?;
    }
    let consistency: Vec<Vec<Digest>> = part(case, "consistency")?;
    for (old, proof) in (0..).zip(consistency) {
        same(
            "consistency proof",
            log.tree().consistency_proof(old, size),
            Ok(proof),
        )?;
    }
    Ok(())
}

fn receipts(input: &Input, tally: &mut Tally) {
    let json = input.json();
    tally.case("receipt", || {
        let log = NoteVerifier::parse(text(json, "log_vkey")?).map_err(fail("log key"))?;
        let witness =
            CosignVerifier::parse(text(json, "witness_vkey")?).map_err(fail("witness"))?;
        let quorum = Quorum::new(vec![witness], 1).map_err(fail("quorum"))?;
        let receipt = text(json, "receipt")?.as_bytes();
        let receipt = ReceiptProof::parse(receipt).map_err(fail("receipt"))?;
        let record = digest(json, "commitment")?;
        let proven = receipt
            .verify(suite(input)?, &log, &quorum, &record)
            .map_err(fail("verify"))?;
        same("size", proven.size(), part(json, "size")?)?;
        same("root", proven.root(), digest(json, "root")?)?;
        let times: Vec<Time> = proven.cosigned().iter().map(|(_, time)| *time).collect();
        same("time", times, vec![part(json, "time")?])?;
        let outer = TlogProof::parse(text(json, "tlog_proof")?.as_bytes());
        same("tlog-proof", receipt.to_tlog_proof().ok(), outer.ok())
    });
}
