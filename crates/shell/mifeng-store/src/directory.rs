//! A store in a directory.

use crate::disk::{Disk, DiskFile, Local, write_all};
use crate::journal::{self, Journal};
use mifeng::{ReadSeek, Store, WholeFile, Write};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// Written in full and synced before it takes its name.
const PART: &str = ".part";
/// Bytes that are read and written at a time.
const BUFFER_LEN: usize = 1 << 18;
/// A journal longer than this is begun afresh: so much is read again at the next start.
const JOURNAL_LEN: u64 = 256 << 20;

/// A directory with one writer.
///
/// The second process that opens it is refused: two writers would fork the log. The lock is the
/// operating system's and goes with the process, so a crash leaves nothing to clean up.
///
/// A batch goes into a journal first, which is synced, and then into its files, which are not: they
/// are synced together when the journal has grown long, or at the next start, where every batch of
/// the journal is done again before anything is read.
pub struct Directory<D: Disk = Local> {
    disk: D,
    journal: Journal,
    /// Files that batches of this journal wrote: what they hold may not be durable outside it.
    written: BTreeSet<String>,
    /// A write failed: only a new start knows what is there.
    failed: bool,
}

impl Directory {
    /// Opens the directory, making it if it is not there.
    ///
    /// # Errors
    /// `WouldBlock` if another process has it open; else what the system says.
    pub fn open(root: &Path) -> io::Result<Self> {
        Directory::on(Local::open(root)?)
    }
}

impl<D: Disk> Directory<D> {
    /// The same on another disk: a simulated one.
    ///
    /// A name may be visible that is not durable, if the last process failed between renaming and
    /// syncing the folder: nothing is read before every folder is synced.
    ///
    /// # Errors
    /// `InvalidData` if the journal is damaged, with nothing changed; else what the disk says.
    pub fn on(mut disk: D) -> io::Result<Self> {
        sync_below(&mut disk, "")?;
        let found = journal::find(&disk)?;
        // What was being written is nothing, and on a full disk its room is needed.
        disk.remove(PART)?;
        let journal = match &found {
            Some(found) => found.journal(&mut disk)?,
            None => Journal::start(&mut disk)?,
        };
        let mut directory = Directory {
            disk,
            journal,
            written: BTreeSet::new(),
            failed: false,
        };
        if let Some(mut found) = found.filter(|found| !found.is_empty()) {
            directory.require_nothing_newer(&mut found)?;
            found.write_anew(&mut directory.disk)?;
            found.replay(|writes| directory.apply(writes))?;
            directory.settle()?;
        }
        Ok(directory)
    }

    /// A batch reaches its files after the sync of its frame only. So a file that is longer than the whole frames make it
    /// has had a frame that is not whole any more: it was damaged, not torn, and to do the older ones again would undo it.
    fn require_nothing_newer(&self, found: &mut journal::Found) -> io::Result<()> {
        let mut lens = BTreeMap::new();
        found.replay(|writes| {
            for write in writes {
                match *write {
                    Write::Put { name, .. } => lens.remove(name),
                    Write::Append { name, at, content } => {
                        lens.insert(name.to_owned(), at + content.len() as u64)
                    }
                };
            }
            Ok(())
        })?;
        for (name, len) in lens {
            if self.len(checked(&name)?)? > len {
                return Err(found.damaged_behind());
            }
        }
        Ok(())
    }

    /// Cuts off what stands behind the place where a batch appends and no batch wrote: it was never acknowledged. So
    /// a file is never longer than the journal makes it.
    fn cut(&mut self, writes: &[Write<'_>]) -> io::Result<()> {
        for write in writes {
            let Write::Append { name, at, .. } = *write else {
                continue;
            };
            if !self.written.contains(name) && self.len(name)? > at {
                let mut file = self.disk.edit(name)?;
                file.set_len(at)?;
                file.sync()?;
            }
        }
        Ok(())
    }

    /// Everything that the journal is for becomes durable in its files; then a new journal.
    fn settle(&mut self) -> io::Result<()> {
        for name in &self.written {
            self.disk.edit(name)?.sync()?;
        }
        let folders: BTreeSet<&str> = self.written.iter().map(|name| parent(name)).collect();
        for folder in folders {
            self.disk.sync_folder(folder)?;
        }
        self.journal = Journal::start(&mut self.disk)?;
        self.written.clear();
        Ok(())
    }

    /// Before files are changed beside the journal: a batch that is done again must not undo this.
    fn settle_for(&mut self, names: &[&str]) -> io::Result<()> {
        match names.iter().any(|name| self.written.contains(*name)) {
            true => self.settle(),
            false => Ok(()),
        }
    }

    /// Does something that changes files. After an error the store must be opened anew.
    fn change<T>(&mut self, act: impl FnOnce(&mut Self) -> io::Result<T>) -> io::Result<T> {
        if self.failed {
            return Err(io::Error::other("a write failed before: open it anew"));
        }
        self.failed = true;
        let done = act(self)?;
        self.failed = false;
        Ok(done)
    }

    /// What would fail when it is done must not get into the journal. Names the files that the writes cut off.
    fn check<'w>(&self, writes: &[Write<'w>]) -> io::Result<Vec<&'w str>> {
        let (mut lens, mut cut_off) = (BTreeMap::new(), Vec::new());
        for write in writes {
            match *write {
                Write::Put { name, content } => {
                    lens.insert(checked(name)?, content.len() as u64);
                }
                Write::Append { name, at, content } => {
                    let len = match lens.get(checked(name)?) {
                        Some(len) => *len,
                        None => self.len(name)?,
                    };
                    if len < at {
                        return Err(too_short());
                    }
                    if len > at {
                        cut_off.push(name);
                    }
                    lens.insert(name, at + content.len() as u64);
                }
            }
        }
        Ok(cut_off)
    }

    fn len(&self, name: &str) -> io::Result<u64> {
        match self.disk.open(name) {
            Ok(mut file) => file.seek(SeekFrom::End(0)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(e) => Err(e),
        }
    }

    /// Puts a batch of the journal into its files. Done again, it changes nothing.
    fn apply(&mut self, writes: &[Write<'_>]) -> io::Result<()> {
        for write in writes {
            let name = match *write {
                Write::Put { name, content } => {
                    self.stage(Sync::Later, |file| write_all(file, 0, content))?;
                    self.name(name, Sync::Later)?;
                    name
                }
                Write::Append { name, at, content } => {
                    self.add(name, at, content)?;
                    name
                }
            };
            self.written.insert(name.to_owned());
        }
        Ok(())
    }

    /// Writes a file that has no name yet.
    fn stage(
        &mut self,
        sync: Sync,
        fill: impl FnOnce(&mut dyn DiskFile) -> io::Result<u64>,
    ) -> io::Result<u64> {
        // A new file each time: what a crash left under this name may be known by another as well.
        self.disk.remove(PART)?;
        let mut file = self.disk.create(PART)?;
        let filled = fill(&mut *file).and_then(|len| match sync {
            Sync::Now => file.sync().map(|()| len),
            Sync::Later => Ok(len),
        });
        if filled.is_err() {
            // A full disk has room again.
            let _ = self.disk.remove(PART);
        }
        filled
    }

    /// Makes a file of this machine the one that has no name yet, and durable; `false` if it must be copied. Nothing is begun
    /// with what is not there, or not what was measured.
    fn link(&mut self, file: &WholeFile) -> io::Result<bool> {
        self.change(|own| own.disk.remove(PART))?;
        drop(file.open()?);
        if !self.disk.link(file.path(), PART)? {
            return Ok(false);
        }
        self.change(|own| own.disk.edit(PART)?.sync().inspect_err(|_| file.spoil()))?;
        Ok(true)
    }

    /// Gives the file its name.
    fn name(&mut self, name: &str, sync: Sync) -> io::Result<()> {
        let folder = parent(checked(name)?);
        self.make_folder(folder)?;
        self.disk.rename(PART, name)?;
        if sync == Sync::Now {
            self.disk.sync_folder(folder)?;
        }
        Ok(())
    }

    fn add(&mut self, name: &str, at: u64, content: &[u8]) -> io::Result<()> {
        self.make_folder(parent(checked(name)?))?;
        let mut file = self.disk.edit(name)?;
        let len = file.len()?;
        if len < at {
            return Err(too_short());
        }
        if len > at {
            // Whatever stands beyond was never acknowledged, or comes again.
            file.set_len(at)?;
        }
        write_all(&mut *file, at, content)?;
        Ok(())
    }

    /// Makes the folder and those above it; a new name is durable only once its folder is.
    fn make_folder(&mut self, folder: &str) -> io::Result<()> {
        if folder.is_empty() || self.disk.is_folder(folder)? {
            return Ok(());
        }
        let above = parent(folder);
        self.make_folder(above)?;
        self.disk.make_folder(folder)?;
        self.disk.sync_folder(above)
    }

    fn collect(&self, folder: &str, found: &mut Vec<(String, u64)>) -> io::Result<()> {
        for (own, len) in self.disk.list(folder)? {
            if own.starts_with('.') {
                continue;
            }
            let full = joined(folder, &own);
            match len {
                Some(len) => found.push((full, len)),
                None => self.collect(&full, found)?,
            }
        }
        Ok(())
    }
}

fn copy(content: &mut dyn Read, file: &mut dyn DiskFile) -> io::Result<u64> {
    let mut buffer = vec![0; BUFFER_LEN];
    let mut written = 0;
    loop {
        match content.read(&mut buffer) {
            Ok(0) => return Ok(written),
            Ok(len) => written = write_all(file, written, &buffer[..len])?,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

/// When what is written becomes durable.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sync {
    Now,
    /// The journal has it until then.
    Later,
}

fn sync_below(disk: &mut dyn Disk, folder: &str) -> io::Result<()> {
    for (own, len) in disk.list(folder)? {
        if len.is_none() {
            sync_below(disk, &joined(folder, &own))?;
        }
    }
    disk.sync_folder(folder)
}

fn joined(folder: &str, own: &str) -> String {
    match folder {
        "" => own.to_owned(),
        _ => format!("{folder}/{own}"),
    }
}

fn parent(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn too_short() -> io::Error {
    let what = "file is shorter than what was committed to it";
    io::Error::new(io::ErrorKind::InvalidData, what)
}

pub(crate) fn checked(name: &str) -> io::Result<&str> {
    let plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
    };
    if name.split('/').all(plain) {
        Ok(name)
    } else {
        Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a plain name",
        ))
    }
}

impl<D: Disk> Store for Directory<D> {
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        match self.disk.read(checked(name)?) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn ReadSeek>> {
        self.disk.open(checked(name)?)
    }

    fn write(&mut self, name: &str, content: &mut dyn Read) -> io::Result<u64> {
        checked(name)?;
        self.change(|own| own.settle_for(&[name]))?;
        // Whoever sends the content may stop: then nothing has changed.
        let len = self.stage(Sync::Now, |file| copy(content, file))?;
        self.change(|own| own.name(name, Sync::Now))?;
        Ok(len)
    }

    fn adopt(&mut self, files: &[(&str, &WholeFile)]) -> io::Result<()> {
        let names: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
        for name in &names {
            checked(name)?;
        }
        self.change(|own| own.settle_for(&names))?;
        let mut folders = BTreeSet::new();
        for (name, file) in files {
            match self.link(file)? {
                true => {
                    self.change(|own| own.name(name, Sync::Later))?;
                    folders.insert(parent(name));
                }
                false => self.write(name, &mut file.copying()?).map(|_| ())?,
            }
        }
        self.change(|own| {
            // If a name had its very file already, the renaming did nothing.
            own.disk.remove(PART)?;
            let mut folders = folders.into_iter();
            folders.try_for_each(|folder| own.disk.sync_folder(folder))
        })
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        checked(to)?;
        // Nothing is begun with what is not there.
        drop(self.disk.open(checked(from)?)?);
        self.change(|own| {
            own.settle_for(&[from, to])?;
            own.make_folder(parent(to))?;
            own.disk.rename(from, to)?;
            own.disk.sync_folder(parent(to))?;
            own.disk.sync_folder(parent(from))
        })
    }

    fn batch(&mut self, writes: &[Write<'_>]) -> io::Result<()> {
        let cut_off = self.check(writes)?;
        self.change(|own| {
            // An older batch that is done again could not append to a file that is shorter now.
            own.settle_for(&cut_off)?;
            if own.journal.len() > JOURNAL_LEN {
                own.settle()?;
            }
            own.cut(writes)?;
            own.journal.add(writes)?;
            own.apply(writes)
        })
    }

    fn list(&self, prefix: &str) -> io::Result<Vec<(String, u64)>> {
        let folder = parent(prefix);
        if !folder.is_empty() {
            checked(folder)?;
        }
        let mut found = Vec::new();
        self.collect(folder, &mut found)?;
        found.retain(|(name, _)| name.starts_with(prefix));
        found.sort();
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::PathBuf;

    fn folder(name: &str) -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("mifeng-store-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        folder
    }

    #[test]
    fn second_writer_is_refused() -> io::Result<()> {
        let root = folder("lock");
        let first = Directory::open(&root)?;
        let second = Directory::open(&root).map(|_| ()).map_err(|e| e.kind());
        assert_eq!(second, Err(io::ErrorKind::WouldBlock));
        drop(first);
        Directory::open(&root)?;
        fs::remove_dir_all(&root)
    }

    #[test]
    fn append_cuts_off_what_was_never_committed() -> io::Result<()> {
        let root = folder("append");
        let mut store = Directory::open(&root)?;
        store.append("entries", 0, b"one")?;
        store.append("entries", 3, b"torn")?;
        store.append("entries", 3, b"two")?;
        assert_eq!(store.read("entries")?.as_deref(), Some(&b"onetwo"[..]));
        assert!(store.append("entries", 99, b"gap").is_err());
        assert_eq!(store.read("entries")?.as_deref(), Some(&b"onetwo"[..]));
        fs::remove_dir_all(&root)
    }

    #[test]
    fn names_never_leave_the_folder() -> io::Result<()> {
        let root = folder("names");
        let mut store = Directory::open(&root)?;
        for name in ["../x", "/x", "a//b", ".lock", "a/../b", "", "a\\b", "ä"] {
            assert!(store.write(name, &mut &b""[..]).is_err(), "{name}");
            assert!(store.read(name).is_err(), "{name}");
        }
        store.write("a/b", &mut &b"x"[..])?;
        store.write("a/c", &mut &b"xy"[..])?;
        assert_eq!(
            store.list("a/")?,
            [("a/b".to_owned(), 1), ("a/c".to_owned(), 2)]
        );
        assert_eq!(store.list("a/c")?, [("a/c".to_owned(), 2)]);
        fs::remove_dir_all(&root)
    }
}
