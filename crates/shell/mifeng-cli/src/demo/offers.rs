//! The demo's round of final offers: sealed again, with an own deadline, opened by the board.

use super::stages::Tender;
use crate::bidder::{self, What};
use crate::evaluation::offers;
use crate::ui::{self, Outcome, Ui};
use crate::{clock, person};
use mifeng::crypto::Time;

/// Seconds for calling for offers, and for sealing one on this machine, with room.
const SECONDS: (u64, u64) = (3, 1);

impl Tender {
    /// Final offers called for, sealed, closed, released, opened and recorded.
    pub(crate) fn final_offers(&mut self, ui: &Ui, lot: &str) -> Outcome {
        let invited = self.host.state().conforming(lot)?;
        let seconds = self.patience * (SECONDS.0 + SECONDS.1 * invited.len() as u64);
        let deadline = clock::now().as_unix_seconds() + seconds.cast_signed();
        let deadline = Time::from_unix_seconds(deadline);
        let out = self.path(format!("agency/round-{lot}.rec"));
        let agency = self.world.identity("agency")?;
        let what = (lot, deadline.to_string());
        offers::open_round(ui, &agency, &self.bundle()?, (what.0, &what.1), &out)?;
        self.accept(&out)?;
        let bundle = self.bundle()?;
        for seal in &invited {
            let number = self.bidder_of(&bundle, seal);
            // Everybody comes down, each by another amount.
            let discount = 4_000 * u64::try_from(number % 5 + 1).unwrap_or(1);
            let name = format!("final-{lot}");
            let bid = self.seal_as(&bundle, (number, 0), discount, (What::Offer, &name))?;
            let record = bid.with_extension("rec");
            let identity = self.world.identity(&format!("bidder{number}"))?;
            offers::submit(&identity, &bundle, lot, &bid, &record)?;
            self.host
                .accept(&self.world.ui, &record, Some(&bid), None)?;
        }
        ui.say(
            format!("  {} 份最后报价已密封提交", invited.len()),
            format!("  {} final offers sealed and submitted", invited.len()),
        );
        self.open_offers(ui, lot)
    }

    fn open_offers(&mut self, ui: &Ui, lot: &str) -> Outcome {
        self.host.close_round(ui, lot)?;
        self.witness_round(lot)?;
        if self.policy.asks_bidders() {
            self.release_offers(lot)?;
        }
        self.host.close_round_window(lot)?;
        let bundle = self.bundle()?;
        for index in self.world.ready() {
            let out = self.path(format!("trustee{index}/offers-{lot}.rec"));
            let trustee = self.world.trustee(index)?;
            offers::release(&self.world.ui, &trustee, &bundle, lot, &out)?;
            self.accept(&out)?;
        }
        let out = self.path("opened");
        self.host.open_offers(ui, lot, &out)?;
        let out = self.path(format!("agency/round-minutes-{lot}.rec"));
        let agency = self.world.identity("agency")?;
        offers::minutes(&self.world.ui, &agency, &self.bundle()?, lot, &out)?;
        self.accept(&out)
    }

    /// The witnesses cosign the head with the close of the round; the authority stamps it.
    fn witness_round(&mut self, lot: &str) -> Outcome {
        let bundle = self.bundle()?;
        for index in 1..=self.world.trustees {
            let out = self.path(format!("trustee{index}/round-{lot}.note"));
            person::cosign(&self.world.ui, &*self.world.trustee(index)?, &bundle, &out)?;
            self.host.cosign(&ui::read(&out)?)?;
        }
        let token = self.path(format!("tsa/round-{lot}.tsr"));
        person::stamp(&*self.world.identity("tsa")?, &bundle, &token)?;
        self.host.stamp(&ui::read(&token)?)
    }

    fn release_offers(&mut self, lot: &str) -> Outcome {
        let bundle = self.bundle()?;
        for seal in bundle.replay.state.offers_to_open(lot) {
            let number = self.bidder_of(&bundle, &seal);
            let folder = self.path(format!("bidder{number}"));
            let bid = folder.join(format!("final-{lot}.bid"));
            let out = folder.join(format!("final-leaf-{lot}.rec"));
            let tender = self.path("tender.tar");
            bidder::release(&self.world.ui, &folder, &tender, &bid, None, &out)?;
            self.accept(&out)?;
        }
        Ok(())
    }
}
