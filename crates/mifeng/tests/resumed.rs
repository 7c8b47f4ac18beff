//! The host dies in the middle of an opening: started again, or with its files on another machine, it comes to the same end.

mod common;

use common::*;
use mifeng::crypto::{GM, INTL};

/// Points of an opening at which the host dies.
const POINTS: usize = 9;

/// One opening, evaluation and archive, with a host that dies at this point; `elsewhere` goes on over a copy of its files.
fn opening(cast: &Cast, dies: usize, elsewhere: bool) -> Vec<u8> {
    let mut tender = Tender::new(cast, "host.example/t/resumed", Kind::Joint);
    tender.receive(3);
    let ids: Vec<_> = tender.bids.iter().map(|bid| bid.id).collect();
    for point in 0..POINTS {
        match point {
            0 => drop(tender.close(secs(DEADLINE)).expect("closed")),
            1 => tender.witness(DEADLINE + 1),
            2 => tender.release_leaf(0, DEADLINE + 2).expect("a leaf"),
            3 => {
                tender.release_leaf(1, DEADLINE + 2).expect("a leaf");
                tender.release_leaf(2, DEADLINE + 2).expect("a leaf");
            }
            4 => tender.close_window(DEADLINE + 3).expect("closed"),
            5 => tender.release(0, DEADLINE + 4).expect("released"),
            6 => tender.release(1, DEADLINE + 4).expect("released"),
            7 => drop(tender.open(&ids[0], 100).expect("opened")),
            _ => tender.open_all(100),
        }
        if point == dies {
            if elsewhere {
                tender.store = tender.store.copied();
            }
            tender.reopen();
        }
    }
    let seated = tender.draw(101);
    assert!(tender.evaluate(&seated, 102));
    tender.archive(103)
}

#[test]
fn wherever_the_host_dies_the_opening_comes_to_the_same_end() {
    for suite in [&GM, &INTL] {
        let cast = Cast::new(suite, "resumed");
        let undisturbed = opening(&cast, POINTS, false);
        assert_valid(&undisturbed);
        for dies in 0..POINTS {
            for elsewhere in [false, true] {
                let dossier = opening(&cast, dies, elsewhere);
                assert!(
                    dossier == undisturbed,
                    "{}, point {dies}, elsewhere {elsewhere}",
                    suite.id()
                );
            }
        }
    }
}
