//! Collections without verdicts: hostile bytes that no parser may trip over, and odd documents of
//! others that are read or refused for a reason that is listed.

use crate::vectors::Plan;
use crate::vectors::case::{Case, Input, Stop, Tally, check, fail, list, text};
use mifeng_crypto::{PrivateKey, PublicKey};
use mifeng_pki::cms::SignedData;
use mifeng_pki::enveloped::Envelope;
use mifeng_pki::{Certificate, Error, OcspResponse, RevocationList, keyfile, pem, tsp};

const EXPECTATIONS: &str = include_str!("../../../../../test-vectors/x509-misc/expectations.json");

pub(super) fn plan(input: &Input) -> Option<Plan> {
    if input.name() == "expectations.json" {
        return None;
    }
    if input.has_folder("fuzz-seeds") {
        return Some(match input.is_in("dict") {
            true => Plan::Skip("a dictionary for fuzzers"),
            false => Plan::Run(parsers_end),
        });
    }
    if input.has_folder("der-strict") {
        return Some(Plan::Skip("single values, read by a test of mifeng-pki"));
    }
    if input.has_folder("x509-misc") {
        let name = input.name();
        // Certificate requests, OCSP requests and RSA keys are read by nothing here.
        let others = [
            "-csr.",
            "-req.",
            "-priv.",
            "-prv.",
            "-key.",
            ".ta",
            "p256-priv",
            "-pub.",
        ];
        if others.iter().any(|part| name.contains(part)) {
            return Some(Plan::Skip("of a kind that is not read"));
        }
        return Some(Plan::Run(odd_document));
    }
    None
}

/// Every parser comes back from every input; a panic is counted by the caller.
fn parsers_end(input: &Input, tally: &mut Tally) {
    tally.case("every parser", || {
        let bytes = input.bytes();
        let read = [
            Certificate::parse(bytes).is_ok(),
            RevocationList::parse(bytes).is_ok(),
            OcspResponse::parse(bytes).is_ok(),
            PublicKey::from_spki_der(bytes).is_ok(),
            PrivateKey::from_pkcs8_der(bytes).is_ok(),
            SignedData::parse(bytes).is_ok(),
            SignedData::parse_field(bytes).is_ok(),
            Envelope::parse(bytes).is_ok(),
            tsp::Stamped::read(bytes).is_ok(),
            tsp::Request::parse(bytes).is_ok(),
            tsp::unwrap_response(bytes).is_ok(),
        ];
        if let Ok(text) = std::str::from_utf8(bytes) {
            let _ = (pem::certificates(text), keyfile::decrypt(text, b"").is_ok());
        }
        // A certificate is no list and no response.
        let kinds = read.iter().take(3).filter(|read| **read).count();
        check(kinds <= 1, "read as two kinds of document")
    });
}

/// The code of our error for each document that is refused.
fn odd_document(input: &Input, tally: &mut Tally) {
    tally.case("read", || {
        let expectations: serde_json::Value =
            serde_json::from_str(EXPECTATIONS).map_err(fail("expectations.json"))?;
        let listed = list(&expectations, "refused");
        let listed = listed.iter().find(|one| one["file"] == input.name());
        match (read(input), listed) {
            (Ok(()), None) => Ok(()),
            (Ok(()), Some(_)) => Err(Stop::Fail("listed as refused, but read".to_owned())),
            (Err(error), None) => Err(Stop::Fail(format!("not read: {error}"))),
            (Err(error), Some(one)) => same_code(&error, text(one, "code")?),
        }
    });
}

fn same_code(error: &Error, expected: &str) -> Case {
    let found = format!("refused as {}, listed as {expected}", error.code());
    check(error.code() == expected, &found)
}

fn read(input: &Input) -> Result<(), Error> {
    let bytes = input.bytes();
    if let Some(text) = std::str::from_utf8(bytes)
        .ok()
        .filter(|text| text.contains("-----"))
    {
        return pem::certificates(text).map(drop);
    }
    if input.name().contains("crl") && !input.name().contains("cert") {
        return RevocationList::parse(bytes).map(drop);
    }
    if input.name().ends_with("-resp.der")
        || input.name().ends_with("-res.der")
        || input.name().starts_with("ocsp-")
    {
        return OcspResponse::parse(bytes).map(drop);
    }
    Certificate::parse(bytes).map(drop)
}
