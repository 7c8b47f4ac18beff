//! However few come, a tender ends as its procedure says: with as many as the law asks for its bids are opened, with
//! fewer the lot fails, by its article, and what was sealed stays shut for good.

mod common;

use common::*;
use mifeng::crypto::{GM, INTL};
use mifeng::tender::*;

const PROCEDURES: [Procedure; 8] = [
    Procedure::Open,
    Procedure::Invited,
    Procedure::Negotiation,
    Procedure::Consultation,
    Procedure::Inquiry,
    Procedure::SingleSource,
    Procedure::Framework,
    Procedure::Works,
];

#[test]
fn with_too_few_the_lot_fails_and_every_bid_stays_shut() {
    let cast = Cast::new(&INTL, "turnout");
    for procedure in PROCEDURES {
        let profile = procedure.profile();
        for come in 0..profile.bidders.0 as usize {
            let what = format!("{procedure:?}, {come} bidders");
            let mut tender = published(&cast, |notice| lawful(notice, procedure));
            tender.receive(come);
            // Nobody is waited for, and the trustees' programs give nothing out.
            tender.close_witnessed();
            tender.close_window(DEADLINE + 3).expect("closed");
            let data = tender.shares(0, DEADLINE + 4).expect("asked");
            assert!(data.shares.is_empty(), "{what}");
            let state = tender.host.state();
            assert!(state.to_open().is_empty(), "{what}");
            assert!(
                tender.bids.iter().all(|bid| !state.has_enough(&bid.id)),
                "{what}"
            );
            tender.open_all(100);
            let (_, minutes) = tender.host.state().minutes().expect("minutes");
            assert_eq!(minutes.rows.len(), come, "{what}");
            for row in &minutes.rows {
                assert_eq!(
                    (row.status, &row.price),
                    (BidStatus::NotOpened, &None),
                    "{what}"
                );
            }
            // Another ground is not taken, and nobody is drawn to judge nothing.
            let data = tender.host.state().expected_failure(LOT).expect("failed");
            let expected = ("too-few-bids", profile.endings.few_bids);
            assert_eq!(
                (data.reason.as_str(), data.article.as_str()),
                expected,
                "{what}"
            );
            let other = LotFail {
                reason: "too-few-opened".to_owned(),
                ..data.clone()
            };
            let outcome = tender.say(&cast.agency, "lot.fail", &other, 101);
            assert_eq!(code(outcome), "result.differs", "{what}");
            tender
                .say(&cast.agency, "lot.fail", &data, 101)
                .expect("failed");
            assert_eq!(tender.letters(102), come, "{what}");
            let letters = tender.host.state().letters(LOT).expect("the lot");
            for letter in letters.values() {
                assert_eq!(
                    (letter.fate, letter.article.as_str()),
                    (Fate::LotFailed, expected.1),
                    "{what}"
                );
            }
            let dossier = tender.archive(103);
            assert_valid(&dossier);
            let parts = Parts::of_tar(&dossier).parts;
            assert!(
                parts.keys().all(|name| !name.starts_with("seal/")),
                "{what}"
            );
        }
    }
}

#[test]
fn with_just_enough_all_bids_are_opened() {
    let cast = Cast::new(&INTL, "turnout");
    for procedure in PROCEDURES {
        let enough = procedure.profile().bidders.0 as usize;
        let mut tender = published(&cast, |notice| lawful(notice, procedure));
        tender.receive(enough);
        tender.close_and_release(Kind::Board);
        assert_eq!(tender.host.state().to_open().len(), enough, "{procedure:?}");
        tender.open_all(100);
        let (_, minutes) = tender.host.state().minutes().expect("minutes");
        let read = procedure.profile().read_out;
        assert_eq!(minutes.rows.len(), enough, "{procedure:?}");
        for row in &minutes.rows {
            assert_eq!(
                (row.status, row.price.is_some()),
                (BidStatus::Opened, read),
                "{procedure:?}"
            );
        }
        assert_eq!(tender.host.state().failure(LOT), None, "{procedure:?}");
    }
}

#[test]
fn three_two_one_and_nobody() {
    for suite in [&GM, &INTL] {
        let cast = Cast::new(suite, "turnout");
        for come in (0..=3).rev() {
            let mut tender = Tender::new(&cast, "host.example/t/turnout", Kind::Joint);
            tender.receive(come);
            let dossier = if come == 3 {
                tender.finish(Kind::Joint)
            } else {
                tender.close_witnessed();
                tender.close_window(DEADLINE + 3).expect("closed");
                tender.open_all(100);
                tender.archive(101)
            };
            assert_valid(&dossier);
            let state = tender.host.state();
            let awarded = come == 3;
            assert_eq!(state.awards().contains_key(LOT), awarded, "{come} bidders");
            assert_eq!(state.failed(LOT).is_some(), !awarded, "{come} bidders");
        }
    }
}
