//! The log of a host: nothing in it tells nobody from one or from fifty bidders before the close, and nothing ever who asked.

mod common;

use common::statements::bearer;
use common::*;
use mifeng::crypto::INTL;
use mifeng::log::{Pace, Schedule};
use serde_json::Value;

const SEED: &str = "http log";
/// In addresses, queries, headers, bodies: whoever asks may say anything.
const PLANTED: &str = "planted-7Qz";

fn ask(host: &Served, (method, path): (&str, &str), headers: &[(&str, &str)]) -> Answer {
    let answer = host.ask(method, path, headers, PLANTED.as_bytes());
    assert_eq!(answer.header("x-request-id").len(), 16, "{path}");
    answer
}

/// Requests of somebody who does not bid, some of which are refused.
fn observe(host: &Served) {
    let zeros = "0".repeat(64);
    let bearer = format!("Bearer {PLANTED}");
    let cookie = format!("mifeng-t1={PLANTED}");
    let headers = [("authorization", &*bearer), ("cookie", &*cookie)];
    for (method, path) in [
        ("GET", "/healthz".to_owned()),
        ("GET", "/metrics".to_owned()),
        ("GET", "/t/t1/trustee?lang=en&x=planted-7Qz".to_owned()),
        ("GET", "/v1/tenders/t1/sheets".to_owned()),
        ("GET", "/v1/tenders/planted-7Qz/journal".to_owned()),
        ("POST", "/v1/tenders/t1/stamps".to_owned()),
        ("POST", "/v1/tenders/%741/cosignatures".to_owned()),
        ("POST", "/v1/tenders/t1/grants?planted-7Qz".to_owned()),
        ("PUT", format!("/v1/tenders/t1/documents/{zeros}")),
        ("PUT", "/v1/tenders/t1/documents/planted-7Qz".to_owned()),
        // Nothing is told of these before the close.
        ("GET", "/planted-7Qz".to_owned()),
        ("GET", "/?lang=en".to_owned()),
        ("GET", "/t/t1".to_owned()),
        ("GET", "/v1/tenders/%741/bundle".to_owned()),
        ("GET", "/v1/tenders/t1/files/planted-7Qz".to_owned()),
        ("PATCH", "/v1/tenders/t1/stamps".to_owned()),
        (PLANTED, "/healthz".to_owned()),
        ("POST", "/v1/tenders/t1/records".to_owned()),
        ("GET", format!("/v1/tenders/t1/receipts/{zeros}")),
    ] {
        ask(host, (method, &path), &headers);
    }
}

/// All that a bidder's browser and programs ask for, from the first look to the receipt, and some of it wrong.
fn bid(host: &Served, tender: &mut Tender<'_>, number: usize) -> (String, String) {
    let cast = tender.cast;
    let person = one_of_many(cast, number);
    for path in [
        "/",
        "/t/t1",
        "/t/t1/bid",
        "/t/t1/hall",
        "/t/t1/hall/now",
        "/audit",
        "/assets/style.css",
        "/assets/send.js",
        "/assets/desk.js",
        "/assets/desk.wasm",
        "/favicon.ico",
        "/v1/tenders",
        "/v1/tenders/t1",
        "/v1/tenders/t1/bundle",
        "/v1/tenders/%741/bundle",
        "/v1/tenders/t1/files/log/checkpoint",
        "/v1/tenders/t1/sign-in",
        "/v1/anchors",
    ] {
        host.get(path);
    }
    let token = bearer(host, tender, &person, FIRST_BEAT + 1);
    let signed_in = [("authorization", &*token)];
    for path in ["own", "opened", "sign-in"] {
        ask(host, ("GET", &format!("/v1/tenders/t1/{path}")), &signed_in);
    }
    let bid = first_bid(tender, &person, 900_000 - number as u64);
    let sent = host.send(&bid);
    assert_eq!(sent.status, 202, "{}", sent.text());
    let record = sent.json()["record"].as_str().expect("a name").to_owned();
    for (method, path) in [
        ("GET", format!("receipts/{record}")),
        ("POST", "records".to_owned()),
        ("POST", "uploads".to_owned()),
        ("GET", format!("uploads/{record}")),
        ("PUT", format!("uploads/{record}/blocks/7")),
        ("POST", format!("uploads/{record}")),
        ("PATCH", "records".to_owned()),
        ("DELETE", "sign-in".to_owned()),
    ] {
        ask(
            host,
            (method, &format!("/v1/tenders/t1/{path}")),
            &signed_in,
        );
    }
    (record, token)
}

/// A line without what is another one each time.
fn bare(mut line: Value) -> Value {
    let time = line["time"].take();
    assert_eq!(time.as_str().map(str::len), Some(24), "{time}");
    if line["event"] == "request" {
        assert_eq!(line["id"].take().as_str().map(str::len), Some(16));
        assert!(line["ms"].take().is_u64());
    }
    line
}

/// What the log says up to the close, and all of it after that.
fn told(bidders: usize) -> (Vec<Value>, Vec<Value>) {
    let cast = Cast::new(&INTL, SEED);
    let mut tender = published(&cast, |notice| {
        let pace = Pace {
            from: secs(FIRST_BEAT),
            period_ms: PERIOD as u64 * 1_000,
        };
        notice.beats = Schedule::new(6, vec![pace]).expect("a schedule");
    });
    let lines = Lines::default();
    let name = format!("log-{bidders}");
    let host = Served::logged((&tender, SEED), &name, lines.log());
    host.wake();
    observe(&host);
    host.at(FIRST_BEAT);
    host.at(FIRST_BEAT + 1);
    let mut secrets = vec![PLANTED.to_owned(), "127.0.0.1".to_owned(), "0".repeat(64)];
    for number in 0..bidders {
        let (record, token) = bid(&host, &mut tender, number);
        secrets.extend([record, token]);
    }
    observe(&host);
    for at in [20, 30, 40, 50] {
        host.at(at);
        observe(&host);
    }
    host.log.flush();
    let before = lines.all();
    for at in [60, 61] {
        host.at(at);
    }
    let view = host.get("/v1/tenders/t1").json();
    assert!(view["stage"] == "window" || view["stage"] == "opening");
    assert_eq!(view["hall"]["roll"].as_array().map(Vec::len), Some(bidders));
    observe(&host);
    if let Some(record) = secrets.get(3) {
        ask(
            &host,
            ("GET", &format!("/v1/tenders/t1/receipts/{record}")),
            &[],
        );
    }
    host.log.flush();
    let all = lines.all();
    for line in &all {
        let text = line.to_string();
        let found = secrets.iter().find(|secret| text.contains(&***secret));
        assert_eq!(found, None, "{text}");
    }
    (before.into_iter().map(bare).collect(), all)
}

#[test]
fn nobody_one_or_fifty_bidders() {
    let (nobody, after) = told(0);
    // Ten lines for each time that somebody looked; the address that another name has is the same tender.
    assert_eq!(nobody.len(), 60);
    let of = |lines: &[Value], path: &str| {
        let is = |line: &&Value| line["route"] == path;
        lines.iter().filter(is).cloned().collect::<Vec<_>>()
    };
    let stamps = of(&nobody, "/v1/tenders/{tender}/stamps");
    assert_eq!(stamps[0]["tender"], "t1");
    assert_eq!(
        (&stamps[0]["status"], &stamps[0]["code"]),
        (&400.into(), &"file.malformed".into())
    );
    assert_eq!(
        (&stamps[0]["in"], &stamps[0]["level"]),
        (&11.into(), &"info".into())
    );
    assert_eq!(
        of(&nobody, "/v1/tenders/{tender}/cosignatures")[0]["tender"],
        "t1"
    );
    let journal = of(&nobody, "/v1/tenders/{tender}/journal");
    assert_eq!(journal[0].get("tender"), None);
    assert_eq!(of(&nobody, "/v1/tenders/{tender}/bundle"), [] as [Value; 0]);
    // It is told once bids are not to be hidden any more, but for what nobody could be told of.
    for path in [
        "/t/{tender}",
        "/v1/tenders/{tender}/bundle",
        "/v1/tenders/{tender}/records",
    ] {
        assert_eq!(of(&after, path).len(), 1, "{path}");
    }
    let stray = after
        .iter()
        .filter(|line| line["code"] == "http.no-route" && line.get("route").is_none());
    assert_eq!(stray.count(), 1);
    let other = after.iter().filter(|line| line["method"] == "other");
    assert_eq!(other.count(), 2);
    for bidders in [1, 50] {
        let (some, all) = told(bidders);
        for (number, (expected, found)) in nobody.iter().zip(&some).enumerate() {
            assert_eq!(expected, found, "{bidders} bidders, line {number}");
        }
        assert_eq!(nobody.len(), some.len(), "{bidders} bidders");
        // After the close an answer to a bidder is told, without its name.
        assert_eq!(of(&all, "/v1/tenders/{tender}/receipts/{record}").len(), 2);
    }
}

#[test]
fn an_event_is_a_line_of_the_same_log() {
    let cast = Cast::new(&INTL, SEED);
    let tender = published(&cast, |_| {});
    let lines = Lines::default();
    let host = Served::logged((&tender, SEED), "log-events", lines.log());
    host.wake();
    host.at(FIRST_BEAT);
    // Far ahead, though no time has passed: the clock is in doubt.
    host.clock.jump(secs(500));
    host.wake();
    common::replica::until("the operator is told", || {
        host.log.flush();
        lines
            .all()
            .iter()
            .any(|line| line["event"] == "clock.in-doubt")
    });
    let all = lines.all();
    let told = all.iter().find(|line| line["event"] == "clock.in-doubt");
    let told = told.expect("told");
    assert_eq!(
        (&told["level"], &told["tender"]),
        (&"error".into(), &"t1".into())
    );
    assert!(
        told["en"]
            .as_str()
            .is_some_and(|en| en.contains("jumped ahead"))
    );
    assert!(told["zh"].as_str().is_some_and(|zh| zh.contains("时钟")));
}
