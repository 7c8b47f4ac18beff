//! A contract over HTTP: `mifeng send --document` by the supplier, the interface by the buyer, up to the dossier.

#[path = "../../mifeng-server/tests/common/mod.rs"]
mod common;

use common::statements::*;
use common::*;
use mifeng::crypto::{Digest, INTL};
use mifeng::pki::Signer as _;
use mifeng::tender::ContractStamp;
use mifeng::{Receipt, Trusted, verify};
use serde_json::json;
use std::path::Path;
use std::process::{Command, Output};

const SEED: &str = "contract over http";
const TEXT: &[u8] = b"a contract";
/// Long after the award.
const AT: i64 = 200;

fn send(folder: &Path, host: &Served, rest: &[&str]) -> Output {
    let url = format!("http://{}/t/t1", host.address);
    let run = Command::new(env!("CARGO_BIN_EXE_mifeng"))
        .current_dir(folder)
        .args(["--lang", "en", "send", "--host", &url])
        .args(rest)
        .output();
    run.expect("the command runs")
}

fn said(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

/// A tender that is awarded; who won.
fn awarded(cast: &Cast) -> (Tender<'_>, &Person) {
    let mut tender = Tender::new(cast, "host/t/1", Kind::Board);
    tender.receive(3);
    tender.close_and_release(Kind::Board);
    tender.open_all(100);
    let seated = tender.draw(101);
    assert!(tender.evaluate(&seated, 102));
    let code = tender.host.state().awards()[LOT].bidder.clone();
    let of = |one: &&Person| one.signer.certificate().uscc().as_deref() == Some(code.as_str());
    let winner = cast.bidders.iter().find(of).expect("a bidder");
    (tender, winner)
}

fn stamp(tender: &mut Tender<'_>, person: &Person, contract: Digest, at: i64) -> Vec<u8> {
    let data = ContractStamp {
        certs: Vec::new(),
        contract,
        lot: LOT.to_owned(),
        price: tender.host.state().awards()[LOT].price.clone(),
        // In this suite the records are the signatures.
        stamps: Vec::new(),
    };
    file(&tender.signed(person, "contract.stamp", &data, at))
}

#[test]
fn a_contract_is_sent_with_its_text_logged_and_kept() {
    let cast = Cast::new(&INTL, SEED);
    let (mut tender, winner) = awarded(&cast);
    let host = Served::new(&tender, SEED, "contract-send");
    host.at(AT);
    let work = host.folder.join("work");
    std::fs::create_dir_all(&work).expect("a folder");
    let write = |name: &str, content: &[u8]| {
        std::fs::write(work.join(name), content).expect("written");
    };
    let contract = INTL.hash().digest(TEXT);
    let kept = format!("/v1/tenders/t1/files/docs/{contract}");
    let put = format!("/v1/tenders/t1/documents/{contract}");
    let records = "/v1/tenders/t1/records";
    let supplier = stamp(&mut tender, winner, contract, AT);
    write("supplier.rec", &supplier);
    write("contract.pdf", TEXT);
    write("other.pdf", b"another contract");

    // Without its text it is not taken, whoever hands it in; nor is a text that nobody announced, or another one.
    let alone = host.post(records, &supplier);
    assert_eq!(alone.status, 503, "{}", alone.text());
    assert!(
        alone.text().contains("hand in the contract"),
        "{}",
        alone.text()
    );
    assert_eq!(host.ask("PUT", &put, &[], TEXT).code(), "document.unknown");
    let out = send(&work, &host, &["supplier.rec", "--document", "other.pdf"]);
    assert!(!out.status.success());
    assert!(said(&out).contains("document.unknown"), "{}", said(&out));
    assert_eq!(host.get(&kept).status, 404);
    // Announced by then, it takes the text and no other bytes.
    assert_eq!(
        host.ask("PUT", &put, &[], b"a Contract").code(),
        "document.other"
    );

    let args = [
        "supplier.rec",
        "--document",
        "contract.pdf",
        "--receipt",
        "supplier.receipt",
    ];
    for _ in 0..2 {
        // The second time it changes nothing.
        let out = send(&work, &host, &args);
        assert!(out.status.success(), "{}", said(&out));
    }
    assert_eq!(host.get(&kept).body, TEXT);

    // The buyer, by the interface; whoever lost stamps nothing.
    let own = winner.signer.certificate().der();
    let lost = |one: &&Person| one.signer.certificate().der() != own;
    let loser = cast.bidders.iter().find(lost).expect("another bidder");
    let wrong = stamp(&mut tender, loser, contract, AT + 1);
    let buyer = stamp(&mut tender, &cast.buyer, contract, AT + 1);
    let documents = "/v1/tenders/t1/documents";
    let announced = host.post(documents, &buyer);
    assert_eq!(announced.status, 200, "{}", announced.text());
    assert_eq!(announced.json()["document"], contract.to_string());
    assert_eq!(host.ask("PUT", &put, &[], TEXT).status, 204);
    let stamped = host.post(records, &buyer);
    assert_eq!(stamped.status, 201, "{}", stamped.text());
    let no = host.post(records, &wrong);
    assert_eq!(no.code(), "record.not-authorised", "{}", no.text());

    // Both records are in the log, where their receipts say, and the text is in the dossier.
    let order = json!({"order": "archive"});
    let order = signed(&tender, &cast.platform, "host.order", &order, AT);
    let archived = host.post("/v1/tenders/t1/orders", &file(&order));
    assert_eq!(archived.status, 204, "{}", archived.text());
    let dossier = std::fs::read(host.folder.join(".work/t1/dossier.tar")).expect("a dossier");
    let mut parts = Parts::of_tar(&dossier);
    let replay = mifeng::Replay::of(&parts).expect("replays");
    let receipt = std::fs::read(work.join("supplier.receipt")).expect("a receipt");
    for (receipt, record) in [(&receipt, &supplier), (&stamped.body, &buyer)] {
        let receipt = Receipt::from_file(receipt).expect("a receipt");
        let record = mifeng::record::SignedRecord::from_file(record).expect("a record");
        let _ = receipt.verify(&record, &replay).expect("it holds");
    }
    let logged = replay.state.contract(LOT).expect("a contract");
    assert_eq!(logged.text, contract);
    assert!(
        verify(&parts, &Trusted::default())
            .expect("readable")
            .is_valid()
    );
    let name = format!("docs/{contract}");
    assert_eq!(parts.parts.remove(&name).as_deref(), Some(TEXT));
    let report = verify(&parts, &Trusted::default()).expect("readable");
    assert!(!report.is_valid(), "a dossier without its contract");
}
