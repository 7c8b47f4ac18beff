//! Our own files of `dossier/`: valid ones, and a manifest of broken ones.

use super::Plan;
use super::case::{Input, Stop, Tally, check, fail};
use crate::dossier::{Manifest, ReceiptCase};
use crate::flip::failed_check;
use crate::world::Parts;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use mifeng::{Error, Receipt, Replay};

pub(super) fn plan(input: &Input) -> Option<Plan> {
    if !input.is_in("dossier") {
        return None;
    }
    if input.name() == "manifest.json" {
        return Some(Plan::Run(broken));
    }
    if input.name() == "receipts.json" {
        return Some(Plan::Run(receipts));
    }
    input.name().ends_with(".tar").then_some(Plan::Run(valid))
}

fn valid(input: &Input, tally: &mut Tally) {
    tally.case(0, || {
        let found = failed_check(input.bytes());
        check(found.is_none(), &format!("not valid: {found:?}"))
    });
}

fn broken(input: &Input, tally: &mut Tally) {
    let manifest: Manifest = match serde_json::from_slice(input.bytes()) {
        Ok(manifest) => manifest,
        Err(e) => return tally.fail(&e.to_string()),
    };
    for case in &manifest.cases {
        tally.case(&case.name, || {
            let valid = input.beside(&case.of)?;
            let tar = case.apply(&valid);
            let tar = tar.ok_or_else(|| Stop::Fail("splices".to_owned()))?;
            let (found, code) = failed_check(tar).ok_or("valid").map_err(fail("verdict"))?;
            check(
                found == case.check && code == case.code,
                &format!("{} {} expected, {found} {code}", case.check, case.code),
            )
        });
    }
}

/// Receipts whose records are in the dossier, held against it.
fn receipts(input: &Input, tally: &mut Tally) {
    let cases: Vec<ReceiptCase> = match serde_json::from_slice(input.bytes()) {
        Ok(cases) => cases,
        Err(e) => return tally.fail(&e.to_string()),
    };
    for case in &cases {
        tally.case(format!("{} {}", case.of, case.name), || {
            let files = Parts::of_tar(&input.beside(&case.of)?);
            let receipt = BASE64_STANDARD.decode(&case.receipt);
            let receipt = receipt.map_err(fail("base64"))?;
            let found = hold(&files, &receipt).err().map(|e| e.code());
            check(
                found == case.code.as_deref(),
                &format!("{:?} expected, {found:?}", case.code),
            )
        });
    }
}

fn hold(files: &Parts, receipt: &[u8]) -> Result<(), Error> {
    let receipt = Receipt::from_file(receipt)?;
    let record = receipt.record_in(files)?;
    let record = record.ok_or_else(Receipt::record_missing)?;
    let replay = Replay::of(files)?;
    receipt.hold_against(&record, &replay).map(|_| ())
}
