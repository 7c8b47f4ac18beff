//! Files of this machine that a store takes over or copies.

use mifeng_crypto::{Digest, HashAlg, Hasher};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes of a file that are read at a time.
const READ_LEN: usize = 1 << 18;

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

    /// Opens it: it is there, and as long as it was.
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

    /// Opens it, to be copied: what is read to the end is what was measured.
    ///
    /// # Errors
    /// As [`WholeFile::open`]. Reading ends with `InvalidData` if it is something else by now. A file that cannot be read, or is
    /// not what was measured, is spoiled.
    pub fn copying(&self) -> io::Result<Copying> {
        Ok(Copying {
            file: self.open()?,
            found: 0,
            hasher: HashAlg::Sha256.hasher(),
            sha256: None,
            whole: self.clone(),
        })
    }
}

/// A [`WholeFile`] that is being copied.
pub struct Copying {
    file: File,
    found: u64,
    hasher: Hasher,
    /// Once the end was seen.
    sha256: Option<Digest>,
    whole: WholeFile,
}

impl Copying {
    /// At the end of the file.
    fn end(&mut self) -> io::Result<()> {
        self.whole.require_len(self.found)?;
        // Whoever asks again after a wrong end is told so again.
        let known = self.whole.sha256;
        let hasher = &self.hasher;
        let found = *self.sha256.get_or_insert_with(|| hasher.clone().finish());
        if found == known {
            return Ok(());
        }
        self.whole.spoil();
        let what = format!("expected SHA-256 {known}, found {found}");
        Err(io::Error::new(io::ErrorKind::InvalidData, what))
    }
}

impl Read for Copying {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let read = self.file.read(buffer).inspect_err(|e| {
            if e.kind() != io::ErrorKind::Interrupted {
                self.whole.spoil();
            }
        })?;
        if read == 0 {
            self.end()?;
        }
        self.hasher.update(&buffer[..read]);
        self.found += read as u64;
        Ok(read)
    }
}

impl core::fmt::Debug for Copying {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Copying")
            .field("whole", &self.whole)
            .field("found", &self.found)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_ends_well_only_with_what_was_measured() -> io::Result<()> {
        let name = format!("mifeng-whole-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let content = vec![7; READ_LEN + 3];
        std::fs::write(&path, &content)?;
        let file = WholeFile::read(&path)?;
        let mut found = Vec::new();
        let mut copying = file.copying()?;
        copying.read_to_end(&mut found)?;
        assert_eq!((copying.read(&mut [0; 8])?, found == content), (0, true));
        let mut other = content.clone();
        other[READ_LEN] ^= 1;
        std::fs::write(&path, &other)?;
        let mut copying = file.copying()?;
        assert!(!file.is_spoiled());
        // Whoever asks again is told again.
        for _ in 0..2 {
            let said = copying.read_to_end(&mut found).map_err(|e| e.kind());
            assert_eq!(said, Err(io::ErrorKind::InvalidData));
            assert!(file.is_spoiled());
        }
        // Shorter once it is open.
        std::fs::write(&path, &content)?;
        let file = WholeFile::read(&path)?;
        let mut copying = file.copying()?;
        std::fs::write(&path, &content[..READ_LEN])?;
        assert!(copying.read_to_end(&mut found).is_err() && file.is_spoiled());
        std::fs::remove_file(&path)
    }
}
