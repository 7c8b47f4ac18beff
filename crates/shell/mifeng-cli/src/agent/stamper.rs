//! A trustee's agent and the time stamp that an opening waits for: it asks the authority that its person named, and hands
//! in what it answers.

use super::watch::Watch;
use crate::bundle::Bundle;
use crate::ui::{self, Failure, Outcome};
use crate::{clock, tsa};
use mifeng::crypto::Time;
use mifeng::trustee;
use std::time::{Duration, Instant};

/// Between two requests: an authority that fails is not pressed, and what was handed in has time to show in a bundle.
const AGAIN: Duration = Duration::from_secs(60);

/// The authority, and what came of the last request.
#[derive(Default)]
pub(super) struct Stamper {
    url: Option<String>,
    /// Until when nothing is asked.
    until: Option<Instant>,
    /// Why no stamp came of the last request, as it was told.
    failed: Option<String>,
}

impl Stamper {
    pub(super) fn new(url: Option<String>) -> Self {
        Stamper {
            url,
            ..Stamper::default()
        }
    }

    /// Whether a request failed that may be made again: no new bundle tells of that.
    pub(super) fn is_due_again(&self, now: Instant) -> bool {
        self.failed.is_some() && self.is_over(now)
    }

    fn is_over(&self, now: Instant) -> bool {
        self.until.is_none_or(|until| until <= now)
    }
}

impl Watch<'_> {
    /// Sees to a time stamp over the newest stored head, where what is closed lacks one. Several agents may do so at once:
    /// a host keeps them all, up to its limit.
    pub(super) fn stamp_closes(&mut self, bundle: &Bundle) -> Outcome {
        let replay = &bundle.replay;
        let (Some(url), true) = (
            self.stamper.url.clone(),
            self.stamper.is_over(Instant::now()),
        ) else {
            return Ok(());
        };
        let Some(over) = trustee::stored_imprint(replay) else {
            return Ok(());
        };
        let Some(deadline) = trustee::awaits_stamp(replay, &bundle.files, clock::now())? else {
            self.stamper.failed = None;
            return Ok(());
        };
        let answered = tsa::ask(self.ui, over, replay.suite().hash(), &url);
        self.stamper.until = Some(Instant::now() + AGAIN);
        match answered {
            Ok(answer) if answer.gen_time < deadline => {
                self.stamp_failed(&too_early(&answer.gen_time))
            }
            Ok(answer) => self.hand_in_stamp(&answer)?,
            Err(no) => self.stamp_failed(&no),
        }
        Ok(())
    }

    fn hand_in_stamp(&mut self, answer: &tsa::Answered) -> Outcome {
        ui::write(&self.folder.join("close.tsr"), &answer.token)?;
        let sent = self.client.stamp(&answer.token);
        match sent {
            Ok(()) => {
                self.stamper.failed = None;
                let at = answer.gen_time;
                let (zh, en) = (
                    format!("已取得时间戳（{}）并送达", at.in_china()),
                    format!("time stamp of {at} handed in"),
                );
                self.screen.done(&zh, &en);
                self.once(&zh, &en);
            }
            // Others brought theirs before.
            Err(no) if no.code == "stamp.enough" => self.stamper.failed = None,
            Err(no) => self.stamp_failed(&no),
        }
        // Whatever came of it, the next look is at a bundle of then.
        self.fetched = None;
        Ok(())
    }

    /// Told once for each reason: the authority, or the host, is asked again after a while.
    fn stamp_failed(&mut self, no: &Failure) {
        let en = no.sentence(ui::Lang::En);
        if self.stamper.failed.as_deref() != Some(en) {
            self.once(
                &format!("未能取得时间戳，稍后再试：{}", no.sentence(ui::Lang::Zh)),
                &format!("no time stamp, trying again later: {en}"),
            );
        }
        self.stamper.failed = Some(en.to_owned());
    }
}

/// A stamp that shows nothing about the deadline.
fn too_early(at: &Time) -> Failure {
    Failure {
        zh: Some(format!(
            "时间戳机构的时刻 {}（北京时间）早于截止时间",
            at.in_china()
        )),
        ..Failure::refused(
            "stamp.early",
            format!("the authority's time {at} is before the deadline"),
        )
    }
}
