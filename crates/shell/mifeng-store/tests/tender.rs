//! A whole tender on every store, with a new start between its stages: the dossier is the one that memory
//! gives, byte for byte.
#![allow(clippy::panic)] // A failed expectation, with the store it is about.

mod common;

use common::{Kept, places};
use mifeng::crypto::{GM, INTL};
use mifeng::{Trusted, verify};
use mifeng_store::Access;
use mifeng_testkit::world::{
    Cast, DEADLINE, Kind, Memory, Parts, Sealed, Tender, assert_valid, notice, secs,
};

/// Opened anew: a handle on what the process before left.
fn restart(tender: &mut Tender<'_>, kept: Option<&Kept>) {
    if let Some(kept) = kept {
        // The old writer is a stray by now: its handles are still held while the new one starts.
        let access = match kept.is_postgres() {
            true => Access::TakeOver,
            false => return restart_alone(tender, kept),
        };
        tender.store = Memory::over(kept.open_as("t", access));
    }
    tender.reopen();
}

/// The system's lock goes with the last handle.
fn restart_alone(tender: &mut Tender<'_>, kept: &Kept) {
    tender.store = Memory::default();
    let spare = Tender::unpublished(tender.cast, "host.example/t/spare");
    tender.host = spare.host;
    tender.store = Memory::over(kept.open("t"));
    tender.reopen();
}

fn course(cast: &Cast, store: Memory, kept: Option<&Kept>) -> Vec<u8> {
    let roots = std::slice::from_ref(&cast.root);
    let mut tender = Tender::unpublished_in(cast, "host.example/t/stores", roots, store);
    restart(&mut tender, kept);
    let notice = notice(cast, tender.host.state(), Kind::Joint);
    tender.publish(&notice).expect("published");
    restart(&mut tender, kept);
    tender.receive(3);
    // Whoever has no receipt yet is not promised anything.
    tender.beat(31);
    restart(&mut tender, kept);
    tender.close_and_release(Kind::Joint);
    restart(&mut tender, kept);
    tender.open_all(100);
    let seated = tender.draw(101);
    assert!(tender.evaluate(&seated, 102));
    restart(&mut tender, kept);
    tender.archive(103)
}

/// Records first, bodies after the close, with a new start between all of it.
fn bodies_later(cast: &Cast, store: Memory, kept: Option<&Kept>) -> Vec<u8> {
    let roots = std::slice::from_ref(&cast.root);
    let mut tender = Tender::unpublished_in(cast, "host.example/t/later", roots, store);
    let mut notice = notice(cast, tender.host.state(), Kind::Board);
    notice.body_grace_ms = 20_000;
    tender.publish(&notice).expect("published");
    let bids: Vec<Sealed> = (0..4).map(|n| tender.seal(n, 900_000, 12)).collect();
    for bid in &bids {
        tender.take(bid.record.clone(), 12).expect("on time");
    }
    tender.beat(20);
    restart(&mut tender, kept);
    tender.close_witnessed();
    for bid in &bids[..3] {
        tender.submit(bid, secs(DEADLINE + 10)).expect("its body");
        restart(&mut tender, kept);
    }
    tender.close_window(DEADLINE + 20).expect("closed");
    assert_eq!(tender.host.state().to_open().len(), 3);
    restart(&mut tender, kept);
    for number in 0..2 {
        tender.release(number, DEADLINE + 21).expect("released");
    }
    tender.open_all(100);
    tender.archive(103)
}

#[test]
fn bodies_that_come_later_end_the_same_on_every_store() {
    let cast = Cast::new(&INTL, "stores");
    let wanted = bodies_later(&cast, Memory::default(), None);
    assert_valid(&wanted);
    for kept in places() {
        println!("{}", kept.name);
        let found = bodies_later(&cast, Memory::over(kept.open("t")), Some(&kept));
        assert!(found == wanted, "{}: another dossier", kept.name);
    }
}

#[test]
fn a_whole_tender_ends_the_same_on_every_store() {
    let cast = Cast::new(&GM, "stores");
    let wanted = course(&cast, Memory::default(), None);
    let report = verify(&Parts::of_tar(&wanted), &Trusted::default()).expect("readable");
    assert!(report.is_valid());
    for kept in places() {
        println!("{}", kept.name);
        let found = course(&cast, Memory::over(kept.open("t")), Some(&kept));
        assert!(found == wanted, "{}: another dossier", kept.name);
    }
}
