//! A disk that does what disks do: it tears and loses what was not synced, fills up, fails, and
//! stops at any operation.
//!
//! The model is that of POSIX, read strictly: after a power cut any part of what was written to a
//! file since its last sync may be there, in sectors, in no order; and any of the names changed in a
//! folder since its last sync. After a failed sync the pages count as clean: what they held is seen
//! by everybody until the power goes, and is never written.

use crate::random::Noise;
use mifeng::ReadSeek;
use mifeng_store::{Disk, DiskFile};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Cursor};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

/// A write is torn at multiples of this.
const SECTOR: usize = 512;

/// What goes wrong at one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The process is gone; the system and its cache stay.
    Kill,
    /// The power is gone: what was not synced is kept or lost as the disk pleases.
    PowerCut,
    /// The operation fails once.
    Io,
    /// There is no room: a write is cut short and the next one fails.
    Full,
}

enum Change {
    Write { at: u64, bytes: Vec<u8> },
    SetLen(u64),
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Change::Write { at, bytes } => {
                let at = usize::try_from(*at).expect("small files");
                if content.len() < at + bytes.len() {
                    content.resize(at + bytes.len(), 0);
                }
                content[at..at + bytes.len()].copy_from_slice(bytes);
            }
            Change::SetLen(len) => {
                content.resize(usize::try_from(*len).expect("small files"), 0);
            }
        }
    }
}

#[derive(Default)]
struct Content {
    seen: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Clone)]
enum Naming {
    Link(String, usize),
    Unlink(String),
    Rename(String, String, usize),
    Folder(String),
}

impl Naming {
    fn touches(&self, folder: &str) -> bool {
        let inside = |name: &String| super::parent(name) == folder;
        match self {
            Naming::Link(name, _) | Naming::Unlink(name) | Naming::Folder(name) => inside(name),
            Naming::Rename(from, to, _) => inside(from) || inside(to),
        }
    }
}

#[derive(Clone, Default)]
struct Names {
    files: BTreeMap<String, usize>,
    folders: BTreeSet<String>,
}

impl Names {
    fn apply(&mut self, naming: &Naming) {
        match naming {
            Naming::Link(name, file) => {
                self.files.insert(name.clone(), *file);
            }
            Naming::Unlink(name) => {
                self.files.remove(name);
            }
            Naming::Rename(from, to, file) => {
                self.files.remove(from);
                self.files.insert(to.clone(), *file);
            }
            Naming::Folder(name) => {
                self.folders.insert(name.clone());
            }
        }
    }
}

pub(super) struct Inner {
    contents: Vec<Content>,
    seen: Names,
    durable: Names,
    pending: Vec<Naming>,
    noise: Noise,
    /// The process that uses the disk is gone: nothing works until it is started again.
    stopped: Option<Fault>,
    /// The operation at which the next fault comes, and which.
    plan: Option<(u64, Fault)>,
    full: bool,
    pub(super) operations: u64,
    syncs: u64,
    /// A broken twin: sync says yes and does nothing.
    pub(super) sync_lies: bool,
}

impl Inner {
    /// Counts an operation that changes something; says whether it is done, and fails it if not.
    fn step(&mut self) -> io::Result<()> {
        if self.stopped.is_some() {
            return Err(io::Error::other("the process is gone"));
        }
        let number = self.operations;
        self.operations += 1;
        let Some((at, fault)) = self.plan else {
            return Ok(());
        };
        if number < at {
            return Ok(());
        }
        self.plan = None;
        match fault {
            Fault::Kill | Fault::PowerCut => {
                self.stopped = Some(fault);
                Err(io::Error::other("the process is gone"))
            }
            Fault::Io => Err(io::Error::other("input/output error")),
            Fault::Full => {
                self.full = true;
                Ok(())
            }
        }
    }

    fn file(&self, name: &str) -> io::Result<usize> {
        let found = self.seen.files.get(name).copied();
        found.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn name(&mut self, naming: Naming) {
        self.seen.apply(&naming);
        self.pending.push(naming);
    }

    fn new_file(&mut self, name: &str) -> usize {
        let file = self.contents.len();
        self.contents.push(Content::default());
        self.name(Naming::Link(name.to_owned(), file));
        file
    }

    /// Keeps some of what was not synced, and loses the rest.
    fn lose_power(&mut self) {
        let noise = &mut self.noise;
        for content in &mut self.contents {
            for change in std::mem::take(&mut content.pending) {
                keep_some(&change, &mut content.durable, noise);
            }
            content.seen.clone_from(&content.durable);
        }
        for naming in std::mem::take(&mut self.pending) {
            if noise.below(2) == 0 {
                self.durable.apply(&naming);
            }
        }
        self.seen = self.durable.clone();
    }
}

/// Of a write, any sectors; of a cut, all or nothing.
fn keep_some(change: &Change, durable: &mut Vec<u8>, noise: &mut Noise) {
    match (noise.below(3), change) {
        (0, _) => {}
        (1, Change::Write { at, bytes }) => {
            for (n, sector) in bytes.chunks(SECTOR).enumerate() {
                if noise.below(2) == 0 {
                    let at = at + (n * SECTOR) as u64;
                    let bytes = sector.to_vec();
                    Change::Write { at, bytes }.apply(durable);
                }
            }
        }
        _ => change.apply(durable),
    }
}

/// A disk; clones are handles on the same one.
#[derive(Clone)]
pub struct SimDisk(Arc<Mutex<Inner>>);

impl SimDisk {
    /// A disk on which everything of `files` is durable.
    pub fn holding(files: &BTreeMap<String, Vec<u8>>, seed: u64) -> Self {
        let mut names = Names::default();
        let mut contents = Vec::new();
        for (name, bytes) in files {
            let mut folder = super::parent(name);
            while !folder.is_empty() {
                names.folders.insert(folder.to_owned());
                folder = super::parent(folder);
            }
            names.files.insert(name.clone(), contents.len());
            contents.push(Content {
                seen: bytes.clone(),
                durable: bytes.clone(),
                pending: Vec::new(),
            });
        }
        SimDisk(Arc::new(Mutex::new(Inner {
            contents,
            seen: names.clone(),
            durable: names,
            pending: Vec::new(),
            noise: Noise::new(seed),
            stopped: None,
            plan: None,
            full: false,
            operations: 0,
            syncs: 0,
            sync_lies: false,
        })))
    }

    pub(super) fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().expect("one thread")
    }

    /// The fault comes `after` operations from now.
    pub fn plan(&self, after: u64, fault: Fault) {
        let mut inner = self.inner();
        inner.plan = Some((inner.operations + after, fault));
    }

    /// What stopped the process, if it is stopped.
    pub fn stopped(&self) -> Option<Fault> {
        self.inner().stopped
    }

    /// The machine is up again, and somebody made room.
    pub fn restart(&self) {
        let mut inner = self.inner();
        if inner.stopped.take() == Some(Fault::PowerCut) {
            inner.lose_power();
        }
        inner.full = false;
    }

    /// Syncs so far, of files and folders.
    pub fn syncs(&self) -> u64 {
        self.inner().syncs
    }

    /// Everything that is seen now, by name.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let inner = self.inner();
        let files = inner.seen.files.iter();
        files
            .map(|(name, file)| (name.clone(), inner.contents[*file].seen.clone()))
            .collect()
    }
}

impl Disk for SimDisk {
    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let inner = self.inner();
        Ok(inner.contents[inner.file(name)?].seen.clone())
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn ReadSeek>> {
        Ok(Box::new(Cursor::new(self.read(name)?)))
    }

    fn create(&mut self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let mut inner = self.inner();
        inner.step()?;
        if inner.seen.files.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let file = inner.new_file(name);
        Ok(Box::new(Open(self.clone(), file)))
    }

    fn edit(&mut self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let mut inner = self.inner();
        inner.step()?;
        let file = match inner.file(name) {
            Ok(file) => file,
            Err(_) => inner.new_file(name),
        };
        Ok(Box::new(Open(self.clone(), file)))
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        let mut inner = self.inner();
        inner.step()?;
        if inner.seen.files.contains_key(name) {
            inner.name(Naming::Unlink(name.to_owned()));
        }
        Ok(())
    }

    fn link(&mut self, from: &Path, name: &str) -> io::Result<bool> {
        let bytes = std::fs::read(from)?;
        let mut inner = self.inner();
        inner.step()?;
        if inner.seen.files.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let file = inner.new_file(name);
        // Nobody said that it was durable where it came from.
        let content = &mut inner.contents[file];
        content.seen.clone_from(&bytes);
        content.pending.push(Change::Write { at: 0, bytes });
        Ok(true)
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let mut inner = self.inner();
        inner.step()?;
        let file = inner.file(from)?;
        inner.name(Naming::Rename(from.to_owned(), to.to_owned(), file));
        Ok(())
    }

    fn is_folder(&self, name: &str) -> io::Result<bool> {
        Ok(self.inner().seen.folders.contains(name))
    }

    fn make_folder(&mut self, name: &str) -> io::Result<()> {
        let mut inner = self.inner();
        inner.step()?;
        inner.name(Naming::Folder(name.to_owned()));
        Ok(())
    }

    fn sync_folder(&mut self, name: &str) -> io::Result<()> {
        let mut inner = self.inner();
        inner.step()?;
        inner.syncs += 1;
        if inner.sync_lies {
            return Ok(());
        }
        let pending = std::mem::take(&mut inner.pending);
        let (here, elsewhere) = pending.into_iter().partition(|p| p.touches(name));
        inner.pending = elsewhere;
        let here: Vec<Naming> = here;
        for naming in &here {
            inner.durable.apply(naming);
        }
        Ok(())
    }

    fn list(&self, name: &str) -> io::Result<Vec<(String, Option<u64>)>> {
        let inner = self.inner();
        let own = |full: &str| full.rsplit('/').next().unwrap_or(full).to_owned();
        let here = |full: &&String| super::parent(full) == name;
        let files = inner.seen.files.iter().filter(|(full, _)| here(full));
        let files =
            files.map(|(full, file)| (own(full), Some(inner.contents[*file].seen.len() as u64)));
        let folders = inner.seen.folders.iter().filter(here);
        Ok(files.chain(folders.map(|full| (own(full), None))).collect())
    }
}

struct Open(SimDisk, usize);

impl DiskFile for Open {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.inner().contents[self.1].seen.len() as u64)
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        let mut inner = self.0.inner();
        inner.step()?;
        let content = &mut inner.contents[self.1];
        Change::SetLen(len).apply(&mut content.seen);
        content.pending.push(Change::SetLen(len));
        Ok(())
    }

    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<usize> {
        let mut inner = self.0.inner();
        let full = inner.full;
        // What a write that never returned had done is there in part, like any unsynced write.
        let died = inner.step();
        if full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        // A short write is a write; of a last one, some may be there.
        let short = inner.full || died.is_err();
        let len = match short {
            true => inner.noise.below(bytes.len()),
            false => bytes.len(),
        };
        let change = Change::Write {
            at,
            bytes: bytes[..len].to_vec(),
        };
        let content = &mut inner.contents[self.1];
        change.apply(&mut content.seen);
        content.pending.push(change);
        died.and(if len == 0 && !bytes.is_empty() {
            Err(io::ErrorKind::StorageFull.into())
        } else {
            Ok(len)
        })
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut inner = self.0.inner();
        let outcome = inner.step();
        inner.syncs += 1;
        if outcome.is_ok() && inner.sync_lies {
            return Ok(());
        }
        let failed = outcome.is_err() && inner.stopped.is_none();
        let content = &mut inner.contents[self.1];
        if outcome.is_ok() {
            for change in std::mem::take(&mut content.pending) {
                change.apply(&mut content.durable);
            }
        } else if failed {
            content.pending.clear();
        }
        outcome
    }
}
