//! SM3 (GB/T 32905-2016) of many messages at once, for tree hashing.
//!
//! One stream of SM3 cannot use a wide machine: every round waits for the one before. Neighbours
//! in the list whose padded messages have equally many blocks are therefore hashed side by side,
//! eight at a time, one in each lane of an AVX2 register, at three to four times the speed. The
//! rest, and everything on machines without AVX2, is hashed one by one.
//!
//! ```
//! let [a, b] = [[1u8; 64], [2u8; 64]];
//! let digests = mifeng_crypto::sm3x::digest_many_prefixed(&[0], &[&a, &b]);
//! assert_eq!(digests.len(), 2);
//! ```

mod lanes;
mod stream;
#[cfg(test)]
mod tests;

use lanes::{LANES, State, Words};
pub(crate) use stream::Stream;

/// Most bytes a common prefix may have: it must leave a byte of the first block to the message.
pub const MAX_PREFIX: usize = 63;

/// Bytes of a block of the compression function.
const BLOCK: usize = 64;

/// With fewer messages than this, full lanes cost more than one message after the other.
const WORTH_LANES: usize = 4;

/// The SM3 digests of `inputs`, in order.
#[must_use]
pub fn digest_many(inputs: &[&[u8]]) -> Vec<[u8; 32]> {
    digest_many_prefixed(&[], inputs)
}

/// The SM3 digests of `prefix ‖ input` for each of `inputs`, in order (RFC 6962 hashes leaves
/// behind 0x00 and nodes behind 0x01). A prefix beyond [`MAX_PREFIX`] is right but slow.
#[must_use]
pub fn digest_many_prefixed(prefix: &[u8], inputs: &[&[u8]]) -> Vec<[u8; 32]> {
    let mut out = Vec::with_capacity(inputs.len());
    let wide = prefix.len() <= MAX_PREFIX && lanes::worth_it();
    let same = |a: &&[u8], b: &&[u8]| blocks(prefix, a) == blocks(prefix, b);
    for run in inputs.chunk_by(same) {
        for group in run.chunks(LANES) {
            if !wide || group.len() < WORTH_LANES {
                out.extend(group.iter().map(|input| digest_one(prefix, input)));
            } else {
                out.extend_from_slice(&digest_lanes(prefix, group)[..group.len()]);
            }
        }
    }
    out
}

fn digest_one(prefix: &[u8], input: &[u8]) -> [u8; 32] {
    let mut hash = Stream::new();
    hash.update(prefix);
    hash.update(input);
    hash.finish()
}

/// Blocks of `prefix ‖ input ‖ 0x80 ‖ 0… ‖ 64-bit length` (GB/T 32905 section 5.2).
fn blocks(prefix: &[u8], input: &[u8]) -> usize {
    (prefix.len() + input.len() + 9).div_ceil(BLOCK)
}

/// Up to [`LANES`] messages of equally many blocks; lanes without a message repeat the first one.
fn digest_lanes(prefix: &[u8], group: &[&[u8]]) -> [[u8; 32]; LANES] {
    let mut lanes = [group[0]; LANES];
    lanes[..group.len()].copy_from_slice(group);
    let mut state = State::start();
    let mut words: Words = [[0; LANES]; 16];
    let mut padded = [0; BLOCK];
    for index in 0..blocks(prefix, lanes[0]) {
        for (lane, input) in lanes.iter().enumerate() {
            let whole = (index * BLOCK)
                .checked_sub(prefix.len())
                .and_then(|at| input.get(at..at + BLOCK));
            let block = match whole.and_then(<[u8]>::first_chunk) {
                Some(block) => block,
                None => {
                    edge(prefix, input, index, &mut padded);
                    &padded
                }
            };
            for (word, bytes) in words.iter_mut().zip(block.as_chunks::<4>().0) {
                word[lane] = u32::from_be_bytes(*bytes);
            }
        }
        state.compress(&words);
    }
    state.digests()
}

/// A block that is not all input: the first one behind a prefix, and the last ones.
fn edge(prefix: &[u8], input: &[u8], index: usize, out: &mut [u8; BLOCK]) {
    out.fill(0);
    let start = index * BLOCK;
    let total = prefix.len() + input.len();
    let head = prefix.get(start..).unwrap_or(&[]);
    out[..head.len()].copy_from_slice(head);
    let body = &input[start.saturating_sub(prefix.len()).min(input.len())..];
    let room = BLOCK - head.len();
    let body = &body[..body.len().min(room)];
    out[head.len()..head.len() + body.len()].copy_from_slice(body);
    if (start..start + BLOCK).contains(&total) {
        out[total - start] = 0x80;
    }
    if start + BLOCK >= total + 9 {
        out[BLOCK - 8..].copy_from_slice(&(total as u64 * 8).to_be_bytes());
    }
}
