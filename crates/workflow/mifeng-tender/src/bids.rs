//! Bids: submit, replace, withdraw, close.

use crate::evaluation::seal_refusal;
use crate::events::*;
use crate::refusal::{self, Refusal};
use crate::state::{Act, BidLife, Stage, State};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use mifeng_crypto::{Digest, Time};
use mifeng_envelope::{SealRecord, Tender, VerifiedSeal};
use mifeng_record::Record;

impl State {
    pub(crate) fn submit(&mut self, seal: &str, act: &Act<'_>) -> Result<(), Refusal> {
        let seal = self.check_bid(seal, act)?;
        let lot = seal.context().lot.clone();
        if let Some(id) = self.live_bid_of(&seal.context().bidder, &lot) {
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
        if let Some(old) = self.bids.get_mut(&data.old) {
            old.life = BidLife::Replaced;
        }
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
        match self.bids.get_mut(&data.seal) {
            Some(bid)
                if bid.life == BidLife::Live
                    && bid.seal.context().bidder_cert == record.actor() =>
            {
                bid.life = BidLife::Withdrawn;
                Ok(())
            }
            _ => Err(unknown(&data.seal)),
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
        let bad = |detail: String| Refusal::new(&refusal::BAD_SEAL, detail);
        let bytes = BASE64_STANDARD
            .decode(seal)
            .map_err(|_| bad("seal record is not base64".to_owned()))?;
        let seal = SealRecord::parse(&bytes).map_err(|e| bad(e.to_string()))?;
        let seal = self.verify_seal(&seal)?;
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
        seal.verify_with(&tender, &chains).map_err(seal_refusal)
    }

    /// The live seal of an organisation for a lot, whichever of its certificates brought it.
    fn live_bid_of(&self, bidder: &str, lot: &str) -> Option<Digest> {
        self.bids
            .iter()
            .find(|(_, bid)| {
                let context = bid.seal.context();
                bid.is_live_first() && context.bidder == bidder && context.lot == lot
            })
            .map(|(id, _)| *id)
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
        let min = self
            .notice
            .as_ref()
            .map_or(u32::MAX, |(_, n)| n.bidders_min);
        self.bids
            .iter()
            .filter(|(_, bid)| bid.is_live_first())
            .filter(|(_, bid)| self.live_count(&bid.seal.context().lot) >= min as usize)
            .map(|(id, _)| *id)
            .collect()
    }

    fn live_count(&self, lot: &str) -> usize {
        self.bids
            .values()
            .filter(|bid| bid.is_live_first() && bid.seal.context().lot == lot)
            .count()
    }
}

fn unknown(seal: &Digest) -> Refusal {
    Refusal::new(&refusal::UNKNOWN_SEAL, format!("seal {seal}"))
}
