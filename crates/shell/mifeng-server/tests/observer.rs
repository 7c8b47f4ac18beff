//! Before the close no answer tells nobody from one or from fifty bidders, nor who withdrew or replaced: every byte is the
//! same, but for the roots of beats, which are drawn at random, and what is computed from them.

mod common;

use common::anchored::{anchored, shown};
use common::statements::{replacing, withdrawal};
use common::*;
use mifeng::crypto::INTL;
use mifeng::log::{Entry, Pace, Schedule};

/// Path, status, headers without the date, the random id and the mark of a download (the instant it was made), and body of every public
/// answer, without what is random in it.
type Look = Vec<(String, u16, Vec<(String, String)>, Vec<u8>)>;

/// A head without its root and its signatures.
fn bare(note: &str) -> String {
    let lines = note.lines().enumerate().map(|(number, line)| {
        let end = match line.starts_with("— ") {
            true => line.rfind(' ').map_or(0, |at| at + 1),
            false => 0,
        };
        match number == 2 || end > 0 {
            true => format!("{}{}\n", &line[..end], "#".repeat(line.len() - end)),
            false => format!("{line}\n"),
        }
    });
    lines.collect()
}

/// Entries without the roots of beats; their count before the first beat.
fn rootless(mut entries: &[u8]) -> (Vec<u8>, usize) {
    let (mut out, mut before, mut seen) = (Vec::new(), 0, false);
    while let [a, b, rest @ ..] = entries {
        let (entry, rest) = rest.split_at(usize::from(u16::from_be_bytes([*a, *b])));
        out.extend_from_slice(&[*a, *b]);
        match Entry::parse(entry) {
            Ok(Entry::Batch { root, .. }) => {
                let text = String::from_utf8_lossy(entry).replace(&root.to_string(), "#");
                out.extend_from_slice(text.as_bytes());
                seen = true;
            }
            _ => {
                assert!(!seen, "a record among the beats");
                out.extend_from_slice(entry);
                before += 1;
            }
        }
        entries = rest;
    }
    (out, before)
}

/// The files of a tar as they come, each with its header; what is computed from the roots of beats left out.
fn unpacked(mut tar: &[u8]) -> Vec<u8> {
    let entries: Vec<u8> = Parts::of_tar(tar)
        .parts
        .iter()
        .filter(|(name, _)| name.starts_with("log/tile/entries"))
        .flat_map(|(_, bytes)| bytes.clone())
        .collect();
    let before = rootless(&entries).1;
    let mut out = Vec::new();
    while tar.len() >= 512 && tar[0] != 0 {
        let (header, rest) = tar.split_at(512);
        let text = |from: usize, len: usize| {
            let field = String::from_utf8_lossy(&header[from..from + len]).into_owned();
            field.trim_matches(['\0', ' ']).to_owned()
        };
        let name = text(0, 100);
        let size = usize::from_str_radix(&text(124, 12), 8).expect("a size");
        let (content, rest) = rest.split_at(size.next_multiple_of(512));
        out.extend_from_slice(header);
        if name.starts_with("log/tile/entries") {
            out.extend(rootless(&content[..size]).0);
        } else if name.starts_with("log/tile/0") {
            // Hashes of the entries; those of beats are as random as their roots.
            out.extend_from_slice(&content[..size.min(before * 32)]);
        } else if name == "log/checkpoint" {
            out.extend(bare(&String::from_utf8_lossy(&content[..size])).into_bytes());
        } else {
            out.extend_from_slice(content);
        }
        tar = rest;
    }
    out.extend_from_slice(tar);
    out
}

/// An answer without what is random in it; `head` is that of the log.
fn same(path: &str, head: &str, body: Vec<u8>) -> Vec<u8> {
    if path.ends_with("/bundle") || path.ends_with("/log") {
        return unpacked(&body);
    }
    let Ok(mut text) = String::from_utf8(body.clone()) else {
        return body;
    };
    if text == head {
        return bare(head).into_bytes();
    }
    let (old, new) = (head.replace('\n', "\\n"), bare(head).replace('\n', "\\n"));
    text = text.replace(&old, &new);
    text.into_bytes()
}

/// What the feed tells whoever comes now.
fn feed(host: &Served) -> String {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(host.address).expect("connected");
    let head = b"GET /v1/tenders/t1/events HTTP/1.1\r\nhost: x\r\n\r\n";
    stream.write_all(head).expect("sent");
    let (mut came, mut piece) = (String::new(), [0; 4_096]);
    let is_whole = |came: &str| {
        let last = came.find("event: head");
        last.is_some_and(|at| came[at..].contains("\n\n"))
    };
    while !is_whole(&came) {
        let len = stream.read(&mut piece).expect("an event");
        assert!(len > 0, "{came}");
        came += &String::from_utf8_lossy(&piece[..len]);
    }
    let told = |line: &&str| {
        ["id:", "event:", "data:"]
            .iter()
            .any(|it| line.starts_with(it))
    };
    came.lines().filter(told).collect::<Vec<_>>().join("\n")
}

fn seen(host: &Served) -> Look {
    let zeros = "0".repeat(64);
    let receipts = format!("/v1/tenders/t1/receipts/{zeros}");
    let uploads = format!("/v1/tenders/t1/uploads/{zeros}");
    let paths = [
        "/",
        "/t/t1",
        "/t/t1/hall",
        "/t/t1/hall/now",
        "/t/t1/result",
        "/t/t1/bid",
        "/t/t1/trustee",
        "/t/t1/score",
        "/assets/earlier.js",
        "/assets/receipt.js",
        "/assets/send.js",
        "/assets/sheet.js",
        "/audit",
        "/v1/tenders",
        "/v1/tenders/t1",
        "/v1/tenders/t1/bundle",
        "/v1/tenders/t1/files/log/checkpoint",
        "/v1/tenders/t1/dossier",
        "/v1/openapi.json",
        "/v1/anchors",
        "/v1/anchors/intl-1/log",
        "/v1/anchors/intl-1/heads",
        "/v1/anchors/intl-1/files/log/checkpoint",
        "/healthz",
        "/metrics",
        "/v1/tenders/t1/own",
        "/v1/tenders/t1/opened",
        "/v1/tenders/t1/sheets",
        "/v1/tenders/t1/dossier/whole",
        "/v1/tenders/t1/journal",
        "/v1/tenders/t1/sign-in",
        &receipts,
        &uploads,
    ];
    let head = host.get("/v1/tenders/t1").json()["head"].clone();
    let head = head.as_str().expect("a head");
    let answers = paths.iter().map(|path| {
        let mut answer = host.ask("GET", path, &[("host", "host.example")], b"");
        let told = |name: &str| !["date", "etag", "x-request-id"].contains(&name);
        answer.headers.retain(|(name, _)| told(name));
        let body = same(path, head, answer.body);
        ((*path).to_owned(), answer.status, answer.headers, body)
    });
    let mut all: Look = answers.collect();
    all.push((
        "events".to_owned(),
        200,
        Vec::new(),
        feed(host).into_bytes(),
    ));
    all
}

/// What bidders send before the close, in a tender in which bodies may come later.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Sent {
    Together,
    RecordAlone,
    BodyLater,
    /// Of five one lets its bid stand; two withdraw and two replace, before the beat of their bid or after it.
    Changed,
}

/// A second record of a bidder: it withdraws, or replaces.
fn change(host: &Served, tender: &mut Tender<'_>, (person, bid): (&Person, &Sealed), again: bool) {
    let answer = match again {
        true => host.send(&replacing(tender, person, (bid.id, 1))),
        false => {
            let record = withdrawal(tender, person, &bid.id);
            host.post("/v1/tenders/t1/records", &record)
        }
    };
    assert_eq!(answer.status, 202, "{}", answer.text());
}

/// What an observer sees before, between and after beats, with these bidders in the second one.
fn public(bidders: usize, grace: u64, sent: Sent) -> Vec<Look> {
    let cast = anchored(&INTL, "http observer");
    let mut tender = published(&cast, |notice| {
        let pace = Pace {
            from: secs(FIRST_BEAT),
            period_ms: PERIOD as u64 * 1_000,
        };
        notice.beats = Schedule::new(6, vec![pace]).expect("a schedule");
        notice.body_grace_ms = grace;
    });
    let name = format!("observer-{bidders}-{sent:?}-{grace}");
    let (mut later, mut changes) = (Vec::new(), Vec::new());
    let host = Served::new(&tender, "http observer", &name);
    host.wake();
    let mut all = vec![seen(&host)];
    let before = shown(&host).0;
    host.at(FIRST_BEAT);
    host.at(12);
    for number in 0..bidders {
        let person = one_of_many(&cast, number);
        let bid = first_bid(&mut tender, &person, 900_000 - number as u64);
        let record = bid.record.to_file().expect("a file");
        let answer = match sent {
            Sent::Together | Sent::Changed => host.send(&bid),
            Sent::RecordAlone | Sent::BodyLater => host.post("/v1/tenders/t1/records", &record),
        };
        assert_eq!(answer.status, 202, "{}", answer.text());
        if sent == Sent::BodyLater {
            later.push(bid);
        } else if sent == Sent::Changed {
            match number % 5 {
                0 => {}
                kind @ (1 | 2) => change(&host, &mut tender, (&person, &bid), kind == 2),
                kind => changes.push((person, bid, kind == 4)),
            }
        }
    }
    all.push(seen(&host));
    for at in [20, 30] {
        host.at(at);
        all.push(seen(&host));
        for (person, bid, again) in std::mem::take(&mut changes) {
            change(&host, &mut tender, (&person, &bid), again);
        }
        for bid in std::mem::take(&mut later) {
            assert_eq!(host.send(&bid).status, 201);
        }
        all.push(seen(&host));
    }
    // No byte of the anchor log tells of a bid before the close.
    assert_eq!(shown(&host).0, before);
    // After the close the roll is public: the bids were really there.
    for at in [40, 50, 60, 61] {
        host.at(at);
    }
    let view = host.get("/v1/tenders/t1").json();
    let roll = view["hall"]["roll"].as_array().expect("a roll");
    let of = |status: &str| roll.iter().filter(|row| row["status"] == status).count();
    let changed = match sent {
        Sent::Changed => bidders / 5 * 2,
        _ => 0,
    };
    let counts = (of("withdrawn_before_deadline"), of("replaced"), roll.len());
    assert_eq!(counts, (changed, changed, bidders + changed));
    all
}

#[test]
fn nobody_one_or_fifty_whoever_withdraws_or_replaces() {
    let kinds = [
        (1, Sent::Together),
        (50, Sent::Together),
        (10, Sent::Changed),
    ];
    compare(0, &kinds);
}

#[test]
fn nobody_or_bidders_whose_bodies_come_later_or_never() {
    let kinds = [
        (3, Sent::RecordAlone),
        (3, Sent::BodyLater),
        (5, Sent::Changed),
    ];
    compare(600_000, &kinds);
}

fn compare(grace: u64, kinds: &[(usize, Sent)]) {
    let nobody = public(0, grace, Sent::Together);
    assert!(
        nobody[0]
            .iter()
            .all(|(_, status, ..)| [200, 401, 404].contains(status))
    );
    for (bidders, sent) in kinds.iter().copied() {
        let some = public(bidders, grace, sent);
        for (when, (one, other)) in nobody.iter().zip(some).enumerate() {
            assert_eq!(one.len(), other.len());
            for (expected, found) in one.iter().zip(other) {
                let said = format!("{bidders} bidders, {sent:?}, look {when}: {}", found.0);
                assert_eq!(expected.1, found.1, "{said}");
                assert_eq!(expected.2, found.2, "{said}");
                let differ = expected.3.iter().zip(&found.3).position(|(a, b)| a != b);
                let from = differ.unwrap_or(0).saturating_sub(80);
                let near = [&expected.3, &found.3].map(|body| {
                    let end = body.len().min(from + 160);
                    String::from_utf8_lossy(&body[from.min(end)..end]).into_owned()
                });
                assert_eq!(near[0], near[1], "{said}");
                assert!(expected.3 == found.3, "{said}");
            }
        }
    }
}
