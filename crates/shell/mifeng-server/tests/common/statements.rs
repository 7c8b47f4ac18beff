//! Records that no log takes: signing in, grants, and what else is stated to a host.

use super::*;
use mifeng::crypto::{Digest, SeededEntropy};
use mifeng::pki::Signer;
use mifeng::record::{Draft, Facts, SignedRecord};
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

/// A record with a number of its own: the tender at hand knows nothing of what the host took.
pub fn numbered(
    tender: &Tender<'_>,
    bidder: &Person,
    (kind, seq): (&str, u64),
    data: &serde_json::Value,
) -> SignedRecord {
    let facts = Facts {
        kind,
        origin: tender.host.state().origin(),
        seq,
        time: secs(FIRST_BEAT),
        salt: [7; 32],
        data,
    };
    let draft =
        Draft::new(&facts, bidder.signer.certificate(), tender.cast.suite).expect("a draft");
    draft
        .sign(&bidder.signer, tender.cast.suite)
        .expect("signed")
}

/// The second record of a bidder: it takes its bid back.
pub fn withdrawal(tender: &Tender<'_>, bidder: &Person, seal: &Digest) -> Vec<u8> {
    let data = serde_json::json!({ "seal": seal });
    let record = numbered(tender, bidder, ("bid.withdraw", 1), &data);
    record.to_file().expect("a file")
}

/// A bid that comes in the place of another one.
pub fn replacing(tender: &mut Tender<'_>, bidder: &Person, (old, seq): (Digest, u64)) -> Sealed {
    let (file, data) = tender.seal_by(bidder, 880_000, FIRST_BEAT);
    let data = serde_json::json!({ "old": old, "seal": data.seal });
    Sealed {
        record: numbered(tender, bidder, ("bid.replace", seq), &data),
        id: tender.verified(&file).id(),
        file,
    }
}
