//! The picture of a seal: which kind it is, how large, and that nothing active is inside.

use crate::error::limit;
use crate::{Error, ofd};

/// Bytes of the largest picture: scans of real seals have 5 to 200 KiB.
pub const PICTURE_LEN_MAX: usize = 1 << 20;
/// Pixels of the largest picture: 42 mm at 2,400 dpi. A few bytes can promise gigabytes of pixels.
pub const PIXELS_MAX: u64 = 4_096 * 4_096;
/// Millimetres of the longest side: the largest straddle seals are smaller than an A3 sheet.
pub(crate) const SIDE_MAX_MM: u64 = 420;

/// Sides of the seals that are used: a legal representative's has 18 mm, one of a ministry 45 to 60
/// (State Council notice 国发〔1999〕25号 orders 42 mm for most units).
const SEAL_SIDES_MM: core::ops::RangeInclusive<u64> = 10..=60;
/// About 100 dots to the inch: below it the characters around a seal cannot be read.
const PIXELS_PER_MM_MIN: u64 = 4;

/// Kinds of picture. SVG and other text that can carry scripts is none of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PictureKind {
    /// Portable network graphics.
    Png,
    /// JPEG.
    Jpeg,
    /// Windows bitmap.
    Bmp,
    /// GIF.
    Gif,
    /// An OFD package with one page (met in tax seals).
    Ofd,
}

impl PictureKind {
    /// The name that is written into a seal.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            PictureKind::Png => "PNG",
            PictureKind::Jpeg => "JPG",
            PictureKind::Bmp => "BMP",
            PictureKind::Gif => "GIF",
            PictureKind::Ofd => "OFD",
        }
    }

    /// The kind that a seal states, without regard to case.
    #[must_use]
    pub fn stated(name: &str) -> Option<Self> {
        Some(match name.to_ascii_uppercase().as_str() {
            "PNG" => PictureKind::Png,
            "JPG" | "JPEG" => PictureKind::Jpeg,
            "BMP" => PictureKind::Bmp,
            "GIF" => PictureKind::Gif,
            "OFD" => PictureKind::Ofd,
            _ => return None,
        })
    }

    /// The kind that the first bytes show.
    #[must_use]
    pub fn of(data: &[u8]) -> Option<Self> {
        Some(match data {
            [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => PictureKind::Png,
            [0xff, 0xd8, 0xff, ..] => PictureKind::Jpeg,
            [b'B', b'M', ..] => PictureKind::Bmp,
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => PictureKind::Gif,
            [b'P', b'K', 3, 4, ..] => PictureKind::Ofd,
            _ => return None,
        })
    }
}

/// `SES_ESPictureInfo`: the picture and its size on paper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// The kind as stated in the seal.
    pub kind: String,
    /// The file.
    pub data: Vec<u8>,
    /// Width in millimetres.
    pub width_mm: u64,
    /// Height in millimetres.
    pub height_mm: u64,
}

/// What the bytes of a picture show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PictureFacts {
    /// The kind by its first bytes.
    pub kind: PictureKind,
    /// Width and height in pixels; none for OFD.
    pub pixels: Option<(u64, u64)>,
    /// Whether parts of it can be transparent: a seal lies over text.
    pub transparent: bool,
    /// Whether bytes follow its end.
    pub tail: bool,
    /// Whether it has more than one frame.
    pub animated: bool,
    /// Whether parts besides the image are inside: text, comments, profiles, data of programs. Told
    /// of PNG and GIF; an OFD always has them.
    pub extra: bool,
}

/// Chunks that a still PNG needs, or that say how large and in which colours it is shown (ISO/IEC
/// 15948 section 11). Text, profiles and private chunks are none of them.
const PLAIN_CHUNKS: [&[u8; 4]; 10] = [
    b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"sRGB", b"gAMA", b"cHRM", b"sBIT", b"pHYs",
];

impl Picture {
    /// Takes a picture file and the size at which it is shown.
    ///
    /// # Errors
    /// [`Error::Picture`], [`Error::TooLarge`].
    pub fn new(data: Vec<u8>, width_mm: u64, height_mm: u64) -> Result<Self, Error> {
        let kind = PictureKind::of(&data).ok_or(WRONG_KIND)?;
        let picture = Picture {
            kind: kind.name().to_owned(),
            data,
            width_mm,
            height_mm,
        };
        let facts = picture.facts()?;
        if facts.tail {
            return Err(wrong("bytes follow its end"));
        }
        if width_mm == 0 || height_mm == 0 {
            return Err(wrong("its size in millimetres is zero"));
        }
        Ok(picture)
    }

    /// As [`Picture::new`], by the rules for the picture of a new seal: a still PNG or GIF that lets the
    /// text under it through, with nothing in it but the image, not too coarse to be read, and of a size
    /// that real seals have. Pictures of seals made elsewhere are only held to [`Picture::facts`].
    ///
    /// # Errors
    /// [`Error::Picture`] with the rule that is broken, [`Error::TooLarge`].
    pub fn import(data: Vec<u8>, width_mm: u64, height_mm: u64) -> Result<Self, Error> {
        let picture = Picture::new(data, width_mm, height_mm)?;
        let facts = picture.facts()?;
        let (Some((width, height)), PictureKind::Png | PictureKind::Gif) =
            (facts.pixels, facts.kind)
        else {
            return Err(wrong(
                "a new seal has a PNG or GIF, which can be transparent",
            ));
        };
        if !facts.transparent {
            return Err(wrong(
                "it is not transparent: it would hide the text under it",
            ));
        }
        if facts.animated {
            return Err(wrong("it is animated"));
        }
        if facts.extra {
            return Err(wrong(
                "it holds more than the image: text, comments or data of programs",
            ));
        }
        if !SEAL_SIDES_MM.contains(&width_mm) || !SEAL_SIDES_MM.contains(&height_mm) {
            return Err(wrong("a side is not 10 to 60 mm long"));
        }
        if width < PIXELS_PER_MM_MIN * width_mm || height < PIXELS_PER_MM_MIN * height_mm {
            return Err(wrong("it has fewer than 4 pixels to the millimetre"));
        }
        Ok(picture)
    }

    /// Reads what the bytes show, without decoding them.
    ///
    /// # Errors
    /// [`Error::Picture`] for another kind (SVG among them), a broken one or one too large.
    pub fn facts(&self) -> Result<PictureFacts, Error> {
        limit("picture of the seal", self.data.len(), PICTURE_LEN_MAX)?;
        if self.width_mm > SIDE_MAX_MM || self.height_mm > SIDE_MAX_MM {
            return Err(wrong("a side is longer than 420 mm"));
        }
        let data = &self.data[..];
        let kind = PictureKind::of(data).ok_or(WRONG_KIND)?;
        let facts = match kind {
            PictureKind::Png => png(data),
            PictureKind::Jpeg => jpeg(data),
            PictureKind::Bmp => bmp(data),
            PictureKind::Gif => gif(data),
            PictureKind::Ofd => return ofd_facts(data),
        };
        let facts = facts.ok_or(wrong("it is broken"))?;
        if let Some((width, height)) = facts.pixels {
            if width == 0 || height == 0 {
                return Err(wrong("it has no pixels"));
            }
            if width.saturating_mul(height) > PIXELS_MAX {
                return Err(wrong("it has more than 16 million pixels"));
            }
        }
        Ok(facts)
    }
}

const WRONG_KIND: Error = wrong("not PNG, JPEG, BMP, GIF or OFD");

const fn wrong(rule: &'static str) -> Error {
    Error::Picture { rule }
}

fn big(data: &[u8], at: usize, len: usize) -> Option<u64> {
    let bytes = data.get(at..at.checked_add(len)?)?;
    Some(bytes.iter().fold(0, |n, b| n << 8 | u64::from(*b)))
}

fn little(data: &[u8], at: usize, len: usize) -> Option<u64> {
    let bytes = data.get(at..at.checked_add(len)?)?;
    Some(bytes.iter().rev().fold(0, |n, b| n << 8 | u64::from(*b)))
}

/// Walks the chunks (ISO/IEC 15948 section 5.3): IHDR first, IEND last.
fn png(data: &[u8]) -> Option<PictureFacts> {
    let (mut at, mut pixels, mut transparent) = (8usize, None, false);
    let (mut animated, mut extra) = (false, false);
    loop {
        let len = usize::try_from(big(data, at, 4)?).ok()?;
        let name = data.get(at + 4..at + 8)?;
        let end = at.checked_add(12)?.checked_add(len)?;
        data.get(..end)?;
        animated |= name == b"acTL";
        extra |= !PLAIN_CHUNKS.iter().any(|plain| name == *plain);
        match name {
            b"IHDR" if pixels.is_none() && len == 13 => {
                pixels = Some((big(data, at + 8, 4)?, big(data, at + 12, 4)?));
                // Colour types 4 and 6 have an alpha channel.
                transparent = matches!(data.get(at + 17)?, 4 | 6);
            }
            _ if pixels.is_none() => return None,
            b"tRNS" => transparent = true,
            b"IEND" => {
                return Some(PictureFacts {
                    kind: PictureKind::Png,
                    pixels,
                    transparent,
                    tail: end != data.len(),
                    animated,
                    extra,
                });
            }
            _ => {}
        }
        at = end;
    }
}

/// Walks the segments up to the frame header (ISO/IEC 10918-1 annex B).
fn jpeg(data: &[u8]) -> Option<PictureFacts> {
    let mut at = 2usize;
    loop {
        if *data.get(at)? != 0xff {
            return None;
        }
        let marker = *data.get(at + 1)?;
        match marker {
            // Fill bytes.
            0xff => {
                at += 1;
                continue;
            }
            // No header before these.
            0x00 | 0xd8 | 0xd9 | 0xda => return None,
            0x01 | 0xd0..=0xd7 => {
                at += 2;
                continue;
            }
            _ => {}
        }
        let len = usize::try_from(big(data, at + 2, 2)?).ok()?;
        if len < 2 {
            return None;
        }
        // SOF0 to SOF15 without DHT, JPG and DAC.
        if matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc) {
            return Some(PictureFacts {
                kind: PictureKind::Jpeg,
                pixels: Some((big(data, at + 7, 2)?, big(data, at + 5, 2)?)),
                transparent: false,
                tail: !data.ends_with(&[0xff, 0xd9]),
                animated: false,
                extra: false,
            });
        }
        at = at.checked_add(2)?.checked_add(len)?;
    }
}

fn bmp(data: &[u8]) -> Option<PictureFacts> {
    let size = little(data, 2, 4)?;
    let header = little(data, 14, 4)?;
    let signed = |at| {
        Some(u64::from(
            (little(data, at, 4)? as u32 as i32).unsigned_abs(),
        ))
    };
    let (pixels, depth) = if header == 12 {
        (
            (little(data, 18, 2)?, little(data, 20, 2)?),
            little(data, 24, 2)?,
        )
    } else {
        ((signed(18)?, signed(22)?), little(data, 28, 2)?)
    };
    Some(PictureFacts {
        kind: PictureKind::Bmp,
        pixels: Some(pixels),
        transparent: depth == 32,
        tail: size != 0 && size < data.len() as u64,
        animated: false,
        extra: false,
    })
}

/// Reads the screen, then walks the blocks to the trailer (GIF89a sections 15 to 27).
fn gif(data: &[u8]) -> Option<PictureFacts> {
    let pixels = Some((little(data, 6, 2)?, little(data, 8, 2)?));
    let table = |flags: u8| {
        if flags & 0x80 == 0 {
            0
        } else {
            3usize << ((flags & 7) + 1)
        }
    };
    let (mut at, mut transparent) = (13 + table(*data.get(10)?), false);
    let (mut frames, mut extra) = (0u64, false);
    loop {
        match *data.get(at)? {
            0x3b => {
                return Some(PictureFacts {
                    kind: PictureKind::Gif,
                    pixels,
                    transparent,
                    tail: at + 1 != data.len(),
                    animated: frames > 1,
                    extra,
                });
            }
            0x21 => {
                // A graphic control extension says whether a colour is transparent.
                let label = *data.get(at + 1)?;
                transparent |= label == 0xf9 && *data.get(at + 3)? & 1 == 1;
                extra |= label != 0xf9;
                at = sub_blocks(data, at + 2)?;
            }
            0x2c => {
                frames += 1;
                at = sub_blocks(data, at + 11 + table(*data.get(at + 9)?))?;
            }
            _ => return None,
        }
    }
}

/// The place after a run of sub-blocks.
fn sub_blocks(data: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let len = usize::from(*data.get(at)?);
        at += 1 + len;
        if len == 0 {
            return Some(at);
        }
    }
}

/// A picture that is a document must at least be a safe package with an entry of OFD.
fn ofd_facts(data: &[u8]) -> Result<PictureFacts, Error> {
    let package = ofd::Package::open(data)?;
    if !package.has("OFD.xml") {
        return Err(wrong("a package without OFD.xml"));
    }
    Ok(PictureFacts {
        kind: PictureKind::Ofd,
        pixels: None,
        transparent: true,
        tail: false,
        animated: false,
        extra: true,
    })
}
