//! Checkpoints (C2SP tlog-checkpoint): origin, size and root of a log, as text and signed.

use crate::vkey::check_name;
use crate::{Error, Note, NoteSigner, NoteVerifier};
use base64::{Engine, engine::general_purpose::STANDARD};
use mifeng_crypto::Digest;

/// The head of a log: what a checkpoint says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    size: u64,
    root: Digest,
}

impl Checkpoint {
    /// A head of the log named `origin`.
    ///
    /// # Errors
    /// [`Error::Malformed`] if the origin could not be a key name.
    pub fn new(origin: &str, size: u64, root: Digest) -> Result<Self, Error> {
        check_name(origin)?;
        Ok(Checkpoint {
            origin: origin.to_owned(),
            size,
            root,
        })
    }

    /// Reads a note text. Extension lines are refused: nobody could audit them.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut lines = text.split('\n');
        let (Some(origin), Some(size), Some(root), Some(""), None) = (
            lines.next(),
            lines.next(),
            lines.next(),
            lines.next(),
            lines.next(),
        ) else {
            return Err(wrong("expected exactly three lines"));
        };
        let size = decimal(size).ok_or_else(|| wrong("size is not a plain decimal number"))?;
        let root = base64_digest(root).ok_or_else(|| wrong("root is not base64 of 32 bytes"))?;
        Checkpoint::new(origin, size, root)
    }

    /// The log's name.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Entries in the log.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Root of the tree over them.
    pub fn root(&self) -> Digest {
        self.root
    }

    /// The note text.
    pub fn to_text(&self) -> String {
        let root = STANDARD.encode(self.root.as_bytes());
        format!("{}\n{}\n{root}\n", self.origin, self.size)
    }

    /// The note, not signed yet: for keys in tokens, see [`NoteVerifier::attach`].
    pub fn to_note(&self) -> Note {
        Note::new(&self.to_text()).expect("three short lines of checked text")
    }

    /// The note, signed.
    ///
    /// # Errors
    /// [`Error::Origin`] if the signer's name is not the origin, [`Error::Crypto`].
    pub fn sign(&self, signer: &NoteSigner<'_>) -> Result<Note, Error> {
        self.check_origin(signer.verifier().name())?;
        let mut note = self.to_note();
        signer.sign(&mut note)?;
        Ok(note)
    }

    fn check_origin(&self, expected: &str) -> Result<(), Error> {
        if self.origin != expected {
            return Err(Error::Origin {
                expected: expected.into(),
                found: self.origin.as_str().into(),
            });
        }
        Ok(())
    }
}

/// A checkpoint that its log's key has signed. There is no way to one but [`verify`](Self::verify).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    note: Note,
}

impl SignedCheckpoint {
    /// Reads a signed checkpoint and checks that the log named by `log` signed it.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::Origin`], [`Error::Unsigned`], [`Error::BadSignature`].
    pub fn verify(bytes: &[u8], log: &NoteVerifier) -> Result<Self, Error> {
        let note = Note::parse(bytes)?;
        log.verify(&note)?;
        let checkpoint = Checkpoint::parse(note.text())?;
        // A key may serve several logs; the name says which.
        checkpoint.check_origin(log.name())?;
        Ok(SignedCheckpoint { checkpoint, note })
    }

    /// What it says.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The note with all its signatures; cosignatures in it are not verified.
    pub fn note(&self) -> &Note {
        &self.note
    }
}

/// Decimal digits without a leading zero.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

/// Strict base64 of 32 bytes.
pub(crate) fn base64_digest(text: &str) -> Option<Digest> {
    let bytes = STANDARD.decode(text).ok()?;
    Some(Digest::from_bytes(bytes.try_into().ok()?))
}

fn wrong(reason: &'static str) -> Error {
    Error::Malformed {
        what: "checkpoint",
        reason,
    }
}
