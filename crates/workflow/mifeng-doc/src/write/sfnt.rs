//! A font with the glyphs of a document and no others, whole enough to stand in a package by itself.
//!
//! Always with TrueType outlines: not every reader of OFD draws PostScript ones. Tables by ISO/IEC
//! 14496-22, as few as readers ask for: no instructions, no names of glyphs, no kerning.

use super::outline::{Contours, glyph};
use crate::{Error, Face};
use skrifa::MetadataProvider as _;
use skrifa::instance::{LocationRef, Size};
use skrifa::outline::DrawSettings;
use std::collections::{BTreeMap, BTreeSet};

type Tables = BTreeMap<[u8; 4], Vec<u8>>;

/// Glyphs of one document: more characters than anybody writes.
const GLYPHS_MAX: usize = 30_000;
/// Ascent and descent, in hundredths of an em: the usual ones of Chinese faces.
const ASCENT: i64 = 88;
const DESCENT: i64 = 12;

/// The face with these characters only.
pub(super) fn subset(face: &Face, signs: &BTreeSet<char>) -> Result<Vec<u8>, Error> {
    let wrong = |rule| Error::Font {
        name: face.name.clone(),
        rule,
    };
    if signs.len() > GLYPHS_MAX {
        return Err(wrong("more characters than one font is made for"));
    }
    let reader = face.reader()?;
    let outlines = reader.font.outline_glyphs();
    let how = || DrawSettings::unhinted(Size::unscaled(), LocationRef::default());
    // Glyph 0 is the empty one for characters that are not there.
    let mut made = Made::default();
    made.add(&Contours::default(), reader.units);
    let mut map = BTreeMap::new();
    for (sign, number) in signs.iter().zip(1u32..) {
        let id = reader.glyph(*sign)?;
        let mut contours = Contours::default();
        if let Some(outline) = outlines.get(id) {
            let drawn = outline.draw(how(), &mut contours);
            drawn.map_err(|_| wrong("an outline is broken"))?;
        }
        made.add(&contours, reader.units_of(id));
        map.insert(u32::from(*sign), number);
    }
    let (first, last) = (map.keys().next(), map.keys().next_back());
    let mut tables = made.tables(reader.units);
    tables.insert(*b"cmap", cmap(&map));
    tables.insert(*b"name", name(&face.name));
    tables.insert(*b"OS/2", os2(reader.units, first.copied(), last.copied()));
    // Version 3: no names of glyphs.
    let mut post = vec![0; 32];
    post[1] = 3;
    tables.insert(*b"post", post);
    write(&tables).ok_or_else(|| wrong("too large"))
}

/// Glyphs, put together.
#[derive(Default)]
struct Made {
    glyf: Vec<u8>,
    loca: Vec<u8>,
    hmtx: Vec<u8>,
    count: u16,
    widest: u16,
    bounds: [i16; 4],
    points: u16,
    contours: u16,
}

impl Made {
    fn add(&mut self, contours: &Contours, advance: i64) {
        let at = u32::try_from(self.glyf.len()).unwrap_or(u32::MAX);
        self.loca.extend_from_slice(&at.to_be_bytes());
        let (bytes, bounds) = glyph(contours);
        self.glyf.extend_from_slice(&bytes);
        let advance = u16::try_from(advance).unwrap_or(0);
        self.hmtx.extend_from_slice(&advance.to_be_bytes());
        self.hmtx.extend_from_slice(&bounds[0].to_be_bytes());
        let most = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
        self.count += 1;
        self.widest = self.widest.max(advance);
        self.points = self
            .points
            .max(most(contours.all.iter().map(Vec::len).sum()));
        self.contours = self.contours.max(most(contours.all.len()));
        let [left, low, right, high] = bounds;
        let all = self.bounds;
        self.bounds = [
            all[0].min(left),
            all[1].min(low),
            all[2].max(right),
            all[3].max(high),
        ];
    }

    fn tables(mut self, units: i64) -> Tables {
        let end = u32::try_from(self.glyf.len()).unwrap_or(u32::MAX);
        self.loca.extend_from_slice(&end.to_be_bytes());
        let word = |n: i64| i16::try_from(n).unwrap_or(i16::MAX);
        let mut head = Words::default();
        head.long(0x0001_0000)
            .long(0x0001_0000)
            .long(0)
            .long(0x5f0f_3cf5);
        // Baseline and left edge at 0; no dates, so that the same glyphs are the same file.
        head.word(3)
            .word(word(units))
            .long(0)
            .long(0)
            .long(0)
            .long(0);
        self.bounds.iter().for_each(|n| {
            head.word(*n);
        });
        // Not bold, 6 pixels at least, left to right, long offsets.
        head.word(0).word(6).word(2).word(1).word(0);
        let mut hhea = Words::default();
        hhea.long(0x0001_0000);
        hhea.word(word(units * ASCENT / 100))
            .word(word(-units * DESCENT / 100))
            .word(0);
        hhea.bytes(self.widest.to_be_bytes());
        hhea.word(self.bounds[0])
            .word(0)
            .word(self.bounds[2])
            .word(1);
        for _ in 0..7 {
            hhea.word(0);
        }
        hhea.bytes(self.count.to_be_bytes());
        let mut maxp = Words::default();
        maxp.long(0x0001_0000);
        for count in [
            self.count,
            self.points,
            self.contours,
            0,
            0,
            1,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
        ] {
            maxp.bytes(count.to_be_bytes());
        }
        Tables::from([
            (*b"glyf", self.glyf),
            (*b"head", head.0),
            (*b"hhea", hhea.0),
            (*b"hmtx", self.hmtx),
            (*b"loca", self.loca),
            (*b"maxp", maxp.0),
        ])
    }
}

#[derive(Default)]
struct Words(Vec<u8>);

impl Words {
    fn bytes(&mut self, two: [u8; 2]) -> &mut Self {
        self.0.extend_from_slice(&two);
        self
    }
    fn word(&mut self, n: i16) -> &mut Self {
        self.bytes(n.to_be_bytes())
    }
    fn long(&mut self, n: u32) -> &mut Self {
        self.0.extend_from_slice(&n.to_be_bytes());
        self
    }
}

/// Family, style, full and PostScript name, for Windows in English.
fn name(family: &str) -> Vec<u8> {
    let script: String = family.chars().filter(char::is_ascii_alphanumeric).collect();
    let all = [(1u16, family), (2, "Regular"), (4, family), (6, &script)];
    let (mut records, mut text) = (Vec::new(), Vec::new());
    for (id, value) in all {
        let bytes: Vec<u8> = value
            .encode_utf16()
            .take(100)
            .flat_map(u16::to_be_bytes)
            .collect();
        let size = |n: usize| u16::try_from(n).unwrap_or(0);
        for word in [3, 1, 0x0409, id, size(bytes.len()), size(text.len())] {
            records.extend_from_slice(&u16::to_be_bytes(word));
        }
        text.extend_from_slice(&bytes);
    }
    let mut out = Vec::new();
    for word in [0u16, 4, 6 + 4 * 12] {
        out.extend_from_slice(&word.to_be_bytes());
    }
    [out, records, text].concat()
}

/// Format 12: groups of one character each, for Windows and for Unicode platforms.
fn cmap(map: &BTreeMap<u32, u32>) -> Vec<u8> {
    let count = u32::try_from(map.len()).unwrap_or(u32::MAX);
    let basic = basic_cmap(map);
    let basic_len = u32::try_from(basic.len()).unwrap_or(u32::MAX);
    let mut out = Vec::new();
    // Version 0, two subtables: Windows basic plane (3, 1) and full (3, 10).
    for word in [0u16, 2, 3, 1] {
        out.extend_from_slice(&word.to_be_bytes());
    }
    out.extend_from_slice(&20u32.to_be_bytes());
    for word in [3u16, 10] {
        out.extend_from_slice(&word.to_be_bytes());
    }
    out.extend_from_slice(&(20 + basic_len).to_be_bytes());
    out.extend_from_slice(&basic);
    for word in [12u16, 0] {
        out.extend_from_slice(&word.to_be_bytes());
    }
    for long in [16 + 12 * count, 0, count] {
        out.extend_from_slice(&long.to_be_bytes());
    }
    for (sign, glyph) in map {
        for long in [sign, sign, glyph] {
            out.extend_from_slice(&long.to_be_bytes());
        }
    }
    out
}

/// Format 4: one segment for each character, as old readers know it.
fn basic_cmap(map: &BTreeMap<u32, u32>) -> Vec<u8> {
    let pairs: Vec<(u16, u16)> = map
        .iter()
        .filter_map(|(sign, glyph)| Some((u16::try_from(*sign).ok()?, u16::try_from(*glyph).ok()?)))
        .filter(|(sign, _)| *sign != u16::MAX)
        .collect();
    let count = u16::try_from(pairs.len() + 1).unwrap_or(u16::MAX);
    let log = count.ilog2();
    let range = 2u16.saturating_mul(1 << log);
    let double = count.saturating_mul(2);
    let head = [
        4,
        16u16.saturating_add(count.saturating_mul(8)),
        0,
        double,
        range,
        u16::try_from(log).unwrap_or(0),
        double.saturating_sub(range),
    ];
    let ends = pairs.iter().map(|(sign, _)| *sign).chain([u16::MAX]);
    let starts = ends.clone();
    let deltas = pairs
        .iter()
        .map(|(sign, glyph)| glyph.wrapping_sub(*sign))
        .chain([1]);
    let offsets = core::iter::repeat_n(0, pairs.len() + 1);
    let words = head
        .into_iter()
        .chain(ends)
        .chain([0])
        .chain(starts)
        .chain(deltas)
        .chain(offsets);
    words.flat_map(u16::to_be_bytes).collect()
}

/// OS/2 version 4 with what readers use: weight, embedding allowed, line widths, first and last.
fn os2(units: i64, first: Option<u32>, last: Option<u32>) -> Vec<u8> {
    let word = |n: i64| i16::try_from(n).unwrap_or(i16::MAX).to_be_bytes();
    let sign = |sign: Option<u32>| {
        u16::try_from(sign.unwrap_or(0))
            .unwrap_or(u16::MAX)
            .to_be_bytes()
    };
    let mut out = vec![0; 96];
    let mut put = |at: usize, bytes: [u8; 2]| out[at..at + 2].copy_from_slice(&bytes);
    put(0, word(4));
    put(2, word(units));
    put(4, word(400));
    put(6, word(5));
    put(64, sign(first));
    put(66, sign(last));
    put(68, word(units * ASCENT / 100));
    put(70, word(-units * DESCENT / 100));
    put(74, word(units * ASCENT / 100));
    put(76, word(units * DESCENT / 100));
    out
}

fn checksum(bytes: &[u8]) -> u32 {
    bytes.chunks(4).fold(0, |sum: u32, chunk| {
        let mut word = [0; 4];
        word[..chunk.len()].copy_from_slice(chunk);
        sum.wrapping_add(u32::from_be_bytes(word))
    })
}

fn write(tables: &Tables) -> Option<Vec<u8>> {
    let count = u16::try_from(tables.len()).ok()?;
    let log = u16::try_from(count.max(1).ilog2()).ok()?;
    let range = 16 << log;
    let mut out = 0x0001_0000u32.to_be_bytes().to_vec();
    for word in [count, range, log, count * 16 - range] {
        out.extend_from_slice(&word.to_be_bytes());
    }
    let (mut body, mut head) = (Vec::new(), None);
    let start = 12 + 16 * tables.len();
    for (tag, table) in tables {
        let mut table = table.clone();
        if tag == b"head" {
            // Set below, over the whole file.
            table.get_mut(8..12)?.fill(0);
            head = Some(start + body.len() + 8);
        }
        let at = u32::try_from(start + body.len()).ok()?;
        out.extend_from_slice(tag);
        for long in [checksum(&table), at, u32::try_from(table.len()).ok()?] {
            out.extend_from_slice(&long.to_be_bytes());
        }
        body.extend_from_slice(&table);
        body.resize(body.len().next_multiple_of(4), 0);
    }
    out.append(&mut body);
    let adjust = 0xb1b0_afbau32.wrapping_sub(checksum(&out));
    let head = head?;
    out.get_mut(head..head + 4)?
        .copy_from_slice(&adjust.to_be_bytes());
    Some(out)
}
