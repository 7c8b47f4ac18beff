//! What an agent does about the anchor log that its tender names: it keeps a copy, which must go on, holds the tender
//! against it, and has its witness cosign it.

use super::watch::Watch;
use crate::anchor::{self, Came};
use crate::bundle::Bundle;
use crate::person;
use crate::ui::{self, Failure, Outcome};
use mifeng::Anchors;
use mifeng::tender::Stage;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A head that is due is anchored within a second, and another replica shows it within ten more.
const DUE: Duration = Duration::from_secs(60);

/// What is still to be done about the anchor log.
#[derive(Default)]
pub(super) struct Owed {
    /// It was not looked at since the bundle came.
    pub(super) look: bool,
    /// Its head is to be cosigned.
    pub(super) cosign: bool,
    /// Since when the log is not as it should be.
    since: Option<Instant>,
}

impl Owed {
    /// A bundle came: everything is to be done with it.
    pub(super) fn came(&mut self, cosign: bool) {
        self.look = true;
        self.cosign |= cosign;
    }

    fn done(&mut self) {
        *self = Owed::default();
    }
}

/// Where the agents of a person keep their copy of an anchor log: one for all its tenders.
fn copy_of(id: &Path, key: &str) -> PathBuf {
    let name = mifeng::crypto::HashAlg::Sha256.digest(key.as_bytes());
    id.join(format!("anchors-{}.tar", &name.to_string()[..16]))
}

impl Watch<'_> {
    /// Does what is owed, if the host has done its part; else the next look tries again.
    pub(super) fn anchors(&mut self, bundle: &Bundle) -> Outcome {
        if !self.owed.look {
            return Ok(());
        }
        let Some(key) = bundle.replay.anchor_key() else {
            self.owed.done();
            return Ok(());
        };
        let new = self.folder.join("anchors.tar");
        let wanting = match self.fetch_anchors(bundle, &new)? {
            true => self.keep_anchors(bundle, &new, key)?,
            false => Some(Lacking::Log),
        };
        let Some(wanting) = wanting else {
            return self.send_anchors();
        };
        if let Lacking::Entries(_) = wanting {
            // The log may have grown since the bundle came: the next look is at a newer one.
            self.forget_fetched();
        }
        let since = *self.owed.since.get_or_insert_with(Instant::now);
        match since.elapsed() >= DUE {
            true => self.shout(bundle, &wanting),
            false => Ok(()),
        }
    }

    /// Whether the host shows the log.
    fn fetch_anchors(&mut self, bundle: &Bundle, out: &Path) -> Result<bool, Failure> {
        let came = self.client.anchor_log(bundle.replay.suite().id(), out);
        match came {
            Err(no) if matches!(&*no.code, "anchor.none" | "http.no-route") => Ok(false),
            came => Ok(self.patient(came)?.is_some()),
        }
    }

    /// Keeps what came as the copy, if it goes on from it and lacks nothing of the tender, and has it cosigned. One agent of
    /// a person does so at a time: they share copy and witness.
    fn keep_anchors(
        &mut self,
        bundle: &Bundle,
        new: &Path,
        key: &str,
    ) -> Result<Option<Lacking>, Failure> {
        let copy = copy_of(&self.identity.folder, key);
        let lock = copy.with_extension("lock");
        let one = std::fs::File::create(&lock).and_then(|file| file.lock().map(|()| file));
        let _one = one.map_err(|e| Failure::io(&lock, &e))?;
        let log = match anchor::keep_copy(self.ui, new, &copy, key)? {
            Came::GoesOn(log) => log,
            Came::Older => return Ok(Some(Lacking::Older)),
        };
        let lacking = lacks(&log, bundle)?;
        if lacking.is_none() && self.owed.cosign {
            let note = self.note_of_anchors();
            person::cosign_anchors(self.ui, &self.identity, bundle, &log, &note)?;
        }
        Ok(lacking)
    }

    fn note_of_anchors(&self) -> PathBuf {
        self.folder.join("anchors.note")
    }

    /// Hands the cosigned head in.
    fn send_anchors(&mut self) -> Outcome {
        if !self.owed.cosign {
            self.owed.done();
            return Ok(());
        }
        let note = ui::read(&self.note_of_anchors())?;
        let sent = self.client.cosign_anchors(&note);
        match self.patient(sent) {
            Ok(Some(())) => self.owed.done(),
            // Tried again at the next look.
            Ok(None) => {}
            Err(no) if no.exit == 1 => {
                self.once(
                    &format!("锚定日志的共签未被接收：{}", no.sentence(ui::Lang::Zh)),
                    &format!(
                        "the cosigned head of the anchor log was not taken: {}",
                        no.sentence(ui::Lang::En)
                    ),
                );
                self.owed.done();
            }
            Err(no) => return Err(no),
        }
        Ok(())
    }

    /// What is wanting for long is told in so many words; at the end of a tender nothing will come any more.
    fn shout(&mut self, bundle: &Bundle, lacking: &Lacking) -> Outcome {
        let (zh, en) = lacking.in_words(bundle);
        self.owed.done();
        if bundle.replay.state.stage() == Stage::Archived || matches!(lacking, Lacking::Older) {
            let mut failure = Failure::refused("anchor.missing", en);
            failure.zh = Some(zh);
            return Err(failure);
        }
        self.ui.warn(&zh, &en);
        self.screen.done(&zh, &en);
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

/// What is wanting in the anchor log.
enum Lacking {
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
    let Some(due) = replay.head_to_anchor()? else {
        return Ok(None);
    };
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
