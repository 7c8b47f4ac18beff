//! Who signed in, what was granted and what was refused is the same at every replica of a host, and after a restart.

mod common;

use common::balanced::*;
use common::replica::*;
use common::statements::*;
use common::*;
use mifeng::crypto::{Digest, INTL, Suite};
use mifeng_server::ManualClock;
use mifeng_store::Place;
use mifeng_testkit::servers::{Folder, Postgres};
use serde_json::{Value, json};
use std::sync::Arc;

fn sessions(place: &Place) {
    let cast = Cast::new(&INTL, SEED);
    let tender = Tender::new(&cast, "host/t/1", Kind::Board);
    keep(&tender, place);
    let clock = Arc::new(ManualClock::new(secs(2)));
    let (mut a, mut b) = (replica(place, &clock), replica(place, &clock));
    assert!(writes(&a.served) && !writes(&b.served));
    let (first, second) = (&a.served, &b.served);

    // A challenge of one counts at the other, and once: whichever was faster.
    let statement = signed(
        &tender,
        &cast.agency,
        "access.sign-in",
        &challenge(first),
        2,
    );
    let statement = file(&statement);
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let hosts = [first, second, first, second];
        let asked = hosts.map(|host| scope.spawn(|| sign_in(host, &statement)));
        asked.map(|one| one.join().expect("an answer")).into()
    });
    let begun: Vec<&Answer> = answers.iter().filter(|one| one.status == 201).collect();
    assert_eq!(begun.len(), 1);
    for no in answers.iter().filter(|one| one.status != 201) {
        assert_eq!(no.code(), "access.challenge-used");
    }
    let own = begun[0].json()["token"]
        .as_str()
        .expect("a token")
        .to_owned();
    for host in [first, second] {
        let who = ask(host, "GET", "sign-in", Some(&own), b"").json();
        assert_eq!(who["roles"], json!(["agency"]));
        assert_eq!(sign_in(host, &statement).code(), "access.challenge-used");
    }
    // Nobody makes a token, and none is changed into another one.
    for at in [0, 63, 64, 127] {
        let digit = match own.as_bytes()[at] {
            b'0' => "1",
            _ => "0",
        };
        let mut other = own.clone();
        other.replace_range(at..=at, digit);
        assert_eq!((status(first, &other), status(second, &other)), (401, 401));
    }
    // Eight for one person, over all replicas; the oldest goes.
    let both = [(first, second), (second, first)];
    let mut tokens = vec![own.clone()];
    for turn in 0..8 {
        tokens.push(token(&tender, both[turn % 2], &cast.agency, 3));
    }
    for host in [first, second] {
        let good: Vec<u16> = tokens.iter().map(|token| status(host, token)).collect();
        assert_eq!(good, [vec![401], vec![200; 8]].concat());
    }
    // Who signs out at one is signed out at both, at once.
    let bidder = token(&tender, (first, second), &cast.bidders[0], 3);
    let sign_out = |host| ask(host, "DELETE", "sign-in", Some(&bidder), b"").status;
    assert_eq!(
        (status(first, &bidder), status(second, &bidder)),
        (200, 200)
    );
    assert_eq!((sign_out(first), sign_out(second)), (204, 401));
    assert_eq!(
        (status(first, &bidder), status(second, &bidder)),
        (401, 401)
    );
    // What lies in the store is no token.
    let lists = place.lists().expect("lists");
    let kept = lists.read("t1", "sessions", 0).expect("sessions");
    assert_eq!(kept.len(), 11);
    for (_, line) in kept {
        let line = String::from_utf8(line).expect("text");
        for token in &tokens {
            assert!(!line.contains(&token[..64]) && !line.contains(&token[64..]));
        }
        let entry: Value = serde_json::from_str(&line).expect("an entry");
        let name = entry["begin"]["session"].as_str();
        let name = name.or(entry["end"].as_str()).expect("a name");
        assert_eq!(status(first, &format!("{name}{name}")), 401);
    }

    // All of them end, and another one starts: sessions go on, and what was used or ended stays so.
    stop(&mut a);
    stop(&mut b);
    drop((a, b));
    let again = replica(place, &clock);
    let host = &again.served;
    assert_eq!(sign_in(host, &statement).code(), "access.challenge-used");
    assert_eq!(status(host, &bidder), 401);
    clock.set(secs(2 + 7_199));
    assert_eq!(status(host, &tokens[8]), 200);
    clock.set(secs(2 + 7_200));
    assert_eq!(status(host, &tokens[8]), 401);
}

#[test]
fn sessions_are_those_of_all_replicas_on_one_machine() {
    on_sqlite("sqlite-sessions", &sessions);
}

#[test]
fn sessions_are_those_of_all_replicas_on_postgres() {
    on_postgres("postgres-sessions", &sessions);
}

/// The same tender at a host of its own: nothing that one gave is worth anything at the other.
#[test]
fn another_host_knows_neither_token_nor_challenge() {
    let cast = Cast::new(&INTL, SEED);
    let tender = Tender::new(&cast, "host/t/1", Kind::Board);
    let folder = Folder::new("two-hosts");
    let place = |name: &str| {
        let db = format!("sqlite:{}", folder.join(name));
        let place = Place::parse(&db, None).expect("a place");
        keep(&tender, &place);
        place
    };
    let clock = Arc::new(ManualClock::new(secs(2)));
    let (one, other) = (
        replica(&place("one"), &clock),
        replica(&place("other"), &clock),
    );
    let (one, other) = (&one.served, &other.served);
    let own = token(&tender, (one, one), &cast.agency, 2);
    assert_eq!((status(one, &own), status(other, &own)), (200, 401));
    let statement = signed(&tender, &cast.agency, "access.sign-in", &challenge(one), 2);
    assert_eq!(sign_in(other, &file(&statement)).code(), "access.challenge");
    // It was not used up by that.
    assert_eq!(sign_in(one, &file(&statement)).status, 201);
}

/// Answers of several who post the same to both replicas at once.
fn at_once(hosts: [&Served; 2], path: &str, records: &[Vec<u8>]) -> Vec<Answer> {
    std::thread::scope(|scope| {
        let all = records
            .iter()
            .flat_map(|record| hosts.map(|host| (host, record)));
        let asked: Vec<_> = all
            .map(|(host, record)| scope.spawn(move || ask(host, "POST", path, None, record)))
            .collect();
        asked
            .into_iter()
            .map(|one| one.join().expect("an answer"))
            .collect()
    })
}

fn finger(person: &Person, suite: &'static Suite) -> Digest {
    person.fingerprint(suite)
}

fn grants(place: &Place) {
    let cast = Cast::new(&INTL, SEED);
    let mut tender = Tender::new(&cast, "host/t/1", Kind::Board);
    tender.receive(3);
    tender.close_and_release(Kind::Board);
    tender.open_all(100);
    tender.draw(101);
    keep(&tender, place);
    let clock = Arc::new(ManualClock::new(secs(200)));
    let (mut a, mut b) = (replica(place, &clock), replica(place, &clock));
    let (first, second) = (&a.served, &b.served);
    let both = [first, second];
    let grant = |person: &Person, kind: &str, data: &Value, at: i64| {
        file(&signed(&tender, person, kind, data, at))
    };
    let kept = || {
        let lists = place.lists().expect("lists");
        lists.read("t1", "grants", 0).expect("grants").len()
    };
    // The writer has no files of the opened bids, which another one opened: it opens them again.
    let agency = token(&tender, (second, first), &cast.agency, 200);
    let opened = |host: &Served| {
        let listed = ask(host, "GET", "opened", Some(&agency), b"").json();
        let listed = listed.as_array().cloned().unwrap_or_default().into_iter();
        let paths = listed.filter_map(|file| file["path"].as_str().map(str::to_owned));
        let offers = paths.filter(|path| path.ends_with("/offer.txt"));
        offers.collect::<Vec<String>>()
    };
    until("the opened bids are there", || opened(first).len() == 3);
    let paths = opened(first);
    let read = |host: &Served, path: &str| {
        let path = format!("opened/{path}");
        ask(host, "GET", &path, Some(&agency), b"").text()
    };
    let texts: Vec<String> = paths.iter().map(|path| read(first, path)).collect();
    assert!(
        texts.iter().all(|text| text.starts_with("offer of ")),
        "{texts:?}"
    );
    // The buyer delegates at the one that stands by; the writer, which has the opened bids, honours it.
    let helper = token(&tender, (first, second), &cast.bidders[2], 200);
    let delegate = json!({
        "to": finger(&cast.bidders[2], &INTL), "actions": ["opened.read"],
        "from": secs(150), "until": secs(4_000),
    });
    let other = ask(
        first,
        "GET",
        &format!("opened/{LOT}/nobody/x"),
        Some(&helper),
        b"",
    );
    assert_eq!(other.code(), "access.not-own");
    let word = grant(&cast.buyer, "access.delegate", &delegate, 200);
    for answer in at_once(both, "grants", &vec![word.clone(); 4]) {
        assert_eq!(answer.status, 204, "{}", answer.text());
    }
    assert_eq!(kept(), 1, "the same record counts once");
    let path = format!("opened/{LOT}/nobody/x");
    assert_eq!(
        ask(first, "GET", &path, Some(&helper), b"").code(),
        "access.no-file"
    );
    assert_eq!(
        ask(second, "GET", &path, Some(&helper), b"").code(),
        "not.writer"
    );

    // An emergency: one person, however often and wherever at once, is one.
    let emergency = json!({
        "action": "journal.read", "to": finger(&cast.bidders[2], &INTL),
        "reason": "监督人员缺席", "until": secs(3_000),
    });
    let words: Vec<Vec<u8>> = (200..204)
        .map(|at| grant(&cast.agency, "access.emergency", &emergency, at))
        .collect();
    for answer in at_once(both, "grants", &words) {
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    assert_eq!(kept(), 5);
    for host in both {
        let no = ask(host, "GET", "journal", Some(&helper), b"");
        assert_eq!(no.code(), "access.not-allowed");
    }
    // Whoever may not grant is refused at both; the second person says so at the other replica.
    let wrong = grant(&cast.bidders[0], "access.emergency", &emergency, 204);
    for answer in at_once(both, "grants", &[wrong]) {
        assert_eq!(answer.code(), "access.grant-signer");
    }
    let second_word = grant(&cast.buyer, "access.emergency", &emergency, 204);
    assert_eq!(
        ask(second, "POST", "grants", None, &second_word).status,
        200
    );
    // What each of them refused is in one journal, which both show.
    for (host, path) in [(first, "sheets"), (second, "dossier/whole")] {
        let no = ask(host, "GET", path, Some(&helper), b"");
        assert_eq!(no.code(), "access.not-allowed");
        for tender in [&first.house, &second.house].map(|house| house.tender("t1")) {
            tender
                .expect("a tender")
                .write_journal(secs(201))
                .expect("written");
        }
    }
    for host in both {
        let journal = ask(host, "GET", "journal", Some(&helper), b"");
        assert_eq!(journal.status, 200, "{}", journal.text());
        assert!(mifeng_access::check_journal(&journal.body).is_ok());
        for word in [
            "sheets.read",
            "dossier.read",
            "access.grant-signer",
            "access.emergency-used",
        ] {
            assert!(journal.text().contains(word), "{word}: {}", journal.text());
        }
    }

    // Revoked at one while it is sent again at the other, it stays revoked at both.
    let revoke = json!({"grant": body_digest(&word)});
    let ended = grant(&cast.buyer, "access.revoke", &revoke, 205);
    let answers = at_once(both, "grants", &[ended.clone(), word.clone()]);
    let taken = answers.iter().filter(|one| one.status == 204).count();
    assert!(
        taken >= 1,
        "{:?}",
        answers.iter().map(Answer::text).collect::<Vec<_>>()
    );
    for host in both {
        assert_eq!(
            ask(host, "POST", "grants", None, &word).code(),
            "access.grant-revoked"
        );
        let again = ask(host, "POST", "grants", None, &ended);
        assert_eq!(again.code(), "access.grant-unknown");
    }
    assert_eq!(
        ask(first, "GET", &path, Some(&helper), b"").code(),
        "access.not-own"
    );

    // The writer ends: the one that takes over knows it all; so does one that starts anew.
    stop(&mut a);
    until("the second one writes", || writes(&b.served));
    for turn in 0..2 {
        let host = &b.served;
        until("the opened bids are there again", || opened(host) == paths);
        let again: Vec<String> = paths.iter().map(|path| read(host, path)).collect();
        assert_eq!(again, texts);
        assert_eq!(
            ask(host, "GET", &path, Some(&helper), b"").code(),
            "access.not-own"
        );
        assert_eq!(ask(host, "GET", "journal", Some(&helper), b"").status, 200);
        if turn == 0 {
            stop(&mut b);
            b = replica(place, &clock);
        }
    }
}

fn body_digest(record: &[u8]) -> Digest {
    let signed = mifeng::record::SignedRecord::from_file(record).expect("a record");
    signed.body_digest(INTL.hash())
}

#[test]
fn grants_are_those_of_all_replicas_on_one_machine() {
    on_sqlite("sqlite-grants", &grants);
}

#[test]
fn grants_are_those_of_all_replicas_on_postgres() {
    on_postgres("postgres-grants", &grants);
}

#[test]
fn without_its_database_a_host_lets_nobody_in_and_then_goes_on() {
    let Some(server) = Postgres::start() else {
        println!("skipped: no PostgreSQL server on this machine");
        return;
    };
    let folder = Folder::new("postgres-away");
    let db = server.url(&server.database());
    let place = Place::parse(&db, Some(&folder.join("bodies"))).expect("a place");
    let cast = Cast::new(&INTL, SEED);
    let tender = Tender::new(&cast, "host/t/1", Kind::Board);
    keep(&tender, &place);
    let clock = Arc::new(ManualClock::new(secs(2)));
    let (mut a, b) = (replica(&place, &clock), replica(&place, &clock));
    let (first, second) = (&a.served, &b.served);
    let own = token(&tender, (first, second), &cast.agency, 2);
    let statement = signed(
        &tender,
        &cast.agency,
        "access.sign-in",
        &challenge(first),
        2,
    );
    server.crash();
    for host in [first, second] {
        assert_eq!(status(host, &own), 503);
        assert_eq!(sign_in(host, &file(&statement)).status, 503);
        assert_eq!(ask(host, "DELETE", "sign-in", Some(&own), b"").status, 503);
        // Strangers are told what they were told before, until the writer finds out by itself that its store is away.
        let strange = [
            status(host, &"0".repeat(128)),
            ask(host, "GET", "own", None, b"").status,
        ];
        assert!(
            strange.iter().all(|told| matches!(told, 401 | 503)),
            "{strange:?}"
        );
    }
    server.up();
    // Its lists answer at once, the tender's own store is opened again within a second.
    let is_back = |host: &Served| status(host, &own) == 200;
    until("they go on", || is_back(first) && is_back(second));
    assert_eq!(sign_in(second, &file(&statement)).status, 201);
    assert_eq!(
        sign_in(first, &file(&statement)).code(),
        "access.challenge-used"
    );
    stop(&mut a);
}
