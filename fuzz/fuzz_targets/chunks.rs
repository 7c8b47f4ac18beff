//! The chunk stream: any bytes as a body under a known key. A body that opens is the one that its
//! plaintext gives; a body that was bent, cut, extended or whose chunks were moved does not open.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mifeng_crypto::{GM, INTL};
use mifeng_envelope::body::{BodyCipher, CHUNK, PREFIX, SALT, SEALED_CHUNK, plain_len, sealed_len};

const TAG: usize = SEALED_CHUNK - CHUNK;

fuzz_target!(|data: &[u8]| {
    let Some((how, data)) = data.split_first_chunk::<4>() else {
        return;
    };
    for suite in [&GM, &INTL] {
        let cipher = BodyCipher::new(suite, &vec![7; suite.body_key_len()], &[9; SALT], b"context")
            .expect("a key of the suite");
        // Any bytes.
        assert!(open(&cipher, data).is_none());
        // What is sealed opens, and has the one length.
        let plain = data.repeat(usize::from(how[0]).max(1));
        let body = seal(&cipher, &plain);
        assert_eq!(sealed_len(plain.len() as u64), Some(body.len() as u64));
        assert!(open(&cipher, &body).as_ref() == Some(&plain));
        // And nothing else does.
        let at = usize::from(u16::from_be_bytes([how[1], how[2]]));
        let mut bent = body.clone();
        match how[3] % 5 {
            0 => bent[at % body.len()] ^= 1 << (how[3] >> 5),
            1 => bent.truncate(at % body.len()),
            2 => bent.extend_from_slice(&data[..data.len().min(at)]),
            3 => swap(&mut bent, at),
            _ => drop_chunk(&mut bent, at),
        }
        assert!(bent == body || open(&cipher, &bent).is_none());
    }
});

fn seal(cipher: &BodyCipher, plain: &[u8]) -> Vec<u8> {
    let mut chunks = Vec::new();
    for index in 0..=plain.len() / CHUNK {
        let end = plain.len().min((index + 1) * CHUNK);
        chunks.extend_from_slice(&plain[index * CHUNK..end]);
        chunks.extend_from_slice(&[0; TAG]);
    }
    cipher.seal_chunks(0, &mut chunks).expect("room");
    [&cipher.prefix()[..], &chunks].concat()
}

fn open(cipher: &BodyCipher, body: &[u8]) -> Option<Vec<u8>> {
    plain_len(body.len() as u64)?;
    let (prefix, chunks) = body.split_first_chunk::<PREFIX>()?;
    if !cipher.owns(prefix) {
        return None;
    }
    let mut chunks = chunks.to_vec();
    cipher.open_chunks(0, &mut chunks).ok()?;
    let text = |chunk: &[u8]| chunk[..chunk.len() - TAG].to_vec();
    Some(chunks.chunks(SEALED_CHUNK).flat_map(text).collect())
}

fn swap(body: &mut [u8], at: usize) {
    let full = (body.len() - PREFIX) / SEALED_CHUNK;
    if full > 1 {
        let (a, b) = (at % full, (at + 1) % full);
        let (first, second) = body[PREFIX..].split_at_mut(a.max(b) * SEALED_CHUNK);
        first[a.min(b) * SEALED_CHUNK..][..SEALED_CHUNK].swap_with_slice(&mut second[..SEALED_CHUNK]);
    }
}

fn drop_chunk(body: &mut Vec<u8>, at: usize) {
    let full = (body.len() - PREFIX) / SEALED_CHUNK;
    if full > 0 {
        let start = PREFIX + at % full * SEALED_CHUNK;
        body.drain(start..start + SEALED_CHUNK);
    }
}
