//! Where a host keeps its files: a directory, with every write durable before it is answered.
//!
//! ```
//! # fn main() -> std::io::Result<()> {
//! use mifeng::Store;
//! let folder = std::env::temp_dir().join(format!("mifeng-store-doc-{}", std::process::id()));
//! let mut store = mifeng_store::Directory::open(&folder)?;
//! store.write("body/a.json", &mut &b"{}"[..])?;
//! assert_eq!(store.read("body/a.json")?.as_deref(), Some(&b"{}"[..]));
//! # drop(store);
//! # std::fs::remove_dir_all(&folder)
//! # }
//! ```
#![forbid(unsafe_code)]

use mifeng::{ReadSeek, Store};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Held by the one process that may write.
const LOCK: &str = ".lock";
/// Written in full and synced before it takes its name.
const PART: &str = ".part";

/// A directory with one writer.
///
/// The second process that opens it is refused: two writers would fork the log. The lock is the
/// operating system's and goes with the process, so a crash leaves nothing to clean up.
pub struct Directory {
    root: PathBuf,
    _lock: File,
}

impl Directory {
    /// Opens the directory, making it if it is not there.
    ///
    /// # Errors
    /// `WouldBlock` if another process has it open; else what the system says.
    pub fn open(root: &Path) -> io::Result<Self> {
        fs::create_dir_all(root)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(root.join(LOCK))?;
        lock.try_lock().map_err(|e| match e {
            fs::TryLockError::Error(e) => e,
            fs::TryLockError::WouldBlock => io::Error::new(
                io::ErrorKind::WouldBlock,
                "another process has this folder open",
            ),
        })?;
        Ok(Directory {
            root: root.to_owned(),
            _lock: lock,
        })
    }

    fn path(&self, name: &str) -> io::Result<PathBuf> {
        let plain = |part: &str| {
            !part.is_empty()
                && !part.starts_with('.')
                && part
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        };
        if name.split('/').all(plain) {
            Ok(self.root.join(name))
        } else {
            Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "not a plain name",
            ))
        }
    }

    fn parent(path: &Path) -> &Path {
        path.parent().unwrap_or(path)
    }
}

/// A new name is durable only once its directory is (and that directory's name in turn).
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = Directory::parent(folder);
    if above != folder {
        make_folder(above)?;
    }
    match fs::create_dir(folder) {
        Ok(()) => sync_folder(above),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(e) => Err(e),
    }
}

impl Store for Directory {
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        match fs::read(self.path(name)?) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn ReadSeek>> {
        Ok(Box::new(File::open(self.path(name)?)?))
    }

    fn write(&mut self, name: &str, content: &mut dyn Read) -> io::Result<u64> {
        let path = self.path(name)?;
        let folder = Self::parent(&path);
        make_folder(folder)?;
        let part = self.root.join(PART);
        let mut file = File::create(&part)?;
        let written = io::copy(content, &mut file)?;
        file.sync_all()?;
        fs::rename(&part, &path)?;
        sync_folder(folder)?;
        Ok(written)
    }

    fn append(&mut self, name: &str, at: u64, content: &[u8]) -> io::Result<()> {
        let path = self.path(name)?;
        let folder = Self::parent(&path);
        make_folder(folder)?;
        let new = !path.exists();
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)?;
        if file.metadata()?.len() < at {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "file is shorter than what was committed to it",
            ));
        }
        // Whatever stands beyond was never acknowledged.
        file.set_len(at)?;
        file.seek(SeekFrom::Start(at))?;
        file.write_all(content)?;
        file.sync_all()?;
        if new { sync_folder(folder) } else { Ok(()) }
    }

    fn list(&self, prefix: &str) -> io::Result<Vec<(String, u64)>> {
        let folder = prefix.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut found = Vec::new();
        let start = if folder.is_empty() {
            self.root.clone()
        } else {
            self.path(folder)?
        };
        collect(&start, folder, &mut found)?;
        found.retain(|(name, _)| name.starts_with(prefix));
        found.sort();
        Ok(found)
    }
}

fn collect(folder: &Path, name: &str, found: &mut Vec<(String, u64)>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(e),
    };
    for entry in entries {
        let entry = entry?;
        let Ok(own) = entry.file_name().into_string() else {
            continue;
        };
        if own.starts_with('.') {
            continue;
        }
        let full = if name.is_empty() {
            own
        } else {
            format!("{name}/{own}")
        };
        let kind = entry.metadata()?;
        if kind.is_dir() {
            collect(&entry.path(), &full, found)?;
        } else {
            found.push((full, kind.len()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

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
