//! OFD documents with seals, and the same with one fault each.

use super::{Made, SIGNED, Set, World};
use mifeng_stamp::{Version, ofd};

type Files = Vec<(String, Vec<u8>)>;

/// A document of two pages.
fn pages() -> Files {
    let ns = "xmlns:ofd=\"http://www.ofdspec.org/2016\"";
    let page = |n| format!("<ofd:Page ID=\"{n}\" BaseLoc=\"Pages/Page_{n}/Content.xml\"/>");
    let all = [
        (
            "OFD.xml",
            format!(
                "<ofd:OFD {ns} Version=\"1.0\" DocType=\"OFD\"><ofd:DocBody><ofd:DocInfo><ofd:DocID>0</ofd:DocID></ofd:DocInfo><ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>"
            ),
        ),
        (
            "Doc_0/Document.xml",
            format!(
                "<ofd:Document {ns}><ofd:CommonData><ofd:MaxUnitID>9</ofd:MaxUnitID><ofd:PageArea><ofd:PhysicalBox>0 0 210 297</ofd:PhysicalBox></ofd:PageArea></ofd:CommonData><ofd:Pages>{}{}</ofd:Pages></ofd:Document>",
                page(1),
                page(2)
            ),
        ),
        (
            "Doc_0/Pages/Page_1/Content.xml",
            format!("<ofd:Page {ns}/>"),
        ),
        (
            "Doc_0/Pages/Page_2/Content.xml",
            format!("<ofd:Page {ns}/>"),
        ),
    ];
    all.map(|(name, text)| (name.to_owned(), text.into_bytes()))
        .into()
}

/// A ZIP file of stored entries.
fn zip(files: &Files) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, data) in files {
        let len = (data.len() as u32).to_le_bytes();
        let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0];
        common.extend_from_slice(&crc32fast::hash(data).to_le_bytes());
        common.extend_from_slice(&[len, len].concat());
        common.extend_from_slice(&(name.len() as u16).to_le_bytes());
        directory.extend_from_slice(&[b"PK\x01\x02\x14\0", &common[..], &[0; 12]].concat());
        directory.extend_from_slice(&(out.len() as u32).to_le_bytes());
        directory.extend_from_slice(name.as_bytes());
        out.extend_from_slice(&[b"PK\x03\x04", &common[..], &[0; 2], name.as_bytes()].concat());
        out.extend_from_slice(data);
    }
    let (at, len, count) = (out.len() as u32, directory.len() as u32, files.len() as u16);
    out.append(&mut directory);
    out.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    out.extend_from_slice(&[count.to_le_bytes(), count.to_le_bytes()].concat());
    out.extend_from_slice(&[len.to_le_bytes(), at.to_le_bytes()].concat());
    out.extend_from_slice(&[0; 2]);
    out
}

fn unzip(bytes: &[u8]) -> Made<Files> {
    let package = ofd::Package::open(bytes)?;
    let names: Vec<String> = package.names().map(str::to_owned).collect();
    let mut out = Files::new();
    for name in names {
        let content = package.read(&name, 1 << 20)?;
        out.push((name, content));
    }
    Ok(out)
}

pub(crate) fn documents(world: &World, set: &mut Set) -> Made<()> {
    let plain = zip(&pages());
    let seal = world.draft(Version::V4)?.sign(&world.maker)?;
    let newer = world.draft(Version::V5)?.sign(&world.maker)?;
    let place = |page: &str| -> Made<ofd::Place> {
        Ok(ofd::Place {
            page: page.to_owned(),
            boundary: ofd::Rect::parse("120 200 40 40").ok_or("no box")?,
            clip: None,
        })
    };
    let sign = |bytes: &[u8], places: &[ofd::Place], scope, close| -> Made<Vec<u8>> {
        let request = ofd::Request {
            seal: &seal,
            at: SIGNED.parse()?,
            places,
            scope,
            close,
            provider: "mifeng",
        };
        let prepared = ofd::prepare(bytes, &request)?;
        Ok(prepared.finish(&prepared.draft(&seal).sign(&world.buyer)?)?)
    };
    let all = || ofd::Scope::Document;
    let one = sign(&plain, &[place("1")?], all(), false)?;
    let ids = [
        ("1".to_owned(), ofd::Mm::new(210)),
        ("2".to_owned(), ofd::Mm::new(210)),
    ];
    let side = ofd::Mm::new(40);
    let straddle = ofd::straddle(&ids, side, side, ofd::Mm::new(100))?;
    let two = sign(&one, &straddle, all(), true)?;
    let part = sign(&plain, &[place("1")?], ofd::Scope::Pages(1..=1), false)?;
    set.case("unsigned.ofd", plain, "unsigned", "no signature");
    set.case("one-seal.ofd", one.clone(), "valid", "one seal");
    set.case(
        "two-seals-closed.ofd",
        two,
        "valid",
        "a straddle seal after it, which closes the document",
    );
    set.case(
        "page-range.ofd",
        part,
        "ofd.not-covered",
        "the second page is not protected",
    );

    let good = unzip(&one)?;
    let mut more = good.clone();
    more.push(("Doc_0/Annots/Annotations.xml".to_owned(), b"<a/>".to_vec()));
    set.case(
        "annotation-between.ofd",
        sign(&zip(&more), &[place("2")?], all(), false)?,
        "ofd.not-covered",
        "an annotation added after the first seal, under the second",
    );
    let mut bend = |name: &str, expect: &str, note: &str, how: &dyn Fn(&mut Files)| {
        let mut files = good.clone();
        how(&mut files);
        set.case(name, zip(&files), expect, note);
    };
    let replace = |files: &mut Files, name: &str, from: &str, to: &str| {
        for (_, data) in files.iter_mut().filter(|(n, _)| n.ends_with(name)) {
            *data = String::from_utf8_lossy(data)
                .replacen(from, to, 1)
                .into_bytes();
        }
    };
    let signature = "Sign_0/Signature.xml";
    bend("page-changed.ofd", "stamp.digest", "a page changed", &|f| {
        replace(f, "Page_1/Content.xml", "/>", "></ofd:Page>")
    });
    bend(
        "page-replaced.ofd",
        "stamp.digest",
        "one page in another's place",
        &|f| replace(f, "Document.xml", "Pages/Page_1/", "Pages/Page_2/"),
    );
    bend(
        "annotation-added.ofd",
        "ofd.not-covered",
        "an annotation added",
        &|f| f.push(("Doc_0/Annots/Annotations.xml".to_owned(), b"<a/>".to_vec())),
    );
    bend(
        "seal-swapped.ofd",
        "stamp.digest",
        "another seal beside the signature",
        &|f| {
            f.iter_mut()
                .filter(|(n, _)| n.ends_with("Seal.esl"))
                .for_each(|(_, d)| *d = newer.der().to_vec());
        },
    );
    bend(
        "reference-removed.ofd",
        "stamp.digest",
        "a page not protected any more",
        &|f| {
            replace(
                f,
                signature,
                "/Doc_0/Pages/Page_1/Content.xml",
                "/OFD.xml.x",
            )
        },
    );
    bend(
        "stamp-moved.ofd",
        "stamp.digest",
        "the seal shown elsewhere",
        &|f| replace(f, signature, "120 200", "20 20"),
    );
    bend("method-md5.ofd", "stamp.algorithm", "MD5", &|f| {
        replace(f, signature, "1.2.156.10197.1.401", "MD5")
    });
    bend(
        "second-body.ofd",
        "ofd.document",
        "another document before it",
        &|f| {
            replace(
                f,
                "OFD.xml",
                "<ofd:DocBody>",
                "<ofd:DocBody><ofd:DocRoot>Doc_1/Document.xml</ofd:DocRoot></ofd:DocBody><ofd:DocBody>",
            )
        },
    );
    bend("doctype.ofd", "ofd.document", "a document type", &|f| {
        replace(
            f,
            "OFD.xml",
            "<ofd:OFD",
            "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/hostname\">]><ofd:OFD",
        )
    });
    bend(
        "path-out.ofd",
        "ofd.document",
        "a path out of the package",
        &|f| replace(f, signature, "/Doc_0/Document.xml", "/../Document.xml"),
    );
    bend(
        "listed-twice.ofd",
        "ofd.document",
        "one signature listed twice",
        &|f| {
            replace(
                f,
                "Signatures.xml",
                "<ofd:Signature ",
                "<ofd:Signature ID=\"9\" BaseLoc=\"/Doc_0/Signs/Sign_0/Signature.xml\"/><ofd:Signature ",
            )
        },
    );
    bend(
        "entry-twice.ofd",
        "ofd.package",
        "two entries of one name",
        &|f| {
            f.push((
                "Doc_0/Pages/Page_1/Content.xml".to_owned(),
                b"<x/>".to_vec(),
            ))
        },
    );
    bend(
        "entry-by-case.ofd",
        "ofd.package",
        "two entries that differ by case",
        &|f| {
            f.push((
                "DOC_0/Pages/Page_1/Content.xml".to_owned(),
                b"<x/>".to_vec(),
            ))
        },
    );
    bend("stripped.ofd", "unsigned", "signatures taken off", &|f| {
        f.retain(|(n, _)| !n.contains("/Signs/"));
        replace(
            f,
            "OFD.xml",
            "<ofd:Signatures>/Doc_0/Signs/Signatures.xml</ofd:Signatures>",
            "",
        );
    });
    Ok(())
}
