//! After the close: bidders' own leaves, what is due, bids opened.

mod minutes;
mod released;
mod shares;

pub use released::Released;

use crate::events::*;
use crate::refusal::{self, Refusal};
use crate::state::{Act, BidLife, Outcome, Stage, State};
use mifeng_crypto::{Digest, Time};
use mifeng_envelope::{GroupLeaf, VerifiedSeal};
use mifeng_record::Record;

impl State {
    pub(crate) fn bidder_share(
        &mut self,
        data: &BidderShare,
        record: &Record,
    ) -> Result<(), Refusal> {
        let in_round = self.in_round_window(&data.seal);
        if !in_round {
            self.require(Stage::Window)?;
        }
        self.require_not_halted()?;
        let bid = self.live(&data.seal)?;
        self.require_actor(record, Some(bid.context().bidder_cert), "bidder")?;
        if bid.bidder_leaf_path().as_deref() != Some(data.path.as_str()) {
            return Err(Refusal::new(
                &refusal::BAD_SHARE,
                format!("{} is not the bidder's leaf", data.path),
            ));
        }
        let key = (data.seal, data.path.clone());
        if self.bidder_shares.contains_key(&key) {
            return Err(Refusal::new(
                &refusal::DUPLICATE,
                format!("leaf of seal {}", data.seal),
            ));
        }
        self.bidder_shares.insert(key, *data.share.as_bytes());
        Ok(())
    }

    pub(crate) fn window_close(
        &mut self,
        data: &WindowClose,
        act: &Act<'_>,
    ) -> Result<(), Refusal> {
        let deadline = self.require(Stage::Window)?.deadline;
        self.require_host(act.record)?;
        if let Some(end) = self.bodies_end().filter(|end| act.at < *end) {
            let detail = format!("bodies of bids may come until {end}, closed at {}", act.at);
            return Err(Refusal::new(&refusal::EARLY, detail));
        }
        self.require_no_body(&data.no_body)?;
        let missing = self.missing_without(&data.no_body);
        // With every leaf in hand nobody is waited for.
        if !missing.is_empty() && act.at < self.window_end(deadline) {
            return Err(Refusal::new(
                &refusal::EARLY,
                format!(
                    "{} bidders may still release until the window ends",
                    missing.len()
                ),
            ));
        }
        if missing != data.missing {
            return Err(Refusal::new(
                &refusal::NOT_RECOMPUTED,
                format!(
                    "{} bidders released nothing, the record names {}",
                    missing.len(),
                    data.missing.len()
                ),
            ));
        }
        for id in &data.no_body {
            self.end_life(id, BidLife::NoBody);
        }
        self.stage = Stage::Opening;
        self.bodies_ended = self.bodies_end();
        self.window_closed = Some(act.taken);
        Ok(())
    }

    /// When the time for releasing own leaves is over that began at a deadline: a suspension in it
    /// gives bidders the whole of it again.
    pub fn window_end(&self, deadline: Time) -> Time {
        let window = self.notice.as_ref().map_or(0, |(_, n)| n.window_ms);
        self.after(deadline, window)
    }

    /// The end of a time that began at a deadline, or anew at the last resumption after it.
    pub(crate) fn after(&self, deadline: Time, millis: u64) -> Time {
        let millis = i64::try_from(millis).unwrap_or(i64::MAX);
        let start = self.resumed.map_or(deadline, |at| at.max(deadline));
        start.plus_millis(millis)
    }

    /// Bids to be opened whose policy needs the bidder's leaf and whose bidder has not released it.
    pub fn missing_leaves(&self) -> Vec<Digest> {
        self.missing_of(&self.to_open())
    }

    /// Those of these bids whose bidder's leaf is needed and was not released.
    pub fn missing_of(&self, due: &[Digest]) -> Vec<Digest> {
        let silent = due.iter().filter(|id| self.is_silent(id));
        silent.copied().collect()
    }

    /// Whether a bid can be opened without what its bidder did not release: always if it did, otherwise if the
    /// policy has a remedy (补救方案).
    pub fn can_open(&self, seal: &Digest) -> bool {
        let Some(bid) = self.bids.get(seal) else {
            return false;
        };
        let silent = self.is_silent(seal);
        let own = bid.seal.bidder_leaf_path().filter(|_| silent);
        let leaves = bid.seal.policy().leaves().into_iter();
        let paths: Vec<String> = leaves
            .map(|(path, _)| path)
            .filter(|path| own.as_ref() != Some(path))
            .collect();
        bid.seal.policy().is_satisfied_by(&paths)
    }

    /// The leaves of a bid that a board releases shares for: none of a bid that cannot be opened, and those of the
    /// fallback board only where there is something to remedy.
    pub fn leaves_due<'a>(&'a self, seal: &Digest, board: &Digest) -> Vec<&'a GroupLeaf> {
        let remedy = self.fallback().is_some_and(|known| known.key() == *board);
        if !self.can_open(seal) || (remedy && !self.is_silent(seal)) {
            return Vec::new();
        }
        let leaves = self.bids.get(seal).into_iter();
        leaves
            .flat_map(|bid| bid.seal.group_leaves())
            .filter(|leaf| leaf.key == *board)
            .collect()
    }

    /// Whether a bid needs its bidder's leaf and the bidder has not released it.
    pub fn is_silent(&self, seal: &Digest) -> bool {
        let path = self
            .bids
            .get(seal)
            .and_then(|bid| bid.seal.bidder_leaf_path());
        path.is_some_and(|path| !self.bidder_shares.contains_key(&(*seal, path)))
    }

    pub(crate) fn bid_open(&mut self, data: &BidOpen, act: &Act<'_>) -> Result<(), Refusal> {
        self.require_opening(&data.seal)?;
        self.require_not_halted()?;
        self.require_host(act.record)?;
        self.require_undecided(&data.seal)?;
        let sigma = self.sigma_of(&data.seal, act.ahead)?;
        let opening = &data.opening;
        let withheld = opening.price.is_empty() && opening.price_cn.is_empty();
        if self.withholds_price(&data.seal) && !(withheld && data.detail.is_empty()) {
            return Err(Refusal::new(
                &refusal::NOT_RECOMPUTED,
                "first prices are not published under this procedure",
            ));
        }
        self.sigmas.insert(data.seal, sigma);
        self.outcomes
            .insert(data.seal, Outcome::Opened(Box::new(data.clone())));
        Ok(())
    }

    /// First bids are opened in the opening, final offers when their round is over.
    pub(crate) fn require_opening(&self, seal: &Digest) -> Result<(), Refusal> {
        if self.offers_due().contains(seal) {
            self.require(Stage::Evaluation)?;
        } else {
            self.require(Stage::Opening)?;
        }
        Ok(())
    }

    /// Whether the price of a bid stays out of the log: of first bids, where suppliers will be asked
    /// for final offers (74 art. 32; 214 art. 20: nothing of one is told to the others).
    pub fn withholds_price(&self, seal: &Digest) -> bool {
        let first = self
            .bids
            .get(seal)
            .is_some_and(|bid| bid.offer_for.is_none());
        first && self.profile().final_offers
    }

    pub(crate) fn require_undecided(&self, seal: &Digest) -> Result<(), Refusal> {
        if !self.is_due_now(seal) {
            return Err(Refusal::new(
                &refusal::UNKNOWN_SEAL,
                format!("seal {seal} is not to be opened"),
            ));
        }
        if self.outcomes.contains_key(seal) {
            return Err(Refusal::new(
                &refusal::DUPLICATE,
                format!("seal {seal} has its outcome"),
            ));
        }
        Ok(())
    }

    fn live(&self, seal: &Digest) -> Result<&VerifiedSeal, Refusal> {
        match self.bids.get(seal) {
            Some(bid) if bid.life == BidLife::Live => Ok(&bid.seal),
            _ => Err(Refusal::new(&refusal::UNKNOWN_SEAL, format!("seal {seal}"))),
        }
    }
}
