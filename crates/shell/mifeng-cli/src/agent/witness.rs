//! A witness's agent: it cosigns heads of the log. A trustee's agent cosigns those of closes.

use super::LOOK;
use super::watch::{Fetched, Watch};
use crate::bundle::Bundle;
use crate::clock;
use crate::person;
use crate::ui::{self, Outcome};
use mifeng::tender::Stage;
use mifeng::trustee;
use std::time::{Duration, Instant};

impl Watch<'_> {
    /// Cosigns at every change of stage, and every so often while the log grows, until the archive.
    pub(super) fn witness(&mut self, every: Duration) -> Outcome {
        let mut bundle = None;
        loop {
            if let Some(glance) = self.glance()? {
                let changed = glance.stage != self.stage;
                let grown = self
                    .fetched
                    .is_none_or(|(size, at)| size != glance.size && at.elapsed() >= every);
                let archived = glance.stage == "archived";
                let due = changed || grown || self.undelivered;
                if due && glance.stage != "setup" {
                    match self.fetch(glance.size)? {
                        Fetched::Away => {
                            clock::wait_until(clock::now().plus_millis(LOOK.as_millis() as i64));
                            continue;
                        }
                        // What came last may be of the new stage already.
                        Fetched::Same => {}
                        Fetched::Came(came) => bundle = Some(came),
                    }
                    if let Some(bundle) = bundle.as_ref().filter(|_| !archived) {
                        self.cosign(bundle)?;
                        self.fetched = Some((bundle.replay.tree.size(), Instant::now()));
                    }
                    self.undelivered &= !archived;
                    self.owed.came(true);
                }
                self.stage = glance.stage;
                if let Some(bundle) = &bundle {
                    self.anchors(bundle, archived)?;
                }
                if archived && self.owed.is_nothing() {
                    return Ok(());
                }
            }
            clock::wait_until(clock::now().plus_millis(LOOK.as_millis() as i64));
        }
    }

    /// The own witness cosigns every close that no head with its cosignature covers yet.
    pub(super) fn cosign_closes(&mut self, bundle: &Bundle) -> Outcome {
        let replay = &bundle.replay;
        let Ok((index, member)) = person::own_member(&replay.state, &self.identity) else {
            // Keepers of a fallback board or of a tender's own key have no witness in the log.
            return Ok(());
        };
        let Some(last) = trustee::last_close(replay) else {
            return Ok(());
        };
        let name = person::witness_name(&member.session, index);
        let done = replay.heads.iter().any(|head| {
            let own = head.cosigned.iter().any(|(witness, _)| *witness == name);
            head.size > last && own
        });
        if done || replay.state.stage() == Stage::Archived {
            return Ok(());
        }
        self.cosign(bundle)
    }

    fn cosign(&mut self, bundle: &Bundle) -> Outcome {
        let note = self.folder.join("cosigned.note");
        person::cosign(self.ui, &self.identity, bundle, &note)?;
        let sent = self.client.cosign(&ui::read(&note)?);
        // The log may have grown meanwhile: then the next look cosigns again.
        let sent = self.patient(sent);
        self.undelivered = matches!(sent, Ok(None));
        match sent {
            Ok(Some(())) => {
                let size = bundle.replay.tree.size();
                let (zh, en) = (
                    format!("已共签日志头（{size} 条）"),
                    format!("head cosigned ({size} entries)"),
                );
                self.screen.done(&zh, &en);
                self.once(&zh, &en);
                self.fetched = None;
            }
            Ok(None) => {}
            Err(no) if no.exit == 1 => {
                self.once(
                    &format!("共签未被接收：{}", no.sentence(ui::Lang::Zh)),
                    &format!(
                        "the cosigned head was not taken: {}",
                        no.sentence(ui::Lang::En)
                    ),
                );
                self.fetched = None;
            }
            Err(no) => return Err(no),
        }
        Ok(())
    }
}
