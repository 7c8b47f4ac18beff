//! The table as a derivation, line by line.

mod bid;
mod lot;

use super::Table;
use crate::Name;
use crate::derivation::{BidSteps, Derivation, Input, Step};
use crate::formula::{Line, Value};
use std::collections::BTreeMap;

fn name(zh: &str, en: &str) -> Name {
    Name {
        zh: zh.to_owned(),
        en: en.to_owned(),
    }
}

fn input(name: &str, value: impl Into<String>) -> Input {
    Input {
        name: name.to_owned(),
        value: value.into(),
    }
}

/// A list as the formula language writes it, in the order given.
fn list(values: impl Iterator<Item = String>) -> String {
    format!("[{}]", values.collect::<Vec<_>>().join(", "))
}

/// One step before it has its basis.
struct Draft {
    quantity: &'static str,
    name: Name,
    formula: String,
    inputs: Vec<Input>,
    value: String,
    key: &'static str,
}

impl Table<'_> {
    /// The derivation of everything in the outcome.
    pub(crate) fn derivation(&self) -> Derivation {
        let mut bids: Vec<BidSteps> = self.works.iter().map(|work| self.bid(work)).collect();
        let mut without: BTreeMap<&str, Vec<Step>> = BTreeMap::new();
        for invalid in &self.invalid {
            let mut step = self.step(Draft {
                quantity: "invalid",
                name: name("无效投标", "invalid bid"),
                formula: String::new(),
                inputs: Vec::new(),
                value: invalid.reason.clone(),
                key: "step.price",
            });
            step.basis = self
                .ground
                .pack
                .basis(&format!("reason.{}", invalid.reason));
            without.entry(&invalid.id).or_default().push(step);
        }
        bids.extend(without.into_iter().map(|(id, steps)| BidSteps {
            id: id.to_owned(),
            rank: None,
            steps,
        }));
        Derivation {
            pack: self.pin(),
            lot: self.lot(),
            bids,
            result: self.result(),
        }
    }

    fn step(&self, draft: Draft) -> Step {
        Step {
            quantity: draft.quantity.to_owned(),
            name: draft.name,
            formula: draft.formula,
            inputs: draft.inputs,
            value: draft.value,
            basis: self.ground.pack.basis(draft.key),
        }
    }

    /// A line of a formula as a step.
    fn line(&self, line: &Line, known: &dyn Fn(&str) -> Option<Value>) -> Step {
        let label = self
            .priced
            .as_ref()
            .and_then(|p| p.formula.labels.get(&line.name));
        let names = line.expr.names().into_iter();
        let inputs = names.map(|n| match known(n) {
            Some(Value::List(_) | Value::Table(_)) if line.each => input(n, n),
            value => input(n, value.map_or(String::new(), |v| v.to_string())),
        });
        Step {
            quantity: line.name.clone(),
            name: label
                .cloned()
                .unwrap_or_else(|| name(&line.name, &line.name)),
            formula: line.text.clone(),
            inputs: inputs.collect(),
            value: known(&line.name).map_or(String::new(), |v| v.to_string()),
            basis: self.ground.pack.basis(self.points_key()),
        }
    }
}
