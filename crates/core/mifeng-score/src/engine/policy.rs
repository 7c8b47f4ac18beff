//! Policy: deductions, each a part of the original price, and bonuses in points of works.

use super::{Entry, Ground, Work};
use crate::number::Fixed;
use crate::outcome::BidFacts;
use crate::{Error, Method, Ratio, RuleSet};

/// Rates read once.
pub(super) struct Policy {
    sme: Ratio,
    joint: Ratio,
    domestic: Ratio,
    green: Ratio,
    bonus: Ratio,
    joint_bonus: Ratio,
    joint_least: Ratio,
    domestic_least: Ratio,
    /// Domestic and other products compete.
    competes: bool,
}

/// Whether a bid counts as small: prison enterprises and disabled-welfare units do.
fn small(bid: &BidFacts) -> bool {
    bid.small || bid.prison || bid.disabled_welfare
}

/// Whether a stated part in percent reaches the least of the law.
fn reaches(share: &Option<String>, least: &Ratio, otherwise: bool) -> Result<bool, Error> {
    match share {
        None => Ok(otherwise),
        Some(text) => {
            let share = Ratio::parse(text)?;
            if share.is_negative() || share > Ratio::from(100) {
                return Err(crate::number::number("share in percent", text, 12));
            }
            Ok(share >= *least)
        }
    }
}

impl Policy {
    pub(super) fn new<'b>(
        ground: &Ground<'_>,
        bids: impl Iterator<Item = &'b BidFacts>,
    ) -> Result<Self, Error> {
        let RuleSet {
            sme_rate,
            sme_joint_rate,
            domestic_rate,
            green_rate,
            ..
        } = ground.rules;
        let least = |id| ground.pack.number(id).unwrap_or_else(Ratio::zero);
        let mut policy = Self {
            sme: Ratio::parse(sme_rate)?,
            joint: Ratio::parse(sme_joint_rate)?,
            domestic: Ratio::parse(domestic_rate)?,
            green: Ratio::parse(green_rate)?,
            bonus: Ratio::parse(&ground.rules.sme_bonus_rate)?,
            joint_bonus: Ratio::parse(&ground.rules.sme_joint_bonus_rate)?,
            joint_least: least("sme.joint-share.least"),
            domestic_least: least("domestic.share.least"),
            competes: false,
        };
        let (mut domestic, mut other) = (false, false);
        for bid in bids {
            if policy.is_domestic(bid)? {
                domestic = true;
            } else {
                other = true;
            }
        }
        // The preference needs someone to prefer over (国办发〔2025〕34号).
        policy.competes = ground.competes.unwrap_or(domestic && other);
        Ok(policy)
    }

    fn is_domestic(&self, bid: &BidFacts) -> Result<bool, Error> {
        reaches(&bid.domestic_share, &self.domestic_least, bid.domestic)
    }

    fn is_joint(&self, bid: &BidFacts) -> Result<bool, Error> {
        let reached = reaches(&bid.joint_share, &self.joint_least, true)?;
        Ok(bid.consortium && !bid.related && reached)
    }

    /// The deductions of a bid; small excludes the consortium.
    fn deductions(&self, bid: &BidFacts) -> Result<Vec<(&'static str, Ratio)>, Error> {
        let mut found = Vec::new();
        let mut add = |key, rate: &Ratio| {
            if rate.is_positive() {
                found.push((key, rate.clone()));
            }
        };
        if small(bid) {
            add("sme", &self.sme);
        } else if self.is_joint(bid)? {
            add("joint", &self.joint);
        }
        if self.competes && self.is_domestic(bid)? {
            add("domestic", &self.domestic);
        }
        if bid.green {
            add("green", &self.green);
        }
        Ok(found)
    }

    fn bonus(&self, bid: &BidFacts) -> Result<Option<(&'static str, Ratio)>, Error> {
        let (key, rate) = match small(bid) {
            true => ("bonus", &self.bonus),
            false if self.is_joint(bid)? => ("joint_bonus", &self.joint_bonus),
            false => return Ok(None),
        };
        Ok(rate.is_positive().then(|| (key, rate.clone())))
    }

    /// Price after deductions, and the mean of the judges.
    pub(super) fn work<'a>(
        &self,
        ground: &Ground<'_>,
        entry: Entry<'a>,
        price: Ratio,
    ) -> Result<Work<'a>, Error> {
        let Entry {
            facts,
            mut judges,
            technical,
        } = entry;
        let deductions = match ground.rules.method {
            // There is nobody to prefer over.
            Method::SingleSource => Vec::new(),
            _ => self.deductions(facts)?,
        };
        let mut eval = price.clone();
        if !deductions.is_empty() {
            let mut rest = Ratio::one();
            for (_, rate) in &deductions {
                rest = rest.sub(rate)?;
            }
            eval = price.mul(&rest)?;
        }
        let quality = quality(ground.rules, &mut judges)?;
        let technical_part = mean(&technical, ground.rules.dp)?;
        Ok(Work {
            facts,
            price,
            deductions,
            eval,
            base_points: Ratio::zero(),
            bonus: self.bonus(facts)?,
            points: Ratio::zero(),
            judges,
            total: quality.clone(),
            quality,
            technical,
            technical_part,
            excluded: false,
            eliminated: false,
            rank: 0,
        })
    }
}

/// The mean of the judges' totals, without those that the rules drop, rounded once.
fn quality(rules: &RuleSet, judges: &mut [Fixed]) -> Result<Ratio, Error> {
    mean(kept(rules, judges), rules.dp)
}

/// The mean of judges' totals, rounded once; zero without any.
fn mean(totals: &[Fixed], dp: u32) -> Result<Ratio, Error> {
    let Some((first, rest)) = totals.split_first() else {
        return Ok(Ratio::zero());
    };
    let mut sum = *first;
    for total in rest {
        sum = sum.add(*total)?;
    }
    sum.mean(totals.len(), dp)
}

/// The totals that count. Only where something is dropped the order of the judges is lost.
fn kept<'j>(rules: &RuleSet, judges: &'j mut [Fixed]) -> &'j [Fixed] {
    let Some(drop) = rules.drop_judges.filter(|drop| judges.len() >= drop.min) else {
        return judges;
    };
    judges.sort_unstable();
    let end = judges.len().saturating_sub(drop.hi);
    judges.get(drop.lo..end).unwrap_or(&[])
}
