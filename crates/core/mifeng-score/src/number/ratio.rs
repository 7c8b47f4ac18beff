//! Exact rationals: 127 bits where they do, big integers beyond.

use super::{BITS_MAX, DECIMALS_MAX, number, signed};
use crate::Error;
use num_bigint::{BigInt, Sign};
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};
use std::cmp::Ordering;

/// An exact rational number in lowest terms, denominator above zero.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ratio(Repr);

/// One number has one representation: `Big` only if a part does not fit `Small`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Repr {
    Small(i128, i128),
    Big(Box<(BigInt, BigInt)>),
}

use Repr::{Big, Small};

/// Greatest common divisor; in 64 bits where both fit.
fn gcd(a: u128, b: u128) -> u128 {
    match (u64::try_from(a), u64::try_from(b)) {
        (Ok(a), Ok(b)) => u128::from(a.gcd(&b)),
        _ => a.gcd(&b),
    }
}

impl Ratio {
    /// `num / den` in lowest terms; `den` is above zero.
    pub(super) fn of(num: i128, den: i128) -> Self {
        if num == i128::MIN {
            return Self::big(num.into(), den.into());
        }
        if den == 1 {
            return Self(Small(num, den));
        }
        let g = gcd(num.unsigned_abs(), den.unsigned_abs());
        // The divisor divides `den`, so it fits.
        match i128::try_from(g) {
            Ok(g) if g > 1 => Self(Small(num / g, den / g)),
            _ => Self(Small(num, den)),
        }
    }

    fn big(num: BigInt, den: BigInt) -> Self {
        let g = num.gcd(&den);
        let (num, den) = if g.is_one() || g.is_zero() {
            (num, den)
        } else {
            (num / &g, den / g)
        };
        match (num.to_i128(), den.to_i128()) {
            (Some(num), Some(den)) if num != i128::MIN => Self(Small(num, den)),
            _ => Self(Big(Box::new((num, den)))),
        }
    }

    fn checked(num: BigInt, den: BigInt) -> Result<Self, Error> {
        let ratio = Self::big(num, den);
        if let Big(parts) = &ratio.0
            && parts.0.bits().max(parts.1.bits()) > BITS_MAX
        {
            return Err(Error::TooBig {
                place: "ratio",
                limit: BITS_MAX,
            });
        }
        Ok(ratio)
    }

    fn parts(&self) -> (BigInt, BigInt) {
        match &self.0 {
            Small(num, den) => (BigInt::from(*num), BigInt::from(*den)),
            Big(parts) => (parts.0.clone(), parts.1.clone()),
        }
    }

    /// Zero.
    pub fn zero() -> Self {
        Self(Small(0, 1))
    }

    /// One.
    pub fn one() -> Self {
        Self(Small(1, 1))
    }

    pub(crate) fn from_fen(fen: i128) -> Self {
        Self::of(fen, 100)
    }

    /// Reads decimal text with an optional leading minus and up to [`DECIMALS_MAX`] decimals.
    ///
    /// # Errors
    /// [`Error::Number`] for anything else, `NaN` and exponents included.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (units, scale) = signed(text).ok_or_else(|| number("number", text, DECIMALS_MAX))?;
        Ok(Self::of(units, 10i128.pow(scale)))
    }

    /// The sum.
    ///
    /// # Errors
    /// [`Error::TooBig`] beyond [`BITS_MAX`], as for every operation here.
    pub fn add(&self, other: &Self) -> Result<Self, Error> {
        if let (Small(a, b), Small(c, d)) = (&self.0, &other.0) {
            let small = if b == d {
                a.checked_add(*c).map(|num| (num, *b))
            } else {
                let sum = a.checked_mul(*d).zip(c.checked_mul(*b));
                let sum = sum.and_then(|(l, r)| l.checked_add(r));
                sum.zip(b.checked_mul(*d))
            };
            if let Some((num, den)) = small {
                return Ok(Self::of(num, den));
            }
        }
        let ((a, b), (c, d)) = (self.parts(), other.parts());
        Self::checked(a * &d + c * &b, b * d)
    }

    /// The difference. Errors as [`Ratio::add`].
    pub fn sub(&self, other: &Self) -> Result<Self, Error> {
        self.add(&other.neg())
    }

    /// The negative.
    pub fn neg(&self) -> Self {
        match &self.0 {
            Small(num, den) => Self(Small(-num, *den)),
            Big(parts) => Self(Big(Box::new((-&parts.0, parts.1.clone())))),
        }
    }

    /// The product. Errors as [`Ratio::add`].
    pub fn mul(&self, other: &Self) -> Result<Self, Error> {
        if let (Small(a, b), Small(c, d)) = (&self.0, &other.0)
            && let (Some(num), Some(den)) = (a.checked_mul(*c), b.checked_mul(*d))
        {
            return Ok(Self::of(num, den));
        }
        let ((a, b), (c, d)) = (self.parts(), other.parts());
        Self::checked(a * c, b * d)
    }

    /// The quotient.
    ///
    /// # Errors
    /// [`Error::Zero`], [`Error::TooBig`].
    pub fn div(&self, other: &Self) -> Result<Self, Error> {
        if *other == Self::zero() {
            return Err(Error::Zero { place: "ratio" });
        }
        self.mul(&match &other.0 {
            // Neither part is `i128::MIN`: see `of` and `big`.
            Small(num, den) => Self(Small(den * num.signum(), num.abs())),
            Big(parts) => {
                let sign = BigInt::from(if parts.0.sign() == Sign::Minus { -1 } else { 1 });
                Self(Big(Box::new((sign * &parts.1, parts.0.abs()))))
            }
        })
    }

    /// The absolute value.
    pub fn abs(&self) -> Self {
        if self.is_negative() {
            self.neg()
        } else {
            self.clone()
        }
    }

    /// Whole parts of 10^`-dp` of the absolute value, cut or rounded half up.
    fn units(&self, dp: u32, half: bool) -> BigInt {
        let (num, den) = self.parts();
        let scaled = num.abs() * BigInt::from(10).pow(dp);
        if half {
            (scaled * 2u8 + &den) / (den * 2u8)
        } else {
            scaled / den
        }
    }

    /// As [`Self::units`] without big integers, where that goes.
    fn small_units(&self, dp: u32, half: bool) -> Option<i128> {
        let Small(num, den) = &self.0 else {
            return None;
        };
        let scaled = num.abs().checked_mul(10i128.pow(dp))?;
        if !half {
            return Some(divide(scaled, *den));
        }
        let twice = scaled.checked_mul(2)?.checked_add(*den)?;
        Some(divide(twice, den.checked_mul(2)?))
    }

    fn to_places(&self, dp: u32, half: bool) -> Self {
        let dp = dp.min(DECIMALS_MAX as u32);
        let sign = if self.is_negative() { -1 } else { 1 };
        match self.small_units(dp, half) {
            Some(units) => Self::of(units * sign, 10i128.pow(dp)),
            None => Self::big(self.units(dp, half) * sign, BigInt::from(10).pow(dp)),
        }
    }

    /// Rounded to `dp` decimals, ties away from zero (RULES 5.7: 四舍五入).
    pub fn round_half_up(&self, dp: u32) -> Self {
        self.to_places(dp, true)
    }

    /// Cut to `dp` decimals towards zero.
    pub fn truncate(&self, dp: u32) -> Self {
        self.to_places(dp, false)
    }

    /// Decimal text with exactly `dp` decimals, rounded half up; never `-0`.
    pub fn to_fixed(&self, dp: u32) -> String {
        let dp = dp.min(DECIMALS_MAX as u32);
        let units = match self.small_units(dp, true) {
            Some(units) => units.to_string(),
            None => self.units(dp, true).to_string(),
        };
        let nothing = units == "0";
        let minus = if self.is_negative() && !nothing {
            "-"
        } else {
            ""
        };
        if dp == 0 {
            return format!("{minus}{units}");
        }
        let width = dp as usize + 1;
        let padded = format!("{units:0>width$}");
        let (whole, part) = padded.split_at(padded.len() - dp as usize);
        format!("{minus}{whole}.{part}")
    }

    /// Shortest decimal text, at most [`DECIMALS_MAX`] decimals (rounded half up beyond).
    pub fn to_shortest(&self) -> String {
        let mut text = self.to_fixed(DECIMALS_MAX as u32);
        let kept = text.trim_end_matches('0').trim_end_matches('.').len();
        text.truncate(kept);
        text
    }

    /// Decimal text if it is the number itself, else the fraction `7/3` in lowest terms.
    pub fn to_exact(&self) -> String {
        if self.round_half_up(DECIMALS_MAX as u32) == *self {
            return self.to_shortest();
        }
        let (num, den) = self.parts();
        format!("{num}/{den}")
    }

    /// Reads what [`Self::to_exact`] writes.
    pub(crate) fn parse_exact(text: &str) -> Option<Self> {
        let Some((num, den)) = text.split_once('/') else {
            return Self::parse(text).ok();
        };
        // 4096 bits are 1234 digits.
        let plain =
            |t: &str| t.len() <= 1_240 && !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
        if !plain(num.strip_prefix('-').unwrap_or(num)) || !plain(den) {
            return None;
        }
        let den: BigInt = den.parse().ok()?;
        if den.is_zero() {
            return None;
        }
        Self::checked(num.parse().ok()?, den).ok()
    }

    /// The whole number this is, if it is one and fits.
    pub fn whole(&self) -> Option<i64> {
        match &self.0 {
            Small(num, 1) => i64::try_from(*num).ok(),
            _ => None,
        }
    }

    /// What an operation on this number costs, in operations on numbers of one machine word: products
    /// and common divisors grow with the square of the words.
    pub(crate) fn cost(&self) -> u64 {
        match &self.0 {
            Small(..) => 1,
            Big(parts) => {
                let words = parts.0.bits().max(parts.1.bits()).div_ceil(64);
                words.saturating_mul(words)
            }
        }
    }

    /// Whether the number is above zero.
    pub fn is_positive(&self) -> bool {
        match &self.0 {
            Small(num, _) => *num > 0,
            Big(parts) => parts.0.is_positive(),
        }
    }

    /// Whether the number is below zero.
    pub fn is_negative(&self) -> bool {
        match &self.0 {
            Small(num, _) => *num < 0,
            Big(parts) => parts.0.is_negative(),
        }
    }
}

/// `a / b` of numbers that are not negative, in 64 bits where they fit.
fn divide(a: i128, b: i128) -> i128 {
    match (u64::try_from(a), u64::try_from(b)) {
        (Ok(a), Ok(b)) if b != 0 => i128::from(a / b),
        _ => a / b,
    }
}

impl From<i64> for Ratio {
    fn from(value: i64) -> Self {
        Self(Small(value.into(), 1))
    }
}

impl Ord for Ratio {
    fn cmp(&self, other: &Self) -> Ordering {
        if let (Small(a, b), Small(c, d)) = (&self.0, &other.0) {
            if b == d {
                return a.cmp(c);
            }
            if let (Some(left), Some(right)) = (a.checked_mul(*d), c.checked_mul(*b)) {
                return left.cmp(&right);
            }
        }
        let ((a, b), (c, d)) = (self.parts(), other.parts());
        (a * d).cmp(&(c * b))
    }
}

impl PartialOrd for Ratio {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn n(text: &str) -> Ratio {
        Ratio::parse(text).expect("a number")
    }

    #[test]
    fn big_and_small_numbers_meet() {
        let big = n("999999999999999.999999999999");
        let square = big.mul(&big).expect("fits");
        assert!(matches!(square.0, Big(_)));
        let back = square.div(&big).expect("not zero");
        assert_eq!(back, big);
        assert!(matches!(back.0, Small(..)));
        assert_eq!(square.sub(&square).expect("fits"), Ratio::zero());
        assert!(square > big && square.neg() < big.neg());
        assert_eq!(square.to_fixed(2), "999999999999999999999999998000.00");
        let third = Ratio::one().div(&n("-3")).expect("not zero");
        assert_eq!(third.to_exact(), "-1/3");
        assert_eq!(third.to_shortest(), "-0.333333333333");
        assert_eq!(third.round_half_up(0).to_fixed(2), "0.00");
        assert_eq!(n("-0.005").to_fixed(2), "-0.01");
        assert_eq!(n("0.005").truncate(2), Ratio::zero());
        assert_eq!(n("12").whole(), Some(12));
        assert_eq!(n("1.5").whole(), None);
    }

    #[test]
    fn texts_of_both_widths() {
        for text in [
            "0",
            "0.000000000001",
            "1234567890123456.78",
            "98765432109876543210987654321",
        ] {
            assert_eq!(n(text).to_shortest(), text);
        }
        for text in [
            "", ".", "1.", ".5", "01", "1e3", "NaN", "-0", "+1", "1,0", "1.2.3", "１",
        ] {
            assert!(Ratio::parse(text).is_err(), "{text}");
        }
        assert!(Ratio::parse(&format!("1{}", "0".repeat(30))).is_err());
    }
}
