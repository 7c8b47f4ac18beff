//! Final offers: who is invited gives one, and the words of its price come from the digits.

use crate::person::{AT, Bidder, PIN, Run, files, year};
use mifeng::Export;
use mifeng::crypto::{GM, INTL, SeededEntropy};
use mifeng::pki::Signer;
use mifeng::record::{Record, SignedRecord};
use mifeng::tender::{CheckKind, OfferSubmit, Procedure, RoundOpen};
use mifeng_testkit::world::{Cast, Kind, LOT, Tender, notice, secs};
use mifeng_wasm::{LookRequest, OldBid, PriceRequest, look, price};
use std::io::Cursor;

const ROUND_END: i64 = 300;

/// A single source whose one bid, sealed in the page, was opened and passed; final offers are called for.
fn called<'c>(cast: &'c Cast, bidder: &Bidder) -> (Tender<'c>, Vec<u8>) {
    let mut tender = Tender::unpublished(cast, "test.example/desk");
    let mut notice = notice(cast, tender.host.state(), Kind::Board);
    notice.procedure = Procedure::SingleSource;
    notice.bidders_min = 1;
    (notice.committee.experts, notice.committee.alternates) = (0, 0);
    let rules = r#"{"method": "single-source", "price_weight": "0", "min_bidders": 1, "budget": "1000000.00"}"#;
    notice.lots[0].rules = serde_json::from_str(rules).expect("rules");
    tender.publish(&notice).expect("a lawful notice");
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
    tender.open_all(100);
    for kind in [CheckKind::Qualification, CheckKind::Conformity] {
        tender.check(kind, &[], &[], 102).expect("checked");
    }
    let data = RoundOpen {
        lot: LOT.to_owned(),
        deadline: secs(ROUND_END),
        invited: tender.host.state().conforming(LOT).expect("passed"),
    };
    tender
        .say(&cast.agency, "round.open", &data, 103)
        .expect("called");
    (tender, kept.record.into_bytes())
}

fn offering(tender: &Tender<'_>, bidder: &Bidder) -> Run {
    let bundle = tender.tar(Export::Records);
    let mut run = Run::new(&bundle, &bidder.folder(), &files()[1..]);
    run.request.offer = true;
    run.request.at = secs(110);
    run.request.price = "870000.00".to_owned();
    run.request.price_cn = "捌拾柒万元整".to_owned();
    run
}

#[test]
fn who_is_invited_gives_one_final_offer() {
    for suite in [&GM, &INTL] {
        let cast = Cast::new(suite, "desk");
        let bidder = Bidder::new(&cast, year());
        let (mut tender, first) = called(&cast, &bidder);
        let mut run = offering(&tender, &bidder);
        let told = look(
            &LookRequest {
                tender: run.request.tender.clone(),
            },
            &run.from(),
        );
        let rounds = told.tender.expect("told").rounds;
        assert_eq!(rounds.len(), 1);
        assert_eq!(
            (&*rounds[0].lot.id, rounds[0].deadline),
            (LOT, secs(ROUND_END))
        );

        // Words rule, and it is given once: those of another amount are not sealed, nor what is none.
        for words in ["捌拾柒万元壹分", "肆拾叁万元伍角整", "大约八十七万", ""]
        {
            run.request.price_cn = words.to_owned();
            assert_eq!(run.code(), "desk.words", "{words}");
        }
        run.request.price_cn = "捌拾柒万圆正".to_owned();
        run.request.price = "870000.01".to_owned();
        assert_eq!(run.code(), "desk.words");
        run.request.price = "870000.00".to_owned();

        // A bid comes too late, who did not bid is not invited, and after its deadline nothing is sealed.
        run.request.offer = false;
        assert_eq!(run.code(), "bid.incomplete");
        let stranger = offering(&tender, &Bidder::numbered(&cast, year(), 4));
        assert_eq!(stranger.code(), "offer.not-invited");
        run.request.offer = true;
        run.request.at = secs(ROUND_END);
        assert_eq!(run.code(), "bid.incomplete");
        run.request.at = secs(110);
        let record = run.give("first.rec", &first);
        let seal = tender.host.state().conforming(LOT).expect("passed")[0];
        run.request.old = Some(OldBid { record, seal });
        assert_eq!(run.code(), "bid.second");
        run.request.old = None;

        let (done, sealed) = run.with(PIN, &mut SeededEntropy::new(b"an offer"));
        assert!(done.problem.is_none(), "{:?}", done.problem);
        let kept = done.kept.expect("kept");
        let signed = SignedRecord::from_file(kept.record.as_bytes()).expect("a record");
        let offer = Record::verify(signed.clone(), suite).expect("signed");
        assert_eq!(offer.kind(), "offer.submit");
        let data: OfferSubmit = offer.data().expect("its data");
        assert_eq!(data.lot, LOT);
        let body = &mut Cursor::new(&sealed);
        let taken = tender.host.submit(signed, Some(body), secs(111));
        taken.expect("accepted");
        let round = tender.host.state().round(LOT).expect("a round");
        assert_eq!(round.offers.get(&seal), Some(&kept.seal.digest));
        assert!(!round.awaits(&seal));
        assert_eq!(offering(&tender, &bidder).code(), "bid.second");
    }
}

#[test]
fn a_round_that_is_closed_takes_no_offer_of_who_was_invited() {
    let cast = Cast::new(&INTL, "desk");
    let bidder = Bidder::new(&cast, year());
    let (mut tender, _) = called(&cast, &bidder);
    let closed = tender
        .host
        .close_round(LOT, secs(ROUND_END), &mut tender.rng);
    closed.expect("closed");
    // The browser's clock is slow: the records say it.
    assert_eq!(offering(&tender, &bidder).code(), "offer.late");
}

#[test]
fn without_a_round_no_final_offer_is_sealed() {
    let cast = Cast::new(&INTL, "desk");
    let bidder = Bidder::new(&cast, year());
    let tender = Tender::new(&cast, "test.example/desk", Kind::Joint);
    let mut run = offering(&tender, &bidder);
    run.request.at = secs(AT);
    assert_eq!(run.code(), "bid.incomplete");
}

#[test]
fn words_come_from_the_digits() {
    let told = |text: &str| {
        let told = price(&PriceRequest {
            price: text.to_owned(),
            words: None,
        });
        told.words.ok_or(told.problem.map(|problem| problem.code))
    };
    assert_eq!(told("430000.50").as_deref(), Ok("肆拾叁万元伍角整"));
    assert_eq!(told("870000.00").as_deref(), Ok("捌拾柒万元整"));
    for bad in [
        "",
        "-1.00",
        "1e5",
        "1.005",
        "12,000.00",
        "1000000000000.00",
        "9999999999999999999999",
    ] {
        assert_eq!(told(bad), Err(Some("file.malformed".to_owned())), "{bad}");
    }
}

#[test]
fn words_that_were_written_are_compared_with_the_digits() {
    let same = |words: &str| {
        let told = price(&PriceRequest {
            price: "430000.50".to_owned(),
            words: Some(words.to_owned()),
        });
        told.same
    };
    assert_eq!(same("肆拾叁万元伍角整"), Some(true));
    assert_eq!(same("人民币肆拾叁万圆伍角正"), Some(true));
    assert_eq!(same("叁拾肆万元伍角整"), Some(false));
    assert_eq!(same("肆拾叁万元整"), Some(false));
    assert_eq!(same("大约四十三万"), None);
}

#[test]
fn of_several_certificates_the_one_that_is_invited_signs() {
    let cast = Cast::new(&INTL, "desk");
    let bidder = Bidder::new(&cast, year());
    let (tender, _) = called(&cast, &bidder);
    let bundle = tender.tar(Export::Records);
    for folder in bidder.folders_with(&Bidder::numbered(&cast, year(), 4)) {
        let mut run = Run::new(&bundle, &folder, &files()[1..]);
        let asked = offering(&tender, &bidder).request;
        (run.request.offer, run.request.at) = (true, asked.at);
        (run.request.price, run.request.price_cn) = (asked.price, asked.price_cn);
        let (done, _) = run.go();
        assert!(done.problem.is_none(), "{:?}", done.problem);
        let kept = done.kept.expect("kept");
        assert_eq!(kept.signer, bidder.signer().certificate().subject_name());
    }
}
