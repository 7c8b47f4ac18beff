//! Expressions of the formula language as formulas of a spreadsheet.

use super::sheet::{Area, Cells};
use mifeng::score::formula::{Expr, Function, Node, Op, Value, value_of};
use std::collections::BTreeMap;

/// Where a name of an expression stands in the workbook.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// One cell.
    Cell(String),
    /// A column of numbers, gaps allowed.
    List(Area),
    /// Rows of numbers.
    Table(Area),
}

/// What an expression reads.
pub(super) struct Names<'a> {
    pub(super) places: BTreeMap<&'a str, Place>,
    pub(super) values: BTreeMap<String, Value>,
}

/// How tightly a piece of formula binds: what stands inside needs brackets if it binds less.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Bind {
    Compare,
    Add,
    Mul,
    Unary,
    Atom,
}

type Piece = (String, Bind);

/// The formula without `=`; `None` for what a spreadsheet cannot say.
pub(super) fn translate(expr: &Expr, names: &Names, cells: &mut Cells) -> Option<String> {
    Some(piece(expr, names, cells)?.0)
}

/// The place of an expression that is a list; `None` for what a spreadsheet cannot say.
pub(super) fn area(expr: &Expr, names: &Names, cells: &mut Cells) -> Option<Area> {
    match &expr.node {
        Node::Name(name) => match names.places.get(name.as_str())? {
            Place::List(area) => Some(area.clone()),
            _ => None,
        },
        Node::Call(function @ (Function::Drop | Function::Within | Function::UpTo), args) => {
            derived(*function, args, names, cells)
        }
        _ => None,
    }
}

fn bracketed(piece: Piece, least: Bind) -> String {
    if piece.1 < least {
        format!("({})", piece.0)
    } else {
        piece.0
    }
}

fn piece(expr: &Expr, names: &Names, cells: &mut Cells) -> Option<Piece> {
    Some(match &expr.node {
        Node::Number(number) => {
            let text = number.to_exact();
            let bind = match text.contains('/') {
                true => Bind::Mul,
                false if text.starts_with('-') => Bind::Unary,
                false => Bind::Atom,
            };
            (text, bind)
        }
        Node::Name(name) => match names.places.get(name.as_str())? {
            Place::Cell(cell) => (cell.clone(), Bind::Atom),
            Place::List(area) | Place::Table(area) => (area.text(), Bind::Atom),
        },
        Node::Minus(inner) => {
            let inner = bracketed(piece(inner, names, cells)?, Bind::Unary);
            (format!("-{inner}"), Bind::Unary)
        }
        Node::Binary(op, left, right) => {
            let (left, right) = (piece(left, names, cells)?, piece(right, names, cells)?);
            binary(*op, left, right)
        }
        Node::Call(function, args) => (call(*function, args, names, cells)?, Bind::Atom),
    })
}

fn binary(op: Op, left: Piece, right: Piece) -> Piece {
    let (sign, own, inner) = match op {
        Op::And => return (format!("AND({},{})", left.0, right.0), Bind::Atom),
        Op::Or => return (format!("OR({},{})", left.0, right.0), Bind::Atom),
        Op::Add => ("+", Bind::Add, Bind::Add),
        Op::Sub => ("-", Bind::Add, Bind::Mul),
        Op::Mul => ("*", Bind::Mul, Bind::Mul),
        Op::Div => ("/", Bind::Mul, Bind::Unary),
        Op::Less => ("<", Bind::Compare, Bind::Add),
        Op::LessEqual => ("<=", Bind::Compare, Bind::Add),
        Op::Greater => (">", Bind::Compare, Bind::Add),
        Op::GreaterEqual => (">=", Bind::Compare, Bind::Add),
        Op::Equal => ("=", Bind::Compare, Bind::Add),
        Op::NotEqual => ("<>", Bind::Compare, Bind::Add),
    };
    // A comparison of comparisons needs brackets on both sides.
    let left_least = if own == Bind::Compare { Bind::Add } else { own };
    let text = format!(
        "{}{sign}{}",
        bracketed(left, left_least),
        bracketed(right, inner)
    );
    (text, own)
}

fn call(function: Function, args: &[Expr], names: &Names, cells: &mut Cells) -> Option<String> {
    let name = match function {
        Function::Count => "COUNT",
        Function::Sum => "SUM",
        Function::Mean => "AVERAGE",
        Function::Median => "MEDIAN",
        Function::Min => "MIN",
        Function::Max => "MAX",
        Function::Nth => "SMALL",
        Function::Abs => "ABS",
        Function::Round => "ROUND",
        Function::Trunc => "TRUNC",
        Function::Pow => "POWER",
        Function::If => "IF",
        Function::Not => "NOT",
        Function::Floor => return towards(args, names, cells, "ROUNDUP", "ROUNDDOWN"),
        Function::Ceil => return towards(args, names, cells, "ROUNDDOWN", "ROUNDUP"),
        Function::Drop | Function::Within | Function::UpTo => {
            return Some(derived(function, args, names, cells)?.text());
        }
        Function::Lookup => {
            let [table, value, column] = args else {
                return None;
            };
            let table = translate(table, names, cells)?;
            let value = translate(value, names, cells)?;
            let column = translate(column, names, cells)?;
            return Some(format!("IFERROR(VLOOKUP({value},{table},{column},TRUE),0)"));
        }
        Function::Tiers => return tiers(args, names, cells),
    };
    let args: Option<Vec<String>> = args
        .iter()
        .map(|arg| translate(arg, names, cells))
        .collect();
    Some(format!("{name}({})", args?.join(",")))
}

/// Downwards or upwards: spreadsheets round towards or away from zero.
fn towards(
    args: &[Expr],
    names: &Names,
    cells: &mut Cells,
    negative: &str,
    positive: &str,
) -> Option<String> {
    let [value, places] = args else { return None };
    let value = translate(value, names, cells)?;
    let places = translate(places, names, cells)?;
    Some(format!(
        "IF({value}<0,{negative}({value},{places}),{positive}({value},{places}))"
    ))
}

/// The sum over the rows of a table of rate × the part of the value in the row's tier.
fn tiers(args: &[Expr], names: &Names, cells: &mut Cells) -> Option<String> {
    let [table, value] = args else { return None };
    let Node::Name(name) = &table.node else {
        return None;
    };
    let Some(Place::Table(area)) = names.places.get(name.as_str()) else {
        return None;
    };
    let area = area.clone();
    let value = translate(value, names, cells)?;
    let tier = |row: u32| {
        let (from, rate) = (area.cell(row, 0), area.cell(row, 1));
        let end = match row + 1 < area.rows() {
            true => format!("MIN({value},{})", area.cell(row + 1, 0)),
            false => value.clone(),
        };
        format!("MAX(0,{end}-{from})*{rate}")
    };
    let terms: Vec<String> = (0..area.rows()).map(tier).collect();
    Some(terms.join("+"))
}

/// A list made of another: a column of its own, sorted, with gaps where a price is left out.
/// Functions over a column pass over its gaps.
fn derived(function: Function, args: &[Expr], names: &Names, cells: &mut Cells) -> Option<Area> {
    let (source, bounds) = args.split_first()?;
    let values = list(&value_of(source, &names.values).ok()?)?;
    let from = translate(source, names, cells)?;
    let mut heads = Vec::new();
    for bound in bounds {
        let value = value_of(bound, &names.values).ok()?;
        heads.push((translate(bound, names, cells)?, value));
    }
    let whole = value_of_call(function, source, bounds, names)?;
    cells.derived(function, &from, &heads, &values, &whole)
}

fn value_of_call(
    function: Function,
    source: &Expr,
    bounds: &[Expr],
    names: &Names,
) -> Option<Vec<mifeng::score::Ratio>> {
    let mut args = vec![source.clone()];
    args.extend_from_slice(bounds);
    let call = Expr {
        column: 1,
        node: Node::Call(function, args),
    };
    list(&value_of(&call, &names.values).ok()?)
}

fn list(value: &Value) -> Option<Vec<mifeng::score::Ratio>> {
    match value {
        Value::List(list) => Some(list.to_vec()),
        _ => None,
    }
}
