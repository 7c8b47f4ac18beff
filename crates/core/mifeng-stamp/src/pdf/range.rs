//! What a signature covers: ByteRange leaves out exactly the value, and reaches to the end of a
//! revision (ISO 32000-2 section 12.8.1).

use super::field;
use super::file::File;
use super::object::{Dict, Object};
use core::fmt;
use core::ops::Range;

/// What is wrong with a signature before any key is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// ByteRange is missing or does not say what it must: the bytes signed are not the document.
    ByteRange(&'static str),
    /// Contents is missing, empty, or holds more than a signature.
    Contents(&'static str),
    /// What follows the signed revision does not build on it.
    NotIncremental(&'static str),
    /// A SubFilter that is not read.
    SubFilter(String),
    /// A PAdES signature that does not name its signer's certificate.
    NotBound,
    /// A certification that breaks its rules.
    Certification(&'static str),
}

impl Fault {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Fault::ByteRange(_) => "pdf.byte-range",
            Fault::Contents(_) => "pdf.contents",
            Fault::NotIncremental(_) => "pdf.not-incremental",
            Fault::SubFilter(_) => "pdf.sub-filter",
            Fault::NotBound => "pdf.not-bound",
            Fault::Certification(_) => "pdf.certification",
        }
    }

    /// In Chinese.
    #[must_use]
    pub fn zh(&self) -> String {
        match self {
            Fault::ByteRange(_) => "签名范围（ByteRange）不合要求，被签内容不是整个文档".to_owned(),
            Fault::Contents(_) => "签名值（Contents）缺失、为空或夹带其他内容".to_owned(),
            Fault::NotIncremental(_) => "签名之后的内容不是在所签版本上的增量更新".to_owned(),
            Fault::SubFilter(name) => format!("不支持的签名格式 {name}"),
            Fault::NotBound => "PAdES 签名未绑定签名证书".to_owned(),
            Fault::Certification(_) => "文档认证（DocMDP）不合规则".to_owned(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::ByteRange(rule) => write!(f, "ByteRange {rule}"),
            Fault::Contents(rule) => write!(f, "Contents {rule}"),
            Fault::NotIncremental(rule) => write!(f, "after the signed revision: {rule}"),
            Fault::SubFilter(name) => write!(f, "signature format {name} is not read"),
            Fault::NotBound => f.write_str("a PAdES signature must name its certificate"),
            Fault::Certification(rule) => write!(f, "certification: {rule}"),
        }
    }
}

/// The signed bytes of one signature.
pub(super) struct Covered<'a> {
    pub(super) before: &'a [u8],
    pub(super) after: &'a [u8],
    /// Where the signed revision ends.
    pub(super) end: usize,
}

impl Covered<'_> {
    pub(super) fn content(&self) -> Vec<u8> {
        [self.before, self.after].concat()
    }
}

/// Holds ByteRange against the place of the value, and cuts the signed bytes out.
pub(super) fn covered<'a>(bytes: &'a [u8], value: &Dict) -> Result<Covered<'a>, Fault> {
    let range = match value.get("ByteRange") {
        None => return Err(Fault::ByteRange("is missing")),
        Some(Object::Array(list)) => list,
        Some(_) => return Err(Fault::ByteRange("is no array")),
    };
    let numbers: Option<Vec<usize>> = range
        .iter()
        .map(|n| usize::try_from(n.int()?).ok())
        .collect();
    let Some(&[from, first, second, last]) = numbers.as_deref() else {
        return Err(Fault::ByteRange("is not four whole numbers"));
    };
    let gap = gap(value)?;
    if from != 0 {
        return Err(Fault::ByteRange("does not begin with the file"));
    }
    if first != gap.start || second != gap.end {
        return Err(Fault::ByteRange("leaves out something else than Contents"));
    }
    let end = second
        .checked_add(last)
        .filter(|end| last > 0 && *end <= bytes.len())
        .ok_or(Fault::ByteRange("reaches beyond the file"))?;
    Ok(Covered {
        before: &bytes[..first],
        after: &bytes[second..end],
        end,
    })
}

/// The place of the value with its brackets.
fn gap(value: &Dict) -> Result<Range<usize>, Fault> {
    let text = match value.get("Contents") {
        None => return Err(Fault::Contents("is missing")),
        Some(Object::Text(text)) if text.hex => text,
        Some(_) => return Err(Fault::Contents("is no hexadecimal string")),
    };
    if text.bytes.iter().all(|b| *b == 0) {
        return Err(Fault::Contents("is empty"));
    }
    text.span
        .clone()
        .ok_or(Fault::Contents("lies inside a compressed object"))
}

/// Whether the signed revision is a document of its own that has this signature, and the whole
/// file is an update of it.
pub(super) fn revision<'a>(
    whole: &File<'a>,
    covered: &Covered<'_>,
    value: &Dict,
) -> Result<File<'a>, Fault> {
    let old = File::open(&whole.bytes[..covered.end])
        .map_err(|_| Fault::ByteRange("does not end with a revision of the document"))?;
    let place = field::span(value);
    let own = field::fields(&old).ok().is_some_and(|all| {
        let mut values = all.iter().filter_map(|f| f.value.as_ref());
        values.any(|v| field::span(v) == place)
    });
    if !own {
        return Err(Fault::ByteRange(
            "covers a revision that does not have this signature",
        ));
    }
    if !whole.xref.sections.contains(&old.newest()) {
        return Err(Fault::NotIncremental("the cross-references leave it out"));
    }
    let later = whole
        .xref
        .sections
        .iter()
        .take_while(|at| **at != old.newest());
    if later.into_iter().any(|at| *at < covered.end) {
        return Err(Fault::NotIncremental(
            "a newer cross-reference section lies inside it",
        ));
    }
    Ok(old)
}
