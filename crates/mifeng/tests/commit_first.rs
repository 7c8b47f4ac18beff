//! The record of a bid before the deadline, its body within the time that the notice gives after it.

mod common;

use common::*;
use mifeng::crypto::{Digest, GM, INTL, Suite};
use mifeng::lock::Policy;
use mifeng::tender::*;
use mifeng::{Error, Export, Receipt};
use std::io::Cursor;

/// Seconds after the start: until when bodies are taken.
const BODIES_END: i64 = DEADLINE + 20;

fn with_grace<'c>(cast: &'c Cast, kind: Kind) -> Tender<'c> {
    let mut tender = Tender::unpublished(cast, "host.example/t/commit-first");
    let mut notice = notice(cast, tender.host.state(), kind);
    notice.body_grace_ms = (BODIES_END - DEADLINE) as u64 * 1_000;
    tender.publish(&notice).expect("a lawful notice");
    tender
}

/// The record alone.
fn commit(tender: &mut Tender<'_>, number: usize, at: i64) -> Sealed {
    let bid = tender.seal(number, 900_000 - 10_000 * number as u64, at);
    tender.take(bid.record.clone(), at).expect("on time");
    bid
}

fn body(tender: &mut Tender<'_>, bid: &Sealed, file: &[u8], at: i64) -> Result<(), Error> {
    let mut file = Cursor::new(file);
    let record = bid.record.clone();
    tender.host.submit(record, Some(&mut file), secs(at))
}

fn receipt(tender: &Tender<'_>, bid: &Sealed, at: i64) -> Receipt {
    let receipt = tender.host.receipt_again(&bid.record, secs(at));
    receipt.expect("in the log")
}

/// Whether a receipt says that the whole bid is there.
fn says_whole(tender: &Tender<'_>, bid: &Sealed, at: i64) -> bool {
    let replay = tender.bundle().replay;
    let said = receipt(tender, bid, at).verify(&bid.record, &replay);
    said.expect("it holds").whole
}

fn status(tender: &Tender<'_>, seal: &Digest) -> BidStatus {
    let (_, minutes) = tender.host.state().minutes().expect("minutes");
    let mut rows = minutes.rows.iter().filter(|row| row.seal == *seal);
    rows.next().expect("a row").status
}

fn whole_story(suite: &'static Suite) {
    let cast = Cast::new(suite, "edges");
    let mut tender = with_grace(&cast, Kind::Joint);
    // Together; the body before the record's beat; after the close; never.
    let together = tender.seal(0, 880_000, 12);
    tender.submit(&together, secs(12)).expect("on time");
    let soon = commit(&mut tender, 1, 13);
    body(&mut tender, &soon, &soon.file, 14).expect("before its beat");
    let after = commit(&mut tender, 2, 15);
    let never = commit(&mut tender, 3, 16);
    assert_eq!(tender.beat(20).len(), 4, "a receipt for each record");
    assert_eq!(
        [&together, &soon, &after, &never].map(|bid| says_whole(&tender, bid, 21)),
        [true, true, false, false]
    );
    tender.close_witnessed();
    let in_time = body(&mut tender, &after, &after.file, BODIES_END - 1);
    in_time.expect("before the end");
    assert!(says_whole(&tender, &after, BODIES_END - 1));
    for number in 0..3 {
        tender.release_leaf(number, DEADLINE + 2).expect("a leaf");
    }
    // Nobody is missing but the one without a body: all the same nothing is opened before the end.
    assert_eq!(code(tender.close_window(BODIES_END - 1)), "opening.early");
    assert_eq!(code(tender.shares(0, BODIES_END - 1)), "board.share-early");
    let late = body(&mut tender, &never, &never.file, BODIES_END);
    assert_eq!(code(late), "bid.body-late");
    tender.close_window(BODIES_END).expect("closed");
    let bid = &tender.host.state().bids()[&never.id];
    assert_eq!(bid.life, BidLife::NoBody);
    let late = body(&mut tender, &never, &never.file, BODIES_END);
    assert_eq!(code(late), "bid.body-late");
    for number in 0..2 {
        tender.release(number, BODIES_END + 1).expect("released");
    }
    tender.open_all(100);
    assert_eq!(status(&tender, &never.id), BidStatus::RefusedUnsealed);
    for bid in [&together, &soon, &after] {
        assert_eq!(status(&tender, &bid.id), BidStatus::Opened);
    }
    let seated = tender.draw(101);
    assert!(tender.evaluate(&seated, 102));
    let kept = receipt(&tender, &never, 103);
    assert_valid(&tender.archive(103));
    let replay = tender.bundle().replay;
    let said = kept.hold_against(&never.record, &replay).expect("kept");
    assert!(
        !said.whole,
        "the record is in the log, and nothing else was said"
    );
}

#[test]
fn bodies_come_after_their_records_gm() {
    whole_story(&GM);
}

#[test]
fn bodies_come_after_their_records_intl() {
    whole_story(&INTL);
}

#[test]
fn a_wrong_body_harms_nothing_and_the_same_one_again_changes_nothing() {
    let cast = Cast::new(&INTL, "edges");
    let mut tender = with_grace(&cast, Kind::Joint);
    let (bid, other) = (commit(&mut tender, 0, 12), commit(&mut tender, 1, 12));
    for _ in 0..2 {
        for wrong in [&bid.file[..bid.file.len() - 1], &other.file, b"no bid"] {
            let no = body(&mut tender, &bid, wrong, 14);
            assert_eq!(code(no), "bid.malformed");
        }
        let mut flipped = bid.file.clone();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 1;
        let no = body(&mut tender, &bid, &flipped, 14);
        assert_eq!(code(no), "bid.malformed");
        // Once while the record waits for its beat, and once when it is in the log.
        tender.beat(20);
        assert!(tender.host.awaits_body(&bid.record.commitment(&INTL)));
    }
    let size = tender.host.replay().tree.size();
    for at in [21, 22, DEADLINE + 1] {
        body(&mut tender, &bid, &bid.file, at).expect("taken, or known");
        assert_eq!(tender.host.replay().tree.size(), size);
        assert!(!tender.host.awaits_body(&bid.record.commitment(&INTL)));
    }
    let no = body(&mut tender, &bid, &other.file, 23);
    assert_eq!(code(no), "bid.malformed");
    // The record alone once more is a replay, as everywhere.
    let again = tender.take(bid.record.clone(), 24);
    assert_eq!(code(again), "record.replay");
    // None of the wrong ones is told as a refused bid.
    tender.close_witnessed();
    let told = tender.host.log_refused(secs(DEADLINE + 1), &mut tender.rng);
    assert_eq!(told.expect("told"), 0);
}

#[test]
fn a_record_that_comes_with_a_wrong_body_is_taken_without_it() {
    let cast = Cast::new(&INTL, "edges");
    let mut tender = with_grace(&cast, Kind::Joint);
    let bid = tender.seal(0, 900_000, 12);
    let mut flipped = bid.file.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    assert_eq!(code(body(&mut tender, &bid, &flipped, 14)), "bid.malformed");
    // What breaks another rule too is taken neither way, and nothing that is wrong comes instead of it.
    let second = tender.seal(0, 890_000, 14);
    assert_eq!(
        code(body(&mut tender, &second, b"no bid", 14)),
        "bid.malformed"
    );
    assert_eq!(tender.host.waiting(), 1);
    assert_eq!(tender.beat(20).len(), 1);
    assert!(tender.host.awaits_body(&bid.record.commitment(&INTL)));
    assert!(!says_whole(&tender, &bid, 21));
    tender.close_witnessed();
    let told = tender.host.log_refused(secs(DEADLINE + 1), &mut tender.rng);
    assert_eq!(told.expect("told"), 0);
    body(&mut tender, &bid, &bid.file, BODIES_END - 1).expect("in time");
    assert!(says_whole(&tender, &bid, BODIES_END));
}

#[test]
fn what_came_is_known_after_a_crash_and_what_a_disk_lost_is_not_held_against_its_bidder() {
    let cast = Cast::new(&INTL, "edges");
    let mut tender = with_grace(&cast, Kind::Board);
    // Killed before its beat, with the body in the store: nothing was promised, the record comes again.
    let bid = commit(&mut tender, 0, 12);
    body(&mut tender, &bid, &bid.file, 13).expect("taken");
    tender.reopen();
    assert!(tender.host.state().bids().is_empty());
    tender.take(bid.record.clone(), 14).expect("again");
    tender.beat(20);
    tender.reopen();
    let commitment = bid.record.commitment(&INTL);
    assert!(
        tender.host.awaits_body(&commitment),
        "another body may lie there"
    );
    body(&mut tender, &bid, &bid.file, 21).expect("taken");
    let together = tender.seal(1, 880_000, 22);
    tender.submit(&together, secs(22)).expect("on time");
    let never = commit(&mut tender, 2, 23);
    tender.beat(30);
    tender.reopen();
    assert!(!tender.host.awaits_body(&commitment));
    tender.close_witnessed();
    // The disk loses both that came.
    for lost in [&bid, &together] {
        let name = format!("seal/{}.bid", lost.id);
        assert!(tender.store.files().remove(&name).is_some());
    }
    tender.reopen();
    tender.close_window(BODIES_END).expect("closed");
    let lives: Vec<BidLife> = [&bid, &together, &never]
        .map(|one| tender.host.state().bids()[&one.id].life)
        .to_vec();
    assert_eq!(lives, [BidLife::Live, BidLife::Live, BidLife::NoBody]);
    let check = mifeng::check_store(&tender.store).expect("readable");
    let named: Vec<&String> = check.findings.iter().map(|(name, _)| name).collect();
    let mut lost = [&bid, &together].map(|one| format!("seal/{}.bid", one.id));
    lost.sort();
    assert_eq!(named, lost.iter().collect::<Vec<_>>());
}

#[test]
fn a_host_that_had_the_body_and_denies_it_is_convicted_by_its_receipt() {
    let cast = Cast::new(&INTL, "edges");
    let mut tender = with_grace(&cast, Kind::Board);
    let bid = commit(&mut tender, 0, 12);
    tender.beat(20);
    let first = receipt(&tender, &bid, 21);
    body(&mut tender, &bid, &bid.file, 22).expect("taken");
    let whole = receipt(&tender, &bid, 23);
    // It forgets.
    let name = format!("awaited/{}", bid.record.commitment(&INTL));
    let before = tender.store.files().insert(name, bid.id.to_string().into());
    assert_eq!(before.as_deref(), Some(&b"came"[..]));
    let file = format!("seal/{}.bid", bid.id);
    assert!(tender.store.files().remove(&file).is_some());
    tender.reopen();
    tender.close_witnessed();
    tender.close_window(BODIES_END).expect("closed");
    tender.open_all(100);
    assert_eq!(status(&tender, &bid.id), BidStatus::RefusedUnsealed);
    assert_valid(&tender.archive(103));
    let replay = tender.bundle().replay;
    let _ = first
        .hold_against(&bid.record, &replay)
        .expect("nothing broken");
    let no = whole.hold_against(&bid.record, &replay);
    assert_eq!(code(no), "receipt.breach");
}

#[test]
fn a_lot_with_too_few_bodies_stays_shut() {
    let cast = Cast::new(&INTL, "edges");
    let mut tender = with_grace(&cast, Kind::Joint);
    tender.receive(2);
    let never = commit(&mut tender, 2, 30);
    tender.beat(40);
    tender.close_witnessed();
    assert_eq!(tender.host.state().to_open().len(), 3);
    tender
        .close_window(BODIES_END)
        .expect("nobody is waited for");
    assert!(tender.host.state().to_open().is_empty());
    tender.open_all(100);
    assert_eq!(status(&tender, &never.id), BidStatus::RefusedUnsealed);
    for bid in &tender.bids {
        assert_eq!(status(&tender, &bid.id), BidStatus::NotOpened);
    }
    assert_valid(&tender.archive(103));
}

#[test]
fn what_is_withdrawn_or_replaced_needs_no_body() {
    let cast = Cast::new(&INTL, "edges");
    let mut tender = with_grace(&cast, Kind::Board);
    let (old, gone) = (commit(&mut tender, 0, 12), commit(&mut tender, 1, 12));
    let person = &cast.bidders[0];
    let (file, data) = tender.seal_by(person, 870_000, 13);
    let data = BidReplace {
        old: old.id,
        seal: data.seal,
    };
    let new = Sealed {
        record: tender.signed(person, "bid.replace", &data, 13),
        id: tender.verified(&file).id(),
        file,
    };
    tender.take(new.record.clone(), 13).expect("replaced");
    let data = BidWithdraw { seal: gone.id };
    let said = tender.say(&cast.bidders[1], "bid.withdraw", &data, 14);
    said.expect("withdrawn");
    tender.beat(20);
    tender.close_witnessed();
    let came = body(&mut tender, &new, &new.file, BODIES_END - 1);
    came.expect("the new one");
    tender.close_window(BODIES_END).expect("closed");
    tender.open_all(100);
    assert_eq!(status(&tender, &old.id), BidStatus::Replaced);
    assert_eq!(
        status(&tender, &gone.id),
        BidStatus::WithdrawnBeforeDeadline
    );
    assert_eq!(status(&tender, &new.id), BidStatus::NotOpened);
    assert_valid(&tender.archive(103));
}

#[test]
fn a_suspension_gives_the_whole_time_again() {
    let cast = Cast::new(&INTL, "edges");
    let mut tender = with_grace(&cast, Kind::Board);
    let (bid, early) = (commit(&mut tender, 0, 12), commit(&mut tender, 1, 13));
    tender.beat(20);
    tender.close_witnessed();
    let why = Halt {
        reason: "平台故障".to_owned(),
    };
    let (agency, at) = (&cast.agency, BODIES_END + 5);
    let said = tender.say(agency, "tender.suspend", &why, BODIES_END - 1);
    said.expect("suspended");
    // When the time is over nobody knows then.
    body(&mut tender, &early, &early.file, at).expect("in the suspension");
    let said = tender.say(agency, "tender.resume", &why, at);
    said.expect("resumed");
    let end = at + BODIES_END - DEADLINE;
    assert_eq!(code(tender.close_window(end - 1)), "opening.early");
    body(&mut tender, &bid, &bid.file, end - 1).expect("the whole time again");
    tender.close_window(end).expect("closed");
    for bid in [&bid, &early] {
        assert_eq!(tender.host.state().bids()[&bid.id].life, BidLife::Live);
    }
    // What is over does not begin again: trustees wait for nothing.
    for act in ["tender.suspend", "tender.resume"] {
        let said = tender.say(agency, act, &why, end + 2);
        said.expect("said");
    }
    assert_eq!(tender.host.state().bodies_end(), Some(secs(end)));
    tender.shares(0, end + 3).expect("the bodies' time is over");
}

#[test]
fn a_trustee_goes_by_the_own_clock() {
    let cast = Cast::new(&INTL, "edges");
    let mut tender = with_grace(&cast, Kind::Board);
    let bid = tender.seal(0, 880_000, 12);
    tender.submit(&bid, secs(12)).expect("on time");
    tender.beat(20);
    tender.close_witnessed();
    // A host that is ahead of time.
    tender.close_window(BODIES_END).expect("as it says");
    let early = tender.shares(0, BODIES_END - 1);
    assert_eq!(code(early), "board.share-early");
    tender.shares(0, BODIES_END).expect("it is time");
}

#[test]
fn a_body_that_is_there_is_none_that_never_came() {
    let cast = Cast::new(&INTL, "edges");
    let mut tender = with_grace(&cast, Kind::Board);
    let (kept, lost) = (commit(&mut tender, 0, 12), commit(&mut tender, 1, 13));
    tender.beat(20);
    tender.close_witnessed();
    // The host went down before it could note that they came; of the second one something else is there.
    let mut other = lost.file.clone();
    let middle = other.len() / 2;
    other[middle] ^= 1;
    for (bid, file) in [(&kept, &kept.file), (&lost, &other)] {
        let name = format!("seal/{}.bid", bid.id);
        tender.store.files().insert(name, file.clone());
    }
    tender.reopen();
    assert!(tender.host.awaits_body(&kept.record.commitment(&INTL)));
    assert_eq!(tender.host.without_body(secs(BODIES_END)), [lost.id]);
    tender.close_window(BODIES_END).expect("closed");
    assert_eq!(tender.host.state().bids()[&kept.id].life, BidLife::Live);
}

#[test]
fn a_window_close_tells_no_other_story() {
    let cast = Cast::new(&INTL, "edges");
    let mut tender = with_grace(&cast, Kind::Board);
    let bids: Vec<Sealed> = (0..3).map(|n| commit(&mut tender, n, 12)).collect();
    let data = BidWithdraw { seal: bids[2].id };
    let said = tender.say(&cast.bidders[2], "bid.withdraw", &data, 13);
    said.expect("withdrawn");
    tender.beat(20);
    tender.close_witnessed();
    let mut live = [bids[0].id, bids[1].id];
    live.sort_unstable();
    let mut say = |no_body: &[Digest], at: i64| {
        let data = WindowClose {
            missing: Vec::new(),
            no_body: no_body.to_vec(),
        };
        code(tender.say(&cast.platform, "bidder-window.close", &data, at))
    };
    let [first, second] = live;
    assert_eq!(say(&live, BODIES_END - 1), "opening.early");
    assert_eq!(say(&[], BODIES_END - 1), "opening.early");
    assert_eq!(say(&[second, first], BODIES_END), "result.differs");
    assert_eq!(say(&[first, first], BODIES_END), "result.differs");
    assert_eq!(say(&[bids[2].id], BODIES_END), "result.differs");
    assert_eq!(say(&[Digest::default()], BODIES_END), "result.differs");
    assert_eq!(say(&live, BODIES_END), "accepted");
    // Where record and body come together none is without.
    let mut tender = Tender::new(&cast, "host.example/t/together", Kind::Board);
    tender.receive(1);
    tender.close_witnessed();
    let data = WindowClose {
        missing: Vec::new(),
        no_body: vec![tender.bids[0].id],
    };
    let said = tender.say(&cast.platform, "bidder-window.close", &data, WINDOW_END);
    assert_eq!(code(said), "result.differs");
}

#[test]
fn the_notice_decides() {
    let cast = Cast::new(&INTL, "edges");
    let publish = |grace: u64, change: &dyn Fn(&mut Notice)| {
        let mut tender = Tender::unpublished(&cast, "host.example/t/notice");
        let mut notice = notice(&cast, tender.host.state(), Kind::Joint);
        notice.body_grace_ms = grace;
        change(&mut notice);
        code(tender.publish(&notice))
    };
    let as_it_is = |_: &mut Notice| {};
    let bidders = |notice: &mut Notice| notice.policy = Policy::bidder();
    assert_eq!(publish(BODY_GRACE_MS_MAX, &as_it_is), "accepted");
    assert_eq!(publish(BODY_GRACE_MS_MAX + 1, &as_it_is), "notice.unlawful");
    assert_eq!(publish(0, &bidders), "accepted");
    // A bidder could see a price before it sends its own body.
    assert_eq!(publish(1, &bidders), "notice.unlawful");

    // Without a word of it nothing is new: no member, no record alone.
    let mut tender = Tender::new(&cast, "host.example/t/without", Kind::Joint);
    let says = |tender: &Tender<'_>, word: &[u8]| {
        let tar = tender.tar(Export::Records);
        tar.windows(word.len()).any(|found| found == word)
    };
    assert!(says(&tender, b"window_ms") && !says(&tender, b"body_grace_ms"));
    assert!(says(&with_grace(&cast, Kind::Joint), b"body_grace_ms"));
    let bid = tender.seal(0, 900_000, 12);
    let no = tender.take(bid.record.clone(), 12);
    assert_eq!(code(no), "bid.malformed");
    tender.submit(&bid, secs(13)).expect("together");
    tender.beat(20);
    assert!(
        !says_whole(&tender, &bid, 21),
        "nothing is said of what cannot be otherwise"
    );
}
