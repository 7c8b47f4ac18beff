//! OFD (GB/T 33190-2016): text as text, fonts embedded, ready to be sealed.

use super::sfnt;
use crate::face::Weight;
use crate::set::{Mark, PAGE_HEIGHT, PAGE_WIDTH, Page, Run};
use crate::{Error, Faces, Sheets};
use core::fmt::Write as _;
use mifeng_crypto::HashAlg;
use mifeng_stamp::ofd::{Mm, Writer};
use std::collections::BTreeSet;

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
const SPACE: &str = "xmlns:ofd=\"http://www.ofdspec.org/2016\"";

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn number(weight: Weight) -> usize {
    match weight {
        Weight::Text => 1,
        Weight::Bold => 2,
    }
}

/// IDs below are fonts'; pages and their objects count on from here.
const FIRST_ID: usize = 10;

impl Sheets {
    /// The ID of a page, from 1, for the places of seals.
    #[must_use]
    pub fn page_id(&self, page: usize) -> String {
        (FIRST_ID + page - 1).to_string()
    }

    /// The document as OFD, not sealed.
    ///
    /// # Errors
    /// [`Error::Font`], [`Error::Stamp`].
    pub fn ofd(&self, faces: &Faces) -> Result<Vec<u8>, Error> {
        let mut writer = Writer::new(self.paper.made);
        let mut next = FIRST_ID + self.pages.len();
        let pages: Vec<String> = self
            .pages
            .iter()
            .map(|page| content(page, &mut next))
            .collect();
        let id = HashAlg::Sm3.digest(pages.concat().as_bytes()).to_string();
        writer.add(
            "OFD.xml",
            self.entry(id.get(..32).unwrap_or(&id)).as_bytes(),
        )?;
        writer.add("Doc_0/Document.xml", self.document(next).as_bytes())?;
        let mut fonts = String::new();
        for weight in Weight::ALL {
            let signs = self.signs(weight);
            if signs.is_empty() {
                continue;
            }
            let (face, n) = (faces.of(weight), number(weight));
            let name = escape(&face.name);
            let bold = if weight == Weight::Bold {
                " Bold=\"true\""
            } else {
                ""
            };
            let _ = write!(
                fonts,
                "<ofd:Font ID=\"{n}\" FontName=\"{name}\" FamilyName=\"{name}\"{bold}>\
                 <ofd:FontFile>font_{n}.ttf</ofd:FontFile></ofd:Font>"
            );
            writer.add(
                &format!("Doc_0/Res/font_{n}.ttf"),
                &sfnt::subset(face, &signs)?,
            )?;
        }
        let resources = format!(
            "{HEAD}<ofd:Res {SPACE} BaseLoc=\"Res\"><ofd:Fonts>{fonts}</ofd:Fonts></ofd:Res>"
        );
        writer.add("Doc_0/PublicRes.xml", resources.as_bytes())?;
        for (page, n) in pages.iter().zip(0..) {
            writer.add(
                &format!("Doc_0/Pages/Page_{n}/Content.xml"),
                page.as_bytes(),
            )?;
        }
        Ok(writer.finish()?)
    }

    fn signs(&self, weight: Weight) -> BTreeSet<char> {
        let marks = self.pages.iter().flat_map(|page| &page.marks);
        let runs = marks.filter_map(|mark| match mark {
            Mark::Run(run) if run.weight == weight => Some(run),
            _ => None,
        });
        runs.flat_map(|run| run.text.chars()).collect()
    }

    fn entry(&self, id: &str) -> String {
        let (year, month, day, ..) = self.paper.made.china_fields();
        let title = escape(&self.paper.title.concat());
        let code = self.code().map(|code| {
            format!(
                "<ofd:CustomDatas><ofd:CustomData Name=\"Record\">{}</ofd:CustomData></ofd:CustomDatas>",
                escape(&code)
            )
        });
        format!(
            "{HEAD}<ofd:OFD {SPACE} Version=\"1.0\" DocType=\"OFD\"><ofd:DocBody><ofd:DocInfo>\
             <ofd:DocID>{id}</ofd:DocID><ofd:Title>{title}</ofd:Title>\
             <ofd:CreationDate>{year:04}-{month:02}-{day:02}</ofd:CreationDate>\
             <ofd:Creator>mifeng</ofd:Creator>{}</ofd:DocInfo>\
             <ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>",
            code.unwrap_or_default()
        )
    }

    fn document(&self, largest: usize) -> String {
        let mut list = String::new();
        for n in 0..self.pages.len() {
            let id = self.page_id(n + 1);
            let _ = write!(
                list,
                "<ofd:Page ID=\"{id}\" BaseLoc=\"Pages/Page_{n}/Content.xml\"/>"
            );
        }
        format!(
            "{HEAD}<ofd:Document {SPACE}><ofd:CommonData><ofd:MaxUnitID>{largest}</ofd:MaxUnitID>\
             <ofd:PageArea><ofd:PhysicalBox>0 0 {PAGE_WIDTH} {PAGE_HEIGHT}</ofd:PhysicalBox></ofd:PageArea>\
             <ofd:PublicRes>PublicRes.xml</ofd:PublicRes></ofd:CommonData>\
             <ofd:Pages>{list}</ofd:Pages></ofd:Document>"
        )
    }
}

fn content(page: &Page, next: &mut usize) -> String {
    let mut id = || {
        *next += 1;
        *next
    };
    let (mut text, mut boxes) = (String::new(), String::new());
    let layer = id();
    for mark in &page.marks {
        match mark {
            Mark::Run(run) => object(&mut text, run, id()),
            Mark::Fill(rect) => {
                let (right, low) = (Mm(rect.x.0 + rect.width.0), Mm(rect.y.0 + rect.height.0));
                let (left, top) = (rect.x, rect.y);
                let _ = write!(
                    boxes,
                    "M {left} {top} L {right} {top} L {right} {low} L {left} {low} C "
                );
            }
        }
    }
    let shapes = match boxes.is_empty() {
        true => String::new(),
        false => format!(
            "<ofd:PathObject ID=\"{}\" Boundary=\"0 0 {PAGE_WIDTH} {PAGE_HEIGHT}\" Stroke=\"false\" Fill=\"true\">\
             <ofd:FillColor Value=\"0 0 0\"/><ofd:AbbreviatedData>{}</ofd:AbbreviatedData></ofd:PathObject>",
            id(),
            boxes.trim_end()
        ),
    };
    format!(
        "{HEAD}<ofd:Page {SPACE}><ofd:Content><ofd:Layer ID=\"{layer}\" Type=\"Body\">{shapes}{text}</ofd:Layer></ofd:Content></ofd:Page>"
    )
}

fn object(out: &mut String, run: &Run, id: usize) {
    let above = Mm(run.size.0 * 88 / 100);
    let (x, y, size) = (run.x, Mm(run.y.0 - above.0), run.size);
    let (width, height) = (run.width(), Mm(run.size.0 * 120 / 100));
    let all = run
        .advances
        .split_last()
        .map_or(&[][..], |(_, before)| before);
    let deltas = match all.is_empty() {
        true => String::new(),
        false => format!(" DeltaX=\"{}\"", deltas(all)),
    };
    let (font, text) = (number(run.weight), escape(&run.text));
    let _ = write!(
        out,
        "<ofd:TextObject ID=\"{id}\" Boundary=\"{x} {y} {width} {height}\" Font=\"{font}\" Size=\"{size}\">\
         <ofd:TextCode X=\"0\" Y=\"{above}\"{deltas}>{text}</ofd:TextCode></ofd:TextObject>"
    );
}

/// Advances; three equal ones and more as `g count advance`.
fn deltas(all: &[Mm]) -> String {
    let groups = all.chunk_by(|a, b| a == b).map(|group| match group {
        [one, _, _, ..] => format!("g {} {one}", group.len()),
        few => few.iter().map(Mm::to_string).collect::<Vec<_>>().join(" "),
    });
    groups.collect::<Vec<_>>().join(" ")
}
