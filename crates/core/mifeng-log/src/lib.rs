//! Merkle trees, checkpoints, proofs, cosignatures and beats of a transparency log.
#![forbid(unsafe_code)]
