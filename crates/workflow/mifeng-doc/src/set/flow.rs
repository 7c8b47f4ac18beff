//! Blocks down the page, and on to the next.

use super::line::{Style, lines};
use super::{
    BOTTOM, LEFT, Mark, PAGE_WIDTH, PAGES_MAX, Page, Run, SealSpot, TOP, WIDTH, size, table,
};
use crate::face::{Face, Measure, Weight};
use crate::{Block, Closing, Code, Error, Faces, Paper, Table};
use mifeng_stamp::ofd::{Mm, Rect};
use qrcode::{EcLevel, QrCode};

/// From one baseline to the next, as a part of the size.
const LEADING_PERCENT: i64 = 175;
/// The QR code, at the upper right.
const CODE_SIDE: Mm = Mm::new(20);
const CODE_TOP: Mm = Mm::new(12);
/// A code in the text.
const BESIDE_SIDE: Mm = Mm::new(26);
/// The closing: its width, and the room it needs for a seal of 42 mm.
const CLOSING_WIDTH: Mm = Mm::new(84);
const CLOSING_HEIGHT: Mm = Mm::new(46);
const CLOSING_NAME: Mm = Mm::new(21);
const CLOSING_DATE: Mm = Mm::new(31);
/// A heading stands with the head and first row of its table.
const HEADING_ROOM: Mm = Mm::new(42);
/// The same above a paragraph: two of its lines.
const HEADING_ROOM_TEXT: Mm = Mm::new(28);
/// Name and date lie a little under the middle of the seal (GB/T 9704-2012 section 7.3.5).
const SEAL_ABOVE: Mm = Mm::new(4);
/// Baseline of the page number.
const FOOT: Mm = Mm::new(276);

pub(super) struct Flow<'f> {
    text: Measure<'f>,
    bold: Measure<'f>,
    pages: Vec<Page>,
    spots: Vec<SealSpot>,
    y: Mm,
}

impl<'f> Flow<'f> {
    pub(super) fn new(paper: &Paper, faces: &'f Faces) -> Result<Self, Error> {
        if paper.title.is_empty() {
            return Err(Error::Paper("a document without a title"));
        }
        let open = |face: &'f Face| face.reader();
        Ok(Flow {
            text: open(&faces.text)?,
            bold: open(&faces.bold)?,
            pages: vec![Page::default()],
            spots: Vec::new(),
            y: TOP,
        })
    }

    fn face(&self, weight: Weight) -> &Measure<'f> {
        match weight {
            Weight::Text => &self.text,
            Weight::Bold => &self.bold,
        }
    }

    fn marks(&mut self) -> &mut Vec<Mark> {
        if self.pages.is_empty() {
            self.pages.push(Page::default());
        }
        let last = self.pages.len() - 1;
        &mut self.pages[last].marks
    }

    fn turn(&mut self) -> Result<(), Error> {
        if self.pages.len() == PAGES_MAX {
            return Err(Error::Paper("more pages than a document may have"));
        }
        self.pages.push(Page::default());
        self.y = TOP;
        Ok(())
    }

    /// Turns the page unless there is this much room.
    fn need(&mut self, height: Mm) -> Result<(), Error> {
        if self.y.0 + height.0 > BOTTOM.0 && self.y > TOP {
            self.turn()?;
        }
        Ok(())
    }

    pub(super) fn title(&mut self, paper: &Paper) -> Result<(), Error> {
        self.y.0 += 4_000;
        for line in &paper.title {
            self.centred(line, size::TITLE, Weight::Bold)?;
        }
        self.y.0 += 1_500;
        if !paper.number.is_empty() {
            self.centred(&paper.number, size::TABLE, Weight::Text)?;
        }
        self.y.0 += 3_000;
        Ok(())
    }

    fn centred(&mut self, text: &str, size: Mm, weight: Weight) -> Result<(), Error> {
        let style = Style {
            size,
            weight,
            indent: Mm(0),
            spread: false,
        };
        for mut line in lines(self.face(weight), text, WIDTH, style)? {
            line.x = Mm((WIDTH.0 - line.width().0) / 2);
            self.line(line, size.0 * 150 / 100)?;
        }
        Ok(())
    }

    /// One line at the left margin, down by its height.
    fn line(&mut self, mut run: Run, height: i64) -> Result<(), Error> {
        self.need(Mm(height))?;
        run.x.0 += LEFT.0;
        run.y = Mm(self.y.0 + (height - run.size.0) / 2 + run.size.0 * 88 / 100);
        self.y.0 += height;
        if !run.text.is_empty() {
            self.marks().push(Mark::Run(run));
        }
        Ok(())
    }

    pub(super) fn block(&mut self, block: &Block, next: Option<&Block>) -> Result<(), Error> {
        let plain = |size: Mm, weight, characters: i64| Style {
            size,
            weight,
            indent: Mm(size.0 * characters),
            spread: true,
        };
        match block {
            Block::Heading(text) => {
                self.y.0 += 2_500;
                // Not alone at the foot of a page.
                self.need(match next {
                    Some(Block::Text(_)) => HEADING_ROOM_TEXT,
                    _ => HEADING_ROOM,
                })?;
                self.paragraph(text, plain(size::HEADING, Weight::Bold, 0))?;
                self.y.0 += 800;
            }
            Block::Address(text) => self.paragraph(text, plain(size::TEXT, Weight::Bold, 0))?,
            Block::Text(text) => self.paragraph(text, plain(size::TEXT, Weight::Text, 2))?,
            Block::Small(text) => {
                self.y.0 += 1_500;
                self.paragraph(text, plain(size::SMALL, Weight::Text, 0))?;
            }
            Block::Table(table) => self.table(table)?,
            Block::Code(code) => self.code_beside(code)?,
            Block::Closing(closing) => self.closing(closing)?,
        }
        Ok(())
    }

    fn paragraph(&mut self, text: &str, style: Style) -> Result<(), Error> {
        let set = lines(self.face(style.weight), text, WIDTH, style)?;
        for line in set {
            self.line(line, style.size.0 * LEADING_PERCENT / 100)?;
        }
        Ok(())
    }

    fn table(&mut self, table: &Table) -> Result<(), Error> {
        let edges = table::edges(table)?;
        let faces = (&self.text, &self.bold);
        let head = match table.head.is_empty() {
            true => None,
            false => Some(table::row(faces, &table::head(table), &edges)?),
        };
        let mut rows = Vec::new();
        for cells in &table.rows {
            rows.push(table::row(faces, cells, &edges)?);
        }
        self.y.0 += 2_000;
        let above = head.as_ref().map_or(0, |row| row.height.0);
        let first = rows.first().map_or(0, |row| row.height.0);
        self.need(Mm(above + first))?;
        let mut top = self.y;
        if let Some(row) = &head {
            self.row(row);
        }
        for row in &rows {
            if self.y.0 + row.height.0 > BOTTOM.0 && self.y.0 > top.0 + above {
                let bottom = self.y;
                table::frame(LEFT, top, bottom, self.marks());
                self.turn()?;
                top = self.y;
                if let Some(row) = &head {
                    self.row(row);
                }
            }
            if self.y > top {
                let y = self.y;
                self.marks().push(table::inner(LEFT, y));
            }
            self.row(row);
        }
        let bottom = self.y;
        table::frame(LEFT, top, bottom, self.marks());
        self.y.0 += 3_000;
        Ok(())
    }

    /// A code at the left margin, what it is at its right.
    fn code_beside(&mut self, code: &Code) -> Result<(), Error> {
        let leading = size::SMALL.0 * LEADING_PERCENT / 100;
        let style = Style {
            size: size::SMALL,
            weight: Weight::Text,
            indent: Mm(0),
            spread: false,
        };
        let width = Mm(WIDTH.0 - BESIDE_SIDE.0 - 5_000);
        let mut set = Vec::new();
        for line in &code.beside {
            set.extend(lines(&self.text, line, width, style)?);
        }
        let tall = i64::try_from(set.len()).unwrap_or(0) * leading;
        let height = Mm(tall.max(BESIDE_SIDE.0) + 4_000);
        self.need(height)?;
        let top = Mm(self.y.0 + 2_000);
        let mut marks = modules(&code.text, (LEFT, top), BESIDE_SIDE)?;
        for (mut run, n) in set.into_iter().zip(1i64..) {
            run.x = Mm(LEFT.0 + BESIDE_SIDE.0 + 5_000);
            run.y = Mm(top.0 + n * leading - leading / 4);
            marks.push(Mark::Run(run));
        }
        self.marks().append(&mut marks);
        self.y.0 += height.0;
        Ok(())
    }

    fn row(&mut self, row: &table::Row) {
        let y = self.y;
        table::place(row, (LEFT, y), self.marks());
        self.y.0 += row.height.0;
    }

    fn closing(&mut self, closing: &Closing) -> Result<(), Error> {
        self.need(CLOSING_HEIGHT)?;
        let top = self.y;
        let left = Mm(LEFT.0 + WIDTH.0 - CLOSING_WIDTH.0);
        let parts = [
            (&closing.party, CLOSING_NAME),
            (&closing.date, CLOSING_DATE),
        ];
        for (text, down) in parts {
            let style = Style {
                size: size::TEXT,
                weight: Weight::Text,
                indent: Mm(0),
                spread: false,
            };
            let mut at = top.0 + down.0;
            for mut line in lines(&self.text, text, CLOSING_WIDTH, style)? {
                line.x = Mm(left.0 + (CLOSING_WIDTH.0 - line.width().0) / 2);
                line.y = Mm(at);
                at += size::TEXT.0 * LEADING_PERCENT / 100;
                self.marks().push(Mark::Run(line));
            }
        }
        if closing.seal {
            self.spots.push(SealSpot {
                party: closing.party.clone(),
                page: self.pages.len(),
                centre: (
                    Mm(left.0 + CLOSING_WIDTH.0 / 2),
                    Mm(top.0 + (CLOSING_NAME.0 + CLOSING_DATE.0) / 2 - SEAL_ABOVE.0),
                ),
            });
        }
        self.y.0 += CLOSING_HEIGHT.0;
        Ok(())
    }

    pub(super) fn finish(mut self, paper: &Paper) -> Result<(Vec<Page>, Vec<SealSpot>), Error> {
        if let Some(record) = &paper.record {
            let code = format!("mifeng:{}#{record}", paper.origin);
            self.code(&code, &record.to_string())?;
        }
        let count = self.pages.len();
        for n in 0..count {
            let text = format!("第 {} 页　共 {count} 页", n + 1);
            let mut run = self.small(&text)?;
            run.x = Mm((PAGE_WIDTH.0 - run.width().0) / 2);
            run.y = FOOT;
            self.pages[n].marks.push(Mark::Run(run));
        }
        Ok((self.pages, self.spots))
    }

    fn small(&self, text: &str) -> Result<Run, Error> {
        let style = Style {
            size: size::SMALL,
            weight: Weight::Text,
            indent: Mm(0),
            spread: false,
        };
        let first = lines(&self.text, text, WIDTH, style)?.into_iter().next();
        first.ok_or(Error::Paper("an empty line"))
    }

    /// The code at the upper right of the first page, the record's digest beside it.
    fn code(&mut self, text: &str, digest: &str) -> Result<(), Error> {
        let left = LEFT.0 + WIDTH.0 - CODE_SIDE.0;
        let mut marks = modules(text, (Mm(left), CODE_TOP), CODE_SIDE)?;
        let half = digest.len() / 2;
        let (first, second) = digest.split_at_checked(half).unwrap_or((digest, ""));
        for (text, y) in ["记录摘要（扫码核验）", first, second]
            .into_iter()
            .zip([20_000, 25_500, 30_000])
        {
            let mut run = self.small(text)?;
            run.x = Mm(left - 3_000 - run.width().0);
            run.y = Mm(y);
            marks.push(Mark::Run(run));
        }
        if let Some(page) = self.pages.first_mut() {
            marks.append(&mut page.marks);
            page.marks = marks;
        }
        Ok(())
    }
}

/// The dark modules of a QR code in a box.
fn modules(text: &str, (left, top): (Mm, Mm), side: Mm) -> Result<Vec<Mark>, Error> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M);
    let code = code.map_err(|_| Error::Paper("too long for a QR code"))?;
    let count = i64::try_from(code.width()).unwrap_or(i64::MAX);
    // Edges by multiplication: modules touch.
    let edge = |n: i64| side.0 * n / count;
    let mut marks = Vec::new();
    for (row, y) in code.to_colors().chunks(code.width()).zip(0i64..) {
        for (dark, x) in row.iter().zip(0i64..) {
            if *dark == qrcode::Color::Dark {
                marks.push(Mark::Fill(Rect {
                    x: Mm(left.0 + edge(x)),
                    y: Mm(top.0 + edge(y)),
                    width: Mm(edge(x + 1) - edge(x)),
                    height: Mm(edge(y + 1) - edge(y)),
                }));
            }
        }
    }
    Ok(marks)
}
