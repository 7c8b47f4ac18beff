//! The published vectors are what this code writes, byte for byte.

use mifeng_pki::{Anchors, Material, RevocationList, pem};
use mifeng_stamp::{Protected, Trust, check_seal, check_signature, ofd};

#[path = "../examples/make_vectors/main.rs"]
#[allow(dead_code)]
mod make_vectors;

#[test]
fn vectors_are_what_we_write() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../test-vectors/stamp");
    let all = make_vectors::vectors().expect("made");
    assert!(all.len() > 20);
    for (name, bytes) in all {
        let file = std::fs::read(format!("{root}/{name}")).expect("is there");
        assert!(file == bytes, "{name} differs from what is written now");
    }
}

/// The first failing code of a case, signatures before what they therefore do not cover; or else
/// the verdict.
#[test]
fn vectors_are_judged_as_they_say() {
    let all: std::collections::BTreeMap<_, _> =
        make_vectors::vectors().expect("made").into_iter().collect();
    let manifest: serde_json::Value = serde_json::from_slice(&all["manifest.json"]).expect("JSON");
    let root = String::from_utf8(all["root.pem"].clone()).expect("PEM");
    let anchors = Anchors::new(pem::certificates(&root).expect("a root"));
    let crls = [RevocationList::parse(&all["root.crl"]).expect("a list")];
    let material = Material {
        crls: &crls,
        ..Material::default()
    };
    let cases = manifest["cases"].as_array().expect("cases");
    for case in cases {
        let text = |name: &str| case[name].as_str().expect("text");
        let at = text("at").parse().expect("a time");
        let (trust, bytes) = (Trust::new(&anchors, material, at), &all[text("file")]);
        let (verdict, failures) = match text("kind") {
            "seal" => {
                let report = check_seal(bytes, &trust).report;
                (report.verdict(), report.failures())
            }
            "ofd" => {
                let found = ofd::check(bytes, &trust);
                let each = found.signatures.iter().flat_map(|s| s.report.failures());
                let all = each.chain(found.report.failures()).collect();
                (found.verdict(), all)
            }
            _ => {
                let data = Protected::Bytes(&all["data.bin"]);
                let report = check_signature(bytes, data, &trust).report;
                (report.verdict(), report.failures())
            }
        };
        let found = failures.first().copied().unwrap_or(verdict.code());
        assert_eq!(found, text("expect"), "{case}");
    }
    assert!(cases.len() > 40);
}
