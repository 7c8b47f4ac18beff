//! A sealed file read once before its record is judged: what is in it, whatever anybody says of it.

use crate::stream::read_root;
use crate::{Error, Result, SealRecord, SealedFile, VerifiedSeal};
use mifeng_crypto::{Digest, HashAlg, Hasher};
use std::io::{self, Read, Seek, SeekFrom};

/// Bytes that are read at a time beside the body: they are some kilobytes.
const BUFFER_LEN: usize = 1 << 16;

/// What was found in a sealed file that was read whole. Whoever has it need not read the file again, as long as
/// nobody writes to that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    record: SealRecord,
    body_len: u64,
    root: Digest,
    alg: HashAlg,
    sha256: Digest,
}

impl Measured {
    /// Reads a file from its start to its end, with `workers` threads for the hashes of its blocks.
    ///
    /// # Errors
    /// Those of [`SealedFile::read`]; reading errors.
    pub fn read<R: Read + Seek + ?Sized>(
        file: &mut R,
        alg: HashAlg,
        workers: usize,
    ) -> Result<Self> {
        let sealed = SealedFile::read(file)?;
        let reading = Error::io("reading the sealed file");
        file.seek(SeekFrom::Start(0)).map_err(&reading)?;
        let mut hashed = Hashed {
            file,
            hasher: HashAlg::Sha256.hasher(),
        };
        pass(&mut hashed, sealed.body_offset()).map_err(&reading)?;
        let root = read_root(&mut hashed, sealed.body_len(), alg, workers)?;
        pass(&mut hashed, u64::MAX).map_err(&reading)?;
        Ok(Measured {
            body_len: sealed.body_len(),
            record: sealed.record().clone(),
            root,
            alg,
            sha256: hashed.hasher.finish(),
        })
    }

    /// Header, trailer and signature, as they stand in the file.
    pub fn record(&self) -> &SealRecord {
        &self.record
    }

    /// Bytes of the whole file.
    #[allow(clippy::len_without_is_empty)] // A sealed file is never empty.
    pub fn len(&self) -> u64 {
        self.record.total_len(self.body_len)
    }

    /// SHA-256 of the whole file, in every suite: what stores know contents by.
    pub fn sha256(&self) -> &Digest {
        &self.sha256
    }

    /// Checks that the file is the one of this seal, whole: what [`check_body`](crate::check_body) says of it.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if it is another seal's file, [`Error::BodyRoot`].
    pub fn check(&self, seal: &VerifiedSeal) -> Result<()> {
        seal.check_measured(&self.record, (self.body_len, self.alg, &self.root))
    }
}

/// Hashes what passes.
struct Hashed<'f, R: ?Sized> {
    file: &'f mut R,
    hasher: Hasher,
}

impl<R: Read + ?Sized> Read for Hashed<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.file.read(buffer)?;
        self.hasher.update(&buffer[..len]);
        Ok(len)
    }
}

/// Reads `len` bytes, or up to the end.
fn pass(file: &mut dyn Read, len: u64) -> io::Result<()> {
    let mut sink = [0; BUFFER_LEN];
    let mut file = file.take(len);
    loop {
        match file.read(&mut sink) {
            Ok(0) => return Ok(()),
            Err(e) if e.kind() != io::ErrorKind::Interrupted => return Err(e),
            _ => {}
        }
    }
}
