//! BER to DER, for PKCS#12 only: old and Java writers use indefinite lengths and cut strings.

use crate::Error;
use crate::asn1::{tag, write};

/// Levels of nesting followed; a PFX has eight at most before its octet strings are opened.
const DEPTH_MAX: usize = 16;
/// A string cut into pieces, as BER allows.
const CONSTRUCTED: u8 = 0x20;

/// The same value in definite lengths, octet strings in one piece. What was DER stays as it is.
pub(super) fn to_der(input: &[u8], what: &'static str) -> Result<Vec<u8>, Error> {
    let (mut left, wrong) = (input, Error::Malformed { what });
    let out = element(&mut left, 0).ok_or(wrong.clone())?;
    if left.is_empty() { Ok(out) } else { Err(wrong) }
}

/// One element, re-encoded. Work is linear in the input for each of [`DEPTH_MAX`] levels.
fn element(left: &mut &[u8], depth: usize) -> Option<Vec<u8>> {
    let (&id, rest) = left.split_first()?;
    let (&first, rest) = rest.split_first()?;
    if id & 0x1f == 0x1f || id == 0 || depth > DEPTH_MAX {
        return None;
    }
    *left = rest;
    if id & CONSTRUCTED == 0 {
        let value = definite(left, first)?;
        return Some(write::tlv(id, &[value]));
    }
    let mut parts = Vec::new();
    if first == 0x80 {
        while !left.starts_with(&[0, 0]) {
            parts.push(element(left, depth + 1)?);
        }
        *left = &left[2..];
    } else {
        let mut inside = definite(left, first)?;
        while !inside.is_empty() {
            parts.push(element(&mut inside, depth + 1)?);
        }
    }
    let refs: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    if id == tag::OCTET_STRING | CONSTRUCTED {
        return Some(write::octets(&joined(&refs)?));
    }
    Some(write::tlv(id, &refs))
}

/// The value of a length that stands in `first` and what follows it; long forms need not be minimal.
fn definite<'a>(left: &mut &'a [u8], first: u8) -> Option<&'a [u8]> {
    let mut len = usize::from(first);
    if first >= 0x80 {
        let count = usize::from(first & 0x7f);
        if !(1..=4).contains(&count) {
            return None;
        }
        let (digits, rest) = left.split_at_checked(count)?;
        len = digits.iter().fold(0, |n, d| n << 8 | usize::from(*d));
        *left = rest;
    }
    let (value, rest) = left.split_at_checked(len)?;
    *left = rest;
    Some(value)
}

/// The contents of DER octet strings, one after the other.
pub(super) fn joined(pieces: &[&[u8]]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    for piece in pieces {
        let mut reader = crate::asn1::Reader::new(piece, "octet string");
        while !reader.is_empty() {
            out.extend_from_slice(reader.value(tag::OCTET_STRING).ok()?);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indefinite_lengths_and_cut_strings() -> Result<(), Error> {
        // SEQUENCE (indefinite) { OCTET STRING (cut, indefinite) { "ab", "c" }, INTEGER 1 (long form) }
        let ber = hex::decode("30802480040261620401630000028101010000").expect("hex");
        assert_eq!(hex::encode(to_der(&ber, "test")?), "30080403616263020101");
        let der = hex::decode("30080403616263020101").expect("hex");
        assert_eq!(to_der(&der, "test")?, der);
        for cut in 0..ber.len() {
            assert!(to_der(&ber[..cut], "test").is_err(), "{cut}");
        }
        assert!(to_der(&[&ber[..], &[0]].concat(), "test").is_err());
        let deep = [[0x30, 0x80]; 40].concat();
        assert!(to_der(&deep, "test").is_err());
        Ok(())
    }
}
