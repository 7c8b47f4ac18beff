//! Any bytes as a notice: read or refused, and judged without a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mifeng_crypto::jcs;
use mifeng_tender::Notice;

fuzz_target!(|data: &[u8]| {
    let Ok(notice) = jcs::from_slice::<Notice>(data, 1 << 20) else {
        return;
    };
    let _ = (notice.fault(), notice.suite().is_ok());
    let _ = notice.period_fault(notice.deadline);
    for lot in &notice.lots {
        assert!(notice.lot(&lot.id).is_some());
    }
});
