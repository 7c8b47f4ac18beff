//! The picture of a seal as an image of a PDF: PNG with its transparency, JPEG as it stands.

use super::filter::unfilter;
use super::object::Id;
use super::object::{Dict, Object};
use super::update::Update;
use super::write::Stream;
use crate::{Error, Picture, PictureKind};
use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;

/// Bytes of the decoded picture: 16 million pixels of four bytes, and a filter byte a row.
const DECODED_MAX: usize = 4 * 4_096 * 4_096 + 4_096 * 4_096;

/// Colours and, where there is any, transparency: one byte a sample.
struct Pixels {
    width: usize,
    height: usize,
    /// 1 or 3.
    colours: usize,
    samples: Vec<u8>,
    alpha: Option<Vec<u8>>,
}

/// Adds the picture to an update.
pub(super) fn add(update: &mut Update<'_, '_>, picture: &Picture) -> Result<Id, Error> {
    let facts = picture.facts()?;
    match facts.kind {
        PictureKind::Jpeg => jpeg(update, picture, facts.pixels.unwrap_or_default()),
        PictureKind::Png => {
            let pixels = png(&picture.data).ok_or(Error::Picture {
                rule: "the PNG is of a form that is not drawn, or broken",
            })?;
            draw(update, &pixels)
        }
        _ => Err(Error::Picture {
            rule: "only PNG and JPEG are drawn into a PDF",
        }),
    }
}

fn draw(update: &mut Update<'_, '_>, pixels: &Pixels) -> Result<Id, Error> {
    let mut dict = image(pixels.width, pixels.height);
    dict.set("ColorSpace", colours(pixels.colours));
    if let Some(alpha) = &pixels.alpha {
        let mut mask = image(pixels.width, pixels.height);
        mask.set("ColorSpace", Object::named("DeviceGray"));
        let mask = update.stream(Stream::deflated(mask, alpha))?;
        dict.set("SMask", Object::Ref(mask));
    }
    update.stream(Stream::deflated(dict, &pixels.samples))
}

fn jpeg(update: &mut Update<'_, '_>, picture: &Picture, size: (u64, u64)) -> Result<Id, Error> {
    let wrong = Error::Picture {
        rule: "the JPEG has neither one nor three colours",
    };
    let count = frame_colours(&picture.data).filter(|n| matches!(n, 1 | 3));
    let side = |pixels: u64| usize::try_from(pixels).unwrap_or(0);
    let mut dict = image(side(size.0), side(size.1));
    dict.set("ColorSpace", colours(usize::from(count.ok_or(wrong)?)));
    dict.set("Filter", Object::named("DCTDecode"));
    update.stream(Stream::plain(dict, picture.data.clone()))
}

/// Components of the frame header.
fn frame_colours(data: &[u8]) -> Option<u8> {
    let mut at = 2usize;
    loop {
        let marker = *data.get(at + 1)?;
        if marker == 0xff {
            at += 1;
            continue;
        }
        if matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc) {
            return data.get(at + 9).copied();
        }
        let len = u16::from_be_bytes([*data.get(at + 2)?, *data.get(at + 3)?]);
        at = at.checked_add(2 + usize::from(len))?;
    }
}

fn image(width: usize, height: usize) -> Dict {
    let side = |n: usize| Object::Int(i64::try_from(n).unwrap_or(0));
    let mut dict = Dict::default();
    dict.set("Type", Object::named("XObject"));
    dict.set("Subtype", Object::named("Image"));
    dict.set("Width", side(width));
    dict.set("Height", side(height));
    dict.set("BitsPerComponent", Object::Int(8));
    dict
}

/// Colours that mean the same on every device, as archives ask for (ISO 19005-2 section 6.2.4):
/// the primaries of sRGB with its gamma.
fn colours(count: usize) -> Object {
    let list = |text: &str| {
        let numbers = text.split(' ').map(|n| Object::Real(n.to_owned()));
        Object::Array(numbers.collect())
    };
    let mut dict = Dict::default();
    dict.set("WhitePoint", list("0.9505 1.0 1.089"));
    if count == 1 {
        dict.set("Gamma", Object::Real("2.2".to_owned()));
        return Object::Array(vec![Object::named("CalGray"), Object::Dict(dict)]);
    }
    dict.set("Gamma", list("2.2 2.2 2.2"));
    let matrix = "0.4124 0.2126 0.0193 0.3576 0.7152 0.1192 0.1805 0.0722 0.9505";
    dict.set("Matrix", list(matrix));
    Object::Array(vec![Object::named("CalRGB"), Object::Dict(dict)])
}

fn number(data: &[u8], at: usize) -> Option<usize> {
    let bytes = <[u8; 4]>::try_from(data.get(at..at + 4)?).ok()?;
    usize::try_from(u32::from_be_bytes(bytes)).ok()
}

/// Decodes a PNG of 8 bits a sample, or with a palette, without interlace (ISO/IEC 15948).
fn png(data: &[u8]) -> Option<Pixels> {
    let (mut at, mut packed) = (8usize, Vec::new());
    let (mut header, mut palette, mut clear): (&[u8], &[u8], &[u8]) = (&[], &[], &[]);
    loop {
        let len = number(data, at)?;
        let name = data.get(at + 4..at + 8)?;
        let body = data.get(at + 8..at.checked_add(8)?.checked_add(len)?)?;
        match name {
            b"IHDR" => header = body,
            b"PLTE" => palette = body,
            b"tRNS" => clear = body,
            b"IDAT" => packed.extend_from_slice(body),
            b"IEND" => break,
            _ => {}
        }
        at = at.checked_add(12)?.checked_add(len)?;
    }
    let (width, height) = (number(header, 0)?, number(header, 4)?);
    let [depth, kind, 0, 0, 0] = *header.get(8..13)? else {
        return None;
    };
    let channels = match (kind, depth) {
        (0, 8) | (3, 1 | 2 | 4 | 8) => 1,
        (2, 8) => 3,
        (4, 8) => 2,
        (6, 8) => 4,
        _ => return None,
    };
    let row = (width * channels * usize::from(depth)).div_ceil(8);
    let raw = decompress_to_vec_zlib_with_limit(&packed, DECODED_MAX).ok()?;
    if raw.len() != (row + 1).checked_mul(height)? {
        return None;
    }
    let flat = unfilter(&raw, row, channels)?;
    let mut pixels = Pixels {
        width,
        height,
        colours: if matches!(kind, 0 | 4) { 1 } else { 3 },
        samples: Vec::new(),
        alpha: None,
    };
    match kind {
        3 => {
            let (samples, alpha) = looked_up(&flat, (width, row, depth), palette, clear)?;
            pixels.samples = samples;
            pixels.alpha = (!clear.is_empty()).then_some(alpha);
        }
        4 | 6 => {
            let colours = channels - 1;
            let (mut samples, mut alpha) = (Vec::new(), Vec::new());
            for pixel in flat.chunks_exact(channels) {
                samples.extend_from_slice(&pixel[..colours]);
                alpha.push(pixel[colours]);
            }
            pixels.samples = samples;
            pixels.alpha = Some(alpha);
        }
        // One colour that counts as clear is an old way nobody draws seals in.
        _ if !clear.is_empty() => return None,
        _ => pixels.samples = flat,
    }
    Some(pixels)
}

/// Colours and transparency of a palette.
fn looked_up(
    flat: &[u8],
    (width, row, depth): (usize, usize, u8),
    palette: &[u8],
    clear: &[u8],
) -> Option<(Vec<u8>, Vec<u8>)> {
    let (mut samples, mut alpha) = (Vec::new(), Vec::new());
    let per_byte = usize::from(8 / depth);
    let mask = if depth == 8 { 255 } else { (1u8 << depth) - 1 };
    for line in flat.chunks_exact(row) {
        for x in 0..width {
            let shift = 8 - usize::from(depth) * (x % per_byte + 1);
            let index = usize::from(line[x / per_byte] >> shift & mask);
            samples.extend_from_slice(palette.get(3 * index..3 * index + 3)?);
            alpha.push(clear.get(index).copied().unwrap_or(255));
        }
    }
    Some((samples, alpha))
}
