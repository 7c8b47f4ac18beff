//! Documents put together by hand, and updates of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Objects by number.
pub(crate) type Objects = BTreeMap<u32, String>;

/// A stream's object.
pub(crate) fn stream(keys: &str, data: &str) -> String {
    format!(
        "<<{keys}/Length {}>>\nstream\n{data}\nendstream",
        data.len()
    )
}

/// The keys of a field's look.
pub(crate) const LOOK: &str =
    "/Type/XObject/Subtype/Form/BBox[0 0 240 20]/Resources<</Font<</Helv 9 0 R>>>>";

fn content(text: &str) -> String {
    stream("", &format!("BT /F1 20 Tf 60 700 Td ({text}) Tj ET"))
}

/// One page with a line of text and a text field; 1 catalogue, 2 pages, 3 page, 4 content, 5 font,
/// 6 form, 7 text field, 8 its look, 9 the look's font.
pub(crate) fn letter(text: &str) -> Objects {
    let mut all = Objects::new();
    let mut put = |number, body: &str| all.insert(number, body.to_owned());
    put(1, "<</Type/Catalog/Pages 2 0 R/AcroForm 6 0 R>>");
    put(2, "<</Type/Pages/Kids[3 0 R]/Count 1>>");
    put(
        3,
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595.276 841.89]/Contents 4 0 R\
         /Resources<</Font<</F1 5 0 R>>>>/Annots[7 0 R]>>",
    );
    put(4, &content(text));
    put(5, "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>");
    put(9, "<</Type/Font/Subtype/Type1/BaseFont/Courier>>");
    put(
        6,
        "<</Fields[7 0 R]/DA(/Helv 12 Tf 0 g)/DR<</Font<</Helv 9 0 R>>>>>>",
    );
    put(
        7,
        "<</Type/Annot/Subtype/Widget/FT/Tx/T(Remark)/V(none)/F 4/Rect[60 600 300 620]/P 3 0 R\
         /AP<</N 8 0 R>>/DA(/Helv 12 Tf 0 g)>>",
    );
    let look = stream(LOOK, "BT /Helv 12 Tf (none) Tj ET");
    put(8, &look);
    all
}

/// The letter with content of another amount.
pub(crate) fn other_content() -> String {
    content("Price: 9 000 000")
}

/// A file with a table.
pub(crate) fn file(objects: &Objects) -> Vec<u8> {
    let mut out = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec();
    section(&mut out, objects, "/Root 1 0 R", true);
    out
}

/// An update: the objects, a table of them, and more keys for the trailer.
pub(crate) fn update(bytes: &[u8], objects: &Objects, keys: &str) -> Vec<u8> {
    let mut out = bytes.to_vec();
    let keys = format!("{keys}/Prev {}", start(bytes));
    section(&mut out, objects, &keys, false);
    out
}

/// An update of one object.
pub(crate) fn replace(bytes: &[u8], number: u32, body: &str) -> Vec<u8> {
    update(bytes, &one(number, body), "/Root 1 0 R")
}

pub(crate) fn one(number: u32, body: &str) -> Objects {
    Objects::from([(number, body.to_owned())])
}

fn section(out: &mut Vec<u8>, objects: &Objects, keys: &str, first: bool) {
    let mut offsets = BTreeMap::new();
    for (number, body) in objects {
        offsets.insert(*number, out.len());
        out.extend_from_slice(format!("{number} 0 obj\n{body}\nendobj\n").as_bytes());
    }
    let at = out.len();
    let table = table(&offsets, first);
    // Sizes do not fall from section to section: ours lies between.
    let size = if first { 100 } else { 200 };
    let text = format!("xref\n{table}trailer\n<</Size {size}{keys}>>\nstartxref\n{at}\n%%EOF\n");
    out.extend_from_slice(text.as_bytes());
}

/// The lines of a table.
pub(crate) fn table(offsets: &BTreeMap<u32, usize>, first: bool) -> String {
    let mut out = String::new();
    if first {
        out.push_str("0 1\n0000000000 65535 f \n");
    }
    for (number, offset) in offsets {
        let _ = write!(out, "{number} 1\n{offset:010} 00000 n \n");
    }
    out
}

/// The same document with an object stream and a cross-reference stream.
pub(crate) fn packed(objects: &Objects) -> Vec<u8> {
    let mut out = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec();
    let mut entries: BTreeMap<u32, (u8, usize, usize)> = BTreeMap::new();
    let (mut heads, mut bodies, mut count) = (String::new(), String::new(), 0);
    for (number, body) in objects {
        if body.contains("stream") {
            entries.insert(*number, (1, out.len(), 0));
            out.extend_from_slice(format!("{number} 0 obj\n{body}\nendobj\n").as_bytes());
        } else {
            let _ = write!(heads, "{number} {} ", bodies.len());
            let _ = write!(bodies, "{body} ");
            entries.insert(*number, (2, 50, count));
            count += 1;
        }
    }
    entries.insert(50, (1, out.len(), 0));
    let keys = format!("/Type/ObjStm/N {count}/First {}", heads.len());
    let body = stream(&keys, &format!("{heads}{bodies}"));
    out.extend_from_slice(format!("50 0 obj\n{body}\nendobj\n").as_bytes());
    let at = out.len();
    entries.insert(51, (1, at, 0));
    let (mut index, mut data) = (String::new(), String::new());
    for (number, (kind, second, third)) in &entries {
        let _ = write!(index, "{number} 1 ");
        let _ = write!(data, "{kind:02x}{second:08x}{third:04x}");
    }
    let raw: Vec<u8> = (0..data.len() / 2)
        .map(|n| u8::from_str_radix(&data[2 * n..2 * n + 2], 16).unwrap_or(0))
        .collect();
    let keys = format!(
        "51 0 obj\n<</Type/XRef/Size 100/W[1 4 2]/Index[{index}]/Root 1 0 R/Length {}>>\nstream\n",
        raw.len()
    );
    out.extend_from_slice(keys.as_bytes());
    out.extend_from_slice(&raw);
    let end = format!("\nendstream\nendobj\nstartxref\n{at}\n%%EOF\n");
    out.extend_from_slice(end.as_bytes());
    out
}

/// Where the newest section begins.
pub(crate) fn start(bytes: &[u8]) -> usize {
    let at = last(bytes, "startxref") + 9;
    let text: String = bytes[at..]
        .iter()
        .map(|b| char::from(*b))
        .skip_while(|c| !c.is_ascii_digit())
        .take_while(char::is_ascii_digit)
        .collect();
    text.parse().unwrap_or(0)
}

/// The last place of some words.
pub(crate) fn last(bytes: &[u8], words: &str) -> usize {
    let found = bytes
        .windows(words.len())
        .rposition(|w| w == words.as_bytes());
    found.unwrap_or(0)
}

/// The last place of some words written over by others of the same length.
pub(crate) fn overwrite(bytes: &[u8], words: &str, by: &str) -> Vec<u8> {
    assert_eq!(words.len(), by.len(), "{words} / {by}");
    let at = last(bytes, words);
    assert!(at > 0, "{words} is not there");
    let mut out = bytes.to_vec();
    out[at..at + by.len()].copy_from_slice(by.as_bytes());
    out
}

/// The body of an object as it stands last in the file.
pub(crate) fn body(bytes: &[u8], number: u32) -> String {
    let head = format!("\n{number} 0 obj\n");
    let from = last(bytes, &head) + head.len();
    let rest = &bytes[from..];
    let end = rest.windows(7).position(|w| w == b"\nendobj").unwrap_or(0);
    rest[..end].iter().map(|b| char::from(*b)).collect()
}

/// The number of the last object whose body has these words.
pub(crate) fn number_with(bytes: &[u8], words: &str) -> u32 {
    let before = &bytes[..last(bytes, words)];
    let head = last(before, " 0 obj\n");
    let digits: Vec<u8> = before[..head]
        .iter()
        .rev()
        .take_while(|b| b.is_ascii_digit())
        .copied()
        .collect();
    let text: String = digits.iter().rev().map(|b| char::from(*b)).collect();
    text.parse().unwrap_or(0)
}
