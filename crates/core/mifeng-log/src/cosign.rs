//! Cosignatures (C2SP tlog-cosignature, cosignature/v1, and its SM2 twin) and quorums of them.

use crate::{Error, Note, Signature, SignatureType, VerifierKey};
use mifeng_crypto::{PublicKey, Time};

/// Verifies the cosignatures of one witness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CosignVerifier(VerifierKey);

impl CosignVerifier {
    /// The verifier for a witness's key (Ed25519 or SM2).
    ///
    /// # Errors
    /// [`Error::Malformed`] for a bad name, [`Error::KeyType`].
    pub fn new(name: &str, key: PublicKey) -> Result<Self, Error> {
        let signature_type = SignatureType::for_witness(key.key_alg())?;
        Ok(CosignVerifier(VerifierKey::new(name, signature_type, key)?))
    }

    /// Reads a vkey.
    ///
    /// # Errors
    /// [`Error::Malformed`]; [`Error::KeyType`] for a log's key.
    pub fn parse(vkey: &str) -> Result<Self, Error> {
        CosignVerifier::try_from(vkey.parse::<VerifierKey>()?)
    }

    /// The named key.
    pub fn key(&self) -> &VerifierKey {
        &self.0
    }

    /// The witness's name.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// Checks that this witness cosigned the note, and tells when.
    ///
    /// # Errors
    /// [`Error::Unsigned`], [`Error::BadSignature`], [`Error::Malformed`].
    pub fn verify(&self, note: &Note) -> Result<Time, Error> {
        self.check(note.text(), note.signature_of(&self.0)?)
    }

    /// Attaches a signature over [`message`](Self::message) that was made elsewhere (a token).
    ///
    /// # Errors
    /// [`Error::BadSignature`]; [`Error::Range`] for a time before 1970.
    pub fn attach(&self, note: &Note, time: Time, signature: &[u8]) -> Result<Signature, Error> {
        let seconds = seconds(time)?;
        let bytes = [&seconds.to_be_bytes()[..], signature].concat();
        let cosignature = Signature::by(&self.0, bytes);
        self.check(note.text(), &cosignature)?;
        Ok(cosignature)
    }

    /// What a witness signs for a checkpoint's text at a time (whole seconds, rounded down).
    ///
    /// # Errors
    /// [`Error::Range`] for a time before 1970.
    pub fn message(text: &str, time: Time) -> Result<Vec<u8>, Error> {
        let seconds = seconds(time)?;
        Ok(format!("cosignature/v1\ntime {seconds}\n{text}").into_bytes())
    }

    fn check(&self, text: &str, signature: &Signature) -> Result<Time, Error> {
        let wrong = |reason| Error::Malformed {
            what: "cosignature",
            reason,
        };
        let (time, bytes) = signature
            .bytes()
            .split_first_chunk::<8>()
            .ok_or_else(|| wrong("shorter than a time"))?;
        let seconds = i64::try_from(u64::from_be_bytes(*time))
            .map_err(|_| wrong("time is beyond 2^63 - 1"))?;
        let time = Time::from_unix_seconds(seconds);
        self.0.check(&CosignVerifier::message(text, time)?, bytes)?;
        Ok(time)
    }
}

impl TryFrom<VerifierKey> for CosignVerifier {
    type Error = Error;

    fn try_from(key: VerifierKey) -> Result<Self, Error> {
        if !key.signature_type().is_cosignature() {
            return Err(Error::KeyType);
        }
        Ok(CosignVerifier(key))
    }
}

/// The witnesses a reader trusts, and how many of them must have cosigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quorum {
    witnesses: Vec<CosignVerifier>,
    needed: usize,
}

impl Quorum {
    /// `needed` of `witnesses`.
    ///
    /// # Errors
    /// [`Error::Malformed`] if one name or one key stands there twice;
    /// [`Error::Quorum`] if there are fewer witnesses than needed.
    pub fn new(witnesses: Vec<CosignVerifier>, needed: usize) -> Result<Self, Error> {
        for (n, witness) in witnesses.iter().enumerate() {
            let same = |other: &CosignVerifier| {
                other.name() == witness.name() || other.key().key() == witness.key().key()
            };
            if witnesses[..n].iter().any(same) {
                return Err(Error::Malformed {
                    what: "quorum",
                    reason: "one witness stands in it twice",
                });
            }
        }
        if witnesses.len() < needed {
            return Err(Error::Quorum {
                found: witnesses.len(),
                needed,
            });
        }
        Ok(Quorum { witnesses, needed })
    }

    /// Nobody: trust in the log's own signature alone.
    pub fn none() -> Self {
        Quorum {
            witnesses: Vec::new(),
            needed: 0,
        }
    }

    /// How many must have cosigned.
    pub fn needed(&self) -> usize {
        self.needed
    }

    /// The witnesses.
    pub fn witnesses(&self) -> &[CosignVerifier] {
        &self.witnesses
    }

    /// Who cosigned the note and when, in the order of the witnesses. Lines of unknown witnesses
    /// are ignored; a false line of a known one is an error.
    ///
    /// # Errors
    /// [`Error::Quorum`], [`Error::BadSignature`], [`Error::Malformed`].
    pub fn verify(&self, note: &Note) -> Result<Vec<(String, Time)>, Error> {
        let mut cosigned = Vec::new();
        for witness in &self.witnesses {
            match witness.verify(note) {
                Ok(time) => cosigned.push((witness.name().to_owned(), time)),
                Err(Error::Unsigned { .. }) => {}
                Err(e) => return Err(e),
            }
        }
        if cosigned.len() < self.needed {
            return Err(Error::Quorum {
                found: cosigned.len(),
                needed: self.needed,
            });
        }
        Ok(cosigned)
    }
}

pub(crate) fn seconds(time: Time) -> Result<u64, Error> {
    u64::try_from(time.as_unix_seconds()).map_err(|_| Error::Range {
        what: "seconds before 1970",
        found: time.as_unix_seconds().unsigned_abs(),
        limit: 0,
    })
}
