//! The proofs of many seals' board leaves, side by side.

use crate::Result;
use crate::verify::{GroupLeaf, VerifiedSeal};
use mifeng_lock::{Board, tdh2};

/// A seal that waits for the proofs of its board leaves.
pub(crate) struct Unproven<'a> {
    pub(crate) seal: VerifiedSeal,
    pub(crate) proofs: Vec<Proof<'a>>,
    /// What was found of the leaves otherwise, behind those whose proofs wait.
    pub(crate) leaves: Result<()>,
}

/// A leaf closed to a board, its proof not checked.
pub(crate) struct Proof<'a> {
    pub(crate) board: &'a Board,
    pub(crate) path: String,
    pub(crate) label: Vec<u8>,
    pub(crate) bytes: Vec<u8>,
}

/// Checks the proofs of all, side by side.
pub(crate) fn prove_each(all: Vec<Result<Unproven<'_>>>) -> Vec<Result<VerifiedSeal>> {
    let proofs = all.iter().flatten().flat_map(|one| &one.proofs);
    let unchecked: Vec<_> = proofs
        .map(|proof| tdh2::Unchecked {
            board: proof.board,
            label: &proof.label,
            bytes: &proof.bytes,
        })
        .collect();
    let mut checked = tdh2::Ciphertext::parse_and_check_each(&unchecked).into_iter();
    let mut prove = |one: Unproven<'_>| {
        let mut seal = one.seal;
        // All of its own are taken, whatever they are: the next ones are another seal's.
        let own: Vec<_> = checked.by_ref().take(one.proofs.len()).collect();
        let mut own = own.into_iter();
        for proof in one.proofs {
            let ciphertext = own
                .next()
                .unwrap_or(Err(mifeng_lock::Error::InvalidCiphertext));
            seal.groups.push(GroupLeaf {
                path: proof.path,
                label: proof.label,
                ciphertext: ciphertext?,
                key: proof.board.key(),
            });
        }
        one.leaves.map(|()| seal)
    };
    let unproven = all.into_iter();
    unproven.map(|one| one.and_then(&mut prove)).collect()
}
