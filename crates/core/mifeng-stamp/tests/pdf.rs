//! Signed PDF: the published vectors are what is written, and judged as they say; what other people
//! signed; and that no byte can be changed unseen.

use mifeng_pki::{Anchors, Material, RevocationList, RevocationRule, pem};
use mifeng_stamp::pdf::{self, CheckedPdf, Format, Level, Request};
use mifeng_stamp::{Trust, Verdict};
use std::collections::BTreeMap;

#[path = "../examples/make_pdf_vectors/main.rs"]
#[allow(dead_code)]
mod make_pdf_vectors;

type Files = BTreeMap<String, Vec<u8>>;

fn made() -> Files {
    make_pdf_vectors::vectors()
        .expect("made")
        .into_iter()
        .collect()
}

struct Whom {
    anchors: Anchors,
    crls: Vec<RevocationList>,
}

impl Whom {
    fn of(files: &Files) -> Self {
        let roots = String::from_utf8(files["roots.pem"].clone()).expect("PEM");
        let list = |name: &str| RevocationList::parse(&files[name]).expect("a list");
        Whom {
            anchors: Anchors::new(pem::certificates(&roots).expect("roots")),
            crls: vec![list("sm2.crl"), list("p256.crl")],
        }
    }

    fn check(&self, bytes: &[u8]) -> CheckedPdf {
        let material = Material {
            crls: &self.crls,
            ..Material::default()
        };
        let at = make_pdf_vectors::AT.parse().expect("a time");
        pdf::check(bytes, &Trust::new(&self.anchors, material, at))
    }
}

/// The first failing code, signatures before what they therefore do not cover; or the verdict.
fn first(found: &CheckedPdf) -> &'static str {
    let each = found.signatures.iter().flat_map(|s| s.report.failures());
    let mut all = each.chain(found.report.failures());
    all.next().unwrap_or(found.verdict().code())
}

#[test]
fn vectors_are_what_we_write() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../test-vectors/pdf");
    let all = made();
    assert!(all.len() > 80);
    for (name, bytes) in all {
        let file = std::fs::read(format!("{root}/{name}")).expect("is there");
        assert!(file == bytes, "{name} differs from what is written now");
    }
}

#[test]
fn vectors_are_judged_as_they_say() {
    let files = made();
    let whom = Whom::of(&files);
    let manifest: serde_json::Value =
        serde_json::from_slice(&files["manifest.json"]).expect("JSON");
    let mut wrong = Vec::new();
    for case in manifest["cases"].as_array().expect("cases") {
        let text = |name: &str| case[name].as_str().expect("text");
        let found = whom.check(&files[text("file")]);
        let (verdict, code) = (found.verdict().code(), first(&found));
        if (verdict, code) != (text("verdict"), text("expect")) {
            wrong.push(format!(
                "{}: {verdict} {code}, expected {} {}: {:?}",
                text("file"),
                text("verdict"),
                text("expect"),
                found.report.failure()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a reader is told of good documents.
#[test]
fn good_documents_say_who_and_when() {
    let files = made();
    let whom = Whom::of(&files);
    let lta = whom.check(&files["pades-lta.pdf"]);
    assert_eq!(lta.signatures.len(), 2);
    let (first, stamp) = (&lta.signatures[0], &lta.signatures[1]);
    assert_eq!(
        first.signer.as_ref().map(|c| c.subject_name()).as_deref(),
        Some("供应商")
    );
    assert_eq!(
        (first.name.as_str(), first.reason.as_str()),
        ("供应商", "tender")
    );
    let kinds: Vec<&str> = first.changes.iter().map(|c| c.kind.code()).collect();
    assert_eq!(kinds, ["pdf.stamp-added", "pdf.validation-added"]);
    assert!(stamp.whole && !first.whole && stamp.changes.is_empty());
    // The document's stamp is at the signing time, a second before the signature's own.
    assert_eq!(first.signed_at, make_pdf_vectors::SIGNED.parse().ok());
    let seal = whom.check(&files["seal-t.pdf"]);
    let seal = seal.signatures[0].seal.as_ref().expect("a seal signature");
    let seal = seal.signature.as_ref().expect("read");
    assert!(seal.property().starts_with("ByteRange [0 "));
    let certified = whom.check(&files["certified-2-filled.pdf"]);
    assert_eq!(certified.signatures[0].certifies, Some(Level::Forms));
    assert_eq!(
        certified.signatures[0].changes[0].kind.code(),
        "pdf.form-filled"
    );
    let late = whom.check(&files["certified-late.pdf"]);
    assert_eq!(late.signatures[1].report.failures(), ["pdf.certification"]);
}

/// Whatever byte of a signed document is changed, it is not valid any more.
#[test]
fn no_byte_can_be_changed() {
    let files = made();
    let whom = Whom::of(&files);
    let good = &files["pades-b.pdf"];
    // The padding of the value and what follows the last mark say nothing.
    let from = good
        .windows(10)
        .position(|w| w == b"/Contents ")
        .expect("a value");
    for at in (0..good.len()).step_by(61) {
        let mut bent = good.clone();
        bent[at] ^= 1;
        let found = whom.check(&bent);
        let inside = at > from && at < from + 2 * 4_096;
        assert!(inside || found.verdict() != Verdict::Valid, "byte {at}");
    }
}

/// A file cut anywhere is refused or unsigned, never valid; nothing panics.
#[test]
fn no_part_is_taken_for_the_whole() {
    let files = made();
    let whom = Whom::of(&files);
    for name in ["two-signers.pdf", "packed-twice.pdf"] {
        let good = &files[name];
        for len in (0..good.len() - 2).step_by(257) {
            let found = whom.check(&good[..len]);
            assert_ne!(found.verdict(), Verdict::Valid, "{name} cut to {len}");
        }
    }
}

fn plain_request(reserve: usize) -> Request<'static> {
    Request {
        format: Format::Message,
        at: make_pdf_vectors::SIGNED.parse().expect("a time"),
        name: "",
        reason: "",
        location: "",
        shown: None,
        strips: &[],
        certify: None,
        reserve,
    }
}

#[test]
fn what_cannot_be_signed_is_refused() {
    let files = made();
    let request = plain_request(64);
    let code = |name: &str, request: &Request<'_>| {
        pdf::prepare(&files[name], request)
            .map(drop)
            .map_err(|e| e.code())
    };
    assert_eq!(code("certified-1.pdf", &request), Err("ofd.closed"));
    assert_eq!(code("encrypted.pdf", &request), Err("pdf.encrypted"));
    assert_eq!(code("tail.pdf", &request), Err("pdf.malformed"));
    let late = Request {
        certify: Some(Level::Forms),
        ..request
    };
    assert_eq!(code("pades-b.pdf", &late), Err("stamp.field"));
    let prepared = pdf::prepare(&files["unsigned.pdf"], &request).expect("prepared");
    let long = prepared.finish(&[0x30; 65]).map_err(|e| e.code());
    assert_eq!(long, Err("stamp.too-large"));
}

/// Documents of pyHanko; nobody's CA is trusted, so every other finding counts.
#[test]
fn documents_of_others() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../../shared/data");
    let Ok(bytes) = std::fs::read(format!("{root}/gm/pdf/rsa-pkcs7-detached.pdf")) else {
        eprintln!("skipped: ../shared/data is not there");
        return;
    };
    let nobody = Anchors::default();
    let at = "2026-11-25T00:00:00Z".parse().expect("a time");
    let mut trust = Trust::new(&nobody, Material::default(), at);
    trust.revocation = RevocationRule::Ignored;
    let found = pdf::check(&bytes, &trust);
    let one = &found.signatures[0];
    let steps: Vec<&str> = one.report.steps().iter().map(|s| s.id.code()).collect();
    assert_eq!(
        steps,
        [
            "byte-range",
            "signature",
            "signing-time",
            "signer",
            "changes"
        ]
    );
    // The signer is a self-signed CA: no certificate that a signer should have.
    assert_eq!(one.report.failures(), ["pki.key-usage"]);
    let folder = format!("{root}/reliability/pdf-signed/coverage-anomalies");
    for name in [
        "one-byterange",
        "signature-gap-too-big",
        "tail-uncovered",
        "weird-byterange",
    ] {
        let bytes = std::fs::read(format!("{folder}/{name}.pdf")).expect("is there");
        let found = pdf::check(&bytes, &trust);
        let codes: Vec<&str> = found
            .signatures
            .iter()
            .flat_map(|s| s.report.failures())
            .collect();
        let all = [codes, found.report.failures()].concat();
        assert!(
            all.iter().any(|code| code.starts_with("pdf.")),
            "{name}: {all:?}"
        );
    }
}

/// Noise over good and bad documents: nothing panics, nothing becomes valid that signs other bytes.
#[test]
fn noise_is_survived() {
    let files = made();
    let whom = Whom::of(&files);
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let signs = b"<>[]()/% 0123456789RobjeftnxF\0\xff";
    let names = [
        "packed-twice.pdf",
        "pades-lta.pdf",
        "two-signers.pdf",
        "certified-2-filled.pdf",
        "shadow-hide-replace.pdf",
        "empty-field.pdf",
    ];
    for round in 0..600 {
        let name = names[round % names.len()];
        let mut bent = files[name].clone();
        for _ in 0..=next(3) {
            let at = next(bent.len());
            match next(4) {
                0 => bent[at] = signs[next(signs.len())],
                1 => {
                    bent.remove(at);
                }
                2 => bent.insert(at, signs[next(signs.len())]),
                _ => {
                    let from = next(bent.len());
                    let len = next(64).min(bent.len() - from);
                    let piece = bent[from..from + len].to_vec();
                    bent.splice(at..at, piece);
                }
            }
        }
        let found = whom.check(&bent);
        let each = found.signatures.iter();
        let covered: u64 = each.map(|one| one.covers).max().unwrap_or(0);
        assert!(covered <= bent.len() as u64);
        let request = plain_request(64);
        if let (Ok(before), Ok(prepared)) = (pdf::facts(&bent), pdf::prepare(&bent, &request)) {
            let signed = prepared.finish(&[0x30, 3, 2, 1, 1]).expect("fits");
            assert!(signed.starts_with(&bent));
            let after = pdf::facts(&signed).expect("read again");
            assert_eq!(after.signatures, before.signatures + 1);
        }
    }
}
