#![no_main]
//! The table of who may do what, journals of refusals and lists of sessions: read or refused, no panic; a journal that holds goes on.
use libfuzzer_sys::fuzz_target;
use mifeng_access::{Journal, Matrix, SessionEntry, check_journal};
use mifeng_crypto::Time;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = Matrix::parse(text);
    }
    if let Ok(last) = check_journal(data) {
        let mut journal = Journal::default();
        let now = Time::from_unix_nanos(0);
        journal.note(None, "act", "rule", "stage", now);
        let (lines, _) = journal.take_due(now, true).lines(last);
        let more = [lines.concat(), vec![b'\n']].concat();
        assert!(check_journal(&[data, &more].concat()).is_ok());
    }
    if let Ok(entry) = SessionEntry::from_line(data) {
        assert_eq!(entry.to_line().expect("it was read"), data);
    }
});
