//! SHA-256 (FIPS 180-4) of many messages, two side by side, for tree hashing.
//!
//! The SHA extensions of x86-64 give two rounds every four cycles to one message, since each waits
//! for the one before, and twice that to two messages. Neighbours in the list whose padded messages
//! have about as many blocks are therefore hashed in pairs; the rest, and everything on other
//! machines, one by one by `ring`. The kernel is taken only after it has agreed with `ring`, once in
//! a process.
//!
//! ```
//! let [a, b] = [[1u8; 64], [2u8; 64]];
//! let digests = mifeng_crypto::sha2x::digest_many_prefixed(&[0], &[&a, &b]);
//! assert_eq!(digests.len(), 2);
//! ```

#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod x86;

use crate::sm3x::{MAX_PREFIX, are_alike, blocks, edge};

/// Bytes of a block of the compression function.
const BLOCK: usize = 64;

/// A chaining value.
type State = [u32; 8];

/// H^(0) of FIPS 180-4 section 5.3.3.
const IV: State = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// The SHA-256 digests of `prefix ‖ input` for each of `inputs`, in order (RFC 6962 hashes leaves
/// behind 0x00 and nodes behind 0x01). A prefix beyond [`MAX_PREFIX`] is right but slow.
#[must_use]
pub fn digest_many_prefixed(prefix: &[u8], inputs: &[&[u8]]) -> Vec<[u8; 32]> {
    digest_with(kernel(), prefix, inputs)
}

/// Messages of one length that this machine hashes side by side; 1 where it does not.
#[must_use]
pub fn lanes() -> usize {
    kernel().map_or(1, |_| 2)
}

/// The kernel that this process uses, if it uses one of ours: `sha-ni-2`.
#[must_use]
pub fn kernel_name() -> Option<&'static str> {
    kernel().map(|_| "sha-ni-2")
}

/// Takes as many blocks as both rows have into the two chaining values.
type Kernel = fn(&mut [State; 2], [&[[u8; BLOCK]]; 2]);

/// The kernel that the processor claims to run.
fn available() -> Option<Kernel> {
    #[cfg(target_arch = "x86_64")]
    return x86::compress();
    #[cfg(not(target_arch = "x86_64"))]
    None
}

/// The same if it passes its examination, made once in a process.
fn kernel() -> Option<Kernel> {
    static EXAMINED: std::sync::OnceLock<Option<Kernel>> = std::sync::OnceLock::new();
    *EXAMINED.get_or_init(|| available().filter(|kernel| passes(*kernel)))
}

/// Detecting a feature says what a processor claims, not that the kernel is right on it. The lengths
/// reach the edges of one block and of several.
fn passes(kernel: Kernel) -> bool {
    let data: Vec<u8> = (0..600).map(|i| (i * 31 + i / 7) as u8).collect();
    let (a, b) = data.split_at(300);
    [0, 54, 55, 63, 64, 300].into_iter().all(|len| {
        let inputs = [&a[..len], &b[..len]];
        digest_with(Some(kernel), &[0], &inputs) == digest_with(None, &[0], &inputs)
    })
}

fn digest_with(kernel: Option<Kernel>, prefix: &[u8], inputs: &[&[u8]]) -> Vec<[u8; 32]> {
    let kernel = kernel.filter(|_| prefix.len() <= MAX_PREFIX);
    let mut out = Vec::with_capacity(inputs.len());
    let mut rest = inputs;
    while let Some(first) = rest.first() {
        let pair = rest
            .first_chunk::<2>()
            .filter(|[a, b]| are_alike(prefix, a, b));
        let count = match (kernel, pair) {
            (Some(kernel), Some(pair)) => {
                out.extend(digest_two(kernel, prefix, *pair));
                2
            }
            _ => {
                out.push(digest_one(prefix, first));
                1
            }
        };
        rest = &rest[count..];
    }
    out
}

fn digest_one(prefix: &[u8], input: &[u8]) -> [u8; 32] {
    let digest = crate::HashAlg::Sha256.digest_parts(&[prefix, input]);
    *digest.as_bytes()
}

/// Two messages: what is padded as for SM3 (FIPS 180-4 section 5.1.1). What the longer one has more of is hashed in one of
/// the two rows.
fn digest_two(kernel: Kernel, prefix: &[u8], inputs: [&[u8]; 2]) -> [[u8; 32]; 2] {
    let mut state = [IV; 2];
    let ends = inputs.map(|input| blocks(prefix, input));
    let edges = |state: &mut [State; 2], index: usize| {
        let before = *state;
        let mut rows = [[0; BLOCK]; 2];
        for (row, input) in rows.iter_mut().zip(inputs) {
            edge(prefix, input, index, row);
        }
        let [a, b] = &rows;
        kernel(state, [core::slice::from_ref(a), core::slice::from_ref(b)]);
        for (row, before) in before.into_iter().enumerate() {
            if index >= ends[row] {
                state[row] = before;
            }
        }
    };
    // Blocks from `from` to `whole` are input and nothing else, in both.
    let from = prefix.len().div_ceil(BLOCK);
    let least = inputs[0].len().min(inputs[1].len());
    let whole = ((prefix.len() + least) / BLOCK).max(from);
    (0..from).for_each(|index| edges(&mut state, index));
    if whole > from {
        let body = from * BLOCK - prefix.len()..whole * BLOCK - prefix.len();
        let rows = inputs.map(|input| input[body.clone()].as_chunks().0);
        kernel(&mut state, rows);
    }
    (whole..ends[0].max(ends[1])).for_each(|index| edges(&mut state, index));
    state.map(|words| {
        let mut digest = [0; 32];
        for (bytes, word) in digest.as_chunks_mut::<4>().0.iter_mut().zip(words) {
            *bytes = word.to_be_bytes();
        }
        digest
    })
}
