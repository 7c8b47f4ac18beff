//! Bids that were handed in before: what their records show, what withdraws and what replaces them.

use crate::person::{AT, Bidder, PIN, Run, files, year};
use mifeng::Export;
use mifeng::crypto::{Digest, GM, INTL, SeededEntropy};
use mifeng::record::{Record, SignedRecord};
use mifeng::tender::{BidLife, BidReplace, BidWithdraw};
use mifeng_testkit::world::{Cast, DEADLINE, Kind, LOT, Tender, secs};
use mifeng_wasm::{EarlierRequest, Kept, OldBid, WithdrawRequest, Withdrawn, earlier, withdraw};
use std::io::Cursor;

const ORIGIN: &str = "test.example/desk";

/// Seals as the page does and hands it to the host, one second later.
fn sent(tender: &mut Tender<'_>, run: &Run) -> Kept {
    // Two seals never draw the same.
    let seed = run.request.at.to_string();
    let (done, sealed) = run.with(PIN, &mut SeededEntropy::new(seed.as_bytes()));
    assert!(done.problem.is_none(), "{:?}", done.problem);
    let kept = done.kept.expect("kept");
    let at = (run.request.at.as_unix_seconds() - secs(0).as_unix_seconds()) + 1;
    let record = SignedRecord::from_file(kept.record.as_bytes()).expect("a record");
    let taken = tender
        .host
        .submit(record, Some(&mut Cursor::new(&sealed)), secs(at));
    taken.expect("accepted");
    tender.beat(at);
    kept
}

fn record(text: &str, suite: &'static mifeng::crypto::Suite) -> Record {
    let signed = SignedRecord::from_file(text.as_bytes()).expect("a record");
    Record::verify(signed, suite).expect("signed")
}

/// A request to withdraw what a record brought, `seconds` after the start.
fn asked(run: &mut Run, text: &[u8], seal: Digest, seconds: i64) -> WithdrawRequest {
    WithdrawRequest {
        tender: run.request.tender.clone(),
        identity: run.request.identity.clone(),
        at: secs(seconds),
        bid: OldBid {
            record: run.give("my.rec", text),
            seal,
        },
        number: 0,
    }
}

fn done(run: &Run, request: &WithdrawRequest) -> Withdrawn {
    withdraw(request, PIN, &run.from(), &mut SeededEntropy::new(b"w"))
}

fn code(run: &Run, request: &WithdrawRequest) -> String {
    let done = done(run, request);
    assert!(done.kept.is_none(), "it was signed");
    done.problem.expect("a problem").code
}

#[test]
fn a_bid_is_shown_by_its_record_and_withdrawn() {
    for suite in [&GM, &INTL] {
        let cast = Cast::new(suite, "desk");
        let bidder = Bidder::new(&cast, year());
        let mut tender = Tender::new(&cast, ORIGIN, Kind::Joint);
        let mut run = Run::new(
            &tender.tar(Export::Records),
            &bidder.folder(),
            &files()[1..],
        );
        let kept = sent(&mut tender, &run);
        let submitted = record(&kept.record, suite);
        let request = asked(&mut run, kept.record.as_bytes(), kept.seal.digest, AT + 2);
        let told = earlier(
            &EarlierRequest {
                tender: request.tender.clone(),
                record: request.bid.record.clone(),
            },
            &run.from(),
        );
        let told = told.bid.expect("told");
        assert_eq!((&*told.lot.id, &*told.origin), (LOT, ORIGIN));
        assert_eq!(told.seal.digest, kept.seal.digest);
        assert_eq!(told.commitment, submitted.commitment());
        assert_eq!(told.signer, submitted.signer_name());

        let signed = done(&run, &request).kept.expect("signed");
        let withdrawal = record(&signed.record, suite);
        assert_eq!(withdrawal.kind(), "bid.withdraw");
        assert_eq!(withdrawal.origin(), ORIGIN);
        assert_eq!(withdrawal.actor(), submitted.actor());
        assert!(withdrawal.seq() > submitted.seq());
        assert_eq!(signed.next, withdrawal.seq() + 1);
        assert_eq!(signed.count.1, format!("{}\n", signed.next));
        let data: BidWithdraw = withdrawal.data().expect("its data");
        assert_eq!(data.seal, kept.seal.digest);
        let taken = SignedRecord::from_file(signed.record.as_bytes()).expect("a record");
        tender.take(taken, AT + 3).expect("withdrawn");
        tender.beat(AT + 3);
        let life = tender.host.state().bids()[&kept.seal.digest].life;
        assert_eq!(life, BidLife::Withdrawn);
    }
}

#[test]
fn the_number_goes_on_from_the_record_of_the_bid() {
    let cast = Cast::new(&INTL, "desk");
    let bidder = Bidder::new(&cast, year());
    let tender = Tender::new(&cast, ORIGIN, Kind::Joint);
    let bundle = tender.tar(Export::Records);
    let mut run = Run::new(&bundle, &bidder.folder(), &files()[1..]);
    // More than time gives at the deadline.
    run.request.number = 9_500;
    let kept = run.go().0.kept.expect("kept");
    let request = asked(&mut run, kept.record.as_bytes(), kept.seal.digest, AT + 1);
    let signed = done(&run, &request).kept.expect("signed");
    assert_eq!(record(&signed.record, &INTL).seq(), 9_501);
    let mut another = Run::new(&bundle, &bidder.folder(), &files()[1..]);
    another.request.old = Some(request.bid.clone());
    another.held.clone_from(&run.held);
    let kept = another.go().0.kept.expect("kept");
    assert_eq!(record(&kept.record, &INTL).seq(), 9_501);

    // The file with the count, and what a browser makes of a second one of its name: the most counts.
    let mut another = Run::new(&bundle, &bidder.folder(), &files()[1..]);
    for (end, number) in [("", 9_502), (" (1)", 9_504), (" (2)", 9_503)] {
        let name = format!("{}{end}", kept.count.0);
        let file = another.give(&name, number.to_string().as_bytes());
        another.request.identity.push(file);
    }
    let kept = another.go().0.kept.expect("kept");
    assert_eq!(record(&kept.record, &INTL).seq(), 9_504);

    // What only the page knows is told as the page's.
    let mut another = Run::new(&bundle, &bidder.folder(), &files()[1..]);
    another.request.number = 10_000;
    assert_eq!(another.code(), "desk.count");
}

#[test]
fn only_the_own_bid_that_was_shown_is_withdrawn() {
    let cast = Cast::new(&GM, "desk");
    let bidder = Bidder::new(&cast, year());
    let mut tender = Tender::new(&cast, ORIGIN, Kind::Joint);
    tender.receive(1);
    let bundle = tender.tar(Export::Records);
    let mut run = Run::new(&bundle, &bidder.folder(), &files()[1..]);
    let kept = run.go().0.kept.expect("kept");
    let (text, seal) = (kept.record.as_bytes(), kept.seal.digest);

    let foreign = tender.bids[0].record.to_file().expect("a file");
    let request = asked(&mut run, &foreign, tender.bids[0].id, AT);
    assert_eq!(code(&run, &request), "desk.not-own");
    let mut replacing = Run::new(&bundle, &bidder.folder(), &files()[1..]);
    let record = replacing.give("theirs.rec", &foreign);
    let seal_of = tender.bids[0].id;
    replacing.request.old = Some(OldBid {
        record,
        seal: seal_of,
    });
    assert_eq!(replacing.code(), "desk.not-own");

    let request = asked(&mut run, text, seal_of, AT);
    assert_eq!(code(&run, &request), "desk.other-bid");
    // The log is open: only the browser's clock says that it is late, and it may be wrong.
    let mut request = asked(&mut run, text, seal, DEADLINE);
    assert_eq!(code(&run, &request), "desk.late");
    request.at = secs(DEADLINE - 1);
    let wrong = withdraw(
        &request,
        b"wrong",
        &run.from(),
        &mut SeededEntropy::new(b"w"),
    );
    assert_eq!(wrong.problem.expect("a problem").code, "pki.passphrase");
    let good = done(&run, &request).kept.expect("signed");

    // What brings no bid, is of another log, or was changed.
    let request = asked(&mut run, good.record.as_bytes(), seal, AT);
    assert_eq!(code(&run, &request), "file.malformed");
    let other = Tender::new(&cast, "test.example/other", Kind::Joint);
    let other = Run::new(&other.tar(Export::Records), &bidder.folder(), &files()[1..]);
    let theirs = other.go().0.kept.expect("kept");
    let request = asked(&mut run, theirs.record.as_bytes(), theirs.seal.digest, AT);
    assert_eq!(code(&run, &request), "record.wrong-origin");
    let at = kept.record.find("\"body\":\"").expect("a body") + 300;
    let mut changed = text.to_vec();
    changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
    let request = asked(&mut run, &changed, seal, AT);
    assert!(done(&run, &request).kept.is_none());

    // After the close the records say so, whatever the browser's clock does.
    tender.close_witnessed();
    let mut late = Run::new(
        &tender.tar(Export::Records),
        &bidder.folder(),
        &files()[1..],
    );
    let request = asked(&mut late, text, seal, AT);
    assert_eq!(code(&late, &request), "bid.late");
}

#[test]
fn a_bid_takes_the_place_of_the_one_that_was_shown() {
    let cast = Cast::new(&INTL, "desk");
    let bidder = Bidder::new(&cast, year());
    let mut tender = Tender::new(&cast, ORIGIN, Kind::Joint);
    let bundle = tender.tar(Export::Records);
    let first = Run::new(&bundle, &bidder.folder(), &files()[1..]);
    let old = sent(&mut tender, &first);

    let mut run = Run::new(&bundle, &bidder.folder(), &files()[1..]);
    run.request.at = secs(AT + 3);
    run.request.price = "870000.00".to_owned();
    run.request.price_cn = "捌拾柒万元整".to_owned();
    let file = run.give("old.rec", old.record.as_bytes());
    let bid = |seal| OldBid {
        record: file.clone(),
        seal,
    };
    run.request.old = Some(bid(Digest::from_bytes([7; 32])));
    assert_eq!(run.code(), "desk.other-bid");
    run.request.old = Some(bid(old.seal.digest));
    run.request.lot = "9".to_owned();
    assert_eq!(run.code(), "desk.other-lot");
    run.request.lot = LOT.to_owned();
    let new = sent(&mut tender, &run);
    assert_eq!(new.replaced.as_ref(), Some(&old.seal));
    let replacing = record(&new.record, &INTL);
    assert_eq!(replacing.kind(), "bid.replace");
    assert!(replacing.seq() > record(&old.record, &INTL).seq());
    let data: BidReplace = replacing.data().expect("its data");
    assert_eq!(data.old, old.seal.digest);
    let state = tender.host.state();
    assert_eq!(state.bids()[&old.seal.digest].life, BidLife::Replaced);
    assert_eq!(
        state.live_bid(&replacing.actor(), LOT),
        Some(new.seal.digest)
    );
    // The record of a replacement leads to the bid that it brought.
    let request = asked(&mut run, new.record.as_bytes(), new.seal.digest, AT + 5);
    let signed = done(&run, &request).kept.expect("signed");
    let data: BidWithdraw = record(&signed.record, &INTL).data().expect("its data");
    assert_eq!(data.seal, new.seal.digest);
}

#[test]
fn of_several_certificates_the_one_that_brought_the_bid_signs() {
    let cast = Cast::new(&INTL, "desk");
    let bidder = Bidder::new(&cast, year());
    let mut tender = Tender::new(&cast, ORIGIN, Kind::Joint);
    let bundle = tender.tar(Export::Records);
    let kept = sent(
        &mut tender,
        &Run::new(&bundle, &bidder.folder(), &files()[1..]),
    );
    let own = record(&kept.record, &INTL).actor();
    for folder in bidder.folders_with(&Bidder::numbered(&cast, year(), 4)) {
        let mut run = Run::new(&bundle, &folder, &files()[1..]);
        let request = asked(&mut run, kept.record.as_bytes(), kept.seal.digest, AT + 2);
        let withdrawal = done(&run, &request).kept.expect("signed");
        assert_eq!(record(&withdrawal.record, &INTL).actor(), own);
        run.request.old = Some(request.bid);
        let replacing = run.go().0.kept.expect("kept");
        assert_eq!(record(&replacing.record, &INTL).actor(), own);
    }
}
