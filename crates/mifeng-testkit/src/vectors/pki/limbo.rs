//! x509-limbo: certificate paths with everything inline, under our two conformances.

use super::expectations::{Expectations, Verdict};
use crate::vectors::case::{Case, Input, Stop, Tally, fail, list, part, text};
use mifeng_crypto::{INTL, Time};
use mifeng_pki::{
    Anchors, Certificate, Conformance, Material, Policy, Purpose, RevocationList, judge_path, pem,
};
use serde_json::Value;

const EXPECTATIONS: &str = include_str!("../../../../../test-vectors/limbo/expectations.json");
/// For cases without a time of their own; their certificates hold from 1970 to 2969.
const NOW: &str = "2026-01-01T00:00:00Z";
/// Bits of the smallest RSA key of a leaf that the suite takes.
const RSA_LEAF_BITS_MIN: usize = 2_048;

pub(super) fn run(input: &Input, tally: &mut Tally) {
    let mut expectations = match Expectations::read(EXPECTATIONS) {
        Ok(read) => read,
        Err(stop) => return tally.case("expectations", || Err(stop)),
    };
    for case in list(input.json(), "testcases") {
        let modes = [
            ("strict", Conformance::Strict),
            ("field", Conformance::Field),
        ];
        for (mode, conformance) in modes {
            let name = format!("{} ({mode})", case["id"].as_str().unwrap_or("?"));
            tally.case(name, || one(case, mode, conformance, &mut expectations));
        }
    }
    let unused: Vec<&str> = expectations.unused().collect();
    tally.case("expectations that nothing met", || {
        crate::vectors::case::check(unused.is_empty(), &unused.join(", "))
    });
}

fn one(
    case: &Value,
    mode: &str,
    conformance: Conformance,
    expectations: &mut Expectations,
) -> Case {
    let id = text(case, "id")?;
    let expected: Verdict = part(case, "expected_result")?;
    if expected == Verdict::Failure && is_about_server_names(id) {
        return Err(Stop::Skip(
            "refused for the server's name, which is not ours to check",
        ));
    }
    let found = verify(case, conformance)?;
    let why = found.as_ref().err().map(String::as_str).unwrap_or("");
    expectations.judge(id, mode, expected, Verdict::of(found.is_ok()), why)
}

fn is_about_server_names(id: &str) -> bool {
    id.starts_with("webpki::san::")
        || id.starts_with("webpki::cn::")
        || id == "rfc5280::ca-as-leaf-wrong-san"
}

/// Our verdict; certificates that cannot be read are not there.
fn verify(case: &Value, conformance: Conformance) -> Result<Result<(), String>, Stop> {
    let many = |name: &str| -> Vec<Certificate> {
        let texts = list(case, name).iter().filter_map(Value::as_str);
        texts
            .filter_map(|one| pem::certificates(one).ok())
            .flatten()
            .collect()
    };
    let lists: Result<Vec<RevocationList>, _> = list(case, "crls")
        .iter()
        .filter_map(Value::as_str)
        .filter_map(|one| pem::decode("X509 CRL", one).ok())
        .flatten()
        .map(|der| RevocationList::parse(&der))
        .collect();
    let lists = match lists {
        Ok(lists) => lists,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let leaf = match pem::certificates(text(case, "peer_certificate")?) {
        Ok(leaf) if leaf.len() == 1 => leaf[0].clone(),
        Ok(_) => return Err(Stop::Fail("not one leaf".to_owned())),
        Err(error) => return Ok(Err(error.to_string())),
    };
    let anchors = Anchors::new(many("trusted_certs"));
    let intermediates = many("untrusted_intermediates");
    let material = Material {
        intermediates: &intermediates,
        crls: &lists,
        ocsp: &[],
        answers: &[],
    };
    let at = case["validation_time"]
        .as_str()
        .unwrap_or(NOW)
        .replace("+00:00", "Z");
    let at = Time::parse_rfc3339(&at).map_err(fail("validation_time"))?;
    let found = judge_path(&leaf, &material, &anchors, at, &policy(case, conformance));
    Ok(found.map(drop).map_err(|error| error.to_string()))
}

fn policy(case: &Value, conformance: Conformance) -> Policy {
    let mut policy = Policy::new(Purpose::Any, &INTL);
    policy.conformance = conformance;
    policy.rsa_leaf_bits_min = RSA_LEAF_BITS_MIN;
    policy.intermediates_max = case["max_chain_depth"].as_u64();
    // id-kp-serverAuth and id-kp-clientAuth.
    let usage = match case["validation_kind"].as_str() {
        Some("CLIENT") => "1.3.6.1.5.5.7.3.2",
        _ => "1.3.6.1.5.5.7.3.1",
    };
    policy.extended_usage = Some(usage.to_owned());
    policy
}
