//! Every kernel that hashes messages side by side against its twins, the hash of one message and the
//! `sm3` and `sha2` crates: messages of any lengths in any neighbourhood, behind any prefix; and
//! one stream in pieces.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mifeng_crypto::{HashAlg, sha2x, sm3x};
use sha2::Digest as _;

/// More than the lanes of the widest kernel.
const MESSAGES_MAX: usize = 40;

fuzz_target!(|data: &[u8]| {
    let Some(([count, prefix, repeat], data)) = data.split_first_chunk::<3>() else {
        return;
    };
    let (lengths, text) = data.split_at((usize::from(*count) % MESSAGES_MAX).min(data.len()));
    let (prefix, text) = text.split_at(usize::from(*prefix % 80).min(text.len()));
    // Long messages are the lanes': the input is repeated.
    let text = text.repeat(usize::from(repeat % 16).max(1));
    stream(&text);
    let mut rest = &text[..];
    let messages: Vec<&[u8]> = lengths
        .iter()
        .map(|len| {
            // A length of an upper half is one that neighbours share.
            let len = match usize::from(*len) {
                len @ 128.. => 64 * (len % 8),
                len => len,
            };
            let (message, later) = rest.split_at(len.min(rest.len()));
            rest = later;
            message
        })
        .chain([&text[..]; 3])
        .collect();
    sm3(prefix, &messages);
    sha256(prefix, &messages);
});

fn sm3(prefix: &[u8], messages: &[&[u8]]) {
    let expected: Vec<[u8; 32]> = messages
        .iter()
        .map(|message| sm3::Sm3::new().chain_update(message).finalize().into())
        .collect();
    for name in sm3x::kernel_names() {
        let found = sm3x::digest_many_with(name, messages).expect("named by itself");
        assert_eq!(found, expected, "{name}");
    }
    assert_eq!(sm3x::digest_many(messages), expected);
    let found = sm3x::digest_many_prefixed(prefix, messages);
    for (found, message) in found.iter().zip(messages) {
        let twin = HashAlg::Sm3.digest_parts(&[prefix, message]);
        let other = sm3::Sm3::new().chain_update(prefix).chain_update(message);
        assert_eq!(found, twin.as_bytes());
        assert_eq!(found[..], other.finalize()[..]);
    }
}

fn sha256(prefix: &[u8], messages: &[&[u8]]) {
    let expected: Vec<[u8; 32]> = messages
        .iter()
        .map(|message| sha2::Sha256::digest(message).into())
        .collect();
    for name in sha2x::kernel_names() {
        let found = sha2x::digest_many_with(name, messages).expect("named by itself");
        assert_eq!(found, expected, "{name}");
    }
    let found = sha2x::digest_many_prefixed(prefix, messages);
    assert_eq!(found.len(), messages.len());
    for (found, message) in found.iter().zip(messages) {
        let twin = HashAlg::Sha256.digest_parts(&[prefix, message]);
        let other = sha2::Sha256::new().chain_update(prefix).chain_update(message);
        assert_eq!(found, twin.as_bytes());
        assert_eq!(found[..], other.finalize()[..]);
    }
}

/// One stream, cut anywhere.
fn stream(data: &[u8]) {
    let expected: [u8; 32] = sm3::Sm3::digest(data).into();
    let cut = data.first().map_or(0, |cut| usize::from(*cut));
    let (head, tail) = data.split_at(cut.min(data.len()));
    let mut hasher = HashAlg::Sm3.hasher();
    hasher.update(head);
    hasher.update(tail);
    assert_eq!(hasher.finish().as_bytes(), &expected);
}
