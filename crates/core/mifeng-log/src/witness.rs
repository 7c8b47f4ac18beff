//! A witness: it cosigns a log's heads as long as each one extends the last it has seen.

use crate::cosign::seconds;
use crate::{
    Checkpoint, CosignVerifier, Error, Note, NoteVerifier, Signature, SignedCheckpoint, merkle,
    seen_note,
};
use mifeng_crypto::{Digest, HashAlg, PrivateKey, Time};
use serde::{Deserialize, Serialize};

/// What a witness remembers of one log. The caller stores it *before* it hands out the
/// cosignature made with it; a cosignature that storage forgot is how forks get two signatures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessState {
    origin: String,
    size: u64,
    root: Digest,
    time: Time,
}

impl WitnessState {
    /// The state before anything was seen of a log that hashes with `alg`.
    pub fn new(origin: &str, alg: HashAlg) -> Self {
        WitnessState {
            origin: origin.to_owned(),
            size: 0,
            root: merkle::empty_root(alg),
            time: Time::from_unix_seconds(0),
        }
    }

    /// The log's name.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The largest size seen: the old size of the proof that the next cosigning needs.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root at that size.
    pub fn root(&self) -> Digest {
        self.root
    }

    /// When it was last cosigned.
    pub fn time(&self) -> Time {
        self.time
    }

    /// The state after `checkpoint`, if it extends this one.
    ///
    /// # Errors
    /// [`Error::Origin`], [`Error::Rollback`], [`Error::Fork`], [`Error::ClockBack`], and those of
    /// [`merkle::verify_consistency`].
    pub fn advance(
        &self,
        alg: HashAlg,
        checkpoint: &Checkpoint,
        proof: &[Digest],
        now: Time,
    ) -> Result<WitnessState, Error> {
        if checkpoint.origin() != self.origin {
            return Err(Error::Origin {
                expected: self.origin.as_str().into(),
                found: checkpoint.origin().into(),
            });
        }
        if now < self.time {
            let back = self.time.as_unix_nanos() - now.as_unix_nanos();
            return Err(Error::ClockBack {
                back_ms: u64::try_from(back.div_euclid(1_000_000)).unwrap_or(u64::MAX),
            });
        }
        let (size, root) = (checkpoint.size(), checkpoint.root());
        if size < self.size {
            return Err(Error::Rollback {
                seen: self.size,
                offered: size,
            });
        }
        if size == self.size && root != self.root {
            return Err(Error::Fork { size });
        }
        merkle::verify_consistency(alg, self.size, self.root, size, root, proof)?;
        Ok(WitnessState {
            origin: self.origin.clone(),
            size,
            root,
            time: now,
        })
    }
}

/// A witness with its key in memory, which it borrows.
pub struct Witness<'a> {
    verifier: CosignVerifier,
    key: &'a PrivateKey,
}

impl<'a> Witness<'a> {
    /// Names a key (Ed25519 or SM2).
    ///
    /// # Errors
    /// As [`CosignVerifier::new`].
    pub fn new(name: &str, key: &'a PrivateKey) -> Result<Self, Error> {
        let verifier = CosignVerifier::new(name, key.public_key()?)?;
        Ok(Witness { verifier, key })
    }

    /// What verifies its cosignatures.
    pub fn verifier(&self) -> &CosignVerifier {
        &self.verifier
    }

    /// Cosigns a checkpoint that `log` signed and that extends `state`; `proof` is the
    /// consistency proof from `state.size()`. Returns the cosignature line and the new state,
    /// which must be stored before the line leaves.
    ///
    /// # Errors
    /// Those of [`SignedCheckpoint::verify`] and [`WitnessState::advance`].
    pub fn cosign(
        &self,
        state: &WitnessState,
        alg: HashAlg,
        log: &NoteVerifier,
        note: &[u8],
        proof: &[Digest],
        now: Time,
    ) -> Result<(Signature, WitnessState), Error> {
        let signed = SignedCheckpoint::verify(note, log)?;
        let next = state.advance(alg, signed.checkpoint(), proof, now)?;
        let message = CosignVerifier::message(signed.note().text(), now)?;
        let key = self.verifier.key();
        let signature = self.key.sign(&message)?;
        let bytes = [&seconds(now)?.to_be_bytes()[..], &signature].concat();
        Ok((Signature::by(key, bytes), next))
    }

    /// Says that it was shown the record with this commitment, for the log of this origin. The log's
    /// heads do not matter: it is for a host that does not answer.
    ///
    /// # Errors
    /// Those of [`seen_note`]; [`Error::Range`] for a time before 1970.
    pub fn see(&self, origin: &str, commitment: &Digest, now: Time) -> Result<Note, Error> {
        let mut note = seen_note(origin, commitment)?;
        let message = CosignVerifier::message(note.text(), now)?;
        let signature = self.key.sign(&message)?;
        note.add(self.verifier.attach(&note, now, &signature)?)?;
        Ok(note)
    }
}
