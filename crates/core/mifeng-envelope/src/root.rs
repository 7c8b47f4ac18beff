//! Tree hashes over 1 MiB blocks (RFC 6962, suite hash): of a body, and of each file inside.
//!
//! One stream of a hash cannot fill a wide machine; the blocks of a tree can (`mifeng_crypto::sm3x`
//! and `mifeng_crypto::sha2x`).

use crate::{Error, Result};
use mifeng_crypto::{Digest, HashAlg, Wiped, cores, sha2x, sm3x};
use mifeng_log::merkle::Frontier;
use std::ops::Range;
use std::sync::Mutex;

/// Bytes of a block: one leaf of the tree.
pub const BLOCK: usize = 1 << 20;
/// Blocks of the rounds in which bodies are made and read. The blocks of the files join them, which
/// makes as many as the widest lanes of `sm3x` take.
pub(crate) const ROUND_BLOCKS: usize = 8;

/// A piece of work for one thread.
pub(crate) type Task<'t, T> = Box<dyn FnOnce() -> T + Send + 't>;

/// Runs `tasks` on up to `workers` threads, this one included; results in the order of the tasks.
pub(crate) fn run<T: Send>(workers: usize, tasks: Vec<Task<'_, T>>) -> Vec<T> {
    let workers = workers.min(tasks.len());
    run_beside(workers, tasks, || ()).1
}

/// The same, while this thread first does `own`: reading or writing, which only it can.
pub(crate) fn run_beside<T: Send, R>(
    workers: usize,
    tasks: Vec<Task<'_, T>>,
    own: impl FnOnce() -> R,
) -> (R, Vec<T>) {
    let workers = workers.min(tasks.len() + 1);
    let queue = Mutex::new(tasks.into_iter().enumerate());
    let work = || {
        let mut done = Vec::new();
        // A poisoned queue is empty for the others; the panic that poisoned it goes on.
        while let Some((at, task)) = queue.lock().ok().and_then(|mut queue| queue.next()) {
            done.push((at, task()));
        }
        done
    };
    let (own, all) = cores::beside(workers, work, own);
    (own, cores::in_order(all))
}

/// Tasks that give the leaf hashes of `leaves`, in order: full lanes each.
pub(crate) fn leaf_tasks<'t>(
    alg: HashAlg,
    leaves: &[&'t [u8]],
    workers: usize,
) -> Vec<Task<'t, Vec<Digest>>> {
    let share = match alg {
        HashAlg::Sm3 => sm3x::lanes(),
        // Two at a time on each of many cores are faster than all on one.
        HashAlg::Sha256 => sha2x::lanes_for(leaves.len().div_ceil(workers.max(1))),
    } * BLOCK;
    let mut tasks: Vec<Task<'t, Vec<Digest>>> = Vec::new();
    let mut rest = leaves;
    while !rest.is_empty() {
        let mut len = 0;
        let fits = |leaf: &&&[u8]| {
            len += leaf.len();
            len <= share
        };
        let count = rest.iter().take_while(fits).count().max(1);
        let (group, later) = rest.split_at(count);
        let group = group.to_vec();
        tasks.push(Box::new(move || leaf_hashes(alg, &group)));
        rest = later;
    }
    tasks
}

pub(crate) fn leaf_hashes(alg: HashAlg, leaves: &[&[u8]]) -> Vec<Digest> {
    // The leaf prefix of RFC 6962 section 2.1.
    alg.digest_many(&[0], leaves)
}

/// What stands in a [`Window`]: a leaf to be hashed, or the end of a file.
enum Piece {
    Leaf(Range<usize>),
    End,
}

/// Collects the bytes of file after file and gives out their blocks, so that the leaves of small
/// files share the lanes too. The caller hashes them when it suits, at the latest when the window is
/// full.
pub(crate) struct Window {
    alg: HashAlg,
    // Holds plaintext of bids, hence wiped.
    bytes: Wiped,
    // Bytes between two turns.
    turn: usize,
    filled: usize,
    // Where the bytes begin that came since the last turn; before them stands the open block.
    begin: usize,
    // Where the block begins that is not complete.
    open: usize,
    pieces: Vec<Piece>,
    tree: Frontier,
    roots: Vec<Digest>,
}

impl Window {
    /// A window that takes `len` bytes between two turns.
    pub(crate) fn new(alg: HashAlg, len: usize) -> Self {
        // An open block stands before what comes in a later turn.
        Window::over(alg, len, Wiped::zeros(len + BLOCK))
    }

    /// A window that takes `len` bytes and has no second turn, in memory that another one had, if it is large enough.
    pub(crate) fn for_one_turn(alg: HashAlg, len: usize, mut bytes: Wiped) -> Self {
        if bytes.capacity() < len {
            // Growing it would leave a copy behind.
            bytes = Wiped::zeros(len);
        }
        bytes.resize(len, 0);
        Window::over(alg, len, bytes)
    }

    fn over(alg: HashAlg, turn: usize, bytes: Wiped) -> Self {
        Window {
            alg,
            bytes,
            turn,
            filled: 0,
            begin: 0,
            open: 0,
            pieces: Vec::new(),
            tree: Frontier::new(alg),
            roots: Vec::new(),
        }
    }

    /// The memory, for the next window.
    pub(crate) fn into_memory(self) -> Wiped {
        self.bytes
    }

    /// Puts the window where an interrupted one stood: `ended` files, each with the hashes of its
    /// leaves, then a file of which `leaves` are hashed and `tail` is not.
    pub(crate) fn restore(
        &mut self,
        ended: impl IntoIterator<Item = Vec<Digest>>,
        leaves: &[Digest],
        tail: &[u8],
    ) {
        let tree = |leaves: &[Digest]| {
            let mut tree = Frontier::new(self.alg);
            leaves.iter().for_each(|leaf| tree.append(*leaf));
            tree
        };
        self.roots = ended.into_iter().map(|file| tree(&file).root()).collect();
        self.tree = tree(leaves);
        self.bytes[..tail.len()].copy_from_slice(tail);
        (self.filled, self.begin, self.open) = (tail.len(), tail.len(), 0);
    }

    /// Room for the next bytes of the file.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        // An open block is shorter than `BLOCK`, so this is inside where there is a later turn.
        let end = (self.begin + self.turn).min(self.bytes.len());
        &mut self.bytes[self.filled..end]
    }

    /// The next `len` bytes stand in the room.
    pub(crate) fn took(&mut self, len: usize) {
        self.filled += len;
        while self.filled - self.open >= BLOCK {
            self.leaf(self.open + BLOCK);
        }
    }

    /// All bytes that came since the last turn.
    pub(crate) fn fresh(&self) -> &[u8] {
        &self.bytes[self.begin..self.filled]
    }

    /// As [`Window::push`] for bytes between files, which are not hashed.
    pub(crate) fn pass(&mut self, data: &[u8]) -> usize {
        let room = self.room();
        let len = data.len().min(room.len());
        room[..len].copy_from_slice(&data[..len]);
        self.filled += len;
        self.open = self.filled;
        len
    }

    /// Copies bytes in as far as there is room; says how many.
    pub(crate) fn push(&mut self, data: &[u8]) -> usize {
        let room = self.room();
        let len = data.len().min(room.len());
        room[..len].copy_from_slice(&data[..len]);
        self.took(len);
        len
    }

    /// The file is complete.
    pub(crate) fn end(&mut self) {
        if self.filled > self.open {
            self.leaf(self.filled);
        }
        self.pieces.push(Piece::End);
    }

    fn leaf(&mut self, end: usize) {
        self.pieces.push(Piece::Leaf(self.open..end));
        self.open = end;
    }

    /// The leaves that are complete, to be hashed.
    pub(crate) fn leaves(&self) -> impl Iterator<Item = &[u8]> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Leaf(range) => Some(&self.bytes[range.clone()]),
            Piece::End => None,
        })
    }

    /// Takes the hashes of [`Window::leaves`]; the bytes stay.
    pub(crate) fn learn(&mut self, hashes: impl IntoIterator<Item = Digest>) {
        let mut hashes = hashes.into_iter();
        for piece in self.pieces.drain(..) {
            match piece {
                Piece::Leaf(_) => {
                    if let Some(hash) = hashes.next() {
                        self.tree.append(hash);
                    }
                }
                Piece::End => {
                    let tree = core::mem::replace(&mut self.tree, Frontier::new(self.alg));
                    self.roots.push(tree.root());
                }
            }
        }
    }

    /// The turn: takes the hashes of [`Window::leaves`] and makes room.
    pub(crate) fn settle(&mut self, hashes: impl IntoIterator<Item = Digest>) {
        self.learn(hashes);
        self.bytes.copy_within(self.open..self.filled, 0);
        self.filled -= self.open;
        (self.begin, self.open) = (self.filled, 0);
    }

    /// Hashes what is complete, and gives the roots of all files that have ended since the last
    /// call; the bytes stay.
    pub(crate) fn roots(&mut self, workers: usize) -> Result<Vec<Digest>> {
        let leaves: Vec<&[u8]> = self.leaves().collect();
        let hashes = run(workers, leaf_tasks(self.alg, &leaves, workers));
        self.learn(hashes.into_iter().flatten());
        Ok(core::mem::take(&mut self.roots))
    }
}

/// Takes a body, or a file, piece by piece, in order, and gives the root.
pub struct RootHasher {
    window: Window,
    workers: usize,
}

impl RootHasher {
    /// A hasher that uses up to `workers` threads, and 9 MiB of memory (17 with more than one, or
    /// where the machine hashes sixteen blocks side by side).
    pub fn new(alg: HashAlg, workers: usize) -> Self {
        let workers = workers.max(1);
        let blocks = (workers.min(2) * ROUND_BLOCKS).max(sm3x::lanes());
        RootHasher {
            window: Window::new(alg, blocks * BLOCK),
            workers,
        }
    }

    /// Adds the next bytes.
    ///
    /// # Errors
    /// [`Error::Io`] if a worker thread dies.
    pub fn update(&mut self, mut data: &[u8]) -> Result<()> {
        while !data.is_empty() {
            if self.window.room().is_empty() {
                self.window.roots(self.workers)?;
                self.window.settle([]);
            }
            let taken = self.window.push(data);
            data = &data[taken..];
        }
        Ok(())
    }

    /// The root over everything.
    ///
    /// # Errors
    /// As [`RootHasher::update`].
    pub fn finish(mut self) -> Result<Digest> {
        self.window.end();
        let roots = self.window.roots(self.workers)?;
        // One file was ended, so there is one root.
        roots.first().copied().ok_or(Error::BodyRoot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mifeng_log::merkle;

    fn root(alg: HashAlg, data: &[u8]) -> Digest {
        let leaves: Vec<Digest> = data
            .chunks(BLOCK)
            .map(|block| merkle::leaf_hash(alg, block))
            .collect();
        merkle::root(alg, &leaves)
    }

    #[test]
    fn pieces_and_workers_do_not_matter() {
        let data: Vec<u8> = (0..19 * BLOCK + 12_345).map(|i| (i % 251) as u8).collect();
        for alg in [HashAlg::Sha256, HashAlg::Sm3] {
            let expected = root(alg, &data);
            for (workers, piece) in [(1, 7_001), (2, 16_400 * 64), (3, 1 << 21), (2, data.len())] {
                let mut hasher = RootHasher::new(alg, workers);
                for piece in data.chunks(piece) {
                    hasher.update(piece).expect("threads live");
                }
                assert_eq!(hasher.finish(), Ok(expected), "{workers} {piece}");
            }
        }
    }

    #[test]
    fn files_of_all_sizes_side_by_side() {
        let sizes = [
            0,
            1,
            BLOCK - 1,
            BLOCK,
            0,
            BLOCK + 1,
            3 * BLOCK,
            5,
            5,
            5,
            5,
            0,
        ];
        for alg in [HashAlg::Sha256, HashAlg::Sm3] {
            let files: Vec<Vec<u8>> = (0u8..).zip(sizes).map(|(i, n)| vec![i; n]).collect();
            let mut window = Window::new(alg, ROUND_BLOCKS * BLOCK);
            for file in &files {
                assert_eq!(window.push(file), file.len());
                window.end();
            }
            let roots = window.roots(2).expect("threads live");
            let expected: Vec<Digest> = files.iter().map(|file| root(alg, file)).collect();
            assert_eq!(roots, expected);
        }
        assert_eq!(root(HashAlg::Sm3, b""), merkle::empty_root(HashAlg::Sm3));
    }
}
