//! Signatures.xml and Signature.xml, read.

use super::document::resolve;
use super::place::{Place, Rect};
use super::xml::{self, Element, broken};
use super::{Document, Package};
use crate::Error;
use crate::deviation::{Deviation, note};
use crate::error::limit;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use std::collections::BTreeSet;

/// Signatures of a document: a contract of many parties has some dozens.
pub const SIGNATURES_MAX: usize = 200;
/// Bytes of Signature.xml: one reference for each of 10,000 files.
const SIGNATURE_XML_LEN_MAX: usize = 4 << 20;
/// SM3 as CheckMethod.
pub(super) const SM3: &str = "1.2.156.10197.1.401";
/// SM2 with SM3 as SignatureMethod.
pub(super) const SM2_SM3: &str = "1.2.156.10197.1.501";

/// How a signature is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// With a seal (GB/T 38540).
    Seal,
    /// Without one (GB/T 35275).
    Sign,
}

/// A line of Signatures.xml.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its ID.
    pub id: String,
    /// How it is made.
    pub kind: EntryKind,
    /// Signature.xml, from the root of the package.
    pub file: String,
    /// The ID of an earlier signature that has to be checked too (OFD 2.0).
    pub relative: Option<String>,
}

/// A protected file with its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// From the root of the package.
    pub file: String,
    /// SM3 of its bytes.
    pub digest: Vec<u8>,
}

/// What a Signature.xml says.
#[derive(Clone, Debug)]
pub struct SignatureFile {
    /// The software that wrote it.
    pub provider: String,
    /// SignatureMethod, if it is stated.
    pub method: Option<String>,
    /// SignatureDateTime, if it is stated: not trusted.
    pub date: Option<String>,
    /// The protected files.
    pub references: Vec<Reference>,
    /// Where the seal is shown.
    pub places: Vec<Place>,
    /// The seal's file, if one is named.
    pub seal: Option<String>,
    /// The file with the signature value.
    pub value: String,
    /// What departs from the standard.
    pub deviations: Vec<Deviation>,
}

impl Entry {
    /// Reads the list of a document; empty if it has none.
    ///
    /// # Errors
    /// [`Error::Document`] for a broken list, two entries of one ID or of one file.
    pub fn list(package: &Package<'_>, document: &Document) -> Result<Vec<Self>, Error> {
        let Some(file) = &document.signatures else {
            return Ok(Vec::new());
        };
        let bytes = package.read(file, xml::XML_LEN_MAX)?;
        let tree = xml::parse(file, &bytes, "Signatures")?;
        let (mut out, mut ids, mut files) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
        for one in tree.root.all("Signature") {
            let missing = || broken(file, "a signature without ID or BaseLoc");
            let entry = Entry {
                id: one.attribute("ID").ok_or_else(missing)?.to_owned(),
                kind: match one.attribute("Type") {
                    None | Some("Seal") => EntryKind::Seal,
                    Some("Sign") => EntryKind::Sign,
                    Some(_) => return Err(broken(file, "a type that is neither Seal nor Sign")),
                },
                file: resolve(file, one.attribute("BaseLoc").ok_or_else(missing)?)?,
                relative: one.attribute("Relative").map(str::to_owned),
            };
            if entry.relative.as_ref().is_some_and(|id| !ids.contains(id)) {
                return Err(broken(file, "a signature relative to none before it"));
            }
            // One signature listed twice would count as two signers.
            if !ids.insert(entry.id.clone()) || !files.insert(entry.file.clone()) {
                return Err(broken(file, "one signature is listed twice"));
            }
            if entry.file == *file {
                return Err(broken(file, "the list names itself as a signature"));
            }
            out.push(entry);
            limit("signatures of a document", out.len(), SIGNATURES_MAX)?;
        }
        Ok(out)
    }

    /// Reads the signature's own file: the bytes that are signed, and what they say.
    ///
    /// # Errors
    /// [`Error::Document`], [`Error::Package`], [`Error::Algorithm`].
    pub fn read(&self, package: &Package<'_>) -> Result<(Vec<u8>, SignatureFile), Error> {
        let bytes = package.read(&self.file, SIGNATURE_XML_LEN_MAX)?;
        let file = SignatureFile::parse(&self.file, &bytes)?;
        Ok((bytes, file))
    }
}

impl SignatureFile {
    /// Reads Signature.xml; `file` is its place in the package.
    ///
    /// # Errors
    /// [`Error::Document`], [`Error::Algorithm`] for any digest but SM3 or any method but SM2.
    pub fn parse(file: &str, bytes: &[u8]) -> Result<Self, Error> {
        let tree = xml::parse(file, bytes, "Signature")?;
        let mut deviations = Vec::new();
        if tree.older {
            note(&mut deviations, Deviation::Namespace);
        }
        let info = tree.root.one("SignedInfo", file)?;
        let text = |name| -> Result<Option<String>, Error> {
            Ok(info.at_most_one(name, file)?.map(|e| e.text().to_owned()))
        };
        let provider = info.one("Provider", file)?.attribute("ProviderName");
        let (method, date) = (text("SignatureMethod")?, text("SignatureDateTime")?);
        if let Some(found) = method.as_deref().filter(|found| *found != SM2_SM3) {
            return Err(Error::Algorithm {
                what: "SignatureMethod",
                found: shown(found),
                expected: SM2_SM3,
            });
        }
        if date.as_deref().is_some_and(|text| !is_usual_date(text)) {
            note(&mut deviations, Deviation::DateTimeText);
        }
        let references = references(info.one("References", file)?, file, &mut deviations)?;
        let mut places = Vec::new();
        for one in info.all("StampAnnot") {
            places.push(place(one, file)?);
            limit("places of a seal", places.len(), super::PAGES_MAX)?;
        }
        let seal = match info.at_most_one("Seal", file)? {
            Some(seal) => Some(resolve(file, seal.one("BaseLoc", file)?.text())?),
            None => None,
        };
        let value = resolve(file, tree.root.one("SignedValue", file)?.text())?;
        if references.iter().any(|r| r.file == file || r.file == value) {
            return Err(broken(file, "a signature that names itself"));
        }
        Ok(SignatureFile {
            provider: provider.unwrap_or_default().to_owned(),
            method,
            date,
            references,
            places,
            seal,
            value,
            deviations,
        })
    }
}

fn references(
    list: &Element,
    file: &str,
    deviations: &mut Vec<Deviation>,
) -> Result<Vec<Reference>, Error> {
    match list.attribute("CheckMethod") {
        Some(SM3) => {}
        Some(name) if name.eq_ignore_ascii_case("SM3") => {
            note(deviations, Deviation::CheckMethodName);
        }
        // The standard's default is MD5.
        found => {
            return Err(Error::Algorithm {
                what: "CheckMethod",
                found: shown(found.unwrap_or("MD5")),
                expected: SM3,
            });
        }
    }
    let (mut out, mut seen) = (Vec::new(), BTreeSet::new());
    for one in list.all("Reference") {
        let named = one.attribute("FileRef");
        let named = named.ok_or_else(|| broken(file, "a reference without FileRef"))?;
        let value = one.one("CheckValue", file)?.text();
        let digest = BASE64_STANDARD
            .decode(value)
            .map_err(|_| broken(file, "a check value that is not base64"))?;
        let path = resolve(file, named)?;
        if !seen.insert(path.clone()) {
            return Err(broken(file, "a file is referenced twice"));
        }
        out.push(Reference { file: path, digest });
        limit("references of a signature", out.len(), super::ENTRIES_MAX)?;
    }
    if out.is_empty() {
        return Err(broken(file, "a signature that protects nothing"));
    }
    Ok(out)
}

fn place(one: &Element, file: &str) -> Result<Place, Error> {
    let wrong = || broken(file, "a StampAnnot without page or with a broken box");
    let clip = one.attribute("Clip").filter(|text| !text.trim().is_empty());
    Ok(Place {
        page: one.attribute("PageRef").ok_or_else(wrong)?.to_owned(),
        boundary: one
            .attribute("Boundary")
            .and_then(Rect::parse)
            .ok_or_else(wrong)?,
        clip: match clip {
            Some(text) => Some(Rect::parse(text).ok_or_else(wrong)?),
            None => None,
        },
    })
}

/// "YYYYMMDDhhmmssZ".
fn is_usual_date(text: &str) -> bool {
    let digits = text.strip_suffix('Z').unwrap_or("");
    digits.len() == 14 && digits.bytes().all(|b| b.is_ascii_digit())
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(80).collect()
}
