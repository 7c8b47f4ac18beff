//! Words that may be somebody else's, for a terminal: a host's answer, a name in a certificate.

use mifeng_server::is_unseen;
use std::borrow::Cow;
use std::fmt::Write;

/// Colours of our own: they move nothing, whoever wrote them.
const COLOURS: [&str; 4] = ["\x1b[32m", "\x1b[31m", "\x1b[30;107m", "\x1b[0m"];

/// The text without what moves a terminal's cursor, turns the order of writing or cannot be seen: such signs are written as
/// JSON writes them, so that JSON stays the same JSON.
pub(crate) fn seen(text: &str) -> Cow<'_, str> {
    let goes = |sign: char| matches!(sign, '\n' | '\t') || !is_unseen(sign);
    if text.chars().all(goes) {
        return Cow::Borrowed(text);
    }
    let mut seen = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(sign) = rest.chars().next() {
        let colour = COLOURS.iter().find(|colour| rest.starts_with(**colour));
        let len = colour.map_or(sign.len_utf8(), |colour| colour.len());
        match colour.is_some() || goes(sign) {
            true => seen.push_str(&rest[..len]),
            false => {
                for unit in sign.encode_utf16(&mut [0; 2]) {
                    let _ = write!(seen, "\\u{unit:04x}");
                }
            }
        }
        rest = &rest[len..];
    }
    Cow::Owned(seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_moves_the_terminal_and_json_stays_json() {
        for (text, expected) in [
            ("标段 1\n\t行", "标段 1\n\t行"),
            ("\x1b[32m✔\x1b[0m good", "\x1b[32m✔\x1b[0m good"),
            ("a\x1b[2J\x1b[Hb", "a\\u001b[2J\\u001b[Hb"),
            ("\x1b]52;c;eA==\x07", "\\u001b]52;c;eA==\\u0007"),
            ("one\rtwo\u{8}\u{9b}", "one\\u000dtwo\\u0008\\u009b"),
            ("\u{202e}123", "\\u202e123"),
            ("\u{e0001}", "\\udb40\\udc01"),
        ] {
            assert_eq!(seen(text), expected, "{text:?}");
        }
        let value = serde_json::json!({ "name": "\u{202e}\u{85}\x1b" });
        let text = value.to_string();
        let read: serde_json::Value = serde_json::from_str(&seen(&text)).expect("JSON");
        assert!(seen(&text) != text && read == value);
    }
}
