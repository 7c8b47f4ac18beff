//! Amounts in capital Chinese numerals (大写; 支付结算办法 annex, RULES 13.3).
//!
//! ```
//! use mifeng_record::amount;
//! # fn main() -> Result<(), mifeng_record::Error> {
//! assert_eq!(amount::parse("壹佰贰拾捌万伍仟元整")?.fen(), 128_500_000);
//! assert_eq!(amount::format(168_032), "壹仟陆佰捌拾元零叁角贰分");
//! # Ok(())
//! # }
//! ```

use crate::Error;

const DIGITS: [char; 10] = ['零', '壹', '贰', '叁', '肆', '伍', '陆', '柒', '捌', '玖'];
/// Numerals of everyday writing, read but noted.
const EVERYDAY: [char; 10] = ['〇', '一', '二', '三', '四', '五', '六', '七', '八', '九'];
const UNITS: [(char, u32); 3] = [('仟', 1_000), ('佰', 100), ('拾', 10)];
/// Below one trillion yuan (万亿): no tender is larger, and the numerals stay unambiguous.
const YUAN_MAX: i128 = 999_999_999_999;
/// No lawful text is longer.
const TEXT_LEN_MAX: usize = 64;

/// A parsed amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount(i128);

impl Amount {
    /// The amount in fen (hundredths of a yuan).
    pub fn fen(self) -> i128 {
        self.0
    }
}

/// In what a text departs from the form of the annex although it can only mean one amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Note {
    /// 元 is missing.
    NoYuan,
    /// 整 is missing after 元.
    NoEnd,
    /// A required 零 is missing.
    MissingZero,
    /// A 零 where no place is empty.
    SurplusZero,
    /// An everyday numeral such as 五 instead of 伍.
    Everyday,
}

/// An amount and how its text departs from the form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The amount.
    pub amount: Amount,
    /// Every departure once, sorted; empty for a lawful text.
    pub notes: Vec<Note>,
}

/// Digits beside words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The same amount, in lawful form.
    Equal,
    /// The same amount, in another form than the lawful: somebody should look.
    Flag,
    /// Another amount: the words rule (87 art. 59 (2)).
    Mismatch,
    /// The words are no amount.
    Reject,
}

fn bad(detail: &'static str) -> Error {
    Error::Amount { detail }
}

/// Reads an amount: every lawful variant, and departures that leave one meaning only. Whoever
/// wants to see the departures calls [`read`].
///
/// # Errors
/// [`Error::Amount`] with the rule that is broken.
pub fn parse(text: &str) -> Result<Amount, Error> {
    Ok(read(text)?.amount)
}

/// Compares words with an amount in fen.
pub fn compare(fen: i128, text: &str) -> Verdict {
    match read(text) {
        Err(_) => Verdict::Reject,
        Ok(reading) if reading.amount.fen() != fen => Verdict::Mismatch,
        Ok(reading) if reading.notes.is_empty() => Verdict::Equal,
        Ok(_) => Verdict::Flag,
    }
}

/// Reads an amount and says how its text departs from the form.
///
/// # Errors
/// [`Error::Amount`] if the text is malformed or could mean two amounts.
pub fn read(text: &str) -> Result<Reading, Error> {
    let text = text.strip_prefix("人民币").unwrap_or(text);
    let chars: Vec<char> = text.chars().take(TEXT_LEN_MAX + 1).collect();
    if chars.is_empty() || chars.len() > TEXT_LEN_MAX {
        return Err(bad("empty or too long"));
    }
    let mut notes = Vec::new();
    let at = chars.iter().position(|c| matches!(c, '元' | '圆'));
    let (yuan, cents) = match at {
        Some(at) => (
            integer(&chars[..at], &mut notes)?,
            fraction(&chars[at + 1..], &mut notes)?,
        ),
        None if chars.iter().any(|c| matches!(c, '角' | '分')) => {
            (0, jiao_fen(&chars, false, &mut notes)?)
        }
        None => (without_yuan(&chars, &mut notes)?, 0),
    };
    if yuan == 0 && cents == 0 && chars.first() != Some(&'零') {
        return Err(bad("no amount"));
    }
    notes.sort_unstable();
    notes.dedup();
    Ok(Reading {
        amount: Amount(yuan * 100 + cents),
        notes,
    })
}

/// Yuan without 元, as some notices print them. A last digit without its unit could be units or
/// the next smaller place (壹仟伍佰陆: 1506 or 1560), so it is refused.
fn without_yuan(chars: &[char], notes: &mut Vec<Note>) -> Result<i128, Error> {
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
fn integer(chars: &[char], notes: &mut Vec<Note>) -> Result<i128, Error> {
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

/// The part after 元: 整 or 正, 角, 分.
fn fraction(chars: &[char], notes: &mut Vec<Note>) -> Result<i128, Error> {
    match chars {
        ['整' | '正'] => Ok(0),
        [] => {
            notes.push(Note::NoEnd);
            Ok(0)
        }
        ['零', rest @ ..] => jiao_fen(rest, true, notes),
        [_, '分'] => {
            notes.push(Note::MissingZero);
            jiao_fen(chars, false, notes)
        }
        rest => jiao_fen(rest, false, notes),
    }
}

fn jiao_fen(chars: &[char], zero: bool, notes: &mut Vec<Note>) -> Result<i128, Error> {
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

/// Writes an amount in fen, in the one form with 元 and 整.
pub fn format(fen: i128) -> String {
    let fen = fen.max(0);
    let (yuan, cents) = (fen / 100, fen % 100);
    let mut out = String::new();
    let mut pending = false;
    for (unit, weight) in [("亿", 100_000_000), ("万", 10_000), ("", 1)] {
        let value = yuan / weight % 10_000;
        if value == 0 {
            pending = !out.is_empty();
            continue;
        }
        if !out.is_empty() && (pending || value < 1_000) {
            out.push('零');
        }
        write_section(u32::try_from(value).unwrap_or(0), &mut out);
        out.push_str(unit);
        pending = false;
    }
    if out.is_empty() && (yuan == 0 && cents == 0) {
        out.push('零');
    }
    if !out.is_empty() {
        out.push('元');
    }
    let numeral = |value: i128| DIGITS[usize::try_from(value).unwrap_or(0)];
    match (cents / 10, cents % 10) {
        (0, 0) => out.push('整'),
        (jiao, 0) => out.extend([numeral(jiao), '角', '整']),
        (0, fen) if out.is_empty() => out.extend([numeral(fen), '分']),
        (0, fen) => out.extend(['零', numeral(fen), '分']),
        (jiao, fen) => {
            if !out.is_empty() && yuan % 10 == 0 {
                out.push('零');
            }
            out.extend([numeral(jiao), '角', numeral(fen), '分']);
        }
    }
    out
}

fn write_section(value: u32, out: &mut String) {
    let mut zero = false;
    let mut started = false;
    for (sign, unit) in UNITS.into_iter().chain([('\0', 1)]) {
        let digit = value / unit % 10;
        if digit == 0 {
            zero = started;
            continue;
        }
        if zero {
            out.push('零');
            zero = false;
        }
        out.push(DIGITS[digit as usize]);
        if sign != '\0' {
            out.push(sign);
        }
        started = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_amount_reads_back() {
        for fen in (0..2_000_000).step_by(7).chain(0..20_000).chain([
            10_700_053,
            128_500_000,
            1_640_902,
            99_999_999_999_999,
            10_000_000_000,
        ]) {
            let text = format(fen);
            assert_eq!(compare(fen, &text), Verdict::Equal, "{text}");
        }
    }

    #[test]
    fn lawful_variants_and_refusals() {
        for (text, fen) in [
            ("壹仟陆佰捌拾元叁角贰分", 168_032),
            ("壹拾万柒仟元零伍角叁分", 10_700_053),
            ("壹拾万零柒仟元伍角叁分", 10_700_053),
            ("壹万陆仟肆佰零玖元零贰分", 1_640_902),
            ("人民币壹佰圆正", 10_000),
            ("伍角", 50),
        ] {
            assert_eq!(compare(fen, text), Verdict::Equal, "{text}");
        }
        for text in [
            "",
            "拾元整",
            "壹仟伍佰陆",
            "壹零元整",
            "100元整",
            "元整",
            "壹亿伍仟元整",
            "壹万亿元整",
            "壹元零整",
            "零零元整",
            "壹元整整",
            "壹角零贰分",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn departures_are_read_and_noted() {
        use Note::{Everyday, MissingZero, NoEnd, NoYuan, SurplusZero};
        for (text, fen, notes) in [
            ("壹佰贰拾捌万伍仟", 128_500_000, &[NoYuan, NoEnd][..]),
            ("壹佰元", 10_000, &[NoEnd]),
            ("壹佰伍元整", 10_500, &[MissingZero]),
            ("壹万伍元整", 1_000_500, &[MissingZero]),
            ("壹万零伍仟元整", 1_500_000, &[SurplusZero]),
            ("壹元贰分", 102, &[MissingZero]),
            ("五元整", 500, &[Everyday]),
            ("壹亿零伍仟元整", 10_000_500_000, &[]),
            ("零元整", 0, &[]),
        ] {
            let reading = read(text).map(|r| (r.amount.fen(), r.notes));
            assert_eq!(reading, Ok((fen, notes.to_vec())), "{text}");
        }
    }
}
