#![no_main]
//! The table of who may do what, and journals of refusals: read or refused, no panic; a journal that holds goes on.
use libfuzzer_sys::fuzz_target;
use mifeng_access::{Journal, Matrix, check_journal};
use mifeng_crypto::Time;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = Matrix::parse(text);
    }
    if check_journal(data).is_ok() {
        let mut journal = Journal::after(data).expect("it was read");
        let now = Time::from_unix_nanos(0);
        journal.note(None, "act", "rule", "stage", now);
        let more = journal.due(now, true);
        assert!(check_journal(&[data, &more].concat()).is_ok());
    }
});
