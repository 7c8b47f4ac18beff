//! The host's engine: takes records in, keeps the log, hands out receipts.
//!
//! Every commit is one batch of the store: the files of its records, the entry and the head, durable together
//! before any answer (PROTOCOL 4). Bids wait in memory for the batch of their beat; only their bodies, which are
//! large, are stored as they come or with the next of its batches. The recovery path is the normal start-up path: [`Host::open`] replays everything.

mod beats;
mod bodies;
mod check;
mod commit_first;
mod door;
mod export;
mod lists;
mod refused;

pub use bodies::{ArrivingBid, MeasuredBid, OpenFile};
pub use check::{StoreCheck, check_store};
pub use export::{CloseShown, Export, STAMPS_PER_HEAD_MAX, Snapshot};

use crate::bundle::Assembly;
use crate::journal::{self, Head, Journal};
use crate::replay::{Beat, CLOCK_AHEAD_MAX_MS, PERIOD_START_AGE_MAX_MS};
use crate::store::Store;
use crate::{Error, Replay, layout};
use bodies::{Brought, Staged, Unkept};
use door::BEAT_RECORD_LEN;
use export::{assemble, evidence, read_beats};
use mifeng_crypto::{Digest, Entropy, PrivateKey, Suite, Time};
use mifeng_log::Entry;
use mifeng_pki::{Certificate, Signer};
use mifeng_record::{Draft, Facts, Record, SignedRecord};
use mifeng_tender::{LogConfig, Refusal, Stage, State, rules};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

/// What [`Host::open`] says, as the detail of [`Error::Malformed`], of a store that holds no tender.
pub const NO_TENDER: &str = "there is no tender in it";
/// Seeds and records of beats, secret until the close.
const BEATS: &str = "beats/";
/// The host's keys.
pub struct HostKeys {
    /// Signs the host's own records and receipts.
    pub signer: Box<dyn Signer>,
    /// Signs the heads of the log.
    pub log_key: PrivateKey,
    /// Verifier key of the host's anchor log, which a new tender's `log.config` names; none if it keeps none.
    pub anchor: Option<String>,
}

/// One tender on its host.
pub struct Host<S: Store> {
    store: S,
    keys: HostKeys,
    replay: Replay,
    beats: Vec<Beat>,
    entries_len: u64,
    pending: Vec<Pending>,
    /// Bids that came without their body, by the commitment of their record.
    awaited: BTreeMap<Digest, Digest>,
    /// Seals among those awaited whose whole body was in the store when it was opened.
    found: BTreeSet<Digest>,
    /// What came as files and is to be made durable.
    unkept: Unkept,
    /// Bytes of the records that wait.
    pending_len: usize,
    /// What the records of beats take of `log/beats.json`.
    beat_records_len: usize,
    stamped: export::Stamped,
    /// A commit failed half-way: memory holds what the disk may not.
    failed: bool,
}

struct Pending {
    record: SignedRecord,
    actor: Digest,
    received: Time,
    /// It changes who counts.
    trust: bool,
}

impl Pending {
    fn len(&self) -> usize {
        self.record.body.len() + self.record.signature.len()
    }
}

impl<S: Store> Host<S> {
    /// Starts the log of a new tender with its first record, `log.config`.
    ///
    /// # Errors
    /// [`Error::Refused`] or [`Error::Unavailable`].
    pub fn create(
        store: S,
        suite: &'static Suite,
        origin: &str,
        keys: HostKeys,
        roots: &[Certificate],
        now: Time,
        entropy: &mut dyn Entropy,
    ) -> Result<Self, Error> {
        if journal::is_there(&store)? {
            return Err(Error::malformed(
                "host folder",
                "there is a tender in it already",
            ));
        }
        let mut host = Host {
            replay: Replay::empty(suite, origin, roots.to_vec(), Vec::new())?,
            store,
            keys,
            beats: Vec::new(),
            entries_len: 0,
            pending: Vec::new(),
            awaited: BTreeMap::new(),
            found: BTreeSet::new(),
            unkept: Unkept::default(),
            pending_len: 0,
            beat_records_len: 0,
            stamped: export::Stamped::default(),
            failed: false,
        };
        for root in roots {
            host.put(
                &layout::certificate(&root.fingerprint(suite.hash())),
                root.der(),
            )?;
        }
        let (key, key_sm3) = journal::vkeys(suite, origin, &host.keys.log_key)?;
        let config = LogConfig {
            suite: suite.id().to_owned(),
            key,
            key_sm3,
            anchor: host.keys.anchor.clone(),
        };
        let record = host.draft("log.config", &config, now, entropy)?;
        host.submit(record, None, now)?;
        Ok(host)
    }

    /// Opens the log of a tender and replays it; what a crash left beyond the head is cut off.
    ///
    /// # Errors
    /// [`Error::Failed`] if the store does not hold what it held.
    pub fn open(store: S, keys: HostKeys) -> Result<Self, Error> {
        let (head, beats, replay) = replayed(&store)?;
        let awaited = commit_first::awaited(&store)?;
        let records: usize = beats.iter().map(|beat| beat.records.len()).sum();
        Ok(Host {
            found: commit_first::found(&store, &awaited, replay.state.bids()),
            awaited,
            store,
            keys,
            replay,
            beats,
            entries_len: head.entries_len,
            pending: Vec::new(),
            unkept: Unkept::default(),
            pending_len: 0,
            beat_records_len: records * BEAT_RECORD_LEN,
            stamped: export::Stamped::default(),
            failed: false,
        })
    }

    /// How many accepted records wait for their beat: they are in no log yet.
    pub fn waiting(&self) -> usize {
        self.pending.len()
    }

    /// What the records amount to, pending ones included.
    pub fn state(&self) -> &State {
        &self.replay.state
    }

    /// The replayed log.
    pub fn replay(&self) -> &Replay {
        &self.replay
    }

    fn suite(&self) -> &'static Suite {
        self.replay.suite()
    }

    fn put(&mut self, name: &str, content: &[u8]) -> Result<(), Error> {
        self.store
            .write(name, &mut &content[..])
            .map(|_| ())
            .map_err(|e| Error::io(name, &e))
    }

    /// `archive.close` has fixed the files.
    fn require_not_archived(&self) -> Result<(), Error> {
        if self.replay.state.stage() == Stage::Archived {
            return Err(Refusal::by(&rules::WRONG_STAGE, "the log is closed").into());
        }
        Ok(())
    }

    /// Adds a file of the tender document.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub fn add_document(&mut self, content: &[u8]) -> Result<Digest, Error> {
        self.require_not_archived()?;
        let hash = self.suite().hash().digest(content);
        self.put(&layout::document(&hash), content)?;
        Ok(hash)
    }

    /// Whether a file of the tender document, or a contract, is kept.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub fn has_document(&self, hash: &Digest) -> Result<bool, Error> {
        let name = layout::document(hash);
        let found = self.store.list(&name).map_err(|e| Error::io(&*name, &e))?;
        Ok(!found.is_empty())
    }

    /// Writes and signs a record of the host itself.
    ///
    /// # Errors
    /// [`Error::Record`].
    pub fn draft<T: Serialize + ?Sized>(
        &self,
        kind: &str,
        data: &T,
        now: Time,
        entropy: &mut dyn Entropy,
    ) -> Result<SignedRecord, Error> {
        sign_record(
            &self.replay.state,
            kind,
            data,
            &*self.keys.signer,
            now,
            entropy,
        )
    }

    /// Takes a record in. Outside the time of bids it is logged at once; bids wait for their beat,
    /// and [`Host::beat`] gives the receipts.
    ///
    /// `body` is the sealed bid file, for `bid.submit` and `bid.replace`. `received` is the instant
    /// at which its last byte had arrived. Where the notice gives time for bodies after the close, the record may come
    /// alone, and once more with its file.
    ///
    /// # Errors
    /// [`Error::Refused`], with nothing changed; but where bodies may come later a record whose file is refused is taken in
    /// alone ([`Host::awaits_body`]). [`Error::Unavailable`] if the store fails: what had
    /// not been in the log before is not acknowledged, and the host must be opened anew.
    pub fn submit(
        &mut self,
        record: SignedRecord,
        body: Option<&mut dyn Read>,
        received: Time,
    ) -> Result<(), Error> {
        let brought = match body {
            None => Brought::Nothing,
            Some(body) => Brought::Stream(body),
        };
        self.submit_with(record, brought, received)
    }

    /// The same for a sealed bid that was read before: its bytes are not read again, and not written if the store can
    /// take the file as it is. The file must stay until it is kept: [`Host::keep_bodies`] does that, or the next commit.
    ///
    /// # Errors
    /// As [`Host::submit`].
    pub fn submit_measured(
        &mut self,
        record: SignedRecord,
        bid: &MeasuredBid,
        received: Time,
    ) -> Result<(), Error> {
        if bid.is_spoiled() {
            return Err(Error::Unavailable {
                what: "sealed bid".to_owned(),
                detail: "the disk failed to keep it: it must be sent again".to_owned(),
            });
        }
        self.submit_with(record, Brought::Measured(bid), received)
    }

    fn submit_with(
        &mut self,
        record: SignedRecord,
        brought: Brought<'_>,
        received: Time,
    ) -> Result<(), Error> {
        let brings_body = !matches!(brought, Brought::Nothing);
        if let Some(commitment) = self.taken_before(&record).filter(|_| brings_body) {
            return self.take_body(&commitment, record, brought, received);
        }
        let copy = record.clone();
        let taken = self.take(record, brought, received);
        let (no, is_its_file) = match taken {
            Err(Fails::Record(Error::Refused(no))) => (no, false),
            Err(Fails::File(Error::Refused(no))) => (no, true),
            taken => return taken.map_err(Fails::into_inner),
        };
        let mut code = no.code();
        // The record alone is a bid where its body may come later: a body that is wrong is refused by itself.
        if is_its_file && self.replay.state.bodies_end().is_some() {
            let alone = self.take(copy.clone(), Brought::Nothing, received);
            match alone.map_err(Fails::into_inner) {
                Err(Error::Refused(other)) => code = other.code(),
                Err(e) => return Err(e),
                Ok(()) => return Err(Refusal::by(&rules::BAD_SEAL, only_its_file(&no)).into()),
            }
        }
        self.keep_refused(copy, received, code)?;
        Err(Error::Refused(no))
    }

    fn take(
        &mut self,
        record: SignedRecord,
        brought: Brought<'_>,
        received: Time,
    ) -> Result<(), Fails> {
        self.require_sound()?;
        let verified = Record::verify(record.clone(), self.suite())?;
        if verified.time() > received.plus_millis(CLOCK_AHEAD_MAX_MS) {
            let ahead = "its time is more than five minutes ahead of the host's clock";
            return Err(Error::malformed("record", ahead).into());
        }
        if State::starts_period(&verified)
            && verified.time() < received.plus_millis(-PERIOD_START_AGE_MAX_MS)
        {
            let detail = format!("signed {}, received at {received}", verified.time());
            return Err(Refusal::by(&rules::BACKDATED, detail).into());
        }
        let in_beat =
            self.replay.state.stage() == Stage::Open && !State::is_logged_at_once(verified.kind());
        if in_beat {
            self.check_beat(&verified)?;
            self.check_room(record.body.len() + record.signature.len())?;
        }
        let received = if in_beat {
            self.counted_from(received)?
        } else {
            received
        };
        self.check_due(&verified, received)?;
        self.check_at_once(&verified, received)?;
        self.check_heard(&verified, received)?;
        self.check_contract(&verified)?;
        let staged = self.stage_body(brought)?;
        let seal = match self.check_seal(&verified, &staged)? {
            Some(seal) => Some(self.check_file(&staged, &seal).map_err(Fails::File)?),
            None => None,
        };
        let alg = self.suite().hash();
        let index = self.replay.tree.size();
        // Single records count at their own time, here as in every replay.
        let at = if in_beat { received } else { verified.time() };
        self.replay.apply_record(index, &verified, at, in_beat)?;
        self.failed = true;
        // The body before its record. An accepted seal is new, so no body that was acknowledged is ever
        // overwritten.
        if let Some(id) = seal {
            self.keep_body(&staged, &id)?;
            if matches!(staged, Staged::Nothing) {
                self.awaited.insert(verified.commitment(), id);
            }
        }
        if in_beat {
            let pending = Pending {
                record,
                actor: verified.actor(),
                received,
                trust: ["trust.list", "crl.take", "ocsp.take"].contains(&verified.kind()),
            };
            self.pending_len += pending.len();
            self.pending.push(pending);
        } else {
            let entry = Entry::record(record.body_digest(alg), record.signature_digest(alg));
            self.commit(&layout::record(&record, alg), &entry)?;
        }
        self.failed = false;
        Ok(())
    }

    /// Whether this may go on: after a write that failed only [`Host::open`] tells what is in the log.
    pub fn is_sound(&self) -> bool {
        !self.failed
    }

    /// Whether the store's head is still the one that this holds: it is not when another process writes.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub fn is_current(&self) -> Result<bool, Error> {
        Ok(self.head()?.size == self.replay.tree.size())
    }

    /// After a write that failed, only what is on the disk counts, and only [`Host::open`] reads it.
    fn require_sound(&self) -> Result<(), Error> {
        if self.failed {
            return Err(Error::Unavailable {
                what: "host folder".to_owned(),
                detail: "a write failed before: open the host again".to_owned(),
            });
        }
        Ok(())
    }

    fn commit(&mut self, files: &[(String, &[u8])], entry: &Entry) -> Result<(), Error> {
        // A bid that is in the log has its body.
        self.store_bodies()?;
        let mut journal = Journal {
            tree: &mut self.replay.tree,
            entries: &mut self.replay.entries,
            entries_len: &mut self.entries_len,
            key: &self.keys.log_key,
        };
        let signed = journal.append(&mut self.store, files, entry.to_bytes())?;
        self.replay.checkpoint = Some(signed);
        Ok(())
    }

    fn head(&self) -> Result<Head, Error> {
        journal::head(&self.store)
    }
}

/// What a store holds: its head, the beats and the replayed log.
fn replayed(store: &dyn Store) -> Result<(Head, Vec<Beat>, Replay), Error> {
    if !journal::is_there(store)? {
        return Err(Error::malformed("host folder", NO_TENDER));
    }
    let head = journal::head(store)?;
    let entries = journal::committed(store, &head)?;
    let beats = read_beats(store, &entries)?;
    let mut assembly = Assembly::new(store);
    let evidence = evidence(store)?;
    assemble(
        &mut assembly,
        store,
        &entries,
        &beats,
        &head,
        true,
        None,
        &evidence,
    )?;
    let replay = Replay::of(&assembly)?;
    Ok((head, beats, replay))
}

/// Writes and signs a record of `kind` for the log that `state` stands for.
///
/// # Errors
/// [`Error::Record`], [`Error::Crypto`].
pub fn sign_record<T: Serialize + ?Sized>(
    state: &State,
    kind: &str,
    data: &T,
    signer: &dyn Signer,
    now: Time,
    entropy: &mut dyn Entropy,
) -> Result<SignedRecord, Error> {
    let seq = state.next_seq(&signer.certificate().fingerprint(state.suite().hash()));
    sign_numbered(state, kind, data, signer, (seq, now), entropy)
}

/// As [`sign_record`], under a number of the actor's own count: before the close nobody sees the bidders' records, so that
/// the log does not know it. Numbers may be skipped; a lower one is refused.
///
/// # Errors
/// As [`sign_record`].
pub fn sign_numbered<T: Serialize + ?Sized>(
    state: &State,
    kind: &str,
    data: &T,
    signer: &dyn Signer,
    (seq, now): (u64, Time),
    entropy: &mut dyn Entropy,
) -> Result<SignedRecord, Error> {
    let suite = state.suite();
    let mut salt = [0; 32];
    entropy.fill(&mut salt)?;
    let facts = Facts {
        kind,
        origin: state.origin(),
        seq,
        time: now,
        salt,
        data,
    };
    Ok(Draft::new(&facts, signer.certificate(), suite)?.sign(signer, suite)?)
}

/// Why a record was not taken with what it brought.
enum Fails {
    Record(Error),
    /// The seal in it holds; the file is not the one that it names.
    File(Error),
}

impl<E: Into<Error>> From<E> for Fails {
    fn from(error: E) -> Self {
        Fails::Record(error.into())
    }
}

impl Fails {
    fn into_inner(self) -> Error {
        let (Fails::Record(error) | Fails::File(error)) = self;
        error
    }
}

/// What is said to whoever brought a record that was taken with a file that was not.
fn only_its_file(no: &Refusal) -> String {
    format!(
        "{}; the record itself was taken, and what it replaces no longer counts: send its file again until the end for bodies",
        no.detail()
    )
}
