//! Universal forgery, wrapping, and files that can be read in two ways.

use super::base::{self, body, last, number_with, overwrite, replace};
use super::world::{How, PADES, World};
use super::{Made, Set};
use mifeng_stamp::pdf::{Format, Level};

const RANGE: &str = "pdf.byte-range";
const VALUE: &str = "pdf.contents";

pub(crate) fn all(world: &World, set: &mut Set) -> Made<()> {
    let signed = world.letter(PADES)?;
    forgeries(&signed, set);
    wrapping(world, &signed, set)?;
    values(world, &signed, set)?;
    ambiguous(&signed, set)?;
    Ok(())
}

/// The four numbers as they stand.
fn range_text(bytes: &[u8]) -> String {
    let at = last(bytes, "/ByteRange [") + "/ByteRange [".len();
    let rest = bytes[at..].iter().map(|b| char::from(*b));
    rest.take_while(|c| *c != ']').collect()
}

fn with_range(bytes: &[u8], numbers: &str) -> Vec<u8> {
    let was = range_text(bytes);
    let now = format!("{numbers:<width$}", width = was.len());
    overwrite(
        bytes,
        &format!("/ByteRange [{was}]"),
        &format!("/ByteRange [{now}]"),
    )
}

fn numbers(bytes: &[u8]) -> Vec<usize> {
    let text = range_text(bytes);
    text.split_whitespace()
        .filter_map(|n| n.parse().ok())
        .collect()
}

/// Universal signature forgery: what a careless checker takes for "nothing to check".
fn forgeries(signed: &[u8], set: &mut Set) {
    let was = range_text(signed);
    let n = numbers(signed);
    let key = overwrite(signed, "/ByteRange", "/ByteRangf");
    set.case("usf-no-range", key, ("invalid", RANGE), "no ByteRange");
    let dots = format!("null{:1$}", "", was.len() - 2);
    let null = overwrite(signed, &format!("[{was}]"), &dots);
    set.bad("usf-null-range", null, RANGE, "ByteRange null");
    let cases = [
        ("usf-zero-range", "0 0 0 0".to_owned(), "all zero"),
        (
            "usf-negative-range",
            format!("0 {} -1 {}", n[1], n[3]),
            "a negative number",
        ),
        (
            "usf-short-range",
            format!("0 {}", n[1] + n[3]),
            "two numbers",
        ),
        (
            "usf-long-range",
            format!("0 {} {} 9 9 9", n[1], n[2]),
            "six numbers",
        ),
        ("usf-text-range", "0 (1) (2) (3)".to_owned(), "texts"),
        (
            "usf-huge-range",
            format!("0 {} {} 99999999", n[1], n[2]),
            "beyond the file",
        ),
        (
            "range-late",
            format!("9 {} {} {}", n[1] - 9, n[2], n[3]),
            "does not begin with the file",
        ),
        (
            "range-wide",
            format!("0 {} {} {}", n[1] - 20, n[2], n[3]),
            "leaves out more than the value",
        ),
        (
            "range-overlap",
            format!("0 {} {} {}", n[1], n[1], n[3]),
            "the value covers itself",
        ),
        (
            "range-short",
            format!("0 {} {} {}", n[1], n[2], n[3] - 40),
            "ends before its revision does",
        ),
    ];
    for (name, numbers, note) in cases {
        set.bad(name, with_range(signed, &numbers), RANGE, note);
    }
    let key = overwrite(signed, "/Contents <", "/Contentz <");
    set.bad("usf-no-contents", key, VALUE, "no Contents");
    let (from, to) = (n[1], n[2]);
    let fill = |by: &str| {
        let mut out = signed.to_vec();
        out[from..to].fill(b' ');
        out[from..from + by.len()].copy_from_slice(by.as_bytes());
        out
    };
    set.bad("usf-null-contents", fill("null"), VALUE, "Contents null");
    set.bad("usf-empty-contents", fill("<>"), VALUE, "Contents empty");
    set.bad(
        "usf-text-contents",
        fill("(signed)"),
        VALUE,
        "Contents as other text",
    );
    let mut zeros = signed.to_vec();
    zeros[from + 1..to - 1].fill(b'0');
    set.bad("usf-zero-contents", zeros, VALUE, "Contents all zero");
}

/// The signed bytes moved, and others shown.
fn wrapping(world: &World, signed: &[u8], set: &mut Set) -> Made<()> {
    let n = numbers(signed);
    // The second part goes to the end, what it leaves free holds another content.
    let tail = signed[n[2]..].to_vec();
    let shift = base::other_content().len() + 200;
    let moved = format!("0 {} {} {}", n[1], n[2] + shift, n[3]);
    let bent = with_range(signed, &moved);
    let mut wrapped = bent[..n[2]].to_vec();
    let filler = format!("\n%{}", base::other_content().replace('\n', " "));
    wrapped.extend_from_slice(filler.as_bytes());
    wrapped.resize(n[2] + shift, b' ');
    wrapped.extend_from_slice(&tail);
    set.bad(
        "wrap-shifted",
        wrapped,
        "pdf.malformed",
        "the second part moved behind other bytes",
    );
    // A second dictionary with the first one's range and value: only its place tells.
    let number = number_with(signed, "/Type /Sig/Filter");
    let copy = body(signed, number);
    let two = replace(signed, number, &copy);
    set.bad(
        "wrap-copied",
        two,
        RANGE,
        "the signature copied behind its range",
    );
    let other = base::file(&base::letter("Price: 9 000 000"));
    let other = world.sign(&other, &world.supplier, PADES)?;
    let m = numbers(&other);
    let mut stolen = other.clone();
    stolen[m[1]..m[2]].copy_from_slice(&signed[n[1]..n[2]]);
    set.bad(
        "wrap-stolen",
        stolen,
        "pki.digest-mismatch",
        "the value of another document",
    );
    let mut bit = signed.to_vec();
    let at = signed
        .windows(9)
        .position(|w| w == b"1 000 000")
        .ok_or("no price")?;
    bit[at] = b'7';
    set.bad(
        "byte-changed",
        bit,
        "pki.digest-mismatch",
        "one byte of the price",
    );
    let tail = overwrite(signed, "/Root 1 0 R", "/Root 1 0 R");
    let mut tail = tail;
    let at = last(&tail, "/Size ");
    tail[at + 6] ^= 1;
    set.bad(
        "byte-after-value",
        tail,
        "pki.digest-mismatch",
        "one byte of the last trailer",
    );
    Ok(())
}

fn values(world: &World, signed: &[u8], set: &mut Set) -> Made<()> {
    let n = numbers(signed);
    let mut tail = signed.to_vec();
    let at = n[2] - 30;
    tail[at..at + 8].copy_from_slice(b"48494444");
    set.bad(
        "value-tail",
        tail,
        VALUE,
        "something hidden behind the signature",
    );
    // Neither what is named nor how is signed by the value of another format.
    let weak = sha1(world)?;
    set.bad(
        "weak-format",
        weak,
        "pdf.sub-filter",
        "a format bound to SHA-1",
    );
    let bare = How {
        format: Format::Message,
        ..PADES
    };
    let first = world.sign(signed, &world.buyer, bare)?;
    let early = base::overwrite(
        &first,
        "/SubFilter /adbe.pkcs7.detached",
        "/SubFilter /adbe.pkcs7.detacheX",
    );
    set.bad(
        "format-renamed",
        early,
        "pki.digest-mismatch",
        "the format's name changed after signing",
    );
    let late = certified_late(world, signed)?;
    set.bad(
        "certified-late",
        late,
        "pdf.catalog-changed",
        "certified by the second signature",
    );
    Ok(())
}

/// Signed under a format's name that stands for SHA-1.
fn sha1(world: &World) -> Made<Vec<u8>> {
    world.signed_as(|bytes| {
        overwrite(
            bytes,
            "/SubFilter /ETSI.CAdES.detached",
            "/SubFilter /adbe.x509.rsa_sha1 ",
        )
    })
}

/// A second signature that certifies, which our own signer refuses to make.
fn certified_late(world: &World, signed: &[u8]) -> Made<Vec<u8>> {
    world.certified_late(signed, Level::Forms)
}

/// Files that readers read in different ways.
fn ambiguous(signed: &[u8], set: &mut Set) -> Made<()> {
    let code = "pdf.malformed";
    let tail = [signed, b"<html>"].concat();
    set.bad("tail", tail, code, "bytes after the end");
    let head = [b"junk\n", signed].concat();
    set.bad("head", head, code, "bytes before the beginning");
    let twice = base::letter("Price: 1 000 000");
    let mut objects = twice;
    objects.insert(
        3,
        objects[&3].replace("/Contents 4 0 R", "/Contents 4 0 R/Contents 8 0 R"),
    );
    set.bad(
        "key-twice",
        base::file(&objects),
        code,
        "a dictionary with a key twice",
    );
    let mut objects = base::letter("Price: 1 000 000");
    objects.insert(4, objects[&4].replace("/Length ", "/Length 1"));
    set.bad(
        "stream-long",
        referred(&objects),
        code,
        "a stream longer than the file",
    );
    let at = base::start(signed);
    let end = signed.len();
    let lines = format!(
        "xref\n0 0\ntrailer\n<</Size 100/Root 1 0 R/Prev {end}>>\nstartxref\n{end}\n%%EOF\n"
    );
    let _ = at;
    let circle = [signed, lines.as_bytes()].concat();
    set.bad("xref-circle", circle, code, "cross-references in a circle");
    let objects = base::letter("Price: 1 000 000");
    let locked = base::update(
        &base::file(&objects),
        &base::Objects::new(),
        "/Root 1 0 R/Encrypt<<>>",
    );
    set.bad(
        "encrypted",
        locked,
        "pdf.encrypted",
        "what is shown cannot be checked",
    );
    let mut objects = base::letter("Price: 1 000 000");
    let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
    objects.insert(2, format!("<</Type/Pages/Kids[3 0 R]/Count 1/X {deep}>>"));
    set.bad("deep", base::file(&objects), code, "arrays in arrays");
    let mut objects = base::letter("Price: 1 000 000");
    objects.insert(2, "<</Type/Pages/Kids[3 0 R 2 0 R]/Count 2>>".to_owned());
    set.bad(
        "page-circle",
        base::file(&objects),
        code,
        "a page tree in a circle",
    );
    Ok(())
}

/// A file in which something reads the content: an unsigned file is looked at no further than needed.
fn referred(objects: &base::Objects) -> Vec<u8> {
    let mut objects = objects.clone();
    objects.insert(
        1,
        "<</Type/Catalog/Pages 2 0 R/AcroForm 6 0 R/Perms 4 0 R>>".to_owned(),
    );
    base::file(&objects)
}
