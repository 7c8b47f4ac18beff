//! Writes the published vectors of this crate: `cargo run -p mifeng-envelope --example make-envelope-vectors`.
//!
//! Everything is fixed, so a second run changes nothing; `tests/vectors.rs` compares.
#![allow(
    dead_code,
    clippy::expect_used,
    reason = "also compiled into the test that compares"
)]

#[path = "../tests/common/mod.rs"]
mod common;

use common::{Base, SIGMA, SIGNING_TIME, Stage, World, base, body_of, body_secrets, cases, world};
use mifeng_crypto::{Digest, GM, INTL};
use mifeng_envelope::{Fault, RootHasher, SealRecord, leaf_label, padded_len};
use mifeng_lock::tlock::Chain;
use mifeng_lock::{Leaf, Node, Policy, sharing};
use serde_json::{Value, json};

/// The workspace folder of the vectors.
pub(crate) const FOLDER: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../../test-vectors/envelope"
);

/// Equal bytes between two edits that are not worth a new one.
const EDIT_GAP: usize = 16;

/// Every file, as name and text.
pub(crate) fn all() -> Vec<(String, String)> {
    let mut files = Vec::new();
    for suite in [&GM, &INTL] {
        let w = world(suite);
        let board = base(&w, Policy::board(w.board.key()));
        files.push((format!("{}-board", suite.id()), positive(&w, &board)));
        let joint = base(&w, Policy::joint(w.board.key()));
        files.push((format!("{}-joint", suite.id()), positive(&w, &joint)));
        let key = w.board.key();
        let one_time = base(&w, Policy::joint_one_time_key(key));
        let mut vector = positive(&w, &one_time);
        let revealed = w
            .shares
            .iter()
            .map(|share| json!({"index": share.index(), "share": hex::encode(share.reveal())}));
        vector["revealed"] = revealed.collect();
        files.push((format!("{}-one-time-key", suite.id()), vector));
        let mut vector = positive(&w, &base(&w, clock_policy(key)));
        vector["beacon"] = json!({
            "chain": Chain::quicknet().hash(), "round": ROUND, "signature": ROUND_SIGNED,
        });
        files.push((format!("{}-clock", suite.id()), vector));
        for case in cases::all(&w, &joint) {
            let name = format!("negative-{}-{}", suite.id(), case.name);
            files.push((name, negative(&w, &joint, &case)));
        }
    }
    files
        .into_iter()
        .map(|(name, value)| (format!("{name}.json"), format!("{value:#}\n")))
        .collect()
}

/// A round of quicknet, and its signature as published (drand-verify, src/verify.rs).
const ROUND: u64 = 123;
const ROUND_SIGNED: &str = "b75c69d0b72a5d906e854e808ba7e2accb1542ac355ae486d591aa9d43765482e26cd02df835d3546d23c4b13e0dfc92";

/// The board and quicknet together.
fn clock_policy(key: Digest) -> Policy {
    let clock = Leaf::Tlock {
        chain: Chain::quicknet().hash(),
        round: ROUND,
    };
    let both = vec![Node::Leaf(Leaf::Group(key)), Node::Leaf(clock)];
    Policy::new(Node::all(both)).expect("grammar")
}

fn text(bytes: &[u8]) -> &str {
    core::str::from_utf8(bytes).expect("JSON is UTF-8")
}

fn record(record: &SealRecord) -> Value {
    json!({
        "header": text(record.header()),
        "trailer": text(record.trailer()),
        "cms": hex::encode(record.cms()),
    })
}

fn positive(w: &World, base: &Base) -> Value {
    let (suite, alg) = (w.suite, w.suite.hash());
    let policy = base.policy.resolve(w.cert.fingerprint(alg));
    let (key, salt) = body_secrets(suite, &SIGMA, &base.c);
    let leaves: Vec<Value> = sharing::deal(&policy, &SIGMA, &base.c, suite)
        .iter()
        .zip(policy.leaves())
        .map(|((path, share), (_, leaf))| {
            let mut rho = [0; 96];
            let info = [&base.c.as_bytes()[..], path.as_bytes()].concat();
            suite.kdf(&SIGMA, "leaf", &info, &mut rho);
            json!({
                "path": path,
                "share": hex::encode(share),
                "rho": hex::encode(rho),
                "label": hex::encode(leaf_label(&base.c, path, leaf).expect("label")),
            })
        })
        .collect();
    let files: Vec<Value> = common::content()
        .into_iter()
        .map(|(path, content)| json!({"path": path, "content": hex::encode(content)}))
        .collect();
    // The manifest and its signature end the tar.
    let entry = |at: usize| {
        let digits = text(&base.plain[at + 124..at + 135]);
        let len = usize::from_str_radix(digits, 8).expect("octal");
        (
            &base.plain[at + 512..at + 512 + len],
            at + 512 + len.next_multiple_of(512),
        )
    };
    let (manifest, next) = entry(common::cases::manifest_at(base));
    let (manifest_cms, _) = entry(next);
    let body = body_of(&base.file);
    let mut root = RootHasher::new(alg, 1);
    root.update(body).expect("threads live");
    json!({
        "suite": suite.id(),
        "board": w.board.to_record(),
        "notice_policy": text(&base.policy.to_jcs().expect("encodes")),
        "bidder_key_pkcs8": hex::encode(&w.key[..]),
        "bidder_certificate": hex::encode(w.cert.der()),
        "signing_time": SIGNING_TIME,
        "sigma": hex::encode(SIGMA),
        "files": files,
        "c": base.c,
        "leaves": leaves,
        "body_key": hex::encode(key),
        "salt": hex::encode(salt),
        "commitment": hex::encode(&body[24..56]),
        "manifest": text(manifest),
        "manifest_cms": hex::encode(manifest_cms),
        "padded_len": padded_len(base.plain.len() as u64),
        "plain_hash": alg.digest(&base.plain),
        "body_len": body.len(),
        "body_hash": alg.digest(body),
        "root": root.finish().expect("threads live"),
        "record": record(&base.record),
        "id": base.record.id(suite),
        "fingerprint": hex::encode(base.record.fingerprint(alg)),
        "file_len": base.file.len(),
        "file_hash": alg.digest(&base.file),
    })
}

/// Runs of bytes in which `new` differs from `old`, which is zeros beyond its end.
fn edits(old: &[u8], new: &[u8]) -> Vec<Value> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for at in (0..new.len()).filter(|at| old.get(*at).unwrap_or(&0) != &new[*at]) {
        match runs.last_mut() {
            Some((_, end)) if at - *end < EDIT_GAP => *end = at + 1,
            _ => runs.push((at, at + 1)),
        }
    }
    runs.into_iter()
        .map(|(from, to)| json!({"at": from, "hex": hex::encode(&new[from..to])}))
        .collect()
}

fn negative(w: &World, base: &Base, case: &cases::Case) -> Value {
    let stage = match case.stage {
        Stage::File => "file",
        Stage::Record => "record",
        Stage::Recover => "recover",
        Stage::Open => "open",
    };
    let fault = case.fault.map(|fault| match fault {
        Fault::Bidder => "bidder",
        Fault::Host => "host",
        _ => "other",
    });
    let mut out = json!({
        "base": format!("{}-joint", w.suite.id()),
        "expect": {"stage": stage, "code": case.code, "fault": fault},
        "shares": case.shares.iter().map(|(path, share)| json!({"path": path, "share": hex::encode(share)})).collect::<Vec<_>>(),
        "file_hash": w.suite.hash().digest(&case.file),
    });
    if let Some(plain) = &case.plain {
        out["plain_edits"] = json!(edits(&base.plain, plain));
        out["plain_length"] = json!(plain.len());
    } else if case.stage == Stage::File {
        out["edits"] = json!(edits(&base.file, &case.file));
        out["length"] = json!(case.file.len());
    } else {
        body_and_record(base, case, &mut out);
    }
    out
}

/// The record in full, and the body as edits of the base's.
fn body_and_record(base: &Base, case: &cases::Case, out: &mut Value) {
    let read = mifeng_envelope::SealedFile::read(&mut std::io::Cursor::new(&case.file));
    out["record"] = record(read.expect("sizes").record());
    let changed = edits(body_of(&base.file), body_of(&case.file));
    let bytes: usize = changed
        .iter()
        .filter_map(|edit| edit["hex"].as_str().map(str::len))
        .sum();
    // Bodies that differ throughout are told by their rule in the specification.
    match (case.name, bytes) {
        ("chunks-swapped-by-bidder" | "chunks-swapped-in-storage", _) => {
            out["body_rule"] = json!("chunks 0 and 1 of the base's body exchanged");
        }
        (_, 0) => {}
        ("body-of-another-secret", _) => {
            out["body_rule"] =
                json!("the base's plaintext, key and salt derived from sigma = 32 bytes 01");
        }
        _ => out["body_rule"] = json!("as sealed with the base's sigma for this record's context"),
    }
}

fn main() {
    std::fs::create_dir_all(FOLDER).expect("folder");
    for (name, text) in all() {
        std::fs::write(format!("{FOLDER}/{name}"), text).expect("written");
    }
}
