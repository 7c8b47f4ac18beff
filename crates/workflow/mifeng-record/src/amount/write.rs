//! From an amount to capital numerals.

use super::{DIGITS, UNITS};

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
