//! Who is what in a tender, as its records say; and what is somebody's own.
//!
//! It is part of a snapshot, and never of what the snapshot shows.

use crate::view::Life;
use mifeng::crypto::{Digest, Time};
use mifeng::tender::{Bid, BidLife, BidOutcome, FINAL_OFFERS, Stage, State};
use mifeng_access::{Person, Role};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A bid that counts, as far as the log tells.
const LIVE: &str = "live";

/// One bid as its bidder sees it. The receipt alone promises something.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct OwnBid {
    /// Lot.
    pub lot: String,
    /// Id of the seal.
    #[schema(value_type = String)]
    pub seal: Digest,
    /// Commitment of the record that brought it: its receipt is at `receipts/{record}`.
    #[schema(value_type = String)]
    pub record: Digest,
    /// `live`, `replaced`, `withdrawn`; `body_missing` while the file may still come after its record; `refused` if it never
    /// did; after the opening `opened` or `failed`.
    pub status: &'static str,
    /// Until when a missing file is taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub until: Option<Time>,
    /// Whether it is a final offer.
    pub offer: bool,
    /// Until when its bidder, who is invited, may still give a final offer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub offer_until: Option<Time>,
    /// Where its files lie once it is opened.
    #[serde(skip)]
    folder: PathBuf,
}

impl OwnBid {
    /// Whether its file may still be missing.
    pub(crate) fn is_live(&self) -> bool {
        self.status == LIVE && !self.offer
    }

    /// Its file has not come; it is taken until then.
    pub(crate) fn misses_body(&mut self, until: Time) {
        (self.status, self.until) = ("body_missing", Some(until));
    }
}

/// Where the files of an opened bid lie: lot, or the lot's final offers, and bidder.
pub(crate) fn opened_folder(bid: &Bid) -> PathBuf {
    let context = bid.seal.context();
    let part = match bid.offer_for {
        Some(_) => format!("{}{FINAL_OFFERS}", context.lot),
        None => context.lot.clone(),
    };
    Path::new(&part).join(&context.bidder)
}

/// Everybody who has a part.
#[derive(Debug, Default)]
pub(crate) struct Parties {
    roles: BTreeMap<Digest, BTreeSet<Role>>,
    attended: BTreeSet<Digest>,
    bids: BTreeMap<Digest, Vec<OwnBid>>,
    /// Who signed the record that brought a bid, by its commitment; final offers are none of these.
    signers: BTreeMap<Digest, Digest>,
    /// Where the files of the opened bids lie.
    opened: Vec<PathBuf>,
    /// Score sheets that were revealed, by lot and expert.
    sheets: BTreeMap<String, BTreeMap<Digest, serde_json::Value>>,
    /// The scores stand: every lot with opened bids has its ranking.
    locked: bool,
}

impl Parties {
    pub(crate) fn of(state: &State) -> Self {
        let mut parties = Parties {
            attended: state.minutes_signed().iter().copied().collect(),
            locked: is_locked(state),
            ..Parties::default()
        };
        let mut put = |cert: Digest, role| parties.roles.entry(cert).or_default().insert(role);
        if let Some((_, notice)) = state.notice() {
            put(notice.agency.cert, Role::Agency);
            put(notice.buyer.cert, Role::Buyer);
        }
        if let Some((host, _)) = state.host() {
            put(*host, Role::Operator);
        }
        let members = state.members().values();
        for (cert, _) in members.chain(state.fallback_members().values()) {
            put(*cert, Role::Trustee);
        }
        for seat in state.seats() {
            put(seat.cert, Role::Expert);
        }
        for site in state.session().into_iter().flat_map(|s| &s.sites) {
            put(site.supervisor, Role::Supervisor);
        }
        for (id, bid) in state.bids() {
            let context = bid.seal.context();
            put(context.bidder_cert, Role::Bidder);
            if let Some(BidOutcome::Opened(_)) = state.outcomes().get(id) {
                parties.opened.push(opened_folder(bid));
            }
            if bid.offer_for.is_none() {
                parties.signers.insert(bid.record, context.bidder_cert);
            }
            let own = OwnBid {
                lot: context.lot.clone(),
                seal: *id,
                record: bid.record,
                status: match (bid.life, state.outcomes().get(id)) {
                    (BidLife::Replaced, _) => "replaced",
                    (BidLife::Withdrawn, _) => "withdrawn",
                    (BidLife::NoBody, _) => "refused",
                    (BidLife::Live, Some(BidOutcome::Opened(_))) => "opened",
                    (BidLife::Live, Some(BidOutcome::Failed(_))) => "failed",
                    (BidLife::Live, None) => LIVE,
                },
                until: None,
                offer: bid.offer_for.is_some(),
                offer_until: state
                    .round(&context.lot)
                    .filter(|round| round.awaits(id))
                    .map(|round| round.deadline),
                folder: opened_folder(bid),
            };
            let bids = parties.bids.entry(context.bidder_cert).or_default();
            bids.push(own);
        }
        for (lot, sheets) in state.sheets() {
            // Plain data: it always becomes JSON.
            let sheets = sheets.iter().filter_map(|(who, sheet)| {
                let sheet = serde_json::to_value(sheet).ok()?;
                Some((*who, sheet))
            });
            parties.sheets.insert(lot.clone(), sheets.collect());
        }
        parties
    }

    /// Whoever holds this certificate.
    pub(crate) fn person(&self, cert: &Digest) -> Person {
        Person {
            cert: *cert,
            roles: self.roles.get(cert).cloned().unwrap_or_default(),
            attended: self.attended.contains(cert),
        }
    }

    pub(crate) fn bids(&self, cert: &Digest) -> &[OwnBid] {
        self.bids.get(cert).map_or(&[], Vec::as_slice)
    }

    /// Who signed the record that brought a bid.
    pub(crate) fn signer(&self, record: &Digest) -> Option<&Digest> {
        self.signers.get(record)
    }

    /// Whether a folder of opened bids is this person's own.
    pub(crate) fn is_own(&self, cert: &Digest, folder: &Path) -> bool {
        self.bids(cert).iter().any(|bid| bid.folder == folder)
    }

    /// Folders of opened bids, below that of all of them.
    pub(crate) fn opened(&self) -> &[PathBuf] {
        &self.opened
    }

    /// The sheets, or one expert's own.
    pub(crate) fn sheets(&self, of: Option<&Digest>) -> serde_json::Value {
        let lots = self.sheets.iter().map(|(lot, sheets)| {
            let shown = sheets
                .iter()
                .filter(|(who, _)| of.is_none_or(|of| of == *who));
            let shown = shown.map(|(who, sheet)| (who.to_string(), sheet.clone()));
            (lot.clone(), serde_json::Value::Object(shown.collect()))
        });
        serde_json::Value::Object(lots.collect())
    }

    pub(crate) fn stage(&self, life: Life) -> mifeng_access::Stage {
        match life {
            Life::Setup => mifeng_access::Stage::Setup,
            Life::Open => mifeng_access::Stage::Open,
            Life::Window => mifeng_access::Stage::Window,
            Life::Opening => mifeng_access::Stage::Opening,
            Life::Evaluation if self.locked => mifeng_access::Stage::Locked,
            Life::Evaluation => mifeng_access::Stage::Evaluation,
            Life::Archived => mifeng_access::Stage::Archived,
        }
    }
}

fn is_locked(state: &State) -> bool {
    if state.stage() != Stage::Evaluation {
        return false;
    }
    let opened = state.outcomes().iter().filter_map(|(id, outcome)| {
        let bid = state.bids().get(id)?;
        matches!(outcome, BidOutcome::Opened(_)).then_some(&bid.seal.context().lot)
    });
    let mut lots = opened.peekable();
    lots.peek().is_some() && lots.all(|lot| state.ranks().contains_key(lot))
}
