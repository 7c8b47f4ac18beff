//! Where a host keeps its files: the joint between the engine and a disk, a database or a test.

use std::io;

/// A reader that can seek.
pub trait ReadSeek: io::Read + io::Seek + Send {}

impl<T: io::Read + io::Seek + Send> ReadSeek for T {}

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

    /// Adds to the end of an append-only file that is `at` bytes long, cutting off first whatever a
    /// crash may have left behind that length.
    ///
    /// # Errors
    /// What the system says.
    fn append(&mut self, name: &str, at: u64, content: &[u8]) -> io::Result<()>;

    /// Names that start with `prefix`, sorted, with their sizes.
    ///
    /// # Errors
    /// What the system says.
    fn list(&self, prefix: &str) -> io::Result<Vec<(String, u64)>>;
}
