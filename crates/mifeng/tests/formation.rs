//! How the board and the committee come to be, and what is refused on the way.

mod common;

use common::*;
use mifeng::crypto::{GM, INTL, KeyAlg, PrivateKey, SeededEntropy, Suite};
use mifeng::log::{CosignVerifier, NoteVerifier};
use mifeng::pki::Signer;
use mifeng::record::{Draft, Facts, Record};
use mifeng::tender::*;

const SUITES: [&Suite; 2] = [&GM, &INTL];
const SESSION: &str = "formation/1";

/// The endorsement of trustee `index` (from 1), signed as it is.
fn board_cert(cast: &Cast, data: &BoardCert) -> Record {
    let signer = &cast.trustees[usize::from(data.index) - 1].person.signer;
    let facts = Facts {
        kind: "board.cert",
        origin: &format!("board/{SESSION}"),
        seq: 0,
        time: START,
        salt: [7; 32],
        data,
    };
    let signed = Draft::new(&facts, signer.certificate(), cast.suite)
        .and_then(|draft| draft.sign(signer, cast.suite))
        .expect("signed");
    Record::verify(signed, cast.suite).expect("verifies")
}

fn endorsement(cast: &Cast, index: u8, witness: String) -> BoardCert {
    let trustee = &cast.trustees[usize::from(index) - 1];
    BoardCert {
        session: SESSION.to_owned(),
        index,
        t: 2,
        n: 3,
        static_key: hex::encode(trustee.static_key.public().to_bytes()),
        witness,
    }
}

fn witness_key(cast: &Cast, name: &str, of: u8) -> String {
    let key = cast.trustees[usize::from(of) - 1].witness.public_key();
    let key = CosignVerifier::new(name, key.expect("its public half"));
    key.expect("a witness").key().to_string()
}

#[test]
fn a_trustee_brings_a_witness_of_its_own() {
    for suite in SUITES {
        let cast = Cast::new(suite, "formation");
        let nobody = Trust {
            roots: &[],
            crls: &[],
            responses: None,
        };
        let mut state = State::new(suite, "host.example/t/formation");
        let mut say = |data: &BoardCert| {
            let record = board_cert(&cast, data);
            state.apply(&record, START, &nobody).map_err(|e| e.code())
        };
        let good = witness_key(&cast, "first.example", 1);
        let mut cut = good.clone();
        cut.pop();
        let other_suite = match suite.id() {
            "gm-1" => KeyAlg::Ed25519,
            _ => KeyAlg::Sm2,
        };
        let mut rng = SeededEntropy::new(b"another suite");
        let foreign = PrivateKey::generate(other_suite, &mut rng).expect("a key");
        let foreign = foreign.public_key().expect("its public half");
        let foreign = CosignVerifier::new("first.example", foreign).expect("a witness");
        let log = NoteVerifier::new(
            "first.example",
            cast.log_key().public_key().expect("a half"),
        );
        let log = log.expect("a log's key").key().to_string();
        // Unreadable, a log's key, and a key of the other suite.
        for witness in [String::new(), cut, log, foreign.key().to_string()] {
            let data = endorsement(&cast, 1, witness.clone());
            assert_eq!(say(&data), Err("board.formation"), "{witness}");
        }
        assert_eq!(say(&endorsement(&cast, 1, good)), Ok(()));
        // Another member's name, or its key.
        for (name, of) in [("first.example", 2), ("second.example", 1)] {
            let data = endorsement(&cast, 2, witness_key(&cast, name, of));
            assert_eq!(say(&data), Err("board.formation"), "{name} {of}");
        }
        let data = endorsement(&cast, 2, witness_key(&cast, "second.example", 2));
        assert_eq!(say(&data), Ok(()));
    }
}

#[test]
fn a_first_draw_needs_no_reason_and_nobody_declines_twice() {
    let cast = Cast::new(&INTL, "formation");
    let mut tender = Tender::new(&cast, "host.example/t/formation", Kind::Board);
    tender.receive(3);
    tender.close_and_release(Kind::Board);
    tender.open_all(100);
    let pool = tender.pool();
    let explained = Pool {
        reason: "another one".to_owned(),
        ..pool.clone()
    };
    let outcome = tender.say(&cast.agency, "expert.pool", &explained, 101);
    assert_eq!(code(outcome), "record.data");
    tender
        .say(&cast.agency, "expert.pool", &pool, 101)
        .expect("a pool");
    tender.answer_draw(101);
    let good = tender.draw_result();
    let places = good.seats.len();
    let (first, rest) = good.order.split_first().expect("somebody");
    let stranger = "0".repeat(64);
    for declined in [
        vec![first.clone(), first.clone()],
        vec![first.clone(), stranger],
    ] {
        let data = DrawResult {
            declined,
            seats: (1..=places).map(|n| tender.seat(n)).collect(),
            ..good.clone()
        };
        let outcome = tender.say(&cast.agency, "draw.result", &data, 101);
        assert_eq!(code(outcome), "result.differs");
    }
    let data = DrawResult {
        declined: vec![first.clone()],
        seats: (1..=places).map(|n| tender.seat(n)).collect(),
        ..good.clone()
    };
    assert_eq!(&data.seats[0].id, &rest[0]);
    tender
        .say(&cast.agency, "draw.result", &data, 101)
        .expect("the next one sits");
}

#[test]
fn a_tender_without_an_end_is_not_archived() {
    let cast = Cast::new(&INTL, "formation");
    let mut tender = Tender::new(&cast, "host.example/t/formation", Kind::Board);
    tender.receive(3);
    tender.close_and_release(Kind::Board);
    let mut rng = SeededEntropy::new(b"archive");
    assert_eq!(
        code(tender.host.archive(secs(99), &mut rng)),
        "record.wrong-stage"
    );
    tender.open_all(100);
    assert_eq!(
        code(tender.host.archive(secs(101), &mut rng)),
        "record.wrong-stage"
    );
    tender.end(102);
    assert!(tender.host.state().is_cancelled());
    tender.host.archive(secs(103), &mut rng).expect("archived");
}
