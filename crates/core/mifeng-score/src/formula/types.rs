//! Names and types: what passes here fails only on numbers.

use super::ast::{Expr, Function, Node, Op, Program};
use super::parse::at;
use super::{CELLS_MAX, Choice, Formula, Param, fault};
use crate::{Error, Ratio};
use std::collections::BTreeMap;

/// The type of a name or expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Number,
    Truth,
    List,
    Table,
}

impl Type {
    fn name(self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Truth => "a truth",
            Self::List => "a list",
            Self::Table => "a table",
        }
    }
}

/// A name: its type, and whether only lines of bids may read it.
type Names = BTreeMap<String, (Type, bool)>;

/// Checks every line; every result has `points` for each bid.
pub(super) fn check(formula: &Formula, program: Program) -> Result<Program, Error> {
    let mut names = given(formula)?;
    for line in &program.lines {
        let checker = Checker {
            names: &names,
            line: line.number,
            each: line.each,
        };
        let found = checker.of(&line.expr)?;
        if names
            .insert(line.name.clone(), (found, line.each))
            .is_some()
        {
            let what = format!("{} is taken", line.name);
            return Err(at("formula.name", line.number, 1, what));
        }
    }
    if names.get("points") != Some(&(Type::Number, true)) {
        let what = "a line `each points = …` that is a number is expected".to_owned();
        return Err(at("formula.name", formula.text.len(), 1, what));
    }
    for (name, each) in [("base", false), ("deviation", true)] {
        if names.get(name).is_some_and(|t| *t != (Type::Number, each)) {
            let what =
                format!("{name} is a number, of the lot for base, of each bid for deviation");
            return Err(at("formula.type", formula.text.len(), 1, what));
        }
    }
    Ok(program)
}

/// The names before the first line.
fn given(formula: &Formula) -> Result<Names, Error> {
    let mut names = Names::from([
        ("x".to_owned(), (Type::List, false)),
        ("n".to_owned(), (Type::Number, false)),
        ("ceiling".to_owned(), (Type::Number, false)),
        ("p".to_owned(), (Type::Number, true)),
    ]);
    let params = formula.params.iter().map(|(name, param)| match param {
        Param::Number(text) => Ratio::parse(text).map(|_| (name, Type::Number)),
        Param::Table(rows) => table(name, rows).map(|_| (name, Type::Table)),
    });
    let drawn = formula.drawn.iter().map(|(name, choice)| match choice {
        Choice::Values { .. } => Ok((name, Type::Number)),
        Choice::Bids { .. } => Ok((name, Type::List)),
    });
    for found in params.chain(drawn) {
        let (name, kind) = found?;
        let first = name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic());
        let rest = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !first || !rest || name.len() > 32 {
            return Err(fault(format!("{name:?} is no name")));
        }
        if names.insert(name.clone(), (kind, false)).is_some() {
            return Err(fault(format!("{name:?} is taken")));
        }
    }
    Ok(names)
}

/// A table as numbers.
pub(super) fn table(name: &str, rows: &[Vec<String>]) -> Result<Vec<Vec<Ratio>>, Error> {
    let width = rows.first().map_or(0, Vec::len);
    if width == 0 || rows.len() * width > CELLS_MAX || rows.iter().any(|r| r.len() != width) {
        return Err(fault(format!(
            "table {name:?} has rows of one length and 1 to {CELLS_MAX} cells"
        )));
    }
    let mut read: Vec<Vec<Ratio>> = Vec::with_capacity(rows.len());
    for row in rows {
        let row: Result<Vec<Ratio>, Error> = row.iter().map(|text| Ratio::parse(text)).collect();
        read.push(row?);
    }
    if read.windows(2).any(|pair| pair[0][0] >= pair[1][0]) {
        return Err(fault(format!("the first column of table {name:?} ascends")));
    }
    Ok(read)
}

struct Checker<'a> {
    names: &'a Names,
    line: usize,
    each: bool,
}

impl Checker<'_> {
    fn fault(&self, code: &'static str, expr: &Expr, what: String) -> Error {
        at(code, self.line, expr.column, what)
    }

    fn of(&self, expr: &Expr) -> Result<Type, Error> {
        match &expr.node {
            Node::Number(_) => Ok(Type::Number),
            Node::Name(name) => match self.names.get(name) {
                Some((_, true)) if !self.each => {
                    let what = format!("{name} is of each bid; write each before the line");
                    Err(self.fault("formula.name", expr, what))
                }
                Some((found, _)) => Ok(*found),
                None => {
                    let what = format!("no name {name} above this line");
                    Err(self.fault("formula.name", expr, what))
                }
            },
            Node::Minus(inner) => self.expect(inner, Type::Number),
            Node::Binary(op, left, right) => {
                let (inner, outer) = match op {
                    Op::Add | Op::Sub | Op::Mul | Op::Div => (Type::Number, Type::Number),
                    Op::And | Op::Or => (Type::Truth, Type::Truth),
                    _ => (Type::Number, Type::Truth),
                };
                self.expect(left, inner)?;
                self.expect(right, inner)?;
                Ok(outer)
            }
            Node::Call(function, args) => self.call(expr, *function, args),
        }
    }

    fn expect(&self, expr: &Expr, expected: Type) -> Result<Type, Error> {
        let found = self.of(expr)?;
        if found == expected {
            return Ok(found);
        }
        let what = format!("{} expected, found {}", expected.name(), found.name());
        Err(self.fault("formula.type", expr, what))
    }

    fn call(&self, expr: &Expr, function: Function, args: &[Expr]) -> Result<Type, Error> {
        use Function::*;
        use Type::{List, Number, Table, Truth};
        let (expected, result): (&[Type], Type) = match function {
            Count | Sum | Mean | Median => (&[List], Number),
            Min | Max => {
                for arg in args {
                    let found = self.of(arg)?;
                    if found != Number && found != List {
                        self.expect(arg, Number)?;
                    }
                }
                return Ok(Number);
            }
            If => {
                if args.len() != 3 {
                    return Err(self.arity(expr, 3, args.len()));
                }
                self.expect(&args[0], Truth)?;
                let kind = self.of(&args[1])?;
                return self.expect(&args[2], kind);
            }
            Nth => (&[List, Number], Number),
            UpTo => (&[List, Number], List),
            Drop | Within => (&[List, Number, Number], List),
            Lookup => (&[Table, Number, Number], Number),
            Tiers => (&[Table, Number], Number),
            Abs => (&[Number], Number),
            Round | Trunc | Floor | Ceil | Pow => (&[Number, Number], Number),
            Not => (&[Truth], Truth),
        };
        if args.len() != expected.len() {
            return Err(self.arity(expr, expected.len(), args.len()));
        }
        for (arg, kind) in args.iter().zip(expected) {
            self.expect(arg, *kind)?;
        }
        Ok(result)
    }

    fn arity(&self, expr: &Expr, expected: usize, found: usize) -> Error {
        let what = format!("{expected} values expected, found {found}");
        self.fault("formula.type", expr, what)
    }
}
