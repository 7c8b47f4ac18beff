//! The data of the evaluation's events: session, checks, questions, sheets, report.

use crate::procedure::Procedure;
use mifeng_crypto::{Digest, Time};
use mifeng_lock::draw::Row;
use mifeng_score::{Method, Sheet};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

event_data! {
    /// `session.open`: where the seats are, if not all in one room (RULES 10.1).
    SessionOpen {
        /// The rooms.
        sites: Vec<Site>,
        /// Which seat is where; every seat once, in the order of their certificates.
        seats: Vec<SeatSite>,
    }
    /// One room of a session.
    Site {
        /// Id, as `1`.
        id: String,
        /// Name.
        name: String,
        /// Fingerprint of the supervisor's certificate.
        supervisor: Digest,
    }
    /// A seat's room.
    SeatSite {
        /// The expert's certificate fingerprint.
        cert: Digest,
        /// Id of the site.
        site: String,
    }
    /// `seat.open`: an expert is at its seat and says which notice its program has loaded.
    SeatOpen {
        /// Commitment of the `tender.publish` record: it fixes document and rules.
        notice: Digest,
    }
    /// `seat.cosign`: the site's supervisor has checked who sits there.
    SeatCosign {
        /// The expert.
        cert: Digest,
        /// Commitment of its `seat.open` record.
        seat: Digest,
    }
    /// `seat.freeze`, `seat.resume`: the link to one seat is lost, and is back.
    SeatFreeze {
        /// The expert.
        cert: Digest,
        /// Why.
        reason: String,
    }
    /// `seat.replace`: the next of the drawn takes the place of a member who cannot go on.
    SeatReplace {
        /// The member who leaves: what it said is void (87 art. 49).
        cert: Digest,
        /// Why.
        reason: String,
        /// The next of the drawn who decline or must avoid (198 art. 16), in the drawn order.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        declined: Vec<String>,
        /// The next in the drawn order after them; none if nobody is left: the committee is then
        /// dissolved and a new one drawn (87 art. 49).
        seat: Option<super::Seat>,
    }
    /// `seat.leave`: a member says that it leaves, or another one that it has to.
    SeatLeave {
        /// The member who leaves.
        cert: Digest,
        /// Why.
        reason: String,
    }
    /// `check`: a finding on every bid that is due.
    Check {
        /// Which check.
        kind: CheckKind,
        /// Lot.
        lot: String,
        /// One row for each bid that is due, by seal.
        rows: Vec<CheckRow>,
    }
    /// One row of `check`.
    CheckRow {
        /// The bid.
        seal: Digest,
        /// Whether it passes.
        pass: bool,
        /// Why not; empty if it passes.
        reason: String,
        /// The article that the reason rests on; empty if it passes.
        article: String,
    }
    /// `clarify.ask`: a written question to one bidder.
    Ask {
        /// Lot.
        lot: String,
        /// The bid it is about.
        seal: Digest,
        /// What makes it lawful to ask.
        matter: Matter,
        /// What started a low-price review: `mean`, `second`, `ceiling` as computed, or `committee`.
        triggers: Vec<String>,
        /// The question.
        text: String,
        /// Answers are taken before this instant.
        until: Time,
    }
    /// `clarify.answer`: the bidder's written answer.
    Answer {
        /// Commitment of the `clarify.ask` record.
        question: Digest,
        /// The answer.
        text: String,
        /// The price, if the answer names it: it can only be the price as it stands.
        price: Option<String>,
    }
    /// `price.decide`: a member's reading of a price that the rules leave to the committee.
    PriceDecide {
        /// The bid.
        seal: Digest,
        /// One of the readings' prices, or empty: the price cannot be read.
        price: String,
        /// Why.
        reason: String,
    }
    /// `score.commit`: an expert is done; the sheet stays closed until everybody is.
    ScoreCommit {
        /// Lot.
        lot: String,
        /// `H_tag("sheet", …)` over lot, expert, salt and scores.
        commitment: Digest,
    }
    /// `score`: an expert's own sheet for a lot, as committed to.
    Score {
        /// Lot.
        lot: String,
        /// The salt of the commitment.
        salt: Digest,
        /// Points by bid and item.
        scores: BTreeMap<String, BTreeMap<String, String>>,
    }
    /// `score.correct`: objective items on which the sheets differ, put right (87 art. 64).
    ScoreCorrect {
        /// Lot.
        lot: String,
        /// Why.
        reason: String,
        /// The items put right: points by bid and item.
        scores: BTreeMap<String, BTreeMap<String, String>>,
    }
    /// `lot.pool`: what is drawn among, as the rules and the result give it.
    LotPool {
        /// Lot.
        lot: String,
        /// What the draw decides.
        purpose: Purpose,
        /// Name of the coefficient; empty for a tie.
        name: String,
        /// The rows, sorted by id.
        rows: Vec<Row>,
    }
    /// `lot.drawn`: the result of such a draw.
    LotDrawn {
        /// Lot.
        lot: String,
        /// What the draw decides.
        purpose: Purpose,
        /// Name of the coefficient; empty for a tie.
        name: String,
        /// The draw.
        draw: Digest,
        /// Seed, as recomputed by anyone.
        seed: Digest,
        /// The drawn ids in order.
        order: Vec<String>,
    }
    /// `lot.fail`: a lot that ends without a winner.
    LotFail {
        /// Lot.
        lot: String,
        /// Code of the reason, as computed.
        reason: String,
        /// The article it rests on.
        article: String,
    }
    /// `report`: the evaluation report of a lot.
    Report {
        /// Lot.
        lot: String,
        /// The procedure.
        procedure: Procedure,
        /// The method.
        method: Method,
        /// Where the notice was published, as the agency states it.
        media: Vec<String>,
        /// Where the evaluation was held, as the agency states it.
        place: String,
        /// Commitment of the opening record.
        minutes: Digest,
        /// Every bid of the lot and what became of it, by seal.
        bidders: Vec<ReportBidder>,
        /// The members, by certificate.
        committee: Vec<Digest>,
        /// Members who were replaced.
        replaced: Vec<Digest>,
        /// Commitments of the questions, in their order.
        questions: Vec<Digest>,
        /// Commitment of the `rank` record.
        rank: Digest,
        /// The candidates in order.
        candidates: Vec<Candidate>,
        /// What else there is to say, as the agency states it.
        remarks: String,
    }
    /// One bid in a report.
    ReportBidder {
        /// The bid.
        seal: Digest,
        /// Credit code.
        bidder: String,
        /// Name.
        name: String,
        /// What became of it.
        fate: Fate,
        /// Why it takes no part; empty for a ranked one.
        reason: String,
        /// The article; empty for a ranked one.
        article: String,
    }
    /// One candidate.
    Candidate {
        /// From 1.
        order: u32,
        /// The bid.
        seal: Digest,
        /// Credit code.
        bidder: String,
        /// Name.
        name: String,
        /// The contract price.
        price: String,
        /// Points.
        total: String,
    }
    /// `report.sign`: a member signs the report, with its dissent in writing if it has one.
    ReportSign {
        /// Commitment of the `report` record.
        report: Digest,
        /// Dissent and its reasons; empty for agreement.
        dissent: String,
    }
    /// `framework.list`: the suppliers that a framework agreement takes in.
    FrameworkList {
        /// Lot.
        lot: String,
        /// The suppliers in order of rank.
        suppliers: Vec<Candidate>,
    }
    /// `letter`: what a bidder who did not win is told: its own score and rank, nobody else's.
    Letter {
        /// Lot.
        lot: String,
        /// The bid.
        seal: Digest,
        /// Credit code.
        bidder: String,
        /// What became of it.
        fate: Fate,
        /// Its own points; empty if it was not ranked.
        total: String,
        /// Its own rank; 0 if it was not ranked.
        rank: u32,
        /// Why it takes no part; empty for a ranked one.
        reason: String,
        /// The article; empty for a ranked one.
        article: String,
    }
}

/// Which check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckKind {
    /// 资格审查.
    Qualification,
    /// 符合性审查.
    Conformity,
    /// 异常低价审查.
    LowPrice,
}

/// What makes it lawful to ask (87 art. 51, 60).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Matter {
    /// 含义不明确.
    Ambiguity,
    /// 同类问题表述不一致.
    Inconsistency,
    /// 明显文字或计算错误.
    Slip,
    /// 修正后的报价: the bidder is asked to confirm it (87 art. 59).
    Price,
    /// 报价明显低于其他, may affect quality or performance.
    LowPrice,
}

/// What a draw of a lot decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// Equal firsts (87 art. 68).
    Tie,
    /// A coefficient of a benchmark.
    Coefficient,
}

/// What became of a bid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It is in the ranking.
    Ranked,
    /// It was not opened.
    NotOpened,
    /// It did not pass the check of qualification.
    Unqualified,
    /// It did not pass the check of conformity.
    NotConforming,
    /// It gave no final offer that could be opened.
    NoFinalOffer,
    /// Its price cannot be read, or was corrected and not confirmed (87 art. 59).
    PriceUnconfirmed,
    /// Its low price was not shown to be reasonable (87 art. 60).
    LowPrice,
    /// Its price breaks the rules of the lot.
    Invalid,
    /// Another bid stands for its brand (87 art. 31).
    SameBrand,
    /// The lot ended without a winner, through no fault of this bid.
    LotFailed,
}

impl Score {
    /// The sheet in the form that scoring takes.
    pub fn sheet(&self, judge: &Digest) -> Sheet {
        Sheet {
            judge: judge.to_string(),
            scores: self.scores.clone(),
        }
    }
}
