//! Written questions and signed written answers (87 art. 51, 60).

use super::{PriceState, QUESTIONS_MAX, check_text};
use crate::events::*;
use crate::refusal::{self, Refusal};
use crate::state::State;
use mifeng_crypto::{Digest, Time};
use mifeng_record::Record;

/// A question and its answer.
#[derive(Clone, Debug)]
pub struct Question {
    /// Who asked.
    pub by: Digest,
    /// When.
    pub asked: Time,
    /// What.
    pub ask: Ask,
    /// The corrected price that the bidder is asked to confirm.
    pub price: Option<String>,
    /// The answer.
    pub answer: Option<Answer>,
}

impl State {
    /// Every question with its commitment, in the order asked.
    pub fn questions(&self) -> &[(Digest, Question)] {
        &self.evaluation.questions
    }

    /// Until when an answer is taken: a bidder could not answer while the tender was suspended, and has the
    /// whole time again from its resumption.
    pub fn answered_until(&self, question: &Question) -> Time {
        let (asked, until) = (question.asked, question.ask.until);
        match self.resumed.filter(|resumed| *resumed > asked) {
            Some(resumed) => {
                let given = until.as_unix_nanos() - asked.as_unix_nanos();
                Time::from_unix_nanos(resumed.as_unix_nanos() + given)
            }
            None => until,
        }
    }

    /// Whether the bidder may still answer at `at`.
    pub(crate) fn is_open(&self, question: &Question, at: Time) -> bool {
        question.answer.is_none() && at < self.answered_until(question)
    }

    pub(crate) fn questions_in<'a>(&'a self, lot: &'a str) -> impl Iterator<Item = &'a Question> {
        self.evaluation
            .questions
            .iter()
            .map(|(_, question)| question)
            .filter(move |question| question.ask.lot == lot)
    }

    pub(crate) fn ask(&mut self, data: &Ask, record: &Record, at: Time) -> Result<(), Refusal> {
        self.unscored(&data.lot)?;
        let by = self.require_body(self.judging_body(), record)?;
        check_text("question", &data.text)?;
        if data.until <= at {
            return Err(Refusal::new(
                &refusal::ANSWER_LATE,
                format!("the time for answers, {}, has passed already", data.until),
            ));
        }
        if !self.opened_in(&data.lot).contains(&data.seal) {
            return Err(Refusal::new(
                &refusal::UNKNOWN_SEAL,
                format!(
                    "seal {} is not an opened bid of lot {}",
                    data.seal, data.lot
                ),
            ));
        }
        if data.matter == Matter::LowPrice {
            self.check_review(data, at)?;
        }
        let price = self.asked_price(data)?;
        if data.matter != Matter::LowPrice && !data.triggers.is_empty() {
            return Err(Refusal::new(
                &refusal::NOT_RECOMPUTED,
                "triggers belong to a review of low prices",
            ));
        }
        if self.evaluation.questions.len() >= QUESTIONS_MAX {
            return Err(Refusal::new(
                &refusal::MALFORMED,
                format!("more than {QUESTIONS_MAX} questions"),
            ));
        }
        let question = Question {
            by,
            asked: at,
            ask: data.clone(),
            price,
            answer: None,
        };
        self.evaluation
            .questions
            .push((record.commitment(), question));
        Ok(())
    }

    /// The corrected price that a question is about. It is put to the bidder once; decided anew, it
    /// is another price.
    fn asked_price(&self, data: &Ask) -> Result<Option<String>, Refusal> {
        if data.matter != Matter::Price {
            return Ok(None);
        }
        let PriceState::Unconfirmed(price) = self.price_state(&data.seal) else {
            return Err(Refusal::new(
                &refusal::NOT_RECOMPUTED,
                format!("seal {} has no corrected price to confirm", data.seal),
            ));
        };
        if self.price_question(&data.seal, &price).is_some() {
            return Err(Refusal::new(
                &refusal::DUPLICATE,
                format!("the price of seal {} was put to its bidder", data.seal),
            ));
        }
        Ok(Some(price))
    }

    /// The question by which a corrected price was put to its bidder.
    fn price_question(&self, seal: &Digest, price: &str) -> Option<&Question> {
        let mut questions = self.questions().iter().map(|(_, question)| question);
        questions.find(|q| q.ask.seal == *seal && q.price.as_deref() == Some(price))
    }

    /// A bid goes out for a price that its bidder did not confirm only if the bidder was asked, and
    /// answered or let the time pass (87 art. 59).
    pub(crate) fn require_prices_put(&self, lot: &str, at: Time) -> Result<(), Refusal> {
        let open = |seal: &Digest, detail: String| {
            Err(Refusal::new(
                &refusal::PRICE_UNCONFIRMED,
                format!("seal {seal}: {detail}"),
            ))
        };
        for seal in self.conforming(lot)? {
            let PriceState::Unconfirmed(price) = self.price_state(&seal) else {
                continue;
            };
            match self.price_question(&seal, &price) {
                None => return open(&seal, format!("{price} was not put to its bidder")),
                Some(question) if self.is_open(question, at) => {
                    let until = self.answered_until(question);
                    return open(&seal, format!("{price} may be confirmed until {until}"));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// Until when a record has to wait for bidders who were asked: the host holds it against its own
    /// clock, and no instant that stands in a record makes the time shorter.
    pub fn not_before(&self, record: &Record) -> Option<Time> {
        let (lot, low) = match Event::read(record).ok()?? {
            Event::Check(data) if data.kind == CheckKind::LowPrice => (data.lot, true),
            Event::ScoreCommit(data) => (data.lot, false),
            Event::Rank(data) => (data.lot, false),
            Event::LotFail(data) => (data.lot, false),
            Event::LotPool(data) if data.purpose == Purpose::Coefficient => (data.lot, false),
            _ => return None,
        };
        let waits = |question: &&Question| match question.ask.matter {
            Matter::LowPrice => low,
            Matter::Price => {
                let price = question.price.clone().unwrap_or_default();
                self.price_state(&question.ask.seal) == PriceState::Unconfirmed(price)
            }
            _ => false,
        };
        let questions = self.questions_in(&lot).filter(|q| q.answer.is_none());
        questions
            .filter(waits)
            .map(|q| self.answered_until(q))
            .max()
    }

    /// The least time in minutes for explaining a low price, as the rule pack of a lot says it: nought
    /// under a pack that names none, where any time after the question is lawful.
    pub fn low_price_minutes(&self, lot: &str) -> u32 {
        let pack = self.evaluating(lot).ok();
        let pack =
            pack.and_then(|(_, lot)| mifeng_score::Lot::new(&lot.rules, &[], &[]).pack().ok());
        let least = pack.and_then(|pack| pack.number("low.minutes.least")?.whole());
        least.and_then(|n| u32::try_from(n).ok()).unwrap_or(0)
    }

    /// A review is started by what was computed, or by the committee's own view.
    fn check_review(&self, data: &Ask, at: Time) -> Result<(), Refusal> {
        let least = self.low_price_minutes(&data.lot);
        if data.until < at.plus_millis(i64::from(least) * 60_000) {
            return Err(Refusal::new(
                &refusal::ANSWER_LATE,
                format!("less than {least} minutes until {}", data.until),
            ));
        }
        if self.reviewed(&data.lot).contains(&data.seal)
            || self.check_begun(CheckKind::LowPrice, &data.lot)
        {
            return Err(Refusal::new(
                &refusal::DUPLICATE,
                format!("the price of seal {} is under review", data.seal),
            ));
        }
        let computed = self.low_prices(&data.lot)?;
        let priced = self.priced(&data.lot)?;
        if !priced.iter().any(|fact| fact.id == data.seal.to_string()) {
            return Err(Refusal::new(
                &refusal::UNKNOWN_SEAL,
                format!("seal {} has no price to review", data.seal),
            ));
        }
        let expected = computed
            .get(&data.seal)
            .cloned()
            .unwrap_or_else(|| vec!["committee".to_owned()]);
        if data.triggers != expected {
            return Err(Refusal::new(
                &refusal::NOT_RECOMPUTED,
                format!("triggers {:?}, computed {expected:?}", data.triggers),
            ));
        }
        Ok(())
    }

    pub(crate) fn answer(
        &mut self,
        data: &Answer,
        record: &Record,
        at: Time,
    ) -> Result<(), Refusal> {
        let place = self
            .evaluation
            .questions
            .iter()
            .position(|(id, _)| *id == data.question)
            .ok_or_else(|| Refusal::new(&refusal::NOT_ASKED, "no such question in this log"))?;
        let question = &self.evaluation.questions[place].1;
        let (seal, lot) = (question.ask.seal, question.ask.lot.clone());
        self.unscored(&lot)?;
        let bidder = self.bids[&seal].seal.context().bidder_cert;
        self.require_actor(record, Some(bidder), "bidder who was asked")?;
        if question.answer.is_some() {
            return Err(Refusal::new(
                &refusal::DUPLICATE,
                "the question is answered",
            ));
        }
        let decided =
            question.ask.matter == Matter::LowPrice && self.check_begun(CheckKind::LowPrice, &lot);
        let until = self.answered_until(question);
        if at >= until || decided {
            return Err(Refusal::new(
                &refusal::ANSWER_LATE,
                format!("answers were taken until {until}"),
            ));
        }
        check_text("answer", &data.text)?;
        // An answer explains; it does not change what was bid (87 art. 51).
        if let Some(price) = &data.price
            && !self.is_standing_price(&seal, price)
        {
            return Err(Refusal::new(
                &refusal::ANSWER_PRICE,
                format!("{price} is not the price of the bid"),
            ));
        }
        self.evaluation.questions[place].1.answer = Some(data.clone());
        Ok(())
    }

    /// Whether a period that others rely on runs from this record's own time: an old date would cut
    /// it short.
    pub fn starts_period(record: &Record) -> bool {
        match Event::read(record) {
            Ok(Some(Event::Ask(data))) => matches!(data.matter, Matter::LowPrice | Matter::Price),
            Ok(Some(event)) => matches!(
                event,
                Event::Publish(_)
                    | Event::Postpone(_)
                    | Event::Amend(_)
                    | Event::RoundOpen(_)
                    | Event::Resume(_)
            ),
            _ => false,
        }
    }

    /// Until when a record of this kind is taken, if it has an end: the host holds it against the
    /// instant at which it came in.
    pub fn due_before(&self, record: &Record) -> Option<Time> {
        match Event::read(record).ok()?? {
            Event::Answer(data) => {
                let asked = self.questions().iter().find(|(id, _)| *id == data.question);
                asked.map(|(_, question)| self.answered_until(question))
            }
            Event::OfferSubmit(OfferSubmit { lot, .. }) | Event::OfferExit(OfferExit { lot }) => {
                self.round(&lot).map(|round| round.deadline)
            }
            _ => None,
        }
    }
}
