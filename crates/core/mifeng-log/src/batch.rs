//! Batches: one beat's records, hidden among filler in a full tree of constant depth.

use crate::entry::check_depth;
use crate::{Entry, Error, merkle};
use mifeng_crypto::{Digest, Suite};
use std::collections::{HashMap, HashSet};

/// Deepest batch: 65,536 records in one beat, far beyond what one tender's bidders send, and two
/// megabytes of filler for a verifier to recompute.
pub const DEPTH_MAX: u8 = 16;

/// The batch of one beat. Until the seed is shown nobody can tell records from filler.
pub struct Batch {
    suite: &'static Suite,
    depth: u8,
    tree: merkle::Tree,
    positions: Vec<u64>,
}

impl Batch {
    /// Hides `commitments` in a batch of 2^depth leaves, at the [`places`] that the seed gives.
    /// The seed is 32 fresh random bytes for each beat, kept secret until the close.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if they do not fit or the depth is above [`DEPTH_MAX`],
    /// [`Error::Duplicate`] if one stands there twice.
    pub fn build(
        suite: &'static Suite,
        depth: u8,
        seed: &[u8; 32],
        commitments: &[Digest],
    ) -> Result<Self, Error> {
        let positions = places(suite, depth, seed, commitments.len())?;
        let mut disclosed = HashMap::new();
        let mut seen = HashSet::new();
        for (nth, (position, commitment)) in positions.iter().zip(commitments).enumerate() {
            if !seen.insert(commitment) {
                return Err(Error::Duplicate { nth });
            }
            disclosed.insert(*position, *commitment);
        }
        let mut values = fillers(suite, seed, 1 << depth);
        for (value, index) in values.iter_mut().zip(0u64..) {
            *value = disclosed.get(&index).copied().unwrap_or(*value);
        }
        let values: Vec<&[u8]> = values.iter().map(|value| &value.as_bytes()[..]).collect();
        // The leaf prefix of RFC 6962 section 2.1.
        let leaves = suite.hash().digest_many(&[0], &values);
        Ok(Batch {
            suite,
            depth,
            tree: merkle::Tree::from_leaves(suite.hash(), &leaves),
            positions,
        })
    }

    /// The root of the full tree.
    pub fn root(&self) -> Digest {
        self.tree.root()
    }

    /// The batch has 2^depth leaves.
    pub fn depth(&self) -> u8 {
        self.depth
    }

    /// The suite it was built with.
    pub fn suite(&self) -> &'static Suite {
        self.suite
    }

    /// Where the commitments stand, in the order they were given.
    pub fn positions(&self) -> &[u64] {
        &self.positions
    }

    /// The log entry of this beat.
    pub fn entry(&self) -> Entry {
        Entry::Batch {
            root: self.root(),
            depth: self.depth,
        }
    }

    /// The path from the leaf at `position` to the root: always `depth` hashes.
    ///
    /// # Errors
    /// [`Error::Range`] if there is no such leaf.
    pub fn path(&self, position: u64) -> Result<Vec<Digest>, Error> {
        self.tree.inclusion_proof(position, self.tree.size())
    }
}

/// Checks that `commitment` stands at `position` of the batch with this depth and root.
///
/// # Errors
/// [`Error::TooLarge`] for a depth above [`DEPTH_MAX`], and those of
/// [`merkle::verify_inclusion`].
pub fn verify_batch_path(
    suite: &Suite,
    commitment: &Digest,
    position: u64,
    depth: u8,
    path: &[Digest],
    root: Digest,
) -> Result<(), Error> {
    check_depth(depth)?;
    let leaf = merkle::leaf_hash(suite.hash(), commitment.as_bytes());
    merkle::verify_inclusion(suite.hash(), leaf, position, 1 << depth, path, root)
}

/// Accounts for every leaf of a batch, once its seed is known: the disclosed records, in the
/// order they were put in, stand at the places of the seed, and everything else is filler.
/// After that no hidden record can be in the batch.
///
/// # Errors
/// [`Error::Place`], [`Error::Duplicate`], [`Error::TooLarge`]; [`Error::Unaccounted`] if the
/// root differs.
pub fn account(
    suite: &'static Suite,
    depth: u8,
    seed: &[u8; 32],
    root: Digest,
    disclosed: &[(u64, Digest)],
) -> Result<(), Error> {
    let commitments: Vec<Digest> = disclosed.iter().map(|(_, c)| *c).collect();
    let batch = Batch::build(suite, depth, seed, &commitments)?;
    for (nth, ((found, _), expected)) in disclosed.iter().zip(batch.positions()).enumerate() {
        if found != expected {
            return Err(Error::Place {
                nth,
                expected: *expected,
                found: *found,
            });
        }
    }
    if batch.root() != root {
        return Err(Error::Unaccounted {
            disclosed: disclosed.len(),
        });
    }
    Ok(())
}

/// The places of the first `count` records in a batch: the start of a random permutation of its
/// leaves (Fisher and Yates), drawn from `H_tag("place", seed, be64 counter)`.
///
/// # Errors
/// [`Error::TooLarge`] if there are more records than leaves, or the depth is above
/// [`DEPTH_MAX`].
pub fn places(suite: &Suite, depth: u8, seed: &[u8; 32], count: usize) -> Result<Vec<u64>, Error> {
    check_depth(depth)?;
    let leaves = 1u64 << depth;
    if count as u64 > leaves {
        return Err(Error::TooLarge {
            what: "number of records in a batch",
            found: count as u64,
            max: leaves,
        });
    }
    // The permutation, as far as it differs from the identity.
    let mut moved = HashMap::new();
    let mut places = Vec::with_capacity(count);
    let mut counter = 0u64;
    for nth in 0..count as u64 {
        let chosen = nth + below(suite, seed, &mut counter, leaves - nth);
        let place = moved.get(&chosen).copied().unwrap_or(chosen);
        let displaced = moved.get(&nth).copied().unwrap_or(nth);
        moved.insert(chosen, displaced);
        places.push(place);
    }
    Ok(places)
}

/// A uniform integer below `bound` (which is at least 1 and at most 2^16): the first big-endian
/// 64-bit number of the stream below the largest multiple of `bound` under 2^64, modulo `bound`.
fn below(suite: &Suite, seed: &[u8; 32], counter: &mut u64, bound: u64) -> u64 {
    let limit = u64::MAX - u64::MAX % bound;
    loop {
        let hash = suite.h_tag("place", &[seed, &counter.to_be_bytes()]);
        *counter += 1;
        let number = hash
            .as_bytes()
            .iter()
            .take(8)
            .fold(0u64, |n, byte| (n << 8) | u64::from(*byte));
        if number < limit {
            return number % bound;
        }
    }
}

/// What stands where no record does: `H_tag("filler", seed, be64 index)` for so many indices.
fn fillers(suite: &Suite, seed: &[u8; 32], count: u64) -> Vec<Digest> {
    let indices: Vec<[u8; 8]> = (0..count).map(u64::to_be_bytes).collect();
    let parts: Vec<[&[u8]; 2]> = indices.iter().map(|index| [&seed[..], index]).collect();
    suite.h_tag_many("filler", &parts)
}
