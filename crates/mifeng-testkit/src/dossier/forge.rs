//! A host that has its keys and none of its rules.

use super::broken::tar;
use crate::world::{Cast, secs};
use mifeng::crypto::{Digest, HashAlg, Time, jcs};
use mifeng::log::{
    Checkpoint, Entry, LogTree, Note, NoteSigner, SignedCheckpoint, Witness, WitnessState, tiles,
};
use mifeng::pki::{Signer, cms};
use mifeng::record::SignedRecord;
use std::collections::BTreeMap;

/// A dossier taken apart, with the records after its last cosigned head.
#[derive(Clone)]
pub(super) struct Forge<'c> {
    pub(super) cast: &'c Cast,
    pub(super) parts: BTreeMap<String, Vec<u8>>,
    pub(super) entries: Vec<Vec<u8>>,
    /// Records after the last cosigned head, `archive.close` last.
    pub(super) tail: Vec<SignedRecord>,
    /// The tail ends with `archive.close`, which lists the files.
    pub(super) closed: bool,
    /// Logged after `archive.close`.
    pub(super) after: Option<SignedRecord>,
    kept: usize,
    origin: String,
}

impl<'c> Forge<'c> {
    pub(super) fn new(cast: &'c Cast, parts: BTreeMap<String, Vec<u8>>) -> Self {
        let bundles: BTreeMap<String, Vec<u8>> = parts
            .iter()
            .filter_map(|(name, bytes)| {
                Some((name.strip_prefix("log/")?.to_owned(), bytes.clone()))
            })
            .filter(|(name, _)| name.starts_with("tile/"))
            .collect();
        let note = String::from_utf8(parts["log/checkpoint"].clone()).expect("text");
        let mut lines = note.lines();
        let origin = lines.next().expect("an origin").to_owned();
        let size: u64 = lines.next().expect("a size").parse().expect("a number");
        let entries = tiles::read(HashAlg::Sha256, size, &bundles).expect("tiles");
        let mut forge = Forge {
            cast,
            parts,
            entries,
            tail: Vec::new(),
            closed: true,
            after: None,
            kept: 0,
            origin,
        };
        forge.kept = usize::try_from(forge.head_size()).expect("small");
        forge.tail = forge.entries[forge.kept..]
            .iter()
            .map(|e| forge.record(e))
            .collect();
        forge
    }

    fn record(&self, entry: &[u8]) -> SignedRecord {
        match Entry::parse(entry) {
            Ok(Entry::Record { body, sig }) => SignedRecord {
                body: self.parts[&format!("body/{body}.json")].clone(),
                signature: self.parts[&format!("sig/{sig}.p7s")].clone(),
            },
            _ => unreachable!("after the close every entry is a record"),
        }
    }

    pub(super) fn text(&self, name: &str) -> String {
        String::from_utf8(self.parts[name].clone()).expect("text")
    }

    pub(super) fn head_name(&self) -> String {
        let found = self
            .parts
            .keys()
            .find(|name| name.starts_with("log/heads/"));
        found.expect("a cosigned head").clone()
    }

    pub(super) fn head_size(&self) -> u64 {
        let note = self.text(&self.head_name());
        note.lines()
            .nth(1)
            .and_then(|line| line.parse().ok())
            .expect("a size")
    }

    /// Place of the first record of this type in the tail.
    pub(super) fn tail_of(&self, kind: &str) -> usize {
        let wanted = format!("\"{kind}\"");
        let of = |r: &SignedRecord| String::from_utf8_lossy(&r.body).contains(&wanted);
        self.tail.iter().position(of).expect("in the tail")
    }

    /// The file of the authoritative head.
    pub(super) fn checkpoint_name(&self) -> &'static str {
        match self.cast.suite.hash() {
            HashAlg::Sha256 => "log/checkpoint",
            HashAlg::Sm3 => "log/sm3/checkpoint",
        }
    }

    fn tree(&self, entries: &[Vec<u8>]) -> LogTree {
        LogTree::from_entries(self.cast.suite, &self.origin, entries).expect("a tree")
    }

    fn sign(&self, checkpoint: &Checkpoint) -> Note {
        let key = self.cast.log_key();
        let signer = NoteSigner::new(checkpoint.origin(), &key).expect("a signer");
        checkpoint.sign(&signer).expect("signed")
    }

    /// The authoritative head of the first `size` entries, under any origin.
    pub(super) fn checkpoint_of(&self, size: u64, origin: &str) -> String {
        let tree = self.tree(&self.entries[..usize::try_from(size).expect("small")]);
        let origin = LogTree::authoritative_origin(self.cast.suite, origin);
        let checkpoint = Checkpoint::new(&origin, size, tree.root()).expect("a head");
        self.sign(&checkpoint).to_text()
    }

    /// A head of `size` entries, or of as many others, cosigned by these witnesses.
    pub(super) fn signed_head(&self, size: u64, other: bool, by: &[usize], at: i64) -> String {
        let mut entries = self.entries[..usize::try_from(size).expect("small")].to_vec();
        if other {
            let last = entries.len() - 1;
            entries[last] = self.entries[0].clone();
        }
        let checkpoint = self.tree(&entries).checkpoint();
        let mut note = self.sign(&checkpoint);
        let key = self.cast.log_key();
        let log = NoteSigner::new(checkpoint.origin(), &key).expect("a signer");
        let text = note.to_text();
        SignedCheckpoint::verify(text.as_bytes(), log.verifier()).expect("our own");
        for n in by {
            let name = Cast::witness_name(*n as u8 + 1);
            let witness = Witness::new(&name, &self.cast.trustees[*n].witness).expect("a witness");
            let alg = self.cast.suite.hash();
            let fresh = WitnessState::new(checkpoint.origin(), alg);
            let (line, _) = witness
                .cosign(&fresh, alg, log.verifier(), text.as_bytes(), &[], secs(at))
                .expect("cosigned");
            note.add(line).expect("a line of its own");
        }
        note.to_text()
    }

    /// When a record says that it was made, which is when it was signed.
    fn time_of(record: &SignedRecord) -> Time {
        let body: serde_json::Value = serde_json::from_slice(&record.body).expect("a record");
        Time::parse_rfc3339(body["time"].as_str().expect("a time")).expect("a time")
    }

    /// Puts other bytes in place of the body of one of the agency's records.
    pub(super) fn resign(&mut self, at: usize, body: &[u8]) {
        self.sign_as(at, &self.cast.agency.signer, body);
    }

    pub(super) fn sign_as(&mut self, at: usize, signer: &dyn Signer, body: &[u8]) {
        let profile = cms::Profile::of(self.cast.suite);
        let time = Self::time_of(&self.tail[at]);
        let signature = cms::sign_detached(signer, body, time, profile);
        self.tail[at] = SignedRecord {
            body: body.to_vec(),
            signature: signature.expect("signed"),
        };
    }

    /// One more record of this signer in the tail, made from another one of the same; later ones count from there.
    pub(super) fn insert(&mut self, at: usize, signer: &dyn Signer, mut body: serde_json::Value) {
        body["seq"] = json_next(&body);
        let actor = body["actor"].clone();
        let bytes = jcs::to_vec(&body).expect("canonical");
        let copy = self.tail[at - 1].clone();
        self.tail.insert(at, copy);
        self.sign_as(at, signer, &bytes);
        for later in at + 1..self.tail.len() {
            let body = serde_json::from_slice(&self.tail[later].body);
            let mut body: serde_json::Value = body.expect("a record");
            if body["actor"] == actor {
                body["seq"] = json_next(&body);
                let bytes = jcs::to_vec(&body).expect("canonical");
                self.sign_as(later, signer, &bytes);
            }
        }
    }

    /// The dossier with the tail as it is now: log, list of files and all.
    pub(super) fn dossier(mut self) -> Vec<u8> {
        let alg = self.cast.suite.hash();
        for entry in &self.entries[self.kept..] {
            if let Ok(Entry::Record { body, sig }) = Entry::parse(entry) {
                self.parts.remove(&format!("body/{body}.json"));
                self.parts.remove(&format!("sig/{sig}.p7s"));
            }
        }
        self.parts
            .retain(|name, _| !name.contains("/tile/") && !name.starts_with("log/tile/"));
        self.entries.truncate(self.kept);
        let archive = self.closed.then(|| self.tail.pop()).flatten();
        for record in self.tail.clone() {
            self.log(&record);
        }
        if let Some(archive) = archive {
            let last = self.listed(&archive, alg);
            self.log(&last);
        }
        if let Some(after) = self.after.take() {
            self.log(&after);
        }
        self.finish()
    }

    fn log(&mut self, record: &SignedRecord) {
        let alg = self.cast.suite.hash();
        let (body, sig) = (record.body_digest(alg), record.signature_digest(alg));
        self.parts
            .insert(format!("body/{body}.json"), record.body.clone());
        self.parts
            .insert(format!("sig/{sig}.p7s"), record.signature.clone());
        self.entries.push(Entry::record(body, sig).to_bytes());
    }

    /// `archive.close` over the files as they are now.
    fn listed(&self, archive: &SignedRecord, alg: HashAlg) -> SignedRecord {
        let mut list = String::new();
        for (name, bytes) in &self.parts {
            let free = name.starts_with("log/") || name.starts_with("tsr/") || name == "VERIFY.txt";
            if !free {
                list.push_str(&format!("{} {} {name}\n", alg.digest(bytes), bytes.len()));
            }
        }
        let files: Digest = alg.digest(list.as_bytes());
        let mut body: serde_json::Value = serde_json::from_slice(&archive.body).expect("a record");
        body["data"]["files"] = files.to_string().into();
        let body = jcs::to_vec(&body).expect("canonical");
        let signer = &self.cast.platform.signer;
        let profile = cms::Profile::of(self.cast.suite);
        let signature = cms::sign_detached(signer, &body, Self::time_of(archive), profile);
        SignedRecord {
            body,
            signature: signature.expect("signed"),
        }
    }

    /// The record of an entry that stands by itself.
    pub(super) fn single(&self, at: usize) -> SignedRecord {
        self.record(&self.entries[at])
    }

    /// Where the batches of beats stand.
    pub(super) fn batches(&self) -> Vec<usize> {
        let is_batch = |e: &[u8]| matches!(Entry::parse(e), Ok(Entry::Batch { .. }));
        let entries = self.entries.iter().enumerate();
        entries
            .filter(|(_, e)| is_batch(e))
            .map(|(at, _)| at)
            .collect()
    }

    /// The dossier as if the last beat, which must be empty, had never been: the close says so too.
    pub(super) fn without_last_beat(mut self, cosigned: i64) -> Vec<u8> {
        let alg = self.cast.suite.hash();
        let last = self.batches().pop().expect("a beat");
        let (name, size) = (self.head_name(), self.head_size());
        let beats = self.text("log/beats.json");
        let mut beats: Vec<serde_json::Value> = serde_json::from_str(&beats).expect("a list");
        beats.pop();
        let text = jcs::to_vec(&beats).expect("canonical");
        let close = self.forget(last + 1);
        let mut body: serde_json::Value = serde_json::from_slice(&close.body).expect("a record");
        body["data"]["beats"] = beats.len().into();
        body["data"]["revealed"] = alg.digest(&text).to_string().into();
        self.parts.insert("log/beats.json".to_owned(), text);
        let body = jcs::to_vec(&body).expect("canonical");
        let (signer, profile) = (
            &self.cast.platform.signer,
            cms::Profile::of(self.cast.suite),
        );
        let signature = cms::sign_detached(signer, &body, Self::time_of(&close), profile);
        self.log(&SignedRecord {
            body,
            signature: signature.expect("signed"),
        });
        let close = self.entries.pop().expect("just logged");
        self.entries.splice(last..last + 2, [close]);
        self.parts.remove(&name);
        let head = self.signed_head(size - 1, false, &[0, 1, 2], cosigned);
        let name = format!("log/heads/{:010}.note", size - 1);
        self.parts.insert(name, head.into_bytes());
        self.relisted()
    }

    /// Takes the files of an entry away.
    fn forget(&mut self, at: usize) -> SignedRecord {
        let old = self.single(at);
        let alg = self.cast.suite.hash();
        let (body, sig) = (old.body_digest(alg), old.signature_digest(alg));
        self.parts.remove(&format!("body/{body}.json"));
        self.parts.remove(&format!("sig/{sig}.p7s"));
        old
    }

    /// Where a record of this type stands by itself: the one of this number, from 0.
    pub(super) fn single_of(&self, kind: &str, number: usize) -> usize {
        let wanted = format!("\"type\":\"{kind}\"");
        let place = |e: &Vec<u8>| match Entry::parse(e) {
            Ok(Entry::Record { body, .. }) => {
                self.text(&format!("body/{body}.json")).contains(&wanted)
            }
            _ => false,
        };
        let found = self.entries.iter().enumerate();
        let mut found = found.filter(|(_, e)| place(e)).map(|(at, _)| at);
        found.nth(number).expect("logged")
    }

    /// Puts another record of the agency in the place of one.
    pub(super) fn put_single(&mut self, at: usize, body: &[u8]) {
        self.put_single_by(at, &self.cast.agency.signer, body);
    }

    /// Puts another record in the place of one, signed when it says.
    pub(super) fn put_single_by(&mut self, at: usize, signer: &dyn Signer, body: &[u8]) {
        self.forget(at);
        let mut record = SignedRecord {
            body: body.to_vec(),
            signature: Vec::new(),
        };
        let profile = cms::Profile::of(self.cast.suite);
        let signature = cms::sign_detached(signer, body, Self::time_of(&record), profile);
        record.signature = signature.expect("signed");
        self.log(&record);
        let entry = self.entries.pop().expect("just logged");
        self.entries[at] = entry;
    }

    /// The dossier with one entry at another place, its head cosigned and its files listed anew.
    pub(super) fn moved(mut self, from: usize, to: usize, cosigned: i64) -> Vec<u8> {
        let entry = self.entries.remove(from);
        self.entries.insert(to, entry);
        let (name, size) = (self.head_name(), self.head_size());
        let head = self.signed_head(size, false, &[0, 1, 2], cosigned);
        self.parts.insert(name, head.into_bytes());
        self.relisted()
    }

    /// The stamps were over another head, the tiles of other entries, and the list is of other files.
    fn relisted(mut self) -> Vec<u8> {
        let old = |name: &str| name.starts_with("tsr/") || name.contains("/tile/");
        self.parts.retain(|name, _| !old(name));
        let archive = self.forget(self.entries.len() - 1);
        self.entries.pop();
        let last = self.listed(&archive, self.cast.suite.hash());
        self.log(&last);
        self.finish()
    }

    fn finish(mut self) -> Vec<u8> {
        let tree = self.tree(&self.entries);
        let sha256 = match self.cast.suite.hash() {
            HashAlg::Sha256 => tree.checkpoint(),
            HashAlg::Sm3 => tree.sha256_checkpoint(),
        };
        let note = self.sign(&sha256).to_text();
        self.parts
            .insert("log/checkpoint".to_owned(), note.into_bytes());
        for (name, bytes) in tiles::tiles(HashAlg::Sha256, &self.entries).expect("tiles") {
            self.parts.insert(format!("log/{name}"), bytes);
        }
        if self.cast.suite.hash() == HashAlg::Sm3 {
            let note = self.sign(&tree.checkpoint()).to_text();
            self.parts
                .insert("log/sm3/checkpoint".to_owned(), note.into_bytes());
            for (name, bytes) in tiles::tiles(HashAlg::Sm3, &self.entries).expect("tiles") {
                self.parts.insert(format!("log/sm3/{name}"), bytes);
            }
        }
        tar(&self.parts)
    }
}

/// The number after that of a record.
fn json_next(body: &serde_json::Value) -> serde_json::Value {
    (body["seq"].as_u64().expect("a number") + 1).into()
}
