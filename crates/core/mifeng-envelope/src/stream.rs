//! Encrypting and decrypting a body in rounds of 8 MiB, in constant memory, on several threads.
//!
//! A round encrypts one buffer while the blocks of the buffer before it, and those of the files read
//! meanwhile, are hashed: three jobs that do not wait for each other.

use crate::body::{BodyCipher, CHUNK, PREFIX, SEALED_CHUNK, plain_len};
use crate::root::{BLOCK, LANES, RootHasher, Task, Window, leaf_tasks, run};
use crate::{Error, Result};
use mifeng_crypto::{Digest, HashAlg};
use mifeng_log::merkle::Frontier;
use std::io::{Read, Write};
use std::ops::Range;
use zeroize::Zeroizing;

/// Chunks of a round: 8 MiB of plaintext, a block for each lane of the tree hash.
const ROUND_CHUNKS: usize = LANES * BLOCK / CHUNK;
/// Chunks that one task encrypts or decrypts.
const TASK_CHUNKS: usize = BLOCK / CHUNK;
/// Bytes of a full round's chunks.
const ROUND_LEN: usize = ROUND_CHUNKS * SEALED_CHUNK;
/// More threads than this find nothing to do.
pub const WORKERS_MAX: usize = 16;
/// Bytes of the tag at the end of each chunk.
const TAG: usize = SEALED_CHUNK - CHUNK;

/// What a task of a round gives back.
enum Done {
    Chunks(Result<()>),
    Body(Vec<Digest>),
    Files(Vec<Digest>),
}

fn wrap<'t>(
    tasks: Vec<Task<'t, Vec<Digest>>>,
    done: fn(Vec<Digest>) -> Done,
) -> impl Iterator<Item = Task<'t, Done>> {
    tasks
        .into_iter()
        .map(move |task| Box::new(move || done(task())) as Task<'t, Done>)
}

/// The chunks of one round of a body with `plain` bytes inside: small bids take little memory.
fn round_chunks(plain: u64) -> usize {
    // The smaller of the two fits a usize; there is one chunk more than full ones.
    (plain / CHUNK as u64 + 1).min(ROUND_CHUNKS as u64) as usize
}

/// A buffer with room for a round, behind a block for what the round before left.
fn round_buffer(chunks: usize) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(vec![0; BLOCK + chunks * SEALED_CHUNK])
}

/// The blocks of `bytes`; the last one may be shorter.
fn blocks(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.chunks(BLOCK).collect()
}

/// Takes plaintext, writes the body to `out`, keeps the Merkle root, and hashes files on the way.
pub(crate) struct BodyWriter<'a> {
    cipher: &'a BodyCipher,
    alg: HashAlg,
    out: &'a mut dyn Write,
    workers: usize,
    tree: Frontier,
    files: Window,
    // Plaintext laid out in chunk slots behind a free block; `used` counts the slots' bytes.
    buffer: Zeroizing<Vec<u8>>,
    used: usize,
    next_chunk: u64,
    // The round before: ciphertext that is written and not hashed yet stands in `before[pending]`.
    before: Zeroizing<Vec<u8>>,
    pending: Range<usize>,
}

impl<'a> BodyWriter<'a> {
    /// A writer of a body with `plain` bytes inside.
    pub(crate) fn new(
        cipher: &'a BodyCipher,
        alg: HashAlg,
        out: &'a mut dyn Write,
        workers: usize,
        plain: u64,
    ) -> Result<Self> {
        let chunks = round_chunks(plain);
        out.write_all(cipher.prefix())
            .map_err(Error::io("writing the sealed file"))?;
        let mut before = round_buffer(chunks);
        before[..PREFIX].copy_from_slice(cipher.prefix());
        Ok(BodyWriter {
            cipher,
            alg,
            out,
            workers: workers.clamp(1, WORKERS_MAX),
            tree: Frontier::new(alg),
            files: Window::new(alg, chunks * CHUNK),
            buffer: round_buffer(chunks),
            used: 0,
            next_chunk: 0,
            before,
            pending: 0..PREFIX,
        })
    }

    /// Adds plaintext that is no file's.
    pub(crate) fn write(&mut self, mut data: &[u8]) -> Result<()> {
        while !data.is_empty() {
            let taken = fill(&mut self.buffer, &mut self.used, data);
            data = &data[taken..];
            self.round_if_full()?;
        }
        Ok(())
    }

    /// Adds the next bytes of the file that `reader` reads, at most `most`; returns how many there
    /// were, 0 at its end.
    pub(crate) fn read(&mut self, reader: &mut dyn Read, most: u64) -> Result<usize> {
        // The window has room for all that fits into the slots: a round empties both.
        let slots = (self.buffer.len() - BLOCK - self.used).div_ceil(SEALED_CHUNK) * CHUNK;
        let free = slots - self.used % SEALED_CHUNK;
        let room = self.files.room();
        // At most the room's length, so the conversion cannot cut.
        let most = most.min(free.min(room.len()) as u64) as usize;
        let read = loop {
            match reader.read(&mut room[..most]) {
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                read => break read.map_err(Error::io("reading a file of the bid"))?,
            }
        };
        let mut data = self.files.took(read);
        while !data.is_empty() {
            let taken = fill(&mut self.buffer, &mut self.used, data);
            data = &data[taken..];
        }
        self.round_if_full()?;
        Ok(read)
    }

    /// The file is complete.
    pub(crate) fn end_file(&mut self) {
        self.files.end();
    }

    /// The roots of all files.
    pub(crate) fn file_roots(&mut self) -> Result<Vec<Digest>> {
        self.files.roots(self.workers)
    }

    fn round_if_full(&mut self) -> Result<()> {
        if BLOCK + self.used == self.buffer.len() {
            self.round()?;
        }
        Ok(())
    }

    /// Encrypts and writes the buffer, and hashes what was written before.
    fn round(&mut self) -> Result<()> {
        let (cipher, first) = (self.cipher, self.next_chunk);
        let sealed = &mut self.buffer[BLOCK..BLOCK + self.used];
        let whole = self.pending.len() / BLOCK * BLOCK;
        let pending = &self.before[self.pending.clone()];
        let mut tasks: Vec<Task<'_, Done>> = Vec::new();
        // The longest first.
        tasks.extend(wrap(
            leaf_tasks(self.alg, &blocks(&pending[..whole])),
            Done::Body,
        ));
        tasks.extend(wrap(self.files.tasks(), Done::Files));
        let pieces = sealed.chunks_mut(TASK_CHUNKS * SEALED_CHUNK);
        for (piece, at) in pieces.zip((first..).step_by(TASK_CHUNKS)) {
            tasks.push(Box::new(move || {
                Done::Chunks(cipher.seal_chunks(at, piece))
            }));
        }
        let mut files = Vec::new();
        for done in run(self.workers, tasks)? {
            match done {
                Done::Chunks(outcome) => outcome?,
                Done::Body(leaves) => leaves.iter().for_each(|leaf| self.tree.append(*leaf)),
                Done::Files(leaves) => files.extend(leaves),
            }
        }
        self.files.settle(files);
        let sealed = &self.buffer[BLOCK..BLOCK + self.used];
        self.out
            .write_all(sealed)
            .map_err(Error::io("writing the sealed file"))?;
        self.next_chunk += (self.used / SEALED_CHUNK) as u64;
        // What is left of the round before, less than a block, goes in front of this one.
        let rest = &self.before[self.pending.start + whole..self.pending.end];
        let start = BLOCK - rest.len();
        self.buffer[start..BLOCK].copy_from_slice(rest);
        self.pending = start..BLOCK + self.used;
        core::mem::swap(&mut self.buffer, &mut self.before);
        self.used = 0;
        Ok(())
    }

    /// Closes the short final chunk and returns the root.
    pub(crate) fn finish(mut self) -> Result<Digest> {
        // A full buffer was flushed, so there is always room for the final tag.
        self.used += TAG;
        self.round()?;
        let pending = &self.before[self.pending.clone()];
        let hashes = run(self.workers, leaf_tasks(self.alg, &blocks(pending)))?;
        let mut tree = self.tree;
        hashes.iter().flatten().for_each(|leaf| tree.append(*leaf));
        Ok(tree.root())
    }
}

/// Copies the front of `data` into the chunk slots behind the free block; says how much.
fn fill(buffer: &mut [u8], used: &mut usize, data: &[u8]) -> usize {
    let at = *used % SEALED_CHUNK;
    let take = data.len().min(CHUNK - at);
    buffer[BLOCK + *used..BLOCK + *used + take].copy_from_slice(&data[..take]);
    *used += take;
    if at + take == CHUNK {
        *used += TAG;
    }
    take
}

/// Takes the plaintext of a body; its file hashing is done beside the body's.
pub(crate) trait PlainReader {
    /// The next bytes, in order.
    fn push(&mut self, data: &[u8]) -> Result<()>;
    /// The files' bytes that wait to be hashed.
    fn window(&mut self) -> &mut Window;
}

/// A window for the files of a body with `plain` bytes inside, for [`read_body`].
pub(crate) fn read_window(alg: HashAlg, plain: u64) -> Window {
    Window::new(alg, round_chunks(plain) * CHUNK)
}

/// Reads a body of exactly `len` bytes and hands its plaintext to `plain` in order, chunk by chunk.
///
/// The root over what was read is returned too, whatever the plaintext's fate: a body that was
/// swapped in storage must not be charged to the bidder. `plain`'s error, or the first inauthentic
/// chunk, stands in the inner result.
pub(crate) fn read_body(
    reader: &mut dyn Read,
    len: u64,
    cipher: &BodyCipher,
    alg: HashAlg,
    workers: usize,
    plain: &mut dyn PlainReader,
) -> Result<(Digest, Result<()>)> {
    // Also what makes every piece below end with room for a tag.
    crate::record::check_body_len(len)?;
    let plain_len = plain_len(len).ok_or(Error::BodyLength { found: len })?;
    let workers = workers.clamp(1, WORKERS_MAX);
    let reading = Error::io("reading the body");
    // What of the round before is not hashed yet, less than a block, stands before the round.
    let mut buffer = round_buffer(round_chunks(plain_len));
    let mut start = BLOCK - PREFIX;
    let mut prefix = [0; PREFIX];
    reader.read_exact(&mut prefix).map_err(&reading)?;
    buffer[start..BLOCK].copy_from_slice(&prefix);
    let mut outcome = if cipher.owns(&prefix) {
        Ok(())
    } else {
        Err(Error::Opening {
            what: "salt or key commitment of the body",
        })
    };
    let mut tree = Frontier::new(alg);
    let mut left = len - PREFIX as u64;
    let mut next_chunk = 0;
    while left > 0 {
        // At most a round's length, so the conversion cannot cut.
        let take = left.min(ROUND_LEN as u64) as usize;
        let end = BLOCK + take;
        reader
            .read_exact(&mut buffer[BLOCK..end])
            .map_err(&reading)?;
        left -= take as u64;
        let whole = match left {
            0 => end,
            _ => start + (end - start) / BLOCK * BLOCK,
        };
        let mut tasks: Vec<Task<'_, Done>> = Vec::new();
        tasks.extend(wrap(
            leaf_tasks(alg, &blocks(&buffer[start..whole])),
            Done::Body,
        ));
        tasks.extend(wrap(plain.window().tasks(), Done::Files));
        let mut files = Vec::new();
        for done in run(workers, tasks)? {
            match done {
                Done::Body(leaves) => leaves.iter().for_each(|leaf| tree.append(*leaf)),
                Done::Files(leaves) => files.extend(leaves),
                Done::Chunks(_) => {}
            }
        }
        plain.window().settle(files);
        // Saved before it is decrypted: it is part of the next round's first block.
        start = BLOCK - (end - whole);
        buffer.copy_within(whole..end, start);
        let piece = &mut buffer[BLOCK..end];
        if outcome.is_ok() {
            outcome = open_chunks(cipher, next_chunk, piece, workers)?;
            next_chunk += (take / SEALED_CHUNK) as u64;
        }
        for chunk in piece.chunks(SEALED_CHUNK) {
            if outcome.is_ok() {
                outcome = plain.push(&chunk[..chunk.len() - TAG]);
            }
        }
    }
    Ok((tree.root(), outcome))
}

/// Decrypts a round; the first chunk that is not authentic decides, whatever the threads' timing.
fn open_chunks(
    cipher: &BodyCipher,
    first: u64,
    piece: &mut [u8],
    workers: usize,
) -> Result<Result<()>> {
    let mut tasks: Vec<Task<'_, Result<()>>> = Vec::new();
    let pieces = piece.chunks_mut(TASK_CHUNKS * SEALED_CHUNK);
    for (piece, at) in pieces.zip((first..).step_by(TASK_CHUNKS)) {
        tasks.push(Box::new(move || cipher.open_chunks(at, piece)));
    }
    Ok(run(workers, tasks)?.into_iter().collect())
}

/// The root over the `len` bytes that `reader` gives.
pub(crate) fn read_root(
    reader: &mut dyn Read,
    len: u64,
    alg: HashAlg,
    workers: usize,
) -> Result<Digest> {
    let mut root = RootHasher::new(alg, workers.clamp(1, WORKERS_MAX));
    let mut buffer = vec![0; BLOCK];
    let mut left = len;
    while left > 0 {
        // At most the buffer's length, so the conversion cannot cut.
        let take = left.min(buffer.len() as u64) as usize;
        reader
            .read_exact(&mut buffer[..take])
            .map_err(Error::io("reading the body"))?;
        root.update(&buffer[..take])?;
        left -= take as u64;
    }
    root.finish()
}
