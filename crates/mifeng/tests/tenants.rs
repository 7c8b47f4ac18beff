//! Two tenders in one process do not see each other: nothing is shared but the code.

mod common;

use common::*;
use mifeng::crypto::{GM, INTL};
use mifeng::tender::Halt;

const ONE: &str = "host.example/t/one";
const OTHER: &str = "host.example/t/other";

/// What is signed and sealed for one tender.
fn bid(tender: &mut Tender<'_>, number: usize) -> Sealed {
    let at = 12 + 7 * number as i64;
    let bid = tender.seal(number, 900_000 - 10_000 * number as u64, at);
    tender.submit(&bid, secs(at)).expect("on time");
    tender.beat(at);
    tender.bids.push(bid.clone());
    bid
}

#[test]
fn beside_another_one_a_tender_is_byte_for_byte_what_it_is_alone() {
    for suite in [&GM, &INTL] {
        let cast = Cast::new(suite, "tenants");
        let alone = {
            let mut tender = Tender::new(&cast, ONE, Kind::Joint);
            tender.receive(3);
            tender.finish(Kind::Joint)
        };
        let another = Cast::new(&INTL, "another house");
        let mut one = Tender::new(&cast, ONE, Kind::Joint);
        let mut beside = Tender::new(&cast, OTHER, Kind::Board);
        let mut elsewhere = Tender::new(&another, OTHER, Kind::Board);
        for number in 0..3 {
            bid(&mut elsewhere, number);
            bid(&mut one, number);
            bid(&mut beside, number);
        }
        let other = elsewhere.finish(Kind::Board);
        let dossier = one.finish(Kind::Joint);
        assert!(dossier == alone, "the other tenders changed something");
        assert_valid(&other);
        assert_valid(&beside.finish(Kind::Board));
    }
}

#[test]
fn what_is_signed_or_sealed_for_one_counts_in_no_other() {
    let cast = Cast::new(&INTL, "tenants");
    let mut one = Tender::new(&cast, ONE, Kind::Board);
    let mut other = Tender::new(&cast, OTHER, Kind::Board);
    let sent = bid(&mut one, 0);
    let before = other.tar(mifeng::Export::Records);
    assert_eq!(code(other.submit(&sent, secs(20))), "bid.bound-elsewhere");
    // Signed anew by its own bidder, the seal still is the other tender's.
    let sealed = mifeng::envelope::SealedFile::read(&mut std::io::Cursor::new(&sent.file));
    let data = mifeng::bidder::submission(sealed.expect("a file").record());
    let moved = Sealed {
        record: other.signed(&cast.bidders[0], "bid.submit", &data, 20),
        ..sent
    };
    assert_eq!(code(other.submit(&moved, secs(20))), "bid.bound-elsewhere");
    let halt = Halt {
        reason: "采购任务取消".to_owned(),
    };
    let record = one.signed(&cast.agency, "tender.cancel", &halt, 21);
    assert_eq!(code(other.take(record, 21)), "record.wrong-origin");
    assert!(other.host.state().bids().is_empty() && !other.host.state().is_cancelled());
    assert!(
        other.tar(mifeng::Export::Records) == before,
        "a refusal left something"
    );
}
