//! Pages and signature fields of one state of a file.

use super::file::File;
use super::object::{Dict, Id, Object};
use super::{PAGES_MAX, broken};
use crate::Error;
use crate::error::limit;
use crate::ofd::Mm;
use std::collections::BTreeSet;

/// Fields of a form; a form of a hundred pages has some thousands.
const FIELDS_MAX: usize = 20_000;
/// Levels of page trees and of fields.
pub(super) const LEVELS_MAX: usize = 32;

/// A signature field, or a signature that stands in no field.
pub(super) struct Field {
    /// Its name, with those above it.
    pub(super) name: String,
    /// The signature dictionary, if it is signed.
    pub(super) value: Option<Dict>,
}

/// All signature fields, in the order of the form.
pub(super) fn fields(file: &File<'_>) -> Result<Vec<Field>, Error> {
    let (_, root) = file.root()?;
    let mut walk = Walk {
        file,
        seen: BTreeSet::new(),
        out: Vec::new(),
        count: 0,
    };
    if let Object::Dict(form) = file.value(&root, "AcroForm")?
        && let Object::Array(list) = file.value(&form, "Fields")?
    {
        walk.list(&list, "", false, 0)?;
    }
    let mut out = walk.out;
    // A certification that no field shows is a signature all the same.
    if let Object::Dict(perms) = file.value(&root, "Perms")?
        && let Object::Dict(value) = file.value(&perms, "DocMDP")?
    {
        let place = span(&value);
        let known = |field: &Field| field.value.as_ref().is_some_and(|v| span(v) == place);
        if !out.iter().any(known) {
            let name = String::new();
            out.push(Field {
                name,
                value: Some(value),
            });
        }
    }
    Ok(out)
}

/// Where the value of a signature stands: what tells signatures apart.
pub(super) fn span(value: &Dict) -> Option<core::ops::Range<usize>> {
    value.get("Contents")?.text()?.span.clone()
}

struct Walk<'f, 'a> {
    file: &'f File<'a>,
    seen: BTreeSet<Id>,
    out: Vec<Field>,
    count: usize,
}

impl Walk<'_, '_> {
    fn list(&mut self, list: &[Object], above: &str, sig: bool, level: usize) -> Result<(), Error> {
        if level > LEVELS_MAX {
            return Err(broken(0, "fields are nested too deep"));
        }
        for one in list {
            self.count += 1;
            limit("fields of the form", self.count, FIELDS_MAX)?;
            if let Object::Ref(id) = one
                && !self.seen.insert(*id)
            {
                continue;
            }
            let Object::Dict(dict) = self.file.resolve(one)? else {
                continue;
            };
            self.one(&dict, above, sig, level)?;
        }
        Ok(())
    }

    fn one(&mut self, dict: &Dict, above: &str, sig: bool, level: usize) -> Result<(), Error> {
        let name = match self.file.value(dict, "T")? {
            Object::Text(text) if above.is_empty() => words(&text.bytes),
            Object::Text(text) => format!("{above}.{}", words(&text.bytes)),
            _ => above.to_owned(),
        };
        let sig = match self.file.value(dict, "FT")? {
            Object::Name(kind) => kind == b"Sig",
            _ => sig,
        };
        let value = match self.file.value(dict, "V")? {
            // Whatever the field says it is, this is what readers show as a signature.
            Object::Dict(value) if sig || value.get("ByteRange").is_some() => Some(value),
            _ => None,
        };
        let is_field = dict.get("T").is_some() || dict.get("FT").is_some();
        if value.is_some() || (sig && is_field && dict.get("Kids").is_none()) {
            self.out.push(Field {
                name: name.clone(),
                value,
            });
        }
        match self.file.value(dict, "Kids")? {
            Object::Array(kids) => self.list(&kids, &name, sig, level + 1),
            _ => Ok(()),
        }
    }
}

/// A text string (ISO 32000-2 section 7.9.2.2), shortened, without control characters.
pub(super) fn words(bytes: &[u8]) -> String {
    let text = match bytes {
        [0xfe, 0xff, rest @ ..] => {
            let units = rest
                .chunks_exact(2)
                .map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            char::decode_utf16(units)
                .map(|c| c.unwrap_or('\u{fffd}'))
                .collect()
        }
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        other => other.iter().map(|b| char::from(*b)).collect::<String>(),
    };
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

/// One page, with what it inherits.
pub(super) struct Page {
    pub(super) id: Id,
    pub(super) dict: Dict,
    media_box: Option<Object>,
    pub(super) rotate: i64,
}

/// The pages in their order.
pub(super) fn pages(file: &File<'_>) -> Result<Vec<Page>, Error> {
    let (_, root) = file.root()?;
    let top = root
        .get("Pages")
        .and_then(Object::reference)
        .ok_or_else(|| broken(0, "the catalogue names no pages"))?;
    let (mut out, mut seen) = (Vec::new(), BTreeSet::new());
    // Depth first, the first page on top.
    let mut stack = vec![(top, None, 0i64, 0usize)];
    while let Some((id, media_box, rotate, level)) = stack.pop() {
        if !seen.insert(id) || level > LEVELS_MAX {
            return Err(broken(0, "the tree of pages is none"));
        }
        let dict = file.dict(&Object::Ref(id), "a page is no dictionary")?;
        let media_box = dict.get("MediaBox").cloned().or(media_box);
        let rotate = file.value(&dict, "Rotate")?.int().unwrap_or(rotate);
        match file.value(&dict, "Kids")? {
            Object::Array(kids) => {
                limit(
                    "nodes of the page tree",
                    seen.len() + kids.len(),
                    4 * PAGES_MAX,
                )?;
                for kid in kids.iter().rev() {
                    let kid = kid
                        .reference()
                        .ok_or_else(|| broken(0, "a page is not named by its number"))?;
                    stack.push((kid, media_box.clone(), rotate, level + 1));
                }
            }
            _ => {
                limit("pages", out.len() + 1, PAGES_MAX)?;
                out.push(Page {
                    id,
                    dict,
                    media_box,
                    rotate,
                });
            }
        }
    }
    Ok(out)
}

/// Left, lower, right and upper edge in thousandths of a point.
pub(super) fn media_box(file: &File<'_>, page: &Page) -> Result<[i64; 4], Error> {
    let wrong = || broken(0, "a page has no size");
    let list = match &page.media_box {
        Some(value) => file.resolve(value)?,
        None => return Err(wrong()),
    };
    let list = list.array().filter(|l| l.len() == 4).ok_or_else(wrong)?;
    let mut out = [0; 4];
    for (to, from) in out.iter_mut().zip(list) {
        *to = thousandths(&file.resolve(from)?).ok_or_else(wrong)?;
    }
    let area = [
        out[0].min(out[2]),
        out[1].min(out[3]),
        out[0].max(out[2]),
        out[1].max(out[3]),
    ];
    // ISO 32000-1 annex C: 14,400 units; UserUnit is not written here.
    let fits = area.iter().all(|edge| edge.abs() <= 100_000_000);
    if fits && area[0] < area[2] && area[1] < area[3] {
        return Ok(area);
    }
    Err(wrong())
}

/// A number in thousandths.
pub(super) fn thousandths(object: &Object) -> Option<i64> {
    match object {
        Object::Int(value) => value.checked_mul(1_000),
        Object::Real(text) => {
            let (negative, text) = match text.strip_prefix('-') {
                Some(rest) => (true, rest),
                None => (false, text.strip_prefix('+').unwrap_or(text)),
            };
            let (whole, part) = text.split_once('.')?;
            let whole: i64 = if whole.is_empty() {
                0
            } else {
                whole.parse().ok()?
            };
            let part: i64 = format!("{part:0<3.3}").parse().ok()?;
            let value = whole.checked_mul(1_000)?.checked_add(part)?;
            Some(if negative { -value } else { value })
        }
        _ => None,
    }
}

/// Thousandths of a millimetre to thousandths of a point: 72 points are 25.4 mm.
pub(super) fn to_points(mm: Mm) -> i64 {
    mm.0.saturating_mul(720) / 254
}

/// The reverse.
pub(super) fn from_points(points: i64) -> Mm {
    Mm(points.saturating_mul(254) / 720)
}
