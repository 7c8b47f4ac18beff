//! Every "no" is in the journal of refusals: under a name where somebody signed, as a count where nobody did. No flood fills it.

mod common;

use common::statements::{file, numbered, signed};
use common::*;
use mifeng::crypto::{Digest, INTL};
use mifeng_access::{Journal, Line, check_journal, line_hash};
use mifeng_server::{EVIDENCE_LEN_MAX, JOURNAL_STRANGERS_MAX};
use serde_json::json;

const SEED: &str = "http refusals";

/// The lines of the journal, as far as it has come.
fn lines(host: &Served, from: usize) -> Vec<Line> {
    let tender = host.house.tender("t1").expect("a tender");
    tender.write_journal(secs(1_000)).expect("written");
    let path = host.folder.join(".work/t1/journal");
    let text = std::fs::read(path).expect("a journal");
    assert!(check_journal(&text).is_ok());
    let lines = text
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    let read = |line: &[u8]| serde_json::from_slice(line).expect("a line");
    lines.skip(from).map(read).collect()
}

/// What is asked, what it is noted as, and the code that it is refused with.
type Asked<'a> = (
    &'a str,
    String,
    Vec<(&'a str, &'a str)>,
    Vec<u8>,
    &'a str,
    &'a str,
);

fn unsigned(tender: &Tender<'_>, upload: &str) -> Vec<Asked<'static>> {
    let zeros = "0".repeat(64);
    let statement = signed(tender, &tender.cast.agency, "access.sign-in", &json!({}), 3);
    let mut broken = statement.clone();
    // The body of another one.
    broken.body = signed(tender, &tender.cast.buyer, "access.sign-in", &json!({}), 4).body;
    let (statement, broken) = (file(&statement), file(&broken));
    let other_site = vec![("sec-fetch-site", "cross-site")];
    let other_host = vec![("host", "elsewhere.example")];
    let large = vec![7; EVIDENCE_LEN_MAX + 1];
    let x = || b"x".to_vec();
    vec![
        (
            "POST",
            "stamps".into(),
            vec![],
            x(),
            "stamp",
            "file.malformed",
        ),
        (
            "POST",
            "stamps".into(),
            vec![],
            large,
            "stamp",
            "http.too-large",
        ),
        (
            "POST",
            "beacons".into(),
            vec![],
            x(),
            "beacon",
            "file.malformed",
        ),
        (
            "POST",
            "cosignatures".into(),
            vec![],
            x(),
            "cosignature",
            "log.malformed",
        ),
        (
            "POST",
            "anchor-cosignatures".into(),
            vec![],
            x(),
            "anchor-cosignature",
            "anchor.none",
        ),
        (
            "POST",
            "records".into(),
            vec![],
            x(),
            "record",
            "record.malformed",
        ),
        (
            "POST",
            "records".into(),
            other_site.clone(),
            statement,
            "record",
            "http.cross-site",
        ),
        (
            "DELETE",
            "sign-in".into(),
            other_site,
            vec![],
            "sign-out",
            "http.cross-site",
        ),
        (
            "POST",
            "sign-in/challenge".into(),
            other_host,
            vec![],
            "sign-in",
            "access.other-host",
        ),
        (
            "POST",
            "sign-in".into(),
            vec![],
            x(),
            "sign-in",
            "record.malformed",
        ),
        (
            "POST",
            "sign-in".into(),
            vec![],
            broken.clone(),
            "sign-in",
            "record.signature",
        ),
        (
            "POST",
            "grants".into(),
            vec![],
            broken,
            "grant",
            "record.signature",
        ),
        (
            "PUT",
            format!("documents/{zeros}"),
            vec![],
            x(),
            "document",
            "document.unknown",
        ),
        (
            "POST",
            "documents".into(),
            vec![],
            x(),
            "record",
            "record.malformed",
        ),
        (
            "PUT",
            format!("uploads/{zeros}/blocks/0"),
            vec![],
            x(),
            "block",
            "upload.unknown",
        ),
        (
            "PUT",
            format!("uploads/{upload}/blocks/0"),
            vec![],
            x(),
            "block",
            "upload.block-length",
        ),
        (
            "PUT",
            format!("uploads/{upload}/blocks/9"),
            vec![],
            x(),
            "block",
            "upload.no-block",
        ),
        (
            "POST",
            format!("uploads/{upload}"),
            vec![],
            vec![],
            "upload",
            "upload.incomplete",
        ),
        (
            "PATCH",
            "stamps".into(),
            vec![],
            vec![],
            "request",
            "http.no-method",
        ),
    ]
}

#[test]
fn what_nobody_signed_is_counted_and_what_somebody_did_is_named() {
    let cast = Cast::new(&INTL, SEED);
    let mut tender = Tender::new(&cast, "host/t/1", Kind::Board);
    let host = Served::new(&tender, SEED, "refusals");
    host.wake();
    let bid = tender.seal(0, 900_000, 3);
    let begun = host.begin(&bid).json();
    let upload = begun["record"].as_str().expect("a name").to_owned();
    let mut expected = Vec::new();
    for (method, path, headers, body, act, rule) in unsigned(&tender, &upload) {
        for _ in 0..2 {
            let answer = host.ask(method, &format!("/v1/tenders/t1/{path}"), &headers, &body);
            assert_eq!(answer.code(), rule, "{method} {path}: {}", answer.text());
        }
        expected.push((act.to_owned(), rule.to_owned(), 2, None));
    }
    // More is announced than comes.
    let cut = b"POST /v1/tenders/t1/stamps HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nx";
    host.cut(cut);
    expected.push(("stamp".to_owned(), "http.cut".to_owned(), 1, None));
    // What is signed by somebody who counts here is named, in whatever way it came.
    let agency = Some(cast.agency.fingerprint(&INTL));
    let nothing = json!({});
    let contract = numbered(&tender, &cast.agency, ("contract.stamp", 90), &nothing);
    let announced = host.post("/v1/tenders/t1/documents", &file(&contract));
    assert!(
        (400..500).contains(&announced.status),
        "{}",
        announced.text()
    );
    expected.push(("contract.stamp".to_owned(), announced.code(), 1, agency));
    let statement = signed(&tender, &cast.agency, "access.sign-in", &nothing, 3);
    let refused = host.post("/v1/tenders/t1/sign-in", &file(&statement));
    assert_eq!(refused.status, 403, "{}", refused.text());
    expected.push(("access.sign-in".to_owned(), refused.code(), 1, agency));
    // Who looks for what is not there is refused nothing, nor who asks whether they are signed in.
    for path in ["receipts/00", "files/x", "sign-in", "dossier"] {
        let answer = host.get(&format!("/v1/tenders/t1/{path}"));
        assert!([401, 404].contains(&answer.status), "{}", answer.text());
    }
    let mut found: Vec<_> = lines(&host, 0)
        .into_iter()
        .map(|line| (line.act, line.rule, line.count, line.who))
        .collect();
    found.sort();
    expected.sort();
    // Malformed records are one kind, wherever they are sent.
    expected.dedup_by(|one, other| {
        let same = (&one.0, &one.1, &one.3) == (&other.0, &other.1, &other.3);
        other.2 += if same { one.2 } else { 0 };
        same
    });
    assert_eq!(found, expected);
}

#[test]
fn what_is_refused_is_told_in_the_language_asked_for() {
    let cast = Cast::new(&INTL, SEED);
    let mut tender = Tender::new(&cast, "host/t/1", Kind::Board);
    let host = Served::new(&tender, SEED, "refusals-language");
    host.wake();
    let bid = tender.seal(0, 900_000, 3);
    let begun = host.begin(&bid).json();
    let upload = begun["record"].as_str().expect("a name").to_owned();
    let mut asked = unsigned(&tender, &upload);
    let data = json!({ "seal": Digest::from_bytes([1; 32]) });
    let unknown = file(&numbered(
        &tender,
        &cast.agency,
        ("bid.withdraw", 90),
        &data,
    ));
    let foreign = Cast::new(&INTL, "http refusals foreign");
    let other = Tender::new(&foreign, "host/t/2", Kind::Board);
    let foreign = file(&signed(&other, &foreign.agency, "bid.withdraw", &data, 3));
    let records = || "records".to_owned();
    asked.push(("POST", records(), vec![], unknown, "", "bid.unknown"));
    asked.push((
        "POST",
        records(),
        vec![],
        foreign,
        "",
        "record.wrong-origin",
    ));
    let has_zh = |text: &str| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
    let mut with_details = 0;
    for (method, path, headers, body, _, rule) in asked {
        let told = |lang: &'static str| {
            let headers = [&headers[..], &[("accept-language", lang)]].concat();
            let path = format!("/v1/tenders/t1/{path}");
            let answer = host.ask(method, &path, &headers, &body).json();
            let part = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
            (part("code"), part("title"), part("detail"))
        };
        let ((code, title, detail), zh) = (told("en"), told("zh-CN"));
        assert_eq!((&*code, &*zh.0), (rule, rule), "{method} {path}");
        assert!(!has_zh(&title) && has_zh(&zh.1), "{rule}: {title} {}", zh.1);
        assert_eq!(detail.is_empty(), zh.2.is_empty(), "{rule}");
        if detail.is_empty() {
            continue;
        }
        with_details += 1;
        assert!(
            !has_zh(&detail) && has_zh(&zh.2),
            "{rule}: {detail} {}",
            zh.2
        );
        // Each value that was found stands in both.
        for number in detail
            .split(|c: char| !c.is_ascii_digit())
            .filter(|n| !n.is_empty())
        {
            assert!(zh.2.contains(number), "{rule}: {detail} {}", zh.2);
        }
    }
    assert!(with_details > 8, "{with_details}");
}

#[test]
fn who_comes_too_often_is_noted_in_one_line() {
    let cast = Cast::new(&INTL, SEED);
    let tender = Tender::new(&cast, "host/t/1", Kind::Board);
    let host = Served::new(&tender, SEED, "refusals-often");
    host.wake();
    // Reads of one connection: nobody signed them.
    let read = "GET /v1/tenders/t1/sign-in HTTP/1.1\r\nhost: x\r\n\r\n";
    let last = read.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n");
    host.raw(format!("{}{last}", read.repeat(4_000)).as_bytes());
    // Records of one certificate: somebody did.
    let data = json!({ "seal": Digest::from_bytes([1; 32]) });
    let record = file(&numbered(
        &tender,
        &cast.agency,
        ("bid.withdraw", 90),
        &data,
    ));
    let mut told = 0;
    while told < 3 {
        let answer = host.post("/v1/tenders/t1/records", &record);
        told += usize::from(answer.code() == "http.too-often");
    }
    let lines = lines(&host, 0);
    let of = |act: &str| {
        let often = |line: &&Line| line.rule == "http.too-often" && line.act == act;
        lines.iter().filter(often).collect::<Vec<_>>()
    };
    let (reads, records) = (of("sign-in"), of("bid.withdraw"));
    assert!(
        reads.len() == 1 && reads[0].count > 10 && reads[0].who.is_none(),
        "{lines:?}"
    );
    assert_eq!(records.len(), 1, "{lines:?}");
    let agency = Some(cast.agency.fingerprint(&INTL));
    assert_eq!((records[0].count, records[0].who), (3, agency));
    assert!(lines.len() < 5, "{lines:?}");
}

#[test]
fn strangers_take_no_room_from_those_who_signed() {
    let cast = Cast::new(&INTL, SEED);
    let tender = Tender::new(&cast, "host/t/1", Kind::Board);
    let mut host = Served::new(&tender, SEED, "refusals-flood");
    // What strangers may fill is full.
    let (mut all, mut last) = (Vec::new(), Digest::default());
    let mut count = 0;
    while (all.len() as u64) < JOURNAL_STRANGERS_MAX {
        let mut journal = Journal::default();
        for _ in 0..4_000 {
            count += 1;
            let act = format!("{count:64}");
            journal.note(None, &act, &act, "open", secs(1));
        }
        let (lines, end) = journal.take_due(secs(1), true).lines(last);
        last = end;
        all.extend(
            lines
                .into_iter()
                .flat_map(|line| [line, vec![b'\n']].concat()),
        );
    }
    let ended = all
        .split(|byte| *byte == b'\n')
        .rfind(|line| !line.is_empty());
    assert_eq!(ended.map(line_hash), Some(last));
    let running = host.running.take().expect("running");
    running.stop();
    std::fs::write(host.folder.join(".work/t1/journal"), &all).expect("written");
    host.restart();
    for path in ["stamps", "beacons", "records", "grants", "sign-in"] {
        assert!(host.post(&format!("/v1/tenders/t1/{path}"), b"x").status < 500);
    }
    let statement = signed(&tender, &cast.agency, "access.sign-in", &json!({}), 3);
    host.post("/v1/tenders/t1/sign-in", &file(&statement));
    let lines = lines(&host, count);
    let short: Vec<_> = lines.iter().map(|line| (&*line.act, line.count)).collect();
    assert_eq!(short, [("*", 5), ("access.sign-in", 1)]);
    assert!(lines[0].who.is_none() && lines[1].who.is_some());
}
