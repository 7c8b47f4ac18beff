//! Merkle trees of RFC 6962 section 2 (the same trees as RFC 9162 section 2.1), over either hash.
//!
//! A [`Tree`] keeps every complete subtree, so that roots and proofs of any earlier size cost a
//! few dozen hashes; a [`Frontier`] keeps only what the next root needs. Proofs are verified by
//! the functions of RFC 9162 sections 2.1.3.2 and 2.1.4.2.

mod verify;

pub use verify::{
    verify_consistency, verify_inclusion, verify_subtree_consistency, verify_subtree_inclusion,
};

use crate::Error;
use mifeng_crypto::{Digest, HashAlg};

/// The hash of a leaf: `H(00 ‖ data)`.
pub fn leaf_hash(alg: HashAlg, data: &[u8]) -> Digest {
    alg.digest_parts(&[&[0], data])
}

/// The hash of an inner node: `H(01 ‖ left ‖ right)`.
pub fn node_hash(alg: HashAlg, left: &Digest, right: &Digest) -> Digest {
    alg.digest_parts(&[&[1], left.as_bytes(), right.as_bytes()])
}

fn both([left, right]: &[Digest; 2]) -> [u8; 64] {
    let mut both = [0; 64];
    both[..32].copy_from_slice(left.as_bytes());
    both[32..].copy_from_slice(right.as_bytes());
    both
}

/// The root of a tree without leaves: `H()`.
pub fn empty_root(alg: HashAlg) -> Digest {
    alg.digest(b"")
}

/// The root over leaf hashes.
pub fn root(alg: HashAlg, leaves: &[Digest]) -> Digest {
    let mut frontier = Frontier::new(alg);
    leaves.iter().for_each(|leaf| frontier.append(*leaf));
    frontier.root()
}

/// The inclusion proof of leaf `index` in the tree over `leaves`.
///
/// # Errors
/// [`Error::Range`] if there is no such leaf.
pub fn inclusion_proof(alg: HashAlg, leaves: &[Digest], index: u64) -> Result<Vec<Digest>, Error> {
    Tree::from_leaves(alg, leaves).inclusion_proof(index, leaves.len() as u64)
}

/// The proof that the tree over the first `old_size` of `leaves` is a prefix of the whole.
///
/// # Errors
/// [`Error::Range`] if there are fewer leaves than that.
pub fn consistency_proof(
    alg: HashAlg,
    leaves: &[Digest],
    old_size: u64,
) -> Result<Vec<Digest>, Error> {
    Tree::from_leaves(alg, leaves).consistency_proof(old_size, leaves.len() as u64)
}

/// The right edge of a growing tree: appends and roots in memory of at most 64 hashes.
#[derive(Clone, Debug)]
pub struct Frontier {
    alg: HashAlg,
    size: u64,
    // Roots of the complete subtrees that make up the tree, largest first: one for each bit that
    // is set in `size`.
    peaks: Vec<Digest>,
}

impl Frontier {
    /// The edge of an empty tree.
    pub fn new(alg: HashAlg) -> Self {
        Frontier {
            alg,
            size: 0,
            peaks: Vec::new(),
        }
    }

    /// Adds a leaf hash ([`leaf_hash`]) at the end.
    pub fn append(&mut self, leaf: Digest) {
        let mut node = leaf;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                node = node_hash(self.alg, &left, &node);
            }
        }
        self.peaks.push(node);
        self.size += 1;
    }

    /// Leaves so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root over all leaves so far.
    pub fn root(&self) -> Digest {
        let mut peaks = self.peaks.iter().rev();
        let Some(last) = peaks.next() else {
            return empty_root(self.alg);
        };
        peaks.fold(*last, |right, left| node_hash(self.alg, left, &right))
    }
}

/// A tree that can prove anything about any of its earlier sizes. Memory: two hashes per leaf.
#[derive(Clone, Debug)]
pub struct Tree {
    alg: HashAlg,
    // `levels[k][i]` is the root of the complete subtree over leaves i·2^k … (i+1)·2^k − 1.
    levels: Vec<Vec<Digest>>,
}

impl Tree {
    /// A tree without leaves.
    pub fn new(alg: HashAlg) -> Self {
        Tree {
            alg,
            levels: vec![Vec::new()],
        }
    }

    /// A tree over leaf hashes.
    pub fn from_leaves(alg: HashAlg, leaves: &[Digest]) -> Self {
        let mut levels = vec![leaves.to_vec()];
        while let Some(row) = levels.last().filter(|row| row.len() > 1) {
            // The nodes of a level stand side by side.
            let pairs = row.as_chunks::<2>().0.iter();
            let pairs: Vec<[u8; 64]> = pairs.map(both).collect();
            let inputs: Vec<&[u8]> = pairs.iter().map(|pair| &pair[..]).collect();
            levels.push(alg.digest_many(&[1], &inputs));
        }
        Tree { alg, levels }
    }

    /// Adds a leaf hash at the end.
    pub fn append(&mut self, leaf: Digest) {
        let mut node = leaf;
        let mut level = 0;
        loop {
            if level == self.levels.len() {
                self.levels.push(Vec::new());
            }
            let row = &mut self.levels[level];
            row.push(node);
            if row.len() % 2 == 1 {
                return;
            }
            node = node_hash(self.alg, &row[row.len() - 2], &node);
            level += 1;
        }
    }

    /// The hash this tree is made with.
    pub fn alg(&self) -> HashAlg {
        self.alg
    }

    /// Leaves so far.
    pub fn size(&self) -> u64 {
        self.levels[0].len() as u64
    }

    /// The leaf hashes.
    pub fn leaves(&self) -> &[Digest] {
        &self.levels[0]
    }

    /// The root over all leaves.
    pub fn root(&self) -> Digest {
        self.span(0, self.levels[0].len())
    }

    /// The root when the tree had `size` leaves.
    ///
    /// # Errors
    /// [`Error::Range`] if it never had.
    pub fn root_at(&self, size: u64) -> Result<Digest, Error> {
        Ok(self.span(0, self.size_at("tree size", size)?))
    }

    /// Whether the tree's first `size` leaves have this root.
    pub fn has(&self, size: u64, root: &Digest) -> bool {
        self.root_at(size).is_ok_and(|found| found == *root)
    }

    /// The proof that leaf `index` is in the tree of `size` leaves, leaf's sibling first
    /// (RFC 9162 section 2.1.3.1).
    ///
    /// # Errors
    /// [`Error::Range`] unless `index < size` and the tree has that many leaves.
    pub fn inclusion_proof(&self, index: u64, size: u64) -> Result<Vec<Digest>, Error> {
        let mut end = self.size_at("tree size", size)?;
        if index >= size {
            return Err(Error::Range {
                what: "leaf index",
                found: index,
                limit: size,
            });
        }
        let (index, mut start) = (index as usize, 0);
        let mut proof = Vec::new();
        while end - start > 1 {
            let middle = start + split(end - start);
            if index < middle {
                proof.push(self.span(middle, end));
                end = middle;
            } else {
                proof.push(self.span(start, middle));
                start = middle;
            }
        }
        proof.reverse();
        Ok(proof)
    }

    /// The proof that the tree of `old_size` leaves is a prefix of the tree of `size` leaves
    /// (RFC 9162 section 2.1.4.1); empty if one of them is empty or they are equal.
    ///
    /// # Errors
    /// [`Error::Range`] unless `old_size ≤ size` and the tree has that many leaves.
    pub fn consistency_proof(&self, old_size: u64, size: u64) -> Result<Vec<Digest>, Error> {
        let mut end = self.size_at("tree size", size)?;
        if old_size > size {
            return Err(Error::Range {
                what: "old tree size",
                found: old_size,
                limit: size + 1,
            });
        }
        let (old, mut start) = (old_size as usize, 0);
        let mut proof = Vec::new();
        if old == 0 {
            return Ok(proof);
        }
        // Walks down to the last complete subtree of the old tree (SUBPROOF of the RFC).
        while end != old {
            let middle = start + split(end - start);
            if old <= middle {
                proof.push(self.span(middle, end));
                end = middle;
            } else {
                proof.push(self.span(start, middle));
                start = middle;
            }
        }
        if start != 0 {
            proof.push(self.span(start, end));
        }
        proof.reverse();
        Ok(proof)
    }

    fn size_at(&self, what: &'static str, size: u64) -> Result<usize, Error> {
        if size > self.size() {
            return Err(Error::Range {
                what,
                found: size,
                limit: self.size() + 1,
            });
        }
        Ok(size as usize)
    }

    /// The hash over leaves `start..end`, a range that the recursion of RFC 9162 section 2.1.1
    /// visits (so that a range of 2^k leaves starts at a multiple of 2^k).
    fn span(&self, start: usize, end: usize) -> Digest {
        let len = end - start;
        if len == 0 {
            return empty_root(self.alg);
        }
        if len.is_power_of_two() {
            let level = len.trailing_zeros();
            return self.levels[level as usize][start >> level];
        }
        let middle = start + split(len);
        let (left, right) = (self.span(start, middle), self.span(middle, end));
        node_hash(self.alg, &left, &right)
    }
}

/// The largest power of two smaller than `len` (which is at least 2).
fn split(len: usize) -> usize {
    1 << (len - 1).ilog2()
}
