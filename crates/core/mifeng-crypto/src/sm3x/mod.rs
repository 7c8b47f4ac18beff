//! SM3 (GB/T 32905-2016) of many messages at once, for tree hashing.
//!
//! One stream of SM3 cannot use a wide machine: every round waits for the one before. Neighbours
//! in the list whose padded messages have about as many blocks are therefore hashed side by side, one
//! in each lane: sixteen with AVX-512, eight with AVX2; where one is longer, its end follows by itself. The rest, and everything on other machines,
//! is hashed one by one. A kernel is taken only after it has agreed with the hash of one message,
//! once in a process.
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
mod width;
#[cfg(target_arch = "x86_64")]
mod x86;

use lanes::LANES_MAX;
pub(crate) use stream::Stream;
use width::Width;

/// Most bytes a common prefix may have: it must leave a byte of the first block to the message.
pub const MAX_PREFIX: usize = 63;

/// Bytes of a block of the compression function.
const BLOCK: usize = 64;
/// Messages side by side differ by at most this part of the shorter one: the end of the longer one is hashed at the speed
/// of one stream, a tenth of that of all lanes.
const MORE_PART: usize = 64;

/// The SM3 digests of `inputs`, in order.
#[must_use]
pub fn digest_many(inputs: &[&[u8]]) -> Vec<[u8; 32]> {
    digest_many_prefixed(&[], inputs)
}

/// The SM3 digests of `prefix ‖ input` for each of `inputs`, in order (RFC 6962 hashes leaves
/// behind 0x00 and nodes behind 0x01). A prefix beyond [`MAX_PREFIX`] is right but slow.
#[must_use]
pub fn digest_many_prefixed(prefix: &[u8], inputs: &[&[u8]]) -> Vec<[u8; 32]> {
    digest_with(Width::examined(), prefix, inputs)
}

/// Messages of one length that this machine hashes side by side; 1 where it has no lanes.
#[must_use]
pub fn lanes() -> usize {
    Width::examined().first().map_or(1, |width| width.lanes())
}

/// The kernels that this machine has and that pass their examination, best first.
pub fn kernel_names() -> impl Iterator<Item = &'static str> {
    Width::examined().iter().map(|width| width.name())
}

/// As [`digest_many`] on the kernel of this name, if this machine has it: to compare kernels.
#[must_use]
pub fn digest_many_with(name: &str, inputs: &[&[u8]]) -> Option<Vec<[u8; 32]>> {
    let mut all = Width::examined().iter();
    let width = all.find(|width| width.name() == name)?;
    Some(digest_with(core::slice::from_ref(width), &[], inputs))
}

/// `widths` from the widest to the narrowest.
fn digest_with(widths: &[Width], prefix: &[u8], inputs: &[&[u8]]) -> Vec<[u8; 32]> {
    let mut out = Vec::with_capacity(inputs.len());
    let widths = if prefix.len() <= MAX_PREFIX {
        widths
    } else {
        &[]
    };
    let mut rest = inputs;
    while let Some(first) = rest.first() {
        let most = widths.first().map_or(1, |width| width.lanes());
        let alike = rest.iter().take(most);
        let alike = alike
            .take_while(|one| are_alike(prefix, first, one))
            .count();
        // Lanes half empty cost as much as full ones.
        let fits = |width: &&Width| alike * 2 >= width.lanes();
        let count = match widths.iter().find(fits) {
            Some(width) => {
                let count = alike.min(width.lanes());
                digest_lanes(*width, prefix, &rest[..count], &mut out);
                count
            }
            None => {
                out.push(digest_one(prefix, first));
                1
            }
        };
        rest = &rest[count..];
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
pub(crate) fn blocks(prefix: &[u8], input: &[u8]) -> usize {
    (prefix.len() + input.len() + 9).div_ceil(BLOCK)
}

/// Whether the two go well side by side: what one has more of, which its lane alone works on, is little.
pub(crate) fn are_alike(prefix: &[u8], a: &[u8], b: &[u8]) -> bool {
    let (a, b) = (blocks(prefix, a), blocks(prefix, b));
    a.abs_diff(b) <= a.min(b) / MORE_PART
}

/// Messages at most as many as the width has lanes; lanes without a message repeat the first one. Gives their digests
/// to `out`.
fn digest_lanes(width: Width, prefix: &[u8], group: &[&[u8]], out: &mut Vec<[u8; 32]>) {
    let mut lanes = [group[0]; LANES_MAX];
    lanes[..group.len()].copy_from_slice(group);
    let lanes = &lanes[..width.lanes()];
    let mut state = lanes::start();
    let mut edges = [[0; BLOCK]; LANES_MAX];
    // Blocks from `from` to `whole` are input and nothing else, in every lane.
    let from = prefix.len().div_ceil(BLOCK);
    let whole = |input: &&[u8]| (prefix.len() + input.len()) / BLOCK;
    let whole = group.iter().map(whole).min().unwrap_or(0).max(from);
    let padded = blocks(prefix, lanes[0]);
    let differ = group.iter().any(|input| blocks(prefix, input) != padded);
    // Where they differ, the whole blocks are many, and the rest goes on one by one.
    let end = if differ { whole } else { padded };
    for index in 0..end {
        if index == from && whole > from {
            let mut bodies = [&[][..]; LANES_MAX];
            for (body, input) in bodies.iter_mut().zip(lanes) {
                *body = &input[from * BLOCK - prefix.len()..whole * BLOCK - prefix.len()];
            }
            width.compress(&mut state, &bodies[..lanes.len()]);
        }
        if (from..whole).contains(&index) {
            continue;
        }
        for (block, input) in edges.iter_mut().zip(lanes) {
            edge(prefix, input, index, block);
        }
        let mut rows = [&[][..]; LANES_MAX];
        for (row, block) in rows.iter_mut().zip(&edges) {
            *row = block;
        }
        width.compress(&mut state, &rows[..lanes.len()]);
    }
    let finish = |(lane, input): (usize, &&[u8])| {
        if !differ {
            return lanes::digest(&state, lane);
        }
        let taken = whole * BLOCK;
        let mut stream = Stream::resume(state.map(|word| word[lane]), taken as u64);
        stream.update(&input[taken - prefix.len()..]);
        stream.finish()
    };
    out.extend(group.iter().enumerate().map(finish));
}

/// A block that is not all input: the first one behind a prefix, and the last ones.
pub(crate) fn edge(prefix: &[u8], input: &[u8], index: usize, out: &mut [u8; BLOCK]) {
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
