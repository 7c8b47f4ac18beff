//! The opening record: every bid and what became of it, signed by those who were there.

use crate::events::*;
use crate::refusal::{self, Refusal};
use crate::state::{Act, BidLife, Outcome, Stage, State};
use mifeng_crypto::Digest;
use mifeng_record::Record;

impl State {
    /// The opening record that the records give, once every bid has its outcome.
    ///
    /// # Errors
    /// [`refusal::WRONG_STAGE`] while an outcome is missing.
    pub fn expected_minutes(&self) -> Result<Minutes, Refusal> {
        let notice = self.require(Stage::Opening)?;
        let profile = self.profile();
        let mut rows = self
            .bids
            .iter()
            .filter(|(_, bid)| bid.offer_for.is_none())
            .map(|(id, bid)| {
                let (status, price) = match (bid.life, self.outcomes.get(id)) {
                    (BidLife::Withdrawn, _) => (BidStatus::WithdrawnBeforeDeadline, None),
                    (BidLife::Replaced, _) => (BidStatus::Replaced, None),
                    (BidLife::NoBody, _) => (BidStatus::RefusedUnsealed, None),
                    (BidLife::Live, Some(Outcome::Opened(open))) => {
                        let price = open.opening.price.clone();
                        let status = if self.is_remedied(id) {
                            BidStatus::Remedied
                        } else {
                            BidStatus::Opened
                        };
                        (status, Some(price).filter(|_| profile.read_out))
                    }
                    (BidLife::Live, Some(Outcome::Failed(fail))) => (fail.status, None),
                    (BidLife::Live, None) if self.is_to_open(id) => {
                        return Err(self.waits_still(id));
                    }
                    (BidLife::Live, None) => (BidStatus::NotOpened, None),
                };
                let context = bid.seal.context();
                Ok(MinutesRow {
                    lot: context.lot.clone(),
                    seal: *id,
                    bidder: context.bidder.clone(),
                    name: bid.name.clone(),
                    status,
                    price,
                })
            })
            .collect::<Result<Vec<_>, Refusal>>()?;
        rows.extend(self.refused.values().cloned());
        rows.sort_by(|a, b| (&a.lot, &a.seal).cmp(&(&b.lot, &b.seal)));
        Ok(Minutes {
            deadline: notice.deadline,
            rows,
        })
    }

    /// What a bid without an outcome waits for, and until when.
    fn waits_still(&self, seal: &Digest) -> Refusal {
        let detail = match self.waits_until(seal) {
            Some(until) => format!(
                "seal {seal} has no outcome yet: its boards may release until {until}, after that the host may be told to wait no longer (host order give-up)"
            ),
            None => format!("seal {seal} has no outcome yet"),
        };
        Refusal::new(&refusal::WRONG_STAGE, detail)
    }

    pub(crate) fn record_minutes(
        &mut self,
        data: &Minutes,
        record: &Record,
    ) -> Result<(), Refusal> {
        self.require_agency(record)?;
        if self.expected_minutes()? != *data {
            return Err(Refusal::new(&refusal::NOT_RECOMPUTED, "the opening record"));
        }
        self.minutes = Some((record.commitment(), data.clone()));
        self.stage = Stage::Evaluation;
        Ok(())
    }

    pub(crate) fn sign_minutes(
        &mut self,
        data: &MinutesSign,
        act: &Act<'_>,
    ) -> Result<(), Refusal> {
        let notice = self.require(Stage::Evaluation)?;
        let minutes = self.minutes.as_ref().map(|(id, _)| *id);
        if minutes != Some(data.minutes) {
            return Err(Refusal::new(
                &refusal::NOT_RECOMPUTED,
                "another opening record",
            ));
        }
        let actor = act.record.actor();
        let by_name =
            actor == notice.buyer.cert || self.main.seats(&actor) || self.second.seats(&actor);
        // A bidder is its organisation, whichever of its certificates signs.
        let of = |code: &&String| {
            let mut bids = self.bids.values();
            bids.any(|bid| bid.seal.context().bidder == **code)
        };
        let bidder = act.code.as_ref().filter(of).cloned();
        let first = match (by_name, &bidder) {
            (true, _) => !self.minutes_signed.contains(&actor),
            (false, Some(code)) => !self.minutes_signed_for.contains(code),
            (false, None) => false,
        };
        if !first {
            return Err(Refusal::new(
                &refusal::NOT_AUTHORISED,
                "buyer, trustees and bidders sign the opening record, once each",
            ));
        }
        if !by_name {
            self.minutes_signed_for.extend(bidder);
        }
        self.minutes_signed.push(actor);
        Ok(())
    }
}
