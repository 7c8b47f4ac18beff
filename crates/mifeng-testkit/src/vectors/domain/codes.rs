//! Unified social credit codes, and amounts in capital numerals beside their digits.

use super::super::case::{Input, Stop, Tally, check, fail, same};
use super::table::{Row, each};
use mifeng_record::amount::{self, Verdict as Words};
use mifeng_record::uscc::{Doubt, Uscc, Verdict, judge};
use mifeng_score::Money;

/// The code as printed is judged. `normalise` is refused so and holds once it is normalised; a
/// wrong check character is doubted, not refused, for such codes have been issued.
pub(super) fn credit_codes(input: &Input, tally: &mut Tally) {
    each(input, tally, |row| {
        let code = row.cell("code");
        let (found, typed) = (judge(code), Uscc::parse_typed(code));
        let typed = typed.map_or(Verdict::Refuse, |code| code.verdict());
        let doubted = matches!(found, Verdict::Warn(Doubt::Whole | Doubt::Both));
        match row.cell("verdict") {
            "valid" => check(found == Verdict::Ok, "valid, but not accepted"),
            "normalise" => {
                check(
                    found == Verdict::Refuse,
                    "accepted without being normalised",
                )?;
                check(typed == Verdict::Ok, "normalised, but not accepted")
            }
            "check18_wrong" | "check_wrong" => check(doubted, "a check fails, but no doubt"),
            "bad_length" | "bad_char" => {
                check(found == Verdict::Refuse, "no code, but not refused")?;
                check(typed == Verdict::Refuse, "no code, but normalised to one")
            }
            _ => Err(Stop::Skip("a verdict that is not known here")),
        }
    });
}

/// Amounts in capital numerals (大写) beside their digits.
pub(super) fn amounts(input: &Input, tally: &mut Tally) {
    each(input, tally, |row| {
        let words = row.cell("upper");
        if row.cell("verdict") == "reject" {
            return check(amount::read(words).is_err(), "malformed, but read");
        }
        let digits = Money::parse(row.cell("digits")).map_err(fail("digits"))?;
        let found = amount::compare(digits.fen(), words);
        let read = matches!(found, Words::Equal | Words::Flag);
        match row.cell("verdict") {
            "equal" | "equal_or_flag" => check(read, "the same amount, but found to be none")?,
            "mismatch" => check(
                found == Words::Mismatch,
                "another amount, but not told apart",
            )?,
            _ => return Err(Stop::Skip("a verdict that is not known here")),
        }
        canonical(row, digits)
    });
}

/// What the notes call the written form is what we write, and lawful to the sign.
fn canonical(row: &Row, digits: Money) -> super::super::case::Case {
    if !row.cell("note").starts_with("canonical form") {
        return Ok(());
    }
    let words = row.cell("upper");
    let written = amount::format(digits.fen());
    same("written form", written.as_str(), words)?;
    let found = amount::compare(digits.fen(), words);
    check(found == Words::Equal, "the written form, but flagged")
}
