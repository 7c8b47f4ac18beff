//! Which cell of the derivation a number comes from.

use super::sheet::address;
use super::{FIRST, LIVE};
use mifeng::score::Ratio;
use mifeng::score::derivation::{Derivation, Input, Step};
use mifeng::score::formula::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A step with its row, and the value it has if that is a number.
struct Found<'a> {
    row: u32,
    step: &'a Step,
    value: Option<Value>,
}

/// Every step by bid and quantity.
pub(super) struct Links<'a> {
    sheet: String,
    steps: HashMap<(Option<&'a str>, &'a str), Found<'a>>,
    /// Bids and quantities in their order.
    bids: Vec<&'a str>,
    quantities: Vec<&'a str>,
}

impl<'a> Links<'a> {
    pub(super) fn new(derivation: &'a Derivation, sheet: &str) -> Self {
        let mut links = Self {
            sheet: sheet.to_owned(),
            steps: HashMap::new(),
            bids: derivation.bids.iter().map(|bid| bid.id.as_str()).collect(),
            quantities: Vec::new(),
        };
        let mut row = FIRST;
        let mut seen = BTreeSet::new();
        let mut add = |links: &mut Self, bid: Option<&'a str>, step: &'a Step| {
            if bid.is_some() && seen.insert(step.quantity.as_str()) {
                links.quantities.push(&step.quantity);
            }
            let found = Found {
                row,
                step,
                value: Value::parse(&step.value),
            };
            // The first of a name is the one that later steps read.
            links
                .steps
                .entry((bid, step.quantity.as_str()))
                .or_insert(found);
            row += 1;
        };
        for step in &derivation.lot {
            add(&mut links, None, step);
        }
        for bid in &derivation.bids {
            for step in &bid.steps {
                add(&mut links, Some(&bid.id), step);
            }
        }
        for step in &derivation.result {
            add(&mut links, None, step);
        }
        links
    }

    /// The step that says what is named: whose it is, its text and value.
    pub(super) fn named<'s>(
        &'s self,
        bid: Option<&'s str>,
        name: &'s str,
    ) -> Option<(Option<&'s str>, &'s str, Value)> {
        let own = bid.and_then(|bid| Some((Some(bid), self.steps.get(&(Some(bid), name))?)));
        let lot = || Some((None, self.steps.get(&(None, name))?));
        let (owner, found) = own.or_else(lot)?;
        Some((owner, &found.step.value, found.value.clone()?))
    }

    fn address(&self, row: u32) -> String {
        address(&self.sheet, row, LIVE)
    }

    /// The live cell of the step that an input is the value of.
    pub(super) fn cell(&self, bid: Option<&str>, of: &Step, input: &Input) -> Option<String> {
        // In formulas `p` is what a bid is compared by.
        let name = match input.name.as_str() {
            "p" => "evaluated",
            name => name,
        };
        let own = bid.and_then(|bid| self.steps.get(&(Some(bid), name)));
        let found = own.or_else(|| self.steps.get(&(None, name)))?;
        // A list stands on the input sheet, not in the cell of its step.
        let single = matches!(found.value, Some(Value::Number(_) | Value::Truth(_)));
        let same = single && found.value == Value::parse(&input.value);
        let circle = std::ptr::eq(found.step, of) || self.reads(found.step, bid, &of.quantity, 0);
        (same && !circle).then(|| self.address(found.row))
    }

    /// The live cells whose values are this list, one of each bid: a quantity of the bids that has
    /// these values and does not itself come from `of`.
    pub(super) fn list(
        &self,
        bid: Option<&str>,
        of: &Step,
        name: &str,
        list: &[Ratio],
    ) -> Option<Vec<String>> {
        // The lists of a bid are its own, such as the totals of the judges.
        if bid.is_some() || list.is_empty() {
            return None;
        }
        let named = |quantity: &&&str| **quantity == name;
        let first = self.quantities.iter().filter(named);
        let others = self.quantities.iter().filter(|quantity| !named(quantity));
        first.chain(others).find_map(|quantity| {
            let mut column: BTreeMap<Ratio, Vec<u32>> = BTreeMap::new();
            let mut count = 0;
            for bid in &self.bids {
                let Some(found) = self.steps.get(&(Some(*bid), *quantity)) else {
                    continue;
                };
                if self.reads(found.step, Some(bid), &of.quantity, 0) {
                    return None;
                }
                let number = found.value.as_ref().and_then(Value::number)?;
                column.entry(number.clone()).or_default().push(found.row);
                count += 1;
            }
            if count != list.len() {
                return None;
            }
            // Both are sorted; each element takes a cell of its value.
            let sorted = column
                .iter()
                .flat_map(|(value, rows)| rows.iter().map(move |r| (value, r)));
            let pairs: Vec<_> = sorted.zip(list).collect();
            let equal = pairs.iter().all(|((value, _), element)| value == element);
            equal.then(|| {
                pairs
                    .iter()
                    .map(|((_, row), _)| self.address(**row))
                    .collect()
            })
        })
    }

    /// Whether a step reads a quantity of the lot, itself or by those that it reads.
    fn reads(&self, step: &Step, bid: Option<&str>, quantity: &str, depth: usize) -> bool {
        /// Longer chains are taken to be circles: the list is then written as numbers.
        const DEPTH_MAX: usize = 24;
        if depth > DEPTH_MAX {
            return true;
        }
        step.inputs.iter().any(|input| {
            let own = bid.and_then(|bid| self.steps.get(&(Some(bid), input.name.as_str())));
            let lot = || self.steps.get(&(None, input.name.as_str()));
            match (own, lot()) {
                (Some(found), _) if !std::ptr::eq(found.step, step) => {
                    self.reads(found.step, bid, quantity, depth + 1)
                }
                (_, Some(_)) if input.name == quantity => true,
                (_, Some(found)) if !std::ptr::eq(found.step, step) => {
                    self.reads(found.step, None, quantity, depth + 1)
                }
                _ => false,
            }
        })
    }
}
