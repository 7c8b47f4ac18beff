//! Real PDF 1.7 files (ISO 32000-1) of any size: pages of text, a table, and a "scanned" picture.
//!
//! A writer for tests and demonstrations, no more: it writes one fixed layout and reads nothing.

use crate::random::Noise;
use std::fmt::Write as _;

/// Pixels of a picture's row, one grey byte each: A4 at 150 dots per inch.
const ROW: usize = 1_240;
/// Rows of a full picture.
const ROWS_MAX: usize = 1_754;
/// Bytes that a page needs besides its picture, roughly; used to aim at the wanted size.
const PAGE_OVERHEAD: usize = 2_600;
/// Bytes of the fonts, the cross-reference table and the rest.
const FILE_OVERHEAD: usize = 1_500;
/// Objects before the first page: catalogue, page tree, four for fonts, document information.
const FIRST_PAGE: usize = 8;

/// Sentences that a page is made of; none says anything about anybody.
const SENTENCES: [&str; 12] = [
    "The works are divided into sections that can be handed over separately.",
    "All materials are tested on arrival and again before they are covered.",
    "The schedule keeps ten working days in reserve for rain and frost.",
    "Every delivery is recorded with its certificate, batch and place of use.",
    "Measurements follow the drawings; where they differ, the larger scale decides.",
    "The team on site is led by one engineer who can be reached at any hour.",
    "Training of the users takes place twice, before and after acceptance.",
    "Spare parts are kept in store for ten years after the last delivery.",
    "Noise at the boundary stays below the limits of the local regulation.",
    "Waste is separated, weighed and handed to licensed carriers only.",
    "Drawings of the works as built are handed over within thirty days.",
    "Faults are answered within two hours and mended within one working day.",
];

/// A valid PDF of about `size` bytes (at least some 5,000; never more than a page off).
///
/// The same arguments give the same bytes; another `seed` gives another text and other pictures.
/// `title` and `bidder` may be Chinese: they are shown with the standard font STSong-Light, which
/// readers bring along.
pub fn tender_pdf(seed: u64, title: &str, bidder: &str, size: usize) -> Vec<u8> {
    let mut noise = Noise::new(seed ^ 0x7465_6e64_6572);
    let full_page = ROW * ROWS_MAX + PAGE_OVERHEAD;
    let budget = size.saturating_sub(FILE_OVERHEAD);
    let pages = budget.div_ceil(full_page).max(2);
    let rows = (budget / pages).saturating_sub(PAGE_OVERHEAD) / ROW;
    let mut file = Writer::with_capacity(size + full_page);
    front(&mut file, title, bidder, pages);
    for page in 0..pages {
        let first = FIRST_PAGE + 3 * page;
        file.object(
            first,
            &format!(
                "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents {} 0 R\
                 /Resources<</Font<</F1 3 0 R/F2 4 0 R>>/XObject<</Im {} 0 R>>>>>>",
                first + 1,
                first + 2
            ),
        );
        let text = page_text(&mut noise, title, bidder, page + 1, pages);
        file.stream(first + 1, "", text.as_bytes());
        let rows = rows.clamp(1, ROWS_MAX);
        let keys = format!(
            "/Type/XObject/Subtype/Image/Width {ROW}/Height {rows}/ColorSpace/DeviceGray\
             /BitsPerComponent 8"
        );
        file.stream_with(first + 2, &keys, rows * ROW, |out| {
            picture(&mut noise, rows, out)
        });
    }
    file.finish(noise.next())
}

/// Objects 1 to 7.
fn front(file: &mut Writer, title: &str, bidder: &str, pages: usize) {
    file.object(1, "<</Type/Catalog/Pages 2 0 R/Lang(zh-CN)>>");
    let kids: String = (0..pages)
        .map(|page| format!("{} 0 R ", FIRST_PAGE + 3 * page))
        .collect();
    file.object(2, &format!("<</Type/Pages/Count {pages}/Kids[{kids}]>>"));
    file.object(
        3,
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
    );
    // ISO 32000-1 section 9.7.5.2: a predefined CMap needs no embedded font program.
    file.object(
        4,
        "<</Type/Font/Subtype/Type0/BaseFont/STSong-Light-UniGB-UCS2-H/Encoding/UniGB-UCS2-H\
         /DescendantFonts[5 0 R]>>",
    );
    file.object(
        5,
        "<</Type/Font/Subtype/CIDFontType0/BaseFont/STSong-Light\
         /CIDSystemInfo<</Registry(Adobe)/Ordering(GB1)/Supplement 4>>/DW 1000/FontDescriptor 6 0 R>>",
    );
    file.object(
        6,
        "<</Type/FontDescriptor/FontName/STSong-Light/Flags 6/FontBBox[-25 -254 1000 880]\
         /ItalicAngle 0/Ascent 880/Descent -120/CapHeight 880/StemV 93>>",
    );
    file.object(
        7,
        &format!(
            "<</Title<FEFF{}>/Author<FEFF{}>/Producer(mifeng test kit)\
             /CreationDate(D:20260101000000Z)>>",
            utf16(title),
            utf16(bidder)
        ),
    );
}

/// One page: heading, sentences, a ruled table, and the place of the picture.
fn page_text(noise: &mut Noise, title: &str, bidder: &str, page: usize, pages: usize) -> String {
    let mut text = String::with_capacity(2_200);
    text.push_str("q 0.85 0.12 0.12 RG 2 w 48 786 m 547 786 l S Q\nBT ");
    show(&mut text, 18, 48, 796, title);
    show(&mut text, 11, 48, 766, bidder);
    show(&mut text, 9, 470, 766, &format!("page {page} of {pages}"));
    for line in 0..9 {
        let sentence = SENTENCES[noise.below(SENTENCES.len())];
        let mark = noise.next() as u16;
        let numbered = format!("{page}.{} {sentence} [{mark:04x}]", line + 1);
        show(&mut text, 10, 48, 742 - 15 * line, &numbered);
    }
    text.push_str("ET\n0.4 w ");
    for row in 0..5 {
        let y = 520 + 16 * row;
        let _ = write!(text, "48 {y} 499 16 re S ");
        for column in [120, 300, 420] {
            let _ = write!(text, "{column} {y} m {column} {} l S ", y + 16);
        }
    }
    text.push_str("BT ");
    for row in 0..5 {
        let (quantity, cents) = (1 + noise.below(900), noise.below(10_000_000));
        let y = 524 + 16 * row;
        show(&mut text, 9, 54, y, &format!("item {:02}", 5 - row));
        show(&mut text, 9, 310, y, &quantity.to_string());
        show(
            &mut text,
            9,
            430,
            y,
            &format!("{}.{:02}", cents / 100, cents % 100),
        );
    }
    text.push_str("ET\nq 499 0 0 470 48 36 cm /Im Do Q\n");
    text
}

/// Shows one line of text with the font that has its letters.
fn show(out: &mut String, size: u8, x: i32, y: i32, text: &str) {
    let _ = if text.is_ascii() {
        let mut escaped = String::with_capacity(text.len());
        for sign in text.chars().filter(|sign| !sign.is_control()) {
            if matches!(sign, '(' | ')' | '\\') {
                escaped.push('\\');
            }
            escaped.push(sign);
        }
        writeln!(out, "/F1 {size} Tf 1 0 0 1 {x} {y} Tm ({escaped}) Tj")
    } else {
        writeln!(out, "/F2 {size} Tf 1 0 0 1 {x} {y} Tm <{}> Tj", utf16(text))
    };
}

/// UTF-16BE hex digits; signs beyond the basic plane, which the CMap lacks, become a white square.
fn utf16(text: &str) -> String {
    let mut out = String::with_capacity(4 * text.len());
    for sign in text.chars() {
        let unit = u16::try_from(u32::from(sign)).unwrap_or(0x25a1);
        let _ = write!(out, "{unit:04X}");
    }
    out
}

/// Paper with grain, and dark rows of blocks where a scan would have words.
fn picture(noise: &mut Noise, rows: usize, out: &mut Vec<u8>) {
    const LIGHT: u64 = 0xe0e0_e0e0_e0e0_e0e0;
    const GRAIN: u64 = 0x1f1f_1f1f_1f1f_1f1f;
    let words = ROW / 8;
    for row in 0..rows {
        let inked = row % 28 < 12 && row > 40;
        let shape = (row / 28) as u64;
        for word in 0..words {
            // A block of ink is as wide as one word of pixels; its line decides where blocks are.
            let block = shape.wrapping_mul(0x9e37).wrapping_add(word as u64 / 3) % 7 < 4;
            let margin = !(10..words - 10).contains(&word);
            let base = if inked && block && !margin { 0 } else { LIGHT };
            let pixels = (noise.next() & GRAIN) | base;
            out.extend_from_slice(&pixels.to_be_bytes());
        }
    }
}

/// Writes numbered objects and remembers where they begin.
struct Writer {
    out: Vec<u8>,
    starts: Vec<usize>,
}

impl Writer {
    fn with_capacity(bytes: usize) -> Self {
        let mut out = Vec::with_capacity(bytes);
        // The second line tells transports that the file is binary (section 7.5.2).
        out.extend_from_slice(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n");
        Writer {
            out,
            starts: Vec::new(),
        }
    }

    fn start(&mut self, number: usize) {
        debug_assert_eq!(
            number,
            self.starts.len() + 1,
            "objects are written in order"
        );
        self.starts.push(self.out.len());
        self.out
            .extend_from_slice(format!("{number} 0 obj\n").as_bytes());
    }

    fn object(&mut self, number: usize, body: &str) {
        self.start(number);
        self.out.extend_from_slice(body.as_bytes());
        self.out.extend_from_slice(b"\nendobj\n");
    }

    fn stream(&mut self, number: usize, keys: &str, data: &[u8]) {
        self.stream_with(number, keys, data.len(), |out| out.extend_from_slice(data));
    }

    fn stream_with(
        &mut self,
        number: usize,
        keys: &str,
        len: usize,
        fill: impl FnOnce(&mut Vec<u8>),
    ) {
        self.start(number);
        let head = format!("<<{keys}/Length {len}>>\nstream\n");
        self.out.extend_from_slice(head.as_bytes());
        let from = self.out.len();
        fill(&mut self.out);
        debug_assert_eq!(self.out.len() - from, len, "the length was announced");
        self.out.extend_from_slice(b"\nendstream\nendobj\n");
    }

    /// Cross-reference table and trailer (sections 7.5.4 and 7.5.5).
    fn finish(mut self, id: u64) -> Vec<u8> {
        let at = self.out.len();
        let objects = self.starts.len() + 1;
        let mut tail = format!("xref\n0 {objects}\n0000000000 65535 f \n");
        for start in &self.starts {
            let _ = writeln!(tail, "{start:010} 00000 n ");
        }
        let _ = write!(
            tail,
            "trailer\n<</Size {objects}/Root 1 0 R/Info 7 0 R/ID[<{id:032X}><{id:032X}>]>>\n\
             startxref\n{at}\n%%EOF\n"
        );
        self.out.extend_from_slice(tail.as_bytes());
        self.out
    }
}
