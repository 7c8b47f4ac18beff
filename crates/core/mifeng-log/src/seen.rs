//! *Seen at*: a witness's word that a record was shown to it, for a bidder whose host does not answer
//! (PROTOCOL 4, receipts).

use crate::{CosignVerifier, Error, Note};
use mifeng_crypto::{Digest, Time};

/// First line of the statement. No checkpoint has it: its second line would have to be a number.
const TITLE: &str = "mifeng/seen-at/v1";

/// What a witness signs: that it was shown the record with this commitment, for the log of this
/// origin. The time stands in the signature line, as in every cosignature.
///
/// # Errors
/// [`Error::Malformed`] if the origin is more than one line.
pub fn seen_note(origin: &str, commitment: &Digest) -> Result<Note, Error> {
    if origin.is_empty() || origin.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(Error::Malformed {
            what: "seen-at",
            reason: "origin",
        });
    }
    Note::new(&format!("{TITLE}\n{origin}\n{commitment}\n"))
}

/// Checks a statement: over this record, for this log, by this witness. Returns when it was seen.
///
/// # Errors
/// [`Error::NotProven`] if it is over something else; else as [`CosignVerifier::verify`].
pub fn verify_seen(
    statement: &[u8],
    origin: &str,
    commitment: &Digest,
    witness: &CosignVerifier,
) -> Result<Time, Error> {
    let note = Note::parse(statement)?;
    if note.text() != seen_note(origin, commitment)?.text() {
        return Err(Error::NotProven {
            what: "seen-at statement",
        });
    }
    witness.verify(&note)
}
