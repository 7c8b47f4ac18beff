//! What a document says, before it is set.

use mifeng_crypto::{Digest, Time};

/// A document.
#[derive(Clone, Debug)]
pub struct Paper {
    /// The title, as it stands above the text: one line or two.
    pub title: Vec<String>,
    /// The number of the tender, under the title.
    pub number: String,
    /// The digest of the record that the document shows; in the QR code.
    pub record: Option<Digest>,
    /// Where the record is found: the log's origin; in the QR code.
    pub origin: String,
    /// When the document was made: the instant of its record, not of its printing.
    pub made: Time,
    /// The text.
    pub blocks: Vec<Block>,
}

/// A part of the text.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Block {
    /// A heading.
    Heading(String),
    /// Who is addressed: not indented, with its colon.
    Address(String),
    /// A paragraph, its first line indented by two characters.
    Text(String),
    /// Small print, not indented.
    Small(String),
    /// A table.
    Table(Table),
    /// A QR code with text at its side.
    Code(Code),
    /// Who says so, when, and the place of its seal: at the lower right.
    Closing(Closing),
}

/// A QR code in the text.
#[derive(Clone, Debug)]
pub struct Code {
    /// What the code says.
    pub text: String,
    /// What people read beside it, line by line.
    pub beside: Vec<String>,
}

/// The end of a document.
#[derive(Clone, Debug)]
pub struct Closing {
    /// Who: its name stands over the date.
    pub party: String,
    /// The date.
    pub date: String,
    /// Whether a seal belongs over the date.
    pub seal: bool,
}

/// How text stands in its cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Align {
    /// At the left.
    #[default]
    Left,
    /// In the middle.
    Centre,
    /// At the right.
    Right,
}

/// A cell of a table.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    /// Its text; line breaks are kept.
    pub text: String,
    /// How it stands.
    pub align: Align,
    /// In the bold face.
    pub bold: bool,
    /// How many columns it covers; 0 is 1.
    pub span: usize,
}

impl Cell {
    /// At the left.
    pub fn left(text: impl Into<String>) -> Self {
        Cell {
            text: text.into(),
            ..Cell::default()
        }
    }
    /// In the middle.
    pub fn centre(text: impl Into<String>) -> Self {
        Cell {
            align: Align::Centre,
            ..Cell::left(text)
        }
    }
    /// At the right: figures.
    pub fn right(text: impl Into<String>) -> Self {
        Cell {
            align: Align::Right,
            ..Cell::left(text)
        }
    }
    /// A label: bold, in the middle.
    pub fn label(text: impl Into<String>) -> Self {
        Cell {
            bold: true,
            ..Cell::centre(text)
        }
    }
    /// Over several columns.
    #[must_use]
    pub fn over(mut self, columns: usize) -> Self {
        self.span = columns;
        self
    }
    pub(crate) fn columns(&self) -> usize {
        self.span.max(1)
    }
}

/// A table; its head is repeated on every page.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// Relative widths of the columns.
    pub widths: Vec<u32>,
    /// The head; empty if there is none.
    pub head: Vec<String>,
    /// The rows; the columns of each add up to those of the table.
    pub rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A form of labels and values, two columns or four.
    pub fn form(pairs: &[(&str, String)]) -> Self {
        let row =
            |(label, value): &(&str, String)| vec![Cell::label(*label), Cell::left(value.clone())];
        Table {
            widths: vec![24, 76],
            head: Vec::new(),
            rows: pairs.iter().map(row).collect(),
        }
    }
}
