//! Ranks, brands, draws and elimination.

use super::{Table, Work};
use crate::pack::Pack;
use crate::{FrameworkStage, Method, Ratio, RuleSet, Tie};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Which of two works comes first by law and document; equal where only a draw can tell.
fn order(rules: &RuleSet, a: &Work<'_>, b: &Work<'_>) -> Ordering {
    // With the lowest price the others of a brand are invalid: no rank before those who take part.
    let out = |work: &Work<'_>| !rules.method.scored() && work.excluded;
    let cheap = |a: &Ratio, b: &Ratio| match rules.highest_wins {
        true => b.cmp(a),
        false => a.cmp(b),
    };
    let stage = rules.framework.as_ref().map(|f| f.stage);
    let by_law = match (rules.method, stage) {
        (Method::Framework, Some(FrameworkStage::QualityFirst)) => {
            let quality = b.quality.cmp(&a.quality);
            quality.then_with(|| cheap(&a.price, &b.price))
        }
        (Method::Composite | Method::Consultation | Method::WorksDeviation, _) => {
            let total = b.total.cmp(&a.total);
            total.then_with(|| cheap(&a.price, &b.price))
        }
        _ => cheap(&a.eval, &b.eval),
    };
    let by_law = out(a).cmp(&out(b)).then(by_law);
    // Consultation: equal score and price, then the better technical part (214 art. 25). Other
    // methods have none, where it is zero for all.
    let by_law = by_law.then_with(|| b.technical_part.cmp(&a.technical_part));
    match rules.tie {
        Tie::Draw => by_law,
        Tie::Quality => by_law.then_with(|| b.quality.cmp(&a.quality)),
    }
}

/// How many of `effective` bidders a framework agreement eliminates: a part of those who take part,
/// rounded up, at least one (110 art. 27); but never the last one, whatever rate a document names: the
/// agreement is made with somebody. None without rules of a framework agreement.
pub fn eliminated(rules: &RuleSet, pack: &Pack, effective: usize) -> usize {
    let Some(framework) = &rules.framework else {
        return 0;
    };
    let laboratory = framework.laboratory && framework.stage == FrameworkStage::QualityFirst;
    let key = if laboratory {
        "framework.eliminate.laboratory"
    } else {
        "framework.eliminate"
    };
    let mut rate = pack.number(key).unwrap_or_else(Ratio::zero);
    if let Some(own) = framework.eliminate.as_deref()
        && let Ok(own) = Ratio::parse(own)
    {
        rate = rate.max(own);
    }
    let n = i64::try_from(effective).unwrap_or(i64::MAX);
    let part = rate.mul(&Ratio::from(n)).unwrap_or_else(|_| Ratio::zero());
    let whole = part.truncate(0);
    let up = usize::from(whole < part);
    let whole = whole
        .whole()
        .and_then(|w| usize::try_from(w).ok())
        .unwrap_or(0);
    (whole + up).max(1).min(effective.saturating_sub(1))
}

impl Table<'_> {
    /// Orders the works and finds what the order says.
    pub(super) fn rank(&mut self) {
        self.exclude_brands();
        // Equal bests of a brand count once as well.
        let spare: usize = self.brand_draws.iter().map(|group| group.len() - 1).sum();
        let taking_part = self.works.iter().filter(|work| !work.excluded).count();
        self.effective = taking_part - spare;
        let rules = self.ground.rules;
        self.works
            .sort_unstable_by(|a, b| order(rules, a, b).then_with(|| a.facts.id.cmp(&b.facts.id)));
        let mut rank = 1;
        for at in 0..self.works.len() {
            if at > 0 && order(rules, &self.works[at - 1], &self.works[at]).is_ne() {
                rank = at + 1;
            }
            self.works[at].rank = rank;
        }
        match rules.framework.as_ref().map(|f| f.stage) {
            Some(FrameworkStage::PriceFirst | FrameworkStage::QualityFirst) => self.eliminate(),
            _ => self.draw_first(),
        }
    }

    /// Among bids of one brand only the best takes part (87 art. 31). Bids equal to it stay in, and
    /// the groups of them are kept: the document's rule is in the order already, so a draw decides.
    fn exclude_brands(&mut self) {
        let rules = self.ground.rules;
        if !rules.counts_brands_once() {
            return;
        }
        let mut brands: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, work) in self.works.iter().enumerate() {
            if let Some(brand) = &work.facts.brand {
                brands.entry(brand).or_default().push(at);
            }
        }
        let (mut draws, mut out) = (Vec::new(), Vec::new());
        for members in brands.into_values() {
            let by_order =
                |a: &&usize, b: &&usize| order(rules, &self.works[**a], &self.works[**b]);
            let Some(&best) = members.iter().min_by(by_order) else {
                continue;
            };
            let equals = |at: &&usize| order(rules, &self.works[best], &self.works[**at]).is_eq();
            let (equal, worse): (Vec<usize>, Vec<usize>) = members.iter().partition(equals);
            if equal.len() > 1 {
                let ids = equal.iter().map(|at| self.works[*at].facts.id.clone());
                draws.push(ids.collect::<Vec<String>>());
            }
            out.extend(worse);
        }
        for at in out {
            self.works[at].excluded = true;
        }
        draws.sort();
        self.brand_draws = draws;
    }

    /// Whom to draw among for the first place.
    fn draw_first(&mut self) {
        let rules = self.ground.rules;
        let taking_part = || self.works.iter().filter(|work| !work.excluded);
        let Some(best) = taking_part().next() else {
            return;
        };
        let equal = taking_part().take_while(|work| order(rules, best, work).is_eq());
        let ids: Vec<String> = equal.map(|work| work.facts.id.clone()).collect();
        if ids.len() > 1 {
            self.draw_needed = ids;
        }
    }

    /// See [`eliminated`].
    pub(super) fn eliminated(&self) -> usize {
        eliminated(self.ground.rules, self.ground.pack, self.effective)
    }

    /// Marks those who are not admitted; equals across the boundary are drawn among.
    fn eliminate(&mut self) {
        let rules = self.ground.rules;
        let out = self.eliminated();
        let taking_part: Vec<usize> = (0..self.works.len())
            .filter(|at| !self.works[*at].excluded)
            .collect();
        let keep = taking_part.len().saturating_sub(out);
        let pair = keep
            .checked_sub(1)
            .and_then(|last| taking_part.get(last))
            .zip(taking_part.get(keep));
        let mut torn = Vec::new();
        if let Some((&last, &next)) = pair
            && order(rules, &self.works[last], &self.works[next]).is_eq()
        {
            let equal = |at: &&usize| order(rules, &self.works[last], &self.works[**at]).is_eq();
            torn = taking_part.iter().filter(equal).copied().collect();
        }
        for at in &taking_part[keep..] {
            self.works[*at].eliminated = !torn.contains(at);
        }
        self.draw_needed = torn
            .iter()
            .map(|at| self.works[*at].facts.id.clone())
            .collect();
    }
}
