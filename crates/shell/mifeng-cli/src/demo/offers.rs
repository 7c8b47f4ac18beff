//! The demo's round of final offers: sealed again, with an own deadline, opened by the board.

use super::act::{self, Act, Done};
use super::stages::Tender;
use crate::bidder::{self, What};
use crate::bundle::Bundle;
use crate::clock;
use crate::evaluation::offers;
use crate::ui::{Failure, Outcome, Ui};
use mifeng::crypto::Time;
use std::path::Path;

/// Seconds for calling for offers, and for sealing one on this machine, with room.
const SECONDS: (u64, u64) = (3, 1);

impl Tender {
    /// Final offers called for, sealed, closed, released, opened and recorded.
    pub(crate) fn final_offers(&mut self, ui: &Ui, lot: &str) -> Outcome {
        let invited = self.host.state().conforming(lot)?;
        let pace = self.host.pace() * u32::try_from(invited.len() + 1).unwrap_or(1);
        let seconds = self.patience * (SECONDS.0 + SECONDS.1 * invited.len() as u64);
        let seconds = seconds + pace.as_secs() + 1;
        let deadline = clock::now().as_unix_seconds() + seconds.cast_signed();
        let deadline = Time::from_unix_seconds(deadline);
        let out = self.path(format!("agency/round-{lot}.rec"));
        let deadline = deadline.to_string();
        let act = Act::new("agency", "round.open", out).in_lot(lot).needed();
        let bundle = self.bundle()?;
        self.act(ui, &act, &bundle, |_, agency, bundle| {
            offers::open_round(ui, agency, bundle, (lot, &deadline), &act.out)
        })?;
        let bundle = self.bundle()?;
        let mut given = 0;
        for seal in &invited {
            let number = self.bidder_of(&bundle, seal);
            // Everybody comes down, each by another amount.
            let discount = 4_000 * u64::try_from(number % 5 + 1).unwrap_or(1);
            let name = format!("final-{lot}");
            let bid = self.seal_as(&bundle, (number, 0), discount, (What::Offer, &name))?;
            given += usize::from(self.offer(ui, &bundle, (number, lot), &bid)? != Done::Not);
        }
        ui.say(
            format!("  {given} 份最后报价已密封提交"),
            format!("  {given} final offers sealed and submitted"),
        );
        self.open_offers(ui, lot)
    }

    /// One supplier hands its final offer in.
    fn offer(
        &mut self,
        ui: &Ui,
        bundle: &Bundle,
        (number, lot): (usize, &str),
        bid: &Path,
    ) -> Result<Done, Failure> {
        let record = bid.with_extension("rec");
        let identity = self.world.identity(&format!("bidder{number}"))?;
        offers::submit(&identity, bundle, lot, bid, &record)?;
        let taken = self.host.accept(&self.world.ui, &record, Some(bid), None);
        match self.is_taken(ui, (number, "offer.submit"), taken)? {
            true => Ok(Done::Ours),
            false => Ok(Done::Not),
        }
    }

    fn open_offers(&mut self, ui: &Ui, lot: &str) -> Outcome {
        self.host.close_round(ui, lot)?;
        self.witness_round(ui, lot)?;
        if self.policy.asks_bidders() {
            self.release_offers(ui, lot)?;
        }
        self.host.close_round_window(lot)?;
        let bundle = self.bundle()?;
        for index in self.world.ready() {
            let who = format!("trustee{index}");
            let out = self.path(format!("{who}/offers-{lot}.rec"));
            let act = Act::new(&who, "board.share", out).unless(act::is_decided);
            self.act(ui, &act, &bundle, |world, trustee, bundle| {
                offers::release(&world.ui, trustee, bundle, lot, &act.out)
            })?;
        }
        let out = self.path("opened");
        self.host.open_offers(ui, lot, &out)?;
        let out = self.path(format!("agency/round-minutes-{lot}.rec"));
        let act = Act::new("agency", "round.minutes", out)
            .in_lot(lot)
            .needed();
        let bundle = self.bundle()?;
        self.act(ui, &act, &bundle, |world, agency, bundle| {
            offers::minutes(&world.ui, agency, bundle, lot, &act.out)
        })
        .map(|_| ())
    }

    /// The witnesses cosign the head with the close of the round; the authority stamps it.
    fn witness_round(&mut self, ui: &Ui, lot: &str) -> Outcome {
        let bundle = self.bundle()?;
        for index in 1..=self.world.trustees {
            let out = self.path(format!("trustee{index}/round-{lot}.note"));
            self.cosign(ui, index, &bundle, &out)?;
        }
        let token = self.path(format!("tsa/round-{lot}.tsr"));
        self.stamp(ui, &bundle, &token)
    }

    fn release_offers(&mut self, ui: &Ui, lot: &str) -> Outcome {
        let bundle = self.bundle()?;
        for seal in bundle.replay.state.offers_to_open(lot) {
            let number = self.bidder_of(&bundle, &seal);
            let who = format!("bidder{number}");
            let folder = self.path(&who);
            let bid = folder.join(format!("final-{lot}.bid"));
            let tender = self.path("tender.tar");
            let act = Act::new(
                &who,
                "bidder.share",
                folder.join(format!("final-leaf-{lot}.rec")),
            );
            self.act(ui, &act, &bundle, |world, _, _| {
                bidder::release(&world.ui, &folder, &tender, &bid, None, &act.out)
            })?;
        }
        Ok(())
    }
}
