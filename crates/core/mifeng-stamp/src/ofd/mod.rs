//! OFD packages (GB/T 33190-2016): read against hostile input, signed, checked.
//!
//! *Checking*: [`check`] gives every signature's steps and the files that none covers.
//! *Signing*: [`prepare`] writes everything but the signature, [`Prepared::draft`] says what is to
//! be signed, [`Prepared::finish`] puts the signature in. In between the caller may ask for a time
//! stamp, or carry files to a key elsewhere.

mod check;
mod document;
mod name;
mod package;
mod place;
mod sign;
mod signatures;
mod write;
mod xml;

pub use check::{CheckedDocument, CheckedEntry, check};
pub use document::{Document, PAGES_MAX, Page};
pub use package::{ENTRIES_MAX, ENTRY_LEN_MAX, PACKAGE_LEN_MAX, Package, TOTAL_LEN_MAX};
pub use place::{Mm, Place, Rect, straddle};
pub use sign::{Prepared, Request, Scope, prepare};
pub use signatures::{Entry, EntryKind, Reference, SIGNATURES_MAX, SignatureFile};
pub use write::Writer;
