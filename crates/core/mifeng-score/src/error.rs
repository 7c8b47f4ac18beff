//! What can be wrong with a computation's input.

/// Errors of scoring. Every one names the place and what was expected there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A number is not plain decimal text, has too many decimals, or is out of range.
    #[error("{place}: {found:?} is not a decimal number with at most {decimals} decimals in range")]
    Number {
        /// Where.
        place: String,
        /// The text found, cut to 40 characters.
        found: String,
        /// Decimals allowed.
        decimals: usize,
    },
    /// A division by zero.
    #[error("{place}: division by zero")]
    Zero {
        /// Where.
        place: &'static str,
    },
    /// A number grew beyond the limit of the engine.
    #[error("{place}: number beyond {limit} bits")]
    TooBig {
        /// Where.
        place: &'static str,
        /// The limit.
        limit: u64,
    },
    /// Too many bids, judges or items.
    #[error("{found} {what}, at most {limit} are allowed")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many were found.
        found: usize,
        /// How many are allowed.
        limit: usize,
    },
    /// The case or rule text is not the JSON of the format.
    #[error("not a case of the format at line {line}, column {column}")]
    Json {
        /// Line, from 1.
        line: usize,
        /// Column.
        column: usize,
    },
    /// An id occurs twice.
    #[error("duplicate {what} {id:?}")]
    Duplicate {
        /// Of what.
        what: &'static str,
        /// Which.
        id: String,
    },
    /// Something required is missing.
    #[error("missing {what} {id:?}")]
    Missing {
        /// What.
        what: &'static str,
        /// Which.
        id: String,
    },
    /// Something that no rule names is present.
    #[error("unknown {what} {id:?}")]
    Unknown {
        /// What.
        what: &'static str,
        /// Which.
        id: String,
    },
    /// A score lies outside its band.
    #[error("{place}: {found} points, 0 to {max} are allowed (87 art. 64)")]
    Band {
        /// Bid and item.
        place: String,
        /// Points found.
        found: String,
        /// Maximum.
        max: String,
    },
    /// Judges differ on an objective item.
    #[error("judges differ on objective item {item:?} of bid {bid:?} (87 art. 64)")]
    Objective {
        /// The bid.
        bid: String,
        /// The item.
        item: String,
    },
    /// The rule set breaks the law.
    #[error("rule set: {code} ({article})")]
    Rules {
        /// Code of the finding.
        code: &'static str,
        /// Article it breaks.
        article: &'static str,
    },
    /// Several readings of a price are possible; only the committee may choose.
    #[error("{} readings of the detail prices are possible: the committee decides (87 art. 59)", readings.len())]
    Ambiguous {
        /// The readings found, sorted by their text; at most [`crate::READINGS_MAX`].
        readings: Vec<crate::Reading>,
    },
}

impl Error {
    /// A stable short code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Number { .. } => "score.number",
            Self::Zero { .. } => "score.zero",
            Self::TooBig { .. } => "score.too-big",
            Self::TooMany { .. } => "score.too-many",
            Self::Json { .. } => "score.json",
            Self::Duplicate { .. } => "score.duplicate",
            Self::Missing { .. } => "score.missing",
            Self::Unknown { .. } => "score.unknown",
            Self::Band { .. } => "score.band",
            Self::Objective { .. } => "score.objective",
            Self::Rules { .. } => "score.rules",
            Self::Ambiguous { .. } => "score.ambiguous",
        }
    }
}
