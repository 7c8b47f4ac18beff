//! Offline proofs that an entry is in a log, as text (C2SP tlog-proof).

use crate::checkpoint::{base64_digest, decimal};
use crate::note::NOTE_LEN_MAX;
use crate::{Error, Note, NoteVerifier, Quorum, SignedCheckpoint, merkle};
use base64::{Engine, engine::general_purpose::STANDARD};
use mifeng_crypto::{Digest, HashAlg, Time};

const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// No tree of 2^64 leaves has a longer path.
pub(crate) const PROOF_LEN_MAX: usize = 64;

/// Longest extra data; ours is an entry and a path of at most 16 hashes.
const EXTRA_LEN_MAX: usize = 16 * 1024;

/// Longest proof text: header, extra line, hashes and a note.
const TEXT_LEN_MAX: usize = NOTE_LEN_MAX + 2 * EXTRA_LEN_MAX + 64 * PROOF_LEN_MAX;

/// An inclusion proof with the checkpoint it leads to, not verified yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlogProof {
    /// What an application adds to find the entry; nothing vouches for it.
    pub extra: Option<Vec<u8>>,
    /// Index of the entry.
    pub index: u64,
    /// Inclusion proof, leaf's sibling first.
    pub proof: Vec<Digest>,
    /// The signed checkpoint.
    pub checkpoint: Note,
}

impl TlogProof {
    /// Reads the text form, and only what [`to_text`](Self::to_text) writes.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::TooLarge`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > TEXT_LEN_MAX {
            return Err(too_large(
                "length of the proof text",
                bytes.len(),
                TEXT_LEN_MAX,
            ));
        }
        let text = core::str::from_utf8(bytes).map_err(|_| wrong("not UTF-8"))?;
        let (head, checkpoint) = text
            .split_once("\n\n")
            .ok_or_else(|| wrong("no empty line"))?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(HEADER) {
            return Err(wrong("first line is not the header"));
        }
        let extra = match lines.peek().and_then(|line| line.strip_prefix("extra ")) {
            Some(data) => {
                lines.next();
                Some(
                    STANDARD
                        .decode(data)
                        .map_err(|_| wrong("extra data is not base64"))?,
                )
            }
            None => None,
        };
        let index = lines
            .next()
            .and_then(|line| decimal(line.strip_prefix("index ")?))
            .ok_or_else(|| wrong("no index line"))?;
        let mut proof = Vec::new();
        for line in lines {
            if proof.len() == PROOF_LEN_MAX {
                return Err(too_large(
                    "length of the inclusion proof",
                    PROOF_LEN_MAX + 1,
                    PROOF_LEN_MAX,
                ));
            }
            proof.push(base64_digest(line).ok_or_else(|| wrong("hash is not base64 of 32 bytes"))?);
        }
        let parsed = TlogProof {
            extra,
            index,
            proof,
            checkpoint: Note::parse(checkpoint.as_bytes())?,
        };
        if parsed.to_text() != text {
            return Err(wrong("not in canonical form"));
        }
        Ok(parsed)
    }

    /// The text form, stored as `*.tlog-proof`.
    pub fn to_text(&self) -> String {
        let mut out = format!("{HEADER}\n");
        if let Some(extra) = &self.extra {
            out += &format!("extra {}\n", STANDARD.encode(extra));
        }
        out += &format!("index {}\n", self.index);
        for hash in &self.proof {
            out += &STANDARD.encode(hash.as_bytes());
            out.push('\n');
        }
        out.push('\n');
        out + &self.checkpoint.to_text()
    }

    /// Checks that `entry` is in the log, whose checkpoint is signed and cosigned; tells by whom
    /// and when. `alg` is SHA-256 for tlog-proof proper, SM3 for the second tree of a `gm-1` log.
    ///
    /// # Errors
    /// Those of [`SignedCheckpoint::verify`], [`Quorum::verify`] and [`merkle::verify_inclusion`].
    pub fn verify(
        &self,
        alg: HashAlg,
        log: &NoteVerifier,
        quorum: &Quorum,
        entry: &[u8],
    ) -> Result<(SignedCheckpoint, Vec<(String, Time)>), Error> {
        let signed = SignedCheckpoint::verify(self.checkpoint.to_text().as_bytes(), log)?;
        let cosigned = quorum.verify(&self.checkpoint)?;
        let head = signed.checkpoint();
        let leaf = merkle::leaf_hash(alg, entry);
        merkle::verify_inclusion(alg, leaf, self.index, head.size(), &self.proof, head.root())?;
        Ok((signed, cosigned))
    }
}

pub(crate) fn too_large(what: &'static str, found: usize, max: usize) -> Error {
    Error::TooLarge {
        what,
        found: found as u64,
        max: max as u64,
    }
}

fn wrong(reason: &'static str) -> Error {
    Error::Malformed {
        what: "tlog-proof",
        reason,
    }
}
