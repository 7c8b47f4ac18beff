//! A tender whose document was clarified and changed, and what can be wrong with that.

use super::Broken;
use super::forge::Forge;
use crate::world::{Cast, Kind, LOT, PERIOD, Parts, Person, Tender, notice, secs};
use mifeng::crypto::{Suite, jcs};
use mifeng::log::{Pace, Schedule};
use mifeng::tender::{Amend, BidWithdraw, Document};
use serde_json::{Value, json};

/// Seconds of a day.
const DAY: i64 = 86_400;
/// The deadline of the notice, no rehearsal: it gives twenty days and one more.
const FIRST: i64 = 21 * DAY;
/// The deadline as it was moved.
const LATER: i64 = FIRST + 40;
/// When it was moved: to the second as late as the law lets what may affect bids.
const MOVED: i64 = LATER - 15 * DAY;
/// The last clarification, between two beats.
const LAST: i64 = FIRST - 15;

/// The file of the notice, the one in its place, and one that was added.
const FILES: [(&str, &[u8]); 3] = [
    ("招标文件.pdf", b"the tender document"),
    ("招标文件.pdf", b"the tender document, with another drawing"),
    ("图纸.pdf", b"the drawing"),
];

fn document(suite: &Suite, number: usize) -> Document {
    let (name, content) = FILES[number];
    Document {
        name: name.to_owned(),
        size: content.len() as u64,
        hash: suite.hash().digest(content),
    }
}

fn amend(affects: bool, deadline: Option<i64>, documents: Vec<Document>, text: &str) -> Amend {
    Amend {
        affects,
        deadline: deadline.map(secs),
        documents,
        reason: "答复潜在投标人询问".to_owned(),
        text: text.to_owned(),
    }
}

/// A bid that is withdrawn, and too few to open; three amendments: files, a later deadline, and words alone.
///
/// # Panics
/// If the engine refuses a step of the story: a bug.
pub(super) fn amended(suite: &'static Suite) -> Vec<u8> {
    let cast = Cast::new(suite, "dossier");
    let mut tender = begun(&cast);
    let stories = [
        (
            2 * DAY,
            amend(
                true,
                None,
                vec![document(suite, 1), document(suite, 2)],
                "更换第三章，增加图纸。",
            ),
        ),
        (
            MOVED,
            amend(true, Some(LATER), Vec::new(), "第五章参数以更正后的为准。"),
        ),
    ];
    for (at, data) in stories {
        let said = tender.say(&cast.agency, "tender.amend", &data, at);
        said.expect("in time");
    }
    let bid = tender.seal(0, 900_000, FIRST - 45);
    let taken = tender.submit(&bid, secs(FIRST - 45));
    taken.expect("on time");
    tender.beat(FIRST - 20);
    let data = amend(false, None, Vec::new(), "开标地点的楼层写错，应为三层。");
    let said = tender.say(&cast.agency, "tender.amend", &data, LAST);
    said.expect("it affects no bid");
    let data = BidWithdraw { seal: bid.id };
    let said = tender.say(&cast.bidders[0], "bid.withdraw", &data, FIRST + 10);
    said.expect("before the new deadline");
    tender.close(secs(LATER)).expect("closed");
    tender.witness(LATER + 1);
    tender.close_window(LATER + 35).expect("closed");
    tender.open_all(LATER + 36);
    let failure = tender.host.state().expected_failure(LOT);
    let failure = failure.expect("too few bids");
    let said = tender.say(&cast.agency, "lot.fail", &failure, LATER + 37);
    said.expect("failed");
    tender.archive(LATER + 40)
}

/// A tender that is no rehearsal, with its files at the host, those of the amendments too.
fn begun(cast: &Cast) -> Tender<'_> {
    let mut tender = Tender::unpublished(cast, "host.example/t/dossier");
    let list = cast
        .ca
        .revocation_list(&[], secs(0), secs(100 * DAY), 2)
        .expect("a list");
    tender.host.add_crl(&list).expect("taken");
    let mut notice = notice(cast, tender.host.state(), Kind::Joint);
    notice.rehearsal = false;
    notice.deadline = secs(FIRST);
    let pace = Pace {
        from: secs(FIRST - 50),
        period_ms: PERIOD as u64 * 1_000,
    };
    notice.beats = Schedule::new(3, vec![pace]).expect("a schedule");
    notice.documents = vec![document(cast.suite, 0)];
    tender.publish(&notice).expect("a lawful notice");
    for (_, content) in FILES {
        tender.host.add_document(content).expect("kept");
    }
    tender
}

/// What a host with all its keys, and an agency with it, could log.
pub(super) fn broken(suite: &'static Suite, valid: &[u8]) -> Vec<Broken> {
    let cast = Cast::new(suite, "dossier");
    let forge = Forge::new(&cast, Parts::of_tar(valid).parts);
    let mut all = records(&forge);
    all.extend(files(&forge));
    all
}

fn case(name: &'static str, check: &'static str, tar: Vec<u8>) -> Broken {
    Broken { name, check, tar }
}

fn name_of(suite: &Suite, number: usize) -> String {
    format!("docs/{}", document(suite, number).hash)
}

fn records(forge: &Forge<'_>) -> Vec<Broken> {
    let cast = forge.cast;
    let places = [0, 1, 2].map(|n| forge.single_of("tender.amend", n));
    let [files, moved, last] = places;
    let by = |at: usize, by: &Person, change: &dyn Fn(&mut Value)| {
        let mut other = forge.clone();
        let body = &other.single(at).body;
        let mut body: Value = serde_json::from_slice(body).expect("a record");
        let actor = json!(by.fingerprint(cast.suite));
        if body["actor"] != actor {
            (body["actor"], body["seq"]) = (actor, json!(900));
        }
        change(&mut body);
        let body = jcs::to_vec(&body).expect("canonical");
        other.put_single_by(at, &by.signer, &body);
        other.moved(at, at, LATER + 1)
    };
    let with = |at: usize, name: &str, value: Value| {
        by(at, &cast.agency, &|body| body["data"][name] = value.clone())
    };
    let over = *forge.batches().last().expect("a beat");
    let one = document(cast.suite, 2);
    let nameless = Document {
        name: " ".to_owned(),
        ..one.clone()
    };
    let lines = Document {
        name: "招标\n文件.pdf".to_owned(),
        ..one.clone()
    };
    let cases = [
        (
            "amended-a-second-too-late-for-bids",
            with(moved, "deadline", json!(secs(LATER - 1))),
        ),
        (
            "amended-too-late-for-bids",
            with(moved, "deadline", Value::Null),
        ),
        (
            "amended-to-the-last-with-effect",
            with(last, "affects", json!(true)),
        ),
        (
            "amended-to-an-earlier-deadline",
            with(files, "deadline", json!(secs(FIRST - 1))),
        ),
        (
            "amended-to-half-a-second",
            with(moved, "deadline", json!("2026-10-12T14:14:00.5Z")),
        ),
        ("amended-in-silence", with(last, "text", json!("\u{3000}"))),
        ("amended-for-no-reason", with(last, "reason", json!(""))),
        (
            "amended-with-a-command",
            with(last, "text", json!("\u{1b}[2J")),
        ),
        (
            "amended-for-a-reason-in-another-order",
            with(last, "reason", json!("更\u{202e}正")),
        ),
        ("amended-perhaps", with(last, "affects", json!("no"))),
        ("amended-with-rules", with(last, "lots", json!([]))),
        (
            "amended-a-file-twice",
            with(files, "documents", json!([one, one])),
        ),
        (
            "amended-a-file-without-name",
            with(files, "documents", json!([nameless])),
        ),
        (
            "amended-a-file-named-in-two-lines",
            with(files, "documents", json!([lines])),
        ),
        ("amended-by-the-buyer", by(last, &cast.buyer, &|_| {})),
        (
            "amended-backdated",
            by(last, &cast.agency, &|body| {
                body["time"] = json!(secs(LAST - 620));
            }),
        ),
        (
            "amended-behind-the-deadline",
            forge.clone().moved(last, over, LATER + 1),
        ),
    ];
    let cases = cases.into_iter();
    cases.map(|(name, tar)| case(name, "V6", tar)).collect()
}

fn files(forge: &Forge<'_>) -> Vec<Broken> {
    let suite = forge.cast.suite;
    // The entries stay where they are: only files and their list are other ones.
    let with = |change: &dyn Fn(&mut Forge<'_>)| {
        let mut other = forge.clone();
        change(&mut other);
        other.moved(0, 0, LATER + 1)
    };
    let without = |number| {
        with(&|f| {
            f.parts.remove(&name_of(suite, number)).expect("there");
        })
    };
    let sized = {
        let at = forge.single_of("tender.amend", 0);
        let mut other = forge.clone();
        let body = other.single(at).body;
        let mut body: Value = serde_json::from_slice(&body).expect("a record");
        body["data"]["documents"][1]["size"] = json!(FILES[2].1.len() + 1);
        other.put_single(at, &jcs::to_vec(&body).expect("canonical"));
        other.moved(at, at, LATER + 1)
    };
    vec![
        case("amended-file-that-was-replaced-missing", "V6", without(0)),
        case("amended-file-missing", "V6", without(2)),
        case(
            "amended-file-changed",
            "V1",
            with(&|f| {
                let file = f.parts.get_mut(&name_of(suite, 1)).expect("there");
                file[0] ^= 1;
            }),
        ),
        case("amended-file-of-another-size", "V6", sized),
    ]
}
