//! Encrypting and decrypting a body in rounds of one piece per worker, in constant memory.

use crate::body::{BodyCipher, CHUNK, PREFIX, SEALED_CHUNK};
use crate::root::RootHasher;
use crate::{Error, Result};
use mifeng_crypto::{Digest, HashAlg};
use std::io::{Read, Write};
use zeroize::Zeroize;

/// Chunks that one worker takes per round: 1 MiB of plaintext.
const PIECE_CHUNKS: usize = 64;
/// More threads than this only cost memory.
pub const WORKERS_MAX: usize = 64;

/// Runs `work` on pieces of whole chunks of `buffer`, on up to `workers` threads.
fn in_parallel(
    buffer: &mut [u8],
    first: u64,
    workers: usize,
    work: &(dyn Fn(u64, &mut [u8]) -> Result<()> + Sync),
) -> Result<()> {
    let chunks = buffer.len().div_ceil(SEALED_CHUNK);
    let share = chunks.div_ceil(workers).max(1);
    if workers == 1 || chunks < 2 {
        return work(first, buffer);
    }
    std::thread::scope(|scope| {
        let threads: Vec<_> = buffer
            .chunks_mut(share * SEALED_CHUNK)
            .zip((first..).step_by(share))
            .map(|(piece, at)| scope.spawn(move || work(at, piece)))
            .collect();
        // The first failing piece in order decides, whatever the threads' timing; the scope waits
        // for those after it.
        threads.into_iter().try_for_each(|thread| {
            thread.join().unwrap_or(Err(Error::Io {
                what: "worker thread",
                kind: std::io::ErrorKind::Other,
            }))
        })
    })
}

/// Takes plaintext, writes the body to `out`, and keeps the Merkle root.
pub(crate) struct BodyWriter<'a> {
    cipher: &'a BodyCipher,
    out: &'a mut dyn Write,
    root: RootHasher,
    workers: usize,
    // Plaintext laid out in chunk slots; `used` counts slots' bytes including tag room.
    buffer: Vec<u8>,
    used: usize,
    next_chunk: u64,
}

impl<'a> BodyWriter<'a> {
    pub(crate) fn new(
        cipher: &'a BodyCipher,
        alg: HashAlg,
        out: &'a mut dyn Write,
        workers: usize,
    ) -> Result<Self> {
        let workers = workers.clamp(1, WORKERS_MAX);
        let mut root = RootHasher::new(alg, workers);
        root.update(cipher.prefix());
        out.write_all(cipher.prefix())
            .map_err(Error::io("writing the sealed file"))?;
        Ok(BodyWriter {
            cipher,
            out,
            root,
            workers,
            buffer: vec![0; workers * PIECE_CHUNKS * SEALED_CHUNK],
            used: 0,
            next_chunk: 0,
        })
    }

    /// Adds plaintext.
    pub(crate) fn write(&mut self, mut data: &[u8]) -> Result<()> {
        while !data.is_empty() {
            let at = self.used % SEALED_CHUNK;
            let take = data.len().min(CHUNK - at);
            let (now, rest) = data.split_at(take);
            self.buffer[self.used..self.used + take].copy_from_slice(now);
            self.used += take;
            if at + take == CHUNK {
                self.used += SEALED_CHUNK - CHUNK;
                if self.used == self.buffer.len() {
                    self.flush()?;
                }
            }
            data = rest;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        let cipher = self.cipher;
        let sealed = &mut self.buffer[..self.used];
        in_parallel(sealed, self.next_chunk, self.workers, &|at, piece| {
            cipher.seal_chunks(at, piece)
        })?;
        self.root.update(sealed);
        self.out
            .write_all(sealed)
            .map_err(Error::io("writing the sealed file"))?;
        self.next_chunk += (sealed.len() / SEALED_CHUNK) as u64;
        self.used = 0;
        Ok(())
    }

    /// Closes the short final chunk and returns the root.
    pub(crate) fn finish(mut self) -> Result<Digest> {
        // A full buffer was flushed, so there is always room for the final tag.
        self.used += SEALED_CHUNK - CHUNK;
        self.flush()?;
        let root = core::mem::replace(&mut self.root, RootHasher::new(HashAlg::Sha256, 1));
        Ok(root.finish())
    }
}

impl Drop for BodyWriter<'_> {
    fn drop(&mut self) {
        // Only an aborted run leaves plaintext here; ciphertext does not mind.
        self.buffer.zeroize();
    }
}

/// Reads a body of exactly `len` bytes and hands its plaintext to `sink` in order, chunk by chunk.
///
/// The root over what was read is returned too, whatever the plaintext's fate: a body that was
/// swapped in storage must not be charged to the bidder. `sink`'s error, or the first inauthentic
/// chunk, stands in the inner result.
pub(crate) fn read_body(
    reader: &mut dyn Read,
    len: u64,
    cipher: &BodyCipher,
    alg: HashAlg,
    workers: usize,
    sink: &mut dyn FnMut(&[u8]) -> Result<()>,
) -> Result<(Digest, Result<()>)> {
    // Also what makes every piece below end with room for a tag.
    crate::record::check_body_len(len)?;
    let workers = workers.clamp(1, WORKERS_MAX);
    let reading = Error::io("reading the body");
    let mut root = RootHasher::new(alg, workers);
    let mut prefix = [0; PREFIX];
    reader.read_exact(&mut prefix).map_err(&reading)?;
    root.update(&prefix);
    let mut outcome = if cipher.owns(&prefix) {
        Ok(())
    } else {
        Err(Error::Opening {
            what: "salt or key commitment of the body",
        })
    };
    let mut left = len - PREFIX as u64;
    let mut next_chunk = 0;
    let mut buffer = zeroize::Zeroizing::new(vec![0; workers * PIECE_CHUNKS * SEALED_CHUNK]);
    while left > 0 {
        // At most the buffer's length, so the conversion cannot cut.
        let take = left.min(buffer.len() as u64) as usize;
        let piece = &mut buffer[..take];
        reader.read_exact(piece).map_err(&reading)?;
        root.update(piece);
        left -= take as u64;
        if outcome.is_ok() {
            outcome = in_parallel(piece, next_chunk, workers, &|at, chunks| {
                cipher.open_chunks(at, chunks)
            });
            next_chunk += (take / SEALED_CHUNK) as u64;
        }
        for chunk in piece.chunks(SEALED_CHUNK) {
            if outcome.is_ok() {
                outcome = sink(&chunk[..chunk.len() - (SEALED_CHUNK - CHUNK)]);
            }
        }
    }
    Ok((root.finish(), outcome))
}
