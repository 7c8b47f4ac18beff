//! Formulas as data: a small, total, exact expression language.
//!
//! A formula has lines `name = expression`, lines `each name = expression` that hold for every bid,
//! fixed numbers and tables (`params`), and coefficients that are drawn (`drawn`). It has no loops
//! and no recursion: a name is known below its line only. Normative text: `spec/formula.md`.

mod ast;
mod eval;
mod functions;
mod parse;
mod types;

pub use ast::{Expr, Function, Line, Node, Op, Program};
pub use eval::{Computed, Given, Value, compute, value_of};
pub use parse::parse_expr;

use crate::pack::Pack;
use crate::{Error, Name, Ratio};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Lines of a formula: the longest local rule met has a dozen.
pub const LINES_MAX: usize = 64;
/// Bytes of one line.
pub const LINE_LEN_MAX: usize = 1_024;
/// Nesting of an expression.
pub const DEPTH_MAX: usize = 32;
/// Nodes of a formula.
pub const NODES_MAX: usize = 2_048;
/// Params and drawn coefficients.
pub const PARAMS_MAX: usize = 64;
/// Cells of a table, and values that one coefficient is drawn from.
pub const CELLS_MAX: usize = 1_024;
/// Nodes and list elements that one computation may visit, numbers beyond 127 bits counted by the
/// square of their words: 20,000 bids with a formula of some hundred nodes, below a second.
pub const STEPS_MAX: u64 = 5_000_000;

/// A fixed number or table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Param {
    /// Decimal text.
    Number(String),
    /// Rows of decimal text, ascending by the first column.
    Table(Vec<Vec<String>>),
}

/// What a coefficient is drawn from, published with the rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Choice {
    /// One of these numbers.
    Values {
        /// Decimal text.
        values: Vec<String>,
    },
    /// So many of the valid bids; the formula sees the list of their prices.
    Bids {
        /// How many.
        bids: usize,
    },
}

/// What was drawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Drawn {
    /// One of the values.
    Value(String),
    /// Ids of bids.
    Bids(Vec<String>),
}

/// A formula, or a family of the pack with its own numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Formula {
    /// Id of a formula of the pack, whose text and params hold unless given here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
    /// The lines.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub text: Vec<String>,
    /// Fixed numbers and tables by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, Param>,
    /// Drawn coefficients by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub drawn: BTreeMap<String, Choice>,
    /// What the lines compute, by name of the line.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, Name>,
}

/// A fault of the formula that has no place in a line.
fn fault(what: String) -> Error {
    Error::Formula {
        code: "formula.param",
        line: 0,
        column: 0,
        what,
    }
}

impl Formula {
    /// The formula with what it takes from the pack written out.
    ///
    /// # Errors
    /// [`Error::Formula`] for a family or param that the pack does not know.
    pub fn resolve(&self, pack: &Pack) -> Result<Self, Error> {
        let Some(id) = &self.family else {
            return Ok(self.clone());
        };
        let entry = pack.entry(&format!("formula.{id}"));
        let Some(base) = entry.and_then(|entry| entry.formula.as_ref()) else {
            return Err(fault(format!("pack {} has no formula {id:?}", pack.id())));
        };
        if !self.text.is_empty() || !self.labels.is_empty() {
            return Err(fault(format!("family {id:?} has its own text")));
        }
        let mut whole = base.clone();
        for (name, param) in &self.params {
            // A coefficient that the document fixes is not drawn.
            let drawn = whole.drawn.remove(name).is_some();
            let old = whole.params.insert(name.clone(), param.clone());
            let same = match (&old, param) {
                (Some(Param::Number(_)), Param::Number(_))
                | (Some(Param::Table(_)), Param::Table(_)) => true,
                (None, Param::Number(_)) => drawn,
                _ => false,
            };
            if !same {
                return Err(fault(format!("family {id:?} has no such param {name:?}")));
            }
        }
        for (name, choice) in &self.drawn {
            let known = whole.drawn.contains_key(name) || whole.params.contains_key(name);
            if !known || self.params.contains_key(name) {
                return Err(fault(format!("family {id:?} has no coefficient {name:?}")));
            }
            whole.params.remove(name);
            whole.drawn.insert(name.clone(), choice.clone());
        }
        Ok(whole)
    }

    /// Reads the lines and checks names, types and limits.
    ///
    /// # Errors
    /// [`Error::Formula`] with the line and column.
    pub fn compile(&self) -> Result<Program, Error> {
        if self.family.is_some() {
            return Err(fault("a family is taken from the pack first".to_owned()));
        }
        if self.params.len() + self.drawn.len() > PARAMS_MAX {
            return Err(fault(format!("at most {PARAMS_MAX} params")));
        }
        if let Some(name) = self.drawn.keys().find(|n| self.params.contains_key(*n)) {
            return Err(fault(format!("{name:?} is fixed and drawn")));
        }
        for (name, choice) in &self.drawn {
            let good = match choice {
                Choice::Bids { bids } => (1..=CELLS_MAX).contains(bids),
                Choice::Values { values } => {
                    let mut seen = std::collections::BTreeSet::new();
                    let fresh = |text: &String| Ok::<_, Error>(seen.insert(Ratio::parse(text)?));
                    let distinct: Result<Vec<bool>, Error> = values.iter().map(fresh).collect();
                    distinct?.iter().all(|new| *new) && (1..=CELLS_MAX).contains(&values.len())
                }
            };
            if !good {
                return Err(fault(format!(
                    "{name:?} is drawn from 1 to {CELLS_MAX} different values"
                )));
            }
        }
        let program = parse::program(&self.text)?;
        let label = |name: &&String| !program.lines.iter().any(|line| line.name == **name);
        if let Some(name) = self.labels.keys().find(label) {
            return Err(fault(format!(
                "a label for {name:?}, which no line computes"
            )));
        }
        types::check(self, program)
    }

    /// The ids of the draw's pool for a coefficient: `K=0.005`, one for each value, in the order of
    /// the formula; `None` if it is drawn from the bids or not drawn.
    pub fn pool(&self, name: &str) -> Option<Vec<String>> {
        match self.drawn.get(name)? {
            Choice::Values { values } => {
                Some(values.iter().map(|v| format!("{name}={v}")).collect())
            }
            Choice::Bids { .. } => None,
        }
    }

    /// The value that an id of [`Self::pool`] stands for.
    pub fn drawn_value(&self, name: &str, id: &str) -> Option<Drawn> {
        let at = self.pool(name)?.iter().position(|other| other == id)?;
        match self.drawn.get(name)? {
            Choice::Values { values } => values.get(at).cloned().map(Drawn::Value),
            Choice::Bids { .. } => None,
        }
    }
}
