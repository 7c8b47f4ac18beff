//! The picture of a seal, drawn: a round one with a star (公章), or a square one for a person.
//!
//! Only a picture: a seal is made of it by a maker's signature (`mifeng stamp make`). Measures
//! follow the State Council's rules on seals (国发〔1999〕25号): 42 mm, a star of 14 mm in the middle.

use crate::{Error, Face};
use miniz_oxide::deflate::compress_to_vec_zlib;
use skrifa::MetadataProvider as _;
use skrifa::instance::{LocationRef, Size};
use skrifa::outline::{DrawSettings, OutlinePen};
use tiny_skia::{Color, FillRule, Paint, Path, PathBuilder, Pixmap, Stroke, Transform};

/// Pixels of a millimetre: about 360 to the inch.
const SCALE: f32 = 14.0;
/// Of a round seal, in millimetres.
const ROUND: f32 = 42.0;
const SQUARE: f32 = 20.0;
/// Characters around a round seal, and in a square one.
const NAME_MAX: usize = 40;
const SQUARE_MAX: usize = 4;

/// What a seal looks like.
#[derive(Clone, Debug)]
pub enum SealLook {
    /// Round: the unit's name around a star, and what the seal is for under it.
    Round {
        /// The unit.
        name: String,
        /// 采购专用章, 合同专用章; empty for the unit's seal itself.
        purpose: String,
    },
    /// Square, four characters at most: a person's name.
    Square {
        /// The person, usually with 印 at the end.
        name: String,
    },
}

impl SealLook {
    /// Width and height in millimetres.
    #[must_use]
    pub fn size(&self) -> (u32, u32) {
        match self {
            SealLook::Round { .. } => (42, 42),
            SealLook::Square { .. } => (20, 20),
        }
    }
}

/// Draws it: a PNG with a transparent ground.
///
/// # Errors
/// [`Error::Picture`] for a name too long or empty, [`Error::NoGlyph`].
pub fn seal_picture(look: &SealLook, face: &Face) -> Result<Vec<u8>, Error> {
    match look {
        SealLook::Round { name, purpose } => {
            let mut canvas = Canvas::new(ROUND)?;
            canvas.round(name, purpose, face)?;
            canvas.png()
        }
        SealLook::Square { name } => {
            let mut canvas = Canvas::new(SQUARE)?;
            canvas.square(name, face)?;
            canvas.png()
        }
    }
}

struct Canvas {
    pixels: Pixmap,
    side: f32,
}

/// The red of seal ink; what lies under it shows through.
fn ink() -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color(Color::from_rgba8(0xd8, 0x16, 0x1b, 0xd8));
    paint.anti_alias = true;
    paint
}

impl Canvas {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the sides are constants"
    )]
    fn new(side: f32) -> Result<Self, Error> {
        let edge = (side * SCALE) as u32;
        let pixels = Pixmap::new(edge, edge).ok_or(Error::Picture("without size"))?;
        Ok(Canvas { pixels, side })
    }

    fn fill(&mut self, path: &Path, at: Transform) {
        let at = at.post_scale(SCALE, SCALE);
        self.pixels
            .fill_path(path, &ink(), FillRule::Winding, at, None);
    }

    fn stroke(&mut self, path: &Path, width: f32) {
        let stroke = Stroke {
            width,
            ..Stroke::default()
        };
        let at = Transform::from_scale(SCALE, SCALE);
        self.pixels.stroke_path(path, &ink(), &stroke, at, None);
    }

    #[expect(clippy::cast_precision_loss, reason = "at most forty characters")]
    fn round(&mut self, name: &str, purpose: &str, face: &Face) -> Result<(), Error> {
        let middle = self.side / 2.0;
        let ring = PathBuilder::from_circle(middle, middle, middle - 0.7);
        self.stroke(&ring.ok_or(Error::Picture("without size"))?, 1.2);
        self.fill(&star(7.0)?, Transform::from_translate(middle, middle));
        let count = name.chars().count();
        if count == 0 || count > NAME_MAX {
            return Err(Error::Picture("a name of 1 to 40 characters is needed"));
        }
        // The arc opens at the bottom: 250 degrees at most, 30 for each character.
        let step = (250.0 / count as f32).min(30.0);
        let height = (step * 0.26).clamp(3.2, 5.6);
        let wide = (step.to_radians() * (middle - 6.5) * 0.92 / height).min(0.85);
        for (sign, n) in name.chars().zip(0u8..) {
            let turn = (f32::from(n) - (count as f32 - 1.0) / 2.0) * step;
            let glyph = glyph(face, sign)?;
            let at = Transform::from_translate(-0.5, 0.38)
                .post_scale(height * wide, height)
                .post_translate(0.0, -(middle - 2.6 - height / 2.0))
                .post_rotate(turn)
                .post_translate(middle, middle);
            self.fill(&glyph, at);
        }
        let count = purpose.chars().count();
        let height = (24.0 / count.max(1) as f32).min(4.6);
        for (sign, n) in purpose.chars().zip(0u8..) {
            let x = (f32::from(n) - (count as f32 - 1.0) / 2.0) * height;
            let at = Transform::from_translate(-0.5, 0.38)
                .post_scale(height * 0.9, height)
                .post_translate(middle + x, middle + 12.4);
            self.fill(&glyph(face, sign)?, at);
        }
        Ok(())
    }

    fn square(&mut self, name: &str, face: &Face) -> Result<(), Error> {
        let count = name.chars().count();
        if !(2..=SQUARE_MAX).contains(&count) {
            return Err(Error::Picture("a name of 2 to 4 characters is needed"));
        }
        let inner = self.side - 1.4;
        let edge = tiny_skia::Rect::from_xywh(0.7, 0.7, inner, inner);
        let edge = edge.ok_or(Error::Picture("without size"))?;
        self.stroke(&PathBuilder::from_rect(edge), 1.0);
        // In columns from the right, two characters high; of three the last two share the left one.
        let cells: &[(f32, f32, f32)] = match count {
            2 => &[(10.0, 5.8, 1.0), (10.0, 14.2, 1.0)],
            3 => &[(14.4, 10.0, 2.0), (5.6, 5.8, 1.0), (5.6, 14.2, 1.0)],
            _ => &[
                (14.4, 5.8, 1.0),
                (14.4, 14.2, 1.0),
                (5.6, 5.8, 1.0),
                (5.6, 14.2, 1.0),
            ],
        };
        for (sign, (x, y, tall)) in name.chars().zip(cells) {
            let at = Transform::from_translate(-0.5, 0.38)
                .post_scale(8.0, 8.0 * tall)
                .post_translate(*x, *y);
            self.fill(&glyph(face, sign)?, at);
        }
        Ok(())
    }

    fn png(&self) -> Result<Vec<u8>, Error> {
        let (width, height) = (self.pixels.width(), self.pixels.height());
        let mut raw = Vec::new();
        let per_line = usize::try_from(width).map_err(|_| Error::Picture("too large"))?;
        for line in self.pixels.pixels().chunks(per_line) {
            // No filter.
            raw.push(0);
            for pixel in line {
                let c = pixel.demultiply();
                raw.extend_from_slice(&[c.red(), c.green(), c.blue(), c.alpha()]);
            }
        }
        let mut head = [width.to_be_bytes(), height.to_be_bytes()].concat();
        // Eight bits, RGBA, deflate, no filter set, not interlaced.
        head.extend_from_slice(&[8, 6, 0, 0, 0]);
        let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
        let data = compress_to_vec_zlib(&raw, 6);
        // 14 pixels to the millimetre.
        let scale = [&14_000u32.to_be_bytes()[..], &14_000u32.to_be_bytes(), &[1]].concat();
        for (name, body) in [
            (b"IHDR", &head[..]),
            (b"pHYs", &scale),
            (b"IDAT", &data),
            (b"IEND", &[]),
        ] {
            let len = u32::try_from(body.len()).map_err(|_| Error::Picture("too large"))?;
            let mut sum = crc32fast::Hasher::new();
            sum.update(name);
            sum.update(body);
            out.extend_from_slice(&len.to_be_bytes());
            out.extend_from_slice(name);
            out.extend_from_slice(body);
            out.extend_from_slice(&sum.finalize().to_be_bytes());
        }
        Ok(out)
    }
}

/// A star around (0, 0), one point up.
fn star(radius: f32) -> Result<Path, Error> {
    let inner = radius * 0.381_966;
    let mut path = PathBuilder::new();
    for n in 0u8..10 {
        let angle = (f32::from(n) * 36.0 - 90.0).to_radians();
        let r = if n % 2 == 0 { radius } else { inner };
        let (x, y) = (angle.cos() * r, angle.sin() * r);
        if n == 0 {
            path.move_to(x, y);
        } else {
            path.line_to(x, y);
        }
    }
    path.close();
    path.finish().ok_or(Error::Picture("without size"))
}

/// An outline one em wide, baseline at 0, y downwards.
#[expect(clippy::cast_precision_loss, reason = "an em has about 1,000 units")]
fn glyph(face: &Face, sign: char) -> Result<Path, Error> {
    let reader = face.reader()?;
    let id = reader.glyph(sign)?;
    let mut pen = Pen {
        path: PathBuilder::new(),
        unit: 1.0 / reader.units as f32,
    };
    let none = Error::NoGlyph { sign };
    let outline = reader
        .font
        .outline_glyphs()
        .get(id)
        .ok_or_else(|| none.clone())?;
    let how = DrawSettings::unhinted(Size::unscaled(), LocationRef::default());
    outline.draw(how, &mut pen).map_err(|_| none.clone())?;
    pen.path.finish().ok_or(none)
}

struct Pen {
    path: PathBuilder,
    unit: f32,
}

impl OutlinePen for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        self.path.move_to(x * self.unit, -y * self.unit);
    }
    fn line_to(&mut self, x: f32, y: f32) {
        self.path.line_to(x * self.unit, -y * self.unit);
    }
    fn quad_to(&mut self, cx: f32, cy: f32, x: f32, y: f32) {
        let u = self.unit;
        self.path.quad_to(cx * u, -cy * u, x * u, -y * u);
    }
    fn curve_to(&mut self, ax: f32, ay: f32, bx: f32, by: f32, x: f32, y: f32) {
        let u = self.unit;
        self.path
            .cubic_to(ax * u, -ay * u, bx * u, -by * u, x * u, -y * u);
    }
    fn close(&mut self) {
        self.path.close();
    }
}
