//! What an agent does about the anchor log that its tender names: it keeps a copy, which must go on, holds the tender
//! against it, and has its witness cosign it.

use super::watch::Watch;
use crate::anchor::{self, Came};
use crate::bundle::Bundle;
use crate::identity::Alone;
use crate::person;
use crate::ui::{self, Failure, Outcome};
use mifeng::{AnchorWitnesses, Anchors};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A head that is due is anchored within a second, and another replica shows it within ten more.
const DUE: Duration = Duration::from_secs(60);
/// Between two looks at a log that is not as it should be: the first pause, doubled up to the last one. A log that goes on
/// from no copy is fetched whole each time.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// What is still to be done about the anchor log.
#[derive(Default)]
pub(super) struct Owed {
    /// It was not looked at since the bundle came.
    look: bool,
    /// Its head is to be cosigned.
    cosign: bool,
    /// Since when the log is not as it should be.
    since: Option<Instant>,
    /// Before then it is not looked at again.
    next: Option<Instant>,
    pause: Duration,
    /// What is wrong was told.
    told: bool,
}

impl Owed {
    /// A bundle came: everything is to be done with it.
    pub(super) fn came(&mut self, cosign: bool) {
        self.look = true;
        self.cosign |= cosign;
    }

    /// Whether an agent with nothing else to do may end.
    pub(super) fn is_nothing(&self) -> bool {
        !self.look
    }

    fn is_due(&self, now: Instant) -> bool {
        self.look && self.next.is_none_or(|next| next <= now)
    }

    fn done(&mut self) {
        *self = Owed::default();
    }

    /// It is not as it should be: tried again after a pause. Whether that is so for long.
    fn later(&mut self, now: Instant) -> bool {
        self.pause = (self.pause * 2).clamp(FIRST_PAUSE, PAUSE_MAX);
        self.next = Some(now + self.pause);
        now.duration_since(*self.since.get_or_insert(now)) >= DUE
    }
}

/// The host signed two histories, or shows less than it did: nothing of this person goes to it before somebody has looked.
fn ends(no: &Failure) -> bool {
    matches!(&*no.code, "log.fork" | "log.rollback")
}

/// Where the agents of a person keep their copy of an anchor log: one for all its tenders.
fn copy_of(id: &Path, key: &str) -> PathBuf {
    let name = mifeng::crypto::HashAlg::Sha256.digest(key.as_bytes());
    id.join(format!("anchors-{}.tar", &name.to_string()[..16]))
}

impl Watch<'_> {
    /// Does what is owed, if the host has done its part; else a later look tries again. Comes after the agent's own work:
    /// trouble with the anchor log holds up no opening. Only another history ends the agent, and when nothing else is left
    /// to do a log that stays as it should not be.
    pub(super) fn anchors(&mut self, bundle: &Bundle, is_last: bool) -> Outcome {
        if !self.owed.is_due(Instant::now()) {
            return Ok(());
        }
        let wanting = match self.brought_up_to_date(bundle) {
            Ok(None) => {
                self.owed.done();
                return Ok(());
            }
            Ok(Some(wanting)) => wanting,
            Err(no) if ends(&no) => return Err(no),
            Err(no) => Lacking::Because(no),
        };
        if let Lacking::Entries(_) = wanting {
            // The log may have grown since the bundle came: the next look is at a newer one.
            self.forget_fetched();
        }
        let for_long = self.owed.later(Instant::now());
        self.shout(bundle, wanting, (for_long, is_last))
    }

    /// Fetches, keeps and cosigns the log; what is wanting, if anything.
    fn brought_up_to_date(&mut self, bundle: &Bundle) -> Result<Option<Lacking>, Failure> {
        let Some(key) = bundle.replay.anchor_key() else {
            return Ok(None);
        };
        let new = self.folder.join("anchors.tar");
        let copy = copy_of(&self.identity.folder, key);
        let suite = bundle.replay.suite().id();
        match anchor::fetch_news(&self.client, suite, (&new, &copy), key) {
            Err(no) if matches!(&*no.code, "anchor.none" | "http.no-route") => {
                return Ok(Some(Lacking::Log));
            }
            came => came?,
        }
        if let Some(lacking) = self.keep_anchors(bundle, &new, key)? {
            return Ok(Some(lacking));
        }
        if self.owed.cosign {
            self.send_anchors()?;
        }
        Ok(None)
    }

    /// Keeps what came as the copy, if it goes on from it and lacks nothing of the tender, and has it cosigned.
    fn keep_anchors(
        &mut self,
        bundle: &Bundle,
        new: &Path,
        key: &str,
    ) -> Result<Option<Lacking>, Failure> {
        let alone = Alone::in_folder(&self.identity.folder)?;
        let copy = copy_of(&self.identity.folder, key);
        let known = AnchorWitnesses::of(&bundle.replay)?;
        let log = match anchor::keep_copy(self.ui, (new, &copy), key, &known)? {
            Came::GoesOn(log) => log,
            Came::Older => return Ok(Some(Lacking::Older)),
        };
        let lacking = lacks(&log, bundle)?;
        if lacking.is_none() && self.owed.cosign {
            let note = self.note_of_anchors();
            person::cosign_anchors(self.ui, (&self.identity, &alone), bundle, &log, &note)?;
        }
        Ok(lacking)
    }

    fn note_of_anchors(&self) -> PathBuf {
        self.folder.join("anchors.note")
    }

    /// Hands the cosigned head in. A host that does not take it, as one whose head has all the lines that it can have
    /// (spec/anchor.md), is told of once: the copy is kept all the same.
    fn send_anchors(&mut self) -> Outcome {
        let note = ui::read(&self.note_of_anchors())?;
        match self.client.cosign_anchors(&note) {
            Err(no) if no.exit != 4 => {
                self.once(
                    &format!("锚定日志的共签未被接收：{}", no.sentence(ui::Lang::Zh)),
                    &format!(
                        "the cosigned head of the anchor log was not taken: {}",
                        no.sentence(ui::Lang::En)
                    ),
                );
                Ok(())
            }
            said => said,
        }
    }

    /// What is wanting is told once, a head that is late only after a while; an agent that is otherwise done ends with it.
    fn shout(
        &mut self,
        bundle: &Bundle,
        lacking: Lacking,
        (for_long, is_last): (bool, bool),
    ) -> Outcome {
        let (zh, en) = lacking.in_words(bundle);
        match lacking {
            Lacking::Because(no) if for_long && is_last => return Err(no),
            Lacking::Older if for_long => return Err(told("log.rollback", zh, en)),
            _ if for_long && is_last => return Err(told("anchor.missing", zh, en)),
            // At once: it is no head that is late.
            Lacking::Because(_) => {}
            _ if !for_long => return Ok(()),
            _ => {}
        }
        if !std::mem::replace(&mut self.owed.told, true) {
            self.ui.warn(&zh, &en);
            self.screen.done(&zh, &en);
        }
        Ok(())
    }

    /// A tender that the host shows no more: what this person has of it, and the host's own word for it.
    pub(super) fn vanished(&self, no: Failure) -> Failure {
        if no.code != "http.no-tender" {
            return no;
        }
        let Ok(bundle) = Bundle::open(&self.folder.join("bundle.tar")) else {
            return no;
        };
        let replay = &bundle.replay;
        let key = replay.anchor_key().unwrap_or_default();
        let copy = copy_of(&self.identity.folder, key);
        let log = anchor::read(&copy, key).ok();
        let origin = replay.state.origin();
        let held = log.and_then(|log| log.tenders().get(origin).map(|head| head.size()));
        let Some(size) = held else {
            return no;
        };
        let copy = copy.display();
        Failure {
            zh: Some(format!(
                "平台不再显示项目 {origin}；其 {size} 条的日志头在锚定日志副本 {copy} 中，由平台签名"
            )),
            text: format!(
                "THE HOST SHOWS {origin} NO MORE; its head of {size} entries is in the copy {copy} of the anchor log, signed by the host"
            ),
            ..no
        }
    }
}

fn told(code: &str, zh: String, en: String) -> Failure {
    let mut failure = Failure::refused(code, en);
    failure.zh = Some(zh);
    failure
}

/// What is wanting in the anchor log.
enum Lacking {
    /// It could not be fetched, read, kept or cosigned.
    Because(Failure),
    /// The host does not show it.
    Log,
    /// The host shows less of it than before.
    Older,
    /// The head that is due.
    Head(u64),
    /// The bundle goes less far than the anchored head.
    Entries(u64),
}

/// What the log lacks of this tender.
fn lacks(log: &Anchors, bundle: &Bundle) -> Result<Option<Lacking>, Failure> {
    let replay = &bundle.replay;
    let (_, beyond) = log.hold_against(replay)?;
    if let Some(size) = beyond {
        return Ok(Some(Lacking::Entries(size)));
    }
    let due = replay.head_to_anchor()?;
    let known = log
        .tenders()
        .get(due.origin())
        .map_or(0, |head| head.size());
    Ok((known < due.size()).then_some(Lacking::Head(due.size())))
}

impl Lacking {
    fn in_words(&self, bundle: &Bundle) -> (String, String) {
        let origin = bundle.replay.state.origin();
        match self {
            Lacking::Because(no) => (
                format!("锚定日志暂不可用，稍后再试：{}", no.sentence(ui::Lang::Zh)),
                format!(
                    "something is wrong with the anchor log, trying again: {}",
                    no.sentence(ui::Lang::En)
                ),
            ),
            Lacking::Log => (
                format!("平台不显示项目 {origin} 所指明的锚定日志"),
                format!("THE HOST DOES NOT SHOW THE ANCHOR LOG that {origin} names"),
            ),
            Lacking::Older => (
                "平台显示的锚定日志比以前所见的短".to_owned(),
                "THE HOST SHOWS LESS OF THE ANCHOR LOG than it did before".to_owned(),
            ),
            Lacking::Head(size) => (
                format!("项目 {origin} 的日志头（{size} 条）未被锚定"),
                format!("THE HEAD OF {size} ENTRIES of {origin} IS NOT ANCHORED"),
            ),
            Lacking::Entries(size) => (
                format!("锚定日志中 {origin} 已到 {size} 条，平台给出的记录包不及此"),
                format!("{size} ENTRIES of {origin} ARE ANCHORED, and the host gives fewer"),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_is_late_is_looked_at_ever_less_often_and_told_after_a_minute() {
        let start = Instant::now();
        let mut owed = Owed::default();
        assert!(owed.is_nothing() && !owed.is_due(start));
        owed.came(true);
        let (mut now, mut looks) = (start, Vec::new());
        loop {
            assert!(owed.is_due(now) && !owed.is_nothing());
            let for_long = owed.later(now);
            assert!(!owed.is_due(now));
            looks.push((now - start).as_secs());
            if for_long {
                break;
            }
            now = owed.next.expect("a time");
            // What comes meanwhile makes it no faster.
            owed.came(false);
        }
        assert_eq!(looks, [0, 2, 6, 14, 30, 60]);
        owed.later(now);
        assert_eq!(owed.next, Some(now + PAUSE_MAX));
        owed.done();
        assert!(owed.is_nothing() && owed.since.is_none());
    }

    #[test]
    fn only_another_history_ends_an_agent() {
        for code in ["log.fork", "log.rollback"] {
            assert!(ends(&Failure::refused(code, "")));
        }
        for code in [
            "log.too-large",
            "net.unavailable",
            "anchor.none",
            "malformed",
        ] {
            assert!(!ends(&Failure::refused(code, "")));
        }
    }
}
