//! The Merkle root over the body's 1 MiB blocks (RFC 6962, suite hash), over several cores.

use mifeng_crypto::{Digest, HashAlg, Hasher};
use mifeng_log::merkle::Frontier;

/// Bytes of a block of the body: one leaf of the tree.
pub const BLOCK: usize = 1 << 20;

/// Takes a body piece by piece, in order, and gives the root.
pub struct RootHasher {
    alg: HashAlg,
    workers: usize,
    tree: Frontier,
    // The block that is not complete yet, and how much of it was hashed.
    open: Option<(Hasher, usize)>,
}

impl RootHasher {
    /// A hasher that uses up to `workers` threads for each piece.
    pub fn new(alg: HashAlg, workers: usize) -> Self {
        RootHasher {
            alg,
            workers: workers.max(1),
            tree: Frontier::new(alg),
            open: None,
        }
    }

    /// Adds the next bytes.
    pub fn update(&mut self, data: &[u8]) {
        let mut tasks = self.cut(data);
        if self.workers == 1 || tasks.len() < 2 {
            tasks
                .iter_mut()
                .for_each(|(hasher, piece)| hasher.update(piece));
        } else {
            let share = tasks.len().div_ceil(self.workers);
            std::thread::scope(|scope| {
                for group in tasks.chunks_mut(share) {
                    scope.spawn(move || {
                        group
                            .iter_mut()
                            .for_each(|(hasher, piece)| hasher.update(piece));
                    });
                }
            });
        }
        let mut filled = self.open.take().map_or(0, |(_, filled)| filled);
        for (hasher, piece) in tasks {
            filled += piece.len();
            if filled == BLOCK {
                self.tree.append(hasher.finish());
                filled = 0;
            } else {
                self.open = Some((hasher, filled));
            }
        }
    }

    /// The pieces of `data` that belong to one block each, with that block's hash so far.
    fn cut<'d>(&self, mut data: &'d [u8]) -> Vec<(Hasher, &'d [u8])> {
        let mut tasks = Vec::with_capacity(data.len() / BLOCK + 2);
        let mut open = self.open.clone();
        while !data.is_empty() {
            let (hasher, filled) = open.take().unwrap_or_else(|| {
                let mut hasher = self.alg.hasher();
                // The leaf prefix of RFC 6962 section 2.1.
                hasher.update(&[0]);
                (hasher, 0)
            });
            let (piece, rest) = data.split_at(data.len().min(BLOCK - filled));
            tasks.push((hasher, piece));
            data = rest;
        }
        tasks
    }

    /// The root over everything.
    pub fn finish(mut self) -> Digest {
        if let Some((hasher, _)) = self.open.take() {
            self.tree.append(hasher.finish());
        }
        self.tree.root()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mifeng_log::merkle;

    #[test]
    fn pieces_and_workers_do_not_matter() {
        let data: Vec<u8> = (0..3 * BLOCK + 12_345).map(|i| (i % 251) as u8).collect();
        let leaves: Vec<Digest> = data
            .chunks(BLOCK)
            .map(|block| merkle::leaf_hash(HashAlg::Sha256, block))
            .collect();
        let expected = merkle::root(HashAlg::Sha256, &leaves);
        for (workers, piece) in [(1, 7_001), (2, 16_400 * 64), (3, 1 << 21), (2, data.len())] {
            let mut hasher = RootHasher::new(HashAlg::Sha256, workers);
            data.chunks(piece).for_each(|piece| hasher.update(piece));
            assert_eq!(hasher.finish(), expected, "{workers} {piece}");
        }
    }
}
