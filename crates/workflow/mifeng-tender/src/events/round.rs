//! The data of a round of final offers: sealed bids with their own deadline.

use mifeng_crypto::{Digest, Time};
use serde::{Deserialize, Serialize};

event_data! {
    /// `round.open`: final offers are called for (74 art. 33; 214 art. 21).
    RoundOpen {
        /// Lot.
        lot: String,
        /// Offers are received before this instant, a whole second.
        deadline: Time,
        /// The bids whose bidders are invited: those that passed the checks, by seal.
        invited: Vec<Digest>,
    }
    /// `offer.submit`: one sealed final offer.
    OfferSubmit {
        /// Lot.
        lot: String,
        /// The seal record, base64.
        seal: String,
    }
    /// `offer.exit`: a supplier leaves before it has given a final offer (74 art. 34).
    OfferExit {
        /// Lot.
        lot: String,
    }
    /// `round.close`.
    RoundClose {
        /// Lot.
        lot: String,
        /// The deadline that has passed.
        deadline: Time,
    }
    /// `round-window.close`: the time for releasing own leaves is over.
    RoundWindow {
        /// Lot.
        lot: String,
        /// Offers whose supplier released nothing.
        missing: Vec<Digest>,
    }
    /// `round.minutes`: the record of the final offers.
    RoundMinutes {
        /// Lot.
        lot: String,
        /// One row for each invited bid, by its seal.
        rows: Vec<RoundRow>,
    }
    /// One row of `round.minutes`.
    RoundRow {
        /// The first bid.
        seal: Digest,
        /// The final offer, if one came.
        offer: Option<Digest>,
        /// How it ended.
        status: OfferStatus,
        /// The final price, if it was opened.
        price: Option<String>,
    }
}

/// How a final offer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OfferStatus {
    /// Opened.
    Opened,
    /// The supplier left before.
    Exited,
    /// None came.
    None,
    /// Not opened, by the supplier's cause.
    RevokedBidderCause,
    /// Not opened, by another's cause.
    WithdrawnOtherCause,
    /// Left sealed: too few came.
    NotOpened,
}
