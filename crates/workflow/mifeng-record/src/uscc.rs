//! Unified social credit codes (GB 32100; the organisation code inside is GB 11714).
//!
//! ```
//! use mifeng_record::uscc::{Uscc, Verdict};
//! # fn main() -> Result<(), mifeng_record::Error> {
//! assert_eq!(Uscc::parse("91350200776049653A")?.verdict(), Verdict::Ok);
//! // Issued and in public use, although its last character does not verify.
//! assert!(matches!(Uscc::parse("91350203M0001QAY9B")?.verdict(), Verdict::Warn(_)));
//! assert!(Uscc::parse("91350200776049653").is_err());
//! # Ok(())
//! # }
//! ```

use crate::Error;
use crate::region::Region;
use std::fmt;

/// Characters of a code.
pub const LEN: usize = 18;
/// Values 0 to 30 of a character; I, O, S, V and Z are not used.
const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
/// Weights of the first seventeen characters: powers of 3 modulo 31.
const WEIGHTS: [u32; 17] = [
    1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28,
];
/// Weights of the organisation code, characters 9 to 16 (GB 11714).
const ORGANISATION_WEIGHTS: [u32; 8] = [3, 7, 9, 10, 5, 8, 4, 2];

/// A code of the right form; whether its check characters hold is its [`Verdict`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uscc([u8; LEN]);

/// What about a code of the right form does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Doubt {
    /// The 17th: the check character of the organisation code.
    Organisation,
    /// The 18th: the check character of the whole.
    Whole,
    /// Both.
    Both,
    /// Characters 3 to 8 are no region code (GB/T 2260), although the check characters hold.
    Region,
}

/// What to do with a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The form and both check characters are right.
    Ok,
    /// The form is right, a check character or the region is not. Such codes have been issued, so a person may
    /// override the warning (RULES 13.1).
    Warn(Doubt),
    /// Not a code at all.
    Refuse,
}

impl Uscc {
    /// Reads a code as it is printed: exactly 18 characters of the alphabet, nothing around them.
    ///
    /// # Errors
    /// [`Error::CreditCode`] for another length or character.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let bad = |detail| Error::CreditCode { detail };
        let code: [u8; LEN] = text
            .as_bytes()
            .try_into()
            .map_err(|_| bad("expected 18 characters"))?;
        if code.iter().any(|sign| value(*sign).is_none()) {
            return Err(bad("a character outside 0-9 and A-Y without I, O, S, V"));
        }
        Ok(Self(code))
    }

    /// As [`Uscc::parse`], after taking blanks off both ends and raising lower case: for what a
    /// person typed. What is stored is the normal form.
    ///
    /// # Errors
    /// As [`Uscc::parse`].
    pub fn parse_typed(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        if text.len() != LEN {
            return Self::parse(text);
        }
        Self::parse(&text.to_ascii_uppercase())
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("only ASCII is let in")
    }

    /// The region of the office that gave the code, characters 3 to 8; `None` if they are no region
    /// code.
    pub fn region(&self) -> Option<Region> {
        std::str::from_utf8(&self.0[2..8])
            .ok()
            .and_then(Region::parse)
    }

    /// Whether the check characters hold, and the region if they do.
    pub fn verdict(&self) -> Verdict {
        match (self.organisation_holds(), self.whole_holds()) {
            (true, true) if self.region().is_none() => Verdict::Warn(Doubt::Region),
            (true, true) => Verdict::Ok,
            (false, true) => Verdict::Warn(Doubt::Organisation),
            (true, false) => Verdict::Warn(Doubt::Whole),
            (false, false) => Verdict::Warn(Doubt::Both),
        }
    }

    fn whole_holds(&self) -> bool {
        let sum = weigh(&self.0, &WEIGHTS);
        ALPHABET[((31 - sum % 31) % 31) as usize] == self.0[17]
    }

    fn organisation_holds(&self) -> bool {
        // Letters count from A = 10 without gaps in GB 11714, unlike in the alphabet above.
        let sum: u32 = self.0[8..16]
            .iter()
            .zip(ORGANISATION_WEIGHTS)
            .map(|(sign, weight)| char::from(*sign).to_digit(36).unwrap_or(0) * weight)
            .sum();
        let expected = match 11 - sum % 11 {
            10 => b'X',
            11 => b'0',
            digit => b'0' + digit as u8,
        };
        expected == self.0[16]
    }
}

/// The verdict on a text, the refusal included.
pub fn judge(text: &str) -> Verdict {
    Uscc::parse(text).map_or(Verdict::Refuse, |code| code.verdict())
}

fn value(sign: u8) -> Option<u32> {
    ALPHABET
        .iter()
        .position(|known| *known == sign)
        .map(|at| at as u32)
}

fn weigh(signs: &[u8], weights: &[u32]) -> u32 {
    signs
        .iter()
        .zip(weights)
        .map(|(sign, weight)| value(*sign).unwrap_or(0) * weight)
        .sum()
}

impl fmt::Display for Uscc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Uscc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uscc({})", self.as_str())
    }
}

impl std::str::FromStr for Uscc {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}
