//! Encrypting and decrypting a body in rounds of 8 MiB, in constant memory, on several threads.
//!
//! A round encrypts one buffer while the blocks of the buffer before it, and those of the files read
//! meanwhile, are hashed: three jobs that do not wait for each other.

mod read;
mod write;

pub(crate) use read::{PlainReader, ReadFrom, read_body, read_root, read_window};
pub(crate) use write::{BodyWriter, Guarded, Out};

use crate::Result;
use crate::body::{CHUNK, PREFIX, SEALED_CHUNK};
use crate::root::{BLOCK, LANES, Task};
use mifeng_crypto::Digest;
use zeroize::Zeroizing;

/// Chunks of a round: 8 MiB of plaintext, a block for each lane of the tree hash.
const ROUND_CHUNKS: usize = LANES * BLOCK / CHUNK;
/// Chunks that one task encrypts or decrypts.
const TASK_CHUNKS: usize = BLOCK / CHUNK;
/// Bytes of a full round's chunks.
const ROUND_LEN: usize = ROUND_CHUNKS * SEALED_CHUNK;
/// Bytes of plaintext in a full round.
pub(crate) const ROUND_PLAIN: u64 = (ROUND_CHUNKS * CHUNK) as u64;
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

/// Where the body stands after so many full rounds.
pub(crate) fn round_end(rounds: u64) -> u64 {
    PREFIX as u64 + rounds * ROUND_LEN as u64
}
