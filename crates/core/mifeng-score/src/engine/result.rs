//! The table as an outcome.

use super::Table;
use crate::outcome::{Outcome, Row};
use crate::pack::Pin;
use crate::{FrameworkStage, Method};
use mifeng_crypto::HashAlg;
use std::collections::BTreeMap;

impl Table<'_> {
    /// The pack as the notice pins it.
    pub(super) fn pin(&self) -> Pin {
        let pinned = self.ground.rules.pack.clone();
        pinned.unwrap_or_else(|| self.ground.pack.pin(HashAlg::Sm3))
    }

    /// Key of the step that orders the bids.
    pub(super) fn order_key(&self) -> &'static str {
        let framework = self.ground.rules.framework.as_ref().map(|f| f.stage);
        match (self.ground.rules.method, framework) {
            (Method::Composite, _) => "step.order.composite",
            (Method::Lowest, _) => "step.order.lowest",
            (Method::Negotiation, _) => "step.order.negotiation",
            (Method::Inquiry, _) => "step.order.inquiry",
            (Method::Consultation, _) => "step.order.consultation",
            (Method::SingleSource, _) => "step.order.single-source",
            (Method::Framework, Some(FrameworkStage::SecondCompetition)) => {
                "step.order.second-competition"
            }
            (Method::Framework, _) => "step.order.framework",
            (Method::WorksDeviation, _) => "step.order.works",
        }
    }

    /// Key of the step that gives points of price.
    pub(super) fn points_key(&self) -> &'static str {
        match self.ground.rules.method {
            Method::Consultation => "step.price-points.consultation",
            Method::WorksDeviation => "step.price-points.works",
            _ => "step.price-points",
        }
    }

    /// What is computed here and the key of the step it rests on.
    fn grounds(&self) -> Vec<(&'static str, &'static str)> {
        let scored = self.ground.rules.method.scored();
        let mut found = vec![
            ("price", "step.price"),
            ("evaluated", "step.evaluated"),
            ("rank", self.order_key()),
            ("effective_bidders", "step.bidders"),
        ];
        if scored {
            found.push(("price_points", self.points_key()));
            found.push(("total", "step.total"));
        }
        if !self.ground.rules.items.is_empty() || self.works.iter().any(|w| !w.judges.is_empty()) {
            found.push(("quality", "step.quality"));
        }
        if self.ground.rules.counts_brands_once() {
            found.push(("same_brand", "step.same-brand"));
        }
        if self.low.mean.is_some() {
            found.push(("abnormal_low", "step.abnormal-low"));
        }
        if !self.draw_needed.is_empty() || !self.brand_draws.is_empty() {
            found.push(("draw_needed", "step.draw"));
        }
        for (key, _) in self.works.iter().flat_map(|work| &work.deductions) {
            if !found.iter().any(|(name, _)| name == key) {
                found.push((key, deduction_key(key)));
            }
        }
        found
    }

    /// The outcome; consumes the table, for its texts.
    pub(crate) fn outcome(&self) -> Outcome {
        let (rules, pack) = (self.ground.rules, self.ground.pack);
        let basis = self.grounds().into_iter();
        let basis: BTreeMap<_, _> = basis
            .map(|(name, key)| (name.to_owned(), pack.basis(key)))
            .collect();
        let nothing = crate::Ratio::zero().to_fixed(rules.dp);
        let points = |value: &crate::Ratio| match rules.method.scored() {
            true => value.to_fixed(rules.dp),
            false => nothing.clone(),
        };
        let row = |work: &super::Work<'_>| Row {
            id: work.facts.id.clone(),
            price: rules.price_form.text(work.facts, &work.price),
            evaluated_price: work.eval.to_shortest(),
            price_points: points(&work.points),
            quality: work.quality.to_fixed(rules.dp),
            technical: rules
                .technical_first()
                .then(|| work.technical_part.to_fixed(rules.dp)),
            total: work.total.to_fixed(rules.dp),
            rank: work.rank,
            same_brand_excluded: work.excluded,
            eliminated: work.eliminated,
        };
        let base = self.priced.as_ref().and_then(|priced| priced.base());
        Outcome {
            pack: self.pin(),
            basis,
            benchmark: base.map(crate::Ratio::to_shortest),
            rows: self.works.iter().map(row).collect(),
            procedure_fails: self.effective < self.required,
            invalid: self.invalid.clone(),
            draw_needed: self.draw_needed.clone(),
            brand_draws: self.brand_draws.clone(),
            abnormal_low: self.low.found.clone(),
            reviewed: self.reviewed.clone(),
            effective_bidders: self.effective,
        }
    }
}

/// Key of the step of a deduction.
pub(super) fn deduction_key(deduction: &str) -> &'static str {
    match deduction {
        "sme" => "step.sme",
        "joint" => "step.joint",
        "domestic" => "step.domestic",
        _ => "step.green",
    }
}
