//! Final offers: the host closes each round in its time, ends the suppliers' window, and opens what can be opened.

use super::Writer;
use super::steps::{not_yet, ripe};
use mifeng::crypto::{Digest, SystemEntropy, Time};
use mifeng::{Error, Store};

/// What is due of one round.
enum Due {
    Close,
    Window,
    Open(Vec<Digest>),
}

impl<S: Store + 'static> Writer<S> {
    /// Does what is due of the rounds of all lots. A refusal means "not yet".
    pub(super) fn advance_rounds(&mut self, now: Time) -> Result<(), Error> {
        let state = self.host.state();
        let Some((_, notice)) = state.notice().filter(|_| !state.is_halted()) else {
            return Ok(());
        };
        let lots: Vec<String> = notice.lots.iter().map(|lot| lot.id.clone()).collect();
        for lot in lots {
            while let Some(due) = self.due_of_round(&lot, now) {
                let before = self.host.replay().tree.size();
                not_yet(self.do_round(&lot, due, now))?;
                // Refused: at the next look again.
                if self.host.replay().tree.size() == before {
                    break;
                }
                self.changed = true;
            }
        }
        Ok(())
    }

    /// The last end of a round of offers that is over and not closed yet.
    pub(super) fn end_of_offers(&self, now: Time) -> Option<Time> {
        let state = self.host.state();
        let (_, notice) = state.notice().filter(|_| !state.is_halted())?;
        let rounds = notice.lots.iter().filter_map(|lot| state.round(&lot.id));
        let over = rounds.filter(|round| !round.closed && round.deadline <= now);
        over.map(|round| round.deadline).max()
    }

    fn due_of_round(&self, lot: &str, now: Time) -> Option<Due> {
        let state = self.host.state();
        let round = state.round(lot)?;
        if !round.closed {
            return (now >= round.deadline).then_some(Due::Close);
        }
        let due = state.offers_to_open(lot);
        if round.window_closed.is_none() {
            let over = state.missing_of(&due).is_empty() || now >= state.window_end(round.deadline);
            return over.then_some(Due::Window);
        }
        let ready = ripe(state, due);
        (!ready.is_empty()).then_some(Due::Open(ready))
    }

    fn do_round(&mut self, lot: &str, due: Due, now: Time) -> Result<(), Error> {
        let entropy = &mut SystemEntropy::new();
        match due {
            Due::Close => self.host.close_round(lot, now, entropy),
            Due::Window => self.host.close_round_window(lot, now, entropy),
            Due::Open(ready) => {
                for seal in ready {
                    self.decide(&seal, now)?;
                }
                Ok(())
            }
        }
    }
}
