//! Merkle trees, checkpoints, proofs, cosignatures and beats of a transparency log.
//!
//! *What is it?* The log of one tender as pure values: entries are hashed into RFC 6962 trees
//! ([`LogTree`]), heads are signed as C2SP checkpoints ([`Checkpoint`]) and cosigned by witnesses
//! ([`Witness`]), records hide inside fixed-rate batches until the close ([`Schedule`],
//! [`Batch`]), and a bidder walks away with a [`ReceiptProof`]. *When do I want it?* When you
//! build a log, a witness or a verifier; applications use the facade crate `mifeng`.
//!
//! ```
//! use mifeng_crypto::{Digest, INTL};
//! use mifeng_log::{Entry, LogTree, merkle};
//!
//! let mut log = LogTree::new(&INTL, "example.com/t/42")?;
//! let entry = Entry::record(Digest::default(), Digest::default()).to_bytes();
//! let index = log.append(&entry)?;
//! let proof = log.tree().inclusion_proof(index, log.size())?;
//! let leaf = merkle::leaf_hash(INTL.hash(), &entry);
//! merkle::verify_inclusion(INTL.hash(), leaf, index, log.size(), &proof, log.root())?;
//! # Ok::<(), mifeng_log::Error>(())
//! ```
//!
//! No clock, no files, no sockets: time is an argument, storage belongs to the caller.
#![forbid(unsafe_code)]

mod anchor;
mod batch;
mod beat;
mod checkpoint;
mod cosign;
mod entry;
mod error;
pub mod merkle;
mod note;
mod receipt;
mod seen;
pub mod tiles;
mod tlog_proof;
mod tree;
mod vkey;
mod witness;

// - one entry per beat, records hidden inside
pub use batch::{Batch, DEPTH_MAX, account, places, verify_batch_path};
pub use beat::{Pace, Schedule};
pub use entry::{ENTRY_LEN_MAX, Entry, commitment};
// - the log of all heads
pub use anchor::{ANCHOR_PROOF_LEN_MAX, ANCHORED_ORIGIN_MAX, AnchorProof, Anchored};
// - signed heads
pub use checkpoint::{Checkpoint, SignedCheckpoint};
pub use cosign::{CosignVerifier, Quorum};
pub use note::{NOTE_LEN_MAX, Note, NoteSigner, NoteVerifier, SIGNATURES_MAX, Signature};
pub use seen::{seen_note, verify_seen};
pub use vkey::{SignatureType, VerifierKey};
pub use witness::{Witness, WitnessState};
// - trees and proofs
pub use receipt::{BatchPlace, RECEIPT_LEN_MAX, ReceiptProof, Verified};
pub use tlog_proof::TlogProof;
pub use tree::LogTree;

pub use error::Error;
