//! Certificates and keys.

mod corpus;
mod expectations;
mod limbo;
mod pkits;
mod transplant;

use super::Plan;
use super::case::{Input, Stop, Tally, check, fail, same};
use mifeng_crypto::{PrivateKey, PublicKey, SignatureAlg};
use mifeng_pki::{RevocationList, keyfile, pem};

/// The passphrase of the published encrypted key (its README).
const PASSPHRASE: &[u8] = b"1234";

pub(super) fn plan(input: &Input) -> Option<Plan> {
    let (name, gm) = (input.name(), input.has_folder("gm"));
    if name == "expectations.json" {
        return Some(Plan::Skip("what to expect of another's set, not a vector"));
    }
    if let Some(plan) = corpus::plan(input) {
        return Some(plan);
    }
    if input.has_folder("nist-pkits") {
        return Some(match name {
            "vectors.json" => Plan::Run(pkits::run),
            _ => Plan::Skip("read through vectors.json"),
        });
    }
    if name == "limbo.json" {
        return Some(Plan::Run(limbo::run));
    }
    if input.has_folder("x509-limbo") {
        return Some(Plan::Skip("about a suite of paths, not one"));
    }
    if gm && (name.ends_with(".crt.pem") || name.ends_with(".crt") || name == "sign_cert.pem") {
        return Some(Plan::Run(certificates));
    }
    if gm && name.ends_with(".crl.der") {
        return Some(Plan::Run(revocation_list));
    }
    match name {
        "gmssl-encrypted-pkcs8.pem" => Some(Plan::Run(encrypted_key)),
        "gmssl-sig.der" => Some(Plan::Run(plain_signature)),
        "gmssl-sm2cipher-to-bidder_enc.der" => Some(Plan::Run(ciphertext)),
        "gmssl-sig-id-ALICE.der" => Some(Plan::Skip("signer id other than the default")),
        _ => None,
    }
}

fn certificates(input: &Input, tally: &mut Tally) {
    tally.case("parse", || {
        let text = std::str::from_utf8(input.bytes()).map_err(fail("PEM"))?;
        let read = pem::certificates(text).map_err(fail("certificate"))?;
        check(!read.is_empty(), "no certificate")
    });
}

fn revocation_list(input: &Input, tally: &mut Tally) {
    tally.case("parse", || {
        RevocationList::parse(input.bytes())
            .map(drop)
            .map_err(fail("revocation list"))
    });
}

fn encrypted_key(input: &Input, tally: &mut Tally) {
    let open = |passphrase: &[u8]| {
        let text = std::str::from_utf8(input.bytes()).map_err(fail("PEM"))?;
        keyfile::decrypt(text, passphrase).map_err(fail("decrypt"))
    };
    tally.case("decrypt", || {
        let public = input.beside("gmssl-encrypted-pkcs8.pub.pem")?;
        let public = String::from_utf8(public).map_err(fail("PEM"))?;
        let public = pem::decode("PUBLIC KEY", &public).map_err(fail("public key"))?;
        let ours = open(PASSPHRASE)?.public_key().map_err(fail("key"))?;
        same("public key", vec![ours.spki_der().to_vec()], public)
    });
    tally.case("a wrong passphrase", || {
        check(open(b"1235").is_err(), "accepted")
    });
}

/// A bare SM2 signature over the message beside it, by the key of the encrypted key file.
fn plain_signature(input: &Input, tally: &mut Tally) {
    tally.case("verify", || {
        let Ok(public) = input.beside("../keys/gmssl-encrypted-pkcs8.pub.pem") else {
            return Err(Stop::Skip("its public key is not there"));
        };
        let public = String::from_utf8(public).map_err(fail("PEM"))?;
        let spki = pem::decode("PUBLIC KEY", &public)
            .map_err(fail("public key"))?
            .concat();
        let key = PublicKey::from_spki_der(&spki).map_err(fail("public key"))?;
        let message = input.beside("gmssl-msg.bin")?;
        key.verify(SignatureAlg::Sm2Sm3, &message, input.bytes())
            .map_err(fail("signature"))
    });
}

/// A bare SM2 ciphertext of the message beside it, to the bidder of the folder `ses`.
fn ciphertext(input: &Input, tally: &mut Tally) {
    tally.case("decrypt", || {
        let Ok(key) = input.beside("../ses/pki/bidder_enc.key.pem") else {
            return Err(Stop::Skip("its private key is not there"));
        };
        let key = String::from_utf8(key).map_err(fail("PEM"))?;
        let pkcs8 = pem::decode("PRIVATE KEY", &key)
            .map_err(fail("key"))?
            .concat();
        let key = PrivateKey::from_pkcs8_der(&pkcs8).map_err(fail("key"))?;
        let message = key.sm2_decrypt(input.bytes()).map_err(fail("decrypt"))?;
        same("plaintext", &*message, &input.beside("gmssl-msg.bin")?)?;
        let mut changed = input.bytes().to_vec();
        if let Some(last) = changed.last_mut() {
            *last ^= 1;
        }
        check(key.sm2_decrypt(&changed).is_err(), "changed, but decrypted")
    });
}
