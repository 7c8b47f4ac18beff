//! A spreadsheet in small: opens a workbook, computes every formula anew in binary floating point
//! as spreadsheets do, and says what each cell shows. It never looks at the stored results.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::Read;

/// What a cell holds or a formula gives.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Number(f64),
    Truth(bool),
    Text(String),
    Nothing,
    Fault,
}

#[derive(Clone, Debug)]
enum Stored {
    Value(Value),
    /// Formula and the result that is stored beside it.
    Formula(String, String),
}

/// A workbook: cells by sheet and address.
pub(crate) struct Book {
    pub(crate) sheets: Vec<String>,
    cells: HashMap<(String, String), Stored>,
    /// What was computed since the last change.
    known: RefCell<HashMap<(String, String), Value>>,
}

fn part(archive: &mut zip::ZipArchive<std::io::Cursor<Vec<u8>>>, name: &str) -> String {
    let mut text = String::new();
    if let Ok(mut file) = archive.by_name(name) {
        file.read_to_string(&mut text).expect("UTF-8");
    }
    text
}

fn unescape(text: &str) -> String {
    let text = text.replace("&lt;", "<").replace("&gt;", ">");
    text.replace("&quot;", "\"").replace("&amp;", "&")
}

/// Each element of this name: its attributes and what is inside.
fn elements<'a>(text: &'a str, name: &str) -> Vec<(&'a str, &'a str)> {
    let (open, close) = (format!("<{name}"), format!("</{name}>"));
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(&open) {
        rest = &rest[at + open.len()..];
        if !rest.starts_with([' ', '>', '/']) {
            continue;
        }
        let end = rest.find('>').expect("an end of the tag");
        let attributes = &rest[..end];
        rest = &rest[end + 1..];
        if attributes.ends_with('/') {
            found.push((attributes, ""));
            continue;
        }
        let end = rest.find(&close).expect("an end of the element");
        found.push((attributes, &rest[..end]));
        rest = &rest[end..];
    }
    found
}

fn attribute(attributes: &str, name: &str) -> Option<String> {
    let start = attributes.find(&format!(" {name}=\""))? + name.len() + 3;
    let rest = &attributes[start..];
    Some(unescape(&rest[..rest.find('"')?]))
}

fn inner(text: &str, name: &str) -> Option<String> {
    elements(text, name)
        .first()
        .map(|(_, inside)| unescape(inside))
}

impl Book {
    pub(crate) fn open(bytes: Vec<u8>) -> Self {
        let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).expect("a zip file");
        let strings = part(&mut archive, "xl/sharedStrings.xml");
        let strings: Vec<String> = elements(&strings, "si")
            .iter()
            .map(|(_, inside)| inner(inside, "t").unwrap_or_default())
            .collect();
        let book = part(&mut archive, "xl/workbook.xml");
        let mut sheets = Vec::new();
        let mut cells = HashMap::new();
        for (at, (attributes, _)) in elements(&book, "sheet").iter().enumerate() {
            let sheet = attribute(attributes, "name").expect("a name");
            let text = part(&mut archive, &format!("xl/worksheets/sheet{}.xml", at + 1));
            for (attributes, inside) in elements(&text, "c") {
                let address = attribute(attributes, "r").expect("an address");
                let value = inner(inside, "v").unwrap_or_default();
                let stored = match (inner(inside, "f"), attribute(attributes, "t").as_deref()) {
                    (Some(formula), _) => Stored::Formula(formula, value),
                    (None, Some("s")) => {
                        let at: usize = value.parse().expect("a number of a string");
                        Stored::Value(Value::Text(strings[at].clone()))
                    }
                    (None, Some("b")) => Stored::Value(Value::Truth(value == "1")),
                    (None, _) => Stored::Value(value.parse().map_or(Value::Nothing, Value::Number)),
                };
                cells.insert((sheet.clone(), address), stored);
            }
            sheets.push(sheet);
        }
        Self {
            sheets,
            cells,
            known: RefCell::default(),
        }
    }

    /// Every formula: sheet, address, text, stored result.
    pub(crate) fn formulas(&self) -> impl Iterator<Item = (&str, &str, &str, &str)> {
        self.cells
            .iter()
            .filter_map(|((sheet, address), stored)| match stored {
                Stored::Formula(text, result) => Some((
                    sheet.as_str(),
                    address.as_str(),
                    text.as_str(),
                    result.as_str(),
                )),
                Stored::Value(_) => None,
            })
    }

    /// Overwrites a cell, as a person would.
    pub(crate) fn set(&mut self, sheet: &str, address: &str, value: Value) {
        self.known.borrow_mut().clear();
        self.cells
            .insert((sheet.to_owned(), address.to_owned()), Stored::Value(value));
    }

    /// What a cell shows once everything is computed.
    pub(crate) fn value(&self, sheet: &str, address: &str) -> Value {
        let place = (sheet.to_owned(), address.replace('$', ""));
        if let Some(value) = self.known.borrow().get(&place) {
            return value.clone();
        }
        let value = self.compute(sheet, &place);
        self.known.borrow_mut().insert(place, value.clone());
        value
    }

    fn compute(&self, sheet: &str, place: &(String, String)) -> Value {
        match self.cells.get(place) {
            Some(Stored::Value(value)) => value.clone(),
            Some(Stored::Formula(text, _)) => {
                let mut reader = Reader {
                    book: self,
                    sheet,
                    rest: text,
                };
                let value = reader.compare();
                assert!(
                    reader.rest.is_empty(),
                    "{text}: cannot read {:?}",
                    reader.rest
                );
                match value {
                    Item::One(value) => value,
                    Item::Many(rows) => rows[0][0].clone(),
                }
            }
            None => Value::Nothing,
        }
    }
}

#[derive(Clone, Debug)]
enum Item {
    One(Value),
    Many(Vec<Vec<Value>>),
}

impl Item {
    fn one(&self) -> Value {
        match self {
            Item::One(value) => value.clone(),
            Item::Many(rows) => rows[0][0].clone(),
        }
    }

    fn number(&self) -> Option<f64> {
        match self.one() {
            Value::Number(number) => Some(number),
            Value::Truth(truth) => Some(f64::from(u8::from(truth))),
            Value::Nothing => Some(0.0),
            _ => None,
        }
    }

    fn truth(&self) -> bool {
        match self.one() {
            Value::Truth(truth) => truth,
            Value::Number(number) => number != 0.0,
            _ => false,
        }
    }

    /// Numbers of a range; texts and gaps are passed over, as spreadsheets do.
    fn numbers(&self) -> Vec<f64> {
        let all: Vec<Value> = match self {
            Item::One(value) => vec![value.clone()],
            Item::Many(rows) => rows.iter().flatten().cloned().collect(),
        };
        let number = |value: &Value| match value {
            Value::Number(number) => Some(*number),
            _ => None,
        };
        all.iter().filter_map(number).collect()
    }
}

fn number(value: Option<f64>) -> Item {
    Item::One(
        value
            .filter(|v| v.is_finite())
            .map_or(Value::Fault, Value::Number),
    )
}

/// Half away from zero on what fifteen digits show.
fn round(value: f64, places: f64, way: fn(f64) -> f64) -> f64 {
    let scale = 10f64.powi(places as i32);
    let shown: f64 = format!("{:.14e}", value.abs() * scale)
        .parse()
        .expect("digits");
    value.signum() * way(shown) / scale
}

struct Reader<'a> {
    book: &'a Book,
    sheet: &'a str,
    rest: &'a str,
}

impl Reader<'_> {
    fn take(&mut self, sign: &str) -> bool {
        let found = self.rest.strip_prefix(sign);
        self.rest = found.unwrap_or(self.rest);
        found.is_some()
    }

    fn compare(&mut self) -> Item {
        let left = self.sum();
        for sign in ["<=", ">=", "<>", "<", ">", "="] {
            if self.take(sign) {
                let right = self.sum();
                let pair = (left.number(), right.number());
                let texts = left.one() == right.one();
                let truth = match (sign, pair) {
                    ("=", (None, _) | (_, None)) => texts,
                    ("<>", (None, _) | (_, None)) => !texts,
                    (_, (Some(a), Some(b))) => match sign {
                        "<=" => a <= b,
                        ">=" => a >= b,
                        "<>" => a != b,
                        "<" => a < b,
                        ">" => a > b,
                        _ => a == b,
                    },
                    _ => return Item::One(Value::Fault),
                };
                return Item::One(Value::Truth(truth));
            }
        }
        left
    }

    fn sum(&mut self) -> Item {
        let mut left = self.product();
        loop {
            let sign = if self.take("+") {
                1.0
            } else if self.take("-") {
                -1.0
            } else {
                return left;
            };
            let right = self.product();
            left = number(left.number().zip(right.number()).map(|(a, b)| a + sign * b));
        }
    }

    fn product(&mut self) -> Item {
        let mut left = self.unary();
        loop {
            let divide = if self.take("*") {
                false
            } else if self.take("/") {
                true
            } else {
                return left;
            };
            let pair = left.number().zip(self.unary().number());
            left = number(pair.map(|(a, b)| if divide { a / b } else { a * b }));
        }
    }

    fn unary(&mut self) -> Item {
        if self.take("-") {
            return number(self.unary().number().map(|v| -v));
        }
        self.atom()
    }

    fn atom(&mut self) -> Item {
        if self.take("(") {
            let inside = self.compare();
            assert!(
                self.take(")"),
                "a bracket is missing before {:?}",
                self.rest
            );
            return inside;
        }
        if self.take("\"") {
            let end = self.rest.find('"').expect("an end of the text");
            let text = self.rest[..end].to_owned();
            self.rest = &self.rest[end + 1..];
            return Item::One(Value::Text(text));
        }
        if self.rest.starts_with(|c: char| c.is_ascii_digit()) {
            let end = self.rest.find(|c: char| !(c.is_ascii_digit() || c == '.'));
            let (text, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
            self.rest = rest;
            return number(text.parse().ok());
        }
        let sheet = if self.take("'") {
            let end = self.rest.find('\'').expect("an end of the sheet's name");
            let name = self.rest[..end].to_owned();
            self.rest = self.rest[end + 1..].strip_prefix('!').expect("a cell");
            name
        } else {
            self.sheet.to_owned()
        };
        let end = self
            .rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '$'));
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        match word {
            "TRUE" => return Item::One(Value::Truth(true)),
            "FALSE" => return Item::One(Value::Truth(false)),
            _ => {}
        }
        if self.take("(") {
            return self.call(word);
        }
        if self.take(":") {
            let end = self
                .rest
                .find(|c: char| !(c.is_ascii_alphanumeric() || c == '$'));
            let (last, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
            self.rest = rest;
            return self.range(&sheet, word, last);
        }
        Item::One(self.book.value(&sheet, word))
    }

    fn range(&self, sheet: &str, first: &str, last: &str) -> Item {
        let place = |text: &str| {
            let text = text.replace('$', "");
            let letters: u32 = text
                .bytes()
                .filter(u8::is_ascii_uppercase)
                .fold(0, |sum, letter| sum * 26 + u32::from(letter - b'A') + 1);
            let row: u32 = text
                .trim_start_matches(|c: char| c.is_ascii_uppercase())
                .parse()
                .expect("a row");
            (row, letters)
        };
        let ((top, left), (bottom, right)) = (place(first), place(last));
        let letters = |mut column: u32| {
            let mut text = Vec::new();
            while column > 0 {
                text.push(char::from(b'A' + ((column - 1) % 26) as u8));
                column = (column - 1) / 26;
            }
            text.into_iter().rev().collect::<String>()
        };
        let rows = (top..=bottom).map(|row| {
            let cell = |column| self.book.value(sheet, &format!("{}{row}", letters(column)));
            (left..=right).map(cell).collect()
        });
        Item::Many(rows.collect())
    }

    fn call(&mut self, name: &str) -> Item {
        let mut args = Vec::new();
        while !self.take(")") {
            args.push(self.compare());
            self.take(",");
        }
        let all = || args.iter().flat_map(Item::numbers).collect::<Vec<f64>>();
        let at = |index: usize| args.get(index).and_then(Item::number);
        let fault = args
            .iter()
            .any(|arg| matches!(arg, Item::One(Value::Fault)));
        if fault && !matches!(name, "IF" | "IFERROR" | "COUNT") {
            return Item::One(Value::Fault);
        }
        match name {
            "AND" => Item::One(Value::Truth(args.iter().all(Item::truth))),
            "OR" => Item::One(Value::Truth(args.iter().any(Item::truth))),
            "NOT" => Item::One(Value::Truth(!args[0].truth())),
            "IF" if args[0].truth() => args[1].clone(),
            "IF" => args[2].clone(),
            "IFERROR" if args[0].one() == Value::Fault => args[1].clone(),
            "IFERROR" => args[0].clone(),
            "COUNT" => number(Some(all().len() as f64)),
            "SUM" => number(Some(all().iter().sum())),
            "AVERAGE" => number(Some(all().iter().sum::<f64>() / all().len() as f64)),
            "MIN" => number(all().into_iter().reduce(f64::min)),
            "MAX" => number(all().into_iter().reduce(f64::max)),
            "MEDIAN" => {
                let mut sorted = all();
                sorted.sort_by(f64::total_cmp);
                let n = sorted.len();
                number(Some((sorted[(n - 1) / 2] + sorted[n / 2]) / 2.0))
            }
            "SMALL" => {
                let mut sorted = args[0].numbers();
                sorted.sort_by(f64::total_cmp);
                let index = at(1).map_or(0, |k| k as usize);
                number(index.checked_sub(1).and_then(|k| sorted.get(k)).copied())
            }
            "ABS" => number(at(0).map(f64::abs)),
            "ROUND" => number(at(0).zip(at(1)).map(|(v, d)| round(v, d, f64::round))),
            "TRUNC" | "ROUNDDOWN" => number(at(0).zip(at(1)).map(|(v, d)| round(v, d, f64::floor))),
            "ROUNDUP" => number(at(0).zip(at(1)).map(|(v, d)| round(v, d, f64::ceil))),
            "POWER" => number(at(0).zip(at(1)).map(|(v, k)| v.powf(k))),
            "VLOOKUP" => {
                let Item::Many(rows) = &args[1] else {
                    return Item::One(Value::Fault);
                };
                let (value, column) = (at(0).expect("a number"), at(2).expect("a column") as usize);
                let first = |row: &&Vec<Value>| matches!(row[0], Value::Number(v) if v <= value);
                let found = rows.iter().rfind(first);
                Item::One(found.map_or(Value::Fault, |row| row[column - 1].clone()))
            }
            "COUNTIF" => {
                let Item::Many(rows) = &args[0] else {
                    return Item::One(Value::Fault);
                };
                let wanted = args[1].one();
                let count = rows
                    .iter()
                    .flatten()
                    .filter(|value| **value == wanted)
                    .count();
                number(Some(count as f64))
            }
            _ => unreachable!("a function that the workbook does not use: {name}"),
        }
    }
}
