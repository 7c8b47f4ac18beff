//! A tender whose deadline was moved, and how a host could bend that.

use super::Broken;
use super::forge::Forge;
use crate::world::{Cast, DEADLINE, FIRST_BEAT, Kind, LOT, PERIOD, Parts, Tender, secs};
use mifeng::crypto::Suite;
use mifeng::tender::{BidWithdraw, Postpone};

/// The deadline after the postponement, seconds after the start.
const LATER: i64 = DEADLINE + 40;

/// A bid that is withdrawn and one that comes, both after the deadline that was moved; too few to open.
///
/// # Panics
/// If the engine refuses a step of the story: a bug.
pub(super) fn postponed(suite: &'static Suite) -> Vec<u8> {
    let cast = Cast::new(suite, "dossier");
    let mut tender = Tender::new(&cast, "host.example/t/dossier", Kind::Joint);
    tender.receive(1);
    let data = Postpone {
        deadline: secs(LATER),
        reason: "招标文件澄清".to_owned(),
    };
    tender
        .say(&cast.agency, "tender.postpone", &data, DEADLINE - 20)
        .expect("in time");
    let data = BidWithdraw {
        seal: tender.bids[0].id,
    };
    tender.beat(DEADLINE + 12);
    tender
        .say(&cast.bidders[0], "bid.withdraw", &data, DEADLINE + 13)
        .expect("in time");
    let bid = tender.seal(1, 900_000, DEADLINE + 14);
    tender
        .submit(&bid, secs(DEADLINE + 14))
        .expect("before the new deadline");
    tender.close(secs(LATER)).expect("closed");
    tender.witness(LATER + 1);
    tender.close_window(LATER + 35).expect("closed");
    tender.open_all(LATER + 36);
    let failure = tender.host.state().expected_failure(LOT);
    let said = tender.say(
        &cast.agency,
        "lot.fail",
        &failure.expect("too few bids"),
        LATER + 37,
    );
    said.expect("failed");
    tender.archive(LATER + 40)
}

/// The postponement behind the beat at the old deadline; and another act in its place, seen at once.
pub(super) fn broken(suite: &'static Suite, valid: &[u8]) -> Vec<Broken> {
    let cast = Cast::new(suite, "dossier");
    let forge = Forge::new(&cast, Parts::of_tar(valid).parts);
    let from = forge.single_of("tender.postpone", 0);
    let over = usize::try_from((DEADLINE - FIRST_BEAT) / PERIOD).expect("small");
    let last = forge.batches()[over];
    let late = forge.clone().moved(from, last, LATER + 1);
    let mut other = forge.clone();
    let body = other.single(from).body.clone();
    let body = String::from_utf8(body).expect("text");
    let (head, tail) = body.split_once("\"deadline\":\"").expect("its data");
    let (_, tail) = tail.split_once("\",").expect("more data");
    let body = format!("{head}{tail}").replace("tender.postpone", "tender.suspend");
    other.put_single(from, body.as_bytes());
    let case = |name, tar| Broken {
        name,
        check: "V6",
        tar,
    };
    vec![
        case("postponed-behind-the-deadline", late),
        case(
            "record-outside-its-beat",
            other.moved(from, from, LATER + 1),
        ),
    ]
}
