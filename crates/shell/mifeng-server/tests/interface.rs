//! The document and the interface are one: what it names is there, with the methods it names.

mod common;

use common::replica::{SEED, replica_of, until};
use common::statements::bearer;
use common::*;
use mifeng::crypto::INTL;
use mifeng::record::SignedRecord;
use mifeng::tender::{OpeningAnswer, OpeningAsk, OpeningMatter};
use mifeng_server::{ManualClock, Opened};
use mifeng_store::Access;
use std::sync::Arc;

#[test]
fn every_path_of_the_document_is_routed() {
    let cast = Cast::new(&INTL, "interface");
    let host = Served::new(
        &Tender::new(&cast, "host/t/1", Kind::Board),
        "interface",
        "interface",
    );
    let document = host.get("/v1/openapi.json").json();
    assert_eq!(document["openapi"].as_str(), Some("3.1.0"));
    let paths = document["paths"].as_object().expect("paths");
    assert_eq!(paths.len(), 34);
    let zeros = "0".repeat(64);
    for (path, methods) in paths {
        if path.ends_with("/events") {
            continue;
        }
        let real = path
            .replace("{tender}", "t1")
            .replace("{suite}", "intl-1")
            .replace("{record}", &zeros)
            .replace("{number}", "0")
            .replace("{hash}", &zeros)
            .replace("{path}", "log/checkpoint");
        for (method, told) in methods.as_object().expect("methods") {
            let answer = host.ask(&method.to_uppercase(), &real, &[], b"");
            let status = answer.status.to_string();
            assert!(
                told["responses"].get(&status).is_some(),
                "{method} {path}: {status}"
            );
            assert_ne!(answer.code(), "http.no-route", "{method} {path}");
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
            assert!(
                answer
                    .header("content-security-policy")
                    .contains("default-src 'none'")
            );
        }
        let answer = host.ask("PATCH", &real, &[], b"");
        assert_eq!(
            (answer.status, answer.code()),
            (405, "http.no-method".to_owned())
        );
        for (method, told) in methods.as_object().expect("methods") {
            let allowed = answer.header("allow");
            assert!(
                allowed.contains(&method.to_uppercase()),
                "{path}: {allowed}"
            );
            assert!(told["responses"].get("405").is_some(), "{method} {path}");
        }
    }
}

#[test]
fn the_document_says_where_one_has_to_sign_in() {
    let cast = Cast::new(&INTL, "interface");
    let host = Served::new(
        &Tender::new(&cast, "host/t/1", Kind::Board),
        "interface",
        "interface-sign-in",
    );
    let document = host.get("/v1/openapi.json").json();
    let schemes = &document["components"]["securitySchemes"];
    assert_eq!(schemes["bearer"]["scheme"], "bearer");
    assert_eq!(schemes["cookie"]["in"], "cookie");
    let zeros = "0".repeat(64);
    let (mut needed, mut possible) = (0, 0);
    for (path, methods) in document["paths"].as_object().expect("paths") {
        if path.ends_with("/events") {
            continue;
        }
        let real = path.replace("{tender}", "t1").replace("{suite}", "intl-1");
        let real = ["{record}", "{hash}", "{number}", "{path}"]
            .iter()
            .fold(real, |real, name| real.replace(name, &zeros));
        for (method, told) in methods.as_object().expect("methods") {
            let ways = told["security"].as_array().cloned().unwrap_or_default();
            let named: Vec<String> = ways
                .iter()
                .flat_map(|way| way.as_object().expect("a way").keys().cloned())
                .collect();
            let must = !ways.is_empty() && ways.len() == named.len();
            (needed, possible) = (
                needed + usize::from(must),
                possible + usize::from(!ways.is_empty()),
            );
            assert!(ways.is_empty() || named == ["bearer", "cookie"], "{path}");
            // Only where it says so somebody who has not signed in is sent to do that.
            let answer = host.ask(&method.to_uppercase(), &real, &[], b"");
            assert_eq!(
                answer.status == 401,
                must,
                "{method} {path}: {}",
                answer.status
            );
            let may = told["responses"].get("401").is_some();
            assert_eq!(may, !ways.is_empty(), "{method} {path}");
        }
    }
    assert_eq!((needed, possible), (8, 14));
}

#[test]
fn the_feed_goes_on_where_it_was_left() {
    use std::io::{Read, Write};
    let cast = Cast::new(&INTL, "interface");
    let host = Served::new(
        &Tender::new(&cast, "host/t/1", Kind::Board),
        "interface",
        "feed",
    );
    let listen = |last: &str, until: &str| {
        let mut stream = std::net::TcpStream::connect(host.address).expect("connected");
        let head = format!("GET /v1/tenders/t1/events HTTP/1.1\r\nhost: x\r\n{last}\r\n");
        stream.write_all(head.as_bytes()).expect("sent");
        let (mut came, mut piece) = (String::new(), [0; 4_096]);
        while !came.contains(until) {
            let len = stream.read(&mut piece).expect("an event");
            assert!(len > 0, "{came}");
            came += &String::from_utf8_lossy(&piece[..len]);
        }
        came
    };
    let all = listen("", "event: head");
    assert!(all.contains("log.config") && all.contains("tender.publish"));
    let published = all
        .lines()
        .filter_map(|line| line.strip_prefix("id: "))
        .next_back();
    let last = format!("last-event-id: {}\r\n", published.expect("an id"));
    let rest = listen(&last, "event: head");
    assert!(!rest.contains("event: act"), "{rest}");
    for at in [10, 20, 30, 40, 50, 60, 61] {
        host.at(at);
    }
    let rest = listen(&last, "event: head");
    assert!(
        rest.contains("submission.close") && !rest.contains("tender.publish"),
        "{rest}"
    );
}

/// Rules under which suppliers are called for final offers.
fn negotiation(notice: &mut mifeng::tender::Notice) {
    notice.procedure = mifeng::tender::Procedure::Negotiation;
    notice.ground = "财政部令第74号 27条，财政部门批准".to_owned();
    notice.bidders_min = 2;
    notice.below_threshold = true;
    notice.committee.experts = 3;
    lowest(notice);
    let rules = &mut notice.lots[0].rules;
    rules.method = mifeng::score::Method::Negotiation;
    rules.exception = Some(mifeng::score::Exception::TwoLeft);
    rules.min_bidders = 2;
}

#[test]
fn an_offer_that_would_be_late_is_not_asked_for() {
    let cast = Cast::new(&INTL, SEED);
    let (mut tender, seated) = opened(&cast, [900_000, 880_000, 860_000], negotiation);
    tender.pass_checks(&seated, 102);
    let data = call(&tender);
    tender
        .say(&cast.agency, "round.open", &data, 103)
        .expect("called");
    // One that stands by never closes the round: what it shows is what a host shows before it closes it.
    let clock = Arc::new(ManualClock::new(secs(150)));
    let store = tender.store.copied();
    let standby = replica_of(&clock, None, &mut |_| {
        let store = store.clone();
        Box::new(move |access| match access {
            Access::Write => Ok(Opened::Held),
            _ => Ok(Opened::Ready(store.clone(), keys(&Cast::new(&INTL, SEED)))),
        })
    });
    let host = &standby.served;
    let bearer = bearer(host, &tender, &cast.bidders[0], 150);
    let asked = || {
        let own = host.ask(
            "GET",
            "/v1/tenders/t1/own",
            &[("authorization", &bearer)],
            b"",
        );
        assert_eq!(own.status, 200, "{}", own.text());
        let told = host.get("/v1/tenders/t1").json()["rounds"].is_array();
        let page = host.get("/t/t1/bid").text().contains("seal-offer");
        (told, page, own.json()[0]["offer_until"].is_string())
    };
    clock.set(plus_nanos(secs(ROUND_END), -1));
    assert_eq!(asked(), (true, true, true));
    clock.set(secs(ROUND_END));
    assert_eq!(asked(), (false, false, false));
    // A clock that jumps ends no round.
    clock.jump(secs(ROUND_END + 3_600));
    until("the round is told again", || asked() == (true, true, true));
}

#[test]
fn the_desk_seals_where_the_module_is() {
    let cast = Cast::new(&INTL, "interface");
    let tender = Tender::new(&cast, "host/t/1", Kind::Board);
    let mut host = Served::new(&tender, "interface", "desk");
    let without = host.get("/t/t1/bid").text();
    assert!(without.contains("未装入网页密封程序") && !without.contains("id=\"seal\""));
    assert_eq!(host.get("/assets/desk.wasm").code(), "http.no-route");

    // As the build lays it out: beside the verification page.
    let page = host.folder.join("verify.html");
    std::fs::write(page.with_file_name("mifeng-desk.wasm"), b"\0asm").expect("written");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let house = std::sync::Arc::clone(&host.house);
    let quiet = mifeng_server::Log::off();
    let running = mifeng_server::start(house, listener, None, Some(page), Vec::new(), quiet);
    let running = running.expect("listening");
    host.address = running.address;
    let with = host.get("/t/t1/bid");
    assert!(with.text().contains("id=\"seal\""));
    // The page itself may run no WebAssembly; what may, may reach nothing.
    let policy = with.header("content-security-policy");
    assert!(
        policy.contains("script-src 'self';") && !policy.contains("wasm"),
        "{policy}"
    );
    let worker = host.get("/assets/desk-worker.js");
    assert_eq!(
        worker.header("content-security-policy"),
        "default-src 'none'; script-src 'wasm-unsafe-eval'; frame-ancestors 'none'; base-uri 'none'"
    );
    let module = host.get("/assets/desk.wasm");
    assert_eq!(module.header("content-type"), "application/wasm");
    assert_eq!(module.header("cache-control"), "max-age=300");
    assert_eq!(module.body, b"\0asm");
    let audit = |lang: &str| host.get(&format!("/audit?lang={lang}")).text();
    assert!(audit("en").contains("href=\"/audit/verify.html#en\""));
    assert!(audit("zh").contains("href=\"/audit/verify.html\""));
    running.stop();
}

/// The links of a page that lead to pages in its own language.
fn page_links(page: &Answer) -> Vec<String> {
    let text = page.text();
    let links = text.split("<a ").skip(1).filter_map(|tag| {
        let (tag, _) = tag.split_once('>')?;
        let (_, rest) = tag.split_once("href=\"/")?;
        let (path, _) = rest.split_once('"')?;
        let is_page = path.is_empty() || ["t/", "audit", "?"].iter().any(|it| path.starts_with(it));
        let is_other = tag.contains("hreflang") || path.starts_with("audit/");
        (is_page && !is_other).then(|| format!("/{path}"))
    });
    links.collect()
}

#[test]
fn a_chosen_language_is_kept_by_every_link() {
    let cast = Cast::new(&INTL, "interface");
    let tender = Tender::new(&cast, "host/t/1", Kind::Board);
    let host = Served::new(&tender, "interface", "language");
    let zh = [("accept-language", "zh-CN,zh;q=0.9")];
    let ask = |path: &str| host.ask("GET", path, &zh, b"");
    let below = ["", "/hall", "/bid", "/trustee", "/score", "/result"];
    let tender = below.map(|path| format!("/t/t1{path}"));
    for path in tender.iter().map(String::as_str).chain(["/", "/audit"]) {
        for (query, tag, keep) in [
            ("", "zh-CN", ""),
            ("?lang=en", "en", "?lang=en"),
            ("?x=1&lang=en", "en", "?lang=en"),
            ("?lang=zh&lang=en", "zh-CN", "?lang=zh"),
            ("?lang=eng&xlang=en", "zh-CN", ""),
        ] {
            let page = ask(&format!("{path}{query}"));
            assert_eq!(page.header("content-language"), tag, "{path}{query}");
            assert_eq!(page.header("vary"), "accept-language");
            assert_eq!(page.header("set-cookie"), "");
            let links = page_links(&page);
            assert!(links.len() >= 3, "{path}{query}: {links:?}");
            for link in links {
                let (_, kept) = link.split_at(link.find('?').unwrap_or(link.len()));
                assert_eq!(kept, keep, "{path}{query}: {link}");
            }
        }
    }
    // From the notice to the hall, as a click goes.
    let links = page_links(&ask("/t/t1?lang=en"));
    let hall = links.iter().find(|link| link.starts_with("/t/t1/hall"));
    let hall = ask(hall.expect("a tab").as_str());
    assert!(hall.text().contains("<html lang=\"en\">"));
}

#[test]
fn the_audit_page_has_no_heading_without_a_tender_below_it() {
    let cast = Cast::new(&INTL, "interface");
    let tender = Tender::new(&cast, "host/t/1", Kind::Board);
    let host = Served::new(&tender, "interface", "audit");
    let page = host.ask("GET", "/audit?lang=en", &[], b"").text();
    assert!(page.contains("Tenders under way") && !page.contains("Archived tenders"));
    assert!(page.contains("href=\"/v1/tenders/t1/bundle\"") && !page.contains("There are no"));
    // Two tenders may have one title, and none has another's number.
    assert!(page.contains("<small>TEST-1</small>"));
}

/// What is asked at the opening goes in by the same door as every record, and so does its answer.
#[test]
fn questions_of_the_opening_and_answers_are_handed_in() {
    let cast = Cast::new(&INTL, "interface");
    let mut tender = Tender::new(&cast, "host/t/1", Kind::Board);
    tender.receive(3);
    tender.close_witnessed();
    let host = Served::new(&tender, "interface", "interface-asked");
    host.clock.set(secs(DEADLINE + 3));
    let hand_in = |record: &SignedRecord| {
        let file = record.to_file().expect("a file");
        host.post("/v1/tenders/t1/records", &file)
    };
    let data = OpeningAsk {
        kind: OpeningMatter::Question,
        text: "截止时间以何处时钟为准？".to_owned(),
    };
    let ask = tender.signed(&cast.bidders[0], "opening.ask", &data, DEADLINE + 3);
    let stranger = tender.signed(&cast.bidders[3], "opening.ask", &data, DEADLINE + 3);
    let refused = hand_in(&stranger);
    assert_eq!(
        refused.code(),
        "record.not-authorised",
        "{}",
        refused.text()
    );
    let taken = hand_in(&ask);
    assert_eq!(taken.status, 201, "{}", taken.text());
    let data = OpeningAnswer {
        ask: ask.commitment(&INTL),
        text: "以平台日志为准。".to_owned(),
    };
    let answer = tender.signed(&cast.agency, "opening.answer", &data, DEADLINE + 3);
    let taken = hand_in(&answer);
    assert_eq!(taken.status, 201, "{}", taken.text());
    let again = tender.signed(&cast.buyer, "opening.answer", &data, DEADLINE + 3);
    let again = hand_in(&again);
    assert_eq!((again.status, &*again.code()), (409, "opening.not-asked"));
}
