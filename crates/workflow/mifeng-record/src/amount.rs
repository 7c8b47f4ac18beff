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

fn bad(detail: &'static str) -> Error {
    Error::Amount { detail }
}

/// Reads an amount; every lawful variant, nothing guessed.
///
/// # Errors
/// [`Error::Amount`] with the rule that is broken.
pub fn parse(text: &str) -> Result<Amount, Error> {
    let text = text.strip_prefix("人民币").unwrap_or(text);
    let chars: Vec<char> = text.chars().collect();
    if chars.is_empty() || chars.len() > TEXT_LEN_MAX {
        return Err(bad("empty or too long"));
    }
    let at = chars.iter().position(|c| matches!(c, '元' | '圆'));
    let (whole, rest) = match at {
        Some(at) => (&chars[..at], &chars[at + 1..]),
        None => (&chars[..0], &chars[..]),
    };
    let yuan = if at.is_some() { integer(whole)? } else { 0 };
    let cents = fraction(rest, at.is_some())?;
    if yuan == 0 && cents == 0 && whole != ['零'] {
        return Err(bad("no amount"));
    }
    Ok(Amount(yuan * 100 + cents))
}

/// The part before 元: sections of four places at 亿, 万 and 元.
fn integer(chars: &[char]) -> Result<i128, Error> {
    if chars == ['零'] {
        return Ok(0);
    }
    let mut rest = chars;
    let mut total = 0;
    let mut above = false;
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
                None => continue,
            },
            None => rest,
        };
        if part.is_empty() {
            continue;
        }
        total += i128::from(section(part, above)?) * weight;
        above = true;
    }
    if total == 0 || total > YUAN_MAX {
        return Err(bad("out of range"));
    }
    Ok(total)
}

/// Up to four places; 零 where places are empty, required between two digits of one section.
fn section(chars: &[char], above: bool) -> Result<u32, Error> {
    let mut value = 0;
    let mut last_unit = 10_000;
    let mut zero = false;
    let mut at = 0;
    while at < chars.len() {
        if chars[at] == '零' {
            let leading = at == 0 && !above;
            if zero || leading || at + 1 == chars.len() {
                return Err(bad("零 in the wrong place"));
            }
            zero = true;
            at += 1;
            continue;
        }
        let digit = digit(chars[at])?;
        let unit = chars
            .get(at + 1)
            .and_then(|c| UNITS.iter().find(|(sign, _)| sign == c))
            .map(|(_, unit)| *unit);
        let step = unit.unwrap_or(1);
        if step >= last_unit {
            return Err(bad("units are not in order"));
        }
        let gap = value > 0 && last_unit / step > 10;
        if gap && !zero {
            return Err(bad("零 is missing between two digits"));
        }
        if zero && value > 0 && !gap {
            return Err(bad("零 between neighbouring digits"));
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
fn fraction(chars: &[char], has_yuan: bool) -> Result<i128, Error> {
    let ends = |c: &char| matches!(c, '整' | '正');
    match chars {
        [end] if has_yuan && ends(end) => Ok(0),
        [] => Err(bad("整 is missing after 元")),
        ['零', rest @ ..] if has_yuan => jiao_fen(rest, true),
        rest => jiao_fen(rest, false),
    }
}

fn jiao_fen(chars: &[char], zero: bool) -> Result<i128, Error> {
    let ends = |c: &char| matches!(c, '整' | '正');
    match chars {
        [jiao, '角'] => Ok(i128::from(digit(*jiao)?) * 10),
        [jiao, '角', end] if ends(end) => Ok(i128::from(digit(*jiao)?) * 10),
        [jiao, '角', fen, '分'] => Ok(i128::from(digit(*jiao)?) * 10 + i128::from(digit(*fen)?)),
        [fen, '分'] if zero => Ok(i128::from(digit(*fen)?)),
        [_, '分'] => Err(bad("零 is missing before 分")),
        _ => Err(bad("角 and 分 are not in their form")),
    }
}

fn digit(c: char) -> Result<u32, Error> {
    DIGITS
        .iter()
        .skip(1)
        .position(|d| *d == c)
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
        for fen in (0..2_000_000).chain([
            10_700_053,
            128_500_000,
            1_640_902,
            99_999_999_999_999,
            10_000_000_000,
        ]) {
            if fen > 0 && fen < 10 {
                continue; // 分 alone has no 元 before it; tested below.
            }
            let text = format(fen);
            assert_eq!(parse(&text).map(Amount::fen), Ok(fen), "{text}");
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
            assert_eq!(parse(text).map(Amount::fen), Ok(fen), "{text}");
        }
        for text in [
            "",
            "拾元整",
            "壹佰贰拾捌万伍仟",
            "壹佰元",
            "壹零元整",
            "100元整",
            "壹佰伍元整",
            "元整",
            "壹元贰分",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
