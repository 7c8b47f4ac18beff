//! Sealing an OFD document (GB/T 33190 section 18, GB/T 38540).
//!
//! In this order: the list of signatures, the seal's file, the digests, Signature.xml; then the
//! signature over Signature.xml, which is not covered by itself.

use super::document::{ENTRY, folder};
use super::place::Place;
use super::signatures::{SM2_SM3, SM3};
use super::write::Writer;
use super::xml::{self, broken, escape};
use super::{Document, Entry, EntryKind, Package};
use crate::{Error, Seal, SealSignature, SignatureDraft};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use core::fmt::Write as _;
use core::ops::RangeInclusive;
use mifeng_crypto::{Digest, HashAlg, Time};
use quick_xml::events::Event;
use std::collections::BTreeMap;

/// What a signature protects.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scope {
    /// Every file of the package.
    Document,
    /// Every file but the pages outside this range, counted from 1.
    Pages(RangeInclusive<usize>),
}

/// A seal to be put on a document.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The seal.
    pub seal: &'a Seal,
    /// The signer's clock.
    pub at: Time,
    /// Where the seal is shown.
    pub places: &'a [Place],
    /// What is protected.
    pub scope: Scope,
    /// Whether the list of signatures is protected too: nobody can sign after this.
    pub close: bool,
    /// The software, as it is named in Signature.xml.
    pub provider: &'a str,
}

/// A document that only lacks the signature.
#[derive(Clone, Debug)]
pub struct Prepared<'a> {
    package: Package<'a>,
    changed: BTreeMap<String, Vec<u8>>,
    property: String,
    value: String,
    hash: Digest,
    at: Time,
}

/// Writes everything but the signature.
///
/// # Errors
/// [`Error::Closed`] if an earlier signature covers the list; [`Error::Field`] for a place or
/// range that the document does not have; [`Error::Document`], [`Error::Package`].
pub fn prepare<'a>(bytes: &'a [u8], request: &Request<'_>) -> Result<Prepared<'a>, Error> {
    let package = Package::open(bytes)?;
    let document = Document::read(&package)?;
    let entries = Entry::list(&package, &document)?;
    check_open(&package, &document, &entries)?;
    check_places(request, &document)?;
    let outside = outside(&document, &request.scope)?;
    check_shown(request, &document, &outside)?;
    let mut changed = BTreeMap::new();
    let list = match &document.signatures {
        Some(list) => list.clone(),
        None => {
            let list = format!("{}Signs/Signatures.xml", document.folder());
            changed.insert(ENTRY.to_owned(), with_list(&package, &list)?);
            list
        }
    };
    let (number, home) = free_folder(&package, &entries, folder(&list))?;
    let own = Own {
        signature: format!("{home}Signature.xml"),
        seal: format!("{home}Seal.esl"),
        value: format!("{home}SignedValue.dat"),
    };
    let text = list_xml(&entries, number, &own.signature);
    changed.insert(list.clone(), text.into_bytes());
    changed.insert(own.seal.clone(), request.seal.der().to_vec());
    let mut references = String::new();
    let names = package.names().map(str::to_owned);
    let mut names: Vec<String> = names.chain(changed.keys().cloned()).collect();
    names.sort();
    names.dedup();
    for name in names {
        let covered =
            (request.close || name != list) && !outside.iter().any(|o| name.starts_with(o));
        if !covered {
            continue;
        }
        let digest = match changed.get(&name) {
            Some(bytes) => HashAlg::Sm3.digest(bytes),
            None => package.digest(&name, HashAlg::Sm3)?,
        };
        let value = BASE64_STANDARD.encode(digest.as_bytes());
        let _ = write!(
            references,
            "<ofd:Reference FileRef=\"/{}\"><ofd:CheckValue>{value}</ofd:CheckValue></ofd:Reference>",
            escape(&name),
        );
    }
    let text = signature_xml(request, number, &references, &own);
    let hash = HashAlg::Sm3.digest(text.as_bytes());
    changed.insert(own.signature.clone(), text.into_bytes());
    Ok(Prepared {
        package,
        changed,
        property: format!("/{}", own.signature),
        value: own.value,
        hash,
        at: request.at,
    })
}

impl Prepared<'_> {
    /// What is to be signed.
    #[must_use]
    pub fn draft<'s>(&'s self, seal: &'s Seal) -> SignatureDraft<'s> {
        SignatureDraft {
            seal,
            at: self.at,
            data_hash: self.hash,
            property: &self.property,
            extensions: &[],
        }
    }

    /// The package with the signature in it.
    ///
    /// # Errors
    /// [`Error::Digest`] for a signature over something else.
    pub fn finish(&self, signature: &SealSignature) -> Result<Vec<u8>, Error> {
        if *signature.data_hash() != self.hash || signature.property() != self.property {
            return Err(Error::Digest {
                what: self.property.clone(),
            });
        }
        let mut writer = Writer::new(self.at);
        for name in self.package.names() {
            match self.changed.get(name) {
                Some(bytes) => writer.add(name, bytes)?,
                None => writer.copy(&self.package, name)?,
            }
        }
        for (name, bytes) in &self.changed {
            if !self.package.has(name) {
                writer.add(name, bytes)?;
            }
        }
        writer.add(&self.value, signature.der())?;
        writer.finish()
    }
}

/// The files of the new signature.
struct Own {
    signature: String,
    seal: String,
    value: String,
}

/// An earlier signature over the list of signatures would break by one more.
fn check_open(package: &Package<'_>, document: &Document, entries: &[Entry]) -> Result<(), Error> {
    let Some(list) = &document.signatures else {
        return Ok(());
    };
    for entry in entries {
        let (_, file) = entry.read(package)?;
        if file.references.iter().any(|r| r.file == *list) {
            return Err(Error::Closed);
        }
    }
    Ok(())
}

fn check_places(request: &Request<'_>, document: &Document) -> Result<(), Error> {
    let exists = |place: &Place| document.pages.iter().any(|page| page.id == place.page);
    let empty = |place: &Place| place.boundary.width.0 == 0 || place.boundary.height.0 == 0;
    let rule = if request.places.is_empty() {
        "a seal that is shown nowhere"
    } else if !request.places.iter().all(exists) {
        "the document has no such page"
    } else if request.places.iter().any(empty) {
        "a seal without width or height"
    } else {
        return Ok(());
    };
    Err(Error::Field {
        field: "place of the seal",
        rule,
    })
}

/// Who sees a seal on a page takes the page for protected by it.
fn check_shown(
    request: &Request<'_>,
    document: &Document,
    outside: &[String],
) -> Result<(), Error> {
    let shown = |page: &&super::Page| request.places.iter().any(|p| p.page == page.id);
    let mut pages = document.pages.iter().filter(shown);
    if pages.any(|page| outside.iter().any(|o| page.file.starts_with(o))) {
        return Err(Error::Field {
            field: "place of the seal",
            rule: "on a page that this signature does not protect",
        });
    }
    Ok(())
}

/// The folders of pages that are not protected.
fn outside(document: &Document, scope: &Scope) -> Result<Vec<String>, Error> {
    let Scope::Pages(range) = scope else {
        return Ok(Vec::new());
    };
    if *range.start() == 0 || range.is_empty() || *range.end() > document.pages.len() {
        return Err(Error::Field {
            field: "range of pages",
            rule: "the document has no such pages",
        });
    }
    let pages = document.pages.iter().zip(1..);
    let beyond = pages.filter(|(_, number)| !range.contains(number));
    Ok(beyond
        .map(|(page, _)| document.own_of(page).to_owned())
        .collect())
}

/// A number and a folder that nothing uses yet.
fn free_folder(
    package: &Package<'_>,
    entries: &[Entry],
    signs: &str,
) -> Result<(usize, String), Error> {
    let digits = |id: &str| -> Option<usize> {
        id.trim_start_matches(|c: char| !c.is_ascii_digit())
            .parse()
            .ok()
    };
    let last = entries.iter().filter_map(|entry| digits(&entry.id)).max();
    let number = last.unwrap_or(0).saturating_add(1);
    let taken = |home: &str| package.names().any(|name| name.starts_with(home));
    let homes = (0..=super::SIGNATURES_MAX).map(|n| format!("{signs}Sign_{n}/"));
    let home = homes.into_iter().find(|home| !taken(home));
    let home = home.ok_or_else(|| broken(signs, "no room for another signature"))?;
    Ok((number, home))
}

/// OFD.xml with the place of the list, all else as it was.
fn with_list(package: &Package<'_>, list: &str) -> Result<Vec<u8>, Error> {
    let bytes = package.read(ENTRY, xml::XML_LEN_MAX)?;
    let wrong = || broken(ENTRY, "not well-formed XML");
    let text = String::from_utf8(bytes).map_err(|_| wrong())?;
    let mut reader = quick_xml::Reader::from_str(&text);
    loop {
        let from = usize::try_from(reader.buffer_position()).map_err(|_| wrong())?;
        match reader.read_event().map_err(|_| wrong())? {
            Event::End(end) if end.local_name().as_ref() == b"DocBody" => {
                let name = end.name();
                let name = core::str::from_utf8(name.as_ref()).map_err(|_| wrong())?;
                let prefix = name.rfind(':').map_or("", |at| &name[..=at]);
                let line = format!("<{prefix}Signatures>/{list}</{prefix}Signatures>");
                let (before, after) = (text.get(..from), text.get(from..));
                let (before, after) = before.zip(after).ok_or_else(wrong)?;
                return Ok([before, &line, after].concat().into_bytes());
            }
            Event::Eof => return Err(wrong()),
            _ => {}
        }
    }
}

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

fn list_xml(entries: &[Entry], number: usize, file: &str) -> String {
    let mut out = format!(
        "{HEAD}<ofd:Signatures xmlns:ofd=\"{}\"><ofd:MaxSignId>{number}</ofd:MaxSignId>",
        xml::NAMESPACE
    );
    for entry in entries {
        let kind = match entry.kind {
            EntryKind::Seal => "Seal",
            EntryKind::Sign => "Sign",
        };
        let relative = match &entry.relative {
            Some(id) => format!(" Relative=\"{}\"", escape(id)),
            None => String::new(),
        };
        let (id, file) = (escape(&entry.id), escape(&entry.file));
        let _ = write!(
            out,
            "<ofd:Signature ID=\"{id}\" Type=\"{kind}\" BaseLoc=\"/{file}\"{relative}/>"
        );
    }
    let file = escape(file);
    let _ = write!(
        out,
        "<ofd:Signature ID=\"{number}\" Type=\"Seal\" BaseLoc=\"/{file}\"/></ofd:Signatures>"
    );
    out
}

fn signature_xml(request: &Request<'_>, number: usize, references: &str, own: &Own) -> String {
    let (year, month, day, hour, minute, second) = request.at.utc_fields();
    let mut places = String::new();
    for (place, n) in request.places.iter().zip(1..) {
        let clip = place.clip.map(|clip| format!(" Clip=\"{clip}\""));
        let _ = write!(
            places,
            "<ofd:StampAnnot ID=\"s{number}-{n}\" PageRef=\"{}\" Boundary=\"{}\"{}/>",
            escape(&place.page),
            place.boundary,
            clip.unwrap_or_default(),
        );
    }
    let provider = escape(request.provider);
    let version = env!("CARGO_PKG_VERSION");
    format!(
        "{HEAD}<ofd:Signature xmlns:ofd=\"{}\"><ofd:SignedInfo>\
         <ofd:Provider ProviderName=\"{provider}\" Company=\"{provider}\" Version=\"{version}\"/>\
         <ofd:SignatureMethod>{SM2_SM3}</ofd:SignatureMethod>\
         <ofd:SignatureDateTime>{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}Z</ofd:SignatureDateTime>\
         <ofd:References CheckMethod=\"{SM3}\">{references}</ofd:References>{places}\
         <ofd:Seal><ofd:BaseLoc>/{}</ofd:BaseLoc></ofd:Seal></ofd:SignedInfo>\
         <ofd:SignedValue>/{}</ofd:SignedValue></ofd:Signature>",
        xml::NAMESPACE,
        escape(&own.seal),
        escape(&own.value),
    )
}
