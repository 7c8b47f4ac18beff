//! A bidder who holds its own keys may seal any plaintext. Here the input is laid over an honest
//! one, sealed and signed properly, and opened: no panic, and whatever fails is the bidder's fault.
#![no_main]

#[path = "../../crates/core/mifeng-envelope/tests/common/mod.rs"]
mod common;

use std::sync::LazyLock;

use common::{Base, Stage, World, assemble, encrypt, forge, open_all, world};
use libfuzzer_sys::fuzz_target;
use mifeng_crypto::INTL;
use mifeng_envelope::Fault;
use mifeng_lock::{Policy, sharing};

static WORLD: LazyLock<(World, Base)> = LazyLock::new(|| {
    let world = world(&INTL);
    let base = common::base(&world, Policy::board(world.board.key()));
    (world, base)
});

fuzz_target!(|data: &[u8]| {
    let (world, base) = &*WORLD;
    // Two bytes say where, in steps of 8: the manifest, the headers and the contents are all near.
    let Some((at, data)) = data.split_first_chunk::<2>() else {
        return;
    };
    let mut plain = base.plain.clone();
    let at = usize::from(u16::from_be_bytes(*at)) * 8;
    let end = plain.len().min(at + data.len());
    plain[at..end].copy_from_slice(&data[..end - at]);
    let body = encrypt(world.suite, &common::SIGMA, &base.c, &plain);
    let record = forge(world, base.record.header(), &body, |_| ());
    let shares = sharing::deal(&base.policy, &common::SIGMA, &base.c, world.suite);
    match open_all(world, &base.policy, &assemble(&record, &body), &shares) {
        Ok(_) => assert!(plain == base.plain, "one content only"),
        Err((stage, error)) => {
            assert_eq!((stage, error.fault()), (Stage::Open, Some(Fault::Bidder)));
        }
    }
});
