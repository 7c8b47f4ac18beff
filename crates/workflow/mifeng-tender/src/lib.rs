//! Notice, bids, opening, evaluation, award: one pure function over signed records.
//!
//! [`State::apply`] is called by the host to accept a record, by a bidder to predict, and by an
//! auditor to replay; verification is the same code run again. It reads no clock and no file.
#![forbid(unsafe_code)]

mod ahead;
mod amended;
mod answers;
mod asked;
mod bids;
mod contract;
mod ending;
mod evaluation;
mod events;
mod formation;
mod given_up;
mod keeping;
mod notice;
mod opened_by;
mod opening;
mod periods;
mod procedure;
mod recognition;
mod refusal;
mod refused;
mod reshare;
mod revealed;
mod setup;
mod state;

pub use ahead::Ahead;
pub use amended::{Amendment, DOCUMENTS_MAX, Postponement};
pub use answers::ANSWERS_MAX;
pub use asked::{OPENING_ASK_LEN_MAX, OPENING_ASKS_MAX, OpeningQuestion, OpeningReply};
pub use contract::{Clock, ClockState, Contract, Stamping};
pub use ending::NO_RELEASE;
pub use evaluation::{
    LotDraw, PriceState, QUESTIONS_MAX, Question, Round, SeatState, Stated, TEXT_LEN_MAX, blind_id,
    sheet_commitment,
};
pub use events::*;
pub use formation::Making;
pub use given_up::GivenUp;
pub use keeping::{Keeping, Paper, Presence, Term};
pub use notice::{
    BEATS_MAX, BODY_GRACE_MS_MAX, Committee, Document, EXPERTS_MAX, FINAL_OFFERS, LOTS_MAX, Lot,
    Notice, PARTICULAR_LEN_MAX, PARTICULARS_MAX, Particular, Party, Text,
};
pub use opened_by::OwnLeaf;
pub use opening::Released;
pub use procedure::{
    Body, Count, Endings, Large, PROFILES, Panel, Procedure, Profile, Regime, Response,
};
pub use recognition::Recogniser;
pub use refusal::{Refusal, Rule};
pub use refused::{FalseShare, NO_BODY, REFUSED_MAX};
pub use state::{
    Bid, BidLife, DrawState, Outcome as BidOutcome, RECORDS_PER_ACTOR_MAX, Stage, State, Trust,
};

/// Every rule that can refuse, by name.
pub mod rules {
    pub use crate::refusal::{
        AMEND_LATE, ANSWER_LATE, ANSWER_PRICE, BACKDATED, BAD_ANSWER, BAD_BOARD, BAD_CERTIFICATE,
        BAD_CHECK, BAD_NOTICE, BAD_SEAL, BAD_SHARE, BAD_SHEET, BAD_TRUST_LIST, BODY_LATE,
        COMMITMENT_DIFFERS, CONTRACT_ORDER, CONTRACT_SEAL, CONTRACT_TEXT, COPIED, DECIDED,
        DUPLICATE, EARLY, FROZEN, GIVEN_UP_EARLY, HALTED, LATE, MALFORMED, NOT_ASKED,
        NOT_AUTHORISED, NOT_COMMITTED, NOT_DRAWN, NOT_INVITED, NOT_RECOGNISED, NOT_RECOMPUTED,
        OFFER_LATE, OPENING_NOT_ASKED, OPENING_OVER, OPENING_TOO_MANY, OPENING_UNANSWERED,
        POSTPONED_LATE, PRICE_UNCONFIRMED, PRICE_UNDECIDED, QUORUM, REPLAY, REPORT_UNSIGNED,
        REVIEW_OPEN, REVOKED, RULES, SEAT_NOT_OPEN, SECOND_BID, SHARE_EARLY, TIE_OPEN, TOO_FEW,
        TOO_FEW_LEFT, UNKNOWN_SEAL, UNLISTED_CA, WRONG_ORIGIN, WRONG_STAGE,
    };
}
