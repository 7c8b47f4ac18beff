//! Draws of a lot: between equal firsts, and for the coefficients of a benchmark. The board answers
//! as for the committee; the pool is what rules and result give, so nobody chooses it.

use super::result::{bids_to_draw, formula_of};
use crate::events::*;
use crate::refusal::{self, Refusal};
use crate::state::State;
use mifeng_crypto::{Digest, Time};
use mifeng_lock::Share;
use mifeng_lock::draw::{self, Draw, Row};
use mifeng_record::Record;
use mifeng_score::formula::Choice;
use std::collections::BTreeMap;

/// A draw of a lot.
#[derive(Clone, Debug)]
pub struct LotDraw {
    /// The frozen pool.
    pub pool: LotPool,
    /// The draw over it.
    pub draw: Draw,
    /// Verified answers by trustee index.
    pub shares: BTreeMap<u8, Share>,
    /// The result.
    pub result: Option<LotDrawn>,
}

fn purpose_of(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Tie => "tie",
        Purpose::Coefficient => "coefficient",
    }
}

impl State {
    /// Every draw of a lot.
    pub fn lot_draws(&self, lot: &str) -> impl Iterator<Item = &LotDraw> {
        self.work(lot)
            .into_iter()
            .flat_map(|work| work.draws.values())
    }

    /// Draws that wait for the trustees' answers: the committee's, then those of lots.
    pub fn waiting_draws(&self) -> Vec<&Draw> {
        let committee = self
            .draw
            .iter()
            .filter(|d| d.result.is_none())
            .map(|d| &d.draw);
        let lots = self
            .evaluation
            .lots
            .values()
            .flat_map(|work| work.draws.values());
        let lots = lots.filter(|d| d.result.is_none()).map(|d| &d.draw);
        committee.chain(lots).collect()
    }

    /// A draw of the log, finished or not.
    pub(crate) fn known_draw(&self, id: &Digest) -> Option<&Draw> {
        let committee = self.draw.iter().map(|d| &d.draw);
        let lots = self.evaluation.lots.values();
        let lots = lots.flat_map(|work| work.draws.values()).map(|d| &d.draw);
        committee.chain(lots).find(|draw| draw.id() == *id)
    }

    /// A draw that has no result yet, with its answers.
    pub(crate) fn open_draw(
        &mut self,
        id: &Digest,
    ) -> Result<(&Draw, &mut BTreeMap<u8, Share>), Refusal> {
        if self.draw.is_none() && self.evaluation.lots.values().all(|w| w.draws.is_empty()) {
            return Err(Refusal::new(&refusal::WRONG_STAGE, "no pool is frozen"));
        }
        let committee = self.draw.iter_mut().filter(|d| d.result.is_none());
        let committee = committee.map(|d| (&d.draw, &mut d.shares));
        let lots = self.evaluation.lots.values_mut();
        let lots = lots.flat_map(|work| work.draws.values_mut());
        let lots = lots
            .filter(|d| d.result.is_none())
            .map(|d| (&d.draw, &mut d.shares));
        committee
            .chain(lots)
            .find(|(draw, _)| draw.id() == *id)
            .ok_or_else(|| Refusal::new(&refusal::WRONG_STAGE, "another draw"))
    }

    /// What is drawn among, as rules and result give it.
    ///
    /// # Errors
    /// [`refusal::WRONG_STAGE`] if there is nothing to draw.
    pub fn expected_pool(
        &self,
        lot: &str,
        purpose: Purpose,
        name: &str,
    ) -> Result<LotPool, Refusal> {
        let rows = match purpose {
            Purpose::Tie if name.is_empty() => self.tie_rows(lot)?,
            Purpose::Coefficient => self.coefficient_rows(lot, name)?,
            Purpose::Tie => Vec::new(),
        };
        if rows.len() < 2 {
            return Err(Refusal::new(
                &refusal::WRONG_STAGE,
                format!(
                    "lot {lot}: nothing to draw ({} {name})",
                    purpose_of(purpose)
                ),
            ));
        }
        Ok(LotPool {
            lot: lot.to_owned(),
            purpose,
            name: name.to_owned(),
            rows,
        })
    }

    /// Equal bids of one brand share the chance of one: a draw within the brand comes first (87
    /// art. 31), and weights put both draws into one.
    fn tie_rows(&self, lot: &str) -> Result<Vec<Row>, Refusal> {
        let equal = self.equal_firsts(lot)?;
        let groups = self
            .ranks
            .get(lot)
            .map(|outcome| outcome.brand_draws.clone())
            .unwrap_or_default();
        let size = |id: &String| {
            let group = groups.iter().find(|group| group.contains(id));
            group.map_or(1, |group| {
                group.iter().filter(|o| equal.contains(o)).count() as u64
            })
        };
        let whole = equal.iter().map(size).fold(1, lcm);
        let mut rows: Vec<Row> = equal
            .iter()
            .map(|id| Row {
                id: id.clone(),
                weight: whole / size(id).max(1),
            })
            .collect();
        rows.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(rows)
    }

    /// Names of the coefficients that are to be drawn for a lot and are not yet.
    pub fn coefficients(&self, lot: &str) -> Vec<String> {
        let Ok((_, found)) = self.evaluating(lot) else {
            return Vec::new();
        };
        let formula = formula_of(&found.rules).unwrap_or_default();
        formula
            .drawn
            .into_keys()
            .filter(|name| self.drawn_order(lot, Purpose::Coefficient, name).is_none())
            .collect()
    }

    /// The values that the rules name, or the bids that take part, whose prices are drawn among.
    fn coefficient_rows(&self, lot: &str, name: &str) -> Result<Vec<Row>, Refusal> {
        let (_, found) = self.evaluating(lot)?;
        // Whoever knows a coefficient decides on no bid and no price any more.
        self.require_settled(lot)?;
        let formula = formula_of(&found.rules).unwrap_or_default();
        let ids = match formula.drawn.get(name) {
            None => Vec::new(),
            Some(Choice::Values { .. }) => formula.pool(name).unwrap_or_default(),
            Some(Choice::Bids { .. }) => {
                let facts = self.judged(lot)?;
                let ids = mifeng_score::taking_part(&found.rules, &facts)
                    .map_err(|e| Refusal::new(&refusal::BAD_SHEET, e.to_string()))?;
                let needed = bids_to_draw(&found.rules);
                if ids.len() < needed {
                    return Err(Refusal::new(
                        &refusal::TOO_FEW_LEFT,
                        format!(
                            "lot {lot}: {} bids to draw among, {needed} are needed",
                            ids.len()
                        ),
                    ));
                }
                ids
            }
        };
        let mut rows: Vec<Row> = ids.into_iter().map(|id| Row { id, weight: 1 }).collect();
        rows.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(rows)
    }

    pub(crate) fn lot_pool(
        &mut self,
        data: &LotPool,
        record: &Record,
        at: Time,
    ) -> Result<(), Refusal> {
        self.evaluating(&data.lot)?;
        self.require_agency(record)?;
        let key = (data.purpose, data.name.clone());
        let frozen = self
            .work(&data.lot)
            .is_some_and(|w| w.draws.contains_key(&key));
        if frozen {
            // The seed of a draw is what it is: there is no second one.
            return Err(Refusal::new(&refusal::DUPLICATE, "this pool is frozen"));
        }
        if self.expected_pool(&data.lot, data.purpose, &data.name)? != *data {
            return Err(Refusal::new(
                &refusal::NOT_RECOMPUTED,
                "the rows of the pool",
            ));
        }
        if data.purpose == Purpose::Coefficient {
            self.require_prices_put(&data.lot, at)?;
        }
        let malformed = |e: mifeng_lock::Error| Refusal::new(&refusal::MALFORMED, e.to_string());
        let (event, _) = self
            .notice
            .as_ref()
            .ok_or_else(|| Refusal::new(&refusal::WRONG_STAGE, "there is no notice"))?;
        let specialty = match data.name.as_str() {
            "" => format!("{}/{}", purpose_of(data.purpose), data.lot),
            name => format!("{}/{}/{name}", purpose_of(data.purpose), data.lot),
        };
        let pool = draw::Pool::new(&specialty, data.rows.clone()).map_err(malformed)?;
        let draw = Draw::new(self.suite, event, pool, 1).map_err(malformed)?;
        let drawing = LotDraw {
            pool: data.clone(),
            draw,
            shares: BTreeMap::new(),
            result: None,
        };
        self.work_mut(&data.lot).draws.insert(key, drawing);
        Ok(())
    }

    /// The result of a draw of a lot, once t trustees have answered.
    ///
    /// # Errors
    /// [`refusal::QUORUM`] before that, [`refusal::WRONG_STAGE`] if no such pool is frozen.
    pub fn lot_outcome(
        &self,
        lot: &str,
        purpose: Purpose,
        name: &str,
    ) -> Result<LotDrawn, Refusal> {
        let key = (purpose, name.to_owned());
        let drawing = self.work(lot).and_then(|work| work.draws.get(&key));
        let (Some(drawing), Some(board)) = (drawing, self.board()) else {
            return Err(Refusal::new(&refusal::WRONG_STAGE, "no pool is frozen"));
        };
        let shares: Vec<Share> = drawing.shares.values().cloned().collect();
        let places = drawing.pool.rows.len();
        let outcome = drawing
            .draw
            .combine(board, &shares, places)
            .map_err(|e| Refusal::new(&refusal::QUORUM, e.to_string()))?;
        Ok(LotDrawn {
            lot: lot.to_owned(),
            purpose,
            name: name.to_owned(),
            draw: outcome.draw_id,
            seed: outcome.seed,
            order: outcome.order,
        })
    }

    pub(crate) fn lot_drawn(&mut self, data: &LotDrawn, record: &Record) -> Result<(), Refusal> {
        self.evaluating(&data.lot)?;
        self.require_agency(record)?;
        if self.lot_outcome(&data.lot, data.purpose, &data.name)? != *data {
            return Err(Refusal::new(
                &refusal::NOT_RECOMPUTED,
                "seed or order of the draw",
            ));
        }
        let key = (data.purpose, data.name.clone());
        let drawing = self.work_mut(&data.lot).draws.get_mut(&key);
        match drawing.filter(|drawing| drawing.result.is_none()) {
            Some(drawing) => {
                drawing.result = Some(data.clone());
                Ok(())
            }
            None => Err(Refusal::new(&refusal::DUPLICATE, "drawn already")),
        }
    }

    /// The drawn order, if the draw is done.
    pub(crate) fn drawn_order(&self, lot: &str, purpose: Purpose, name: &str) -> Option<&[String]> {
        let key = (purpose, name.to_owned());
        let drawing = self.work(lot)?.draws.get(&key)?;
        drawing
            .result
            .as_ref()
            .map(|result| result.order.as_slice())
    }
}

/// Least common multiple of group sizes; sizes are at most the bids of a lot, and a value that would
/// not fit leaves the first one: the draw is then refused by the pool's own limits.
fn lcm(a: u64, b: u64) -> u64 {
    let (mut x, mut y) = (a, b.max(1));
    while y != 0 {
        (x, y) = (y, x % y);
    }
    a.checked_div(x)
        .and_then(|part| part.checked_mul(b.max(1)))
        .unwrap_or(a)
}
