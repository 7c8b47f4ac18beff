//! Requests of any kind to a real host on loopback: no answer says that something of ours failed, and whatever is
//! refused is refused as a problem.
//!
//! The first byte chooses an operation of the OpenAPI document, or raw bytes; the rest is cut at zeros: what stands in
//! the path, lines of the header, the body.
#![no_main]

#[path = "../../crates/shell/mifeng-server/tests/common/mod.rs"]
mod common;

use common::{Answer, Cast, Kind, Served, Tender};
use libfuzzer_sys::fuzz_target;
use mifeng_crypto::INTL;
use std::sync::LazyLock;

/// Operations that the document names, and those pages that it does not.
static OPERATIONS: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
    let document = serde_json::to_value(mifeng_server::document()).expect("a document");
    let paths = document["paths"].as_object().expect("paths").iter();
    let named = paths.flat_map(|(path, item)| {
        let methods = item.as_object().expect("an item").keys();
        methods.map(move |method| (method.to_uppercase(), path.clone()))
    });
    let pages = ["/t/{tender}", "/t/{tender}/{page}", "/assets/{name}", "/{any}"];
    let pages = pages.map(|path| ("GET".to_owned(), path.to_owned()));
    named.chain(pages).collect()
});

static HOST: LazyLock<Served> = LazyLock::new(|| {
    let (cast, seed) = (Cast::new(&INTL, "fuzzed host"), "fuzzed host");
    Served::new(&Tender::new(&cast, "host/t/1", Kind::Board), seed, "fuzz")
});

/// The path with its first place filled by the tender's name, the others by what is given.
fn filled(template: &str, given: &str) -> String {
    let mut given = given.split('\n');
    let parts = template.split('/').map(|part| match part {
        "{tender}" => "t1".to_owned(),
        place if place.starts_with('{') => given.next().unwrap_or("x").to_owned(),
        fixed => fixed.to_owned(),
    });
    let path = parts.collect::<Vec<_>>().join("/");
    match given.next() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    }
}

fn ask(data: &[u8]) -> Option<Answer> {
    let (first, rest) = data.split_first()?;
    let Some((method, template)) = OPERATIONS.get(usize::from(*first)) else {
        return Some(HOST.cut(rest));
    };
    // It never ends.
    if template.ends_with("/events") {
        return None;
    }
    let mut rest = rest.splitn(3, |byte| *byte == 0);
    let mut text = || String::from_utf8_lossy(rest.next().unwrap_or_default()).into_owned();
    let (path, lines) = (filled(template, &text()), text());
    let body = rest.next().unwrap_or_default();
    // A length of its own would leave the host waiting for what is not sent, and an empty line would make two requests of
    // one: raw bytes try that, and then hang up.
    let lines = lines.lines().filter(|line| {
        let name = line.split(':').next().unwrap_or_default().trim();
        !["", "content-length", "transfer-encoding", "connection", "expect"]
            .iter()
            .any(|own| name.eq_ignore_ascii_case(own))
    });
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\n", HOST.address);
    for line in lines {
        head += &format!("{line}\r\n");
    }
    head += &format!("content-length: {}\r\nconnection: close\r\n\r\n", body.len());
    Some(HOST.raw(&[head.as_bytes(), body].concat()))
}

fuzz_target!(|data: &[u8]| {
    let Some(answer) = ask(data) else { return };
    assert_ne!(answer.status, 500, "{}", answer.text());
    let kind = answer.header("content-type");
    // What is no HTTP is answered by the library, without a word.
    let by_us = !answer.header("referrer-policy").is_empty();
    if answer.status >= 400 && by_us && !answer.body.is_empty() {
        assert!(kind.starts_with("application/problem+json"), "{answer:?}");
        assert!(!answer.code().is_empty(), "{answer:?}");
    }
});
