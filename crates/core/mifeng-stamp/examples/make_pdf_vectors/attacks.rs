//! What is done to a signed document afterwards, or was prepared in it before: the published classes
//! (incremental saving, shadow attacks, evil annotations, sneaky signatures).

use super::base::{
    self, body, number_with, one, other_content, replace, start, stream, table, update,
};
use super::world::{How, PADES, World};
use super::{Made, Set};
use mifeng_stamp::pdf::{Format, Level};
use std::collections::BTreeMap;

const CONTENT: &str = "pdf.content-changed";

pub(crate) fn all(world: &World, set: &mut Set) -> Made<()> {
    let signed = world.letter(PADES)?;
    incremental(&signed, set);
    shadow(world, set)?;
    annotations(world, &signed, set)?;
    signatures(world, &signed, set)
}

/// The text field with another value and look.
pub(crate) fn filled(bytes: &[u8]) -> Vec<u8> {
    let value = body(bytes, 7).replace("/V(none)", "/V(minus 90%)");
    let look = stream(base::LOOK, "BT /Helv 12 Tf (minus 90%) Tj ET");
    let mut objects = one(7, &value);
    objects.insert(8, look);
    update(bytes, &objects, "/Root 1 0 R")
}

fn incremental(signed: &[u8], set: &mut Set) {
    let isa = |bytes| replace(bytes, 4, &other_content());
    set.bad(
        "isa-content",
        isa(signed),
        CONTENT,
        "content replaced by an update",
    );
    let page = body(signed, 3);
    let mut objects = one(2, "<</Type/Pages/Kids[3 0 R 60 0 R]/Count 2>>");
    objects.insert(60, page.clone());
    let added = update(signed, &objects, "/Root 1 0 R");
    set.bad("isa-page-added", added, "pdf.pages-changed", "a page more");
    let mut objects = one(2, "<</Type/Pages/Kids[60 0 R]/Count 1>>");
    objects.insert(60, page.replace("4 0 R", "61 0 R"));
    objects.insert(61, other_content());
    let swapped = update(signed, &objects, "/Root 1 0 R");
    set.bad(
        "isa-page-replaced",
        swapped,
        CONTENT,
        "another page in its place",
    );
    let cut = page.replace("[0 0 595.276 841.89]", "[0 0 595.276 400]");
    set.bad(
        "isa-page-cut",
        replace(signed, 3, &cut),
        "pdf.pages-changed",
        "half of the page",
    );
    let bare = format!("4 0 obj\n{}\nendobj\n", other_content());
    let appended = [signed, bare.as_bytes()].concat();
    set.bad(
        "isa-no-xref",
        appended.clone(),
        "pdf.malformed",
        "objects without cross-references",
    );
    let ended = [&appended[..], b"startxref\n0\n%%EOF\n"].concat();
    set.bad(
        "isa-xref-nowhere",
        ended,
        "pdf.malformed",
        "an end mark that points nowhere",
    );
    let trailer = format!("trailer\n<</Root 1 0 R/Size 200/Prev {}>>\n", start(signed));
    let ended = format!("{trailer}startxref\n{}\n%%EOF\n", appended.len());
    let ended = [&appended[..], ended.as_bytes()].concat();
    set.bad(
        "isa-no-table",
        ended,
        "pdf.malformed",
        "a trailer without a table",
    );
    let names = one(
        1,
        &body(signed, 1).replace("/Type", "/Names<</EmbeddedFiles 62 0 R>>/Type"),
    );
    let attached = update(signed, &names, "/Root 1 0 R");
    set.bad(
        "attachment",
        attached,
        "pdf.catalog-changed",
        "an attachment more",
    );
    let action =
        body(signed, 1).replace("/Type", "/OpenAction<</S/JavaScript/JS(app.alert)>>/Type");
    set.bad(
        "open-action",
        replace(signed, 1, &action),
        "pdf.catalog-changed",
        "a script that runs",
    );
    let restored = replace(&isa(signed), 4, &body(signed, 4));
    set.good(
        "restored",
        restored,
        "changed and changed back: what is shown was signed",
    );
}

/// Documents with something prepared inside, and its activation by an update.
fn shadow(world: &World, set: &mut Set) -> Made<()> {
    // Hide: something lies over the content until after the signing.
    let mut objects = base::letter("Price: 9 000 000");
    let cover = stream(
        "/Type/XObject/Subtype/Form/BBox[0 0 400 60]",
        "1 g 0 0 400 60 re f",
    );
    objects.insert(10, cover);
    objects.insert(
        3,
        objects[&3]
            .replace("/Font", "/XObject<</C 10 0 R>>/Font")
            .replace("/Contents 4 0 R", "/Contents[4 0 R 11 0 R]"),
    );
    objects.insert(
        11,
        stream(
            "",
            "q 1 0 0 1 40 690 cm /C Do Q BT /F1 20 Tf 60 700 Td (Price: 1) Tj ET",
        ),
    );
    let signed = world.sign(&base::file(&objects), &world.supplier, PADES)?;
    let gone = stream("/Type/XObject/Subtype/Form/BBox[0 0 0 0]", "");
    let hidden = replace(&signed, 10, &gone);
    set.bad(
        "shadow-hide",
        hidden,
        CONTENT,
        "the cover goes after signing",
    );
    let mut freed = signed.clone();
    let tail = format!(
        "xref\n10 1\n0000000000 00001 f \ntrailer\n<</Size 200/Root 1 0 R/Prev {}>>\nstartxref\n{}\n%%EOF\n",
        start(&signed),
        signed.len()
    );
    freed.extend_from_slice(tail.as_bytes());
    set.bad(
        "shadow-hide-freed",
        freed,
        CONTENT,
        "the cover is marked as free",
    );

    // Replace: a font that gives the same codes other glyphs; a field that looks different.
    let signed = world.letter(PADES)?;
    let font = "<</Type/Font/Subtype/Type1/BaseFont/Symbol>>";
    set.bad(
        "shadow-font",
        replace(&signed, 5, font),
        CONTENT,
        "a font with other glyphs",
    );
    set.open(
        "shadow-form",
        filled(&signed),
        "pdf.form-filled",
        "a field with another value",
    );
    let look = stream(base::LOOK, "BT (minus 90%) Tj ET");
    let looks = replace(&signed, 8, &look);
    set.open(
        "shadow-form-look",
        looks,
        "pdf.form-filled",
        "a field that looks different",
    );

    // Hide and replace: a second document inside, reached by another cross-reference section.
    let at = base::file(&base::letter("Price: 1 000 000")).len();
    let (_, offset) = doubled(0);
    let signed = world.sign(&doubled(0).0, &world.supplier, PADES)?;
    // Where the signature's own section will be can be foreseen.
    let signed = world.sign(&doubled(start(&signed)).0, &world.supplier, PADES)?;
    let mut switched = signed.clone();
    let lines = table(&BTreeMap::from([(4, at)]), false);
    let tail = format!(
        "xref\n{lines}trailer\n<</Size 200/Root 1 0 R/Prev {}>>\nstartxref\n{}\n%%EOF\n",
        start(&signed),
        signed.len()
    );
    switched.extend_from_slice(tail.as_bytes());
    let note = "a cross-reference section alone brings hidden content out";
    set.bad("shadow-hide-replace", switched, CONTENT, note);
    let inside = [
        &signed[..],
        format!("startxref\n{offset}\n%%EOF\n").as_bytes(),
    ]
    .concat();
    let note = "the end mark points at a hidden section inside the signed bytes";
    set.bad("shadow-hidden-section", inside, "pdf.not-incremental", note);
    let catalog = "<</Type/Catalog/Pages 64 0 R>>";
    let mut objects = one(63, catalog);
    objects.insert(64, "<</Type/Pages/Kids[65 0 R]/Count 1>>".to_owned());
    objects.insert(
        65,
        "<</Type/Page/Parent 64 0 R/MediaBox[0 0 595.276 841.89]/Contents 66 0 R>>".to_owned(),
    );
    objects.insert(66, other_content());
    let other = update(&signed, &objects, "/Root 63 0 R");
    let note = "another catalogue: the signature is not shown any more";
    set.case("shadow-catalogue", other, ("unsigned", "unsigned"), note);
    let form = catalog.replace(">>", "/AcroForm 6 0 R>>");
    objects.insert(63, form);
    let other = update(&signed, &objects, "/Root 63 0 R");
    let note = "another catalogue with the same form";
    set.bad("shadow-catalogue-form", other, CONTENT, note);
    Ok(())
}

/// The letter with another content and a section for it that nothing leads to, and where that is.
fn doubled(prev: usize) -> (Vec<u8>, usize) {
    let mut plain = base::file(&base::letter("Price: 1 000 000"));
    let (at, first) = (plain.len(), start(&plain));
    let second = format!("4 0 obj\n{}\nendobj\n", other_content());
    plain.extend_from_slice(second.as_bytes());
    let offset = plain.len();
    let inner = table(&BTreeMap::from([(4, at)]), false);
    let hidden = format!("xref\n{inner}trailer\n<</Size 100/Root 1 0 R/Prev {prev:010}>>\n");
    plain.extend_from_slice(hidden.as_bytes());
    plain.extend_from_slice(format!("startxref\n{first}\n%%EOF\n").as_bytes());
    (plain, offset)
}

const BOX: &str = "<</Type/Annot/Subtype/FreeText/Rect[60 690 300 720]/F 4/Contents(Price: 9 000 000)\
                   /DA(/Helv 20 Tf)>>";

/// Something laid over the page.
pub(crate) fn laid_over(bytes: &[u8]) -> Vec<u8> {
    let page = body(bytes, 3);
    let mut objects = one(70, BOX);
    objects.insert(3, page.replacen("/Annots [", "/Annots [70 0 R ", 1));
    update(bytes, &objects, "/Root 1 0 R")
}

fn annotations(world: &World, signed: &[u8], set: &mut Set) -> Made<()> {
    let code = "pdf.annotation-added";
    set.open(
        "overlay",
        laid_over(signed),
        code,
        "an annotation over the price",
    );
    let certified = |level| {
        world.letter(How {
            certify: Some(level),
            ..PADES
        })
    };
    let one_ = laid_over(&certified(Level::NoChanges)?);
    set.bad(
        "overlay-certified-1",
        one_,
        code,
        "although no change is permitted",
    );
    let two = laid_over(&certified(Level::Forms)?);
    set.bad(
        "overlay-certified-2",
        two,
        code,
        "although only forms are permitted",
    );
    let three = laid_over(&certified(Level::Annotations)?);
    let note = "evil annotation: permitted by the certification, and not what was signed";
    set.open("overlay-certified-3", three, code, note);
    let removed = replace(signed, 3, &body(signed, 3).replacen("7 0 R ", "", 1));
    set.open(
        "annotation-removed",
        removed,
        "pdf.annotation-changed",
        "a field is not shown any more",
    );
    let moved = body(signed, 7).replace("[60 600 300 620]", "[60 690 300 720]");
    let moved = replace(signed, 7, &moved);
    set.open(
        "field-moved",
        moved,
        "pdf.annotation-changed",
        "a field moved over the price",
    );
    let filled_1 = filled(&certified(Level::NoChanges)?);
    set.bad(
        "certified-1-filled",
        filled_1,
        "pdf.form-filled",
        "although no change is permitted",
    );
    Ok(())
}

fn signatures(world: &World, signed: &[u8], set: &mut Set) -> Made<()> {
    let closed = world.letter(How {
        certify: Some(Level::NoChanges),
        ..PADES
    })?;
    let again = world.sealed_late(&closed)?;
    let note = "signed again although no change is permitted";
    set.bad("certified-1-signed", again, "pdf.seal-added", note);
    let sneaky = world.sign(signed, &world.stranger, PADES)?;
    let note = "sneaky signature: a stranger's signature whose picture lies over the page";
    set.bad("sneaky-signature", sneaky, "pki.unlisted-ca", note);
    let widget = number_with(signed, "/Subtype /Widget/FT /Sig");
    let was = body(signed, widget);
    let moved = was.replace("/Rect [", "/Rect [1");
    let code = "pdf.seal-changed";
    set.bad(
        "seal-moved",
        replace(signed, widget, &moved),
        code,
        "the seal stands elsewhere",
    );
    let look = number_with(signed, "/Seal Do");
    let drawn = body(signed, look).replace("/Seal Do Q", "1 g f    Q");
    set.bad(
        "seal-swapped",
        replace(signed, look, &drawn),
        code,
        "the seal looks different",
    );
    let field = "<</Type/Annot/Subtype/Widget/FT/Sig/T(Fake)/F 4/Rect[60 690 300 720]/P 3 0 R\
                 /AP<</N 8 0 R>>>>";
    let page = body(signed, 3).replacen("/Annots [", "/Annots [71 0 R ", 1);
    let mut objects = one(71, field);
    objects.insert(3, page);
    objects.insert(
        6,
        body(signed, 6).replacen("/Fields [", "/Fields [71 0 R ", 1),
    );
    let fake = update(signed, &objects, "/Root 1 0 R");
    set.open(
        "empty-field",
        fake,
        "pdf.field-added",
        "an unsigned field that looks signed",
    );
    let removed = body(signed, 6).replace(&format!(" {widget} 0 R"), "");
    let two = world.sign(
        signed,
        &world.buyer,
        How {
            format: Format::Message,
            ..PADES
        },
    )?;
    let gone = replace(
        &two,
        6,
        &format!(
            "{}>>",
            body(&two, 6)
                .replace(&format!("{widget} 0 R"), "")
                .trim_end_matches(">>")
        ),
    );
    set.bad(
        "signature-removed",
        gone,
        code,
        "the first of two signatures is gone",
    );
    let none = replace(signed, 6, &removed);
    set.case(
        "signature-unlisted",
        none,
        ("unsigned", "unsigned"),
        "the only signature is gone",
    );
    Ok(())
}
