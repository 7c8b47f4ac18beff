//! Known answers of other implementations, read in place; skipped by name where absent.

use base64::{Engine, engine::general_purpose::STANDARD};
use mifeng_crypto::{Digest, HashAlg};
use mifeng_log::{
    Checkpoint, CosignVerifier, LogTree, Note, NoteVerifier, SignedCheckpoint, VerifierKey, merkle,
    tiles,
};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn data(part: &str) -> Option<PathBuf> {
    let root = std::env::var_os("MIFENG_DATA").map_or_else(
        || {
            PathBuf::from(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../../../../shared/data"
            ))
        },
        PathBuf::from,
    );
    let path = root.join(part);
    if !path.exists() {
        eprintln!("skipped: {part} is not here");
        return None;
    }
    Some(path)
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).expect("readable folder") {
            let path = entry.expect("readable folder").path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// One case of transparency-dev/merkle, of any of its four kinds.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    leaf_idx: Option<u64>,
    tree_size: Option<u64>,
    start: Option<u64>,
    end: Option<u64>,
    size: Option<u64>,
    size1: Option<u64>,
    size2: Option<u64>,
    root: Option<String>,
    root1: Option<String>,
    root2: Option<String>,
    leaf_hash: Option<String>,
    proof: Option<Vec<String>>,
    #[serde(default)]
    want_err: bool,
}

fn digest(text: &Option<String>) -> Option<Digest> {
    let bytes = STANDARD.decode(text.as_deref().unwrap_or("")).ok()?;
    Some(Digest::from_bytes(bytes.try_into().ok()?))
}

/// Whether we accept the case; hashes that are not 32 bytes cannot even be written down.
fn accepts(kind: &str, case: &Case) -> bool {
    let alg = HashAlg::Sha256;
    let hashes = case.proof.iter().flatten();
    let Some(proof) = hashes
        .map(|hash| digest(&Some(hash.clone())))
        .collect::<Option<Vec<_>>>()
    else {
        return false;
    };
    let range = case.start.unwrap_or(0)..case.end.unwrap_or(0);
    let inside = || Some((digest(&case.leaf_hash)?, digest(&case.root)?));
    let pair = || Some((digest(&case.root1)?, digest(&case.root2)?));
    match kind {
        "inclusion" => inside().is_some_and(|(leaf, root)| {
            let (index, size) = (case.leaf_idx.unwrap_or(0), case.tree_size.unwrap_or(0));
            merkle::verify_inclusion(alg, leaf, index, size, &proof, root).is_ok()
        }),
        "consistency" => pair().is_some_and(|(old, new)| {
            let (old_size, size) = (case.size1.unwrap_or(0), case.size2.unwrap_or(0));
            merkle::verify_consistency(alg, old_size, old, size, new, &proof).is_ok()
        }),
        "subtreeinclusion" => inside().is_some_and(|(leaf, root)| {
            let index = case.leaf_idx.unwrap_or(0);
            merkle::verify_subtree_inclusion(alg, leaf, index, range, &proof, root).is_ok()
        }),
        "subtreeconsistency" => pair().is_some_and(|(part, root)| {
            let size = case.size.unwrap_or(0);
            merkle::verify_subtree_consistency(alg, range, part, size, root, &proof).is_ok()
        }),
        other => unreachable!("unknown kind {other}"),
    }
}

/// Good cases whose "roots" are short texts: our type for hashes has 32 bytes, so they cannot be
/// asked. All of them are comparisons of equal or empty trees.
fn cannot_be_written(case: &Case) -> bool {
    [&case.root1, &case.root2]
        .into_iter()
        .any(|root| root.is_some() && digest(root).is_none())
}

#[test]
fn merkle_proofs() {
    for folder in ["protocol/merkle-rfc6962", "reliability/merkle-proofs"] {
        for kind in [
            "inclusion",
            "consistency",
            "subtreeinclusion",
            "subtreeconsistency",
        ] {
            let Some(dir) = data(&format!("{folder}/{kind}")) else {
                continue;
            };
            let mut wrong = Vec::new();
            let paths = files(&dir);
            for path in &paths {
                let text = std::fs::read(path).expect("readable file");
                let case: Case = serde_json::from_slice(&text).expect("a case");
                if accepts(kind, &case) == case.want_err && !cannot_be_written(&case) {
                    wrong.push(path.display().to_string());
                }
            }
            assert!(wrong.is_empty(), "{} wrong: {wrong:#?}", wrong.len());
            eprintln!("{folder}/{kind}: {} cases", paths.len());
        }
    }
}

#[test]
fn signed_notes() {
    #[derive(Deserialize)]
    struct Case {
        vkeys: Vec<String>,
        note: String,
        valid: bool,
    }
    let Some(path) = data("protocol/signed-note/notes.json") else {
        return;
    };
    let cases: Vec<Case> =
        serde_json::from_slice(&std::fs::read(path).expect("readable file")).expect("cases");
    for case in &cases {
        let note = Note::parse(case.note.as_bytes()).expect("a note");
        assert_eq!(note.to_text(), case.note);
        for vkey in &case.vkeys {
            let verifier = NoteVerifier::parse(vkey).expect("a vkey");
            assert_eq!(verifier.key().to_string(), *vkey);
            assert_eq!(verifier.verify(&note).is_ok(), case.valid);
        }
    }
    eprintln!("{} notes", cases.len());
}

/// The example of tlog-cosignature names no keys; its form is what we read.
#[test]
fn the_example_of_tlog_cosignature_is_read() {
    let text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
        — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
        — witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";
    let note = Note::parse(text.as_bytes()).expect("a note");
    assert_eq!(note.to_text(), text);
    assert_eq!(note.signatures().len(), 2);
    let head = Checkpoint::parse(note.text()).expect("a checkpoint");
    assert_eq!(
        (head.size(), head.to_text().as_str()),
        (20_852_163, note.text())
    );
    let time = &note.signatures()[1].bytes()[..8];
    assert_eq!(time, 1_679_315_147u64.to_be_bytes());
}

#[test]
fn a_whole_tessera_log() {
    let Some(dir) = data("protocol/tlog-tessera") else {
        return;
    };
    let vkey = std::fs::read_to_string(dir.join("vkey.txt")).expect("a vkey");
    let log = NoteVerifier::parse(vkey.trim()).expect("a vkey");
    let read = |path: &str| std::fs::read(dir.join(path)).expect("readable file");
    let last = SignedCheckpoint::verify(&read("checkpoint"), &log).expect("signed");
    let size = last.checkpoint().size();
    let path = format!("tile/entries/000.p/{size}");
    let entries = tiles::parse_bundle(&read(&path), size as usize).expect("a bundle");
    let tree = LogTree::from_entries(&mifeng_crypto::INTL, log.name(), &entries).expect("a log");
    let mut checkpoints = 0;
    for n in 0..=size {
        let bytes = read(&format!("checkpoint.{n}"));
        let head = SignedCheckpoint::verify(&bytes, &log).expect("signed");
        let head = head.checkpoint();
        assert_eq!(head.size(), n);
        assert!(tree.tree().has(n, &head.root()));
        let proof = tree.tree().consistency_proof(n, size).expect("in range");
        let (old, new) = (head.root(), last.checkpoint().root());
        merkle::verify_consistency(HashAlg::Sha256, n, old, size, new, &proof).expect("a prefix");
        let part = &entries[..n as usize];
        let files: BTreeMap<_, _> = tiles::tiles(HashAlg::Sha256, part)
            .expect("small entries")
            .into_iter()
            .collect();
        for (path, bytes) in &files {
            assert_eq!(*bytes, read(path), "{path}");
        }
        assert_eq!(tiles::read(HashAlg::Sha256, n, &files).as_deref(), Ok(part));
        checkpoints += 1;
    }
    assert_eq!(tree.checkpoint(), *last.checkpoint());
    eprintln!("{checkpoints} checkpoints and their tiles");
}

#[test]
fn a_sunlight_tree_of_300_entries() {
    let mirror = "reliability/tlog-tiles/witness/mirror/\
        000de184301123b9278c086a7d9f68c9577e83872224c197058fd90784ea9706";
    let Some(dir) = data(mirror) else {
        return;
    };
    let read = |path: &str| std::fs::read(dir.join(path)).expect("readable file");
    let note = Note::parse(&read("checkpoint")).expect("a note");
    let head = Checkpoint::parse(note.text()).expect("a checkpoint");
    let hashes = [read("tile/0/000"), read("tile/0/001.p/44")].concat();
    let (leaves, rest) = hashes.as_chunks::<32>();
    assert!(rest.is_empty());
    let leaves: Vec<_> = leaves.iter().map(|h| Digest::from_bytes(*h)).collect();
    let tree = merkle::Tree::from_leaves(HashAlg::Sha256, &leaves);
    assert_eq!((tree.size(), tree.root()), (head.size(), head.root()));
    let written = tiles::hash_tiles(&tree);
    let paths: Vec<_> = written.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, ["tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1"]);
    for (path, bytes) in &written {
        assert_eq!(*bytes, read(path), "{path}");
    }
}

/// The cosignatures that sunlight's test witnesses made, where their keys are published with them.
#[test]
fn sunlight_witness_notes_are_read() {
    let Some(dir) = data("reliability/tlog-tiles") else {
        return;
    };
    let (mut notes, mut cosigned) = (0, 0);
    let mut keys = Vec::new();
    for path in files(&dir) {
        if path.extension().is_some_and(|e| e == "json") {
            let text = std::fs::read_to_string(&path).expect("readable file");
            keys.extend(
                text.split('"')
                    .filter_map(|word| word.parse::<VerifierKey>().ok()),
            );
        }
    }
    let keys: Vec<_> = keys
        .into_iter()
        .filter_map(|key| CosignVerifier::try_from(key).ok())
        .collect();
    for path in files(&dir) {
        if path.file_name().is_some_and(|name| name == "checkpoint") {
            let bytes = std::fs::read(&path).expect("readable file");
            let Ok(note) = Note::parse(&bytes) else {
                continue;
            };
            notes += 1;
            cosigned += keys.iter().filter(|key| key.verify(&note).is_ok()).count();
        }
    }
    assert!(notes >= 1);
    eprintln!(
        "{notes} notes, {} keys, {cosigned} cosignatures verified",
        keys.len()
    );
}
