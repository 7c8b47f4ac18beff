//! What can be wrong with a computation's input.

use mifeng_crypto::Kind;

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
    /// The text is not the JSON of the format: syntax, an unknown or missing field, a number where
    /// decimal text is expected.
    #[error("not of the format at line {line}, column {column}: {what}")]
    Json {
        /// Line, from 1.
        line: usize,
        /// Column.
        column: usize,
        /// What is wrong, in the reader's words.
        what: String,
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
    #[error("rule set: {code} at {place} ({article})")]
    Rules {
        /// Code of the finding.
        code: String,
        /// Field or item.
        place: String,
        /// Article it breaks.
        article: String,
    },
    /// A formula that cannot be read or computed.
    #[error("formula, line {line}, column {column}: {what}")]
    Formula {
        /// `formula.syntax`, `formula.name`, `formula.type`, `formula.limit`, `formula.param` or
        /// `formula.value`.
        code: &'static str,
        /// Line, from 1; 0 if it is not about a line.
        line: usize,
        /// Column, from 1; 0 if it is not about a line.
        column: usize,
        /// Expected and found.
        what: String,
    },
    /// A rule pack that cannot be read.
    #[error("rule pack, {place}: {what}")]
    Pack {
        /// Entry or member.
        place: String,
        /// What is wrong.
        what: String,
    },
    /// No rule pack for this.
    #[error("no rule pack for {what}: nothing is assumed")]
    NoPack {
        /// Region and day, or id and digest.
        what: String,
    },
    /// A result may not be changed for this reason.
    #[error("a result may not be changed for {reason:?} ({article})")]
    Recheck {
        /// The reason given.
        reason: String,
        /// Article that lists the reasons.
        article: String,
    },
    /// Several readings of a price are possible; only the committee may choose.
    #[error("{} readings of the detail prices are possible: the committee decides (87 art. 59)", readings.len())]
    Ambiguous {
        /// The readings found, sorted by their text; at most [`crate::READINGS_MAX`].
        readings: Vec<crate::Reading>,
    },
}

impl Error {
    /// From the reader of JSON.
    pub(crate) fn json(error: &serde_json::Error) -> Self {
        let mut what = error.to_string();
        // The reader ends with the place, which is a member of its own here.
        if let Some(end) = what.rfind(" at line ") {
            what.truncate(end);
        }
        Self::Json {
            line: error.line(),
            column: error.column(),
            what: what.chars().take(200).collect(),
        }
    }

    /// The same at a better place, for a number.
    pub(crate) fn at(self, place: &str) -> Self {
        match self {
            Self::Number {
                found, decimals, ..
            } => Self::Number {
                place: place.to_owned(),
                found,
                decimals,
            },
            other => other,
        }
    }

    /// A stable short code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Number { .. } => "score.number",
            Self::Zero { .. } => "score.zero",
            Self::TooBig { .. } => "score.too-big",
            Self::TooMany { .. } => "score.too-many",
            Self::Json { what, .. } if what.starts_with("unknown field") => "score.unknown-field",
            Self::Json { what, .. } if what.starts_with("missing field") => "score.missing-field",
            Self::Json { what, .. } if what.starts_with("invalid type") => "score.not-text",
            Self::Json { .. } => "score.json",
            Self::Duplicate { .. } => "score.duplicate",
            Self::Missing { .. } => "score.missing",
            Self::Unknown { .. } => "score.unknown",
            Self::Band { .. } => "score.band",
            Self::Objective { .. } => "score.objective",
            Self::Rules { .. } => "score.rules",
            Self::Formula { code, .. } => code,
            Self::Pack { .. } => "score.pack",
            Self::NoPack { .. } => "score.no-pack",
            Self::Recheck { .. } => "score.recheck",
            Self::Ambiguous { .. } => "score.ambiguous",
        }
    }

    /// What sort of failure this is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Json { .. } | Self::Number { .. } | Self::Formula { .. } | Self::Pack { .. } => {
                Kind::Malformed
            }
            _ => Kind::Refused,
        }
    }

    /// The article that the refusal rests on; the convention of numbers (RULES 5.7) where no law
    /// speaks.
    pub fn article(&self) -> &str {
        match self {
            Self::Rules { article, .. } | Self::Recheck { article, .. } => article,
            Self::Band { .. } | Self::Objective { .. } => "87 art. 64",
            Self::Missing { .. } => "87 art. 55",
            Self::Ambiguous { .. } => "87 art. 59",
            Self::Formula { .. } => "RULES 5.8",
            Self::Pack { .. } | Self::NoPack { .. } => "RULES 0",
            _ => "RULES 5.7",
        }
    }
}
