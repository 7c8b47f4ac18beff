//! Tables: comma-separated values with a header.

use super::super::case::{Case, Input, Tally};
use std::collections::BTreeMap;

/// One row by column.
pub(super) struct Row(BTreeMap<String, String>);

impl Row {
    /// The cell of a column; empty if there is none.
    pub(super) fn cell(&self, column: &str) -> &str {
        self.0.get(column).map_or("", String::as_str)
    }
}

/// Runs a case for every row, named by its first column `case`.
pub(super) fn each(input: &Input, tally: &mut Tally, mut run: impl FnMut(&Row) -> Case) {
    for row in rows(input) {
        tally.case(row.cell("case"), || run(&row));
    }
}

/// The rows of a table.
pub(super) fn rows(input: &Input) -> Vec<Row> {
    let text = String::from_utf8_lossy(input.bytes()).into_owned();
    let mut records = records(&text).into_iter();
    let columns = records.next().unwrap_or_default();
    records
        .map(|cells| Row(columns.iter().cloned().zip(cells).collect()))
        .collect()
}

/// RFC 4180 records; quotes may hold commas, line ends and doubled quotes.
fn records(text: &str) -> Vec<Vec<String>> {
    let (mut all, mut record, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut quoted = false;
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        match sign {
            '"' if quoted && signs.peek() == Some(&'"') => {
                signs.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                record.push(std::mem::take(&mut cell));
                all.push(std::mem::take(&mut record));
            }
            _ => cell.push(sign),
        }
    }
    if !cell.is_empty() || !record.is_empty() {
        record.push(cell);
        all.push(record);
    }
    all
}
