//! From sheets and prices to the ranking, the candidates and the award.

use crate::events::*;
use crate::refusal::{self, Refusal};
use crate::state::State;
use mifeng_crypto::{Digest, Time};
use mifeng_record::Record;
use mifeng_score::formula::{Choice, Drawn, Formula};
use mifeng_score::{Lot, Method, Outcome as RankOutcome, Row, RuleSet};
use std::collections::{BTreeMap, BTreeSet};

/// Candidates that a report names where one winner is found (TReg art. 53; usual elsewhere).
const CANDIDATES_MAX: usize = 3;

/// The formula of a rule set with what it takes from its pack, if the rules have one.
pub(crate) fn formula_of(rules: &RuleSet) -> Option<Formula> {
    let formula = rules.formula.as_ref()?;
    let pack = mifeng_score::Lot::new(rules, &[], &[]).pack().ok()?;
    formula.resolve(pack).ok()
}

/// How many bids a draw of the formula of a rule set needs: those it draws, and one more than none to
/// choose among; 0 if it draws no bids.
pub(crate) fn bids_to_draw(rules: &RuleSet) -> usize {
    let formula = formula_of(rules).unwrap_or_default();
    let needs = |choice: &Choice| match choice {
        Choice::Bids { bids } => (*bids).max(2),
        Choice::Values { .. } => 0,
    };
    formula.drawn.values().map(needs).max().unwrap_or(0)
}

pub(super) fn none(lot: &str, detail: &str) -> Refusal {
    Refusal::new(&refusal::NOT_RECOMPUTED, format!("lot {lot}: {detail}"))
}

impl State {
    /// The result of a lot, computed from the bids and the sheets.
    ///
    /// # Errors
    /// The [`Refusal`] of a step that is missing; [`refusal::BAD_SHEET`] while sheets are missing.
    pub fn computed(&self, lot: &str) -> Result<RankOutcome, Refusal> {
        let (_, found) = self.evaluating(lot)?;
        let sheets = if found.rules.items.is_empty() {
            Vec::new()
        } else {
            self.all_sheets(lot)?
        };
        self.require_scorable(lot)?;
        let (facts, drawn) = (self.judged(lot)?, self.drawn_values(lot, &found.rules));
        let mut given = Lot::new(&found.rules, &facts, &sheets);
        given.drawn = Some(&drawn);
        mifeng_score::evaluate_lot(&given)
            .map_err(|e| Refusal::new(&refusal::BAD_SHEET, e.to_string()))
    }

    /// What was drawn for the formula of a lot.
    pub(super) fn drawn_values(&self, lot: &str, rules: &RuleSet) -> BTreeMap<String, Drawn> {
        let mut values = BTreeMap::new();
        let Some(formula) = formula_of(rules) else {
            return values;
        };
        for (name, choice) in &formula.drawn {
            let Some(order) = self.drawn_order(lot, Purpose::Coefficient, name) else {
                continue;
            };
            let value = match choice {
                Choice::Values { .. } => order.first().and_then(|id| formula.drawn_value(name, id)),
                Choice::Bids { bids } => {
                    let mut first: Vec<String> = order.iter().take(*bids).cloned().collect();
                    first.sort();
                    Some(Drawn::Bids(first))
                }
            };
            if let Some(value) = value {
                values.insert(name.clone(), value);
            }
        }
        values
    }

    pub(crate) fn rank(&mut self, data: &Rank, record: &Record, at: Time) -> Result<(), Refusal> {
        self.require_agency(record)?;
        if self.ranks.contains_key(&data.lot) {
            return Err(Refusal::new(
                &refusal::DUPLICATE,
                format!("lot {} is ranked", data.lot),
            ));
        }
        if self.computed(&data.lot)? != data.outcome {
            return Err(none(&data.lot, "the ranking"));
        }
        self.require_prices_put(&data.lot, at)?;
        self.require_not_failing(&data.lot)?;
        self.ranks.insert(data.lot.clone(), data.outcome.clone());
        self.work_mut(&data.lot).ranked = Some(record.commitment());
        Ok(())
    }

    /// Whether a ranked lot has enough effective bidders for a winner.
    fn ranked(&self, lot: &str) -> Result<&RankOutcome, Refusal> {
        let outcome = self.ranks.get(lot).ok_or_else(|| none(lot, "not ranked"))?;
        let min = self
            .notice
            .as_ref()
            .map_or(u32::MAX, |(_, n)| n.bidders_min);
        // The rules of the lot have the last word on how many are enough.
        if outcome.procedure_fails || outcome.effective_bidders < min as usize {
            return Err(Refusal::new(
                &refusal::TOO_FEW_LEFT,
                format!(
                    "lot {lot}: {} effective bidders, {min} are needed",
                    outcome.effective_bidders
                ),
            ));
        }
        Ok(outcome)
    }

    /// Ids that only a draw can put in order: equal bids that compete for the places to be filled,
    /// their order in them, or the one place of their brand. Empty if there are none.
    pub(crate) fn equal_firsts(&self, lot: &str) -> Result<Vec<String>, Refusal> {
        let outcome = self.ranked(lot)?;
        let places = self.places(lot, outcome)?;
        let rows = eligible(outcome);
        let (mut equal, mut filled) = (Vec::new(), 0);
        for tied in rows.chunk_by(|a, b| a.rank == b.rank) {
            if filled >= places {
                break;
            }
            if tied.len() > 1 {
                equal.extend(tied.iter().map(|row| row.id.clone()));
            }
            let spare = outcome.brand_draws.iter().filter_map(|group| {
                let here = tied.iter().filter(|row| group.contains(&row.id)).count();
                here.checked_sub(1)
            });
            filled += tied.len() - spare.sum::<usize>();
        }
        equal.sort();
        Ok(equal)
    }

    /// How many candidates there are at most: three, or as many as the law leaves of the bidders of
    /// a framework agreement (110 art. 27).
    fn places(&self, lot: &str, outcome: &RankOutcome) -> Result<usize, Refusal> {
        if !self.profile().listed {
            return Ok(CANDIDATES_MAX);
        }
        let (_, found) = self.evaluating(lot)?;
        let pack = Lot::new(&found.rules, &[], &[])
            .pack()
            .map_err(|e| none(lot, &e.to_string()))?;
        let all = outcome.effective_bidders;
        Ok(all.saturating_sub(mifeng_score::eliminated(&found.rules, pack, all)))
    }

    /// The candidates of a ranked lot in order: three, or all whom a framework agreement takes in.
    ///
    /// # Errors
    /// [`refusal::TIE_OPEN`] while a draw is needed; [`refusal::TOO_FEW_LEFT`].
    pub fn candidates(&self, lot: &str) -> Result<Vec<Candidate>, Refusal> {
        let equal = self.equal_firsts(lot)?;
        let drawn = self.drawn_order(lot, Purpose::Tie, "");
        if equal.len() > 1 && drawn.is_none() {
            return Err(Refusal::new(
                &refusal::TIE_OPEN,
                format!("lot {lot}: {} bids are to be drawn among", equal.len()),
            ));
        }
        let outcome = self.ranked(lot)?;
        let mut rows = eligible(outcome);
        let place = |id: &String| drawn.and_then(|order| order.iter().position(|o| o == id));
        rows.sort_by_key(|row| (row.rank, place(&row.id)));
        // Of equal bids of one brand the first drawn is the brand's, the others are out (87 art. 31).
        let mut brands = BTreeSet::new();
        rows.retain(|row| {
            let mut groups = outcome.brand_draws.iter();
            let group = groups.position(|group| group.contains(&row.id));
            group.is_none_or(|group| brands.insert(group))
        });
        let places = self.places(lot, outcome)?;
        let mut candidates = Vec::new();
        for (order, row) in (1..).zip(rows.into_iter().take(places)) {
            let seal: Digest = row
                .id
                .parse()
                .map_err(|_| none(lot, "row without a seal"))?;
            let bid = self
                .bids
                .get(&seal)
                .ok_or_else(|| none(lot, "row without a bid"))?;
            candidates.push(Candidate {
                order,
                seal,
                bidder: bid.seal.context().bidder.clone(),
                name: bid.name.clone(),
                price: row.price.clone(),
                total: row.total.clone(),
            });
        }
        Ok(candidates)
    }

    /// The award that follows from a ranked lot.
    ///
    /// # Errors
    /// [`refusal::NOT_RECOMPUTED`] if there is no single first.
    pub fn expected_award(&self, lot: &str) -> Result<Award, Refusal> {
        if self.profile().listed {
            return Err(Refusal::new(
                &refusal::WRONG_STAGE,
                "a framework agreement takes in several: framework.list",
            ));
        }
        let candidates = self.candidates(lot)?;
        let first = candidates
            .first()
            .ok_or_else(|| none(lot, "no single first"))?;
        Ok(Award {
            lot: lot.to_owned(),
            seal: first.seal,
            bidder: first.bidder.clone(),
            name: first.name.clone(),
            price: first.price.clone(),
        })
    }

    fn require_buyer(&self, lot: &str, record: &Record) -> Result<(), Refusal> {
        let (notice, _) = self.evaluating(lot)?;
        self.require_actor(record, Some(notice.buyer.cert), "buyer")?;
        self.require_not_halted()
    }

    pub(crate) fn award(&mut self, data: &Award, record: &Record) -> Result<(), Refusal> {
        self.require_buyer(&data.lot, record)?;
        if self.awards.contains_key(&data.lot) {
            return Err(Refusal::new(
                &refusal::DUPLICATE,
                format!("lot {} is awarded", data.lot),
            ));
        }
        if self.expected_award(&data.lot)? != *data {
            return Err(none(&data.lot, "the award"));
        }
        self.require_report(&data.lot)?;
        self.awards.insert(data.lot.clone(), data.clone());
        self.work_mut(&data.lot).awarded = Some(record.time());
        Ok(())
    }

    /// The list of a framework agreement.
    ///
    /// # Errors
    /// As [`State::candidates`].
    pub fn expected_list(&self, lot: &str) -> Result<FrameworkList, Refusal> {
        if !self.profile().listed {
            return Err(Refusal::new(
                &refusal::WRONG_STAGE,
                format!("{} has one winner", self.profile().en),
            ));
        }
        Ok(FrameworkList {
            lot: lot.to_owned(),
            suppliers: self.candidates(lot)?,
        })
    }

    /// The list of a framework agreement, once signed.
    pub fn listed(&self, lot: &str) -> Option<&FrameworkList> {
        self.work(lot)?.listed.as_ref()
    }

    pub(crate) fn framework_list(
        &mut self,
        data: &FrameworkList,
        record: &Record,
    ) -> Result<(), Refusal> {
        self.require_buyer(&data.lot, record)?;
        if self.listed(&data.lot).is_some() {
            return Err(Refusal::new(&refusal::DUPLICATE, "the list is signed"));
        }
        if self.expected_list(&data.lot)? != *data {
            return Err(none(&data.lot, "the list"));
        }
        self.require_report(&data.lot)?;
        self.work_mut(&data.lot).listed = Some(data.clone());
        Ok(())
    }

    /// The method of a lot.
    pub(crate) fn method_of(&self, lot: &str) -> Option<Method> {
        let (_, notice) = self.notice.as_ref()?;
        Some(notice.lot(lot)?.rules.method)
    }
}

/// Rows that can be candidates, by rank.
fn eligible(outcome: &RankOutcome) -> Vec<&Row> {
    let rows = outcome.rows.iter();
    rows.filter(|row| !row.same_brand_excluded).collect()
}
