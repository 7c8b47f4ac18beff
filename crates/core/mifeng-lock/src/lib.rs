//! When a sealed bid may be opened, and by whom.
//!
//! The lock of a bid is a small formula, the [`policy::Policy`], over leaves: the bidder's certificate, a board
//! of trustees, a timelock. The bid's one secret is dealt over that formula by [`sharing`]; a board leaf is
//! closed with [`tdh2`] to a key that only the trustees together hold, made by [`dkg`]. Trustees open with
//! [`share::Share`]s, each carrying a [`dleq`] proof that anyone can check, and the same shares drive the
//! verifiable [`draw`] of experts.
//!
//! Nothing here reads a clock, a file or a random generator: entropy is an argument.
//!
//! Normative text: `spec/policy.md`, `spec/tdh2.md`, `spec/board.md`, `spec/draw.md`.
#![forbid(unsafe_code)]

pub mod board;
pub mod dkg;
pub mod dleq;
pub mod draw;
mod error;
pub mod panel;
pub mod policy;
mod reveal;
pub mod share;
pub mod sharing;
pub mod tdh2;
pub mod tlock;
pub mod vrf;

pub use board::{Board, MAX_MEMBERS, SecretShare};
pub use error::{Error, Result};
pub use policy::{Leaf, Node, Policy};
pub use share::Share;
