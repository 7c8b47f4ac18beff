//! NIST PKITS: paths, policies and revocation lists, with keys of our suites (see `transplant`).

use super::expectations::{Expectations, Verdict};
use super::transplant::Transplant;
use crate::vectors::case::{Case, Input, Stop, Tally, check, fail, list, part, text};
use mifeng_crypto::{GM, INTL, KeyAlg, Suite, Time};
use mifeng_pki::{
    Anchors, Certificate, Material, Policy, Purpose, RevocationList, RevocationRule, judge_path,
};
use serde_json::Value;
use std::collections::BTreeMap;

const EXPECTATIONS: &str = include_str!("../../../../../test-vectors/pkits/expectations.json");
/// Within the years of the suite's certificates and lists, 2001 to 2011.
const NOW: &str = "2011-01-01T00:00:00Z";
/// The arc below which NIST-test-policy-1 and the others are numbered.
const POLICY_ARC: &str = "2.16.840.1.101.3.2.1.48.";

/// All certificates and lists of the suite with keys of one of ours, by file name.
struct World {
    certificates: BTreeMap<String, Vec<u8>>,
    lists: BTreeMap<String, Vec<u8>>,
}

pub(super) fn run(input: &Input, tally: &mut Tally) {
    let mut expectations = match Expectations::read(EXPECTATIONS) {
        Ok(read) => read,
        Err(stop) => return tally.case("expectations", || Err(stop)),
    };
    let suites: [(&'static Suite, KeyAlg); 2] = [(&INTL, KeyAlg::P256), (&GM, KeyAlg::Sm2)];
    for (suite, alg) in suites {
        let world = match world(input, alg) {
            Ok(world) => world,
            Err(stop) => return tally.case(suite.id(), || Err(stop)),
        };
        for case in input.json().as_array().into_iter().flatten() {
            let name = format!("{} ({})", case["Name"].as_str().unwrap_or("?"), suite.id());
            tally.case(name, || one(case, &world, suite, &mut expectations));
        }
    }
    let unused: Vec<&str> = expectations.unused().collect();
    tally.case("expectations that nothing met", || {
        check(unused.is_empty(), &unused.join(", "))
    });
}

/// The files named by any case, read and transplanted.
fn world(input: &Input, alg: KeyAlg) -> Result<World, Stop> {
    let files = |member: &str, folder: &str| -> Result<BTreeMap<String, Vec<u8>>, Stop> {
        let cases = input.json().as_array().into_iter().flatten();
        let names = cases
            .flat_map(|case| list(case, member))
            .filter_map(Value::as_str);
        let mut out = BTreeMap::new();
        for name in names {
            if !out.contains_key(name) {
                out.insert(name.to_owned(), input.beside(&format!("{folder}/{name}"))?);
            }
        }
        Ok(out)
    };
    let (mut certificates, mut lists) = (files("CertPath", "certs")?, files("CRLPath", "crls")?);
    let all: Vec<Vec<u8>> = certificates.values().cloned().collect();
    let transplant = Transplant::new(&all, alg).map_err(fail("keys"))?;
    for der in certificates.values_mut() {
        *der = transplant.certificate(der).map_err(fail("certificate"))?;
    }
    for der in lists.values_mut() {
        *der = transplant.list(der).map_err(fail("list"))?;
    }
    Ok(World {
        certificates,
        lists,
    })
}

fn one(
    case: &Value,
    world: &World,
    suite: &'static Suite,
    expectations: &mut Expectations,
) -> Case {
    let expected = Verdict::of(part(case, "ShouldValidate")?);
    let found = verify(case, world, suite)?;
    let why = found.as_ref().err().map(String::as_str).unwrap_or("");
    let id = text(case, "Name")?;
    expectations.judge(id, suite.id(), expected, Verdict::of(found.is_ok()), why)
}

fn verify(case: &Value, world: &World, suite: &'static Suite) -> Result<Result<(), String>, Stop> {
    let names = |member: &str| list(case, member).iter().filter_map(Value::as_str);
    let mut path = Vec::new();
    for name in names("CertPath") {
        match Certificate::parse(&world.certificates[name]) {
            Ok(certificate) => path.push(certificate),
            Err(error) => return Ok(Err(format!("{name}: {error}"))),
        }
    }
    let mut lists = Vec::new();
    for name in names("CRLPath") {
        match RevocationList::parse(&world.lists[name]) {
            Ok(list) => lists.push(list),
            Err(error) => return Ok(Err(format!("{name}: {error}"))),
        }
    }
    let [anchor, between @ .., leaf] = &path[..] else {
        return Err(Stop::Fail("a path of less than two".to_owned()));
    };
    let material = Material {
        intermediates: between,
        crls: &lists,
        ocsp: &[],
        answers: &[],
    };
    let at = Time::parse_rfc3339(NOW).map_err(fail("time"))?;
    let anchors = Anchors::new(vec![anchor.clone()]);
    let found = judge_path(leaf, &material, &anchors, at, &policy(case, suite)?);
    Ok(found.map(drop).map_err(|error| error.to_string()))
}

fn policy(case: &Value, suite: &'static Suite) -> Result<Policy, Stop> {
    let mut policy = Policy::new(Purpose::Any, suite);
    policy.revocation = RevocationRule::Required;
    let wanted = list(case, "InitialPolicySet")
        .iter()
        .filter_map(Value::as_str);
    for name in wanted.filter(|name| *name != "anyPolicy") {
        let number = name.strip_prefix("NIST-test-policy-");
        let number = number.ok_or_else(|| Stop::Fail(format!("unknown policy {name}")))?;
        policy
            .policies
            .acceptable
            .push(format!("{POLICY_ARC}{number}"));
    }
    policy.policies.explicit = part(case, "InitialExplicitPolicy")?;
    policy.policies.inhibit_mapping = part(case, "InitialPolicyMappingInhibit")?;
    policy.policies.inhibit_any = part(case, "InitialAnyPolicyInhibit")?;
    Ok(policy)
}
