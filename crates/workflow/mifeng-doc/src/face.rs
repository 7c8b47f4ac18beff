//! Faces: which glyph a character has, how wide it is, and its outline.

use crate::Error;
use krilla::text::Font;
use mifeng_stamp::ofd::Mm;
use skrifa::instance::{LocationRef, Size};
use skrifa::metrics::GlyphMetrics;
use skrifa::raw::TableProvider as _;
use skrifa::{FontRef, GlyphId, MetadataProvider as _};
use std::sync::Arc;

/// Faces looked at in one collection: Noto CJK has ten.
const FACES_MAX: u32 = 64;

/// One face of a font file.
#[derive(Clone)]
pub struct Face {
    pub(crate) data: Arc<Vec<u8>>,
    pub(crate) index: u32,
    pub(crate) font: Font,
    pub(crate) name: String,
    units: i64,
}

/// The faces of a document: 宋体 for text, a bold one for titles.
#[derive(Clone)]
pub struct Faces {
    /// For text.
    pub text: Face,
    /// For titles, headings and the heads of tables.
    pub bold: Face,
}

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Weight {
    Text,
    Bold,
}

impl Weight {
    pub(crate) const ALL: [Self; 2] = [Weight::Text, Weight::Bold];
}

impl Faces {
    pub(crate) fn of(&self, weight: Weight) -> &Face {
        match weight {
            Weight::Text => &self.text,
            Weight::Bold => &self.bold,
        }
    }
}

impl Face {
    /// Takes a font file; of a collection the face for simplified Chinese ("SC"), else the first.
    ///
    /// # Errors
    /// [`Error::Font`].
    pub fn new(name: &str, data: Vec<u8>) -> Result<Self, Error> {
        let wrong = |rule| Error::Font {
            name: name.to_owned(),
            rule,
        };
        let file = skrifa::raw::FileRef::new(&data).map_err(|_| wrong("not a font file"))?;
        let index = match file {
            skrifa::raw::FileRef::Font(_) => 0,
            skrifa::raw::FileRef::Collection(all) => {
                let chinese = |index: &u32| {
                    all.get(*index)
                        .is_ok_and(|font| family(&font).ends_with(" SC"))
                };
                (0..all.len().min(FACES_MAX)).find(chinese).unwrap_or(0)
            }
        };
        let font = FontRef::from_index(&data, index).map_err(|_| wrong("face cannot be read"))?;
        let head = font.head().map_err(|_| wrong("no head table"))?;
        let (units, name) = (i64::from(head.units_per_em()), family(&font));
        if units == 0 || font.charmap().map('中').is_none() {
            return Err(wrong("has no Chinese characters"));
        }
        let data = Arc::new(data);
        let shared: krilla::Data = Arc::clone(&data).into();
        let font = Font::new(shared, index).ok_or_else(|| wrong("cannot be embedded"))?;
        Ok(Face {
            data,
            index,
            font,
            name,
            units,
        })
    }

    /// The family's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn reader(&self) -> Result<Measure<'_>, Error> {
        let font = FontRef::from_index(&self.data, self.index).map_err(|_| Error::Font {
            name: self.name.clone(),
            rule: "face cannot be read",
        })?;
        Ok(Measure {
            metrics: font.glyph_metrics(Size::unscaled(), LocationRef::default()),
            font,
            units: self.units,
        })
    }
}

fn family(font: &FontRef<'_>) -> String {
    let names = font.localized_strings(skrifa::string::StringId::FAMILY_NAME);
    names
        .english_or_first()
        .map_or_else(String::new, |name| name.chars().collect())
}

/// A face opened for measuring.
pub(crate) struct Measure<'f> {
    pub(crate) font: FontRef<'f>,
    metrics: GlyphMetrics<'f>,
    pub(crate) units: i64,
}

impl Measure<'_> {
    pub(crate) fn glyph(&self, sign: char) -> Result<GlyphId, Error> {
        self.font.charmap().map(sign).ok_or(Error::NoGlyph { sign })
    }

    /// In font units: whole numbers in every font.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "unscaled advances are whole"
    )]
    pub(crate) fn units_of(&self, glyph: GlyphId) -> i64 {
        self.metrics.advance_width(glyph).unwrap_or(0.0) as i64
    }

    pub(crate) fn width(&self, sign: char, size: Mm) -> Result<Mm, Error> {
        let units = self.units_of(self.glyph(sign)?);
        Ok(Mm(units * size.0 / self.units))
    }
}
