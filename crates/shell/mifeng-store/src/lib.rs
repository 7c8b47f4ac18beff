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

mod disk;

pub use disk::{Disk, DiskFile, Local};

use mifeng::{ReadSeek, Store};
use std::io::{self, Read};
use std::path::Path;

/// Written in full and synced before it takes its name.
const PART: &str = ".part";
/// Bytes that are read and written at a time.
const BUFFER_LEN: usize = 1 << 18;

/// A directory with one writer.
///
/// The second process that opens it is refused: two writers would fork the log. The lock is the
/// operating system's and goes with the process, so a crash leaves nothing to clean up.
pub struct Directory<D: Disk = Local> {
    disk: D,
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
    /// What the disk says.
    pub fn on(mut disk: D) -> io::Result<Self> {
        sync_below(&mut disk, "")?;
        Ok(Directory { disk })
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

fn checked(name: &str) -> io::Result<&str> {
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

/// Writes all of it, however short the single writes are.
fn write_all(file: &mut dyn DiskFile, mut at: u64, mut bytes: &[u8]) -> io::Result<u64> {
    while !bytes.is_empty() {
        match file.write_at(at, bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                at += written as u64;
                bytes = &bytes[written..];
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(at)
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
        let folder = parent(checked(name)?);
        self.make_folder(folder)?;
        // A new file each time: what a crash left under this name may be known by another as well.
        self.disk.remove(PART)?;
        let mut file = self.disk.create(PART)?;
        let mut buffer = vec![0; BUFFER_LEN];
        let mut written = 0;
        loop {
            match content.read(&mut buffer) {
                Ok(0) => break,
                Ok(len) => written = write_all(&mut *file, written, &buffer[..len])?,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        file.sync()?;
        self.disk.rename(PART, name)?;
        self.disk.sync_folder(folder)?;
        Ok(written)
    }

    fn append(&mut self, name: &str, at: u64, content: &[u8]) -> io::Result<()> {
        let folder = parent(checked(name)?);
        self.make_folder(folder)?;
        let mut file = self.disk.edit(name)?;
        let len = file.len()?;
        if len < at {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "file is shorter than what was committed to it",
            ));
        }
        if len > at {
            // Whatever stands beyond was never acknowledged.
            file.set_len(at)?;
        }
        write_all(&mut *file, at, content)?;
        file.sync()?;
        if at == 0 {
            self.disk.sync_folder(folder)?;
        }
        Ok(())
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
