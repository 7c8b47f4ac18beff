//! The sheets of the demo's experts: each is closed alone, and all are shown once the last one of every lot is closed.

use super::act::{Act, Done};
use super::stages::Tender;
use super::world;
use crate::bundle::Bundle;
use crate::evaluation::committee;
use crate::ui::{self, Failure, Outcome, Ui};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Experts whose sheets somebody else closed with their keys: what is in them only they know.
pub(super) struct Closed(Vec<String>);

impl Tender {
    fn is_scored(&self, lot: &str) -> bool {
        let state = self.host.state();
        let rules = state.notice().and_then(|(_, notice)| notice.lot(lot));
        rules.is_some_and(|lot| !lot.rules.items.is_empty())
    }

    /// Every expert closes a sheet alone.
    pub(super) fn close_sheets(&mut self, ui: &Ui, lot: &str) -> Result<Closed, Failure> {
        let mut others = Vec::new();
        if self.is_scored(lot) {
            let bundle = self.bundle()?;
            for expert in self.seated()? {
                if self.commit_sheet(ui, &bundle, &expert, lot)? == Done::Others {
                    others.push(expert);
                }
            }
        }
        Ok(Closed(others))
    }

    /// When all are closed, all are revealed.
    pub(super) fn show_sheets(&mut self, ui: &Ui, lot: &str, closed: Closed) -> Outcome {
        if !self.is_scored(lot) {
            return Ok(());
        }
        let Closed(others) = closed;
        let (seated, bundle) = (self.seated()?, self.bundle()?);
        for expert in seated.iter().filter(|expert| !others.contains(expert)) {
            self.reveal_sheet(ui, &bundle, expert, lot)?;
        }
        for expert in others {
            let act = Act::new(&expert, "score", PathBuf::new()).in_lot(lot);
            self.leave_to_others(ui, &act)?;
        }
        ui.say(
            format!("  {} 名专家各自封存评分表，随后同时揭示", seated.len()),
            format!(
                "  {} experts closed their sheets alone, then all were revealed",
                seated.len()
            ),
        );
        Ok(())
    }

    /// One expert's sheet: subjective items differ between experts, objective ones agree.
    pub(super) fn commit_sheet(
        &mut self,
        ui: &Ui,
        bundle: &Bundle,
        expert: &str,
        lot: &str,
    ) -> Result<Done, Failure> {
        let n: usize = expert.trim_start_matches("expert").parse().unwrap_or(1);
        let mut scores: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        for fact in bundle.replay.state.facts(lot)? {
            let seal = fact.id.parse()?;
            let number = self.bidder_of(bundle, &seal);
            // Fits the least of the demo's bands, 20, 12 and 8 points.
            let items = [
                (
                    "spec",
                    format!("{}.{}0", 9 + (number * 3 + n) % 10, (number + n) % 10),
                ),
                ("service", format!("{}.50", 4 + (number * 5 + n * 2) % 7)),
                ("record", format!("{}.00", 1 + number % 7)),
            ];
            let items = items
                .into_iter()
                .map(|(item, points)| (item.to_owned(), points))
                .collect();
            scores.insert(world::credit_code(number), items);
        }
        let path = self.path(format!("{expert}/scores-{lot}.json"));
        let json =
            serde_json::to_vec_pretty(&scores).map_err(|e| Failure::malformed(e.to_string()))?;
        ui::write(&path, &json)?;
        let secret = self.path(format!("{expert}/closed-{lot}.json"));
        let out = self.path(format!("{expert}/commit-{lot}.rec"));
        let act = Act::new(expert, "score.commit", out).in_lot(lot);
        self.act(ui, &act, bundle, |world, member, bundle| {
            let files = (path.as_path(), secret.as_path());
            committee::commit(&world.ui, member, bundle, lot, files, &act.out)
        })
    }

    /// Reveals the sheet that an expert has closed.
    pub(crate) fn reveal_sheet(
        &mut self,
        ui: &Ui,
        bundle: &Bundle,
        expert: &str,
        lot: &str,
    ) -> Outcome {
        let secret = self.path(format!("{expert}/closed-{lot}.json"));
        let out = self.path(format!("{expert}/sheet-{lot}.rec"));
        let act = Act::new(expert, "score", out).in_lot(lot);
        self.act(ui, &act, bundle, |_, member, bundle| {
            committee::reveal(member, bundle, &secret, &act.out)
        })
        .map(|_| ())
    }
}
