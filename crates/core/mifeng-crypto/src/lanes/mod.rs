//! Many messages hashed side by side, one in each lane of wide registers: what SM3 and SHA-256, which pad alike and
//! differ in their rounds, have in common.
//!
//! One stream of a hash cannot use a wide machine: every round waits for the one before. Neighbours in a list whose
//! padded messages have about as many blocks therefore share a [`Kernel`]; the rest is hashed one by one. A kernel is
//! taken only after it has agreed with the hash of one message, once in a process.

mod kernel;
mod register;
#[cfg(test)]
pub(crate) mod tests;
#[cfg(target_arch = "x86_64")]
mod x86;

pub(crate) use kernel::Kernel;
pub(crate) use register::{Function, LANES_MAX, Lanes, State};

/// Bytes of a block of the compression function.
pub(crate) const BLOCK: usize = 64;
/// Most bytes a common prefix may have: it must leave a byte of the first block to the message.
pub(crate) const MAX_PREFIX: usize = 63;
/// Messages side by side differ by at most this part of the shorter one: in the end of the longer one the other lanes
/// work for nothing.
const MORE_PART: usize = 64;

/// The kernels that pass their examination.
pub(crate) fn examined<F: Function>() -> Vec<Kernel> {
    passing::<F>(F::available())
}

fn passing<F: Function>(mut kernels: Vec<Kernel>) -> Vec<Kernel> {
    kernels.retain(Kernel::passes::<F>);
    kernels
}

/// The digests of `prefix ‖ input` for each of `inputs`, in order; `kernels` are tried in their order. A prefix beyond
/// [`MAX_PREFIX`] is right but slow.
pub(crate) fn digest_many<F: Function>(
    kernels: &[Kernel],
    prefix: &[u8],
    inputs: &[&[u8]],
) -> Vec<[u8; 32]> {
    let mut out = Vec::with_capacity(inputs.len());
    let kernels = match prefix.len() {
        ..=MAX_PREFIX => kernels,
        _ => &[],
    };
    let most = kernels.iter().map(|kernel| kernel.lanes()).max();
    let mut rest = inputs;
    while let Some(first) = rest.first() {
        let alike = rest.iter().take(most.unwrap_or(1));
        let alike = alike
            .take_while(|one| are_alike(prefix, first, one))
            .count();
        let count = match kernels.iter().find(|kernel| kernel.least() <= alike) {
            Some(kernel) => {
                let count = alike.min(kernel.lanes());
                digest_group::<F>(kernel, prefix, &rest[..count], &mut out);
                count
            }
            None => {
                out.push(F::digest_one(prefix, first));
                1
            }
        };
        rest = &rest[count..];
    }
    out
}

/// Blocks of `prefix ‖ input ‖ 0x80 ‖ 0… ‖ 64-bit length`.
fn blocks(prefix: &[u8], input: &[u8]) -> usize {
    (prefix.len() + input.len() + 9).div_ceil(BLOCK)
}

/// Whether the two go well side by side: what one has more of, which its lane alone works on, is little.
fn are_alike(prefix: &[u8], a: &[u8], b: &[u8]) -> bool {
    let (a, b) = (blocks(prefix, a), blocks(prefix, b));
    a.abs_diff(b) <= a.min(b) / MORE_PART
}

/// Messages at most as many as the kernel has lanes; lanes without a message repeat the first one. Gives their digests
/// to `out`.
fn digest_group<F: Function>(
    kernel: &Kernel,
    prefix: &[u8],
    group: &[&[u8]],
    out: &mut Vec<[u8; 32]>,
) {
    let mut lanes = [group[0]; LANES_MAX];
    lanes[..group.len()].copy_from_slice(group);
    let lanes = &lanes[..kernel.lanes()];
    let mut state = F::IV.map(|word| [word; LANES_MAX]);
    // Blocks from `from` to `whole` are input and nothing else, in every lane.
    let from = prefix.len().div_ceil(BLOCK);
    let whole = |input: &&[u8]| (prefix.len() + input.len()) / BLOCK;
    let whole = group.iter().map(whole).min().unwrap_or(0).max(from);
    let ends = group.iter().map(|input| blocks(prefix, input));
    let end = ends.max().unwrap_or(0);

    for index in 0..from {
        take_edges(kernel, prefix, lanes, index, &mut state);
    }
    if whole > from {
        let mut bodies = [&[][..]; LANES_MAX];
        for (body, input) in bodies.iter_mut().zip(lanes) {
            *body = &input[from * BLOCK - prefix.len()..whole * BLOCK - prefix.len()];
        }
        kernel.compress(&mut state, &bodies[..lanes.len()]);
    }
    for index in whole..end {
        take_edges(kernel, prefix, lanes, index, &mut state);
    }
    out.extend((0..group.len()).map(|lane| digest(&state, lane)));
}

/// Takes block `index`, which is not all input in every lane. A message that has ended before keeps its value.
fn take_edges(kernel: &Kernel, prefix: &[u8], lanes: &[&[u8]], index: usize, state: &mut State) {
    let before = *state;
    let mut edges = [[0; BLOCK]; LANES_MAX];
    let mut rows = [&[][..]; LANES_MAX];
    for ((row, block), input) in rows.iter_mut().zip(&mut edges).zip(lanes) {
        edge(prefix, input, index, block);
        *row = block;
    }
    kernel.compress(state, &rows[..lanes.len()]);
    for (lane, input) in lanes.iter().enumerate() {
        if index >= blocks(prefix, input) {
            for (word, before) in state.iter_mut().zip(&before) {
                word[lane] = before[lane];
            }
        }
    }
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

/// The digest in one lane.
fn digest(state: &State, lane: usize) -> [u8; 32] {
    let mut out = [0; 32];
    for (bytes, word) in out.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *bytes = word[lane].to_be_bytes();
    }
    out
}
