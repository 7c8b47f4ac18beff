//! The host's anchor log: its entries are the heads of the logs of tenders (`spec/anchor.md`).

use crate::note::NOTE_LEN_MAX;
use crate::tlog_proof::{PROOF_LEN_MAX, too_large};
use crate::{ENTRY_LEN_MAX, Error, Note, NoteVerifier, SignedCheckpoint, merkle, vkey};
use mifeng_crypto::{Digest, Suite, jcs};
use serde::{Deserialize, Serialize};

/// Longest origin that can be anchored: an entry has at most [`ENTRY_LEN_MAX`] bytes.
pub const ANCHORED_ORIGIN_MAX: usize = 128;
/// Longest proof: a note with its newlines escaped, and a path.
pub const ANCHOR_PROOF_LEN_MAX: usize = 2 * NOTE_LEN_MAX;

/// One entry: the head of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchored {
    origin: String,
    root: Digest,
    size: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AnchoredJson {
    origin: String,
    root: Digest,
    size: u64,
    v: u8,
}

impl Anchored {
    /// The head of `size` entries of the log with this origin; `root` is that of its authoritative tree.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::TooLarge`] if the origin is no name of a log, or too long to be anchored.
    pub fn new(origin: &str, size: u64, root: Digest) -> Result<Self, Error> {
        vkey::check_name(origin)?;
        if origin.len() > ANCHORED_ORIGIN_MAX {
            let what = "origin of an anchored log";
            return Err(too_large(what, origin.len(), ANCHORED_ORIGIN_MAX));
        }
        let origin = origin.to_owned();
        Ok(Anchored { origin, root, size })
    }

    /// The origin of the log.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Entries under the head.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Root of the log's authoritative tree.
    pub fn root(&self) -> Digest {
        self.root
    }

    /// Reads an entry, in its canonical form only.
    ///
    /// # Errors
    /// [`Error::Crypto`] if it is not canonical JSON of these members; as [`Anchored::new`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        Self::of(jcs::from_slice(bytes, ENTRY_LEN_MAX)?)
    }

    fn of(json: AnchoredJson) -> Result<Self, Error> {
        if json.v != 1 {
            return Err(wrong("version is not 1"));
        }
        Anchored::new(&json.origin, json.size, json.root)
    }

    fn json(&self) -> AnchoredJson {
        AnchoredJson {
            origin: self.origin.clone(),
            root: self.root,
            size: self.size,
            v: 1,
        }
    }

    /// The bytes that the log hashes.
    ///
    /// # Errors
    /// [`Error::Crypto`] if the size is above 2^53 − 1 or the origin is not ASCII.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        Ok(jcs::to_vec(&self.json())?)
    }
}

/// What proves that a head is in the anchor log; not verified yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnchorProof {
    /// The head.
    pub entry: Anchored,
    /// Index of the entry in the anchor log.
    pub index: u64,
    /// Inclusion proof in its authoritative tree.
    pub proof: Vec<Digest>,
    /// The signed, perhaps cosigned, head of that tree.
    pub checkpoint: Note,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProofJson {
    checkpoint: String,
    entry: AnchoredJson,
    index: u64,
    proof: Vec<Digest>,
    v: u8,
}

impl AnchorProof {
    /// Reads a proof, in its canonical form only.
    ///
    /// # Errors
    /// [`Error::Crypto`] if it is not canonical JSON of these members, [`Error::Malformed`], [`Error::TooLarge`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let json: ProofJson = jcs::from_slice(bytes, ANCHOR_PROOF_LEN_MAX)?;
        if json.v != 1 {
            return Err(wrong("version is not 1"));
        }
        if json.proof.len() > PROOF_LEN_MAX {
            let what = "length of a path";
            return Err(too_large(what, json.proof.len(), PROOF_LEN_MAX));
        }
        Ok(AnchorProof {
            entry: Anchored::of(json.entry)?,
            index: json.index,
            proof: json.proof,
            checkpoint: Note::parse(json.checkpoint.as_bytes())?,
        })
    }

    /// The canonical form.
    ///
    /// # Errors
    /// [`Error::Crypto`] if a number is above 2^53 − 1.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        Ok(jcs::to_vec(&ProofJson {
            checkpoint: self.checkpoint.to_text(),
            entry: self.entry.json(),
            index: self.index,
            proof: self.proof.clone(),
            v: 1,
        })?)
    }

    /// Checks that the entry is in the anchor log with this key, whose name is the origin of its authoritative tree,
    /// in a tender of this suite. Cosignatures are the caller's next question.
    ///
    /// # Errors
    /// Those of [`SignedCheckpoint::verify`] and [`merkle::verify_inclusion`].
    pub fn verify(&self, suite: &Suite, key: &NoteVerifier) -> Result<SignedCheckpoint, Error> {
        let head = SignedCheckpoint::verify(self.checkpoint.to_text().as_bytes(), key)?;
        let alg = suite.hash();
        let leaf = merkle::leaf_hash(alg, &self.entry.to_bytes()?);
        let (size, root) = (head.checkpoint().size(), head.checkpoint().root());
        merkle::verify_inclusion(alg, leaf, self.index, size, &self.proof, root)?;
        Ok(head)
    }
}

fn wrong(reason: &'static str) -> Error {
    let what = "anchored head";
    Error::Malformed { what, reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LogTree, NoteSigner};
    use mifeng_crypto::{GM, INTL, KeyAlg, PrivateKey, SeededEntropy};

    fn proofs(suite: &'static Suite, key: &PrivateKey) -> (NoteVerifier, Vec<AnchorProof>) {
        let mut tree = LogTree::new(suite, "host.example/anchor").expect("a name");
        let entries: Vec<Anchored> = (1..=7)
            .map(|size| {
                let root = suite.hash().digest(&[size]);
                Anchored::new("host.example/t/1", size.into(), root).expect("short")
            })
            .collect();
        for entry in &entries {
            tree.append(&entry.to_bytes().expect("ASCII"))
                .expect("short");
        }
        let checkpoint = tree.checkpoint();
        let signer = NoteSigner::new(checkpoint.origin(), key).expect("a log's key");
        let note = checkpoint.sign(&signer).expect("signed");
        let proof = |(index, entry): (u64, &Anchored)| AnchorProof {
            entry: entry.clone(),
            index,
            proof: tree.tree().inclusion_proof(index, 7).expect("there"),
            checkpoint: note.clone(),
        };
        let proofs = (0..).zip(&entries).map(proof).collect();
        (signer.verifier().clone(), proofs)
    }

    #[test]
    fn a_proof_holds_for_its_own_head_only() -> Result<(), Error> {
        for (suite, alg) in [(&INTL, KeyAlg::Ed25519), (&GM, KeyAlg::Sm2)] {
            let rng = &mut SeededEntropy::new(b"anchor");
            let (key, other) = (
                PrivateKey::generate(alg, rng)?,
                PrivateKey::generate(alg, rng)?,
            );
            let (verifier, proofs) = proofs(suite, &key);
            let (stranger, _) = self::proofs(suite, &other);
            for proof in &proofs {
                let again = AnchorProof::parse(&proof.to_bytes()?)?;
                assert_eq!(again, *proof);
                assert_eq!(again.verify(suite, &verifier)?.checkpoint().size(), 7);
                assert!(again.verify(suite, &stranger).is_err());
                let changes: [fn(&mut AnchorProof); 5] = [
                    |p| p.index ^= 1,
                    |p| p.entry.size += 1,
                    |p| p.entry.origin.push('x'),
                    |p| p.entry.root = Digest::default(),
                    |p| p.proof.truncate(1),
                ];
                for change in changes {
                    let mut changed = proof.clone();
                    change(&mut changed);
                    assert!(changed.verify(suite, &verifier).is_err());
                }
            }
        }
        Ok(())
    }

    #[test]
    fn the_longest_entry_fits() -> Result<(), Error> {
        let origin = "o".repeat(ANCHORED_ORIGIN_MAX);
        let entry = Anchored::new(&origin, (1 << 53) - 1, Digest::default())?;
        let bytes = entry.to_bytes()?;
        assert!(bytes.len() <= ENTRY_LEN_MAX, "{}", bytes.len());
        assert_eq!(Anchored::parse(&bytes)?, entry);
        assert!(Anchored::new(&"o".repeat(ANCHORED_ORIGIN_MAX + 1), 1, Digest::default()).is_err());
        // No entry of a tender's log, and the other way round.
        assert!(crate::Entry::parse(&bytes).is_err());
        let record = crate::Entry::record(Digest::default(), Digest::default());
        assert!(Anchored::parse(&record.to_bytes()).is_err());
        Ok(())
    }
}
