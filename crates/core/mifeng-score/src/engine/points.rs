//! Points of price, bonus and totals.

use super::Table;
use crate::{Error, Method, Ratio};

impl Table<'_> {
    /// Gives every work its points and total; the works are sorted by id here.
    pub(super) fn give_points(&mut self) -> Result<(), Error> {
        let rules = self.ground.rules;
        let evals = self.works.iter().map(|work| &work.eval);
        self.best = if rules.highest_wins {
            evals.max().cloned()
        } else {
            evals.min().cloned()
        };
        match rules.method {
            Method::WorksDeviation => self.price_by_formula()?,
            Method::Composite | Method::Consultation if !rules.fixed_price => {
                self.price_by_share()?;
            }
            _ => {}
        }
        let cap = rules.bonus_cap.as_deref().map(Ratio::parse).transpose()?;
        for work in &mut self.works {
            work.points = work.base_points.clone();
            if let Some((_, rate)) = &work.bonus
                && rules.method.scored()
            {
                let more = work.base_points.mul(&Ratio::one().add(rate)?)?;
                let more = more.round_half_up(rules.dp);
                work.points = match &cap {
                    Some(cap) => more.min(cap.clone()),
                    None => more,
                };
            }
            work.total = work.points.add(&work.quality)?;
        }
        Ok(())
    }

    /// The best evaluated price over this one times the weight, rounded once (87 art. 55).
    fn price_by_share(&mut self) -> Result<(), Error> {
        let rules = self.ground.rules;
        let Some(best) = &self.best else {
            return Ok(());
        };
        let product = best.mul(&self.weight)?;
        for work in &mut self.works {
            let points = if rules.highest_wins {
                work.eval.mul(&self.weight)?.div(best)?
            } else {
                product.div(&work.eval)?
            };
            work.base_points = points.round_half_up(rules.dp);
        }
        Ok(())
    }
}
