//! Renewals: new time stamps over the whole dossier, before an older one ages out (spec/renewal.md).

mod carried;

use carried::{Carried, Judged};

use super::hash_file;
use super::overlay::{Overlay, write_tar};
use crate::bundle::Files;
use crate::receipt::TenderKeys;
use crate::replay::Replay;
use crate::report::Trusted;
use crate::trustee::stamps;
use crate::{Error, layout};
use mifeng_crypto::{Digest, HashAlg, Time, jcs};
use mifeng_pki::cms::DigestAlg;
use mifeng_pki::{Anchors, Certificate, OcspResponse, RevocationList, tsp};
use mifeng_tender::Stage;
use serde::{Deserialize, Serialize};
use std::io::Write;

/// One renewal in each year for longer than anything must be kept.
const RENEWALS_MAX: u64 = 99;
/// A statement is four short members.
const STATEMENT_LEN_MAX: usize = 1024;

/// What a renewal's time stamp is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Statement {
    v: u64,
    n: u64,
    /// `sm3` or `sha256`: of the list, its lines and the time stamp.
    alg: String,
    /// Hash of the list of files before it.
    files: Digest,
}

/// What comes with a renewal so that it can be judged later without anybody's help.
#[derive(Clone, Copy, Default)]
pub struct RenewalMaterial<'a> {
    /// The root of the authority, where the tender does not recognise it.
    pub root: Option<&'a Certificate>,
    /// Revocation lists as they stand on that day, DER: of the CAs above the authority that stamps now
    /// and above the one that is renewed.
    pub crls: &'a [Vec<u8>],
    /// OCSP responses of that day, DER: about certificates on these two paths.
    pub ocsp: &'a [Vec<u8>],
}

impl RenewalMaterial<'_> {
    fn put(&self, whole: &mut Overlay<'_>, n: u64) {
        if let Some(root) = self.root {
            whole.with(&layout::renewal(n, "cer"), root.der().to_vec());
        }
        Carried::put(self, whole, n);
    }
}

/// One renewal that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewed {
    /// Its number, from 1.
    pub n: u64,
    /// When the whole was stamped.
    pub at: Time,
    /// The authority that did.
    pub authority: String,
    /// When the authority's certificate runs out: the next renewal comes before.
    pub until: Time,
    /// The root was not recognised by the tender, and no auditor vouched for it.
    pub root_is_carried: bool,
}

fn failed(detail: impl Into<String>) -> Error {
    Error::Failed {
        check: "V2",
        code: "renewal.invalid",
        detail: detail.into(),
    }
}

/// Number of a renewal's file, if it is one.
fn number(name: &str) -> Option<u64> {
    let (n, _) = name.strip_prefix(layout::RENEWALS)?.split_once('.')?;
    n.parse().ok()
}

/// The hash over the list of every file but statement and stamp of renewal `n` and later ones: the
/// root, the revocation lists and the OCSP responses that come with it are in the list.
fn list_digest(files: &dyn Files, n: u64, alg: HashAlg) -> Result<Digest, Error> {
    let mut list = alg.hasher();
    for (name, size) in files.index() {
        let comes_with_it = name.ends_with(".cer") || carried::is_carried(name);
        let own = number(name) == Some(n) && comes_with_it;
        if number(name).is_some_and(|other| other >= n) && !own {
            continue;
        }
        let hash = hash_file(alg, files, name)?;
        list.update(format!("{hash} {size} {name}\n").as_bytes());
    }
    Ok(list.finish())
}

fn count(files: &dyn Files) -> u64 {
    let statements =
        (1..=RENEWALS_MAX).take_while(|n| files.index().contains_key(&layout::renewal(*n, "json")));
    statements.count() as u64
}

/// What is to be stamped to renew a dossier once more, with this hash and this material.
///
/// # Errors
/// [`Error::Failed`] for a bundle that is no whole dossier, [`Error::Unavailable`].
pub fn renewal_statement(
    files: &dyn Files,
    alg: HashAlg,
    material: RenewalMaterial<'_>,
) -> Result<Vec<u8>, Error> {
    let replay = Replay::of(files)?;
    if replay.state.stage() != Stage::Archived || files.index().contains_key(layout::WITHHELD) {
        return Err(failed("only a whole dossier is renewed"));
    }
    let n = count(files) + 1;
    if n > RENEWALS_MAX {
        return Err(failed(format!("more than {RENEWALS_MAX} renewals")));
    }
    let mut whole = Overlay::over(files);
    material.put(&mut whole, n);
    Ok(jcs::to_vec(&Statement {
        v: 1,
        n,
        alg: alg.name().to_owned(),
        files: list_digest(&whole, n, alg)?,
    })?)
}

/// Writes the dossier with one renewal more: a token over [`renewal_statement`], with the same material.
///
/// # Errors
/// [`Error::Failed`] if the chain of renewals would not hold.
pub fn renew(
    files: &dyn Files,
    token: &[u8],
    material: RenewalMaterial<'_>,
    out: &mut dyn Write,
) -> Result<Renewed, Error> {
    // The token says which hash was asked for.
    let stamped = tsp::Stamped::read(token)?.imprint().alg();
    let alg = [HashAlg::Sm3, HashAlg::Sha256]
        .into_iter()
        .find(|alg| DigestAlg::from(*alg) == stamped)
        .ok_or_else(|| failed("the time stamp is over neither an SM3 nor a SHA-256 hash"))?;
    let statement = renewal_statement(files, alg, material)?;
    let n = count(files) + 1;
    let mut whole = Overlay::over(files);
    whole.with(&layout::renewal(n, "json"), statement);
    whole.with(&layout::renewal(n, "tsr"), token.to_vec());
    material.put(&mut whole, n);
    let replay = Replay::of(&whole)?;
    let mut chain = renewals(&replay, &whole, &Trusted::default())?;
    write_tar(&whole, out)?;
    chain
        .pop()
        .ok_or_else(|| failed("the new renewal is not in the chain"))
}

/// Verifies the chain: each stamp is over everything before it, and was made before the
/// certificate of the one before ran out.
///
/// # Errors
/// [`Error::Failed`] of V2, or of V3 for a root that the auditor does not trust.
pub fn renewals(
    replay: &Replay,
    files: &dyn Files,
    trusted: &Trusted,
) -> Result<Vec<Renewed>, Error> {
    let total = count(files);
    let carried: Vec<Carried> = (1..=total)
        .map(|n| Carried::of(files, n))
        .collect::<Result<_, _>>()?;
    let known = |name: &str| carried.iter().any(|own| own.has(name));
    let stray = files
        .index()
        .keys()
        .find(|name| name.starts_with(layout::RENEWALS) && !is_of(name, total) && !known(name));
    if let Some(name) = stray {
        return Err(Error::Failed {
            check: "V1",
            code: "file.unexpected",
            detail: name.clone(),
        });
    }
    let mut chain: Vec<Renewed> = Vec::new();
    if total == 0 {
        return Ok(chain);
    }
    let of = |n: u64| usize::try_from(n).ok().and_then(|n| carried.get(n - 1));
    let suite = replay.suite();
    let heads = stamps(replay, files)?.into_iter();
    let mut before: Vec<Judged> = heads.map(|stamp| Judged { stamp, suite }).collect();
    if let Some(first) = of(1) {
        first.check_heads(&before)?;
    }
    // The first comes before the last of the stamps over heads runs out.
    let ends = before.iter().map(|one| one.stamp.authority.not_after());
    let mut until = ends.max();
    let mut after = replay.records.last().map(|record| record.time);
    for n in 1..=total {
        // What came with it, and what was collected when it was renewed itself.
        let known: Vec<&Carried> = of(n).into_iter().chain(of(n + 1)).collect();
        let (renewed, own) = check(replay, files, trusted, n, &known)?;
        if let Some(carried) = of(n) {
            carried.check(&own, &before)?;
        }
        before = vec![own];
        if until.is_some_and(|until| renewed.at > until) {
            return Err(failed(format!(
                "renewal {n} was made at {}, after what came before it had run out",
                renewed.at
            )));
        }
        if after.is_some_and(|after| renewed.at < after) {
            return Err(failed(format!(
                "renewal {n} of {} is older than what it renews",
                renewed.at
            )));
        }
        (until, after) = (Some(renewed.until), Some(renewed.at));
        chain.push(renewed);
    }
    Ok(chain)
}

fn is_of(name: &str, total: u64) -> bool {
    let Some(n) = number(name) else { return false };
    let own = ["json", "tsr", "cer"];
    (1..=total).contains(&n) && own.iter().any(|end| layout::renewal(n, end) == name)
}

fn check(
    replay: &Replay,
    files: &dyn Files,
    trusted: &Trusted,
    n: u64,
    known: &[&Carried],
) -> Result<(Renewed, Judged), Error> {
    let name = layout::renewal(n, "json");
    let bytes = files.read(&name)?;
    let statement: Statement =
        jcs::from_slice(&bytes, STATEMENT_LEN_MAX).map_err(|e| failed(format!("{name}: {e}")))?;
    let alg = [HashAlg::Sm3, HashAlg::Sha256]
        .into_iter()
        .find(|alg| alg.name() == statement.alg)
        .ok_or_else(|| failed(format!("{name}: hash {:?}", statement.alg)))?;
    if (statement.v, statement.n) != (1, n) || statement.files != list_digest(files, n, alg)? {
        return Err(failed(format!("{name} is not over the files before it")));
    }
    let carried = carried_root(files, n)?;
    let suite_hash = replay.suite().hash();
    let mut roots = TenderKeys::of(replay)?.anchors().certificates().to_vec();
    roots.extend(carried.clone());
    let anchors = Anchors::new(roots);
    let token = files
        .read(&layout::renewal(n, "tsr"))
        .map_err(|_| failed(format!("renewal {n} has no time stamp")))?;
    let suite = tsp::suite_of(alg.into());
    let lists = known.iter().flat_map(|carried| carried.lists());
    let mut crls: Vec<RevocationList> = lists.cloned().collect();
    let responses = known.iter().flat_map(|carried| carried.responses());
    let ocsp: Vec<OcspResponse> = responses.cloned().collect();
    // The tender's lists are of its own suite.
    if suite.id() == replay.suite().id() {
        crls.extend(replay.crls.iter().cloned());
    }
    let imprint = tsp::Imprint::new(alg.digest(&bytes), alg);
    let mut asked = tsp::TokenCheck::new(&imprint, &anchors, suite);
    (asked.material.crls, asked.material.ocsp) = (&crls, &ocsp);
    let stamp = tsp::check_token(&token, &asked)
        .map_err(|e| failed(format!("time stamp of renewal {n}: {e}")))?;
    let mut root_is_carried = false;
    if let Some(root) = carried {
        let fingerprint = root.fingerprint(suite_hash);
        let recognised = replay.state.recognised_roots().contains(&fingerprint);
        if recognised || stamp.path.anchor().der() != root.der() {
            return Err(Error::Failed {
                check: "V1",
                code: "file.unexpected",
                detail: layout::renewal(n, "cer"),
            });
        }
        root_is_carried = trusted.roots.is_empty();
        if !root_is_carried && !trusted.roots.contains(&fingerprint) {
            return Err(Error::Failed {
                check: "V3",
                code: "cert.untrusted-root",
                detail: format!(
                    "renewal {n} is by {}, which you do not trust",
                    root.subject_name()
                ),
            });
        }
    }
    let renewed = Renewed {
        n,
        at: stamp.gen_time,
        authority: stamp.authority.subject_name(),
        until: stamp.authority.not_after(),
        root_is_carried,
    };
    Ok((renewed, Judged { stamp, suite }))
}

fn carried_root(files: &dyn Files, n: u64) -> Result<Option<Certificate>, Error> {
    let name = layout::renewal(n, "cer");
    if !files.index().contains_key(&name) {
        return Ok(None);
    }
    let der = files.read(&name)?;
    let root = Certificate::parse(&der).map_err(|e| failed(format!("{name}: {e}")))?;
    Ok(Some(root))
}
