//! Exact numbers: money in whole fen and bounded rationals. No floating point anywhere.

mod fixed;
mod ratio;

pub(crate) use fixed::Fixed;
pub use ratio::Ratio;

use crate::Error;

/// Largest amount, in fen: 10^15 yuan, a hundred times what the state spends in a year.
pub const FEN_MAX: i128 = 100_000_000_000_000_000;
/// Decimals that a rate, coefficient or score may carry.
pub const DECIMALS_MAX: usize = 12;
/// Longest number text.
pub const TEXT_MAX: usize = 32;
/// Bits of a numerator or denominator: ten thousand rates of forty bits do not reach it in any of
/// our formulas, and a hostile one is stopped before it costs time.
pub const BITS_MAX: u64 = 4096;

/// An amount in fen, never negative, at most [`FEN_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(i128);

impl Money {
    /// Reads plain decimal yuan such as `1286000.00`: ASCII digits, at most two decimals.
    ///
    /// # Errors
    /// [`Error::Number`] for signs, separators, exponents, leading zeros and out of range.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (units, scale) = digits(text, 2).ok_or_else(|| number("price", text, 2))?;
        let fen = units * 10i128.pow(2 - scale);
        Self::from_fen(fen).ok_or_else(|| number("price", text, 2))
    }

    /// An amount of whole fen, if in range.
    pub fn from_fen(fen: i128) -> Option<Self> {
        (0..=FEN_MAX).contains(&fen).then_some(Self(fen))
    }

    /// Whole fen.
    pub fn fen(self) -> i128 {
        self.0
    }

    /// The amount in yuan as an exact number.
    pub fn ratio(self) -> Ratio {
        Ratio::from_fen(self.0)
    }
}

impl std::fmt::Display for Money {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

pub(crate) fn number(place: &str, found: &str, decimals: usize) -> Error {
    Error::Number {
        place: place.to_owned(),
        found: found.chars().take(40).collect(),
        decimals,
    }
}

/// A number and where it stands.
pub(crate) fn parse_at(place: &str, text: &str) -> Result<Ratio, Error> {
    Ratio::parse(text).map_err(|error| error.at(place))
}

/// Unscaled digits and number of decimals of unsigned decimal text.
fn digits(text: &str, decimals: usize) -> Option<(i128, u32)> {
    let bytes = text.as_bytes();
    let point = bytes.iter().position(|byte| *byte == b'.');
    let (whole, part) = match point {
        Some(at) => (&bytes[..at], &bytes[at + 1..]),
        None => (bytes, &bytes[bytes.len()..]),
    };
    let leading = whole.len() > 1 && whole[0] == b'0';
    let empty = whole.is_empty() || (point.is_some() && part.is_empty());
    if bytes.len() > TEXT_MAX || leading || empty || part.len() > decimals {
        return None;
    }
    let plain = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    if !plain(whole) || !plain(part) {
        return None;
    }
    let digits = whole.iter().chain(part);
    // Nineteen digits fit 64 bits, where a product costs a fraction.
    let units = if bytes.len() <= 19 {
        i128::from(digits.fold(0, |sum: u64, byte| sum * 10 + u64::from(byte - b'0')))
    } else {
        digits.fold(0, |sum: i128, byte| sum * 10 + i128::from(byte - b'0'))
    };
    Some((units, u32::try_from(part.len()).ok()?))
}

/// Sign, unscaled digits and decimals of decimal text with an optional minus; `-0` is refused.
fn signed(text: &str) -> Option<(i128, u32)> {
    let (minus, plain) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (units, scale) = digits(plain, DECIMALS_MAX)?;
    if units > FEN_MAX * 10i128.pow(DECIMALS_MAX as u32) || (minus && units == 0) {
        return None;
    }
    Some((if minus { -units } else { units }, scale))
}
