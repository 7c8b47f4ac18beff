//! A sealed file read once before its record is judged: what is in it, whatever anybody says of it.

use crate::record::START_LEN_MAX;
use crate::root::{BLOCK, ROUND_BLOCKS, leaf_tasks, run_beside};
use crate::{Error, Result, SealRecord, SealedFile, VerifiedSeal};
use mifeng_crypto::{Digest, HashAlg, Hasher, sm3x};
use mifeng_log::merkle::Frontier;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

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
        Measuring::new(alg).finish(file, workers)
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

/// A sealed file that is read while it comes, from its start as far as it is there. It keeps hashes, some hundred bytes.
#[derive(Clone)]
pub struct Measuring {
    alg: HashAlg,
    /// Where the body lies, once the file's start was read.
    body: Option<Range<u64>>,
    /// Bytes from the start that are hashed: nothing, or the start and whole blocks of the body.
    at: u64,
    sha256: Hasher,
    tree: Frontier,
}

impl Measuring {
    /// Nothing was read yet.
    pub fn new(alg: HashAlg) -> Self {
        Measuring {
            alg,
            body: None,
            at: 0,
            sha256: HashAlg::Sha256.hasher(),
            tree: Frontier::new(alg),
        }
    }

    /// Bytes from the start that need not be read again.
    pub fn at(&self) -> u64 {
        self.at
    }

    /// Reads on, to the last block of the body that ends in the first `there` bytes, which nobody may write to any more. The
    /// file has its full length already. After an error it stands where it stood, or some blocks later.
    ///
    /// # Errors
    /// Those of [`SealedFile::read`] that the file's start gives; reading errors.
    pub fn advance<R: Read + Seek + ?Sized>(
        &mut self,
        file: &mut R,
        there: u64,
        workers: usize,
    ) -> Result<()> {
        if there < START_LEN_MAX {
            return Ok(());
        }
        let body = self.begin(file)?;
        let blocks = there.min(body.end).saturating_sub(body.start) / BLOCK as u64;
        self.read_to(file, body.start + blocks * BLOCK as u64, workers)
    }

    /// Reads the rest of the file, which is there.
    ///
    /// # Errors
    /// Those of [`SealedFile::read`]; reading errors.
    pub fn finish<R: Read + Seek + ?Sized>(
        &self,
        file: &mut R,
        workers: usize,
    ) -> Result<Measured> {
        let sealed = SealedFile::read(file)?;
        let record = sealed.record().clone();
        let mut whole = self.clone();
        let offset = sealed.body_offset();
        let body = offset..offset + sealed.body_len();
        if whole.begin(file)? != body {
            whole = Measuring::new(self.alg);
            whole.begin(file)?;
        }
        whole.read_to(file, body.end, workers)?;
        whole.hash_part(file, record.total_len(sealed.body_len()))?;
        Ok(Measured {
            body_len: sealed.body_len(),
            record,
            root: whole.tree.root(),
            alg: whole.alg,
            sha256: whole.sha256.finish(),
        })
    }

    fn begin<R: Read + Seek + ?Sized>(&mut self, file: &mut R) -> Result<Range<u64>> {
        if let Some(body) = &self.body {
            return Ok(body.clone());
        }
        let body = SealedFile::find_body(file)?;
        self.hash_part(file, body.start)?;
        self.body = Some(body.clone());
        Ok(body)
    }

    /// Hashes a part that is not of the body, some kilobytes, up to `end`.
    fn hash_part<R: Read + Seek + ?Sized>(&mut self, file: &mut R, end: u64) -> Result<()> {
        // Below the limits of the parts, as the file was parsed.
        let mut part = vec![0; end.saturating_sub(self.at) as usize];
        self.take(file, &mut part)?;
        self.sha256.update(&part);
        self.at = end;
        Ok(())
    }

    /// Hashes blocks of the body up to `end`, where one ends or the body.
    fn read_to<R: Read + Seek + ?Sized>(
        &mut self,
        file: &mut R,
        end: u64,
        workers: usize,
    ) -> Result<()> {
        let round = BLOCK * ROUND_BLOCKS.max(sm3x::lanes());
        // At most the round's length, so the conversion cannot cut.
        let next = |at: u64| end.saturating_sub(at).min(round as u64) as usize;
        let mut buffer = vec![0; next(self.at)];
        while self.at < end {
            buffer.truncate(next(self.at));
            self.take(file, &mut buffer)?;
            let blocks: Vec<&[u8]> = buffer.chunks(BLOCK).collect();
            let tasks = leaf_tasks(self.alg, &blocks, workers);
            let whole = || self.sha256.update(&buffer);
            let ((), leaves) = run_beside(workers.max(1), tasks, whole);
            for leaf in leaves.into_iter().flatten() {
                self.tree.append(leaf);
            }
            self.at += buffer.len() as u64;
        }
        Ok(())
    }

    /// Fills `part` from where it stands: all of it, before anything is hashed.
    fn take<R: Read + Seek + ?Sized>(&self, file: &mut R, part: &mut [u8]) -> Result<()> {
        let reading = Error::io("reading the sealed file");
        file.seek(SeekFrom::Start(self.at)).map_err(&reading)?;
        file.read_exact(part).map_err(&reading)
    }
}
