//! Where a host keeps its files: the joint between the engine and a disk, a database or a test.

use crate::whole::WholeFile;
use std::io;

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
            self.write(name, &mut file.copying()?)?;
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
