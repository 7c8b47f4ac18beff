//! Bids: submit, replace, withdraw, close.

use crate::evaluation::seal_refusal;
use crate::events::*;
use crate::refusal::{self, Refusal};
use crate::state::{Act, Bid, BidLife, Stage, State};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use mifeng_crypto::{Digest, Time};
use mifeng_envelope::{SealRecord, Tender, VerifiedSeal};
use mifeng_record::Record;
use std::collections::{BTreeMap, BTreeSet};

impl State {
    pub(crate) fn submit(&mut self, seal: &str, act: &Act<'_>) -> Result<(), Refusal> {
        let seal = self.check_bid(seal, act)?;
        let lot = seal.context().lot.clone();
        if let Some(id) = self.live.of(&lot, &seal.context().bidder) {
            return Err(Refusal::new(
                &refusal::SECOND_BID,
                format!("lot {lot} has seal {id}"),
            ));
        }
        self.insert(seal, act, None);
        Ok(())
    }

    pub(crate) fn replace(&mut self, data: &BidReplace, act: &Act<'_>) -> Result<(), Refusal> {
        let seal = self.check_bid(&data.seal, act)?;
        let record = act.record;
        let lot = seal.context().lot.clone();
        if self.live_bid(&record.actor(), &lot) != Some(data.old) {
            return Err(unknown(&data.old));
        }
        self.end_life(&data.old, BidLife::Replaced);
        self.insert(seal, act, None);
        Ok(())
    }

    pub(crate) fn withdraw(
        &mut self,
        data: &BidWithdraw,
        record: &Record,
        at: Time,
    ) -> Result<(), Refusal> {
        self.check_open(at)?;
        match self.bids.get(&data.seal) {
            Some(bid)
                if bid.life == BidLife::Live
                    && bid.seal.context().bidder_cert == record.actor() =>
            {
                self.end_life(&data.seal, BidLife::Withdrawn);
                Ok(())
            }
            _ => Err(unknown(&data.seal)),
        }
    }

    pub(crate) fn end_life(&mut self, seal: &Digest, life: BidLife) {
        if let Some(bid) = self.bids.get_mut(seal) {
            bid.life = life;
            let context = bid.seal.context();
            self.live.remove(&context.lot, &context.bidder, seal);
        }
    }

    pub(crate) fn close(&mut self, data: &Close, record: &Record, at: Time) -> Result<(), Refusal> {
        let notice = self.require(Stage::Open)?;
        self.require_host(record)?;
        if at < notice.deadline || record.time() < notice.deadline {
            return Err(Refusal::new(
                &refusal::EARLY,
                format!("deadline {}, closed at {at}", notice.deadline),
            ));
        }
        if data.deadline != notice.deadline {
            return Err(Refusal::new(
                &refusal::MALFORMED,
                "another deadline than the notice's",
            ));
        }
        self.closed = Some(data.clone());
        self.stage = Stage::Window;
        Ok(())
    }

    /// Half-open: received strictly before the deadline (PROTOCOL 4).
    fn check_open(&self, at: Time) -> Result<(), Refusal> {
        let Some((_, notice)) = &self.notice else {
            return Err(Refusal::new(
                &refusal::WRONG_STAGE,
                "there is no notice yet",
            ));
        };
        if self.stage > Stage::Open {
            // Here `at` is what its signer wrote; that it comes now is plain from the log.
            return Err(Refusal::new(
                &refusal::LATE,
                format!("submission is closed, its deadline was {}", notice.deadline),
            ));
        }
        if at >= notice.deadline {
            return Err(Refusal::new(
                &refusal::LATE,
                format!("deadline {}, received at {at}", notice.deadline),
            ));
        }
        self.require_not_halted()
    }

    fn check_bid(&self, seal: &str, act: &Act<'_>) -> Result<VerifiedSeal, Refusal> {
        self.check_open(act.at)?;
        let record = act.record;
        let seal = self.verified_seal(seal, act.ahead)?;
        self.check_new_seal(&seal, record)?;
        self.check_organisation(&seal, act)?;
        Ok(seal)
    }

    /// The seal is for the organisation that the signer's certificate stands for, and so is the
    /// certificate that the bidder's leaf is sealed to.
    pub(crate) fn check_organisation(
        &self,
        seal: &VerifiedSeal,
        act: &Act<'_>,
    ) -> Result<(), Refusal> {
        let bidder = &seal.context().bidder;
        let of_bidder = |code: Option<&str>| {
            if code == Some(bidder.as_str()) {
                return Ok(());
            }
            let found = code.unwrap_or("no code");
            Err(Refusal::new(
                &refusal::COPIED,
                format!("sealed for {bidder}, the certificate stands for {found}"),
            ))
        };
        of_bidder(act.code.as_deref())?;
        let Some(encryption) = seal.encryption_certificate() else {
            return Ok(());
        };
        let mut chain = seal.chain().to_vec();
        chain.extend(act.record.chain().iter().cloned());
        let usage = mifeng_pki::trust::Usage::BidEncryption;
        let accepted = self.accepted_on(act.record);
        let of = (encryption, chain.as_slice());
        let judge =
            |at: Time| self.organisation_on(of, usage, (at, accepted.unwrap_or(at)), act.trust);
        of_bidder(Some(&judge(act.at)?))?;
        if act.taken > act.at {
            judge(act.taken)?;
        }
        Ok(())
    }

    /// Checks a seal record against the notice, as the host does at the door and a bidder before.
    ///
    /// # Errors
    /// [`Refusal`], by the rule that the seal breaks.
    pub fn verify_seal(&self, seal: &SealRecord) -> Result<VerifiedSeal, Refusal> {
        let mut each = self.verify_seals(&[seal])?.into_iter();
        let missing = || Err(Refusal::new(&refusal::BAD_SEAL, "no seal"));
        each.next().unwrap_or_else(missing)
    }

    /// The same for many seals, side by side.
    fn verify_seals(
        &self,
        seals: &[&SealRecord],
    ) -> Result<Vec<Result<VerifiedSeal, Refusal>>, Refusal> {
        let Some((event, notice)) = &self.notice else {
            return Err(Refusal::new(
                &refusal::WRONG_STAGE,
                "there is no notice yet",
            ));
        };
        let boards = self.boards();
        if boards.is_empty() {
            return Err(Refusal::new(&refusal::WRONG_STAGE, "there is no board yet"));
        }
        let lots: Vec<&str> = notice.lots.iter().map(|lot| lot.id.as_str()).collect();
        let tender = Tender {
            suite: self.suite,
            event: *event,
            lots: &lots,
            policy: &notice.policy,
            boards: &boards,
        };
        let chains = notice
            .clock_chains()
            .map_err(|fault| Refusal::new(&refusal::BAD_NOTICE, fault))?;
        let chains: Vec<_> = chains.iter().collect();
        let each = SealRecord::verify_each(seals, &tender, &chains, &self.seen).into_iter();
        Ok(each.map(|seal| seal.map_err(seal_refusal)).collect())
    }

    /// Reads a seal as a record carries it, and checks it against the notice.
    pub(crate) fn read_seal(&self, seal: &str) -> Result<VerifiedSeal, Refusal> {
        self.verify_seal(&parse_seal(seal)?)
    }

    /// The same for many, side by side; nothing of one that is wrong.
    pub(crate) fn read_seals(&self, seals: &[&str]) -> Vec<Option<VerifiedSeal>> {
        let parsed: Vec<Option<SealRecord>> =
            seals.iter().map(|seal| parse_seal(seal).ok()).collect();
        let good: Vec<&SealRecord> = parsed.iter().flatten().collect();
        let mut verified = self.verify_seals(&good).unwrap_or_default().into_iter();
        let each = parsed.iter().map(Option::as_ref);
        each.map(|parsed| parsed.and_then(|_| verified.next()?.ok()))
            .collect()
    }

    /// The live seal of a bidder's certificate for a lot.
    pub fn live_bid(&self, bidder_cert: &Digest, lot: &str) -> Option<Digest> {
        self.bids
            .iter()
            .find(|(_, bid)| {
                let context = bid.seal.context();
                bid.is_live_first() && context.bidder_cert == *bidder_cert && context.lot == lot
            })
            .map(|(id, _)| *id)
    }

    /// The live bids of lots that have enough of them: what is to be opened, in order of seal id.
    pub fn to_open(&self) -> Vec<Digest> {
        self.to_open_without(&[])
    }

    /// The same if these bids, in order of seal id, did not count.
    fn to_open_without(&self, gone: &[Digest]) -> Vec<Digest> {
        let mut seals = Vec::new();
        for bids in self.live.lots() {
            let left = bids.iter().map(|(_, seal)| *seal);
            let left: Vec<Digest> = left.filter(|id| gone.binary_search(id).is_err()).collect();
            if self.is_enough(left.len()) {
                seals.extend(left);
            }
        }
        seals.sort_unstable();
        seals
    }

    /// What `bidder-window.close` names as missing if it names these bids, in order of seal id, as without a body.
    pub fn missing_without(&self, no_body: &[Digest]) -> Vec<Digest> {
        self.missing_of(&self.to_open_without(no_body))
    }

    /// Until when the body of a bid is taken whose record came before the deadline: as long after the close as the notice
    /// says, the whole of it again after a suspension before the window's close. None where record and body come together.
    pub fn bodies_end(&self) -> Option<Time> {
        // What is over stays over, whatever halts the tender later.
        if self.bodies_ended.is_some() {
            return self.bodies_ended;
        }
        let (_, notice) = self.notice.as_ref()?;
        let grace = Some(notice.body_grace_ms).filter(|ms| *ms > 0)?;
        Some(self.after(notice.deadline, grace))
    }

    /// Bids of which the host says that their body never came end before anybody releases for them.
    pub(crate) fn require_no_body(&self, no_body: &[Digest]) -> Result<(), Refusal> {
        let differs = |detail: String| Err(Refusal::new(&refusal::NOT_RECOMPUTED, detail));
        if no_body.is_empty() {
            return Ok(());
        }
        if self.bodies_end().is_none() {
            return differs("no_body: record and body come together in this tender".to_owned());
        }
        if !no_body.is_sorted_by(|a, b| a < b) {
            return differs("no_body: not in order of seal id".to_owned());
        }
        let stranger = no_body.iter().find(|id| {
            let bid = self.bids.get(id);
            !bid.is_some_and(Bid::is_live_first)
        });
        match stranger {
            Some(id) => differs(format!("no_body: seal {id} is no live bid")),
            None => Ok(()),
        }
    }

    /// Whether a first bid is among [`State::to_open`].
    pub(crate) fn is_to_open(&self, seal: &Digest) -> bool {
        let bid = self.bids.get(seal).filter(|bid| bid.is_live_first());
        bid.is_some_and(|bid| self.is_enough(self.live.count(&bid.seal.context().lot)))
    }

    fn is_enough(&self, bids: usize) -> bool {
        let notice = self.notice.as_ref();
        notice.is_some_and(|(_, notice)| bids >= notice.bidders_min as usize)
    }
}

/// The live first bids of each lot, with the organisation of each. Who replaces a bid after the trust list changed may stand
/// for another organisation by then, so one can have two.
#[derive(Default)]
pub(crate) struct LiveBids(BTreeMap<String, BTreeSet<(String, Digest)>>);

impl LiveBids {
    /// The live seal of an organisation for a lot, whichever of its certificates brought it.
    fn of(&self, lot: &str, bidder: &str) -> Option<Digest> {
        let bids = self.0.get(lot)?;
        let mut from = bids.range((bidder.to_owned(), Digest::default())..);
        let (of, seal) = from.next()?;
        (of == bidder).then_some(*seal)
    }

    fn count(&self, lot: &str) -> usize {
        self.0.get(lot).map_or(0, BTreeSet::len)
    }

    fn lots(&self) -> impl Iterator<Item = &BTreeSet<(String, Digest)>> {
        self.0.values()
    }

    pub(crate) fn insert(&mut self, lot: &str, bidder: &str, seal: Digest) {
        let bids = self.0.entry(lot.to_owned()).or_default();
        bids.insert((bidder.to_owned(), seal));
    }

    fn remove(&mut self, lot: &str, bidder: &str, seal: &Digest) {
        if let Some(bids) = self.0.get_mut(lot) {
            bids.remove(&(bidder.to_owned(), *seal));
        }
    }
}

fn unknown(seal: &Digest) -> Refusal {
    Refusal::new(&refusal::UNKNOWN_SEAL, format!("seal {seal}"))
}

fn parse_seal(seal: &str) -> Result<SealRecord, Refusal> {
    let bad = |detail: String| Refusal::new(&refusal::BAD_SEAL, detail);
    let bytes = BASE64_STANDARD
        .decode(seal)
        .map_err(|_| bad("seal record is not base64".to_owned()))?;
    SealRecord::parse(&bytes).map_err(|e| bad(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_organisation_with_two_bids_counts_twice() {
        let seals = [1, 2, 3].map(|n| Digest::from_bytes([n; 32]));
        let mut live = LiveBids::default();
        live.insert("1", "Y", seals[1]);
        live.insert("1", "Y", seals[0]);
        live.insert("1", "Z", seals[2]);
        live.insert("2", "Y", seals[2]);
        assert_eq!(
            (live.count("1"), live.count("2"), live.count("3")),
            (3, 1, 0)
        );
        assert_eq!(live.of("1", "Y"), Some(seals[0]));
        assert_eq!((live.of("1", "X"), live.of("3", "Y")), (None, None));
        live.remove("1", "Y", &seals[2]);
        assert_eq!(live.count("1"), 3);
        live.remove("1", "Y", &seals[0]);
        assert_eq!((live.count("1"), live.of("1", "Y")), (2, Some(seals[1])));
    }
}
