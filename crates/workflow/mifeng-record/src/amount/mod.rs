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

mod printed;
mod words;
mod write;

pub use printed::printed;
pub use write::format;

use crate::Error;
use words::{fraction, integer, jiao_fen, without_yuan};

const DIGITS: [char; 10] = ['零', '壹', '贰', '叁', '肆', '伍', '陆', '柒', '捌', '玖'];
/// Numerals of everyday writing, read but noted.
const EVERYDAY: [char; 10] = ['〇', '一', '二', '三', '四', '五', '六', '七', '八', '九'];
const UNITS: [(char, u32); 3] = [('仟', 1_000), ('佰', 100), ('拾', 10)];
/// Traditional characters that the annex tells to accept.
const ACCEPTED: [(char, char); 5] = [
    ('貳', '贰'),
    ('陸', '陆'),
    ('億', '亿'),
    ('萬', '万'),
    ('圓', '圆'),
];
/// Other ways to write a sign, read but noted.
const VARIANTS: [(char, char); 7] = [
    ('〇', '零'),
    ('參', '叁'),
    ('叄', '叁'),
    ('弍', '贰'),
    ('十', '拾'),
    ('百', '佰'),
    ('千', '仟'),
];
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
    /// An everyday or other sign such as 五 instead of 伍.
    Everyday,
    /// A blank, or more than 人民币 before the amount.
    Spaced,
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
    let mut notes = Vec::new();
    let chars = signs(text, &mut notes);
    if chars.is_empty() || chars.len() > TEXT_LEN_MAX {
        return Err(bad("empty or too long"));
    }
    let at = chars.iter().position(|c| matches!(c, '元' | '圆'));
    let (yuan, cents) = match at {
        Some(at) => {
            let yuan = integer(&chars[..at], &mut notes)?;
            let empty = yuan % 10 == 0;
            (yuan, fraction(&chars[at + 1..], empty, &mut notes)?)
        }
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

/// The signs of the amount in their usual form, without what may stand before them.
fn signs(text: &str, notes: &mut Vec<Note>) -> Vec<char> {
    let named = text.strip_prefix("人民币");
    let mut rest = named.unwrap_or(text);
    // 人民币 alone is what the annex asks for; forms print 人民币（大写）： as well.
    for more in ["（大写）", "(大写)", "：", ":"] {
        if let Some(after) = rest.strip_prefix(more) {
            notes.push(Note::Spaced);
            rest = after;
        }
    }
    let mut chars = Vec::new();
    // Whatever stands behind so many blanks is not left out: it is no amount.
    if rest.chars().nth(2 * TEXT_LEN_MAX).is_some() {
        return chars;
    }
    for sign in rest.chars() {
        let other = |list: &[(char, char)]| {
            list.iter()
                .find(|(other, _)| *other == sign)
                .map(|(_, usual)| *usual)
        };
        if sign == ' ' || sign == '\u{3000}' {
            notes.push(Note::Spaced);
        } else if let Some(usual) = other(&ACCEPTED) {
            chars.push(usual);
        } else if let Some(usual) = other(&VARIANTS) {
            notes.push(Note::Everyday);
            chars.push(usual);
        } else {
            chars.push(sign);
        }
    }
    chars
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
            ("貳萬陸仟圓整", 2_600_000),
            ("人民币壹億元整", 10_000_000_000),
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
            "叁仟零元零角零分分",
            "壹元零角零角",
            "壹元零分",
            "人民币",
            "人民币人民币壹元整",
            "大写壹元整",
            " ",
            "玖拾伍万零元整",
            "壹元\t整",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        let behind = |text: &str| format!("壹元整{}{text}", " ".repeat(125));
        assert!(parse(&behind("")).is_ok());
        assert!(parse(&behind(" ")).is_err() && parse(&behind("万")).is_err());
    }

    #[test]
    fn departures_are_read_and_noted() {
        use Note::{Everyday, MissingZero, NoEnd, NoYuan, Spaced, SurplusZero};
        for (text, fen, notes) in [
            ("壹佰贰拾捌万伍仟", 128_500_000, &[NoYuan, NoEnd][..]),
            ("壹佰元", 10_000, &[NoEnd]),
            ("壹佰伍元整", 10_500, &[MissingZero]),
            ("壹佰〇伍元整", 10_500, &[Everyday]),
            ("壹万伍元整", 1_000_500, &[MissingZero]),
            ("壹万零伍仟元整", 1_500_000, &[SurplusZero]),
            ("壹元贰分", 102, &[MissingZero]),
            ("五元整", 500, &[Everyday]),
            ("參佰元整", 30_000, &[Everyday]),
            ("五十元整", 5_000, &[Everyday]),
            ("人民币（大写）：伍元整", 500, &[Spaced]),
            ("壹佰 元整", 10_000, &[Spaced]),
            // 零 before 角 is lawful only where the place of 元 is empty.
            ("壹元零伍角", 150, &[SurplusZero]),
            ("壹佰贰拾叁元零肆角伍分", 12_345, &[SurplusZero]),
            ("壹仟陆佰捌拾元零叁角贰分", 168_032, &[]),
            ("壹拾元零伍角", 1_050, &[]),
            ("壹元零伍分", 105, &[]),
            ("伍元零角零分", 500, &[SurplusZero]),
            ("伍元零角贰分", 502, &[SurplusZero]),
            ("伍元贰角零分", 520, &[SurplusZero]),
            ("壹亿零伍仟元整", 10_000_500_000, &[]),
            ("零元整", 0, &[]),
        ] {
            let reading = read(text).map(|r| (r.amount.fen(), r.notes));
            assert_eq!(reading, Ok((fen, notes.to_vec())), "{text}");
        }
    }
}
