//! Renewals: new time stamps over the whole dossier, before an older one ages out (spec/renewal.md).

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
use mifeng_pki::{Anchors, Certificate, RevocationList, tsp};
use mifeng_tender::Stage;
use serde::{Deserialize, Serialize};
use std::io::Write;

/// One renewal in each year for longer than anything must be kept.
const RENEWALS_MAX: u64 = 99;
/// Revocation lists of one renewal: of every CA on two paths, twice over.
const LISTS_MAX: usize = 16;
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
}

impl RenewalMaterial<'_> {
    fn put(&self, whole: &mut Overlay<'_>, n: u64) {
        if let Some(root) = self.root {
            whole.with(&layout::renewal(n, "cer"), root.der().to_vec());
        }
        for (k, list) in (1..).zip(self.crls) {
            whole.with(&list_name(n, k), list.clone());
        }
    }
}

fn list_name(n: u64, k: usize) -> String {
    layout::renewal(n, &format!("{k:02}.crl"))
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
/// root and the revocation lists that come with it are in the list.
fn list_digest(files: &dyn Files, n: u64, alg: HashAlg) -> Result<Digest, Error> {
    let mut list = alg.hasher();
    for (name, size) in files.index() {
        let own = number(name) == Some(n) && (name.ends_with(".cer") || name.ends_with(".crl"));
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
    let lists: Vec<Lists> = (1..=total)
        .map(|n| carried_lists(files, n))
        .collect::<Result<_, _>>()?;
    let known = |name: &str| lists.iter().flatten().any(|(own, _)| own == name);
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
    // The first comes before the last of the stamps over heads runs out.
    let of = |n: u64| usize::try_from(n).ok().and_then(|n| lists.get(n - 1));
    let first = stamps(replay, files)?;
    for (name, list) in of(1).into_iter().flatten() {
        first
            .iter()
            .try_for_each(|stamp| check_not_revoked(name, list, stamp))?;
    }
    let mut paths: Vec<Certificate> = first.iter().flat_map(certificates).collect();
    let mut until = first.iter().map(|stamp| stamp.authority.not_after()).max();
    let mut after = replay.records.last().map(|record| record.time);
    for n in 1..=total {
        // Its own lists, and those that were collected when it was renewed itself.
        let crls = [crls_of(of(n)), crls_of(of(n + 1))].concat();
        let (renewed, stamp) = check(replay, files, trusted, n, &crls)?;
        let own: Vec<Certificate> = certificates(&stamp).collect();
        for (name, list) in of(n).into_iter().flatten() {
            check_list(name, list, &renewed, own.iter().chain(&paths))?;
        }
        paths = own;
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

/// Revocation lists of one renewal, by name.
type Lists = Vec<(String, RevocationList)>;

fn carried_lists(files: &dyn Files, n: u64) -> Result<Lists, Error> {
    let names = (1..=LISTS_MAX).map(|k| list_name(n, k));
    let there = names.take_while(|name| files.index().contains_key(name));
    there
        .map(|name| {
            let der = files.read(&name)?;
            let list = RevocationList::parse(&der).map_err(|e| failed(format!("{name}: {e}")))?;
            Ok((name, list))
        })
        .collect()
}

fn crls_of(lists: Option<&Lists>) -> Vec<RevocationList> {
    let lists = lists.into_iter().flatten();
    lists.map(|(_, list)| list.clone()).collect()
}

fn certificates(stamp: &tsp::TimeStamp) -> impl Iterator<Item = Certificate> {
    stamp.path.certificates().to_vec().into_iter()
}

/// What stamped a head was judged by the lists of its day; a list of the renewal can say that an authority had been
/// revoked before.
fn check_not_revoked(
    name: &str,
    list: &RevocationList,
    stamp: &tsp::TimeStamp,
) -> Result<(), Error> {
    let revoked = stamp.path.certificates().iter().find(|certificate| {
        let own = certificate.issuer_raw() == list.issuer_raw();
        let entry = list.find(certificate.serial_raw()).filter(|_| own);
        entry.is_some_and(|entry| entry.from() <= stamp.gen_time)
    });
    match revoked {
        Some(certificate) => Err(failed(format!(
            "{name}: {} had been revoked when it stamped a head at {}",
            certificate.subject_name(),
            stamp.gen_time
        ))),
        None => Ok(()),
    }
}

/// A list must be of a CA on one of the two paths, which are judged with it, and not newer than the
/// stamp that covers it.
fn check_list<'a>(
    name: &str,
    list: &RevocationList,
    renewed: &Renewed,
    mut paths: impl Iterator<Item = &'a Certificate>,
) -> Result<(), Error> {
    if !paths.any(|ca| ca.subject_raw() == list.issuer_raw()) {
        return Err(Error::Failed {
            check: "V1",
            code: "file.unexpected",
            detail: format!("{name} is of no CA above a time stamp that it could be about"),
        });
    }
    if list.this_update() > renewed.at {
        let (made, at) = (list.this_update(), renewed.at);
        return Err(failed(format!(
            "{name} of {made} is newer than the stamp of {at} over it"
        )));
    }
    Ok(())
}

fn check(
    replay: &Replay,
    files: &dyn Files,
    trusted: &Trusted,
    n: u64,
    carried_crls: &[RevocationList],
) -> Result<(Renewed, tsp::TimeStamp), Error> {
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
    let imprint = alg.digest(&bytes);
    let suite = tsp::suite_of(alg.into());
    // The tender's lists are of its own suite.
    let mut crls = carried_crls.to_vec();
    if suite.id() == replay.suite().id() {
        crls.extend(replay.crls.iter().cloned());
    }
    let stamp = tsp::verify_token(&token, &imprint, alg, &anchors, &crls, suite)
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
    Ok((renewed, stamp))
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
