//! Signature messages and envelopes of other makers.

use super::Plan;
use super::case::{Case, Input, Stop, Tally, bytes, check, fail, list, same, text};
use mifeng_crypto::{Curve, GM, INTL, PrivateKey, Scalar, Suite};
use mifeng_pki::cms::{self, Deviation, Item, SignedData, Strictness, Verifier};
use mifeng_pki::enveloped::Envelope;
use mifeng_pki::{
    Anchors, Certificate, Error, Material, Policy, Purpose, SoftwareDecrypter, pem, tsp,
};

/// Reason for files that another file's runner reads.
const BESIDE: &str = "read with the message beside it";

pub(super) fn plan(input: &Input) -> Option<Plan> {
    let (name, gm) = (input.name(), input.has_folder("gm"));
    let run = |run| Some(Plan::Run(run));
    if input.has_folder("fuzz-seeds") {
        return None;
    }
    if input.is_in("cms") && gm {
        return match name {
            "manifest.json" => run(manifest),
            "gmssl-enveloped.pem" => run(gmssl_envelope),
            _ => Some(Plan::Skip(BESIDE)),
        };
    }
    if input.is_in("gmsm") && gm {
        return match name {
            "cfca-enveloped-ski.pem" => run(cfca_envelope),
            "gmcert-signed-and-enveloped.pem" => run(handed_over_key),
            "cfca-signed-attached.der" => run(attached),
            "pkcs7-degenerate-sm2-chain.pem" => run(certificates_only),
            "cfca-enveloped-ski.content" | "cfca-enveloped-ski.key.hex" => Some(Plan::Skip(BESIDE)),
            "gmcert-enc.key.expected.pem" => Some(Plan::Skip(BESIDE)),
            _ => None,
        };
    }
    if input.is_in("cms") && input.json()["form"].is_string() {
        return run(own);
    }
    if input.is_in("cades") && input.has_folder("dss") {
        return known(CADES, name);
    }
    let reliability = input.has_folder("reliability");
    if reliability && (input.is_in("cms") || input.is_in("rfc4134")) {
        return known(CMS, name);
    }
    None
}

fn known(table: &[(&str, &str)], name: &str) -> Option<Plan> {
    Some(match table.iter().any(|(file, _)| *file == name) {
        true => Plan::Run(foreign),
        false => Plan::Skip("another kind of message, a key or a certificate of the set"),
    })
}

fn pem_block(input: &Input, label: &str) -> Result<Vec<u8>, Stop> {
    let text = std::str::from_utf8(input.bytes()).map_err(fail("PEM"))?;
    Ok(pem::decode(label, text).map_err(fail("PEM"))?.concat())
}

fn certificate(input: &Input, path: &str) -> Result<Certificate, Stop> {
    let text = String::from_utf8(input.beside(path)?).map_err(fail("PEM"))?;
    let all = pem::certificates(&text).map_err(fail(path))?;
    let none = || Stop::Fail(format!("{path}: no certificate"));
    all.into_iter().next().ok_or_else(none)
}

fn key(input: &Input, path: &str) -> Result<PrivateKey, Stop> {
    let text = String::from_utf8(input.beside(path)?).map_err(fail("PEM"))?;
    let pkcs8 = pem::decode("PRIVATE KEY", &text)
        .map_err(fail(path))?
        .concat();
    PrivateKey::from_pkcs8_der(&pkcs8).map_err(fail(path))
}

/// Messages of GB/T 35275 listed in a manifest; paths are relative to the folder above.
/// `valid: null` stands for "accept, and say what departs from the standard".
fn manifest(input: &Input, tally: &mut Tally) {
    for case in input.json().as_array().into_iter().flatten() {
        tally.case(&case["file"], || {
            let der = input.beside(&format!("../{}", text(case, "file")?))?;
            let content = input.beside(&format!("../{}", text(case, "content")?))?;
            let verify = |content: &[u8]| {
                let message = SignedData::parse_field(&der)?;
                message.verify_content(content, &GM, Strictness::Field)
            };
            let found = verify(&content);
            match (case["valid"].as_bool(), &found) {
                (Some(false), Ok(_)) => return Err(Stop::Fail("accepted".to_owned())),
                (Some(false), Err(_)) => {}
                (_, Err(error)) => return Err(Stop::Fail(error.to_string())),
                (None, Ok(signed)) => {
                    check(!signed.deviations.is_empty(), "no deviation reported")?;
                }
                (Some(true), Ok(_)) => {}
            }
            check(
                verify(&[&content[..], b"x"].concat()).is_err(),
                "other content accepted",
            )
        });
    }
}

fn attached(input: &Input, tally: &mut Tally) {
    tally.case("verify", || {
        let message = SignedData::parse_field(input.bytes()).map_err(fail("parse"))?;
        let signed = message.verify_attached(&GM, Strictness::Field);
        let signed = signed.map_err(fail("verify"))?;
        let expected = vec![Deviation::NullParameters];
        same("deviations", signed.deviations, expected)?;
        let other = message.verify_attached(&INTL, Strictness::Field);
        let code = other.err().map(|e| e.code());
        same("code in the other suite", code, Some("pki.wrong-suite"))
    });
}

/// A message that only carries certificates is read, and is no signature.
fn certificates_only(input: &Input, tally: &mut Tally) {
    tally.case("read", || {
        let der = pem_block(input, "PKCS7")?;
        let message = SignedData::parse_field(&der).map_err(fail("parse"))?;
        same("certificates", message.certificates().len(), 2)?;
        same("signers", message.signer_count(), 0)?;
        let verified = message.verify_each(Some(b"x"), &GM, Strictness::Field);
        check(verified.is_err(), "a signature without a signer")
    });
}

fn opened(envelope: &Envelope, key: &SoftwareDecrypter, content: &[u8]) -> Case {
    let opened = envelope.open(key).map_err(fail("open"))?;
    same("content", &opened.content[..], content)
}

fn gmssl_envelope(input: &Input, tally: &mut Tally) {
    tally.case("open", || {
        let envelope = Envelope::parse(&pem_block(input, "CMS")?).map_err(fail("parse"))?;
        let secret = key(input, "../ses/pki/buyer_enc.key.pem")?;
        let certificate = certificate(input, "../ses/pki/buyer_enc.crt.pem")?;
        let secret = SoftwareDecrypter::new(secret, certificate).map_err(fail("key"))?;
        opened(&envelope, &secret, &input.beside("content.txt")?)?;
        let expected = [Deviation::EncryptionIdentifier];
        same("deviations", envelope.deviations(), &expected[..])
    });
    tally.case("a changed ciphertext", || {
        let mut der = pem_block(input, "CMS")?;
        let secret = key(input, "../ses/pki/buyer_enc.key.pem")?;
        let certificate = certificate(input, "../ses/pki/buyer_enc.crt.pem")?;
        let secret = SoftwareDecrypter::new(secret, certificate).map_err(fail("key"))?;
        let last = der.len() - 1;
        der[last] ^= 1;
        let envelope = Envelope::parse(&der).map_err(fail("parse"))?;
        let code = envelope.open(&secret).err().map(|e| e.code());
        same("code", code, Some("crypto.unverified"))
    });
}

fn cfca_envelope(input: &Input, tally: &mut Tally) {
    tally.case("open", || {
        let envelope = Envelope::parse(&pem_block(input, "PKCS7")?).map_err(fail("parse"))?;
        let hex = String::from_utf8(input.beside("cfca-enveloped-ski.key.hex")?);
        let scalar = hex::decode(hex.map_err(fail("hex"))?.trim()).map_err(fail("hex"))?;
        let scalar = <[u8; 32]>::try_from(scalar).map_err(|_| Stop::Fail("key".to_owned()))?;
        let scalar = Scalar::from_be_bytes(Curve::Sm2, &scalar).map_err(fail("key"))?;
        let secret = PrivateKey::from_scalar(&scalar).map_err(fail("key"))?;
        let certificate = certificate(input, "cfca-enveloped-ski.crt.pem")?;
        let secret = SoftwareDecrypter::new(secret, certificate).map_err(fail("key"))?;
        opened(
            &envelope,
            &secret,
            &input.beside("cfca-enveloped-ski.content")?,
        )?;
        let expected = [
            Deviation::Version,
            Deviation::RecipientByKeyId,
            Deviation::NullParameters,
            Deviation::BareSm4Cbc,
        ];
        same("deviations", envelope.deviations(), &expected[..])
    });
}

/// The encryption key that a CA hands over: enveloped to the signing key, signed by the CA.
fn handed_over_key(input: &Input, tally: &mut Tally) {
    tally.case("open and verify", || {
        let envelope = Envelope::parse(&pem_block(input, "PKCS7")?).map_err(fail("parse"))?;
        let secret = key(input, "gmcert-sign.key.pem")?;
        let signing = certificate(input, "gmcert-sign.crt.pem")?;
        let secret = SoftwareDecrypter::new(secret, signing).map_err(fail("key"))?;
        // It names the certificate of the key inside, so the place is told.
        let named = envelope.open(&secret).err().map(|e| e.code());
        same("code by name", named, Some("pki.message"))?;
        let opened = envelope.open_at(0, &secret).map_err(fail("open"))?;
        let scalar = opened.content.last_chunk::<32>();
        let scalar = scalar.ok_or(Stop::Fail("content is no key".to_owned()))?;
        let scalar = Scalar::from_be_bytes(Curve::Sm2, scalar).map_err(fail("key"))?;
        let inside = PrivateKey::from_scalar(&scalar).map_err(fail("key"))?;
        let expected = key(input, "gmcert-enc.key.expected.pem")?;
        same("key", inside.public_key().ok(), expected.public_key().ok())?;
        let signed = opened.signed.ok_or(Stop::Fail("not signed".to_owned()))?;
        let signed = signed.verify_attached(&GM, Strictness::Field);
        signed.map(drop).map_err(fail("signature"))
    });
}

/// Our own detached messages, and what is wrong with bent ones.
fn own(input: &Input, tally: &mut Tally) {
    let json = input.json();
    for case in list(json, "cases") {
        tally.case(&case["name"], || {
            let suite = Suite::by_id(text(case, "suite")?).map_err(fail("suite"))?;
            let (message, content) = (bytes(case, "message")?, bytes(case, "content")?);
            let anchor = Certificate::parse(&bytes(json, "anchor")?).map_err(fail("anchor"))?;
            let at = text(json, "at")?.parse().map_err(fail("at"))?;
            let policy = Policy::new(Purpose::Signing, suite);
            let verifier = Verifier {
                anchors: &Anchors::new(vec![anchor]),
                material: Material::default(),
                policy: &policy,
            };
            let found = verifier.verify(&Item {
                message: &message,
                content: &content,
                at,
            });
            let found = found.map_or_else(|e| e.code(), |_| "valid");
            let expected = text(case, "expect")?;
            check(found == expected, &format!("{found}, expected {expected}"))
        });
    }
}

/// What each message of a set of others comes to: `valid` or the code of the refusal a signer,
/// then `stamp` or a code for each signature time stamp, then `archive` or a code for each archive
/// time stamp. Refusals are expected where the message has what no suite takes: SHA-1 and DSA
/// (`pki.wrong-suite`), PKCS#7 content that is no OCTET STRING and signed attributes out of order
/// (`pki.malformed`), certificates of version 1 or left out (`pki.message`), indices of archive
/// time stamps from before EN 319 122 (`pki.message`).
fn foreign(input: &Input, tally: &mut Tally) {
    let tables = CMS.iter().chain(CADES);
    let expected = tables.into_iter().find(|(file, _)| *file == input.name());
    tally.case(input.name(), || {
        let found = outcome(input, &INTL);
        let expected = expected.map_or("", |(_, expected)| expected);
        check(found == expected, &format!("{found}, expected {expected}"))
    });
}

fn outcome(input: &Input, suite: &'static Suite) -> String {
    let code = |error: Error| error.code().to_owned();
    let message = match SignedData::parse_field(input.bytes()) {
        Ok(message) => message,
        Err(error) => return error.code().to_owned(),
    };
    // The detached ones sign what another file of the set carries.
    let other = input.beside("cades-bes-signeddata-enveloping.p7m").ok();
    let other = other.and_then(|der| SignedData::parse_field(&der).ok());
    let content = match (message.content(), &other) {
        (Some(_), _) => None,
        (None, Some(other)) => other.content(),
        (None, None) => None,
    };
    let all = match message.verify_each(content, suite, Strictness::Field) {
        Ok(all) => all,
        Err(error) => return code(error),
    };
    let mut out = Vec::new();
    for (place, signed) in all.into_iter().enumerate() {
        let signed = match signed {
            Ok(signed) => signed,
            Err(error) => {
                out.push(code(error));
                continue;
            }
        };
        out.push("valid".to_owned());
        for token in &signed.unsigned.time_stamps {
            let stamp = tsp::Stamped::read(token).and_then(|stamp| {
                stamp.check_over(&signed.signature)?;
                stamp.message().verify_attached(suite, Strictness::Field)
            });
            out.push(stamp.map_or_else(code, |_| "stamp".to_owned()));
        }
        for token in &signed.unsigned.archive_time_stamps {
            let stamp = cms::verify_archive_stamp(input.bytes(), place, token, content);
            out.push(stamp.map_or_else(code, |_| "archive".to_owned()));
        }
    }
    out.join(" ")
}

const CMS: &[(&str, &str)] = &[
    ("apple_mdm_signature_der.bin", "pki.malformed"),
    ("authroot.stl", "pki.malformed"),
    ("cms_ber.bin", "valid"),
    ("cms_der.bin", "valid"),
    ("pkits.p7b", "pki.message"),
    ("pkits_ee.p7b", "pki.message"),
    ("scep_der.bin", "valid"),
    ("sd.cms", "pki.message"),
    // The examples of RFC 4134, of 2005: SHA-1 and DSA throughout.
    ("4.1.bin", "pki.wrong-suite"),
    ("4.2.bin", "pki.wrong-suite"),
    ("4.3.bin", "pki.message"),
    ("4.4.bin", "pki.wrong-suite"),
    ("4.5.bin", "pki.wrong-suite"),
    ("4.6.bin", "pki.wrong-suite pki.wrong-suite"),
    ("4.7.bin", "pki.wrong-suite"),
    ("4.10.bin", "pki.wrong-suite"),
    ("4.11.bin", "pki.message"),
];

const CADES: &[(&str, &str)] = &[
    ("CAdESDoubleLTA.p7m", "valid stamp pki.message pki.message"),
    ("Signature-15-CBp-LT-2.p7m", "valid pki.time-stamp"),
    ("Signature-C-A-XL-1.p7m", "valid stamp pki.message"),
    ("Signature-C-B-B-8.p7m", "valid"),
    ("Signature-C-B-LTA-10.p7m", "valid stamp pki.message"),
    ("Signature-C-BES-4.p7m", "valid"),
    ("Signature-C-DE_CRY-3.p7m", "valid pki.malformed"),
    ("Signature-C-DE_CRY-4.p7m", "pki.malformed"),
    ("Signature-C-HU_MIC-1.p7m", "valid"),
    ("Signature-C-HU_POL-3.p7m", "valid stamp pki.message"),
    ("Signature-C-X-1.p7m", "pki.wrong-suite"),
    ("Signature-CBp-B-1.p7m", "pki.wrong-suite"),
    ("Signature-CBp-LT-2.p7m", "valid stamp"),
    // What it signs is not in the set.
    ("cades-ats-v3-rev-val-crl.p7s", "pki.digest-mismatch"),
    ("cades-bes-signeddata-detached.p7s", "valid"),
    ("cades-bes-signeddata-enveloping.p7m", "valid"),
    ("cades-dss1956.p7m", "valid pki.time-stamp pki.time-stamp"),
    ("cades-dss1997.p7m", "valid stamp pki.message"),
    ("cades-e-lt.p7m", "valid stamp"),
    ("cades-extended-a.pkcs7", "valid stamp archive"),
    ("cades-extended-bes.pkcs7", "valid"),
    ("cades-extended-epes-sig-pol-store.pkcs7", "valid"),
    ("cades-extended-epes.pkcs7", "valid"),
    (
        "cades_signeddata_extended_after_lta.p7m",
        "valid stamp pki.message pki.message",
    ),
    ("cms-no-sign-cert.p7m", "pki.message"),
    ("counterSig.p7m", "pki.wrong-suite"),
    ("counterSignedLTA.p7s", "valid pki.wrong-suite archive"),
    ("d-trust.tsr", "valid"),
    ("dss2059.p7s", "valid stamp"),
    ("no-key-info-cert.pkcs7", "pki.message"),
    ("signedFile.pdf.p7s", "valid valid valid"),
];
