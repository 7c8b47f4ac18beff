//! A result as a workbook: every step with the engine's value, a live formula and whether the two
//! agree, so that an auditor follows it with a spreadsheet alone.
//!
//! Three sheets: the result, the derivation line by line, the numbers that formulas read. The live
//! formulas are translated from those of the derivation, point at each other, and are computed anew
//! by the spreadsheet, in its own arithmetic; the engine's exact values stand beside them.

mod links;
mod sheet;
mod translate;
mod write;

use links::Links;
use mifeng::score::derivation::{Derivation, Input, Step};
use mifeng::score::formula::{Value, parse_expr};
use sheet::{Area, Cell, Cells};
use std::collections::BTreeMap;
use translate::{Names, Place, area, translate};

pub(super) use write::workbook;

/// Column of the live value in the derivation.
const LIVE: u32 = 5;
/// Row of the first step, from 0: the head stands above.
const FIRST: u32 = 6;

/// A line of the derivation sheet.
struct Line<'a> {
    /// Bid; `None` for the lot and the result.
    bid: Option<&'a str>,
    step: &'a Step,
    /// What the live cell holds.
    live: Cell,
}

/// The lines of the derivation and the cells of the input sheet.
struct Plan<'a> {
    lines: Vec<Line<'a>>,
    cells: Cells,
}

/// Finds a place for every number and a live formula for every step that has one.
fn plan<'a>(derivation: &'a Derivation, own: &str, inputs: &str) -> Plan<'a> {
    let links = Links::new(derivation, own);
    let mut cells = Cells::new(inputs);
    let mut lists = Lists::new();
    let mut known = Known::new();
    let mut lines = Vec::new();
    let lot = derivation.lot.iter().map(|step| (None, step));
    let bids = derivation.bids.iter().flat_map(|bid| {
        let id = Some(bid.id.as_str());
        bid.steps.iter().map(move |step| (id, step))
    });
    let result = derivation.result.iter().map(|step| (None, step));
    for (bid, step) in lot.chain(bids).chain(result) {
        let mut at = At {
            bid,
            links: &links,
            cells: &mut cells,
            lists: &mut lists,
            known: &mut known,
        };
        let live = at.live(step);
        lines.push(Line { bid, step, live });
    }
    Plan { lines, cells }
}

/// Lists that steps of the lot made, by name and value.
type Lists = BTreeMap<(String, String), Area>;

/// Places of what inputs name, by the bid that says it and its name.
type Known = BTreeMap<(Option<String>, String), Place>;

/// One step on its way into the workbook.
struct At<'a> {
    bid: Option<&'a str>,
    links: &'a Links<'a>,
    cells: &'a mut Cells,
    lists: &'a mut Lists,
    known: &'a mut Known,
}

impl At<'_> {
    /// What the live cell of a step holds: its formula, or the value where it has none. A list
    /// stands on the input sheet; its step shows how long it is.
    fn live(&mut self, step: &Step) -> Cell {
        let value = Value::parse(&step.value);
        let formula = (!step.formula.is_empty())
            .then(|| self.formula(step))
            .flatten();
        match (formula, value) {
            (Some(text), Some(Value::List(list))) => {
                Cell::Formula(format!("COUNT({text})"), list.len().to_string())
            }
            (Some(text), Some(_)) => Cell::Formula(text, step.value.clone()),
            (None, Some(Value::Number(number))) => Cell::Number(number.to_exact()),
            _ => Cell::Text(step.value.clone()),
        }
    }

    fn formula(&mut self, step: &Step) -> Option<String> {
        let expr = parse_expr(&step.formula).ok()?;
        let mut names = Names {
            places: BTreeMap::new(),
            values: BTreeMap::new(),
        };
        for input in &step.inputs {
            let (value, place) = if input.value == input.name {
                self.named(step, input)?
            } else {
                let value = Value::parse(&input.value)?;
                let place = self.place(step, input, &value)?;
                (value, place)
            };
            names.places.insert(&input.name, place);
            names.values.insert(input.name.clone(), value);
        }
        if matches!(Value::parse(&step.value), Some(Value::List(_))) {
            let area = area(&expr, &names, self.cells)?;
            let text = area.text();
            let key = (step.quantity.clone(), step.value.clone());
            self.lists.insert(key, area);
            return Some(text);
        }
        translate(&expr, &names, self.cells)
    }

    /// A list or table that another step says, placed once.
    fn named(&mut self, step: &Step, input: &Input) -> Option<(Value, Place)> {
        let (owner, text, value) = self.links.named(self.bid, &input.name)?;
        let key = (owner.map(str::to_owned), input.name.clone());
        if let Some(place) = self.known.get(&key) {
            return Some((value, place.clone()));
        }
        let whole = Input {
            name: input.name.clone(),
            value: text.to_owned(),
        };
        let place = self.place(step, &whole, &value)?;
        self.known.insert(key, place.clone());
        Some((value, place))
    }

    /// Where an input stands: the cell of an earlier step, or one of the input sheet.
    fn place(&mut self, step: &Step, input: &Input, value: &Value) -> Option<Place> {
        if let Some(cell) = self.links.cell(self.bid, step, input) {
            return Some(Place::Cell(cell));
        }
        let (name, text) = (&input.name, &input.value);
        Some(match value {
            Value::Number(_) | Value::Truth(_) => {
                let area = self.cells.given(name, text, value, None)?;
                Place::Cell(area.cell(0, 0))
            }
            Value::List(list) => {
                if let Some(area) = self.lists.get(&(name.clone(), text.clone())) {
                    return Some(Place::List(area.clone()));
                }
                let from = self.links.list(self.bid, step, name, list);
                Place::List(self.cells.given(name, text, value, from.as_deref())?)
            }
            Value::Table(_) => Place::Table(self.cells.given(name, text, value, None)?),
        })
    }
}
