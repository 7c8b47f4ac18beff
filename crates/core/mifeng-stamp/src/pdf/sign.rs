//! Signing by an incremental update: field, seal's picture, and room for the value.

use super::field::{self, Page, to_points};
use super::file::File;
use super::object::{Dict, Id, Object};
use super::update::Update;
use super::write::{self, Stream};
use super::{PDF_SIGNATURES_MAX, broken, image};
use crate::error::limit;
use crate::ofd::{Mm, Rect};
use crate::{Error, Picture};
use core::ops::Range;
use mifeng_crypto::Time;
use std::collections::BTreeSet;

/// Bytes of a value's room: one time stamp with its certificates has up to 8 KiB.
pub const RESERVE: usize = 16_384;
/// The largest room: seals have pictures of up to 1 MiB.
const RESERVE_MAX: usize = 4 << 20;

/// What a certified document permits later (DocMDP, ISO 32000-2 table 257).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    /// 1: nothing.
    NoChanges,
    /// 2: filling of forms, and signatures.
    Forms,
    /// 3: annotations too.
    Annotations,
}

impl Level {
    /// The number in the file.
    #[must_use]
    pub fn number(self) -> i64 {
        match self {
            Level::NoChanges => 1,
            Level::Forms => 2,
            Level::Annotations => 3,
        }
    }
}

/// Which kind of value follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A message by PAdES (`ETSI.CAdES.detached`): without signingTime, see
    /// [`mifeng_pki::cms::sign_without_time`].
    Pades,
    /// A message as other products write it, and SM2 among them (`adbe.pkcs7.detached`).
    Message,
    /// A seal signature of GB/T 38540. There is no common name for it.
    Seal,
    /// A time stamp of the document (`ETSI.RFC3161`).
    TimeStamp,
}

impl Format {
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Format::Pades => ("Adobe.PPKLite", "ETSI.CAdES.detached"),
            Format::Message => ("Adobe.PPKLite", "adbe.pkcs7.detached"),
            Format::Seal => ("Mifeng.Stamp", "GBT.38540.detached"),
            Format::TimeStamp => ("Adobe.PPKLite", "ETSI.RFC3161"),
        }
    }
}

/// Where the seal is shown.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// The page, from 1.
    pub page: usize,
    /// The place on it: from the upper left corner, as in OFD.
    pub place: Rect,
    /// The part of it that is shown, from its upper left corner; none: all of it.
    pub clip: Option<Rect>,
    /// The picture: PNG or JPEG.
    pub picture: &'a Picture,
}

/// One more place of the same picture, as a strip of a straddle seal (骑缝章) on another page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strip {
    /// The page, from 1.
    pub page: usize,
    /// Where the whole picture would lie; may reach over the edge of the page.
    pub place: Rect,
    /// The part of it that is shown, from its upper left corner.
    pub clip: Rect,
}

/// A straddle seal over all pages, each with its width: a strip of the picture at the right edge of each,
/// `top` from the upper edge. The first strip is the signature's own place.
///
/// # Errors
/// [`Error::Field`] for fewer than two pages.
pub fn straddle(widths: &[Mm], width: Mm, height: Mm, top: Mm) -> Result<Vec<Strip>, Error> {
    let pages: Vec<(String, Mm)> = widths.iter().map(|one| (String::new(), *one)).collect();
    let places = crate::ofd::straddle(&pages, width, height, top)?;
    let strips = (1..).zip(places).map(|(page, place)| Strip {
        page,
        place: place.boundary,
        clip: place.clip.unwrap_or(place.boundary),
    });
    Ok(strips.collect())
}

/// What is to be signed, and how.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// What follows as value.
    pub format: Format,
    /// When it is signed; not written into time stamps of the document.
    pub at: Time,
    /// Who signs, for readers; the certificate says it for checkers.
    pub name: &'a str,
    /// Why.
    pub reason: &'a str,
    /// Where.
    pub location: &'a str,
    /// The visible seal.
    pub shown: Option<Shown<'a>>,
    /// Where else its picture is shown. These are part of what is signed, and nothing may be added to what
    /// others have signed: so only in a document that nobody has signed.
    pub strips: &'a [Strip],
    /// What is permitted later; only the first signature can say.
    pub certify: Option<Level>,
    /// Bytes of room for the value: [`RESERVE`] for messages.
    pub reserve: usize,
}

/// A document with room for its signature.
#[derive(Clone, Debug)]
pub struct Prepared {
    bytes: Vec<u8>,
    gap: Range<usize>,
}

/// Prepares an update with a signature.
///
/// # Errors
/// [`Error::Closed`] if the document is certified against more signatures; [`Error::Field`];
/// [`Error::Picture`]; [`Error::Pdf`], [`Error::PdfEncrypted`], [`Error::TooLarge`].
pub fn prepare(bytes: &[u8], request: &Request<'_>) -> Result<Prepared, Error> {
    limit("room for the signature", request.reserve, RESERVE_MAX)?;
    let file = File::open(bytes)?;
    let fields = field::fields(&file)?;
    check_open(&file, &fields, request)?;
    let name = free_name(&fields);
    let pages = field::pages(&file)?;
    let number = request.shown.map_or(1, |shown| shown.page);
    let page = number.checked_sub(1).and_then(|at| pages.get(at));
    let page = page.ok_or(Error::Field {
        field: "page",
        rule: "the document does not have it",
    })?;
    let mut update = Update::new(&file)?;
    let (value, widget) = (update.reserve(), update.reserve());
    let mut dict = widget_dict(&name, value, page.id);
    let picture = match &request.shown {
        Some(shown) => Some(image::add(&mut update, shown.picture)?),
        None => None,
    };
    let shape = shape(&mut update, &file, page, (request, picture))?;
    for (key, object) in shape {
        dict.set(key, object);
    }
    update.put(widget, Object::Dict(dict));
    annotate(&mut update, &file, page, widget)?;
    strips(&mut update, &file, &pages, (request, picture))?;
    register(&mut update, &file, (value, widget), request)?;
    let (body, marks) = value_body(request);
    update.put_raw(value, body);
    let (bytes, places) = update.finish()?;
    let at = places.get(&value.number).copied().unwrap_or(0);
    let prepared = fill_range(bytes, at, &marks)?;
    check_found(&prepared)?;
    Ok(prepared)
}

/// In a file whose parts stand for each other in odd ways the signature could get lost.
fn check_found(prepared: &Prepared) -> Result<(), Error> {
    let file = File::open(&prepared.bytes)?;
    let fields = field::fields(&file)?;
    let mut values = fields.iter().filter_map(|f| f.value.as_ref());
    match values.any(|value| field::span(value).as_ref() == Some(&prepared.gap)) {
        true => Ok(()),
        false => Err(broken(0, "the form takes no signature")),
    }
}

fn check_open(
    file: &File<'_>,
    fields: &[field::Field],
    request: &Request<'_>,
) -> Result<(), Error> {
    let values: Vec<&Dict> = fields.iter().filter_map(|f| f.value.as_ref()).collect();
    limit(
        "signatures of the document",
        values.len() + 1,
        PDF_SIGNATURES_MAX,
    )?;
    if !request.strips.is_empty() && !values.is_empty() {
        return Err(Error::Field {
            field: "straddle seal",
            rule: "the document is signed: a PDF takes one with its first signature only",
        });
    }
    if request.certify.is_some() && !values.is_empty() {
        return Err(Error::Field {
            field: "certification",
            rule: "only the first signature can certify",
        });
    }
    for value in values {
        let level = super::check::transforms(file, value)?.0;
        if level == Some(Level::NoChanges) && request.format != Format::TimeStamp {
            return Err(Error::Closed);
        }
        if level.is_some() && request.shown.is_some() {
            return Err(Error::Field {
                field: "place of the seal",
                rule: "the document is certified: later signatures show no new seals",
            });
        }
    }
    Ok(())
}

fn free_name(fields: &[field::Field]) -> String {
    let taken: BTreeSet<&str> = fields.iter().map(|field| field.name.as_str()).collect();
    let mut names = (1..).map(|n: u32| format!("Signature{n}"));
    names
        .find(|name| !taken.contains(name.as_str()))
        .unwrap_or_default()
}

fn widget_dict(name: &str, value: Id, page: Id) -> Dict {
    let mut dict = Dict::default();
    dict.set("Type", Object::named("Annot"));
    dict.set("Subtype", Object::named("Widget"));
    dict.set("FT", Object::named("Sig"));
    dict.set("T", write::text(name));
    dict.set("V", Object::Ref(value));
    // Printed, and locked against moving.
    dict.set("F", Object::Int(132));
    dict.set("P", Object::Ref(page));
    dict
}

/// Rect and appearance.
fn shape(
    update: &mut Update<'_, '_>,
    file: &File<'_>,
    page: &Page,
    (request, picture): (&Request<'_>, Option<Id>),
) -> Result<Vec<(&'static str, Object)>, Error> {
    let (Some(shown), Some(picture)) = (&request.shown, picture) else {
        return Ok(vec![("Rect", Object::Array(vec![Object::Int(0); 4]))]);
    };
    look(
        update,
        file,
        page,
        (picture, &shown.place, shown.clip.as_ref()),
    )
}

/// The strips of a straddle seal: annotations that are printed and locked.
fn strips(
    update: &mut Update<'_, '_>,
    file: &File<'_>,
    pages: &[Page],
    (request, picture): (&Request<'_>, Option<Id>),
) -> Result<(), Error> {
    let wrong = |rule| Error::Field {
        field: "straddle seal",
        rule,
    };
    let mut taken: BTreeSet<usize> = request.shown.iter().map(|shown| shown.page).collect();
    for strip in request.strips {
        let picture = picture.ok_or(wrong("there is no picture"))?;
        let page = strip.page.checked_sub(1).and_then(|at| pages.get(at));
        let page = page.ok_or(wrong("the document does not have the page"))?;
        if !taken.insert(strip.page) {
            return Err(wrong("two strips on one page"));
        }
        let annot = update.reserve();
        let mut dict = Dict::default();
        dict.set("Type", Object::named("Annot"));
        dict.set("Subtype", Object::named("Stamp"));
        // Printed, read only, and locked against moving and change.
        dict.set("F", Object::Int(4 | 64 | 128 | 512));
        dict.set("P", Object::Ref(page.id));
        let parts = look(
            update,
            file,
            page,
            (picture, &strip.place, Some(&strip.clip)),
        )?;
        for (key, object) in parts {
            dict.set(key, object);
        }
        update.put(annot, Object::Dict(dict));
        annotate(update, file, page, annot)?;
    }
    Ok(())
}

/// Rect and appearance of one place of the picture.
fn look(
    update: &mut Update<'_, '_>,
    file: &File<'_>,
    page: &Page,
    (picture, place, clip): (Id, &Rect, Option<&Rect>),
) -> Result<Vec<(&'static str, Object)>, Error> {
    if page.rotate != 0 {
        return Err(Error::Field {
            field: "page",
            rule: "is turned; a seal would stand on its side",
        });
    }
    let area = field::media_box(file, page)?;
    let (whole_width, whole_height) = (to_points(place.width), to_points(place.height));
    let all = Rect {
        x: Mm(0),
        y: Mm(0),
        ..*place
    };
    let clip = clip.unwrap_or(&all);
    let (width, height) = (to_points(clip.width), to_points(clip.height));
    if width <= 0 || height <= 0 || whole_width <= 0 || whole_height <= 0 {
        return Err(Error::Field {
            field: "place of the seal",
            rule: "has no size",
        });
    }
    let (within_x, within_y) = (to_points(clip.x), to_points(clip.y));
    let left = area[0] + to_points(place.x) + within_x;
    let upper = area[3] - to_points(place.y) - within_y;
    let rect = [left, upper - height, left + width, upper].map(write::decimal);
    let mut names = Dict::default();
    names.set("Seal", Object::Ref(picture));
    let mut resources = Dict::default();
    resources.set("XObject", Object::Dict(names));
    let mut form = Dict::default();
    form.set("Type", Object::named("XObject"));
    form.set("Subtype", Object::named("Form"));
    let size = [0, 0, width, height].map(write::decimal);
    form.set("BBox", Object::Array(size.to_vec()));
    form.set("Resources", Object::Dict(resources));
    let mut content = b"q ".to_vec();
    // The box of the form cuts off what the clip leaves out.
    write::object(&mut content, &write::decimal(whole_width));
    content.extend_from_slice(b" 0 0 ");
    write::object(&mut content, &write::decimal(whole_height));
    for offset in [-within_x, height + within_y - whole_height] {
        content.push(b' ');
        write::object(&mut content, &write::decimal(offset));
    }
    content.extend_from_slice(b" cm /Seal Do Q");
    let form = update.stream(Stream::plain(form, content))?;
    let mut look = Dict::default();
    look.set("N", Object::Ref(form));
    Ok(vec![
        ("Rect", Object::Array(rect.to_vec())),
        ("AP", Object::Dict(look)),
    ])
}

/// A list that may be missing.
fn list_of(value: Object) -> Result<Vec<Object>, Error> {
    match value {
        Object::Array(list) => Ok(list),
        Object::Null => Ok(Vec::new()),
        _ => Err(broken(0, "a list of fields or annotations is none")),
    }
}

/// Puts the widget on its page.
fn annotate(
    update: &mut Update<'_, '_>,
    file: &File<'_>,
    page: &Page,
    widget: Id,
) -> Result<(), Error> {
    let mut list = list_of(file.value(&page.dict, "Annots")?)?;
    list.push(Object::Ref(widget));
    match page.dict.get("Annots").and_then(Object::reference) {
        Some(id) => update.put(id, Object::Array(list)),
        None => {
            let mut dict = page.dict.clone();
            dict.set("Annots", Object::Array(list));
            update.put(page.id, Object::Dict(dict));
        }
    }
    Ok(())
}

/// Puts the field into the form, and the certification into the catalogue.
fn register(
    update: &mut Update<'_, '_>,
    file: &File<'_>,
    (value, widget): (Id, Id),
    request: &Request<'_>,
) -> Result<(), Error> {
    let (root_id, mut root) = file.root()?;
    let mut form = match file.value(&root, "AcroForm")? {
        Object::Dict(form) => form,
        Object::Null => Dict::default(),
        _ => return Err(broken(0, "the form is no dictionary")),
    };
    let mut list = list_of(file.value(&form, "Fields")?)?;
    list.push(Object::Ref(widget));
    form.set("SigFlags", Object::Int(3));
    match form.get("Fields").and_then(Object::reference) {
        Some(id) => update.put(id, Object::Array(list)),
        None => form.set("Fields", Object::Array(list)),
    }
    if request.certify.is_some() {
        let mut perms = Dict::default();
        perms.set("DocMDP", Object::Ref(value));
        root.set("Perms", Object::Dict(perms));
    }
    match root.get("AcroForm").and_then(Object::reference) {
        Some(id) => update.put(id, Object::Dict(form)),
        None => root.set("AcroForm", Object::Dict(form)),
    }
    update.put(root_id, Object::Dict(root));
    Ok(())
}

/// Places inside the body of the signature dictionary.
struct Marks {
    range: Range<usize>,
    gap: Range<usize>,
}

/// Room for three numbers of up to ten digits.
const RANGE_ROOM: usize = 36;

fn value_body(request: &Request<'_>) -> (Vec<u8>, Marks) {
    let (filter, sub_filter) = request.format.names();
    let stamp = request.format == Format::TimeStamp;
    let kind = if stamp { "DocTimeStamp" } else { "Sig" };
    let mut out = format!("<</Type /{kind}/Filter /{filter}/SubFilter /{sub_filter}").into_bytes();
    let put = |out: &mut Vec<u8>, key: &str, value: Object| {
        out.extend_from_slice(format!("/{key} ").as_bytes());
        write::object(out, &value);
    };
    if !stamp {
        put(&mut out, "M", write::text(&write::date(request.at)));
        let words = [
            ("Name", request.name),
            ("Reason", request.reason),
            ("Location", request.location),
        ];
        for (key, text) in words.into_iter().filter(|(_, text)| !text.is_empty()) {
            put(&mut out, key, write::text(text));
        }
    }
    if let Some(level) = request.certify {
        let mut parameters = Dict::default();
        parameters.set("Type", Object::named("TransformParams"));
        parameters.set("P", Object::Int(level.number()));
        parameters.set("V", Object::named("1.2"));
        let mut one = Dict::default();
        one.set("Type", Object::named("SigRef"));
        one.set("TransformMethod", Object::named("DocMDP"));
        one.set("TransformParams", Object::Dict(parameters));
        put(
            &mut out,
            "Reference",
            Object::Array(vec![Object::Dict(one)]),
        );
    }
    out.extend_from_slice(b"/ByteRange [0 ");
    let range = out.len()..out.len() + RANGE_ROOM;
    out.resize(range.end, b' ');
    out.extend_from_slice(b"]/Contents ");
    let gap = out.len()..out.len() + 2 * request.reserve + 2;
    out.push(b'<');
    out.resize(gap.end - 1, b'0');
    out.extend_from_slice(b">>>");
    (out, Marks { range, gap })
}

fn fill_range(mut bytes: Vec<u8>, at: usize, marks: &Marks) -> Result<Prepared, Error> {
    let gap = at + marks.gap.start..at + marks.gap.end;
    let text = format!("{} {} {}", gap.start, gap.end, bytes.len() - gap.end);
    let room = bytes.get_mut(at + marks.range.start..at + marks.range.end);
    match room.and_then(|room| room.get_mut(..text.len())) {
        Some(room) => room.copy_from_slice(text.as_bytes()),
        None => return Err(broken(at, "no room for the range")),
    }
    Ok(Prepared { bytes, gap })
}

impl Prepared {
    /// What is to be signed: everything but the value.
    #[must_use]
    pub fn content(&self) -> Vec<u8> {
        [&self.bytes[..self.gap.start], &self.bytes[self.gap.end..]].concat()
    }

    /// What a seal signature says that it protects (propertyInfo).
    #[must_use]
    pub fn property(&self) -> String {
        let after = self.bytes.len() - self.gap.end;
        format!("ByteRange [0 {} {} {after}]", self.gap.start, self.gap.end)
    }

    /// The document with its signature: a message, seal signature or time stamp in DER.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if the value does not fit into its room.
    pub fn finish(mut self, value: &[u8]) -> Result<Vec<u8>, Error> {
        let room = self.gap.len() / 2 - 1;
        limit("signature for the room left for it", value.len(), room)?;
        let mut digits = Vec::with_capacity(2 * value.len());
        write::hex(&mut digits, value);
        let from = self.gap.start + 1;
        self.bytes[from..from + digits.len()].copy_from_slice(&digits);
        Ok(self.bytes)
    }
}
