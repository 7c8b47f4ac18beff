//! From a paper to pages: every mark at its place, in thousandths of a millimetre.

mod flow;
mod line;
mod table;

use crate::face::Weight;
use crate::{Error, Faces, Paper};
use flow::Flow;
use mifeng_stamp::ofd::{Mm, Rect};

/// A4.
pub(crate) const PAGE_WIDTH: Mm = Mm::new(210);
pub(crate) const PAGE_HEIGHT: Mm = Mm::new(297);
/// The margins of official documents (GB/T 9704-2012): 37 mm above, 28 mm left, 26 mm right, 35 mm
/// below.
const TOP: Mm = Mm::new(37);
const LEFT: Mm = Mm::new(28);
const BOTTOM: Mm = Mm::new(262);
const WIDTH: Mm = Mm::new(156);
/// Pages of one document: a tender of a hundred bidders has some dozens.
const PAGES_MAX: usize = 2_000;

/// Sizes of type, in the usual names.
pub(crate) mod size {
    use mifeng_stamp::ofd::Mm;
    /// 二号, 22 pt.
    pub(crate) const TITLE: Mm = Mm(7_761);
    /// 四号, 14 pt.
    pub(crate) const HEADING: Mm = Mm(4_939);
    /// 小四, 12 pt.
    pub(crate) const TEXT: Mm = Mm(4_233);
    /// 五号, 10.5 pt.
    pub(crate) const TABLE: Mm = Mm(3_704);
    /// 小五, 9 pt.
    pub(crate) const SMALL: Mm = Mm(3_175);
}

/// A run of text on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// Left end of the baseline.
    pub(crate) x: Mm,
    pub(crate) y: Mm,
    pub(crate) size: Mm,
    pub(crate) weight: Weight,
    pub(crate) text: String,
    /// The advance of each character.
    pub(crate) advances: Vec<Mm>,
}

impl Run {
    pub(crate) fn width(&self) -> Mm {
        Mm(self.advances.iter().map(|a| a.0).sum())
    }
}

/// What a page shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Run(Run),
    /// A filled box: rules of tables, modules of QR codes.
    Fill(Rect),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) marks: Vec<Mark>,
}

/// Where a seal belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealSpot {
    /// Whose.
    pub party: String,
    /// The page, from 1.
    pub page: usize,
    /// The middle of the seal: between the name and the date.
    pub centre: (Mm, Mm),
}

impl SealSpot {
    /// The box of a seal of this size there.
    #[must_use]
    pub fn boundary(&self, width: Mm, height: Mm) -> Rect {
        Rect {
            x: Mm(self.centre.0.0 - width.0 / 2),
            y: Mm(self.centre.1.0 - height.0 / 2),
            width,
            height,
        }
    }
}

/// A document, set.
#[derive(Clone, Debug)]
pub struct Sheets {
    pub(crate) paper: Paper,
    pub(crate) pages: Vec<Page>,
    pub(crate) spots: Vec<SealSpot>,
}

impl Sheets {
    /// Where seals belong, in the order of the text.
    #[must_use]
    pub fn places(&self) -> &[SealSpot] {
        &self.spots
    }
    /// How many pages there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.pages.len()
    }
    /// What the QR code says: the log and the record in it.
    #[must_use]
    pub fn code(&self) -> Option<String> {
        let record = self.paper.record.as_ref()?;
        Some(format!("mifeng:{}#{record}", self.paper.origin))
    }
}

/// Sets a paper.
///
/// # Errors
/// [`Error::NoGlyph`] for a character that the faces lack, [`Error::Paper`] for a table whose rows
/// do not fit its columns or a document without end.
pub fn set(paper: &Paper, faces: &Faces) -> Result<Sheets, Error> {
    let mut flow = Flow::new(paper, faces)?;
    flow.title(paper)?;
    for (nth, block) in (1..).zip(&paper.blocks) {
        flow.block(block, paper.blocks.get(nth))?;
    }
    let (pages, spots) = flow.finish(paper)?;
    Ok(Sheets {
        paper: paper.clone(),
        pages,
        spots,
    })
}
