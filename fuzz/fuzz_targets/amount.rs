//! Any text as an amount in words: refused, or an amount whose written form reads back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mifeng_record::amount::{self, Verdict};

fuzz_target!(|text: &str| {
    let Ok(reading) = amount::read(text) else {
        return;
    };
    let fen = reading.amount.fen();
    assert_eq!(amount::compare(fen, &amount::format(fen)), Verdict::Equal);
});
