//! The one filter that cross-reference and object streams need: FlateDecode with predictors
//! (ISO 32000-2 section 7.4.4). Content streams are compared as they stand and never decoded.

use super::object::{Dict, Object};
use super::{DECODED_LEN_MAX, broken};
use crate::Error;
use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;

/// Bytes of a row of a predictor: cross-reference entries have up to 20.
const ROW_MAX: usize = 4_096;

/// Decodes the data of a stream with at most one filter.
pub(super) fn decode(dict: &Dict, raw: &[u8], at: usize) -> Result<Vec<u8>, Error> {
    let filter = single(dict.get("Filter"), at)?;
    let parameters = single(dict.get("DecodeParms"), at)?;
    match filter.and_then(Object::name) {
        None if filter.is_none() => Ok(raw.to_vec()),
        Some(b"FlateDecode") => {
            let data = decompress_to_vec_zlib_with_limit(raw, DECODED_LEN_MAX)
                .map_err(|_| broken(at, "a compressed stream is broken or too large"))?;
            match parameters.and_then(Object::dict) {
                Some(parameters) => predict(parameters, data, at),
                None => Ok(data),
            }
        }
        _ => Err(broken(
            at,
            "cross-reference and object streams are compressed by Flate alone",
        )),
    }
}

/// The object itself, or the one in an array.
fn single(object: Option<&Object>, at: usize) -> Result<Option<&Object>, Error> {
    match object {
        Some(Object::Array(list)) if list.len() > 1 => Err(broken(at, "more than one filter")),
        Some(Object::Array(list)) => Ok(list.first()),
        other => Ok(other),
    }
}

fn predict(parameters: &Dict, data: Vec<u8>, at: usize) -> Result<Vec<u8>, Error> {
    match parameters.int("Predictor").unwrap_or(1) {
        1 => return Ok(data),
        10..=15 => {}
        _ => return Err(broken(at, "a predictor that is not read")),
    }
    let number = |key: &str, default: i64| {
        let value = parameters.int(key).unwrap_or(default);
        usize::try_from(value)
            .ok()
            .filter(|value| (1..=ROW_MAX).contains(value))
            .ok_or_else(|| broken(at, "a predictor with odd numbers"))
    };
    let bits = number("Colors", 1)? * number("BitsPerComponent", 8)?;
    let pixel = bits.div_ceil(8).max(1);
    let row = (bits * number("Columns", 1)?).div_ceil(8);
    if row > ROW_MAX {
        return Err(broken(at, "a predictor with odd numbers"));
    }
    unfilter(&data, row, pixel).ok_or_else(|| broken(at, "a predictor's data is broken"))
}

/// Undoes the filters of PNG (ISO/IEC 15948 section 9): rows of `row` bytes, each after a filter
/// byte; `pixel` bytes lie between a byte and its left neighbour.
pub(super) fn unfilter(data: &[u8], row: usize, pixel: usize) -> Option<Vec<u8>> {
    let mut out: Vec<u8> = Vec::with_capacity(data.len());
    let mut above = vec![0u8; row];
    for line in data.chunks(row + 1) {
        let (kind, bytes) = line.split_first()?;
        let mut current = bytes.to_vec();
        current.resize(row, 0);
        for at in 0..row {
            let left = if at < pixel { 0 } else { current[at - pixel] };
            let corner = if at < pixel { 0 } else { above[at - pixel] };
            let add = match kind {
                0 => 0,
                1 => left,
                2 => above[at],
                3 => ((u16::from(left) + u16::from(above[at])) / 2) as u8,
                4 => paeth(left, above[at], corner),
                _ => return None,
            };
            current[at] = current[at].wrapping_add(add);
        }
        current.truncate(bytes.len());
        out.extend_from_slice(&current);
        current.resize(row, 0);
        above = current;
    }
    Some(out)
}

fn paeth(left: u8, up: u8, corner: u8) -> u8 {
    let (a, b, c) = (i16::from(left), i16::from(up), i16::from(corner));
    let p = a + b - c;
    let (da, db, dc) = ((p - a).abs(), (p - b).abs(), (p - c).abs());
    if da <= db && da <= dc {
        left
    } else if db <= dc {
        up
    } else {
        corner
    }
}
