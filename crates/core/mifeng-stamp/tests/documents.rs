//! Sealed OFD documents: made, checked, and attacked.

mod common;

use common::{World, now, signed, time};
use mifeng_pki::Signer as _;
use mifeng_stamp::ofd::{
    self, CheckedDocument, Mm, Package, Place, Prepared, Rect, Request, Scope, prepare, straddle,
};
use mifeng_stamp::{Seal, StepId, Verdict, Version};

const NS: &str = "xmlns:ofd=\"http://www.ofdspec.org/2016\"";

/// A ZIP file of stored entries, by hand.
fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, data) in files {
        let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0];
        common.extend_from_slice(&crc(data).to_le_bytes());
        common.extend_from_slice(&(data.len() as u32).to_le_bytes());
        common.extend_from_slice(&(data.len() as u32).to_le_bytes());
        common.extend_from_slice(&(name.len() as u16).to_le_bytes());
        directory.extend_from_slice(b"PK\x01\x02\x14\0");
        directory.extend_from_slice(&common);
        directory.extend_from_slice(&[0; 12]);
        directory.extend_from_slice(&(out.len() as u32).to_le_bytes());
        directory.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"PK\x03\x04");
        out.extend_from_slice(&common);
        out.extend_from_slice(&[0; 2]);
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(data);
    }
    let (at, len, count) = (out.len() as u32, directory.len() as u32, files.len() as u16);
    out.append(&mut directory);
    out.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    out.extend_from_slice(&count.to_le_bytes());
    out.extend_from_slice(&count.to_le_bytes());
    out.extend_from_slice(&len.to_le_bytes());
    out.extend_from_slice(&at.to_le_bytes());
    out.extend_from_slice(&[0; 2]);
    out
}

fn crc(data: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in data {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & 0u32.wrapping_sub(crc & 1));
        }
    }
    !crc
}

fn unsigned(pages: usize) -> Vec<u8> {
    let ofd = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ofd:OFD {NS} Version=\"1.0\" DocType=\"OFD\">\
         <ofd:DocBody><ofd:DocInfo><ofd:DocID>00</ofd:DocID><ofd:Title>合同</ofd:Title></ofd:DocInfo>\
         <ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>"
    );
    let list: String = (0..pages)
        .map(|n| {
            format!(
                "<ofd:Page ID=\"{}\" BaseLoc=\"Pages/Page_{n}/Content.xml\"/>",
                n + 1
            )
        })
        .collect();
    let document = format!(
        "<ofd:Document {NS}><ofd:CommonData><ofd:MaxUnitID>99</ofd:MaxUnitID><ofd:PageArea>\
         <ofd:PhysicalBox>0 0 210 297</ofd:PhysicalBox></ofd:PageArea></ofd:CommonData>\
         <ofd:Pages>{list}</ofd:Pages></ofd:Document>"
    );
    let page = |n: usize| {
        format!(
            "<ofd:Page {NS}><ofd:Content><ofd:Layer ID=\"{}\"/></ofd:Content></ofd:Page>",
            50 + n
        )
    };
    let pages: Vec<(String, String)> = (0..pages)
        .map(|n| (format!("Doc_0/Pages/Page_{n}/Content.xml"), page(n)))
        .collect();
    let mut files: Vec<(&str, &[u8])> = vec![
        ("OFD.xml", ofd.as_bytes()),
        ("Doc_0/Document.xml", document.as_bytes()),
    ];
    files.extend(
        pages
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_bytes())),
    );
    zip(&files)
}

fn place(page: &str) -> Place {
    Place {
        page: page.to_owned(),
        boundary: Rect::parse("120 200 40 40").expect("a box"),
        clip: None,
    }
}

fn request<'a>(seal: &'a Seal, places: &'a [Place]) -> Request<'a> {
    Request {
        seal,
        at: signed(),
        places,
        scope: Scope::Document,
        close: false,
        provider: "mifeng",
    }
}

fn finish(world: &World, seal: &Seal, prepared: &Prepared<'_>) -> Vec<u8> {
    let signature = prepared.draft(seal).sign(&world.buyer).expect("signed");
    prepared.finish(&signature).expect("a package")
}

fn sealed(world: &World, bytes: &[u8]) -> Vec<u8> {
    let seal = world.seal(Version::V4);
    let places = [place("1")];
    let prepared = prepare(bytes, &request(&seal, &places)).expect("prepared");
    finish(world, &seal, &prepared)
}

fn check(world: &World, bytes: &[u8]) -> CheckedDocument {
    ofd::check(bytes, &world.trust(now()))
}

/// The files of a package, to be bent and packed again.
fn files(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let package = Package::open(bytes).expect("a package");
    let read = |name: &str| package.read(name, 1 << 20).expect("a file");
    package.names().map(|n| (n.to_owned(), read(n))).collect()
}

fn pack(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let all: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(n, d)| (n.as_str(), d.as_slice()))
        .collect();
    zip(&all)
}

#[test]
fn sealed_documents_are_valid() {
    let world = World::new();
    let bytes = sealed(&world, &unsigned(3));
    let found = check(&world, &bytes);
    assert_eq!(found.verdict(), Verdict::Valid, "{found:?}");
    assert_eq!((found.pages, found.signatures.len()), (3, 1));
    assert!(found.report.deviations().is_empty());
    assert!(found.signatures[0].report.deviations().is_empty());
    assert!(found.signatures[0].beyond.is_empty());
    assert_eq!(found.signatures[0].signed_at, Some(signed()));
    // Made twice, the same bytes.
    assert_eq!(sealed(&world, &unsigned(3)), bytes);
    let plain = check(&world, &unsigned(3));
    assert_eq!(plain.verdict(), Verdict::Unsigned);
}

#[test]
fn several_seals_in_order_until_one_closes() {
    let world = World::new();
    let first = sealed(&world, &unsigned(2));
    let second = sealed(&world, &first);
    let found = check(&world, &second);
    assert_eq!(found.verdict(), Verdict::Valid, "{found:?}");
    assert_eq!(found.signatures.len(), 2);
    // The later covers the earlier's files, not the reverse.
    assert!(found.signatures[1].beyond.is_empty());
    assert!(
        found.signatures[0]
            .beyond
            .iter()
            .all(|f| f.contains("/Sign_1/"))
    );
    let seal = world.seal(Version::V5);
    let places = [place("2")];
    let mut last = request(&seal, &places);
    last.close = true;
    let prepared = prepare(&second, &last).expect("prepared");
    let third = finish(&world, &seal, &prepared);
    assert_eq!(check(&world, &third).verdict(), Verdict::Valid);
    let refused = prepare(&third, &last).map(drop).map_err(|e| e.code());
    assert_eq!(refused, Err("ofd.closed"));
}

#[test]
fn every_change_is_found() {
    let world = World::new();
    let good = files(&sealed(&world, &unsigned(2)));
    assert_eq!(check(&world, &pack(&good)).verdict(), Verdict::Valid);
    for (at, (name, _)) in good.iter().enumerate() {
        let mut bent = good.clone();
        let last = bent[at].1.len() - 1;
        bent[at].1[last] ^= 1;
        let found = check(&world, &pack(&bent)).verdict();
        assert_eq!(found, Verdict::Invalid, "{name} changed");
        let mut bent = good.clone();
        bent.remove(at);
        assert_eq!(
            check(&world, &pack(&bent)).verdict(),
            Verdict::Invalid,
            "{name} removed"
        );
    }
    // Something added that nothing covers.
    let mut more = good.clone();
    more.push(("Doc_0/Annots/Annotations.xml".to_owned(), b"<x/>".to_vec()));
    let found = check(&world, &pack(&more));
    assert_eq!(found.verdict(), Verdict::NotCovered);
    assert_eq!(found.uncovered, ["Doc_0/Annots/Annotations.xml"]);
    assert_eq!(found.report.failures(), ["ofd.not-covered"]);
}

#[test]
fn what_is_added_between_two_seals_is_found() {
    let world = World::new();
    let mut bytes = files(&sealed(&world, &unsigned(2)));
    bytes.push(("Doc_0/Annots/Annotations.xml".to_owned(), b"<x/>".to_vec()));
    // The second signature covers everything, but the first signer never saw it.
    let found = check(&world, &sealed(&world, &pack(&bytes)));
    assert_eq!(found.verdict(), Verdict::NotCovered, "{found:?}");
    assert_eq!(found.uncovered, ["Doc_0/Annots/Annotations.xml"]);
    let each = found.signatures.iter().map(|one| one.report.verdict());
    assert!(each.eq([Verdict::Valid, Verdict::Valid]));
}

#[test]
fn xml_is_bounded() {
    let world = World::new();
    let many = |what: &dyn Fn(usize) -> String| {
        let mut all = files(&unsigned(1));
        let text = String::from_utf8(all[0].1.clone()).expect("text");
        let added: String = (0..100).map(what).collect();
        let text = text.replacen("<ofd:DocInfo>", &format!("<ofd:DocInfo{added}>"), 1);
        all[0].1 = text.into_bytes();
        check(&world, &pack(&all)).report.failures()
    };
    assert_eq!(many(&|n| format!(" a{n}=\"\"")), ["stamp.too-large"]);
    assert_eq!(many(&|n| format!(" xmlns:a{n}=\"u\"")), ["ofd.document"]);
    let deep = |n: usize| "<a>".repeat(n);
    let mut all = files(&unsigned(1));
    all[0].1 = deep(100).into_bytes();
    let found = check(&world, &pack(&all)).report.failures();
    assert_eq!(found, ["stamp.too-large"]);
}

#[test]
fn wrapping_and_swapping_are_found() {
    let world = World::new();
    let good = files(&sealed(&world, &unsigned(2)));
    let code = |name: &str, from: &str, to: &str| {
        let mut bent = good.clone();
        let file = bent
            .iter_mut()
            .find(|(n, _)| n.ends_with(name))
            .expect("there");
        let text = String::from_utf8(file.1.clone()).expect("text");
        assert!(text.contains(from), "{name} lacks {from}");
        file.1 = text.replacen(from, to, 1).into_bytes();
        let found = check(&world, &pack(&bent));
        assert_eq!(found.verdict(), Verdict::Invalid, "{name}: {from} -> {to}");
        let all = found.signatures.iter().flat_map(|s| s.report.failures());
        let mut all: Vec<_> = found.report.failures().into_iter().chain(all).collect();
        all.retain(|code| *code != "ofd.not-covered");
        all.first().copied().unwrap_or("none")
    };
    let body = "<ofd:DocBody>";
    let other =
        "<ofd:DocBody><ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody><ofd:DocBody>";
    assert_eq!(code("OFD.xml", body, other), "ofd.document");
    assert_eq!(
        code("OFD.xml", "Doc_0/Document.xml", "/../Document.xml"),
        "ofd.document"
    );
    assert_eq!(
        code(
            "OFD.xml",
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
            "<!DOCTYPE x [<!ENTITY a \"b\">]>"
        ),
        "ofd.document"
    );
    assert_eq!(code("OFD.xml", "合同", "&a;"), "ofd.document");
    assert_eq!(
        code("OFD.xml", "http://www.ofdspec.org/2016", "urn:x"),
        "ofd.document"
    );
    assert_eq!(
        code("Signatures.xml", "Sign_0/Signature.xml", "Signatures.xml"),
        "ofd.document"
    );
    let line = "<ofd:Signature ID=\"1\"";
    let twice = "<ofd:Signature ID=\"2\" BaseLoc=\"/Doc_0/Signs/Sign_0/Signature.xml\"/><ofd:Signature ID=\"1\"";
    assert_eq!(code("Signatures.xml", line, twice), "ofd.document");
    let relative = "<ofd:Signature Relative=\"7\" ID=\"1\"";
    assert_eq!(code("Signatures.xml", line, relative), "ofd.document");
    assert_eq!(
        code("Signatures.xml", "Type=\"Seal\"", "Type=\"Sign\""),
        "stamp.malformed"
    );
    let xml = "Sign_0/Signature.xml";
    assert_eq!(code(xml, "1.2.156.10197.1.401", "MD5"), "stamp.algorithm");
    assert_eq!(
        code(xml, " CheckMethod=\"1.2.156.10197.1.401\"", ""),
        "stamp.algorithm"
    );
    assert_eq!(
        code(xml, "1.2.156.10197.1.501", "1.2.840.10045.4.3.2"),
        "stamp.algorithm"
    );
    assert_eq!(
        code(xml, "Boundary=\"120 ", "Boundary=\"20 "),
        "stamp.digest"
    );
    assert_eq!(code(xml, "PageRef=\"1\"", "PageRef=\"9\""), "stamp.digest");
    assert_eq!(
        code(xml, "<ofd:SignedInfo>", "<ofd:SignedInfo/><ofd:SignedInfo>"),
        "ofd.document"
    );
    assert_eq!(
        code(xml, "/Doc_0/Document.xml", "/../Document.xml"),
        "ofd.document"
    );
    assert_eq!(
        code(xml, "</ofd:CheckValue>", "<!-- --></ofd:CheckValue>"),
        "stamp.digest"
    );
    // Another seal beside the signature.
    let mut bent = good.clone();
    let seal = bent
        .iter_mut()
        .find(|(n, _)| n.ends_with("Seal.esl"))
        .expect("there");
    seal.1 = world.seal(Version::V5).der().to_vec();
    let found = check(&world, &pack(&bent));
    let failures = found.signatures[0].report.failures();
    assert_eq!(failures, ["stamp.digest", "ofd.document"]);
    // Signatures taken off.
    let mut bent = good;
    bent.retain(|(n, _)| !n.contains("/Signs/"));
    assert_eq!(check(&world, &pack(&bent)).verdict(), Verdict::Invalid);
}

#[test]
fn signatures_without_a_seal_show_none() {
    let world = World::new();
    let digest = |name: &str, files: &[(String, Vec<u8>)]| {
        let found = files.iter().find(|(n, _)| n == name).expect("there");
        mifeng_crypto::HashAlg::Sm3.digest(&found.1)
    };
    let base = String::from_utf8(files(&unsigned(1))[0].1.clone()).expect("text");
    let place = "<ofd:StampAnnot ID=\"1\" PageRef=\"1\" Boundary=\"1 1 40 40\"/>";
    for (shown, expected) in [("", Verdict::Valid), (place, Verdict::Invalid)] {
        let mut all = files(&unsigned(1));
        let list = "<ofd:Signatures>/Doc_0/Signs/Signatures.xml</ofd:Signatures></ofd:DocBody>";
        all[0].1 = base.replace("</ofd:DocBody>", list).into_bytes();
        let references: String = all
            .iter()
            .map(|(name, _)| {
                let value = base64(digest(name, &all).as_bytes());
                format!("<ofd:Reference FileRef=\"/{name}\"><ofd:CheckValue>{value}</ofd:CheckValue></ofd:Reference>")
            })
            .collect();
        let signature = format!(
            "<ofd:Signature {NS}><ofd:SignedInfo><ofd:Provider ProviderName=\"x\"/>\
             <ofd:References CheckMethod=\"1.2.156.10197.1.401\">{references}</ofd:References>{shown}\
             </ofd:SignedInfo><ofd:SignedValue>/Doc_0/Signs/S/v.p7</ofd:SignedValue></ofd:Signature>"
        );
        let hash = mifeng_crypto::HashAlg::Sm3.digest(signature.as_bytes());
        let form = mifeng_pki::cms::Profile::Gbt35275;
        let digest = hash.as_bytes().as_slice();
        for (attached, content, at) in [
            (true, digest, signed()),
            (false, signature.as_bytes(), signed()),
            (true, digest, time("2026-07-01T08:00:01Z")),
        ] {
            let value = match attached {
                true => mifeng_pki::cms::sign_attached(&world.buyer, content, at, form),
                false => mifeng_pki::cms::sign_detached(&world.buyer, content, at, form),
            };
            let mut package = all.clone();
            let list = format!(
                "<ofd:Signatures {NS}><ofd:Signature ID=\"1\" Type=\"Sign\" BaseLoc=\"/Doc_0/Signs/S/s.xml\"/></ofd:Signatures>"
            );
            package.push(("Doc_0/Signs/Signatures.xml".to_owned(), list.into_bytes()));
            package.push((
                "Doc_0/Signs/S/s.xml".to_owned(),
                signature.clone().into_bytes(),
            ));
            package.push(("Doc_0/Signs/S/v.p7".to_owned(), value.expect("signed")));
            let found = check(&world, &pack(&package));
            // Nobody has signed in the future.
            let expected = if at > now() {
                Verdict::Invalid
            } else {
                expected
            };
            assert_eq!(found.verdict(), expected, "{found:?}");
            assert_eq!(found.signatures[0].signed_at, Some(at));
        }
    }
}

fn base64(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let n = chunk.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for at in 0..4 {
            let sign = SIGNS[(n >> (18 - 6 * at)) as usize & 63];
            out.push(if at <= chunk.len() {
                char::from(sign)
            } else {
                '='
            });
        }
    }
    out
}

#[test]
fn pages_by_range() {
    let world = World::new();
    let bytes = unsigned(3);
    let seal = world.seal(Version::V4);
    let places = [place("1")];
    let mut some = request(&seal, &places);
    some.scope = Scope::Pages(1..=2);
    let prepared = prepare(&bytes, &some).expect("prepared");
    let part = finish(&world, &seal, &prepared);
    let found = check(&world, &part);
    assert_eq!(found.verdict(), Verdict::NotCovered);
    assert_eq!(found.uncovered, ["Doc_0/Pages/Page_2/Content.xml"]);
    // A second signature over the rest makes it whole.
    some.scope = Scope::Pages(3..=3);
    let refused = prepare(&part, &some).map(drop).map_err(|e| e.code());
    assert_eq!(refused, Err("stamp.field"), "shown on a page not protected");
    let places = [place("3")];
    some.places = &places;
    let prepared = prepare(&part, &some).expect("prepared");
    let whole = finish(&world, &seal, &prepared);
    assert_eq!(check(&world, &whole).verdict(), Verdict::Valid);
    for range in [0..=1, 3..=4] {
        some.scope = Scope::Pages(range);
        let refused = prepare(&bytes, &some).map(drop).map_err(|e| e.code());
        assert_eq!(refused, Err("stamp.field"));
    }
}

#[test]
fn straddle_seals_fit_together() {
    let world = World::new();
    let pages: Vec<(String, Mm)> = (1..=3).map(|n| (n.to_string(), Mm::new(210))).collect();
    let places = straddle(&pages, Mm::new(40), Mm::new(40), Mm::new(100)).expect("places");
    let mut edge = Mm(0);
    for place in &places {
        let clip = place.clip.expect("a strip");
        assert_eq!(clip.x, edge);
        // The strip ends at the page's edge.
        assert_eq!(place.boundary.x.0 + clip.x.0 + clip.width.0, Mm::new(210).0);
        edge = Mm(clip.x.0 + clip.width.0);
    }
    assert_eq!(edge, Mm::new(40));
    let seal = world.seal(Version::V4);
    let bytes = unsigned(3);
    let prepared = prepare(&bytes, &request(&seal, &places)).expect("prepared");
    let found = check(&world, &finish(&world, &seal, &prepared));
    assert_eq!(found.verdict(), Verdict::Valid, "{found:?}");
    let file = found.signatures[0].file.as_ref().expect("read");
    assert_eq!(file.places, places);
    assert!(straddle(&pages[..1], Mm::new(40), Mm::new(40), Mm::new(1)).is_err());
    assert_eq!(
        Rect::parse("-1.5 .25 3 4.12345")
            .map(|r| r.to_string())
            .as_deref(),
        Some("-1.5 0.25 3 4.123")
    );
    for bad in ["1 2 3", "1 2 3 4 5", "a b c d", "1 2 -3 4", "1e5 0 0 0"] {
        assert_eq!(Rect::parse(bad), None, "{bad}");
    }
}

#[test]
fn stamped_signatures_in_documents() {
    let world = World::new();
    let seal = world.seal(Version::V4);
    let bytes = unsigned(1);
    let places = [place("1")];
    let prepared = prepare(&bytes, &request(&seal, &places)).expect("prepared");
    let signature = prepared.draft(&seal).sign(&world.buyer).expect("signed");
    let token = world.stamp(signature.signature_value(), time("2026-06-01T08:00:01Z"));
    let stamped = signature.with_time_stamp(&token).expect("stamped");
    let found = check(&world, &prepared.finish(&stamped).expect("a package"));
    assert_eq!(found.verdict(), Verdict::Valid, "{found:?}");
    assert_eq!(
        found.signatures[0].signed_at,
        Some(time("2026-06-01T08:00:01Z"))
    );
    // A signature over another document.
    let other = unsigned(2);
    let another = prepare(&other, &request(&seal, &places)).expect("prepared");
    let refused = another.finish(&stamped).map(drop).map_err(|e| e.code());
    assert_eq!(refused, Err("stamp.digest"));
    let step = found.signatures[0].report.outcome(StepId::TimeStamp);
    assert!(step.is_some());
    assert_eq!(world.buyer.chain().len(), 0);
}

#[test]
fn packages_are_read_in_one_way_only() {
    let good = unsigned(1);
    assert!(Package::open(&good).is_ok());
    let refused = |bytes: &[u8]| Package::open(bytes).map(drop).map_err(|e| e.code());
    for len in 0..good.len() {
        assert!(Package::open(&good[..len]).is_err(), "cut at {len}");
    }
    assert_eq!(refused(&[&good[..], b"x"].concat()), Err("ofd.package"));
    assert_eq!(refused(&[b"x", &good[..]].concat()), Err("ofd.package"));
    for name in [
        "../x", "/x", "a//b", "a/./b", "C:/x", "a\\b", "con.xml", "a/b.", "x\u{301}",
    ] {
        assert_eq!(
            refused(&zip(&[("OFD.xml", b"a"), (name, b"b")])),
            Err("ofd.package"),
            "{name}"
        );
    }
    for pair in [["a", "a"], ["a.xml", "A.XML"], ["a", "a/b"]] {
        assert_eq!(
            refused(&zip(&[(pair[0], b"a"), (pair[1], b"b")])),
            Err("ofd.package")
        );
    }
}

#[test]
fn hostile_packages_of_others_are_refused() {
    let root = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../../shared/data/reliability"
    );
    let folder = format!("{root}/zip-attacks");
    let Ok(manifest) = std::fs::read(format!("{folder}/manifest.json")) else {
        eprintln!("skipped: {folder} is absent");
        return;
    };
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).expect("JSON");
    let cases = manifest.as_array().expect("cases");
    for case in cases {
        let text = |name: &str| case[name].as_str().expect("text").to_owned();
        let bytes = std::fs::read(format!("{folder}/{}", text("file"))).expect("a file");
        // Opened, and every file inflated.
        let read = Package::open(&bytes).and_then(|package| {
            package
                .names()
                .try_for_each(|name| package.read(name, 1 << 20).map(drop))
        });
        let document = Package::open(&bytes).and_then(|p| ofd::Document::read(&p).map(drop));
        match text("expect").as_str() {
            "accept" => assert_eq!(read, Ok(()), "{case}"),
            "reject" => assert!(read.is_err() || document.is_err(), "{case}"),
            _ => {}
        }
    }
    assert!(cases.len() > 50);
}
