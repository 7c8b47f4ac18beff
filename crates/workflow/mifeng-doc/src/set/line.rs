//! Lines of Chinese text: where they may break, and how they fill their measure.
//!
//! Between two Chinese characters a line may break; within a word or a number it may not. Some
//! marks never begin a line, some never end one (避头尾, GB/T 15834-2011 section 5).

use super::Run;
use crate::Error;
use crate::face::{Measure, Weight};
use mifeng_stamp::ofd::Mm;

/// Marks that never begin a line.
const NOT_FIRST: &str = "，。、；：？！）》」』】〉〕”’％%℃…—·,.;:!?)]}";
/// Marks that never end one.
const NOT_LAST: &str = "（《「『【〈〔“‘￥¥([{";
/// A line is spread to its measure if no gap grows by more than this part of a character.
const STRETCH_PART: i64 = 4;

/// A piece of text that stays together.
struct Piece {
    text: String,
    advances: Vec<Mm>,
    space: bool,
}

impl Piece {
    fn width(&self) -> i64 {
        self.advances.iter().map(|a| a.0).sum()
    }
    fn begins(&self, set: &str) -> bool {
        self.text.chars().next().is_some_and(|c| set.contains(c))
    }
    fn ends(&self, set: &str) -> bool {
        self.text.chars().last().is_some_and(|c| set.contains(c))
    }
}

/// How lines are made.
#[derive(Clone, Copy)]
pub(super) struct Style {
    pub(super) size: Mm,
    pub(super) weight: Weight,
    /// Of the first line.
    pub(super) indent: Mm,
    /// Spread full lines to the measure.
    pub(super) spread: bool,
}

/// Text set in lines from x = 0, y = 0.
pub(super) fn lines(
    face: &Measure<'_>,
    text: &str,
    measure: Mm,
    style: Style,
) -> Result<Vec<Run>, Error> {
    let mut out = Vec::new();
    for (paragraph, n) in text.split('\n').zip(0..) {
        let indent = if n == 0 { style.indent } else { Mm(0) };
        paragraph_lines(
            face,
            paragraph,
            measure,
            Style { indent, ..style },
            &mut out,
        )?;
    }
    Ok(out)
}

fn paragraph_lines(
    face: &Measure<'_>,
    text: &str,
    measure: Mm,
    style: Style,
    out: &mut Vec<Run>,
) -> Result<(), Error> {
    let pieces = pieces(face, text, style.size, measure)?;
    let (mut from, mut indent) = (0, style.indent);
    loop {
        let (to, last) = break_at(&pieces, from, measure.0 - indent.0);
        let line = &pieces[from..to];
        let spread = style.spread && !last;
        out.push(run(line, (indent, measure), style, spread));
        if last {
            return Ok(());
        }
        // White space at a break is dropped.
        from = to;
        while pieces.get(from).is_some_and(|piece| piece.space) {
            from += 1;
        }
        if from == pieces.len() {
            return Ok(());
        }
        indent = Mm(0);
    }
}

/// Words and numbers stay together unless one alone is longer than a line.
fn pieces(face: &Measure<'_>, text: &str, size: Mm, measure: Mm) -> Result<Vec<Piece>, Error> {
    let mut out: Vec<Piece> = Vec::new();
    let mut word = false;
    for sign in text.chars() {
        let width = face.width(sign, size)?;
        let part = sign.is_ascii() && sign != ' ';
        match out.last_mut() {
            Some(piece) if part && word && piece.width() + width.0 <= measure.0 => {
                piece.text.push(sign);
                piece.advances.push(width);
            }
            _ => out.push(Piece {
                text: sign.to_string(),
                advances: vec![width],
                space: sign == ' ',
            }),
        }
        word = part;
    }
    Ok(out)
}

/// Where the line that begins at `from` ends, and whether it is the last.
fn break_at(pieces: &[Piece], from: usize, room: i64) -> (usize, bool) {
    let (mut to, mut used) = (from, 0);
    while let Some(piece) = pieces.get(to) {
        used += piece.width();
        if used > room {
            break;
        }
        to += 1;
    }
    if to == pieces.len() {
        return (to, true);
    }
    let full = to.max(from + 1);
    let mut best = full;
    while best > from + 1 {
        let bad = pieces[best].begins(NOT_FIRST) || pieces[best - 1].ends(NOT_LAST);
        if !bad {
            return (best, false);
        }
        best -= 1;
    }
    (full, false)
}

fn run(line: &[Piece], (indent, measure): (Mm, Mm), style: Style, spread: bool) -> Run {
    let trimmed = line.len() - line.iter().rev().take_while(|piece| piece.space).count();
    let line = &line[..trimmed];
    let mut run = Run {
        x: indent,
        y: Mm(0),
        size: style.size,
        weight: style.weight,
        text: line.iter().map(|piece| piece.text.as_str()).collect(),
        advances: Vec::new(),
    };
    let slack = measure.0 - indent.0 - line.iter().map(Piece::width).sum::<i64>();
    let gaps = i64::try_from(line.len()).unwrap_or(i64::MAX) - 1;
    let spread = spread && gaps > 0 && slack > 0 && slack / gaps <= style.size.0 / STRETCH_PART;
    for (piece, n) in line.iter().zip(1i64..) {
        run.advances.extend_from_slice(&piece.advances);
        if spread && n <= gaps {
            // By multiplication: the gaps add up to the slack exactly.
            let more = slack * n / gaps - slack * (n - 1) / gaps;
            if let Some(advance) = run.advances.last_mut() {
                advance.0 += more;
            }
        }
    }
    run
}
