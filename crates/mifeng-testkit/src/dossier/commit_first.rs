//! A tender in which bodies may come after the close, and how a host could bend that.

use super::forge::Forge;
use super::{Broken, ReceiptCase};
use crate::world::{Cast, DEADLINE, Kind, LOT, Parts, Sealed, Tender, notice, secs};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use mifeng::Replay;
use mifeng::crypto::{Suite, jcs};
use mifeng::tender::{BidLife, BidRefuse, BidStatus, BidWithdraw, NO_BODY};
use serde_json::{Value, json};

/// Until when bodies are taken, seconds after the start.
const BODIES_END: i64 = DEADLINE + 20;

/// One bid that is withdrawn without its body, one whose body comes after the close, one whose body never comes: too few
/// to open.
///
/// # Panics
/// If the engine refuses a step of the story: a bug.
pub(super) fn commit_first(suite: &'static Suite) -> Vec<u8> {
    told(suite, false).0
}

/// A record that came in time and whose seal holds, as a host tells it that did not take it: its file never came.
fn dropped(suite: &'static Suite) -> BidRefuse {
    let cast = Cast::new(suite, "dossier");
    let mut tender = begun(&cast);
    let bid = tender.seal(3, 900_000, 13);
    BidRefuse {
        body: BASE64_STANDARD.encode(&bid.record.body),
        cause: NO_BODY.to_owned(),
        received: secs(13),
        sig: BASE64_STANDARD.encode(&bid.record.signature),
        status: BidStatus::RefusedUnsealed,
    }
}

/// The notice is published.
fn begun(cast: &Cast) -> Tender<'_> {
    let mut tender = Tender::unpublished(cast, "host.example/t/dossier");
    let mut notice = notice(cast, tender.host.state(), Kind::Joint);
    notice.body_grace_ms = (BODIES_END - DEADLINE) as u64 * 1_000;
    tender.publish(&notice).expect("a lawful notice");
    tender
}

/// Receipts held against that dossier: what the log keeps, and one of a host that had the last body and denies it.
pub(super) fn receipts(suite: &'static Suite, of: &str) -> Vec<ReceiptCase> {
    let (dossier, given) = told(suite, true);
    assert!(dossier == commit_first(suite), "no body is in the log");
    let codes = [
        ("record-alone", None),
        ("whole", None),
        ("whole-and-denied", Some("receipt.breach")),
    ];
    let cases = codes.into_iter().zip(given);
    let case = |((name, code), receipt): ((&str, Option<&str>), Vec<u8>)| ReceiptCase {
        name: name.to_owned(),
        of: of.to_owned(),
        receipt: BASE64_STANDARD.encode(receipt),
        code: code.map(str::to_owned),
    };
    cases.map(case).collect()
}

/// The dossier; and the receipts of the body that came, of a record alone, and of the last one: with `lying` the host has
/// its body, says so, and forgets it.
fn told(suite: &'static Suite, lying: bool) -> (Vec<u8>, Vec<Vec<u8>>) {
    let cast = Cast::new(suite, "dossier");
    let mut tender = begun(&cast);
    for number in 0..3 {
        let bid = tender.seal(number, 900_000, 12);
        tender.take(bid.record.clone(), 12).expect("on time");
        tender.bids.push(bid);
    }
    let data = BidWithdraw {
        seal: tender.bids[0].id,
    };
    let said = tender.say(&cast.bidders[0], "bid.withdraw", &data, DEADLINE - 20);
    said.expect("withdrawn in time");
    tender.close_witnessed();
    let at = secs(BODIES_END - 1);
    let (came, never) = (tender.bids[1].clone(), tender.bids[2].clone());
    let receipt = |tender: &Tender<'_>, bid: &Sealed| {
        let receipt = tender.host.receipt_again(&bid.record, at);
        receipt.and_then(|r| r.to_file()).expect("in the log")
    };
    let mut given = vec![receipt(&tender, &never)];
    tender.submit(&came, at).expect("its body");
    given.push(receipt(&tender, &came));
    if lying {
        tender.submit(&never, at).expect("its body");
        given.push(receipt(&tender, &never));
        let name = format!("awaited/{}", never.record.commitment(suite));
        let forgotten = never.id.to_string().into_bytes();
        let mut files = tender.store.files();
        files.insert(name, forgotten);
        // A host that still had it would find it when it is opened.
        files.remove(&format!("seal/{}.bid", never.id));
        drop(files);
        tender.reopen();
    }
    tender.close_window(BODIES_END).expect("closed");
    tender.open_all(100);
    let failure = tender.host.state().expected_failure(LOT);
    let failure = failure.expect("too few bids");
    let said = tender.say(&cast.agency, "lot.fail", &failure, 101);
    said.expect("failed");
    (tender.archive(103), given)
}

/// A window that is closed while bodies may come, and stories about who sent none.
pub(super) fn broken(suite: &'static Suite, valid: &[u8]) -> Vec<Broken> {
    let cast = Cast::new(suite, "dossier");
    let parts = Parts::of_tar(valid);
    let replay = Replay::of(&parts).expect("replays");
    let of_life = |life: BidLife| {
        let mut found = replay.state.bids().iter().filter(|(_, b)| b.life == life);
        found.next().expect("one of each").0.to_string()
    };
    let (never, withdrawn) = (of_life(BidLife::NoBody), of_life(BidLife::Withdrawn));
    let forge = Forge::new(&cast, parts.parts);
    let close = forge.tail_of("bidder-window.close");
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut other = forge.clone();
        let mut body = serde_json::from_slice(&other.tail[close].body).expect("JSON");
        change(&mut body);
        let body = jcs::to_vec(&body).expect("canonical");
        // Signed at the time that it says.
        other.tail[close].body = body.clone();
        other.sign_as(close, &cast.platform.signer, &body);
        other.dossier()
    };
    // Told after the window's close, with the numbers of the host's records after it.
    let mut told = forge.clone();
    let mut refusal: Value = serde_json::from_slice(&told.tail[close].body).expect("JSON");
    refusal["type"] = json!("bid.refuse");
    refusal["data"] = json!(dropped(suite));
    told.insert(close + 1, &cast.platform.signer, refusal);
    let with = |no_body: Value| changed(&|body| body["data"]["no_body"] = no_body.clone());
    let mut both = [never.clone(), withdrawn];
    both.sort();
    let case = |name, check, tar| Broken { name, check, tar };
    vec![
        case(
            "window-closed-while-bodies-may-come",
            "V8",
            changed(&|body| body["time"] = json!(secs(BODIES_END - 1).to_string())),
        ),
        case("no-body-of-a-withdrawn-bid", "V8", with(json!(both))),
        case("no-body-twice", "V8", with(json!([never, never]))),
        case("no-body-null", "V8", with(Value::Null)),
        case("no-body-forgotten", "V12", with(json!([]))),
        case("no-body-of-a-record-in-time", "V7", told.dossier()),
    ]
}
