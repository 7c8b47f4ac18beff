//! The bytes of Contents: one structure, then zeros up to the reserved size.

use super::Fault;

/// Indefinite lengths inside each other.
const DEPTH_MAX: usize = 32;

/// The structure without its padding.
pub(super) fn unpadded(bytes: &[u8]) -> Result<&[u8], Fault> {
    let broken = Fault::Contents("is no DER or BER");
    let len = element(bytes, 0).ok_or(broken)?;
    let (value, rest) = bytes.split_at(len);
    if rest.iter().any(|b| *b != 0) {
        return Err(Fault::Contents("holds more than the signature"));
    }
    Ok(value)
}

/// Bytes of the element that begins here (X.690 section 8.1).
fn element(bytes: &[u8], depth: usize) -> Option<usize> {
    if depth > DEPTH_MAX {
        return None;
    }
    // Tags of several octets do not occur in these structures.
    let tag = *bytes.first().filter(|tag| **tag & 0x1f != 0x1f)?;
    let first = *bytes.get(1)?;
    if first == 0x80 && tag & 0x20 != 0 {
        let mut at = 2;
        while bytes.get(at..at + 2)? != [0, 0] {
            at += element(bytes.get(at..)?, depth + 1)?;
        }
        return Some(at + 2);
    }
    let (head, len) = match first {
        0..=0x7f => (2, usize::from(first)),
        0x81..=0x84 => {
            let octets = usize::from(first & 0x7f);
            let octets = bytes.get(2..2 + octets)?;
            let len = octets.iter().fold(0usize, |n, b| n << 8 | usize::from(*b));
            (2 + octets.len(), len)
        }
        _ => return None,
    };
    let end = head.checked_add(len)?;
    (end <= bytes.len()).then_some(end)
}

/// Whether the value is a seal signature of GB/T 38540, whose first part is a SEQUENCE, and not a
/// message, whose first part is an identifier.
pub(super) fn is_seal(der: &[u8]) -> bool {
    let head = match der.get(1) {
        Some(len @ 0x81..=0x84) => 2 + usize::from(len & 0x7f),
        _ => 2,
    };
    der.get(head) == Some(&0x30)
}
