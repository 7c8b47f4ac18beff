//! Where a CA writes the 统一社会信用代码 (GM-specific practice differs from CA to CA).

use super::list::broken;
use crate::asn1::{Reader, tag};
use crate::oid::{self, Oid};
use crate::{Certificate, Error, certificate, uscc};
use serde::{Deserialize, Serialize};

const WHAT: &str = "certificate";
/// Bytes of the text before a code.
const AFTER_LEN_MAX: usize = 32;
/// Names inside one subjectAltName, attributes of one subject.
const PARTS_MAX: usize = 64;

/// The part of a certificate that holds the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CodePart {
    /// An attribute of the subject.
    Subject,
    /// An extension of its own.
    Extension,
    /// An otherName of subjectAltName.
    SubjectAltName,
}

/// One place of the code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodePlace {
    /// Which part.
    #[serde(rename = "in")]
    pub part: CodePart,
    /// Attribute type, extension or otherName type, dotted.
    pub oid: String,
    /// Text that stands right before the code; empty: the code stands alone between characters
    /// that are not ASCII letters or digits.
    pub after: String,
}

impl CodePlace {
    /// The places GB/T 20518 and usual practice know: extension 1.2.156.10260.4.1.4, then
    /// organizationIdentifier of the subject.
    pub fn usual() -> Vec<Self> {
        let place = |part, oid: Oid| CodePlace {
            part,
            oid: oid.to_string(),
            after: String::new(),
        };
        vec![
            place(CodePart::Extension, oid::ORGANISATION_CODE),
            place(CodePart::Subject, oid::ORGANISATION_ID),
        ]
    }

    fn wanted(&self) -> Result<Oid, Error> {
        Oid::new(&self.oid).map_err(|_| broken("a place of the credit code has no OID"))
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        // One spelling: what is read is what is written.
        if self.wanted()?.to_string() != self.oid {
            return Err(broken("a place of the credit code has no OID"));
        }
        if self.after.len() > AFTER_LEN_MAX || self.after.chars().any(char::is_control) {
            return Err(broken("text before a credit code: at most 32 bytes"));
        }
        Ok(())
    }

    /// Every code in this place.
    fn codes(&self, certificate: &Certificate) -> Result<Vec<String>, Error> {
        let wanted = self.wanted()?;
        let values = match self.part {
            CodePart::Subject => attributes(certificate.subject_raw(), wanted)?,
            CodePart::Extension => extension_of(certificate, wanted)?
                .map(|value| vec![text(value).to_vec()])
                .unwrap_or_default(),
            CodePart::SubjectAltName => extension_of(certificate, oid::SUBJECT_ALT_NAME)?
                .map(|value| other_names(value, wanted))
                .transpose()?
                .unwrap_or_default(),
        };
        let mut codes: Vec<String> = values.iter().filter_map(|value| self.find(value)).collect();
        codes.sort();
        codes.dedup();
        Ok(codes)
    }

    fn find(&self, value: &[u8]) -> Option<String> {
        if self.after.is_empty() {
            return uscc::find(value);
        }
        let text = core::str::from_utf8(value).ok()?;
        let (_, rest) = text.split_once(&self.after)?;
        let code = rest.get(..uscc::LEN)?;
        let ends = !rest[uscc::LEN..].starts_with(|c: char| c.is_ascii_alphanumeric());
        (ends && uscc::is_uscc(code)).then(|| code.to_owned())
    }
}

/// The credit code of a certificate by the places of its CA: the first place that has one.
///
/// # Errors
/// [`Error::Malformed`]; [`Error::TrustList`] if one place names two organisations.
pub(super) fn find(places: &[CodePlace], leaf: &Certificate) -> Result<Option<String>, Error> {
    for place in places {
        match place.codes(leaf)?.as_slice() {
            [] => {}
            [one] => return Ok(Some(one.clone())),
            _ => return Err(broken("a certificate names two credit codes in one place")),
        }
    }
    Ok(None)
}

/// The characters inside a string element, or the bare bytes that some CAs write.
fn text(value: &[u8]) -> &[u8] {
    let mut input = Reader::new(value, WHAT);
    match input.any() {
        Ok((_, _, inner)) if input.is_empty() => inner,
        _ => value,
    }
}

fn attributes(name: &[u8], wanted: Oid) -> Result<Vec<Vec<u8>>, Error> {
    let mut found = Vec::new();
    let mut rdns = Reader::new(name, WHAT).enter(tag::SEQUENCE)?;
    while !rdns.is_empty() {
        let mut set = rdns.enter(tag::SET)?;
        while !set.is_empty() {
            let mut pair = set.enter(tag::SEQUENCE)?;
            if pair.oid()? == wanted && found.len() < PARTS_MAX {
                found.push(pair.any()?.2.to_vec());
            }
        }
    }
    Ok(found)
}

/// The value of an extension of a certificate that was parsed before.
fn extension_of(leaf: &Certificate, wanted: Oid) -> Result<Option<&[u8]>, Error> {
    let mut tbs = Reader::new(leaf.tbs_der(), WHAT).enter(tag::SEQUENCE)?;
    while !tbs.is_empty() {
        if tbs.peek() != Some(tag::context(3)) {
            tbs.any()?;
            continue;
        }
        let mut list = tbs.enter(tag::context(3))?.enter(tag::SEQUENCE)?;
        while !list.is_empty() {
            let (id, _, value) = certificate::extension(&mut list)?;
            if id == wanted {
                return Ok(Some(value));
            }
        }
    }
    Ok(None)
}

/// otherName is `[0] { type-id, [0] EXPLICIT value }`.
fn other_names(value: &[u8], wanted: Oid) -> Result<Vec<Vec<u8>>, Error> {
    let mut found = Vec::new();
    let mut names = Reader::new(value, WHAT).enter(tag::SEQUENCE)?;
    while !names.is_empty() && found.len() < PARTS_MAX {
        let (kind, _, inner) = names.any()?;
        if kind != tag::context(0) {
            continue;
        }
        let mut one = Reader::new(inner, WHAT);
        if one.oid()? == wanted {
            found.push(text(one.value(tag::context(0))?).to_vec());
        }
    }
    Ok(found)
}
