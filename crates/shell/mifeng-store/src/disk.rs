//! What a store asks of a disk, and the disk of this machine.

use mifeng::ReadSeek;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Held by the one process that may write.
const LOCK: &str = ".lock";

/// A folder of files, as an operating system gives it: what is written may be lost, in any part and
/// in any order, until the file is synced; and a name until its folder is.
///
/// Names are relative, with `/` between parts; the folder itself is the empty name.
pub trait Disk: Send {
    /// The whole content of a file.
    ///
    /// # Errors
    /// `NotFound`, or what the system says.
    fn read(&self, name: &str) -> io::Result<Vec<u8>>;

    /// A reader over a file.
    ///
    /// # Errors
    /// `NotFound`, or what the system says.
    fn open(&self, name: &str) -> io::Result<Box<dyn ReadSeek>>;

    /// A new, empty file.
    ///
    /// # Errors
    /// `AlreadyExists`, or what the system says.
    fn create(&mut self, name: &str) -> io::Result<Box<dyn DiskFile>>;

    /// A file to be written to, made if it is not there.
    ///
    /// # Errors
    /// What the system says.
    fn edit(&mut self, name: &str) -> io::Result<Box<dyn DiskFile>>;

    /// Takes a name away; it need not be there.
    ///
    /// # Errors
    /// What the system says.
    fn remove(&mut self, name: &str) -> io::Result<()>;

    /// Gives a file of this machine another name here, which nothing may have: the two are one file from then on. What
    /// it holds need not be durable by that. `false` if it cannot have one.
    ///
    /// # Errors
    /// `NotFound`, or what the system says.
    fn link(&mut self, from: &Path, name: &str) -> io::Result<bool> {
        let _ = (from, name);
        Ok(false)
    }

    /// Gives a file another name, in place of whatever had it.
    ///
    /// # Errors
    /// What the system says.
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;

    /// Whether there is a folder of that name.
    ///
    /// # Errors
    /// What the system says.
    fn is_folder(&self, name: &str) -> io::Result<bool>;

    /// Makes a folder.
    ///
    /// # Errors
    /// What the system says.
    fn make_folder(&mut self, name: &str) -> io::Result<()>;

    /// Makes the names in a folder durable.
    ///
    /// # Errors
    /// What the system says.
    fn sync_folder(&mut self, name: &str) -> io::Result<()>;

    /// Own names in a folder, with the sizes of files; `None` stands for a folder. Nothing if the
    /// folder is not there.
    ///
    /// # Errors
    /// What the system says.
    fn list(&self, name: &str) -> io::Result<Vec<(String, Option<u64>)>>;
}

/// An open file.
#[allow(clippy::len_without_is_empty)] // A size that may fail, not a collection.
pub trait DiskFile: Send {
    /// Its size in bytes.
    ///
    /// # Errors
    /// What the system says.
    fn len(&self) -> io::Result<u64>;

    /// Cuts it off.
    ///
    /// # Errors
    /// What the system says.
    fn set_len(&mut self, len: u64) -> io::Result<()>;

    /// Writes some of the bytes and says how many.
    ///
    /// # Errors
    /// What the system says.
    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<usize>;

    /// Makes what was written durable.
    ///
    /// # Errors
    /// What the system says.
    fn sync(&mut self) -> io::Result<()>;
}

/// Writes all of it, however short the single writes are.
pub(crate) fn write_all(file: &mut dyn DiskFile, mut at: u64, mut bytes: &[u8]) -> io::Result<u64> {
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

/// Gives a file another name; `false` if the two would be on two disks, or the file system knows no second names.
pub(crate) fn link(from: &Path, to: &Path) -> io::Result<bool> {
    use io::ErrorKind as Kind;
    let copied = [
        Kind::CrossesDevices,
        Kind::PermissionDenied,
        Kind::TooManyLinks,
        Kind::Unsupported,
    ];
    match fs::hard_link(from, to) {
        Ok(()) => Ok(true),
        Err(e) if copied.contains(&e.kind()) => Ok(false),
        Err(e) => Err(e),
    }
}

/// Makes a folder and those above it; a new name is durable only once the folder above is synced.
fn make_all(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = match folder.parent() {
        Some(above) if !above.as_os_str().is_empty() => above,
        _ => Path::new("."),
    };
    make_all(above)?;
    match fs::create_dir(folder) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
        _ => {}
    }
    File::open(above)?.sync_all()
}

/// The system's own lock of a file: it goes with the process, so a crash leaves nothing to clean up.
pub(crate) struct Lock(File);

impl Lock {
    /// Takes it; none if somebody else has it.
    pub(crate) fn take(path: &Path) -> io::Result<Option<Self>> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock(file))),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(e)) => Err(e),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing is not enough: a program that another thread is just starting has the file open too, for a moment.
        let _ = self.0.unlock();
    }
}

/// A folder on a disk of this machine, held by one process.
pub struct Local {
    root: PathBuf,
    _lock: Lock,
}

impl Local {
    /// Opens the folder, making it if it is not there.
    ///
    /// # Errors
    /// `WouldBlock` if another process has it open; else what the system says.
    pub fn open(root: &Path) -> io::Result<Self> {
        make_all(root)?;
        let held = || {
            let what = "another process has this folder open";
            io::Error::new(io::ErrorKind::WouldBlock, what)
        };
        Ok(Local {
            root: root.to_owned(),
            _lock: Lock::take(&root.join(LOCK))?.ok_or_else(held)?,
        })
    }
}

impl Disk for Local {
    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        fs::read(self.root.join(name))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn ReadSeek>> {
        Ok(Box::new(File::open(self.root.join(name))?))
    }

    fn create(&mut self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(File::create_new(self.root.join(name))?))
    }

    fn edit(&mut self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.root.join(name))?;
        Ok(Box::new(file))
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.root.join(name)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        }
    }

    fn link(&mut self, from: &Path, name: &str) -> io::Result<bool> {
        link(from, &self.root.join(name))
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.root.join(from), self.root.join(to))
    }

    fn is_folder(&self, name: &str) -> io::Result<bool> {
        match fs::metadata(self.root.join(name)) {
            Ok(data) => Ok(data.is_dir()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(e) => Err(e),
        }
    }

    fn make_folder(&mut self, name: &str) -> io::Result<()> {
        fs::create_dir(self.root.join(name))
    }

    fn sync_folder(&mut self, name: &str) -> io::Result<()> {
        File::open(self.root.join(name))?.sync_all()
    }

    fn list(&self, name: &str) -> io::Result<Vec<(String, Option<u64>)>> {
        let entries = match fs::read_dir(self.root.join(name)) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(e),
        };
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry?;
            // The engine writes plain names only; what has another is not its own.
            if let Ok(own) = entry.file_name().into_string() {
                let data = entry.metadata()?;
                found.push((own, data.is_file().then_some(data.len())));
            }
        }
        Ok(found)
    }
}

impl DiskFile for File {
    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        File::set_len(self, len)
    }

    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<usize> {
        self.seek(SeekFrom::Start(at))?;
        self.write(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        // The size with it, which is all of the rest that reading needs.
        self.sync_data()
    }
}
