//! Those present at an opening: what the hall's module shows of its record is what the log holds, and what it signs the
//! host takes.

use crate::person::{AT, Bidder, PIN, Run, files, year};
use mifeng::Export;
use mifeng::crypto::{Digest, GM, INTL, SeededEntropy, Suite};
use mifeng::pki::{Certificate, Signer, keyfile, pem};
use mifeng::record::{Record, SignedRecord};
use mifeng::tender::OpeningMatter;
use mifeng_testkit::world::{Cast, Kind, Person, Tender, code, secs};
use mifeng_wasm::{Act, PresentRequest, Said, SayRequest, present, say};
use std::io::Cursor;

type Files = Vec<(&'static str, Vec<u8>)>;

/// Three bids, one of them sealed in the page; everything released, nothing opened yet.
fn released<'c>(cast: &'c Cast, bidder: &Bidder) -> Tender<'c> {
    let mut tender = Tender::new(cast, "test.example/desk", Kind::Board);
    tender.receive(2);
    let run = Run::new(
        &tender.tar(Export::Records),
        &bidder.folder(),
        &files()[1..],
    );
    let (done, sealed) = run.go();
    let kept = done.kept.expect("kept");
    let record = SignedRecord::from_file(kept.record.as_bytes()).expect("a record");
    let taken = tender
        .host
        .submit(record, Some(&mut Cursor::new(&sealed)), secs(AT + 1));
    taken.expect("accepted");
    tender.beat(AT + 1);
    tender.close_and_release(Kind::Board);
    tender
}

/// An office's folder as `mifeng` writes it.
fn folder(person: &Person, suite: &'static Suite) -> Files {
    let rng = &mut SeededEntropy::new(b"salts");
    let key = keyfile::encrypt(&person.key(), PIN, suite, keyfile::ITERATIONS_MIN, rng);
    let text = |one: &Certificate| pem::encode("CERTIFICATE", one.der()).into_bytes();
    let chain: Vec<u8> = person.signer.chain().iter().flat_map(text).collect();
    vec![
        ("chain.cer", chain),
        ("sign.cer", text(person.signer.certificate())),
        ("sign.key", key.expect("encrypted").into_bytes()),
    ]
}

fn said(tender: &Tender<'_>, who: &Files, act: Act, at: i64) -> Said {
    let run = Run::new(&tender.tar(Export::Records), who, &[]);
    let request = SayRequest {
        tender: run.request.tender.clone(),
        origin: "test.example/desk".to_owned(),
        identity: run.request.identity.clone(),
        at: secs(at),
        act,
    };
    let seed = at.to_string();
    say(
        &request,
        PIN,
        &run.from(),
        &mut SeededEntropy::new(seed.as_bytes()),
    )
}

fn record(said: Said) -> SignedRecord {
    assert!(said.problem.is_none(), "{:?}", said.problem);
    let text = said.record.expect("signed");
    SignedRecord::from_file(text.as_bytes()).expect("a record")
}

fn refused(said: Said) -> String {
    assert!(said.record.is_none(), "it was signed");
    said.problem.expect("a problem").code
}

fn ask(text: &str) -> Act {
    Act::Ask {
        kind: OpeningMatter::Question,
        text: text.to_owned(),
    }
}

/// What the module shows of the opening record.
fn shown(tender: &Tender<'_>) -> mifeng_wasm::Present {
    let run = Run::new(&tender.tar(Export::Records), &[], &[]);
    let request = PresentRequest {
        tender: run.request.tender.clone(),
    };
    let told = present(&request, &run.from());
    told.present.expect("replayed")
}

#[test]
fn who_is_present_signs_what_the_log_holds() {
    for suite in [&GM, &INTL] {
        let cast = Cast::new(suite, "present");
        let bidder = Bidder::new(&cast, year());
        let mut tender = released(&cast, &bidder);
        assert!(shown(&tender).minutes.is_none() && shown(&tender).rows.is_empty());
        let nothing = Digest::from_bytes([7; 32]);
        let early = Act::Sign { minutes: nothing };
        let early = said(&tender, &bidder.folder(), early, 99);
        assert_eq!(refused(early), "record.wrong-stage");

        tender.open_all(100);
        let seen = shown(&tender);
        let minutes = seen.minutes.expect("an opening record").digest;
        let state = tender.host.state();
        let (held, data) = state.minutes().expect("an opening record");
        assert_eq!(minutes, *held);
        let rows = seen.rows.iter().zip(&data.rows);
        for (row, held) in rows {
            assert_eq!(
                (&row.lot, &row.name, row.status, &row.price),
                (&held.lot, &held.name, held.status, &held.price)
            );
        }
        assert_eq!(seen.rows.len(), 3);

        // Another record than the one that was shown is not signed, nor does a stranger sign.
        let other = Act::Sign { minutes: nothing };
        let other = said(&tender, &bidder.folder(), other, 101);
        assert_eq!(refused(other), "desk.other-minutes");
        let stranger = Bidder::numbered(&cast, year(), 4).folder();
        let no = said(&tender, &stranger, Act::Sign { minutes }, 101);
        assert_eq!(refused(no), "desk.no-part");

        let signed = record(said(&tender, &bidder.folder(), Act::Sign { minutes }, 101));
        let read = Record::verify(signed.clone(), suite).expect("signed");
        assert_eq!(read.kind(), "opening.sign");
        tender.take(signed, 102).expect("taken");
        let own = bidder.sign.1.fingerprint(suite.hash());
        assert!(tender.host.state().minutes_signed().contains(&own));
        // Once each.
        let again = record(said(&tender, &bidder.folder(), Act::Sign { minutes }, 103));
        assert_eq!(code(tender.take(again, 104)), "record.not-authorised");
    }
}

#[test]
fn a_question_in_the_hall_is_answered_by_the_agency() {
    let cast = Cast::new(&INTL, "present");
    let bidder = Bidder::new(&cast, year());
    let mut tender = released(&cast, &bidder);
    tender.open_all(100);
    let asked = record(said(&tender, &bidder.folder(), ask("唱标有误？"), 101));
    let commitment = Record::verify(asked.clone(), &INTL)
        .expect("signed")
        .commitment();
    tender.take(asked, 102).expect("taken");
    let questions = tender.host.state().opening_questions();
    assert_eq!((questions.len(), &*questions[0].text), (1, "唱标有误？"));

    let answer = |text: &str| Act::Answer {
        ask: commitment,
        text: text.to_owned(),
    };
    // A bidder answers nobody.
    let own = record(said(&tender, &bidder.folder(), answer("没有"), 103));
    assert_eq!(code(tender.take(own, 104)), "record.not-authorised");
    let agency = folder(&cast.agency, &INTL);
    let told = record(said(&tender, &agency, answer("已核对，无误。"), 105));
    tender.take(told, 106).expect("taken");
    let questions = tender.host.state().opening_questions();
    let reply = questions[0].reply.as_ref().expect("answered");
    assert_eq!(reply.text, "已核对，无误。");
}

#[test]
fn before_the_close_nothing_is_signed_in_the_hall() {
    let cast = Cast::new(&INTL, "present");
    let bidder = Bidder::new(&cast, year());
    let tender = Tender::new(&cast, "test.example/desk", Kind::Board);
    let early = said(&tender, &bidder.folder(), ask("?"), 20);
    assert_eq!(refused(early), "record.wrong-stage");
    // Nor for the log of another tender than the page's.
    let other = Tender::new(&cast, "test.example/other", Kind::Board);
    let other = said(&other, &bidder.folder(), ask("?"), 20);
    assert_eq!(refused(other), "desk.other-log");
}
