//! The page's question and answer over made dossiers, without a browser.

use mifeng::crypto::{GM, INTL, Suite};
use mifeng::{Replay, Tar, Trusted, Verdict};
use mifeng_testkit::dossier::{self, Story};
use mifeng_wasm::{Answer, Given, ReadAt, Request, audit};
use std::io;
use std::sync::Arc;

/// The files that a page would hold, by number.
struct Held(Vec<Vec<u8>>);

impl ReadAt for Held {
    fn read_at(&self, file: &Given, at: u64, out: &mut [u8]) -> io::Result<usize> {
        let bytes = self
            .0
            .get(file.id as usize)
            .ok_or(io::ErrorKind::NotFound)?;
        let at = usize::try_from(at).map_err(io::Error::other)?;
        let len = out.len().min(bytes.len() - at);
        out[..len].copy_from_slice(&bytes[at..at + len]);
        Ok(len)
    }
}

fn ask(files: &[&[u8]], more: impl FnOnce(&mut Request, &dyn Fn(u32) -> Given)) -> Answer {
    let given = |id: u32| Given {
        id,
        name: format!("file-{id}"),
        size: files[id as usize].len() as u64,
    };
    let mut request = Request::of(given(0));
    more(&mut request, &given);
    let held = Held(files.iter().map(|bytes| bytes.to_vec()).collect());
    audit(&request, &(Arc::new(held) as Arc<dyn ReadAt>))
}

fn ask_alone(dossier: &[u8]) -> Answer {
    ask(&[dossier], |_, _| {})
}

fn made(suite: &'static Suite) -> Vec<u8> {
    dossier::make(suite, Story::Failed)
}

#[test]
fn the_answer_is_the_verifiers() {
    for suite in [&GM, &INTL] {
        let dossier = made(suite);
        let files = Tar::of_bytes(dossier.as_slice()).expect("a bundle");
        let report = mifeng::verify(&files, &Trusted::default()).expect("in memory");
        let answer = ask_alone(&dossier);
        assert!(answer.valid);
        let json = serde_json::to_string_pretty(&report).expect("serialises");
        assert_eq!(answer.json, json + "\n");
        assert_eq!(answer.report, Some(report));
        let open: Vec<_> = answer.not_checked.iter().map(|open| open.code).collect();
        assert_eq!(
            open,
            [
                "not-checked.roots",
                "not-checked.earlier",
                "not-checked.receipt"
            ]
        );
    }
}

#[test]
fn a_changed_byte_is_named_and_nothing_is_called_valid() {
    let dossier = made(&GM);
    for at in (0..dossier.len()).step_by(dossier.len() / 40) {
        let mut bad = dossier.clone();
        bad[at] ^= 1;
        let answer = ask_alone(&bad);
        assert!(!answer.valid, "byte {at}");
        let report = answer.report.expect("a report");
        assert_eq!(report.checks.len(), 14);
        let failed = report.failure().expect("one failed");
        let expected = mifeng_testkit::flip::failed_check(bad).expect("changed");
        let found = (
            failed.id.to_owned(),
            failed.code.clone().unwrap_or_default(),
        );
        assert_eq!(found, expected, "byte {at}");
        assert!(answer.not_checked.is_empty());
    }
}

#[test]
fn what_is_no_bundle_fails_the_first_check_alone() {
    for bytes in [&b""[..], b"not a tar", &[0; 1024][..1000]] {
        let answer = ask_alone(bytes);
        let checks = answer.report.expect("a report").checks;
        assert_eq!(checks[0].verdict, Verdict::Fail);
        assert_eq!(checks[0].code.as_deref(), Some("file.malformed"));
        assert!(
            checks[1..]
                .iter()
                .all(|check| check.verdict == Verdict::NotRun)
        );
    }
}

#[test]
fn trusted_roots_count_as_pem_and_as_der() {
    let dossier = made(&INTL);
    let files = Tar::of_bytes(dossier.as_slice()).expect("a bundle");
    let replay = Replay::of(&files).expect("replays");
    let other = Replay::of(&Tar::of_bytes(made(&GM)).expect("a bundle")).expect("replays");
    let root = replay.roots[0].der();
    let pem = mifeng::pki::pem::encode("CERTIFICATE", root);
    for (trust, valid) in [
        (root, true),
        (pem.as_bytes(), true),
        (other.roots[0].der(), false),
    ] {
        let answer = ask(&[&dossier, trust], |request, given| {
            request.trust.push(given(1));
        });
        assert_eq!(answer.valid, valid);
        let code = answer.report.as_ref().and_then(|report| report.failure());
        let code = code.and_then(|check| check.code.as_deref());
        assert_eq!(code, (!valid).then_some("cert.untrusted-root"));
    }
    let answer = ask(&[&dossier, b"junk"], |request, given| {
        request.trust.push(given(1));
    });
    let problem = answer.problem.expect("no certificate");
    assert_eq!((answer.valid, problem.file.as_str()), (false, "file-1"));
    assert!(answer.report.is_none() && answer.json.is_empty());
}

#[test]
fn an_earlier_bundle_of_another_tender_is_a_fork() {
    let (dossier, other) = (made(&INTL), made(&GM));
    let earlier = |earlier: &[u8]| {
        ask(&[&dossier, earlier], |request, given| {
            request.earlier = Some(given(1));
        })
    };
    assert!(earlier(&dossier).valid);
    let answer = earlier(&other);
    let report = answer.report.expect("a report");
    let failed = report.failure().expect("another log");
    assert_eq!(
        (failed.id, failed.code.as_deref()),
        ("V2", Some("log.fork"))
    );
    let answer = earlier(b"junk");
    assert_eq!(
        answer.problem.map(|problem| problem.file).as_deref(),
        Some("file-1")
    );
}

#[test]
fn a_file_that_cannot_be_read_is_a_problem_and_no_verdict() {
    let dossier = made(&INTL);
    let request = Request::of(Given {
        id: 9,
        name: "gone".to_owned(),
        size: dossier.len() as u64,
    });
    let answer = audit(
        &request,
        &(Arc::new(Held(vec![dossier])) as Arc<dyn ReadAt>),
    );
    let problem = answer.problem.expect("unreadable");
    assert_eq!(problem.code, "system.unavailable");
    assert!(!answer.valid && answer.report.is_none());
}

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../test-vectors");

/// A document of the vectors with what is beside it.
fn document(path: &str, beside: &[&str]) -> Answer {
    let read = |name: &str| std::fs::read(format!("{VECTORS}/{name}")).expect("a vector");
    let files: Vec<Vec<u8>> = std::iter::once(path)
        .chain(beside.iter().copied())
        .map(read)
        .collect();
    let files: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
    ask(&files, |request, given| {
        request.trust = (1..).take(beside.len()).map(given).collect();
        request.at = Some("2026-07-01T00:00:00Z".parse().expect("a time"));
    })
}

#[test]
fn sealed_documents_are_judged_step_by_step() {
    let ofd = ["stamp/root.pem", "stamp/root.crl"];
    let pdf = ["pdf/roots.pem", "pdf/sm2.crl", "pdf/p256.crl"];
    let cases: [(&str, &[&str], &str, Option<&str>); 7] = [
        ("stamp/one-seal.ofd", &ofd, "valid", None),
        (
            "stamp/page-changed.ofd",
            &ofd,
            "invalid",
            Some("stamp.digest"),
        ),
        ("stamp/unsigned.ofd", &ofd, "unsigned", None),
        ("stamp/one-seal.ofd", &ofd[..1], "undetermined", None),
        ("pdf/pades-b.pdf", &pdf, "valid", None),
        (
            "pdf/byte-changed.pdf",
            &pdf,
            "invalid",
            Some("pki.digest-mismatch"),
        ),
        ("pdf/unsigned.pdf", &pdf, "unsigned", None),
    ];
    for (path, beside, verdict, code) in cases {
        let answer = document(path, beside);
        let found = answer.document.as_ref().expect("a document");
        assert_eq!(found.verdict, verdict, "{path}");
        assert_eq!(answer.valid, verdict == "valid", "{path}");
        assert!(answer.report.is_none() && answer.problem.is_none());
        let failed = found.checks.iter().filter(|step| step.verdict == "fail");
        let codes: Vec<_> = failed.filter_map(|step| step.code).collect();
        assert!(
            code.is_none_or(|code| codes.contains(&code)),
            "{path}: {codes:?}"
        );
        assert!(answer.json.contains(verdict) && answer.json.ends_with("}\n"));
    }
}

#[test]
fn what_is_beside_a_document_must_be_readable() {
    let answer = document("stamp/one-seal.ofd", &["stamp/data.bin"]);
    assert!(!answer.valid && answer.document.is_none());
    assert!(
        answer
            .problem
            .is_some_and(|problem| problem.file == "file-1")
    );
    let broken = ask(&[b"PK\x03\x04", &[0x30, 1]], |request, given| {
        request.trust = vec![given(1)];
    });
    assert!(!broken.valid && broken.problem.is_some());
}
