//! Abnormally low prices: what starts a review, never a rejection (87 art. 60, 财库〔2026〕2号).

use super::Ground;
use crate::{Error, Ratio};
use std::collections::BTreeMap;

/// The limits, and who is below them.
#[derive(Default)]
pub(super) struct Low {
    /// The prices that the limits are of.
    pub(super) prices: Vec<Ratio>,
    /// Mean of the prices and the limit from it.
    pub(super) mean: Option<(Ratio, Ratio)>,
    /// Second lowest price and the limit from it.
    pub(super) second: Option<(Ratio, Ratio)>,
    /// Ceiling or budget and the limit from it.
    pub(super) ceiling: Option<(Ratio, Ratio)>,
    pub(super) found: BTreeMap<String, Vec<String>>,
}

impl Low {
    /// Original prices of the bids that passed conformity. A pack without the triggers starts none.
    pub(super) fn new(ground: &Ground<'_>, prices: &[(&str, Ratio)]) -> Result<Self, Error> {
        let (rules, mut low) = (ground.rules, Self::default());
        if rules.highest_wins || prices.is_empty() || ground.pack.number("low.mean.least").is_none()
        {
            return Ok(low);
        }
        low.prices = prices.iter().map(|(_, price)| price.clone()).collect();
        let rate = Ratio::parse(&rules.low_mean_rate)?;
        let mut sum = Ratio::zero();
        let (mut first, mut second): (Option<&Ratio>, Option<&Ratio>) = (None, None);
        for (_, price) in prices {
            sum = sum.add(price)?;
            if first.is_none_or(|first| price < first) {
                second = first.replace(price);
            } else if second.is_none_or(|second| price < second) {
                second = Some(price);
            }
        }
        let count = i64::try_from(prices.len()).map_err(|_| Error::Zero { place: "mean" })?;
        let mean = sum.div(&Ratio::from(count))?;
        let limit = mean.mul(&rate)?;
        low.mean = Some((mean, limit));
        if let Some(second) = second {
            low.second = Some((second.clone(), second.mul(&rate)?));
        }
        if let Some(limit) = rules.limit() {
            let ceiling = rules.price_form.ceiling(limit)?;
            let limit = ceiling.mul(&Ratio::parse(&rules.low_ceiling_rate)?)?;
            low.ceiling = Some((ceiling, limit));
        }
        for (id, price) in prices {
            let below = |limit: &Option<(Ratio, Ratio)>| {
                limit.as_ref().is_some_and(|(_, limit)| price < limit)
            };
            let triggers = [
                ("mean", below(&low.mean)),
                ("second", first == Some(price) && below(&low.second)),
                ("ceiling", below(&low.ceiling)),
            ];
            let on = triggers.into_iter().filter(|(_, on)| *on);
            let names: Vec<String> = on.map(|(name, _)| name.to_owned()).collect();
            if !names.is_empty() {
                low.found.insert((*id).to_owned(), names);
            }
        }
        Ok(low)
    }
}
