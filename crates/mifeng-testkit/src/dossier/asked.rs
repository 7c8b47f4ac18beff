//! A tender at whose opening was asked and answered, and what can be wrong with that.

use super::Broken;
use super::forge::Forge;
use crate::world::{Cast, DEADLINE, Kind, LOT, Parts, Person, Tender, WINDOW_END, code, secs};
use mifeng::crypto::{Suite, jcs};
use mifeng::tender::{
    BidWithdraw, OPENING_ASK_LEN_MAX, OPENING_ASKS_MAX, OpeningAnswer, OpeningAsk, OpeningMatter,
    RECORDS_PER_ACTOR_MAX, TEXT_LEN_MAX,
};
use serde_json::{Value, json};

fn ask(kind: OpeningMatter, text: &str) -> OpeningAsk {
    OpeningAsk {
        kind,
        text: text.to_owned(),
    }
}

/// The agency or the buyer answers what was asked last.
fn answer(tender: &mut Tender<'_>, by: &Person, at: i64) {
    let asked = tender.host.state().opening_questions();
    let data = OpeningAnswer {
        ask: asked.last().expect("asked").ask,
        text: "已核实，记录无误。".to_owned(),
    };
    let said = tender.say(by, "opening.answer", &data, at);
    said.expect("answered");
}

/// One bid, one that was withdrawn, one that came late: too few to open. Its bidder asks in the window, whose bid was
/// refused asks when the opening record stands.
///
/// # Panics
/// If the engine refuses a step of the story: a bug.
pub(super) fn asked(suite: &'static Suite) -> Vec<u8> {
    let cast = Cast::new(suite, "dossier");
    let mut tender = Tender::new(&cast, "host.example/t/dossier", Kind::Joint);
    tender.receive(2);
    let late = tender.seal(2, 900_000, DEADLINE - 1);
    let data = BidWithdraw {
        seal: tender.bids[1].id,
    };
    let said = tender.say(&cast.bidders[1], "bid.withdraw", &data, DEADLINE - 20);
    said.expect("withdrawn in time");
    tender.close_witnessed();
    let refused = tender.submit(&late, secs(DEADLINE + 2));
    assert_eq!(code(refused), "bid.late");
    let data = ask(OpeningMatter::Question, "截止时间以何处时钟为准？");
    let said = tender.say(&cast.bidders[0], "opening.ask", &data, DEADLINE + 3);
    said.expect("asked in the window");
    let told = tender.host.log_refused(secs(WINDOW_END), &mut tender.rng);
    assert_eq!(told.expect("logged"), 1);
    tender.close_window(WINDOW_END).expect("closed");
    answer(&mut tender, &cast.agency, WINDOW_END + 1);
    tender.open_all(100);
    let data = ask(
        OpeningMatter::Recusal,
        "主持人与一号投标人有利害关系，申请回避。",
    );
    let said = tender.say(&cast.bidders[2], "opening.ask", &data, 101);
    said.expect("the evaluation has not begun");
    answer(&mut tender, &cast.buyer, 102);
    let failure = tender.host.state().expected_failure(LOT);
    let failure = failure.expect("too few bids");
    let said = tender.say(&cast.agency, "lot.fail", &failure, 103);
    said.expect("failed");
    tender.archive(104)
}

fn case(name: &'static str, check: &'static str, tar: Vec<u8>) -> Broken {
    Broken { name, check, tar }
}

/// The dossier as it is otherwise, with the tail changed.
struct Scene<'c> {
    cast: &'c Cast,
    forge: Forge<'c>,
    /// Places in the tail: the two questions and the two answers.
    asks: [usize; 2],
    answers: [usize; 2],
}

impl<'c> Scene<'c> {
    fn new(cast: &'c Cast, valid: &[u8]) -> Self {
        let forge = Forge::new(cast, Parts::of_tar(valid).parts);
        let of = |kind: &str| {
            let wanted = format!("\"{kind}\"");
            let found = forge.tail.iter().enumerate();
            let found = found.filter(|(_, r)| String::from_utf8_lossy(&r.body).contains(&wanted));
            let found: Vec<usize> = found.map(|(at, _)| at).collect();
            found.try_into().expect("two of them")
        };
        Scene {
            asks: of("opening.ask"),
            answers: of("opening.answer"),
            cast,
            forge,
        }
    }

    fn body(&self, at: usize) -> Value {
        serde_json::from_slice(&self.forge.tail[at].body).expect("a record")
    }

    /// The record at this place with other data, or of somebody else.
    fn other(&self, at: usize, by: &Person, change: &dyn Fn(&mut Value)) -> Vec<u8> {
        let mut forge = self.forge.clone();
        let mut body = self.body(at);
        let actor = json!(by.fingerprint(self.cast.suite));
        if body["actor"] != actor {
            (body["actor"], body["seq"]) = (actor, json!(900));
        }
        change(&mut body["data"]);
        let body = jcs::to_vec(&body).expect("canonical");
        forge.sign_as(at, &by.signer, &body);
        forge.dossier()
    }

    /// One more record, made from that at `from`, before what stands at `at`.
    fn more(
        &self,
        forge: &mut Forge<'c>,
        (from, at): (usize, usize),
        by: &Person,
        change: &dyn Fn(&mut Value),
    ) {
        let mut body = self.body(from);
        let before: Value = serde_json::from_slice(&forge.tail[at - 1].body).expect("a record");
        body["time"] = before["time"].clone();
        change(&mut body);
        forge.insert(at, &by.signer, body);
    }
}

/// What a host with all its keys, and its friends, could log.
pub(super) fn broken(suite: &'static Suite, valid: &[u8]) -> Vec<Broken> {
    let cast = Cast::new(suite, "dossier");
    let scene = Scene::new(&cast, valid);
    let mut all = askers(&scene);
    all.extend(words(&scene));
    all.extend(answers(&scene));
    all.extend(order(&scene));
    all.extend(forms(&scene));
    all
}

/// The members of the record itself, of whatever type.
fn forms(scene: &Scene<'_>) -> Vec<Broken> {
    let ([ask, _], bidder) = (scene.asks, &scene.cast.bidders[0]);
    let with = |name: &str, value: Value| {
        let mut forge = scene.forge.clone();
        let mut body = scene.body(ask);
        body[name] = value;
        let body = jcs::to_vec(&body).expect("canonical");
        forge.sign_as(ask, &bidder.signer, &body);
        forge.dossier()
    };
    let last = json!(RECORDS_PER_ACTOR_MAX);
    vec![
        case(
            "asked-under-no-type",
            "V4",
            with("type", json!("opening.asks")),
        ),
        case("asked-under-a-number", "V4", with("type", json!(7))),
        case("asked-under-no-version", "V4", with("v", json!("1"))),
        case("asked-under-another-version", "V4", with("v", json!(2))),
        case("asked-with-too-high-a-number", "V12", with("seq", last)),
    ]
}

fn askers(scene: &Scene<'_>) -> Vec<Broken> {
    let cast = scene.cast;
    let [first, _] = scene.asks;
    let by = |who: &Person| scene.other(first, who, &|_| {});
    let mut nine = scene.forge.clone();
    for n in 0..OPENING_ASKS_MAX {
        let at = first + 1 + n;
        let mut body: Value = serde_json::from_slice(&nine.tail[at - 1].body).expect("a record");
        body["salt"] = json!(format!("{n:064x}"));
        nine.insert(at, &cast.bidders[0].signer, body);
    }
    vec![
        case("asked-by-who-withdrew", "V12", by(&cast.bidders[1])),
        case("asked-by-who-has-no-bid", "V12", by(&cast.bidders[3])),
        // Its refusal is told behind this.
        case("asked-before-the-refusal", "V12", by(&cast.bidders[2])),
        case("asked-by-the-agency", "V12", by(&cast.agency)),
        case("asked-nine-times", "V12", nine.dossier()),
    ]
}

fn words(scene: &Scene<'_>) -> Vec<Broken> {
    let cast = scene.cast;
    let [ask, _] = scene.asks;
    let [answer, _] = scene.answers;
    let asked = |name: &str, value: Value| {
        scene.other(ask, &cast.bidders[0], &|data| data[name] = value.clone())
    };
    let answered =
        |value: &str| scene.other(answer, &cast.agency, &|data| data["text"] = json!(value));
    let (long, longer) = (
        "x".repeat(OPENING_ASK_LEN_MAX + 1),
        "x".repeat(TEXT_LEN_MAX + 1),
    );
    vec![
        case("asked-nothing", "V12", asked("text", json!(" \u{3000}"))),
        case("asked-too-much", "V12", asked("text", json!(long))),
        case(
            "asked-in-another-order",
            "V12",
            asked("text", json!("问\u{202e}题")),
        ),
        case(
            "asked-a-complaint",
            "V12",
            asked("kind", json!("complaint")),
        ),
        case("asked-more-than-is-known", "V12", asked("lot", json!(LOT))),
        case("answered-nothing", "V12", answered("\n")),
        case("answered-too-much", "V12", answered(&longer)),
        case("answered-with-a-command", "V12", answered("\u{1b}[2J")),
    ]
}

fn answers(scene: &Scene<'_>) -> Vec<Broken> {
    let cast = scene.cast;
    let [first, second] = scene.answers;
    let mut twice = scene.forge.clone();
    scene.more(&mut twice, (first, first + 1), &cast.agency, &|_| {});
    let unknown = |data: &mut Value| data["ask"] = json!("0".repeat(64));
    let by = |who: &Person| scene.other(second, who, &|_| {});
    vec![
        case("answered-twice", "V12", twice.dossier()),
        case(
            "answered-what-nobody-asked",
            "V12",
            scene.other(first, &cast.agency, &unknown),
        ),
        case("answered-by-a-bidder", "V12", by(&cast.bidders[0])),
        case("answered-by-the-host", "V12", by(&cast.platform)),
    ]
}

fn order(scene: &Scene<'_>) -> Vec<Broken> {
    let cast = scene.cast;
    let [first, second] = scene.asks;
    let mut unanswered = scene.forge.clone();
    unanswered.tail.remove(scene.answers[1]);
    let mut early = scene.forge.clone();
    let answer = early.tail.remove(scene.answers[0]);
    early.tail.insert(first, answer);
    let end = scene.forge.tail_of("lot.fail");
    let mut over = scene.forge.clone();
    scene.more(&mut over, (first, end + 1), &cast.bidders[0], &|_| {});
    let mut halted = scene.forge.clone();
    let suspend = |body: &mut Value| {
        body["type"] = json!("tender.suspend");
        body["data"] = json!({"reason": "投诉"});
    };
    let minutes = scene.forge.tail_of("opening.minutes");
    scene.more(&mut halted, (minutes, second), &cast.agency, &suspend);
    vec![
        case("asked-and-passed-over", "V14", unanswered.dossier()),
        case("answered-before-it-was-asked", "V12", early.dossier()),
        case("asked-in-the-evaluation", "V12", over.dossier()),
        case("asked-while-suspended", "V12", halted.dossier()),
    ]
}
