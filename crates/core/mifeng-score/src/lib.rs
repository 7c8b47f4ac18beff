//! Prices and score sheets into a ranking, in exact arithmetic.
//!
//! No floating point, no clock, no randomness: the same rules, bids and sheets give the same bytes.
//! See `spec/score.md`.
#![forbid(unsafe_code)]
#![deny(clippy::float_arithmetic)]

pub mod case;
mod correct;
mod error;
mod evaluate;
mod number;
mod rules;
mod works;

pub use correct::{Correction, Detail, Step, correct, correct_steps};
pub use error::Error;
pub use evaluate::{BidFacts, Outcome, Row, Sheet, check_sheet, evaluate};
pub use number::{BITS_MAX, DECIMALS_MAX, FEN_MAX, Money, Ratio, TEXT_MAX};
pub use rules::{Finding, Item, ItemKind, Method, Name, Object, RuleSet, Severity, Tie, lint};
pub use works::{TrimRow, Works, WorksOutcome, WorksRow, works};
