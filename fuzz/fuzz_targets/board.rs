//! Any bytes as key generation messages, boards, complaints, ciphertexts and shares: refused or accepted, no panic.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use mifeng_crypto::{GM, SeededEntropy};
use mifeng_lock::board::BoardRecord;
use mifeng_lock::dkg::{Complaint, Setup, StaticKey, Transcript, round1};
use mifeng_lock::tdh2::Ciphertext;
use mifeng_lock::{Board, Share};

static WORLD: LazyLock<(Setup, Vec<Vec<u8>>, Transcript)> = LazyLock::new(|| {
    let mut entropy = SeededEntropy::new(b"fuzz");
    let keys: Vec<_> = (0..3).map(|_| StaticKey::generate(&GM, &mut entropy).expect("key")).collect();
    let members = keys.iter().map(StaticKey::public).collect();
    let setup = Setup::new(&GM, 2, members, b"fuzz").expect("setup");
    let messages: Vec<_> = keys.iter().map(|k| round1(&setup, k, &mut entropy).expect("message")).collect();
    let transcript = Transcript::build(&setup, &messages).expect("transcript");
    (setup, messages, transcript)
});

fuzz_target!(|data: &[u8]| {
    let (setup, messages, transcript) = &*WORLD;
    let mut forged = messages.clone();
    forged[1] = data.to_vec();
    let _ = Transcript::build(setup, &forged);
    let _ = Ciphertext::parse_and_check(transcript.board(), b"fuzz", data);
    if let Ok(share) = Share::from_bytes(GM.curve(), data) {
        assert_eq!(share.to_bytes(), data);
    }
    if let Ok(complaint) = Complaint::from_bytes(&GM, data) {
        assert!(complaint.judge(transcript).is_err(), "honest trustees cannot be accused");
    }
    if let Ok(record) = serde_json::from_slice::<BoardRecord>(data) {
        let _ = Board::from_record(&record);
    }
});
