//! Any text as a credit code: refused, or a code whose text is the input; normalising is idempotent.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mifeng_record::uscc::{Uscc, Verdict, judge};

fuzz_target!(|text: &str| {
    match Uscc::parse(text) {
        Ok(code) => {
            assert_eq!(code.as_str(), text);
            assert_eq!(code.verdict(), judge(text));
            assert_eq!(Uscc::parse_typed(text), Ok(code));
        }
        Err(_) => assert_eq!(judge(text), Verdict::Refuse),
    }
    if let Ok(code) = Uscc::parse_typed(text) {
        assert_eq!(Uscc::parse(code.as_str()), Ok(code));
    }
});
