//! What is due by the clock or by what the log holds: beats, the close, the window, the opening.

use super::{Writer, unavailable};
use crate::parties::opened_folder;
use crate::sink::FolderSink;
use mifeng::crypto::{Digest, SystemEntropy, Time};
use mifeng::lock::tlock::Beacon;
use mifeng::tender::{Stage, State};
use mifeng::{Error, Store};

impl<S: Store + 'static> Writer<S> {
    /// Does what is due by the clock or by what the log holds. A refusal here means "not yet".
    /// Whether there may be more: a beat fell.
    pub(super) fn advance(&mut self, now: Time) -> Result<bool, Error> {
        if let Some(next) = self.host.next_beat().filter(|next| *next <= now) {
            self.beat(self.beats_until(next, now))?;
            return Ok(true);
        }
        let state = self.host.state();
        let done = match state.stage() {
            Stage::Open if self.host.next_beat().is_none() => not_yet(self.close(now)),
            Stage::Window if self.window_is_over(now) => not_yet(self.close_window(now)),
            Stage::Opening => not_yet(self.open_bids(now)),
            Stage::Evaluation => self.advance_rounds(now),
            _ => Ok(()),
        };
        done?;
        let overdue = self.overdue(now);
        self.changed |= overdue != self.overdue;
        self.overdue = overdue;
        Ok(false)
    }

    /// Beats that are due for long and that nobody waits for fall together, but never the last one with others: what came
    /// in time for it is looked at just before it.
    fn beats_until(&self, next: Time, now: Time) -> Time {
        let nobody_waits = self.put_off.is_empty() && self.reading.is_empty();
        match self.deadline() {
            Some(deadline) if nobody_waits && next < deadline => {
                now.min(Time::from_unix_nanos(deadline.as_unix_nanos() - 1))
            }
            _ => next,
        }
    }

    fn beat(&mut self, now: Time) -> Result<(), Error> {
        let suite = self.host.state().suite();
        let receipts = self.host.beat(now, &mut SystemEntropy::new())?;
        self.changed = true;
        for receipt in receipts {
            let record = receipt.names(suite)?;
            if self.waiting.remove(&record).is_some() {
                self.keep(record, &receipt.to_file()?);
            }
        }
        Ok(())
    }

    fn close(&mut self, now: Time) -> Result<(), Error> {
        self.host.close(now, &mut SystemEntropy::new())?;
        self.changed = true;
        Ok(())
    }

    pub(super) fn window_is_over(&self, now: Time) -> bool {
        let state = self.host.state();
        let Some((_, notice)) = state.notice() else {
            return false;
        };
        let bodies_came = state.bodies_end().is_none_or(|end| now >= end);
        let nobody_is_missing = || self.host.missing_leaves(now).is_empty();
        bodies_came && (nobody_is_missing() || now >= state.window_end(notice.deadline))
    }

    fn close_window(&mut self, now: Time) -> Result<(), Error> {
        let entropy = &mut SystemEntropy::new();
        self.host.log_refused(now, entropy)?;
        self.host.close_window(now, entropy)?;
        self.changed = true;
        Ok(())
    }

    /// Opens every bid for which enough was released, and ends every one that nobody can open any more; the others wait.
    fn open_bids(&mut self, now: Time) -> Result<(), Error> {
        let state = self.host.state();
        if state.is_halted() {
            return Ok(());
        }
        for seal in ripe(state, state.to_open()) {
            not_yet(self.decide(&seal, now))?;
            self.changed = true;
        }
        Ok(())
    }

    /// Gives a bid its outcome. One that has no way to be opened waits for nothing: its bidder's time is over, and no board
    /// can stand in (spec/events.md, Bids that do not open; 20 art. 31).
    pub(super) fn decide(&mut self, seal: &Digest, now: Time) -> Result<(), Error> {
        if self.host.state().can_open(seal) {
            return self.open_one(seal, now);
        }
        let failed = self.host.fail_bid(seal, now, &mut SystemEntropy::new());
        failed.map(|_| ())
    }

    /// Bids that lack shares though the time for them is over: only the operator's order ends that wait.
    fn overdue(&self, now: Time) -> usize {
        let state = self.host.state();
        if state.is_halted() {
            return 0;
        }
        let lacks = |seal: &&Digest| {
            let is_over = state.waits_until(seal).is_some_and(|until| until <= now);
            is_over && !state.outcomes().contains_key(*seal)
        };
        state.due_now().iter().filter(lacks).count()
    }

    /// Opens one, and puts its files where everybody looks for them.
    pub(super) fn open_one(&mut self, seal: &Digest, now: Time) -> Result<(), Error> {
        let folder = self
            .opened
            .join(opened_folder(&self.host.state().bids()[seal]));
        let mut sink = FolderSink::new(&folder).map_err(|e| unavailable("opened bid", &e))?;
        let entropy = &mut SystemEntropy::new();
        self.host.open_bid(seal, &mut sink, now, entropy)?;
        Ok(())
    }

    /// Takes in a beacon; what waited for it may be opened now.
    pub(super) fn beacon(&mut self, beacon: &Beacon) -> Result<(), Error> {
        let (now, entropy) = (self.clock.now(), &mut SystemEntropy::new());
        self.host.add_beacon(beacon, now, entropy)?;
        self.changed = true;
        Ok(())
    }
}

/// Those of these bids that have no outcome and wait for nothing: enough was released, or nothing can be any more.
pub(super) fn ripe(state: &State, due: Vec<Digest>) -> Vec<Digest> {
    let open = due
        .into_iter()
        .filter(|seal| !state.outcomes().contains_key(seal));
    open.filter(|seal| state.has_enough(seal) || !state.can_open(seal))
        .collect()
}

pub(super) fn not_yet(outcome: Result<(), Error>) -> Result<(), Error> {
    match outcome {
        Err(Error::Refused(_)) => Ok(()),
        outcome => outcome,
    }
}
