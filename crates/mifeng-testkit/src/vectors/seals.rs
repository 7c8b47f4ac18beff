//! Seals, seal signatures, sealed OFD and signed PDF documents, of other makers and our own.
//!
//! `ses/manifest.json` carries its own trust and verdicts. What has none is held against
//! `test-vectors/stamp/expectations.json`: the findings of every step but whether the CA is trusted,
//! each file with its reason.

use super::Plan;
use super::case::{Case, Input, Stop, Tally, check, fail, list, same, text};
use mifeng_crypto::Time;
use mifeng_pki::{Anchors, Certificate, Material, RevocationList, RevocationRule, pem};
use mifeng_stamp::ofd::{self, CheckedDocument};
use mifeng_stamp::pdf;
use mifeng_stamp::{Protected, Report, SealSignature, Trust, Verdict, check_seal, check_signature};
use serde::Deserialize;
use std::collections::BTreeSet;

const EXPECTATIONS: [&str; 2] = [
    include_str!("../../../../test-vectors/stamp/expectations.json"),
    include_str!("../../../../test-vectors/stamp/expectations-pdf.json"),
];
/// Nobody is trusted where no trust comes with the files, so this is no finding about them.
const NOT_TRUSTED: &str = "pki.unlisted-ca";

pub(super) fn plan(input: &Input) -> Option<Plan> {
    let name = input.name();
    let ours = input.is_in("stamp") || (input.is_in("pdf") && input.has_folder("test-vectors"));
    if ours && input.json()["cases"].is_array() {
        return Some(Plan::Run(manifest));
    }
    if ours && input.has_folder("test-vectors") {
        return Some(match name {
            "expectations.json" | "expectations-pdf.json" => {
                Plan::Skip("read with the files it is about")
            }
            _ => Plan::Skip("read with its manifest"),
        });
    }
    if input.has_folder("gm") && input.json()["trust_anchor"].is_string() {
        return Some(Plan::Run(manifest));
    }
    if input.is_in("ofd-attacks") {
        return Some(match name {
            "manifest.json" => Plan::Run(attacks),
            _ => Plan::Skip("read with its manifest"),
        });
    }
    if input.has_folder("ses") && input.has_folder("gm") {
        let inside = ["seals", "signatures", "ofd"]
            .iter()
            .any(|f| input.is_in(f));
        return inside.then_some(Plan::Skip("read with its manifest"));
    }
    let ends = |all: &[&str]| all.iter().any(|end| name.ends_with(end));
    if expected(input).is_some() {
        return Some(Plan::Run(foreign));
    }
    if input.has_folder("pdf-signed") && !ends(&[".pdf"]) {
        return Some(Plan::Skip("about the files beside it"));
    }
    if input.is_in("pdf") && input.has_folder("gm") && ends(&[".pem"]) {
        return Some(Plan::Skip("read with the document beside it"));
    }
    if input.has_folder("vendor") && name == "Signature.xml" {
        return Some(Plan::Skip("read with the signature beside it"));
    }
    let sealed = ["ofd-ses", "gm", "pdf-signed"]
        .iter()
        .any(|f| input.has_folder(f));
    (sealed && ends(&[".esl", ".ofd", ".dat", ".DER", ".pdf"])).then_some(Plan::Run(unexpected))
}

/// What is expected of a file that brings no trust with it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    /// The end of its path.
    file: String,
    /// The instant asked about.
    at: Time,
    /// Codes of all failures, sorted, without those about trust.
    failures: Vec<String>,
    /// Codes of all deviations, sorted.
    deviations: Vec<String>,
    /// Why.
    reason: String,
}

fn expected(input: &Input) -> Option<Expected> {
    let path = input.folder().join(input.name());
    let mut found = None;
    for text in EXPECTATIONS {
        let all: Vec<Expected> = serde_json::from_str(text).ok()?;
        found = found.or(all.into_iter().find(|one| path.ends_with(&one.file)));
    }
    found.filter(|one| !one.reason.is_empty())
}

/// What was found: failures and deviations.
#[derive(Default)]
struct Found {
    failures: BTreeSet<String>,
    deviations: BTreeSet<String>,
}

impl Found {
    fn add(&mut self, report: &Report) {
        let failures = report.failures().into_iter().filter(|c| *c != NOT_TRUSTED);
        self.failures.extend(failures.map(str::to_owned));
        let deviations = report.deviations().iter().map(|d| d.code().to_owned());
        self.deviations.extend(deviations);
    }

    fn add_pdf(&mut self, document: &pdf::CheckedPdf) {
        self.add(&document.report);
        for one in &document.signatures {
            self.add(&one.report);
        }
        if document.signatures.is_empty() && document.report.failures().is_empty() {
            self.failures.insert("unsigned".to_owned());
        }
    }

    fn add_document(&mut self, document: &CheckedDocument) {
        self.add(&document.report);
        for one in &document.signatures {
            self.add(&one.report);
        }
        // Whose signature is not trusted covers nothing; that it covers all is asked by `beyond`.
        let whole = document.signatures.iter().any(|one| one.beyond.is_empty());
        if whole {
            self.failures.remove("ofd.not-covered");
        }
        if document.signatures.is_empty() && document.report.failures().is_empty() {
            self.failures.insert("unsigned".to_owned());
        }
    }
}

fn trust<'a>(anchors: &'a Anchors, at: Time) -> Trust<'a> {
    let mut trust = Trust::new(anchors, Material::default(), at);
    trust.revocation = RevocationRule::Ignored;
    trust
}

fn look(input: &Input, at: Time) -> Found {
    let nobody = Anchors::default();
    let trust = trust(&nobody, at);
    let (name, bytes) = (input.name(), input.bytes());
    let mut found = Found::default();
    if name.ends_with(".ofd") {
        found.add_document(&ofd::check(bytes, &trust));
    } else if name.ends_with(".pdf") {
        found.add_pdf(&pdf::check(bytes, &trust));
    } else if name.ends_with(".esl") || name.ends_with(".DER") {
        found.add(&check_seal(bytes, &trust).report);
    } else {
        let data = input.beside("Signature.xml").ok();
        let own = SealSignature::parse(bytes).map(|s| *s.data_hash());
        let report = match (&data, &own) {
            (Some(data), _) => check_signature(bytes, Protected::Bytes(data), &trust).report,
            (None, Ok(own)) => check_signature(bytes, Protected::Digest(own), &trust).report,
            (None, Err(_)) => check_signature(bytes, Protected::Bytes(&[]), &trust).report,
        };
        found.add(&report);
    }
    found
}

fn foreign(input: &Input, tally: &mut Tally) {
    tally.case("as expected", || {
        let expected = expected(input).ok_or(Stop::Skip("not in the list"))?;
        let found = look(input, expected.at);
        let same = found.failures.iter().eq(expected.failures.iter())
            && found.deviations.iter().eq(expected.deviations.iter());
        check(
            same,
            &format!(
                "failures {:?}, deviations {:?}",
                found.failures, found.deviations
            ),
        )
    });
}

/// A file of the kind that nobody has said anything about.
fn unexpected(input: &Input, tally: &mut Tally) {
    tally.case("listed", || {
        let at = "2026-11-15T00:00:00Z".parse().map_err(fail("time"))?;
        let found = look(input, at);
        Err(Stop::Fail(format!(
            "not in test-vectors/stamp/expectations*.json: failures {:?}, deviations {:?}",
            found.failures, found.deviations
        )))
    });
}

/// Tampered copies of one document. Its CA is unknown, so what must be found is anything else.
fn attacks(input: &Input, tally: &mut Tally) {
    let nobody = Anchors::default();
    for case in input.json().as_array().map_or(&[][..], Vec::as_slice) {
        tally.case(&case["file"], || {
            let bytes = input.beside(text(case, "file")?)?;
            // Before the certificates of the document ended.
            let at = "2021-01-01T00:00:00Z".parse().map_err(fail("time"))?;
            let document = ofd::check(&bytes, &trust(&nobody, at));
            let mut found = Found::default();
            found.add_document(&document);
            let good = found.failures.is_empty();
            let shown = format!("{:?}", found.failures);
            match text(case, "expect")? {
                "valid-digests" => check(good, &shown),
                "unsigned" | "unsigned-or-reject" => check(
                    document.verdict() != Verdict::Valid && !good,
                    "taken for signed",
                ),
                _ => check(!good, "nothing found"),
            }
        });
    }
}

/// Cases with their own trust.
fn manifest(input: &Input, tally: &mut Tally) {
    for case in list(input.json(), "cases") {
        tally.case(&case["file"], || {
            let (anchors, between, crls) = world(input)?;
            let at = text(case, "at")?.parse().map_err(fail("at"))?;
            let material = Material {
                intermediates: &between,
                crls: &crls,
                ocsp: &[],
                answers: &[],
            };
            let trust = Trust::new(&anchors, material, at);
            run(input, case, &trust)
        });
    }
}

fn world(input: &Input) -> Result<(Anchors, Vec<Certificate>, Vec<RevocationList>), Stop> {
    let json = input.json();
    let certificates = |name: &str| {
        let text = String::from_utf8(input.beside(name)?).map_err(fail("PEM"))?;
        pem::certificates(&text).map_err(fail(name))
    };
    let names = |key: &str| -> Vec<String> {
        let all = list(json, key).iter().filter_map(|v| v.as_str());
        all.map(str::to_owned).collect()
    };
    let anchors = Anchors::new(certificates(text(json, "trust_anchor")?)?);
    let mut between = Vec::new();
    for name in names("intermediates") {
        between.extend(certificates(&name)?);
    }
    let mut crls = Vec::new();
    for name in names("crls") {
        let list = RevocationList::parse(&input.beside(&name)?);
        crls.push(list.map_err(fail("revocation list"))?);
    }
    Ok((anchors, between, crls))
}

fn run(input: &Input, case: &serde_json::Value, trust: &Trust<'_>) -> Case {
    let bytes = input.beside(text(case, "file")?)?;
    let (verdict, failures) = match text(case, "kind")? {
        "seal" => {
            let report = check_seal(&bytes, trust).report;
            (report.verdict(), report.failures())
        }
        "signature" => {
            let data = input.beside(text(case, "data")?)?;
            let report = check_signature(&bytes, Protected::Bytes(&data), trust).report;
            (report.verdict(), report.failures())
        }
        "ofd" => {
            let document = ofd::check(&bytes, trust);
            // What breaks a signature, before what it therefore does not cover.
            let each = document.signatures.iter();
            let mut all: Vec<&str> = each.flat_map(|one| one.report.failures()).collect();
            all.extend(document.report.failures());
            (document.verdict(), all)
        }
        "pdf" => {
            let document = pdf::check(&bytes, trust);
            let each = document.signatures.iter();
            let mut all: Vec<&str> = each.flat_map(|one| one.report.failures()).collect();
            all.extend(document.report.failures());
            let expected = text(case, "verdict")?;
            check(
                document.verdict().code() == expected,
                document.verdict().code(),
            )?;
            (document.verdict(), all)
        }
        _ => return Err(Stop::Skip("a kind that is not known")),
    };
    let valid = case["valid"].as_bool();
    if let Some(code) = case["expect"].as_str() {
        let first = failures.first().copied().unwrap_or(verdict.code());
        return same("code", first, code);
    }
    check(
        valid == Some(verdict == Verdict::Valid),
        &format!("{}: {failures:?}", verdict.code()),
    )
}
