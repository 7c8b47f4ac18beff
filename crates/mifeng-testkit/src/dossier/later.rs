//! What becomes of a dossier later: shown to the public, renewed; and both broken.

use super::broken::tar;
use super::{Broken, Story, make};
use crate::world::{Cast, Parts, secs};
use mifeng::crypto::Suite;
use mifeng::pki::issue::CertificateAuthority;
use mifeng::pki::tsp;
use mifeng::{Files, RenewalMaterial, Replay, public_export, renew, renewal_statement};
use std::collections::BTreeMap;

/// When it is renewed, seconds after the start.
pub(super) const RENEWED: i64 = 30 * 86_400;

/// The public export of an awarded tender: its bids and the signatures of its experts are withheld.
pub(super) fn public(suite: &'static Suite) -> Vec<u8> {
    let mut out = Vec::new();
    let whole = Parts::of_tar(&make(suite, Story::Awarded));
    public_export(&whole, &mut out).expect("a dossier");
    out
}

pub(super) fn list(ca: &CertificateAuthority, from: i64) -> Vec<u8> {
    let list = ca.revocation_list(&[], secs(from), secs(from + 90 * 86_400), 2);
    list.expect("a list")
}

/// The dossier renewed once by the tender's own authority, with the lists of that day.
pub(super) fn renewed(suite: &'static Suite, dossier: &[u8]) -> Vec<u8> {
    let cast = Cast::new(suite, "dossier");
    let crls = [
        list(&cast.ca, RENEWED - 60),
        list(&cast.root_ca, RENEWED - 60),
    ];
    with_lists(&cast, dossier, &crls).expect("renewed")
}

fn with_lists(cast: &Cast, dossier: &[u8], crls: &[Vec<u8>]) -> Result<Vec<u8>, mifeng::Error> {
    let files = Parts::of_tar(dossier);
    let material = RenewalMaterial {
        crls,
        ..RenewalMaterial::default()
    };
    let alg = cast.suite.hash();
    let text = renewal_statement(&files, alg, material)?;
    let request = tsp::Request::new(alg.digest(&text), alg, None);
    let signer = &cast.tsa.signer;
    let token = tsp::respond(signer, "1.3.6.1.4.1.32473.1", 9, secs(RENEWED), &request);
    let token = token.expect("stamped");
    let mut out = Vec::new();
    renew(&files, &token, material, &mut out)?;
    Ok(out)
}

fn broken(name: &'static str, check: &'static str, parts: BTreeMap<String, Vec<u8>>) -> Broken {
    Broken {
        name,
        check,
        tar: tar(&parts),
    }
}

/// Broken exports, and broken renewals.
pub(super) fn broken_later(
    suite: &'static Suite,
    public: &[u8],
    renewed: &[u8],
) -> (Vec<Broken>, Vec<Broken>) {
    (exports(suite, public), renewals(suite, renewed))
}

fn exports(suite: &'static Suite, public: &[u8]) -> Vec<Broken> {
    let files = Parts::of_tar(public);
    let replay = Replay::of(&files).expect("replays");
    let list = String::from_utf8(files.parts["withheld.txt"].clone()).expect("text");
    let with = |text: String| {
        let mut parts = files.parts.clone();
        parts.insert("withheld.txt".to_owned(), text.into_bytes());
        parts
    };
    // The agency's own signature is left out as well.
    let notice = replay.records.iter().find(|r| r.kind == "tender.publish");
    let name = format!("sig/{}.p7s", notice.expect("a notice").signature);
    let mut without = files.parts.clone();
    let signature = without.remove(&name).expect("there");
    let hash = suite.hash().digest(&signature);
    let mut lines: Vec<String> = list.lines().map(str::to_owned).collect();
    lines.push(format!("{hash} {} {name}", signature.len()));
    lines.sort_by(|a, b| a.split(' ').nth(2).cmp(&b.split(' ').nth(2)));
    without.insert(
        "withheld.txt".to_owned(),
        (lines.join("\n") + "\n").into_bytes(),
    );
    let last = list.trim_end().rsplit('\n').next().expect("a line");
    let (hash, rest) = last.split_once(' ').expect("a hash");
    let other = if hash.starts_with('0') { '1' } else { '0' };
    let misnamed = list.replace(last, &format!("{other}{} {rest}", &hash[1..]));
    let forgotten = list.replace(&format!("{last}\n"), "");
    let mut both = files.parts.clone();
    let back = rest.split_once(' ').expect("a name").1;
    both.insert(back.to_owned(), b"x".to_vec());
    let longer = {
        let (size, name) = rest.split_once(' ').expect("a size");
        list.replace(last, &format!("{hash} 1{size} {name}"))
    };
    let index = files.index();
    assert!(!index.keys().any(|name| name.starts_with("seal/")));
    vec![
        broken("withheld-signature-of-the-agency", "V1", without),
        broken("withheld-signature-misnamed", "V1", with(misnamed)),
        broken("withheld-signature-forgotten", "V1", with(forgotten)),
        broken("withheld-signature-of-another-size", "V1", with(longer)),
        broken("withheld-signature-there", "V1", both),
    ]
}

fn renewals(suite: &'static Suite, renewed: &[u8]) -> Vec<Broken> {
    let parts = Parts::of_tar(renewed).parts;
    let cast = Cast::new(suite, "dossier");
    let without = |name: &str| {
        let mut other = parts.clone();
        other.remove(name).expect("there");
        other
    };
    let with = |name: &str, content: Vec<u8>| {
        let mut other = parts.clone();
        other.insert(name.to_owned(), content);
        other
    };
    let more = list(&cast.ca, RENEWED - 30);
    vec![
        broken(
            "renewal-without-its-stamp",
            "V2",
            without("renewal/0001.tsr"),
        ),
        broken("renewal-list-missing", "V2", without("renewal/0001.02.crl")),
        broken("renewal-list-gap", "V1", without("renewal/0001.01.crl")),
        broken(
            "renewal-list-added",
            "V2",
            with("renewal/0001.03.crl", more.clone()),
        ),
        broken(
            "renewal-list-of-no-renewal",
            "V1",
            with("renewal/0002.01.crl", more.clone()),
        ),
        broken(
            "renewal-list-changed",
            "V2",
            with("renewal/0001.01.crl", more),
        ),
        broken(
            "renewal-statement-missing",
            "V1",
            without("renewal/0001.json"),
        ),
    ]
}
