//! Bodies that were taken as files: durable together, and never after their records.

mod common;

use common::*;
use mifeng::crypto::INTL;
use mifeng::tender::*;
use mifeng::{Error, MeasuredBid};
use std::path::PathBuf;

/// Seconds after the start: until when bodies are taken.
const BODIES_END: i64 = DEADLINE + 20;

/// Sealed bids as files, for as long as this lives.
struct Files(PathBuf);

impl Files {
    fn new(name: &str) -> Self {
        let name = format!("mifeng-kept-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        Files(folder)
    }

    fn measured(&self, bid: &Sealed) -> MeasuredBid {
        let path = self.0.join(bid.id.to_string());
        std::fs::write(&path, &bid.file).expect("a file");
        MeasuredBid::read(&path, &INTL, 1).expect("read")
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn hand_in(
    tender: &mut Tender<'_>,
    bid: &Sealed,
    file: &MeasuredBid,
    at: i64,
) -> Result<(), Error> {
    let record = bid.record.clone();
    tender.host.submit_measured(record, file, secs(at))
}

fn is_stored(tender: &Tender<'_>, bid: &Sealed) -> bool {
    let name = format!("seal/{}.bid", bid.id);
    tender.store.files().contains_key(&name)
}

#[test]
fn the_next_commit_keeps_what_was_taken() {
    let (cast, files) = (Cast::new(&INTL, "edges"), Files::new("beat"));
    let mut tender = Tender::new(&cast, "host.example/t/kept", Kind::Board);
    let bids = [0, 1].map(|number| tender.seal(number, 880_000, 12));
    for bid in &bids {
        let file = files.measured(bid);
        hand_in(&mut tender, bid, &file, 13).expect("on time");
    }
    assert_eq!(tender.host.unkept_bodies(), 2);
    assert!(!bids.iter().any(|bid| is_stored(&tender, bid)));
    assert_eq!(tender.beat(20).len(), 2);
    assert_eq!(tender.host.unkept_bodies(), 0);
    assert!(bids.iter().all(|bid| is_stored(&tender, bid)));
    assert!(
        mifeng::check_store(&tender.store)
            .expect("checked")
            .findings
            .is_empty()
    );
}

#[test]
fn without_a_body_that_can_be_kept_no_record_is_logged() {
    let (cast, files) = (Cast::new(&INTL, "edges"), Files::new("gone"));
    let mut tender = Tender::new(&cast, "host.example/t/kept", Kind::Board);
    let size = tender.host.replay().tree.size();
    let bids = [0, 1].map(|number| tender.seal(number, 880_000, 12));
    let measured = bids.each_ref().map(|bid| files.measured(bid));
    for (bid, file) in bids.iter().zip(&measured) {
        hand_in(&mut tender, bid, file, 13).expect("on time");
    }
    std::fs::remove_file(measured[1].path()).expect("removed");
    let failed = tender.host.beat(secs(20), &mut tender.rng);
    assert!(matches!(failed, Err(Error::Unavailable { .. })));
    assert!(!tender.host.is_sound());
    let spoiled = measured.each_ref().map(MeasuredBid::is_spoiled);
    assert_eq!(spoiled, [false, true], "only the one that is gone");
    tender.reopen();
    assert_eq!(tender.host.replay().tree.size(), size);
    hand_in(&mut tender, &bids[0], &measured[0], 14).expect("again");
    assert!(matches!(
        hand_in(&mut tender, &bids[1], &measured[1], 14),
        Err(Error::Unavailable { .. })
    ));
    assert_eq!(tender.beat(20).len(), 1);
    assert!(is_stored(&tender, &bids[0]));
}

#[test]
fn a_body_after_its_record_counts_from_when_it_was_taken_and_is_promised_when_it_is_kept() {
    let (cast, files) = (Cast::new(&INTL, "edges"), Files::new("later"));
    let mut tender = Tender::unpublished(&cast, "host.example/t/kept");
    let mut notice = notice(&cast, tender.host.state(), Kind::Board);
    notice.body_grace_ms = (BODIES_END - DEADLINE) as u64 * 1_000;
    tender.publish(&notice).expect("a lawful notice");
    let bids = [0, 1].map(|number| tender.seal(number, 880_000, 12));
    for bid in &bids {
        tender.take(bid.record.clone(), 12).expect("on time");
    }
    tender.beat(20);
    tender.close_witnessed();
    let commitments = bids.each_ref().map(|bid| bid.record.commitment(&INTL));
    let [first, second] = bids.each_ref().map(|bid| files.measured(bid));
    for _ in 0..2 {
        hand_in(&mut tender, &bids[0], &first, BODIES_END - 2).expect("in time");
    }
    assert_eq!(tender.host.unkept_bodies(), 1);
    assert!(
        tender.host.awaits_body(&commitments[0]),
        "nothing is promised yet"
    );
    tender.host.keep_bodies().expect("kept");
    assert!(!tender.host.awaits_body(&commitments[0]));
    tender.reopen();
    assert!(!tender.host.awaits_body(&commitments[0]));
    hand_in(&mut tender, &bids[1], &second, BODIES_END - 1).expect("in time");
    assert!(tender.host.without_body(secs(BODIES_END)).is_empty());
    // The close of the window is a commit as well.
    tender.close_window(BODIES_END).expect("closed");
    assert!(is_stored(&tender, &bids[1]));
    for bid in &bids {
        let life = &tender.host.state().bids()[&bid.id].life;
        assert_eq!(*life, BidLife::Live);
    }
    tender.reopen();
    assert!(!tender.host.awaits_body(&commitments[1]));
}

#[test]
fn a_body_that_comes_while_its_record_waits_is_awaited_no_more() {
    let (cast, files) = (Cast::new(&INTL, "edges"), Files::new("soon"));
    let mut tender = Tender::unpublished(&cast, "host.example/t/kept");
    let mut notice = notice(&cast, tender.host.state(), Kind::Board);
    notice.body_grace_ms = (BODIES_END - DEADLINE) as u64 * 1_000;
    tender.publish(&notice).expect("a lawful notice");
    let bid = tender.seal(0, 880_000, 12);
    tender.take(bid.record.clone(), 12).expect("on time");
    let file = files.measured(&bid);
    hand_in(&mut tender, &bid, &file, 13).expect("before its beat");
    assert_eq!(tender.beat(20).len(), 1);
    tender.reopen();
    assert!(!tender.host.awaits_body(&bid.record.commitment(&INTL)));
    assert!(is_stored(&tender, &bid));
}
