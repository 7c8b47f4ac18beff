//! Verification of Merkle proofs: the algorithms of RFC 9162, and their form for subtrees.

use super::{empty_root, node_hash};
use crate::Error;
use mifeng_crypto::{Digest, HashAlg};

const INCLUSION: &str = "inclusion proof";
const CONSISTENCY: &str = "consistency proof";

/// Checks that `leaf` (a leaf hash) is number `index` of the tree with this size and root
/// (RFC 9162 section 2.1.3.2).
///
/// # Errors
/// [`Error::Range`] if `index ≥ size`, [`Error::ProofLength`], [`Error::NotProven`].
pub fn verify_inclusion(
    alg: HashAlg,
    leaf: Digest,
    index: u64,
    size: u64,
    proof: &[Digest],
    root: Digest,
) -> Result<(), Error> {
    if index >= size {
        return Err(Error::Range {
            what: "leaf index",
            found: index,
            limit: size,
        });
    }
    expect_length(INCLUSION, inclusion_length(index, size), proof)?;
    let (mut node, mut last) = (index, size - 1);
    let mut hash = leaf;
    for sibling in proof {
        if node & 1 == 1 || node == last {
            hash = node_hash(alg, sibling, &hash);
            // A right edge without siblings is promoted unchanged.
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(alg, &hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    proven(INCLUSION, last == 0 && hash == root)
}

/// Checks that the tree with `old_size` and `old_root` is a prefix of the one with `size` and
/// `root` (RFC 9162 section 2.1.4.2). The empty tree is a prefix of every tree.
///
/// # Errors
/// [`Error::Range`] if `old_size > size`, [`Error::ProofLength`], [`Error::NotProven`].
pub fn verify_consistency(
    alg: HashAlg,
    old_size: u64,
    old_root: Digest,
    size: u64,
    root: Digest,
    proof: &[Digest],
) -> Result<(), Error> {
    if old_size > size {
        return Err(Error::Range {
            what: "old tree size",
            found: old_size,
            limit: size.saturating_add(1),
        });
    }
    if old_size == 0 || old_size == size {
        expect_length(CONSISTENCY, 0, proof)?;
        let old_fits = old_size != 0 || old_root == empty_root(alg);
        let fits = old_size != size || old_root == root;
        return proven(CONSISTENCY, old_fits && fits);
    }
    verify_subtree_consistency(alg, 0..old_size, old_root, size, root, proof)
}

/// Checks that `leaf` is number `index` of the log, by a proof inside the subtree over the
/// entries `range` (draft-ietf-plants-merkle-tree-certs, "Subtree Inclusion Proofs").
///
/// # Errors
/// [`Error::Range`] if the range is no subtree or `index` is outside, [`Error::ProofLength`],
/// [`Error::NotProven`].
pub fn verify_subtree_inclusion(
    alg: HashAlg,
    leaf: Digest,
    index: u64,
    range: core::ops::Range<u64>,
    proof: &[Digest],
    root: Digest,
) -> Result<(), Error> {
    check_subtree(&range)?;
    let inside = index.checked_sub(range.start).ok_or(Error::Range {
        what: "leaf index",
        found: index,
        limit: range.end,
    })?;
    verify_inclusion(alg, leaf, inside, range.end - range.start, proof, root)
}

/// Checks that the subtree over the entries `range` with hash `part` is part of the tree with
/// this size and root (same draft, "Verifying a Subtree Consistency Proof"). An empty range is
/// part of every tree.
///
/// # Errors
/// [`Error::Range`] if the range is no subtree of such a tree, [`Error::NotProven`].
pub fn verify_subtree_consistency(
    alg: HashAlg,
    range: core::ops::Range<u64>,
    part: Digest,
    size: u64,
    root: Digest,
    proof: &[Digest],
) -> Result<(), Error> {
    if range.end > size {
        return Err(Error::Range {
            what: "end of the subtree",
            found: range.end,
            limit: size.saturating_add(1),
        });
    }
    if range.start == range.end {
        expect_length(CONSISTENCY, 0, proof)?;
        return proven(CONSISTENCY, part == empty_root(alg));
    }
    check_subtree(&range)?;
    let (mut first, mut node, mut last) = (range.start, range.end - 1, size - 1);
    // Up to the lowest node whose hash the verifier has, or else the proof starts with.
    while first != node && (node == last || node & 1 == 1) {
        (first, node, last) = (first >> 1, node >> 1, last >> 1);
    }
    let mut proof = proof.iter();
    let seed = if first == node {
        part
    } else {
        *proof.next().ok_or(Error::NotProven { what: CONSISTENCY })?
    };
    let (mut part_hash, mut root_hash) = (seed, seed);
    for sibling in proof {
        if last == 0 {
            return Err(Error::NotProven { what: CONSISTENCY });
        }
        if node & 1 == 1 || node == last {
            if first < node {
                part_hash = node_hash(alg, sibling, &part_hash);
            }
            root_hash = node_hash(alg, sibling, &root_hash);
            while node & 1 == 0 && node != 0 {
                (first, node, last) = (first >> 1, node >> 1, last >> 1);
            }
        } else {
            root_hash = node_hash(alg, &root_hash, sibling);
        }
        (first, node, last) = (first >> 1, node >> 1, last >> 1);
    }
    proven(
        CONSISTENCY,
        last == 0 && part_hash == part && root_hash == root,
    )
}

/// A subtree starts at a multiple of the smallest power of two that is not below its length.
fn check_subtree(range: &core::ops::Range<u64>) -> Result<(), Error> {
    let len = range.end.saturating_sub(range.start);
    let aligned = match len.checked_next_power_of_two() {
        _ if len == 0 => false,
        Some(ceiling) => range.start.is_multiple_of(ceiling),
        None => range.start == 0,
    };
    if !aligned {
        return Err(Error::Range {
            what: "start of the subtree",
            found: range.start,
            limit: range.end,
        });
    }
    Ok(())
}

/// Hashes in the inclusion proof of leaf `index` in a tree of `size` leaves.
fn inclusion_length(index: u64, size: u64) -> u64 {
    let last = size - 1;
    // Levels on which the paths of this leaf and of the last leaf differ; above them the leaf is
    // on the right edge, where only left siblings exist.
    let differing = u64::BITS - (index ^ last).leading_zeros();
    let above = if differing == u64::BITS {
        0
    } else {
        index >> differing
    };
    u64::from(differing + above.count_ones())
}

fn expect_length(what: &'static str, expected: u64, proof: &[Digest]) -> Result<(), Error> {
    let found = proof.len() as u64;
    if found != expected {
        return Err(Error::ProofLength {
            what,
            expected,
            found,
        });
    }
    Ok(())
}

fn proven(what: &'static str, holds: bool) -> Result<(), Error> {
    if holds {
        Ok(())
    } else {
        Err(Error::NotProven { what })
    }
}
