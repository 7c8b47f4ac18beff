//! PDF/A-2u (ISO 19005-2): fonts embedded, every character with its meaning.

use crate::set::{Mark, PAGE_HEIGHT, PAGE_WIDTH, Run};
use crate::{Error, Faces, Sheets};
use krilla::configure::{Archival, ConfigurationBuilder};
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::metadata::{DateTime, Metadata};
use krilla::page::PageSettings;
use krilla::surface::Surface;
use krilla::text::{GlyphId, KrillaGlyph};
use krilla::{Document, SerializeSettings};
use mifeng_stamp::ofd::Mm;

/// Thousandths of a millimetre to points.
#[expect(clippy::cast_precision_loss, reason = "a page has 297,000 of them")]
fn points(mm: Mm) -> f32 {
    mm.0 as f32 * 72.0 / 25_400.0
}

impl Sheets {
    /// The document as PDF/A-2u. Seals are put on it by `mifeng-stamp`, at [`Sheets::places`].
    ///
    /// # Errors
    /// [`Error::Pdf`] if the document would not conform.
    pub fn pdf(&self, faces: &Faces) -> Result<Vec<u8>, Error> {
        let configuration = ConfigurationBuilder::new()
            .with_archival_validator(Archival::A2_U)
            .finish()
            .map_err(|e| Error::Pdf(format!("{e:?}")))?;
        let mut document = Document::new_with(SerializeSettings {
            configuration,
            ..SerializeSettings::default()
        });
        document.set_metadata(self.metadata());
        let outside = || Error::Pdf("a page without size".to_owned());
        for page in &self.pages {
            let settings = PageSettings::from_wh(points(PAGE_WIDTH), points(PAGE_HEIGHT));
            let mut sheet = document.start_page_with(settings.ok_or_else(outside)?);
            let mut surface = sheet.surface();
            for mark in &page.marks {
                match mark {
                    Mark::Run(run) => draw(&mut surface, run, faces)?,
                    Mark::Fill(rect) => fill(&mut surface, rect),
                }
            }
            surface.finish();
            sheet.finish();
        }
        document.finish().map_err(|e| Error::Pdf(format!("{e:?}")))
    }

    fn metadata(&self) -> Metadata {
        let (year, month, day, hour, minute, second) = self.paper.made.china_fields();
        let date = DateTime::new(u16::try_from(year).unwrap_or(0))
            .month(month)
            .day(day)
            .hour(hour)
            .minute(minute)
            .second(second)
            .utc_offset_hour(8)
            .utc_offset_minute(0);
        let title = self.paper.title.concat();
        let mark = self.code().unwrap_or_else(|| title.clone());
        Metadata::new()
            .title(title)
            .language("zh-CN".to_owned())
            .creator("mifeng".to_owned())
            .producer("mifeng".to_owned())
            .creation_date(date)
            // Fixed by the record, so that the same document has the same bytes.
            .document_id(mark)
    }
}

fn draw(surface: &mut Surface<'_>, run: &Run, faces: &Faces) -> Result<(), Error> {
    let face = faces.of(run.weight);
    let reader = face.reader()?;
    let size = points(run.size);
    let mut glyphs = Vec::with_capacity(run.advances.len());
    for ((at, sign), advance) in run.text.char_indices().zip(&run.advances) {
        let glyph = GlyphId::new(reader.glyph(sign)?.to_u32());
        let part = at..at + sign.len_utf8();
        let advance = points(*advance) / size;
        glyphs.push(KrillaGlyph::new(glyph, advance, 0.0, 0.0, 0.0, part, None));
    }
    let start = Point::from_xy(points(run.x), points(run.y));
    surface.draw_glyphs(start, &glyphs, face.font.clone(), &run.text, size, false);
    Ok(())
}

fn fill(surface: &mut Surface<'_>, rect: &mifeng_stamp::ofd::Rect) {
    let boxed = Rect::from_xywh(
        points(rect.x),
        points(rect.y),
        points(rect.width),
        points(rect.height),
    );
    let mut path = PathBuilder::new();
    if let Some(boxed) = boxed {
        path.push_rect(boxed);
    }
    if let Some(path) = path.finish() {
        surface.draw_path(&path);
    }
}
