//! A host's store in memory, and a bundle read from memory.

use mifeng::{Error, Files, ReadSeek, Store, WholeFile, Write};
use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// Named byte strings; clones share them, as two handles on one folder do.
#[derive(Clone, Default)]
pub struct Memory {
    files: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    /// The store that everything goes to instead.
    under: Option<Arc<Mutex<Box<dyn Store>>>>,
}

impl Memory {
    /// A store that holds these files.
    pub fn of(files: BTreeMap<String, Vec<u8>>) -> Self {
        Memory {
            files: Arc::new(Mutex::new(files)),
            under: None,
        }
    }

    /// No memory at all: another store, so that a made tender can run on it. It is seen through
    /// [`Store`] only.
    pub fn over(store: Box<dyn Store>) -> Self {
        Memory {
            files: Arc::default(),
            under: Some(Arc::new(Mutex::new(store))),
        }
    }

    fn under(&self) -> Option<std::sync::MutexGuard<'_, Box<dyn Store>>> {
        let under = self.under.as_ref()?;
        Some(under.lock().expect("no test panics while it holds it"))
    }

    /// A copy of its own: what another disk holds after the same history.
    pub fn copied(&self) -> Self {
        Memory::of(self.files().clone())
    }

    pub fn files(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.files.lock().expect("no test panics while it holds it")
    }
}

impl Store for Memory {
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        if let Some(under) = self.under() {
            return under.read(name);
        }
        Ok(self.files().get(name).cloned())
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn ReadSeek>> {
        if let Some(under) = self.under() {
            return under.open(name);
        }
        let content = self.files().get(name).cloned();
        Ok(Box::new(Cursor::new(
            content.ok_or(io::ErrorKind::NotFound)?,
        )))
    }

    fn write(&mut self, name: &str, content: &mut dyn Read) -> io::Result<u64> {
        if let Some(mut under) = self.under() {
            return under.write(name, content);
        }
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes)?;
        let len = bytes.len() as u64;
        self.files().insert(name.to_owned(), bytes);
        Ok(len)
    }

    fn adopt(&mut self, files: &[(&str, &WholeFile)]) -> io::Result<()> {
        if let Some(mut under) = self.under() {
            return under.adopt(files);
        }
        for (name, file) in files {
            self.write(name, &mut file.copying()?)?;
        }
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        if let Some(mut under) = self.under() {
            return under.rename(from, to);
        }
        let mut files = self.files();
        let content = files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        files.insert(to.to_owned(), content);
        Ok(())
    }

    fn batch(&mut self, writes: &[Write<'_>]) -> io::Result<()> {
        if let Some(mut under) = self.under() {
            return under.batch(writes);
        }
        let mut files = self.files();
        // All or none: on a copy of what they touch.
        let mut changed = BTreeMap::new();
        for write in writes {
            match *write {
                Write::Put { name, content } => {
                    changed.insert(name.to_owned(), content.to_vec());
                }
                Write::Append { name, at, content } => {
                    let known = || files.get(name).cloned().unwrap_or_default();
                    let file = changed.entry(name.to_owned()).or_insert_with(known);
                    let at = usize::try_from(at).map_err(io::Error::other)?;
                    if at > file.len() {
                        return Err(io::ErrorKind::InvalidData.into());
                    }
                    file.truncate(at);
                    file.extend_from_slice(content);
                }
            }
        }
        files.append(&mut changed);
        Ok(())
    }

    fn list(&self, prefix: &str) -> io::Result<Vec<(String, u64)>> {
        if let Some(under) = self.under() {
            return under.list(prefix);
        }
        Ok(self
            .files()
            .range(prefix.to_owned()..)
            .take_while(|(name, _)| name.starts_with(prefix))
            .map(|(name, bytes)| (name.clone(), bytes.len() as u64))
            .collect())
    }
}

/// A store that is there, and takes nothing while it is told so; clones share it.
#[derive(Clone, Default)]
pub struct FullDisk {
    pub store: Memory,
    full: Arc<AtomicBool>,
}

impl FullDisk {
    pub fn over(store: Memory) -> Self {
        FullDisk {
            store,
            full: Arc::default(),
        }
    }

    /// From now on it takes nothing, or everything.
    pub fn set_full(&self, full: bool) {
        self.full.store(full, Ordering::SeqCst);
    }

    fn room(&self) -> io::Result<()> {
        match self.full.load(Ordering::SeqCst) {
            true => Err(io::Error::other("full")),
            false => Ok(()),
        }
    }
}

impl Store for FullDisk {
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        self.store.read(name)
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn ReadSeek>> {
        self.store.open(name)
    }

    fn write(&mut self, name: &str, content: &mut dyn Read) -> io::Result<u64> {
        self.room()?;
        self.store.write(name, content)
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.room()?;
        self.store.rename(from, to)
    }

    fn batch(&mut self, writes: &[Write<'_>]) -> io::Result<()> {
        self.room()?;
        self.store.batch(writes)
    }

    fn append(&mut self, name: &str, at: u64, content: &[u8]) -> io::Result<()> {
        self.room()?;
        self.store.append(name, at, content)
    }

    fn list(&self, prefix: &str) -> io::Result<Vec<(String, u64)>> {
        self.store.list(prefix)
    }
}

/// A bundle in memory, by name.
pub struct Parts {
    pub parts: BTreeMap<String, Vec<u8>>,
    index: BTreeMap<String, u64>,
}

impl Parts {
    pub fn new(parts: BTreeMap<String, Vec<u8>>) -> Self {
        let sizes = parts.iter().map(|(k, v)| (k.clone(), v.len() as u64));
        Parts {
            index: sizes.collect(),
            parts,
        }
    }

    /// Reads a tar as written by the engine; the strict reader is the one under test.
    pub fn of_tar(tar: &[u8]) -> Self {
        let (mut parts, mut at) = (BTreeMap::new(), 0);
        while tar[at] != 0 {
            let text = |from: usize, to: usize| {
                let bytes = &tar[at + from..at + to];
                let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
                String::from_utf8(bytes[..end].to_vec()).expect("text")
            };
            let size = usize::from_str_radix(&text(124, 136), 8).expect("octal");
            parts.insert(text(0, 100), tar[at + 512..at + 512 + size].to_vec());
            at += 512 + size.next_multiple_of(512);
        }
        Parts::new(parts)
    }
}

impl Files for Parts {
    fn index(&self) -> &BTreeMap<String, u64> {
        &self.index
    }

    fn open(&self, name: &str) -> Result<Box<dyn ReadSeek + '_>, Error> {
        let found = self.parts.get(name).ok_or_else(|| Error::Malformed {
            what: "bundle",
            detail: format!("{name} is missing"),
        })?;
        Ok(Box::new(Cursor::new(found.as_slice())))
    }
}
