//! Any bytes as a pool: refused, or one text and a complete order without repeats.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mifeng_crypto::GM;
use mifeng_lock::draw::{Pool, sample};

fuzz_target!(|data: &[u8]| {
    let Ok(pool) = Pool::parse(data) else { return };
    assert_eq!(pool.to_jcs().expect("serialises"), data);
    let seed = GM.hash().digest(data);
    let mut order = sample(&GM, &pool, &seed, pool.rows().len());
    order.sort();
    assert!(order.iter().eq(pool.rows().iter().map(|row| &row.id)));
});
