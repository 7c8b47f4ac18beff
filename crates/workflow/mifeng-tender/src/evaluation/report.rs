//! The evaluation report with its legal contents, its signatures, and the letters to the losers.

use super::check_len;
use crate::events::*;
use crate::procedure::Body;
use crate::refusal::{self, Refusal};
use crate::state::{Outcome, State};
use mifeng_crypto::Digest;
use mifeng_record::Record;
use std::collections::BTreeMap;

/// What became of a bid, why, and by which article.
struct Ending {
    fate: Fate,
    reason: String,
    article: String,
}

impl Ending {
    fn of(fate: Fate, reason: &str, article: &str) -> Self {
        Ending {
            fate,
            reason: reason.to_owned(),
            article: article.to_owned(),
        }
    }
}

impl State {
    /// The report of a lot and its commitment.
    pub fn report(&self, lot: &str) -> Option<(&Digest, &Report)> {
        let report = self.work(lot)?.report.as_ref()?;
        Some((&report.0, &report.1))
    }

    /// Who has signed the report of a lot, with dissents.
    pub fn report_signed(&self, lot: &str) -> Option<&BTreeMap<Digest, String>> {
        Some(&self.work(lot)?.signed)
    }

    /// What became of a live bid of a lot that is ranked.
    fn ending(&self, lot: &str, seal: &Digest) -> Ending {
        let articles = &self.profile().endings;
        if !matches!(self.outcomes.get(seal), Some(Outcome::Opened(_))) {
            let cause = match self.outcomes.get(seal) {
                Some(Outcome::Failed(fail)) => fail.cause.as_str(),
                _ => "not-opened",
            };
            return Ending::of(Fate::NotOpened, cause, "20 art. 31");
        }
        for (kind, fate) in [
            (CheckKind::Qualification, Fate::Unqualified),
            (CheckKind::Conformity, Fate::NotConforming),
        ] {
            let found = self.findings(kind, lot).and_then(|mut f| f.remove(seal));
            if let Some(finding) = found.filter(|finding| !finding.pass) {
                return Ending::of(fate, &finding.reason, &finding.article);
            }
        }
        match self.price_state(seal) {
            super::PriceState::Fixed(_) => {}
            super::PriceState::NoOffer => {
                return Ending::of(Fate::NoFinalOffer, "no-final-offer", articles.offers);
            }
            _ => return Ending::of(Fate::PriceUnconfirmed, "price-unconfirmed", articles.price),
        }
        if let Some(finding) = self.too_low(lot, seal) {
            return Ending::of(Fate::LowPrice, &finding.reason, &finding.article);
        }
        let id = seal.to_string();
        let invalid = self.ranks.get(lot).and_then(|outcome| {
            let mut invalid = outcome.invalid.iter();
            invalid.find(|row| row.id == id)
        });
        match invalid {
            Some(row) => Ending::of(Fate::Invalid, &row.reason, &row.article),
            None => Ending::of(Fate::Ranked, "", ""),
        }
    }

    /// The report that the records give; `stated` is what only the agency can say.
    ///
    /// # Errors
    /// [`refusal::WRONG_STAGE`] before the lot is ranked; [`refusal::TIE_OPEN`] while a draw is due.
    pub fn expected_report(&self, lot: &str, stated: Stated) -> Result<Report, Refusal> {
        let (notice, _) = self.evaluating(lot)?;
        let early = || Refusal::new(&refusal::WRONG_STAGE, format!("lot {lot} is not ranked"));
        let rank = self
            .work(lot)
            .and_then(|work| work.ranked)
            .ok_or_else(early)?;
        let (minutes, _) = self.minutes.as_ref().ok_or_else(early)?;
        let bidders = self.live_in(lot).into_iter().map(|seal| {
            let ending = self.ending(lot, &seal);
            let bid = &self.bids[&seal];
            ReportBidder {
                seal,
                bidder: bid.seal.context().bidder.clone(),
                name: bid.name.clone(),
                fate: ending.fate,
                reason: ending.reason,
                article: ending.article,
            }
        });
        let asked = self.questions().iter().filter(|(_, q)| q.ask.lot == lot);
        Ok(Report {
            lot: lot.to_owned(),
            procedure: notice.procedure,
            method: self.method_of(lot).ok_or_else(early)?,
            media: stated.media,
            place: stated.place,
            minutes: *minutes,
            bidders: bidders.collect(),
            committee: self.seats().iter().map(|seat| seat.cert).collect(),
            replaced: self.replaced().to_vec(),
            questions: asked.map(|(id, _)| *id).collect(),
            rank,
            candidates: self.candidates(lot)?,
            remarks: stated.remarks,
        })
    }

    pub(crate) fn make_report(&mut self, data: &Report, record: &Record) -> Result<(), Refusal> {
        self.evaluating(&data.lot)?;
        self.require_agency(record)?;
        for text in data.media.iter().chain([&data.place, &data.remarks]) {
            check_len("report", text)?;
        }
        let stated = Stated {
            media: data.media.clone(),
            place: data.place.clone(),
            remarks: data.remarks.clone(),
        };
        if self.expected_report(&data.lot, stated)? != *data {
            return Err(Refusal::new(
                &refusal::NOT_RECOMPUTED,
                format!("report of lot {}", data.lot),
            ));
        }
        let work = self.work_mut(&data.lot);
        if work.report.is_some() {
            return Err(Refusal::new(&refusal::DUPLICATE, "the report is made"));
        }
        work.report = Some((record.commitment(), data.clone()));
        Ok(())
    }

    pub(crate) fn sign_report(
        &mut self,
        data: &ReportSign,
        record: &Record,
    ) -> Result<(), Refusal> {
        self.require(crate::state::Stage::Evaluation)?;
        check_len("dissent", &data.dissent)?;
        let lots = self.evaluation.lots.iter();
        let of = |work: &super::LotWork| work.report.as_ref().map(|(id, _)| *id);
        let lot = lots
            .filter(|(_, work)| of(work) == Some(data.report))
            .map(|(lot, _)| lot.clone())
            .next()
            .ok_or_else(|| Refusal::new(&refusal::NOT_RECOMPUTED, "no such report"))?;
        let key = self.require_body(self.judging_body(), record)?;
        let signed = &mut self.work_mut(&lot).signed;
        if signed.contains_key(&key) {
            return Err(Refusal::new(&refusal::DUPLICATE, "signed already"));
        }
        signed.insert(key, data.dissent.clone());
        Ok(())
    }

    /// An award follows a report that the majority has signed; who neither signs nor dissents in
    /// writing agrees (87 art. 61).
    pub(crate) fn require_report(&self, lot: &str) -> Result<(), Refusal> {
        let needed = match self.judging_body() {
            Body::Buyer => 1,
            Body::Committee => self.seats().len() / 2 + 1,
        };
        let voices = self.voices(self.judging_body());
        let signed = self.work(lot).map_or(0, |work| {
            voices
                .iter()
                .filter(|voice| work.signed.contains_key(*voice))
                .count()
        });
        if self.report(lot).is_none() || signed < needed {
            return Err(Refusal::new(
                &refusal::REPORT_UNSIGNED,
                format!("lot {lot}: {signed} signatures, {needed} are needed"),
            ));
        }
        Ok(())
    }

    /// The letter to a bidder who did not win: its own score and rank only.
    ///
    /// # Errors
    /// [`refusal::WRONG_STAGE`] before the award; [`refusal::UNKNOWN_SEAL`] for the winner or a bid
    /// that is not a live one of the lot.
    pub fn expected_letter(&self, lot: &str, seal: &Digest) -> Result<Letter, Refusal> {
        self.evaluating(lot)?;
        let mut won: Vec<Digest> = self
            .awards
            .get(lot)
            .map(|award| award.seal)
            .into_iter()
            .collect();
        let listed = self
            .listed(lot)
            .map(|list| list.suppliers.iter().map(|c| c.seal));
        won.extend(listed.into_iter().flatten());
        if won.is_empty() {
            return Err(Refusal::new(
                &refusal::WRONG_STAGE,
                format!("lot {lot} is not awarded"),
            ));
        }
        if won.contains(seal) || !self.live_in(lot).contains(seal) {
            return Err(Refusal::new(
                &refusal::UNKNOWN_SEAL,
                format!("seal {seal} won, or is no live bid of lot {lot}"),
            ));
        }
        let ending = self.ending(lot, seal);
        let id = seal.to_string();
        let row = self
            .ranks
            .get(lot)
            .and_then(|outcome| outcome.rows.iter().find(|row| row.id == id));
        Ok(Letter {
            lot: lot.to_owned(),
            seal: *seal,
            bidder: self.bids[seal].seal.context().bidder.clone(),
            fate: ending.fate,
            total: row.map(|row| row.total.clone()).unwrap_or_default(),
            rank: row
                .and_then(|row| u32::try_from(row.rank).ok())
                .unwrap_or(0),
            reason: ending.reason,
            article: ending.article,
        })
    }

    /// The letters of a lot that are out, by seal.
    pub fn letters(&self, lot: &str) -> Option<&BTreeMap<Digest, Letter>> {
        Some(&self.work(lot)?.letters)
    }

    pub(crate) fn letter(&mut self, data: &Letter, record: &Record) -> Result<(), Refusal> {
        self.require_agency(record)?;
        if self.expected_letter(&data.lot, &data.seal)? != *data {
            return Err(Refusal::new(&refusal::NOT_RECOMPUTED, "the letter"));
        }
        let letters = &mut self.work_mut(&data.lot).letters;
        if letters.contains_key(&data.seal) {
            return Err(Refusal::new(&refusal::DUPLICATE, "the letter is out"));
        }
        letters.insert(data.seal, data.clone());
        Ok(())
    }
}

/// What only the agency can state in a report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stated {
    /// Where the notice was published.
    pub media: Vec<String>,
    /// Where the evaluation was held.
    pub place: String,
    /// What else there is to say.
    pub remarks: String,
}
