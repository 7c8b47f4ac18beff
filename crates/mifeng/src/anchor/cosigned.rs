//! Witnesses of tenders' boards under heads of the anchor log: what they put there, and what it is worth to a tender.

use super::{AnchorLog, Anchors, failed};
use crate::bundle::Files;
use crate::journal;
use crate::replay::Replay;
use crate::store::Store;
use crate::trustee::cosign_head;
use crate::{Error, layout};
use mifeng_crypto::{PrivateKey, Time};
use mifeng_log::{
    AnchorProof, Checkpoint, CosignVerifier, Note, NoteVerifier, Signature, SignedCheckpoint,
    VerifierKey, Witness, WitnessState,
};

/// Who cosigned a head of the anchor log, of the witnesses that one tender knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnchorWitnessed {
    /// Entries of the anchor log under the head.
    pub size: u64,
    /// Witnesses, and when each cosigned.
    pub cosigned: Vec<(String, Time)>,
}

/// Those whose lines under a head of the anchor log mean something to one tender: witnesses of its board's present and
/// former members.
#[derive(Clone, Debug, Default)]
pub struct AnchorWitnesses(Vec<CosignVerifier>);

impl AnchorWitnesses {
    /// Those of this tender.
    ///
    /// # Errors
    /// [`Error::Log`] if the board's records name no proper keys.
    pub fn of(tender: &Replay) -> Result<Self, Error> {
        Ok(AnchorWitnesses(witnesses(tender)?))
    }

    /// How many of them stand under a note that somebody sent, which must be a head that the log with this verifier key
    /// signed: before the log itself is opened.
    ///
    /// # Errors
    /// [`Error::Log`] if it is none, or for a line of one of them that does not hold; [`Error::Malformed`] if none of
    /// them stands under it.
    pub fn under(&self, sent: &[u8], key: &str) -> Result<usize, Error> {
        let head = SignedCheckpoint::verify(sent, &NoteVerifier::parse(key)?)?;
        self.lines_in(head.note())
    }

    /// How many of them stand under the same head in a copy of the log, if those who stand under what was sent are among
    /// them. Other lines say nothing, and another line of the same witness says nothing new.
    ///
    /// # Errors
    /// As [`under`](AnchorWitnesses::under); [`Error::Unavailable`].
    pub fn known_in(&self, sent: &[u8], copy: &dyn Files) -> Result<Option<usize>, Error> {
        let sent = Note::parse(sent)?;
        let name = layout::head(Checkpoint::parse(sent.text())?.size());
        if !copy.index().contains_key(&name) {
            return Ok(None);
        }
        let known = Note::parse(&copy.read(&name)?)?;
        let is_known = |witness: &CosignVerifier| {
            let key = witness.key();
            let own = |s: &Signature| s.name() == key.name() && s.key_id() == key.id();
            !sent.signatures().iter().any(own) || known.signatures().iter().any(own)
        };
        let all = sent.text() == known.text() && self.0.iter().all(is_known);
        all.then(|| self.lines_in(&known)).transpose()
    }

    /// Whether a line under this text holds, if it says that it is of one of them.
    pub(super) fn judge(&self, text: &str, line: &Signature) -> Option<bool> {
        let is_of = |witness: &&CosignVerifier| {
            witness.key().name() == line.name() && witness.key().id() == line.key_id()
        };
        let witness = self.0.iter().find(is_of)?;
        let alone = Note::new(text).and_then(|mut note| {
            note.add(line.clone())?;
            witness.verify(&note)
        });
        Some(alone.is_ok())
    }

    fn lines_in(&self, note: &Note) -> Result<usize, Error> {
        match lines(note, &self.0)?.len() {
            0 => {
                let detail = "no line of a witness of this tender's board";
                Err(Error::malformed("cosigned head", detail))
            }
            count => Ok(count),
        }
    }
}

impl<S: Store> AnchorLog<S> {
    /// Takes in a head of this log that witnesses of this tender's board cosigned, for the tender's proof and for every
    /// copy of the log. How many of them stand under it now.
    ///
    /// # Errors
    /// [`Error::Malformed`] if it is no head of this log, or has no line of such a witness; [`Error::Log`] for a line
    /// that does not hold; [`Error::Unavailable`].
    pub fn add_cosignature(&mut self, sent: &[u8], tender: &Replay) -> Result<usize, Error> {
        let (count, _) = self.add_cosignature_of(sent, &AnchorWitnesses::of(tender)?)?;
        Ok(count)
    }

    /// The same, where the witnesses are at hand; also whether a line was new.
    ///
    /// # Errors
    /// As [`add_cosignature`](AnchorLog::add_cosignature).
    pub fn add_cosignature_of(
        &mut self,
        sent: &[u8],
        witnesses: &AnchorWitnesses,
    ) -> Result<(usize, bool), Error> {
        self.require_sound()?;
        let AnchorWitnesses(known) = witnesses;
        let taken = journal::cosigned(&self.store, &self.key, &self.known.tree, known, sent)?;
        let count = witnesses.lines_in(&taken.note)?;
        if taken.is_new {
            let text = taken.note.to_text();
            let put = self.store.write(&taken.name, &mut text.as_bytes());
            self.failed = put.is_err();
            put.map_err(|e| Error::io(&*taken.name, &e))?;
            self.known.keep(taken.name, text);
        }
        Ok((count, taken.is_new))
    }

    /// [`proof`](AnchorLog::proof) for a tender's dossier: under the head that most witnesses of its board cosigned, the
    /// earliest of these; under the last head if none did.
    ///
    /// # Errors
    /// As [`proof`](AnchorLog::proof).
    pub fn proof_for(&self, tender: &Replay) -> Result<AnchorProof, Error> {
        self.proof_of(tender.state.origin(), &AnchorWitnesses::of(tender)?)
    }

    /// The same for the tender with this origin and these witnesses.
    ///
    /// # Errors
    /// As [`proof`](AnchorLog::proof).
    pub fn proof_of(
        &self,
        origin: &str,
        witnesses: &AnchorWitnesses,
    ) -> Result<AnchorProof, Error> {
        let mut proof = self.proof(origin)?;
        let mut heads = Vec::new();
        // A head of so many entries has the entry under it.
        for note in self.known.cosigned_over(&self.store, proof.index)? {
            let note = Note::parse(&note)?;
            let size = Checkpoint::parse(note.text())?.size();
            heads.push((size, note));
        }
        let AnchorWitnesses(witnesses) = witnesses;
        let heads = heads.iter().map(|(size, note)| (*size, note));
        if let Some((best, note)) = best(heads, proof.index, |note| lines(note, witnesses))? {
            proof.proof = self
                .known
                .tree
                .tree()
                .inclusion_proof(proof.index, best.size)?;
            // Witnesses of other tenders mean nothing to this one.
            proof.checkpoint = Note::new(note.text())?;
            let own = NoteVerifier::parse(&self.key()?)?;
            let keys = witnesses.iter().map(CosignVerifier::key);
            let known: Vec<_> = keys.chain([own.key()]).collect();
            for line in note.signatures() {
                let by =
                    |key: &&VerifierKey| key.name() == line.name() && key.id() == line.key_id();
                if known.iter().any(by) {
                    proof.checkpoint.add(line.clone())?;
                }
            }
        }
        Ok(proof)
    }
}

impl Anchors {
    /// Cosigns the head as the witness with this name and key, after checking that it extends what this witness saw
    /// before. Store the new state before the note leaves.
    ///
    /// # Errors
    /// [`Error::Log`] for a fork, a rollback or a clock that went back.
    pub fn cosign(
        &self,
        name: &str,
        key: &PrivateKey,
        seen: &WitnessState,
        now: Time,
    ) -> Result<(Note, WitnessState), Error> {
        let witness = Witness::new(name, key)?;
        cosign_head(
            (self.tree.tree(), &self.head),
            &self.key,
            &witness,
            seen,
            now,
        )
    }

    /// What a witness of this log has seen that saw nothing yet.
    pub fn unseen(&self) -> WitnessState {
        WitnessState::new(self.head.checkpoint().origin(), self.tree.suite().hash())
    }

    /// The witnesses of this tender's board under its last anchored head: where most of them stand, and first did. A line
    /// that does not hold counts as none: whoever showed a head once can have put it there.
    ///
    /// # Errors
    /// [`Error::Failed`] if the board's records name no proper keys.
    pub fn witnessed(&self, tender: &Replay) -> Result<Option<AnchorWitnessed>, Error> {
        let origin = tender.state.origin();
        let Some(place) = self.heads.iter().rposition(|head| head.origin() == origin) else {
            return Ok(None);
        };
        let last = [&self.head];
        let heads = self.cosigned.iter().chain(last);
        let heads = heads.map(|head| (head.checkpoint().size(), head.note()));
        let witnesses = witnesses(tender)?;
        let found = best(heads, place as u64, |note| Ok(holding(note, &witnesses)));
        let found = found.map_err(|e| failed(e.code(), e.to_string()))?;
        Ok(found.map(|(best, _)| best))
    }
}

/// Witnesses of the board's present and former members.
fn witnesses(tender: &Replay) -> Result<Vec<CosignVerifier>, mifeng_log::Error> {
    let members = tender.state.members();
    let present = members.values().map(|(_, member)| member.witness.as_str());
    let all = present.chain(tender.state.past_witnesses());
    all.map(CosignVerifier::parse).collect()
}

/// Which of these witnesses cosigned a note, and when.
///
/// # Errors
/// What is wrong with a line of one of them.
fn lines(
    note: &Note,
    witnesses: &[CosignVerifier],
) -> Result<Vec<(String, Time)>, mifeng_log::Error> {
    let mut found = Vec::new();
    for witness in witnesses {
        match witness.verify(note) {
            Ok(at) => found.push((witness.name().to_owned(), at)),
            Err(mifeng_log::Error::Unsigned { .. }) => {}
            Err(e) => return Err(e),
        }
    }
    Ok(found)
}

/// Which of these witnesses' lines under a note hold.
fn holding(note: &Note, witnesses: &[CosignVerifier]) -> Vec<(String, Time)> {
    let held = |witness: &CosignVerifier| {
        let at = witness.verify(note).ok()?;
        Some((witness.name().to_owned(), at))
    };
    witnesses.iter().filter_map(held).collect()
}

/// How many lines of a note are of witnesses that a tender knows.
pub(super) fn known(tender: &Replay, note: &Note) -> Result<usize, mifeng_log::Error> {
    Ok(lines(note, &witnesses(tender)?)?.len())
}

/// Of the heads over entry `index` the one that most witnesses cosigned, as `lines` tells them; the smallest of these.
fn best<'n>(
    heads: impl Iterator<Item = (u64, &'n Note)>,
    index: u64,
    lines: impl Fn(&Note) -> Result<Vec<(String, Time)>, mifeng_log::Error>,
) -> Result<Option<(AnchorWitnessed, &'n Note)>, mifeng_log::Error> {
    let mut best: Option<(AnchorWitnessed, &Note)> = None;
    for (size, note) in heads.filter(|(size, _)| *size > index) {
        let cosigned = lines(note)?;
        let least = best.as_ref().map_or(0, |(best, _)| best.cosigned.len());
        if cosigned.len() > least {
            best = Some((AnchorWitnessed { size, cosigned }, note));
        }
    }
    Ok(best)
}
