//! Known answers of the Chinese standards in one file: SM3, SM2 and SM4.

use super::Plan;
use super::case::{Case, Input, Tally, array, bytes, check, fail, list, same, text};
use super::crypto::hmac;
use mifeng_crypto::sm4::{Sm4, cbc, gcm::Sm4Gcm};
use mifeng_crypto::{Curve, HashAlg, Point, PrivateKey, PublicKey, Scalar, SignatureAlg, sm2enc};
use serde_json::Value;

pub(super) fn plan(input: &Input) -> Option<Plan> {
    let json = input.json();
    (json["sm3"].is_array() && json["sm4"].is_object()).then_some(Plan::Run(known_answers))
}

fn known_answers(input: &Input, tally: &mut Tally) {
    let json = input.json();
    for (at, test) in list(json, "sm3").iter().enumerate() {
        tally.case(format_args!("sm3 {at}"), || {
            let hash = HashAlg::Sm3.digest(&bytes(test, "msg")?);
            same("hash", hash.to_string().as_str(), text(test, "hash")?)
        });
    }
    tally.case("sm3_million_a", || {
        let hash = HashAlg::Sm3.digest(&vec![b'a'; 1_000_000]);
        same(
            "hash",
            hash.to_string().as_str(),
            text(json, "sm3_million_a")?,
        )
    });
    for (at, test) in list(json, "hmac_sm3").iter().enumerate() {
        tally.case(format_args!("hmac_sm3 {at}"), || {
            let mac = hmac(HashAlg::Sm3, &bytes(test, "key")?, &bytes(test, "msg")?);
            same("mac", mac, array(test, "mac")?)
        });
    }
    tally.case("sm2_sign", || sm2_sign(&json["sm2_sign"]));
    tally.case("sm2_encrypt", || sm2_encrypt(&json["sm2_encrypt"]));
    tally.case("sm4", || sm4_block(&json["sm4"]));
    tally.case("sm4_gcm", || sm4_gcm(&json["sm4_aead_rfc8998"]));
    tally.case("sm4_cbc", || sm4_cbc(&json["sm4_modes"]));
    tally.skip(1, "SM4 in CTR mode, which no suite has");
    tally.skip(1, "SM4-CCM, which no suite has");
}

fn sm2_sign(test: &Value) -> Case {
    let secret = Scalar::from_be_bytes(Curve::Sm2, &array(test, "d")?).map_err(fail("d"))?;
    let key = PrivateKey::from_scalar(&secret).map_err(fail("d"))?;
    let point = Point::from_uncompressed(Curve::Sm2, &bytes(test, "pub")?).map_err(fail("pub"))?;
    let public = PublicKey::from_point(&point);
    check(
        key.public_key().as_ref() == Ok(&public),
        "public key differs",
    )?;
    // The nonce of the standard's example cannot be given to a signer; its signature verifies.
    let (message, signature) = (bytes(test, "msg")?, bytes(test, "der")?);
    let alg = SignatureAlg::Sm2Sm3;
    public
        .verify(alg, &message, &signature)
        .map_err(fail("the standard's signature"))?;
    let own = key.sign(&message).map_err(fail("sign"))?;
    public
        .verify(alg, &message, &own)
        .map_err(fail("own signature"))
}

fn sm2_encrypt(test: &Value) -> Case {
    let scalar = |name| -> Result<Scalar, _> {
        Scalar::from_be_bytes(Curve::Sm2, &array(test, name)?).map_err(fail(name))
    };
    let (secret, k, message) = (scalar("d")?, scalar("k")?, bytes(test, "msg")?);
    let public = Point::mul_generator(&secret);
    let sealed = sm2enc::encrypt(&public, &k, &message).map_err(fail("encrypt"))?;
    same("ciphertext", &sealed, &bytes(test, "der")?)?;
    let opened = sm2enc::decrypt(&secret, &sealed).map_err(fail("decrypt"))?;
    same("plaintext", &*opened, &message)
}

fn sm4_block(test: &Value) -> Case {
    let (cipher, plain) = (Sm4::new(&array(test, "key")?), array(test, "pt")?);
    let mut block = plain;
    cipher.encrypt_block(&mut block);
    same("ciphertext", block, array(test, "ct")?)?;
    cipher.decrypt_block(&mut block);
    same("plaintext", block, plain)?;
    for _ in 0..1_000_000 {
        cipher.encrypt_block(&mut block);
    }
    same("a million encryptions", block, array(test, "ct_1000000")?)
}

/// The mode of key files and key blocks.
fn sm4_cbc(test: &Value) -> Case {
    let (key, iv) = (Sm4::new(&array(test, "key")?), array(test, "iv")?);
    let plain: [u8; 32] = array(test, "pt")?;
    let mut text = plain;
    cbc::encrypt(&key, &iv, text.as_chunks_mut().0);
    same("ciphertext", text, array(test, "cbc_nopad")?)?;
    cbc::decrypt(&key, &iv, text.as_chunks_mut().0);
    same("plaintext", text, plain)
}

fn sm4_gcm(test: &Value) -> Case {
    let cipher = Sm4Gcm::new(&array(test, "key")?);
    let (nonce, aad) = (array(test, "nonce")?, bytes(test, "aad")?);
    let mut text = bytes(test, "pt")?;
    let tag = cipher.seal(&nonce, &aad, &mut text);
    same("ciphertext", &text, &bytes(test, "gcm_ct")?)?;
    same("tag", tag, array(test, "gcm_tag")?)?;
    check(
        cipher.open(&nonce, &aad, &mut text, &tag).is_ok(),
        "refused",
    )?;
    same("plaintext", &text, &bytes(test, "pt")?)
}
