//! The register of a maker's seals: its log over a [`Store`], and the same log read by others.
//!
//! The records and their rules are those of [`crate::seals`]; the log is kept as a tender's is: the same
//! trees, heads, order of writes and files. A log of seals has no beats: every record is an entry.

use crate::bundle::{Assembly, Files};
use crate::journal::{self, Head, Journal};
use crate::replay::parts;
use crate::store::Store;
use crate::{Error, HostKeys, layout};
use mifeng_crypto::{Digest, Entropy, GM, HashAlg, Suite, Time};
use mifeng_log::{Entry, LogTree, SignedCheckpoint, tiles};
use mifeng_record::{Draft, Facts, Record, SignedRecord};
use mifeng_registry::{Config, SLACK_MS, State, Trust};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

/// One record of the log.
#[derive(Clone, Debug)]
pub struct Line {
    /// Index of its entry.
    pub index: u64,
    /// Its type.
    pub kind: String,
    /// The name in the signer's certificate.
    pub signer: String,
    /// The fingerprint of that certificate.
    pub actor: Digest,
    /// The signer's clock.
    pub time: Time,
    /// What others name it by.
    pub commitment: Digest,
}

/// A register, read and checked.
pub struct Register {
    /// What the records amount to.
    pub state: State,
    /// The records in their order.
    pub lines: Vec<Line>,
    entries: Vec<Vec<u8>>,
    tree: LogTree,
    head: SignedCheckpoint,
}

impl Register {
    /// Reads an exported register: recomputes the log, checks every signature and applies every record.
    ///
    /// # Errors
    /// [`Error::Failed`] with the check that the file fails; those of [`State::apply`].
    pub fn read(files: &dyn Files, trust: &Trust<'_>) -> Result<Self, Error> {
        let entries = parts::entries(files)?;
        let (suite, origin) = parts::first_facts(files, &entries)?;
        if suite.id() != GM.id() {
            return Err(Error::malformed(
                "register",
                "a register of seals is of suite gm-1",
            ));
        }
        let tree = LogTree::from_entries(suite, &origin, &entries)?;
        let head = parts::checkpoint(files, suite, &origin, &entries)?;
        parts::check_roots(files, &tree, &head, &entries)?;
        let mut register = Register {
            state: State::new(&origin),
            lines: Vec::new(),
            entries: Vec::new(),
            tree,
            head,
        };
        let mut named = BTreeSet::new();
        for (index, bytes) in (0..).zip(&entries) {
            let Entry::Record { body, sig } = Entry::parse(bytes)? else {
                return Err(Error::malformed("register", "a register has no beats"));
            };
            let record = parts::load(files, suite, (&body, &sig), &Default::default())?;
            register.take(index, &record, trust)?;
            named.insert(layout::body(&body));
            named.insert(layout::signature(&sig));
        }
        register.entries = entries;
        check_names(files, &named)?;
        Ok(register)
    }

    fn take(&mut self, index: u64, record: &Record, trust: &Trust<'_>) -> Result<(), Error> {
        self.state.apply(record, trust)?;
        self.lines.push(Line {
            index,
            kind: record.kind().to_owned(),
            signer: record.signer_name(),
            actor: record.actor(),
            time: record.time(),
            commitment: record.commitment(),
        });
        Ok(())
    }

    /// The signed head of the log.
    pub fn head(&self) -> &SignedCheckpoint {
        &self.head
    }

    /// Whether an earlier register is a beginning of this one: nothing in it was taken back or changed.
    pub fn extends(&self, earlier: &Register) -> bool {
        self.state.origin() == earlier.state.origin() && self.entries.starts_with(&earlier.entries)
    }

    /// Writes and signs a record for this log.
    ///
    /// # Errors
    /// [`Error::Record`], [`Error::Crypto`].
    pub fn draft<T: Serialize + ?Sized>(
        &self,
        kind: &str,
        data: &T,
        signer: &dyn mifeng_pki::Signer,
        now: Time,
        entropy: &mut dyn Entropy,
    ) -> Result<SignedRecord, Error> {
        draft(&self.state, kind, data, signer, now, entropy)
    }
}

/// Every file is one that the log names.
fn check_names(files: &dyn Files, named: &BTreeSet<String>) -> Result<(), Error> {
    let of_log = |name: &str| {
        [layout::CHECKPOINT, layout::CHECKPOINT_SM3].contains(&name)
            || [layout::TILES, layout::TILES_SM3]
                .iter()
                .any(|folder| name.starts_with(&format!("{folder}tile/")))
    };
    let mut names = files.index().keys();
    match names.find(|name| !of_log(name) && !named.contains(*name)) {
        Some(name) => Err(Error::Failed {
            check: "V1",
            code: "file.unexpected",
            detail: format!("{name} is no file of a register"),
        }),
        None => Ok(()),
    }
}

fn draft<T: Serialize + ?Sized>(
    state: &State,
    kind: &str,
    data: &T,
    signer: &dyn mifeng_pki::Signer,
    now: Time,
    entropy: &mut dyn Entropy,
) -> Result<SignedRecord, Error> {
    let actor = signer.certificate();
    let mut salt = [0; 32];
    entropy.fill(&mut salt)?;
    let facts = Facts {
        kind,
        origin: state.origin(),
        seq: state.next_seq(&actor.fingerprint(suite().hash())),
        time: now,
        salt,
        data,
    };
    Ok(Draft::new(&facts, actor, suite())?.sign(signer, suite())?)
}

fn suite() -> &'static Suite {
    &GM
}

/// A register in the hands of its maker.
pub struct Registry<S: Store> {
    store: S,
    keys: HostKeys,
    register: Register,
    entries_len: u64,
    /// A commit failed half-way: memory holds what the disk may not.
    failed: bool,
}

impl<S: Store> Registry<S> {
    /// Begins a register with its first record.
    ///
    /// # Errors
    /// [`Error::Malformed`] if there is a log in the store, [`Error::Registry`] if the maker's certificate
    /// does not hold, [`Error::Unavailable`].
    pub fn create(
        mut store: S,
        origin: &str,
        keys: HostKeys,
        trust: &Trust<'_>,
        now: Time,
        entropy: &mut dyn Entropy,
    ) -> Result<Self, Error> {
        if journal::is_there(&store)? {
            return Err(Error::malformed(
                "register",
                "there is a log in this folder already",
            ));
        }
        let (key, key_sm3) = journal::vkeys(suite(), origin, &keys.log_key)?;
        let config = Config {
            suite: suite().id().to_owned(),
            key,
            key_sm3,
        };
        let mut state = State::new(origin);
        let signed = draft(&state, "log.config", &config, &*keys.signer, now, entropy)?;
        let record = Record::verify(signed.clone(), suite())?;
        state.apply(&record, trust)?;
        let (mut tree, mut entries, mut entries_len) =
            (LogTree::new(suite(), origin)?, Vec::new(), 0);
        let (files, entry) = parts_of(&signed);
        let head = Journal {
            tree: &mut tree,
            entries: &mut entries,
            entries_len: &mut entries_len,
            key: &keys.log_key,
        }
        .append(&mut store, &files, entry.to_bytes())?;
        let first = Line {
            index: 0,
            kind: record.kind().to_owned(),
            signer: record.signer_name(),
            actor: record.actor(),
            time: record.time(),
            commitment: record.commitment(),
        };
        let register = Register {
            state,
            lines: vec![first],
            entries,
            tree,
            head,
        };
        Ok(Registry {
            store,
            keys,
            register,
            entries_len,
            failed: false,
        })
    }

    /// Opens a register and reads it as anybody would; what a crash left beyond the head is cut off.
    ///
    /// # Errors
    /// As [`Register::read`]; [`Error::Malformed`] if there is no log in the store.
    pub fn open(store: S, keys: HostKeys, trust: &Trust<'_>) -> Result<Self, Error> {
        if !journal::is_there(&store)? {
            return Err(Error::malformed(
                "register",
                "there is no log in this folder",
            ));
        }
        let head = journal::head(&store)?;
        let register = {
            let mut files = Assembly::new(&store);
            assemble(
                &mut files,
                &store,
                &journal::committed(&store, &head)?,
                &head,
            )?;
            // The maker took the units' certificates in when the records came; they may have ended since.
            let trust = Trust {
                people: None,
                ..*trust
            };
            Register::read(&files, &trust)?
        };
        Ok(Registry {
            store,
            keys,
            register,
            entries_len: head.entries_len,
            failed: false,
        })
    }

    /// The register.
    pub fn register(&self) -> &Register {
        &self.register
    }

    /// Whoever keeps the register.
    pub fn maker(&self) -> &dyn mifeng_pki::Signer {
        &*self.keys.signer
    }

    /// Writes and signs a record of the maker itself.
    ///
    /// # Errors
    /// As [`Register::draft`].
    pub fn draft<T: Serialize + ?Sized>(
        &self,
        kind: &str,
        data: &T,
        now: Time,
        entropy: &mut dyn Entropy,
    ) -> Result<SignedRecord, Error> {
        self.register
            .draft(kind, data, &*self.keys.signer, now, entropy)
    }

    /// Takes a record in at `now`, and tells its commitment once it is in the log.
    ///
    /// # Errors
    /// [`Error::Registry`] with nothing changed; [`Error::Unavailable`] if the store fails: the register must
    /// be opened anew then.
    pub fn submit(
        &mut self,
        signed: &SignedRecord,
        trust: &Trust<'_>,
        now: Time,
    ) -> Result<Digest, Error> {
        if self.failed {
            return Err(Error::Unavailable {
                what: "register".to_owned(),
                detail: "a write failed before: open it again".to_owned(),
            });
        }
        let record = Record::verify(signed.clone(), suite())?;
        let (early, late) = (now.plus_millis(-SLACK_MS), now.plus_millis(SLACK_MS));
        if record.time() < early || record.time() > late {
            return Err(Error::malformed(
                "record",
                format!(
                    "signed {}, received at {now}: more than ten minutes apart",
                    record.time()
                ),
            ));
        }
        let index = self.register.tree.size();
        self.register.take(index, &record, trust)?;
        self.failed = true;
        let (files, entry) = parts_of(signed);
        let mut journal = Journal {
            tree: &mut self.register.tree,
            entries: &mut self.register.entries,
            entries_len: &mut self.entries_len,
            key: &self.keys.log_key,
        };
        self.register.head = journal.append(&mut self.store, &files, entry.to_bytes())?;
        self.failed = false;
        Ok(record.commitment())
    }

    /// Writes the register as one file, which anybody can read.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub fn export(&self, out: &mut dyn Write) -> Result<(), Error> {
        let mut files = Assembly::new(&self.store);
        let head = journal::head(&self.store)?;
        assemble(&mut files, &self.store, &self.register.entries, &head)?;
        files.write(out)
    }
}

/// The files of a record and its entry.
fn parts_of(signed: &SignedRecord) -> ([(String, &[u8]); 2], Entry) {
    let alg = suite().hash();
    let entry = Entry::record(signed.body_digest(alg), signed.signature_digest(alg));
    (layout::record(signed, alg), entry)
}

fn assemble(
    files: &mut Assembly<'_>,
    store: &dyn Store,
    entries: &[Vec<u8>],
    head: &Head,
) -> Result<(), Error> {
    let sha256 = head.checkpoint_sha256.as_ref().unwrap_or(&head.checkpoint);
    files.add(layout::CHECKPOINT.to_owned(), sha256.clone().into_bytes());
    files.add(
        layout::CHECKPOINT_SM3.to_owned(),
        head.checkpoint.clone().into_bytes(),
    );
    for (folder, alg) in [
        (layout::TILES, HashAlg::Sha256),
        (layout::TILES_SM3, HashAlg::Sm3),
    ] {
        for (name, bytes) in tiles::tiles(alg, entries)? {
            files.add(format!("{folder}{name}"), bytes);
        }
    }
    let mut sizes = BTreeMap::new();
    for prefix in ["body/", "sig/"] {
        sizes.extend(store.list(prefix).map_err(|e| Error::io(prefix, &e))?);
    }
    for bytes in entries {
        let Entry::Record { body, sig } = Entry::parse(bytes)? else {
            return Err(Error::malformed("register", "a register has no beats"));
        };
        for name in [layout::body(&body), layout::signature(&sig)] {
            let size = sizes
                .get(&name)
                .ok_or_else(|| Error::malformed("register", format!("{name} is missing")))?;
            files.link(name.clone(), name, *size);
        }
    }
    Ok(())
}
