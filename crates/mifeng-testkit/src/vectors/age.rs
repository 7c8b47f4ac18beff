//! Just enough of the age format (C2SP age v1) to read and write files with one `tlock` stanza: whoever opens a
//! tlock file needs the file key to be right, and the header's MAC shows it.

use super::case::{Stop, fail};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use base64::prelude::BASE64_STANDARD_NO_PAD as BASE64;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::{hkdf, hmac};

/// Bytes of one chunk of the payload, in the clear.
const CHUNK: usize = 64 << 10;
const TAG: usize = 16;
/// Characters of a full line of a stanza's body.
const LINE: usize = 64;

/// The parts of a file with a tlock stanza.
pub(super) struct Age {
    pub(super) round: u64,
    pub(super) chain: String,
    pub(super) body: Vec<u8>,
    header: Vec<u8>,
    mac: Vec<u8>,
    payload: Vec<u8>,
}

fn wrong(what: &str) -> Stop {
    Stop::Fail(format!("age file: {what}"))
}

/// Removes the armour, if there is one.
fn binary(bytes: &[u8]) -> Result<Vec<u8>, Stop> {
    const BEGIN: &str = "-----BEGIN AGE ENCRYPTED FILE-----";
    const END: &str = "-----END AGE ENCRYPTED FILE-----";
    let Some(text) = std::str::from_utf8(bytes).ok().map(str::trim) else {
        return Ok(bytes.to_vec());
    };
    let inner = text.strip_prefix(BEGIN).and_then(|t| t.strip_suffix(END));
    let Some(inner) = inner else {
        return Ok(bytes.to_vec());
    };
    let joined: String = inner.split_whitespace().collect();
    BASE64_STANDARD.decode(joined).map_err(fail("armour"))
}

impl Age {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Stop> {
        let bytes = binary(bytes)?;
        let end = bytes.windows(5).position(|w| w == b"\n--- ");
        let end = end.ok_or_else(|| wrong("no end of the header"))? + 4;
        let rest = &bytes[end + 1..];
        let line = rest.iter().position(|b| *b == b'\n');
        let (mac, payload) = rest.split_at(line.ok_or_else(|| wrong("no MAC"))?);
        let text = std::str::from_utf8(&bytes[..end]).map_err(fail("header"))?;
        let mut lines = text.lines();
        if lines.next() != Some("age-encryption.org/v1") {
            return Err(wrong("version"));
        }
        let mut found = None;
        while let Some(line) = lines.next() {
            let Some(stanza) = line.strip_prefix("-> ") else {
                continue;
            };
            let Some(arguments) = stanza.strip_prefix("tlock ") else {
                continue;
            };
            let (round, chain) = arguments
                .split_once(' ')
                .ok_or_else(|| wrong("arguments of the stanza"))?;
            let mut body = String::new();
            for line in lines.by_ref() {
                body.push_str(line);
                if line.len() < LINE {
                    break;
                }
            }
            let round = round.parse().map_err(fail("round"))?;
            let body = BASE64.decode(body).map_err(fail("body"))?;
            found = Some((round, chain.to_owned(), body));
        }
        let (round, chain, body) = found.ok_or_else(|| wrong("no tlock stanza"))?;
        Ok(Age {
            round,
            chain,
            body,
            header: bytes[..end].to_vec(),
            mac: BASE64.decode(mac).map_err(fail("MAC"))?,
            payload: payload[1..].to_vec(),
        })
    }

    /// The plaintext, if this is the file key.
    pub(super) fn open(&self, key: &[u8; 16]) -> Result<Vec<u8>, Stop> {
        let header = hmac::Key::new(hmac::HMAC_SHA256, &derive(key, &[], b"header")?);
        hmac::verify(&header, &self.header, &self.mac).map_err(|_| wrong("MAC of the header"))?;
        let (salt, sealed) = self
            .payload
            .split_at_checked(16)
            .ok_or_else(|| wrong("payload"))?;
        let key = derive(key, salt, b"payload")?;
        let mut out = Vec::new();
        let last = sealed.chunks(CHUNK + TAG).count().saturating_sub(1);
        for (at, chunk) in sealed.chunks(CHUNK + TAG).enumerate() {
            let mut chunk = chunk.to_vec();
            let plain = aead(&key)?
                .open_in_place(nonce(at as u64, at == last), Aad::empty(), &mut chunk)
                .map_err(|_| wrong("a chunk does not open"))?;
            out.extend_from_slice(plain);
        }
        Ok(out)
    }
}

/// A file of ours for others to open: `body` seals `key`.
pub(super) fn write(
    round: u64,
    chain: &str,
    body: &[u8],
    key: &[u8; 16],
    plaintext: &[u8],
) -> Result<Vec<u8>, Stop> {
    let mut out = format!("age-encryption.org/v1\n-> tlock {round} {chain}\n");
    let encoded = BASE64.encode(body);
    for line in encoded.as_bytes().chunks(LINE) {
        out.push_str(std::str::from_utf8(line).map_err(fail("base64"))?);
        out.push('\n');
    }
    if encoded.len().is_multiple_of(LINE) {
        out.push('\n');
    }
    out.push_str("---");
    let mac_key = hmac::Key::new(hmac::HMAC_SHA256, &derive(key, &[], b"header")?);
    let mac = hmac::sign(&mac_key, out.as_bytes());
    out.push(' ');
    out.push_str(&BASE64.encode(mac.as_ref()));
    out.push('\n');
    let mut out = out.into_bytes();
    // A fixed nonce is good for one file under one key, as test vectors are.
    let salt = [0x5a; 16];
    out.extend_from_slice(&salt);
    let key = derive(key, &salt, b"payload")?;
    let chunks = plaintext.chunks(CHUNK).count().max(1);
    for at in 0..chunks {
        let end = plaintext.len().min((at + 1) * CHUNK);
        let mut chunk = plaintext[at * CHUNK..end].to_vec();
        aead(&key)?
            .seal_in_place_append_tag(nonce(at as u64, at + 1 == chunks), Aad::empty(), &mut chunk)
            .map_err(|_| wrong("a chunk does not seal"))?;
        out.extend_from_slice(&chunk);
    }
    Ok(out)
}

fn derive(key: &[u8; 16], salt: &[u8], info: &[u8]) -> Result<[u8; 32], Stop> {
    let mut out = [0; 32];
    let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(key);
    let info = [info];
    prk.expand(&info, hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut out))
        .map_err(|_| wrong("key derivation"))?;
    Ok(out)
}

fn aead(key: &[u8; 32]) -> Result<LessSafeKey, Stop> {
    let key = UnboundKey::new(&CHACHA20_POLY1305, key).map_err(|_| wrong("key"))?;
    Ok(LessSafeKey::new(key))
}

/// STREAM: an 11-byte counter, and whether it is the last chunk.
fn nonce(counter: u64, last: bool) -> Nonce {
    let mut bytes = [0; 12];
    bytes[3..11].copy_from_slice(&counter.to_be_bytes());
    bytes[11] = u8::from(last);
    Nonce::assume_unique_for_key(bytes)
}
