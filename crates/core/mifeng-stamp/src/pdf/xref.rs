//! Cross-reference tables and streams (ISO 32000-2 sections 7.5.4 to 7.5.8).

use super::object::{Dict, Lexer, Object, is_space};
use super::{broken, filter};
use crate::Error;
use crate::error::limit;
use std::collections::BTreeMap;

/// Entries of all sections together: a document of 5,000 pages has about 100,000.
const ENTRIES_MAX: usize = 1_000_000;
/// Sections: one for each save; a document signed a hundred times has two hundred.
const SECTIONS_MAX: usize = 1_024;
/// The end mark lies in this many last bytes, by custom.
const TAIL: usize = 2_048;

/// Where an object lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Free,
    At { offset: usize, generation: u16 },
    In { stream: u32, index: usize },
}

/// All sections of a file, the newest first.
#[derive(Debug, Default)]
pub(super) struct Xref {
    pub(super) entries: BTreeMap<u32, Entry>,
    /// The newest section's trailer.
    pub(super) trailer: Dict,
    /// Where each section begins.
    pub(super) sections: Vec<usize>,
    /// Whether the newest section is a table.
    pub(super) table: bool,
}

/// One section.
struct Section {
    used: Vec<(u32, Entry)>,
    free: Vec<u32>,
    trailer: Dict,
    table: bool,
}

/// The place that the last end mark names. Nothing but white space follows the mark.
fn start(bytes: &[u8]) -> Result<usize, Error> {
    let from = bytes.len().saturating_sub(TAIL);
    let tail = &bytes[from..];
    let word = b"startxref";
    let at = tail.windows(word.len()).rposition(|w| w == word);
    let at = at.ok_or_else(|| broken(from, "no startxref at the end"))?;
    let mut lexer = Lexer::new(bytes, from + at + word.len());
    let offset = lexer.unsigned()?;
    while bytes.get(lexer.at).is_some_and(|b| is_space(*b)) {
        lexer.at += 1;
    }
    let rest = bytes.get(lexer.at..).unwrap_or_default();
    let rest = rest
        .strip_prefix(b"%%EOF")
        .ok_or_else(|| broken(lexer.at, "no %%EOF after startxref"))?;
    if !rest.iter().all(|b| is_space(*b)) {
        return Err(broken(lexer.at, "bytes follow the last %%EOF"));
    }
    usize::try_from(offset)
        .ok()
        .filter(|offset| *offset < bytes.len())
        .ok_or_else(|| broken(lexer.at, "startxref points outside the file"))
}

impl Xref {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Error> {
        let mut xref = Xref::default();
        let mut next = Some(start(bytes)?);
        while let Some(at) = next {
            if xref.sections.contains(&at) {
                return Err(broken(at, "cross-reference sections run in a circle"));
            }
            limit(
                "cross-reference sections",
                xref.sections.len() + 1,
                SECTIONS_MAX,
            )?;
            let section = section(bytes, at)?;
            next = previous(bytes, at, &section.trailer, "Prev")?;
            // An entry for newer readers stands before those of older sections.
            let hidden = match previous(bytes, at, &section.trailer, "XRefStm")? {
                Some(place) if section.table => Some(stream(bytes, place)?),
                _ => None,
            };
            if xref.sections.is_empty() {
                xref.trailer = section.trailer;
                xref.table = section.table;
            }
            xref.sections.push(at);
            let used = section.used.into_iter();
            let hidden = hidden.into_iter().flat_map(|section| section.used);
            let free = section.free.into_iter().map(|number| (number, Entry::Free));
            for (number, entry) in used.chain(hidden).chain(free) {
                xref.entries.entry(number).or_insert(entry);
            }
            limit("objects of the file", xref.entries.len(), ENTRIES_MAX)?;
        }
        Ok(xref)
    }
}

fn previous(bytes: &[u8], at: usize, trailer: &Dict, key: &str) -> Result<Option<usize>, Error> {
    let Some(value) = trailer.get(key) else {
        return Ok(None);
    };
    let place = value.int().and_then(|value| usize::try_from(value).ok());
    match place.filter(|place| *place < bytes.len()) {
        Some(place) => Ok(Some(place)),
        None => Err(broken(at, "a trailer points outside the file")),
    }
}

fn section(bytes: &[u8], at: usize) -> Result<Section, Error> {
    let mut lexer = Lexer::new(bytes, at);
    match lexer.keyword("xref") {
        true => table(lexer),
        false => stream(bytes, at),
    }
}

fn table(mut lexer: Lexer<'_>) -> Result<Section, Error> {
    let (mut used, mut free) = (Vec::new(), Vec::new());
    while !lexer.keyword("trailer") {
        let at = lexer.at;
        let wrong = move || broken(at, "a cross-reference table is broken");
        let first = u32::try_from(lexer.unsigned()?).map_err(|_| wrong())?;
        let count = u32::try_from(lexer.unsigned()?).map_err(|_| wrong())?;
        for n in 0..count {
            let number = first.checked_add(n).ok_or_else(wrong)?;
            let offset = usize::try_from(lexer.unsigned()?).map_err(|_| wrong())?;
            let generation = u16::try_from(lexer.unsigned()?).map_err(|_| wrong())?;
            limit("objects of the file", used.len() + free.len(), ENTRIES_MAX)?;
            if lexer.keyword("n") && offset != 0 {
                used.push((number, Entry::At { offset, generation }));
            } else if lexer.keyword("f") || offset == 0 {
                free.push(number);
            } else {
                return Err(wrong());
            }
        }
    }
    let at = lexer.at;
    match lexer.object()? {
        Object::Dict(trailer) => Ok(Section {
            used,
            free,
            trailer,
            table: true,
        }),
        _ => Err(broken(at, "a trailer is expected")),
    }
}

fn stream(bytes: &[u8], at: usize) -> Result<Section, Error> {
    let wrong = |rule| broken(at, rule);
    let mut lexer = Lexer::new(bytes, at);
    lexer
        .unsigned()
        .and_then(|_| lexer.unsigned())
        .map_err(|_| wrong("a cross-reference section is expected"))?;
    if !lexer.keyword("obj") {
        return Err(wrong("a cross-reference section is expected"));
    }
    let Object::Dict(trailer) = lexer.object()? else {
        return Err(wrong("a cross-reference stream is expected"));
    };
    if !trailer.is("Type", "XRef") {
        return Err(wrong("a cross-reference stream is expected"));
    }
    // ISO 32000-2 section 7.5.8.2: its length is direct.
    let len = trailer.int("Length").and_then(|n| usize::try_from(n).ok());
    let len = len.ok_or_else(|| wrong("a cross-reference stream has no direct length"))?;
    let range = super::file::stream_range(bytes, &mut lexer, len)?;
    let data = filter::decode(&trailer, &bytes[range], at)?;
    let widths = widths(&trailer).ok_or_else(|| wrong("odd widths of cross-reference entries"))?;
    let row: usize = widths.iter().sum();
    let mut rows = data.chunks_exact(row);
    let (mut used, mut free) = (Vec::new(), Vec::new());
    for (first, count) in index(&trailer).ok_or_else(|| wrong("odd index of entries"))? {
        for n in 0..count {
            let number = first
                .checked_add(n)
                .ok_or_else(|| wrong("odd index of entries"))?;
            let fields = rows.next().ok_or_else(|| wrong("entries are missing"))?;
            limit("objects of the file", used.len() + free.len(), ENTRIES_MAX)?;
            match entry(fields, widths).ok_or_else(|| wrong("an entry is out of range"))? {
                Some(Entry::Free) => free.push(number),
                Some(entry) => used.push((number, entry)),
                // Kinds that are not known are null objects.
                None => free.push(number),
            }
        }
    }
    Ok(Section {
        used,
        free,
        trailer,
        table: false,
    })
}

fn widths(dict: &Dict) -> Option<[usize; 3]> {
    let list = dict.get("W")?.array()?;
    let mut out = [0; 3];
    if list.len() != 3 {
        return None;
    }
    for (to, from) in out.iter_mut().zip(list) {
        *to = usize::try_from(from.int()?).ok().filter(|n| *n <= 8)?;
    }
    (out.iter().sum::<usize>() > 0).then_some(out)
}

fn index(dict: &Dict) -> Option<Vec<(u32, u32)>> {
    let number = |object: &Object| u32::try_from(object.int()?).ok();
    let Some(list) = dict.get("Index") else {
        return Some(vec![(0, number(dict.get("Size")?)?)]);
    };
    let pairs = list.array()?.chunks(2).map(|pair| match pair {
        [first, count] => Some((number(first)?, number(count)?)),
        _ => None,
    });
    pairs.collect()
}

/// One entry; outer none: a number that cannot be a place.
fn entry(fields: &[u8], widths: [usize; 3]) -> Option<Option<Entry>> {
    let big = |bytes: &[u8]| bytes.iter().fold(0u64, |n, b| n << 8 | u64::from(*b));
    let (kind, rest) = fields.split_at(widths[0]);
    let (second, third) = rest.split_at(widths[1]);
    let kind = if widths[0] == 0 { 1 } else { big(kind) };
    let (second, third) = (big(second), big(third));
    Some(Some(match kind {
        0 => Entry::Free,
        1 => Entry::At {
            offset: usize::try_from(second).ok()?,
            generation: u16::try_from(third).ok()?,
        },
        2 => Entry::In {
            stream: u32::try_from(second).ok()?,
            index: usize::try_from(third).ok()?,
        },
        _ => return Some(None),
    }))
}
