//! What is not as it should be is answered with a problem, never with a fault of ours, and changes nothing.

mod common;

use common::*;
use mifeng::crypto::INTL;

fn served() -> (Cast, &'static str) {
    (Cast::new(&INTL, "bad input"), "bad input")
}

#[test]
fn addresses_and_methods() {
    let (cast, seed) = served();
    let host = Served::new(
        &Tender::new(&cast, "host/t/1", Kind::Board),
        seed,
        "addresses",
    );
    let zeros = "0".repeat(64);
    let many = "x".repeat(4_000);
    for (path, code) in [
        ("/nothing".to_owned(), "http.no-route"),
        ("/v1/tenders/t2".to_owned(), "http.no-tender"),
        ("/v1/tenders/..".to_owned(), "http.no-tender"),
        ("/v1/tenders/.work".to_owned(), "http.no-tender"),
        ("/t/%2e%2e%2f%2e%2e".to_owned(), "http.no-tender"),
        ("/t/t1%0d%0aset-cookie:%20a=b".to_owned(), "http.no-tender"),
        (
            "/v1/tenders/t1/files/../../../../etc/passwd".to_owned(),
            "http.no-route",
        ),
        (
            "/v1/tenders/t1/files/%2fetc%2fpasswd".to_owned(),
            "http.no-route",
        ),
        (
            "/v1/tenders/t1/files/..%2f..%2f.work".to_owned(),
            "http.no-route",
        ),
        (format!("/v1/tenders/t1/files/{many}"), "http.no-route"),
        (
            format!("/v1/tenders/t1/receipts/{zeros}"),
            "receipt.unknown",
        ),
        ("/v1/tenders/t1/receipts/..".to_owned(), "receipt.unknown"),
        (format!("/v1/tenders/t1/uploads/{zeros}"), "upload.unknown"),
        ("/v1/tenders/t1/dossier".to_owned(), "tender.not-yet"),
        ("/audit/verify.html".to_owned(), "http.no-route"),
        ("/t/%ff".to_owned(), "http.bad-path"),
    ] {
        let answer = host.get(&path);
        assert_eq!(answer.code(), code, "{path}: {}", answer.text());
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.header("set-cookie"), "");
        assert!(answer.body.len() < 1_000, "{path}");
    }
    let answer = host.ask("DELETE", "/v1/tenders/t1", &[], b"");
    assert_eq!(
        (answer.status, answer.code()),
        (405, "http.no-method".to_owned())
    );
    // Both languages, the same code.
    let zh = host.get("/nothing").json();
    let en = host
        .ask(
            "GET",
            "/nothing",
            &[("accept-language", "en-GB,zh;q=0.2")],
            b"",
        )
        .json();
    assert_eq!(
        (zh["title"].as_str(), zh["code"].as_str()),
        (Some("没有此地址"), Some("http.no-route"))
    );
    assert_eq!(
        en["title"].as_str(),
        Some("there is nothing at this address")
    );
}

/// A browser that goes wrong is shown a page; programs, and whatever is no page, get the problem.
#[test]
fn a_wrong_address_of_a_page() {
    let (cast, seed) = served();
    let tender = Tender::new(&cast, "host/t/1", Kind::Board);
    let host = Served::new(&tender, seed, "wrong-page");
    let browser = [
        ("accept", "text/html,application/xhtml+xml,*/*;q=0.8"),
        ("accept-language", "en"),
    ];
    for (path, status, code, zh, en) in [
        (
            "/t/NOPE",
            404,
            "http.no-tender",
            "没有此项目",
            "there is no such tender",
        ),
        (
            "/t/t1/x",
            404,
            "http.no-route",
            "没有此地址",
            "there is nothing at this address",
        ),
        (
            "//other.example/x",
            404,
            "http.no-route",
            "没有此地址",
            "there is nothing at this address",
        ),
        (
            "/t/%ff",
            400,
            "http.bad-path",
            "地址不合规",
            "the address is not in due form",
        ),
    ] {
        assert_eq!(host.get(path).code(), code, "{path}");
        let page = host.ask("GET", path, &browser, b"");
        let text = page.text();
        assert_eq!(page.status, status, "{path}");
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(page.header("content-language"), "en");
        assert_eq!(page.header("cache-control"), "no-store");
        for word in [
            en,
            code,
            "<html lang=\"en\">",
            "href=\"/\"",
            "href=\"/?lang=zh\"",
        ] {
            assert!(text.contains(word), "{path}: {word}");
        }
        assert!(!text.contains("other.example"), "{path}");
        let chosen = host.ask("GET", &format!("{path}?lang=zh"), &browser, b"");
        let chosen = chosen.text();
        assert!(chosen.contains("<html lang=\"zh-CN\">"), "{path}");
        // One language on a page: that which was asked for.
        assert!(chosen.contains(zh) && !chosen.contains(en), "{path}");
        assert!(!text.contains(zh), "{path}");
    }
    for (method, path, code) in [
        ("GET", "/v1/tenders/NOPE", "http.no-tender"),
        ("GET", "/v1/nothing", "http.no-route"),
        ("GET", "/assets/nothing", "http.no-route"),
        ("POST", "/t/t1", "http.no-method"),
    ] {
        let answer = host.ask(method, path, &browser, b"");
        assert_eq!(answer.code(), code, "{method} {path}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
}

#[test]
fn bodies() {
    let (cast, seed) = served();
    let mut tender = Tender::new(&cast, "host/t/1", Kind::Board);
    let host = Served::new(&tender, seed, "bodies");
    let records = "/v1/tenders/t1/records";
    for body in [&b""[..], b"{}", b"\xff\xfe", &[b'['; 100_000]] {
        let answer = host.post(records, body);
        assert_eq!(answer.status, 400, "{}", answer.text());
    }
    let answer = host.post(records, &vec![b' '; mifeng_server::RECORD_LEN_MAX + 1]);
    assert_eq!(
        (answer.status, answer.code()),
        (413, "http.too-large".to_owned())
    );
    // Less than was said, then the end.
    let head = format!("POST {records} HTTP/1.1\r\nhost: x\r\ncontent-length: 50\r\n\r\n{{\"v\":1");
    let answer = host.cut(head.as_bytes());
    assert!([0, 400].contains(&answer.status), "{}", answer.text());
    // Two lengths: which one is meant is not guessed.
    let head = format!(
        "POST {records} HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{{}}"
    );
    assert_eq!(host.raw(head.as_bytes()).status, 400);
    assert_eq!(
        host.raw(b"GET / HTTP/1.1\r\nhost: x\r\nx: a\0b\r\n\r\n")
            .status,
        400
    );

    // From another site, whatever it brings.
    let bid = tender.seal(0, 900_000, 3);
    let record = bid.record.to_file().expect("a file");
    for headers in [
        [("origin", "https://evil.example"), ("x", "y")],
        [("sec-fetch-site", "cross-site"), ("x", "y")],
        [("origin", "null"), ("sec-fetch-site", "none")],
    ] {
        let answer = host.ask("POST", records, &headers, &record);
        assert_eq!(
            (answer.status, answer.code()),
            (403, "http.cross-site".to_owned())
        );
    }
    // A bid without its file; a record for another log; one that is changed by one byte.
    assert_eq!(host.post(records, &record).code(), "bid.malformed");
    let other = Tender::new(&cast, "host/t/2", Kind::Board).seal(0, 900_000, 3);
    let answer = host.begin(&other);
    assert_ne!(answer.status, 500, "{}", answer.text());
    assert!(host.send(&other).status >= 400);
    let mut changed = bid.record.clone();
    let last = changed.signature.len() - 1;
    changed.signature[last] ^= 1;
    let answer = host.post(
        "/v1/tenders/t1/uploads",
        &changed.to_file().expect("a file"),
    );
    assert!([400, 409].contains(&answer.status), "{}", answer.text());
    let size = host.get("/v1/tenders/t1").json()["size"].clone();
    assert_eq!(size, tender.host.replay().tree.size());
}

#[test]
fn blocks() {
    let (cast, seed) = served();
    let mut tender = Tender::new(&cast, "host/t/1", Kind::Board);
    let host = Served::new(&tender, seed, "blocks");
    let bid = large(&mut tender, 0, 2_500_000);
    let begun = host.begin(&bid).json();
    let name = begun["record"].as_str().expect("a name").to_owned();
    let missing: Vec<u64> = (0..bid.file.len().div_ceil(1 << 20) as u64).collect();
    assert_eq!(begun["missing"], serde_json::json!(missing));
    let put = |number: &str, block: &[u8]| {
        let path = format!("/v1/tenders/t1/uploads/{name}/blocks/{number}");
        host.ask("PUT", &path, &[], block).code()
    };
    let first = &bid.file[..1 << 20];
    assert_eq!(put("0", &first[1..]), "upload.block-length");
    assert_eq!(put("99", first), "upload.no-block");
    assert_eq!(put("-1", first), "upload.no-block");
    assert_eq!(put("18446744073709551615", first), "upload.no-block");
    assert_eq!(put("0", &[first, b"x"].concat()), "http.too-large");
    assert_eq!(put("0", first), "");
    let end = format!("/v1/tenders/t1/uploads/{name}");
    assert_eq!(host.post(&end, b"").code(), "upload.incomplete");
    // A block with other bytes: the whole is not the one that the seal names, and the upload begins anew.
    for number in 1..missing.len() {
        let block = bid.file.chunks(1 << 20).nth(number).expect("a block");
        let other: Vec<u8> = block.iter().map(|byte| byte ^ 1).collect();
        let bytes = if number == 1 { &other } else { block };
        assert_eq!(put(&number.to_string(), bytes), "");
    }
    assert_eq!(host.post(&end, b"").code(), "bid.malformed");
    assert_eq!(host.get(&end).code(), "upload.unknown");
    // And the right bytes are taken then.
    assert_eq!(host.send(&bid).status, 202);
}

#[test]
fn one_signer_too_often_and_nobody_else() {
    let (cast, seed) = served();
    let mut tender = Tender::new(&cast, "host/t/1", Kind::Board);
    let host = Served::new(&tender, seed, "often");
    let mut codes = std::collections::BTreeMap::<String, u32>::new();
    let withdraw = tender.signed(&cast.bidders[0], "bid.withdraw", &serde_json::json!({}), 3);
    let bytes = withdraw.to_file().expect("a file");
    // A forged one is never charged to whom it names.
    let mut forged = withdraw.clone();
    let last = forged.signature.len() - 1;
    forged.signature[last] ^= 1;
    let forged = forged.to_file().expect("a file");
    for _ in 0..50 {
        assert_ne!(host.post("/v1/tenders/t1/records", &forged).status, 429);
    }
    for _ in 0..mifeng_server::SIGNED_RESERVE {
        let answer = host.post("/v1/tenders/t1/records", &bytes);
        *codes.entry(answer.code()).or_default() += 1;
    }
    assert_eq!(codes.get("http.too-often"), None, "{codes:?}");
    let more = (0..200).map(|_| host.post("/v1/tenders/t1/records", &bytes));
    let refused: Vec<Answer> = more.filter(|answer| answer.status == 429).collect();
    assert!(!refused.is_empty());
    assert!(
        refused
            .iter()
            .all(|answer| answer.header("retry-after") == "1")
    );
    // Whoever sends somebody's public records again is charged for it, not their signer elsewhere.
    let elsewhere = host.post_from([127, 0, 0, 2], "/v1/tenders/t1/records", &bytes);
    assert!(!elsewhere.code().is_empty() && elsewhere.status != 429);
    let bid = tender.seal(1, 900_000, 3);
    assert_eq!(host.send(&bid).status, 202);
}
