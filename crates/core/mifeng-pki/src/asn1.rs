//! Strict DER (X.690): a cursor that refuses every second encoding, and a few writers.

use crate::Error;
use mifeng_crypto::Time;

pub use crate::oid::Oid;

/// Identifier octets used here.
pub mod tag {
    /// BOOLEAN
    pub const BOOLEAN: u8 = 1;
    /// INTEGER
    pub const INTEGER: u8 = 2;
    /// BIT STRING
    pub const BIT_STRING: u8 = 3;
    /// OCTET STRING
    pub const OCTET_STRING: u8 = 4;
    /// OBJECT IDENTIFIER
    pub const OID: u8 = 6;
    /// ENUMERATED
    pub const ENUMERATED: u8 = 10;
    /// UTF8String
    pub const UTF8_STRING: u8 = 12;
    /// PrintableString
    pub const PRINTABLE_STRING: u8 = 19;
    /// BMPString
    pub const BMP_STRING: u8 = 30;
    /// UTCTime
    pub const UTC_TIME: u8 = 23;
    /// GeneralizedTime
    pub const GENERALIZED_TIME: u8 = 24;
    /// SEQUENCE
    pub const SEQUENCE: u8 = 0x30;
    /// SET
    pub const SET: u8 = 0x31;
    /// `[n]`, constructed.
    pub const fn context(n: u8) -> u8 {
        0xa0 | n
    }
}

/// Characters of the longest time read: nobody's clock writes more digits of a second.
const RFC3339_LEN_MAX: usize = 64;

/// A cursor over DER elements.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    left: &'a [u8],
    what: &'static str,
}

impl<'a> Reader<'a> {
    /// Starts at the first element; `what` names the structure in errors.
    pub fn new(input: &'a [u8], what: &'static str) -> Self {
        Reader { left: input, what }
    }

    /// What is read.
    pub fn what(&self) -> &'static str {
        self.what
    }

    /// The error of this structure.
    pub fn wrong(&self) -> Error {
        Error::Malformed { what: self.what }
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.left.is_empty()
    }

    /// What is left.
    pub fn rest(&self) -> &'a [u8] {
        self.left
    }

    /// Ends the structure.
    ///
    /// # Errors
    /// [`Error::Malformed`] if something is left.
    pub fn finish(&self) -> Result<(), Error> {
        if self.left.is_empty() {
            Ok(())
        } else {
            Err(self.wrong())
        }
    }

    /// The tag of the next element.
    pub fn peek(&self) -> Option<u8> {
        self.left.first().copied()
    }

    /// The next element: tag, whole TLV, value.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn any(&mut self) -> Result<(u8, &'a [u8], &'a [u8]), Error> {
        let what = self.what;
        // An error is made only where there is one: its type is large.
        let wrong = || Error::Malformed { what };
        let [tag, first, ..] = *self.left else {
            return Err(wrong());
        };
        // Multi-byte tags do not occur in these structures.
        if tag & 0x1f == 0x1f || tag == 0 {
            return Err(wrong());
        }
        let (header, len) = match first {
            0..=0x7f => (2, usize::from(first)),
            // Four octets: lists of a million entries have more than 16 MiB.
            0x81..=0x84 => {
                let count = usize::from(first & 0x7f);
                let digits = self.left.get(2..2 + count).ok_or_else(wrong)?;
                let len = digits.iter().fold(0usize, |n, d| n << 8 | usize::from(*d));
                // Minimal length octets (X.690 section 10.1).
                if digits[0] == 0 || len < 0x80 {
                    return Err(wrong());
                }
                (2 + count, len)
            }
            _ => return Err(wrong()),
        };
        let end = len.checked_add(header).ok_or_else(wrong)?;
        let whole = self.left.get(..end).ok_or_else(wrong)?;
        self.left = &self.left[end..];
        Ok((tag, whole, &whole[header..]))
    }

    /// The value of the next element, which has this tag.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn value(&mut self, expected: u8) -> Result<&'a [u8], Error> {
        match self.any()? {
            (tag, _, value) if tag == expected => Ok(value),
            _ => Err(self.wrong()),
        }
    }

    /// The whole TLV of the next element, which has this tag.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn whole(&mut self, expected: u8) -> Result<&'a [u8], Error> {
        match self.any()? {
            (tag, whole, _) if tag == expected => Ok(whole),
            _ => Err(self.wrong()),
        }
    }

    /// Goes into the next element, which has this tag.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn enter(&mut self, expected: u8) -> Result<Reader<'a>, Error> {
        Ok(Reader::new(self.value(expected)?, self.what))
    }

    /// Goes into the next element if it has this tag.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn optional(&mut self, expected: u8) -> Result<Option<Reader<'a>>, Error> {
        if self.peek() == Some(expected) {
            return self.enter(expected).map(Some);
        }
        Ok(None)
    }

    /// An OBJECT IDENTIFIER.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn oid(&mut self) -> Result<Oid, Error> {
        let bytes = self.value(tag::OID)?;
        // No arc begins with a digit of zero (X.690 section 8.19.2).
        let starts = |at: usize| at == 0 || bytes[at - 1] & 0x80 == 0;
        if (0..bytes.len()).any(|at| bytes[at] == 0x80 && starts(at)) {
            return Err(self.wrong());
        }
        Oid::from_bytes(bytes).map_err(|_| self.wrong())
    }

    /// The content octets of a minimally encoded INTEGER.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn integer(&mut self) -> Result<&'a [u8], Error> {
        let value = self.value(tag::INTEGER)?;
        let redundant = matches!(value, [0, next, ..] if *next < 0x80)
            || matches!(value, [0xff, next, ..] if *next >= 0x80);
        if value.is_empty() || redundant {
            return Err(self.wrong());
        }
        Ok(value)
    }

    /// A non-negative INTEGER below 2^63.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn small(&mut self) -> Result<u64, Error> {
        let value = self.integer()?;
        if value.len() > 8 || value[0] & 0x80 != 0 {
            return Err(self.wrong());
        }
        Ok(value.iter().fold(0, |n, b| n << 8 | u64::from(*b)))
    }

    /// A BIT STRING of whole bytes.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn bits(&mut self) -> Result<&'a [u8], Error> {
        match self.value(tag::BIT_STRING)? {
            [0, bytes @ ..] => Ok(bytes),
            _ => Err(self.wrong()),
        }
    }

    /// UTCTime or GeneralizedTime, in UTC with seconds; fractions in GeneralizedTime only.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn time(&mut self) -> Result<Time, Error> {
        let (tag, _, value) = self.any()?;
        let what = self.what;
        // An error is made only where there is one: its type is large.
        let wrong = || Error::Malformed { what };
        let text = core::str::from_utf8(value).map_err(|_| wrong())?;
        let digits = text.strip_suffix('Z').ok_or_else(wrong)?;
        let (whole, fraction) = digits
            .split_once('.')
            .map_or((digits, None), |(a, b)| (a, Some(b)));
        if fraction.is_some_and(|f| f.is_empty() || f.ends_with('0') || tag == tag::UTC_TIME) {
            return Err(wrong());
        }
        if !whole.bytes().all(|b| b.is_ascii_digit()) {
            return Err(wrong());
        }
        let (century, rest) = match (tag, whole.len()) {
            // RFC 5280 section 4.1.2.5.1: 50 to 99 are of the twentieth century.
            (tag::UTC_TIME, 12) if whole >= "50" => ("19", whole),
            (tag::UTC_TIME, 12) => ("20", whole),
            (tag::GENERALIZED_TIME, 14) => whole.split_at(2),
            _ => return Err(wrong()),
        };
        // RFC 3339 without an allocation: a list has a million of them.
        let mut text = [0; RFC3339_LEN_MAX];
        let mut len = 0;
        let parts = [
            century,
            &rest[..2],
            "-",
            &rest[2..4],
            "-",
            &rest[4..6],
            "T",
            &rest[6..8],
            ":",
            &rest[8..10],
            ":",
            &rest[10..],
            if fraction.is_some() { "." } else { "" },
            fraction.unwrap_or_default(),
            "Z",
        ];
        for part in parts {
            let end = len + part.len();
            let room = text.get_mut(len..end).ok_or_else(wrong)?;
            room.copy_from_slice(part.as_bytes());
            len = end;
        }
        let text = core::str::from_utf8(&text[..len]).map_err(|_| wrong())?;
        Time::parse_rfc3339(text).map_err(|_| wrong())
    }
}

/// Writers of DER.
pub mod write {
    use super::tag;
    use crate::oid::Oid;
    use mifeng_crypto::Time;

    /// An element of these parts.
    pub fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let len: usize = parts.iter().map(|p| p.len()).sum();
        let mut out = vec![tag];
        if len < 0x80 {
            out.push(len as u8);
        } else {
            let digits = len.to_be_bytes();
            let skip = digits.iter().take_while(|d| **d == 0).count();
            out.push(0x80 | (digits.len() - skip) as u8);
            out.extend_from_slice(&digits[skip..]);
        }
        for part in parts {
            out.extend_from_slice(part);
        }
        out
    }

    /// A SEQUENCE.
    pub fn seq(parts: &[&[u8]]) -> Vec<u8> {
        tlv(tag::SEQUENCE, parts)
    }

    /// SET OF, sorted as DER asks (X.690 section 11.6), under the given tag.
    pub fn set_of(tag: u8, mut parts: Vec<Vec<u8>>) -> Vec<u8> {
        parts.sort();
        let refs: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        tlv(tag, &refs)
    }

    /// An OBJECT IDENTIFIER.
    pub fn oid(oid: Oid) -> Vec<u8> {
        tlv(tag::OID, &[oid.as_bytes()])
    }

    /// An OCTET STRING.
    pub fn octets(bytes: &[u8]) -> Vec<u8> {
        tlv(tag::OCTET_STRING, &[bytes])
    }

    /// A BIT STRING of whole bytes.
    pub fn bits(bytes: &[u8]) -> Vec<u8> {
        tlv(tag::BIT_STRING, &[&[0], bytes])
    }

    /// A non-negative INTEGER from big-endian bytes.
    pub fn integer(bytes: &[u8]) -> Vec<u8> {
        let skip = bytes.iter().take_while(|b| **b == 0).count();
        let bytes = &bytes[skip..];
        match bytes.first() {
            Some(top) if *top < 0x80 => tlv(tag::INTEGER, &[bytes]),
            _ => tlv(tag::INTEGER, &[&[0], bytes]),
        }
    }

    /// A non-negative INTEGER.
    pub fn small(value: u64) -> Vec<u8> {
        integer(&value.to_be_bytes())
    }

    /// RFC 5280 Time: UTCTime up to 2049, GeneralizedTime after; whole seconds.
    pub fn time(time: Time) -> Vec<u8> {
        let text = generalized_text(time);
        match text.get(..4) {
            Some(year) if ("1950".."2050").contains(&year) => {
                tlv(tag::UTC_TIME, &[&text.as_bytes()[2..], b"Z"])
            }
            _ => tlv(tag::GENERALIZED_TIME, &[text.as_bytes(), b"Z"]),
        }
    }

    /// GeneralizedTime with the fraction of the second, if there is one.
    pub fn generalized(time: Time) -> Vec<u8> {
        let nanos = time.as_unix_nanos().rem_euclid(1_000_000_000);
        let mut text = generalized_text(time);
        if nanos != 0 {
            text.push('.');
            text.push_str(format!("{nanos:09}").trim_end_matches('0'));
        }
        tlv(tag::GENERALIZED_TIME, &[text.as_bytes(), b"Z"])
    }

    fn generalized_text(time: Time) -> String {
        let (year, month, day, hour, minute, second) = time.utc_fields();
        format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}")
    }
}

#[cfg(test)]
mod tests;
