//! Points on sheets as whole parts of 10^12: sums without fractions, one division at the end.

use super::{DECIMALS_MAX, Ratio, number, signed};
use crate::Error;

/// Parts of one.
const ONE: i128 = 1_000_000_000_000;

/// A number with at most twelve decimals. Texts are at most 10^29 of these parts; a hundred judges
/// with 256 items each stay below 10^34, far within 127 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fixed(i128);

impl Fixed {
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let bad = || number("number", text, DECIMALS_MAX);
        let (units, scale) = signed(text).ok_or_else(bad)?;
        let scaled = units.checked_mul(10i128.pow(DECIMALS_MAX as u32 - scale));
        Ok(Self(scaled.ok_or_else(bad)?))
    }

    pub(crate) fn add(self, other: Self) -> Result<Self, Error> {
        let sum = self.0.checked_add(other.0);
        sum.map(Self).ok_or(Error::TooBig {
            place: "sum of points",
            limit: 127,
        })
    }

    pub(crate) fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// This over `n`, rounded half up once.
    pub(crate) fn mean(self, n: usize, dp: u32) -> Result<Ratio, Error> {
        let n = i128::try_from(n).map_err(|_| Error::Zero { place: "mean" })?;
        match n.checked_mul(ONE) {
            Some(den) if den > 0 => Ok(Ratio::of(self.0, den).round_half_up(dp)),
            _ => Err(Error::Zero { place: "mean" }),
        }
    }

    pub(crate) fn ratio(self) -> Ratio {
        Ratio::of(self.0, ONE)
    }
}
