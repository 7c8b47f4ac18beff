//! The body cipher of `intl-1` against the vectors of an independent implementation (pyca/cryptography).

use mifeng_crypto::{HashAlg, INTL};
use mifeng_envelope::body::{BodyCipher, CHUNK, PREFIX, SALT, SEALED_CHUNK, plain_len, sealed_len};
use serde_json::Value;

const FOLDER: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../../../shared/data/protocol/cobblestone"
);

fn text<'a>(vector: &'a Value, member: &str) -> &'a str {
    vector[member].as_str().expect("a string")
}

/// The plaintext, as a reader of bodies gets it; `None` where it refuses.
fn open(key: &[u8], context: &[u8], body: &[u8]) -> Option<Vec<u8>> {
    let plain = plain_len(body.len() as u64)?;
    let (prefix, chunks) = body.split_first_chunk::<PREFIX>()?;
    let salt = prefix.first_chunk::<SALT>()?;
    let cipher = BodyCipher::new(&INTL, key, salt, context).ok()?;
    if !cipher.owns(prefix) {
        return None;
    }
    let mut chunks = chunks.to_vec();
    cipher.open_chunks(0, &mut chunks).ok()?;
    let out: Vec<u8> = chunks
        .chunks(SEALED_CHUNK)
        .flat_map(|chunk| chunk[..chunk.len() - (SEALED_CHUNK - CHUNK)].to_vec())
        .collect();
    assert_eq!(out.len() as u64, plain);
    Some(out)
}

fn seal(key: &[u8], salt: &[u8; SALT], context: &[u8], plain: &[u8]) -> Vec<u8> {
    let cipher = BodyCipher::new(&INTL, key, salt, context).expect("key length");
    let mut chunks = Vec::new();
    // The final chunk is always shorter than a full one, and may be empty.
    for index in 0..=plain.len() / CHUNK {
        let end = plain.len().min((index + 1) * CHUNK);
        chunks.extend_from_slice(&plain[index * CHUNK..end]);
        chunks.extend_from_slice(&[0; SEALED_CHUNK - CHUNK]);
    }
    cipher.seal_chunks(0, &mut chunks).expect("room for tags");
    [&cipher.prefix()[..], &chunks].concat()
}

#[test]
fn independent_vectors() {
    let Ok(index) = std::fs::read(format!("{FOLDER}/index.json")) else {
        eprintln!("skipped: cobblestone vectors are absent");
        return;
    };
    let index: Value = serde_json::from_slice(&index).expect("JSON");
    let (mut good, mut bad, mut other) = (0, 0, 0);
    for vector in index["vectors"].as_array().expect("a list") {
        if text(vector, "scheme") != "cobblestone-256" {
            // Cobblestone-128 is no suite of ours.
            other += 1;
            continue;
        }
        let name = text(vector, "file");
        let body = std::fs::read(format!("{FOLDER}/{name}")).expect("file");
        let key = hex::decode(text(vector, "key")).expect("hex");
        let context = hex::decode(text(vector, "context")).expect("hex");
        let opened = open(&key, &context, &body);
        if text(vector, "expect") == "failure" {
            assert_eq!(opened, None, "{name}: {}", text(vector, "why"));
            bad += 1;
            continue;
        }
        let plain = opened.expect(name);
        assert_eq!(
            HashAlg::Sha256.digest(&plain).to_string(),
            text(vector, "plaintext_sha256"),
            "{name}"
        );
        assert_eq!(sealed_len(plain.len() as u64), Some(body.len() as u64));
        let salt = body.first_chunk().expect("a salt");
        assert_eq!(seal(&key, salt, &context, &plain), body, "{name}");
        good += 1;
    }
    assert_eq!((good, bad, other), (7, 12, 4));
}
