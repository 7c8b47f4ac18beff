//! Evidence about heads that strangers hand in: it is stored once, and there is an end to it.

use mifeng::crypto::INTL;
use mifeng::{STAMPS_PER_HEAD_MAX, Store};
use mifeng_testkit::world::*;

fn stored(tender: &Tender<'_>, prefix: &str) -> Vec<(String, u64)> {
    tender.store.list(prefix).expect("in memory")
}

#[test]
fn a_head_has_so_many_stamps_and_no_more() {
    let cast = Cast::new(&INTL, "many stamps");
    let mut tender = Tender::new(&cast, "host/t/1", Kind::Board);
    tender.receive(2);
    tender.close_witnessed();
    let first = tender.stamped(DEADLINE + 1);
    assert_eq!(stored(&tender, "tsr/").len(), 1);
    for second in 2..=STAMPS_PER_HEAD_MAX as i64 {
        tender.stamp(DEADLINE + second);
    }
    let all = stored(&tender, "tsr/");
    assert_eq!(all.len(), STAMPS_PER_HEAD_MAX);
    let more = tender.stamped(DEADLINE + 100);
    assert_eq!(code(tender.host.add_stamp(&more)), "stamp.enough");
    // The same again is no other; nor is any of it forgotten with the process.
    tender.host.add_stamp(&first).expect("known");
    tender.reopen();
    assert_eq!(code(tender.host.add_stamp(&more)), "stamp.enough");
    assert_eq!(stored(&tender, "tsr/"), all);
    // Another head has its own.
    tender.close_window(DEADLINE + 101).expect("window closed");
    tender.witness(DEADLINE + 102);
    assert_eq!(stored(&tender, "tsr/").len(), STAMPS_PER_HEAD_MAX + 1);
}

#[test]
fn a_head_that_no_witness_cosigned_is_not_stored() {
    let cast = Cast::new(&INTL, "no cosignature");
    let mut tender = Tender::new(&cast, "host/t/1", Kind::Board);
    let note = tender
        .bundle()
        .replay
        .checkpoint()
        .expect("a head")
        .note()
        .to_text();
    assert_eq!(
        tender
            .host
            .add_cosignature(note.as_bytes())
            .expect("a head"),
        0
    );
    assert_eq!(stored(&tender, "log/heads/"), []);
    tender.cosign(2);
    let cosigned = stored(&tender, "log/heads/");
    assert_eq!(cosigned.len(), 1);
    // The bare head again takes no cosignature away.
    let count = tender.host.add_cosignature(note.as_bytes());
    assert_eq!(count.expect("a head"), cast.trustees.len());
    assert_eq!(stored(&tender, "log/heads/"), cosigned);
}
