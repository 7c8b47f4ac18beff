//! Bodies become durable together, when nobody is in the queue any more: each costs a disk some waits of its own, many at
//! once hardly more than one. Whoever handed one in has an answer after that.

use super::{Answer, Handed, LOOK, Reply, Taken, Writer, later};
use crate::office::away;
use mifeng::crypto::{Digest, Time};
use mifeng::record::SignedRecord;
use mifeng::{Error, MeasuredBid, Store};
use std::sync::Arc;
use std::time::Instant;

/// So many wait for each other at most: what all of them have open and in hand is bounded.
const TOGETHER_MAX: usize = 64;

/// What came of a record that was handed in.
pub(crate) enum Outcome {
    Taken(Taken),
    /// Its body is not durable yet.
    Unkept(Unkept),
}

/// A bid that was taken and whose body is not durable yet.
#[derive(Clone)]
pub(crate) struct Unkept {
    commitment: Digest,
    record: SignedRecord,
    bid: Arc<MeasuredBid>,
    received: Time,
    /// Its record was taken before, without a body.
    came_first: bool,
    since: Instant,
}

impl Unkept {
    pub(super) fn outcome(
        (commitment, record): (Digest, SignedRecord),
        bid: Arc<MeasuredBid>,
        received: Time,
        came_first: bool,
    ) -> Outcome {
        Outcome::Unkept(Unkept {
            commitment,
            record,
            bid,
            received,
            came_first,
            since: Instant::now(),
        })
    }
}

impl<S: Store + 'static> Writer<S> {
    pub(super) fn answer_later(
        &mut self,
        answer: Answer<Taken>,
        outcome: Result<Outcome, Error>,
    ) -> Reply {
        match outcome {
            Ok(Outcome::Taken(taken)) => later(answer, Ok(taken)),
            Ok(Outcome::Unkept(bid)) => {
                self.unanswered.push((bid, answer));
                if self.host.unkept_bodies() >= TOGETHER_MAX {
                    self.keep_bodies();
                }
                Box::new(|| {})
            }
            Err(no) => later(answer, Err(no)),
        }
    }

    /// A record that waits for its beat: whoever hands it in once more is told no sooner than the first one.
    pub(super) fn waits(&self, commitment: &Digest) -> Outcome {
        let before = self.unanswered.iter();
        let mut before = before.filter(|(bid, _)| bid.commitment == *commitment);
        match before.next() {
            None => Outcome::Taken(Taken::Waiting),
            Some((bid, _)) => Outcome::Unkept(bid.clone()),
        }
    }

    /// Whether somebody waits for nothing, or has waited while others came and came.
    pub(super) fn keeps_waiting(&self) -> bool {
        let first = self.unanswered.first();
        first.is_some_and(|(bid, _)| self.host.unkept_bodies() == 0 || bid.since.elapsed() >= LOOK)
    }

    /// Makes the bodies durable that were taken since the last time; those who wait for it have their answer with the next
    /// snapshot. Whether there were any.
    pub(super) fn keep_bodies(&mut self) -> bool {
        let nothing = self.host.unkept_bodies() == 0 && self.unanswered.is_empty();
        if nothing || !self.is_well() {
            return false;
        }
        if self.host.keep_bodies().is_err() {
            self.leave_office();
            return true;
        }
        for (bid, answer) in std::mem::take(&mut self.unanswered) {
            let kept = self.kept(&bid);
            self.replies.push(later(answer, kept));
        }
        true
    }

    fn kept(&mut self, bid: &Unkept) -> Result<Taken, Error> {
        if self.waiting.contains_key(&bid.commitment) {
            return Ok(Taken::Waiting);
        }
        // Its beat fell before. A receipt from before its body says nothing of that.
        let known = self.receipts.get(&bid.commitment);
        match known.filter(|_| !bid.came_first) {
            Some(receipt) => Ok(Taken::Logged(receipt)),
            None => self.receipt_now(bid.commitment, &bid.record),
        }
    }

    pub(crate) fn receipt_now(
        &mut self,
        commitment: Digest,
        record: &SignedRecord,
    ) -> Result<Taken, Error> {
        let receipt = self.host.receipt_again(record, self.clock.now())?;
        let receipt = receipt.to_file()?;
        self.keep(commitment, &receipt);
        Ok(Taken::Logged(receipt))
    }

    /// The store failed before their bodies were kept: nothing was promised. All the same they are handed in again by the host
    /// itself, each as it came: a body that cannot be kept makes nobody else late.
    pub(crate) fn put_unanswered_back(&mut self) {
        for (bid, answer) in std::mem::take(&mut self.unanswered) {
            self.turns += 1;
            let turn = self.turns;
            let handed = self.waiting.entry(bid.commitment);
            let handed = handed.or_insert_with(|| Handed {
                record: bid.record,
                bid: None,
                received: bid.received,
                unsure: true,
                turn,
            });
            (handed.bid, handed.unsure) = (Some(bid.bid), true);
            self.replies.push(later(answer, Err(away())));
        }
    }
}
