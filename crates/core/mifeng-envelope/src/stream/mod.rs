//! Encrypting and decrypting a body in rounds of 8 MiB, in constant memory, on several threads.
//!
//! A round that seals has two steps: all threads encrypt the plaintext from one buffer into another;
//! then they hash the blocks of both, those of the files and those of the body side by side, while one
//! of them first writes the ciphertext. So nothing is copied but into the cipher's cache, and a
//! bid of any size takes 18 MiB.

mod read;
mod write;

pub(crate) use read::{PlainReader, ReadFrom, read_body, read_root, read_window, read_window_in};
pub(crate) use write::{BodyWriter, Guarded, Out};

use crate::body::{CHUNK, PREFIX, SEALED_CHUNK};
use crate::root::{BLOCK, ROUND_BLOCKS, Task, Window, leaf_tasks};
use mifeng_crypto::{Digest, HashAlg, Wiped};

/// Chunks of a round: 8 MiB of plaintext.
const ROUND_CHUNKS: usize = ROUND_BLOCKS * BLOCK / CHUNK;
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

/// Tasks for the leaf hashes of a body's blocks and, after them, of the files' blocks: together,
/// since they share the lanes. [`split`] parts the results.
fn hashing<'t>(
    alg: HashAlg,
    body: &'t [u8],
    files: &'t Window,
    workers: usize,
) -> Vec<Task<'t, Vec<Digest>>> {
    let leaves: Vec<&[u8]> = body.chunks(BLOCK).chain(files.leaves()).collect();
    leaf_tasks(alg, &leaves, workers)
}

/// The leaf hashes of a body of so many bytes and of the files, from those of all tasks.
fn split(all: Vec<Vec<Digest>>, body: usize) -> (Vec<Digest>, Vec<Digest>) {
    let mut leaves = all.concat();
    let files = leaves.split_off(body.div_ceil(BLOCK).min(leaves.len()));
    (leaves, files)
}

/// The chunks of one round of a body with `plain` bytes inside: small bids take little memory.
fn round_chunks(plain: u64) -> usize {
    // The smaller of the two fits a usize; there is one chunk more than full ones.
    (plain / CHUNK as u64 + 1).min(ROUND_CHUNKS as u64) as usize
}

/// A buffer with room for a round, behind a block for what the round before left.
fn round_buffer(chunks: usize) -> Wiped {
    Wiped::zeros(BLOCK + chunks * SEALED_CHUNK)
}

/// Where the body stands after so many full rounds.
pub(crate) fn round_end(rounds: u64) -> u64 {
    PREFIX as u64 + rounds * ROUND_LEN as u64
}
