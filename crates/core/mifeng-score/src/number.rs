//! Exact numbers: money in whole fen and bounded rationals. No floating point anywhere.

use crate::Error;
use num_bigint::{BigInt, Sign};
use num_integer::Integer;
use num_traits::{One, Signed, Zero};
use std::cmp::Ordering;

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
        Ratio::reduced(BigInt::from(self.0), BigInt::from(100))
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

/// Unscaled digits and number of decimals of unsigned decimal text.
fn digits(text: &str, decimals: usize) -> Option<(i128, u32)> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let plain = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let leading = whole.len() > 1 && whole.starts_with('0');
    if whole.is_empty() || leading || text.len() > TEXT_MAX || text.ends_with('.') {
        return None;
    }
    if !plain(whole) || !plain(part) || part.len() > decimals {
        return None;
    }
    let units = format!("{whole}{part}").parse().ok()?;
    Some((units, u32::try_from(part.len()).ok()?))
}

/// An exact rational number in lowest terms, denominator above zero.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ratio {
    num: BigInt,
    den: BigInt,
}

impl Ratio {
    fn reduced(num: BigInt, den: BigInt) -> Self {
        let g = num.gcd(&den);
        if g.is_one() || g.is_zero() {
            return Self { num, den };
        }
        Self {
            num: num / &g,
            den: den / g,
        }
    }

    fn checked(num: BigInt, den: BigInt) -> Result<Self, Error> {
        let ratio = Self::reduced(num, den);
        if ratio.num.bits().max(ratio.den.bits()) > BITS_MAX {
            return Err(Error::TooBig {
                place: "ratio",
                limit: BITS_MAX,
            });
        }
        Ok(ratio)
    }

    /// Zero.
    pub fn zero() -> Self {
        Self::from(0)
    }

    pub(crate) fn from_fen(fen: i128) -> Self {
        Self::reduced(fen.into(), BigInt::from(100))
    }

    /// Reads decimal text with an optional leading minus and up to [`DECIMALS_MAX`] decimals.
    ///
    /// # Errors
    /// [`Error::Number`] for anything else, `NaN` and exponents included.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (minus, plain) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let bad = || number("number", text, DECIMALS_MAX);
        let (units, scale) = digits(plain, DECIMALS_MAX).ok_or_else(bad)?;
        if units.abs() > FEN_MAX * 10i128.pow(DECIMALS_MAX as u32) || (minus && units == 0) {
            return Err(bad());
        }
        let units = if minus { -units } else { units };
        Ok(Self::reduced(units.into(), BigInt::from(10).pow(scale)))
    }

    /// The sum.
    ///
    /// # Errors
    /// [`Error::TooBig`] beyond [`BITS_MAX`], as for every operation here.
    pub fn add(&self, other: &Self) -> Result<Self, Error> {
        Self::checked(
            &self.num * &other.den + &other.num * &self.den,
            &self.den * &other.den,
        )
    }

    /// The difference. Errors as [`Ratio::add`].
    pub fn sub(&self, other: &Self) -> Result<Self, Error> {
        Self::checked(
            &self.num * &other.den - &other.num * &self.den,
            &self.den * &other.den,
        )
    }

    /// The product. Errors as [`Ratio::add`].
    pub fn mul(&self, other: &Self) -> Result<Self, Error> {
        Self::checked(&self.num * &other.num, &self.den * &other.den)
    }

    /// The quotient.
    ///
    /// # Errors
    /// [`Error::Zero`], [`Error::TooBig`].
    pub fn div(&self, other: &Self) -> Result<Self, Error> {
        if other.num.is_zero() {
            return Err(Error::Zero { place: "ratio" });
        }
        let sign = if other.num.sign() == Sign::Minus {
            -1
        } else {
            1
        };
        Self::checked(&self.num * &other.den * sign, &self.den * other.num.abs())
    }

    /// The absolute value.
    pub fn abs(&self) -> Self {
        Self {
            num: self.num.abs(),
            den: self.den.clone(),
        }
    }

    /// Rounded to `dp` decimals, ties away from zero (RULES 5.7: 四舍五入).
    pub fn round_half_up(&self, dp: u32) -> Self {
        let dp = dp.min(DECIMALS_MAX as u32);
        let scale = BigInt::from(10).pow(dp);
        let twice: BigInt = self.num.abs() * &scale * 2 + &self.den;
        let units: BigInt = twice / (&self.den * 2u8);
        Self::reduced(
            if self.num.is_negative() {
                -units
            } else {
                units
            },
            scale,
        )
    }

    /// Cut to `dp` decimals towards zero.
    pub fn truncate(&self, dp: u32) -> Self {
        let scale = BigInt::from(10).pow(dp.min(DECIMALS_MAX as u32));
        Self::reduced(&self.num * &scale / &self.den, scale)
    }

    /// Decimal text with exactly `dp` decimals, rounded half up; never `-0`.
    pub fn to_fixed(&self, dp: u32) -> String {
        let dp = dp.min(DECIMALS_MAX as u32);
        let rounded = self.round_half_up(dp);
        let units = (rounded.num.abs() * BigInt::from(10).pow(dp) / &rounded.den).to_string();
        let width = dp as usize + 1;
        let padded = format!("{units:0>width$}");
        let (whole, part) = padded.split_at(padded.len() - dp as usize);
        let minus = if rounded.num.is_negative() { "-" } else { "" };
        let dot = if dp == 0 { "" } else { "." };
        format!("{minus}{whole}{dot}{part}")
    }

    /// Shortest decimal text, at most [`DECIMALS_MAX`] decimals (rounded half up beyond).
    pub fn to_shortest(&self) -> String {
        let text = self.to_fixed(DECIMALS_MAX as u32);
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }

    /// Whether the number is above zero.
    pub fn is_positive(&self) -> bool {
        self.num.is_positive()
    }

    /// Whether the number is below zero.
    pub fn is_negative(&self) -> bool {
        self.num.is_negative()
    }
}

impl From<i64> for Ratio {
    fn from(value: i64) -> Self {
        Self {
            num: value.into(),
            den: BigInt::one(),
        }
    }
}

impl Ord for Ratio {
    fn cmp(&self, other: &Self) -> Ordering {
        (&self.num * &other.den).cmp(&(&other.num * &self.den))
    }
}

impl PartialOrd for Ratio {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
