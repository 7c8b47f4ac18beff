//! Objects of a PDF (ISO 32000-2 section 7.3) and their reader.

use super::broken;
use crate::Error;
use core::ops::Range;

/// Arrays and dictionaries inside each other: real files stay below ten.
const DEPTH_MAX: usize = 48;

/// Number and generation of an indirect object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Id {
    pub(super) number: u32,
    pub(super) generation: u16,
}

/// A string, with the place of its token in the file.
#[derive(Clone, Debug)]
pub(super) struct Text {
    pub(super) bytes: Vec<u8>,
    /// The token with its brackets; none inside an object stream.
    pub(super) span: Option<Range<usize>>,
    pub(super) hex: bool,
}

/// An object. Numbers with a point keep their text: nothing here calculates with them.
#[derive(Clone, Debug)]
pub(super) enum Object {
    Null,
    Bool(bool),
    Int(i64),
    Real(String),
    Name(Vec<u8>),
    Text(Text),
    Array(Vec<Object>),
    Dict(Dict),
    Ref(Id),
}

/// Keys and values, in the order of the file; no key twice.
#[derive(Clone, Debug, Default)]
pub(super) struct Dict(pub(super) Vec<(Vec<u8>, Object)>);

impl Dict {
    pub(super) fn get(&self, key: &str) -> Option<&Object> {
        self.0
            .iter()
            .find(|(name, _)| name == key.as_bytes())
            .map(|(_, value)| value)
    }
    pub(super) fn set(&mut self, key: &str, value: Object) {
        match self.0.iter_mut().find(|(name, _)| name == key.as_bytes()) {
            Some((_, old)) => *old = value,
            None => self.0.push((key.as_bytes().to_vec(), value)),
        }
    }
    pub(super) fn is(&self, key: &str, name: &str) -> bool {
        self.get(key).and_then(Object::name) == Some(name.as_bytes())
    }
    pub(super) fn int(&self, key: &str) -> Option<i64> {
        self.get(key).and_then(Object::int)
    }
}

impl Object {
    pub(super) fn int(&self) -> Option<i64> {
        match self {
            Object::Int(value) => Some(*value),
            _ => None,
        }
    }
    pub(super) fn name(&self) -> Option<&[u8]> {
        match self {
            Object::Name(name) => Some(name),
            _ => None,
        }
    }
    pub(super) fn array(&self) -> Option<&[Object]> {
        match self {
            Object::Array(list) => Some(list),
            _ => None,
        }
    }
    pub(super) fn dict(&self) -> Option<&Dict> {
        match self {
            Object::Dict(dict) => Some(dict),
            _ => None,
        }
    }
    pub(super) fn reference(&self) -> Option<Id> {
        match self {
            Object::Ref(id) => Some(*id),
            _ => None,
        }
    }
    pub(super) fn text(&self) -> Option<&Text> {
        match self {
            Object::Text(text) => Some(text),
            _ => None,
        }
    }
    pub(super) fn is_null(&self) -> bool {
        matches!(self, Object::Null)
    }
    pub(super) fn named(name: &str) -> Object {
        Object::Name(name.as_bytes().to_vec())
    }
    pub(super) fn string(bytes: &[u8]) -> Object {
        Object::Text(Text {
            bytes: bytes.to_vec(),
            span: None,
            hex: false,
        })
    }
}

/// Reads tokens and objects from a place on.
#[derive(Clone)]
pub(super) struct Lexer<'a> {
    data: &'a [u8],
    pub(super) at: usize,
    /// Whether places are those of the file: not inside an object stream.
    in_file: bool,
}

pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, 0 | 9 | 10 | 12 | 13 | 32)
}

fn is_delimiter(byte: u8) -> bool {
    matches!(
        byte,
        b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%'
    )
}

impl<'a> Lexer<'a> {
    pub(super) fn new(data: &'a [u8], at: usize) -> Self {
        Lexer {
            data,
            at,
            in_file: true,
        }
    }
    pub(super) fn inside(data: &'a [u8], at: usize) -> Self {
        Lexer {
            data,
            at,
            in_file: false,
        }
    }

    fn peek(&self) -> Option<u8> {
        self.data.get(self.at).copied()
    }
    fn wrong(&self, rule: &'static str) -> Error {
        broken(self.at, rule)
    }

    /// Goes over white space and comments.
    pub(super) fn skip_space(&mut self) {
        while let Some(byte) = self.peek() {
            if byte == b'%' {
                while self.peek().is_some_and(|b| b != b'\n' && b != b'\r') {
                    self.at += 1;
                }
            } else if is_space(byte) {
                self.at += 1;
            } else {
                return;
            }
        }
    }

    /// Takes a word if it stands here, as a whole.
    pub(super) fn keyword(&mut self, word: &str) -> bool {
        self.skip_space();
        let rest = self.data.get(self.at..).unwrap_or_default();
        let ends = |b: &u8| is_space(*b) || is_delimiter(*b);
        if rest.starts_with(word.as_bytes()) && rest.get(word.len()).is_none_or(ends) {
            self.at += word.len();
            return true;
        }
        false
    }

    /// A run of regular characters.
    fn word(&mut self) -> &'a [u8] {
        let from = self.at;
        while self
            .peek()
            .is_some_and(|b| !is_space(b) && !is_delimiter(b))
        {
            self.at += 1;
        }
        self.data.get(from..self.at).unwrap_or_default()
    }

    /// An unsigned number that stands alone.
    pub(super) fn unsigned(&mut self) -> Result<u64, Error> {
        self.skip_space();
        let from = self.at;
        let word = self.word();
        let number = core::str::from_utf8(word)
            .ok()
            .filter(|text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()))
            .and_then(|text| text.parse().ok());
        number.ok_or_else(|| broken(from, "a number is expected"))
    }

    pub(super) fn object(&mut self) -> Result<Object, Error> {
        self.nested(0)
    }

    fn nested(&mut self, depth: usize) -> Result<Object, Error> {
        if depth > DEPTH_MAX {
            return Err(self.wrong("objects are nested too deep"));
        }
        self.skip_space();
        let rest = self.data.get(self.at..).unwrap_or_default();
        match rest {
            [b'<', b'<', ..] => self.dict(depth),
            [b'<', ..] => self.hex(),
            [b'(', ..] => self.literal(),
            [b'[', ..] => self.array(depth),
            [b'/', ..] => Ok(Object::Name(self.name()?)),
            [b'0'..=b'9' | b'+' | b'-' | b'.', ..] => self.number(),
            _ => {
                let at = self.at;
                match self.word() {
                    b"null" => Ok(Object::Null),
                    b"true" => Ok(Object::Bool(true)),
                    b"false" => Ok(Object::Bool(false)),
                    _ => Err(broken(at, "an object is expected")),
                }
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Object, Error> {
        self.at += 1;
        let mut list = Vec::new();
        loop {
            self.skip_space();
            match self.peek() {
                Some(b']') => {
                    self.at += 1;
                    return Ok(Object::Array(list));
                }
                Some(_) => list.push(self.nested(depth + 1)?),
                None => return Err(self.wrong("an array does not end")),
            }
        }
    }

    fn dict(&mut self, depth: usize) -> Result<Object, Error> {
        self.at += 2;
        let mut dict = Dict::default();
        loop {
            self.skip_space();
            match self.data.get(self.at..).unwrap_or_default() {
                [b'>', b'>', ..] => {
                    self.at += 2;
                    break;
                }
                [b'/', ..] => {
                    let key = self.name()?;
                    let value = self.nested(depth + 1)?;
                    dict.0.push((key, value));
                }
                _ => return Err(self.wrong("a key or the end of a dictionary is expected")),
            }
        }
        let mut keys: Vec<&[u8]> = dict.0.iter().map(|(key, _)| key.as_slice()).collect();
        keys.sort_unstable();
        // Readers differ in which of two they take.
        if keys.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(self.wrong("a dictionary has a key twice"));
        }
        // An absent key and a null value mean the same.
        dict.0.retain(|(_, value)| !value.is_null());
        Ok(Object::Dict(dict))
    }

    fn name(&mut self) -> Result<Vec<u8>, Error> {
        self.at += 1;
        let raw = self.word();
        let mut out = Vec::with_capacity(raw.len());
        let mut rest = raw;
        while let [first, tail @ ..] = rest {
            rest = tail;
            if *first != b'#' {
                out.push(*first);
                continue;
            }
            let (Some(high), Some(low)) = (hex_digit(tail, 0), hex_digit(tail, 1)) else {
                return Err(self.wrong("a name has a broken escape"));
            };
            out.push(high << 4 | low);
            rest = &tail[2..];
        }
        Ok(out)
    }

    fn number(&mut self) -> Result<Object, Error> {
        let from = self.at;
        let wrong = || broken(from, "a number is broken");
        let text = core::str::from_utf8(self.word()).map_err(|_| wrong())?;
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        if let Some((whole, part)) = digits.split_once('.') {
            let all = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
            if !all(whole) || !all(part) || whole.len() + part.len() == 0 {
                return Err(wrong());
            }
            return Ok(Object::Real(text.to_owned()));
        }
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(wrong());
        }
        let value: i64 = text.parse().map_err(|_| wrong())?;
        let plain = text.len() == digits.len();
        Ok(match plain.then(|| self.reference(value)).flatten() {
            Some(id) => Object::Ref(id),
            None => Object::Int(value),
        })
    }

    /// `generation R` after a number.
    fn reference(&mut self, number: i64) -> Option<Id> {
        let mut ahead = self.clone();
        let number = u32::try_from(number).ok()?;
        let generation = u16::try_from(ahead.unsigned().ok()?).ok()?;
        if !ahead.keyword("R") {
            return None;
        }
        self.at = ahead.at;
        Some(Id { number, generation })
    }

    fn hex(&mut self) -> Result<Object, Error> {
        let from = self.at;
        self.at += 1;
        let end = self.data.get(self.at..).unwrap_or_default();
        let len = end.iter().position(|b| *b == b'>');
        let len = len.ok_or_else(|| broken(from, "a string does not end"))?;
        let mut bytes = Vec::with_capacity(len / 2);
        let mut half = None;
        for byte in &end[..len] {
            if is_space(*byte) {
                continue;
            }
            let digit = hex_digit(core::slice::from_ref(byte), 0);
            let digit = digit.ok_or_else(|| broken(from, "a string has other than hex digits"))?;
            match half.take() {
                None => half = Some(digit),
                Some(high) => bytes.push(high << 4 | digit),
            }
        }
        bytes.extend(half.map(|high| high << 4));
        self.at += len + 1;
        Ok(Object::Text(Text {
            bytes,
            span: self.in_file.then_some(from..self.at),
            hex: true,
        }))
    }

    fn literal(&mut self) -> Result<Object, Error> {
        let from = self.at;
        self.at += 1;
        let (mut bytes, mut open) = (Vec::new(), 1usize);
        loop {
            let byte = self
                .peek()
                .ok_or_else(|| broken(from, "a string does not end"))?;
            self.at += 1;
            match byte {
                b'\\' => self.escape(&mut bytes),
                b'(' => open += 1,
                b')' if open == 1 => break,
                b')' => open -= 1,
                _ => {}
            }
            if byte != b'\\' {
                bytes.push(byte);
            }
        }
        Ok(Object::Text(Text {
            bytes,
            span: self.in_file.then_some(from..self.at),
            hex: false,
        }))
    }

    /// What stands after a backslash.
    fn escape(&mut self, out: &mut Vec<u8>) {
        let Some(byte) = self.peek() else { return };
        self.at += 1;
        match byte {
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'\r' if self.peek() == Some(b'\n') => self.at += 1,
            b'\r' | b'\n' => {}
            b'0'..=b'7' => {
                let mut value = u32::from(byte - b'0');
                for _ in 0..2 {
                    let Some(next @ b'0'..=b'7') = self.peek() else {
                        break;
                    };
                    value = value << 3 | u32::from(next - b'0');
                    self.at += 1;
                }
                out.push((value & 0xff) as u8);
            }
            other => out.push(other),
        }
    }
}

pub(super) fn hex_digit(bytes: &[u8], at: usize) -> Option<u8> {
    let digit = char::from(*bytes.get(at)?).to_digit(16)?;
    u8::try_from(digit).ok()
}
