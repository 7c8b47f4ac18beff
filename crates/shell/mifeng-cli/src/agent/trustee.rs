//! A trustee's agent: it shows what its person owes and which conditions hold, and answers when told to.

use super::page::{Asked, Line};
use super::task::{self, Task};
use super::watch::{CHECK, Fetched, Watch};
use super::{LOOK, hand_in};
use crate::bundle::Bundle;
use crate::evaluation::offers;
use crate::person;
use crate::ui::{self, Failure, Outcome};
use mifeng::Replay;
use mifeng::crypto::Digest;
use mifeng::lock::SecretShare;
use mifeng::tender::Stage;
use std::path::Path;
use std::time::Instant;

/// What a person said before the agent began.
pub(super) struct Told {
    /// Shares and answers are given without asking.
    pub(super) release: bool,
    /// The opening record is signed without asking.
    pub(super) sign: bool,
    /// It ends when the shares of the opening are handed in: what comes after that is not its matter.
    pub(super) once: bool,
}

impl Told {
    fn is_unasked(&self, task: &Task) -> bool {
        match task {
            Task::Opening | Task::Offers(_) | Task::Draw(_) => self.release,
            Task::Minutes(_) => self.sign,
        }
    }
}

impl Watch<'_> {
    /// Watches until the archive, or with `once` until the opening's shares are handed in, and the anchor log holds that.
    pub(super) fn trustee(&mut self, told: &Told) -> Outcome {
        self.screen.listen_to_the_terminal();
        let (mut bundle, mut released) = (None, false);
        loop {
            if let Some(glance) = self.glance()? {
                let due = self.is_due(&glance, CHECK);
                if due {
                    self.moved |= glance.stage != self.stage && glance.stage != "open";
                    self.stage.clone_from(&glance.stage);
                    // What came last may be of the new stage already.
                    let look = match self.fetch(glance.size)? {
                        Fetched::Away => false,
                        Fetched::Same => self.moved,
                        Fetched::Came(came) => {
                            bundle = Some(came);
                            true
                        }
                    };
                    if let Some(bundle) = bundle.as_ref().filter(|_| look) {
                        let own = person::own_member(&bundle.replay.state, &self.identity).is_ok();
                        self.owed.came(self.moved && own);
                        self.moved = false;
                    }
                }
                // Nothing new and nothing asked: nothing to look at.
                let open = self.shown.is_some() || self.stamper.is_due_again(Instant::now());
                let worth = (due || open) && glance.stage != "setup";
                if let Some(bundle) = bundle.as_ref().filter(|_| worth) {
                    let before = self.shown.clone();
                    released = self.look(bundle, due, told)?;
                    if due {
                        self.idle.looked(before == self.shown, Instant::now());
                    }
                }
                let newest = self.fetched.is_some_and(|(size, _)| size >= glance.size);
                let is_last = newest && (glance.stage == "archived" || (told.once && released));
                if let Some(bundle) = &bundle {
                    self.anchors(bundle, is_last)?;
                }
                if is_last && self.owed.is_nothing() {
                    return Ok(());
                }
            }
            self.screen.wait(LOOK);
        }
    }

    /// One look at a bundle, a new one where `due`; whether the own shares of the opening are in its log.
    fn look(&mut self, bundle: &Bundle, due: bool, told: &Told) -> Result<bool, Failure> {
        let state = &bundle.replay.state;
        self.cosign_closes(bundle)?;
        self.stamp_closes(bundle)?;
        if state.stage() < Stage::Window {
            self.screen.show_nothing(None);
            return Ok(false);
        }
        // Finding it opens the key file, which takes its time: a question may stand for days.
        let task = match self.task.take().filter(|_| !due) {
            Some(task) => Some(task),
            None => self.owed_now(bundle, told)?,
        };
        let Some(task) = task else {
            let why = task::nothing_to_open(state);
            if let Some((zh, en)) = &why {
                self.once(zh, en);
            }
            let none_comes = why.is_some() && state.stage() == Stage::Opening;
            self.screen.show_nothing(why);
            self.shown = None;
            let over = state.stage() > Stage::Opening || none_comes;
            return Ok(over || self.has_released(&bundle.replay));
        };
        self.ask(bundle, &task, told.is_unasked(&task))?;
        self.task = Some(task);
        Ok(false)
    }

    /// Shows what a task is about and which conditions hold; does it if all do, on its person's word or `unasked`.
    fn ask(&mut self, bundle: &Bundle, task: &Task, unasked: bool) -> Outcome {
        let (lines, ready) = task::conditions(bundle, task)?;
        let mut asked = task::asked(bundle, task, &lines);
        asked.ready = ready && !unasked;
        let word = self.screen.take_word();
        let state = (asked.id, lines.iter().map(|line| line.met).collect());
        if self.shown.as_ref() != Some(&state) {
            self.say_what_is_asked(task, &asked, &lines);
            self.shown = Some(state);
        }
        let asked_for = asked.id;
        self.screen.show(lines, Some(asked));
        let size = bundle.replay.entries.len() as u64;
        // What was refused is not handed in again to the same log.
        let unasked = unasked && self.refused != Some((asked_for, size));
        if ready && (unasked || word == Some(asked_for)) && !self.answer(bundle, task)? {
            self.refused = Some((asked_for, size));
        }
        Ok(())
    }

    fn say_what_is_asked(&self, task: &Task, asked: &Asked, lines: &[Line]) {
        self.ui.say(&asked.zh, &asked.en);
        // What is signed is what was shown.
        let rows = asked.rows.iter().filter(|_| task.shows_rows());
        for (zh, en) in rows {
            self.ui.say(format!("    {zh}"), format!("    {en}"));
        }
        for line in lines {
            let mark = self.ui.mark(line.met);
            self.ui.say(
                format!("  {mark} {}", line.zh),
                format!("  {mark} {}", line.en),
            );
        }
        if asked.ready {
            let word = asked.words.1;
            self.ui.say(
                format!("输入 {word} 并回车，或在本机页面上确认"),
                format!("type {word} and Enter, or confirm on the own page"),
            );
        }
    }

    /// What is owed now, if anything. The signature comes last: others wait for shares and answers, and nobody for it.
    fn owed_now(&self, bundle: &Bundle, told: &Told) -> Result<Option<Task>, Failure> {
        let replay = &bundle.replay;
        let secret = match person::keeps_one_time_key(self.ui, &self.identity, replay) {
            true => None,
            false => Some(person::secret(self.ui, &self.identity, replay)?),
        };
        let own = self.own(replay);
        let minutes = || task::unsigned(&replay.state, &own).filter(|_| !told.once);
        let next = self.next(bundle, secret.as_ref());
        Ok(next.or_else(|| minutes().map(Task::Minutes)))
    }

    /// The next share or answer that is owed.
    fn next(&self, bundle: &Bundle, secret: Option<&SecretShare>) -> Option<Task> {
        let replay = &bundle.replay;
        let state = &replay.state;
        let Some(secret) = secret else {
            let owed = state.stage() == Stage::Opening && state.is_any_undecided();
            return (owed && !self.has_released(replay)).then_some(Task::Opening);
        };
        let owes = |due: &[Digest]| task::owes(state, secret, due);
        // Before the opening itself the conditions are shown already, so that its person knows what is missing.
        if state.stage() <= Stage::Opening && owes(&state.to_open()) {
            return Some(Task::Opening);
        }
        let lots = state.notice().map(|(_, notice)| &notice.lots);
        for lot in lots.into_iter().flatten() {
            let closed = state.round(&lot.id).is_some_and(|round| round.closed);
            if closed && owes(&state.offers_to_open(&lot.id)) {
                return Some(Task::Offers(lot.id.clone()));
            }
        }
        let board = state
            .board()
            .is_some_and(|board| board.key() == secret.board_key());
        let first = state.waiting_draws().first().map(|draw| draw.id())?;
        let committee = state.draw().into_iter().map(|d| (d.draw.id(), &d.shares));
        let own = state
            .notice()
            .into_iter()
            .flat_map(|(_, notice)| &notice.lots);
        let own = own
            .flat_map(|lot| state.lot_draws(&lot.id))
            .map(|d| (d.draw.id(), &d.shares));
        let mut known = committee.chain(own);
        let answered =
            known.any(|(id, shares)| id == first && shares.contains_key(&secret.index()));
        (board && !answered).then_some(Task::Draw(first))
    }

    /// Whether the log has shares, or a revealed key, of this person.
    fn has_released(&self, replay: &Replay) -> bool {
        let own = self.own(replay);
        let mut records = replay.records.iter();
        records.any(|r| r.actor == own && matches!(&*r.kind, "board.share" | "key.reveal"))
    }

    fn own(&self, replay: &Replay) -> Digest {
        let own = self.identity.signer.certificate();
        own.fingerprint(replay.suite().hash())
    }

    /// Makes the answer from the bundle that was checked, and hands it in; whether it was not refused.
    fn answer(&mut self, bundle: &Bundle, task: &Task) -> Result<bool, Failure> {
        let record = self.folder.join(format!("{}.rec", task.name()));
        match task {
            Task::Opening => person::release(self.ui, &self.identity, bundle, &record)?,
            Task::Offers(lot) => offers::release(self.ui, &self.identity, bundle, lot, &record)?,
            Task::Draw(_) => person::draw_share(self.ui, &self.identity, bundle, &record)?,
            Task::Minutes(_) => person::sign_minutes(&self.identity, bundle, &record)?,
        }
        let sent = hand_in(self.ui, &self.client, &record);
        // Whatever came of it, the next look is at a bundle of then.
        self.fetched = None;
        match self.patient(sent) {
            Ok(Some(receipt)) => {
                let receipt = shown(&receipt);
                let (zh, en) = (
                    format!("已送达，回执 {receipt}"),
                    format!("handed in, receipt {receipt}"),
                );
                self.screen.done(&zh, &en);
                self.once(&zh, &en);
                Ok(true)
            }
            Ok(None) => Ok(true),
            // Another trustee may have been faster: the next look shows what is still owed.
            Err(no) if no.exit == 1 => {
                self.once(
                    &format!("未被接收：{}", no.sentence(ui::Lang::Zh)),
                    &format!("not taken: {}", no.sentence(ui::Lang::En)),
                );
                Ok(false)
            }
            Err(no) => Err(no),
        }
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
