//! Signing in, what each role may see at which stage, grants, and the journal of what was refused.

mod common;

use common::statements::*;
use common::*;
use mifeng::crypto::{Digest, INTL};
use serde_json::{Value, json};

struct Desk<'t, 'c> {
    host: &'t Served,
    tender: &'t Tender<'c>,
    at: i64,
}

impl Desk<'_, '_> {
    fn challenge(&self) -> Value {
        let given = self.host.post("/v1/tenders/t1/sign-in/challenge", b"");
        assert_eq!(given.status, 201, "{}", given.text());
        given.json()["challenge"].clone()
    }

    fn statement(&self, person: &Person, challenge: &Value) -> Vec<u8> {
        file(&signed(
            self.tender,
            person,
            "access.sign-in",
            challenge,
            self.at,
        ))
    }

    fn sign_in(&self, person: &Person) -> Answer {
        let statement = self.statement(person, &self.challenge());
        self.host.post("/v1/tenders/t1/sign-in", &statement)
    }

    fn token(&self, person: &Person) -> String {
        let answer = self.sign_in(person);
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()["token"].as_str().expect("a token").to_owned()
    }

    fn get(&self, token: &str, path: &str) -> Answer {
        let bearer = format!("Bearer {token}");
        let path = format!("/v1/tenders/t1/{path}");
        self.host
            .ask("GET", &path, &[("authorization", &bearer)], b"")
    }

    fn grant(&self, person: &Person, kind: &str, data: &Value) -> Answer {
        let record = file(&signed(self.tender, person, kind, data, self.at));
        self.host.post("/v1/tenders/t1/grants", &record)
    }
}

#[test]
fn a_statement_signs_in_once_and_a_sign_out_ends_it() {
    let cast = Cast::new(&INTL, "access one");
    let tender = Tender::new(&cast, "host/t/1", Kind::Board);
    let mut host = Served::new(&tender, "access one", "access-one");
    let desk = Desk {
        host: &host,
        tender: &tender,
        at: 2,
    };
    let challenge = desk.challenge();
    assert_eq!(challenge["host"], host.address.to_string());
    let statement = desk.statement(&cast.agency, &challenge);
    let path = "/v1/tenders/t1/sign-in";
    let begun = host.post(path, &statement);
    assert_eq!(begun.status, 201, "{}", begun.text());
    assert_eq!(begun.json()["roles"], json!(["agency"]));
    let cookie = begun.header("set-cookie").to_owned();
    assert!(cookie.starts_with("mifeng-t1=") && cookie.contains("; HttpOnly; SameSite=Strict"));
    // Once only; and nobody else with it, changed or not.
    assert_eq!(host.post(path, &statement).code(), "access.challenge-used");
    let mut other = desk.challenge();
    other["host"] = json!("evil.example");
    let changed = desk.statement(&cast.agency, &other);
    assert_eq!(host.post(path, &changed).code(), "access.other-host");
    other["host"] = json!(format!("localhost:{}", host.address.port()));
    let changed = desk.statement(&cast.agency, &other);
    assert_eq!(host.post(path, &changed).code(), "access.challenge");
    // Whoever passes challenges on gets none for a name of its own.
    for own in ["evil.example", "localhost", ""] {
        let asked = format!(
            "POST {path}/challenge HTTP/1.1\r\nhost: {own}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        );
        let none = host.raw(asked.as_bytes());
        assert_eq!(
            (none.status, none.code()),
            (403, "access.other-host".to_owned()),
            "{own}"
        );
    }
    // A certificate that this tender does not recognise.
    let stranger = Cast::new(&INTL, "access stranger");
    let foreign = desk.statement(&stranger.agency, &desk.challenge());
    let refused = host.post(path, &foreign);
    assert_eq!(refused.status, 409, "{}", refused.text());

    // The cookie is as good as the token, here alone.
    let token = begun.json()["token"].as_str().expect("a token").to_owned();
    let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
    let by = |headers: &[(&str, &str)]| host.ask("GET", path, headers, b"").status;
    assert_eq!(by(&[("cookie", &cookie)]), 200);
    let elsewhere = cookie.replace("mifeng-t1=", "mifeng-t2=");
    assert_eq!(by(&[("cookie", &elsewhere)]), 401);
    assert_eq!(by(&[("cookie", "mifeng-t1=; mifeng-t1")]), 401);
    assert_eq!(desk.get(&token, "sign-in").status, 200);
    let first = match token.starts_with('a') {
        true => "b",
        false => "a",
    };
    let flipped = format!("{first}{}", &token[1..]);
    assert_eq!(desk.get(&flipped, "sign-in").status, 401);
    let out = [("cookie", &*cookie)];
    let cross = [("cookie", &*cookie), ("origin", "https://evil.example")];
    assert_eq!(host.ask("DELETE", path, &cross, b"").status, 403);
    assert_eq!(host.ask("DELETE", path, &out, b"").status, 204);
    assert_eq!(host.ask("DELETE", path, &out, b"").status, 401);
    assert_eq!(desk.get(&token, "sign-in").status, 401);
    // A session ends by itself, and not with the process; nor is a sign-out forgotten.
    let token = desk.token(&cast.agency);
    let ended = desk.token(&cast.buyer);
    let out = [("authorization", &*format!("Bearer {ended}"))];
    assert_eq!(host.ask("DELETE", path, &out, b"").status, 204);
    host.restart();
    let by = |host: &Served, token: &str| {
        let bearer = format!("Bearer {token}");
        host.ask("GET", path, &[("authorization", &bearer)], b"")
    };
    assert_eq!(by(&host, &ended).status, 401);
    host.clock.set(secs(2 + 7_199));
    assert_eq!(by(&host, &token).status, 200);
    host.clock.set(secs(2 + 7_200));
    let after = by(&host, &token);
    assert_eq!(
        (after.status, after.header("www-authenticate")),
        (401, "Bearer")
    );
}

#[test]
fn before_the_close_a_bidder_sees_its_own_bid_and_nobody_anything_else() {
    let cast = Cast::new(&INTL, "access own");
    let mut tender = Tender::new(&cast, "host/t/1", Kind::Board);
    let host = Served::new(&tender, "access own", "access-own");
    let bid = tender.seal(0, 900_000, 3);
    assert_eq!(host.send(&bid).status, 202);
    host.at(FIRST_BEAT);
    let desk = Desk {
        host: &host,
        tender: &tender,
        at: FIRST_BEAT,
    };
    let own = desk.get(&desk.token(&cast.bidders[0]), "own");
    assert_eq!(own.json()[0]["seal"], bid.id.to_string());
    assert_eq!(own.json()[0]["status"], "live");
    for person in [
        &cast.bidders[1],
        &cast.agency,
        &cast.buyer,
        &cast.platform,
        &cast.trustees[0].person,
        &cast.experts[0],
    ] {
        let token = desk.token(person);
        for path in [
            "own",
            "opened",
            "opened/1/x/y",
            "sheets",
            "dossier/whole",
            "journal",
        ] {
            let answer = desk.get(&token, path);
            assert_eq!(answer.status, 403, "{path}: {}", answer.text());
            // Nobody has drawn the expert yet.
            let others = [&cast.bidders[1], &cast.experts[0]];
            let has_no_part = others.iter().any(|own| std::ptr::eq(person, *own));
            let code = match path {
                "own" if has_no_part => "access.no-bid",
                _ => "access.not-allowed",
            };
            assert_eq!(answer.code(), code, "{path}");
        }
    }
    for path in ["own", "opened", "opened/1/x/y", "sheets", "journal"] {
        let answer = host.get(&format!("/v1/tenders/t1/{path}"));
        assert_eq!(
            (answer.status, answer.code()),
            (401, "access.sign-in".to_owned())
        );
    }
}

#[test]
fn opened_bids_are_for_the_panel_and_a_bidder_s_own_for_it() {
    let cast = Cast::new(&INTL, "access panel");
    let mut tender = Tender::new(&cast, "host/t/1", Kind::Board);
    tender.receive(3);
    tender.close_and_release(Kind::Board);
    tender.open_all(100);
    let seated = tender.draw(101);
    let mut host = Served::new(&tender, "access panel", "access-panel");
    host.clock.set(secs(200));
    let bidder = |number: usize| {
        let seal = tender.host.state().bids().iter();
        let mut own = seal.filter(|(id, _)| **id == tender.bids[number].id);
        own.next().map(|(_, bid)| bid.seal.context().bidder.clone())
    };
    let (first, second) = (bidder(0).expect("a bid"), bidder(1).expect("a bid"));
    let root = host.folder.join(".work/t1/opened").join(LOT);
    // The host opens again what it finds opened and has no files of; here it gets others.
    let third = bidder(2).expect("a bid");
    common::replica::until("the opened bids are there", || {
        [&first, &second, &third]
            .iter()
            .all(|own| root.join(own).exists())
    });
    for own in [&first, &second, &third] {
        std::fs::remove_dir_all(root.join(own)).expect("removed");
    }
    let put = |own: &str, text: &str| {
        std::fs::create_dir_all(root.join(own)).expect("a folder");
        std::fs::write(root.join(own).join("offer.txt"), text).expect("a file");
    };
    put(&first, "first");
    put(&second, "second");
    std::fs::create_dir_all(root.join(".half.part")).expect("a folder");
    std::fs::write(root.join(".half.part/x"), "secret").expect("a file");
    let desk = Desk {
        host: &host,
        tender: &tender,
        at: 200,
    };
    let path = |own: &str| format!("opened/{LOT}/{own}/offer.txt");
    let expert = desk.token(&cast.experts[seated[0]]);
    // Two of three are not shown for all of them; each by itself is.
    for asked in ["opened", &*path(&third)] {
        let answer = desk.get(&expert, asked);
        let code = "opened.incomplete".to_owned();
        assert_eq!((answer.status, answer.code()), (503, code));
    }
    assert_eq!(desk.get(&expert, &path(&first)).status, 200);
    put(&third, "third");
    let listed = desk.get(&expert, "opened").json();
    let paths: Vec<&str> = listed
        .as_array()
        .expect("files")
        .iter()
        .filter_map(|file| file["path"].as_str())
        .collect();
    let mut expected = [
        format!("{LOT}/{first}/offer.txt"),
        format!("{LOT}/{second}/offer.txt"),
        format!("{LOT}/{third}/offer.txt"),
    ];
    expected.sort();
    assert_eq!(paths, expected);
    let read = desk.get(&expert, &path(&first));
    assert_eq!((read.status, read.text()), (200, "first".to_owned()));
    assert_eq!(read.header("content-disposition"), "attachment");
    for trick in [
        "opened/../orders".to_owned(),
        "opened/..%2forders".to_owned(),
        format!("opened/{LOT}/.half.part/x"),
        format!("opened/{LOT}/{first}/%2e%2e/%2e%2e/%2e%2e/journal"),
        format!("opened/{LOT}/{first}"),
        "opened/%2fetc%2fpasswd".to_owned(),
    ] {
        let answer = desk.get(&expert, &trick);
        let codes = ["access.no-file", "http.no-route"];
        assert!(
            codes.contains(&&*answer.code()),
            "{trick}: {}",
            answer.text()
        );
    }
    // A bidder its own; an expert who was not drawn, the platform: nothing.
    let own = desk.token(&cast.bidders[0]);
    assert_eq!(desk.get(&own, &path(&first)).text(), "first");
    assert_eq!(desk.get(&own, &path(&second)).code(), "access.not-own");
    assert_eq!(
        desk.get(&own, "opened").json().as_array().map(Vec::len),
        Some(1)
    );
    let other = (0..cast.experts.len()).find(|n| !seated.contains(n));
    for person in [&cast.experts[other.expect("one")], &cast.platform] {
        let token = desk.token(person);
        assert_eq!(desk.get(&token, &path(&first)).code(), "access.not-allowed");
    }
    // Nobody signs the opening record and evaluates, whatever else they are.
    let minutes = json!({"minutes": Digest::from_bytes([1; 32])});
    let present = signed(
        &tender,
        &cast.experts[seated[1]],
        "opening.sign",
        &minutes,
        200,
    );
    let refused = host.post("/v1/tenders/t1/records", &file(&present));
    assert_eq!(
        (refused.status, refused.code()),
        (403, "access.evaluator-attended".to_owned())
    );
    // Scores before they are locked: experts their own, nobody else.
    assert_eq!(desk.get(&expert, "sheets").status, 200);
    let agency = desk.token(&cast.agency);
    assert_eq!(desk.get(&agency, "sheets").code(), "access.not-allowed");

    // What the buyer delegates, in its scope, also after a restart, until it is revoked.
    let helper = &cast.bidders[2];
    let delegate = json!({
        "to": helper.fingerprint(&INTL), "actions": ["opened.read"],
        "from": secs(150), "until": secs(4_000),
    });
    let refused = desk.grant(&cast.agency, "access.delegate", &delegate);
    assert_eq!(refused.code(), "access.grant-signer", "{}", refused.text());
    let token = desk.token(helper);
    assert_eq!(desk.get(&token, &path(&first)).code(), "access.not-own");
    let record = signed(&tender, &cast.buyer, "access.delegate", &delegate, 200);
    let grants = host.folder.join(".work/t1/grants");
    let size = || std::fs::metadata(&grants).map_or(0, |meta| meta.len());
    let mut sizes = Vec::new();
    for _ in 0..3 {
        let given = host.post("/v1/tenders/t1/grants", &file(&record));
        assert_eq!(given.status, 204, "{}", given.text());
        sizes.push(size());
    }
    assert!(sizes[0] > 0 && sizes.iter().all(|size| *size == sizes[0]));
    // The next line is torn off by a crash.
    let mut torn = std::fs::read(&grants).expect("a file");
    torn.extend_from_slice(&file(&record)[..100]);
    std::fs::write(&grants, torn).expect("written");
    assert_eq!(desk.get(&token, &path(&first)).text(), "first");
    assert_eq!(desk.get(&token, "sheets").code(), "access.not-allowed");
    host.restart();
    let desk = Desk {
        host: &host,
        tender: &tender,
        at: 201,
    };
    let token = desk.token(helper);
    assert_eq!(desk.get(&token, &path(&first)).text(), "first");

    // What was revoked stays so, whoever sends the record again, also after a restart.
    let revoke = json!({"grant": record.body_digest(INTL.hash())});
    let ended = desk.grant(&cast.buyer, "access.revoke", &revoke);
    assert_eq!(ended.status, 204, "{}", ended.text());
    host.restart();
    let desk = Desk {
        host: &host,
        tender: &tender,
        at: 202,
    };
    let token = desk.token(helper);
    let again = host.post("/v1/tenders/t1/grants", &file(&record));
    assert_eq!(again.code(), "access.grant-revoked", "{}", again.text());
    assert_eq!(desk.get(&token, &path(&first)).code(), "access.not-own");

    // An emergency needs two persons, and each use is in the journal.
    let emergency = json!({
        "action": "opened.read", "to": cast.platform.fingerprint(&INTL),
        "reason": "席位全部断线，须由平台代取文件", "until": secs(3_000),
    });
    let platform = desk.token(&cast.platform);
    for (person, expected, said) in [
        (
            &cast.agency,
            403,
            json!({"signed": 1, "needed": 2, "in_force": false}),
        ),
        (
            &cast.agency,
            403,
            json!({"signed": 1, "needed": 2, "in_force": false}),
        ),
        (
            &cast.buyer,
            200,
            json!({"signed": 2, "needed": 2, "in_force": true}),
        ),
    ] {
        let given = desk.grant(person, "access.emergency", &emergency);
        let told = serde_json::from_slice::<Value>(&given.body).ok();
        assert_eq!((given.status, told), (200, Some(said)), "{}", given.text());
        assert_eq!(desk.get(&platform, &path(&first)).status, expected);
    }
    let journal = desk.get(&platform, "journal");
    assert_eq!(journal.status, 200, "{}", journal.text());
    let lines = mifeng_access::check_journal(&journal.body);
    assert!(lines.is_ok(), "{lines:?}");
    let text = journal.text();
    let platform = cast.platform.fingerprint(&INTL).to_string();
    for (rule, act) in [
        ("access.emergency-used", "opened.read"),
        ("access.evaluator-attended", "opening.attend"),
        ("access.not-own", "opened.read"),
        ("access.grant-signer", "access.delegate"),
    ] {
        let found = text.lines().any(|line| {
            let line: Value = serde_json::from_str(line).unwrap_or_default();
            line["rule"] == rule && line["act"] == act && line["who"].is_string()
        });
        assert!(found, "{rule}: {text}");
    }
    assert!(text.contains(&platform));
    // Nothing that is public tells of it.
    for path in ["/", "/t/t1", "/v1/tenders/t1", "/metrics", "/healthz"] {
        let seen = host.get(path).text();
        assert!(
            !seen.contains(&platform) && !seen.contains("access."),
            "{path}"
        );
    }
}

#[test]
fn a_journal_that_cannot_be_written_or_is_broken_stops_nobody() {
    let cast = Cast::new(&INTL, "access journal");
    let tender = Tender::new(&cast, "host/t/1", Kind::Board);
    let mut host = Served::new(&tender, "access journal", "access-journal");
    let work = host.folder.join(".work");
    let path = work.join("t1/journal");
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(&work).map(|meta| meta.permissions().mode() & 0o777);
    assert_eq!(mode.ok(), Some(0o700));
    assert_eq!(host.get("/v1/tenders/t1/own").status, 401);
    // No disk to write on: what was gathered is kept, and written at the end.
    let _ = std::fs::remove_file(&path);
    std::os::unix::fs::symlink("/dev/full", &path).expect("a link");
    let access = &host.house.tender("t1").expect("a tender");
    assert!(access.write_journal(secs(100)).is_err());
    std::fs::remove_file(&path).expect("removed");
    host.restart();
    let lines = std::fs::read(&path).expect("a journal");
    assert!(mifeng_access::check_journal(&lines).is_ok());
    assert!(String::from_utf8_lossy(&lines).contains("access.sign-in"));
    // A line that follows nothing.
    let broken = String::from_utf8_lossy(&lines).replace("\"prev\":\"0", "\"prev\":\"1");
    std::fs::write(&path, &broken).expect("written");
    host.restart();
    assert_eq!(host.get("/v1/tenders/t1").status, 200);
    assert_eq!(host.get("/v1/tenders/t1/own").status, 401);
    host.restart();
    let kept = std::fs::read_to_string(work.join("t1/journal.broken-1"));
    assert_eq!(kept.ok(), Some(broken));
    let lines = std::fs::read(&path).expect("a journal");
    assert!(mifeng_access::check_journal(&lines).is_ok());
    assert!(String::from_utf8_lossy(&lines).contains("access.journal-broken"));
}

#[test]
fn strangers_write_no_names_and_no_types_into_the_journal() {
    let cast = Cast::new(&INTL, "access noted");
    let mut tender = Tender::new(&cast, "host/t/1", Kind::Board);
    let host = Served::new(&tender, "access noted", "access-noted");
    let stranger = Cast::new(&INTL, "access nobody");
    let nobody = &stranger.agency;
    let data = json!({});
    let path = "/v1/tenders/t1/records";
    for (person, kind) in [
        (nobody, "stranger.kind"),
        (nobody, "bid.withdraw"),
        (&cast.agency, "agency.kind"),
        (&cast.agency, "tender.cancel"),
    ] {
        let record = signed(&tender, person, kind, &data, 2);
        let refused = host.post(path, &file(&record));
        assert!((400..500).contains(&refused.status), "{}", refused.text());
    }
    let grant = signed(&tender, nobody, "access.delegate", &data, 2);
    let refused = host.post("/v1/tenders/t1/grants", &file(&grant));
    assert_eq!(refused.status, 409, "{}", refused.text());
    // A bid that is complete, and not what its seal says.
    let mut bid = tender.seal(0, 900_000, 3);
    bid.file[500_000] ^= 1;
    assert_eq!(host.send(&bid).code(), "bid.malformed");

    let served = host.house.tender("t1").expect("a tender");
    served.write_journal(secs(2)).expect("written");
    let text = std::fs::read_to_string(host.folder.join(".work/t1/journal"));
    let text = text.expect("a journal");
    let noted: Vec<(Value, Value)> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("a line"))
        .map(|line| (line["act"].clone(), line["who"].clone()))
        .collect();
    let of = |person: &Person| json!(person.fingerprint(&INTL));
    for wanted in [
        (json!("record"), Value::Null),
        (json!("record"), of(&cast.agency)),
        (json!("tender.cancel"), of(&cast.agency)),
        (json!("bid.submit"), of(&cast.bidders[0])),
    ] {
        assert!(noted.contains(&wanted), "{wanted:?}: {text}");
    }
    let foreign = of(nobody).as_str().map(str::to_owned).expect("a name");
    for never in [
        &*foreign,
        "stranger.kind",
        "agency.kind",
        "bid.withdraw",
        "access.delegate",
    ] {
        assert!(!text.contains(never), "{never}: {text}");
    }
}
