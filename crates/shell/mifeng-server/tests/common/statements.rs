//! Records that no log takes: signing in, grants, and what else is stated to a host.

use super::*;
use mifeng::crypto::SeededEntropy;
use mifeng::record::SignedRecord;
use mifeng::sign_record;
use serde_json::Value;

/// A statement of `person` for the tender at hand.
pub fn signed(
    tender: &Tender<'_>,
    person: &Person,
    kind: &str,
    data: &Value,
    at: i64,
) -> SignedRecord {
    let seed = format!("{kind} {data} {at}");
    let rng = &mut SeededEntropy::new(seed.as_bytes());
    let state = tender.host.state();
    sign_record(state, kind, data, &person.signer, secs(at), rng).expect("signed")
}

/// A statement of `person` that signs in with what the host gives for it now; the token, as a header has it.
pub fn bearer(host: &Served, tender: &Tender<'_>, person: &Person, at: i64) -> String {
    let given = host.post("/v1/tenders/t1/sign-in/challenge", b"");
    assert_eq!(given.status, 201, "{}", given.text());
    let challenge = given.json()["challenge"].clone();
    let statement = file(&signed(tender, person, "access.sign-in", &challenge, at));
    let begun = host.post("/v1/tenders/t1/sign-in", &statement);
    assert_eq!(begun.status, 201, "{}", begun.text());
    format!(
        "Bearer {}",
        begun.json()["token"].as_str().expect("a token")
    )
}

pub fn file(record: &SignedRecord) -> Vec<u8> {
    record.to_file().expect("a file")
}
