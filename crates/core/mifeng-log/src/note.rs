//! Signed notes (C2SP signed-note): text, an empty line, signature lines.

use crate::vkey::check_name;
use crate::{Error, SignatureType, VerifierKey};
use base64::{Engine, engine::general_purpose::STANDARD};
use core::fmt::Write as _;
use mifeng_crypto::{PrivateKey, PublicKey};

/// Largest note. Room for 16 post-quantum signatures of 5 kB each, which the specification asks
/// verifiers to accept, and a text.
pub const NOTE_LEN_MAX: usize = 128 * 1024;

/// Most signature lines; the specification asks for at least 16.
pub const SIGNATURES_MAX: usize = 32;

/// A text and signatures that nobody has verified yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

/// One signature line: who, which key, and the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    pub(crate) name: String,
    pub(crate) key_id: [u8; 4],
    pub(crate) bytes: Vec<u8>,
}

impl Signature {
    /// The key name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key id.
    pub fn key_id(&self) -> [u8; 4] {
        self.key_id
    }

    /// The signature after the key id.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn by(key: &VerifierKey, bytes: Vec<u8>) -> Self {
        Signature {
            name: key.name().to_owned(),
            key_id: key.id(),
            bytes,
        }
    }

    fn parse(line: &str) -> Result<Self, Error> {
        let (name, data) = line
            .strip_prefix("— ")
            .and_then(|rest| rest.split_once(' '))
            .ok_or_else(|| wrong("signature line has not the form \"— name base64\""))?;
        check_name(name)?;
        let data = STANDARD
            .decode(data)
            .map_err(|_| wrong("signature is not base64"))?;
        match data.split_first_chunk::<4>() {
            Some((key_id, bytes)) if !bytes.is_empty() => Ok(Signature {
                name: name.to_owned(),
                key_id: *key_id,
                bytes: bytes.to_vec(),
            }),
            _ => Err(wrong("signature is shorter than a key id and a byte")),
        }
    }
}

impl Note {
    /// A note that nobody has signed yet.
    ///
    /// # Errors
    /// [`Error::Malformed`] if the text is empty, does not end in a newline, or has control
    /// characters; [`Error::TooLarge`].
    pub fn new(text: &str) -> Result<Self, Error> {
        check_len(text.len())?;
        if !text.ends_with('\n') {
            return Err(wrong("text does not end in a newline"));
        }
        if text.chars().any(|c| c < ' ' && c != '\n') {
            return Err(wrong("text has a control character"));
        }
        Ok(Note {
            text: text.to_owned(),
            signatures: Vec::new(),
        })
    }

    /// Reads a signed note. Two signatures by one key are refused: a reader who takes the first
    /// and one who takes the last would disagree.
    ///
    /// # Errors
    /// [`Error::Malformed`] or [`Error::TooLarge`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        check_len(bytes.len())?;
        let all = core::str::from_utf8(bytes).map_err(|_| wrong("not UTF-8"))?;
        let split = all.rfind("\n\n").ok_or_else(|| wrong("no empty line"))?;
        let mut note = Note::new(&all[..=split])?;
        let lines = all[split + 2..]
            .strip_suffix('\n')
            .ok_or_else(|| wrong("last line has no newline"))?;
        for line in lines.split('\n') {
            note.add(Signature::parse(line)?)?;
        }
        // Each part was read strictly; this holds the whole to one encoding.
        if note.to_text().as_bytes() != bytes {
            return Err(wrong("not in canonical form"));
        }
        Ok(note)
    }

    /// Adds a signature line.
    ///
    /// # Errors
    /// [`Error::Malformed`] if this key has signed already, [`Error::TooLarge`].
    pub fn add(&mut self, signature: Signature) -> Result<(), Error> {
        if self.signatures.len() == SIGNATURES_MAX {
            return Err(Error::TooLarge {
                what: "number of signatures",
                found: SIGNATURES_MAX as u64 + 1,
                max: SIGNATURES_MAX as u64,
            });
        }
        let same = |s: &&Signature| s.name == signature.name && s.key_id == signature.key_id;
        if self.signatures.iter().any(|s| same(&s)) {
            return Err(wrong("two signatures by one key"));
        }
        self.signatures.push(signature);
        Ok(())
    }

    /// The text that is signed, with its final newline.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signature lines, in order.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// The note as it is stored and sent.
    pub fn to_text(&self) -> String {
        let mut out = format!("{}\n", self.text);
        for signature in &self.signatures {
            let data = [&signature.key_id[..], &signature.bytes].concat();
            // Writing to a `String` cannot fail.
            let _ = writeln!(out, "— {} {}", signature.name, STANDARD.encode(data));
        }
        out
    }

    /// The signature by this key, not verified.
    pub(crate) fn signature_of(&self, key: &VerifierKey) -> Result<&Signature, Error> {
        self.signatures
            .iter()
            .find(|s| s.name == key.name() && s.key_id == key.id())
            .ok_or_else(|| Error::Unsigned {
                name: key.name().into(),
            })
    }
}

/// Verifies the signatures of one log key over note texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteVerifier(VerifierKey);

impl NoteVerifier {
    /// The verifier for a log's key, by the signature type that fits the key.
    ///
    /// # Errors
    /// [`Error::Malformed`] for a bad name, [`Error::KeyType`].
    pub fn new(name: &str, key: PublicKey) -> Result<Self, Error> {
        let signature_type = SignatureType::for_log(key.key_alg())?;
        Ok(NoteVerifier(VerifierKey::new(name, signature_type, key)?))
    }

    /// Reads a vkey.
    ///
    /// # Errors
    /// [`Error::Malformed`]; [`Error::KeyType`] for a witness's key.
    pub fn parse(vkey: &str) -> Result<Self, Error> {
        NoteVerifier::try_from(vkey.parse::<VerifierKey>()?)
    }

    /// The named key.
    pub fn key(&self) -> &VerifierKey {
        &self.0
    }

    /// The key name: a log's origin.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// Checks that this key signed the note.
    ///
    /// # Errors
    /// [`Error::Unsigned`], [`Error::BadSignature`].
    pub fn verify(&self, note: &Note) -> Result<(), Error> {
        let signature = note.signature_of(&self.0)?;
        self.0.check(note.text.as_bytes(), &signature.bytes)
    }

    /// Attaches a signature over [`Note::text`] that was made elsewhere (a token, an HSM).
    ///
    /// # Errors
    /// [`Error::BadSignature`], [`Error::Malformed`] if the key signed already.
    pub fn attach(&self, note: &mut Note, signature: &[u8]) -> Result<(), Error> {
        self.0.check(note.text.as_bytes(), signature)?;
        note.add(Signature::by(&self.0, signature.to_vec()))
    }
}

impl TryFrom<VerifierKey> for NoteVerifier {
    type Error = Error;

    fn try_from(key: VerifierKey) -> Result<Self, Error> {
        if key.signature_type().is_cosignature() {
            return Err(Error::KeyType);
        }
        Ok(NoteVerifier(key))
    }
}

/// Signs notes with a key in memory, which it borrows.
pub struct NoteSigner<'a> {
    verifier: NoteVerifier,
    key: &'a PrivateKey,
}

impl<'a> NoteSigner<'a> {
    /// Names a key.
    ///
    /// # Errors
    /// As [`NoteVerifier::new`].
    pub fn new(name: &str, key: &'a PrivateKey) -> Result<Self, Error> {
        let verifier = NoteVerifier::new(name, key.public_key()?)?;
        Ok(NoteSigner { verifier, key })
    }

    /// What verifies its signatures.
    pub fn verifier(&self) -> &NoteVerifier {
        &self.verifier
    }

    /// Adds a signature to the note.
    ///
    /// # Errors
    /// [`Error::Crypto`] if signing fails, [`Error::Malformed`] if the key signed already.
    pub fn sign(&self, note: &mut Note) -> Result<(), Error> {
        let bytes = self.key.sign(note.text.as_bytes())?;
        note.add(Signature::by(&self.verifier.0, bytes))
    }
}

fn check_len(len: usize) -> Result<(), Error> {
    if len > NOTE_LEN_MAX {
        return Err(Error::TooLarge {
            what: "note length",
            found: len as u64,
            max: NOTE_LEN_MAX as u64,
        });
    }
    Ok(())
}

fn wrong(reason: &'static str) -> Error {
    Error::Malformed {
        what: "note",
        reason,
    }
}
