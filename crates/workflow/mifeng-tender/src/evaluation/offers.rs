//! Final offers: sealed bids of a second round with their own deadline (74 art. 33; 214 art. 21).
//!
//! An offer is sealed like a first bid, to the same board under the same policy, but bound to the
//! record that opened its round: it cannot be opened in another round, and no first bid passes for it.

use crate::events::*;
use crate::procedure::Body;
use crate::refusal::{self, Refusal};
use crate::state::{Act, Bid, BidLife, Outcome, Stage, State};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use mifeng_crypto::{Digest, Time};
use mifeng_envelope::{SealRecord, Tender, VerifiedSeal};
use mifeng_record::Record;
use std::collections::{BTreeMap, BTreeSet};

/// A round of final offers.
#[derive(Clone, Debug)]
pub struct Round {
    /// Commitment of the `round.open` record: what offers are sealed for.
    pub event: Digest,
    /// Offers are received before this instant.
    pub deadline: Time,
    /// The bids whose bidders are invited.
    pub invited: Vec<Digest>,
    /// Offers by the first bid of their supplier.
    pub offers: BTreeMap<Digest, Digest>,
    /// First bids of suppliers who left.
    pub exited: BTreeSet<Digest>,
    /// Whether offers are closed.
    pub closed: bool,
    /// When the log took the end of the time for releasing own leaves.
    pub window_closed: Option<Time>,
    /// The record of the offers, once made.
    pub minutes: Option<RoundMinutes>,
}

impl Round {
    /// Whether the bidder of this first bid is invited, and neither gave a final offer nor left, while they are taken.
    pub fn awaits(&self, first: &Digest) -> bool {
        !self.closed
            && self.invited.contains(first)
            && !self.exited.contains(first)
            && !self.offers.contains_key(first)
    }
}

fn stage(detail: impl Into<String>) -> Refusal {
    Refusal::new(&refusal::WRONG_STAGE, detail)
}

impl State {
    /// The round of final offers of a lot.
    pub fn round(&self, lot: &str) -> Option<&Round> {
        self.work(lot)?.round.as_ref()
    }

    fn round_of(&self, lot: &str) -> Result<&Round, Refusal> {
        self.evaluating(lot)?;
        self.round(lot)
            .ok_or_else(|| stage(format!("no final offers were called for in lot {lot}")))
    }

    fn round_mut(&mut self, lot: &str) -> Option<&mut Round> {
        self.evaluation.lots.get_mut(lot)?.round.as_mut()
    }

    pub(crate) fn round_open(
        &mut self,
        data: &RoundOpen,
        record: &Record,
        at: Time,
    ) -> Result<(), Refusal> {
        self.unscored(&data.lot)?;
        self.require_agency(record)?;
        if !self.profile().final_offers {
            return Err(stage(format!("{} has no final offers", self.profile().en)));
        }
        if self.round(&data.lot).is_some() {
            return Err(Refusal::new(
                &refusal::DUPLICATE,
                format!("lot {} has its round", data.lot),
            ));
        }
        let invited = self.conforming(&data.lot)?;
        self.require_enough(&data.lot, &invited, "conforming")?;
        self.require_not_failing(&data.lot)?;
        if data.invited != invited {
            return Err(Refusal::new(
                &refusal::NOT_RECOMPUTED,
                "those who are invited are those who passed the checks",
            ));
        }
        // Witnesses' times have whole seconds, as for the first deadline.
        if data.deadline.as_unix_nanos() % 1_000_000_000 != 0 || data.deadline <= at {
            return Err(Refusal::new(
                &refusal::MALFORMED,
                format!("deadline {} is over or not a whole second", data.deadline),
            ));
        }
        let round = Round {
            event: record.commitment(),
            deadline: data.deadline,
            invited,
            offers: BTreeMap::new(),
            exited: BTreeSet::new(),
            closed: false,
            window_closed: None,
            minutes: None,
        };
        let judges = self.voices(Body::Committee);
        let work = self.work_mut(&data.lot);
        work.checked = Some(judges);
        work.round = Some(round);
        Ok(())
    }

    /// The first bid of an invited supplier who is still in, while offers are taken.
    fn offering(&self, lot: &str, record: &Record, at: Time) -> Result<Digest, Refusal> {
        let round = self.round_of(lot)?;
        if round.closed || at >= round.deadline {
            return Err(Refusal::new(
                &refusal::OFFER_LATE,
                format!("deadline {}, received at {at}", round.deadline),
            ));
        }
        let own = |seal: &&Digest| self.bids[*seal].seal.context().bidder_cert == record.actor();
        match round.invited.iter().find(own) {
            Some(seal) if !round.exited.contains(seal) => Ok(*seal),
            _ => Err(Refusal::new(&refusal::NOT_INVITED, record.signer_name())),
        }
    }

    pub(crate) fn offer_submit(
        &mut self,
        data: &OfferSubmit,
        act: &Act<'_>,
    ) -> Result<(), Refusal> {
        let record = act.record;
        let first = self.offering(&data.lot, record, act.at)?;
        let bad = |detail: String| Refusal::new(&refusal::BAD_SEAL, detail);
        let bytes = BASE64_STANDARD
            .decode(&data.seal)
            .map_err(|_| bad("seal record is not base64".to_owned()))?;
        let seal = SealRecord::parse(&bytes).map_err(|e| bad(e.to_string()))?;
        let seal = self.verify_offer(&data.lot, &seal)?;
        self.check_new_seal(&seal, record)?;
        self.check_organisation(&seal, act)?;
        let round = self.round_of(&data.lot)?;
        if let Some(other) = round.offers.get(&first) {
            return Err(Refusal::new(
                &refusal::SECOND_BID,
                format!("the final offer is seal {other}"),
            ));
        }
        let id = seal.id();
        self.insert(seal, act, Some(first));
        if let Some(round) = self.round_mut(&data.lot) {
            round.offers.insert(first, id);
        }
        Ok(())
    }

    /// Checks a seal record against the round of final offers of a lot.
    ///
    /// # Errors
    /// [`Refusal`], by the rule that the seal breaks.
    pub fn verify_offer(&self, lot: &str, seal: &SealRecord) -> Result<VerifiedSeal, Refusal> {
        let round = self.round_of(lot)?;
        let (Some((_, notice)), Some(_)) = (&self.notice, self.board()) else {
            return Err(stage("there is no notice or no board"));
        };
        let boards = self.boards();
        let tender = Tender {
            suite: self.suite,
            event: round.event,
            lots: &[lot],
            policy: &notice.policy,
            boards: &boards,
        };
        let chains = notice
            .clock_chains()
            .map_err(|fault| Refusal::new(&refusal::BAD_NOTICE, fault))?;
        let chains: Vec<_> = chains.iter().collect();
        seal.verify_with(&tender, &chains, &self.seen)
            .map_err(seal_refusal)
    }

    pub(crate) fn offer_exit(
        &mut self,
        data: &OfferExit,
        record: &Record,
        at: Time,
    ) -> Result<(), Refusal> {
        let first = self.offering(&data.lot, record, at)?;
        if let Some(round) = self.round_mut(&data.lot) {
            if round.offers.contains_key(&first) {
                return Err(Refusal::new(
                    &refusal::SECOND_BID,
                    "a final offer was given: nobody leaves after it (74 art. 34)",
                ));
            }
            round.exited.insert(first);
        }
        Ok(())
    }

    pub(crate) fn round_close(
        &mut self,
        data: &RoundClose,
        record: &Record,
        at: Time,
    ) -> Result<(), Refusal> {
        self.require_host(record)?;
        let round = self.round_of(&data.lot)?;
        if round.closed {
            return Err(stage("the round is closed"));
        }
        if data.deadline != round.deadline {
            return Err(Refusal::new(
                &refusal::MALFORMED,
                "another deadline than the round's",
            ));
        }
        if at < round.deadline || record.time() < round.deadline {
            return Err(Refusal::new(
                &refusal::EARLY,
                format!("deadline {}, closed at {at}", round.deadline),
            ));
        }
        if let Some(round) = self.round_mut(&data.lot) {
            round.closed = true;
        }
        Ok(())
    }

    /// The offers of a closed round that are to be opened: none, where too few came.
    pub fn offers_to_open(&self, lot: &str) -> Vec<Digest> {
        let min = self
            .notice
            .as_ref()
            .map_or(u32::MAX, |(_, n)| n.bidders_min);
        match self.round(lot) {
            Some(round) if round.closed && round.offers.len() >= min as usize => {
                let mut due: Vec<Digest> = round.offers.values().copied().collect();
                due.sort_unstable();
                due
            }
            _ => Vec::new(),
        }
    }

    pub(crate) fn round_window(
        &mut self,
        data: &RoundWindow,
        act: &Act<'_>,
    ) -> Result<(), Refusal> {
        self.require_host(act.record)?;
        let round = self.round_of(&data.lot)?;
        if !round.closed || round.window_closed.is_some() {
            return Err(stage("the round is not closed, or its window is"));
        }
        let missing = self.missing_of(&self.offers_to_open(&data.lot));
        // With every leaf in hand nobody is waited for.
        if !missing.is_empty() && act.at < self.window_end(round.deadline) {
            return Err(Refusal::new(
                &refusal::EARLY,
                format!("{} suppliers may still release", missing.len()),
            ));
        }
        if missing != data.missing {
            return Err(Refusal::new(
                &refusal::NOT_RECOMPUTED,
                format!(
                    "{} suppliers released nothing, the record names {}",
                    missing.len(),
                    data.missing.len()
                ),
            ));
        }
        if let Some(round) = self.round_mut(&data.lot) {
            round.window_closed = Some(act.taken);
        }
        Ok(())
    }

    /// The record of the final offers that the records give.
    ///
    /// # Errors
    /// [`refusal::WRONG_STAGE`] while an outcome is missing.
    pub fn expected_round_minutes(&self, lot: &str) -> Result<RoundMinutes, Refusal> {
        let round = self.round_of(lot)?;
        if round.window_closed.is_none() {
            return Err(stage("the offers are not open"));
        }
        let due = self.offers_to_open(lot);
        let row = |seal: &Digest| {
            let offer = round.offers.get(seal).copied();
            let (status, price) = match offer.map(|id| (id, self.outcomes.get(&id))) {
                None if round.exited.contains(seal) => (OfferStatus::Exited, None),
                None => (OfferStatus::None, None),
                Some((_, Some(Outcome::Opened(open)))) => {
                    (OfferStatus::Opened, Some(open.opening.price.clone()))
                }
                Some((_, Some(Outcome::Failed(fail)))) => match fail.status {
                    BidStatus::WithdrawnOtherCause => (OfferStatus::WithdrawnOtherCause, None),
                    _ => (OfferStatus::RevokedBidderCause, None),
                },
                Some((id, None)) if due.contains(&id) => {
                    return Err(stage(format!("seal {id} has no outcome yet")));
                }
                Some((_, None)) => (OfferStatus::NotOpened, None),
            };
            Ok(RoundRow {
                seal: *seal,
                offer,
                status,
                price,
            })
        };
        Ok(RoundMinutes {
            lot: lot.to_owned(),
            rows: round.invited.iter().map(row).collect::<Result<_, _>>()?,
        })
    }

    pub(crate) fn round_minutes(
        &mut self,
        data: &RoundMinutes,
        record: &Record,
    ) -> Result<(), Refusal> {
        self.require_agency(record)?;
        if self.round_of(&data.lot)?.minutes.is_some() {
            return Err(Refusal::new(
                &refusal::DUPLICATE,
                "the record of the final offers is made",
            ));
        }
        if self.expected_round_minutes(&data.lot)? != *data {
            return Err(Refusal::new(
                &refusal::NOT_RECOMPUTED,
                "the record of the final offers",
            ));
        }
        if let Some(round) = self.round_mut(&data.lot) {
            round.minutes = Some(data.clone());
        }
        Ok(())
    }

    /// Nobody scores before the final offers are recorded.
    pub(crate) fn require_round_done(&self, lot: &str) -> Result<(), Refusal> {
        let done = self.round(lot).is_some_and(|round| round.minutes.is_some());
        if self.profile().final_offers && !done {
            return Err(stage(format!("the final offers of lot {lot} are not in")));
        }
        Ok(())
    }

    /// Every bid that is due to be opened now, by seal: first bids in the opening, final offers of
    /// rounds whose window is over in the evaluation.
    pub fn due_now(&self) -> Vec<Digest> {
        match self.stage {
            Stage::Opening => self.to_open(),
            Stage::Evaluation => self.offers_due(),
            _ => Vec::new(),
        }
    }

    /// Whether a bid is among [`State::due_now`].
    pub(crate) fn is_due_now(&self, seal: &Digest) -> bool {
        match self.stage {
            Stage::Opening => self.is_to_open(seal),
            Stage::Evaluation => self.offers_due().contains(seal),
            _ => false,
        }
    }

    /// Final offers of every round whose window is over.
    pub fn offers_due(&self) -> Vec<Digest> {
        let rounds = self.evaluation.lots.iter();
        let over = |work: &super::LotWork| {
            work.round
                .as_ref()
                .is_some_and(|r| r.window_closed.is_some())
        };
        rounds
            .filter(|(_, work)| over(work))
            .flat_map(|(lot, _)| self.offers_to_open(lot))
            .collect()
    }

    /// Whether a final offer may be released by its supplier now.
    pub(crate) fn in_round_window(&self, seal: &Digest) -> bool {
        let Some(bid) = self.bids.get(seal).filter(|bid| bid.offer_for.is_some()) else {
            return false;
        };
        self.stage == Stage::Evaluation
            && self
                .round(&bid.seal.context().lot)
                .is_some_and(|round| round.closed && round.window_closed.is_none())
    }

    pub(crate) fn check_new_seal(
        &self,
        seal: &VerifiedSeal,
        record: &Record,
    ) -> Result<(), Refusal> {
        if seal.context().bidder_cert != record.actor() {
            return Err(Refusal::new(
                &refusal::COPIED,
                format!(
                    "bound to the certificate {}, submitted by {}",
                    seal.context().bidder_cert,
                    record.actor()
                ),
            ));
        }
        if self.bids.contains_key(&seal.id()) {
            return Err(Refusal::new(
                &refusal::DUPLICATE,
                format!("seal {}", seal.id()),
            ));
        }
        for leaf in seal.leaf_digests() {
            if let Some(other) = self.leaf_digests.get(&leaf) {
                return Err(Refusal::new(
                    &refusal::DUPLICATE,
                    format!("a leaf of seal {other} again"),
                ));
            }
        }
        Ok(())
    }

    pub(crate) fn insert(&mut self, seal: VerifiedSeal, act: &Act<'_>, offer_for: Option<Digest>) {
        let record = act.record;
        let id = seal.id();
        for leaf in seal.leaf_digests() {
            self.leaf_digests.insert(leaf, id);
        }
        if offer_for.is_none() {
            let context = seal.context();
            self.live.insert(&context.lot, &context.bidder, id);
        }
        let bid = Bid {
            seal,
            record: record.commitment(),
            name: record.signer_name(),
            accepted: act.taken,
            life: BidLife::Live,
            offer_for,
        };
        self.bids.insert(id, bid);
    }
}

/// The refusal that a seal's fault amounts to.
pub(crate) fn seal_refusal(e: mifeng_envelope::Error) -> Refusal {
    let rule = if e.is_bound_elsewhere() {
        &refusal::COPIED
    } else {
        &refusal::BAD_SEAL
    };
    Refusal::new(rule, e.to_string())
}
