//! What was looked at in a store, and what is wrong with it.

use std::io;

/// What an examination of a store found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Examined {
    /// Files that were read.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files that are not what was put, and why.
    pub damaged: Vec<(String, String)>,
    /// Objects that no file is made of: uploads that broke off, or contents that were replaced.
    pub loose: Vec<String>,
}

impl Examined {
    /// Counts a file. An object that is missing or changed is a finding; a store that does not answer is an
    /// error.
    pub(crate) fn note(&mut self, name: &str, len: u64, held: io::Result<()>) -> io::Result<()> {
        self.files += 1;
        self.bytes += len;
        match held {
            Err(e) if [io::ErrorKind::InvalidData, io::ErrorKind::NotFound].contains(&e.kind()) => {
                self.damaged.push((name.to_owned(), e.to_string()));
                Ok(())
            }
            held => held,
        }
    }
}
