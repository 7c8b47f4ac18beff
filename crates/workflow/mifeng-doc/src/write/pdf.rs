//! PDF/A-2u (ISO 19005-2): fonts embedded, every character with its meaning.

use super::{SealImage, beijing};
use crate::set::{Mark, PAGE_HEIGHT, PAGE_WIDTH, Run};
use crate::{Error, Faces, Sheets};
use krilla::configure::{Archival, ConfigurationBuilder};
use krilla::geom::{PathBuilder, Point, Rect, Size, Transform};
use krilla::image::Image;
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
    /// The document as PDF/A-2u. Pictures of seals may be shown at their places: they are pictures
    /// and prove nothing, so a paper that shows them should say where the sealed original is.
    ///
    /// # Errors
    /// [`Error::Pdf`] if the document would not conform, [`Error::Picture`].
    pub fn pdf(&self, faces: &Faces, seals: &[SealImage<'_>]) -> Result<Vec<u8>, Error> {
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
        for (page, number) in self.pages.iter().zip(1..) {
            let settings = PageSettings::from_wh(points(PAGE_WIDTH), points(PAGE_HEIGHT));
            let mut sheet = document.start_page_with(settings.ok_or_else(outside)?);
            let mut surface = sheet.surface();
            for mark in &page.marks {
                match mark {
                    Mark::Run(run) => draw(&mut surface, run, faces)?,
                    Mark::Fill(rect) => fill(&mut surface, rect),
                }
            }
            if !seals.is_empty() {
                draw(&mut surface, &self.copy_note, faces)?;
            }
            for seal in seals {
                if self
                    .spots
                    .get(seal.spot)
                    .is_some_and(|spot| spot.page == number)
                {
                    self.picture(&mut surface, seal)?;
                }
            }
            surface.finish();
            sheet.finish();
        }
        document.finish().map_err(|e| Error::Pdf(format!("{e:?}")))
    }

    fn metadata(&self) -> Metadata {
        let (year, month, day, hour, minute, second) = beijing(self.paper.made);
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

    fn picture(&self, surface: &mut Surface<'_>, seal: &SealImage<'_>) -> Result<(), Error> {
        let image = Image::from_png(seal.png.to_vec().into(), false);
        let image = image.map_err(|_| Error::Picture("not a PNG that can be shown"))?;
        let side = |mm: u32| Mm::new(i64::from(mm));
        let (width, height) = (side(seal.size.0), side(seal.size.1));
        let Some(spot) = self.spots.get(seal.spot) else {
            return Err(Error::Picture("no such place"));
        };
        let place = spot.boundary(width, height);
        let size = Size::from_wh(points(width), points(height));
        let size = size.ok_or(Error::Picture("without size"))?;
        let to = Transform::from_translate(points(place.x), points(place.y));
        surface.push_transform(&to);
        surface.draw_image(image, size);
        surface.pop();
        Ok(())
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
