//! Plaintext in, body out.

use super::{
    Done, ROUND_CHUNKS, TAG, TASK_CHUNKS, WORKERS_MAX, blocks, round_buffer, round_chunks, wrap,
};
use crate::body::{BodyCipher, CHUNK, PREFIX, SEALED_CHUNK};
use crate::journal::{self, Resumable};
use crate::root::{BLOCK, Task, Window, leaf_tasks, run};
use crate::{Error, Result};
use mifeng_crypto::{Digest, HashAlg};
use mifeng_log::merkle::Frontier;
use std::io::{Read, Write};
use std::ops::Range;
use zeroize::Zeroizing;

/// Where the sealed file goes.
pub(crate) enum Out<'a> {
    /// In one go.
    Plain(&'a mut dyn Write),
    /// With a journal of the rounds that are done.
    Journal(&'a mut dyn Resumable, journal::Writer),
    /// The same after its last line: what comes now is done again by the next attempt.
    Closed(&'a mut dyn Resumable),
}

impl<'a> Out<'a> {
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        match self {
            Out::Plain(out) => out.write_all(bytes),
            Out::Journal(out, _) | Out::Closed(out) => out.write_all(bytes),
        }
        .map_err(Error::io("writing the sealed file"))
    }

    pub(crate) fn flush(&mut self) -> Result<()> {
        match self {
            Out::Plain(out) => out.flush(),
            Out::Journal(out, _) | Out::Closed(out) => out.flush(),
        }
        .map_err(Error::io("writing the sealed file"))
    }

    /// So many rounds are written, in all; these leaves are hashed since the round before.
    fn round(&mut self, rounds: u64, body: &[Digest], files: &[Digest]) -> Result<()> {
        let Out::Journal(out, writer) = self else {
            return Ok(());
        };
        if rounds == 0 {
            // A small bid in one short round is sooner made again.
            return Ok(());
        }
        writer.since.body.extend_from_slice(body);
        writer.since.files.extend_from_slice(files);
        let line = writer.line(rounds)?;
        out.note(&line)
            .map_err(Error::io("writing the journal of the sealing"))
    }

    /// No further line.
    fn close(self) -> Self {
        match self {
            Out::Journal(out, _) => Out::Closed(out),
            other => other,
        }
    }
}

/// Takes plaintext, writes the body to `out`, keeps the Merkle root, and hashes files on the way.
pub(crate) struct BodyWriter<'a> {
    cipher: &'a BodyCipher,
    alg: HashAlg,
    out: Out<'a>,
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
    /// A writer of a body with `plain` bytes inside, to be started or to go on.
    pub(crate) fn new(
        cipher: &'a BodyCipher,
        alg: HashAlg,
        out: Out<'a>,
        workers: usize,
        plain: u64,
    ) -> Self {
        let chunks = round_chunks(plain);
        BodyWriter {
            cipher,
            alg,
            out,
            workers: workers.clamp(1, WORKERS_MAX),
            tree: Frontier::new(alg),
            files: Window::new(alg, chunks * CHUNK),
            buffer: round_buffer(chunks),
            used: 0,
            next_chunk: 0,
            before: round_buffer(chunks),
            pending: 0..0,
        }
    }

    /// Writes what the body begins with.
    pub(crate) fn start(&mut self) -> Result<()> {
        let prefix = self.cipher.prefix();
        self.out.write(prefix)?;
        self.before[..PREFIX].copy_from_slice(prefix);
        self.pending = 0..PREFIX;
        Ok(())
    }

    /// Goes on where an interrupted writer stood, after `rounds` full rounds: `leaves` of the body
    /// are hashed, `pending` is what follows them in the file, and the window of the files is set
    /// by [`Window::restore`].
    pub(crate) fn go_on(&mut self, rounds: u64, leaves: &[Digest], pending: &[u8]) -> Result<()> {
        // Full rounds fill the buffer, so what is pending ends with it.
        let end = self.before.len();
        let start = end.checked_sub(pending.len()).ok_or(Error::Journal {
            what: "rounds and leaves",
        })?;
        self.before[start..].copy_from_slice(pending);
        self.pending = start..end;
        leaves.iter().for_each(|leaf| self.tree.append(*leaf));
        self.next_chunk = rounds * ROUND_CHUNKS as u64;
        Ok(())
    }

    /// What hashes the files.
    pub(crate) fn window(&mut self) -> &mut Window {
        &mut self.files
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

    /// All files are in: their roots.
    pub(crate) fn file_roots(mut self) -> Result<(Self, Vec<Digest>)> {
        let roots = self.files.roots(self.workers)?;
        self.out = self.out.close();
        Ok((self, roots))
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
        let (mut body, mut files) = (Vec::new(), Vec::new());
        for done in run(self.workers, tasks)? {
            match done {
                Done::Chunks(outcome) => outcome?,
                Done::Body(leaves) => body.extend(leaves),
                Done::Files(leaves) => files.extend(leaves),
            }
        }
        body.iter().for_each(|leaf| self.tree.append(*leaf));
        self.files.settle(files.iter().copied());
        self.out.write(&self.buffer[BLOCK..BLOCK + self.used])?;
        self.next_chunk += (self.used / SEALED_CHUNK) as u64;
        let rounds = self.next_chunk / ROUND_CHUNKS as u64;
        self.out.round(rounds, &body, &files)?;
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
    pub(crate) fn finish(mut self) -> Result<(Out<'a>, Digest)> {
        // A full buffer was flushed, so there is always room for the final tag.
        self.used += TAG;
        self.round()?;
        let pending = &self.before[self.pending.clone()];
        let hashes = run(self.workers, leaf_tasks(self.alg, &blocks(pending)))?;
        let mut tree = self.tree;
        hashes.iter().flatten().for_each(|leaf| tree.append(*leaf));
        Ok((self.out, tree.root()))
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
