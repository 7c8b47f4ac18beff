//! Prices and score sheets into a ranking, in exact arithmetic.
//!
//! No floating point, no clock, no randomness: the same rules, bids and sheets give the same bytes.
//! See `spec/score.md`.
#![forbid(unsafe_code)]
#![deny(clippy::float_arithmetic)]

pub mod case;
mod compute;
mod correct;
mod error;
mod evaluate;
mod number;
mod outcome;
mod rules;
mod works;

pub use correct::{Correction, Detail, READINGS_MAX, Reading, Step, correct, correct_steps};
pub use error::Error;
pub use evaluate::{check_sheet, evaluate};
pub use number::{BITS_MAX, DECIMALS_MAX, FEN_MAX, Money, Ratio, TEXT_MAX};
pub use outcome::{BidFacts, Invalid, Line, Outcome, Row, Sheet};
pub use rules::{Finding, Item, ItemKind, Method, Name, Object, RuleSet, Severity, Tie, lint};
pub use works::{TrimRow, Works, WorksOutcome, WorksRow, works};
