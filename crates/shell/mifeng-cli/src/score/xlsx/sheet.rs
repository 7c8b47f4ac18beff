//! The sheet of inputs: numbers, lists and tables that formulas of the other sheets point at.

use mifeng::score::Ratio;
use mifeng::score::formula::{Function, Value};
use std::collections::HashMap;

/// The column of names; values stand to the right of it.
const NAMES: u32 = 0;
const VALUES: u32 = 1;
/// The last row that a spreadsheet has.
const ROWS_MAX: u32 = 1_048_576;

/// What a cell of the sheet holds.
#[derive(Clone, Debug)]
pub(super) enum Cell {
    /// Text.
    Text(String),
    /// An exact number: decimal text or a fraction.
    Number(String),
    /// A formula without `=`, and its value.
    Formula(String, String),
}

/// A rectangle of the sheet.
#[derive(Clone, Debug)]
pub(super) struct Area {
    sheet: String,
    first: u32,
    rows: u32,
    columns: u32,
}

impl Area {
    pub(super) fn rows(&self) -> u32 {
        self.rows
    }

    /// A cell of it, both from 0.
    pub(super) fn cell(&self, row: u32, column: u32) -> String {
        address(&self.sheet, self.first + row, VALUES + column)
    }

    /// The whole.
    pub(super) fn text(&self) -> String {
        let last = self.first + self.rows.max(1) - 1;
        let corner = fixed(last, VALUES + self.columns - 1);
        format!("{}:{corner}", self.cell(0, 0))
    }
}

/// The cells of the sheet, block under block.
pub(super) struct Cells {
    sheet: String,
    next: u32,
    known: HashMap<(String, String), Area>,
    /// Row, column and content.
    pub(super) cells: Vec<(u32, u32, Cell)>,
}

impl Cells {
    pub(super) fn new(sheet: &str) -> Self {
        Self {
            sheet: sheet.to_owned(),
            next: 2,
            known: HashMap::new(),
            cells: Vec::new(),
        }
    }

    fn area(&mut self, name: &str, rows: usize, columns: usize) -> Option<Area> {
        let area = Area {
            sheet: self.sheet.clone(),
            first: self.next,
            rows: u32::try_from(rows).ok()?,
            columns: u32::try_from(columns.max(1)).ok()?,
        };
        let next = self.next.checked_add(area.rows.max(1))?;
        self.next = Some(next).filter(|next| *next < ROWS_MAX)?;
        let name = Cell::Text(name.to_owned());
        self.cells.push((area.first, NAMES, name));
        Some(area)
    }

    /// A number, list or table that is given, once for each name and value; `links` are the cells
    /// that the elements of a list come from, if they come from any.
    pub(super) fn given(
        &mut self,
        name: &str,
        text: &str,
        value: &Value,
        links: Option<&[String]>,
    ) -> Option<Area> {
        let key = (name.to_owned(), text.to_owned());
        if let Some(area) = self.known.get(&key) {
            return Some(area.clone());
        }
        let rows: Vec<Vec<String>> = match value {
            Value::Number(number) => vec![vec![number.to_exact()]],
            Value::Truth(truth) => vec![vec![if *truth { "TRUE" } else { "FALSE" }.to_owned()]],
            Value::List(list) => list.iter().map(|v| vec![v.to_exact()]).collect(),
            Value::Table(rows) => rows
                .iter()
                .map(|row| row.iter().map(Ratio::to_exact).collect())
                .collect(),
        };
        let area = self.area(name, rows.len(), rows.first().map_or(1, Vec::len))?;
        for (at, row) in (0u32..).zip(&rows) {
            for (column, text) in (0u32..).zip(row) {
                let link = links.and_then(|links| links.get(at as usize));
                let cell = match (link, value) {
                    (Some(link), _) => Cell::Formula(link.clone(), text.clone()),
                    (None, Value::Truth(_)) => Cell::Formula(text.clone(), text.clone()),
                    (None, _) => Cell::Number(text.clone()),
                };
                self.cells.push((area.first + at, VALUES + column, cell));
            }
        }
        self.known.insert(key, area.clone());
        Some(area)
    }

    /// A list made of the one at `from`, its bounds above it.
    pub(super) fn derived(
        &mut self,
        function: Function,
        from: &str,
        bounds: &[(String, Value)],
        source: &[Ratio],
        kept: &[Ratio],
    ) -> Option<Area> {
        let name = match function {
            Function::Drop => "drop",
            Function::Within => "within",
            _ => "upto",
        };
        let texts: Vec<&str> = bounds.iter().map(|(text, _)| text.as_str()).collect();
        let key = (format!("{name} {from}"), texts.join(","));
        if let Some(area) = self.known.get(&key) {
            return Some(area.clone());
        }
        let mut heads = Vec::new();
        for (text, value) in bounds {
            let head = self.area("", 1, 1)?;
            let number = value.number()?.to_exact();
            let cell = Cell::Formula(text.clone(), number);
            self.cells.push((head.first, VALUES, cell));
            heads.push(head.cell(0, 0));
        }
        let area = self.area(name, source.len(), 1)?;
        let mut left = kept.iter().peekable();
        for (row, value) in (0u32..).zip(source) {
            let at = row + 1;
            let this = format!("SMALL({from},{at})");
            let holds = match (function, heads.as_slice()) {
                (Function::Drop, [low, high]) => {
                    format!("AND({at}>{low},{at}<=COUNT({from})-{high})")
                }
                (Function::Within, [least, most]) => {
                    format!("AND({this}>={least},{this}<={most})")
                }
                (Function::UpTo, [most]) => format!("{this}<={most}"),
                _ => return None,
            };
            let formula = format!("IF({at}>COUNT({from}),\"\",IF({holds},{this},\"\"))");
            // Dropped ones stand at the ends, so the kept ones follow each other.
            let shown = match left.peek() {
                Some(next) if **next == *value && position_holds(function, at, bounds) => {
                    left.next();
                    value.to_exact()
                }
                _ => String::new(),
            };
            let cell = Cell::Formula(formula, shown);
            self.cells.push((area.first + row, VALUES, cell));
        }
        self.known.insert(key, area.clone());
        Some(area)
    }
}

/// Equal prices at the lower end are told apart by their place.
fn position_holds(function: Function, at: u32, bounds: &[(String, Value)]) -> bool {
    let low = bounds
        .first()
        .and_then(|(_, value)| value.number()?.whole());
    match (function, low) {
        (Function::Drop, Some(low)) => i64::from(at) > low,
        _ => true,
    }
}

/// `'sheet'!$A$1`, row and column from 0.
pub(super) fn address(sheet: &str, row: u32, column: u32) -> String {
    format!("'{sheet}'!{}", fixed(row, column))
}

fn fixed(row: u32, column: u32) -> String {
    let mut letters = Vec::new();
    let mut rest = column + 1;
    while rest > 0 {
        let letter = (rest - 1) % 26;
        letters.push(char::from(b'A' + letter as u8));
        rest = (rest - 1) / 26;
    }
    let letters: String = letters.iter().rev().collect();
    format!("${letters}${}", row + 1)
}
