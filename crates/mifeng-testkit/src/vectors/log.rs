//! Trees, proofs, notes and logs: RFC 6962, C2SP signed notes and tiles, and our own log files.

use super::Plan;
use super::case::{Case, Input, Stop, Tally, check, fail, list, part, same, text};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use mifeng_crypto::{Digest, HashAlg, INTL};
use mifeng_log::{Checkpoint, LogTree, Note, NoteVerifier, SignedCheckpoint, merkle, tiles};
use serde::Deserialize;

mod own;

/// Trees of other logs are recomputed up to this size, one level of tiles.
const TREE_SIZE_MAX: u64 = 256 * 1_000;

pub(super) fn plan(input: &Input) -> Option<Plan> {
    let json = input.json();
    if json["wantErr"].is_boolean() && (json["root"].is_string() || json["root1"].is_string()) {
        return Some(Plan::Run(proof));
    }
    if json[0]["vkeys"].is_array() && json[0]["note"].is_string() {
        return Some(Plan::Run(notes));
    }
    let name = input.name();
    if name == "checkpoint" || name.starts_with("checkpoint.") {
        return Some(Plan::Run(checkpoint));
    }
    if input.has_folder("tile") || name == "vkey.txt" {
        return Some(Plan::Skip("read with its checkpoint"));
    }
    own::plan(input)
}

/// One case of transparency-dev/merkle, of any of its four kinds.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Proof {
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
    want_err: bool,
}

fn digest(text: Option<&String>) -> Option<Digest> {
    let bytes = BASE64_STANDARD.decode(text?).ok()?;
    Some(Digest::from_bytes(bytes.try_into().ok()?))
}

fn proof(input: &Input, tally: &mut Tally) {
    tally.case("proof", || {
        let case: Proof = serde_json::from_slice(input.bytes()).map_err(fail("case"))?;
        // Good cases with a short text for a root compare equal or empty trees; a type of 32
        // bytes cannot hold them, so they cannot be asked.
        let unwritable = |root: &Option<String>| root.is_some() && digest(root.as_ref()).is_none();
        if !case.want_err && (unwritable(&case.root1) || unwritable(&case.root2)) {
            return Err(Stop::Skip("a root that is no hash"));
        }
        let accepted = accepts(&case).unwrap_or(false);
        check(
            accepted != case.want_err,
            if accepted {
                "wrong, but accepted"
            } else {
                "right, but refused"
            },
        )
    });
}

/// Whether we accept the proof; nothing if a hash is not even 32 bytes long.
fn accepts(case: &Proof) -> Option<bool> {
    let alg = HashAlg::Sha256;
    let hashes = case.proof.iter().flatten();
    let proof: Vec<Digest> = hashes
        .map(|hash| digest(Some(hash)))
        .collect::<Option<_>>()?;
    let number = |value: Option<u64>| value.unwrap_or(0);
    let range = number(case.start)..number(case.end);
    let subtree = case.end.is_some();
    if case.leaf_hash.is_some() {
        let leaf = digest(case.leaf_hash.as_ref())?;
        let (root, index) = (digest(case.root.as_ref())?, number(case.leaf_idx));
        return Some(if subtree {
            merkle::verify_subtree_inclusion(alg, leaf, index, range, &proof, root).is_ok()
        } else {
            let size = number(case.tree_size);
            merkle::verify_inclusion(alg, leaf, index, size, &proof, root).is_ok()
        });
    }
    let (old, new) = (digest(case.root1.as_ref())?, digest(case.root2.as_ref())?);
    Some(if subtree {
        let size = number(case.size);
        merkle::verify_subtree_consistency(alg, range, old, size, new, &proof).is_ok()
    } else {
        let (size1, size2) = (number(case.size1), number(case.size2));
        merkle::verify_consistency(alg, size1, old, size2, new, &proof).is_ok()
    })
}

fn notes(input: &Input, tally: &mut Tally) {
    for case in input.json().as_array().into_iter().flatten() {
        tally.case(&case["source"], || {
            let published = text(case, "note")?;
            let valid: bool = part(case, "valid")?;
            let note = Note::parse(published.as_bytes()).map_err(fail("note"))?;
            same("text", note.to_text().as_str(), published)?;
            for vkey in list(case, "vkeys") {
                let vkey = vkey.as_str().unwrap_or("");
                let verifier = NoteVerifier::parse(vkey).map_err(fail("vkey"))?;
                same("vkey", verifier.key().to_string().as_str(), vkey)?;
                same("verdict", verifier.verify(&note).is_ok(), valid)?;
            }
            Ok(())
        });
    }
}

/// A checkpoint of another log: its form, its signature where a key lies beside it, and its root
/// where its tiles do.
fn checkpoint(input: &Input, tally: &mut Tally) {
    let note = match Note::parse(input.bytes()) {
        Ok(note) => note,
        Err(_) if is_decoy(input.bytes()) => {
            return tally.skip(1, "a file server's decoy, no checkpoint");
        }
        Err(error) => return tally.fail(&format!("note: {error}")),
    };
    tally.case("form", || {
        same("text", note.to_text().as_bytes(), input.bytes())
    });
    tally.case("signature", || {
        let Ok(vkey) = input.beside("vkey.txt") else {
            return Err(Stop::Skip("no key of the log beside it"));
        };
        let vkey = String::from_utf8(vkey).map_err(fail("vkey"))?;
        let log = NoteVerifier::parse(vkey.trim()).map_err(fail("vkey"))?;
        SignedCheckpoint::verify(input.bytes(), &log)
            .map(drop)
            .map_err(fail("verify"))
    });
    tally.case("root", || root(input, &note));
    tally.case("entries", || entries(input, &note));
}

/// Whether a file is a line of text for tests of file servers: no log has such a head or tile.
fn is_decoy(bytes: &[u8]) -> bool {
    let lines = bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    bytes.is_ascii() && lines.count() < 2
}

fn head(note: &Note) -> Result<Checkpoint, Stop> {
    Checkpoint::parse(note.text()).map_err(|_| Stop::Skip("a note that is no checkpoint"))
}

/// The root follows from the tiles of level 0, and their path names from the size.
fn root(input: &Input, note: &Note) -> Case {
    let head = head(note)?;
    if head.size() > TREE_SIZE_MAX {
        return Err(Stop::Skip("more than one level of tiles"));
    }
    let mut leaves = Vec::new();
    for first in (0..head.size()).step_by(256) {
        let width = (head.size() - first).min(256) as usize;
        let path = tiles::tile_path("0", first / 256, width);
        let Ok(tile) = input.beside(&path) else {
            return Err(Stop::Skip("its tiles are not beside it"));
        };
        if is_decoy(&tile) {
            return Err(Stop::Skip(
                "tiles that hold a line of text for tests of file servers",
            ));
        }
        let (hashes, rest) = tile.as_chunks::<32>();
        check(
            hashes.len() == width && rest.is_empty(),
            "tile of another width",
        )?;
        leaves.extend(hashes.iter().map(|hash| Digest::from_bytes(*hash)));
    }
    let tree = merkle::Tree::from_leaves(HashAlg::Sha256, &leaves);
    same("root", tree.root(), head.root())?;
    for (path, bytes) in tiles::hash_tiles(&tree) {
        if let Ok(published) = input.beside(&path) {
            same(&path, bytes, published)?;
        }
    }
    Ok(())
}

/// The root follows from the entries too, where there is one bundle of them.
fn entries(input: &Input, note: &Note) -> Case {
    let head = head(note)?;
    let width = usize::try_from(head.size()).unwrap_or(usize::MAX);
    if width > 256 {
        return Err(Stop::Skip("more than one bundle of entries"));
    }
    let mut found = Vec::new();
    if width > 0 {
        let path = tiles::tile_path("entries", 0, width);
        let Ok(bundle) = input.beside(&path) else {
            return Err(Stop::Skip("its entries are not beside it"));
        };
        found = tiles::parse_bundle(&bundle, width).map_err(fail("bundle"))?;
    }
    let log = LogTree::from_entries(&INTL, head.origin(), &found).map_err(fail("log"))?;
    same("root", log.root(), head.root())
}
