//! What bidders ask on the spot at the opening, and what they are told (87 art. 42; TReg art. 36).

use crate::evaluation::check_plain;
use crate::events::*;
use crate::refusal::{self, Refusal};
use crate::state::{Act, BidLife, Stage, State};
use mifeng_crypto::{Digest, Time};

/// Longest question, in bytes: a page and a half of Chinese text. What needs more is written afterwards (质疑).
pub const OPENING_ASK_LEN_MAX: usize = 4_096;
/// Questions of one bidder at one opening. Each must be answered before the evaluation begins, so one bidder must not be
/// able to hold it up with ever more of them; what is asked on the spot fits into fewer.
pub const OPENING_ASKS_MAX: usize = 8;

/// A question or a request for recusal, and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpeningQuestion {
    /// Commitment of the record that asks.
    pub ask: Digest,
    /// The certificate that signed it.
    pub by: Digest,
    /// Credit code of the bidder.
    pub bidder: String,
    /// Name of the bidder, from that certificate.
    pub name: String,
    /// What is wanted.
    pub kind: OpeningMatter,
    /// In words.
    pub text: String,
    /// When the log can have taken it at the earliest, whatever date stands in it.
    pub asked: Time,
    /// What it was told.
    pub reply: Option<OpeningReply>,
}

/// What a bidder was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpeningReply {
    /// The certificate that signed it: agency or buyer.
    pub by: Digest,
    /// In words.
    pub text: String,
    /// When the log can have taken it at the earliest.
    pub answered: Time,
}

/// Records of the evaluation: the first of them begins it.
fn is_of_evaluation(event: &Event) -> bool {
    matches!(
        event,
        Event::Pool(_)
            | Event::DrawShare(_)
            | Event::DrawResult(_)
            | Event::SessionOpen(_)
            | Event::SeatOpen(_)
            | Event::SeatCosign(_)
            | Event::SeatFreeze(_)
            | Event::SeatResume(_)
            | Event::SeatLeave(_)
            | Event::SeatReplace(_)
            | Event::Check(_)
            | Event::Ask(_)
            | Event::Answer(_)
            | Event::PriceDecide(_)
            | Event::PriceConfirm(_)
            | Event::RoundOpen(_)
            | Event::OfferSubmit(_)
            | Event::OfferExit(_)
            | Event::RoundClose(_)
            | Event::RoundWindow(_)
            | Event::RoundMinutes(_)
            | Event::ScoreCommit(_)
            | Event::Score(_)
            | Event::ScoreCorrect(_)
            | Event::LotPool(_)
            | Event::LotDrawn(_)
            | Event::LotFail(_)
            | Event::Rank(_)
            | Event::Report(_)
            | Event::ReportSign(_)
            | Event::Award(_)
            | Event::FrameworkList(_)
            | Event::Letter(_)
    )
}

impl State {
    /// What was asked at the opening, in the order of the log.
    pub fn opening_questions(&self) -> &[OpeningQuestion] {
        &self.asked
    }

    /// Whether somebody may still ask at the opening: not before the close, and not once the evaluation has begun.
    pub fn takes_opening_questions(&self) -> bool {
        let stage = (Stage::Window..=Stage::Evaluation).contains(&self.stage);
        stage && !self.evaluation_begun && !self.is_halted()
    }

    /// `opening.ask`: a bidder has a doubt about the opening, or asks that somebody stand back.
    pub(crate) fn opening_ask(&mut self, data: &OpeningAsk, act: &Act<'_>) -> Result<(), Refusal> {
        self.require_opening_time()?;
        if self.evaluation_begun {
            return Err(Refusal::new(&refusal::OPENING_OVER, ""));
        }
        let bidder = act.code.as_deref().filter(|code| self.is_bidder(code));
        let bidder = bidder.ok_or_else(|| {
            Refusal::new(
                &refusal::NOT_AUTHORISED,
                "who has a bid since the close, or had one refused, asks at the opening",
            )
        })?;
        check_plain("question", &data.text)?;
        if data.text.len() > OPENING_ASK_LEN_MAX {
            return Err(Refusal::new(
                &refusal::MALFORMED,
                format!(
                    "a question of {} bytes, at most {OPENING_ASK_LEN_MAX} are taken",
                    data.text.len()
                ),
            ));
        }
        let before = self.asked.iter().filter(|one| one.bidder == bidder);
        if before.count() >= OPENING_ASKS_MAX {
            return Err(Refusal::new(
                &refusal::OPENING_TOO_MANY,
                format!("{OPENING_ASKS_MAX} of {bidder} are in the log"),
            ));
        }
        self.asked.push(OpeningQuestion {
            ask: act.record.commitment(),
            by: act.record.actor(),
            bidder: bidder.to_owned(),
            name: act.record.signer_name(),
            kind: data.kind,
            text: data.text.clone(),
            asked: act.taken,
            reply: None,
        });
        Ok(())
    }

    /// `opening.answer`: agency or buyer answers on the spot, once.
    pub(crate) fn opening_answer(
        &mut self,
        data: &OpeningAnswer,
        act: &Act<'_>,
    ) -> Result<(), Refusal> {
        self.require_opening_time()?;
        let named = self.notice.as_ref();
        let named = named.map(|(_, notice)| [notice.agency.cert, notice.buyer.cert]);
        let by = act.record.actor();
        if !named.is_some_and(|named| named.contains(&by)) {
            self.require_actor(act.record, None, "agency or buyer")?;
        }
        check_plain("answer", &data.text)?;
        let mut asked = self.asked.iter_mut();
        let open = asked.find(|one| one.ask == data.ask && one.reply.is_none());
        let open = open.ok_or_else(|| {
            let detail = format!("question {}", data.ask);
            Refusal::new(&refusal::OPENING_NOT_ASKED, detail)
        })?;
        open.reply = Some(OpeningReply {
            by,
            text: data.text.clone(),
            answered: act.taken,
        });
        Ok(())
    }

    /// Nobody is passed over: no record of the evaluation while a question has no answer.
    pub(crate) fn check_asked(&self, event: &Event) -> Result<(), Refusal> {
        if self.stage != Stage::Evaluation || !is_of_evaluation(event) {
            return Ok(());
        }
        let open = self.asked.iter().filter(|one| one.reply.is_none()).count();
        if open > 0 {
            return Err(Refusal::new(
                &refusal::OPENING_UNANSWERED,
                format!("{open} questions without an answer"),
            ));
        }
        Ok(())
    }

    /// Notes that the evaluation has begun, once a record of it was taken.
    pub(crate) fn begin_evaluation(&mut self, event: &Event) {
        self.evaluation_begun |= self.stage == Stage::Evaluation && is_of_evaluation(event);
    }

    fn require_opening_time(&self) -> Result<(), Refusal> {
        if (Stage::Window..=Stage::Evaluation).contains(&self.stage) {
            return Ok(());
        }
        Err(Refusal::new(
            &refusal::WRONG_STAGE,
            format!("the tender is in {:?}", self.stage),
        ))
    }

    /// Whether a credit code is that of a bidder: of a bid that was live at the close, or of one that was refused.
    fn is_bidder(&self, code: &str) -> bool {
        let mut bids = self.bids.values().filter(|bid| bid.offer_for.is_none());
        let counted = |life| matches!(life, BidLife::Live | BidLife::NoBody);
        bids.any(|bid| counted(bid.life) && bid.seal.context().bidder == code)
            || self.refused.values().any(|row| row.bidder == code)
    }
}
