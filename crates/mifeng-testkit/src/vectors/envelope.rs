//! Encrypted bodies: C2SP chunked encryption (Cobblestone).

use super::Plan;
use super::case::{Case, Input, Stop, Tally, array, bytes, check, fail, list, same, text};
use mifeng_crypto::{HashAlg, INTL};
use mifeng_envelope::body::{BodyCipher, CHUNK, PREFIX, SALT, SEALED_CHUNK, plain_len};
use serde_json::Value;

pub(super) fn plan(input: &Input) -> Option<Plan> {
    let first = &input.json()["vectors"][0];
    if first["scheme"]
        .as_str()
        .is_some_and(|scheme| scheme.starts_with("cobblestone"))
    {
        return Some(Plan::Run(cobblestone));
    }
    if input.has_folder("cobblestone") {
        return Some(Plan::Skip("read through index.json"));
    }
    if input.has_folder("floe") {
        return Some(Plan::Skip("FLOE is not the body's format"));
    }
    let age = input.has_folder("age-testkit") || input.has_folder("age");
    age.then_some(Plan::Skip("age files are not read"))
}

fn cobblestone(input: &Input, tally: &mut Tally) {
    for vector in list(input.json(), "vectors") {
        let name = vector["why"]
            .as_str()
            .or(vector["file"].as_str())
            .unwrap_or("");
        tally.case(name, || {
            if text(vector, "scheme")? != "cobblestone-256" {
                return Err(Stop::Skip("Cobblestone-128, which no suite has"));
            }
            one(input, vector)
        });
    }
}

fn one(input: &Input, vector: &Value) -> Case {
    let sealed = input.beside(text(vector, "file")?)?;
    let (key, context) = (array::<32>(vector, "key")?, bytes(vector, "context")?);
    let opened = open(&key, &context, &sealed);
    if text(vector, "expect")? != "success" {
        return check(opened.is_err(), "broken, but opened");
    }
    let plain = opened.map_err(|found| Stop::Fail(found.to_owned()))?;
    let expected = text(vector, "plaintext_sha256")?;
    same(
        "plaintext",
        HashAlg::Sha256.digest(&plain).to_string().as_str(),
        expected,
    )?;
    // And in the other direction: the same salt gives the same bytes.
    let mut salt = [0; SALT];
    salt.copy_from_slice(&sealed[..SALT]);
    let cipher = BodyCipher::new(&INTL, &key, &salt, &context).map_err(fail("cipher"))?;
    let mut made = Vec::with_capacity(sealed.len());
    let full = plain.len() / CHUNK * CHUNK;
    for chunk in plain[..full].chunks(CHUNK).chain([&plain[full..]]) {
        made.extend_from_slice(chunk);
        made.extend_from_slice(&[0; SEALED_CHUNK - CHUNK]);
    }
    cipher.seal_chunks(0, &mut made).map_err(fail("seal"))?;
    check(
        [&cipher.prefix()[..], &made].concat() == sealed,
        "another ciphertext",
    )
}

/// Opens a whole body as the product's reader does: length, prefix, then every chunk.
fn open(key: &[u8; 32], context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, &'static str> {
    let plain_len = plain_len(sealed.len() as u64).ok_or("a length that no body has")?;
    let prefix = <&[u8; PREFIX]>::try_from(&sealed[..PREFIX]).map_err(|_| "no prefix")?;
    let salt = <&[u8; SALT]>::try_from(&prefix[..SALT]).map_err(|_| "no salt")?;
    let cipher = BodyCipher::new(&INTL, key, salt, context).map_err(|_| "key")?;
    if !cipher.owns(prefix) {
        return Err("another key or context");
    }
    let mut chunks = sealed[PREFIX..].to_vec();
    cipher
        .open_chunks(0, &mut chunks)
        .map_err(|_| "a chunk is not authentic")?;
    let pieces = chunks.chunks(SEALED_CHUNK);
    let plain: Vec<u8> = pieces
        .flat_map(|piece| &piece[..piece.len() - (SEALED_CHUNK - CHUNK)])
        .copied()
        .collect();
    if plain.len() as u64 == plain_len {
        Ok(plain)
    } else {
        Err("another length")
    }
}
