//! Signatures: Wycheproof's ECDSA, Ed25519 and RSA files, and the SM2 files of the same shape.

use super::Plan;
use super::case::{Case, Input, Stop, Tally, bytes, check, fail, list, text, verdict};
use mifeng_crypto::{
    Curve, Error, Point, PublicKey, Scalar, SignatureAlg, Signed, sm2enc, verify_many,
};
use serde_json::Value;

/// Reason for signatures whose hash or encoding no suite uses.
const NOT_OURS: &str = "signature algorithm or encoding of no suite";

pub(super) fn plan(input: &Input) -> Option<Plan> {
    let json = input.json();
    if !json["testGroups"].is_array() {
        return None;
    }
    let kind = json["testGroups"][0]["type"].as_str().unwrap_or("");
    let algorithm = json["algorithm"].as_str().unwrap_or("");
    match kind {
        "EcdsaVerify" | "EddsaVerify" | "RsassaPkcs1Verify" | "RsassaPssVerify" => {
            Some(Plan::Run(wycheproof))
        }
        "EcdsaP1363Verify" => Some(Plan::Skip(NOT_OURS)),
        _ if algorithm.starts_with("SM2-with-SM3") => Some(Plan::Run(sm2_signatures)),
        _ if algorithm.starts_with("SM2 decryption") => Some(Plan::Run(sm2_decryption)),
        _ => None,
    }
}

/// The algorithm of a group, if a suite has it.
fn algorithm(group: &Value) -> Option<SignatureAlg> {
    let named = |name: &str| group[name].as_str().unwrap_or("");
    match (named("type"), named("sha")) {
        ("EcdsaVerify", "SHA-256") => Some(SignatureAlg::EcdsaP256Sha256),
        ("EcdsaVerify", "SHA-384") => Some(SignatureAlg::EcdsaP384Sha384),
        ("EddsaVerify", _) => Some(SignatureAlg::Ed25519),
        ("RsassaPkcs1Verify", "SHA-256") => Some(SignatureAlg::RsaPkcs1Sha256),
        ("RsassaPkcs1Verify", "SHA-384") => Some(SignatureAlg::RsaPkcs1Sha384),
        ("RsassaPkcs1Verify", "SHA-512") => Some(SignatureAlg::RsaPkcs1Sha512),
        ("RsassaPssVerify", "SHA-256") => {
            let fits = named("mgfSha") == "SHA-256" && group["sLen"] == 32;
            fits.then_some(SignatureAlg::RsaPssSha256)
        }
        _ => None,
    }
}

/// Side by side, which is another way.
const SIDE_BY_SIDE: usize = 8;

/// Whether it verifies: alone and among others, which must come to the same.
fn verifies(
    key: &PublicKey,
    alg: SignatureAlg,
    message: &[u8],
    signature: &[u8],
) -> Result<bool, Stop> {
    let alone = key.verify(alg, message, signature).is_ok();
    let one = Signed {
        key,
        alg,
        message,
        signature,
    };
    let among = verify_many(&[one; SIDE_BY_SIDE]);
    let same = among.iter().all(|found| found.is_ok() == alone);
    check(same, "alone and side by side it comes to different ends")?;
    Ok(alone)
}

fn wycheproof(input: &Input, tally: &mut Tally) {
    for group in list(input.json(), "testGroups") {
        let tests = list(group, "tests");
        let Some(alg) = algorithm(group) else {
            tally.skip(tests.len(), NOT_OURS);
            continue;
        };
        let key = match bytes(group, "publicKeyDer") {
            Ok(spki) => PublicKey::from_spki_der(&spki),
            Err(_) => Err(Error::Encoding {
                what: "key in the vector",
            }),
        };
        match key {
            Ok(key) => {
                for test in tests {
                    tally.case(&test["tcId"], || {
                        let (message, signature) = (bytes(test, "msg")?, bytes(test, "sig")?);
                        verdict(&test["result"], verifies(&key, alg, &message, &signature)?)
                    });
                }
            }
            Err(Error::Unsupported { .. }) => {
                tally.skip(tests.len(), "a kind or size of key that no suite takes");
            }
            // Without a key nothing is accepted.
            Err(_) => tests.iter().for_each(|test| {
                tally.case(&test["tcId"], || verdict(&test["result"], false));
            }),
        }
    }
}

/// The signer id that GB/T 35276 fixes and all our artefacts use.
const DEFAULT_ID: &[u8] = b"1234567812345678";

fn sm2_signatures(input: &Input, tally: &mut Tally) {
    for group in list(input.json(), "testGroups") {
        for test in list(group, "tests") {
            tally.case(&test["tcId"], || {
                let point = bytes(group, "publicKey")?;
                let point = Point::from_uncompressed(Curve::Sm2, &point).map_err(fail("key"))?;
                if bytes(test, "id")? != DEFAULT_ID {
                    return Err(Stop::Skip("signer id other than the default"));
                }
                let (message, signature) = (bytes(test, "msg")?, bytes(test, "sig")?);
                let key = PublicKey::from_point(&point);
                let verified = verifies(&key, SignatureAlg::Sm2Sm3, &message, &signature)?;
                verdict(&test["result"], verified)
            });
        }
    }
    for test in list(input.json(), "publicKeys") {
        tally.case(format_args!("public key, {}", test["comment"]), || {
            let point = bytes(test, "publicKey")?;
            let read = Point::from_uncompressed(Curve::Sm2, &point);
            verdict(&test["result"], read.is_ok())
        });
    }
}

fn sm2_decryption(input: &Input, tally: &mut Tally) {
    for group in list(input.json(), "testGroups") {
        for test in list(group, "tests") {
            tally.case(&test["tcId"], || sm2_decrypted(group, test));
        }
    }
}

fn sm2_decrypted(group: &Value, test: &Value) -> Case {
    let secret = super::case::array(group, "privateKey")?;
    let secret = Scalar::from_be_bytes(Curve::Sm2, &secret).map_err(fail("private key"))?;
    if text(test, "format")? != "der" {
        return Err(Stop::Skip("ciphertext that is not DER"));
    }
    let valid = test["result"] == "valid";
    if valid && bytes(test, "msg")?.len() > sm2enc::MESSAGE_LEN_MAX {
        return Err(Stop::Skip("plaintext longer than a key block"));
    }
    match sm2enc::decrypt(&secret, &bytes(test, "ct")?) {
        Ok(message) if valid => check(*message == bytes(test, "msg")?, "another plaintext"),
        decrypted => verdict(&test["result"], decrypted.is_ok()),
    }
}
