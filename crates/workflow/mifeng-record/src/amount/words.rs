//! From capital numerals to an amount: the grammar.

use super::{DIGITS, EVERYDAY, Note, UNITS, YUAN_MAX, bad};
use crate::Error;

/// Yuan without 元, as some notices print them. A last digit without its unit could be units or
/// the next smaller place (壹仟伍佰陆: 1506 or 1560), so it is refused.
pub(super) fn without_yuan(chars: &[char], notes: &mut Vec<Note>) -> Result<i128, Error> {
    notes.push(Note::NoYuan);
    let chars = match chars {
        [rest @ .., '整' | '正'] => rest,
        all => {
            notes.push(Note::NoEnd);
            all
        }
    };
    if !matches!(chars.last(), Some('拾' | '佰' | '仟' | '万' | '亿')) {
        return Err(bad("元 is missing after a digit"));
    }
    integer(chars, notes)
}

/// The part before 元: sections of four places at 亿, 万 and 元.
pub(super) fn integer(chars: &[char], notes: &mut Vec<Note>) -> Result<i128, Error> {
    if chars == ['零'] {
        return Ok(0);
    }
    let mut rest = chars;
    let mut total = 0;
    let mut before = Before::Nothing;
    for (unit, weight) in [(Some('亿'), 100_000_000), (Some('万'), 10_000), (None, 1)] {
        let part = match unit {
            Some(unit) => match rest.iter().position(|c| *c == unit) {
                Some(at) => {
                    let part = &rest[..at];
                    rest = &rest[at + 1..];
                    if part.is_empty() {
                        return Err(bad("a unit without digits"));
                    }
                    part
                }
                None => &[],
            },
            None => rest,
        };
        if part.is_empty() {
            if !matches!(before, Before::Nothing) {
                before = Before::Skipped;
            }
            continue;
        }
        let value = section(part, before, notes)?;
        total += i128::from(value) * weight;
        before = Before::Section {
            full: value % 10 != 0,
        };
    }
    if total == 0 || total > YUAN_MAX {
        return Err(bad("out of range"));
    }
    Ok(total)
}

/// What stands before a section.
#[derive(Clone, Copy)]
enum Before {
    Nothing,
    /// A section of four empty places.
    Skipped,
    /// A section; full if its last place is not empty.
    Section {
        full: bool,
    },
}

/// Up to four places; 零 where places are empty between two digits.
fn section(chars: &[char], before: Before, notes: &mut Vec<Note>) -> Result<u32, Error> {
    let mut value = 0;
    let mut last_unit = 10_000;
    let mut zero = false;
    let mut at = 0;
    while at < chars.len() {
        if chars[at] == '零' {
            let leading = at == 0 && matches!(before, Before::Nothing);
            if zero || leading || at + 1 == chars.len() {
                return Err(bad("零 in the wrong place"));
            }
            zero = true;
            at += 1;
            continue;
        }
        let digit = digit(chars[at], notes)?;
        let unit = chars
            .get(at + 1)
            .and_then(|c| UNITS.iter().find(|(sign, _)| sign == c))
            .map(|(_, unit)| *unit);
        let step = unit.unwrap_or(1);
        if step >= last_unit {
            return Err(bad("units are not in order"));
        }
        let gap = last_unit / step > 10;
        match (value > 0, before) {
            (true, _) if gap && !zero => notes.push(Note::MissingZero),
            (true, _) if zero && !gap => notes.push(Note::SurplusZero),
            (true, _) | (_, Before::Nothing) => {}
            // 壹亿伍仟 is said for 壹亿伍仟万 as well: two meanings.
            (_, Before::Skipped) if !zero => return Err(bad("零 is missing after an empty 万")),
            (_, Before::Skipped) => {}
            (_, Before::Section { .. }) if gap && !zero => notes.push(Note::MissingZero),
            (_, Before::Section { full: true }) if zero && !gap => notes.push(Note::SurplusZero),
            // The place before is empty, the next is not: 零 may stand or not.
            (_, Before::Section { .. }) => {}
        }
        value += digit * step;
        last_unit = step;
        zero = false;
        at += if unit.is_some() { 2 } else { 1 };
    }
    if value == 0 {
        return Err(bad("a unit without digits"));
    }
    Ok(value)
}

/// The part after 元: 整 or 正, 角, 分. An empty place that is said all the same, as in 零角零分, has
/// one meaning and is noted; so is 零 before 角 where the place of 元 is not `empty`.
pub(super) fn fraction(chars: &[char], empty: bool, notes: &mut Vec<Note>) -> Result<i128, Error> {
    match chars {
        ['整' | '正'] => Ok(0),
        [] => {
            notes.push(Note::NoEnd);
            Ok(0)
        }
        ['零', '角', '零', '分'] | ['零', '角', '整' | '正'] | ['零', '角'] => {
            notes.push(Note::SurplusZero);
            Ok(0)
        }
        ['零', '角', fen, '分'] => {
            notes.push(Note::SurplusZero);
            jiao_fen(&[*fen, '分'], true, notes)
        }
        [jiao, '角', '零', '分'] => {
            notes.push(Note::SurplusZero);
            jiao_fen(&[*jiao, '角'], false, notes)
        }
        ['零', rest @ ..] => {
            if !empty && rest.get(1) == Some(&'角') {
                notes.push(Note::SurplusZero);
            }
            jiao_fen(rest, true, notes)
        }
        [_, '分'] => {
            notes.push(Note::MissingZero);
            jiao_fen(chars, false, notes)
        }
        rest => jiao_fen(rest, false, notes),
    }
}

pub(super) fn jiao_fen(chars: &[char], zero: bool, notes: &mut Vec<Note>) -> Result<i128, Error> {
    let mut numeral = |c: &char| digit(*c, notes).map(i128::from);
    match chars {
        [jiao, '角'] | [jiao, '角', '整' | '正'] => Ok(numeral(jiao)? * 10),
        [jiao, '角', fen, '分'] => Ok(numeral(jiao)? * 10 + numeral(fen)?),
        [fen, '分'] => numeral(fen),
        _ if zero => Err(bad("零 without 角 and 分")),
        _ => Err(bad("角 and 分 are not in their form")),
    }
}

fn digit(c: char, notes: &mut Vec<Note>) -> Result<u32, Error> {
    let at = |numerals: &[char; 10]| numerals.iter().skip(1).position(|d| *d == c);
    if let Some(at) = at(&DIGITS) {
        return Ok(at as u32 + 1);
    }
    notes.push(Note::Everyday);
    at(&EVERYDAY)
        .map(|at| at as u32 + 1)
        .ok_or_else(|| bad("not a capital numeral"))
}
