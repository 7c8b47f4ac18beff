//! What an opening waits for: a bid that nobody can open holds up no other, one that lacks shares waits for its operator's word.

mod common;

use common::*;
use mifeng::bidder::{self, LeafKey};
use mifeng::crypto::{INTL, SeededEntropy};
use mifeng::tender::{BidStatus, Minutes};
use mifeng::{Replay, trustee};
use mifeng_server::{Log, ORDER};
use serde_json::Value;

const SEED: &str = "opening waits";
/// As long after the bidders' window as that was: until then trustees may release.
const SHARES_END: i64 = WINDOW_END + (WINDOW_END - DEADLINE);

/// Three bids under `joint`, closed, and a host that takes over there; so many bidders released their leaf.
fn closed<'c>(cast: &'c Cast, name: &str, released: usize, log: Log) -> (Tender<'c>, Served) {
    let mut tender = Tender::new(cast, "host/t/1", Kind::Joint);
    tender.receive(3);
    tender.close_witnessed();
    for number in 0..released {
        let leaf = tender.release_leaf(number, DEADLINE + 2);
        leaf.expect("its own leaf");
    }
    let host = Served::logged((&tender, SEED), name, log);
    host.at(DEADLINE + 3);
    (tender, host)
}

fn hall(host: &Served) -> Value {
    host.get("/v1/tenders/t1").json()["hall"].clone()
}

/// Status of each bid and what it waits for, in order.
fn roll(host: &Served) -> Vec<(String, String)> {
    let hall = hall(host);
    let rows = hall["roll"].as_array().expect("a roll").iter();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut rows: Vec<_> = rows
        .map(|row| (text(&row["status"]), text(&row["waits"]["zh"])))
        .collect();
    rows.sort();
    rows
}

fn row(status: &str, waits: &str) -> (String, String) {
    (status.to_owned(), waits.to_owned())
}

fn bundle(host: &Served) -> (Parts, Replay) {
    let files = Parts::of_tar(&host.get("/v1/tenders/t1/bundle").body);
    let replay = Replay::of(&files).expect("replays");
    (files, replay)
}

/// Trustee `number` releases what is due.
fn release(tender: &Tender<'_>, host: &Served, number: usize, at: i64) {
    let (files, replay) = bundle(host);
    let rng = &mut SeededEntropy::new(&[number as u8]);
    let shares = trustee::release(&replay, &files, &tender.secret(number), secs(at), rng);
    let person = &tender.cast.trustees[number].person;
    let record = tender.signed(person, "board.share", &shares.expect("shares"), at);
    let taken = host.post("/v1/tenders/t1/records", &record.to_file().expect("a file"));
    assert_eq!(taken.status, 201, "{}", taken.text());
    host.at(at);
}

fn minutes(tender: &Tender<'_>, host: &Served, at: i64) -> (Answer, Option<Minutes>) {
    let minutes = bundle(host).1.state.expected_minutes().ok();
    let data = minutes.clone().unwrap_or(Minutes {
        deadline: secs(DEADLINE),
        rows: Vec::new(),
    });
    let record = tender.signed(&tender.cast.agency, "opening.minutes", &data, at);
    let path = "/v1/tenders/t1/records";
    let answer = host.post(path, &record.to_file().expect("a file"));
    (answer, minutes)
}

/// Those of these events that were told, with their English words.
fn told(lines: &Lines, host: &Served, event: &str) -> Vec<String> {
    host.log.flush();
    let lines = lines.all();
    let own = lines.iter().filter(|line| line["event"] == event);
    own.map(|line| line["en"].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn bids_of_silent_bidders_end_with_the_window_and_the_others_open() {
    let cast = Cast::new(&INTL, SEED);
    let lines = Lines::default();
    let (tender, host) = closed(&cast, "one-released", 1, lines.log());
    // Until the window's end they may release.
    host.at(WINDOW_END - 1);
    let silent = row("sealed", "投标人未解密");
    assert_eq!(
        roll(&host),
        [row("sealed", ""), silent.clone(), silent.clone()]
    );
    assert!(hall(&host)["waits_until"].is_null());
    host.at(WINDOW_END);
    host.wake();
    let revoked = row("revoked_bidder_cause", "");
    assert_eq!(
        roll(&host),
        [revoked.clone(), revoked, row("sealed", "待受托人释放")]
    );
    assert_eq!(hall(&host)["waits_until"], secs(SHARES_END).to_string());
    let page = host.ask("GET", "/t/t1/hall", &[("accept-language", "zh")], b"");
    assert!(page.text().contains("缺少份额的投标等待受托人至"));
    for number in 0..2 {
        release(&tender, &host, number, WINDOW_END + 1);
    }
    assert!(roll(&host).contains(&row("opened", "")));
    assert!(hall(&host)["waits_until"].is_null());
    let (answer, minutes) = minutes(&tender, &host, WINDOW_END + 2);
    assert_eq!(answer.status, 201, "{}", answer.text());
    let rows = minutes.expect("every outcome").rows;
    let count = |status: BidStatus| rows.iter().filter(|row| row.status == status).count();
    assert_eq!(
        (
            count(BidStatus::Opened),
            count(BidStatus::RevokedBidderCause)
        ),
        (1, 2)
    );
    // The agency that made the record signed it, as the verifier counts; rows go by name, as on paper.
    let page = host.ask("GET", "/t/t1/hall", &[("accept-language", "zh")], b"");
    assert!(
        page.text()
            .contains("<strong>1</strong>方已签开标记录（含代理机构）")
    );
    let hall = hall(&host);
    let names = hall["roll"].as_array().expect("a roll").iter();
    assert!(names.is_sorted_by(|a, b| a["name"].as_str() < b["name"].as_str()));
    let told = told(&lines, &host, "opening.revoked");
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("2 bids"), "{told:?}");
}

#[test]
fn where_nobody_released_the_opening_record_can_be_made_at_once() {
    let cast = Cast::new(&INTL, SEED);
    let (tender, host) = closed(&cast, "none-released", 0, Log::off());
    host.at(WINDOW_END);
    host.wake();
    assert_eq!(roll(&host), vec![row("revoked_bidder_cause", ""); 3]);
    let (answer, _) = minutes(&tender, &host, WINDOW_END + 1);
    assert_eq!(answer.status, 201, "{}", answer.text());
}

#[test]
fn bids_that_lack_shares_wait_until_the_host_is_ordered_to_wait_no_longer() {
    let cast = Cast::new(&INTL, SEED);
    let lines = Lines::default();
    let (tender, host) = closed(&cast, "few-shares", 2, lines.log());
    // The last one: with every leaf in hand the window closes.
    let person = &cast.bidders[2];
    let state = tender.host.state();
    let own = state.live_bid(&person.fingerprint(&INTL), LOT);
    let seal = &state.bids()[&own.expect("a bid")].seal;
    let key = person.enc.as_ref().expect("a bidder");
    let leaf = bidder::release(seal, LeafKey::Key(key)).expect("its own leaf");
    let record = tender.signed(person, "bidder.share", &leaf, DEADLINE + 3);
    let taken = host.post("/v1/tenders/t1/records", &record.to_file().expect("a file"));
    assert_eq!(taken.status, 201, "{}", taken.text());
    host.wake();
    release(&tender, &host, 0, DEADLINE + 4);
    // The trustees' time began with the window's close, and is as long as the bidders' was.
    let until = secs(DEADLINE + 3 + WINDOW_END - DEADLINE);
    assert_eq!(roll(&host), vec![row("sealed", "待受托人释放"); 3]);
    assert_eq!(hall(&host)["waits_until"], until.to_string());
    let (no, _) = minutes(&tender, &host, DEADLINE + 5);
    assert_eq!((no.status, &*no.code()), (409, "record.wrong-stage"));
    let detail = no.json()["detail"].as_str().unwrap_or_default().to_owned();
    assert!(
        detail.contains(&until.in_china().to_string()) && detail.contains("host order give-up")
    );
    let order = |at| {
        let data = serde_json::json!({"order": "give_up"});
        let record = tender.signed(&cast.platform, ORDER, &data, at);
        host.post("/v1/tenders/t1/orders", &record.to_file().expect("a file"))
    };
    assert_eq!(order(DEADLINE + 6).code(), "opening.given-up-early");
    assert_eq!(told(&lines, &host, "opening.overdue"), Vec::<String>::new());
    let at = WINDOW_END + 4;
    host.at(at);
    assert_eq!(roll(&host), vec![row("sealed", "待受托人释放"); 3]);
    let page = host.ask("GET", "/t/t1/hall", &[("accept-language", "zh")], b"");
    assert!(page.text().contains("时段已过，仍在等待"));
    assert_eq!(order(at).status, 204);
    assert_eq!(roll(&host), vec![row("withdrawn_other_cause", ""); 3]);
    assert_eq!(minutes(&tender, &host, at + 1).0.status, 201);
    let told = told(&lines, &host, "opening.overdue");
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("3 bids") && told[0].contains("host order give-up"));
}

#[test]
fn bidders_are_told_that_they_must_release_where_the_policy_needs_them() {
    let cast = Cast::new(&INTL, SEED);
    let zh = [("accept-language", "zh")];
    let must = "投标人须在截标后 30 秒内解密，否则视为撤销其投标文件（电子招标投标办法31条）";
    let joint = Tender::new(&cast, "host/t/1", Kind::Joint);
    let host = Served::new(&joint, SEED, "must-release");
    let page = host.ask("GET", "/t/t1", &zh, b"").text();
    assert!(page.contains("投标人本人与开标委员会，缺一不可") && page.contains(must));
    assert!(host.ask("GET", "/t/t1/bid", &zh, b"").text().contains(must));
    let page = host.get("/t/t1?lang=en").text();
    assert!(page.contains("the bidder and the opening board, all of them"));
    assert!(page.contains("within 30 seconds after the deadline, or their bid counts as revoked"));
    let board = Tender::new(&cast, "host/t/1", Kind::Board);
    let host = Served::new(&board, SEED, "need-not-release");
    for path in ["/t/t1", "/t/t1/bid"] {
        let page = host.ask("GET", path, &zh, b"").text();
        assert!(!page.contains("视为撤销"), "{path}");
    }
    let page = host.ask("GET", "/t/t1", &zh, b"").text();
    assert!(page.contains("<dd>开标委员会</dd>"));
}
