//! Body in, plaintext out.

use super::{
    ROUND_CHUNKS, ROUND_LEN, TAG, TASK_CHUNKS, WORKERS_MAX, hashing, round_buffer, round_chunks,
    round_end, split,
};
use crate::body::{BodyCipher, CHUNK, PREFIX, SEALED_CHUNK, plain_len};
use crate::root::{BLOCK, RootHasher, Task, Window, run};
use crate::{Error, Result};
use mifeng_crypto::{Digest, HashAlg, Wiped};
use mifeng_log::merkle::Frontier;
use std::io::Read;

/// Takes the plaintext of a body; its file hashing is done beside the body's.
pub(crate) trait PlainReader {
    /// The next bytes, in order.
    fn push(&mut self, data: &[u8]) -> Result<()>;
    /// The files' bytes that wait to be hashed.
    fn window(&mut self) -> &mut Window;
    /// So many rounds were pushed, in all, and nothing of them waits to be hashed but the open block
    /// of a file; these leaves are hashed since the last call.
    fn note(&mut self, rounds: u64, body: &[Digest], files: &[Digest]) -> Result<()>;
}

/// Where a reading starts: at the front, or after some full rounds.
#[derive(Default)]
pub(crate) struct ReadFrom {
    /// Rounds that are done.
    pub(crate) rounds: u64,
    /// Leaf hashes of the body so far.
    pub(crate) leaves: Vec<Digest>,
    /// What follows them up to the end of the rounds, less than a block.
    pub(crate) tail: Vec<u8>,
}

/// A window for the files of a body with `plain` bytes inside, for [`read_body`].
pub(crate) fn read_window(alg: HashAlg, plain: u64) -> Window {
    Window::new(alg, round_chunks(plain) * CHUNK)
}

/// A window that takes all of them in one turn, in the memory of another one.
pub(crate) fn read_window_in(alg: HashAlg, plain: u64, memory: Wiped) -> Window {
    Window::for_one_turn(alg, round_chunks(plain) * CHUNK, memory)
}

/// Reads a body of exactly `len` bytes and hands its plaintext to `plain` in order, chunk by chunk;
/// `reader` stands where `from` says.
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
    from: &ReadFrom,
) -> Result<(Digest, Result<()>)> {
    // Also what makes every piece below end with room for a tag.
    crate::record::check_body_len(len)?;
    let plain_len = plain_len(len).ok_or(Error::BodyLength { found: len })?;
    let workers = workers.clamp(1, WORKERS_MAX);
    let reading = Error::io("reading the body");
    // What of the round before is not hashed yet, less than a block, stands before the round.
    let mut buffer = round_buffer(round_chunks(plain_len));
    let mut start = BLOCK - PREFIX;
    let mut tree = Frontier::new(alg);
    let mut outcome = Ok(());
    if from.rounds == 0 {
        let mut prefix = [0; PREFIX];
        reader.read_exact(&mut prefix).map_err(&reading)?;
        buffer[start..BLOCK].copy_from_slice(&prefix);
        if !cipher.owns(&prefix) {
            outcome = Err(Error::Opening {
                what: "salt or key commitment of the body",
            });
        }
    } else {
        start = BLOCK.checked_sub(from.tail.len()).ok_or(Error::Journal {
            what: "rounds and leaves",
        })?;
        buffer[start..BLOCK].copy_from_slice(&from.tail);
        from.leaves.iter().for_each(|leaf| tree.append(*leaf));
    }
    let mut rounds = from.rounds;
    let mut left = len
        .checked_sub(round_end(rounds))
        .ok_or(Error::Journal { what: "rounds" })?;
    let mut next_chunk = rounds * ROUND_CHUNKS as u64;
    let mut before = Vec::new();
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
        let tasks = hashing(alg, &buffer[start..whole], plain.window(), workers);
        let (body, files) = split(run(workers, tasks), whole - start);
        body.iter().for_each(|leaf| tree.append(*leaf));
        plain.window().settle(files.iter().copied());
        if outcome.is_ok() && rounds > from.rounds {
            plain.note(rounds, &before, &files)?;
        }
        before = body;
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
        rounds += 1;
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
    Ok(run(workers, tasks).into_iter().collect())
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
