//! Receipts: the proof that a record is in the log, for the one who sent it.

use crate::entry::{EntryJson, commitment as record_commitment};
use crate::note::NOTE_LEN_MAX;
use crate::tlog_proof::{PROOF_LEN_MAX, too_large};
use crate::{Entry, Error, Note, NoteVerifier, Quorum, TlogProof, verify_batch_path};
use mifeng_crypto::{Digest, Suite, Time, jcs};
use serde::{Deserialize, Serialize};

/// Longest receipt: a note with its newlines escaped, and two paths.
pub const RECEIPT_LEN_MAX: usize = 2 * NOTE_LEN_MAX;

/// Where a record stands in its batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchPlace {
    /// The path to the batch root, leaf's sibling first: one hash for each level.
    pub path: Vec<Digest>,
    /// Number of the leaf, from 0.
    pub position: u64,
}

/// Everything that proves a record's place in the log, not verified yet. The record itself, and
/// the host's signature over the receipt, belong to the layer above.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptProof {
    /// The log entry: of the record's beat, or of the record itself.
    pub entry: Entry,
    /// Index of the entry in the log.
    pub index: u64,
    /// Place in the beat's batch; none for a record logged by itself.
    pub batch: Option<BatchPlace>,
    /// Inclusion proof of the entry in the authoritative tree.
    pub proof: Vec<Digest>,
    /// The signed and cosigned checkpoint of that tree.
    pub checkpoint: Note,
}

/// What a receipt proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    index: u64,
    size: u64,
    root: Digest,
    cosigned: Vec<(String, Time)>,
}

impl Verified {
    /// Index of the record's entry in the log.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Size of the log it is in.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Root of the log at that size.
    pub fn root(&self) -> Digest {
        self.root
    }

    /// Which witnesses of the quorum cosigned that head, and when.
    pub fn cosigned(&self) -> &[(String, Time)] {
        &self.cosigned
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReceiptJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    batch: Option<BatchPlace>,
    checkpoint: String,
    entry: EntryJson,
    index: u64,
    proof: Vec<Digest>,
    v: u8,
}

/// What a tlog-proof carries beside the entry's index: enough to find record and entry.
#[derive(Serialize)]
struct ExtraJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    batch: &'a Option<BatchPlace>,
    entry: EntryJson,
}

impl ReceiptProof {
    /// Reads a receipt, in its canonical form only.
    ///
    /// # Errors
    /// [`Error::Crypto`] if it is not canonical JSON of these members, [`Error::Malformed`],
    /// [`Error::TooLarge`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let json: ReceiptJson = jcs::from_slice(bytes, RECEIPT_LEN_MAX)?;
        if json.v != 1 {
            return Err(wrong("version is not 1"));
        }
        let path_len = json.batch.as_ref().map_or(0, |batch| batch.path.len());
        let longest = path_len.max(json.proof.len());
        if longest > PROOF_LEN_MAX {
            return Err(too_large("length of a path", longest, PROOF_LEN_MAX));
        }
        let receipt = ReceiptProof {
            entry: Entry::try_from(json.entry)?,
            index: json.index,
            batch: json.batch,
            proof: json.proof,
            checkpoint: Note::parse(json.checkpoint.as_bytes())?,
        };
        if receipt.to_bytes()? != bytes {
            return Err(wrong("not in canonical form"));
        }
        Ok(receipt)
    }

    /// The canonical form.
    ///
    /// # Errors
    /// [`Error::Crypto`] if a number is above 2^53 − 1.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        Ok(jcs::to_vec(&ReceiptJson {
            batch: self.batch.clone(),
            checkpoint: self.checkpoint.to_text(),
            entry: self.entry.into(),
            index: self.index,
            proof: self.proof.clone(),
            v: 1,
        })?)
    }

    /// Checks that the record with this commitment is in the log: at its place in the batch, the
    /// batch in the log, the log's head signed by `log` (whose name is the authoritative origin)
    /// and cosigned by the quorum.
    ///
    /// # Errors
    /// [`Error::WrongRecord`], [`Error::EntryForm`], and those of [`verify_batch_path`] and
    /// [`TlogProof::verify`].
    pub fn verify(
        &self,
        suite: &Suite,
        log: &NoteVerifier,
        quorum: &Quorum,
        commitment: &Digest,
    ) -> Result<Verified, Error> {
        match (self.entry, &self.batch) {
            (Entry::Batch { root, depth }, Some(batch)) => {
                verify_batch_path(suite, commitment, batch.position, depth, &batch.path, root)?
            }
            (Entry::Record { body, sig }, None) => {
                if record_commitment(suite, &body, &sig) != *commitment {
                    return Err(Error::WrongRecord);
                }
            }
            (entry, batch) => {
                return Err(Error::EntryForm {
                    expected: if batch.is_some() { "batch" } else { "record" },
                    found: entry.form(),
                });
            }
        }
        let (signed, cosigned) =
            self.outer(None)
                .verify(suite.hash(), log, quorum, &self.entry.to_bytes())?;
        Ok(Verified {
            index: self.index,
            size: signed.checkpoint().size(),
            root: signed.checkpoint().root(),
            cosigned,
        })
    }

    /// The proof that the entry is in the log, for outside tools; entry and place in the batch
    /// are its extra data.
    ///
    /// # Errors
    /// [`Error::Crypto`] if a number is above 2^53 − 1.
    pub fn to_tlog_proof(&self) -> Result<TlogProof, Error> {
        let extra = jcs::to_vec(&ExtraJson {
            batch: &self.batch,
            entry: self.entry.into(),
        })?;
        Ok(self.outer(Some(extra)))
    }

    fn outer(&self, extra: Option<Vec<u8>>) -> TlogProof {
        TlogProof {
            extra,
            index: self.index,
            proof: self.proof.clone(),
            checkpoint: self.checkpoint.clone(),
        }
    }
}

fn wrong(reason: &'static str) -> Error {
    Error::Malformed {
        what: "receipt",
        reason,
    }
}
