//! Points of price from a formula.

use super::Table;
use crate::formula::{Computed, Formula, Given, Program, Value, compute};
use crate::outcome::Invalid;
use crate::{Error, Ratio};
use std::collections::BTreeMap;

/// A formula and everything it computed, by bid id.
pub(super) struct Priced {
    pub(super) formula: Formula,
    pub(super) program: Program,
    pub(super) computed: Computed,
    /// Ids in the order of the computed columns: ascending.
    pub(super) ids: Vec<String>,
}

impl Table<'_> {
    /// Computes the formula of the rules over the works, which are sorted by id here.
    pub(super) fn price_by_formula(&mut self) -> Result<(), Error> {
        let ground = self.ground;
        let formula = match (&ground.rules.works, &ground.rules.formula) {
            (Some(works), None) => {
                works.check()?;
                works.formula()
            }
            (None, Some(formula)) => formula.clone(),
            _ => {
                return Err(Error::Missing {
                    what: "formula: one of",
                    id: "works, formula".to_owned(),
                });
            }
        };
        let formula = formula.resolve(ground.pack)?;
        let program = formula.compile()?;
        if self.works.is_empty() {
            return Ok(());
        }
        let limit = ground.rules.limit();
        let ceiling = limit
            .map(|c| ground.rules.price_form.ceiling(c))
            .transpose()?;
        let prices: Vec<(&str, Ratio)> = self
            .works
            .iter()
            .map(|work| (work.facts.id.as_str(), work.eval.clone()))
            .collect();
        let given = Given {
            prices: &prices,
            ceiling: ceiling.as_ref(),
            drawn: ground.drawn,
        };
        let computed = compute(&formula, &program, &given)?;
        let points = computed.each.get("points").map_or(&[][..], Vec::as_slice);
        for (work, points) in self.works.iter_mut().zip(points) {
            let points = points.number().cloned().unwrap_or_else(Ratio::zero);
            work.base_points = points.round_half_up(ground.rules.dp);
        }
        let ids = self
            .works
            .iter()
            .map(|work| work.facts.id.clone())
            .collect();
        self.priced = Some(Priced {
            formula,
            program,
            computed,
            ids,
        });
        Ok(())
    }

    /// What the formula computed, as text: the lines of the lot, and those of each bid by id.
    pub(crate) fn formula_values(&self) -> (Texts, Vec<Texts>) {
        let Some(priced) = &self.priced else {
            return (Texts::new(), Vec::new());
        };
        let lines = priced.program.lines.iter().filter(|line| !line.each);
        let lot = lines.filter_map(|line| {
            let value = priced.computed.lot.get(&line.name)?;
            Some((line.name.clone(), value.to_string()))
        });
        let row = |(at, id): (usize, &String)| {
            let own = priced.computed.each.iter();
            let mut row: Texts = own
                .filter_map(|(name, column)| Some((name.clone(), column.get(at)?.to_string())))
                .collect();
            row.insert("id".to_owned(), id.clone());
            row
        };
        (
            lot.collect(),
            priced.ids.iter().enumerate().map(row).collect(),
        )
    }

    /// Bids that take no part.
    pub(crate) fn invalid(&self) -> &[Invalid] {
        &self.invalid
    }
}

/// Values as text, by name.
pub(crate) type Texts = BTreeMap<String, String>;

impl Priced {
    /// The benchmark, if the formula has one.
    pub(super) fn base(&self) -> Option<&Ratio> {
        self.computed.lot.get("base").and_then(Value::number)
    }

    /// The values of one bid by name.
    pub(super) fn own(&self, id: &str, name: &str) -> Option<&Value> {
        let at = self
            .ids
            .binary_search_by(|other| other.as_str().cmp(id))
            .ok()?;
        self.computed.each.get(name)?.get(at)
    }
}
