//! What a receipt gains later: a head over the record that witnesses cosigned, and time stamps of it.

use super::TenderKeys;
use crate::bundle::Files;
use crate::{Error, Replay, decode_base64, encode_base64};
use mifeng_crypto::{Digest, Time};
use mifeng_log::{Note, SignedCheckpoint, Verified, merkle};
use mifeng_pki::tsp;
use serde::{Deserialize, Serialize};

/// Two authorities are asked (PROTOCOL 4); four leave room for a renewal.
const STAMPS_MAX: usize = 4;
/// A consistency proof over 2^64 entries has no more hashes.
const PROOF_LEN_MAX: usize = 128;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Evidence {
    /// From the head in the proof to this one.
    consistency: Vec<Digest>,
    /// The cosigned head of the authoritative tree, a note.
    head: String,
    /// Base64 of time-stamp tokens over the head's text.
    stamps: Vec<String>,
}

/// What evidence proved: who saw a head over the record, and when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Witnessed {
    /// Entries under the cosigned head.
    pub size: u64,
    /// Witnesses that cosigned it, and when.
    pub cosigned: Vec<(String, Time)>,
    /// Time-stamping authorities that stamped it, and when.
    pub stamped: Vec<(String, Time)>,
}

impl Witnessed {
    /// The first instant at which others than the host had seen a head over the record.
    #[must_use]
    pub fn first(&self) -> Option<Time> {
        let all = self.cosigned.iter().chain(&self.stamped);
        all.map(|(_, time)| *time).min()
    }
}

impl Evidence {
    /// The best that a bundle has about a head of at least `size` entries: a quorum of witnesses,
    /// stamps if there are any, and the smallest such head.
    pub(super) fn gather(
        replay: &Replay,
        files: &dyn Files,
        keys: &TenderKeys,
        size: u64,
    ) -> Result<Self, Error> {
        let needed = keys.quorum().needed();
        let mut best: Option<(Vec<String>, &crate::Head)> = None;
        for head in &replay.heads {
            if head.size < size || head.cosigned.len() < needed.max(1) {
                continue;
            }
            let stamps = stamps_of(replay, files, &head.note)?;
            let better = best
                .as_ref()
                .is_none_or(|(other, _)| other.is_empty() && !stamps.is_empty());
            if better {
                best = Some((stamps, head));
            }
        }
        let (stamps, head) = best.ok_or_else(|| Error::Failed {
            check: "receipt",
            code: "log.quorum",
            detail: format!(
                "no head of {size} entries or more is cosigned by {needed} witnesses yet"
            ),
        })?;
        Ok(Evidence {
            consistency: replay.tree.tree().consistency_proof(size, head.size)?,
            head: head.note.to_text(),
            stamps,
        })
    }

    /// Checks it with public keys only.
    pub(super) fn verify(&self, keys: &TenderKeys, proved: &Verified) -> Result<Witnessed, Error> {
        if self.stamps.len() > STAMPS_MAX || self.consistency.len() > PROOF_LEN_MAX {
            return Err(Error::malformed(
                "receipt",
                "more time stamps or hashes than a receipt has",
            ));
        }
        let signed = SignedCheckpoint::verify(self.head.as_bytes(), keys.log())?;
        let head = signed.checkpoint();
        let alg = keys.suite().hash();
        merkle::verify_consistency(
            alg,
            proved.size(),
            proved.root(),
            head.size(),
            head.root(),
            &self.consistency,
        )?;
        let cosigned = keys.quorum().verify(signed.note())?;
        // As in a dossier: nobody's line may stand there that cannot be checked.
        if signed.note().signatures().len() != 1 + cosigned.len() {
            return Err(Error::Failed {
                check: "receipt",
                code: "log.bad-signature",
                detail: "the cosigned head has a line of an unknown key".to_owned(),
            });
        }
        let imprint = alg.digest(signed.note().text().as_bytes());
        let mut stamped = Vec::new();
        for token in &self.stamps {
            let token = decode_base64("time stamp", token)?;
            let anchors = keys.anchors();
            let stamp =
                tsp::verify_token(&token, &imprint, alg, &anchors, keys.crls(), keys.suite())?;
            stamped.push((stamp.authority.subject_name(), stamp.gen_time));
        }
        Ok(Witnessed {
            size: head.size(),
            cosigned,
            stamped,
        })
    }

    /// Size and root of the head, unchecked.
    pub(super) fn head(&self) -> Result<mifeng_log::Checkpoint, Error> {
        let note = Note::parse(self.head.as_bytes())?;
        Ok(mifeng_log::Checkpoint::parse(note.text())?)
    }
}

fn stamps_of(replay: &Replay, files: &dyn Files, head: &Note) -> Result<Vec<String>, Error> {
    let imprint = replay.suite().hash().digest(head.text().as_bytes());
    let mut found = Vec::new();
    for (_, token) in files.read_all("tsr/")? {
        let stamp = replay.state.verify_stamp(&token, &imprint, &replay.trust());
        if stamp.is_ok() && found.len() < STAMPS_MAX {
            found.push(encode_base64(&token));
        }
    }
    Ok(found)
}
