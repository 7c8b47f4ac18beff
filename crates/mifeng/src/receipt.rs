//! The receipt: the host's signed proof that a record is in the log (spec/receipt.md).

mod evidence;
mod keys;

pub use evidence::Witnessed;
pub use keys::TenderKeys;

use crate::bundle::Files;
use crate::{Error, Replay, decode_base64, encode_base64, layout};
use evidence::Evidence;
use mifeng_crypto::{Digest, Suite, Time, jcs};
use mifeng_log::ReceiptProof;
use mifeng_pki::{Signer, cms};
use mifeng_record::SignedRecord;
use mifeng_tender::{BidLife, State};
use serde::{Deserialize, Serialize};

/// A receipt is a few kilobytes: proof, checkpoint, and one CMS.
const RECEIPT_LEN_MAX: usize = 1 << 20;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    v: u64,
    origin: String,
    /// Hashes of the record's body and signature.
    body: Digest,
    sig: Digest,
    /// The instant at which the last byte had arrived.
    received: Time,
    proof: String,
    /// The host had the whole sealed bid that the record brings. Said only where bodies may come after their records.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    whole: bool,
}

/// What the host says of a record beside the proof.
#[derive(Clone, Copy)]
pub(crate) struct Said {
    /// When its last byte had arrived.
    pub(crate) received: Time,
    /// Whether the sealed bid that it brings is there whole, where it may come later.
    pub(crate) whole: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    v: u64,
    receipt: String,
    sig: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    evidence: Option<Evidence>,
}

/// A receipt as it travels; nothing is checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    body: Vec<u8>,
    signature: Vec<u8>,
    evidence: Option<Evidence>,
}

/// What a verified receipt says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Received {
    /// The instant at which the last byte had arrived, by the host's clock.
    pub at: Time,
    /// Whether the host says that it had the whole sealed bid; said only where that may come after its record.
    pub whole: bool,
    /// Index of the log entry.
    pub index: u64,
    /// Entries under the head that the receipt carries.
    pub size: u64,
    /// What stands for the record in the log.
    pub commitment: Digest,
    /// Id of the seal that the record brings: its words are those that were told when it was sealed.
    pub seal: Option<Digest>,
    /// Who else had seen a head over it, if the receipt carries that.
    pub witnessed: Option<Witnessed>,
}

impl Received {
    /// What a kept promise says, in Chinese and in English.
    #[must_use]
    pub fn in_words(&self) -> (String, String) {
        let (at, index) = (self.at, self.index);
        let (end_zh, end_en) = self.end_in_words();
        (
            format!(
                "回执相符：{:.3}（北京时间）收到，日志第 {index} 条{end_zh}",
                at.in_china()
            ),
            format!("receipt holds: received {at}, log entry {index}{end_en}"),
        )
    }

    /// Whether the sealed bid is there whole, who else had seen the record and when: the end of a sentence in Chinese and
    /// in English.
    #[must_use]
    pub fn end_in_words(&self) -> (String, String) {
        let (whole_zh, whole_en) = match self.whole {
            true => ("，投标文件完整收到", ", its sealed bid there whole"),
            false => ("", ""),
        };
        let (seen_zh, seen_en) = self.witnessed_in_words();
        (
            format!("{whole_zh}{seen_zh}"),
            format!("{whole_en}{seen_en}"),
        )
    }

    fn witnessed_in_words(&self) -> (String, String) {
        let Some(seen) = &self.witnessed else {
            return (
                "；未附见证人共签".to_owned(),
                "; no cosignatures attached".to_owned(),
            );
        };
        let (size, witnesses, stamps) = (seen.size, seen.cosigned.len(), seen.stamped.len());
        let dash = || "-".to_owned();
        let first = seen.first();
        let first_zh = first.map_or_else(dash, |at| format!("{:.3}（北京时间）", at.in_china()));
        let first = first.map_or_else(dash, |time| time.to_string());
        (
            format!(
                "；{witnesses} 名见证人共签、{stamps} 个时间戳证明，最早于 {first_zh}（日志 {size} 条时）"
            ),
            format!(
                "; cosigned by {witnesses} witnesses, {stamps} time stamps, first at {first} (log of {size} entries)"
            ),
        )
    }
}

impl Receipt {
    pub(crate) fn issue(
        state: &State,
        record: &SignedRecord,
        proof: &ReceiptProof,
        said: Said,
        signer: &dyn Signer,
        now: Time,
    ) -> Result<Self, Error> {
        let alg = state.suite().hash();
        let body = jcs::to_vec(&Body {
            v: 1,
            origin: state.origin().to_owned(),
            body: record.body_digest(alg),
            sig: record.signature_digest(alg),
            received: said.received,
            proof: encode_base64(&proof.to_bytes()?),
            whole: said.whole,
        })?;
        let signature = cms::sign_detached(signer, &body, now, cms::Profile::of(state.suite()))?;
        Ok(Receipt {
            body,
            signature,
            evidence: None,
        })
    }

    /// Reads a receipt file.
    ///
    /// # Errors
    /// [`Error::Crypto`] or [`Error::Malformed`].
    pub fn from_file(bytes: &[u8]) -> Result<Self, Error> {
        let file: File = jcs::from_slice(bytes, RECEIPT_LEN_MAX)?;
        if file.v != 1 {
            return Err(Error::malformed(
                "receipt",
                format!("version {}, expected 1", file.v),
            ));
        }
        Ok(Receipt {
            body: decode_base64("receipt", &file.receipt)?,
            signature: decode_base64("sig", &file.sig)?,
            evidence: file.evidence,
        })
    }

    /// Writes a receipt file.
    ///
    /// # Errors
    /// [`Error::Crypto`] never in practice.
    pub fn to_file(&self) -> Result<Vec<u8>, Error> {
        Ok(jcs::to_vec(&File {
            v: 1,
            receipt: encode_base64(&self.body),
            sig: encode_base64(&self.signature),
            evidence: self.evidence.clone(),
        })?)
    }

    /// The commitment of the record that it names ([`SignedRecord::commitment`]); nothing is checked by that.
    ///
    /// # Errors
    /// [`Error::Crypto`] for a receipt that cannot be read.
    pub fn names(&self, suite: &Suite) -> Result<Digest, Error> {
        let body: Body = jcs::from_slice(&self.body, RECEIPT_LEN_MAX)?;
        Ok(mifeng_log::commitment(suite, &body.body, &body.sig))
    }

    /// The record that the receipt names, if the bundle holds it; nothing is checked.
    ///
    /// # Errors
    /// [`Error::Crypto`] for a receipt that cannot be read, [`Error::Unavailable`].
    pub fn record_in(&self, files: &dyn Files) -> Result<Option<SignedRecord>, Error> {
        let body: Body = jcs::from_slice(&self.body, RECEIPT_LEN_MAX)?;
        let (body, signature) = (layout::body(&body.body), layout::signature(&body.sig));
        let index = files.index();
        if !index.contains_key(&body) || !index.contains_key(&signature) {
            return Ok(None);
        }
        Ok(Some(SignedRecord {
            body: files.read(&body)?,
            signature: files.read(&signature)?,
        }))
    }

    /// What there is to say if [`Receipt::record_in`] finds none and the bidder gave none.
    #[must_use]
    pub fn record_missing() -> Error {
        Error::Failed {
            check: "receipt",
            code: "receipt.record-missing",
            detail: "the record that it is for is not in the bundle; give the record's file as \
                     well to prove the host's breach"
                .to_owned(),
        }
    }

    /// The same receipt with what a later bundle has to add: a head over the record that a quorum
    /// of witnesses cosigned, and time stamps of it. One file then proves all of it.
    ///
    /// # Errors
    /// [`Error::Failed`] with `log.quorum` while no such head is in the bundle, `receipt.breach` if
    /// the receipt's own head is not of that log.
    pub fn with_evidence(&self, later: &Replay, files: &dyn Files) -> Result<Self, Error> {
        let keys = TenderKeys::of(later)?;
        let head = self.own_head()?;
        of_this_log(later, &head)?;
        Ok(Receipt {
            evidence: Some(Evidence::gather(later, files, &keys, head.size())?),
            ..self.clone()
        })
    }

    fn proof(&self) -> Result<(Body, ReceiptProof), Error> {
        let body: Body = jcs::from_slice(&self.body, RECEIPT_LEN_MAX)?;
        let proof = ReceiptProof::parse(&decode_base64("proof", &body.proof)?)?;
        Ok((body, proof))
    }

    /// The head that the proof leads to, unchecked.
    fn own_head(&self) -> Result<mifeng_log::Checkpoint, Error> {
        let (_, proof) = self.proof()?;
        Ok(mifeng_log::Checkpoint::parse(proof.checkpoint.text())?)
    }

    /// Checks the host's signature, the proof, and that it is for `record`.
    ///
    /// `tender` is any bundle of the tender from its publication on: it names host and log keys.
    ///
    /// # Errors
    /// [`Error::Failed`] with code `receipt.*`, or that of the signature or proof.
    pub fn verify(&self, record: &SignedRecord, tender: &Replay) -> Result<Received, Error> {
        self.verify_with(record, &TenderKeys::of(tender)?)
    }

    /// The same with public keys only.
    ///
    /// # Errors
    /// As [`Receipt::verify`].
    pub fn verify_with(&self, record: &SignedRecord, keys: &TenderKeys) -> Result<Received, Error> {
        let suite = keys.suite();
        let alg = suite.hash();
        let no = |code, detail: String| Error::Failed {
            check: "receipt",
            code,
            detail,
        };
        let by = cms::verify_detached(&self.signature, &self.body, suite)?;
        if *keys.host() != by.certificate.fingerprint(alg) {
            return Err(no(
                "receipt.not-host",
                format!("signed by {}", by.certificate.subject_name()),
            ));
        }
        let (body, proof) = self.proof()?;
        if body.v != 1 || body.origin != keys.origin() {
            return Err(no(
                "receipt.other-log",
                format!("for the log {}", body.origin),
            ));
        }
        let (expected, found) = (
            (record.body_digest(alg), record.signature_digest(alg)),
            (body.body, body.sig),
        );
        if expected != found {
            return Err(no(
                "receipt.other-record",
                format!("for the record {}", body.body),
            ));
        }
        let commitment = record.commitment(suite);
        let none = mifeng_log::Quorum::none();
        let proved = proof.verify(suite, keys.log(), &none, &commitment)?;
        let evidence = self.evidence.as_ref();
        let witnessed = evidence
            .map(|given| given.verify(keys, &proved))
            .transpose()?;
        Ok(Received {
            at: body.received,
            whole: body.whole,
            index: proved.index(),
            size: proved.size(),
            commitment,
            seal: crate::bidder::seal_in(record, suite),
            witnessed,
        })
    }

    /// Checks a receipt against a later bundle: what it promises must be there, and the head it
    /// carries must be a head of that log. If not, the host broke its promise and the receipt is
    /// the proof.
    ///
    /// # Errors
    /// [`Error::Failed`] with code `receipt.breach`.
    pub fn hold_against(&self, record: &SignedRecord, later: &Replay) -> Result<Received, Error> {
        let received = self.verify(record, later)?;
        of_this_log(later, &self.own_head()?)?;
        if let Some(evidence) = &self.evidence {
            of_this_log(later, &evidence.head()?)?;
        }
        if !later
            .records
            .iter()
            .any(|r| r.commitment == received.commitment)
            && later.hidden_beats == 0
        {
            return Err(breach(
                "the record that the host acknowledged is missing".to_owned(),
            ));
        }
        let bid = received.seal.and_then(|seal| later.state.bids().get(&seal));
        if received.whole && bid.is_some_and(|bid| bid.life == BidLife::NoBody) {
            return Err(breach(
                "the host had the whole sealed bid, and says that its body never came".to_owned(),
            ));
        }
        Ok(received)
    }
}

fn breach(detail: String) -> Error {
    Error::Failed {
        check: "receipt",
        code: "receipt.breach",
        detail,
    }
}

/// A head that the host signed must be a head of its log.
fn of_this_log(later: &Replay, head: &mifeng_log::Checkpoint) -> Result<(), Error> {
    if later.tree.tree().root_at(head.size()).ok() == Some(head.root()) {
        return Ok(());
    }
    Err(breach(format!(
        "the host signed a head of {} entries that is not of this log",
        head.size()
    )))
}
