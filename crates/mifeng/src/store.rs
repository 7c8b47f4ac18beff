//! Where a host keeps its files: the joint between the engine and a disk, a database or a test.

use mifeng_crypto::{Digest, HashAlg};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes of a file that are read at a time.
const READ_LEN: usize = 1 << 18;

/// A reader that can seek.
pub trait ReadSeek: io::Read + io::Seek + Send {}

impl<T: io::Read + io::Seek + Send> ReadSeek for T {}

/// One of the writes of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write<'a> {
    /// The content in place of whatever the name had.
    Put {
        /// Where.
        name: &'a str,
        /// All of it.
        content: &'a [u8],
    },
    /// More at the end of an append-only file that is `at` bytes long; whatever a crash may have left
    /// behind that length is cut off first.
    Append {
        /// Where.
        name: &'a str,
        /// The length before.
        at: u64,
        /// What is added.
        content: &'a [u8],
    },
}

/// A file of this machine that is whole: it was read once to its end, and nobody writes to it any more.
#[derive(Clone, Debug)]
pub struct WholeFile {
    path: PathBuf,
    len: u64,
    sha256: Digest,
    spoiled: Spoiled,
}

/// Whether nobody can vouch for a file any more; copies are one.
pub(crate) type Spoiled = Arc<AtomicBool>;

impl WholeFile {
    /// Reads it.
    ///
    /// # Errors
    /// What the system says.
    pub fn read(path: &Path) -> io::Result<Self> {
        let (mut file, mut hasher) = (File::open(path)?, HashAlg::Sha256.hasher());
        let (mut buffer, mut len) = (vec![0; READ_LEN], 0);
        loop {
            let read = match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            };
            hasher.update(&buffer[..read]);
            len += read as u64;
        }
        let spoiled = Spoiled::default();
        Ok(WholeFile::of(path, (len, hasher.finish()), &spoiled))
    }

    /// One that was read elsewhere.
    pub(crate) fn of(path: &Path, (len, sha256): (u64, Digest), spoiled: &Spoiled) -> Self {
        WholeFile {
            path: path.to_owned(),
            len,
            sha256,
            spoiled: Arc::clone(spoiled),
        }
    }

    /// Notes that this file cannot be vouched for: it is not what was measured, or its disk failed to keep it. No later try
    /// says anything else (spec/store.md).
    pub fn spoil(&self) {
        self.spoiled.store(true, Ordering::Release);
    }

    /// Whether somebody noted that.
    pub fn is_spoiled(&self) -> bool {
        self.spoiled.load(Ordering::Acquire)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its size in bytes.
    #[allow(clippy::len_without_is_empty)] // A size, not a collection.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// SHA-256 of its content.
    pub fn sha256(&self) -> &Digest {
        &self.sha256
    }

    /// Opens it, to be copied.
    ///
    /// # Errors
    /// What the system says, and as [`WholeFile::require_len`]; one that is not there is spoiled.
    pub fn open(&self) -> io::Result<File> {
        let opened = File::open(&self.path).inspect_err(|e| {
            if e.kind() == io::ErrorKind::NotFound {
                self.spoil();
            }
        });
        let file = opened?;
        self.require_len(file.metadata()?.len())?;
        Ok(file)
    }

    /// Whether it has the length still that it was measured with.
    ///
    /// # Errors
    /// `InvalidData` if not: somebody wrote to it, and it is spoiled.
    pub fn require_len(&self, found: u64) -> io::Result<()> {
        if found == self.len {
            return Ok(());
        }
        self.spoil();
        let what = format!("expected a file of {} bytes, found {found}", self.len);
        Err(io::Error::new(io::ErrorKind::InvalidData, what))
    }
}

/// Named byte strings. Names are relative paths of `[A-Za-z0-9._/-]` that the engine makes.
///
/// Every method that returns `Ok` from a write has made it durable: a power cut after it changes
/// nothing. An error from a write means that the store must be opened anew before it is used.
pub trait Store: Send {
    /// The whole content, or `None` if there is no such name.
    ///
    /// # Errors
    /// What the system says.
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>>;

    /// A reader over the content.
    ///
    /// # Errors
    /// What the system says; `NotFound` if there is no such name.
    fn open(&self, name: &str) -> io::Result<Box<dyn ReadSeek>>;

    /// Puts the content in place of whatever was there, all or nothing.
    ///
    /// # Errors
    /// What the system says.
    fn write(&mut self, name: &str, content: &mut dyn io::Read) -> io::Result<u64>;

    /// Puts whole files in place of whatever was there, each all or nothing; many at once cost little more than one. A file
    /// may be one with the content from then on: nobody writes to it, and it may be removed where it was. A store that
    /// cannot do that copies it.
    ///
    /// # Errors
    /// What the system says; some may be there then. A file that is not what was measured, or that a disk did not keep, is
    /// [spoiled](WholeFile::spoil): without it the others may be tried again.
    fn adopt(&mut self, files: &[(&str, &WholeFile)]) -> io::Result<()> {
        for (name, file) in files {
            self.write(name, &mut file.open()?)?;
        }
        Ok(())
    }

    /// Gives a content another name, in place of whatever had that, all or nothing.
    ///
    /// # Errors
    /// What the system says; `NotFound` if there is no such content, with nothing changed.
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;

    /// Does the writes in their order, all of them or none: they are durable together when this
    /// returns, and after a crash either all are there or it is as if this had never been called.
    ///
    /// # Errors
    /// What the system says; `InvalidData` if a file is shorter than an append to it says.
    fn batch(&mut self, writes: &[Write<'_>]) -> io::Result<()>;

    /// A batch of one append.
    ///
    /// # Errors
    /// As [`Store::batch`].
    fn append(&mut self, name: &str, at: u64, content: &[u8]) -> io::Result<()> {
        self.batch(&[Write::Append { name, at, content }])
    }

    /// Names that start with `prefix`, sorted, with their sizes.
    ///
    /// # Errors
    /// What the system says.
    fn list(&self, prefix: &str) -> io::Result<Vec<(String, u64)>>;
}

/// A store that is chosen at run time.
impl<S: Store + ?Sized> Store for Box<S> {
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        (**self).read(name)
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn ReadSeek>> {
        (**self).open(name)
    }

    fn write(&mut self, name: &str, content: &mut dyn io::Read) -> io::Result<u64> {
        (**self).write(name, content)
    }

    fn adopt(&mut self, files: &[(&str, &WholeFile)]) -> io::Result<()> {
        (**self).adopt(files)
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        (**self).rename(from, to)
    }

    fn batch(&mut self, writes: &[Write<'_>]) -> io::Result<()> {
        (**self).batch(writes)
    }

    fn append(&mut self, name: &str, at: u64, content: &[u8]) -> io::Result<()> {
        (**self).append(name, at, content)
    }

    fn list(&self, prefix: &str) -> io::Result<Vec<(String, u64)>> {
        (**self).list(prefix)
    }
}
