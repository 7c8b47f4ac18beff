//! A tender of several lots, whose sheets stay closed together; and sheets that were shown too early.

use super::Broken;
use super::broken::tar;
use super::forge::Forge;
use crate::world::{Cast, Kind, LOT, Parts, Person, Tender, notice, secs};
use mifeng::crypto::{Suite, jcs};
use mifeng::tender::{CheckKind, LotFail, SeatReplace};
use serde_json::{Value, json};

/// The lot that is scored last, and one for which nobody bids: it keeps no sheet closed, recorded or not.
const SECOND: &str = "2";
const EMPTY: &str = "3";

pub(super) struct Made {
    pub(super) tar: Vec<u8>,
    pub(super) broken: Vec<Broken>,
}

/// The public export, and the same of what a host and the experts with all their keys could log.
pub(super) fn all(suite: &'static Suite) -> Made {
    let cast = Cast::new(suite, "dossier");
    let (whole, ground) = told(&cast);
    let tar = public(&cast, &whole);
    assert_eq!(super::vectors::export(&whole).expect("a dossier"), tar);
    Made {
        broken: broken(&cast, &whole, &ground),
        tar,
    }
}

/// Three bids for each of two lots. All sheets of the first are closed; then too few bids of the second are left, until
/// a member who found against one is replaced. Sheets are shown when the second is closed too.
///
/// # Panics
/// If the engine refuses a step of the story: a bug.
fn told(cast: &Cast) -> (Vec<u8>, LotFail) {
    let mut tender = opened(cast);
    let mut seated = tender.draw(101);
    tender.pass_checks(&seated, 102);
    for (n, expert) in seated.iter().enumerate() {
        tender.commit(n, *expert, 103).expect("committed");
    }
    tender.lot = SECOND;
    let passed = tender.check(CheckKind::Qualification, &seated, &[], 104);
    passed.expect("checked");
    let against = tender.host.state().opened_in(SECOND)[0];
    for (n, expert) in seated.iter().enumerate() {
        let against = if n < 3 { vec![against] } else { Vec::new() };
        let data = tender.finding(CheckKind::Conformity, &against);
        let said = tender.say(&cast.experts[*expert], "check", &data, 105);
        said.expect("checked");
    }
    let ground = tender.host.state().expected_failure(SECOND);
    replace_first(&mut tender, &mut seated);
    assert!(tender.host.state().expected_failure(SECOND).is_err());
    tender.lot = LOT;
    tender.commit(0, seated[0], 108).expect("committed");
    tender.lot = SECOND;
    for n in [1, 2, 3, 4, 0] {
        tender.commit(n, seated[n], 109).expect("committed");
    }
    for lot in [LOT, SECOND] {
        tender.lot = lot;
        for (n, expert) in seated.iter().enumerate() {
            tender.reveal(n, *expert, 110).expect("revealed");
        }
        tender.rank(111).expect("ranked");
    }
    let empty = tender.host.state().expected_failure(EMPTY);
    let empty = empty.expect("no bids");
    let said = tender.say(&cast.agency, "lot.fail", &empty, 112);
    said.expect("failed");
    (tender.archive(113), ground.expect("too few bids left"))
}

fn opened(cast: &Cast) -> Tender<'_> {
    let mut tender = Tender::unpublished(cast, "host.example/t/dossier");
    let mut notice = notice(cast, tender.host.state(), Kind::Board);
    for id in [SECOND, EMPTY] {
        let mut lot = notice.lots[0].clone();
        lot.id = id.to_owned();
        notice.lots.push(lot);
    }
    tender.publish(&notice).expect("a lawful notice");
    tender.receive(3);
    tender.lot = SECOND;
    for number in 0..3 {
        let at = 33 + 7 * number as i64;
        let bid = tender.seal(number, 800_000 - 10_000 * number as u64, at);
        tender.submit(&bid, secs(at)).expect("on time");
        tender.beat(at);
        tender.bids.push(bid);
    }
    tender.close_and_release(Kind::Board);
    tender.open_all(100);
    tender.lot = LOT;
    tender
}

/// The next of the drawn order takes the first seat, and finds for every bid.
fn replace_first(tender: &mut Tender<'_>, seated: &mut [usize]) {
    let cast = tender.cast;
    let data = SeatReplace {
        cert: cast.experts[seated[0]].fingerprint(cast.suite),
        reason: "突发疾病".to_owned(),
        declined: Vec::new(),
        seat: Some(tender.seat(5)),
    };
    let said = tender.say(&cast.agency, "seat.replace", &data, 106);
    said.expect("replaced");
    seated[0] = tender.order[5].2;
    let data = tender.finding(CheckKind::Conformity, &[]);
    let said = tender.say(&cast.experts[seated[0]], "check", &data, 107);
    said.expect("checked");
}

/// The public export of a dossier that need not be valid: the engine makes none of what its rules refuse.
fn public(cast: &Cast, whole: &[u8]) -> Vec<u8> {
    let mut parts = Parts::of_tar(whole).parts;
    let forge = Forge::new(cast, parts.clone());
    let alg = cast.suite.hash();
    let by_experts = forge
        .tail
        .iter()
        .filter(|r| expert(cast, &r.body).is_some());
    let signatures = by_experts.map(|r| format!("sig/{}.p7s", r.signature_digest(alg)));
    let seals = parts.keys().filter(|name| name.starts_with("seal/"));
    let mut names: Vec<String> = signatures.chain(seals.cloned()).collect();
    names.sort();
    let mut list = String::new();
    for name in names {
        let bytes = parts.remove(&name).expect("there");
        list.push_str(&format!("{} {} {name}\n", alg.digest(&bytes), bytes.len()));
    }
    parts.insert("withheld.txt".to_owned(), list.into_bytes());
    tar(&parts)
}

/// Which expert made a record.
fn expert<'c>(cast: &'c Cast, body: &[u8]) -> Option<&'c Person> {
    let body: Value = serde_json::from_slice(body).expect("a record");
    let is_actor = |p: &&Person| body["actor"] == json!(p.fingerprint(cast.suite));
    cast.experts.iter().find(is_actor)
}

/// The dossier as it is otherwise, with the tail changed.
struct Scene<'c> {
    cast: &'c Cast,
    forge: Forge<'c>,
}

impl Scene<'_> {
    /// Places in the tail of the records of this type about a lot.
    fn places(&self, kind: &str, lot: &str) -> Vec<usize> {
        let is_one = |(_, r): &(usize, &mifeng::record::SignedRecord)| {
            let body: Value = serde_json::from_slice(&r.body).expect("a record");
            body["type"] == json!(kind) && body["data"]["lot"] == json!(lot)
        };
        let tail = self.forge.tail.iter().enumerate();
        tail.filter(is_one).map(|(at, _)| at).collect()
    }

    /// An expert's record at another place of the tail, made when that before it was; its author counts in that order.
    fn shift(&self, forge: &mut Forge<'_>, from: usize, to: usize) {
        let record = forge.tail.remove(from);
        forge.tail.insert(to, record);
        let read = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).expect("a record");
        let actor = read(&forge.tail[to].body)["actor"].clone();
        let by = expert(self.cast, &forge.tail[to].body).expect("an expert");
        let bodies: Vec<Value> = forge.tail.iter().map(|r| read(&r.body)).collect();
        let own = bodies.iter().filter(|body| body["actor"] == actor);
        let mut seqs: Vec<u64> = own.filter_map(|body| body["seq"].as_u64()).collect();
        seqs.sort_unstable();
        let mut seqs = seqs.into_iter();
        for (at, body) in bodies.iter().enumerate() {
            if body["actor"] != actor {
                continue;
            }
            let mut body = body.clone();
            body["seq"] = json!(seqs.next().expect("as many"));
            if at == to {
                body["time"] = bodies[at - 1]["time"].clone();
            }
            let body = jcs::to_vec(&body).expect("canonical");
            forge.sign_as(at, &by.signer, &body);
        }
    }

    /// A sheet shown at an earlier place.
    fn shown(&self, lot: &str, at: usize) -> Forge<'_> {
        let mut forge = self.forge.clone();
        // The second seat's: it was never replaced.
        self.shift(&mut forge, self.places("score", lot)[1], at);
        forge
    }
}

fn broken(cast: &Cast, whole: &[u8], ground: &LotFail) -> Vec<Broken> {
    let scene = Scene {
        cast,
        forge: Forge::new(cast, Parts::of_tar(whole).parts),
    };
    let replaced = scene.forge.tail_of("seat.replace");
    let [first, second] = [LOT, SECOND].map(|lot| scene.places("score.commit", lot));
    // Behind the last sheet of the first lot, whose other ones were closed long before, only one is missing.
    let last = *second.last().expect("closed");
    // The new member closes its sheet of the first lot last of all.
    let mut other_way = scene.shown(SECOND, last + 1);
    scene.shift(&mut other_way, first[5], last + 1);
    // A ground that went away when the member was replaced.
    let mut failed = scene.forge.clone();
    let mut body: Value = serde_json::from_slice(&failed.tail[replaced].body).expect("a record");
    body["type"] = json!("lot.fail");
    body["data"] = json!(ground);
    body["time"] = json!(secs(107));
    failed.insert(replaced + 2, &cast.agency.signer, body);
    let cases = [
        (
            "sheet-shown-before-another-lot-is-checked",
            scene.shown(LOT, first[4] + 1),
        ),
        (
            "sheet-shown-while-a-ground-is-not-recorded",
            scene.shown(LOT, replaced),
        ),
        (
            "sheet-shown-before-another-lot-is-closed",
            scene.shown(LOT, last),
        ),
        ("sheet-shown-before-the-new-member-is-done", other_way),
        ("lot-failed-for-a-ground-that-went-away", failed),
    ];
    let cases = cases.into_iter().map(|(name, forge)| Broken {
        name,
        check: "V14",
        tar: public(cast, &forge.dossier()),
    });
    cases.collect()
}
