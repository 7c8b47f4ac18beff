//! A dossier whose heads are in its host's anchor log, and what can be wrong with the proof.

use super::broken::tar;
use super::{Broken, Story, tell, tender};
use crate::world::{Cast, DEADLINE, Memory, Parts, Tender, secs};
use mifeng::crypto::{Digest, PrivateKey, Suite};
use mifeng::log::{
    AnchorProof, Anchored, LogTree, Note, NoteSigner, Signature, Witness, WitnessState,
};
use mifeng::{AnchorLog, Export, Replay};
use std::collections::BTreeMap;

type Files = BTreeMap<String, Vec<u8>>;

const ORIGIN: &str = "host.example/anchor";

/// The anchor log with this key, after the heads of another tender and of this one.
fn log(cast: &Cast, key: PrivateKey, tender: &Replay) -> AnchorLog<Memory> {
    let log = AnchorLog::begin(Memory::default(), cast.suite, ORIGIN, key);
    let mut log = log.expect("a new log");
    let other = Tender::unpublished(cast, "host.example/t/other");
    for replay in [other.host.replay(), tender] {
        log.anchor(replay).expect("anchored");
    }
    log
}

/// A witness of the board cosigns the head of the anchor log, too.
fn cosign(cast: &Cast, key: &PrivateKey, note: &mut Note, witness: u8) -> Signature {
    let alg = cast.suite.hash();
    let origin = LogTree::authoritative_origin(cast.suite, ORIGIN);
    let log = NoteSigner::new(&origin, key).expect("a signer");
    let own = &cast.trustees[usize::from(witness) - 1].witness;
    let witness = Witness::new(&Cast::witness_name(witness), own).expect("a witness");
    let fresh = WitnessState::new(&origin, alg);
    let text = note.to_text();
    let cosigned = witness.cosign(
        &fresh,
        alg,
        log.verifier(),
        text.as_bytes(),
        &[],
        secs(DEADLINE),
    );
    let (line, _) = cosigned.expect("cosigned");
    note.add(line.clone()).expect("a line of its own");
    line
}

pub(super) struct Made {
    pub(super) tar: Vec<u8>,
    pub(super) broken: Vec<Broken>,
}

/// The valid one and the broken ones; `plain` is a dossier whose log names no anchor log.
pub(super) fn all(suite: &'static Suite, plain: &[u8]) -> Made {
    let mut cast = Cast::new(suite, "dossier");
    cast.is_anchored = true;
    let mut tender = tender(&cast);
    tell(&mut tender, Story::Failed);
    let replay = tender.host.replay();
    let key = || cast.anchor_key();
    let own = log(&cast, key(), replay);
    let mut proof = own.proof(replay.state.origin()).expect("anchored");
    cosign(&cast, &key(), &mut proof.checkpoint, 1);
    tender.host.add_anchor(&proof).expect("holds");
    let valid = tender.tar(Export::Dossier);
    let broken = broken(&cast, &tender, (&valid, plain), &proof);
    Made { tar: valid, broken }
}

fn name_of(size: u64) -> String {
    format!("anchor/{size:010}.json")
}

fn broken(
    cast: &Cast,
    tender: &Tender<'_>,
    (valid, plain): (&[u8], &[u8]),
    proof: &AnchorProof,
) -> Vec<Broken> {
    let replay = tender.host.replay();
    let (origin, size) = (replay.state.origin(), replay.tree.size());
    let (name, bytes) = (name_of(size), proof.to_bytes().expect("ASCII"));
    let parts = Parts::of_tar(valid).parts;
    let with = |change: &dyn Fn(&mut Files)| {
        let mut parts = parts.clone();
        change(&mut parts);
        tar(&parts)
    };
    let instead = |bytes: Vec<u8>| with(&|parts| drop(parts.insert(name.clone(), bytes.clone())));
    let changed = |change: &dyn Fn(&mut AnchorProof)| {
        let mut proof = proof.clone();
        change(&mut proof);
        instead(proof.to_bytes().expect("ASCII"))
    };
    let entry =
        |origin: &str, size: u64, root: Digest| Anchored::new(origin, size, root).expect("short");
    // A true entry of the same anchor log, but not of this tender, or not of its last head.
    let of_other = log(cast, cast.anchor_key(), replay).proof("host.example/t/other");
    let lone = |entry: Anchored| {
        let mut tree = LogTree::new(cast.suite, ORIGIN).expect("a name");
        tree.append(&entry.to_bytes().expect("ASCII"))
            .expect("short");
        let key = cast.anchor_key();
        let signer = NoteSigner::new(tree.checkpoint().origin(), &key).expect("a signer");
        let checkpoint = tree.checkpoint().sign(&signer).expect("signed");
        let proof = AnchorProof {
            entry,
            index: 0,
            proof: Vec::new(),
            checkpoint,
        };
        proof.to_bytes().expect("ASCII")
    };
    let root_at = |size| replay.tree.tree().root_at(size).expect("a head");
    let earlier = with(&|parts| {
        parts.remove(&name);
        parts.insert(
            name_of(size - 1),
            lone(entry(origin, size - 1, root_at(size - 1))),
        );
    });
    let stranger = {
        let theirs = log(cast, cast.log_key(), replay)
            .proof(origin)
            .expect("anchored");
        instead(theirs.to_bytes().expect("ASCII"))
    };
    let plain = {
        let mut parts = Parts::of_tar(plain).parts;
        parts.insert(name.clone(), bytes.clone());
        tar(&parts)
    };
    let v2 = |name, tar| Broken {
        name,
        check: "V2",
        tar,
    };
    vec![
        v2("anchor-missing", with(&|parts| drop(parts.remove(&name)))),
        v2("anchor-of-an-earlier-head-only", earlier),
        v2(
            "anchor-of-another-tender",
            instead(of_other.expect("anchored").to_bytes().expect("ASCII")),
        ),
        v2("anchor-in-a-log-of-another-key", stranger),
        v2(
            "anchor-of-another-root",
            instead(lone(entry(origin, size, root_at(size - 1)))),
        ),
        v2(
            "anchor-beyond-the-log",
            instead(lone(entry(origin, size + 1, root_at(size)))),
        ),
        v2(
            "anchor-at-another-index",
            changed(&|proof| proof.index ^= 1),
        ),
        v2("anchor-path-cut", changed(&|proof| proof.proof.truncate(0))),
        v2(
            "anchor-path-too-long",
            changed(&|proof| proof.proof.push(Digest::default())),
        ),
        v2(
            "anchor-cosigned-by-nobody-known",
            changed(&|proof| {
                let mut text = proof.checkpoint.to_text();
                let line =
                    text.lines()
                        .last()
                        .expect("a line")
                        .replacen("/witness/", "/stranger/", 1);
                text.push_str(&line);
                text.push('\n');
                proof.checkpoint = Note::parse(text.as_bytes()).expect("a note");
            }),
        ),
        v2(
            "anchor-cosignature-changed",
            changed(&|proof| {
                let text = proof.checkpoint.to_text();
                let last = text.trim_end().rsplit('\n').next().expect("a line");
                let (head, tail) = last.split_at(last.len() - 8);
                let other = if tail.starts_with('A') { "B" } else { "A" };
                let text = text.replace(last, &format!("{head}{other}{}", &tail[1..]));
                proof.checkpoint = Note::parse(text.as_bytes()).expect("a note");
            }),
        ),
        v2(
            "anchor-misnamed",
            with(&|parts| {
                parts.insert(name_of(size - 1), bytes.clone());
            }),
        ),
        v2(
            "anchor-not-canonical",
            instead([&bytes[..], b"\n"].concat()),
        ),
        Broken {
            name: "anchor-of-no-anchored-tender",
            check: "V1",
            tar: plain,
        },
    ]
}
