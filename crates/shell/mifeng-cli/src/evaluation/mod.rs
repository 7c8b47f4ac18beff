//! The evaluation by hand: checks, questions, final offers, sheets, report.
//!
//! What people decide they write as JSON or as options; everything else is computed from the bundle
//! and shown before it is signed.

pub(crate) mod args;
pub(crate) mod committee;
pub(crate) mod offers;
pub(crate) mod result;

use crate::bundle::Bundle;
use crate::identity::Identity;
use crate::ui::Failure;
use mifeng::crypto::Digest;
use mifeng::tender::BidLife;

/// The fingerprint of who signs.
pub(crate) fn own(identity: &Identity, bundle: &Bundle) -> Digest {
    let alg = bundle.replay.suite().hash();
    identity.signer.certificate().fingerprint(alg)
}

/// The live first bid of a bidder, named by its credit code, in a lot.
pub(crate) fn bid_of(bundle: &Bundle, lot: &str, bidder: &str) -> Result<Digest, Failure> {
    bundle
        .replay
        .state
        .bids()
        .iter()
        .find(|(_, bid)| {
            let context = bid.seal.context();
            bid.life == BidLife::Live
                && bid.offer_for.is_none()
                && context.bidder == bidder
                && context.lot == lot
        })
        .map(|(seal, _)| *seal)
        .ok_or_else(|| {
            Failure::malformed(format!(
                "{bidder}: 标段 {lot} 无其投标 / no bid in lot {lot}"
            ))
        })
}

/// Name and credit code of a bid's bidder, for people.
pub(crate) fn shown(bundle: &Bundle, seal: &Digest) -> String {
    match bundle.replay.state.bids().get(seal) {
        Some(bid) => format!("{}（{}）", bid.name, bid.seal.context().bidder),
        None => seal.to_string(),
    }
}
