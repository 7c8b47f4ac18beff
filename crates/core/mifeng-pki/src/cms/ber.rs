//! Indefinite lengths (X.690 section 8.1.3.6) turned into DER, for messages of other products.
//!
//! RFC 5652 allows BER around what is signed, and streaming writers use it. Only that is taken:
//! indefinite lengths, and OCTET STRINGs in pieces. Lengths with needless octets, multi-byte tags
//! and everything else stay refused.

use crate::Error;
use crate::asn1::{Reader, tag, write};
use std::borrow::Cow;

/// Elements inside each other. A signed message with certificates has about fifteen levels; a time
/// stamp inside brings as many again.
const DEPTH_MAX: usize = 40;
/// Elements of one message: what is remembered of each while it is read is bounded by this. The
/// largest field messages carry a revocation list of some tens of thousands of entries.
const ELEMENTS_MAX: usize = 1 << 18;
/// OCTET STRING, constructed.
const OCTETS_IN_PIECES: u8 = 0x24;

/// The input itself if it has no indefinite length, else its DER. Nothing may follow it.
pub(crate) fn to_der<'a>(input: &'a [u8], what: &'static str) -> Result<Cow<'a, [u8]>, Error> {
    let mut walk = Walk { what, elements: 0 };
    let element = walk.element(input, DEPTH_MAX)?;
    if element.len != input.len() {
        return Err(walk.wrong());
    }
    Ok(element.der)
}

struct Walk {
    what: &'static str,
    /// Seen so far.
    elements: usize,
}

struct Element<'a> {
    /// Bytes in the input.
    len: usize,
    der: Cow<'a, [u8]>,
}

impl Walk {
    fn wrong(&self) -> Error {
        Error::Malformed { what: self.what }
    }

    fn element<'a>(&mut self, input: &'a [u8], depth: usize) -> Result<Element<'a>, Error> {
        let [tag, first, ..] = *input else {
            return Err(self.wrong());
        };
        let depth = depth.checked_sub(1).ok_or_else(|| self.wrong())?;
        self.elements += 1;
        if self.elements > ELEMENTS_MAX {
            return Err(Error::TooLarge {
                what: "elements of a message",
                found: self.elements,
                max: ELEMENTS_MAX,
            });
        }
        let constructed = tag & 0x20 != 0;
        if first == 0x80 {
            if !constructed || tag & 0x1f == 0x1f {
                return Err(self.wrong());
            }
            return self.indefinite(input, tag, depth);
        }
        // Two zero bytes where an element should be: met as an issuer left out. They are handed on
        // for the reader to judge; where an end is looked for, they were that end.
        if tag == 0 && first == 0 {
            let (none, _) = input.split_at(2);
            return Ok(Element {
                len: 2,
                der: Cow::Borrowed(none),
            });
        }
        let mut reader = Reader::new(input, self.what);
        let (_, whole, value) = reader.any()?;
        if !constructed {
            return Ok(Element {
                len: whole.len(),
                der: Cow::Borrowed(whole),
            });
        }
        let (mut rest, mut changed) = (value, tag == OCTETS_IN_PIECES);
        let mut parts = Vec::new();
        while !rest.is_empty() {
            let part = self.element(rest, depth)?;
            rest = &rest[part.len..];
            changed |= matches!(part.der, Cow::Owned(_));
            parts.push(part.der);
        }
        let der = match changed {
            true => Cow::Owned(self.join(tag, &parts)?),
            false => Cow::Borrowed(whole),
        };
        Ok(Element {
            len: whole.len(),
            der,
        })
    }

    fn indefinite<'a>(
        &mut self,
        input: &'a [u8],
        tag: u8,
        depth: usize,
    ) -> Result<Element<'a>, Error> {
        let (mut at, mut parts) = (2, Vec::new());
        loop {
            let rest = input.get(at..).unwrap_or_default();
            if rest.starts_with(&[0, 0]) {
                break;
            }
            let part = self.element(rest, depth)?;
            at += part.len;
            parts.push(part.der);
        }
        Ok(Element {
            len: at + 2,
            der: Cow::Owned(self.join(tag, &parts)?),
        })
    }

    fn join(&self, tag: u8, parts: &[Cow<'_, [u8]>]) -> Result<Vec<u8>, Error> {
        if tag != OCTETS_IN_PIECES {
            let refs: Vec<&[u8]> = parts.iter().map(AsRef::as_ref).collect();
            return Ok(write::tlv(tag, &refs));
        }
        let mut pieces = Vec::new();
        for part in parts {
            // Pieces in pieces were joined on the way up.
            pieces.push(Reader::new(part, self.what).value(tag::OCTET_STRING)?);
        }
        Ok(write::tlv(tag::OCTET_STRING, &pieces))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indefinite_lengths_become_definite() {
        let ber = hex::decode("30800201012480040161240404026263000004000000").expect("hex");
        let der = to_der(&ber, "test").expect("BER");
        assert_eq!(
            hex::encode(&der),
            "300a0201010403616263".to_owned() + "0400"
        );
        assert!(matches!(to_der(&der, "test"), Ok(Cow::Borrowed(_))));
        for n in 0..ber.len() {
            assert!(to_der(&ber[..n], "test").is_err(), "{n} bytes");
        }
        let longer = [&ber[..], &[0]].concat();
        assert!(to_der(&longer, "test").is_err());
    }

    #[test]
    fn what_is_not_taken() {
        // A primitive of indefinite length, a needless length octet, a foreign piece, a byte too many.
        for bad in ["0480610000", "3081020500", "2480020101 0000", "30800000 00"] {
            let bytes = hex::decode(bad.replace(' ', "")).expect("hex");
            assert!(to_der(&bytes, "test").is_err(), "{bad}");
        }
        let deep = [[0x30, 0x80].repeat(100_000), vec![0; 200_000]].concat();
        assert!(to_der(&deep, "test").is_err());
    }

    #[test]
    fn more_elements_than_are_remembered() {
        let with = |count: usize| [&[0x30, 0x80][..], &[5, 0].repeat(count), &[0, 0]].concat();
        assert!(to_der(&with(ELEMENTS_MAX - 1), "test").is_ok());
        assert_eq!(
            to_der(&with(ELEMENTS_MAX), "test").err().map(|e| e.code()),
            Some("pki.too-large")
        );
    }
}
