//! Replicas behind a balancer, over one database.

use super::replica::*;
use super::statements::*;
use super::*;
use mifeng_store::Place;
use mifeng_testkit::servers::{Folder, Postgres};
use serde_json::Value;

/// What a test is played on: databases that replicas share.
pub fn on_sqlite(name: &str, play: &dyn Fn(&Place)) {
    let folder = Folder::new(name);
    let db = format!("sqlite:{}", folder.join("records.sqlite"));
    play(&Place::parse(&db, None).expect("a place"));
}

pub fn on_postgres(name: &str, play: &dyn Fn(&Place)) {
    let Some(server) = Postgres::shared() else {
        println!("skipped: no PostgreSQL server on this machine");
        return;
    };
    let folder = Folder::new(name);
    let db = server.url(&server.database());
    play(&Place::parse(&db, Some(&folder.join("bodies"))).expect("a place"));
}

/// A request as the balancer passes it on.
pub fn ask(host: &Served, method: &str, path: &str, token: Option<&str>, body: &[u8]) -> Answer {
    let bearer = format!("Bearer {}", token.unwrap_or_default());
    let mut headers = vec![("host", PUBLIC)];
    headers.extend(token.map(|_| ("authorization", &*bearer)));
    host.ask(method, &format!("{TENDER}/{path}"), &headers, body)
}

pub fn challenge(host: &Served) -> Value {
    let given = ask(host, "POST", "sign-in/challenge", None, b"");
    assert_eq!(given.status, 201, "{}", given.text());
    given.json()["challenge"].clone()
}

pub fn sign_in(host: &Served, statement: &[u8]) -> Answer {
    ask(host, "POST", "sign-in", None, statement)
}

pub fn status(host: &Served, token: &str) -> u16 {
    ask(host, "GET", "sign-in", Some(token), b"").status
}

/// A token of `person` from a challenge of one replica, which another one answers.
pub fn token(
    tender: &Tender<'_>,
    (asked, answers): (&Served, &Served),
    person: &Person,
    at: i64,
) -> String {
    let statement = signed(tender, person, "access.sign-in", &challenge(asked), at);
    let begun = sign_in(answers, &file(&statement));
    assert_eq!(begun.status, 201, "{}", begun.text());
    begun.json()["token"].as_str().expect("a token").to_owned()
}

pub fn stop(replica: &mut Replica) {
    if let Some(running) = replica.served.running.take() {
        running.stop();
    }
}
