//! Signed records and canonical JSON beside the bare signature and plain JSON inside.

use benches::world::{People, now};
use benches::{Table, Unit, good};
use mifeng_crypto::{GM, INTL, Suite, jcs};
use mifeng_record::{BODY_LEN_MAX, Draft, Facts, Record, SignedRecord, amount};
use serde_json::{Value, json};

fn main() {
    let mut table = Table::new("record");
    for suite in [&GM, &INTL] {
        signed(&mut table, suite);
    }
    plain(&mut table);
    table.print();
}

/// An opening record of a few bids, as a person would read it aloud.
fn data(bids: usize) -> Value {
    let row = |n: usize| {
        json!({"bidder": format!("投标人 {n}"), "price": format!("{}.00", 980_000 + n),
            "price_cn": "玖拾捌万元整", "term": "90 天"})
    };
    json!({"lot": "1", "rows": (0..bids).map(row).collect::<Vec<_>>()})
}

fn signed(table: &mut Table, suite: &'static Suite) {
    let people = People::new(suite);
    let data = data(10);
    let draft = || {
        let facts = Facts {
            kind: "bid.open",
            origin: "bids.example.com/t/42",
            seq: 7,
            time: now(),
            salt: [3; 32],
            data: &data,
        };
        Draft::new(&facts, &people.cert, suite).expect("a draft")
    };
    let record = draft().sign(&people.signer, suite).expect("signs");
    let file = record.to_file().expect("a file");
    let key = people.key();
    let public = key.public_key().expect("public");
    let message = draft().message().to_vec();
    let (alg, signature) = (key.signature_alg(), key.sign(&message).expect("signs"));
    let id = suite.id();
    table.job(
        &format!("{id} record write and sign, {} bytes", message.len()),
        Unit::Time,
        &mut || good(draft().sign(&people.signer, suite)),
        &mut [("bare signature", &mut || good(key.sign(&message)))],
    );
    table.job(
        &format!("{id} record read and verify"),
        Unit::Time,
        &mut || {
            let signed = SignedRecord::from_file(&file).expect("a file");
            good(Record::verify(signed, suite));
        },
        &mut [("bare signature check", &mut || {
            good(public.verify(alg, &message, &signature));
        })],
    );
}

fn plain(table: &mut Table) {
    let data = data(1_000);
    let text = jcs::to_vec(&data).expect("canonical");
    let unit = Unit::Bytes(text.len());
    table.job(
        "canonical JSON write",
        unit,
        &mut || good(jcs::to_vec(&data)),
        &mut [("`serde_json`", &mut || good(serde_json::to_vec(&data)))],
    );
    table.job(
        "canonical JSON read",
        unit,
        &mut || good(jcs::from_slice::<Value>(&text, BODY_LEN_MAX)),
        &mut [("`serde_json`", &mut || {
            good(serde_json::from_slice::<Value>(&text));
        })],
    );
    let words = amount::format(98_765_432_101);
    table.job(
        "amount in words, read",
        Unit::Time,
        &mut || good(amount::read(&words)),
        &mut [],
    );
}
