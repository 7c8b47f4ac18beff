//! Trees into values, with every step counted.

use super::ast::{Expr, Function, Line, Node, Op, Program};
use super::functions::{Fault, call};
use super::parse::at;
use super::types::table;
use super::{Choice, Drawn, Formula, Param, STEPS_MAX};
use crate::{Error, Ratio};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number.
    Number(Ratio),
    /// A truth.
    Truth(bool),
    /// Numbers, ascending.
    List(Arc<[Ratio]>),
    /// Rows, ascending by their first.
    Table(Arc<[Vec<Ratio>]>),
}

impl Value {
    /// A list; sorts it.
    pub fn list(mut numbers: Vec<Ratio>) -> Self {
        numbers.sort_unstable();
        Self::List(numbers.into())
    }

    /// The number, if it is one.
    pub fn number(&self) -> Option<&Ratio> {
        match self {
            Self::Number(number) => Some(number),
            _ => None,
        }
    }

    /// Elements that a function visits.
    fn size(&self) -> u64 {
        match self {
            Self::List(list) => list.len() as u64,
            Self::Table(rows) => rows.len() as u64,
            _ => 1,
        }
    }

    /// What one operation on the number costs; the elements of lists and tables were given as
    /// decimal text, so theirs is one.
    fn cost(&self) -> u64 {
        self.number().map_or(1, Ratio::cost)
    }

    /// Reads what [`std::fmt::Display`] writes; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let number = Ratio::parse_exact;
        match text {
            "true" => return Some(Self::Truth(true)),
            "false" => return Some(Self::Truth(false)),
            "[]" => return Some(Self::List(Arc::from([]))),
            _ => {}
        }
        let Some(inner) = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) else {
            return number(text).map(Self::Number);
        };
        if inner.contains(' ') && !inner.contains(", ") {
            let row = |row: &str| row.split(' ').map(number).collect::<Option<Vec<_>>>();
            let rows: Option<Vec<_>> = inner.split("; ").map(row).collect();
            return rows.map(|rows| Self::Table(rows.into()));
        }
        let numbers: Option<Vec<_>> = inner.split(", ").map(number).collect();
        numbers.map(Self::list)
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let joined = |numbers: &[Ratio], between: &str| {
            let texts: Vec<String> = numbers.iter().map(Ratio::to_exact).collect();
            texts.join(between)
        };
        match self {
            Self::Number(number) => f.write_str(&number.to_exact()),
            Self::Truth(truth) => write!(f, "{truth}"),
            Self::List(list) => write!(f, "[{}]", joined(list, ", ")),
            Self::Table(rows) => {
                let rows: Vec<String> = rows.iter().map(|row| joined(row, " ")).collect();
                write!(f, "[{}]", rows.join("; "))
            }
        }
    }
}

/// What a computation is given besides the formula.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// Valid bids and what each is compared by.
    pub prices: &'a [(&'a str, Ratio)],
    /// The ceiling, if there is one.
    pub ceiling: Option<&'a Ratio>,
    /// What was drawn, by name.
    pub drawn: &'a BTreeMap<String, Drawn>,
}

/// Every value of a computation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Computed {
    /// Names of the lot: those given, then those of the lines.
    pub lot: BTreeMap<String, Value>,
    /// Names of each bid, in the order of [`Given::prices`].
    pub each: BTreeMap<String, Vec<Value>>,
}

/// Names of a lot and of one bid.
struct Scope<'a> {
    lot: &'a BTreeMap<String, Value>,
    own: &'a BTreeMap<&'a str, Value>,
    line: usize,
    steps: &'a mut u64,
}

/// Computes every line.
///
/// # Errors
/// [`Error::Formula`] with line and column; [`Error::Missing`] for what was not drawn or given.
pub fn compute(formula: &Formula, program: &Program, given: &Given) -> Result<Computed, Error> {
    let mut lot = names(formula, program, given)?;
    let mut steps = 0;
    let nothing = BTreeMap::new();
    for line in program.lines.iter().filter(|line| !line.each) {
        let mut scope = Scope {
            lot: &lot,
            own: &nothing,
            line: line.number,
            steps: &mut steps,
        };
        let value = scope.of(&line.expr)?;
        lot.insert(line.name.clone(), value);
    }
    let lines: Vec<&Line> = program.lines.iter().filter(|line| line.each).collect();
    let mut columns: Vec<Vec<Value>> = vec![Vec::with_capacity(given.prices.len()); lines.len()];
    for (_, price) in given.prices {
        let mut own = BTreeMap::from([("p", Value::Number(price.clone()))]);
        for (line, column) in lines.iter().zip(&mut columns) {
            let mut scope = Scope {
                lot: &lot,
                own: &own,
                line: line.number,
                steps: &mut steps,
            };
            let value = scope.of(&line.expr)?;
            // A list of each bid is kept for each, whether a function saw it or not.
            scope.count(&line.expr, value.size())?;
            column.push(value.clone());
            own.insert(&line.name, value);
        }
    }
    let names = lines.iter().map(|line| line.name.clone());
    let each = names.zip(columns).collect();
    Ok(Computed { lot, each })
}

/// The value of one expression over given names.
///
/// # Errors
/// As [`compute`]; a name that is not given.
pub fn value_of(expr: &Expr, names: &BTreeMap<String, Value>) -> Result<Value, Error> {
    let mut steps = 0;
    let mut scope = Scope {
        lot: names,
        own: &BTreeMap::new(),
        line: 1,
        steps: &mut steps,
    };
    scope.of(expr)
}

/// The names before the first line.
fn names(
    formula: &Formula,
    program: &Program,
    given: &Given,
) -> Result<BTreeMap<String, Value>, Error> {
    let prices: Vec<Ratio> = given
        .prices
        .iter()
        .map(|(_, price)| price.clone())
        .collect();
    let count = i64::try_from(prices.len()).unwrap_or(i64::MAX);
    let mut names = BTreeMap::from([
        ("x".to_owned(), Value::list(prices)),
        ("n".to_owned(), Value::Number(Ratio::from(count))),
    ]);
    match given.ceiling {
        Some(ceiling) => {
            names.insert("ceiling".to_owned(), Value::Number(ceiling.clone()));
        }
        None if program.reads("ceiling") => return Err(missing("ceiling price", "ceiling")),
        None => {}
    }
    for (name, param) in &formula.params {
        let value = match param {
            Param::Number(text) => Value::Number(Ratio::parse(text)?),
            Param::Table(rows) => Value::Table(table(name, rows)?.into()),
        };
        names.insert(name.clone(), value);
    }
    if let Some(name) = given.drawn.keys().find(|n| !formula.drawn.contains_key(*n)) {
        return Err(Error::Unknown {
            what: "drawn coefficient",
            id: name.clone(),
        });
    }
    for (name, choice) in &formula.drawn {
        let drawn = given.drawn.get(name);
        let drawn = drawn.ok_or_else(|| missing("drawn coefficient", name))?;
        names.insert(name.clone(), drawn_value(name, choice, drawn, given)?);
    }
    Ok(names)
}

fn missing(what: &'static str, id: &str) -> Error {
    Error::Missing {
        what,
        id: id.to_owned(),
    }
}

/// What was drawn, if it could be drawn.
fn drawn_value(name: &str, choice: &Choice, drawn: &Drawn, given: &Given) -> Result<Value, Error> {
    let unknown = |id: String| Error::Unknown {
        what: "drawn value",
        id: format!("{name}={id}"),
    };
    match (choice, drawn) {
        (Choice::Values { values }, Drawn::Value(text)) => {
            let value = Ratio::parse(text)?;
            let known = |text: &String| Ratio::parse(text).is_ok_and(|other| other == value);
            if !values.iter().any(known) {
                return Err(unknown(text.clone()));
            }
            Ok(Value::Number(value))
        }
        (Choice::Bids { bids }, Drawn::Bids(ids)) => {
            // A lot of fewer bids draws them all.
            let expected = (*bids).min(given.prices.len());
            let distinct: BTreeSet<&str> = ids.iter().map(String::as_str).collect();
            if ids.len() != expected || distinct.len() != ids.len() {
                return Err(unknown(format!("{} bids", ids.len())));
            }
            let price = |(id, price): &(&str, Ratio)| distinct.contains(id).then(|| price.clone());
            let prices: Vec<Ratio> = given.prices.iter().filter_map(price).collect();
            if prices.len() != ids.len() {
                return Err(unknown("a bid that is not valid".to_owned()));
            }
            Ok(Value::list(prices))
        }
        (Choice::Values { .. }, Drawn::Bids(_)) => Err(unknown("bids".to_owned())),
        (Choice::Bids { .. }, Drawn::Value(text)) => Err(unknown(text.clone())),
    }
}

impl Scope<'_> {
    fn fault(&self, expr: &Expr, what: String) -> Error {
        at("formula.value", self.line, expr.column, what)
    }

    fn count(&mut self, expr: &Expr, steps: u64) -> Result<(), Error> {
        *self.steps = self.steps.saturating_add(steps);
        if *self.steps > STEPS_MAX {
            let what = format!("more than {STEPS_MAX} steps");
            return Err(at("formula.limit", self.line, expr.column, what));
        }
        Ok(())
    }

    fn of(&mut self, expr: &Expr) -> Result<Value, Error> {
        self.count(expr, 1)?;
        match &expr.node {
            Node::Number(number) => Ok(Value::Number(number.clone())),
            Node::Name(name) => {
                let found = self.own.get(name.as_str()).or_else(|| self.lot.get(name));
                let found = found.cloned();
                found.ok_or_else(|| self.fault(expr, format!("{name} has no value")))
            }
            Node::Minus(inner) => Ok(Value::Number(self.number(inner)?.neg())),
            Node::Binary(op, left, right) => self.binary(expr, *op, left, right),
            Node::Call(Function::If, args) => match args.as_slice() {
                [truth, yes, no] => {
                    let chosen = if self.truth(truth)? { yes } else { no };
                    self.of(chosen)
                }
                _ => Err(self.fault(expr, "3 values expected".to_owned())),
            },
            Node::Call(function, args) => {
                let mut values = Vec::with_capacity(args.len());
                let (mut size, mut cost) = (0, 1);
                for arg in args {
                    let value = self.of(arg)?;
                    size += value.size();
                    cost = value.cost().max(cost);
                    values.push(value);
                }
                self.count(expr, cost.saturating_mul(size))?;
                let value = call(*function, &values).map_err(|fault| self.place(expr, fault))?;
                // The product of a power outgrows what it is made of.
                self.count(expr, value.cost() - 1)?;
                Ok(value)
            }
        }
    }

    fn place(&self, expr: &Expr, fault: Fault) -> Error {
        match fault {
            Fault::Value(what) => self.fault(expr, what),
            Fault::Number(error) => self.fault(expr, error.to_string()),
        }
    }

    fn number(&mut self, expr: &Expr) -> Result<Ratio, Error> {
        match self.of(expr)? {
            Value::Number(number) => Ok(number),
            _ => Err(self.fault(expr, "a number expected".to_owned())),
        }
    }

    fn truth(&mut self, expr: &Expr) -> Result<bool, Error> {
        match self.of(expr)? {
            Value::Truth(truth) => Ok(truth),
            _ => Err(self.fault(expr, "a truth expected".to_owned())),
        }
    }

    fn binary(&mut self, expr: &Expr, op: Op, left: &Expr, right: &Expr) -> Result<Value, Error> {
        match op {
            Op::And => return Ok(Value::Truth(self.truth(left)? && self.truth(right)?)),
            Op::Or => return Ok(Value::Truth(self.truth(left)? || self.truth(right)?)),
            _ => {}
        }
        let (a, b) = (self.number(left)?, self.number(right)?);
        self.count(expr, a.cost().max(b.cost()) - 1)?;
        let number = match op {
            Op::Add => a.add(&b),
            Op::Sub => a.sub(&b),
            Op::Mul => a.mul(&b),
            Op::Div => a.div(&b),
            Op::Less => return Ok(Value::Truth(a < b)),
            Op::LessEqual => return Ok(Value::Truth(a <= b)),
            Op::Greater => return Ok(Value::Truth(a > b)),
            Op::GreaterEqual => return Ok(Value::Truth(a >= b)),
            Op::Equal => return Ok(Value::Truth(a == b)),
            // `and` and `or` were done.
            Op::NotEqual | Op::And | Op::Or => return Ok(Value::Truth(a != b)),
        };
        let number = number.map_err(|e| match e {
            Error::Zero { .. } => self.fault(expr, "division by zero".to_owned()),
            other => self.fault(expr, other.to_string()),
        })?;
        Ok(Value::Number(number))
    }
}
