//! Qualification, conformity and low-price findings.

use super::check_text;
use crate::events::*;
use crate::procedure::{Body, Regime};
use crate::refusal::{self, Refusal};
use crate::state::State;
use mifeng_crypto::{Digest, Time};
use mifeng_record::Record;
use mifeng_score::{BidFacts, Method, RuleSet};
use std::collections::BTreeMap;

/// A finished finding on one bid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) pass: bool,
    pub(crate) reason: String,
    pub(crate) article: String,
}

fn invalid(detail: impl Into<String>) -> Refusal {
    Refusal::new(&refusal::BAD_CHECK, detail)
}

fn name_of(kind: CheckKind) -> &'static str {
    match kind {
        CheckKind::Qualification => "qualification",
        CheckKind::Conformity => "conformity",
        CheckKind::LowPrice => "low prices",
    }
}

impl State {
    pub(crate) fn check(&mut self, data: &Check, record: &Record, at: Time) -> Result<(), Refusal> {
        self.unscored(&data.lot)?;
        let key = self.require_body(self.body_of(data.kind), record)?;
        // A call for final offers settles who passed: afterwards only prices are judged.
        if data.kind != CheckKind::LowPrice && self.round(&data.lot).is_some() {
            return Err(Refusal::new(
                &refusal::WRONG_STAGE,
                format!("final offers were called for in lot {}", data.lot),
            ));
        }
        let due = self.due_in(data.kind, &data.lot)?;
        if data.kind == CheckKind::LowPrice {
            // From here on no price is confirmed.
            self.require_prices_put(&data.lot, at)?;
            self.require_heard(&data.lot, at)?;
        }
        let named: Vec<Digest> = data.rows.iter().map(|row| row.seal).collect();
        if due.is_empty() || named != due {
            return Err(invalid(format!(
                "{} bids are due, by seal; found {} rows",
                due.len(),
                named.len()
            )));
        }
        for row in &data.rows {
            if row.pass && !(row.reason.is_empty() && row.article.is_empty()) {
                return Err(invalid(format!("seal {} passes, with a reason", row.seal)));
            }
            if !row.pass {
                check_text("reason", &row.reason)?;
                check_text("article", &row.article)?;
            }
        }
        let made = self
            .work_mut(&data.lot)
            .checks
            .entry(data.kind)
            .or_default();
        if made.contains_key(&key) {
            return Err(Refusal::new(
                &refusal::DUPLICATE,
                format!("check of {} made already", name_of(data.kind)),
            ));
        }
        made.insert(key, data.rows.clone());
        Ok(())
    }

    /// The bids that a check of this kind is about, by seal.
    ///
    /// # Errors
    /// [`refusal::WRONG_STAGE`] while the step before is not finished, [`refusal::TOO_FEW_LEFT`].
    pub fn due_in(&self, kind: CheckKind, lot: &str) -> Result<Vec<Digest>, Refusal> {
        match kind {
            CheckKind::Qualification => Ok(self.opened_in(lot)),
            CheckKind::Conformity => {
                let due = self.qualified(lot)?;
                self.require_heads(lot, due.len(), "qualified")?;
                Ok(due)
            }
            CheckKind::LowPrice => {
                // Its first finding freezes the prices: nothing may be open before it.
                self.require_decided(lot)?;
                self.require_asked(lot)?;
                Ok(self.reviewed(lot))
            }
        }
    }

    /// The findings of a check, once everybody whose word it needs has spoken.
    pub(crate) fn findings(&self, kind: CheckKind, lot: &str) -> Option<BTreeMap<Digest, Finding>> {
        let made = self.work(lot)?.checks.get(&kind)?;
        let voices = self.judges_of(kind, lot);
        let votes = voices
            .iter()
            .map(|voice| made.get(voice))
            .collect::<Option<Vec<_>>>()?;
        let first = votes.first()?;
        let mut found = BTreeMap::new();
        for (at, row) in first.iter().enumerate() {
            let against: Vec<&CheckRow> = votes
                .iter()
                .filter_map(|rows| rows.get(at))
                .filter(|r| !r.pass)
                .collect();
            // An odd number sits, so there is a majority (87 art. 61).
            let pass = against.len() * 2 < votes.len();
            let why = against.first().filter(|_| !pass);
            found.insert(
                row.seal,
                Finding {
                    pass,
                    reason: why.map_or_else(String::new, |row| row.reason.clone()),
                    article: why.map_or_else(String::new, |row| row.article.clone()),
                },
            );
        }
        Some(found)
    }

    fn passed(&self, kind: CheckKind, lot: &str) -> Result<Vec<Digest>, Refusal> {
        let found = self.findings(kind, lot).ok_or_else(|| {
            let (made, needed) = self.check_progress(kind, lot);
            Refusal::new(
                &refusal::WRONG_STAGE,
                format!(
                    "check of {} in lot {lot}: {made} of {needed} findings",
                    name_of(kind)
                ),
            )
        })?;
        Ok(found
            .into_iter()
            .filter(|(_, finding)| finding.pass)
            .map(|(seal, _)| seal)
            .collect())
    }

    /// Bids that passed the check of qualification, by seal.
    ///
    /// # Errors
    /// [`refusal::WRONG_STAGE`] while it is not finished.
    pub fn qualified(&self, lot: &str) -> Result<Vec<Digest>, Refusal> {
        self.passed(CheckKind::Qualification, lot)
    }

    /// Bids that passed the check of conformity, by seal.
    ///
    /// # Errors
    /// [`refusal::WRONG_STAGE`] while it is not finished.
    pub fn conforming(&self, lot: &str) -> Result<Vec<Digest>, Refusal> {
        self.passed(CheckKind::Conformity, lot)
    }

    /// What starts the review of low prices, by bid: computed over the prices of the conforming bids
    /// (财库〔2026〕2号). Empty under the law of tendering, where the committee alone finds.
    ///
    /// # Errors
    /// [`refusal::WRONG_STAGE`] before conformity and final offers are done.
    pub fn low_prices(&self, lot: &str) -> Result<BTreeMap<Digest, Vec<String>>, Refusal> {
        let (_, rules) = self.evaluating(lot)?;
        let facts = self.priced(lot)?;
        if self.profile().regime == Regime::Tendering || facts.is_empty() {
            return Ok(BTreeMap::new());
        }
        let found = triggers(&rules.rules, &facts)?;
        found
            .into_iter()
            .map(|(id, why)| {
                let seal = id.parse().map_err(|_| invalid("a row without a seal"))?;
                Ok((seal, why))
            })
            .collect()
    }

    /// Bids whose low price was asked about, by seal.
    pub(crate) fn reviewed(&self, lot: &str) -> Vec<Digest> {
        let mut found: Vec<Digest> = self
            .questions_in(lot)
            .filter(|question| question.ask.matter == Matter::LowPrice)
            .map(|question| question.ask.seal)
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// A decision on low prices waits for the answers, or for the end of the time for them.
    fn require_heard(&self, lot: &str, at: Time) -> Result<(), Refusal> {
        let waiting = self
            .questions_in(lot)
            .find(|q| q.ask.matter == Matter::LowPrice && self.is_open(q, at));
        match waiting {
            None => Ok(()),
            Some(question) => Err(Refusal::new(
                &refusal::REVIEW_OPEN,
                format!(
                    "seal {} may answer until {}",
                    question.ask.seal,
                    self.answered_until(question)
                ),
            )),
        }
    }

    /// Every bidder of a low price must have been asked before anybody decides on one.
    fn require_asked(&self, lot: &str) -> Result<(), Refusal> {
        let reviewed = self.reviewed(lot);
        if let Some((seal, why)) = self
            .low_prices(lot)?
            .into_iter()
            .find(|(seal, _)| !reviewed.contains(seal))
        {
            return Err(Refusal::new(
                &refusal::REVIEW_OPEN,
                format!("seal {seal} is abnormally low ({})", why.join(", ")),
            ));
        }
        Ok(())
    }

    /// Every low price must have its decision before anybody scores.
    pub(crate) fn require_reviewed(&self, lot: &str) -> Result<(), Refusal> {
        self.require_asked(lot)?;
        let reviewed = self.reviewed(lot);
        if !reviewed.is_empty() && self.findings(CheckKind::LowPrice, lot).is_none() {
            return Err(Refusal::new(
                &refusal::REVIEW_OPEN,
                format!("{} low prices without a decision", reviewed.len()),
            ));
        }
        Ok(())
    }

    /// Whether a bid's low price was found not to be reasonable.
    pub(crate) fn too_low(&self, lot: &str, seal: &Digest) -> Option<Finding> {
        self.findings(CheckKind::LowPrice, lot)?
            .remove(seal)
            .filter(|finding| !finding.pass)
    }

    /// Whether a body has spoken on a check at all.
    pub(crate) fn check_begun(&self, kind: CheckKind, lot: &str) -> bool {
        self.work(lot)
            .and_then(|work| work.checks.get(&kind))
            .is_some_and(|made| !made.is_empty())
    }

    /// How many findings a check has, and how many it needs.
    pub fn check_progress(&self, kind: CheckKind, lot: &str) -> (usize, usize) {
        let voices = self.judges_of(kind, lot);
        let needed = match self.body_of(kind) {
            Body::Buyer => 1,
            Body::Committee => voices.len(),
        };
        let made = self.work(lot).and_then(|work| work.checks.get(&kind));
        let made = made.map_or(0, |made| {
            voices.iter().filter(|v| made.contains_key(*v)).count()
        });
        (made, needed)
    }
}

/// A rule set that says nothing but that the lowest price wins.
fn plain() -> Result<RuleSet, Refusal> {
    let rules = serde_json::json!({"method": "lowest", "price_weight": "100"});
    serde_json::from_value(rules).map_err(|e| Refusal::new(&refusal::BAD_SHEET, e.to_string()))
}

/// The triggers of 财库〔2026〕2号 by bid, from prices alone.
fn triggers(rules: &RuleSet, facts: &[BidFacts]) -> Result<BTreeMap<String, Vec<String>>, Refusal> {
    let prices_only = RuleSet {
        method: Method::Lowest,
        object: rules.object,
        items: Vec::new(),
        ceiling: rules.ceiling.clone(),
        budget: rules.budget.clone(),
        price_form: rules.price_form.clone(),
        highest_wins: rules.highest_wins,
        low_mean_rate: rules.low_mean_rate.clone(),
        low_ceiling_rate: rules.low_ceiling_rate.clone(),
        pack: rules.pack.clone(),
        ..plain()?
    };
    mifeng_score::evaluate(&prices_only, facts, &[])
        .map(|outcome| outcome.abnormal_low)
        .map_err(|e| Refusal::new(&refusal::BAD_SHEET, e.to_string()))
}
