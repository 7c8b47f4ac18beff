//! Prices and score sheets into a ranking, in exact arithmetic.
//!
//! No floating point, no clock, no randomness: the same rules, bids and sheets give the same bytes.
//! See `spec/score.md`, `spec/formula.md` and `spec/rules.md`.
#![forbid(unsafe_code)]
#![deny(clippy::float_arithmetic)]

pub mod case;
mod correct;
pub mod derivation;
mod document;
mod engine;
mod error;
mod evaluate;
pub mod explain;
pub mod formula;
mod judges;
mod number;
mod outcome;
pub mod pack;
pub mod price;
pub mod recheck;
mod rules;
mod sheets;
mod works;

pub use correct::{Correction, Detail, READINGS_MAX, Reading, Step, correct, correct_steps};
pub use derivation::Derivation;
pub use document::{Amendment, Clause, Document, Samples, lint_document, lint_document_in};
pub use engine::eliminated;
pub use error::Error;
pub use evaluate::{Lot, check_prices, derive, evaluate, evaluate_lot, taking_part};
pub use judges::{JudgeStatistics, Lead, Tendency, judge_statistics};
pub use number::{BITS_MAX, DECIMALS_MAX, FEN_MAX, Money, Ratio, TEXT_MAX};
pub use outcome::{BidFacts, Invalid, Outcome, Review, Row, Sheet};
pub use rules::{
    DropJudges, Exception, Finding, Framework, FrameworkStage, Item, ItemKind, Method, Name,
    Object, RuleSet, Severity, Tie, lint, lint_in,
};
pub use sheets::check_sheet;
pub use works::{TrimRow, Works, WorksOutcome, WorksRow, works};
