//! Score sheets: each expert alone, all closed until everybody is done, then revealed together.

use super::check_text;
use crate::events::*;
use crate::refusal::{self, Refusal};
use crate::state::State;
use mifeng_crypto::{Digest, Suite, Time, jcs};
use mifeng_record::Record;
use mifeng_score::{ItemKind, Ratio, RuleSet, Sheet};
use std::collections::BTreeMap;

/// Points by bid and item, as a sheet carries them.
type Scores = BTreeMap<String, BTreeMap<String, String>>;

/// What an expert commits to: `H_tag("sheet", lot, expert, salt, jcs(scores))`.
///
/// # Errors
/// [`refusal::BAD_SHEET`] if the scores have no canonical form.
pub fn sheet_commitment(
    suite: &Suite,
    lot: &str,
    expert: &Digest,
    salt: &Digest,
    scores: &Scores,
) -> Result<Digest, Refusal> {
    let scores =
        jcs::to_vec(scores).map_err(|e| Refusal::new(&refusal::BAD_SHEET, e.to_string()))?;
    Ok(suite.h_tag(
        "sheet",
        &[lot.as_bytes(), expert.as_bytes(), salt.as_bytes(), &scores],
    ))
}

fn bad(detail: impl Into<String>) -> Refusal {
    Refusal::new(&refusal::BAD_SHEET, detail)
}

impl State {
    /// Everything that must be done before a lot is scored.
    ///
    /// # Errors
    /// The [`Refusal`] of the step that is missing.
    pub fn require_scorable(&self, lot: &str) -> Result<(), Refusal> {
        self.require_settled(lot)?;
        if let Some(name) = self.coefficients(lot).first() {
            return Err(Refusal::new(
                &refusal::WRONG_STAGE,
                format!("coefficient {name} of lot {lot} is not drawn"),
            ));
        }
        Ok(())
    }

    /// Bids and prices are settled: checks, final offers, readings and low prices are done.
    pub(crate) fn require_settled(&self, lot: &str) -> Result<(), Refusal> {
        self.require_round_done(lot)?;
        let conforming = self.conforming(lot)?;
        self.require_enough(lot, &conforming, "conforming")?;
        self.require_decided(lot)?;
        self.require_reviewed(lot)?;
        let left: Vec<Digest> = self
            .facts(lot)?
            .iter()
            .filter_map(|f| f.id.parse().ok())
            .collect();
        self.require_enough(lot, &left, "left with a price")
    }

    fn require_unranked(&self, lot: &str) -> Result<&RuleSet, Refusal> {
        let (_, found) = self.evaluating(lot)?;
        if self.ranks.contains_key(lot) || self.failed(lot).is_some() {
            let detail = "the lot is ranked, or has failed";
            return Err(Refusal::new(&refusal::WRONG_STAGE, detail));
        }
        Ok(&found.rules)
    }

    pub(crate) fn score_commit(
        &mut self,
        data: &ScoreCommit,
        record: &Record,
        at: Time,
    ) -> Result<(), Refusal> {
        let rules = self.require_unranked(&data.lot)?;
        if rules.items.is_empty() {
            return Err(bad("the rules of this lot have no scoring items"));
        }
        self.require_seat(record)?;
        self.require_scorable(&data.lot)?;
        self.require_prices_put(&data.lot, at)?;
        let commits = &mut self.work_mut(&data.lot).commits;
        if commits.contains_key(&record.actor()) {
            return Err(bad("a second sheet for the lot"));
        }
        commits.insert(record.actor(), data.commitment);
        Ok(())
    }

    /// How many experts have committed to their sheets.
    pub fn committed(&self, lot: &str) -> usize {
        self.work(lot).map_or(0, |work| work.commits.len())
    }

    pub(crate) fn score(&mut self, data: &Score, record: &Record) -> Result<(), Refusal> {
        let rules = self.require_unranked(&data.lot)?;
        self.require_seat(record)?;
        let expert = record.actor();
        self.require_all_closed(&data.lot)?;
        let commits = self.work(&data.lot).map(|work| &work.commits);
        let Some(commitment) = commits.and_then(|all| all.get(&expert)) else {
            return Err(Refusal::new(&refusal::NOT_COMMITTED, "no sheet to show"));
        };
        let found = sheet_commitment(self.suite, &data.lot, &expert, &data.salt, &data.scores)?;
        if found != *commitment {
            return Err(Refusal::new(
                &refusal::COMMITMENT_DIFFERS,
                format!("committed {commitment}, found {found}"),
            ));
        }
        let sheet = data.sheet(&expert);
        let bids: Vec<String> = self.facts(&data.lot)?.into_iter().map(|f| f.id).collect();
        mifeng_score::check_sheet(rules, &bids, &sheet).map_err(|e| bad(e.to_string()))?;
        let sheets = self.sheets.entry(data.lot.clone()).or_default();
        if sheets.contains_key(&expert) {
            return Err(bad("a second sheet for the lot"));
        }
        sheets.insert(expert, sheet);
        Ok(())
    }

    /// No sheet is shown before every sheet of every lot is closed: what one lot's tell would reach the experts, and
    /// everybody else, while they still score another one. A lot that is ranked or has failed awaits none.
    fn require_all_closed(&self, lot: &str) -> Result<(), Refusal> {
        let (notice, _) = self.evaluating(lot)?;
        // A ground that is not recorded can still go away: a price is confirmed, a member who found against a bid is
        // replaced. What the opening left too few bids of never comes back.
        let opened_too_few = |other: &str| {
            let min = notice.bidders_min as usize;
            self.live_in(other).len().min(self.opened_in(other).len()) < min
        };
        let awaits = |other: &str| {
            other == lot
                || !self.ranks.contains_key(other)
                    && self.failed(other).is_none()
                    && !opened_too_few(other)
        };
        let scored = notice.lots.iter().filter(|own| !own.rules.items.is_empty());
        for own in scored.filter(|own| awaits(&own.id)) {
            let is_done = |cert: &Digest| {
                self.work(&own.id)
                    .is_some_and(|work| work.commits.contains_key(cert))
            };
            let missing = self.seats().iter().filter(|s| !is_done(&s.cert)).count();
            if missing > 0 {
                let of = self.seats().len();
                return Err(Refusal::new(
                    &refusal::NOT_COMMITTED,
                    format!("lot {}: {missing} of {of} experts are not done", own.id),
                ));
            }
        }
        Ok(())
    }

    /// Objective items on which the revealed sheets differ, as (bid, item).
    ///
    /// # Errors
    /// [`refusal::BAD_SHEET`] while sheets are missing.
    pub fn differing(&self, lot: &str) -> Result<Vec<(String, String)>, Refusal> {
        let (_, found) = self.evaluating(lot)?;
        let sheets = self.all_sheets(lot)?;
        let mut differing = Vec::new();
        let Some(first) = sheets.first() else {
            return Ok(differing);
        };
        let value = |sheet: &Sheet, bid: &String, item: &String| -> Option<Ratio> {
            Ratio::parse(sheet.scores.get(bid)?.get(item)?).ok()
        };
        for bid in first.scores.keys() {
            for item in &found.rules.items {
                let expected = value(first, bid, &item.id);
                let differs = sheets.iter().any(|s| value(s, bid, &item.id) != expected);
                if item.kind == ItemKind::Objective && differs {
                    differing.push((bid.clone(), item.id.clone()));
                }
            }
        }
        Ok(differing)
    }

    /// The sheets of everybody who sits, by expert.
    pub(crate) fn all_sheets(&self, lot: &str) -> Result<Vec<Sheet>, Refusal> {
        let empty = BTreeMap::new();
        let made = self.sheets.get(lot).unwrap_or(&empty);
        let seats = self.seats();
        let sheets: Vec<Sheet> = seats
            .iter()
            .filter_map(|seat| made.get(&seat.cert).cloned())
            .collect();
        if sheets.len() != seats.len() || seats.is_empty() {
            return Err(bad(format!(
                "{} sheets of {} experts",
                sheets.len(),
                seats.len()
            )));
        }
        Ok(sheets)
    }

    /// Before the report is signed, objective items on which the experts differ are put right and
    /// recorded (87 art. 64). Nothing else of a sheet changes.
    pub(crate) fn score_correct(
        &mut self,
        data: &ScoreCorrect,
        record: &Record,
    ) -> Result<(), Refusal> {
        let rules = self.require_unranked(&data.lot)?.clone();
        self.require_seat(record)?;
        check_text("reason", &data.reason)?;
        let differing = self.differing(&data.lot)?;
        let expert = record.actor();
        let old = self
            .sheets
            .get(&data.lot)
            .and_then(|sheets| sheets.get(&expert));
        let Some(mut sheet) = old.cloned() else {
            return Err(bad("there is no sheet to put right"));
        };
        if data.scores.values().all(BTreeMap::is_empty) {
            return Err(bad("nothing is put right"));
        }
        for (bid, items) in &data.scores {
            for (item, points) in items {
                if !differing.contains(&(bid.clone(), item.clone())) {
                    return Err(bad(format!(
                        "{bid}/{item} is not an objective item on which the experts differ"
                    )));
                }
                sheet
                    .scores
                    .entry(bid.clone())
                    .or_default()
                    .insert(item.clone(), points.clone());
            }
        }
        let bids: Vec<String> = sheet.scores.keys().cloned().collect();
        mifeng_score::check_sheet(&rules, &bids, &sheet).map_err(|e| bad(e.to_string()))?;
        if let Some(sheets) = self.sheets.get_mut(&data.lot) {
            sheets.insert(expert, sheet);
        }
        Ok(())
    }
}
