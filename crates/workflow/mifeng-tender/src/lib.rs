//! Notice, bids, opening, evaluation, award: one pure function over signed records.
//!
//! [`State::apply`] is called by the host to accept a record, by a bidder to predict, and by an
//! auditor to replay; verification is the same code run again. It reads no clock and no file.
#![forbid(unsafe_code)]

mod bids;
mod evaluation;
mod events;
mod notice;
mod opening;
mod refusal;
mod setup;
mod state;

pub use evaluation::blind_id;
pub use events::*;
pub use notice::{Committee, Document, EXPERTS_MAX, LOTS_MAX, Lot, Notice, Party, Text};
pub use opening::Released;
pub use refusal::{Refusal, Rule};
pub use state::{Bid, BidLife, DrawState, Outcome as BidOutcome, Stage, State, Trust};

/// Every rule that can refuse, by name.
pub mod rules {
    pub use crate::refusal::{
        BAD_BOARD, BAD_CERTIFICATE, BAD_NOTICE, BAD_SEAL, BAD_SHARE, BAD_SHEET, COPIED, DUPLICATE,
        EARLY, HALTED, LATE, MALFORMED, NOT_AUTHORISED, NOT_DRAWN, NOT_RECOMPUTED, QUORUM, REPLAY,
        REVOKED, RULES, SECOND_BID, SHARE_EARLY, TOO_FEW, UNKNOWN_SEAL, UNLISTED_CA, WRONG_ORIGIN,
        WRONG_STAGE,
    };
}
