//! Signed PDF documents (ISO 32000-2 sections 7.5 and 12.8, ETSI EN 319 142-1).
//!
//! *Checking*: [`check`] — every signature with its steps, what it covers byte for byte, and what
//! was changed after it, object by object. *Signing*: [`prepare`], then a signature over
//! [`Prepared::content`], then [`Prepared::finish`]; [`add_validation`] for long-term material.
//! *What does it not do?* It draws nothing and repairs nothing: a file that has to be guessed at is
//! refused, because every reader guesses differently.

mod change;
mod check;
mod compare;
mod contents;
mod field;
mod file;
mod filter;
mod form;
mod image;
mod judge;
mod object;
mod range;
mod sign;
mod store;
mod update;
mod write;
mod xref;

pub use change::{Change, ChangeKind};
pub use check::{CheckedPdf, CheckedPdfSignature, SignatureForm, check};
pub use range::Fault;
pub use sign::{Format, Level, Prepared, RESERVE, Request, Shown, Strip, prepare, straddle};
pub use store::{Validation, add_validation};

use crate::Error;

/// Bytes of the largest PDF that is read; scans of a whole tender stay below.
pub const PDF_LEN_MAX: usize = 256 << 20;
/// Signatures of one document: each costs a comparison of the document with its older self.
pub const PDF_SIGNATURES_MAX: usize = 64;
/// Pages, as in OFD documents.
const PAGES_MAX: usize = 5_000;
/// Bytes of one decoded stream.
const DECODED_LEN_MAX: usize = 64 << 20;

/// Facts about a document without checking its signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Width and height of each page in thousandths of a millimetre.
    pub pages: Vec<(crate::ofd::Mm, crate::ofd::Mm)>,
    /// Signatures, time stamps of the document included.
    pub signatures: usize,
}

/// Reads pages and the number of signatures.
///
/// # Errors
/// [`Error::Pdf`], [`Error::PdfEncrypted`], [`Error::TooLarge`].
pub fn facts(bytes: &[u8]) -> Result<Facts, Error> {
    let file = file::File::open(bytes)?;
    let pages = field::pages(&file)?;
    let sizes: Result<Vec<_>, Error> = pages
        .iter()
        .map(|page| {
            let area = field::media_box(&file, page)?;
            Ok((
                field::from_points(area[2] - area[0]),
                field::from_points(area[3] - area[1]),
            ))
        })
        .collect();
    let signatures = field::fields(&file)?;
    Ok(Facts {
        pages: sizes?,
        signatures: signatures.iter().filter(|f| f.value.is_some()).count(),
    })
}

/// An [`Error::Pdf`].
fn broken(at: usize, rule: &'static str) -> Error {
    Error::Pdf {
        at: at as u64,
        rule,
    }
}
