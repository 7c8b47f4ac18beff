//! Our published vectors, read back: a change of any byte of a format shows here.

use mifeng_crypto::{Digest, Suite, Time};
use mifeng_log::{
    Batch, CosignVerifier, LogTree, NoteVerifier, Quorum, ReceiptProof, Schedule, TlogProof,
    account, commitment, tiles, verify_batch_path,
};
use serde_json::Value;

fn vectors(path: &str) -> Value {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../test-vectors/");
    let bytes = std::fs::read(format!("{root}{path}")).expect("a vector file");
    serde_json::from_slice(&bytes).expect("JSON")
}

fn part<T: serde::de::DeserializeOwned>(value: &Value, name: &str) -> T {
    serde_json::from_value(value[name].clone()).expect(name)
}

fn suites() -> [&'static Suite; 2] {
    ["gm-1", "intl-1"].map(|id| Suite::by_id(id).expect("a suite"))
}

#[test]
fn batches() {
    for suite in suites() {
        let file = vectors(&format!("beat/batch-{}.json", suite.id()));
        let record = &file["commitment"];
        let (body, sig) = (part(record, "body"), part(record, "sig"));
        assert_eq!(commitment(suite, &body, &sig), part(record, "commitment"));
        for case in file["cases"].as_array().expect("cases") {
            let (depth, seed, root) = (
                part(case, "depth"),
                part::<Digest>(case, "seed"),
                part(case, "root"),
            );
            let records: Vec<Digest> = part(case, "commitments");
            let positions: Vec<u64> = part(case, "positions");
            let paths: Vec<Vec<Digest>> = part(case, "paths");
            let batch = Batch::build(suite, depth, seed.as_bytes(), &records).expect("fits");
            assert_eq!((batch.root(), batch.positions()), (root, &positions[..]));
            assert_eq!(
                batch.entry().to_bytes(),
                part::<String>(case, "entry").into_bytes()
            );
            let shown: Vec<_> = positions.iter().copied().zip(records).collect();
            account(suite, depth, seed.as_bytes(), root, &shown).expect("accounted for");
            for ((position, record), path) in shown.iter().zip(&paths) {
                verify_batch_path(suite, record, *position, depth, path, root).expect("inside");
            }
        }
    }
}

#[test]
fn schedules() {
    for case in vectors("beat/schedule.json")["cases"]
        .as_array()
        .expect("cases")
    {
        let schedule: Schedule = part(case, "schedule");
        let deadline: Time = part(case, "deadline");
        assert_eq!(
            schedule.beats_before(deadline),
            part::<u64>(case, "beats_before_deadline")
        );
        for beat in case["beats"].as_array().expect("beats") {
            assert_eq!(
                schedule.beat_time(part(beat, "index")),
                Ok(part(beat, "time"))
            );
        }
    }
}

#[test]
fn trees() {
    for suite in suites() {
        let file = vectors(&format!("log/tree-{}.json", suite.id()));
        let entries: Vec<String> = part(&file, "entries");
        let log = LogTree::from_entries(suite, "bids.example.com/t/42", &entries).expect("a log");
        assert_eq!(
            log.checkpoint().to_text(),
            part::<String>(&file, "checkpoint")
        );
        assert_eq!(
            log.sha256_checkpoint().to_text(),
            part::<String>(&file, "sha256_checkpoint")
        );
        for case in file["sizes"].as_array().expect("sizes") {
            let size = part(case, "size");
            assert_eq!(log.tree().root_at(size), Ok(part(case, "root")));
            assert_eq!(
                log.sha256_tree().root_at(size),
                Ok(part(case, "sha256_root"))
            );
            let inclusion: Vec<Vec<Digest>> = part(case, "inclusion");
            for (index, proof) in (0..).zip(inclusion) {
                assert_eq!(log.tree().inclusion_proof(index, size), Ok(proof));
            }
            let consistency: Vec<Vec<Digest>> = part(case, "consistency");
            for (old, proof) in (0..).zip(consistency) {
                assert_eq!(log.tree().consistency_proof(old, size), Ok(proof));
            }
        }
        let files = tiles::tiles(suite.hash(), &entries).expect("small");
        let listed = file["tiles"].as_array().expect("tiles");
        assert_eq!(files.len(), listed.len());
        for ((path, bytes), expected) in files.iter().zip(listed) {
            assert_eq!(*path, part::<String>(expected, "path"));
            assert_eq!(suite.hash().digest(bytes), part(expected, "hash"));
        }
    }
}

#[test]
fn receipts() {
    for suite in suites() {
        let file = vectors(&format!("log/receipt-{}.json", suite.id()));
        let text = |name| part::<String>(&file, name);
        let log = NoteVerifier::parse(&text("log_vkey")).expect("a vkey");
        let witness = CosignVerifier::parse(&text("witness_vkey")).expect("a vkey");
        let quorum = Quorum::new(vec![witness], 1).expect("one");
        let receipt = ReceiptProof::parse(text("receipt").as_bytes()).expect("a receipt");
        let record: Digest = part(&file, "commitment");
        let proven = receipt
            .verify(suite, &log, &quorum, &record)
            .expect("proven");
        assert_eq!(
            (proven.size(), proven.root()),
            (part(&file, "size"), part(&file, "root"))
        );
        assert_eq!(proven.cosigned()[0].1, part::<Time>(&file, "time"));
        let outer = TlogProof::parse(text("tlog_proof").as_bytes()).expect("a proof");
        assert_eq!(receipt.to_tlog_proof(), Ok(outer));
    }
}
