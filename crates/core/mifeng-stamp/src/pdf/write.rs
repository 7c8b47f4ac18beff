//! Objects into bytes; texts and dates.

use super::object::{Dict, Object};
use mifeng_crypto::Time;

/// A dictionary with data.
pub(super) struct Stream {
    pub(super) dict: Dict,
    pub(super) data: Vec<u8>,
}

impl Stream {
    /// Data as it stands.
    pub(super) fn plain(dict: Dict, data: Vec<u8>) -> Self {
        Stream { dict, data }
    }

    /// Data deflated; the same bytes whatever else is built.
    pub(super) fn deflated(mut dict: Dict, data: &[u8]) -> Self {
        dict.set("Filter", Object::named("FlateDecode"));
        let data = miniz_oxide::deflate::compress_to_vec_zlib(data, 6);
        Stream { dict, data }
    }

    pub(super) fn write(mut self, out: &mut Vec<u8>) {
        let len = i64::try_from(self.data.len()).unwrap_or(i64::MAX);
        self.dict.set("Length", Object::Int(len));
        dict(out, &self.dict);
        out.extend_from_slice(b"\nstream\n");
        out.extend_from_slice(&self.data);
        out.extend_from_slice(b"\nendstream");
    }
}

/// Writes one object.
pub(super) fn object(out: &mut Vec<u8>, value: &Object) {
    match value {
        Object::Null => out.extend_from_slice(b"null"),
        Object::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
        Object::Int(value) => out.extend_from_slice(value.to_string().as_bytes()),
        Object::Real(text) => out.extend_from_slice(text.as_bytes()),
        Object::Name(bytes) => name(out, bytes),
        Object::Text(text) => string(out, &text.bytes),
        Object::Array(list) => {
            out.push(b'[');
            for (n, one) in list.iter().enumerate() {
                if n > 0 {
                    out.push(b' ');
                }
                object(out, one);
            }
            out.push(b']');
        }
        Object::Dict(inner) => dict(out, inner),
        Object::Ref(id) => {
            out.extend_from_slice(format!("{} {} R", id.number, id.generation).as_bytes());
        }
    }
}

pub(super) fn dict(out: &mut Vec<u8>, value: &Dict) {
    out.extend_from_slice(b"<<");
    for (key, value) in &value.0 {
        name(out, key);
        out.push(b' ');
        object(out, value);
    }
    out.extend_from_slice(b">>");
}

fn name(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'/');
    for byte in bytes {
        let regular = byte.is_ascii_graphic() && !b"()<>[]{}/%#".contains(byte);
        match regular {
            true => out.push(*byte),
            false => out.extend_from_slice(format!("#{byte:02X}").as_bytes()),
        }
    }
}

/// Printable ASCII in brackets, everything else in hex: nothing that an editor could mangle.
pub(super) fn string(out: &mut Vec<u8>, bytes: &[u8]) {
    if bytes.iter().all(|b| (b' '..=b'~').contains(b)) {
        out.push(b'(');
        for byte in bytes {
            if b"()\\".contains(byte) {
                out.push(b'\\');
            }
            out.push(*byte);
        }
        out.push(b')');
        return;
    }
    out.push(b'<');
    hex(out, bytes);
    out.push(b'>');
}

/// Upper-case hex.
pub(super) fn hex(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in bytes {
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 15)]);
    }
}

/// A text string: ASCII, or UTF-16 with its mark.
pub(super) fn text(words: &str) -> Object {
    if words.is_ascii() {
        return Object::string(words.as_bytes());
    }
    let mut bytes = vec![0xfe, 0xff];
    bytes.extend(words.encode_utf16().flat_map(u16::to_be_bytes));
    Object::string(&bytes)
}

/// Beijing time, as the seconds of ISO 32000-2 section 7.9.4.
pub(super) fn date(time: Time) -> String {
    let (year, month, day, hour, minute, second) = time.plus_millis(8 * 3_600_000).utc_fields();
    format!("D:{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}+08'00'")
}

/// A date with its distance from UTC; one without says nothing.
pub(super) fn read_date(text: &str) -> Option<Time> {
    let digits = text.strip_prefix("D:")?;
    let part = |from: usize, to: usize| digits.get(from..to);
    let zone = digits.get(14..)?;
    let offset = match zone.as_bytes() {
        [b'Z', ..] => "Z".to_owned(),
        [b'+' | b'-', ..] => {
            let minutes = zone.get(4..6).unwrap_or("00");
            format!("{}:{minutes}", zone.get(..3)?)
        }
        _ => return None,
    };
    let rfc3339 = format!(
        "{}-{}-{}T{}:{}:{}{offset}",
        part(0, 4)?,
        part(4, 6)?,
        part(6, 8)?,
        part(8, 10)?,
        part(10, 12)?,
        part(12, 14)?
    );
    rfc3339.parse().ok()
}

/// Thousandths as a decimal.
pub(super) fn decimal(thousandths: i64) -> Object {
    let (sign, value) = (
        if thousandths < 0 { "-" } else { "" },
        thousandths.unsigned_abs(),
    );
    let text = format!("{sign}{}.{:03}", value / 1_000, value % 1_000);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    match text.parse() {
        Ok(whole) => Object::Int(whole),
        Err(_) => Object::Real(text.to_owned()),
    }
}
