//! Trust lists: versions that follow one another, what they say of certificates, and chains whose
//! last version is refused for one fault.

use super::Plan;
use super::case::{Case, Input, Stop, Tally, bytes, check, digest, fail, list, part, same, text};
use mifeng_crypto::{Suite, Time};
use mifeng_pki::trust::{Presented, SignedTrustList, TrustChain, Usage};
use mifeng_pki::{Certificate, Error, RevocationList};
use serde_json::Value;

pub(super) fn plan(input: &Input) -> Option<Plan> {
    let own = input.is_in("trust") && input.json()["versions"].is_array();
    own.then_some(Plan::Run(run))
}

fn run(input: &Input, tally: &mut Tally) {
    let json = input.json();
    if !json["expect"].is_null() {
        tally.case("refused", || refused(json));
        return;
    }
    let mut chain = None;
    tally.case("versions", || {
        chain = Some(followed(json)?);
        Ok(())
    });
    for case in list(json, "judged") {
        tally.case(&case["name"], || {
            let chain = chain.as_ref();
            judged(chain.ok_or(Stop::Skip("its list was refused"))?, case)
        });
    }
}

fn time(value: &Value, name: &str) -> Result<Time, Stop> {
    text(value, name)?.parse().map_err(fail("time"))
}

/// Takes versions in, each at its instant.
struct Reader {
    suite: &'static Suite,
    crls: Vec<RevocationList>,
    chain: Option<TrustChain>,
}

impl Reader {
    fn new(json: &Value) -> Result<Self, Stop> {
        let crls: Vec<String> = part(json, "crls")?;
        let crls = crls.iter().map(|crl| {
            let der = hex::decode(crl).map_err(fail("revocation list"))?;
            RevocationList::parse(&der).map_err(fail("revocation list"))
        });
        Ok(Reader {
            suite: Suite::by_id(text(json, "suite")?).map_err(fail("suite"))?,
            crls: crls.collect::<Result<_, _>>()?,
            chain: None,
        })
    }

    /// The refusal, if it is one; an error is the vector's own.
    fn take(&mut self, version: &Value) -> Result<Result<(), Error>, Stop> {
        let (file, at) = (file(version)?, time(version, "taken")?);
        let signed = match SignedTrustList::from_file(&file) {
            Ok(signed) => signed,
            Err(error) => return Ok(Err(error)),
        };
        Ok(match &mut self.chain {
            Some(chain) => chain.add(&signed, at, &self.crls).map(|_| ()),
            None => TrustChain::start(&signed, self.suite, at, &self.crls)
                .map(|chain| self.chain = Some(chain)),
        })
    }

    fn len(&self) -> usize {
        self.chain.as_ref().map_or(0, |c| c.versions().len())
    }
}

/// The file as it stands, or one of a list of so many spaces and a signature of so many zeros.
fn file(version: &Value) -> Result<Vec<u8>, Stop> {
    if version["file"].is_string() {
        return Ok(text(version, "file")?.as_bytes().to_vec());
    }
    let (spaces, zeros) = (part(version, "list_spaces")?, part(version, "sig_zeros")?);
    let signed = SignedTrustList {
        body: vec![b' '; spaces],
        signature: vec![0; zeros],
    };
    signed.to_file().map_err(fail("file"))
}

fn followed(json: &Value) -> Result<TrustChain, Stop> {
    let mut reader = Reader::new(json)?;
    for (index, version) in list(json, "versions").iter().enumerate() {
        reader.take(version)?.map_err(fail("version"))?;
        let last = reader.chain.as_ref().map(TrustChain::last);
        let found = last.map(|version| version.digest());
        same("digest", found, Some(digest(version, "digest")?))?;
        check(reader.len() == index + 1, "a version was not kept")?;
    }
    reader.chain.ok_or(Stop::Fail("no version".to_owned()))
}

/// Every version but the last is taken; the last is refused by its code, and changes nothing.
fn refused(json: &Value) -> Case {
    let mut reader = Reader::new(json)?;
    let versions = list(json, "versions");
    let missing = || Stop::Fail("no version".to_owned());
    let (last, before) = versions.split_last().ok_or_else(missing)?;
    for version in before {
        reader.take(version)?.map_err(fail("version before"))?;
    }
    let Err(error) = reader.take(last)? else {
        return Err(Stop::Fail("accepted".to_owned()));
    };
    let (found, says) = (error.code(), error.to_string());
    let (code, message) = (
        text(&json["expect"], "error")?,
        text(&json["expect"], "message")?,
    );
    check(found == code, &format!("{found} ({says}), expected {code}"))?;
    // Which rule it is, where ours has words of its own for it.
    let agrees = message.is_empty() || says == message;
    check(agrees, &format!("{says}, expected {message}"))?;
    check(reader.len() == before.len(), "refused, but kept")
}

/// A certificate under the version in force.
fn judged(chain: &TrustChain, case: &Value) -> Case {
    let at = time(case, "at")?;
    let leaf = Certificate::parse(&bytes(case, "leaf")?).map_err(fail("certificate"))?;
    let usage: Usage = part(case, "usage")?;
    let version = chain.in_force(at);
    let version = version.ok_or(Stop::Fail("no version in force".to_owned()))?;
    let expect = &case["expect"];
    same(
        "version",
        &version.list().version,
        &part(expect, "version")?,
    )?;
    let presented = Presented {
        leaf: &leaf,
        intermediates: &[],
        crls: &[],
        ocsp: &[],
        answers: &[],
        at,
    };
    match version.recognise(&presented, usage, at) {
        Ok(found) => {
            check(expect["error"].is_null(), "recognised")?;
            same("CA", found.ca.as_str(), text(expect, "ca")?)?;
            same("code", found.code, part(expect, "code")?)
        }
        Err(error) => {
            let found = error.code();
            check(expect["error"] == found, &format!("{found} ({error})"))
        }
    }
}
