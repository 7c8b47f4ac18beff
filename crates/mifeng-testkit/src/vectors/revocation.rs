//! Revocation among roots of one name, and holds that were lifted: the documents are Bouncy Castle's, one file for each
//! suite, and the cases are those of both.

use super::Plan;
use super::case::{Case, Input, Stop, Tally, bytes, fail, list, same, text};
use mifeng_crypto::{GM, INTL, Suite};
use mifeng_pki::{
    Anchors, Certificate, Error, Material, OcspResponse, Policy, Purpose, RevocationList,
    RevocationRule, judge_path,
};
use serde_json::Value;

pub(super) fn plan(input: &Input) -> Option<Plan> {
    if !input.is_in("revocation") {
        return None;
    }
    Some(match input.name() {
        "cases.json" => Plan::Run(run),
        _ => Plan::Skip("read through cases.json"),
    })
}

fn run(input: &Input, tally: &mut Tally) {
    for suite in [&GM, &INTL] {
        for case in input.json().as_array().into_iter().flatten() {
            let name = case["name"].as_str().unwrap_or_default();
            tally.case(format!("{} {name}", suite.id()), || one(input, suite, case));
        }
    }
}

fn one(input: &Input, suite: &'static Suite, case: &Value) -> Case {
    let documents = input.beside(&format!("{}.json", suite.id()))?;
    let documents: Value = serde_json::from_slice(&documents).map_err(fail("documents"))?;
    let leaf = certificate(&bytes(&documents, text(case, "leaf")?)?);
    let leaf = leaf.map_err(fail("leaf"))?;
    let above = all(&documents, case, "above", certificate)?;
    let anchors = Anchors::new(all(&documents, case, "anchors", certificate)?);
    let crls = all(&documents, case, "crls", RevocationList::parse)?;
    let ocsp = all(&documents, case, "ocsp", OcspResponse::parse)?;
    let material = Material {
        intermediates: &above,
        crls: &crls,
        ocsp: &ocsp,
        answers: &[],
    };
    let at = text(case, "at")?.parse().map_err(fail("time"))?;
    let mut policy = Policy::new(Purpose::Signing, suite);
    policy.revocation = RevocationRule::IfKnown;
    let found = judge_path(&leaf, &material, &anchors, at, &policy);
    let found = found.as_ref().map_or_else(Error::code, |_| "valid");
    same("verdict", found, text(case, "expect")?)
}

fn certificate(der: &[u8]) -> Result<Certificate, Error> {
    Certificate::parse(der)
}

/// The documents that a case names, in its order.
fn all<T>(
    documents: &Value,
    case: &Value,
    member: &str,
    parse: fn(&[u8]) -> Result<T, Error>,
) -> Result<Vec<T>, Stop> {
    let names = list(case, member).iter().filter_map(Value::as_str);
    let read = |name| parse(&bytes(documents, name)?).map_err(fail(name));
    names.map(read).collect()
}
