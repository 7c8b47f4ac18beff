//! Time stamps of other authorities.

use super::Plan;
use super::case::{Case, Input, Stop, Tally, bytes, check, fail, list, same, text};
use mifeng_crypto::Suite;
use mifeng_pki::cms::DigestAlg;
use mifeng_pki::tsp::{self, Imprint, Request, TimeStamp, TokenCheck, check_token};
use mifeng_pki::{Anchors, Certificate, Error, pem};

pub(super) fn plan(input: &Input) -> Option<Plan> {
    let name = input.name();
    if input.has_folder("dss") || input.has_folder("fuzz-seeds") {
        return None;
    }
    if input.is_in("timestamp") && input.json()["stamped"].is_string() {
        return Some(Plan::Run(own));
    }
    if name.ends_with(".tsr") {
        return Some(Plan::Run(response));
    }
    if name.ends_with(".tsq") || (name.ends_with("request.der") && input.has_folder("rfc3161")) {
        return Some(Plan::Run(request));
    }
    let beside = ["token.der", "message.bin"].contains(&name) && input.is_in("tsp");
    (beside || name == "ts_chain.pem").then_some(Plan::Skip("read with its response"))
}

/// Our own requests and responses, and what is wrong with bent ones.
fn own(input: &Input, tally: &mut Tally) {
    let json = input.json();
    for case in list(json, "cases") {
        tally.case(&case["name"], || {
            let suite = Suite::by_id(text(json, "suite")?).map_err(fail("suite"))?;
            let anchor = Certificate::parse(&bytes(json, "anchor")?).map_err(fail("anchor"))?;
            let anchors = Anchors::new(vec![anchor]);
            let request = Request::parse(&bytes(case, "request")?).map_err(fail("request"))?;
            same("request", request.to_der(), bytes(case, "request")?)?;
            let imprint = Imprint::of(&bytes(json, "stamped")?, DigestAlg::from(suite.hash()));
            let mut against = TokenCheck::new(&imprint, &anchors, suite);
            against.nonce = request.nonce();
            against.now = Some(text(json, "now")?.parse().map_err(fail("now"))?);
            let found = tsp::unwrap_response(&bytes(case, "response")?)
                .and_then(|token| check_token(&token, &against));
            let found = match found {
                Ok(stamp) => stamp.gen_time.to_string(),
                Err(error) => error.code().to_owned(),
            };
            let expected = text(case, "expect")?;
            check(found == expected, &format!("{found}, expected {expected}"))
        });
    }
}

/// A request is read, and what is written of it is read as the same.
fn request(input: &Input, tally: &mut Tally) {
    tally.case("read and write", || {
        let request = Request::parse(input.bytes()).map_err(fail("parse"))?;
        let again = Request::parse(&request.to_der()).map_err(fail("again"))?;
        same("what was read again", again, request)
    });
}

/// A response with its request and its authority's certificates beside it.
fn response(input: &Input, tally: &mut Tally) {
    tally.case("verify", || {
        let other = input.name().starts_with("other_");
        let names: &[&str] = if other {
            &["other_request.der"]
        } else {
            &["request.tsq", "request.der"]
        };
        let request = names.iter().find_map(|name| input.beside(name).ok());
        let Some(request) = request else {
            return Err(Stop::Skip("its request is not beside it"));
        };
        let request = Request::parse(&request).map_err(fail("request"))?;
        stamped(input, &request)
    });
}

fn stamped(input: &Input, request: &Request) -> Case {
    let token = tsp::unwrap_response(input.bytes()).map_err(fail("response"))?;
    if let Ok(beside) = input.beside("token.der") {
        same("token", &token, &beside)?;
    }
    if let Ok(message) = input.beside("message.bin") {
        let imprint = Imprint::of(&message, request.imprint().alg());
        same("imprint", &imprint, request.imprint())?;
    }
    let chain = ["ca.crt.pem", "ts_chain.pem"];
    let Some(chain) = chain.iter().find_map(|name| input.beside(name).ok()) else {
        return Err(Stop::Skip("its authority is not beside it"));
    };
    let chain = String::from_utf8(chain).map_err(fail("PEM"))?;
    let chain = pem::certificates(&chain).map_err(fail("authority"))?;
    let root = |c: &&Certificate| c.is_ca() && c.subject_raw() == c.issuer_raw();
    let anchors = Anchors::new(chain.iter().filter(root).cloned().collect());
    let verify = |imprint: &Imprint, anchors: &Anchors, nonce: Option<&[u8]>| {
        let suite = tsp::suite_of(request.imprint().alg());
        let mut against = TokenCheck::new(imprint, anchors, suite);
        against.material.intermediates = &chain;
        against.nonce = nonce;
        check_token(&token, &against)
    };
    let code = |found: Result<TimeStamp, Error>| found.err().map(|e| e.code());
    let imprint = request.imprint();
    if input.name().starts_with("other_") {
        // Of another authority with the same names: its CA is not the one beside it.
        let found = code(verify(imprint, &anchors, None));
        return same("code", found, Some("pki.ca-rule"));
    }
    verify(imprint, &anchors, None).map_err(fail("token"))?;
    let other = Imprint::of(b"another", imprint.alg());
    let found = verify(&other, &anchors, None);
    same("another imprint", code(found), Some("pki.digest-mismatch"))?;
    let found = verify(imprint, &Anchors::default(), None);
    same("no anchor", code(found), Some("pki.unlisted-ca"))?;
    verify(imprint, &anchors, request.nonce()).map_err(fail("nonce of the request"))?;
    let found = verify(imprint, &anchors, Some(&[1, 2, 3]));
    same("another nonce", code(found), Some("pki.time-stamp"))
}
