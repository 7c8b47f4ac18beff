//! Private keys in files: PKCS#8, PKCS#12, and those that a CA delivered.

use super::Plan;
use super::case::{Case, Input, Stop, Tally, check, fail, same};
use mifeng_crypto::{PrivateKey, PublicKey};
use mifeng_pki::keyfile::{self, delivered, pkcs12};
use mifeng_pki::{Error, pem};
use zeroize::Zeroizing;

/// The passphrase of this project's vectors (their README).
const OWN: &[u8] = "密封-mifeng".as_bytes();
/// The passphrase of the OFD project's files (their README).
const OFDRW: &[u8] = b"777777";

pub(super) fn plan(input: &Input) -> Option<Plan> {
    let name = input.name();
    if input.has_folder("pkcs12_corpus") {
        return Some(Plan::Run(hostile_pkcs12));
    }
    if input.has_folder("pkcs8_corpus") {
        return Some(Plan::Run(hostile_pkcs8));
    }
    if name == "gmcert-signed-and-enveloped.pem" {
        return Some(Plan::Run(signed_and_enveloped));
    }
    if input.has_folder("gm") {
        return match name {
            "gmcert-enc.key.expected.pem" => Some(Plan::Skip("read with the message it was in")),
            _ if name.ends_with(".p12") => Some(Plan::Run(ofdrw_pkcs12)),
            _ if name.ends_with(".key.pem") => Some(Plan::Run(plain_key)),
            _ if name.ends_with(".key") => Some(Plan::Run(plain_key)),
            _ => None,
        };
    }
    if !input.is_in("keys") {
        return None;
    }
    if name.ends_with(".p12") {
        return Some(Plan::Run(own_pkcs12));
    }
    if [".p8.pem", ".sec1.pem", ".pkcs1.pem", ".key.pem"]
        .iter()
        .any(|end| name.ends_with(end))
    {
        return Some(Plan::Run(own_key));
    }
    let beside = [".pub.pem", ".cer.pem", ".sh"]
        .iter()
        .any(|end| name.ends_with(end));
    beside.then_some(Plan::Skip("read with its key"))
}

fn read(bytes: &[u8], passphrase: &[u8]) -> Result<PrivateKey, Error> {
    let passphrase = || Ok(Zeroizing::new(passphrase.to_vec()));
    keyfile::read_any(bytes, passphrase).map(|(key, _)| key)
}

/// The public key of this project's vectors: the name up to the first dot or hyphen.
fn own_public(input: &Input) -> Result<PublicKey, Stop> {
    let name = input.name().split(['.', '-']).next().unwrap_or_default();
    let text = input.beside(&format!("{name}.pub.pem"))?;
    let spki = pem::any(&text).map_err(fail("public key"))?;
    PublicKey::from_spki_der(&spki).map_err(fail("public key"))
}

fn is(key: &PrivateKey, public: &PublicKey) -> Case {
    let own = key.public_key().map_err(fail("key"))?;
    same("public key", own.raw(), public.raw())
}

fn own_key(input: &Input, tally: &mut Tally) {
    tally.case("open", || {
        let key = read(input.bytes(), OWN).map_err(fail("open"))?;
        is(&key, &own_public(input)?)
    });
    if input.name().ends_with(".p8.pem") {
        tally.case("a wrong passphrase", || {
            same(
                "error",
                read(input.bytes(), b"x").err(),
                Some(Error::Passphrase),
            )
        });
    }
}

fn own_pkcs12(input: &Input, tally: &mut Tally) {
    let passphrase = if input.name() == "p256-empty.p12" {
        b""
    } else {
        OWN
    };
    if input.name() == "p256-no-mac.p12" {
        tally.case("no MAC", || {
            let refused = pkcs12::read(input.bytes(), OWN).err();
            check(
                matches!(refused, Some(Error::Malformed { .. })),
                "not refused as it must be",
            )
        });
        return;
    }
    tally.case("open", || {
        let found = pkcs12::read(input.bytes(), passphrase).map_err(fail("open"))?;
        let entry = found.keys.first().ok_or(Stop::Fail("no key".to_owned()))?;
        is(&entry.key, &own_public(input)?)?;
        check(
            found.certificate_of(entry).is_some(),
            "no certificate of the key",
        )
    });
    wrong_passphrase(input, tally);
}

fn wrong_passphrase(input: &Input, tally: &mut Tally) {
    tally.case("a wrong passphrase", || {
        let refused = pkcs12::read(input.bytes(), b"wrong").err();
        same("error", refused, Some(Error::Passphrase))
    });
}

fn ofdrw_pkcs12(input: &Input, tally: &mut Tally) {
    tally.case("open", || {
        let found = pkcs12::read(input.bytes(), OFDRW).map_err(fail("open"))?;
        let entry = found.keys.first().ok_or(Stop::Fail("no key".to_owned()))?;
        check(
            found.certificate_of(entry).is_some(),
            "no certificate of the key",
        )
    });
    wrong_passphrase(input, tally);
}

/// Key files of BoringSSL's corpus. They are whole, and their passphrase is "foo": the MAC holds,
/// though their RSA keys have 1,024 bits and are refused.
fn hostile_pkcs12(input: &Input, tally: &mut Tally) {
    wrong_passphrase(input, tally);
    tally.case("the MAC", || {
        let found = pkcs12::read(input.bytes(), b"foo").err();
        check(found != Some(Error::Passphrase), "does not hold")
    });
    tally.case("cut anywhere", || {
        for cut in 0..input.bytes().len() {
            check(
                pkcs12::read(&input.bytes()[..cut], b"foo").is_err(),
                "accepted",
            )?;
        }
        Ok(())
    });
}

/// Keys and non-keys: what is read is written again as the same key.
fn hostile_pkcs8(input: &Input, tally: &mut Tally) {
    tally.case("read", || {
        let Ok(key) = read(input.bytes(), b"") else {
            return Ok(());
        };
        let again = keyfile::plain_pem(&key).map_err(fail("write"))?;
        let again = read(again.as_bytes(), b"").map_err(fail("read again"))?;
        is(&again, &key.public_key().map_err(fail("key"))?)
    });
    tally.case("cut anywhere", || {
        for cut in 0..input.bytes().len() {
            check(read(&input.bytes()[..cut], b"").is_err(), "accepted")?;
        }
        Ok(())
    });
}

/// A key in the clear, held against the certificate of the same name.
fn plain_key(input: &Input, tally: &mut Tally) {
    tally.case("its certificate", || {
        let key = read(input.bytes(), b"").map_err(fail("key"))?;
        let Ok(text) = input.beside(&input.name().replacen(".key", ".crt", 1)) else {
            return Err(Stop::Skip("no certificate of this name"));
        };
        let text = String::from_utf8(text).map_err(fail("PEM"))?;
        let certificates = pem::certificates(&text).map_err(fail("certificate"))?;
        let first = certificates.first().ok_or(Stop::Fail("none".to_owned()))?;
        is(&key, first.public_key())
    });
}

fn signed_and_enveloped(input: &Input, tally: &mut Tally) {
    let key_in = |name: &str| {
        let bytes = input.beside(name)?;
        read(&bytes, b"").map_err(fail(name))
    };
    tally.case("open", || {
        let der = pem::any(input.bytes()).map_err(fail("PEM"))?;
        let signing = key_in("gmcert-sign.key.pem")?;
        let (key, _) =
            delivered::open_signed_and_enveloped(&der, &signing).map_err(fail("open"))?;
        let expected = key_in("gmcert-enc.key.expected.pem")?;
        is(&key, &expected.public_key().map_err(fail("key"))?)?;
        check(
            delivered::open_signed_and_enveloped(&der, &expected).is_err(),
            "another key opened it",
        )
    });
}
