//! Stamping and checking documents beside what cannot be left out: unpacking every file of an OFD, inflating
//! every stream of a PDF, and hashing all of it.

use benches::{Table, Unit, good};
use mifeng::crypto::{HashAlg, Time};
use mifeng::pki::{Certificate, Signer as _};
use mifeng::stamp::ofd::{self, Mm, Package, Place, Rect, Scope};
use mifeng::stamp::pdf::{self, Format, RESERVE, Shown};
use mifeng::stamp::{Seal, SignatureDraft, Trust, Verdict};
use mifeng_testkit::registry::{By, DAY, World, second};
use std::fmt::Write as _;

/// Bytes of a font that is embedded: a Chinese face with some thousand glyphs.
const FONT_LEN: usize = 2_000_000;
/// Lines of text on a page.
const LINES: usize = 36;

fn main() {
    let mut table = Table::new("stamp");
    let pages = table.size(300, 3);
    let font = table.size(FONT_LEN, 2_000);
    let world = World::new();
    let asked = world.application("投标人0有限公司", 300);
    let seal = world.seal(By::Maker, &asked, "1", 0);
    let bench = Bench { world, seal };
    for (pages, font) in [(pages, font), (1, 60_000.min(font))] {
        bench.ofd(&mut table, pages, font);
        bench.pdf(&mut table, pages, font);
    }
    table.print();
}

struct Bench {
    world: World,
    seal: Seal,
}

/// When documents are sealed.
fn at() -> Time {
    second(DAY)
}

impl Bench {
    fn trust(&self) -> (Vec<Certificate>, Trust<'_>) {
        let between = vec![self.world.cast.ca.certificate().clone()];
        let reader = self.world.trust();
        (
            between,
            Trust::new(reader.makers, reader.material, second(2 * DAY)),
        )
    }

    fn ofd(&self, table: &mut Table, pages: usize, font: usize) {
        let plain = package(pages, font);
        let sealed = self.seal_ofd(&plain);
        let (between, mut trust) = self.trust();
        trust.material.intermediates = &between;
        let verdict = || ofd::check(&sealed, &trust).verdict();
        assert_eq!(verdict(), Verdict::Valid);
        let job = |what: &str| format!("OFD of {pages} pages, {} kB, {what}", plain.len() / 1_000);
        let mut bare = || {
            let package = Package::open(&sealed).expect("a package");
            let names: Vec<String> = package.names().map(str::to_owned).collect();
            for name in names {
                good(package.digest(&name, HashAlg::Sm3));
            }
        };
        table.job(
            &job("stamp"),
            Unit::Time,
            &mut || drop(self.seal_ofd(&plain)),
            &mut [("unpack and hash", &mut bare)],
        );
        table.job(
            &job("verify"),
            Unit::Time,
            &mut || assert_eq!(verdict(), Verdict::Valid),
            &mut [("unpack and hash", &mut bare)],
        );
    }

    fn seal_ofd(&self, plain: &[u8]) -> Vec<u8> {
        let boundary = rect();
        let places = [Place {
            page: "1".to_owned(),
            boundary,
            clip: None,
        }];
        let request = ofd::Request {
            seal: &self.seal,
            at: at(),
            places: &places,
            scope: Scope::Document,
            close: false,
            provider: "mifeng",
        };
        let prepared = ofd::prepare(plain, &request).expect("prepared");
        let signature = prepared.draft(&self.seal).sign(&self.world.unit().signer);
        prepared
            .finish(&signature.expect("signed"))
            .expect("written")
    }

    fn pdf(&self, table: &mut Table, pages: usize, font: usize) {
        let (plain, streams) = document(pages, font);
        let sealed = self.seal_pdf(&plain);
        let (between, mut trust) = self.trust();
        trust.material.intermediates = &between;
        let verdict = || pdf::check(&sealed, &trust).verdict();
        assert_eq!(verdict(), Verdict::Valid);
        let job = |what: &str| format!("PDF of {pages} pages, {} kB, {what}", plain.len() / 1_000);
        let mut bare = || {
            for packed in &streams {
                good(miniz_oxide::inflate::decompress_to_vec_zlib(packed));
            }
            std::hint::black_box(HashAlg::Sm3.digest(&sealed));
        };
        table.job(
            &job("stamp"),
            Unit::Time,
            &mut || drop(self.seal_pdf(&plain)),
            &mut [("inflate and hash", &mut bare)],
        );
        table.job(
            &job("verify"),
            Unit::Time,
            &mut || assert_eq!(verdict(), Verdict::Valid),
            &mut [("inflate and hash", &mut bare)],
        );
    }

    fn seal_pdf(&self, plain: &[u8]) -> Vec<u8> {
        let signer = &self.world.unit().signer;
        let name = signer.certificate().subject_name();
        let request = pdf::Request {
            format: Format::Seal,
            at: at(),
            name: &name,
            reason: "",
            location: "",
            shown: Some(Shown {
                page: 1,
                place: rect(),
                clip: None,
                picture: self.seal.picture(),
            }),
            strips: &[],
            certify: None,
            reserve: RESERVE + self.seal.der().len(),
        };
        let prepared = pdf::prepare(plain, &request).expect("prepared");
        let property = prepared.property();
        let draft = SignatureDraft {
            seal: &self.seal,
            at: at(),
            data_hash: HashAlg::Sm3.digest(&prepared.content()),
            property: &property,
            extensions: &[],
        };
        let signature = draft.sign(signer).expect("signed");
        prepared.finish(signature.der()).expect("written")
    }
}

fn rect() -> Rect {
    Rect {
        x: Mm::new(140),
        y: Mm::new(230),
        width: Mm::new(40),
        height: Mm::new(40),
    }
}

/// Bytes that hardly pack, as those of a font.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let step = move |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..len).map(step).collect()
}

/// An OFD with so many pages of text and one font.
fn package(pages: usize, font: usize) -> Vec<u8> {
    const NS: &str = "xmlns:ofd=\"http://www.ofdspec.org/2016\"";
    let mut writer = ofd::Writer::new(at());
    let mut add = |name: &str, content: &[u8]| writer.add(name, content).expect("fits");
    add("OFD.xml", format!("<ofd:OFD {NS} Version=\"1.0\" DocType=\"OFD\"><ofd:DocBody><ofd:DocInfo><ofd:DocID>0123456789abcdef0123456789abcdef</ofd:DocID></ofd:DocInfo><ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>").as_bytes());
    let mut list = String::new();
    for page in 1..=pages {
        let _ = write!(
            list,
            "<ofd:Page ID=\"{page}\" BaseLoc=\"Pages/Page_{page}/Content.xml\"/>"
        );
    }
    add("Doc_0/Document.xml", format!("<ofd:Document {NS}><ofd:CommonData><ofd:MaxUnitID>100000</ofd:MaxUnitID><ofd:PageArea><ofd:PhysicalBox>0 0 210 297</ofd:PhysicalBox></ofd:PageArea><ofd:PublicRes>PublicRes.xml</ofd:PublicRes></ofd:CommonData><ofd:Pages>{list}</ofd:Pages></ofd:Document>").as_bytes());
    add("Doc_0/PublicRes.xml", format!("<ofd:Res {NS} BaseLoc=\"Res\"><ofd:Fonts><ofd:Font ID=\"90001\" FontName=\"宋体\"><ofd:FontFile>f.ttf</ofd:FontFile></ofd:Font></ofd:Fonts></ofd:Res>").as_bytes());
    add("Doc_0/Res/f.ttf", &noise(font));
    for page in 1..=pages {
        let mut text = String::new();
        for line in 0..LINES {
            let id = 1_000 + page * 100 + line;
            let _ = write!(
                text,
                "<ofd:TextObject ID=\"{id}\" Boundary=\"20 {} 170 6\" Font=\"90001\" Size=\"4\"><ofd:TextCode X=\"0\" Y=\"4\" DeltaX=\"g 23 4\">第{page}页第{line}行投标人应当按照采购文件的要求编制投标文件</ofd:TextCode></ofd:TextObject>",
                20 + line * 7
            );
        }
        add(&format!("Doc_0/Pages/Page_{page}/Content.xml"), format!("<ofd:Page {NS}><ofd:Content><ofd:Layer ID=\"{}\" Type=\"Body\">{text}</ofd:Layer></ofd:Content></ofd:Page>", 50_000 + page).as_bytes());
    }
    writer.finish().expect("fits")
}

/// A PDF with so many pages of text and one font; its packed streams beside it.
fn document(pages: usize, font: usize) -> (Vec<u8>, Vec<Vec<u8>>) {
    let mut out = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec();
    let (mut offsets, mut streams) = (Vec::new(), Vec::new());
    let mut object = |out: &mut Vec<u8>, body: &[u8]| {
        offsets.push(out.len());
        let number = offsets.len();
        out.extend(format!("{number} 0 obj\n").as_bytes());
        out.extend(body);
        out.extend(b"\nendobj\n");
    };
    let kids: String = (0..pages).map(|n| format!("{} 0 R ", 5 + 2 * n)).collect();
    object(&mut out, b"<< /Type /Catalog /Pages 2 0 R >>");
    object(
        &mut out,
        format!("<< /Type /Pages /Count {pages} /Kids [ {kids}] >>").as_bytes(),
    );
    object(
        &mut out,
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    );
    let mut stream = |content: &[u8]| {
        let packed = miniz_oxide::deflate::compress_to_vec_zlib(content, 6);
        let mut body = format!(
            "<< /Length {} /Filter /FlateDecode >>\nstream\n",
            packed.len()
        )
        .into_bytes();
        body.extend(&packed);
        body.extend(b"\nendstream");
        streams.push(packed);
        body
    };
    let body = stream(&noise(font));
    object(&mut out, &body);
    for page in 0..pages {
        let contents = 6 + 2 * page;
        object(&mut out, format!("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F 3 0 R >> >> /Contents {contents} 0 R >>").as_bytes());
        let mut text = String::from("BT /F 11 Tf 60 780 Td 14 TL ");
        for line in 0..LINES {
            let _ = write!(
                text,
                "(Page {page}, line {line}: the bidder shall prepare its bid as the tender document asks.) Tj T* "
            );
        }
        text.push_str("ET");
        let body = stream(text.as_bytes());
        object(&mut out, &body);
    }
    let start = out.len();
    let count = offsets.len() + 1;
    out.extend(format!("xref\n0 {count}\n0000000000 65535 f \n").as_bytes());
    for offset in &offsets {
        out.extend(format!("{offset:010} 00000 n \n").as_bytes());
    }
    out.extend(
        format!("trailer\n<< /Size {count} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n").as_bytes(),
    );
    (out, streams)
}
