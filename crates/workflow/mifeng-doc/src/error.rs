//! What can go wrong.

use mifeng_crypto::Kind;

/// Why a document cannot be set or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A font cannot be used.
    #[error("font {name}: {rule}")]
    Font {
        /// Which.
        name: String,
        /// What is wrong.
        rule: &'static str,
    },
    /// No face has this character.
    #[error("no glyph for {sign:?} (U+{:04X}) in the fonts given", *.sign as u32)]
    NoGlyph {
        /// The character.
        sign: char,
    },
    /// A paper that cannot be set.
    #[error("document: {0}")]
    Paper(&'static str),
    /// A picture that cannot be drawn.
    #[error("picture of a seal: {0}")]
    Picture(&'static str),
    /// The PDF writer refuses.
    #[error("PDF/A: {0}")]
    Pdf(String),
    /// The package.
    #[error(transparent)]
    Stamp(#[from] mifeng_stamp::Error),
}

impl Error {
    /// A stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Error::Font { .. } => "doc.font",
            Error::NoGlyph { .. } => "doc.no-glyph",
            Error::Paper(_) => "doc.paper",
            Error::Picture(_) => "doc.picture",
            Error::Pdf(_) => "doc.pdf",
            Error::Stamp(inner) => inner.code(),
        }
    }
    /// Whose fault it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Error::Font { .. } | Error::NoGlyph { .. } => Kind::Unavailable,
            Error::Stamp(inner) => inner.kind(),
            _ => Kind::Malformed,
        }
    }
}
