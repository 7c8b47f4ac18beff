//! The parts of a bundle, read and checked one by one.

use super::{BEATS_LEN_MAX, Beat, failed};
use crate::bundle::Files;
use crate::dossier::Withheld;
use crate::{Error, layout};
use mifeng_crypto::{Digest, HashAlg, Suite, Time, cores, jcs};
use mifeng_log::{Entry, LogTree, NoteVerifier, SignedCheckpoint, tiles};
use mifeng_pki::{Certificate, RevocationList, cms};
use mifeng_record::{Record, SignedRecord};
use mifeng_tender::Ahead;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// Records that are worked on together: enough for many cores, and what was computed of one that is not reached is lost.
const TOGETHER_MAX: usize = 256;
/// Of these, records that one core works on at once: their signatures and proofs fill eight lanes twice.
const SIDE_BY_SIDE: usize = 16;
/// Bytes that they hold together, as they are all in memory.
const TOGETHER_LEN_MAX: u64 = 16 << 20;

/// Entries of the SHA-256 tiles, which must be exactly the tiles of those entries; in gm-1 the SM3
/// tiles as well.
pub(crate) fn entries(files: &dyn Files) -> Result<Vec<Vec<u8>>, Error> {
    let note = files
        .read(layout::CHECKPOINT)
        .map_err(|e| failed("V1", "file.missing", e.to_string()))?;
    let size = unsigned_checkpoint(&note)?.size();
    let under = |prefix: &str| -> Result<BTreeMap<String, Vec<u8>>, Error> {
        let mut found = files.read_all(&format!("{prefix}tile/"))?;
        Ok(std::mem::take(&mut found)
            .into_iter()
            .map(|(name, bytes)| (format!("tile/{name}"), bytes))
            .collect())
    };
    let log_failed = |e: mifeng_log::Error| failed("V2", e.code(), e.to_string());
    let entries = tiles::read(HashAlg::Sha256, size, &under(layout::TILES)?).map_err(log_failed)?;
    if files.index().contains_key(layout::CHECKPOINT_SM3) {
        let again =
            tiles::read(HashAlg::Sm3, size, &under(layout::TILES_SM3)?).map_err(log_failed)?;
        if again != entries {
            return Err(failed(
                "V2",
                "log.trees-differ",
                "the two trees hold other entries",
            ));
        }
    }
    Ok(entries)
}

fn unsigned_checkpoint(note: &[u8]) -> Result<mifeng_log::Checkpoint, Error> {
    let broken = |e: mifeng_log::Error| failed("V2", e.code(), format!("log/checkpoint: {e}"));
    let note = mifeng_log::Note::parse(note).map_err(broken)?;
    mifeng_log::Checkpoint::parse(note.text()).map_err(broken)
}

#[derive(Deserialize)]
struct FirstBody {
    origin: String,
    data: mifeng_tender::LogConfig,
}

fn first(files: &dyn Files, entries: &[Vec<u8>]) -> Result<FirstBody, Error> {
    let bad = |detail: &str| failed("V4", "log.config", detail);
    let entry = entries.first().ok_or_else(|| bad("the log is empty"))?;
    let Ok(Entry::Record { body, .. }) = Entry::parse(entry) else {
        return Err(bad("the first entry is not log.config"));
    };
    let bytes = files
        .read(&layout::body(&body))
        .map_err(|e| failed("V1", "file.missing", e.to_string()))?;
    serde_json::from_slice(&bytes).map_err(|_| bad("the first record is not log.config"))
}

/// Suite and origin, as the first record says; the record is verified when it is applied.
pub(crate) fn first_facts(
    files: &dyn Files,
    entries: &[Vec<u8>],
) -> Result<(&'static Suite, String), Error> {
    let first = first(files, entries)?;
    let suite = Suite::by_id(&first.data.suite)?;
    Ok((suite, first.origin))
}

fn config(files: &dyn Files, entries: &[Vec<u8>]) -> Result<mifeng_tender::LogConfig, Error> {
    Ok(first(files, entries)?.data)
}

/// The signed head of the authoritative tree.
pub(crate) fn checkpoint(
    files: &dyn Files,
    suite: &'static Suite,
    origin: &str,
    entries: &[Vec<u8>],
) -> Result<SignedCheckpoint, Error> {
    let config = config(files, entries)?;
    let (name, key) = match (suite.hash(), &config.key_sm3) {
        (HashAlg::Sha256, None) => (layout::CHECKPOINT, &config.key),
        (HashAlg::Sm3, Some(key)) => (layout::CHECKPOINT_SM3, key),
        _ => return Err(failed("V4", "log.config", "keys do not fit the suite")),
    };
    let verifier = NoteVerifier::parse(key).map_err(|e| failed("V2", e.code(), e.to_string()))?;
    if verifier.name() != LogTree::authoritative_origin(suite, origin) {
        return Err(failed("V2", "log.origin", "the log's key has another name"));
    }
    let bytes = files
        .read(name)
        .map_err(|e| failed("V1", "file.missing", e.to_string()))?;
    let signed = SignedCheckpoint::verify(&bytes, &verifier)
        .map_err(|e| failed("V2", e.code(), e.to_string()))?;
    if signed.note().signatures().len() != 1 {
        return Err(failed(
            "V2",
            "log.signatures",
            format!("one signature expected on {name}"),
        ));
    }
    Ok(signed)
}

/// The signed heads are those of the entries; in gm-1 that of the SHA-256 tree as well.
pub(crate) fn check_roots(
    files: &dyn Files,
    tree: &LogTree,
    signed: &SignedCheckpoint,
    entries: &[Vec<u8>],
) -> Result<(), Error> {
    let head = signed.checkpoint();
    if head.size() != tree.size() || head.root() != tree.root() {
        return Err(failed(
            "V2",
            "log.root",
            "the signed head is not the root of the entries",
        ));
    }
    if tree.suite().hash() != HashAlg::Sm3 {
        return Ok(());
    }
    let verifier = NoteVerifier::parse(&config(files, entries)?.key)?;
    let note = files.read(layout::CHECKPOINT)?;
    let signed = SignedCheckpoint::verify(&note, &verifier)
        .map_err(|e| failed("V2", e.code(), e.to_string()))?;
    let head = signed.checkpoint();
    if head.size() != tree.size() || head.root() != tree.sha256_tree().root() {
        return Err(failed(
            "V2",
            "log.root",
            "the SHA-256 head is not the root of the entries",
        ));
    }
    if signed.note().signatures().len() != 1 {
        return Err(failed(
            "V2",
            "log.signatures",
            "one signature expected on log/checkpoint",
        ));
    }
    Ok(())
}

pub(super) fn read_beats(files: &dyn Files) -> Result<Option<Vec<Beat>>, Error> {
    if !files.index().contains_key(layout::BEATS) {
        return Ok(None);
    }
    let bytes = files.read(layout::BEATS)?;
    jcs::from_slice(&bytes, BEATS_LEN_MAX)
        .map(Some)
        .map_err(|e| failed("V2", e.code(), format!("log/beats.json: {e}")))
}

/// The bytes of one record; none of its signature where that is withheld.
struct Parts {
    text: Vec<u8>,
    signature: Option<Result<Vec<u8>, Error>>,
}

fn read(
    files: &dyn Files,
    (body, sig): (&Digest, &Digest),
    withheld: &Withheld,
) -> Result<Parts, Error> {
    let part = |name: String| {
        let bytes = files.read(&name);
        bytes.map_err(|e| failed("V1", "file.missing", e.to_string()))
    };
    let name = layout::signature(sig);
    Ok(Parts {
        text: part(layout::body(body))?,
        signature: match withheld.contains_key(&name) {
            true => None,
            false => Some(part(name)),
        },
    })
}

/// A record that waits for its signature to be verified, or has none here.
enum Unverified {
    Signed(SignedRecord),
    Unsigned(Box<Record>),
}

/// The parts have the hashes that they are named by.
fn check_hashes(
    parts: Parts,
    suite: &'static Suite,
    (body, sig): (&Digest, &Digest),
) -> Result<Unverified, Error> {
    let check = |bytes: &[u8], hash: &Digest, name: String| {
        if suite.hash().digest(bytes) == *hash {
            return Ok(());
        }
        let detail = format!("{name} does not have the hash in its name");
        Err(failed("V1", "file.hash", detail))
    };
    check(&parts.text, body, layout::body(body))?;
    let Some(signature) = parts.signature else {
        let record = Record::unsigned(&parts.text, *sig, suite);
        let record = record.map_err(refused(body))?;
        return Ok(Unverified::Unsigned(Box::new(record)));
    };
    let signature = signature?;
    check(&signature, sig, layout::signature(sig))?;
    Ok(Unverified::Signed(SignedRecord {
        body: parts.text,
        signature,
    }))
}

fn refused(body: &Digest) -> impl Fn(mifeng_record::Error) -> Error + use<'_> {
    move |e| failed("V4", e.code(), format!("body/{body}: {e}"))
}

/// Verifies records in this thread, side by side.
fn verify_each(
    all: Vec<(&Listed, Result<Parts, Error>)>,
    suite: &'static Suite,
    seen: &cms::Seen,
) -> Vec<Result<Record, Error>> {
    let mut signed = Vec::new();
    let each = all.into_iter().map(|((body, sig, _), parts)| {
        let checked = check_hashes(parts?, suite, (body, sig))?;
        Ok(match checked {
            Unverified::Unsigned(record) => (body, Some(*record)),
            Unverified::Signed(record) => {
                signed.push(record);
                (body, None)
            }
        })
    });
    let each: Vec<Result<(&Digest, Option<Record>), Error>> = each.collect();
    let mut verified = Record::verify_each(&signed, suite, seen).into_iter();
    let each = each.into_iter();
    each.map(|one| match one? {
        (_, Some(record)) => Ok(record),
        (body, None) => match verified.next() {
            Some(record) => record.map_err(refused(body)),
            None => Err(failed("V1", "file.missing", "a record")),
        },
    })
    .collect()
}

/// Loads and verifies one record; of one whose signature is withheld only the body is looked at.
pub(crate) fn load(
    files: &dyn Files,
    suite: &'static Suite,
    of: (&Digest, &Digest),
    withheld: &Withheld,
) -> Result<Record, Error> {
    let parts = read(files, of, withheld);
    let listed = (*of.0, *of.1, None);
    let mut one = verify_each(vec![(&listed, parts)], suite, &cms::Seen::default());
    one.pop()
        .unwrap_or(Err(failed("V1", "file.missing", "a record")))
}

/// A record of the log: the hashes of body and signature, and when it was received if it came in a beat.
pub(super) type Listed = (Digest, Digest, Option<Time>);

/// How many records from the front are worked on together: as many as hold so many bytes, at least one.
pub(super) fn together(files: &dyn Files, records: &[Listed]) -> usize {
    let index = files.index();
    let len = |name: String| index.get(&name).copied().unwrap_or(0);
    let mut sum = 0_u64;
    let fits = |(body, sig, _): &&Listed| {
        sum = sum.saturating_add(len(layout::body(body)) + len(layout::signature(sig)));
        sum <= TOGETHER_LEN_MAX
    };
    let count = records.iter().take(TOGETHER_MAX).take_while(fits).count();
    count.max(1).min(records.len())
}

impl super::Replay {
    /// Loads and verifies records on all cores, and computes of each what needs no order. What is wrong with one is told in
    /// its turn.
    pub(super) fn load_all(
        &self,
        files: &dyn Files,
        records: &[Listed],
    ) -> Vec<Result<(Record, Ahead), Error>> {
        let suite = self.suite();
        let trust = self.trust();
        // Alone, a core gains nothing by looking ahead.
        let looks_ahead = cores::count() > 1;
        let parts = records.iter().map(|listed| {
            let (body, sig, _) = listed;
            (listed, read(files, (body, sig), &self.withheld))
        });
        let mut parts: Vec<_> = parts.collect();
        let mut groups = Vec::new();
        while !parts.is_empty() {
            let rest = parts.split_off(parts.len().min(SIDE_BY_SIDE));
            groups.push(Mutex::new(std::mem::replace(&mut parts, rest)));
        }
        let done = cores::map(&groups, |group| {
            // Each is taken once, so nobody waits and nobody finds it gone.
            let group = group.lock().map(|mut group| std::mem::take(&mut *group));
            let group = group.unwrap_or_default();
            let times: Vec<Option<Time>> = group.iter().map(|((_, _, at), _)| *at).collect();
            let loaded = verify_each(group, suite, self.state.seen());
            let mut ahead = match looks_ahead {
                false => Vec::new(),
                true => {
                    let good = loaded.iter().zip(times);
                    let good = good.filter_map(|(record, at)| {
                        let record = record.as_ref().ok()?;
                        Some((record, at.unwrap_or(record.time())))
                    });
                    self.state.look_ahead(&good.collect::<Vec<_>>(), &trust)
                }
            }
            .into_iter();
            let each = loaded.into_iter();
            each.map(|record| Ok((record?, ahead.next().unwrap_or_default())))
                .collect::<Vec<_>>()
        });
        done.into_iter().flatten().collect()
    }
}

pub(super) fn certificates(files: &dyn Files, suite: &Suite) -> Result<Vec<Certificate>, Error> {
    files
        .read_all("certs/")?
        .into_iter()
        .map(|(name, der)| {
            let certificate = Certificate::parse(&der)
                .map_err(|e| failed("V1", e.code(), format!("certs/{name}: {e}")))?;
            let fingerprint = certificate.fingerprint(suite.hash());
            if layout::certificate(&fingerprint) != format!("certs/{name}") {
                return Err(failed(
                    "V1",
                    "file.hash",
                    format!("certs/{name} does not have the hash in its name"),
                ));
            }
            Ok(certificate)
        })
        .collect()
}

/// The revocation lists of one folder, by the hash of their DER.
pub(super) fn crls(
    files: &dyn Files,
    suite: &Suite,
    folder: &str,
) -> Result<BTreeMap<Digest, RevocationList>, Error> {
    files
        .read_all(folder)?
        .into_iter()
        .map(|(name, der)| {
            let hash = suite.hash().digest(&der);
            if name != format!("{hash}.crl") {
                return Err(failed(
                    "V1",
                    "file.hash",
                    format!("{folder}{name} does not have the hash in its name"),
                ));
            }
            let list = RevocationList::parse(&der)
                .map_err(|e| failed("V3", e.code(), format!("{folder}{name}: {e}")))?;
            Ok((hash, list))
        })
        .collect()
}
