//! Whether a store still holds what its host acknowledged, without the host's keys.

use super::replayed;
use crate::store::Store;
use crate::{Error, Replay, decode_base64, layout};
use mifeng_crypto::{Digest, Suite};
use mifeng_envelope::SealedFile;
use mifeng_record::{Record, SignedRecord};
use mifeng_tender::Stage;
use std::collections::BTreeSet;

/// Files that are named by the hash of their content: prefix and end of their names.
const NAMED: [(&str, &str); 8] = [
    ("body/", ".json"),
    ("certs/", ".cer"),
    (layout::CRLS, ".crl"),
    (layout::CRLS_TAKEN, ".crl"),
    (layout::ANSWERS_TAKEN, ".ocsp"),
    ("docs/", ""),
    ("sig/", ".p7s"),
    ("tsr/", ".tsr"),
];

/// What was looked at in a store, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreCheck {
    /// The log's name.
    pub origin: String,
    /// Its algorithms.
    pub suite: &'static Suite,
    /// How far the tender is.
    pub stage: Stage,
    /// Entries under the head, each replayed.
    pub entries: u64,
    /// Records applied.
    pub records: u64,
    /// Sealed bids whose every byte was held against its seal.
    pub bids: u64,
    /// Other files whose content was held against their names.
    pub files: u64,
    /// Files that are not what they should be, and why.
    pub findings: Vec<(String, String)>,
}

/// Replays the log and reads every file that it stands for.
///
/// # Errors
/// [`Error::Failed`] and the others if the log itself does not replay; what is wrong with single files is no
/// error but a finding.
pub fn check_store(store: &dyn Store) -> Result<StoreCheck, Error> {
    let (head, _, replay) = replayed(store)?;
    let mut check = StoreCheck {
        origin: replay.state.origin().to_owned(),
        suite: replay.state.suite(),
        stage: replay.state.stage(),
        entries: head.size,
        records: replay.records.len() as u64,
        bids: 0,
        files: 0,
        findings: Vec::new(),
    };
    let awaited: BTreeSet<Digest> = super::commit_first::awaited(store)?.into_values().collect();
    for (id, bid) in replay.state.bids() {
        // Its body has not come, or never did.
        if awaited.contains(id) {
            continue;
        }
        check.bids += 1;
        let name = layout::seal(id);
        if let Err(why) = hold_bid(store, &name, &bid.seal) {
            check.findings.push((name, why));
        }
    }
    for hash in documents(&replay) {
        let name = layout::document(&hash);
        if list(store, &name)?.is_empty() {
            let missing = "it is missing, and a record names it".to_owned();
            check.findings.push((name, missing));
        }
    }
    let alg = replay.suite().hash();
    for (prefix, end) in NAMED {
        for (name, _) in list(store, prefix)? {
            let content = read(store, &name)?;
            check.files += 1;
            if name != format!("{prefix}{}{end}", alg.digest(&content)) {
                let found = format!("found content of {}", alg.digest(&content));
                check.findings.push((name, found));
            }
        }
    }
    for (name, _) in list(store, super::refused::REFUSED)? {
        check.files += 1;
        let held = super::refused::kept(&read(store, &name)?).and_then(|(body, sig)| {
            let signed = SignedRecord {
                body: decode_base64("refused record", &body)?,
                signature: decode_base64("refused record", &sig)?,
            };
            Record::verify(signed, replay.suite())
                .map(|record| record.commitment())
                .map_err(Error::from)
        });
        match held {
            Ok(id) if name.ends_with(&format!("{id}.json")) => {}
            Ok(id) => check.findings.push((name, format!("found record {id}"))),
            Err(e) => check.findings.push((name, e.to_string())),
        }
    }
    Ok(check)
}

/// Tender documents and contracts that records name; a notice may be published before its documents are handed in.
fn documents(replay: &Replay) -> Vec<Digest> {
    let Some((_, notice)) = replay.state.notice() else {
        return Vec::new();
    };
    let contracts = notice
        .lots
        .iter()
        .filter_map(|lot| replay.state.contract(&lot.id));
    let texts = contracts.map(|contract| contract.text);
    let documents = replay.state.documents().map(|document| document.hash);
    documents.chain(texts).collect()
}

fn list(store: &dyn Store, prefix: &str) -> Result<Vec<(String, u64)>, Error> {
    store.list(prefix).map_err(|e| Error::io(prefix, &e))
}

fn read(store: &dyn Store, name: &str) -> Result<Vec<u8>, Error> {
    let found = store.read(name).map_err(|e| Error::io(name, &e))?;
    found.ok_or_else(|| Error::malformed("store", format!("{name} is missing")))
}

pub(super) fn hold_bid(
    store: &dyn Store,
    name: &str,
    seal: &mifeng_envelope::VerifiedSeal,
) -> Result<(), String> {
    let mut file = store.open(name).map_err(|e| e.to_string())?;
    let sealed = SealedFile::read(&mut *file).map_err(|e| e.to_string())?;
    if !sealed.record().is_of(seal) {
        return Err("it holds another seal than the log".to_owned());
    }
    mifeng_envelope::check_body(&mut *file, seal).map_err(|e| e.to_string())
}
