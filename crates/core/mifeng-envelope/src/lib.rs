//! The sealed bid: one file that nobody opens before its time, and that opens to one content only.
//!
//! *What is it?* [`seal`] turns files, prices and declarations into a `*.bid`; its [`SealRecord`] (a few
//! kilobytes) is what the log keeps. A host checks the record ([`SealRecord::verify`]) and the body
//! ([`check_body`], or [`Measured`] where the file is read before its record is judged) without any key. When the policy's leaf shares are there,
//! [`VerifiedSeal::recover`] gives the one secret, or proves the bidder at fault, and [`open_body`]
//! streams the content out. *When do I want it?* Applications use the facade crate `mifeng`.
//!
//! No clock, no paths, no randomness of its own. Normative text: `spec/envelope.md`,
//! `spec/suites.md`, `spec/manifest.md`.
#![forbid(unsafe_code)]

pub mod body;
mod content;
mod context;
mod error;
mod identity;
mod journal;
mod leaf;
mod manifest;
mod many;
mod measure;
mod open;
mod own;
mod pad;
mod proofs;
mod record;
mod root;
mod seal;
mod stream;
mod tar;
mod verify;

pub use content::{FileReader, open_file};
pub use context::{Context, ID_LEN_MAX, context_digest, leaf_label};
pub use error::{Error, Fault, Result};
pub use journal::{JOURNAL_LEN_MAX, Resumable};
pub use leaf::{Header, Keys, SealedLeaf};
pub use manifest::{
    Declarations, DetailLine, FILE_SIZE_MAX, FILES_MAX, Field, FileEntry, LINES_MAX,
    MANIFEST_LEN_MAX, Manifest, Opening, PATH_LEN_MAX, check_path,
};
pub use many::{InMemory, Memory, check_many};
pub use measure::{Measured, Measuring};
pub use open::{NoSink, PlainSink, Sigma, open_body, open_body_resuming, open_body_with};
pub use own::{open_own_copy, seal_own_copy};
pub use pad::{PADDED_MIN, padded_len};
pub use record::{SealRecord, SealedFile, Trailer};
pub use root::{BLOCK, RootHasher};
pub use seal::{
    FileSource, Inputs, MemoryFile, Progress, Sealed, draw_sigma, seal, seal_resuming,
    seal_with_sigma,
};
pub use stream::WORKERS_MAX;
pub use verify::{GroupLeaf, Tender, VerifiedSeal, check_body, check_body_with};

/// Threads that the functions without a `workers` argument use.
pub const WORKERS: usize = 4;
