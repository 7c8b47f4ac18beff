//! Amounts in digits as notices print them.

use super::bad;
use crate::Error;

/// Below this many yuan, as for words.
const YUAN_DIGITS_MAX: usize = 12;

/// Reads digits as notices and tools print them, in fen: `1992000`, `1,992,000.00元`, `68.79万元`,
/// with `¥`, `￥` or `人民币` before them, and blanks around each part. Separators stand every three
/// digits or nowhere. This is for the border only: formats carry plain yuan (`spec/amount.md`).
///
/// ```
/// assert_eq!(mifeng_record::amount::printed("68.79万元"), Ok(68_790_000));
/// ```
///
/// # Errors
/// [`Error::Amount`] for anything else: percents, other units, a fraction of a fen.
pub fn printed(text: &str) -> Result<i128, Error> {
    let text = text.trim();
    let text = ["人民币", "¥", "￥"]
        .iter()
        .find_map(|sign| text.strip_prefix(sign))
        .unwrap_or(text)
        .trim_start();
    let text = text.strip_suffix('元').unwrap_or(text).trim_end();
    let (digits, places) = match text.strip_suffix('万') {
        Some(digits) => (digits.trim_end(), 6),
        None => (text, 2),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let whole = grouped(whole)?;
    let plain = |digits: &str| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if !plain(&whole) || !plain(part) {
        return Err(bad("expected digits such as 1,992,000.00"));
    }
    if whole.len() > YUAN_DIGITS_MAX || part.len() > 2 * YUAN_DIGITS_MAX {
        return Err(bad("out of range"));
    }
    let (kept, beyond) = part.split_at(part.len().min(places));
    if beyond.bytes().any(|digit| digit != b'0') {
        return Err(bad("a fraction of a fen"));
    }
    let fen = format!("{whole}{kept:0<places$}").parse();
    fen.map_err(|_| bad("out of range"))
}

/// The digits before the point without their separators.
fn grouped(whole: &str) -> Result<String, Error> {
    let mut groups = whole.split(',');
    let first = groups.next().unwrap_or_default();
    let more: Vec<&str> = groups.collect();
    let regular = first.len() <= 3 && more.iter().all(|group| group.len() == 3);
    if !more.is_empty() && !regular {
        return Err(bad("separators stand every three digits"));
    }
    Ok(whole.replace(',', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_met_in_notices() {
        for (text, fen) in [
            ("1988000.00", 198_800_000),
            ("1,992,000.00元", 199_200_000),
            ("68.79万元", 68_790_000),
            ("455971253.37 元", 45_597_125_337),
            ("14750000元", 1_475_000_000),
            ("￥ 0.01", 1),
            ("0.000001万元", 1),
            ("999999999999", 99_999_999_999_900),
        ] {
            assert_eq!(printed(text), Ok(fen), "{text}");
        }
        for text in [
            "",
            "元",
            "未提供",
            "12%",
            "1,99,000",
            "1,9920",
            "1.234",
            "1e5",
            "-1",
            "1.",
            ".5",
            "0.0000001万元",
            "1000000000000",
            "5元/吨",
            "１００",
            "1 000",
        ] {
            assert!(printed(text).is_err(), "{text}");
        }
    }
}
