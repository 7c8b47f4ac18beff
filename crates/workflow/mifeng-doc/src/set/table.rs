//! Tables: widths, heights, rules.

use super::line::{Style, lines};
use super::{Mark, Mm, Run, WIDTH, size};
use crate::face::{Measure, Weight};
use crate::{Align, Cell, Error, Table};
use mifeng_stamp::ofd::Rect;

/// Between rule and text.
const PAD_X: Mm = Mm(1_600);
const PAD_Y: Mm = Mm(1_500);
/// From one baseline to the next, as a part of the size.
const LEADING_PERCENT: i64 = 145;
/// The baseline under the top of the line, as a part of the size.
const ASCENT_PERCENT: i64 = 108;
const ROW_MIN: Mm = Mm(8_000);
/// Inner rules and the frame.
const RULE: Mm = Mm(180);
pub(super) const FRAME: Mm = Mm(400);

/// A row, set, with its top at 0.
pub(super) struct Row {
    pub(super) height: Mm,
    runs: Vec<Run>,
    /// Upright rules inside.
    rules: Vec<Mm>,
}

/// The left edges of the columns, and the right edge of the last.
pub(super) fn edges(table: &Table) -> Result<Vec<Mm>, Error> {
    let total: i64 = table.widths.iter().map(|w| i64::from(*w)).sum();
    if total == 0 || table.widths.contains(&0) {
        return Err(Error::Paper(
            "a table without columns, or one without width",
        ));
    }
    let mut sum = 0;
    let mut out = vec![Mm(0)];
    for width in &table.widths {
        sum += i64::from(*width);
        out.push(Mm(WIDTH.0 * sum / total));
    }
    Ok(out)
}

pub(super) fn head(table: &Table) -> Vec<Cell> {
    table.head.iter().map(Cell::label).collect()
}

pub(super) fn row(
    faces: (&Measure<'_>, &Measure<'_>),
    cells: &[Cell],
    edges: &[Mm],
) -> Result<Row, Error> {
    let mut column = 0;
    let mut set: Vec<(Vec<Run>, Mm, Mm, Align)> = Vec::new();
    let mut rules = Vec::new();
    for cell in cells {
        let next = column + cell.columns();
        let wrong = || Error::Paper("a row that does not fit the columns of its table");
        let (left, right) = (edges.get(column), edges.get(next));
        let (left, right) = left.zip(right).ok_or_else(wrong)?;
        let (face, weight) = match cell.bold {
            true => (faces.1, Weight::Bold),
            false => (faces.0, Weight::Text),
        };
        let style = Style {
            size: size::TABLE,
            weight,
            indent: Mm(0),
            spread: false,
        };
        let measure = Mm(right.0 - left.0 - 2 * PAD_X.0);
        if measure.0 < size::TABLE.0 {
            return Err(Error::Paper("a column too narrow for one character"));
        }
        set.push((
            lines(face, &cell.text, measure, style)?,
            *left,
            *right,
            cell.align,
        ));
        rules.push(*right);
        column = next;
    }
    if column + 1 != edges.len() {
        return Err(Error::Paper("a row that does not fill its table"));
    }
    rules.pop();
    let most = set.iter().map(|(lines, ..)| lines.len()).max().unwrap_or(1);
    let text = |count: usize| leading() * i64::try_from(count).unwrap_or(1);
    let height = Mm((text(most) + 2 * PAD_Y.0).max(ROW_MIN.0));
    let mut runs = Vec::new();
    for (lines, left, right, align) in set {
        // In the middle of the height.
        let mut top = (height.0 - text(lines.len())) / 2;
        for mut line in lines {
            let room = right.0 - left.0 - line.width().0;
            line.x = Mm(match align {
                Align::Left => left.0 + PAD_X.0,
                Align::Centre => left.0 + room / 2,
                Align::Right => left.0 + room - PAD_X.0,
            });
            line.y = Mm(top
                + (leading() - size::TABLE.0) / 2
                + size::TABLE.0 * ASCENT_PERCENT / 100
                - size::TABLE.0 / 5);
            top += leading();
            runs.push(line);
        }
    }
    Ok(Row {
        height,
        runs,
        rules,
    })
}

fn leading() -> i64 {
    size::TABLE.0 * LEADING_PERCENT / 100
}

/// Puts a row on a page with its upper left corner at (x, y).
pub(super) fn place(row: &Row, (x, y): (Mm, Mm), marks: &mut Vec<Mark>) {
    for run in &row.runs {
        let mut run = run.clone();
        run.x.0 += x.0;
        run.y.0 += y.0;
        marks.push(Mark::Run(run));
    }
    for at in &row.rules {
        marks.push(upright(Mm(x.0 + at.0), y, row.height, RULE));
    }
}

pub(super) fn level(x: Mm, y: Mm, width: Mm, thick: Mm) -> Mark {
    Mark::Fill(Rect {
        x,
        y: Mm(y.0 - thick.0 / 2),
        width,
        height: thick,
    })
}

pub(super) fn upright(x: Mm, y: Mm, height: Mm, thick: Mm) -> Mark {
    Mark::Fill(Rect {
        x: Mm(x.0 - thick.0 / 2),
        y,
        width: thick,
        height,
    })
}

pub(super) fn inner(x: Mm, y: Mm) -> Mark {
    level(x, y, WIDTH, RULE)
}

/// The frame around what stands on one page.
pub(super) fn frame(x: Mm, top: Mm, bottom: Mm, marks: &mut Vec<Mark>) {
    let (width, half) = (Mm(WIDTH.0 + FRAME.0), Mm(FRAME.0 / 2));
    let left = Mm(x.0 - half.0);
    marks.push(level(left, top, width, FRAME));
    marks.push(level(left, bottom, width, FRAME));
    let height = Mm(bottom.0 - top.0);
    marks.push(upright(x, top, height, FRAME));
    marks.push(upright(Mm(x.0 + WIDTH.0), top, height, FRAME));
}
