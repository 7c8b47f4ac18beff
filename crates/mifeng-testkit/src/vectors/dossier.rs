//! Our own files of `dossier/`: valid ones, and a manifest of broken ones.

use super::Plan;
use super::case::{Input, Stop, Tally, check, fail};
use crate::dossier::Manifest;
use crate::flip::failed_check;

pub(super) fn plan(input: &Input) -> Option<Plan> {
    if !input.is_in("dossier") {
        return None;
    }
    if input.name() == "manifest.json" {
        return Some(Plan::Run(broken));
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
