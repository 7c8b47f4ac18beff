//! A whole tender on every store, with a new start between its stages: the dossier is the one that memory
//! gives, byte for byte.
#![allow(clippy::panic)] // A failed expectation, with the store it is about.

mod common;

use common::{Kept, places};
use mifeng::crypto::GM;
use mifeng::{Trusted, verify};
use mifeng_store::Access;
use mifeng_testkit::world::{Cast, Kind, Memory, Parts, Tender, notice};

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
