//! Bids that do not open: by whose cause, and how long a host waits before it says so (PROTOCOL 2.3).

use crate::events::*;
use crate::refusal::{self, Refusal};
use crate::state::{Bid, Outcome, Stage, State};
use mifeng_crypto::{Digest, Time};
use mifeng_lock::Leaf;
use mifeng_record::Record;

/// The cause of a bid whose bidder did not release its leaf.
pub const NO_RELEASE: &str = "bidder.no-release";

impl Bid {
    /// Whether the leaves that are `given` satisfy its policy.
    fn is_met(&self, given: impl Fn(&str, &Leaf) -> bool) -> bool {
        let leaves = self.seal.policy().leaves().into_iter();
        let paths: Vec<String> = leaves
            .filter(|(path, leaf)| given(path, leaf))
            .map(|(path, _)| path)
            .collect();
        self.seal.policy().is_satisfied_by(&paths)
    }
}

impl State {
    pub(crate) fn bid_fail(
        &mut self,
        data: &BidFail,
        record: &Record,
        at: Time,
    ) -> Result<(), Refusal> {
        self.require_opening(&data.seal)?;
        self.require_host(record)?;
        self.require_undecided(&data.seal)?;
        let expected = match self.unopened(&data.seal) {
            // The header rebuilds and the body does not open: seen by whoever has the body (V11).
            None => (BidStatus::RevokedBidderCause, refusal::BAD_SEAL.code),
            Some((status, cause)) => (status, cause),
        };
        if (data.status, data.cause.as_str()) != expected {
            return Err(Refusal::new(
                &refusal::NOT_RECOMPUTED,
                format!(
                    "{:?} for {} does not follow from what was released",
                    data.status, data.cause
                ),
            ));
        }
        if expected.1 != refusal::BAD_SEAL.code
            && let Some(until) = self.waits_until(&data.seal)
            && at < until
        {
            return Err(Refusal::new(
                &refusal::GIVEN_UP_EARLY,
                format!("seal {}: the boards may release until {until}", data.seal),
            ));
        }
        self.outcomes
            .insert(data.seal, Outcome::Failed(data.clone()));
        Ok(())
    }

    /// Until when a host waits for what a board may still release for a bid: as long after the bidders' window as
    /// bidders had (`window_ms`), the whole of it again after a suspension. None where no board can open it, or its
    /// window is not closed.
    pub fn waits_until(&self, seal: &Digest) -> Option<Time> {
        let bid = self.bids.get(seal).filter(|_| self.can_open(seal))?;
        let closed = match bid.offer_for {
            None => self.window_closed,
            Some(_) => self.round(&bid.seal.context().lot)?.window_closed,
        };
        closed.map(|at| self.window_end(at))
    }

    /// How a bid ends that does not open with what was released, and its cause; none if its header rebuilds.
    pub fn unopened(&self, seal: &Digest) -> Option<(BidStatus, &'static str)> {
        let short = match self.sigma(seal) {
            Ok(_) => return None,
            Err(refusal) => refusal.code() == refusal::QUORUM.code,
        };
        let stood_in = |path: &str| self.has_quorum(seal, path);
        Some(if !short {
            // What was released does not rebuild the header.
            (BidStatus::RevokedBidderCause, refusal::BAD_SEAL.code)
        } else if self.is_silent(seal) && !self.opens_without_bidder(seal, stood_in) {
            // All that the board owes would not have opened it: the bidder released nothing, and nobody stood in.
            (BidStatus::RevokedBidderCause, NO_RELEASE)
        } else {
            (BidStatus::WithdrawnOtherCause, refusal::QUORUM.code)
        })
    }

    /// Whether a bid that opened did so by the remedy plan (补救方案): its bidder released nothing, and what the
    /// board owes to every bid does not open it alone.
    pub fn is_remedied(&self, seal: &Digest) -> bool {
        self.is_silent(seal) && !self.opens_without_bidder(seal, |_| false)
    }

    /// Whether a bid would open without its bidder, if the board, the one-time key and the clock gave all that they
    /// owe; `stood_in` says of each leaf of the fallback board, which owes nothing, whether it is to be counted.
    fn opens_without_bidder(&self, seal: &Digest, stood_in: impl Fn(&str) -> bool) -> bool {
        let Some(bid) = self.bids.get(seal) else {
            return false;
        };
        let fallback = self.fallback().map(|board| board.key());
        let given = |path: &str, leaf: &Leaf| match leaf {
            Leaf::Group(key) if fallback == Some(*key) => stood_in(path),
            Leaf::Group(_) | Leaf::Reveal(_) | Leaf::Tlock { .. } => true,
            _ => false,
        };
        bid.is_met(given)
    }

    /// Whether a leaf that is sealed to a board has the shares that it needs.
    pub fn has_quorum(&self, seal: &Digest, path: &str) -> bool {
        let bid = self.bids.get(seal);
        let leaf = bid.and_then(|bid| bid.seal.group_leaf(path));
        let mut boards = self.boards().into_iter();
        let board = leaf.and_then(|leaf| boards.find(|board| board.key() == leaf.key));
        let shares = self.board_shares.get(&(*seal, path.to_owned()));
        let (Some(board), Some(shares)) = (board, shares) else {
            return false;
        };
        shares.len() >= usize::from(board.threshold())
    }

    /// Whether enough was released for a bid, by the numbers alone: every share was verified when it was accepted.
    pub fn has_enough(&self, seal: &Digest) -> bool {
        let Some(bid) = self.bids.get(seal) else {
            return false;
        };
        let key = self.one_time_board();
        let key = key.filter(|board| self.revealed.len() >= usize::from(board.threshold()));
        let given = |path: &str, leaf: &Leaf| match leaf {
            Leaf::Group(_) => self.has_quorum(seal, path),
            Leaf::Reveal(named) => key.is_some_and(|board| board.key() == *named),
            Leaf::Tlock { chain, round } => self.beacons.contains_key(&(*chain, *round)),
            _ => self.bidder_shares.contains_key(&(*seal, path.to_owned())),
        };
        bid.is_met(given)
    }

    /// Whether there is a bid that is due now and has no outcome.
    pub fn is_any_undecided(&self) -> bool {
        let due = self.due_now();
        due.iter().any(|seal| !self.outcomes.contains_key(seal))
    }

    /// Whether anything is or will be opened: until the opening, in it while a bid has no outcome, and after it
    /// while final offers are to come.
    pub(crate) fn opens_more(&self) -> bool {
        let Some((_, notice)) = self
            .notice
            .as_ref()
            .filter(|_| self.stage >= Stage::Opening)
        else {
            return true;
        };
        let mut lots = notice.lots.iter();
        let to_come = |lot: &crate::notice::Lot| {
            let round = self.round(&lot.id);
            round.is_none_or(|round| round.window_closed.is_none())
        };
        let more = self.stage == Stage::Evaluation && self.profile().final_offers;
        self.is_any_undecided() || (more && lots.any(to_come))
    }
}
