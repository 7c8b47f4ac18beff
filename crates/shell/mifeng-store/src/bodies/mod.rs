//! Where large files go: objects under names that nobody uses twice, in a folder or an object store.
//!
//! The row of a database says which object is a file. An object that no row names is nothing: a torn or
//! repeated upload is never visible, whatever the object store promises about conditions.

mod folder;
#[cfg(feature = "s3")]
mod s3;

pub(crate) use folder::Folder;
#[cfg(feature = "s3")]
pub(crate) use s3::{S3, S3Place};

use mifeng::{ReadSeek, WholeFile};
use std::io::{self, Read};

/// Objects; their names are `tender/number`.
pub(crate) trait Bodies: Send {
    /// Puts a new object; it is durable when this returns. What a failure leaves behind is the caller's to
    /// remove.
    fn put(&self, object: &str, content: &mut dyn Read) -> io::Result<()>;

    /// Makes files of this machine new objects, durable when this returns; those of which it says `false` must be put instead.
    /// A file that the disk did not keep is spoiled.
    fn adopt(&self, files: &[(&str, &WholeFile)]) -> io::Result<Vec<bool>> {
        Ok(vec![false; files.len()])
    }

    /// A reader over an object of `len` bytes; `NotFound` if there is none, `InvalidData` if its length is
    /// another.
    fn open(&self, object: &str, len: u64) -> io::Result<Box<dyn ReadSeek>>;

    /// Takes an object away; it need not be there.
    fn remove(&self, object: &str) -> io::Result<()>;

    /// Every object of a tender, sorted, with its length.
    fn list(&self, tender: &str) -> io::Result<Vec<(String, u64)>>;
}

/// Reads until the buffer is full or the content ends.
pub(crate) fn fill(content: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut len = 0;
    while len < buffer.len() {
        match content.read(&mut buffer[len..]) {
            Ok(0) => break,
            Ok(more) => len += more,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(len)
}
