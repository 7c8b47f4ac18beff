//! What every agent does at a look: ask where the tender stands, fetch its bundle when that is due, and check it.

use super::anchors::Owed;
use super::idle::Idle;
use super::page::Screen;
use super::stamper::Stamper;
use super::task::Task;
use crate::bundle::Bundle;
use crate::client::{Client, Glance};
use crate::download::Renewed;
use crate::identity::Identity;
use crate::person;
use crate::ui::{self, Failure, Ui};
use mifeng::crypto::Digest;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// While bids are received the log is checked so often: it grows by a beat, and says nothing else.
pub(super) const CHECK: Duration = Duration::from_secs(60);

/// What came of a look at the bundle.
pub(super) enum Fetched {
    /// The host is away, or has no time.
    Away,
    /// The one that came last, by its mark.
    Same,
    /// Checked.
    Came(Box<Bundle>),
}

/// An agent at work.
pub(super) struct Watch<'a> {
    pub(super) ui: &'a Ui,
    pub(super) client: Client,
    pub(super) identity: Identity,
    /// Where bundle, records and receipts are kept.
    pub(super) folder: PathBuf,
    pub(super) screen: Arc<Screen>,
    /// What is to be done about the anchor log.
    pub(super) owed: Owed,
    /// Entries of the log when it was last fetched, and when that was.
    pub(super) fetched: Option<(u64, Instant)>,
    /// The mark that the host gave the last bundle, and the entries in it.
    mark: Option<(String, u64)>,
    pub(super) idle: Idle,
    /// The stage changed since a bundle was looked at.
    pub(super) moved: bool,
    /// A cosignature did not reach the host.
    pub(super) undelivered: bool,
    pub(super) stage: String,
    /// What was said last, so that it is said once.
    said: String,
    /// What was asked last, and which conditions held.
    pub(super) shown: Option<(Digest, Vec<bool>)>,
    /// What a trustee owed at the last look.
    pub(super) task: Option<Task>,
    /// What the host refused last, and the entries of the log then.
    pub(super) refused: Option<(Digest, u64)>,
    pub(super) stamper: Stamper,
}

impl<'a> Watch<'a> {
    pub(super) fn new(
        ui: &'a Ui,
        client: Client,
        identity: Identity,
        folder: PathBuf,
        screen: Arc<Screen>,
    ) -> Self {
        Watch {
            ui,
            client,
            identity,
            folder,
            screen,
            owed: Owed::default(),
            fetched: None,
            mark: None,
            idle: Idle::default(),
            moved: false,
            undelivered: false,
            stage: String::new(),
            said: String::new(),
            shown: None,
            task: None,
            refused: None,
            stamper: Stamper::default(),
        }
    }

    /// The next look fetches the bundle again.
    pub(super) fn forget_fetched(&mut self) {
        self.fetched = None;
    }

    /// Says something unless it was what was said last.
    pub(super) fn once(&mut self, zh: &str, en: &str) {
        if self.said != en {
            self.ui.say(zh, en);
            en.clone_into(&mut self.said);
        }
    }

    /// A host that is away, or says "not now", is asked again; anything else ends the agent.
    pub(super) fn patient<T>(&mut self, outcome: Result<T, Failure>) -> Result<Option<T>, Failure> {
        match outcome {
            Ok(value) => Ok(Some(value)),
            Err(e) if e.exit == 4 => {
                self.once(
                    &format!("平台暂不可用，稍后再试：{}", e.sentence(ui::Lang::Zh)),
                    &format!(
                        "the host is not available, trying again: {}",
                        e.sentence(ui::Lang::En)
                    ),
                );
                Ok(None)
            }
            Err(e) => Err(e),
        }
    }

    /// The bundle of now, checked, and held against what this person was shown before. The host shows so many entries.
    pub(super) fn fetch(&mut self, shown: u64) -> Result<Fetched, Failure> {
        let path = self.folder.join("bundle.tar");
        let known = self.mark.as_ref().map(|(mark, _)| mark.clone());
        let from = Instant::now();
        let came = self.client.newer_bundle(&path, known.as_deref());
        let Some(came) = self.patient(came)? else {
            return Ok(Fetched::Away);
        };
        let Renewed::Came(mark) = came else {
            self.idle.came(Duration::ZERO);
            let size = self.mark.as_ref().map_or(0, |(_, size)| *size);
            if size < shown {
                self.once(
                    &format!("平台称日志有 {shown} 条，却仍给出 {size} 条的记录包"),
                    &format!("the host shows {shown} entries, and its bundle stays at {size}"),
                );
            }
            self.fetched = Some((size, Instant::now()));
            return Ok(Fetched::Same);
        };
        let bundle = Bundle::open(&path)?;
        person::keep_head(&self.identity, &bundle.replay)?;
        let size = bundle.replay.tree.size();
        self.idle.came(from.elapsed());
        self.mark = mark.map(|mark| (mark, size));
        self.fetched = Some((size, Instant::now()));
        Ok(Fetched::Came(Box::new(bundle)))
    }

    pub(super) fn glance(&mut self) -> Result<Option<Glance>, Failure> {
        let glance = self.client.glance().map_err(|no| self.vanished(no));
        let Some(glance) = self.patient(glance)? else {
            return Ok(None);
        };
        if glance.stage != self.stage {
            let (tender, stage, size) = (&glance.tender, &glance.stage, glance.size);
            let (zh, en) = stage_words(stage);
            let zh = format!("{tender}：{zh}，日志 {size} 条");
            let en = format!("{tender}: {en}, {size} entries in the log");
            self.once(&zh, &en);
        }
        self.screen.status(&glance);
        Ok(Some(glance))
    }

    /// Whether what was asked last waits for somebody else: a time stamp or another's cosignature makes no entry, so that the
    /// log's size does not tell of it.
    fn is_waiting(&self) -> bool {
        let shown = self.shown.as_ref();
        let waits = shown.is_some_and(|(_, met)| met.contains(&false));
        waits && self.idle.is_over(Instant::now())
    }

    /// Whether the bundle is to be fetched at this look.
    pub(super) fn is_due(&self, glance: &Glance, every: Duration) -> bool {
        let changed = glance.stage != self.stage;
        let grown = self.fetched.is_none_or(|(size, at)| {
            let busy = !matches!(&*glance.stage, "setup" | "open");
            size != glance.size && (busy || at.elapsed() >= every)
        });
        changed || self.moved || grown || self.is_waiting()
    }
}

fn stage_words(stage: &str) -> (&'static str, &'static str) {
    match stage {
        "setup" => ("尚未公告", "before the notice"),
        "open" => ("接收投标", "open for bids"),
        "window" => ("已截标，投标人解密", "closed, bidders release"),
        "opening" => ("开标中", "opening"),
        "evaluation" => ("评审中", "evaluation"),
        "archived" => ("已归档", "archived"),
        _ => ("?", "?"),
    }
}
