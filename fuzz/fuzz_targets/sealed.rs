//! Any bytes laid over an honest sealed file, read by someone who has the keys: what still opens is
//! the very file, byte for byte, and sealing what it opened to gives it again; everything else is
//! refused without a panic, and never charged to the bidder unless the record is still the bidder's.
#![no_main]

#[path = "../../crates/core/mifeng-envelope/tests/common/mod.rs"]
mod common;

use std::sync::LazyLock;

use common::{Base, Stage, World, context, open_all, seal_for, world};
use libfuzzer_sys::fuzz_target;
use mifeng_crypto::{GM, INTL, Suite};
use mifeng_lock::{Policy, sharing};

static WORLDS: LazyLock<[(World, Base); 2]> = LazyLock::new(|| {
    let make = |suite: &'static Suite| {
        let world = world(suite);
        let base = common::base(&world, Policy::board(world.board.key()));
        (world, base)
    };
    [make(&GM), make(&INTL)]
});

fuzz_target!(|data: &[u8]| {
    let Some((how, data)) = data.split_first_chunk::<4>() else {
        return;
    };
    let (world, base) = &WORLDS[usize::from(how[0] & 1)];
    let mut file = base.file.clone();
    // From the start, or from the end, where the small parts are.
    let at = usize::from(u16::from_be_bytes([how[1], how[2]]));
    let at = match how[0] & 2 {
        0 => at.min(file.len()),
        _ => file.len() - at.min(file.len()),
    };
    match how[0] >> 2 & 3 {
        0 => {
            let end = file.len().min(at + data.len());
            file[at..end].copy_from_slice(&data[..end - at]);
        }
        1 => file.truncate(at),
        2 => file.splice(at..at, data.iter().copied()).for_each(drop),
        _ => file.splice(at..file.len().min(at + usize::from(how[3])), data.iter().copied()).for_each(drop),
    }
    let shares = sharing::deal(&base.policy, &common::SIGMA, &base.c, world.suite);
    match open_all(world, &base.policy, &file, &shares) {
        Ok(manifest) => {
            assert!(file == base.file, "one file only");
            assert_eq!(manifest.context, base.c);
            let (again, _) = seal_for(world, &base.policy, context(world), &common::SIGMA);
            assert!(again == file, "sealed again, the same");
        }
        Err((stage, error)) => {
            assert!(file != base.file);
            assert!(stage != Stage::Open || !error.is_bidder_fault(), "{error}");
        }
    }
});
