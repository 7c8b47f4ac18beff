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

pub fn file(record: &SignedRecord) -> Vec<u8> {
    record.to_file().expect("a file")
}
