//! How a lot ends without a winner: by which ground and article, as the records say.

use super::result::{bids_to_draw, none};
use crate::events::*;
use crate::procedure::Procedure;
use crate::refusal::{self, Refusal};
use crate::state::State;
use mifeng_crypto::{Digest, Time};
use mifeng_record::Record;
use mifeng_score::{Lot, Method};

/// Reasons for which a lot fails before prices are confirmed and decided.
pub(super) const BEFORE_PRICES: [&str; 6] = [
    "too-few-bids",
    "too-few-opened",
    "too-few-qualified",
    "too-few-conforming",
    "more-than-one-supplier",
    "too-few-offers",
];

/// Nothing but the document's method may be evaluated by, and it gives no result here.
const NO_RESULT: &str = "TL art. 40, 42; TReg art. 49";
/// More than one supplier came: the ground for buying from a single one is gone.
const MORE_SUPPLIERS: &str = "PL art. 31; 74 art. 43";

impl State {
    /// Why a lot ends without a winner, if it does, with the article.
    pub fn failure(&self, lot: &str) -> Option<(&'static str, &'static str)> {
        let (notice, _) = self.evaluating(lot).ok()?;
        let min = notice.bidders_min as usize;
        let articles = &self.profile().endings;
        if self.live_in(lot).len() < min {
            return Some(("too-few-bids", articles.few_bids));
        }
        if self.opened_in(lot).len() < min {
            return Some(("too-few-opened", articles.few_bids));
        }
        // Brands are counted among those who passed both checks (87 art. 31), heads before.
        if self.qualified(lot).ok()?.len() < min {
            return Some(("too-few-qualified", articles.few_qualified));
        }
        let few = |seals: &[Digest]| self.counted(seals) < min;
        let conforming = self.conforming(lot).ok()?;
        if few(&conforming) {
            return Some(("too-few-conforming", articles.few_left));
        }
        if self.profile().procedure == Procedure::SingleSource && conforming.len() > 1 {
            return Some(("more-than-one-supplier", MORE_SUPPLIERS));
        }
        if self.profile().final_offers {
            let minutes = self.round(lot)?.minutes.as_ref()?;
            let opened = minutes
                .rows
                .iter()
                .filter(|r| r.status == OfferStatus::Opened);
            if opened.count() < min {
                return Some(("too-few-offers", articles.offers));
            }
        }
        if let Some(outcome) = self.ranks.get(lot) {
            let few = outcome.procedure_fails || outcome.effective_bidders < min;
            return few.then_some(("too-few-effective", articles.few_left));
        }
        self.require_reviewed(lot).ok()?;
        self.require_decided(lot).ok()?;
        let left: Vec<Digest> = self
            .facts(lot)
            .ok()?
            .iter()
            .filter_map(|f| f.id.parse().ok())
            .collect();
        if few(&left) {
            return Some(("too-few-left", articles.few_left));
        }
        self.unpriceable(lot)
    }

    /// Why the formula of a lot gives no result over the bids that take part, if it gives none.
    fn unpriceable(&self, lot: &str) -> Option<(&'static str, &'static str)> {
        let (notice, found) = self.evaluating(lot).ok()?;
        if found.rules.method != Method::WorksDeviation {
            return None;
        }
        let facts = self.judged(lot).ok()?;
        let bids = mifeng_score::taking_part(&found.rules, &facts).ok()?;
        if bids.len() < notice.bidders_min as usize {
            return Some(("too-few-left", self.profile().endings.few_left));
        }
        if bids.len() < bids_to_draw(&found.rules) {
            return Some(("too-few-to-draw", NO_RESULT));
        }
        if !self.coefficients(lot).is_empty() {
            return None;
        }
        let drawn = self.drawn_values(lot, &found.rules);
        let mut given = Lot::new(&found.rules, &facts, &[]);
        given.drawn = Some(&drawn);
        let fails = mifeng_score::check_prices(&given).is_err();
        fails.then_some(("formula-without-result", NO_RESULT))
    }

    /// A lot that has ended without a winner is neither ranked nor called for final offers.
    pub(crate) fn require_not_failing(&self, lot: &str) -> Result<(), Refusal> {
        let ended = self.failed(lot).map(|fail| fail.reason.as_str());
        match ended.or_else(|| self.failure(lot).map(|(reason, _)| reason)) {
            None => Ok(()),
            Some(reason) => Err(Refusal::new(
                &refusal::WRONG_STAGE,
                format!("lot {lot} ends without a winner: {reason}"),
            )),
        }
    }

    /// The record that a lot ends without a winner.
    ///
    /// # Errors
    /// [`refusal::NOT_RECOMPUTED`] if nothing says so.
    pub fn expected_failure(&self, lot: &str) -> Result<LotFail, Refusal> {
        let (reason, article) = self
            .failure(lot)
            .ok_or_else(|| none(lot, "the lot has not failed"))?;
        Ok(LotFail {
            lot: lot.to_owned(),
            reason: reason.to_owned(),
            article: article.to_owned(),
        })
    }

    /// How a lot failed, once signed.
    pub fn failed(&self, lot: &str) -> Option<&LotFail> {
        self.work(lot)?.failed.as_ref()
    }

    pub(crate) fn lot_fail(
        &mut self,
        data: &LotFail,
        record: &Record,
        at: Time,
    ) -> Result<(), Refusal> {
        self.evaluating(&data.lot)?;
        self.require_agency(record)?;
        if self.failed(&data.lot).is_some() {
            return Err(Refusal::new(&refusal::DUPLICATE, "the lot has failed"));
        }
        if self.awards.contains_key(&data.lot) || self.listed(&data.lot).is_some() {
            return Err(Refusal::new(&refusal::WRONG_STAGE, "the lot is awarded"));
        }
        if self.expected_failure(&data.lot)? != *data {
            return Err(none(&data.lot, "the reason"));
        }
        // No lot fails for prices that nobody put to their bidders.
        if !BEFORE_PRICES.contains(&data.reason.as_str()) {
            self.require_prices_put(&data.lot, at)?;
        }
        self.work_mut(&data.lot).failed = Some(data.clone());
        Ok(())
    }
}
