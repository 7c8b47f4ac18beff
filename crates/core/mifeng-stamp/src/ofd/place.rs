//! Places on pages, in thousandths of a millimetre.

use crate::Error;
use core::fmt;

/// The farthest place: OFD pages are at most some metres.
const MM_MAX: i64 = 1_000_000_000;

/// A length in thousandths of a millimetre: exact, unlike the decimal it is written as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mm(pub i64);

impl Mm {
    /// Whole millimetres.
    #[must_use]
    pub const fn new(mm: i64) -> Self {
        Mm(mm * 1_000)
    }

    /// Reads a decimal; digits beyond the third are cut.
    fn parse(text: &str) -> Option<Self> {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || !digits(whole) || !digits(fraction) {
            return None;
        }
        let whole: i64 = if whole.is_empty() {
            0
        } else {
            whole.parse().ok()?
        };
        let thousandths: i64 = format!("{fraction:0<3.3}").parse().ok()?;
        let value = whole.checked_mul(1_000)?.checked_add(thousandths)?;
        (value <= MM_MAX).then_some(Mm(if negative { -value } else { value }))
    }
}

impl fmt::Display for Mm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, value) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        let text = format!("{sign}{}.{:03}", value / 1_000, value % 1_000);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// `ST_Box`: left, top, width, height; y grows downwards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rect {
    /// Left edge.
    pub x: Mm,
    /// Top edge.
    pub y: Mm,
    /// Width.
    pub width: Mm,
    /// Height.
    pub height: Mm,
}

impl Rect {
    /// Reads "x y w h"; width and height must not be negative.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split_ascii_whitespace().map(Mm::parse);
        let mut next = || parts.next().flatten();
        let rect = Rect {
            x: next()?,
            y: next()?,
            width: next()?,
            height: next()?,
        };
        let fits = parts.next().is_none() && rect.width.0 >= 0 && rect.height.0 >= 0;
        fits.then_some(rect)
    }
}

impl fmt::Display for Rect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.x, self.y, self.width, self.height)
    }
}

/// `StampAnnot`: where a seal is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The page's ID.
    pub page: String,
    /// Where the picture lies; may reach over the edge of the page.
    pub boundary: Rect,
    /// The part of it that is shown, relative to the boundary; none: all of it.
    pub clip: Option<Rect>,
}

/// A straddle seal (骑缝章): one strip of the picture at the right edge of each page, from the
/// first page's left strip on. `pages` are IDs with their widths; `top` is the upper edge.
///
/// # Errors
/// [`Error::Field`] for fewer than two pages.
pub fn straddle(
    pages: &[(String, Mm)],
    width: Mm,
    height: Mm,
    top: Mm,
) -> Result<Vec<Place>, Error> {
    let count = i64::try_from(pages.len()).unwrap_or(i64::MAX);
    if count < 2 {
        return Err(Error::Field {
            field: "straddle seal",
            rule: "needs two pages at least",
        });
    }
    // Edges by multiplication: the strips fit together exactly.
    let edge = |n: i64| Mm(width.0 * n / count);
    let places = pages.iter().zip(0..).map(|((page, page_width), n)| {
        let (from, to) = (edge(n), edge(n + 1));
        Place {
            page: page.clone(),
            boundary: Rect {
                x: Mm(page_width.0 - to.0),
                y: top,
                width,
                height,
            },
            clip: Some(Rect {
                x: from,
                y: Mm(0),
                width: Mm(to.0 - from.0),
                height,
            }),
        }
    });
    Ok(places.collect())
}
