//! What leaves the host: bundles, the dossier; and the evidence about heads that comes in.

use super::{BEATS, Host};
use crate::bundle::{Assembly, Files};
use crate::journal::{self, Head};
use crate::replay::Beat;
use crate::store::Store;
use crate::trustee::stamp;
use crate::{Error, anchor, layout};
use mifeng_crypto::{Digest, Entropy, HashAlg, Time, jcs};
use mifeng_log::{AnchorProof, Entry, tiles};
use mifeng_tender::Stage;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

/// What goes into a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Export {
    /// Records and log only: what trustees, bidders and experts work on.
    Records,
    /// Everything that may be shown: with the sealed bids that were opened.
    Dossier,
}

/// Time stamps of one head: one by each authority that a trustee may ask for, and some to spare. Anybody can have a head
/// stamped and send that in.
pub const STAMPS_PER_HEAD_MAX: usize = 16;

/// What is known of time stamps, once it was looked at.
#[derive(Default)]
pub(super) struct Stamped {
    /// Digests of the texts of stored heads.
    heads: Option<BTreeSet<Digest>>,
    /// How many stamps each of them has.
    counts: BTreeMap<Option<Digest>, usize>,
    /// New ones, and new cosignatures, in this run.
    taken: u64,
}

/// What the evidence beside the log shows of the close of submission: conditions 1 and 2 of a release, as its host sees them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CloseShown {
    /// Witnesses of the board that cosigned a head over it after the deadline.
    pub witnesses: usize,
    /// How many that takes.
    pub needed: usize,
    /// The first time stamp from after the deadline.
    pub stamp: Option<Time>,
}

impl CloseShown {
    /// Whether nothing of it is missing.
    pub fn is_whole(&self) -> bool {
        self.witnesses >= self.needed && self.stamp.is_some()
    }
}

/// The head that a token is over.
fn stamped_head(token: &[u8]) -> Option<Digest> {
    let read = mifeng_pki::tsp::Stamped::read(token).ok()?;
    read.imprint().digest()
}

/// What a bundle is made of, as the log stood at one instant. What it names in the store is never changed or removed,
/// but for cosigned heads and proofs of the anchor log, which get more cosignatures.
pub struct Snapshot {
    entries: Vec<Vec<u8>>,
    beats: Vec<Beat>,
    head: Head,
    revealed: bool,
    taken: BTreeSet<String>,
    evidence: Vec<(String, u64)>,
    bids: Vec<Digest>,
}

impl Snapshot {
    /// Writes the bundle; `store` is the one that it was taken of, or another hand on it.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; [`Error::Malformed`] if a head was cosigned meanwhile: take another snapshot.
    pub fn write(&self, store: &dyn Store, out: &mut dyn Write) -> Result<(), Error> {
        let mut assembly = Assembly::new(store);
        assemble(
            &mut assembly,
            store,
            &self.entries,
            &self.beats,
            &self.head,
            self.revealed,
            Some(&self.taken),
            &self.evidence,
        )?;
        link_bids(&mut assembly, store, self.bids.iter())?;
        assembly.write(out)
    }
}

fn link_bids<'a>(
    assembly: &mut Assembly<'_>,
    store: &dyn Store,
    bids: impl Iterator<Item = &'a Digest>,
) -> Result<(), Error> {
    for id in bids {
        let name = layout::seal(id);
        for (stored, size) in store.list(&name).map_err(|e| Error::io(&*name, &e))? {
            assembly.link(name.clone(), stored, size);
        }
    }
    Ok(())
}

/// The evidence that a store holds beside records: names and sizes.
pub(super) fn evidence(store: &dyn Store) -> Result<Vec<(String, u64)>, Error> {
    let folders = [
        layout::CRLS,
        layout::CRLS_TAKEN,
        layout::ANSWERS_TAKEN,
        "certs/",
        layout::DOCUMENTS,
        layout::ANCHORS,
        layout::HEADS,
        "tsr/",
    ];
    let mut found = Vec::new();
    for prefix in folders {
        found.extend(store.list(prefix).map_err(|e| Error::io(prefix, &e))?);
    }
    Ok(found)
}

impl<S: Store> Host<S> {
    /// Takes in a witness's cosignature of a head; returns how many witnesses that head has now.
    ///
    /// # Errors
    /// [`Error::Failed`] if it is not a head of this log, [`Error::Log`] if no line verifies.
    pub fn add_cosignature(&mut self, note: &[u8]) -> Result<usize, Error> {
        self.require_sound()?;
        let quorum = self.replay.quorum(0)?;
        let (key, tree) = (&self.keys.log_key, &self.replay.tree);
        let taken = journal::cosigned(&self.store, key, tree, quorum.witnesses(), note)?;
        let count = quorum.verify(&taken.note)?.len();
        if taken.is_new {
            self.put(&taken.name, taken.note.to_text().as_bytes())?;
            self.stamped.taken += 1;
            let text = self.suite().hash().digest(taken.note.text().as_bytes());
            if let Some(heads) = &mut self.stamped.heads {
                heads.insert(text);
            }
        }
        Ok(count)
    }

    /// Takes in a time-stamp token over a stored head; the same one again changes nothing.
    ///
    /// # Errors
    /// [`Error::Malformed`]; [`Error::Failed`] if it is not a valid time stamp of one (a stored token that does not hold would make the
    /// dossier invalid), or if that head has [`STAMPS_PER_HEAD_MAX`]; [`Error::Unavailable`].
    pub fn add_stamp(&mut self, token: &[u8]) -> Result<(), Error> {
        self.require_sound()?;
        let name = layout::stamp(&self.suite().hash().digest(token));
        let known = self.store.list(&name).map_err(|e| Error::io(&*name, &e))?;
        if !known.is_empty() {
            return Ok(());
        }
        // What is no time stamp at all is not one that a rule says no to.
        mifeng_pki::tsp::Stamped::read(token)
            .map_err(|e| Error::malformed("time stamp", e.to_string()))?;
        self.look_at_stamps()?;
        let none = BTreeSet::new();
        let heads = self.stamped.heads.as_ref().unwrap_or(&none);
        stamp(token, heads, &self.replay.state, &self.replay.trust())?;
        let head = stamped_head(token);
        let count = self.stamped.counts.entry(head).or_default();
        if *count >= STAMPS_PER_HEAD_MAX {
            return Err(Error::Failed {
                check: "V2",
                code: "stamp.enough",
                detail: format!("time stamp: this head has {STAMPS_PER_HEAD_MAX} already"),
            });
        }
        *count += 1;
        self.put(&name, token)?;
        self.stamped.taken += 1;
        Ok(())
    }

    /// What trustees wait for after the close beside the bidders' window: none before it.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; others if a stored head is none.
    pub fn close_shown(&self) -> Result<Option<CloseShown>, Error> {
        let state = &self.replay.state;
        let mut close = self.replay.records.iter();
        let close = close.rfind(|r| r.kind == "submission.close");
        let (Some(close), Some((_, notice))) = (close, state.notice()) else {
            return Ok(None);
        };
        let late = |at: &Time| *at >= notice.deadline;
        let quorum = self.replay.quorum(0)?;
        let read = |prefix: &str| -> Result<Vec<Vec<u8>>, Error> {
            let names = self.store.list(prefix).map_err(|e| Error::io(prefix, &e))?;
            let one = |(name, _): (String, u64)| {
                let bytes = self.store.read(&name).map_err(|e| Error::io(&*name, &e))?;
                Ok(bytes.unwrap_or_default())
            };
            names.into_iter().map(one).collect()
        };
        let mut witnesses = BTreeSet::new();
        for bytes in read(layout::HEADS)? {
            let note = mifeng_log::Note::parse(&bytes)?;
            if mifeng_log::Checkpoint::parse(note.text())?.size() > close.index {
                let lines = quorum.verify(&note)?.into_iter();
                witnesses.extend(lines.filter(|(_, at)| late(at)).map(|(name, _)| name));
            }
        }
        // Each was verified when it was taken in.
        let stamps = read("tsr/")?.into_iter();
        let stamps = stamps.filter_map(|token| mifeng_pki::tsp::Stamped::read(&token).ok());
        Ok(Some(CloseShown {
            witnesses: witnesses.len(),
            needed: state.board().map_or(0, |board| board.threshold().into()),
            stamp: stamps.map(|stamp| stamp.gen_time()).filter(late).min(),
        }))
    }

    /// How many cosignatures and time stamps this host took in that were new: neither makes an entry of the log.
    pub fn evidence_taken(&self) -> u64 {
        self.stamped.taken
    }

    /// Reads once which heads there are, and how many time stamps each has: strangers send stamps too.
    fn look_at_stamps(&mut self) -> Result<(), Error> {
        if self.stamped.heads.is_some() {
            return Ok(());
        }
        let stored = self.store.list("tsr/").map_err(|e| Error::io("tsr/", &e))?;
        let mut counts = BTreeMap::new();
        for (name, _) in stored {
            let token = self.store.read(&name).map_err(|e| Error::io(&*name, &e))?;
            let head = stamped_head(&token.unwrap_or_default());
            *counts.entry(head).or_default() += 1;
        }
        self.stamped = Stamped {
            heads: Some(self.head_texts()?),
            counts,
            taken: self.stamped.taken,
        };
        Ok(())
    }

    /// Takes in the proof that a head is in the host's anchor log; the last one stays.
    ///
    /// # Errors
    /// [`Error::Failed`] if it is not one, or `log.config` names no anchor log; [`Error::Unavailable`].
    pub fn add_anchor(&mut self, proof: &AnchorProof) -> Result<(), Error> {
        self.require_sound()?;
        let key = anchor::key_of(&self.replay)?.ok_or_else(|| {
            Error::malformed("anchor", "this tender's log.config names no anchor log")
        })?;
        let bytes = proof.to_bytes()?;
        anchor::check_proof(&self.replay, &key, &bytes)?;
        self.put(&layout::anchor(proof.entry.size()), &bytes)
    }

    /// Whether the dossier lacks the proof that the head over the whole log is anchored: without it, it would be no valid one.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub fn owes_anchor(&self) -> Result<bool, Error> {
        if self.replay.state.stage() != Stage::Archived || self.replay.anchor_key().is_none() {
            return Ok(false);
        }
        let name = layout::anchor(self.replay.tree.size());
        let found = self.store.list(&name).map_err(|e| Error::io(&*name, &e))?;
        Ok(found.is_empty())
    }

    /// The proof in a dossier of this log, written before, that the head over the whole log is anchored, if it has one.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; [`Error::Log`] if it is none.
    pub fn proof_in(&self, dossier: &dyn Files) -> Result<Option<AnchorProof>, Error> {
        let name = layout::anchor(self.replay.tree.size());
        match dossier.index().contains_key(&name) {
            true => Ok(Some(AnchorProof::parse(&dossier.read(&name)?)?)),
            false => Ok(None),
        }
    }

    /// Puts together a bundle of what the log holds now.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub fn export(&self, what: Export, out: &mut dyn Write) -> Result<(), Error> {
        self.snapshot(what)?.write(&self.store, out)
    }

    /// What a bundle of now is made of. It can be written by another thread while this host goes on.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; also where another process has written meanwhile: this host knows less than the store.
    pub fn snapshot(&self, what: Export) -> Result<Snapshot, Error> {
        self.require_sound()?;
        // Looked at first: nothing of it is newer than the head, if that is still the one that this host knows.
        let evidence = self.named_evidence()?;
        let head = self.head()?;
        if head.size != self.replay.tree.size() {
            let (found, known) = (head.size, self.replay.tree.size());
            return Err(Error::Unavailable {
                what: "bundle".to_owned(),
                detail: format!("another process writes: {found} entries, {known} are known here"),
            });
        }
        let bids = match what {
            Export::Records => Vec::new(),
            Export::Dossier => self.replay.state.outcomes().keys().copied().collect(),
        };
        let revealed = self.replay.state.closed().is_some();
        // Their records stand in beats, hidden until the close: an answer about a bidder would tell who bids.
        let taken = match revealed {
            true => layout::taken(&self.replay.state),
            false => BTreeSet::new(),
        };
        Ok(Snapshot {
            entries: self.replay.entries.clone(),
            beats: self.beats.clone(),
            head,
            revealed,
            taken,
            evidence,
            bids,
        })
    }

    /// Every file that notice or amendments ever listed is here, with its size: no dossier without it is valid, and none can
    /// be added later.
    fn require_documents(&self) -> Result<(), Error> {
        let kept = self.store.list(layout::DOCUMENTS);
        let kept: BTreeMap<String, u64> = kept
            .map_err(|e| Error::io(layout::DOCUMENTS, &e))?
            .into_iter()
            .collect();
        for document in self.replay.state.documents() {
            let name = layout::document(&document.hash);
            let found = match kept.get(&name) {
                Some(size) if *size == document.size => continue,
                Some(size) => format!("has {size} bytes"),
                None => "has not come".to_owned(),
            };
            return Err(Error::Unavailable {
                what: format!("tender document {}", document.name),
                detail: format!("{name} of {} bytes {found}", document.size),
            });
        }
        Ok(())
    }

    /// Evidence without documents that no record names: a contract that was announced and never stamped stays behind.
    fn named_evidence(&self) -> Result<Vec<(String, u64)>, Error> {
        let mut evidence = evidence(&self.store)?;
        let named: BTreeSet<String> = layout::named_documents(&self.replay.state).collect();
        evidence.retain(|(name, _)| !name.starts_with(layout::DOCUMENTS) || named.contains(name));
        Ok(evidence)
    }

    /// Closes the log for good: fixes every file of the dossier in `archive.close`.
    ///
    /// # Errors
    /// [`Error::Refused`] while the tender has no end; [`Error::Unavailable`] while a file is missing that the notice or an
    /// amendment lists.
    pub fn archive(&mut self, now: Time, entropy: &mut dyn Entropy) -> Result<(), Error> {
        self.require_documents()?;
        let files = {
            let mut assembly = Assembly::new(&self.store);
            assemble(
                &mut assembly,
                &self.store,
                &self.replay.entries,
                &self.beats,
                &self.head()?,
                true,
                Some(&layout::taken(&self.replay.state)),
                &self.named_evidence()?,
            )?;
            let opened = self.replay.state.outcomes().keys();
            link_bids(&mut assembly, &self.store, opened)?;
            crate::dossier::files_digest(self.suite(), &assembly, &BTreeMap::new(), &|_| None, &[])?
        };
        let record = self.draft(
            "archive.close",
            &mifeng_tender::Archive { files },
            now,
            entropy,
        )?;
        self.submit(record, None, now)
    }

    /// Opens one sealed bid of the store for reading.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub fn sealed(&self, id: &Digest) -> Result<Box<dyn crate::store::ReadSeek>, Error> {
        let name = layout::seal(id);
        self.store.open(&name).map_err(|e| Error::io(name, &e))
    }
}

pub(super) fn read_beats(store: &dyn Store, entries: &[Vec<u8>]) -> Result<Vec<Beat>, Error> {
    let mut beats = Vec::new();
    for bytes in entries {
        if let Entry::Batch { .. } = Entry::parse(bytes)? {
            let name = format!("{BEATS}{:08}.json", beats.len());
            let bytes = store
                .read(&name)
                .map_err(|e| Error::io(&*name, &e))?
                .ok_or_else(|| Error::malformed("host folder", format!("{name} is missing")))?;
            beats.push(jcs::from_slice(&bytes, 64 << 20)?);
        }
    }
    Ok(beats)
}

/// The files of a bundle: the log as tiles, and every body, signature and evidence that may be shown. Of the
/// revocation lists and OCSP responses that records take in those among `taken`, or all: one whose record was never
/// logged, or is hidden still, stays behind.
#[allow(clippy::too_many_arguments)] // Each is one part of a bundle.
pub(super) fn assemble(
    assembly: &mut Assembly<'_>,
    store: &dyn Store,
    entries: &[Vec<u8>],
    beats: &[Beat],
    head: &Head,
    revealed: bool,
    taken: Option<&BTreeSet<String>>,
    evidence: &[(String, u64)],
) -> Result<(), Error> {
    assembly.add(
        layout::README.to_owned(),
        layout::README_TEXT.as_bytes().to_vec(),
    );
    let sha256 = head.checkpoint_sha256.as_ref().unwrap_or(&head.checkpoint);
    assembly.add(layout::CHECKPOINT.to_owned(), sha256.clone().into_bytes());
    for (name, bytes) in tiles::tiles(HashAlg::Sha256, entries)? {
        assembly.add(format!("{}{name}", layout::TILES), bytes);
    }
    if head.checkpoint_sha256.is_some() {
        assembly.add(
            layout::CHECKPOINT_SM3.to_owned(),
            head.checkpoint.clone().into_bytes(),
        );
        for (name, bytes) in tiles::tiles(HashAlg::Sm3, entries)? {
            assembly.add(format!("{}{name}", layout::TILES_SM3), bytes);
        }
    }
    let mut shown: Vec<(Digest, Digest)> = Vec::new();
    for bytes in entries {
        if let Entry::Record { body, sig } = Entry::parse(bytes)? {
            shown.push((body, sig));
        }
    }
    if revealed && !beats.is_empty() {
        assembly.add(layout::BEATS.to_owned(), jcs::to_vec(beats)?);
        let records = beats.iter().flat_map(|beat| &beat.records);
        shown.extend(records.map(|record| (record.body, record.sig)));
    }
    let sizes = |prefix: &str| -> Result<BTreeMap<String, u64>, Error> {
        Ok(store
            .list(prefix)
            .map_err(|e| Error::io(prefix, &e))?
            .into_iter()
            .collect())
    };
    let (bodies, signatures) = (sizes("body/")?, sizes("sig/")?);
    for (body, sig) in shown {
        for (name, known) in [
            (layout::body(&body), &bodies),
            (layout::signature(&sig), &signatures),
        ] {
            let size = known
                .get(&name)
                .ok_or_else(|| Error::malformed("host folder", format!("{name} is missing")))?;
            assembly.link(name.clone(), name, *size);
        }
    }
    for (name, size) in evidence {
        if is_shown(name, taken) {
            assembly.link(name.clone(), name.clone(), *size);
        }
    }
    Ok(())
}

fn is_shown(name: &str, taken: Option<&BTreeSet<String>>) -> bool {
    let by_record = [layout::CRLS_TAKEN, layout::ANSWERS_TAKEN];
    let by_record = by_record.iter().any(|folder| name.starts_with(folder));
    !by_record || taken.is_none_or(|taken| taken.contains(name))
}
