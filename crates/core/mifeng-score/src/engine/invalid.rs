//! Why a bid takes no part.

use super::Ground;
use crate::outcome::{BidFacts, Invalid, Review};
use crate::pack::EntryKind;
use crate::price::Form;
use crate::{Error, FrameworkStage, Ratio, RuleSet};
use std::collections::BTreeSet;

/// Limits of prices, read once.
pub(super) struct Limits {
    ceiling: Option<Ratio>,
    budget: Option<Ratio>,
    /// Ceilings of lines by line id.
    lines: Vec<(String, Ratio)>,
}

impl Limits {
    pub(super) fn new(rules: &RuleSet) -> Result<Self, Error> {
        let form = &rules.price_form;
        let read = |text: &Option<String>| text.as_deref().map(|t| form.ceiling(t)).transpose();
        // A budget in yuan says nothing of a rate.
        let money = !matches!(form.form, Form::Rate | Form::FloatDown) && !rules.highest_wins;
        let mut lines = Vec::new();
        for line in &form.lines {
            if let Some(ceiling) = &line.ceiling {
                lines.push((line.id.clone(), form.ceiling(ceiling)?));
            }
        }
        Ok(Self {
            ceiling: read(&rules.ceiling)?,
            budget: if money { read(&rules.budget)? } else { None },
            lines,
        })
    }
}

/// A reason as the pack words it.
pub(super) fn reason(ground: &Ground<'_>, bid: &BidFacts, id: &str) -> Invalid {
    Invalid {
        id: bid.id.clone(),
        reason: id.to_owned(),
        article: ground.pack.basis(&format!("reason.{id}")).article,
    }
}

/// Every reason for which a bid takes no part. A price equal to a limit is valid.
pub(super) fn invalid(
    ground: &Ground<'_>,
    limits: &Limits,
    bid: &BidFacts,
    price: &Ratio,
) -> Result<Vec<Invalid>, Error> {
    let rules = ground.rules;
    let mut found = Vec::new();
    for id in &bid.invalid {
        let entry = ground.pack.entry(&format!("reason.{id}"));
        if entry.is_none_or(|entry| entry.kind != EntryKind::Reason) {
            return Err(Error::Unknown {
                what: "reason for an invalid bid",
                id: format!("{}/{id}", bid.id),
            });
        }
        found.push(reason(ground, bid, id));
    }
    // Procurement is acquisition for a consideration.
    if !price.is_positive() {
        found.push(reason(ground, bid, "price-zero"));
    }
    let over = |limit: &Option<Ratio>| limit.as_ref().is_some_and(|limit| price > limit);
    let below = |limit: &Option<Ratio>| limit.as_ref().is_some_and(|limit| price < limit);
    let line_over = limits.lines.iter().any(|(line, ceiling)| {
        let unit = bid.prices.get(line).map(|text| Ratio::parse(text));
        unit.is_some_and(|unit| unit.is_ok_and(|unit| unit > *ceiling))
    });
    if rules.highest_wins {
        // Income: what is published is the least that is taken.
        if below(&limits.ceiling) {
            found.push(reason(ground, bid, "price-below-least"));
        }
    } else if over(&limits.ceiling) || line_over {
        found.push(reason(ground, bid, "price-over-ceiling"));
    } else if over(&limits.budget) {
        found.push(reason(ground, bid, "price-over-budget"));
    }
    let sme = bid.small || bid.medium || bid.prison || bid.disabled_welfare;
    if rules.reserved && !sme {
        found.push(reason(ground, bid, "not-small-in-reserved"));
    }
    let second = rules.framework.as_ref().map(|f| f.stage);
    if second == Some(FrameworkStage::SecondCompetition) {
        let Some(agreed) = &bid.agreed else {
            return Err(Error::Missing {
                what: "agreed price of",
                id: bid.id.clone(),
            });
        };
        if *price > rules.price_form.read("agreed price", agreed)? {
            found.push(reason(ground, bid, "price-over-agreed"));
        }
    }
    found.sort_by(|a, b| a.reason.cmp(&b.reason));
    found.dedup();
    Ok(found)
}

/// Ids of the bids that nobody need score.
pub(crate) fn without<'a>(
    ground: &Ground<'_>,
    bids: &[&'a BidFacts],
) -> Result<BTreeSet<&'a str>, Error> {
    let limits = Limits::new(ground.rules)?;
    let mut found = BTreeSet::new();
    for bid in bids {
        let price = ground.rules.price_form.of(bid)?;
        let too_low = bid.review == Some(Review::NotShown);
        if too_low || !invalid(ground, &limits, bid, &price)?.is_empty() {
            found.insert(bid.id.as_str());
        }
    }
    Ok(found)
}
