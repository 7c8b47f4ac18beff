//! Plaintext in, body out.

use super::{
    ROUND_CHUNKS, TAG, TASK_CHUNKS, WORKERS_MAX, hashing, round_buffer, round_chunks, split,
};
use crate::body::{BodyCipher, CHUNK, PREFIX, SEALED_CHUNK};
use crate::journal::{self, Resumable, Signed};
use crate::root::{BLOCK, Task, Window, run, run_beside};
use crate::{Error, Result};
use mifeng_crypto::{Digest, HashAlg, Wiped};
use mifeng_log::merkle::Frontier;
use std::io::{Read, SeekFrom, Write};

/// Bytes that a disk writes as one: after a power failure each such piece of a file is there or zero.
const SECTOR: u64 = 512;
/// Bytes that are read back and compared at once.
const COMPARED: usize = 64 << 10;

/// Where the sealed file goes.
pub(crate) enum Out<'a> {
    /// In one go.
    Plain(&'a mut dyn Write),
    /// With a journal of what is done.
    Journal(Guarded<'a>, journal::Writer),
    /// The same after its last line: what comes now is done again by the next attempt.
    Closed(Guarded<'a>),
}

/// An unfinished file in which no ciphertext is ever replaced by another: whatever an earlier attempt
/// wrote under the same secret must come out the same again. Two plaintexts under one key and nonce
/// would give away both.
pub(crate) struct Guarded<'a> {
    out: &'a mut dyn Resumable,
    /// Where the next byte goes.
    at: u64,
    /// Up to here an earlier attempt has written ciphertext.
    written: u64,
}

impl<'a> Guarded<'a> {
    /// Goes on at `at`; ciphertext ends at `end`, and what follows it is public.
    pub(crate) fn new(out: &'a mut dyn Resumable, at: u64, end: u64) -> Result<Self> {
        let failed = Error::io("reading back the sealed file");
        let written = out.seek(SeekFrom::End(0)).map_err(&failed)?.min(end);
        out.seek(SeekFrom::Start(at)).map_err(&failed)?;
        Ok(Guarded { out, at, written })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        // At most the length of `bytes`, so the conversion cannot cut.
        let again = self.written.saturating_sub(self.at).min(bytes.len() as u64) as usize;
        if again > 0 {
            self.compare(&bytes[..again])?;
        }
        self.out
            .write_all(bytes)
            .map_err(Error::io("writing the sealed file"))?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    fn compare(&mut self, bytes: &[u8]) -> Result<()> {
        let failed = Error::io("reading back the sealed file");
        let mut found = [0; COMPARED];
        let mut at = self.at;
        let mut rest = bytes;
        while !rest.is_empty() {
            // Up to the end of a sector, since each is judged as a whole.
            let most = COMPARED - (at % SECTOR) as usize;
            let (piece, later) = rest.split_at(rest.len().min(most));
            let found = &mut found[..piece.len()];
            self.out.read_exact(found).map_err(&failed)?;
            if !replaceable(at, found, piece) {
                return Err(Error::Journal {
                    what: "something else was sealed before",
                });
            }
            at += piece.len() as u64;
            rest = later;
        }
        self.out.seek(SeekFrom::Start(self.at)).map_err(&failed)?;
        Ok(())
    }
}

/// Whether `new` may be written over `found`, which stands at `at`: each sector is the same or was
/// never written.
fn replaceable(at: u64, found: &[u8], new: &[u8]) -> bool {
    // At most a sector, so the conversion cannot cut.
    let first = (SECTOR - at % SECTOR) as usize;
    let (head, found) = found.split_at(first.min(found.len()));
    let (new_head, new) = new.split_at(first.min(new.len()));
    let sectors = found.chunks(SECTOR as usize);
    let pairs = sectors.zip(new.chunks(SECTOR as usize));
    pairs
        .chain([(head, new_head)])
        .all(|(found, new)| found == new || found.iter().all(|byte| *byte == 0))
}

impl<'a> Out<'a> {
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        match self {
            Out::Plain(out) => out
                .write_all(bytes)
                .map_err(Error::io("writing the sealed file")),
            Out::Journal(out, _) | Out::Closed(out) => out.write(bytes),
        }
    }

    pub(crate) fn flush(&mut self) -> Result<()> {
        match self {
            Out::Plain(out) => out.flush(),
            Out::Journal(out, _) | Out::Closed(out) => out.out.flush(),
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
        out.out
            .note(&line, false)
            .map_err(Error::io("writing the journal of the sealing"))
    }

    /// Notes the manifest's signature, durably, if it is new; then there is no further line.
    fn close(self, rounds: u64, signed: Option<Signed>) -> Result<Self> {
        let Out::Journal(out, mut writer) = self else {
            return Ok(self);
        };
        if signed.is_some() {
            writer.since.signed = signed;
            let line = writer.line(rounds)?;
            out.out
                .note(&line, true)
                .map_err(Error::io("writing the journal of the sealing"))?;
        }
        Ok(Out::Closed(out))
    }
}

/// Takes plaintext, writes the body to `out`, keeps the Merkle root, and hashes files on the way.
pub(crate) struct BodyWriter<'a> {
    cipher: &'a BodyCipher,
    alg: HashAlg,
    out: Out<'a>,
    workers: usize,
    tree: Frontier,
    // The round's plaintext: files, and what stands between them.
    files: Window,
    // The round's ciphertext from `BLOCK` on; from `start` to there is what of the body before is
    // not hashed yet, less than a block.
    sealed: Wiped,
    start: usize,
    next_chunk: u64,
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
            sealed: round_buffer(chunks),
            start: BLOCK,
            next_chunk: 0,
        }
    }

    /// Writes what the body begins with.
    pub(crate) fn start(&mut self) -> Result<()> {
        let prefix = self.cipher.prefix();
        self.out.write(prefix)?;
        self.start = BLOCK - PREFIX;
        self.sealed[self.start..BLOCK].copy_from_slice(prefix);
        Ok(())
    }

    /// Goes on where an interrupted writer stood, after `rounds` full rounds: `leaves` of the body
    /// are hashed, `pending` is what follows them in the file, and the window of the files is set
    /// by [`Window::restore`].
    pub(crate) fn go_on(&mut self, rounds: u64, leaves: &[Digest], pending: &[u8]) -> Result<()> {
        self.start = BLOCK.checked_sub(pending.len()).ok_or(Error::Journal {
            what: "rounds and leaves",
        })?;
        self.sealed[self.start..BLOCK].copy_from_slice(pending);
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
            let taken = self.files.pass(data);
            data = &data[taken..];
            self.round_if_full()?;
        }
        Ok(())
    }

    /// Adds the next bytes of the file that `reader` reads, at most `most`; returns how many there
    /// were, 0 at its end.
    pub(crate) fn read(&mut self, reader: &mut dyn Read, most: u64) -> Result<usize> {
        let room = self.files.room();
        // At most the room's length, so the conversion cannot cut.
        let most = most.min(room.len() as u64) as usize;
        let read = loop {
            match reader.read(&mut room[..most]) {
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                read => break read.map_err(Error::io("reading a file of the bid"))?,
            }
        };
        self.files.took(read);
        self.round_if_full()?;
        Ok(read)
    }

    /// The file is complete.
    pub(crate) fn end_file(&mut self) {
        self.files.end();
    }

    /// All files are in: their roots.
    pub(crate) fn file_roots(&mut self) -> Result<Vec<Digest>> {
        self.files.roots(self.workers)
    }

    /// What comes after the files is not noted, but for the manifest's signature if it is new.
    pub(crate) fn end_files(mut self, signed: Option<Signed>) -> Result<Self> {
        let rounds = self.next_chunk / ROUND_CHUNKS as u64;
        self.out = self.out.close(rounds, signed)?;
        Ok(self)
    }

    /// Only the window of a bid of more than a round is ever full: a smaller one has room for a byte
    /// more than there is.
    fn round_if_full(&mut self) -> Result<()> {
        if self.files.room().is_empty() {
            self.round(false)?;
        }
        Ok(())
    }

    /// Encrypts the window, then writes and hashes; `last` adds the final chunk, which is short.
    fn round(&mut self, last: bool) -> Result<()> {
        let (cipher, first) = (self.cipher, self.next_chunk);
        let plain = self.files.fresh();
        let chunks = plain.len() / CHUNK + usize::from(last);
        let end = BLOCK + plain.len() + chunks * TAG;
        let mut tasks: Vec<Task<'_, Result<()>>> = Vec::new();
        let pieces = self.sealed[BLOCK..end].chunks_mut(TASK_CHUNKS * SEALED_CHUNK);
        for (piece, nth) in pieces.zip(0..) {
            let rest = &plain[nth * TASK_CHUNKS * CHUNK..];
            let text = &rest[..rest.len().min(TASK_CHUNKS * CHUNK)];
            let at = first + (nth * TASK_CHUNKS) as u64;
            tasks.push(Box::new(move || cipher.seal_chunks_of(at, text, piece)));
        }
        run(self.workers, tasks)
            .into_iter()
            .collect::<Result<()>>()?;
        let body = &self.sealed[self.start..end];
        let whole = match last {
            true => body.len(),
            false => body.len() / BLOCK * BLOCK,
        };
        let tasks = hashing(self.alg, &body[..whole], &self.files, self.workers);
        let (sealed, out) = (&self.sealed[BLOCK..end], &mut self.out);
        let (written, hashes) = run_beside(self.workers, tasks, || out.write(sealed));
        written?;
        let (body, files) = split(hashes, whole);
        body.iter().for_each(|leaf| self.tree.append(*leaf));
        self.files.settle(files.iter().copied());
        self.next_chunk += chunks as u64;
        let rounds = self.next_chunk / ROUND_CHUNKS as u64;
        self.out.round(rounds, &body, &files)?;
        // What is not hashed, less than a block, goes in front of the next round.
        let rest = self.start + whole..end;
        self.start = BLOCK - rest.len();
        self.sealed.copy_within(rest, self.start);
        Ok(())
    }

    /// Closes the short final chunk and returns the root.
    pub(crate) fn finish(mut self) -> Result<(Out<'a>, Digest)> {
        self.round(true)?;
        Ok((self.out, self.tree.root()))
    }
}
