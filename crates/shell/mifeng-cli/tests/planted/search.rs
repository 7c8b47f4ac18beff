//! Looks for secrets in bytes: as they are, in the encodings that programs print and store, and inside compressed data.

use base64::prelude::{BASE64_STANDARD_NO_PAD, Engine as _};
use miniz_oxide::inflate::decompress_to_vec_with_limit;
use std::collections::BTreeMap;

/// What one compressed stretch may hold at most: ten times anything that the test writes.
const INFLATED: usize = 16 << 20;
/// Inside compressed data others may lie, as a package in a package.
const DEPTH: usize = 3;

/// What is looked for: each form with the name of its secret, by the first two bytes.
pub(crate) struct Search {
    forms: BTreeMap<[u8; 2], Vec<(String, Vec<u8>)>>,
    starts: Vec<bool>,
}

impl Search {
    pub(crate) fn new() -> Self {
        Search {
            forms: BTreeMap::new(),
            starts: vec![false; 1 << 16],
        }
    }

    /// Adds a secret in all its forms.
    pub(crate) fn plant(&mut self, name: &str, secret: &[u8]) {
        // Shorter ones would be found by chance.
        assert!(secret.len() >= 6, "{name} is too short to look for");
        for (form, bytes) in forms(secret) {
            let first = [bytes[0], bytes[1]];
            self.starts[usize::from(u16::from_be_bytes(first))] = true;
            let named = (format!("{name}, {form}"), bytes);
            self.forms.entry(first).or_default().push(named);
        }
    }

    /// The names of what is in these bytes.
    pub(crate) fn found(&self, bytes: &[u8]) -> Vec<String> {
        let mut found = Vec::new();
        self.look(bytes, DEPTH, &mut found);
        // Text that was broken into lines, as PEM is.
        let joined: Vec<u8> = bytes
            .iter()
            .filter(|byte| !byte.is_ascii_whitespace())
            .copied()
            .collect();
        self.look(&joined, 0, &mut found);
        found.sort();
        found.dedup();
        found
    }

    fn look(&self, bytes: &[u8], depth: usize, found: &mut Vec<String>) {
        for (at, two) in bytes.windows(2).enumerate() {
            let first = [two[0], two[1]];
            if self.starts[usize::from(u16::from_be_bytes(first))] {
                let here = &bytes[at..];
                let forms = self.forms.get(&first).into_iter().flatten();
                let named = forms.filter(|(_, form)| here.starts_with(form));
                found.extend(named.map(|(name, _)| name.clone()));
            }
            if depth > 0
                && let Some(inside) = inflated(bytes, at)
            {
                self.look(&inside, depth - 1, found);
            }
        }
    }
}

/// What the compressed data that begins here holds; of damaged data, what came out of it.
fn inflated(bytes: &[u8], at: usize) -> Option<Vec<u8>> {
    let here = &bytes[at..];
    let start = match here {
        // gzip (RFC 1952): without optional fields, as programs write it in memory, or with a name.
        [0x1f, 0x8b, 8, 0, ..] => 10,
        [0x1f, 0x8b, 8, 8, ..] => 10 + here.get(10..)?.iter().position(|byte| *byte == 0)? + 1,
        // zlib (RFC 1950): a window of 32 KiB, and a header that is a multiple of 31.
        [0x78, flags, ..] if (0x7800 + u16::from(*flags)) % 31 == 0 => 2,
        // A file of a zip package.
        [b'P', b'K', 3, 4, ..] => {
            let length = |at: usize| {
                Some(usize::from(*here.get(at)?) + 256 * usize::from(*here.get(at + 1)?))
            };
            (length(8)? == 8).then_some(30 + length(26)? + length(28)?)?
        }
        _ => return None,
    };
    let out = match decompress_to_vec_with_limit(here.get(start..)?, INFLATED) {
        Ok(out) => out,
        Err(stopped) => stopped.output,
    };
    (!out.is_empty()).then_some(out)
}

/// The forms in which these bytes could lie somewhere.
fn forms(secret: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let hex = hex::encode(secret);
    let list = format!("{secret:?}");
    let list = list.trim_matches(['[', ']']);
    let mut out = vec![
        ("as it is", secret.to_vec()),
        ("backwards", secret.iter().rev().copied().collect()),
        ("in capital hex", hex.to_uppercase().into_bytes()),
        ("in hex", hex.into_bytes()),
        ("as a printed list", list.as_bytes().to_vec()),
        ("as a list", list.replace(' ', "").into_bytes()),
    ];
    if let Ok(text) = std::str::from_utf8(secret) {
        let wide = text.encode_utf16().flat_map(u16::to_le_bytes);
        out.push(("in UTF-16", wide.collect()));
        if !text.is_ascii() {
            let escaped = text.encode_utf16().map(|unit| format!("\\u{unit:04x}"));
            out.push(("escaped", escaped.collect::<String>().into_bytes()));
        }
    }
    for offset in 0..3 {
        let coded = middle_in_base64(secret, offset);
        let other = coded.replace('+', "-").replace('/', "_");
        out.push(("in base64url", other.into_bytes()));
        out.push(("in base64", coded.into_bytes()));
    }
    out
}

/// The characters of base64 that these bytes alone decide when they begin at `offset` of a group of three.
fn middle_in_base64(secret: &[u8], offset: usize) -> String {
    let moved = [&vec![0; offset], secret].concat();
    let coded = BASE64_STANDARD_NO_PAD.encode(&moved);
    let (first, last) = ((offset * 8).div_ceil(6), moved.len() * 8 / 6);
    coded[first..last].to_owned()
}

/// That what is planted is found, so that not to find it says something.
pub(crate) fn finds_what_is_planted(folder: &std::path::Path) {
    let secret = "报价 planted+marker?/7Q2".as_bytes();
    let mut search = Search::new();
    search.plant("marker", secret);
    let text = String::from_utf8(secret.to_vec()).expect("text");
    assert!(
        search
            .found(b"nothing at all, however long it may be")
            .is_empty()
    );

    let padded = |before: usize| [&vec![7; before], secret, &[1, 2, 3, 4, 5]].concat();
    let base64 = BASE64_STANDARD_NO_PAD;
    let mut hidden = vec![
        padded(9),
        hex::encode(secret).into_bytes(),
        hex::encode_upper(secret).into_bytes(),
        format!("{:?}", padded(2)).into_bytes(),
        serde_json::to_vec(&padded(2)).expect("a list"),
        serde_json::to_string(&text).expect("a string").into_bytes(),
        text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        secret.iter().rev().copied().collect(),
    ];
    for before in 0..6 {
        let coded = base64.encode(padded(before));
        let lines: Vec<&str> = coded
            .as_bytes()
            .chunks(8)
            .filter_map(|line| std::str::from_utf8(line).ok())
            .collect();
        hidden.push(lines.join("\n").into_bytes());
        hidden.push(coded.into_bytes());
        hidden.push(
            base64::prelude::BASE64_URL_SAFE_NO_PAD
                .encode(padded(before))
                .into_bytes(),
        );
    }
    let raw = miniz_oxide::deflate::compress_to_vec(&padded(40), 6);
    hidden.push([&[0; 5][..], &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3], &raw].concat());
    hidden.push([&[0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3][..], b"name\0", &raw].concat());
    let zlib = miniz_oxide::deflate::compress_to_vec_zlib(&padded(40), 6);
    // One in the other.
    hidden.push(miniz_oxide::deflate::compress_to_vec_zlib(&zlib, 6));
    hidden.push(zlib);
    let mut package = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let deflated = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated);
    package.start_file("a.txt", deflated).expect("a package");
    std::io::Write::write_all(&mut package, &padded(40)).expect("written");
    hidden.push(package.finish().expect("a package").into_inner());

    for (number, bytes) in hidden.iter().enumerate() {
        assert!(
            !search.found(bytes).is_empty(),
            "form {number} was not found"
        );
        // And by the way that the folders are searched.
        let file = folder.join(format!("hidden-{number}"));
        std::fs::write(&file, bytes).expect("written");
    }
    let found = super::in_folder(&search, folder, &[]);
    let files: std::collections::BTreeSet<&str> = found
        .iter()
        .filter_map(|line| line.split(": ").next())
        .collect();
    assert_eq!(files.len(), hidden.len(), "{found:?}");
}
