//! The evaluation report with its legal contents, its signatures, and the letters to the losers.

use super::check_len;
use super::failure::BEFORE_PRICES;
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

    /// What became of a live bid of a lot that is ranked or has failed.
    fn ending(&self, lot: &str, seal: &Digest) -> Ending {
        let articles = &self.profile().endings;
        let failed = self.failed(lot);
        let with_lot = |fail: &LotFail| Ending::of(Fate::LotFailed, &fail.reason, &fail.article);
        // A lot with too few bids is not opened at all: that is no bid's own fate.
        if let (Some(fail), None) = (failed, self.outcomes.get(seal)) {
            return with_lot(fail);
        }
        if !matches!(self.outcomes.get(seal), Some(Outcome::Opened(_))) {
            return self.not_opened(seal);
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
        // A lot that ended before its prices were settled says nothing of them.
        let early = failed.is_some_and(|fail| BEFORE_PRICES.contains(&fail.reason.as_str()));
        match self.price_state(seal) {
            super::PriceState::Fixed(_) => {}
            super::PriceState::Undecided(_) | super::PriceState::Unconfirmed(_) if early => {}
            super::PriceState::NoOffer => {
                if let Some(ending) = self.without_offer(lot, seal) {
                    return ending;
                }
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
        if let Some(row) = invalid {
            return Ending::of(Fate::Invalid, &row.reason, &row.article);
        }
        if let Some(article) = self.brand_lost(lot, &id) {
            return Ending::of(Fate::SameBrand, "same-brand", &article);
        }
        failed.map_or_else(|| Ending::of(Fate::Ranked, "", ""), with_lot)
    }

    /// What became of a bid without an opened final offer, by its row in the record of the round:
    /// none where its offer stayed shut with the lot's, or where there is no such record.
    fn without_offer(&self, lot: &str, seal: &Digest) -> Option<Ending> {
        let round = self.round(lot)?;
        let rows = round.minutes.as_ref()?.rows.iter();
        let row = rows.into_iter().find(|row| row.seal == *seal)?;
        match row.status {
            OfferStatus::Opened | OfferStatus::NotOpened => None,
            OfferStatus::Exited | OfferStatus::None => {
                let article = self.profile().endings.offers;
                Some(Ending::of(Fate::NoFinalOffer, "no-final-offer", article))
            }
            OfferStatus::RevokedBidderCause | OfferStatus::WithdrawnOtherCause => {
                Some(self.not_opened(&row.offer?))
            }
        }
    }

    /// The end of a bid or final offer that was to be opened and was not: by its own cause.
    fn not_opened(&self, seal: &Digest) -> Ending {
        let cause = match self.outcomes.get(seal) {
            Some(Outcome::Failed(fail)) => fail.cause.as_str(),
            _ => "not-opened",
        };
        Ending::of(Fate::NotOpened, cause, "20 art. 31")
    }

    /// The article by which another bid of a ranked bid's brand stands for it, if one does: a better
    /// one, or of equals the first drawn (87 art. 31).
    fn brand_lost(&self, lot: &str, id: &str) -> Option<String> {
        let outcome = self.ranks.get(lot)?;
        let row = outcome.rows.iter().find(|row| row.id == id)?;
        let group = outcome
            .brand_draws
            .iter()
            .find(|group| group.iter().any(|other| other == id));
        let drawn = self.drawn_order(lot, Purpose::Tie, "");
        let first = group
            .zip(drawn)
            .and_then(|(group, order)| order.iter().find(|id| group.contains(id)));
        let lost = row.same_brand_excluded || first.is_some_and(|first| first != id);
        let basis = outcome.basis.get("same_brand");
        lost.then(|| basis.map_or_else(String::new, |basis| basis.article.clone()))
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
        let (signed, needed) = self.signatures(&lot);
        self.work_mut(&lot).carried |= signed >= needed;
        Ok(())
    }

    /// How many of those whose word it needs have signed the report of a lot, and how many must.
    fn signatures(&self, lot: &str) -> (usize, usize) {
        let voices = self.voices(self.judging_body());
        let needed = match self.judging_body() {
            Body::Buyer => 1,
            Body::Committee => voices.len() / 2 + 1,
        };
        let signed = self.work(lot).map_or(0, |work| {
            let signed = voices.iter().filter(|v| work.signed.contains_key(*v));
            signed.count()
        });
        (signed, needed)
    }

    /// An award follows a report that the majority has signed; who neither signs nor dissents in
    /// writing agrees (87 art. 61).
    pub(crate) fn require_report(&self, lot: &str) -> Result<(), Refusal> {
        let (signed, needed) = self.signatures(lot);
        if !self.work(lot).is_some_and(|work| work.carried) {
            return Err(Refusal::new(
                &refusal::REPORT_UNSIGNED,
                format!("lot {lot}: {signed} signatures, {needed} are needed"),
            ));
        }
        Ok(())
    }

    /// The letter to a bidder who did not win: its own score and rank only, and why it is out or the
    /// lot failed (87 art. 69).
    ///
    /// # Errors
    /// [`refusal::WRONG_STAGE`] before the award, or the failure, of the lot;
    /// [`refusal::UNKNOWN_SEAL`] for the winner or a bid that is not a live one of the lot.
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
        if won.is_empty() && self.failed(lot).is_none() {
            return Err(Refusal::new(
                &refusal::WRONG_STAGE,
                format!("lot {lot} is neither awarded nor failed"),
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
