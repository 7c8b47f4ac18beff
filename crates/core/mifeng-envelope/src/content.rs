//! One file of an opened bid, read anywhere in it without the rest.

use crate::body::{BodyCipher, CHUNK, PREFIX, SEALED_CHUNK};
use crate::open::body_cipher;
use crate::root::RootHasher;
use crate::verify::VerifiedSeal;
use crate::{Error, Manifest, Result, Sigma, tar};
use mifeng_crypto::{Digest, HashAlg};
use std::io::{self, Read, Seek, SeekFrom, Write};
use zeroize::Zeroizing;

/// A file inside a bid that was opened before: [`crate::open_body`] gave its manifest. Reading and
/// seeking touch the chunks that are asked for and no others; every chunk is authentic before any of
/// it is given out.
pub struct FileReader<'a, R: Read + Seek + ?Sized> {
    file: &'a mut R,
    cipher: BodyCipher,
    alg: HashAlg,
    hash: Digest,
    // Where the body is in the sealed file, and how long.
    body_at: u64,
    body_len: u64,
    // Where the content is in the plaintext, how long, and the reader's place in it.
    start: u64,
    size: u64,
    at: u64,
    // The chunk that was decrypted last: its number and its plaintext.
    chunk: Option<(u64, Zeroizing<Vec<u8>>)>,
}

/// Finds the file `path` of the bid in `file` (the whole `*.bid`).
///
/// # Errors
/// [`Error::UnknownFile`] if the manifest names none; [`Error::Mismatch`] if the manifest or the file
/// is of another seal; [`Error::Opening`] if the manifest is not what the bid opens to.
pub fn open_file<'a, R: Read + Seek + ?Sized>(
    file: &'a mut R,
    seal: &VerifiedSeal,
    sigma: &Sigma,
    manifest: &Manifest,
    path: &str,
) -> Result<FileReader<'a, R>> {
    if manifest.context != seal.context_digest() {
        return Err(Error::Mismatch { what: "manifest" });
    }
    let mut start = 0;
    for (index, entry) in manifest.files.iter().enumerate() {
        let header = tar::header(&entry.path, entry.size, index);
        if entry.path != path {
            start += header.len() as u64 + entry.size + tar::gap(entry.size) as u64;
            continue;
        }
        let body_at = seal.seek_body(file)?;
        let mut reader = FileReader {
            file,
            cipher: body_cipher(seal.suite(), sigma.reveal(), &manifest.context)?,
            alg: seal.suite().hash(),
            hash: entry.hash,
            body_at,
            body_len: seal.body_len(),
            start,
            size: header.len() as u64,
            at: 0,
            chunk: None,
        };
        let mut found = vec![0; header.len()];
        reader.fill(&mut found)?;
        if found != header {
            return Err(Error::Opening {
                what: "files are not those of the manifest",
            });
        }
        (reader.start, reader.size, reader.at) = (start + reader.size, entry.size, 0);
        return Ok(reader);
    }
    Err(Error::UnknownFile)
}

impl<R: Read + Seek + ?Sized> FileReader<'_, R> {
    /// Bytes of the file.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Writes the whole file to `out` and compares its tree hash with the manifest's.
    ///
    /// # Errors
    /// [`Error::Opening`] if it is another; reading and writing errors.
    pub fn copy_to(&mut self, out: &mut dyn Write) -> Result<()> {
        let mut hasher = RootHasher::new(self.alg, 1);
        let mut buffer = Zeroizing::new(vec![0; CHUNK]);
        self.at = 0;
        loop {
            let read = self.some(&mut buffer)?;
            if read == 0 {
                break;
            }
            hasher.update(&buffer[..read])?;
            out.write_all(&buffer[..read])
                .map_err(Error::io("writing the content"))?;
        }
        // An empty file has no leaf, and the hasher's root says so.
        if hasher.finish()? != self.hash {
            return Err(Error::Opening {
                what: "files are not those of the manifest",
            });
        }
        Ok(())
    }

    fn fill(&mut self, mut out: &mut [u8]) -> Result<()> {
        while !out.is_empty() {
            match self.some(out)? {
                0 => {
                    return Err(Error::Opening {
                        what: "tar ends early",
                    });
                }
                read => out = &mut out[read..],
            }
        }
        Ok(())
    }

    /// Bytes from the place on, up to the end of their chunk.
    fn some(&mut self, out: &mut [u8]) -> Result<usize> {
        let left = self.size.saturating_sub(self.at);
        if left == 0 || out.is_empty() {
            return Ok(0);
        }
        let place = self.start + self.at;
        let (index, within) = (place / CHUNK as u64, (place % CHUNK as u64) as usize);
        let plain = self.chunk(index)?.get(within..).unwrap_or_default();
        // The smaller of the two fits a usize.
        let len = (plain.len().min(out.len()) as u64).min(left) as usize;
        out[..len].copy_from_slice(&plain[..len]);
        self.at += len as u64;
        Ok(len)
    }

    fn chunk(&mut self, index: u64) -> Result<&[u8]> {
        let chunk = match self.chunk.take() {
            Some(chunk) if chunk.0 == index => chunk,
            _ => (index, self.decrypt(index)?),
        };
        Ok(&self.chunk.insert(chunk).1)
    }

    fn decrypt(&mut self, index: u64) -> Result<Zeroizing<Vec<u8>>> {
        let reading = Error::io("reading the body");
        let early = Error::Opening {
            what: "tar ends early",
        };
        let at = PREFIX as u64 + index * SEALED_CHUNK as u64;
        let left = self.body_len.checked_sub(at).ok_or(early.clone())?;
        // At most a chunk, so the conversion cannot cut.
        let len = left.min(SEALED_CHUNK as u64) as usize;
        let mut chunk = Zeroizing::new(vec![0; len]);
        self.file
            .seek(SeekFrom::Start(self.body_at + at))
            .map_err(&reading)?;
        self.file.read_exact(&mut chunk).map_err(&reading)?;
        self.cipher.open_chunks(index, &mut chunk)?;
        let plain = len.checked_sub(SEALED_CHUNK - CHUNK).ok_or(early)?;
        chunk.truncate(plain);
        Ok(chunk)
    }
}

impl<R: Read + Seek + ?Sized> Read for FileReader<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.some(out)
            .map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
    }
}

impl<R: Read + Seek + ?Sized> Seek for FileReader<'_, R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
