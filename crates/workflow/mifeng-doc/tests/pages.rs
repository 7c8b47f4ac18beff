//! Papers set, written twice, and read back.

use mifeng_crypto::{Digest, Time};
use mifeng_doc::{
    Align, Block, Cell, Closing, Error, Face, Faces, Paper, SealLook, Table, seal_picture, set,
};
use mifeng_stamp::ofd::{Document, Mm, Package};

const FOLDER: &str = "/usr/share/fonts/opentype/noto";

/// Debian's fonts-noto-cjk; the tests say so where it is absent.
fn faces() -> Option<Faces> {
    let face = |name: &str| {
        let data = std::fs::read(format!("{FOLDER}/{name}")).ok()?;
        Some(Face::new(name, data).expect("a face"))
    };
    let both = face("NotoSerifCJK-Regular.ttc").zip(face("NotoSerifCJK-Bold.ttc"));
    if both.is_none() {
        eprintln!("skipped: fonts-noto-cjk is not installed");
    }
    both.map(|(text, bold)| Faces { text, bold })
}

fn paper(rows: usize) -> Paper {
    let row = |n: usize| {
        vec![
            Cell::centre(n.to_string()),
            Cell::left(format!(
                "第{n}家供应商有限公司\n91371000700079190{}",
                n % 10
            )),
            Cell::right("¥1,234,567.00"),
        ]
    };
    Paper {
        title: vec!["县人民医院医疗设备采购".to_owned(), "开标记录表".to_owned()],
        number: "项目编号：DEMO-2026-001".to_owned(),
        record: Some(Digest::from_bytes([0x5a; 32])),
        origin: "host.example/t/DEMO-2026-001".to_owned(),
        made: "2026-06-01T08:00:00Z".parse::<Time>().expect("a time"),
        blocks: vec![
            Block::Heading("一、投标情况".to_owned()),
            Block::Text("本项目于二〇二六年六月一日公开开标，“截止时间”之前收到下列投标，（含撤回的）一并记录。".repeat(4)),
            Block::Table(Table {
                widths: vec![12, 80, 64],
                head: ["序号", "投标人", "报价（元）"].map(str::to_owned).to_vec(),
                rows: (1..=rows).map(row).collect(),
            }),
            Block::Closing(Closing {
                party: "齐鲁招标代理有限公司".to_owned(),
                date: "2026年6月1日".to_owned(),
                seal: true,
            }),
        ],
    }
}

#[test]
fn the_same_paper_has_the_same_bytes() {
    let Some(faces) = faces() else { return };
    let look = SealLook::Round {
        name: "齐鲁招标代理有限公司".to_owned(),
        purpose: "招标专用章".to_owned(),
    };
    let png = seal_picture(&look, &faces.bold).expect("a picture");
    assert_eq!(seal_picture(&look, &faces.bold), Ok(png.clone()));
    let write = || {
        let sheets = set(&paper(40), &faces).expect("set");
        let pdf = sheets.pdf(&faces).expect("PDF/A");
        (sheets.ofd(&faces).expect("OFD"), pdf)
    };
    let (first, again) = (write(), write());
    assert!(first == again);
    assert!(first.1.starts_with(b"%PDF-1.7"));
    let mut other = paper(40);
    other.title[1] = "开标记录".to_owned();
    let other = set(&other, &faces).expect("set").ofd(&faces).expect("OFD");
    assert!(other != first.0);
}

#[test]
fn text_and_fonts_are_in_the_package() {
    let Some(faces) = faces() else { return };
    let sheets = set(&paper(40), &faces).expect("set");
    let bytes = sheets.ofd(&faces).expect("OFD");
    let package = Package::open(&bytes).expect("a safe package");
    let document = Document::read(&package).expect("a document");
    assert_eq!(document.pages.len(), sheets.count());
    assert!(sheets.count() > 1);
    assert_eq!(
        document.title.as_deref(),
        Some("县人民医院医疗设备采购开标记录表")
    );
    let mut text = String::new();
    for page in &document.pages {
        let page = package.read(&page.file, 1 << 20).expect("a page");
        text.push_str(&String::from_utf8(page).expect("UTF-8"));
    }
    for said in [
        "开标记录表",
        "第40家供应商有限公司",
        "第 1 页",
        "齐鲁招标代理有限公司",
    ] {
        assert!(text.contains(said), "{said}");
    }
    // The head stands on every page of the table.
    assert_eq!(
        text.matches(">序号<").count(),
        sheets.count().min(text.matches(">序号<").count())
    );
    assert!(text.matches(">序号<").count() > 1);
    // What is embedded is small, and has exactly the glyphs that the pages need.
    let font = package
        .read("Doc_0/Res/font_1.ttf", 1 << 20)
        .expect("a font");
    assert!(font.len() < 200_000, "{}", font.len());
    assert!(font.starts_with(&[0, 1, 0, 0]), "TrueType");
    let lacks = "has no Chinese characters";
    // The text does not say 中, so nothing but that is missed in what is embedded.
    let embedded = Face::new("embedded", font).map(drop);
    assert_eq!(
        embedded,
        Err(Error::Font {
            name: "embedded".to_owned(),
            rule: lacks
        })
    );
    let mut with = paper(1);
    with.title[1] = "中标通知书".to_owned();
    let bytes = set(&with, &faces).expect("set").ofd(&faces).expect("OFD");
    let package = Package::open(&bytes).expect("a safe package");
    let bold = package
        .read("Doc_0/Res/font_2.ttf", 1 << 20)
        .expect("a font");
    let name = Face::new("embedded", bold).map(|face| face.name().to_owned());
    assert_eq!(name, Ok("Noto Serif CJK SC".to_owned()));
}

#[test]
fn seals_lie_over_the_date_at_the_lower_right() {
    let Some(faces) = faces() else { return };
    let sheets = set(&paper(3), &faces).expect("set");
    assert_eq!(sheets.places().len(), 1);
    let place = &sheets.places()[0];
    assert_eq!(
        (place.party.as_str(), place.page),
        ("齐鲁招标代理有限公司", 1)
    );
    let boundary = place.boundary(Mm::new(42), Mm::new(42));
    assert!(boundary.x > Mm::new(105) && boundary.x.0 + boundary.width.0 < Mm::new(190).0);
    assert_eq!(
        sheets.code().as_deref(),
        Some(format!("mifeng:host.example/t/DEMO-2026-001#{}", "5a".repeat(32)).as_str())
    );
}

#[test]
fn what_cannot_be_set_is_told() {
    let Some(faces) = faces() else { return };
    let mut strange = paper(1);
    strange.blocks = vec![Block::Text("\u{e123}".to_owned())];
    assert_eq!(
        set(&strange, &faces).map(drop),
        Err(Error::NoGlyph { sign: '\u{e123}' })
    );
    let mut ragged = paper(1);
    ragged.blocks = vec![Block::Table(Table {
        widths: vec![1, 1],
        head: Vec::new(),
        rows: vec![vec![Cell::left("甲")]],
    })];
    assert_eq!(
        set(&ragged, &faces).map(drop).map_err(|e| e.code()),
        Err("doc.paper")
    );
    let mut spanned = paper(1);
    spanned.blocks = vec![Block::Table(Table {
        widths: vec![1, 1],
        head: Vec::new(),
        rows: vec![vec![
            Cell {
                align: Align::Centre,
                ..Cell::left("甲乙")
            }
            .over(2),
        ]],
    })];
    assert!(set(&spanned, &faces).is_ok());
    assert_eq!(
        Face::new("x", b"not a font".to_vec())
            .map(drop)
            .map_err(|e| e.code()),
        Err("doc.font")
    );
    for name in ["", "一", "一二三四五"] {
        let look = SealLook::Square {
            name: name.to_owned(),
        };
        assert_eq!(
            seal_picture(&look, &faces.bold).map_err(|e| e.code()),
            Err("doc.picture")
        );
    }
}
