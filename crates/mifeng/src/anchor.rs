//! The host's anchor log: every head of its tenders' logs is an entry, so that whoever keeps it can show that a tender
//! was there (`spec/anchor.md`).

mod copies;
mod cosigned;
mod memory;
mod update;

pub use cosigned::{AnchorWitnessed, AnchorWitnesses};
pub use memory::AnchorMemory;
pub use update::AnchorFiles;

use crate::bundle::{Assembly, Files};
use crate::journal::{self, Journal};
use crate::replay::{Replay, parts};
use crate::store::{Store, Write};
use crate::{Error, layout};
use mifeng_crypto::{HashAlg, PrivateKey, Suite};
use mifeng_log::{
    AnchorProof, Anchored, LogTree, NoteVerifier, SignatureType, SignedCheckpoint, tiles,
};
use mifeng_tender::Stage;
use std::collections::BTreeMap;
use std::sync::Arc;

/// An anchor log in the hands of its host. A host keeps one for each suite.
pub struct AnchorLog<S: Store> {
    store: S,
    key: Arc<PrivateKey>,
    known: AnchorMemory,
    /// A commit failed half-way: memory holds what the disk may not.
    failed: bool,
}

/// Notes in a store that an anchor log has begun there: its verifier key.
const BEGUN: &str = "begun";

fn begun(store: &dyn Store) -> Result<Option<Vec<u8>>, Error> {
    store.read(BEGUN).map_err(|e| Error::io(BEGUN, &e))
}

impl<S: Store> AnchorLog<S> {
    /// Begins the anchor log in a store, unless it has begun there; opens it. The store has a note of it from then on.
    ///
    /// # Errors
    /// As [`open`](AnchorLog::open).
    pub fn begin(
        mut store: S,
        suite: &'static Suite,
        origin: &str,
        key: impl Into<Arc<PrivateKey>>,
    ) -> Result<Self, Error> {
        let key = key.into();
        if begun(&store)?.is_none() && !journal::is_there(&store)? {
            let content = anchor_key(suite, origin, &key)?;
            let content = content.as_bytes();
            let note = Write::Put {
                name: BEGUN,
                content,
            };
            store.batch(&[note]).map_err(|e| Error::io(BEGUN, &e))?;
        }
        AnchorLog::open(store, suite, origin, key)
    }

    /// Opens the anchor log of a store. One that is not there is not begun: where a disk is away, or another database
    /// answers, that would be a second history with the same key. Who opens it again and again shares the key.
    ///
    /// # Errors
    /// [`Error::Failed`] if it is another log than this, or does not hold; [`Error::Unavailable`], also if none has begun
    /// there.
    pub fn open(
        store: S,
        suite: &'static Suite,
        origin: &str,
        key: impl Into<Arc<PrivateKey>>,
    ) -> Result<Self, Error> {
        AnchorLog::open_again(store, (suite, origin), key, None)
    }

    /// The same for whoever opened it before: if nobody wrote to the log since, its entries are not read again.
    ///
    /// # Errors
    /// As [`open`](AnchorLog::open).
    pub fn open_again(
        store: S,
        (suite, origin): (&'static Suite, &str),
        key: impl Into<Arc<PrivateKey>>,
        before: Option<AnchorMemory>,
    ) -> Result<Self, Error> {
        let key = key.into();
        let own = anchor_key(suite, origin, &key)?;
        let begun = begun(&store)?;
        if let Some(other) = begun.as_ref().filter(|found| **found != own.as_bytes()) {
            let found = String::from_utf8_lossy(other);
            return Err(failed(
                "log.origin",
                format!("expected {own}, found {found}"),
            ));
        }
        let known = match journal::stored_head(&store)? {
            Some(stored) => match before.filter(|before| before.is_of(&own, &stored)) {
                Some(before) => before,
                None => AnchorMemory::read(&store, (suite, origin), &key, stored)?,
            },
            None if begun.is_some() => AnchorMemory::empty(suite, origin, own)?,
            None => {
                return Err(Error::Unavailable {
                    what: origin.to_owned(),
                    detail: "no anchor log has begun here: is its disk or database there?"
                        .to_owned(),
                });
            }
        };
        Ok(AnchorLog {
            store,
            key,
            known,
            failed: false,
        })
    }

    /// Leaves the store; what is kept in memory until the log is opened again. None after a write that failed.
    pub fn leave(self) -> Option<AnchorMemory> {
        if self.failed {
            return None;
        }
        self.known.left(&self.store)
    }

    /// Reads what others put under heads of this log. What was read then is not read again while the log is in memory.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub fn look_at_cosigned(&mut self) -> Result<(), Error> {
        self.known.look_at_cosigned(&self.store)
    }

    /// The cosigned heads that [`look_at_cosigned`](AnchorLog::look_at_cosigned) found, by name of their file in a copy, with
    /// their length.
    pub fn cosigned(&self) -> impl Iterator<Item = (&str, u64)> {
        let notes = self.known.cosigned().iter();
        notes.map(|(name, note)| (&**name, note.len() as u64))
    }

    /// Anchors the head of a tender's log that is due ([`Replay::head_to_anchor`]). Durable when this returns.
    ///
    /// # Errors
    /// [`Error::Malformed`] if its origin is too long, or a tender of another suite; [`Error::Unavailable`].
    pub fn anchor(&mut self, tender: &Replay) -> Result<(), Error> {
        self.require_sound()?;
        if tender.suite().id() != self.known.tree.suite().id() {
            let detail = format!("a tender of {}", tender.suite().id());
            return Err(Error::malformed("anchor log", detail));
        }
        self.append(tender.head_to_anchor()?)
    }

    /// Appends a head that is durable in its tender's log, unless it or a later one of that log is there. Durable when this
    /// returns.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub fn append(&mut self, head: Anchored) -> Result<(), Error> {
        self.require_sound()?;
        let known = self.latest(head.origin());
        if known.is_some_and(|known| known.size() >= head.size()) {
            return Ok(());
        }
        let bytes = head.to_bytes()?;
        self.failed = true;
        let mut journal = Journal {
            tree: &mut self.known.tree,
            entries: &mut self.known.entries,
            entries_len: &mut self.known.entries_len,
            key: &self.key,
        };
        let signed = journal.append(&mut self.store, &[], bytes)?;
        self.known.grown(signed);
        self.known.push(head);
        self.failed = false;
        Ok(())
    }

    fn require_sound(&self) -> Result<(), Error> {
        match self.failed {
            false => Ok(()),
            true => Err(Error::Unavailable {
                what: "anchor log".to_owned(),
                detail: "a write failed before: open it again".to_owned(),
            }),
        }
    }

    /// The last anchored head of the log with this origin.
    pub fn latest(&self, origin: &str) -> Option<&Anchored> {
        let place = self.known.place(origin)?;
        self.known.heads().get(place)
    }

    /// The proof that the latest anchored head of this tender is in the log, for its dossier.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if none is anchored, or after a write that failed.
    pub fn proof(&self, origin: &str) -> Result<AnchorProof, Error> {
        self.require_sound()?;
        let (Some(place), Some(head)) = (self.known.place(origin), self.head()) else {
            return Err(Error::Unavailable {
                what: "anchor log".to_owned(),
                detail: format!("no head of {origin} is anchored"),
            });
        };
        let (index, tree) = (place as u64, &self.known.tree);
        Ok(AnchorProof {
            entry: self.known.heads()[place].clone(),
            index,
            proof: tree.tree().inclusion_proof(index, tree.size())?,
            checkpoint: head.note().clone(),
        })
    }

    /// Verifier key of the authoritative tree: what `log.config` of a tender names.
    ///
    /// # Errors
    /// [`Error::Log`] if the key is none that logs have.
    pub fn key(&self) -> Result<String, Error> {
        let tree = &self.known.tree;
        anchor_key(tree.suite(), tree.origin(), &self.key)
    }

    /// The anchored heads, in order.
    pub fn heads(&self) -> &[Anchored] {
        self.known.heads()
    }

    /// The signed head of the log, once it has an entry.
    pub fn head(&self) -> Option<&SignedCheckpoint> {
        self.known.head.as_ref()
    }

    /// Writes the log as one file, which anybody can keep and read ([`Anchors::read`]).
    ///
    /// # Errors
    /// [`Error::Unavailable`], also if the log is empty, or after a write that failed.
    pub fn export(&self, out: &mut dyn std::io::Write) -> Result<(), Error> {
        self.require_sound()?;
        if self.heads().is_empty() {
            return Err(Error::Unavailable {
                what: "anchor log".to_owned(),
                detail: "it has no entry yet".to_owned(),
            });
        }
        let head = journal::head(&self.store)?;
        let mut files = Assembly::new(&self.store);
        let sha256 = head.checkpoint_sha256.as_ref().unwrap_or(&head.checkpoint);
        let mut trees = vec![(layout::CHECKPOINT, layout::TILES, HashAlg::Sha256, sha256)];
        if head.checkpoint_sha256.is_some() {
            let sm3 = (
                layout::CHECKPOINT_SM3,
                layout::TILES_SM3,
                HashAlg::Sm3,
                &head.checkpoint,
            );
            trees.push(sm3);
        }
        for (name, folder, alg, checkpoint) in trees {
            files.add(name.to_owned(), checkpoint.clone().into_bytes());
            for (tile, bytes) in tiles::tiles(alg, &self.known.entries)? {
                files.add(format!("{folder}{tile}"), bytes);
            }
        }
        for (name, size) in memory::listed(&self.store)? {
            match self.known.cosigned().get(&name) {
                Some(note) if note.len() as u64 == size => files.add(name, note.clone()),
                _ => files.link(name.clone(), name, size),
            }
        }
        files.write(out)
    }
}

impl Replay {
    /// Verifier key of the anchor log that this tender names, if it names one.
    pub fn anchor_key(&self) -> Option<&str> {
        self.state.host()?.1.anchor.as_deref()
    }

    /// The head that the tender's host anchors now, if it is not anchored yet. While beats run that is the one before the
    /// first of them: which of them a later one was of would tell when somebody handed something in.
    ///
    /// # Errors
    /// [`Error::Malformed`] if the log has no head; [`Error::Log`] if its origin is too long.
    pub fn head_to_anchor(&self) -> Result<Anchored, Error> {
        let head = self.checkpoint()?.checkpoint();
        let (size, root) = match self.before_beats {
            Some(size) if self.state.stage() == Stage::Open => {
                (size, self.tree.tree().root_at(size)?)
            }
            _ => (head.size(), head.root()),
        };
        Ok(Anchored::new(self.state.origin(), size, root)?)
    }
}

/// An exported anchor log, read and checked.
pub struct Anchors {
    heads: Vec<Anchored>,
    entries: Vec<Vec<u8>>,
    tree: LogTree,
    key: NoteVerifier,
    head: SignedCheckpoint,
    /// Heads that witnesses cosigned, by size.
    cosigned: Vec<SignedCheckpoint>,
}

impl Anchors {
    /// Reads an exported anchor log whose authoritative tree has this verifier key.
    ///
    /// # Errors
    /// [`Error::Failed`] if it does not hold, [`Error::Malformed`], [`Error::Unavailable`].
    pub fn read(files: &dyn Files, key: &str) -> Result<Self, Error> {
        let key = NoteVerifier::parse(key)?;
        let entries = parts::entries(files)?;
        let sm3 = files.index().contains_key(layout::CHECKPOINT_SM3);
        let (suite, name): (&Suite, _) = match sm3 {
            true => (&mifeng_crypto::GM, layout::CHECKPOINT_SM3),
            false => (&mifeng_crypto::INTL, layout::CHECKPOINT),
        };
        let origin = key.name().strip_suffix(if sm3 { "/sm3" } else { "" });
        let origin = origin.ok_or_else(|| failed("log.origin", key.name().to_owned()))?;
        let tree = LogTree::from_entries(suite_of(suite), origin, &entries)?;
        let mut cosigned = Vec::new();
        for (name, note) in files.read_all(layout::HEADS)? {
            let head = signed(&note, &key, &tree)?;
            let size = head.checkpoint().size();
            if format!("{}{name}", layout::HEADS) != layout::head(size) {
                return Err(failed("log.root", format!("{name} is another head")));
            }
            cosigned.push(head);
        }
        Ok(Anchors {
            heads: parsed(&entries)?,
            head: last(signed(&files.read(name)?, &key, &tree)?, &tree)?,
            entries,
            tree,
            key,
            cosigned,
        })
    }

    /// The signed head of the log.
    pub fn head(&self) -> &SignedCheckpoint {
        &self.head
    }

    /// The latest anchored head of each tender, by origin.
    pub fn tenders(&self) -> BTreeMap<&str, &Anchored> {
        let heads = self.heads.iter();
        heads.map(|head| (head.origin(), head)).collect()
    }

    /// Whether an earlier copy is a beginning of this log: no tender in it was taken back.
    pub fn extends(&self, earlier: &Anchors) -> bool {
        self.entries.starts_with(&earlier.entries)
    }

    /// Whether every anchored head of this tender's log, as far as it is here, is a head of it: nothing of it was
    /// rewritten. How many there are, and how many entries the log had by the last that goes beyond what is here.
    ///
    /// # Errors
    /// [`Error::Failed`] with the head that is none.
    pub fn hold_against(&self, tender: &Replay) -> Result<(usize, Option<u64>), Error> {
        let origin = tender.state.origin();
        let own = self.heads.iter().filter(|head| head.origin() == origin);
        let (mut count, mut beyond) = (0, None);
        for head in own {
            if head.size() > tender.tree.size() {
                beyond = Some(head.size());
                continue;
            }
            count += 1;
            if tender.tree.tree().root_at(head.size()).ok() != Some(head.root()) {
                let detail = format!("the anchored head of {} entries", head.size());
                return Err(failed("log.fork", detail));
            }
        }
        Ok((count, beyond))
    }
}

fn suite_of(suite: &Suite) -> &'static Suite {
    match suite.hash() {
        HashAlg::Sm3 => &mifeng_crypto::GM,
        HashAlg::Sha256 => &mifeng_crypto::INTL,
    }
}

/// Verifier key of the authoritative tree of the anchor log with this origin and key.
///
/// # Errors
/// [`Error::Log`] if the key is none that logs have.
pub fn anchor_key(suite: &Suite, origin: &str, key: &PrivateKey) -> Result<String, Error> {
    let (sha256, sm3) = journal::vkeys(suite, origin, key)?;
    Ok(sm3.unwrap_or(sha256))
}

/// The heads of tenders in the log, each larger than the one before of the same tender.
fn parsed(entries: &[Vec<u8>]) -> Result<Vec<Anchored>, Error> {
    let mut last: BTreeMap<String, u64> = BTreeMap::new();
    let mut heads = Vec::new();
    for bytes in entries {
        let head = Anchored::parse(bytes).map_err(|e| failed(e.code(), e.to_string()))?;
        let before = last.insert(head.origin().to_owned(), head.size());
        if before.is_some_and(|before| before >= head.size()) {
            return Err(failed(
                "log.rollback",
                format!("heads of {}", head.origin()),
            ));
        }
        heads.push(head);
    }
    Ok(heads)
}

/// A note with a head of this log.
fn signed(note: &[u8], key: &NoteVerifier, tree: &LogTree) -> Result<SignedCheckpoint, Error> {
    let head = SignedCheckpoint::verify(note, key).map_err(|e| failed(e.code(), e.to_string()))?;
    let (size, root) = (head.checkpoint().size(), head.checkpoint().root());
    match tree.tree().has(size, &root) {
        true => Ok(head),
        false => Err(failed(
            "log.root",
            format!("{size} entries have another root"),
        )),
    }
}

/// The head over all entries.
fn last(head: SignedCheckpoint, tree: &LogTree) -> Result<SignedCheckpoint, Error> {
    match head.checkpoint().size() == tree.size() {
        true => Ok(head),
        false => {
            let detail = "its head is not that of its entries";
            Err(failed("log.root", detail.to_owned()))
        }
    }
}

fn failed(code: &'static str, detail: String) -> Error {
    let check = "V2";
    let detail = format!("anchor log: {detail}");
    Error::Failed {
        check,
        code,
        detail,
    }
}

/// The key that `log.config` names, if it names one: of the kind that logs of this suite have.
pub(crate) fn key_of(tender: &Replay) -> Result<Option<NoteVerifier>, Error> {
    let Some(text) = tender.anchor_key() else {
        return Ok(None);
    };
    let invalid = |detail: String| failed("anchor.invalid", detail);
    let key = NoteVerifier::parse(text).map_err(|e| invalid(e.to_string()))?;
    let fits = match tender.suite().hash() {
        HashAlg::Sm3 => key.key().signature_type() == SignatureType::Sm2,
        HashAlg::Sha256 => matches!(
            key.key().signature_type(),
            SignatureType::Ed25519 | SignatureType::EcdsaP256
        ),
    };
    match fits {
        true => Ok(Some(key)),
        false => Err(invalid("its key is of another suite".to_owned())),
    }
}

/// Checks a proof against the log that it came with, and the name of its file.
///
/// # Errors
/// [`Error::Failed`] in V2 with `anchor.invalid`.
pub(crate) fn check_proof(
    tender: &Replay,
    key: &NoteVerifier,
    bytes: &[u8],
) -> Result<AnchorProof, Error> {
    let invalid = |detail: &str| failed("anchor.invalid", detail.to_owned());
    let wrong = |e: mifeng_log::Error| invalid(&e.to_string());
    let proof = AnchorProof::parse(bytes).map_err(wrong)?;
    let head = proof.verify(tender.suite(), key).map_err(wrong)?;
    let entry = &proof.entry;
    let root = tender.tree.tree().root_at(entry.size()).ok();
    if entry.origin() != tender.state.origin() || root != Some(entry.root()) {
        return Err(invalid("the anchored head is none of this log"));
    }
    // No byte of a bundle is free: a line is the anchor log's, or a witness's of this tender.
    let known = 1 + cosigned::known(tender, head.note()).map_err(wrong)?;
    match head.note().signatures().len() == known {
        true => Ok(proof),
        false => Err(invalid("a line of nobody's known key")),
    }
}

/// The proofs in a dossier: where `log.config` names an anchor log, one over the whole log must be there. How many.
///
/// # Errors
/// [`Error::Failed`] in V2: `anchor.invalid`, `anchor.missing`.
pub(crate) fn check(tender: &Replay, files: &dyn Files) -> Result<usize, Error> {
    let Some(key) = key_of(tender)? else {
        return Ok(0);
    };
    let (mut count, mut whole) = (0, false);
    for (name, bytes) in files.read_all(layout::ANCHORS)? {
        let name = format!("{}{name}", layout::ANCHORS);
        let proof = check_proof(tender, &key, &bytes)?;
        if name != layout::anchor(proof.entry.size()) {
            return Err(failed(
                "anchor.invalid",
                format!("{name} is of another head"),
            ));
        }
        whole |= proof.entry.size() == tender.tree.size();
        count += 1;
    }
    match whole {
        true => Ok(count),
        false => Err(failed(
            "anchor.missing",
            "no proof that the last head of this log is in it".to_owned(),
        )),
    }
}
