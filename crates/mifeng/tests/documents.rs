//! Files of the tender document, and what else may lie below `docs/`: any size, and nothing that no record names.

mod common;

use common::*;
use mifeng::crypto::{Digest, INTL, SeededEntropy};
use mifeng::tender::Document;
use mifeng::{Export, SMALL_FILE_MAX, Trusted, verify};
use std::collections::BTreeMap;

fn failed(parts: &BTreeMap<String, Vec<u8>>) -> String {
    let report = verify(&Parts::new(parts.clone()), &Trusted::default()).expect("in memory");
    report.failure().expect("a failed check").id.to_owned()
}

#[test]
fn a_document_has_any_size_and_a_stray_one_stays_behind() {
    let cast = Cast::new(&INTL, "documents");
    let mut tender = Tender::unpublished(&cast, "host.example/t/documents");
    // Larger than what is read whole.
    let large = vec![7; usize::try_from(SMALL_FILE_MAX).expect("fits") + 1];
    let hash = INTL.hash().digest(&large);
    let mut said = notice(&cast, tender.host.state(), Kind::Board);
    said.documents = vec![Document {
        name: "图纸.pdf".to_owned(),
        size: large.len() as u64,
        hash,
    }];
    tender.publish(&said).expect("a lawful notice");
    tender.host.add_document(&large).expect("kept");
    let stray = b"a contract that was announced and never stamped";
    let stray_hash = tender.host.add_document(stray).expect("kept");
    tender.receive(3);
    let dossier = tender.finish(Kind::Board);
    let mut parts = Parts::of_tar(&dossier).parts;
    let name = |hash: &Digest| format!("docs/{hash}");
    assert!(parts.contains_key(&name(&hash)));
    assert!(!parts.contains_key(&name(&stray_hash)));
    let report = verify(&Parts::new(parts.clone()), &Trusted::default()).expect("in memory");
    assert!(report.is_valid(), "{:?}", report.failure());

    parts.insert(name(&stray_hash), stray.to_vec());
    assert_eq!(failed(&parts), "V1");
    parts.remove(&name(&stray_hash));
    let file = parts.get_mut(&name(&hash)).expect("there");
    file[12_345] ^= 1;
    assert_eq!(failed(&parts), "V1");
}

#[test]
fn nothing_is_archived_while_a_listed_file_is_missing() {
    let cast = Cast::new(&INTL, "documents");
    let mut tender = Tender::unpublished(&cast, "host.example/t/documents");
    let text = b"what is bought";
    let mut said = notice(&cast, tender.host.state(), Kind::Board);
    said.documents = vec![Document {
        name: "招标文件.pdf".to_owned(),
        size: text.len() as u64,
        hash: INTL.hash().digest(text),
    }];
    tender.publish(&said).expect("a lawful notice");
    tender.receive(3);
    tender.close_and_release(Kind::Board);
    tender.open_all(100);
    tender.end(101);
    let rng = &mut SeededEntropy::new(b"archive");
    let size = tender.host.replay().tree.size();
    let missing = tender
        .host
        .archive(secs(102), rng)
        .expect_err("a file is missing");
    assert!(missing.to_string().contains("招标文件.pdf"), "{missing}");
    assert_eq!(tender.host.replay().tree.size(), size);
    tender.host.add_document(text).expect("kept");
    tender.host.archive(secs(103), rng).expect("archived");
    let report = verify(
        &Parts::of_tar(&tender.tar(Export::Dossier)),
        &Trusted::default(),
    )
    .expect("in memory");
    assert!(report.is_valid(), "{:?}", report.failure());
}
