//! One act of one of the demo's people: its record is made, and handed in. Over HTTP somebody who has the same keys may
//! have been faster, or may have changed what the act was about: what is done already is taken as done, what is
//! refused is told, and only what the tender cannot go on without ends the play.

use super::door::Remote;
use super::stages::Tender;
use super::stop::is_stopped;
use super::world::World;
use crate::bundle::Bundle;
use crate::identity::Identity;
use crate::person;
use crate::ui::{self, Failure, Outcome, Ui};
use mifeng::Logged;
use mifeng::crypto::Digest;
use mifeng::tender::State;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// How often an act is made anew because the log had moved on.
const TRIES: usize = 3;

/// What somebody is to do.
pub(super) struct Act<'a> {
    /// The folder of who does it.
    who: &'a str,
    /// Type of the record.
    kind: &'a str,
    lot: Option<&'a str>,
    /// Where the record goes.
    pub(super) out: PathBuf,
    /// The tender cannot go on without it.
    is_needed: bool,
    /// Whether nobody has to do it any more.
    is_over: fn(&State) -> bool,
}

impl<'a> Act<'a> {
    pub(super) fn new(who: &'a str, kind: &'a str, out: PathBuf) -> Self {
        Act {
            who,
            kind,
            lot: None,
            out,
            is_needed: false,
            is_over: |_| false,
        }
    }

    pub(super) fn in_lot(self, lot: &'a str) -> Self {
        let lot = Some(lot);
        Act { lot, ..self }
    }

    pub(super) fn needed(self) -> Self {
        let is_needed = true;
        Act { is_needed, ..self }
    }

    pub(super) fn unless(self, is_over: fn(&State) -> bool) -> Self {
        Act { is_over, ..self }
    }
}

/// How an act went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    Ours,
    /// Somebody else did it with the same key.
    Others,
    /// It was refused, or has no point any more.
    Not,
}

/// The log went on since the record was made, or its maker's program has seen more of it.
fn is_stale(no: &Failure) -> bool {
    no.code == "record.replay" || no.code.starts_with("log.")
}

/// The records that were taken for acts of the demo: one counts once.
#[derive(Default)]
pub(super) struct Known(BTreeSet<Digest>);

impl Known {
    /// Takes note of a record that was not known yet, if there is one that does this act.
    fn takes(&mut self, records: &[Logged], actor: &Digest, act: &Act<'_>) -> bool {
        let mut new = records.iter().filter(|r| {
            let same = r.kind == act.kind && r.actor == *actor;
            same && (act.lot.is_none() || r.lot.as_deref() == act.lot)
        });
        new.any(|r| self.0.insert(r.commitment))
    }
}

impl Remote {
    fn takes(&mut self, actor: &Digest, act: &Act<'_>) -> bool {
        self.known.takes(&self.replay.records, actor, act)
    }
}

impl Tender {
    /// Does an act over a bundle, or over a newer one if the log has gone on.
    pub(super) fn act(
        &mut self,
        ui: &Ui,
        act: &Act<'_>,
        bundle: &Bundle,
        make: impl Fn(&World, &Identity, &Bundle) -> Outcome,
    ) -> Result<Done, Failure> {
        let identity = self.world.identity(act.who)?;
        let own = identity.signer.certificate();
        let own = own.fingerprint(self.world.suite.hash());
        let (mut fresh, mut tries) = (None, 0);
        loop {
            let made = make(&self.world, &identity, fresh.as_ref().unwrap_or(bundle));
            let Err(no) = made.and_then(|()| self.accept(&act.out)) else {
                if let Some(remote) = self.host.shared() {
                    while remote.takes(&own, act) {}
                }
                return Ok(Done::Ours);
            };
            if is_stopped(&no) {
                return Err(no);
            }
            let Some(remote) = self.host.shared() else {
                return Err(no);
            };
            remote.refresh()?;
            if remote.takes(&own, act) {
                tell_others(ui, act.who, act.kind);
                return Ok(Done::Others);
            }
            let state = &remote.replay.state;
            if (act.is_over)(state) {
                return Ok(Done::Not);
            }
            if state.is_cancelled() {
                return Err(no);
            }
            if state.is_halted() {
                ui.say(
                    "项目已暂停；恢复后继续……",
                    "the tender is suspended: going on when it is resumed …",
                );
                remote.wait(|state| !state.is_halted() || state.is_cancelled())?;
            } else if tries < TRIES && is_stale(&no) {
                tries += 1;
            } else if tries < TRIES && no.code == "opening.unanswered" {
                // Somebody at the browser asked meanwhile.
                tries += 1;
                self.answer_at_opening(ui)?;
            } else if act.is_needed || remote.is_strict() {
                return Err(no);
            } else {
                tell_refused(ui, (act.who, act.kind), &no);
                return Ok(Done::Not);
            }
            fresh = Some(self.bundle()?);
        }
    }

    /// Waits for whoever did the first half of something that nobody else can end.
    pub(super) fn leave_to_others(&mut self, ui: &Ui, act: &Act<'_>) -> Outcome {
        let (who, kind) = (act.who, act.kind);
        ui.say(
            format!("  等待代替 {who} 行事的人完成 {kind}……"),
            format!("  waiting for whoever acts for {who} to do {kind} …"),
        );
        let identity = self.world.identity(who)?;
        let own = identity.signer.certificate();
        let own = own.fingerprint(self.world.suite.hash());
        while let Some(remote) = self.host.shared() {
            if remote.takes(&own, act) {
                break;
            }
            remote.look()?;
        }
        Ok(())
    }

    /// A trustee's witness cosigns the head of now.
    pub(super) fn cosign(&mut self, ui: &Ui, index: u8, bundle: &Bundle, out: &Path) -> Outcome {
        let trustee = self.world.trustee(index)?;
        self.over_newest(
            ui,
            (&format!("trustee{index}"), "cosign"),
            bundle,
            |tender, bundle| {
                person::cosign(&tender.world.ui, &trustee, bundle, out)?;
                tender.host.cosign(&ui::read(out)?)
            },
        )
    }

    /// The authority stamps the newest stored head.
    pub(super) fn stamp(&mut self, ui: &Ui, bundle: &Bundle, out: &Path) -> Outcome {
        let tsa = self.world.identity("tsa")?;
        self.over_newest(ui, ("tsa", "stamp"), bundle, |tender, bundle| {
            person::stamp(&tsa, bundle, out)?;
            tender.host.stamp(&ui::read(out)?)
        })
    }

    /// Does what is about the head of the log, again over a newer one if it has moved on. It makes no record: where
    /// somebody else has done it the release shows, which looks for witnesses and time stamp.
    fn over_newest(
        &mut self,
        ui: &Ui,
        what: (&str, &str),
        bundle: &Bundle,
        mut once: impl FnMut(&mut Tender, &Bundle) -> Outcome,
    ) -> Outcome {
        let mut fresh = None;
        for tries in 1.. {
            let Err(no) = once(self, fresh.as_ref().unwrap_or(bundle)) else {
                break;
            };
            match self.host.shared() {
                None => return Err(no),
                Some(_) if is_stopped(&no) => return Err(no),
                Some(_) if tries < TRIES => fresh = Some(self.bundle()?),
                Some(remote) if remote.is_strict() => return Err(no),
                Some(_) => {
                    tell_refused(ui, what, &no);
                    break;
                }
            }
        }
        Ok(())
    }

    /// Signs that a lot ends without a winner, if the log says so; whether it does. That too few are left counts once
    /// the prices are settled: a corrected one is to be put to its bidder first.
    pub(super) fn ends_without_winner(
        &mut self,
        ui: &Ui,
        lot: &str,
        is_settled: bool,
    ) -> Result<bool, Failure> {
        let state = self.host.state();
        let counts = |reason: &str| is_settled || reason != "too-few-left";
        let failure = state.failure(lot).filter(|(reason, _)| counts(reason));
        if state.failed(lot).is_none() && failure.is_none() {
            return Ok(false);
        }
        if state.failed(lot).is_none() {
            let out = self.path(format!("agency/fail-{lot}.rec"));
            let act = Act::new("agency", "lot.fail", out).in_lot(lot).needed();
            let bundle = self.bundle()?;
            self.act(ui, &act, &bundle, |_, agency, bundle| {
                crate::evaluation::result::fail(ui, agency, bundle, lot, &act.out)
            })?;
        }
        Ok(true)
    }
}

fn tell_others(ui: &Ui, who: &str, kind: &str) {
    ui.say(
        format!("  {who} 的 {kind} 已由他人完成，接着往下走"),
        format!("  {kind} of {who} was done by somebody else already: going on from there"),
    );
}

/// A refusal as a line of the story.
pub(super) fn tell_refused(ui: &Ui, (who, kind): (&str, &str), no: &Failure) {
    ui.say(
        format!(
            "  {who} 的 {kind} 被拒 [{}] {}；继续",
            no.code,
            no.sentence(ui::Lang::Zh)
        ),
        format!(
            "  {kind} of {who} was refused [{}] {}: going on",
            no.code,
            no.sentence(ui::Lang::En)
        ),
    );
}

/// Nothing waits for a share any more.
pub(super) fn is_decided(state: &State) -> bool {
    !super::door::awaits_shares(state)
}

/// No draw waits for an answer.
pub(super) fn is_drawn(state: &State) -> bool {
    state.waiting_draws().is_empty()
}
