//! Dossiers that are wrong in one way each, and the check that must say so.
//!
//! They are made from one that is valid: some by changing its bytes, some by a host with all its keys
//! that logs what its own rules would have refused.

use super::Story;
use super::forge::Forge;
use crate::world::{Cast, DEADLINE, Tender};
use mifeng::crypto::{Suite, jcs};
use std::collections::BTreeMap;

/// A broken dossier.
pub struct Broken {
    /// What is wrong, in a few words without spaces.
    pub name: &'static str,
    /// The check that must fail.
    pub check: &'static str,
    /// The whole tar.
    pub tar: Vec<u8>,
}

type Parts = BTreeMap<String, Vec<u8>>;

/// Every broken dossier of a suite, and the valid one that they are made from.
///
/// # Panics
/// If the engine refuses a step of the story: a bug.
pub fn all(suite: &'static Suite) -> (Vec<u8>, Vec<Broken>) {
    let cast = Cast::new(suite, "dossier");
    let mut tender = super::tender(&cast);
    let valid = super::tell(&mut tender, Story::Failed);
    let mut found = archives(&valid);
    found.extend(files(&valid));
    found.extend(heads(&cast, &tender, &valid));
    found.extend(records(&cast, &valid));
    found.extend(beats(&cast, &valid));
    (valid, found)
}

fn broken(name: &'static str, check: &'static str, tar: Vec<u8>) -> Broken {
    Broken { name, check, tar }
}

/// A header of the one allowed form, which cases then change.
pub(super) fn header(name: &str, size: usize) -> Vec<u8> {
    let mut block = vec![0; 512];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[100..108].copy_from_slice(b"0000644\0");
    block[108..116].copy_from_slice(b"0000000\0");
    block[116..124].copy_from_slice(b"0000000\0");
    block[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    block[136..148].copy_from_slice(b"00000000000\0");
    block[156] = b'0';
    block[257..265].copy_from_slice(b"ustar\x0000");
    block[329..337].copy_from_slice(b"0000000\0");
    block[337..345].copy_from_slice(b"0000000\0");
    with_sum(block)
}

fn with_sum(mut block: Vec<u8>) -> Vec<u8> {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

fn entry(header: Vec<u8>, content: &[u8]) -> Vec<u8> {
    let mut out = header;
    out.extend_from_slice(content);
    out.resize(out.len().next_multiple_of(512), 0);
    out
}

pub(crate) fn tar(parts: &Parts) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, content) in parts {
        out.extend(entry(header(name, content.len()), content));
    }
    out.extend([0; 1024]);
    out
}

/// The form of the archive.
fn archives(valid: &[u8]) -> Vec<Broken> {
    let first_len = {
        let size = std::str::from_utf8(&valid[124..135]).expect("octal");
        512 + usize::from_str_radix(size, 8)
            .expect("octal")
            .next_multiple_of(512)
    };
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = valid.to_vec();
        change(&mut bytes);
        broken("", "V1", bytes)
    };
    // An entry before the end, with a header that is changed.
    let end = valid.len() - 1024;
    let added = |name: &str, content: &[u8], change: &dyn Fn(&mut Vec<u8>)| {
        with(&|bytes| {
            let mut head = header(name, content.len());
            change(&mut head);
            let piece = entry(with_sum(head), content);
            bytes.splice(end..end, piece);
        })
    };
    let kind = |kind: u8| move |head: &mut Vec<u8>| head[156] = kind;
    let link = |kind: u8| {
        move |head: &mut Vec<u8>| {
            head[156] = kind;
            head[157..167].copy_from_slice(b"VERIFY.txt");
        }
    };
    let cases: Vec<(&'static str, Broken)> = vec![
        (
            "archive-name-twice",
            with(&|b| {
                let first = b[..first_len].to_vec();
                b.splice(first_len..first_len, first);
            }),
        ),
        (
            "archive-names-unsorted",
            with(&|b| {
                let first: Vec<u8> = b.drain(..first_len).collect();
                let end = b.len() - 1024;
                b.splice(end..end, first);
            }),
        ),
        ("archive-symbolic-link", added("zz", b"", &link(b'2'))),
        ("archive-hard-link", added("zz", b"", &link(b'1'))),
        ("archive-folder", added("zz", b"", &kind(b'5'))),
        ("archive-sparse-file", added("zz", b"x", &kind(b'S'))),
        (
            "archive-long-name",
            added("zz", b"a/very/long/name", &kind(b'L')),
        ),
        (
            "archive-pax-header",
            added("zz", b"11 path=yy\n", &kind(b'x')),
        ),
        ("archive-absolute-path", added("/zz", b"x", &|_| {})),
        ("archive-parent-path", added("zz/../../x", b"x", &|_| {})),
        ("archive-dot-path", added("zz/./x", b"x", &|_| {})),
        ("archive-name-not-ascii", added("zz\u{e9}", b"x", &|_| {})),
        (
            "archive-name-with-prefix",
            added("zz", b"x", &|h| h[345..350].copy_from_slice(b"other")),
        ),
        ("archive-other-mode", added("zz", b"x", &|h| h[104] = b'7')),
        ("archive-other-owner", added("zz", b"x", &|h| h[114] = b'1')),
        ("archive-other-time", added("zz", b"x", &|h| h[146] = b'1')),
        (
            "archive-size-in-base-256",
            added("zz", b"x", &|h| {
                h[124..136].copy_from_slice(&[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
            }),
        ),
        (
            "archive-size-beyond-the-end",
            added("zz", b"x", &|h| h[124..135].copy_from_slice(b"00777777777")),
        ),
        (
            "archive-size-of-all-sevens",
            added("zz", b"x", &|h| h[124..135].copy_from_slice(b"77777777777")),
        ),
        ("archive-wrong-checksum", with(&|b| b[148] ^= 1)),
        ("archive-padding-not-zero", with(&|b| b[first_len - 1] = 1)),
        ("archive-trailing-byte", with(&|b| b.push(0))),
        (
            "archive-trailing-block",
            with(&|b| b.resize(b.len() + 512, 0)),
        ),
        (
            "archive-second-archive",
            with(&|b| {
                let again = b.clone();
                b.extend(again);
            }),
        ),
        (
            "archive-one-end-block",
            with(&|b| b.truncate(b.len() - 512)),
        ),
        ("archive-cut-off", with(&|b| b.truncate(b.len() / 2))),
        ("archive-empty", with(&Vec::clear)),
    ];
    cases
        .into_iter()
        .map(|(name, case)| Broken { name, ..case })
        .collect()
}

fn parts_of(valid: &[u8]) -> Parts {
    crate::world::Parts::of_tar(valid).parts
}

/// Files missing, added or changed.
fn files(valid: &[u8]) -> Vec<Broken> {
    let all = parts_of(valid);
    let name_of = |prefix: &str| {
        let found = all.keys().find(|name| name.starts_with(prefix));
        found.expect("one of each").clone()
    };
    let without = |name: &str| {
        let mut parts = all.clone();
        parts.remove(name);
        tar(&parts)
    };
    let plus = |name: &str, content: &[u8]| {
        let mut parts = all.clone();
        parts.insert(name.to_owned(), content.to_vec());
        tar(&parts)
    };
    let hash = "0".repeat(64);
    vec![
        broken("file-body-missing", "V1", without(&name_of("body/"))),
        broken("file-signature-missing", "V1", without(&name_of("sig/"))),
        broken("file-text-missing", "V1", without("VERIFY.txt")),
        broken("file-list-missing", "V1", without(&name_of("crl/"))),
        broken("file-text-changed", "V1", plus("VERIFY.txt", b"trust me\n")),
        broken(
            "file-body-added",
            "V1",
            plus(&format!("body/{hash}.json"), b"{}"),
        ),
        broken(
            "file-seal-added",
            "V1",
            plus(&format!("seal/{hash}.bid"), b"x"),
        ),
        broken(
            "withheld-no-bid",
            "V1",
            plus(
                "withheld.txt",
                format!("{hash} 1 body/{hash}.json\n").as_bytes(),
            ),
        ),
        broken(
            "withheld-unknown-bid",
            "V1",
            plus(
                "withheld.txt",
                format!("{hash} 1 seal/{hash}.bid\n").as_bytes(),
            ),
        ),
        broken("withheld-nothing", "V1", plus("withheld.txt", b"")),
        broken("renewal-misnamed", "V1", plus("renewal/1.json", b"{}")),
        broken("renewal-of-nothing", "V2", plus("renewal/0001.json", b"{}")),
        broken("file-unknown-folder", "V1", plus("zz/file", b"x")),
        broken("file-unknown-in-log", "V1", plus("log/other", b"x")),
        broken(
            "file-stamp-misnamed",
            "V1",
            plus(&format!("tsr/{hash}.tsr"), b"x"),
        ),
        broken("log-tile-missing", "V2", without(&name_of("log/tile/0/"))),
        broken("log-tile-added", "V2", plus("log/tile/1/000.p/1", &[0; 32])),
        broken("log-beats-reseeded", "V2", {
            let text = String::from_utf8(all["log/beats.json"].clone()).expect("text");
            let at = text.find("\"seed\":\"").expect("a seed") + 8;
            let other = if &text[at..=at] == "0" { "1" } else { "0" };
            let mut text = text;
            text.replace_range(at..=at, other);
            plus("log/beats.json", text.as_bytes())
        }),
        broken("log-beats-not-canonical", "V2", {
            let mut text = all["log/beats.json"].clone();
            text.push(b'\n');
            plus("log/beats.json", &text)
        }),
    ]
}

/// Heads of the log that are not what they should be.
fn heads(cast: &Cast, tender: &Tender<'_>, valid: &[u8]) -> Vec<Broken> {
    let forge = Forge::new(cast, parts_of(valid));
    let head = forge.head_name();
    let note = forge.text(&head);
    let with = |name: &str, text: &str| {
        let mut parts = forge.parts.clone();
        parts.insert(name.to_owned(), text.as_bytes().to_vec());
        tar(&parts)
    };
    let host_line = note
        .lines()
        .find(|line| line.starts_with('\u{2014}'))
        .expect("a line");
    let origin = tender.host.state().origin();
    let foreign = host_line.replacen(origin, "other.example/t/dossier", 1);
    let size = forge.entries.len() as u64;
    let mut found = vec![
        broken(
            "head-unknown-line",
            "V2",
            with(&head, &format!("{note}{foreign}\n")),
        ),
        broken(
            "head-unsigned",
            "V2",
            with(&head, &note.replacen(&format!("{host_line}\n"), "", 1)),
        ),
        broken(
            "head-misnamed",
            "V2",
            with("log/heads/0000000003.note", &note),
        ),
        broken("head-of-a-fork", "V2", {
            let other = forge.signed_head(size - 2, true, &[], DEADLINE + 2);
            with(&format!("log/heads/{:010}.note", size - 2), &other)
        }),
        broken("head-cosigned-by-one", "V6", {
            let at = forge.head_size();
            with(&head, &forge.signed_head(at, false, &[0], DEADLINE + 1))
        }),
        broken("heads-cosigned-by-one", "V6", {
            let at = forge.head_size();
            // The same witness under two heads is one witness.
            let mut parts = forge.parts.clone();
            for (size, name) in [
                (at, head.clone()),
                (at + 1, format!("log/heads/{:010}.note", at + 1)),
            ] {
                let note = forge.signed_head(size, false, &[0], DEADLINE + 1);
                parts.insert(name, note.into_bytes());
            }
            tar(&parts)
        }),
        broken("head-cosigned-too-early", "V6", {
            let at = forge.head_size() + 1;
            let early = forge.signed_head(at, false, &[0, 1], DEADLINE - 1);
            with(&format!("log/heads/{at:010}.note"), &early)
        }),
    ];
    // The checkpoint: an older one, of another origin, signed under another name.
    let older = forge.checkpoint_of(size - 1, origin);
    found.push(broken(
        "checkpoint-rolled-back",
        "V2",
        with(forge.checkpoint_name(), &older),
    ));
    let other = forge.checkpoint_of(size, "other.example/t/dossier");
    found.push(broken(
        "checkpoint-wrong-origin",
        "V2",
        with(forge.checkpoint_name(), &other),
    ));
    let name = forge.text(forge.checkpoint_name());
    let renamed = name.replacen("\u{2014} host", "\u{2014} other", 1);
    found.push(broken(
        "checkpoint-wrong-key-name",
        "V2",
        with(forge.checkpoint_name(), &renamed),
    ));
    found
}

/// A log that stops growing before the deadline, and one that grows after the close.
fn beats(cast: &Cast, valid: &[u8]) -> Vec<Broken> {
    let forge = Forge::new(cast, parts_of(valid));
    let last = *forge.batches().last().expect("a beat");
    let after = forge.clone().moved(last, last + 1, DEADLINE + 1);
    let without = forge.without_last_beat(DEADLINE + 1);
    vec![
        broken("beat-after-the-close", "V2", after),
        broken("beat-at-the-deadline-missing", "V7", without),
    ]
}

/// What a host with all its keys logs against the rules, after the last cosigned head.
fn records(cast: &Cast, valid: &[u8]) -> Vec<Broken> {
    let forge = Forge::new(cast, parts_of(valid));
    let last = forge.tail.len() - 1;
    let text = |n: usize| String::from_utf8(forge.tail[n].body.clone()).expect("text");
    let with = |change: &dyn Fn(&mut Forge<'_>)| {
        let mut other = forge.clone();
        change(&mut other);
        other.dossier()
    };
    // The tail: window close, minutes, two signatures, the failed lot, the archive.
    let minutes = forge.tail_of("opening.minutes");
    let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    vec![
        broken(
            "record-twice",
            "V12",
            with(&|f| {
                let again = f.tail[minutes].clone();
                f.tail.insert(minutes + 1, again);
            }),
        ),
        broken(
            "records-out-of-order",
            "V12",
            with(&|f| f.tail.swap(minutes, minutes + 1)),
        ),
        broken(
            "record-not-canonical",
            "V4",
            with(&|f| {
                let body = text(minutes).replacen("{", "{ ", 1);
                f.resign(minutes, body.as_bytes());
            }),
        ),
        broken(
            "record-unknown-key",
            "V12",
            with(&|f| {
                let body = text(minutes).replacen("\"data\":{", "\"data\":{\"a\":1,", 1);
                f.resign(minutes, body.as_bytes());
            }),
        ),
        broken(
            "record-data-as-list",
            "V4",
            with(&|f| {
                let mut body: serde_json::Value =
                    serde_json::from_str(&text(minutes)).expect("a record");
                let data = body["data"].as_object().expect("members").clone();
                body["data"] = data.into_iter().map(|(_, value)| value).collect();
                f.resign(minutes, &jcs::to_vec(&body).expect("canonical"));
            }),
        ),
        broken(
            "record-unknown-member",
            "V4",
            with(&|f| {
                let body = text(minutes).replacen("{", "{\"a\":1,", 1);
                f.resign(minutes, body.as_bytes());
            }),
        ),
        broken(
            "record-key-twice",
            "V4",
            with(&|f| {
                let body = text(minutes).replacen("\"v\":1}", "\"v\":1,\"v\":1}", 1);
                f.resign(minutes, body.as_bytes());
            }),
        ),
        broken(
            "record-other-version",
            "V4",
            with(&|f| {
                let body = text(minutes).replacen("\"v\":1}", "\"v\":2}", 1);
                f.resign(minutes, body.as_bytes());
            }),
        ),
        broken(
            "record-unknown-type",
            "V4",
            with(&|f| {
                let body = text(minutes).replacen("opening.minutes", "opening.minuteX", 1);
                f.resign(minutes, body.as_bytes());
            }),
        ),
        broken(
            "record-of-another-log",
            "V12",
            with(&|f| {
                let body =
                    text(minutes).replacen("host.example/t/dossier", "host.example/t/another", 1);
                f.resign(minutes, body.as_bytes());
            }),
        ),
        broken(
            "record-absurd-depth",
            "V4",
            with(&|f| f.resign(minutes, deep.as_bytes())),
        ),
        broken("record-empty", "V4", with(&|f| f.resign(minutes, b""))),
        broken(
            "record-not-text",
            "V4",
            with(&|f| f.resign(minutes, &[0xff, 0xfe])),
        ),
        broken(
            "record-signature-of-another",
            "V4",
            with(&|f| {
                f.tail[minutes].signature = f.tail[minutes + 1].signature.clone();
            }),
        ),
        broken(
            "record-signed-by-another",
            "V4",
            with(&|f| {
                let body = f.tail[minutes].body.clone();
                f.sign_as(minutes, &f.cast.buyer.signer, &body);
            }),
        ),
        broken(
            "archive-close-missing",
            "V1",
            with(&|f| {
                f.tail.truncate(last);
                f.closed = false;
            }),
        ),
        broken(
            "archive-of-an-open-lot",
            "V4",
            with(&|f| {
                f.tail.remove(f.tail_of("lot.fail"));
            }),
        ),
        broken(
            "pool-first-with-a-reason",
            "V13",
            with(&|f| {
                let at = f.tail_of("lot.fail");
                let mut body: serde_json::Value =
                    serde_json::from_slice(&f.tail[at].body).expect("a record");
                let row = serde_json::json!({"id": "0".repeat(64), "weight": 1});
                body["type"] = "expert.pool".into();
                body["data"] = serde_json::json!({
                    "n": 1, "reason": "why not", "rows": [row], "specialty": "A032000",
                });
                let body = jcs::to_vec(&body).expect("canonical");
                f.resign(at, &body);
            }),
        ),
        broken(
            "record-after-the-archive",
            "V12",
            with(&|f| {
                // A trustee who has not signed the minutes yet does so too late.
                let [old, new] = [0, 1].map(|n| &cast.trustees[n].person);
                let [from, to] = [old, new].map(|p| p.fingerprint(cast.suite).to_string());
                let body = text(minutes + 2).replace(&from, &to);
                let kept = f.tail[minutes + 2].clone();
                f.sign_as(minutes + 2, &new.signer, body.as_bytes());
                let again = std::mem::replace(&mut f.tail[minutes + 2], kept);
                f.after = Some(again);
            }),
        ),
    ]
}
