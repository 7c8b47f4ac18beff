//! Documents are kept where a signed record names their hash; nothing else is kept for anybody.

mod common;

use common::*;
use mifeng::crypto::INTL;
use mifeng::tender::{Amend, Document};

#[test]
fn what_the_notice_lists_is_taken_and_nothing_else() {
    let cast = Cast::new(&INTL, "documents");
    let text = b"tender document".repeat(9_000);
    let hash = INTL.hash().digest(&text);
    let short = b"another one".to_vec();
    let listed = INTL.hash().digest(&short);
    let tender = published(&cast, |notice| {
        let document = |name: &str, size: usize, hash| Document {
            name: name.to_owned(),
            size: size as u64,
            hash,
        };
        notice.documents = vec![
            document("a.pdf", text.len(), hash),
            // Its size is not that of any file with this hash.
            document("b.pdf", short.len() + 1, listed),
        ];
    });
    let host = Served::new(&tender, "documents", "documents");
    let at = |hash: &str| format!("/v1/tenders/t1/documents/{hash}");
    let kept = format!("/v1/tenders/t1/files/docs/{hash}");
    let put = |hash: &str, bytes: &[u8]| host.ask("PUT", &at(hash), &[], bytes);

    assert_eq!(host.get(&kept).status, 404);
    let stranger = INTL.hash().digest(b"whatever").to_string();
    assert_eq!(put(&stranger, b"whatever").code(), "document.unknown");
    assert_eq!(put("no-hash", b"whatever").code(), "document.unknown");
    let mut other = text.clone();
    other[7] ^= 1;
    assert_eq!(put(&hash.to_string(), &other).code(), "document.other");
    let said = put(&listed.to_string(), &short);
    assert_eq!(
        (said.status, &*said.code()),
        (400, "file.malformed"),
        "{}",
        said.text()
    );
    assert_eq!(host.get(&kept).status, 404);

    assert_eq!(put(&hash.to_string(), &text).status, 204);
    assert_eq!(host.get(&kept).body, text);
    // Again, and it changes nothing, whatever the body.
    assert_eq!(put(&hash.to_string(), &other).status, 204);
    assert_eq!(host.get(&kept).body, text);
}

#[test]
fn what_an_amendment_lists_is_taken_too_and_what_it_replaces_stays() {
    let cast = Cast::new(&INTL, "amended");
    let document = |content: &[u8]| Document {
        name: "a.pdf".to_owned(),
        size: content.len() as u64,
        hash: INTL.hash().digest(content),
    };
    let (old, new) = (document(b"first"), document(b"second"));
    let tender = published(&cast, |notice| notice.documents = vec![old.clone()]);
    let host = Served::new(&tender, "amended", "amended");
    let put = |one: &Document, content: &[u8]| {
        let path = format!("/v1/tenders/t1/documents/{}", one.hash);
        host.ask("PUT", &path, &[], content)
    };
    let kept = |one: &Document| {
        let answer = host.get(&format!("/v1/tenders/t1/files/docs/{}", one.hash));
        (answer.status, answer.body)
    };
    assert_eq!(put(&new, b"second").code(), "document.unknown");
    let data = Amend {
        affects: false,
        deadline: None,
        documents: vec![new.clone()],
        reason: "答复询问".to_owned(),
        text: "更换第三章。".to_owned(),
    };
    let record = tender.signed(&cast.agency, "tender.amend", &data, 2);
    let record = record.to_file().expect("a file");
    let page = || host.get("/t/t1").text();
    assert!(!page().contains("更换第三章。") && page().contains(&old.hash.to_string()));
    let taken = host.post("/v1/tenders/t1/records", &record);
    assert_eq!(taken.status, 201, "{}", taken.text());
    // Everybody sees it at once, and bids are made by the new file.
    assert!(page().contains("更换第三章。") && page().contains("答复询问"));
    assert!(page().contains(&new.hash.to_string()) && !page().contains(&old.hash.to_string()));
    assert_eq!(put(&new, b"third!").code(), "document.other");
    assert_eq!(put(&new, b"second").status, 204);
    // What was replaced may still come, and stays.
    assert_eq!(put(&old, b"first").status, 204);
    assert_eq!(kept(&new), (200, b"second".to_vec()));
    assert_eq!(kept(&old), (200, b"first".to_vec()));
}

#[test]
fn a_contract_is_announced_by_who_may_stamp_it() {
    let cast = Cast::new(&INTL, "contracts");
    let mut tender = published(&cast, |_| {});
    let host = Served::new(&tender, "contracts", "contracts");
    let announce = |record: &[u8]| host.post("/v1/tenders/t1/documents", record);
    assert_eq!(announce(b"{}").status, 400);
    let contract = INTL.hash().digest(b"contract");
    let data = mifeng::tender::ContractStamp {
        certs: Vec::new(),
        contract,
        lot: LOT.to_owned(),
        price: "1.00".to_owned(),
        stamps: Vec::new(),
    };
    let by = |tender: &mut Tender<'_>, person: &Person, kind: &str| {
        let record = tender.signed(person, kind, &data, 3);
        record.to_file().expect("a file")
    };
    // Of the wrong type; by nobody of this tender; before the award.
    let wrong = announce(&by(&mut tender, &cast.agency, "contract.file"));
    assert_eq!(wrong.code(), "file.malformed", "{}", wrong.text());
    let nobody = announce(&by(&mut tender, &cast.bidders[0], "contract.stamp"));
    assert_eq!(nobody.code(), "record.not-authorised", "{}", nobody.text());
    let early = announce(&by(&mut tender, &cast.agency, "contract.stamp"));
    assert_eq!(early.code(), "record.wrong-stage", "{}", early.text());
    let put = format!("/v1/tenders/t1/documents/{contract}");
    assert_eq!(
        host.ask("PUT", &put, &[], b"contract").code(),
        "document.unknown"
    );
}

#[test]
fn a_beacon_that_nothing_waits_for_is_refused() {
    let cast = Cast::new(&INTL, "beacons");
    let host = Served::new(&published(&cast, |_| {}), "beacons", "beacons");
    let send = |body: &[u8]| host.post("/v1/tenders/t1/beacons", body);
    assert_eq!(send(b"not JSON").code(), "file.malformed");
    let zeros = "0".repeat(64);
    let beacon = format!(
        "{{\"chain\":\"{zeros}\",\"round\":1,\"signature\":\"{}\"}}",
        "0".repeat(96)
    );
    let said = send(beacon.as_bytes());
    assert!([400, 409].contains(&said.status), "{}", said.text());
}
