//! Which opened bids a person is to get: those that the log says opened, all of them or one's own.

use super::held::Listed;
use mifeng::crypto::Digest;
use mifeng::tender::{Bid, BidOutcome, FINAL_OFFERS, State};

/// An opened bid, as the log proves it.
pub(super) struct DueBid {
    /// Where its files lie: `LOT/BIDDER`, `LOT-final/BIDDER` for a final offer.
    pub(super) folder: String,
    /// Hash of its manifest, from `bid.open`.
    pub(super) manifest: Digest,
}

/// The opened bids that whoever has this certificate is to get.
pub(super) struct Due {
    pub(super) bids: Vec<DueBid>,
    /// For a bidder without another part in the tender: to ask for what the host does not list would be a refusal in its journal.
    pub(super) own_only: bool,
}

impl Due {
    /// Whether a bid is among them.
    pub(super) fn has(&self, folder: &str) -> bool {
        self.bids.iter().any(|bid| bid.folder == folder)
    }
}

/// A bidder without another part in the tender gets its own, and more if the host lists more of them; everybody else gets all
/// (spec/access.md).
pub(super) fn bids(state: &State, own: &Digest, listed: &Listed) -> Due {
    let is_own = |bid: &Bid| bid.seal.context().bidder_cert == *own;
    let own_only = state.bids().values().any(is_own) && !has_other_part(state, own);
    let opened = state.outcomes().iter().filter_map(|(seal, outcome)| {
        let BidOutcome::Opened(open) = outcome else {
            return None;
        };
        let bid = state.bids().get(seal)?;
        let due = DueBid {
            folder: folder_of(bid),
            manifest: open.manifest,
        };
        (!own_only || is_own(bid) || listed.has(&due.folder)).then_some(due)
    });
    Due {
        bids: opened.collect(),
        own_only,
    }
}

/// Whether somebody who is a bidder reads every opened bid all the same.
fn has_other_part(state: &State, own: &Digest) -> bool {
    let notice = state.notice().map(|(_, notice)| notice);
    let in_notice = notice.is_some_and(|n| n.buyer.cert == *own || n.agency.cert == *own);
    let sits = state.seats().iter().any(|seat| seat.cert == *own);
    let mut sites = state.session().into_iter().flat_map(|s| &s.sites);
    in_notice || sits || sites.any(|site| site.supervisor == *own)
}

fn folder_of(bid: &Bid) -> String {
    let context = bid.seal.context();
    let last = if bid.offer_for.is_some() {
        FINAL_OFFERS
    } else {
        ""
    };
    format!("{}{last}/{}", context.lot, context.bidder)
}
