//! Wycheproof's files of symmetric and Diffie–Hellman algorithms, as far as a suite has them.

use super::Plan;
use super::case::{Case, Input, Stop, Tally, bytes, check, fail, list, text, verdict};
use mifeng_crypto::sm4::gcm::Sm4Gcm;
use mifeng_crypto::{ChunkCipher, Curve, HashAlg, INTL, Point, PublicKey, Scalar, hkdf_expand};
use serde_json::Value;

/// Longest output of HKDF with a 32-byte hash (RFC 5869 section 2.3).
const HKDF_LEN_MAX: usize = 255 * 32;

pub(super) fn plan(input: &Input) -> Option<Plan> {
    let json = input.json();
    if !json["testGroups"].is_array() {
        return None;
    }
    Some(
        match (
            json["algorithm"].as_str()?,
            json["testGroups"][0]["curve"].as_str(),
        ) {
            ("AES-GCM", _) => Plan::Run(aes_gcm),
            ("SM4-GCM", _) => Plan::Run(sm4_gcm),
            ("HMACSM3" | "HMACSHA256", _) => Plan::Run(hmac_cases),
            ("HKDF-SHA-256", _) => Plan::Run(hkdf),
            ("ECDH", Some("secp256r1")) => Plan::Run(ecdh),
            _ => Plan::Skip("algorithm of no suite"),
        },
    )
}

fn each_test(input: &Input, tally: &mut Tally, run: fn(&Value, &Value) -> Case) {
    for group in list(input.json(), "testGroups") {
        for test in list(group, "tests") {
            tally.case(&test["tcId"], || run(group, test));
        }
    }
}

fn aes_gcm(input: &Input, tally: &mut Tally) {
    each_test(input, tally, |_, test| {
        let (key, tag, aad) = (
            bytes(test, "key")?,
            bytes(test, "tag")?,
            bytes(test, "aad")?,
        );
        let Ok(nonce) = <[u8; 12]>::try_from(bytes(test, "iv")?) else {
            return Err(Stop::Skip("nonce other than 12 bytes"));
        };
        if key.len() != INTL.body_key_len() {
            return Err(Stop::Skip("key other than AES-256"));
        }
        if !aad.is_empty() {
            return Err(Stop::Skip("associated data, which chunks have not"));
        }
        let cipher = ChunkCipher::new(&INTL, &key).map_err(fail("key"))?;
        let mut buffer = [bytes(test, "ct")?, tag].concat();
        let opened = cipher.open(&nonce, &mut buffer).map(|text| text.to_vec());
        let (valid, message) = (opened.is_ok(), bytes(test, "msg")?);
        verdict(&test["result"], valid)?;
        if valid {
            check(opened.as_ref() == Ok(&message), "another plaintext")?;
            let mut text = message;
            let tag = cipher.seal(&nonce, &mut text).map_err(fail("seal"))?;
            text.extend_from_slice(&tag);
            let expected = [bytes(test, "ct")?, bytes(test, "tag")?].concat();
            check(text == expected, "another ciphertext")?;
        }
        Ok(())
    });
}

fn sm4_gcm(input: &Input, tally: &mut Tally) {
    each_test(input, tally, |_, test| {
        let Ok(nonce) = <[u8; 12]>::try_from(bytes(test, "iv")?) else {
            return Err(Stop::Skip("nonce other than 12 bytes"));
        };
        let Ok(tag) = <[u8; 16]>::try_from(bytes(test, "tag")?) else {
            return Err(Stop::Skip("tag other than 16 bytes"));
        };
        let Ok(key) = <[u8; 16]>::try_from(bytes(test, "key")?) else {
            return Err(Stop::Skip("key other than 16 bytes"));
        };
        let (cipher, aad) = (Sm4Gcm::new(&key), bytes(test, "aad")?);
        let (message, sealed) = (bytes(test, "msg")?, bytes(test, "ct")?);
        let mut buffer = sealed.clone();
        let opened = cipher.open(&nonce, &aad, &mut buffer, &tag).is_ok();
        verdict(&test["result"], opened)?;
        if opened {
            check(buffer == message, "another plaintext")?;
            let again = cipher.seal(&nonce, &aad, &mut buffer);
            check(buffer == sealed && again == tag, "another ciphertext")?;
        }
        Ok(())
    });
}

/// HMAC (RFC 2104) over the product's hash: the product itself meets HMAC only inside HKDF.
pub(super) fn hmac(alg: HashAlg, key: &[u8], message: &[u8]) -> [u8; 32] {
    const BLOCK: usize = 64;
    let mut padded = [0; BLOCK];
    if key.len() > BLOCK {
        padded[..32].copy_from_slice(alg.digest(key).as_bytes());
    } else {
        padded[..key.len()].copy_from_slice(key);
    }
    let inner = alg.digest_parts(&[&padded.map(|byte| byte ^ 0x36), message]);
    *alg.digest_parts(&[&padded.map(|byte| byte ^ 0x5c), inner.as_bytes()])
        .as_bytes()
}

fn hmac_cases(input: &Input, tally: &mut Tally) {
    let alg = match input.json()["algorithm"].as_str() {
        Some("HMACSM3") => HashAlg::Sm3,
        _ => HashAlg::Sha256,
    };
    for group in list(input.json(), "testGroups") {
        for test in list(group, "tests") {
            tally.case(&test["tcId"], || {
                let mac = hmac(alg, &bytes(test, "key")?, &bytes(test, "msg")?);
                let tag = bytes(test, "tag")?;
                let fits = tag.len() <= mac.len() && !tag.is_empty() && mac[..tag.len()] == tag[..];
                verdict(&test["result"], fits)
            });
        }
    }
}

fn hkdf(input: &Input, tally: &mut Tally) {
    each_test(input, tally, |_, test| {
        let wanted = test["size"].as_u64().unwrap_or(0) as usize;
        if wanted > HKDF_LEN_MAX {
            return Err(Stop::Skip("output length that no caller can ask for"));
        }
        let key = hmac(HashAlg::Sha256, &bytes(test, "salt")?, &bytes(test, "ikm")?);
        let mut out = vec![0; wanted];
        hkdf_expand(HashAlg::Sha256, &key, &[&bytes(test, "info")?], &mut out);
        verdict(&test["result"], out == bytes(test, "okm")?)
    });
}

fn ecdh(input: &Input, tally: &mut Tally) {
    each_test(input, tally, |group, test| {
        let public = bytes(test, "public")?;
        let point = match text(group, "encoding")? {
            "ecpoint" if public.len() == 33 => Point::from_bytes(Curve::P256, &public).ok(),
            "ecpoint" => Point::from_uncompressed(Curve::P256, &public).ok(),
            _ => PublicKey::from_spki_der(&public)
                .ok()
                .and_then(|key| key.point().cloned())
                .filter(|point| point.curve() == Curve::P256),
        };
        let Some(point) = point else {
            return verdict(&test["result"], false);
        };
        // Private keys are printed as integers: shorter, or with a leading zero.
        let mut digits = bytes(test, "private")?;
        let surplus = digits.len().saturating_sub(32);
        digits.drain(..surplus);
        let mut secret = [0; 32];
        secret[32 - digits.len()..].copy_from_slice(&digits);
        let secret = Scalar::from_be_bytes(Curve::P256, &secret).map_err(fail("private key"))?;
        let (x, _) = point.mul(&secret).coordinates();
        verdict(&test["result"], bytes(test, "shared")? == x)
    });
}
