//! Names: their attributes, the form in which they are compared, and general names.

use crate::Error;
use crate::asn1::{Reader, tag};
use crate::oid::Oid;

/// Attributes of one name.
const ATTRIBUTES_MAX: usize = 64;
/// General names of one extension: 16 KiB of certificate hold no more than about 2,000.
const GENERAL_NAMES_MAX: usize = 2_048;
const WHAT: &str = "name";
/// String types whose text is compared, not their bytes (RFC 5280 section 7.1): UTF8String,
/// NumericString, PrintableString, TeletexString, IA5String, VisibleString.
const TEXTS: [u8; 6] = [12, 18, 19, 20, 22, 26];
const BMP_STRING: u8 = 30;

/// A distinguished name in the form in which two are compared: for each RDN its length and its
/// sorted attributes; texts without regard to case, string type and repeated blanks
/// (RFC 5280 section 7.1, without Unicode normalisation).
///
/// A name that begins with all RDNs of another begins with its bytes, too.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Canonical(Vec<u8>);

impl Canonical {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    pub(crate) fn starts_with(&self, base: &Canonical) -> bool {
        self.0.starts_with(&base.0)
    }
    /// This name with one more RDN, given as the content of its SET.
    pub(crate) fn with_rdn(&self, rdn: Reader<'_>) -> Result<Canonical, Error> {
        let mut out = self.0.clone();
        let mut parts = Vec::new();
        read_rdn(rdn, &mut |oid, kind, value| {
            parts.push(canonical_attribute(oid, kind, value));
            Ok(())
        })?;
        push_rdn(&mut out, parts);
        Ok(Canonical(out))
    }
}

/// A name's attributes with the bytes of their values in UTF-8, and its canonical form.
pub(crate) type Name = (Vec<(Oid, Vec<u8>)>, Canonical);

/// Reads a Name, the whole SEQUENCE.
pub(crate) fn read(name: &[u8]) -> Result<Name, Error> {
    let (mut attributes, mut canonical) = (Vec::new(), Vec::new());
    let mut top = Reader::new(name, WHAT);
    let mut rdns = top.enter(tag::SEQUENCE)?;
    top.finish()?;
    while !rdns.is_empty() {
        let mut parts = Vec::new();
        read_rdn(rdns.enter(tag::SET)?, &mut |oid, kind, value| {
            parts.push(canonical_attribute(oid, kind, value));
            attributes.push((oid, utf8(kind, value)));
            if attributes.len() > ATTRIBUTES_MAX {
                return Err(Error::TooLarge {
                    what: WHAT,
                    found: attributes.len(),
                    max: ATTRIBUTES_MAX,
                });
            }
            Ok(())
        })?;
        push_rdn(&mut canonical, parts);
    }
    Ok((attributes, Canonical(canonical)))
}

/// The canonical form of a Name.
pub(crate) fn canonical(name: &[u8]) -> Result<Canonical, Error> {
    read(name).map(|(_, canonical)| canonical)
}

/// Takes one attribute: its type, the tag and the bytes of its value.
type Each<'f> = dyn FnMut(Oid, u8, &[u8]) -> Result<(), Error> + 'f;

fn read_rdn(mut set: Reader<'_>, each: &mut Each<'_>) -> Result<(), Error> {
    while !set.is_empty() {
        let mut pair = set.enter(tag::SEQUENCE)?;
        let (oid, (kind, _, value)) = (pair.oid()?, pair.any()?);
        pair.finish()?;
        each(oid, kind, value)?;
    }
    Ok(())
}

fn push_rdn(out: &mut Vec<u8>, mut parts: Vec<Vec<u8>>) {
    parts.sort();
    let body = parts.concat();
    out.extend_from_slice(&(body.len() as u64).to_be_bytes());
    out.extend_from_slice(&body);
}

fn canonical_attribute(oid: Oid, kind: u8, value: &[u8]) -> Vec<u8> {
    let text = if kind == BMP_STRING {
        String::from_utf16(&units(value)).ok()
    } else if TEXTS.contains(&kind) {
        core::str::from_utf8(value).ok().map(str::to_owned)
    } else {
        None
    };
    // A value that is no text is compared by its type and bytes.
    let (mark, body) = match text {
        Some(text) => (0, folded(&text).into_bytes()),
        None => (kind, value.to_vec()),
    };
    let mut out = vec![oid.as_bytes().len() as u8];
    out.extend_from_slice(oid.as_bytes());
    out.push(mark);
    out.extend_from_slice(&(body.len() as u64).to_be_bytes());
    out.extend_from_slice(&body);
    out
}

/// Lower case, one blank for many, none at the ends.
fn folded(text: &str) -> String {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    words.join(" ")
}

fn units(value: &[u8]) -> Vec<u16> {
    let pairs = value.chunks(2);
    pairs
        .map(|c| c.iter().fold(0, |n, b| n << 8 | u16::from(*b)))
        .collect()
}

/// BMPString is UTF-16, the only type here that is not read as UTF-8.
fn utf8(kind: u8, value: &[u8]) -> Vec<u8> {
    if kind == BMP_STRING {
        return String::from_utf16_lossy(&units(value)).into_bytes();
    }
    value.to_vec()
}

/// A GeneralName (RFC 5280 section 4.2.1.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum GeneralName {
    Email(Vec<u8>),
    Dns(Vec<u8>),
    Directory(Canonical),
    Uri(Vec<u8>),
    Ip(Vec<u8>),
    /// otherName, x400Address, ediPartyName or registeredID: its tag number and its bytes.
    Other(u8, Vec<u8>),
}

/// Reads one GeneralName.
pub(crate) fn general_name(input: &mut Reader<'_>) -> Result<GeneralName, Error> {
    let wrong = input.wrong();
    let (kind, whole, value) = input.any()?;
    Ok(match kind {
        0x81 => GeneralName::Email(value.to_vec()),
        0x82 => GeneralName::Dns(value.to_vec()),
        0xa4 => GeneralName::Directory(canonical(value)?),
        0x86 => GeneralName::Uri(value.to_vec()),
        0x87 => GeneralName::Ip(value.to_vec()),
        0xa0 | 0xa3 | 0xa5 | 0x88 => GeneralName::Other(kind & 0x1f, whole.to_vec()),
        _ => return Err(wrong),
    })
}

/// Reads the general names that are left in `input`: at least one.
pub(crate) fn general_names(mut input: Reader<'_>) -> Result<Vec<GeneralName>, Error> {
    let mut out = Vec::new();
    while !input.is_empty() {
        out.push(general_name(&mut input)?);
        if out.len() > GENERAL_NAMES_MAX {
            return Err(Error::TooLarge {
                what: WHAT,
                found: out.len(),
                max: GENERAL_NAMES_MAX,
            });
        }
    }
    if out.is_empty() {
        return Err(input.wrong());
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::write;
    use crate::oid;

    fn name(parts: &[(Oid, u8, &[u8])]) -> Vec<u8> {
        let rdns: Vec<Vec<u8>> = parts
            .iter()
            .map(|(id, kind, value)| {
                let pair = write::seq(&[&write::oid(*id), &write::tlv(*kind, &[value])]);
                write::tlv(tag::SET, &[&pair])
            })
            .collect();
        let refs: Vec<&[u8]> = rdns.iter().map(Vec::as_slice).collect();
        write::seq(&refs)
    }

    #[test]
    fn texts_compare_without_case_type_and_blanks_and_nothing_else() {
        let of = |kind, text: &[u8]| canonical(&name(&[(oid::ORGANISATION, kind, text)]));
        let base = of(19, b"Test  Org ");
        for (kind, text) in [
            (12, &b"test org"[..]),
            (22, b" TEST\tORG"),
            (19, b"Test Org"),
        ] {
            assert_eq!(of(kind, text), base);
        }
        assert_eq!(
            of(
                30,
                &[
                    0, b't', 0, b'e', 0, b's', 0, b't', 0, b' ', 0, b'O', 0, b'R', 0, b'g'
                ]
            ),
            base
        );
        assert_ne!(of(12, b"testorg"), base);
        // Bytes that are no text keep their type.
        assert_ne!(of(12, b"\xff"), of(19, b"\xff"));
        assert_eq!(of(12, b"\xff"), of(12, b"\xff"));
        let other = canonical(&name(&[(oid::UNIT, 12, b"test org")]));
        assert_ne!(other, base);
    }

    #[test]
    fn a_longer_name_starts_with_a_shorter_and_not_with_its_parts() {
        let long = canonical(&name(&[
            (oid::COUNTRY, 19, b"CN"),
            (oid::ORGANISATION, 12, b"Org"),
        ]))
        .expect("name");
        let short = canonical(&name(&[(oid::COUNTRY, 19, b"cn")])).expect("name");
        let other = canonical(&name(&[(oid::ORGANISATION, 12, b"Org")])).expect("name");
        let part = canonical(&name(&[(oid::COUNTRY, 19, b"c")])).expect("name");
        assert!(long.starts_with(&short) && long.starts_with(&Canonical::default()));
        assert!(!long.starts_with(&other) && !long.starts_with(&part) && !short.starts_with(&long));
    }
}
