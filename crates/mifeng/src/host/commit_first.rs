//! Bids whose record came before the deadline without its body, where the notice gives time for that after the close.
//!
//! The record is a bid like any other: logged in its beat, with a receipt. What the host knows beside the log is which of
//! them have no body yet. That is in the batch of their beat: a body that a disk lost later is never taken for one that
//! nobody sent.

use super::Host;
use super::bodies::{Brought, Staged};
use super::check::hold_bid;
use crate::store::Store;
use crate::{Error, layout};
use mifeng_crypto::{Digest, Time};
use mifeng_record::{Record, SignedRecord};
use mifeng_tender::{Bid, BidLife, Refusal, Stage, rules};
use std::collections::{BTreeMap, BTreeSet};

/// What such a file says once the body is there; before that the id of the seal.
pub(super) const CAME: &[u8] = b"came";

/// The bids of a store that have no body yet: their seals, by the commitment of their record.
pub(super) fn awaited(store: &dyn Store) -> Result<BTreeMap<Digest, Digest>, Error> {
    let mut awaited = BTreeMap::new();
    let listed = store.list(layout::AWAITED);
    for (name, _) in listed.map_err(|e| Error::io(layout::AWAITED, &e))? {
        let bad = || Error::malformed("store", format!("{name} names no seal"));
        let content = store.read(&name).map_err(|e| Error::io(&*name, &e))?;
        let content = content.unwrap_or_default();
        if content == CAME {
            continue;
        }
        let record = name.strip_prefix(layout::AWAITED).ok_or_else(bad)?;
        let record = record.parse().map_err(|_| bad())?;
        let seal = std::str::from_utf8(&content).map_err(|_| bad())?;
        awaited.insert(record, seal.parse().map_err(|_| bad())?);
    }
    Ok(awaited)
}

/// Those among them that have one all the same: the host went down after it was durable and before that was noted.
pub(super) fn found(
    store: &dyn Store,
    awaited: &BTreeMap<Digest, Digest>,
    bids: &BTreeMap<Digest, Bid>,
) -> BTreeSet<Digest> {
    let holds = |seal: &&Digest| {
        let bid = bids.get(*seal).filter(|bid| bid.life == BidLife::Live);
        bid.is_some_and(|bid| hold_bid(store, &layout::seal(seal), &bid.seal).is_ok())
    };
    awaited.values().filter(holds).copied().collect()
}

impl<S: Store> Host<S> {
    /// Whether the record with this commitment brought a bid whose body is not there; one that came as a file is, once it is
    /// [kept](Host::keep_bodies).
    pub fn awaits_body(&self, record: &Digest) -> bool {
        self.awaited.contains_key(record)
    }

    /// Whether the body of a bid that came without it would be taken if it came at `received`.
    ///
    /// # Errors
    /// [`Refusal`] with [`rules::BODY_LATE`].
    pub fn body_due(&self, received: Time) -> Result<(), Refusal> {
        let state = &self.replay.state;
        match state.bodies_end() {
            // After a suspension the whole time begins anew: nothing that comes meanwhile is late.
            Some(end)
                if state.stage() <= Stage::Window && (received < end || state.is_halted()) =>
            {
                Ok(())
            }
            Some(end) => {
                let detail = format!("bodies were taken until {end}, received at {received}");
                Err(Refusal::by(&rules::BODY_LATE, detail))
            }
            None => Err(Refusal::by(
                &rules::BODY_LATE,
                "record and body come together in this tender",
            )),
        }
    }

    /// Live bids whose body never came, once the time for that is over.
    pub fn without_body(&self, now: Time) -> Vec<Digest> {
        let state = &self.replay.state;
        if state.bodies_end().is_none_or(|end| now < end) {
            return Vec::new();
        }
        let live = |seal: &&Digest| {
            let bid = state.bids().get(*seal);
            bid.is_some_and(|bid| bid.life == BidLife::Live) && !self.found.contains(*seal)
        };
        let came = |record: &Digest| self.unkept.came.contains(record);
        let awaited = self.awaited.iter().filter(|(record, _)| !came(record));
        let mut seals: Vec<Digest> = awaited
            .map(|(_, seal)| seal)
            .filter(live)
            .copied()
            .collect();
        seals.sort_unstable();
        seals
    }

    /// Bids to be opened whose bidder's leaf is needed and was not released; none of those without a body.
    pub fn missing_leaves(&self, now: Time) -> Vec<Digest> {
        let state = &self.replay.state;
        state.missing_without(&self.without_body(now))
    }

    /// The commitment of a record that was taken, where bodies may come after their records.
    pub(super) fn taken_before(&self, record: &SignedRecord) -> Option<Digest> {
        self.replay.state.bodies_end()?;
        let suite = self.suite();
        let seal = crate::bidder::seal_in(record, suite)?;
        let commitment = record.commitment(suite);
        let bid = self.replay.state.bids().get(&seal)?;
        (bid.record == commitment).then_some(commitment)
    }

    /// The body of a bid whose record came without it; the same one again changes nothing. Whatever becomes of it, the
    /// record stays.
    pub(super) fn take_body(
        &mut self,
        commitment: &Digest,
        record: SignedRecord,
        brought: Brought<'_>,
        received: Time,
    ) -> Result<(), Error> {
        self.require_sound()?;
        let is_awaited = self.awaited.contains_key(commitment);
        if is_awaited {
            self.body_due(received)?;
        }
        let record = Record::verify(record, self.suite())?;
        let staged = self.stage_body(brought)?;
        let Some(named) = self.check_seal(&record, &staged)? else {
            return Ok(());
        };
        let seal = self.check_file(&staged, &named)?;
        if !is_awaited || self.unkept.came.contains(commitment) {
            return Ok(());
        }
        self.failed = true;
        self.keep_body(&staged, &seal)?;
        self.unkept.came.insert(*commitment);
        if let Staged::Incoming(_) = staged {
            self.store_bodies()?;
        }
        self.failed = false;
        Ok(())
    }
}
