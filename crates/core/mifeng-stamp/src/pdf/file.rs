//! A PDF as its last cross-reference section shows it: objects by number.

use super::object::{Dict, Id, Lexer, Object};
use super::xref::{Entry, Xref};
use super::{DECODED_LEN_MAX, PDF_LEN_MAX, broken, filter};
use crate::Error;
use crate::error::limit;
use core::cell::{Cell, RefCell};
use core::ops::Range;
use std::collections::BTreeMap;
use std::rc::Rc;

/// How often the file may be read over: entries can all point at one large object.
const READINGS: u64 = 64;
/// Bytes that may be read at least, however small the file is.
const READ_MIN: u64 = 1 << 20;
/// Objects that stand for each other: a length in an object stream whose length is an object.
const CHAIN_MAX: usize = 8;

/// An object with the data of its stream.
#[derive(Clone, Debug)]
pub(super) struct Indirect {
    pub(super) object: Object,
    pub(super) stream: Option<Range<usize>>,
}

/// The objects of an object stream.
struct Packed {
    data: Vec<u8>,
    /// Number and place of each.
    index: Vec<(u32, usize)>,
}

/// A file, read as far as its cross-references.
pub(super) struct File<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) xref: Xref,
    packed: RefCell<BTreeMap<u32, Rc<Packed>>>,
    left: Cell<u64>,
    unpacked: Cell<usize>,
}

impl<'a> File<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, Error> {
        limit("bytes of the PDF", bytes.len(), PDF_LEN_MAX)?;
        let digit = bytes.get(5).is_some_and(u8::is_ascii_digit);
        if !bytes.starts_with(b"%PDF-") || !digit {
            return Err(broken(0, "%PDF- is not where the file begins"));
        }
        let xref = Xref::read(bytes)?;
        if xref.trailer.get("Encrypt").is_some() {
            return Err(Error::PdfEncrypted);
        }
        Ok(File {
            bytes,
            xref,
            packed: RefCell::default(),
            left: Cell::new(READ_MIN.max(bytes.len() as u64).saturating_mul(READINGS)),
            unpacked: Cell::new(0),
        })
    }

    /// Counts work against the budget.
    pub(super) fn charge(&self, bytes: usize) -> Result<(), Error> {
        match self.left.get().checked_sub(bytes as u64 + 16) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => Err(broken(0, "objects lie over each other too often")),
        }
    }

    /// An indirect object; null if there is none.
    pub(super) fn get(&self, id: Id) -> Result<Indirect, Error> {
        self.chained(id, 0)
    }

    fn chained(&self, id: Id, depth: usize) -> Result<Indirect, Error> {
        let null = Indirect {
            object: Object::Null,
            stream: None,
        };
        if depth > CHAIN_MAX {
            return Err(broken(0, "objects stand for each other in a circle"));
        }
        match self.xref.entries.get(&id.number) {
            Some(Entry::At { offset, generation }) if *generation == id.generation => {
                self.plain(id, *offset, depth)
            }
            Some(Entry::In { stream, index }) if id.generation == 0 => {
                let packed = self.packed(*stream, depth)?;
                let (number, at) = packed.index.get(*index).copied().unwrap_or((0, 0));
                if number != id.number {
                    return Err(broken(at, "an object stream has another object there"));
                }
                let mut lexer = Lexer::inside(&packed.data, at);
                let object = lexer.object()?;
                self.charge(lexer.at.saturating_sub(at))?;
                Ok(Indirect {
                    object,
                    stream: None,
                })
            }
            _ => Ok(null),
        }
    }

    fn plain(&self, id: Id, offset: usize, depth: usize) -> Result<Indirect, Error> {
        let mut lexer = Lexer::new(self.bytes, offset);
        let head = lexer.unsigned().and_then(|n| Ok((n, lexer.unsigned()?)));
        let own = (u64::from(id.number), u64::from(id.generation));
        if head.ok() != Some(own) || !lexer.keyword("obj") {
            return Err(broken(
                offset,
                "not the object that the cross-reference says",
            ));
        }
        let object = lexer.object()?;
        self.charge(lexer.at.saturating_sub(offset))?;
        if let Object::Dict(dict) = &object {
            let mut ahead = lexer.clone();
            if ahead.keyword("stream") {
                let len = self.length(dict, offset, depth)?;
                let range = stream_range(self.bytes, &mut lexer, len)?;
                end(&mut lexer)?;
                return Ok(Indirect {
                    object,
                    stream: Some(range),
                });
            }
        }
        end(&mut lexer)?;
        Ok(Indirect {
            object,
            stream: None,
        })
    }

    fn length(&self, dict: &Dict, at: usize, depth: usize) -> Result<usize, Error> {
        let length = match dict.get("Length") {
            Some(Object::Ref(id)) => self.chained(*id, depth + 1)?.object.int(),
            Some(other) => other.int(),
            None => None,
        };
        let length = length.and_then(|n| usize::try_from(n).ok());
        length.ok_or_else(|| broken(at, "a stream has no length"))
    }

    fn packed(&self, number: u32, depth: usize) -> Result<Rc<Packed>, Error> {
        if let Some(known) = self.packed.borrow().get(&number) {
            return Ok(known.clone());
        }
        // An object stream does not lie in another.
        let Some(Entry::At { offset, generation }) = self.xref.entries.get(&number).copied() else {
            return Err(broken(0, "an object stream is missing"));
        };
        let wrong = || broken(offset, "an object stream is broken");
        let found = self.plain(Id { number, generation }, offset, depth + 1)?;
        let (Some(dict), Some(range)) = (found.object.dict(), found.stream) else {
            return Err(wrong());
        };
        if !dict.is("Type", "ObjStm") {
            return Err(wrong());
        }
        let data = filter::decode(dict, &self.bytes[range], offset)?;
        let total = self.unpacked.get().saturating_add(data.len());
        limit("bytes of object streams", total, 4 * DECODED_LEN_MAX)?;
        self.unpacked.set(total);
        let number_of = |key| dict.int(key).and_then(|n| usize::try_from(n).ok());
        let (count, first) = (
            number_of("N").ok_or_else(wrong)?,
            number_of("First").ok_or_else(wrong)?,
        );
        let mut lexer = Lexer::inside(&data, 0);
        let mut index = Vec::new();
        for _ in 0..count {
            let number = u32::try_from(lexer.unsigned()?).map_err(|_| wrong())?;
            let place = usize::try_from(lexer.unsigned()?).map_err(|_| wrong())?;
            index.push((number, first.checked_add(place).ok_or_else(wrong)?));
        }
        let packed = Rc::new(Packed { data, index });
        self.packed.borrow_mut().insert(number, packed.clone());
        Ok(packed)
    }

    /// The object that a value is or refers to.
    pub(super) fn resolve(&self, value: &Object) -> Result<Object, Error> {
        let mut current = value.clone();
        for _ in 0..CHAIN_MAX {
            match current {
                Object::Ref(id) => current = self.get(id)?.object,
                other => return Ok(other),
            }
        }
        Err(broken(0, "objects stand for each other in a circle"))
    }

    /// The value of a key, resolved; null if it is not there.
    pub(super) fn value(&self, dict: &Dict, key: &str) -> Result<Object, Error> {
        dict.get(key).map_or(Ok(Object::Null), |v| self.resolve(v))
    }

    pub(super) fn dict(&self, value: &Object, rule: &'static str) -> Result<Dict, Error> {
        match self.resolve(value)? {
            Object::Dict(dict) => Ok(dict),
            _ => Err(broken(0, rule)),
        }
    }

    /// The catalogue.
    pub(super) fn root(&self) -> Result<(Id, Dict), Error> {
        let id = self.xref.trailer.get("Root").and_then(Object::reference);
        let id = id.ok_or_else(|| broken(0, "the trailer names no catalogue"))?;
        let dict = self.dict(&Object::Ref(id), "the catalogue is no dictionary")?;
        Ok((id, dict))
    }

    /// Where the newest cross-reference section begins.
    pub(super) fn newest(&self) -> usize {
        self.xref.sections.first().copied().unwrap_or(0)
    }

    /// The smallest number above all in use.
    pub(super) fn free_number(&self) -> Result<u32, Error> {
        let last = self.xref.entries.keys().next_back().copied().unwrap_or(0);
        let size = self.xref.trailer.int("Size").unwrap_or(0);
        let size = u32::try_from(size).unwrap_or(0);
        // ISO 32000-2 annex C: implementations number up to 8,388,607.
        let next = size.max(last.saturating_add(1));
        limit("number of an object", next as usize, 8_300_000)?;
        Ok(next)
    }
}

/// `endobj`, alone.
fn end(lexer: &mut Lexer<'_>) -> Result<(), Error> {
    match lexer.keyword("endobj") {
        true => Ok(()),
        false => Err(broken(lexer.at, "endobj is expected")),
    }
}

/// The data after `stream`; the lexer goes on behind `endstream`.
pub(super) fn stream_range(
    bytes: &[u8],
    lexer: &mut Lexer<'_>,
    len: usize,
) -> Result<Range<usize>, Error> {
    let at = lexer.at;
    let wrong = move |rule| broken(at, rule);
    if !lexer.keyword("stream") {
        return Err(wrong("a stream is expected"));
    }
    let rest = bytes.get(lexer.at..).unwrap_or_default();
    let from = lexer.at
        + match rest {
            [b'\r', b'\n', ..] => 2,
            [b'\n', ..] => 1,
            _ => return Err(wrong("the data of a stream begins on a new line")),
        };
    let to = from
        .checked_add(len)
        .filter(|to| *to <= bytes.len())
        .ok_or_else(|| wrong("a stream is longer than the file"))?;
    let mut after = to;
    while bytes
        .get(after)
        .is_some_and(|b| super::object::is_space(*b))
    {
        after += 1;
    }
    let mut behind = Lexer::new(bytes, after);
    if !behind.keyword("endstream") {
        return Err(broken(to, "a stream does not end where its length says"));
    }
    lexer.at = behind.at;
    Ok(from..to)
}
